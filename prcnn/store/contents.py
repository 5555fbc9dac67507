"""What a clip is: the SHA-256 of its file's bytes, remembered as long as the file stays as it is.

The memo is one JSON file for all datasets: absolute path → size, time of change, SHA-256. It only
saves time: without it, or where two calls at once lose each other's additions, files are read once
more.
"""

import hashlib
import json
import os
import time
from contextlib import suppress
from typing import NamedTuple

import joblib

from prcnn.atomic import OLD, sweep, write_whole

CLIP = "{clip}"  # stands in a reason for the path, for another dataset has the clip elsewhere
_TASK = 16  # files a task
_SAVE = 60.0  # seconds between two savings: what a kill may cost
_TICK = 2e9  # ns: the coarsest clock of a disk (FAT); two changes within a tick look the same


class File(NamedTuple):
    """A file that could be read, as it was then."""

    path: str
    size: int
    changed: int  # ns
    content: str


def find(paths, memo, n_jobs, bar):
    """Tell what every file is, reading only those that the memo does not know as they are now.

    Returns path → File, in the order of `paths`, and path → why it cannot be read, with `CLIP` for
    the path.
    """
    known, files, unread, new = _recall(memo), {}, {}, []
    for path in dict.fromkeys(paths):
        try:
            state = _state(os.stat(path))
        except OSError as error:
            unread[path] = reason(error, path)
            continue
        *before, content = known.get(os.path.abspath(path), [None])
        if tuple(before) == state:
            files[path] = File(path, *state, content)
        else:
            new.append(path)
    if not new:
        return files, unread
    # Threads, for hashing lets the others run. Inside a joblib backend of the user's, that reads.
    groups = [new[start : start + _TASK] for start in range(0, len(new), _TASK)]
    results = joblib.Parallel(n_jobs, prefer="threads", return_as="generator_unordered")(
        joblib.delayed(_read)(group) for group in groups
    )
    fresh, saved = {}, time.monotonic()
    try:
        with bar(total=len(new)) as shown:
            for found, lost in results:
                files |= {file.path: file for file in found}
                unread |= lost
                shown.update(len(found) + len(lost))
                for path, *entry in found:
                    # A file that has just changed may change again within the same tick.
                    if abs(time.time_ns() - entry[1]) > _TICK:
                        fresh[os.path.abspath(path)] = entry
                if time.monotonic() - saved > _SAVE:
                    _remember(memo, fresh)
                    saved = time.monotonic()
    finally:
        _remember(memo, fresh)
    return {path: files[path] for path in paths if path in files}, unread


def read(path):
    """Read a whole file; return the File that it is, or raise OSError, also where it changes."""
    with open(path, "rb") as file:
        state = _state(os.fstat(file.fileno()))
        content = hashlib.file_digest(file, "sha256").hexdigest()
        if _state(os.fstat(file.fileno())) != state:
            raise OSError(f"{path}: changed while it was read.")
    return File(path, *state, content)


def unchanged(file):
    """Whether a File has the size and the time of change that it had; OSError where it is gone."""
    return _state(os.stat(file.path)) == (file.size, file.changed)


def reason(error, path):
    """Return an error's words with `CLIP` for the path, which they name in any case."""
    text = str(error).replace(path, CLIP)
    return text if CLIP in text else f"{CLIP}: {text or type(error).__name__}"


def _state(stat):
    return stat.st_size, stat.st_mtime_ns


def _read(paths):
    files, unread = [], {}
    for path in paths:
        try:
            files.append(read(path))
        except OSError as error:
            unread[path] = reason(error, path)
    return files, unread


def _recall(memo):
    try:
        return json.loads(memo.read_bytes())
    except (OSError, ValueError):
        return {}


def _remember(memo, fresh):
    if fresh:
        text = json.dumps(_recall(memo) | fresh)
        with suppress(OSError):  # a disk that is full or not ours to write on
            write_whole(memo, lambda partial: partial.write_text(text))
        sweep(memo.parent, OLD)
