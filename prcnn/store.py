"""A dataset becomes features on disk, found again by what its clips are.

A store is one folder for each kind of features, whatever dataset the clips come from. A clip is
known there by its content, ``<SHA-256 of its file>.npy``: moved, renamed or copied to another
machine it is the same clip, and two datasets share those that both hold. A file is written whole or
not at all; so a killed extraction goes on where it was, and any number of processes and machines
may work on one folder without a lock: at worst a clip is computed twice.

Beside the folder a ``.jsonl`` of its name remembers what files hold, and why some cannot be used,
for as long as they stay as they are. It only saves time: without it, files are read once more.
"""

import hashlib
import json
import math
import os
import random
import re
import stat
import tempfile
import threading
import time
import warnings
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from importlib import metadata
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import soundfile
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from prcnn.atomic import OLD, digest, sweep
from prcnn.audio import AudioError
from prcnn.datasets import cache_folder
from prcnn.datasets.dataset import printable, some, warn
from prcnn.spectrogram import get_settings, log_mel

_VERSION = 1  # raise when a change of code changes spectrograms: older ones are then not read
_TASK = 16  # clips that a worker takes at a time, and that a kill costs
_TICK = 2e9  # ns: the coarsest clock of a disk (FAT); two changes within a tick look the same


class StoreError(RuntimeError):
    """A store that cannot be written or filled; the message says the way out."""


@dataclass(frozen=True, eq=False)
class Store:
    """Features of a dataset's clips, on disk.

    They belong to a clip's id: any choice or order of the rows of `clips` reads its own.

    Attributes
    ----------
    name, clips, genres
        The dataset's; the table is without the clips that failed. A clip's label is its genre's
        place in `genres`.
    settings : prcnn.spectrogram.Settings or str
        What made the features: settings, or the key given to :func:`compute`.
    failed : dict
        Clip id → why it is not in `clips`.
    shape, folder
        Of one clip's features, and where they lie.
    kind, contents
        Digest of what made the features; clip id → SHA-256 of its file.

    Chapter: book/log_mel.ipynb
    """

    name: str
    settings: object
    clips: pd.DataFrame
    genres: list[str]
    failed: dict
    shape: tuple
    folder: Path
    kind: str
    contents: dict

    def __eq__(self, other):
        """Whether both hold the same features of the same table of clips, labelled alike."""
        alike = isinstance(other, Store) and self.fingerprint == other.fingerprint
        return alike and self.genres == other.genres and self.clips.equals(other.clips)

    @property
    def fingerprint(self):
        """Digest of the kind of features and of the contents of `clips`, in order.

        Not of paths, names, times or labels, nor of the decoders' versions.
        """
        return digest(self.kind, [self.contents[clip] for clip in self.clips.index])

    def select(self, mask):
        """Keep some clips: a Store whose rows follow them. `genres`, and so labels, stay.

        ``mask`` is a boolean Series or array with a value for each row of `clips`, or a list of
        clip ids; another length or id is pandas' IndexError or KeyError.
        """
        return replace(self, clips=self.clips.loc[mask])

    def arrays(self, split):
        """All features and labels of a split, in memory; ValueError where it holds no clip.

        Returns
        -------
        X : numpy.ndarray [shape=(n, *shape), dtype=float32]
            In the order of ``clips[clips.split == split]``.
        y : numpy.ndarray [shape=(n,), dtype=int64]

        Chapter: book/log_mel.ipynb
        """
        indices = self.indices(split)
        return self.read(indices), self.labels(indices)

    def stream(self, split, batch_size=64, shuffle=False, seed=0):
        """A split in batches read from disk when asked for, for ``model.fit``.

        A keras.utils.PyDataset of (X, y) as :meth:`arrays` gives them; the last batch may be
        smaller. `shuffle` gives a new order every epoch, the same for the same `seed`. ValueError
        where the split holds no clip, or `batch_size` is below 1.

        Chapter: book/log_mel.ipynb
        """
        if batch_size < 1:
            raise ValueError(f"batch_size is at least 1, not {batch_size}.")
        import keras  # here, so that extraction need not wait for it

        store, order, random = self, self.indices(split), np.random.default_rng(seed)

        class Stream(keras.utils.PyDataset):
            def __len__(self):
                return len(self.batches)

            def __getitem__(self, i):
                return store.read(self.batches[i]), store.labels(self.batches[i])

            def on_epoch_end(self):
                indices = random.permutation(order) if shuffle else order
                self.batches = np.split(indices, range(batch_size, len(order), batch_size))

        stream = Stream()
        stream.on_epoch_end()
        return stream

    def indices(self, split):
        """Positions of a split's clips in `clips`; ValueError where there are none."""
        indices = np.flatnonzero(self.clips["split"] == split)
        if not indices.size:
            counts = self.clips["split"].value_counts().to_dict()
            raise ValueError(f"No clips in split {split!r} of {self.name!r}; it has {counts}.")
        return indices

    def labels(self, indices):
        """Labels of the clips at these positions: int64 (n,). ValueError for another genre."""
        genres = self.clips["genre"].iloc[indices]
        return np.array([self.genres.index(genre) for genre in genres], np.int64)

    def read(self, indices):
        """Features of the clips at these positions: float32 ``(n, *shape)``."""
        clips = self.clips.index[indices]
        X = np.empty((len(clips), math.prod(self.shape)), np.float32)
        for x, clip in zip(X, clips, strict=True):
            # The whole file as numbers, the last of which are the features: four times as fast as
            # numpy.load, which parses the header.
            x[:] = np.fromfile(f"{self.folder}/{self.contents[clip]}.npy", np.float32)[-x.size :]
        return X.reshape(-1, *self.shape)


