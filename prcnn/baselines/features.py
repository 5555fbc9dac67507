"""Hand-crafted features: how a clip's spectrum, harmony and rhythm are distributed over its frames.

The 518 features of the FMA dataset (Defferrard et al., 2017): eleven descriptions of each frame,
74 numbers in all, and seven statistics of each number over the frames. They know what sounds in a
clip and how much it varies, not in which order. So we add two descriptions of rhythm, and for
spectrograms the modulation spectrum.
"""

import warnings
from dataclasses import dataclass
from functools import cached_property

import librosa
import numpy as np
import pandas as pd
import scipy.fft
from scipy import stats

from prcnn import audio
from prcnn.store import compute

# Description → how many numbers it gives for a frame, and those of all frames, (numbers, frames).
# Arguments are those of FMA's ``features.py``: windows of 2048 samples and a hop of 512, librosa's
# defaults, and said out loud what librosa has changed since.
_of = librosa.feature
_DESCRIPTIONS = {
    "chroma_cens": (12, lambda f: f.cens),
    "chroma_cqt": (12, lambda f: _of.chroma_cqt(C=f.cqt, bins_per_octave=12)),
    "chroma_stft": (12, lambda f: _of.chroma_stft(S=f.stft**2, sr=f.sr, n_chroma=12)),
    "mfcc": (20, lambda f: _of.mfcc(S=f.mel_db, n_mfcc=20)),
    "rmse": (1, lambda f: _of.rms(S=f.stft)),
    "spectral_bandwidth": (1, lambda f: _of.spectral_bandwidth(S=f.stft, sr=f.sr)),
    "spectral_centroid": (1, lambda f: _of.spectral_centroid(S=f.stft, sr=f.sr)),
    "spectral_contrast": (7, lambda f: _of.spectral_contrast(S=f.stft, sr=f.sr)),
    "spectral_rolloff": (1, lambda f: _of.spectral_rolloff(S=f.stft, sr=f.sr)),
    "tonnetz": (6, lambda f: _of.tonnetz(chroma=f.cens)),
    "zcr": (1, lambda f: _of.zero_crossing_rate(f.y)),
    "onset_strength": (1, lambda f: f.onsets[np.newaxis]),
    "tempogram_ratio": (13, lambda f: _of.tempogram_ratio(onset_envelope=f.onsets, sr=f.sr)),
}
#: Numbers that each description gives for a frame; names as in FMA's ``features.csv``.
SIZES = {name: size for name, (size, _) in _DESCRIPTIONS.items()}
#: Statistics over the frames, in the order of FMA's columns.
STATISTICS = {
    "kurtosis": stats.kurtosis,
    "max": np.max,
    "mean": np.mean,
    "median": np.median,
    "min": np.min,
    "skew": stats.skew,
    "std": np.std,
}

#: The sets compared by Mutiara et al. (2016), as far as librosa has them: their musical surface is
#: centroid, rolloff, flux, zero crossings and energy; their tonality a chromagram with key
#: strengths; their rhythm comes from a beat histogram. Their linear prediction has no counterpart.
SUBSETS = {
    "musical surface": ("rmse", *(name for name in SIZES if name.startswith("spectral")), "zcr"),
    "mfcc": ("mfcc",),
    "rhythm": ("onset_strength", "tempogram_ratio"),
    "tonality": ("chroma_cens", "chroma_cqt", "chroma_stft", "tonnetz"),
}

_CHUNK = 256  # clips whose spectrograms are in memory at once
_SHORTEST = 0.5  # seconds; below this librosa pads more than it hears


