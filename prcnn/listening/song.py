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
from prcnn.datasets.dataset import audio_files, some, warn
from prcnn.listening.listener import listener
from prcnn.spectrogram import log_mel

__all__ = ["BATCH", "SURE", "Listening", "classify", "clock", "cut", "hear"]

#: A network is sure of a song where the genre that leads has at least this mean probability. Below
#: it, by its own word, it is more likely to be wrong than right.
SURE = 0.5
# Where the reference is the whole clip's maximum, a window is as long as the clips of FMA were.
_CLIP = 30.0
# Less than this left over at the end of a song, in seconds, is not worth a window of its own.
REST = 1.0
# Seconds over which the loudness in `Listening.peaks` is taken.
PEAK_SECONDS = 0.1
BATCH = 32


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
        Every row sums to one; NaN for windows in `unheard`. Those of prcnn's own weights are
        calibrated on music like FMA's; other networks say what they say.
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
        """Mean probability of each genre over the windows, a pandas.Series, most probable first.

        NaN where there is nothing to hear in the whole song.
        """
        mean = self.table.mean().rename("mean")  # passes over windows that were not heard
        return mean.sort_values(ascending=False, kind="stable")

    @property
    def genre(self):
        """The genre that is most probable in the mean; None where there is nothing to hear."""
        return None if self.mean.isna().all() else self.mean.index[0]

    @property
    def answer(self):
        """The genre, or "not sure" (its mean probability is below `SURE`), or "no music"."""
        if self.genre is None:
            return "no music"
        return self.genre if self.mean.iloc[0] >= SURE else "not sure"

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
        start = f"{Path(self.source).name}, {clock(self.duration)}: {self.answer}"
        if self.genre is None:
            return f"{start}\n{next(iter(self.unheard.values()))}"
        if self.answer != self.genre:
            start += f", most likely {self.genre}"
        count = len(self.times)
        windows = f"{count} windows" if count > 1 else "one window"
        lines = [
            start,
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
    model="beyond",
    *,
    sr=None,
    hop=None,
    weights=None,
    download=False,
    settings=None,
    genres=None,
):
    """What a network hears in a song, over time.

    The song is decoded once (10 MB of memory a minute), cut into windows as long as the network's
    input, and each window is classified as a clip of its own. The last window ends with the song. A
    song shorter than a window is one window.

    Parameters
    ----------
    song : str, os.PathLike or array_like [shape=(n,), (channels, n), (n, channels)]
        A sound file of any length (MP3, WAV, FLAC, OGG, M4A …), its samples, or a folder: all sound
        files in it.
    model : str, os.PathLike, prcnn.training.Run or keras.Model
        Who listens: ``"beyond"``, the weights that come with prcnn and know FMA's eight genres; a
        run folder, or the run itself, which knows its genres and settings; the weights that the
        paper's authors published, by name (``prcnn.models.CHECKPOINTS``); or a network, with
        `settings` and `genres`.
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
    Listening or list of Listening
        A list for a folder, in order of the files' names; those that cannot be used are warned of.

    Raises
    ------
    prcnn.audio.AudioError
        The song does not decode or fills less than half a window, or none of a folder can be used.
    OSError
        The file is missing or cannot be read.
    ValueError
        The model is unknown or does not fit the settings or genres, or `hop` is under 0.1 s.
    prcnn.models.CheckpointError
        The weights are not there, or are damaged.
    FileNotFoundError
        The folder holds no trained network.

    Examples
    --------
    >>> print(prcnn.classify("song.mp3"))                          # doctest: +SKIP
    >>> prcnn.classify("song.mp3", "runs/mine").genre              # doctest: +SKIP
    'Hip-Hop'
    >>> prcnn.classify("song.mp3", "figure2", download=True)       # doctest: +SKIP

    Chapter: book/classify.ipynb
    """
    who = listener(model, settings=settings, genres=genres, weights=weights, download=download)
    if not (isinstance(song, str | PathLike) and Path(song).is_dir()):
        return _hear(song, who, sr, hop)
    found, left_out = [], {}
    for file in audio_files(song):
        try:
            found.append(_hear(file, who, sr, hop))
        except (audio.AudioError, OSError) as error:
            left_out[file.name] = error
    if left_out and found:
        warn(f"{len(left_out)} files of {song} cannot be used: {some(left_out)}.")
    if not found:
        why = next(iter(left_out.values()), "there is no sound file in it")
        raise audio.AudioError(f"{song}: no song to hear ({why}).")
    return found


