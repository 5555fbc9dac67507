"""A clip becomes a picture for the networks: (time, frequency), float32.

The arithmetic is librosa's (``melspectrogram`` with its defaults, ``power_to_db``) on the frames
that are kept, a block of frames at a time so that the work stays in the processor's cache.
"""

import io
import math
from dataclasses import dataclass, replace
from functools import lru_cache
from os import PathLike
from pathlib import Path

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

from prcnn import audio

# Powers below this are silence to librosa's power_to_db (its `amin`).
SILENCE = 1e-10
# The longest stretch that is "a clip". FMA's are 30 s and a few samples; of a whole song no more
# than this is read, so that time and memory per track are bounded.
CLIP_SECONDS = 31.0
# What frames are spread over where settings sample them.
_SAMPLED_SECONDS = 30.0
_BLOCK = 32
_RGB = np.array([65536, 256, 1], np.uint32)  # a pixel as one number


@dataclass(frozen=True)
class Settings:
    """How a clip becomes a spectrogram.

    Attributes
    ----------
    name : str
        Word that names the settings in store folders and messages.
    sr : int or None
        Sampling rate in Hz; None takes every clip at its own.
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
    sampled : bool
        Spread the frames kept over 30 s (all of a shorter clip), each the middle one of its share,
        instead of keeping the first ones.

    Chapter: book/log_mel.ipynb
    """

    name: str
    sr: int | None = 22050
    n_fft: int = 2048
    hop_length: int = 512
    n_mels: int | None = 128
    n_frames: int = 640
    reference: str = "frames"
    unit: str = "decibel"
    top_db: float = 80.0
    offset: float = 0.0
    sampled: bool = False

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
        if self.sampled:
            return _SAMPLED_SECONDS
        return ((self.n_frames - 1) * self.hop_length + self.n_fft // 2) / self.sr

    @property
    def step(self):
        """Seconds from one frame kept to the next."""
        return _SAMPLED_SECONDS / self.n_frames if self.sampled else self.hop_length / self.sr

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

IMAGES = Settings("images", sr=44100, n_frames=128, reference="clip", sampled=True)
"""The pictures of ``fma_small_images``: 30 s at the clip's own rate (44.1 kHz of nearly all), mels
up to half of it, decibels below the loudest of all frames, of which every twentieth is kept."""

_KNOWN = {settings.name: settings for settings in (PAPER, AUTHORS, FENG, IMAGES)}


def get_settings(settings):
    """Settings by name, or as they are; a ValueError about another name lists the known ones."""
    if isinstance(settings, Settings):
        return settings
    if isinstance(settings, str) and settings in _KNOWN:
        return _KNOWN[settings]
    raise ValueError(f"Unknown settings {settings!r}. Known settings: {', '.join(_KNOWN)}.")


def log_mel(path_or_waveform, settings=PAPER, sr=None):
    """Log-mel spectrogram of a clip, time first: (frames, bands), librosa's transposed.

    A log-STFT where the settings have no mel bands. A clip must fill half of ``settings.seconds``;
    what is then missing is silence, the floor (sampled frames are spread over what there is). A
    shorter clip is refused, and so is a silent one: it has no maximum to refer to.

    Parameters
    ----------
    path_or_waveform : str, os.PathLike or array_like [shape=(n,), (channels, n), (n, channels)]
        A sound file of any sampling rate and number of channels, or its samples. For ``IMAGES``
        also one of the dataset's pictures, a PNG: its colours are decibels.
    settings : Settings or str
        ``PAPER``, ``AUTHORS``, ``FENG``, ``IMAGES``, their names, or your own.
    sr : int, optional
        Sampling rate of a waveform in Hz; the settings' own where not given. A file knows its own.

    Returns
    -------
    numpy.ndarray [shape=settings.shape, dtype=float32]
        Between ``settings.floor`` and 0: [−80, 0] dB for ``PAPER``, [−18.42, 0] for ``AUTHORS``.

    Raises
    ------
    prcnn.audio.AudioError
        Where the clip does not decode, is too short, is silent or is not finite, or a picture is
        damaged, of another size or in other colours.
    OSError
        Where the file cannot be read: FileNotFoundError, PermissionError and so on.
    ValueError
        For a picture and other settings than ``IMAGES``, or a waveform without `sr` where the
        settings have none.

    Examples
    --------
    >>> mel = log_mel("song.mp3")  # doctest: +SKIP
    >>> mel.shape  # doctest: +SKIP
    (640, 128)

    Chapter: book/log_mel.ipynb
    """
    settings = get_settings(settings)
    keep_all = settings.reference == "clip" and not settings.sampled
    wanted = CLIP_SECONDS if keep_all else settings.seconds
    if isinstance(path_or_waveform, str | PathLike):
        name = str(path_or_waveform)
        if name.lower().endswith(".png"):
            return _picture(name, settings)
        if settings.sr is None:
            settings = replace(settings, sr=audio.rate(name))
        y = audio.load(name, settings.sr, duration=wanted, offset=settings.offset)
    else:
        name, sr = "The waveform", sr or settings.sr
        if sr is None:
            raise ValueError(f"Settings {settings.name!r} take a clip at its own rate: give sr.")
        settings = replace(settings, sr=settings.sr or sr)
        y = audio.resample(audio.mono(path_or_waveform, name), sr, settings.sr)
        start = round(settings.offset * settings.sr)
        y = y[start : start + round(wanted * settings.sr)]
    if y.size < settings.seconds * settings.sr / 2:
        raise audio.AudioError(
            f"{name}: {y.size / settings.sr:.2f} s of sound, and settings {settings.name!r} need "
            f"at least {settings.seconds / 2:.2f} s."
        )
    n_frames = 1 + y.size // settings.hop_length
    if settings.sampled:
        energy, loudest = _sampled(y, settings, n_frames)
    else:
        energy = power(y, settings, max(n_frames, settings.n_frames) if keep_all else None)
        loudest = energy.max()
    if loudest <= SILENCE:
        raise audio.AudioError(f"{name}: silent in the frames that settings {settings.name!r} use.")
    if not np.isfinite(loudest):
        raise audio.AudioError(f"{name}: samples so large that their power overflows.")
    return decibels(energy, settings, loudest)[: settings.n_frames]


def power(y, settings=PAPER, n_frames=None):
    """Power spectrogram of a waveform that is at the settings' sampling rate.

    Frame t is centred on sample ``t * hop_length``; before and behind the waveform lies silence
    (librosa's ``center=True, pad_mode="constant"``).

    Of as many frames from the start as the settings say, or `n_frames`: float32 (frames, bands).

    Chapter: book/log_mel.ipynb
    """
    settings = get_settings(settings)
    padded = _pad(y, settings, n_frames or settings.n_frames)
    return _transform(_frames(padded, settings), settings)


def _pad(y, settings, n_frames):
    """A waveform between silences, as long as its frames reach."""
    half = settings.n_fft // 2
    padded = np.zeros((n_frames - 1) * settings.hop_length + settings.n_fft, np.float32)
    kept = y[: padded.size - half]
    padded[half : half + kept.size] = kept
    return padded


def _frames(padded, settings):
    return sliding_window_view(padded, settings.n_fft)[:: settings.hop_length]


def _window(n_fft):
    return np.hanning(n_fft + 1)[:-1].astype(np.float32)  # periodic, as for any STFT


def _transform(frames, settings):
    """Power of frames (n, n_fft) in bands: float32 (n, bands)."""
    n_fft, n_mels = settings.n_fft, settings.n_mels
    half, window = n_fft // 2, _window(n_fft)
    bands = _bands(settings) if n_mels else [(slice(None), slice(None), None)]
    windowed = np.empty((_BLOCK, n_fft), np.float32)
    squared = np.empty((_BLOCK, half + 1), np.float32)
    result = np.empty((len(frames), n_mels or half + 1), np.float32)
    for start in range(0, len(frames), _BLOCK):
        block = frames[start : start + _BLOCK]
        n = len(block)
        np.multiply(block, window, out=windowed[:n])
        np.abs(scipy.fft.rfft(windowed[:n], overwrite_x=True), out=squared[:n])
        np.square(squared[:n], out=squared[:n])
        for bins, columns, weights in bands:
            energy = squared[:n, bins]
            result[start : start + n, columns] = energy if weights is None else energy @ weights
    return result


def _sampled(y, settings, n_frames):
    """Power of the frames that are kept of a clip's `n_frames`, and the reference.

    Which frame is the loudest need not be looked for in all of them: by Parseval's theorem no band
    holds more than the highest weight of any filter times the energy in the window, and that is
    bounded by sums over short pieces. Of five real clips, a quarter of the frames is transformed.
    """
    padded = _pad(y, settings, n_frames)
    frames = _frames(padded, settings)
    shares = (np.arange(settings.n_frames) + 0.5) * n_frames / settings.n_frames
    kept = _transform(frames[shares.astype(int)], settings)
    loudest = kept.max()
    if settings.reference == "frames":
        return kept, loudest
    n_fft, hop = settings.n_fft, settings.hop_length
    piece = math.gcd(n_fft, hop, 128)
    pieces = padded.reshape(-1, piece)
    energy = np.einsum("ij,ij->i", pieces, pieces)
    weights = np.square(_window(n_fft)).reshape(-1, piece).max(axis=1)
    bound = sliding_window_view(energy, n_fft // piece)[:: hop // piece] @ weights
    bound *= n_fft * (mel_filters(settings).max() / 2 if settings.n_mels else 1)
    order = np.argsort(-bound)
    for start in range(0, n_frames, 2 * _BLOCK):
        some = order[start : start + 2 * _BLOCK]
        some = some[bound[some] > loudest]
        if not some.size:
            break
        loudest = max(loudest, _transform(frames[some], settings).max())
    return kept, loudest


def decibels(energy, settings=PAPER, loudest=None):
    """Logarithm of power relative to its maximum, cut at the settings' ``top_db`` below it.

    ``energy`` (frames, bands) is not all silent; ``loudest`` is the power that is 0 dB, where that
    is not its maximum. Float32, between ``settings.floor`` and 0.

    Chapter: book/log_mel.ipynb
    """
    settings = get_settings(settings)
    level = 10 * np.log10(np.maximum(energy, np.float32(SILENCE)))
    top = level.max() if loudest is None else 10 * np.log10(np.float32(loudest))
    level = np.maximum(level - top, np.float32(-settings.top_db))
    return level * np.float32(_per_decibel(settings.unit))


def mel_filters(settings):
    """Slaney's mel filterbank: triangles of equal area, linear in Hz below 1 kHz, then log.

    The same numbers as ``librosa.filters.mel``, to which a test holds it. librosa gives the scale;
    its filters would cost every worker process 0.65 s of imports, 35 clips, the scale 0.25 s.

    Float32 (n_fft // 2 + 1, n_mels), read-only: every spectrogram is made with it. ValueError for
    settings without mel bands or a sampling rate, which ``replace(IMAGES, sr=44100)`` has.

    Chapter: book/log_mel.ipynb
    """
    settings = get_settings(settings)
    if not (settings.sr and settings.n_mels):
        raise ValueError(
            f"Mel bands need a sampling rate and a number: settings {settings.name!r} have "
            f"sr={settings.sr}, n_mels={settings.n_mels}; dataclasses.replace gives them others."
        )
    return _filters(settings.sr, settings.n_fft, settings.n_mels)


@lru_cache(maxsize=8)
def _filters(sr, n_fft, n_mels):
    from librosa import mel_frequencies  # not librosa.filters, which compiles with numba

    bins = np.fft.rfftfreq(n_fft, 1 / sr)[:, None]
    edges = mel_frequencies(n_mels + 2, fmin=0, fmax=sr / 2)
    low, centre, high = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((bins - low) / (centre - low), (high - bins) / (high - centre))
    filters = (np.maximum(0, triangles) * 2 / (high - low)).astype(np.float32)
    filters.flags.writeable = False
    return filters


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


def _picture(path, settings):
    """Decibels of a picture of ``fma_small_images``: time to the right, mels upwards, viridis."""
    if settings != IMAGES:
        raise ValueError(
            f"{path} is a picture of settings 'images', not {settings.name!r}: ask for "
            "log_mel(path, IMAGES), or for other settings give the sound."
        )
    data = Path(path).read_bytes()  # apart, so that a disk's fault is not taken for the picture's
    from PIL import Image  # here, for the workers that hear sound

    try:
        pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"), np.uint32)
    except Exception as error:  # Pillow raises what its parser stumbles on: a dozen types
        raise audio.AudioError(f"{path}: not a whole picture ({error}).") from error
    if pixels.shape[:2] != IMAGES.shape[::-1]:
        raise audio.AudioError(f"{path}: {pixels.shape[1]} × {pixels.shape[0]} pixels, not 128².")
    colours, entries = _palette()
    seen = pixels @ _RGB
    places = np.searchsorted(colours, seen).clip(max=len(colours) - 1)
    if (other := colours[places] != seen).any():
        raise audio.AudioError(
            f"{path}: {other.sum()} pixels in colours that viridis lacks: not a picture of "
            "fma_small_images, or saved with loss."
        )
    level = (entries[places] + 0.5) / 256 * IMAGES.top_db - IMAGES.top_db
    return np.ascontiguousarray(level[::-1].T, np.float32)


@lru_cache(maxsize=1)
def _palette():
    """viridis rounded as in the pictures: its colours in order, and which entries they are.

    Two pairs of its 256 entries share a colour; the lower one stands for both (0.3 dB).
    """
    from matplotlib import colormaps

    entries = np.round(colormaps["viridis"](np.arange(256))[:, :3] * 255).astype(np.uint32)
    return np.unique(entries @ _RGB, return_index=True)


def _per_decibel(unit):
    return 1.0 if unit == "decibel" else np.log(10) / 10
