"""Listen to a song: what a network hears in it, window by window. This is ``prcnn.classify``.

A song is longer than a network's input, so it is cut into windows that overlap, and each of them is
classified as a clip of its own: :func:`prcnn.spectrogram.log_mel` of its samples, with its own
maximum as reference, as in training.
"""

import os
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import numpy as np
import pandas as pd

from prcnn import audio
from prcnn.datasets.dataset import audio_files, warn
from prcnn.evaluation import percent
from prcnn.listening.network import find_network
from prcnn.spectrogram import log_mel, mel_filters

#: A network is sure of a song where the genre that leads has at least this mean probability. Below
#: it, by its own word, it is more likely to be wrong than right.
SURE = 0.5
CLIP = 30.0  # seconds of FMA's clips: a window, where the reference is the whole clip's maximum
REST = 1.0  # seconds left over at the end of a song that are not worth a window of their own
SHORT = 0.95  # of a window: a song that fills less is called short (FMA's clips may last 29.9 s)
# A band is quiet where fewer frames than this are above the floor (a cut makes a click), and a song
# has no treble where all bands from this share on are quiet, as in one of twenty clips of FMA.
QUIET, TREBLE = 0.02, 0.9
TICK = 0.1  # seconds over which the loudness in `Listening.peaks` is taken
BATCH = 32


@dataclass(frozen=True, repr=False)
class Listening:
    """What a network heard, over time. Printed, it says so in words.

    Chapter: book/classify.ipynb
    """

    source: str  #: The file, or "waveform".
    network: str  #: The name of who listened.
    settings: str  #: The name of the log-mel settings.
    genres: list[str]  #: The only words the network has.
    duration: float  #: Of the song, in seconds.
    window: float  #: Length of a window in seconds; of a song shorter than a window, the song's.
    times: np.ndarray  #: The windows' middles, in seconds from the start of the song.
    #: (windows, genres), each row sums to one; NaN for windows in `unheard`. Those of prcnn's own
    #: weights are calibrated on music like FMA's; other networks say what they say.
    probabilities: np.ndarray
    peaks: np.ndarray  #: Loudest sample of every tenth of a second, 1 at full scale.
    unheard: dict  #: Middle of a window in seconds → why it has no spectrogram (it is silent).
    #: Why to trust the answer less: the song is shorter than a window, or has no treble.
    notes: list[str] = ()

    @property
    def table(self):
        """Probabilities as a pandas.DataFrame: index ``time`` (s), a column for each genre."""
        index = pd.Index(self.times, name="time")
        return pd.DataFrame(self.probabilities, index=index, columns=self.genres)

    @property
    def mean(self):
        """Mean probability of each genre, a pandas.Series, most probable first; NaN in silence."""
        mean = self.table.mean().rename("mean")  # passes over windows that were not heard
        return mean.sort_values(ascending=False, kind="stable")

    @property
    def genre(self):
        """The genre that is most probable in the mean; None where there is nothing to hear."""
        return None if self.mean.isna().all() else self.mean.index[0]

    @property
    def answer(self):
        """The genre, "not sure" where its mean as it is printed is below `SURE`, or "no music"."""
        if self.genre is None:
            return "no music"
        return self.genre if round(100 * float(self.mean.iloc[0]), 1) >= 100 * SURE else "not sure"

    @property
    def edges(self):
        """Where windows hand over, halfway between middles: (windows + 1,), 0 to `duration`, s."""
        return np.concatenate([[0.0], (self.times[1:] + self.times[:-1]) / 2, [self.duration]])

    @property
    def parts(self):
        """Stretches in which one genre leads, a pandas.DataFrame.

        Columns ``start`` and ``end`` (s), ``genre`` (missing where nothing was heard) and
        ``probability`` (of that genre, the mean over the stretch's windows).
        """
        heard = np.isfinite(self.probabilities[:, 0])
        leads = np.where(heard, np.nan_to_num(self.probabilities).argmax(axis=1), -1)
        rows = []
        for part in np.split(np.arange(len(leads)), np.flatnonzero(np.diff(leads)) + 1):
            lead = leads[part[0]]
            genre, probability = self.genres[lead], self.probabilities[part, lead].mean()
            genre = genre if heard[part[0]] else None
            rows.append((self.edges[part[0]], self.edges[part[-1] + 1], genre, probability))
        return pd.DataFrame(rows, columns=["start", "end", "genre", "probability"])

    def __repr__(self):
        name = os.fsencode(Path(self.source).name).decode("utf-8", "replace")
        lines = [f"{name}, {clock(self.duration)}: {self.answer}"]
        if self.genre is None:
            return "\n".join([*lines, next(iter(self.unheard.values()))])
        if self.answer != self.genre:
            lines[0] += f", most likely {self.genre}"
        windows = f"{len(self.times)} windows" if len(self.times) > 1 else "one window"
        by = f"heard by {self.network} in {windows} of {self.window:.1f} s; mean probabilities:"
        lines += [by, *(f"  {genre:<16}{percent(p):>7}" for genre, p in self.mean.items())]
        if len(parts := self.parts) > 1:
            lines.append("over time:")
            for start, end, genre, p in parts.itertuples(index=False):
                what = f"{genre:<16}{percent(p):>7}" if np.isfinite(p) else "(nothing)"
                lines.append(f"  {clock(start)} to {clock(end)}  {what}")
        return "\n".join([*lines, *(f"Note: {note}" for note in self.notes)])