@dataclass(frozen=True)
class Features:
    """Which numbers stand for a clip. Called with a path, it gives them.

    ``names`` are descriptions, keys of ``SIZES``. ``duration`` seconds are read from the start of
    the file at ``sr`` Hz. (FMA used each file's own rate, and whole tracks in ``features.csv``.)
    With ``segment``, in seconds, the clip is cut into as many segments as fit into ``duration`` and
    each is described alone, as :func:`prcnn.datasets.splits.segments` cuts them.

    >>> MFCC.shape, FMA.shape, ALL.shape
    ((140,), (518,), (616,))
    """

    name: str
    names: tuple
    sr: int = 22050
    duration: float = 30.0
    segment: float | None = None

    @property
    def columns(self):
        """pandas.MultiIndex (feature, statistics, number), named and ordered as FMA's columns."""
        return _columns(
            (name, statistic, SIZES[name])
            for name in sorted(self.names)
            for statistic in STATISTICS
        )

    @property
    def shape(self):
        """(d,), or (segments, d) where clips are cut."""
        d = len(STATISTICS) * sum(SIZES[name] for name in self.names)
        return (d,) if self.segment is None else (int(self.duration / self.segment + 1e-9), d)

    def __call__(self, path):
        """Describe the clip in a file: float32 of `shape`; AudioError where that cannot be."""
        y = audio.load(path, sr=self.sr, duration=self.duration)
        if self.segment is None:
            return self.of(y, path)
        n = round(self.segment * self.sr)
        pieces = [y[i * n : (i + 1) * n] for i in range(self.shape[0])]
        return np.stack([self.of(piece, path) for piece in pieces])

    def of(self, waveform, name="The waveform"):
        """Describe a mono waveform at ``sr``, float32 (d,) in the order of `columns`.

        Of a series that does not vary (silence), skewness and kurtosis are 0, where scipy has no
        answer. AudioError, which calls the waveform `name`, below half a second of sound.
        """
        seconds = len(waveform) / self.sr
        if seconds < _SHORTEST:
            raise audio.AudioError(f"{name}: {seconds:.2f} s left to describe; {_SHORTEST} needed.")
        frames, rows = _Frames(waveform, self.sr), []
        with warnings.catch_warnings():
            # Silence has no pitch to tune to, and a constant no skewness; both have an answer here.
            warnings.filterwarnings("ignore", "Trying to estimate tuning from empty")
            warnings.filterwarnings("ignore", "n_fft=.* is too large for input signal")
            warnings.filterwarnings("ignore", "Precision loss occurred", RuntimeWarning)
            for description in sorted(self.names):
                values = np.asarray(_DESCRIPTIONS[description][1](frames), np.float64)
                rows += [np.nan_to_num(of(values, axis=1)) for of in STATISTICS.values()]
        return np.concatenate(rows).astype(np.float32)


class _Frames:
    """A waveform, and the spectra and chroma that several descriptions of its frames share."""

    def __init__(self, y, sr):
        self.y, self.sr = y, sr

    @cached_property
    def stft(self):
        return np.abs(librosa.stft(self.y))

    @cached_property
    def mel_db(self):
        return librosa.power_to_db(_of.melspectrogram(S=self.stft**2, sr=self.sr))

    @cached_property
    def cqt(self):
        asked = {"n_bins": 84, "bins_per_octave": 12, "tuning": None}
        return np.abs(librosa.cqt(self.y, sr=self.sr, **asked))

    @cached_property
    def cens(self):
        return _of.chroma_cens(C=self.cqt, bins_per_octave=12)

    @cached_property
    def onsets(self):
        return librosa.onset.onset_strength(S=self.mel_db, sr=self.sr)


MFCC = Features("mfcc", ("mfcc",))
FMA = Features("fma", tuple(name for name in SIZES if name not in SUBSETS["rhythm"]))
ALL = Features("all", tuple(SIZES))
FAMILIES = {family.name: family for family in (MFCC, FMA, ALL)}


def extract_features(dataset, features="mfcc", n_jobs=-1, out=None, progress=True):
    """Hand-crafted features of all clips of a dataset, computed in parallel and kept on disk.

    ``features`` are :class:`Features` or the name of some: "mfcc", "fma" or "all" (ValueError for
    any other). All else, errors too, as for :func:`prcnn.store.extract`. The store that is returned
    has the :class:`Features` as ``settings``, whose ``columns`` name what the arrays hold.

    Chapter: book/baselines.ipynb
    """
    if isinstance(features, str):
        if features not in FAMILIES:
            known = ", ".join(FAMILIES)
            raise ValueError(f"Unknown features {features!r}. Known features: {known}.")
        features = FAMILIES[features]
    key = f"{features.name} {features!r} librosa {librosa.__version__} version 1"
    return compute(dataset, features, features.shape, key, out, n_jobs, progress, settings=features)


