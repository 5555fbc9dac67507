"""What in a song decided: cover a part of the picture and see how much the answer suffers."""

import itertools
from typing import NamedTuple

import numpy as np
import pandas as pd

from prcnn.audio import AudioError
from prcnn.listening.listener import listener
from prcnn.listening.song import BATCH, cut, hear
from prcnn.spectrogram import Settings, log_mel

__all__ = ["OcclusionMap", "occlusion_map"]


class OcclusionMap(NamedTuple):
    """What a network's answer for one window rests on.

    Attributes
    ----------
    genre : str
        Of which answer.
    probability : float
        What the network says of the window as it is.
    start : float
        Where the window begins in the song, in seconds.
    mel : numpy.ndarray [shape=(frames, bands)]
        What the network was given.
    settings : prcnn.spectrogram.Settings
        What made it.
    drops : pandas.DataFrame
        How much of the probability is lost where a part is covered; negative where it spoke against
        the genre. Index ``frame``, columns ``band``: the first ones of every part.
    """

    genre: str
    probability: float
    start: float
    mel: np.ndarray
    settings: Settings
    drops: pd.DataFrame


def occlusion_map(song, model="beyond", *, genre=None, parts=(16, 8), sr=None, hop=None, **who):
    """Which seconds and bands decided, by occlusion.

    Of the song's windows the one is taken that speaks most for the genre. Each part of its
    spectrogram in turn is covered: every band by its own mean over the window, so that nothing
    happens there and nothing is louder or softer than before.

    Parameters
    ----------
    song, model, sr, hop
        See :func:`prcnn.listening.classify`.
    genre : str, optional
        What is asked about; where not given, the genre that is most probable in the mean.
    parts : (int, int)
        Into how many parts time and bands are divided.
    **who
        ``weights``, ``download``, ``settings`` and ``genres`` of :func:`prcnn.listening.classify`.

    Returns
    -------
    OcclusionMap

    Raises
    ------
    ValueError
        A genre that the network does not know, or more parts than frames or bands.
    prcnn.audio.AudioError
        There is nothing to hear in the song.

    Chapter: book/classify.ipynb
    """
    network, settings, genres, _ = listener(model, **who)
    if genre is not None and genre not in genres:
        raise ValueError(f"Unknown genre {genre!r}. The network knows: {', '.join(genres)}.")
    source, y, settings, starts, length = cut(song, settings, sr, hop)
    said, unheard = hear(network, settings, y, starts, length)
    if len(unheard) == len(starts):
        raise AudioError(f"{source}: {next(iter(unheard.values()))}")
    place = genres.index(genre) if genre else int(np.nanmean(said, axis=0).argmax())
    start = starts[np.nanargmax(said[:, place])]
    mel = log_mel(y[start : start + length], settings, settings.sr)
    if not all(1 <= n <= size for n, size in zip(parts, mel.shape, strict=True)):
        raise ValueError(f"parts={parts} of a spectrogram of {mel.shape} frames and bands.")
    axes = [np.array_split(np.arange(size), n) for size, n in zip(mel.shape, parts, strict=True)]
    covered = np.repeat(mel[np.newaxis], parts[0] * parts[1] + 1, axis=0)  # the last one is not
    for one, (frames, bands) in zip(covered, itertools.product(*axes), strict=False):
        one[np.ix_(frames, bands)] = mel.mean(axis=0)[bands]
    batches = np.split(covered, range(BATCH, len(covered), BATCH))
    *left, whole = np.concatenate([network.predict_on_batch(b) for b in batches])[:, place]
    index, columns = ([part[0] for part in axis] for axis in axes)
    drops = pd.DataFrame(
        (whole - np.array(left)).reshape(parts),
        pd.Index(index, name="frame"),
        pd.Index(columns, name="band"),
    )
    return OcclusionMap(
        genres[place], float(whole), float(start / settings.sr), mel, settings, drops
    )