def classify(song, model="beyond", *, sr=None, hop=None, **network):
    """What a network hears in a song, over time.

    The song is decoded once (10 MB of memory a minute) and cut into windows as long as the
    network's input. The last one ends with the song; a song shorter than a window is one window.

    Parameters
    ----------
    song : str, os.PathLike, list of them or array_like [shape=(n,), (channels, n), (n, channels)]
        A sound file of any length (MP3, WAV, FLAC, OGG, M4A …), a list of them, a folder and all
        sound files in it, or the samples of a song.
    model : str, os.PathLike, prcnn.training.Run or keras.Model
        Who listens: ``"beyond"``, the weights that come with prcnn and know FMA's eight genres; a
        run or its folder; the weights that the paper's authors published, by name
        (``prcnn.models.CHECKPOINTS``); or a network.
    sr : int, optional
        Sampling rate of samples in Hz: they need one. A file knows its own.
    hop : float, optional
        Seconds from one window to the next; half a window where not given.
    settings, genres : prcnn.spectrogram.Settings or str, list of str
        How spectrograms were made for a keras.Model and what its outputs mean, if it was not
        trained here.
    weights, download : str or os.PathLike, bool
        The published weights: their file or its folder, where they were not downloaded before; and
        whether to fetch those that are not there. Never done unasked.

    Returns
    -------
    Listening or list of Listening
        A list for a list, in its order, or a folder, by name; a warning names the files that cannot
        be used, each with the reason.

    Raises
    ------
    prcnn.audio.AudioError, OSError
        The song does not decode, is not there or cannot be read, or fills less than half a window;
        or none of several can be used. FileNotFoundError also for a run folder without a network.
    ValueError
        The model is unknown or does not fit the settings or genres, samples come without `sr`, or
        `hop` is under 0.1 s. A prcnn.models.CheckpointError: weights are not there, or damaged.

    Examples
    --------
    >>> print(prcnn.classify("song.mp3"))  # doctest: +SKIP
    >>> prcnn.classify("song.mp3", "runs/mine").genre  # doctest: +SKIP
    'Hip-Hop'

    Chapter: book/classify.ipynb
    """
    found = find_network(model, **network)
    several = list(song) if isinstance(song, list | tuple | pd.Series) else []
    if isinstance(song, str | PathLike) and Path(song).expanduser().is_dir():
        files = audio_files(Path(song).expanduser())
    elif several and all(isinstance(file, str | PathLike) for file in several):
        files = [Path(file).expanduser() for file in several]
    else:
        return _listen(song, found, sr, hop)
    heard, unusable = [], []
    for file in files:
        try:
            heard.append(_listen(file, found, sr, hop))
        except Exception as error:  # whatever a decoder stumbles on: no file ends the others
            unusable.append(f"{file}: {str(error).removeprefix(f'{file}: ')}")
    why = "\n".join([f"{len(unusable)} of {len(files)} files cannot be used.", *unusable])
    if not heard:
        raise audio.AudioError(f"{song}: {why if files else 'there is no sound file in it.'}")
    if unusable:
        warn(why)
    return heard