def _hear(song, who, sr, hop):
    network, settings, genres, name = who
    source, y, settings, starts, length = cut(song, settings, sr, hop)
    probabilities, unheard = hear(network, settings, y, starts, length)
    times = (starts + length / 2) / settings.sr
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
        {float(times[i]): why for i, why in unheard.items()},
    )


def hear(network, settings, y, starts, length):
    """What a network says of every window.

    Parameters
    ----------
    network : keras.Model
    settings, y, starts, length
        As :func:`cut` gives them.

    Returns
    -------
    probabilities : numpy.ndarray [shape=(windows, genres)]
        NaN where there is nothing to hear.
    unheard : dict of int to str
        Window → why.

    Chapter: book/classify.ipynb
    """
    probabilities = np.full((len(starts), network.output_shape[-1]), np.nan)
    unheard = {}
    for first in range(0, len(starts), BATCH):
        places, batch = [], []
        for i, start in enumerate(starts[first : first + BATCH], first):
            try:
                batch.append(log_mel(y[start : start + length], settings, settings.sr))
                places.append(i)
            except audio.AudioError as error:  # long enough and finite, so it is silent
                unheard[i] = str(error).removeprefix("The waveform: ")
        if batch:
            probabilities[places] = network.predict_on_batch(np.stack(batch))
    return probabilities, unheard


def cut(song, settings, sr=None, hop=None):
    """A song's samples, and where its windows lie.

    Parameters
    ----------
    song, sr, hop
        See :func:`classify`.
    settings : prcnn.spectrogram.Settings
        Those without a sampling rate take the song's own.

    Returns
    -------
    source : str
    y : numpy.ndarray [shape=(n,), dtype=float32]
    settings : prcnn.spectrogram.Settings
        With the sampling rate of `y`.
    starts : numpy.ndarray of int [shape=(windows,)]
        Each window's first sample.
    length : int
        Samples of a window.

    Raises
    ------
    prcnn.audio.AudioError, OSError, ValueError
        As :func:`classify`.

    Chapter: book/classify.ipynb
    """
    window = settings.seconds if settings.sampled or settings.reference == "frames" else _CLIP
    hop = window / 2 if hop is None else hop
    if not hop >= PEAK_SECONDS:
        raise ValueError(
            f"hop is seconds from one window to the next, at least {PEAK_SECONDS}, not {hop!r}."
        )
    if isinstance(song, str | PathLike):
        source, rate = str(song), settings.sr or audio.rate(song)
        y = audio.load(song, rate)
    else:
        source, rate = "waveform", settings.sr or sr
        if rate is None:
            raise ValueError(f"Settings {settings.name!r} take a song at its own rate: give sr.")
        y = audio.resample(audio.mono(song), sr or rate, rate)
    if y.size < window * rate / 2:
        raise audio.AudioError(
            f"{source}: {y.size / rate:.2f} s of sound. A window is {window:.1f} s long, and a "
            "song fills at least half of one."
        )
    starts, length = _windows(y.size, rate, window, hop)
    return source, y, replace(settings, sr=rate), starts, length


def clock(seconds):
    """Seconds as minutes and seconds: 83.4 → ``1:23``."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"


def _windows(n, sr, window, hop):
    """First samples of the windows of a song of n samples, and their length in samples."""
    length, rest = round(window * sr), round(REST * sr)
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
