"""A clip becomes a picture for the networks: (time, frequency), float32.

The arithmetic is librosa's (``melspectrogram`` with its defaults, ``power_to_db``, ``mfcc``) on the
frames that are kept, a block of them at a time so that the work stays in the processor's cache.
"""

import math
from dataclasses import dataclass, field
from functools import lru_cache
from numbers import Integral, Real
from os import PathLike
from os.path import expanduser

import numpy as np
import scipy.fft
from numpy.lib.stride_tricks import sliding_window_view

from prcnn import audio
from prcnn.datasets import pictures

# Powers below this are silence to librosa's power_to_db (its `amin`).
SILENCE = 1e-10
# The longest stretch that is "a clip". FMA's are 30 s and a few samples; of a whole song no more
# than this is read, so that time and memory per track are bounded.
CLIP_SECONDS = 31.0
_SAMPLED_SECONDS = 30.0  # what frames are spread over where settings sample them
_BLOCK = 32
# What numbers settings take, and the least of each.
_WHOLE = {"sr": 1000, "n_fft": 2, "hop_length": 1, "n_mels": 1, "n_frames": 1, "n_mfcc": 1}
_REAL = {"top_db": 1, "offset": 0, "sampled": 1, "clip_seconds": 1}
_OPTIONAL = ("n_mels", "sampled", "n_mfcc")
_WORDS = {"reference": ("frames", "clip", "absolute"), "unit": ("decibel", "ln")}


@dataclass(frozen=True)
class Settings:
    """How a clip becomes a spectrogram; a ValueError about a field that makes none."""

    #: Word for them in messages and tables. Settings with another name are the same settings.
    name: str = field(compare=False)
    #: Sampling rate in Hz, to which every clip is brought.
    sr: int = 22050
    #: Samples in a window (Hann).
    n_fft: int = 2048
    #: Samples from one frame to the next.
    hop_length: int = 512
    #: Mel bands; None keeps the n_fft // 2 + 1 bins of the plain STFT.
    n_mels: int | None = 128
    #: Frames kept, from `offset` on.
    n_frames: int = 640
    #: What 0 dB is: the loudest value among the "frames" kept, or in the whole "clip"; or a power
    #: of 1 ("absolute"; the loudest value of the clip then decides where the floor is).
    reference: str = "frames"
    #: "decibel" or "ln": 10·log10, or the natural logarithm, of the power ratio.
    unit: str = "decibel"
    #: Everything this far below the loudest value is the floor.
    top_db: float = 80.0
    #: Seconds of the clip to skip.
    offset: float = 0.0
    #: Cut the clip into so many shares, and keep the middle frame of each of the first `n_frames`,
    #: instead of the first frames. A picture may have lost half of its last column.
    sampled: float | None = None
    #: So much of a song is "the clip".
    clip_seconds: float = CLIP_SECONDS
    #: Smooth every frame: only so many coefficients of its cosine transform (MFCC) are kept.
    n_mfcc: int | None = None

    def __post_init__(self):
        for kind, least in ((Integral, _WHOLE), (Real, _REAL)):
            for name, low in least.items():
                value = getattr(self, name)
                number = isinstance(value, kind) and not isinstance(value, bool)
                if not (
                    (number and low <= value < math.inf) or (value is None and name in _OPTIONAL)
                ):
                    whole = "whole " * (kind is Integral)
                    raise ValueError(f"{name} is a {whole}number of {low} or more, not {value!r}.")
        for name, known in _WORDS.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is one of {known}, not {getattr(self, name)!r}.")
        if self.sampled and self.sampled < self.n_frames:
            raise ValueError(f"n_frames={self.n_frames} of only sampled={self.sampled} shares.")

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
        return _SAMPLED_SECONDS / self.sampled if self.sampled else self.hop_length / self.sr

    @property
    def floor(self):
        """The value of silence in the settings' unit: −top_db, or of an absolute power, SILENCE."""
        lowest = 10 * math.log10(SILENCE) if self.reference == "absolute" else -self.top_db
        return lowest * _per_decibel(self.unit)


def _per_decibel(unit):
    return 1.0 if unit == "decibel" else math.log(10) / 10


PAPER = Settings("paper")
"""The paper's text: hop 512, decibels below the loudest of the first 640 frames (14.9 s)."""

AUTHORS = Settings("authors", hop_length=1024, reference="clip", unit="ln")
"""What made the published numbers: hop 1024 (29.7 s), the whole clip's maximum, natural log."""

