"""One part of a store: computed in a worker process, written whole or not at all.

A part is ``part-00012.npy``, one row for each of its clips that could be used, and, written after
it, ``part-00012.json``, the others' places and reasons. It exists when its JSON does.
"""

import hashlib
import json
import os
import shutil
import uuid

import numpy as np
from threadpoolctl import threadpool_limits

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
    _write(file(folder, number, "npy"), lambda opened: np.lib.format.write_array(opened, rows))
    text = json.dumps(failed, indent=1).encode()
    _write(file(folder, number, "json"), lambda opened: opened.write(text))
    return number


def _write(path, write):
    """Write a file whole or not at all, safe against a kill, other writers and a power cut."""
    partial_path = path.with_name(f"{path.name}.{uuid.uuid4().hex}.partial")
    try:
        with open(partial_path, "wb") as opened:
            write(opened)
            opened.flush()
            os.fsync(opened.fileno())
        partial_path.replace(path)
    except OSError as error:
        if path.exists():  # another call finished the same part, and the store
            return
        partial_path.unlink(missing_ok=True)
        raise cannot_write(path.parent, error) from error


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