# Family → statistic → numbers of some clips (clips, …) from their decibels and MFCC, which are
# (clips, frames, bands) and (clips, frames, 20).
_OF_SPECTROGRAMS = {
    "mfcc": lambda decibels, mfcc: {"mean": mfcc.mean(axis=1), "std": mfcc.std(axis=1)},
    "delta": lambda decibels, mfcc: {"std": np.diff(mfcc, axis=1).std(axis=1)},
    "bands": lambda decibels, mfcc: {"mean": decibels.mean(axis=1), "std": decibels.std(axis=1)},
    "dynamics": lambda decibels, mfcc: {
        "max": decibels.max(axis=1),
        "change": np.abs(np.diff(decibels, axis=1)).mean(axis=1),
    },
    "modulation": lambda decibels, mfcc: _modulation(mfcc),
}
#: What :func:`of_spectrograms` can describe a clip by.
PICTURE = tuple(_OF_SPECTROGRAMS)


def of_spectrograms(store, names=PICTURE):
    """What a classifier hears of what the networks hear: a DataFrame of float32, a row a clip.

    Column levels are feature, statistics, number, as FMA's. ``names`` say what is described
    (ValueError for others):

    - ``"mfcc"``: mean and std over time of 20 MFCC, the cosine transform of a frame's decibels;
    - ``"delta"``: std of their change from frame to frame (the mean is the last frame less the
      first);
    - ``"bands"``: mean and std of every band, in decibels;
    - ``"dynamics"``: maximum of every band, and its mean absolute change from frame to frame;
    - ``"modulation"``: rhythm. The power spectrum over time of each MFCC (dB²; a fluctuation
      pattern), its mean in half octaves of 1, 2, 3, 4 … cycles a clip, as log(1 + power).

    Chapter: book/baselines.ipynb
    """
    if unknown := sorted(set(names) - set(PICTURE)):
        raise ValueError(f"Unknown features {unknown}. Known features: {', '.join(PICTURE)}.")
    if len(store.shape) != 2 or isinstance(store.settings, Features):
        raise ValueError(f"{store.folder} holds {store.shape} numbers a clip: no spectrograms.")
    rows, sizes = [], []
    for start in range(0, len(store.clips), _CHUNK):
        decibels = store.read(np.arange(start, min(start + _CHUNK, len(store.clips))))
        mfcc = scipy.fft.dct(decibels, norm="ortho", axis=2)[..., :20]
        described = {
            (name, statistic): values
            for name in names
            for statistic, values in _OF_SPECTROGRAMS[name](decibels, mfcc).items()
        }
        rows.append(np.concatenate(list(described.values()), axis=1))
        sizes = [(*key, values.shape[1]) for key, values in described.items()]
    return pd.DataFrame(np.concatenate(rows), index=store.clips.index, columns=_columns(sizes))


def _modulation(series):
    """Log power of (clips, frames, d) `series` in half octaves of frequency: name → (clips, d)."""
    power = np.abs(scipy.fft.rfft(series, axis=1)) ** 2 / series.shape[1]
    cycles = np.arange(1, (series.shape[1] + 1) // 2)  # a clip; neither the mean nor Nyquist's
    half_octave = np.floor(2 * np.log2(cycles))
    return {
        f"{cycles[half_octave == number][0]} cycles": np.log1p(
            power[:, cycles[half_octave == number]].mean(axis=1)
        )
        for number in np.unique(half_octave)
    }


def _columns(sizes):
    """FMA's kind of columns, of (feature, statistic, how many numbers)."""
    rows = [(*key, f"{number:02d}") for *key, n in sizes for number in range(1, n + 1)]
    return pd.MultiIndex.from_tuples(rows, names=["feature", "statistics", "number"])
