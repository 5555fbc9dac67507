"""Hand-crafted features: how a clip's spectrum, harmony and rhythm are distributed over its frames.

The 518 features of the FMA dataset (Defferrard et al., 2017): eleven descriptions of each frame,
74 numbers in all, and seven statistics of each number over the frames. They know what sounds in a
clip and how much it varies, not in which order. So we add two descriptions of rhythm.
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
_DESCRIPTIONS = {
    "chroma_cens": (12, lambda f: f.cens),
    "chroma_cqt": (12, lambda f: librosa.feature.chroma_cqt(C=f.cqt, bins_per_octave=12)),
    "chroma_stft": (12, lambda f: librosa.feature.chroma_stft(S=f.stft**2, sr=f.sr, n_chroma=12)),
    "mfcc": (20, lambda f: librosa.feature.mfcc(S=f.mel_db, n_mfcc=20)),
    "rmse": (1, lambda f: librosa.feature.rms(S=f.stft)),
    "spectral_bandwidth": (1, lambda f: librosa.feature.spectral_bandwidth(S=f.stft, sr=f.sr)),
    "spectral_centroid": (1, lambda f: librosa.feature.spectral_centroid(S=f.stft, sr=f.sr)),
    "spectral_contrast": (7, lambda f: librosa.feature.spectral_contrast(S=f.stft, sr=f.sr)),
    "spectral_rolloff": (1, lambda f: librosa.feature.spectral_rolloff(S=f.stft, sr=f.sr)),
    "tonnetz": (6, lambda f: librosa.feature.tonnetz(chroma=f.cens)),
    "zcr": (1, lambda f: librosa.feature.zero_crossing_rate(f.y)),
    "onset_strength": (1, lambda f: f.onsets[np.newaxis]),
    "tempogram_ratio": (
        13,
        lambda f: librosa.feature.tempogram_ratio(onset_envelope=f.onsets, sr=f.sr),
    ),
}
#: Numbers that each description gives for a frame; names as in FMA's ``features.csv``.
SIZES = {name: size for name, (size, _) in _DESCRIPTIONS.items()}
_RHYTHM = ("onset_strength", "tempogram_ratio")
#: Statistics over the frames, in the order of FMA's columns.
STATISTICS = ("kurtosis", "max", "mean", "median", "min", "skew", "std")

#: The sets compared by Mutiara et al. (2016), as far as librosa has them: their musical surface is
#: centroid, rolloff, flux, zero crossings and energy; their tonality a chromagram with key
#: strengths; their rhythm comes from a beat histogram. Their linear prediction has no counterpart.
SUBSETS = {
    "musical surface": (
        "rmse",
        "spectral_bandwidth",
        "spectral_centroid",
        "spectral_contrast",
        "spectral_rolloff",
        "zcr",
    ),
    "mfcc": ("mfcc",),
    "rhythm": _RHYTHM,
    "tonality": ("chroma_cens", "chroma_cqt", "chroma_stft", "tonnetz"),
}

#: What :func:`of_spectrograms` describes: 20 MFCC, their change from frame to frame, the bands.
PICTURE = ("mfcc", "delta", "bands")

_CHUNK = 256  # clips whose spectrograms are in memory at once
_SHORTEST = 0.5  # seconds; below this librosa pads more than it hears


@dataclass(frozen=True)
class Features:
    """Which numbers stand for a clip. Called with a path, it gives them.

    Attributes
    ----------
    name : str
    names : tuple of str
        Descriptions, keys of ``SIZES``.
    sr : int
        Sampling rate in Hz. (FMA used each file's own.)
    duration : float
        Seconds read from the start of the file. (FMA's ``features.csv`` is of whole tracks.)
    segment : float, optional
        Seconds; where given, the clip is cut into as many segments as fit into `duration` and each
        is described alone, as :func:`prcnn.datasets.splits.segments` cuts them.

    Examples
    --------
    >>> MFCC.shape, FMA.shape, ALL.shape
    ((140,), (518,), (616,))
    >>> FMA.columns[0]
    ('chroma_cens', 'kurtosis', '01')

    Chapter: book/baselines.ipynb
    """

    name: str
    names: tuple
    sr: int = 22050
    duration: float = 30.0
    segment: float | None = None

    @property
    def columns(self):
        """pandas.MultiIndex (feature, statistics, number), named and ordered as FMA's columns."""
        rows = [
            (name, statistic, f"{number:02d}")
            for name in sorted(self.names)
            for statistic in STATISTICS
            for number in range(1, SIZES[name] + 1)
        ]
        return pd.MultiIndex.from_tuples(rows, names=["feature", "statistics", "number"])

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
        """Describe a mono waveform at ``sr``, which an error calls `name`.

        Returns
        -------
        numpy.ndarray [shape=(d,), dtype=float32]
            In the order of `columns`. Of a series that does not vary (silence), skewness and
            kurtosis are 0, where scipy has no answer.

        Raises
        ------
        prcnn.audio.AudioError
            Less than half a second of sound.
        """
        seconds = len(waveform) / self.sr
        if seconds < _SHORTEST:
            raise audio.AudioError(f"{name}: {seconds:.2f} s left to describe; {_SHORTEST} needed.")
        frames = _Frames(waveform, self.sr)
        with warnings.catch_warnings():
            # Silence has no pitch to tune to, and a constant no skewness; both have an answer here.
            warnings.filterwarnings("ignore", "Trying to estimate tuning from empty")
            warnings.filterwarnings("ignore", "n_fft=.* is too large for input signal")
            warnings.filterwarnings("ignore", "Precision loss occurred", RuntimeWarning)
            rows = [_statistics(_DESCRIPTIONS[name][1](frames)) for name in sorted(self.names)]
        return np.concatenate(rows).astype(np.float32)


MFCC = Features("mfcc", ("mfcc",))
FMA = Features("fma", tuple(name for name in SIZES if name not in _RHYTHM))
ALL = Features("all", tuple(SIZES))
FAMILIES = {family.name: family for family in (MFCC, FMA, ALL)}


def extract_features(dataset, features="mfcc", n_jobs=-1, out=None, progress=True):
    """Hand-crafted features of all clips of a dataset, computed in parallel and kept on disk.

    Parameters
    ----------
    dataset : prcnn.datasets.Dataset
    features : Features or {"mfcc", "fma", "all"}
        ValueError for any other name.
    n_jobs, out, progress
        As for :func:`prcnn.store.extract`, as are other errors.

    Returns
    -------
    prcnn.store.Store
        With ``settings`` the :class:`Features`, whose ``columns`` name what the arrays hold.

    Chapter: book/baselines.ipynb
    """
    if isinstance(features, str):
        if features not in FAMILIES:
            known = ", ".join(FAMILIES)
            raise ValueError(f"Unknown features {features!r}. Known features: {known}.")
        features = FAMILIES[features]
    key = f"{features.name} {features!r} librosa {librosa.__version__} version 1"
    return compute(dataset, features, features.shape, key, out, n_jobs, progress, settings=features)


def of_spectrograms(store, names=PICTURE):
    """Describe the spectrograms of a store, so that a classifier hears what the networks hear.

    No clip is decoded again: the same seconds, the same frames, the same bands. The MFCC are the
    first 20 numbers of the cosine transform of a frame's decibels.

    Of spectrograms of any settings, what ``names`` say, or ValueError.

    Returns
    -------
    pandas.DataFrame [shape=(n, d), dtype=float32]
        Rows as ``store.clips``; column levels feature, statistics, number, as FMA's: mean and std
        over time of MFCC (dB) and bands (dB), std of the MFCC's change. (The mean of a change is
        its last frame less its first.) 316 columns for 128 bands.

    Chapter: book/baselines.ipynb
    """
    if unknown := sorted(set(names) - set(PICTURE)):
        raise ValueError(f"Unknown features {unknown}. Known features: {', '.join(PICTURE)}.")
    if len(store.shape) != 2 or isinstance(store.settings, Features):
        raise ValueError(f"{store.folder} holds {store.shape} numbers a clip: no spectrograms.")
    rows, columns = [], {}
    for start in range(0, len(store.clips), _CHUNK):
        decibels = store.read(np.arange(start, min(start + _CHUNK, len(store.clips))))
        mfcc = scipy.fft.dct(decibels, norm="ortho", axis=2)[..., :20]
        described = {"mfcc": mfcc, "delta": np.diff(mfcc, axis=1), "bands": decibels}
        for name in names:
            if name != "delta":
                columns[name, "mean"] = described[name].mean(axis=1)
            columns[name, "std"] = described[name].std(axis=1)
        rows.append(np.concatenate(list(columns.values()), axis=1))
    named = [
        (name, statistic, f"{number:02d}")
        for (name, statistic), values in columns.items()
        for number in range(1, values.shape[1] + 1)
    ]
    named = pd.MultiIndex.from_tuples(named, names=["feature", "statistics", "number"])
    return pd.DataFrame(np.concatenate(rows), index=store.clips.index, columns=named)


def _statistics(values):
    """Seven statistics of each row, (size, frames) → (7 · size,), grouped by statistic."""
    values = np.asarray(values, np.float64)
    columns = {
        "kurtosis": np.nan_to_num(stats.kurtosis(values, axis=1)),
        "max": values.max(axis=1),
        "mean": values.mean(axis=1),
        "median": np.median(values, axis=1),
        "min": values.min(axis=1),
        "skew": np.nan_to_num(stats.skew(values, axis=1)),
        "std": values.std(axis=1),
    }
    return np.concatenate([columns[name] for name in STATISTICS])


class _Frames:
    """A waveform, and the spectra and chroma that several descriptions of its frames share."""

    def __init__(self, y, sr):
        self.y, self.sr = y, sr

    @cached_property
    def stft(self):
        return np.abs(librosa.stft(self.y))

    @cached_property
    def mel_db(self):
        return librosa.power_to_db(librosa.feature.melspectrogram(S=self.stft**2, sr=self.sr))

    @cached_property
    def cqt(self):
        asked = {"n_bins": 84, "bins_per_octave": 12, "tuning": None}
        return np.abs(librosa.cqt(self.y, sr=self.sr, **asked))

    @cached_property
    def cens(self):
        return librosa.feature.chroma_cens(C=self.cqt, bins_per_octave=12)

    @cached_property
    def onsets(self):
        return librosa.onset.onset_strength(S=self.mel_db, sr=self.sr)