def _listen(song, found, sr, hop):
    network, settings, genres, name = found
    source, y, starts, length = cut_windows(song, settings, sr, hop)
    times, duration = (starts + length / 2) / settings.sr, y.size / settings.sr
    probabilities = np.full((len(starts), len(genres)), np.nan)
    unheard, loud = {}, np.zeros(settings.shape[1])
    for first in range(0, len(starts), BATCH):
        mels = {}
        for i, start in enumerate(starts[first : first + BATCH], first):
            try:
                mels[i] = log_mel(y[start : start + length], settings, settings.sr)
            except audio.AudioError as error:  # long enough and finite, so it is silent
                unheard[float(times[i])] = str(error).removeprefix("The waveform: ")
        if mels:
            batch = np.stack(list(mels.values()))
            probabilities[list(mels)] = network.predict_on_batch(batch)
            floor = batch.min(axis=(1, 2), keepdims=True)
            loud += (batch > floor + 0.1).mean(axis=1).sum(axis=0)
    loudest = np.maximum.reduceat(np.abs(y), np.arange(0, y.size, round(TICK * settings.sr)))
    notes = _notes(duration, loud / max(1, len(starts) - len(unheard)), settings)
    when = duration, length / settings.sr, times
    return Listening(
        source, name, settings.name, genres, *when, probabilities, loudest, unheard, notes
    )


def _notes(duration, loud, settings):
    """Why to trust the answer less; `loud` (bands,): in which share of frames each sounds."""
    notes, window = [], _seconds(settings)
    if duration < SHORT * window:
        notes.append(f"it lasts {duration:.1f} s; the network learned from {window:.1f} s at once.")
    highest = np.max(np.flatnonzero(loud > QUIET), initial=-1)
    if 0 <= highest < TREBLE * len(loud) - 1:
        notes.append(
            f"nothing sounds above {band_tops(settings)[highest] / 1000:.1f} kHz. Of a copy that "
            "has lost its treble the network may be surer than of the original."
        )
    return notes


def band_tops(settings):
    """Up to which frequency every band reaches, (bands,) in Hz."""
    hz = np.fft.rfftfreq(settings.n_fft, 1 / settings.sr)
    return ((mel_filters(settings) > 0) * hz[:, np.newaxis]).max(axis=0) if settings.n_mels else hz


def cut_windows(song, settings, sr=None, hop=None):
    """A song's source and samples (n,), the first sample of every window, samples in a window."""
    window = _seconds(settings)
    hop = window / 2 if hop is None else hop
    if not hop >= TICK:
        raise ValueError(f"hop, seconds from window to window, is at least {TICK}, not {hop!r}.")
    if isinstance(song, str | PathLike):
        song = Path(song).expanduser()
        source, y = str(song), audio.load(song, settings.sr)
    elif not (sr and sr > 0):
        raise ValueError(f"Samples do not say how many of them are a second: give sr, not {sr!r}.")
    else:
        source, y = "waveform", audio.resample(audio.mono(song), sr, settings.sr)
    if y.size < window * settings.sr / 2:
        raise audio.AudioError(
            f"{source}: {y.size / settings.sr:.2f} s of sound. A song fills at least half of a "
            f"window, which is {window:.1f} s long."
        )
    return source, y, *_windows(y.size, settings.sr, window, hop)


def _seconds(settings):
    """Seconds of music from which a network of these settings learned at a time."""
    return CLIP if settings.reference == "clip" and not settings.sampled else settings.seconds


def _windows(n, sr, window, hop):
    """First samples of the windows of a song of n samples, and their length in samples."""
    length, rest = round(window * sr), round(REST * sr)
    if n <= length + rest:
        return np.array([0]), n  # all of it: what log_mel makes of the file itself
    starts = np.round(np.arange(0, n - length + 1, hop * sr)).astype(int)
    if n - length - starts[-1] > rest:
        starts = np.append(starts, n - length)
    return starts, length


def clock(seconds):
    """Seconds as minutes and seconds: 83.4 → ``1:23``."""
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"