FENG = Settings("feng", n_fft=1024, hop_length=862, n_mels=None, n_frames=128)
"""Feng, Liu and Yao's plain STFT, (128, 513) of a 5-s segment. 513 bins mean windows of 1024; the
hop is inferred (128 frames fill 5 s at 22,050 Hz), as are the sampling rate and the decibels."""

IMAGES = Settings(
    "images", sr=44100, n_frames=128, reference="clip", sampled=128, clip_seconds=30.0
)
"""The pictures of ``fma_small_images``: 30 s at 44.1 kHz (nearly all of FMA's rate; the others were
drawn at their own), decibels below the loudest of all frames, of which every twentieth is kept."""

GTZAN_IMAGES = Settings("gtzan_images", n_frames=387, reference="clip", sampled=387.5)
"""The pictures of ``gtzan_images``: as those, at 22,050 Hz, a frame every 77.5 ms of all 30 s."""

CLOSE = Settings("close", n_frames=130, reference="absolute", n_mfcc=pictures.COEFFICIENTS)
"""What ``fma_small_mfcc`` holds: the paper's front end on the first 3.02 s, at the level they have,
each frame smoothed to 20 coefficients; the floor is 80 dB below the loudest of the whole clip."""

_KNOWN = {s.name: s for s in (PAPER, AUTHORS, FENG, IMAGES, GTZAN_IMAGES, CLOSE)}
_PUBLISHED = {
    ".png": (pictures.read_picture, (IMAGES, GTZAN_IMAGES)),
    ".npy": (pictures.read_coefficients, (CLOSE,)),
}


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
        A sound file of any sampling rate and number of channels, or its samples. For ``IMAGES`` and
        ``GTZAN_IMAGES`` also a published picture (PNG), for ``CLOSE`` published coefficients (npy).
    settings : Settings or str
        ``PAPER``, ``AUTHORS``, ``FENG``, ``IMAGES``, …, their names, or your own.
    sr : int
        Sampling rate of a waveform in Hz. A file knows its own.

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
        For a picture and other settings than its own, or a waveform without `sr`.

    Examples
    --------
    >>> mel = log_mel("song.mp3")  # doctest: +SKIP
    >>> mel.shape  # doctest: +SKIP
    (640, 128)

    Chapter: book/log_mel.ipynb
    """
    settings = get_settings(settings)
    first_frames = settings.reference == "frames" and not settings.sampled
    wanted = settings.seconds if first_frames else settings.clip_seconds
    if isinstance(path_or_waveform, str | PathLike):
        name = expanduser(path_or_waveform)
        if name[-4:].lower() in _PUBLISHED:
            return _published(name, settings)
        y = audio.load(name, settings.sr, duration=wanted, offset=settings.offset)
    else:
        name = "The waveform"
        if sr is None:
            raise ValueError("Samples do not say their rate: give sr, in Hz.")
        y = audio.resample(audio.mono(path_or_waveform, name), sr, settings.sr)
        start = round(settings.offset * settings.sr)
        y = y[start : start + round(wanted * settings.sr)]
    if y.size < settings.seconds * settings.sr / 2:
        raise audio.AudioError(
            f"{name}: {y.size / settings.sr:.2f} s of sound that can be decoded, and settings "
            f"{settings.name!r} need at least {settings.seconds / 2:.2f} s."
        )
    energy, loudest = _kept(y, settings)
    if loudest <= SILENCE:
        raise audio.AudioError(f"{name}: silent in the frames that settings {settings.name!r} use.")
    if not np.isfinite(loudest):
        raise audio.AudioError(f"{name}: samples so large that their power overflows.")
    return decibels(energy, settings, loudest)


def _published(path, settings):
    read, known = _PUBLISHED[path[-4:].lower()]
    if settings not in known:
        raise ValueError(
            f"{path} is of settings {' or '.join(repr(s.name) for s in known)}, not "
            f"{settings.name!r}: ask for those, or for other settings give the sound."
        )
    try:
        return read(path, settings.shape)
    except ValueError as error:
        raise audio.AudioError(str(error)) from error


def power(y, settings=PAPER, n_frames=None):
    """Power spectrogram of a waveform that is at the settings' sampling rate.

    Frame t is centred on sample ``t * hop_length``; before and behind the waveform lies silence
    (librosa's ``center=True, pad_mode="constant"``).

    Of as many frames from the start as the settings say, or `n_frames` (ValueError below 1):
    float32 (frames, bands).

    Chapter: book/log_mel.ipynb
    """
    settings = get_settings(settings)
    n_frames = settings.n_frames if n_frames is None else n_frames
    if n_frames < 1:
        raise ValueError(f"n_frames is 1 or more, not {n_frames!r}.")
    return _transform(_pad(y, settings, n_frames), settings)


def _pad(y, settings, n_frames):
    """A waveform between silences, as long as its frames reach."""
    half = settings.n_fft // 2
    padded = np.zeros((n_frames - 1) * settings.hop_length + settings.n_fft, np.float32)
    kept = y[: padded.size - half]
    padded[half : half + kept.size] = kept
    return padded


def _window(n_fft):
    return np.hanning(n_fft + 1)[:-1].astype(np.float32)  # periodic, as for any STFT


def _transform(padded, settings, kept=slice(None)):
    """Power in bands of the frames that are kept of a padded waveform: float32 (n, bands)."""
    frames = sliding_window_view(padded, settings.n_fft)[:: settings.hop_length][kept]
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


def _kept(y, settings):
    """Power of the frames that are kept of a clip, and of the loudest that the reference means.

    Which frame is the loudest need not be looked for in all of them: by Parseval's theorem no band
    holds more than the highest weight of any filter times the energy in the window, and that is
    bounded by sums over short pieces. Of five real clips, a quarter of the frames is transformed.
    """
    n_frames = 1 + y.size // settings.hop_length
    padded = _pad(y, settings, max(n_frames, settings.n_frames))
    kept = slice(settings.n_frames)
    if settings.sampled:
        kept = ((np.arange(settings.n_frames) + 0.5) * n_frames / settings.sampled).astype(int)
    energy = _transform(padded, settings, kept)
    loudest = energy.max()
    if settings.reference == "frames":
        return energy, loudest
    n_fft, hop = settings.n_fft, settings.hop_length
    piece = math.gcd(n_fft, hop, 128)
    pieces = padded.reshape(-1, piece)
    weights = np.square(_window(n_fft)).reshape(-1, piece).max(axis=1)
    sums = np.einsum("ij,ij->i", pieces, pieces)
    bound = sliding_window_view(sums, n_fft // piece)[:: hop // piece] @ weights
    bound *= n_fft * (mel_filters(settings).max() / 2 if settings.n_mels else 1)
    bound[kept] = 0  # these are known
    order = np.argsort(-bound)
    for start in range(0, n_frames, 2 * _BLOCK):
        some = order[start : start + 2 * _BLOCK]
        some = some[bound[some] > loudest]
        if not some.size:
            break
        loudest = max(loudest, _transform(padded, settings, some).max())
    return energy, loudest


def decibels(energy, settings=PAPER, loudest=None):
    """Logarithm of power relative to the settings' reference, cut ``top_db`` below its maximum.

    ``energy`` (frames, bands) is not all silent; ``loudest`` is the maximum where that lies in
    another frame. Float32; smoothed where the settings have ``n_mfcc``.

    Chapter: book/log_mel.ipynb
    """
    settings = get_settings(settings)
    level = 10 * np.log10(np.maximum(energy, np.float32(SILENCE)))
    top = level.max() if loudest is None else 10 * np.log10(np.float32(loudest))
    zero = 0 if settings.reference == "absolute" else top
    level = np.maximum(level - zero, np.float32(top - zero - settings.top_db))
    if settings.n_mfcc:
        coefficients = scipy.fft.dct(level, norm="ortho")[:, : settings.n_mfcc]
        level = scipy.fft.idct(coefficients, n=level.shape[1], norm="ortho")
    return level * np.float32(_per_decibel(settings.unit))


def mel_filters(settings):
    """Slaney's mel filterbank: triangles of equal area, linear in Hz below 1 kHz, then log.

    The same numbers as ``librosa.filters.mel``, to which a test holds it. librosa gives the scale;
    its filters would cost every worker process 0.65 s of imports, 35 clips, the scale 0.25 s.

    Float32 (n_fft // 2 + 1, n_mels), read-only: every spectrogram is made with it. ValueError for
    settings without mel bands.

    Chapter: book/log_mel.ipynb
    """
    settings = get_settings(settings)
    if not settings.n_mels:
        raise ValueError(f"Settings {settings.name!r} have no mel bands: n_mels={settings.n_mels}.")
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
