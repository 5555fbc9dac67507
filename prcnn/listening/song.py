"""Listen to a song: what a network hears in it, window by window.

A song is longer than a network's input, so it is cut into windows that overlap, and each of them is
classified as a clip of its own: :func:`prcnn.spectrogram.log_mel` of its samples, with its own
maximum as reference, as in training. This is ``prcnn.classify``.
"""

from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from prcnn import audio
from prcnn.listening.listener import listener
from prcnn.spectrogram import log_mel

__all__ = ["Listening", "classify"]

# Where the reference is the whole clip's maximum, a window is as long as the clips of FMA were.
_CLIP = 30.0
# Less than this left over at the end of a song, in seconds, is not worth a window of its own.
_REST = 1.0
# Seconds over which the loudness in `Listening.peaks` is taken.
PEAK_SECONDS = 0.1
_BATCH = 32


@dataclass(frozen=True, repr=False)
class Listening:
    """What a network heard, over time. Printed, it says so in words.

    Attributes
    ----------
    source : str
        The file, or "waveform".
    network : str
        Who listened: the checkpoint's name, or the network's.
    settings : str
        Name of the log-mel settings.
    genres : list of str
        The only words the network has.
    duration : float
        Of the song, in seconds.
    window : float
        Length of a window in seconds; of a song shorter than a window, the song's.
    times : numpy.ndarray [shape=(windows,)]
        The windows' middles, in seconds from the start of the song.
    probabilities : numpy.ndarray [shape=(windows, genres)]
        Every row sums to one; NaN for windows in `unheard`.
    peaks : numpy.ndarray [shape=(ceil(duration / 0.1),)]
        Loudest sample of every tenth of a second, 1 at full scale.
    unheard : dict
        Middle of a window in seconds → why it has no spectrogram (it is silent).

    Chapter: book/classify.ipynb
    """

    source: str
    network: str
    settings: str
    genres: list[str]
    duration: float
    window: float
    times: np.ndarray
    probabilities: np.ndarray
    peaks: np.ndarray
    unheard: dict

    @property
    def mean(self):
        """Mean probability of each genre over the windows, a pandas.Series, most probable first."""
        mean = pd.Series(np.nanmean(self.probabilities, axis=0), index=self.genres, name="mean")
        return mean.sort_values(ascending=False, kind="stable")

    @property
    def genre(self):
        """The genre that is most probable in the mean."""
        return self.mean.index[0]

    @property
    def table(self):
        """Probabilities as a pandas.DataFrame: index ``time`` (s), a column for each genre."""
        index = pd.Index(self.times, name="time")
        return pd.DataFrame(self.probabilities, index=index, columns=self.genres)

    @property
    def edges(self):
        """Where one window hands over to the next, halfway between their middles, in seconds.

        numpy.ndarray [shape=(windows + 1,)], from 0 to `duration`: a moment belongs to the window
        whose middle is nearest.
        """
        return np.concatenate([[0.0], (self.times[1:] + self.times[:-1]) / 2, [self.duration]])

    @property
    def parts(self):
        """Stretches in which one genre leads, a pandas.DataFrame.

        Columns ``start`` and ``end`` (s), ``genre`` (missing where nothing was heard) and
        ``probability`` (of that genre, the mean over the stretch's windows).
        """
        heard = np.isfinite(self.probabilities[:, 0])
        leads = np.where(heard, np.nan_to_num(self.probabilities).argmax(axis=1), -1)
        starts = np.flatnonzero(np.diff(leads, prepend=-2))
        ends = np.append(starts[1:], len(leads))
        rows = [
            (
                self.edges[first],
                self.edges[last],
                self.genres[leads[first]] if heard[first] else None,
                self.probabilities[first:last, leads[first]].mean(),
            )
            for first, last in zip(starts, ends, strict=True)
        ]
        return pd.DataFrame(rows, columns=["start", "end", "genre", "probability"])

    def __repr__(self):
        count = len(self.times)
        windows = f"{count} windows" if count > 1 else "one window"
        lines = [
            f"{Path(self.source).name}, {clock(self.duration)}: {self.genre}",
            f"heard by {self.network} in {windows} of {self.window:.1f} s; mean probabilities:",
            *(f"  {genre:<16}{100 * p:4.0f} %" for genre, p in self.mean.items()),
        ]
        if len(self.parts) > 1:
            lines += ["over time:", *map(self._say, self.parts.itertuples())]
        return "\n".join(lines)

    @staticmethod
    def _say(part):
        heard = np.isfinite(part.probability)
        what = f"{part.genre:<16}{100 * part.probability:4.0f} %" if heard else "(nothing)"
        return f"  {clock(part.start)} to {clock(part.end)}  {what}"