def extract(dataset, settings=None, n_jobs=-1, out=None, progress=True, *, retry_failed=False):
    """Spectrograms of all clips of a dataset, in parallel; computes only what is not there yet.

    The work goes through joblib: inside ``joblib.parallel_config(backend="dask")`` a Dask cluster
    does it, provided that its workers see the dataset's and the store's folder.

    Parameters
    ----------
    dataset : prcnn.datasets.Dataset
    settings : prcnn.spectrogram.Settings or str, optional
        By default the dataset's own.
    n_jobs : int
        Processes; −1 for one a core, or for all that joblib's current backend has.
    out : str or os.PathLike, optional
        Folder for the stores' folders; by default ``prcnn.datasets.cache_folder() / "stores"``.
    progress : bool
        Show a bar with clips per second.
    retry_failed : bool
        Try clips again whose sound could not be used. (An upgraded decoder makes all anew.)

    Returns
    -------
    Store
        float32, the very values of :func:`prcnn.spectrogram.log_mel`. (float16 would halve 328 kB
        a clip, but is off by up to 0.03 dB at −80 dB.)

    Warns
    -----
    UserWarning
        Where clips are left out, with the reason; if that is not the sound but the disk (no such
        file, no permission, too many open files), the next call tries again. Also where one content
        is in two genres or in two splits.

    Raises
    ------
    StoreError
        Where the folder cannot be written (permission, full disk), a worker process died, or no
        clip at all could be used. What is finished is kept; calling again goes on.

    Chapter: book/log_mel.ipynb
    """
    settings = get_settings(dataset.settings if settings is None else settings)
    key = f"log_mel {digest(vars(settings) | {'name': None}, _VERSION)}"
    function, shape = partial(log_mel, settings=settings), settings.shape
    return compute(dataset, function, shape, key, out, n_jobs, progress, settings, retry_failed)


