"""A clip becomes a picture for the networks: (time, frequency), float32.

The arithmetic is librosa's (``melspectrogram`` with its defaults, ``power_to_db``) on the frames
that are kept, a block of frames at a time so that the work stays in the processor's cache.
"""

from dataclasses import dataclass
from functools import lru_cache
from os import PathLike

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

from prcnn import audio

# Powers below this are silence to librosa's power_to_db (its `amin`).
SILENCE = 1e-10
# The longest stretch that is "a clip". FMA's are 30 s and a few samples; of a whole song no more
# than this is read, so that time and memory per track are bounded.
CLIP_SECONDS = 31.0
_BLOCK = 32
_LOG_STEP = 27 / np.log(6.4)  # mels a factor of e, above 1 kHz


@dataclass(frozen=True)
class Settings:
    """How a clip becomes a spectrogram.

    Attributes
    ----------
    name : str
        Word that names the settings in store folders and messages.
    sr : int
        Sampling rate in Hz.
    n_fft : int
        Samples in a window (Hann).
    hop_length : int
        Samples from one frame to the next.
    n_mels : int or None
        Mel bands; None keeps the n_fft // 2 + 1 bins of the plain STFT.
    n_frames : int
        Frames kept, from `offset` on.
    reference : {"frames", "clip"}
        What 0 dB is: the loudest value among the frames kept, or in the whole clip.
    unit : {"decibel", "ln"}
        10·log10, or the natural logarithm, of the power ratio.
    top_db : float
        Everything this far below the reference is the floor.
    offset : float
        Seconds of the clip to skip.

    Chapter: book/log_mel.ipynb
    """

    name: str
    sr: int = 22050
    n_fft: int = 2048
    hop_length: int = 512
    n_mels: int | None = 128
    n_frames: int = 640
    reference: str = "frames"
    unit: str = "decibel"
    top_db: float = 80.0
    offset: float = 0.0

    def __post_init__(self):
        if self.reference not in ("frames", "clip"):
            raise ValueError(f"reference is 'frames' or 'clip', not {self.reference!r}.")
        if self.unit not in ("decibel", "ln"):
            raise ValueError(f"unit is 'decibel' or 'ln', not {self.unit!r}.")

    @property
    def shape(self):
        """(frames, bands) of a spectrogram."""
        return self.n_frames, self.n_mels or self.n_fft // 2 + 1

    @property
    def seconds(self):
        """Seconds of music the frames look at, from the first to the last window's end."""
        return ((self.n_frames - 1) * self.hop_length + self.n_fft // 2) / self.sr

    @property
    def floor(self):
        """The value of silence: −top_db, in the settings' unit."""
        return -self.top_db * _per_decibel(self.unit)


PAPER = Settings("paper")
"""The paper's text: hop 512, decibels below the loudest of the first 640 frames (14.9 s)."""

AUTHORS = Settings("authors", hop_length=1024, reference="clip", unit="ln")
"""What made the published numbers: hop 1024 (29.7 s), the whole clip's maximum, natural log."""

FENG = Settings("feng", n_fft=1024, hop_length=862, n_mels=None, n_frames=128)
"""Feng, Liu and Yao's plain STFT, (128, 513) of a 5-s segment. 513 bins mean windows of 1024; the
hop is inferred (128 frames fill 5 s at 22,050 Hz), as are the sampling rate and the decibels."""

_KNOWN = {settings.name: settings for settings in (PAPER, AUTHORS, FENG)}


def get_settings(settings):
    """Settings by name; a :class:`Settings` is returned as it is.

    Raises
    ------
    ValueError
        For an unknown name; the message lists the known ones.

    Chapter: book/log_mel.ipynb
    """
    if isinstance(settings, Settings):
        return settings
    if isinstance(settings, str) and settings in _KNOWN:
        return _KNOWN[settings]
    raise ValueError(f"Unknown settings {settings!r}. Known settings: {', '.join(_KNOWN)}.")


def log_mel(path_or_waveform, settings=PAPER, sr=None):
    """Log-mel spectrogram of a clip (log-STFT where the settings have no mel bands).

    A clip must fill half of ``settings.seconds``; what is then missing is silence, the floor. A
    shorter clip is refused, and so is a silent one: it has no maximum to refer to.

    Parameters
    ----------
    path_or_waveform : str, os.PathLike or array_like [shape=(n,), (channels, n), (n, channels)]
        A sound file of any sampling rate and number of channels, or its samples.
    settings : Settings or str
        ``PAPER``, ``AUTHORS``, ``FENG``, their names, or your own.
    sr : int, optional
        Sampling rate of a waveform in Hz; the settings' own where not given. A file knows its own.

    Returns
    -------
    numpy.ndarray [shape=settings.shape, dtype=float32]
        Between ``settings.floor`` and 0: [−80, 0] dB for ``PAPER``, [−18.42, 0] for ``AUTHORS``.

    Raises
    ------
    prcnn.audio.AudioError
        Where the clip does not decode, is too short, is silent or is not finite.

    Examples
    --------
    >>> mel = log_mel("song.mp3")  # doctest: +SKIP
    >>> mel.shape  # doctest: +SKIP
    (640, 128)

    Chapter: book/log_mel.ipynb
    """
    settings = get_settings(settings)
    wanted = settings.seconds if settings.reference == "frames" else CLIP_SECONDS
    if isinstance(path_or_waveform, str | PathLike):
        name = str(path_or_waveform)
        y = audio.load(name, settings.sr, duration=wanted, offset=settings.offset)
    else:
        name, sr = "The waveform", sr or settings.sr
        y = audio.resample(audio.mono(path_or_waveform, name), sr, settings.sr)
        start = round(settings.offset * settings.sr)
        y = y[start : start + round(wanted * settings.sr)]
    if y.size < settings.seconds * settings.sr / 2:
        raise audio.AudioError(
            f"{name}: {y.size / settings.sr:.2f} s of sound, and settings {settings.name!r} need "
            f"at least {settings.seconds / 2:.2f} s."
        )
    n_frames = settings.n_frames
    if settings.reference == "clip":
        n_frames = max(n_frames, 1 + y.size // settings.hop_length)
    energy = power(y, settings, n_frames)
    loudest = energy.max()
    if loudest <= SILENCE:
        raise audio.AudioError(f"{name}: silent in the frames that settings {settings.name!r} use.")
    if not np.isfinite(loudest):
        raise audio.AudioError(f"{name}: samples so large that their power overflows.")
    return decibels(energy, settings)[: settings.n_frames]


def power(y, settings=PAPER, n_frames=None):
    """Power spectrogram of a waveform that is at the settings' sampling rate.

    Frame t is centred on sample ``t * hop_length``; before and behind the waveform lies silence
    (librosa's ``center=True, pad_mode="constant"``).

    Parameters
    ----------
    y : numpy.ndarray [shape=(n,), dtype=float32]
    settings : Settings or str
    n_frames : int, optional
        Frames from the start; ``settings.n_frames`` where not given.

    Returns
    -------
    numpy.ndarray [shape=(n_frames, n_mels or n_fft // 2 + 1), dtype=float32]

    Chapter: book/log_mel.ipynb
    """
    settings = get_settings(settings)
    n_fft, hop, n_mels = settings.n_fft, settings.hop_length, settings.n_mels
    n_frames = n_frames or settings.n_frames
    half = n_fft // 2
    padded = np.zeros((n_frames - 1) * hop + n_fft, np.float32)
    kept = y[: padded.size - half]
    padded[half : half + kept.size] = kept
    frames = sliding_window_view(padded, n_fft)[::hop]
    window = np.hanning(n_fft + 1)[:-1].astype(np.float32)  # periodic, as for any STFT
    bands = _bands(settings) if n_mels else [(slice(None), slice(None), None)]
    windowed = np.empty((_BLOCK, n_fft), np.float32)
    squared = np.empty((_BLOCK, half + 1), np.float32)
    result = np.empty((n_frames, n_mels or half + 1), np.float32)
    for start in range(0, n_frames, _BLOCK):
        block = frames[start : start + _BLOCK]
        n = len(block)
        np.multiply(block, window, out=windowed[:n])
        np.abs(scipy.fft.rfft(windowed[:n], overwrite_x=True), out=squared[:n])
        np.square(squared[:n], out=squared[:n])
        for bins, columns, weights in bands:
            energy = squared[:n, bins]
            result[start : start + n, columns] = energy if weights is None else energy @ weights
    return result


def decibels(energy, settings=PAPER):
    """Logarithm of power relative to its maximum, cut at ``top_db`` below it.

    Parameters
    ----------
    energy : numpy.ndarray [shape=(frames, bands)]
        Power; not all silent.
    settings : Settings or str
        Their `unit` and `top_db`.

    Returns
    -------
    numpy.ndarray [shape=(frames, bands), dtype=float32]
        Between ``settings.floor`` and 0.

    Chapter: book/log_mel.ipynb
    """
    settings = get_settings(settings)
    level = 10 * np.log10(np.maximum(energy, np.float32(SILENCE)))
    level = np.maximum(level - level.max(), np.float32(-settings.top_db))
    return level * np.float32(_per_decibel(settings.unit))


@lru_cache(maxsize=8)
def mel_filters(settings):
    """Slaney's mel filterbank: triangles of equal area, linear in Hz below 1 kHz, then log.

    The same numbers as ``librosa.filters.mel``, to which a test holds it. Written here because
    importing librosa takes longer than a hundred clips, in every worker process.

    Returns
    -------
    numpy.ndarray [shape=(n_fft // 2 + 1, n_mels), dtype=float32]

    Chapter: book/log_mel.ipynb
    """
    bins = np.fft.rfftfreq(settings.n_fft, 1 / settings.sr)[:, None]
    edges = mel_to_hz(np.linspace(0, hz_to_mel(settings.sr / 2), settings.n_mels + 2))
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    return (np.maximum(0, triangles) * 2 / (high - low)).astype(np.float32)


@lru_cache(maxsize=8)
def _bands(settings):
    """The filterbank in groups of bands with the bins they reach: an eighth of the products."""
    filters, groups = mel_filters(settings), []
    for start in range(0, settings.n_mels, 32):
        columns = slice(start, min(start + 32, settings.n_mels))
        reached = np.flatnonzero(filters[:, columns].any(axis=1))
        # Bands narrower than the bins may reach none: their energy is 0, as in librosa.
        bins = slice(reached[0], reached[-1] + 1) if reached.size else slice(0, 1)
        groups.append((bins, columns, np.ascontiguousarray(filters[bins, columns])))
    return groups


def hz_to_mel(hz):
    """Frequency in Hz to mels (Slaney): 3 mels for 200 Hz up to 1 kHz, 27 for a factor of 6.4.

    Chapter: book/log_mel.ipynb
    """
    hz = np.asarray(hz, float)
    return np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1) / 1000) * _LOG_STEP)


def mel_to_hz(mel):
    """Mels (Slaney) to frequency in Hz, the inverse of :func:`hz_to_mel`.

    Chapter: book/log_mel.ipynb
    """
    mel = np.asarray(mel, float)
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) / _LOG_STEP))


def _per_decibel(unit):
    return 1.0 if unit == "decibel" else np.log(10) / 10