def classify(
    song,
    model="figure2",
    *,
    sr=None,
    hop=None,
    weights=None,
    download=False,
    settings=None,
    genres=None,
):
    """What a network hears in a song, over time.

    The song is decoded once (30 MB of memory a minute of stereo), cut into windows as long as the
    network's input, and each window is classified as a clip of its own. The last window ends with
    the song. A song shorter than a window is one window, filled up with silence.

    Parameters
    ----------
    song : str, os.PathLike or array_like [shape=(n,), (channels, n), (n, channels)]
        A sound file (MP3, WAV, FLAC, OGG, AIFF, AU) of any length, or its samples.
    model : str, os.PathLike, prcnn.training.Run or keras.Model
        Who listens: a run folder, or the run itself, which knows its genres and settings; published
        weights by name (``prcnn.models.CHECKPOINTS``), which know FMA's eight genres; or a network,
        with `settings` and `genres`.
    sr : int, optional
        Sampling rate of samples in Hz; the settings' own where not given. A file knows its own.
    hop : float, optional
        Seconds from one window to the next; half a window where not given.
    weights : str or os.PathLike, optional
        The published weights: the file, or the folder that holds it. Where not given they are
        looked for among what was downloaded before.
    download : bool
        Fetch published weights that are not there. Never done unasked.
    settings : prcnn.spectrogram.Settings or str, optional
        How spectrograms were made for `model`; only for a keras.Model.
    genres : list of str, optional
        What the outputs of `model` mean, in order; only for a keras.Model.

    Returns
    -------
    Listening

    Raises
    ------
    prcnn.audio.AudioError
        The song does not decode, is silent, or fills less than half a window.
    ValueError
        The model is unknown or does not fit the settings or genres, or `hop` is under 0.1 s.
    prcnn.models.CheckpointError
        The published weights are not there, or are damaged.
    FileNotFoundError
        The folder holds no trained network.

    Examples
    --------
    >>> print(prcnn.classify("song.mp3", "runs/mine"))        # doctest: +SKIP
    >>> prcnn.classify("song.mp3", download=True).genre       # doctest: +SKIP
    'Hip-Hop'

    Chapter: book/classify.ipynb
    """
    network, settings, genres, name = listener(model, settings, genres, weights, download)
    window = settings.seconds if settings.reference == "frames" else _CLIP
    hop = window / 2 if hop is None else hop
    if not hop >= PEAK_SECONDS:
        raise ValueError(
            f"hop is seconds from one window to the next, at least {PEAK_SECONDS}, not {hop!r}."
        )
    if settings.sr is None:
        if not isinstance(song, str | PathLike) and sr is None:
            raise ValueError(f"Settings {settings.name!r} take a song at its own rate: give sr.")
        settings = replace(settings, sr=sr or audio.rate(song))
    if isinstance(song, str | PathLike):
        source = str(song)
        y = audio.load(song, settings.sr)
    else:
        source = "waveform"
        y = audio.resample(audio.mono(song), sr or settings.sr, settings.sr)
    starts, length = _windows(y.size, settings.sr, window, hop)
    times = (starts + length / 2) / settings.sr
    probabilities = np.full((len(starts), len(genres)), np.nan)
    unheard = {}
    for first in range(0, len(starts), _BATCH):
        places, batch = [], []
        for i, start in enumerate(starts[first : first + _BATCH], first):
            try:
                batch.append(log_mel(y[start : start + length], settings))
                places.append(i)
            except audio.AudioError as error:
                unheard[float(times[i])] = str(error).removeprefix("The waveform: ")
        if batch:
            probabilities[places] = network.predict(np.stack(batch), verbose=0)
    if len(unheard) == len(starts):
        raise audio.AudioError(f"{source}: {next(iter(unheard.values()))}")
    return Listening(
        source,
        name,
        settings.name,
        genres,
        y.size / settings.sr,
        length / settings.sr,
        times,
        probabilities,
        _peaks(y, settings.sr),
        unheard,
    )


def clock(seconds):
    """Seconds as minutes and seconds: 83.4 → ``1:23``."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"


def _windows(n, sr, window, hop):
    """First samples of the windows of a song of n samples, and their length in samples."""
    length, rest = round(window * sr), round(_REST * sr)
    if n <= length + rest:
        return np.array([0]), n  # all of it: what log_mel makes of the file itself
    starts = np.round(np.arange(0, n - length + 1, hop * sr)).astype(int)
    if n - length - starts[-1] > rest:
        starts = np.append(starts, n - length)
    return starts, length


def _peaks(y, sr):
    """The loudest sample of every tenth of a second."""
    size = round(PEAK_SECONDS * sr)
    return np.abs(np.pad(y, (0, -y.size % size))).reshape(-1, size).max(axis=1)