def compute(
    dataset,
    function,
    shape,
    key,
    out=None,
    n_jobs=-1,
    progress=True,
    settings=None,
    retry_failed=False,
):
    """Any features of all clips of a dataset, stored as :func:`extract` stores spectrograms.

    Parameters
    ----------
    dataset : prcnn.datasets.Dataset
    function : callable
        Path of a clip → finite numbers of `shape`, which follow from the file's bytes and nothing
        else; ValueError otherwise. A clip for which it raises :class:`~prcnn.audio.AudioError` is
        left out for good, one for which it raises OSError or UnicodeError this time; any other
        error stops the work.
    shape : tuple of int
    key : str
        Names function and settings, and with `shape` and the decoders' versions the folder, which
        begins with its first word: change it whenever what `function` returns changes.
    out, n_jobs, progress, retry_failed
        As for :func:`extract`, as are the result, warnings and errors.
    settings : optional
        Becomes ``store.settings``; `key` where not given.
    """
    if not key.strip():
        raise ValueError('key="": name what the function computes, so that it is found again.')
    if dataset.clips.empty:
        raise StoreError(f"Dataset {dataset.name!r} has no clips: nothing to extract.")
    shape = tuple(int(n) for n in shape)
    kind, word = digest(key, shape), re.sub(r"\W+", "-", key.split()[0])
    decoders = list(map(metadata.version, ("soundfile", "av", "soxr", "librosa", "pillow")))
    version_of = digest(kind, decoders, soundfile.__libsndfile_version__)
    stores = Path(out).expanduser().absolute() if out is not None else cache_folder() / "stores"
    folder = stores / f"{word}-{'x'.join(map(str, shape))}-{version_of}"

    memo = folder.with_name(f"{folder.name}.jsonl")
    paths, known, found = list(map(os.path.expanduser, dataset.clips["path"])), _recall(memo), {}
    for path in paths:
        with suppress(OSError, KeyError):
            content, reason = known[os.path.abspath(path), *_state(path)]
            if not retry_failed if reason else _whole(folder, shape, content):
                found[path] = content, reason
    new = [path for path in dict.fromkeys(paths) if path not in found]
    random.Random().shuffle(new)  # so that two calls on one folder seldom work on the same clip
    make = joblib.delayed(partial(_make, folder, shape, function))
    tasks = (make(new[start : start + _TASK]) for start in range(0, len(new), _TASK))
    shown = {"initial": len(found), "total": len(found) + len(new), "unit": "clip"}
    shown |= {"desc": f"{dataset.name}, {word}", "disable": not (new and progress)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tqdm(**shown) as bar:
            # The workers tell what they wrote: a network disk may list it only seconds later.
            for results, said in joblib.Parallel(n_jobs, return_as="generator_unordered")(tasks):
                for message in said:
                    warn(message)
                found |= {path: (content, reason) for path, _, content, reason in results}
                _remember(memo, results)
                bar.update(len(results))
        sweep(folder, OLD)
    except (OSError, BrokenProcessPool) as error:
        raise StoreError(
            f"Cannot fill the store {folder}: {error}. Make room or get permission there, give "
            "another folder with out=, or, where a worker process died for want of memory, a "
            "smaller n_jobs. What is finished is kept: call again to go on."
        ) from error

    rows = list(zip(dataset.clips.index, map(found.get, paths), strict=True))
    contents = {clip: content for clip, (content, reason) in rows if not reason}
    failed = {clip: reason for clip, (_, reason) in rows if reason}
    if failed:
        said = f"{len(failed)} of the {len(rows)} clips of {dataset.name!r} cannot be used: "
        said += "; ".join(list(failed.values())[:3])
        if not contents:
            raise StoreError(said)
        warn(f"{said}; … All are in store.failed." if len(failed) > 3 else said)
    clips = dataset.clips.loc[list(contents)]
    _warn_of_twins(dataset.name, clips, list(contents.values()))
    told = dataset.name, key if settings is None else settings, clips, dataset.genres
    return Store(*told, failed, shape, folder, kind, contents)


def _make(folder, shape, function, paths):
    """Make the features of some clips that are not there yet, in a worker process.

    Returns (path, state, content, reason) of each, and what `function` warned of. The reason is ""
    where there are features; the content is None where the file could not be read now.
    """
    results, new = [], {}
    # A process of its own would warn where nobody looks. (In threads, recording is not safe.)
    record = threading.current_thread() is threading.main_thread()
    # One thread: clips run in parallel; and sums in one order give the same bits.
    with threadpool_limits(1), warnings.catch_warnings(record=record) as caught:
        for path in paths:
            state, content, reason = None, None, ""
            try:
                state = _state(path)
                with open(path, "rb") as file:
                    content = hashlib.file_digest(file, "sha256").hexdigest()
                if content not in new and not _whole(folder, shape, content):
                    features = np.asarray(function(path), np.float32)
                    if features.shape != shape or not np.isfinite(features).all():
                        raise ValueError(
                            f"{path}: features are finite numbers of shape {shape}, not of shape "
                            f"{features.shape}: {features}"
                        )
                    if _state(path) != state:
                        raise OSError("changed while it was read")
                    new[content] = features
            except AudioError as error:
                reason = _reason(error, path)
            except (OSError, UnicodeError) as error:
                content, reason = None, _reason(error, path)
            results.append((path, state, content, reason))
    if new:
        # Named when whole, without waiting for the disk, as every clip would: what a power cut
        # leaves short is seen by its size, and made again.
        with tempfile.TemporaryDirectory(dir=folder, prefix=".partial-") as hidden:
            for content, features in new.items():
                np.save(f"{hidden}/{content}.npy", features)
                os.replace(f"{hidden}/{content}.npy", f"{folder}/{content}.npy")
    return results, [str(w.message) for w in caught or () if w.category is UserWarning]


def _whole(folder, shape, content):
    """Whether a clip's features are there, and not cut short by a copy that was broken off."""
    with suppress(OSError):
        size = os.stat(f"{folder}/{content}.npy").st_size
        return size >= 128 + 4 * math.prod(shape)  # header and numbers
    return False


def _state(path):
    """Size, times (ns) and inode of a file, by which it is known not to have changed."""
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):  # a pipe would be read for ever
        raise OSError(f"{path}: not a regular file.")
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino


