"""A dataset becomes features on disk, found again by what its clips are.

A store is one folder for each kind of features, whatever dataset the clips come from, and a clip is
known there by its content (:mod:`prcnn.store.contents`). Moved, renamed, touched or copied to
another machine it is the same clip; one more song costs one song; two datasets share the clips that
both hold. The folder holds parts (:mod:`prcnn.store.parts`), each written whole or not at all; so a
killed extraction goes on where it was, and any number of processes and machines may work on one
folder without a lock: at worst a clip is computed twice.
"""

import hashlib
import re
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from prcnn.datasets import cache_folder
from prcnn.datasets.dataset import some, warn
from prcnn.spectrogram import get_settings, log_mel
from prcnn.store import contents
from prcnn.store.parts import Parts, StoreError

__all__ = ["Store", "StoreError", "compute", "extract"]

# Raise when a change of code changes spectrograms: stores made before are then not read.
_VERSION = 1


@dataclass(frozen=True)
class Store:
    """Features of a dataset's clips, on disk.

    Attributes
    ----------
    name : str
        The dataset's name.
    settings : prcnn.spectrogram.Settings or str
        What made the features: settings, or the key given to :func:`compute`.
    clips : pandas.DataFrame
        The dataset's table without the clips that failed, in its order.
    genres : list of str
        A clip's label is its genre's place in this list.
    failed : dict
        Clip id → why it is not in `clips`.
    shape : tuple of int
        Of one clip's features.
    fingerprint : str
        Of the kind of features and of the contents of `clips`, in order; not of paths, names,
        times or labels. Equal only where all features are.
    folder : pathlib.Path

    Chapter: book/log_mel.ipynb
    """

    name: str
    settings: object
    clips: pd.DataFrame
    genres: list[str]
    failed: dict
    shape: tuple
    fingerprint: str
    folder: Path
    _parts: np.ndarray  # of every row of `clips`: the name of the part it lies in
    _rows: np.ndarray  # and its row there

    def arrays(self, split):
        """All features and labels of a split, in memory; ValueError where it holds no clip.

        Returns
        -------
        X : numpy.ndarray [shape=(n, *shape), dtype=float32]
            In the order of ``clips[clips.split == split]``.
        y : numpy.ndarray [shape=(n,), dtype=int64]

        Chapter: book/log_mel.ipynb
        """
        places = self.indices(split)
        return self.read(places), self.labels(places)

    def stream(self, split, batch_size=64, shuffle=False, seed=0):
        """A split in batches read from disk when asked for, for ``model.fit``.

        A keras.utils.PyDataset of (X, y) as :meth:`arrays` gives them; the last batch may be
        smaller. `shuffle` gives a new order every epoch, the same for the same `seed`. ValueError
        where the split holds no clip, or `batch_size` is below 1.

        Chapter: book/log_mel.ipynb
        """
        return _stream_class()(self, self.indices(split), batch_size, shuffle, seed)

    def indices(self, split):
        """Positions of a split's clips in `clips`; ValueError where there are none."""
        places = np.flatnonzero(self.clips["split"].to_numpy() == split)
        if not places.size:
            counts = self.clips["split"].value_counts().to_dict()
            raise ValueError(f"No clips in split {split!r} of {self.name!r}; it has {counts}.")
        return places

    def labels(self, places):
        """Labels of the clips at `places`: int64 (n,)."""
        genres = self.clips["genre"].iloc[places]
        return pd.Categorical(genres, categories=self.genres).codes.astype(np.int64)

    def read(self, places):
        """Features of the clips at `places`: float32 ``(n, *shape)``. Opens each part once."""
        X = np.empty((len(places), *self.shape), np.float32)
        names = self._parts[places]
        for name in np.unique(names):
            here = np.flatnonzero(names == name)
            rows = np.load(self.folder / f"{name}.npy", mmap_mode="r")
            X[here] = rows[self._rows[places[here]]]
        return X


