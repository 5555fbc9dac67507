"""What in a song decided: cover a part of the picture and see how much the answer suffers."""

import itertools
from typing import NamedTuple

import numpy as np
import pandas as pd

from prcnn.audio import AudioError
from prcnn.listening.network import find_network
from prcnn.listening.song import BATCH, classify, cut_windows
from prcnn.spectrogram import Settings, log_mel


class OcclusionMap(NamedTuple):
    """What the answer for one window of a song rests on.

    ``probability`` is that of ``genre`` for the window as it is, which begins at ``start`` (s) and
    of which the network was given ``mel`` (frames, bands), made with ``settings``. ``drops``, a
    pandas.DataFrame, says how much of it is lost where a part is covered, negative where the part
    spoke against the genre: index ``frame``, columns ``band``, the first ones of every part.
    """

    genre: str
    probability: float
    start: float
    mel: np.ndarray
    settings: Settings
    drops: pd.DataFrame


def occlusion_map(song, model="beyond", *, genre=None, parts=(16, 8), sr=None, hop=None, **network):
    """Which seconds and bands decided, by occlusion: an :class:`OcclusionMap`.

    Of the song's windows the one is taken that speaks most for ``genre``, by default the most
    probable one. Its spectrogram is divided into ``parts`` in time and in bands, and each in turn
    is covered: every band by its own mean over the window, so that nothing happens there and
    nothing is louder or softer than before. All else, errors too, as for
    :func:`prcnn.listening.classify`, of one song; ValueError also for a genre that the network does
    not know, or more parts than frames or bands.

    Chapter: book/classify.ipynb
    """
    network, settings, genres, _ = find_network(model, **network)
    if genre is not None and genre not in genres:
        raise ValueError(f"Unknown genre {genre!r}. The network knows: {', '.join(genres)}.")
    if not all(1 <= n <= size for n, size in zip(parts, settings.shape, strict=True)):
        raise ValueError(f"parts={parts} of a spectrogram of {settings.shape} frames and bands.")
    source, y, starts, length = cut_windows(song, settings, sr, hop)
    heard = classify(y, network, settings=settings, genres=genres, sr=settings.sr, hop=hop)
    if heard.genre is None:
        raise AudioError(f"{source}: {next(iter(heard.unheard.values()))}")
    label = genres.index(genre or heard.genre)
    start = starts[np.nanargmax(heard.probabilities[:, label])]
    mel = log_mel(y[start : start + length], settings, settings.sr)
    axes = [np.array_split(np.arange(size), n) for size, n in zip(mel.shape, parts, strict=True)]
    covered = np.repeat(mel[np.newaxis], parts[0] * parts[1] + 1, axis=0)  # the last one is not
    for one, (frames, bands) in zip(covered, itertools.product(*axes), strict=False):
        one[np.ix_(frames, bands)] = mel.mean(axis=0)[bands]
    batches = np.split(covered, range(BATCH, len(covered), BATCH))
    *left, whole = np.concatenate([network.predict_on_batch(b) for b in batches])[:, label]
    frames, bands = ([part[0] for part in axis] for axis in axes)
    drops = pd.DataFrame((whole - np.array(left)).reshape(parts), frames, bands)
    drops = drops.rename_axis(index="frame", columns="band")
    return OcclusionMap(
        genres[label], float(whole), float(start / settings.sr), mel, settings, drops
    )