def _recall(memo):
    """(absolute path, *state) → content and reason; damaged lines are left out."""
    known = {}
    with suppress(OSError):
        for line in memo.read_text("utf-8", "replace").splitlines():
            with suppress(ValueError, TypeError):
                *file, content, reason = json.loads(line)
                known[tuple(file)] = content, reason
    return known


def _remember(memo, results):
    """Add a line a clip, but for those that may change again within the same tick of the clock."""
    lines = [""]  # a line of its own, should a kill have cut the last one short
    for path, state, *rest in results:
        if rest[0] and min(abs(time.time_ns() - changed) for changed in state[1:3]) > _TICK:
            lines.append(json.dumps([os.path.abspath(path), *state, *rest]))
    with suppress(OSError), open(memo, "a") as file:  # a folder that is not ours to write in
        file.write("\n".join(lines))


def _reason(error, path):
    """An error's words, with the path."""
    path, text = printable(path), printable(error) or type(error).__name__
    return text if path in text else f"{path}: {text}"


def _warn_of_twins(name, clips, contents):
    """Warn where one content has two genres or lies in two splits."""
    same = clips.groupby(contents, sort=False)
    unlike = same[["genre", "split"]].nunique().gt(1).any(axis=1)
    twins = [clips.index[same.indices[content]] for content in unlike.index[unlike]]
    if twins:
        odd = some(" = ".join(map(str, alike[:4])) for alike in twins)
        warn(
            f"The same file under another genre or in another split of {name!r}: {odd}. Keep one "
            "of each: a network tested on what it was trained on looks better than it is."
        )