@cache
def _stream_class():
    import keras  # here, so that extraction need not wait for it

    class Stream(keras.utils.PyDataset):
        def __init__(self, store, places, batch_size, shuffle, seed):
            super().__init__()
            if batch_size < 1:
                raise ValueError(f"batch_size is at least 1, not {batch_size}.")
            self._store, self._places, self._batch_size = store, places, batch_size
            self._random = np.random.default_rng(seed) if shuffle else None
            self.on_epoch_end()

        def __len__(self):
            return -(-len(self._places) // self._batch_size)

        def __getitem__(self, index):
            if not 0 <= index < len(self):
                raise IndexError(f"Batch {index} of {len(self)}.")
            places = self._places[index * self._batch_size : (index + 1) * self._batch_size]
            return self._store.read(places), self._store.labels(places)

        def on_epoch_end(self):
            if self._random is not None:
                self._places = self._random.permutation(self._places)

    return Stream


def extract(dataset, settings=None, n_jobs=-1, out=None, progress=True):
    """Spectrograms of all clips of a dataset, in parallel; computes only what is not there yet.

    The work goes through joblib: inside ``joblib.parallel_config(backend="dask")`` a Dask cluster
    does it, provided that its workers see the dataset's and the store's folder.

    Parameters
    ----------
    dataset : prcnn.datasets.Dataset
    settings : prcnn.spectrogram.Settings or str, optional
        The dataset's own, ``dataset.settings``, where not given.
    n_jobs : int
        Processes; −1 for one a core, or for all that joblib's current backend has.
    out : str or os.PathLike, optional
        Folder in which the stores' own folders are made; ``<prcnn.datasets.cache_folder()>/stores`` where
        not given.
    progress : bool
        Show a bar with clips per second.

    Returns
    -------
    Store
        float32, the very values of :func:`prcnn.spectrogram.log_mel`. (float16 would halve 328 kB
        a clip, but is off by up to 0.03 dB at −80 dB.)

    Warns
    -----
    UserWarning
        Where clips cannot be read for a reason that may pass (no permission, too many open files,
        no such file): they are in ``store.failed`` and tried again at the next call. A clip whose
        sound is at fault is in ``store.failed`` too, and not tried again. Also where one content is
        in two genres or in two splits.

    Raises
    ------
    StoreError
        Where the folder cannot be written (permission, full disk), a worker process died, or no
        clip at all could be used. What is finished is kept; calling again goes on.

    Chapter: book/log_mel.ipynb
    """
    settings = get_settings(dataset.settings if settings is None else settings)
    key = f"{settings.name} {settings!r} version {_VERSION}"
    function = partial(log_mel, settings=settings)
    return compute(dataset, function, settings.shape, key, out, n_jobs, progress, settings=settings)


def compute(dataset, function, shape, key, out=None, n_jobs=-1, progress=True, settings=None):
    """Any features of all clips of a dataset, stored as :func:`extract` stores spectrograms.

    Parameters
    ----------
    dataset : prcnn.datasets.Dataset
    function : callable
        Path of a clip → array of `shape`, which follows from the file's bytes and nothing else. A
        clip for which it raises :class:`~prcnn.audio.AudioError` is left out for good, one for
        which it raises OSError this time; any other error stops the work.
    shape : tuple of int
    key : str
        Names function and settings, and with `shape` the folder, which begins with its first word:
        change it whenever what `function` returns changes.
    out, n_jobs, progress
        As for :func:`extract`.
    settings : optional
        Becomes ``store.settings``; `key` where not given.

    Returns
    -------
    Store
        With warnings and errors as :func:`extract`.

    Chapter: book/log_mel.ipynb
    """
    if dataset.clips.empty:
        raise StoreError(f"Dataset {dataset.name!r} has no clips: nothing to extract.")
    shape, word = tuple(int(n) for n in shape), key.split()[0]
    kind = hashlib.sha256(f"{key}\n{shape}".encode()).hexdigest()
    stores = Path(out).expanduser().absolute() if out is not None else cache_folder() / "stores"
    slug = re.sub(r"\W+", "-", word).strip("-").lower() or "features"
    parts = Parts(stores / f"{slug}-{kind[:12]}", shape)

    bar = partial(tqdm, unit="clip", disable=not progress)
    paths = [str(path) for path in dataset.clips["path"]]
    reading = partial(bar, desc=f"{dataset.name}, contents")
    files, unread = contents.find(paths, stores / "contents.json", n_jobs, reading)
    if groups := parts.missing(files.values()):
        with bar(total=len(files), desc=f"{dataset.name}, {word}") as shown:
            shown.update(len(files) - sum(map(len, groups)))
            lost = parts.fill(groups, function, n_jobs, shown)
        unread |= {path: lost[f.content] for path, f in files.items() if f.content in lost}
    settings = key if settings is None else settings
    return _open(dataset, settings, kind, parts, paths, files, unread)


def _open(dataset, settings, kind, parts, paths, files, unread):
    """Put the dataset's clips and what there is of them side by side, and warn of what is odd."""
    usable, found, failed, passing = [], [], {}, []
    for place, (clip, path) in enumerate(zip(dataset.clips.index, paths, strict=True)):
        content = files[path].content if path in files else None
        if content in parts.rows:
            usable.append(place)
            found.append(content)
            continue
        reason = unread.get(path) or parts.failed[content]
        failed[clip] = reason.replace(contents.CLIP, path)
        if path in unread:
            passing.append(clip)
    if not usable:
        first = next(iter(failed.values()))
        raise StoreError(
            f"None of the {len(paths)} clips of {dataset.name!r} could be used. The first: {first}"
        )
    if passing:
        warn(
            f"{len(passing)} of the {len(paths)} clips of {dataset.name!r} cannot be read now: "
            f"{some(passing)} ({failed[passing[0]]}). They are left out, and tried again at the "
            "next call."
        )
    clips = dataset.clips.iloc[usable]
    _warn_of_twins(dataset.name, clips, found)
    names, rows = zip(*(parts.rows[content] for content in found), strict=True)
    digest = hashlib.sha256("\n".join([kind, *found]).encode()).hexdigest()
    where = digest, parts.folder, np.array(names), np.array(rows)
    return Store(dataset.name, settings, clips, dataset.genres, failed, parts.shape, *where)


def _warn_of_twins(name, clips, found):
    """Warn where one content has two genres or lies in two splits."""
    table = clips[["genre", "split"]].assign(content=found)
    table = table[table["content"].duplicated(keep=False)]
    counts = table.groupby("content")[["genre", "split"]].nunique()
    odd = table[table["content"].isin(counts.index[(counts > 1).any(axis=1)])]
    if not odd.empty:
        groups = odd.groupby("content", sort=False).groups.values()
        warn(
            f"The same file under another genre or in another split of {name!r}: "
            f"{some(' = '.join(map(str, clips[:4])) for clips in groups)}. Keep one of each: a "
            "network that is tested on what it was trained on looks better than it is."
        )
