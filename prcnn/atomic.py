"""What is kept on disk: files written whole or not at all, and found again by what made them."""

import dataclasses
import hashlib
import json
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

OLD = 3600.0  # seconds after which nobody is still writing a file
_UNFINISHED = ".partial-"


def write_whole(path, write):
    """Have a file made out of sight, and put it in its place, whose folder is made, in one step.

    Safe against a kill, a power cut and other processes that write the same file: under its name
    the file is whole or absent. Only a kill leaves something behind, see :func:`sweep`. After an
    OSError (a full disk, a folder not ours to write in) `path` is as it was.

    ``write`` is called with the path to write to. It has the name of `path`, whose ending numpy and
    Keras go by, in a hidden folder beside it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=_UNFINISHED) as folder:
        partial = Path(folder, path.name)
        write(partial)
        with open(partial, "rb+") as file:
            os.fsync(file.fileno())  # before the name: a power cut must not leave it empty
        partial.replace(path)


def sweep(folder, age=0.0):
    """Remove what killed processes left of files that they were writing to `folder`.

    ``age`` is the seconds for which it has lain there; `OLD` where others may be writing right now.
    """
    for leftover in folder.glob(f"{_UNFINISHED}*"):
        with suppress(OSError):
            if time.time() - leftover.stat().st_mtime >= age:
                shutil.rmtree(leftover)


def digest(*what):
    """Sixteen hexadecimal digits that stand for all of ``what``: the one key of all that is kept.

    ``what`` are numbers, texts, None, lists, dicts, paths, arrays, tables (names of columns and the
    index count, and what is missing is missing however it is written) and dataclasses (of which
    fields that do not compare, such as a name, do not count). TypeError for anything else, rather
    than a key that differs tomorrow.
    """
    said = json.dumps(what, sort_keys=True, default=_plain)
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _plain(value):
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = (field.name for field in dataclasses.fields(value) if field.compare)
        return {name: getattr(value, name) for name in fields}
    if isinstance(value, pd.DataFrame):
        return [value.index, [[str(name), column] for name, column in value.items()]]
    if isinstance(value, pd.Series):
        return [value.index, value.to_numpy()]
    if isinstance(value, pd.Index):
        return value.to_numpy()
    if isinstance(value, np.ndarray) and value.dtype == object:
        return np.where(pd.isna(value), None, value).tolist()
    if isinstance(value, np.ndarray):
        bytes_ = np.ascontiguousarray(value).tobytes()
        return [str(value.dtype), value.shape, hashlib.sha256(bytes_).hexdigest()]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no part of a key: {value!r}")
