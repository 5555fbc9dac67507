"""One part of a store: computed in a worker process, written whole or not at all.

A part is ``part-00012.npy``, one row for each of its clips that could be used, and, written after
it, ``part-00012.json``, the others' places and reasons. It exists when its JSON does.
"""

import hashlib
import json
import os
import shutil

import numpy as np
from threadpoolctl import threadpool_limits

from prcnn.atomic import write_whole
from prcnn.audio import AudioError

SIZE = 16


class StoreError(RuntimeError):
    """A store that cannot be written or read; the message names the folder and the way out."""


def make(folder, number, function, shape, paths):
    """Compute and write one part, in a worker process; return its number.

    Raises
    ------
    StoreError
        Where it cannot be written.
    ValueError
        Where `function` returns another shape.

    Chapter: book/log_mel.ipynb
    """
    if file(folder, number, "json").exists():  # another call was faster
        return number
    rows, failed = np.empty((len(paths), *shape), np.float32), {}
    # One thread: the parts run in parallel already, and sums in one order give the same bits.
    with threadpool_limits(1):
        for place, path in enumerate(paths):
            try:
                features = np.asarray(function(path))
            except AudioError as error:
                failed[place] = str(error)
                continue
            if features.shape != tuple(shape):
                raise ValueError(f"{path}: features of shape {features.shape}, not {tuple(shape)}.")
            rows[place - len(failed)] = features
    rows = rows[: len(paths) - len(failed)]
    text = json.dumps(failed, indent=1).encode()
    try:
        write_whole(file(folder, number, "npy"), lambda partial: np.save(partial, rows))
        write_whole(file(folder, number, "json"), lambda partial: partial.write_bytes(text))
    except OSError as error:
        if not file(folder, number, "json").exists():  # else another call finished the store
            raise cannot_write(folder, error) from error
    return number


def cannot_write(folder, error):
    """Return the StoreError that says what to do about an OSError."""
    existing = next(p for p in [folder, *folder.parents] if os.path.exists(p))
    free = shutil.disk_usage(existing).free / 1e9
    return StoreError(
        f"Cannot write the store {folder} ({error}; {free:.1f} GB free there). Make room or get "
        "permission there, or give another folder with out=. What is finished is kept: calling "
        "again goes on."
    )


def fingerprint(key, shape, ids, paths):
    """Hash of the settings and of every clip's id, file size and time of change."""
    digest = hashlib.sha256(f"{key}\n{tuple(shape)}\n{SIZE}\n".encode())
    for clip, path in zip(ids, paths, strict=True):
        try:
            stat = os.stat(path)
            state = f"{stat.st_size} {stat.st_mtime_ns}"
        except OSError:
            state = "missing"
        digest.update(f"{clip}\t{state}\n".encode())
    return digest.hexdigest()


def file(folder, number, ending):
    """Path of a part's ``npy`` or ``json``."""
    return folder / f"part-{number:05d}.{ending}"
