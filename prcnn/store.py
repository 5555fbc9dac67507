"""A dataset becomes spectrograms on disk, read back as arrays or as a stream.

A store is a folder of parts (:mod:`prcnn.parts`), each the rows of 16 clips in an npy file, which
numpy maps into memory without another library. A part is written whole or not at all and holds what
its clips say and nothing else; so a killed extraction goes on where it was, and any number of
processes and machines may work on one store without a lock. The folder's name carries a fingerprint
of the settings and of every clip's id, size and time of change: another setting or a changed file
is another folder.
"""

import json
import random
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm.auto import tqdm

from prcnn import parts
from prcnn.atomic import sweep
from prcnn.datasets import home
from prcnn.parts import StoreError
from prcnn.spectrogram import PAPER, get_settings, log_mel

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
        Names settings and clips; equal only where all features are.
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
    _parts: np.ndarray  # of every row of `clips`: the part it lies in
    _rows: np.ndarray  # and its row there

    def arrays(self, split):
        """All features and labels of a split, in memory.

        Parameters
        ----------
        split : {"training", "validation", "test"}

        Returns
        -------
        X : numpy.ndarray [shape=(n, *shape), dtype=float32]
            In the order of ``clips[clips.split == split]``.
        y : numpy.ndarray [shape=(n,), dtype=int64]

        Raises
        ------
        ValueError
            Where the split holds no clip.

        Chapter: book/log_mel.ipynb
        """
        places = self.places(split)
        return self.read(places), self.labels(places)

    def stream(self, split, batch_size=64, shuffle=False, seed=0):
        """A split in batches read from disk when asked for, for ``model.fit``.

        Parameters
        ----------
        split : {"training", "validation", "test"}
        batch_size : int
        shuffle : bool
            A new order every epoch, the same for the same `seed`.
        seed : int

        Returns
        -------
        keras.utils.PyDataset
            Of (X, y) as :meth:`arrays` gives them; the last batch may be smaller.

        Raises
        ------
        ValueError
            Where the split holds no clip, or `batch_size` is below 1.

        Chapter: book/log_mel.ipynb
        """
        places = self.places(split)
        from prcnn.stream import Stream  # here, so that extraction need not wait for Keras

        return Stream(self, places, batch_size, shuffle, seed)

    def places(self, split):
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
        numbers = self._parts[places]
        for number in np.unique(numbers):
            here = np.flatnonzero(numbers == number)
            rows = np.load(parts.file(self.folder, number, "npy"), mmap_mode="r")
            X[here] = rows[self._rows[places[here]]]
        return X


def extract(dataset, settings=PAPER, n_jobs=-1, out=None, progress=True):
    """Spectrograms of all clips of a dataset, in parallel; goes on where it was interrupted.

    The work goes through joblib: inside ``joblib.parallel_config(backend="dask")`` a Dask cluster
    does it, provided that its workers see the dataset's and the store's folder.

    Parameters
    ----------
    dataset : prcnn.datasets.Dataset
    settings : prcnn.spectrogram.Settings or str
    n_jobs : int
        Processes; −1 for one a core, or for all that joblib's current backend has.
    out : str or os.PathLike, optional
        Folder in which the store's own folder is made; ``<prcnn.datasets.home()>/stores`` where
        not given.
    progress : bool
        Show a bar with clips per second.

    Returns
    -------
    Store
        float32, the very values of :func:`prcnn.spectrogram.log_mel`. (float16 would halve 328 kB
        a clip, but is off by up to 0.03 dB at −80 dB.)

    Raises
    ------
    StoreError
        Where the folder cannot be written (permission, full disk), a worker process died, or no
        clip at all could be used. What is finished is kept; calling again goes on.

    Chapter: book/log_mel.ipynb
    """
    settings = get_settings(settings)
    key = f"{settings.name} {settings!r} version {_VERSION}"
    function = partial(log_mel, settings=settings)
    return compute(dataset, function, settings.shape, key, out, n_jobs, progress, settings=settings)


