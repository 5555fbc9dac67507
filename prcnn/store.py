"""A dataset becomes spectrograms on disk, read back as arrays or as a stream.

A store is a folder of parts, each the rows of 16 clips: ``part-00012.npy`` (plain npy, which numpy
maps into memory) and, written after it, ``part-00012.json`` with the clips that failed. A part
exists when its JSON does. Both are written under another name and renamed, and what they hold
depends on nothing but the clips; so a killed extraction goes on where it was, and any number of
processes and machines may work on one store without a lock. The folder's name carries a
fingerprint of the settings and of every clip's id, size and time of change: another setting or a
changed file is another folder.
"""

import hashlib
import json
import os
import random
import re
import shutil
import socket
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from joblib.externals.loky.process_executor import TerminatedWorkerError
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from prcnn.audio import AudioError
from prcnn.datasets import home
from prcnn.spectrogram import PAPER, get_settings, log_mel

PART = 16
# Raise when a change of code changes spectrograms: stores made before are then not read.
_VERSION = 1


class StoreError(RuntimeError):
    """A store that cannot be written or read; the message names the folder and the way out."""


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
            Where the split holds no clip.

        Chapter: book/log_mel.ipynb
        """
        from prcnn.stream import Stream  # here, so that extraction need not wait for Keras

        return Stream(self, self.places(split), batch_size, shuffle, seed)

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
        """Features of the clips at `places`: float32 (n, *shape). Opens each part once."""
        X = np.empty((len(places), *self.shape), np.float32)
        parts = self._parts[places]
        for part in np.unique(parts):
            here = np.flatnonzero(parts == part)
            rows = np.load(_file(self.folder, part, "npy"), mmap_mode="r")
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


def compute(
    dataset, function, shape, key, out=None, n_jobs=-1, progress=True, desc=None, settings=None
):
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
    desc : str, optional
        Label of the progress bar.
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
    clips, paths = dataset.clips, dataset.clips["path"].tolist()
    fingerprint = _fingerprint(key, shape, clips.index, paths)
    label = f"{_slug(Path(dataset.name).name)}-{_slug(key.split()[0])}-{fingerprint[:12]}"
    folder = (Path(out).expanduser() if out is not None else home() / "stores") / label
    starts = range(0, len(paths), PART)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        waiting = [n for n in range(len(starts)) if not _file(folder, n, "json").exists()]
    except OSError as error:
        raise _cannot_write(folder, error) from error
    if waiting:
        # Shuffled, so that two calls on one store seldom work on the same part.
        random.Random().shuffle(waiting)
        pieces = {n: paths[starts[n] : starts[n] + PART] for n in waiting}
        tasks = (joblib.delayed(_work)(folder, n, function, shape, pieces[n]) for n in waiting)
        done = len(paths) - sum(map(len, pieces.values()))
        bar = tqdm(
            total=len(paths),
            initial=done,
            unit="clip",
            desc=desc or f"{dataset.name}, {key.split()[0]}",
            disable=not progress,
        )
        try:
            with bar:
                pool = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")
                for n in pool(tasks):
                    bar.update(len(pieces[n]))
        except TerminatedWorkerError as error:
            raise StoreError(
                f"A worker process died while writing {folder} (killed, or out of memory). The "
                "finished part is kept: call again to go on, with a smaller n_jobs if memory is "
                "short."
            ) from error
        for leftover in folder.glob("*.partial"):
            leftover.unlink(missing_ok=True)
    store = _open(dataset, folder, fingerprint, shape, key if settings is None else settings)
    if store.clips.empty:
        first = next(iter(store.failed.values()))
        raise StoreError(
            f"None of the {len(paths)} clips of {dataset.name!r} could be used. The first: {first}"
        )
    return store


def _open(dataset, folder, fingerprint, shape, settings):
    """Read what failed, and from it the part and row of every clip that did not."""
    n, kept, parts, rows, failed = len(dataset.clips), [], [], [], {}
    for number, start in enumerate(range(0, n, PART)):
        path = _file(folder, number, "json")
        try:
            reasons = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise StoreError(f"{path} cannot be read ({error}). Delete {folder}.") from error
        here = [p for p in range(start, min(start + PART, n)) if str(p) not in reasons]
        kept += here
        parts += [number] * len(here)
        rows += range(len(here))
        failed |= {dataset.clips.index[int(p)]: reason for p, reason in reasons.items()}
    clips = dataset.clips.iloc[kept]
    places = np.array(parts, int), np.array(rows, int)
    return Store(
        dataset.name, settings, clips, dataset.genres, failed, shape, fingerprint, folder, *places
    )


def _work(folder, number, function, shape, paths):
    """Compute and write one part, in a worker process; returns its number."""
    if _file(folder, number, "json").exists():  # another call was faster
        return number
    rows, failed = [], {}
    # One thread: the parts run in parallel already, and sums in one order give the same bits.
    with threadpool_limits(1):
        for place, path in enumerate(paths, number * PART):
            try:
                rows.append(np.asarray(function(path), np.float32).reshape(shape))
            except AudioError as error:
                failed[place] = str(error)
    rows = np.stack(rows) if rows else np.empty((0, *shape), np.float32)
    _write(_file(folder, number, "npy"), lambda file: np.lib.format.write_array(file, rows))
    text = json.dumps(failed, indent=1).encode()
    _write(_file(folder, number, "json"), lambda file: file.write(text))
    return number


def _write(path, write):
    """Write a file whole or not at all, safe against a kill, other writers and a power cut."""
    partial_path = path.with_name(f"{path.name}.{socket.gethostname()}-{os.getpid()}.partial")
    try:
        with open(partial_path, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        partial_path.replace(path)
    except OSError as error:
        if path.exists():  # another call finished the same part, and the store
            return
        partial_path.unlink(missing_ok=True)
        raise _cannot_write(path.parent, error) from error


def _cannot_write(folder, error):
    existing = next(p for p in [folder, *folder.parents] if p.exists())
    free = shutil.disk_usage(existing).free / 1e9
    return StoreError(
        f"Cannot write the store {folder} ({error}; {free:.1f} GB free there). Make room or get "
        "permission there, or give another folder with out=. What is finished is kept: calling "
        "again goes on."
    )


def _fingerprint(key, shape, ids, paths):
    digest = hashlib.sha256(f"{key}\n{tuple(shape)}\n{PART}\n".encode())
    for clip, path in zip(ids, paths, strict=True):
        try:
            stat = os.stat(path)
            state = f"{stat.st_size} {stat.st_mtime_ns}"
        except OSError:
            state = "missing"
        digest.update(f"{clip}\t{state}\n".encode())
    return digest.hexdigest()


def _file(folder, number, ending):
    return folder / f"part-{number:05d}.{ending}"


def _slug(text):
    return re.sub(r"\W+", "-", text).strip("-").lower() or "dataset"