def compute(dataset, function, shape, key, out=None, n_jobs=-1, progress=True, settings=None):
    """Any features of all clips of a dataset, stored as :func:`extract` stores spectrograms.

    Parameters
    ----------
    dataset : prcnn.datasets.Dataset
    function : callable
        Path of a clip → array of `shape`. A clip for which it raises
        :class:`~prcnn.audio.AudioError` is left out and listed; any other error stops the work.
    shape : tuple of int
    key : str
        Names function and settings, and enters the fingerprint: change it whenever what
        `function` returns changes. Its first word names the folder.
    out, n_jobs, progress
        As for :func:`extract`.
    settings : object, optional
        Becomes ``store.settings``; `key` where not given.

    Returns
    -------
    Store

    Raises
    ------
    StoreError
        As :func:`extract`.

    Chapter: book/log_mel.ipynb
    """
    if dataset.clips.empty:
        raise StoreError(f"Dataset {dataset.name!r} has no clips: nothing to extract.")
    paths = dataset.clips["path"].tolist()
    fingerprint = parts.fingerprint(key, shape, dataset.clips.index, paths)
    label = f"{_slug(Path(dataset.name).name)}-{_slug(key.split()[0])}-{fingerprint[:12]}"
    folder = (Path(out).expanduser().absolute() if out is not None else home() / "stores") / label
    try:
        folder.mkdir(parents=True, exist_ok=True)
        pieces = {
            number: paths[start : start + parts.SIZE]
            for number, start in enumerate(range(0, len(paths), parts.SIZE))
            if not parts.file(folder, number, "json").exists()
        }
    except OSError as error:
        raise parts.cannot_write(folder, error) from error
    if pieces:
        desc = f"{dataset.name}, {key.split()[0]}"
        bar = tqdm(total=len(paths), unit="clip", desc=desc, disable=not progress)
        bar.update(len(paths) - sum(map(len, pieces.values())))
        with bar:
            _fill(folder, pieces, function, shape, n_jobs, bar)
    store = _open(dataset, folder, fingerprint, shape, key if settings is None else settings)
    if store.clips.empty:
        first = next(iter(store.failed.values()))
        raise StoreError(
            f"None of the {len(paths)} clips of {dataset.name!r} could be used. The first: {first}"
        )
    return store


def _fill(folder, pieces, function, shape, n_jobs, bar):
    """Make the missing parts, `pieces` (number → paths), in parallel."""
    # In any order, so that two calls on one store seldom work on the same part.
    numbers = random.Random().sample(list(pieces), len(pieces))
    tasks = (joblib.delayed(parts.make)(folder, n, function, shape, pieces[n]) for n in numbers)
    try:
        for n in joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(tasks):
            bar.update(len(pieces[n]))
    except TerminatedWorkerError as error:
        raise StoreError(
            f"A worker process died while writing {folder} (killed, or out of memory). What is "
            "finished is kept: call again to go on, with a smaller n_jobs if memory is short."
        ) from error
    sweep(folder)


def _open(dataset, folder, fingerprint, shape, settings):
    """Read what failed, and from it the part and row of every clip that did not."""
    n, kept, numbers, rows, failed = len(dataset.clips), [], [], [], {}
    for number, start in enumerate(range(0, n, parts.SIZE)):
        path = parts.file(folder, number, "json")
        try:
            reasons = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise StoreError(
                f"{path} cannot be read ({error}). Delete it and call again."
            ) from error
        size = min(parts.SIZE, n - start)
        good = [start + place for place in range(size) if str(place) not in reasons]
        kept += good
        numbers += [number] * len(good)
        rows += range(len(good))
        failed |= {dataset.clips.index[start + int(p)]: reason for p, reason in reasons.items()}
    clips, places = dataset.clips.iloc[kept], (np.array(numbers, int), np.array(rows, int))
    return Store(
        dataset.name, settings, clips, dataset.genres, failed, shape, fingerprint, folder, *places
    )


def _slug(text):
    return re.sub(r"\W+", "-", text).strip("-").lower() or "dataset"
