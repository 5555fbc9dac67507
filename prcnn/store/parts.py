"""Where features lie: parts of up to 16 clips, each written whole or not at all, never changed.

A part is ``part-….npy``, a row a clip, and, written after it, ``part-….json``, which says by their
contents whose rows these are, and which clips' sound cannot be used and why. It is named after what
it says, so that two processes that write the same name write the same.
"""

import hashlib
import json
import math
import os
import random
import shutil

import joblib
import numpy as np
from joblib.externals.loky.process_executor import TerminatedWorkerError
from threadpoolctl import threadpool_limits

from prcnn.atomic import OLD, sweep, write_whole
from prcnn.audio import AudioError
from prcnn.store import contents

SIZE = 16
_HEADER = 128  # bytes before the first row of an npy file, at least


class StoreError(RuntimeError):
    """A store that cannot be written or read; the message names the folder and the way out."""


class Parts:
    """What a folder holds of one kind of features.

    Attributes
    ----------
    rows : dict
        Content → name of its part, and its row there.
    failed : dict
        Content → why its sound cannot be used.
    """

    def __init__(self, folder, shape):
        self.folder, self.shape, self.rows, self.failed = folder, shape, {}, {}
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _cannot_write(folder, error) from error
        for path in sorted(folder.glob("part-*.json")):
            if (said := _read(path, shape)) is not None:
                self._add(path.stem, said)

    def missing(self, files):
        """Group the files whose content is not here, each content once, as parts will hold them."""
        files = list({file.content: file for file in files}.values())
        # Cut first and sift then: calls at the same time on one dataset so make the same parts.
        cuts = [files[start : start + SIZE] for start in range(0, len(files), SIZE)]
        known = self.rows.keys() | self.failed.keys()
        groups = [[file for file in cut if file.content not in known] for cut in cuts]
        return [group for group in groups if group]

    def fill(self, groups, function, n_jobs, shown):
        """Make parts of the groups, in parallel; return content → why it could not be read now."""
        # In any order, so that two calls on one folder seldom work on the same part.
        groups, unread = random.Random().sample(groups, len(groups)), {}
        tasks = (joblib.delayed(_make)(self.folder, self.shape, g, function) for g in groups)
        try:
            # The workers tell what they wrote: a network disk may list it only seconds later.
            for tried, made, lost in joblib.Parallel(n_jobs, return_as="generator_unordered")(
                tasks
            ):
                for name, said in made.items():
                    self._add(name, said)
                unread |= lost
                shown.update(tried)
        except TerminatedWorkerError as error:
            raise StoreError(
                f"A worker process died while writing {self.folder} (killed, or out of memory). "
                "What is finished is kept: call again to go on, with a smaller n_jobs if memory is "
                "short."
            ) from error
        sweep(self.folder, OLD)
        return unread

    def _add(self, name, said):
        self.rows |= {content: (name, row) for row, content in enumerate(said["rows"])}
        self.failed |= said["failed"]


def _make(folder, shape, files, function):
    """Compute and write one part, in a worker process.

    Returns the number of clips tried, the part's name → what it says (nothing where no clip could
    be read), and content → why it could not be read now.
    """
    name, said = _name([file.content for file in files], {})
    if _read(folder / f"{name}.json", shape) is not None:  # another call was faster
        return len(files), {name: said}, {}
    rows, good, failed, unread = np.empty((len(files), *shape), np.float32), [], {}, {}
    # One thread: the parts run in parallel already, and sums in one order give the same bits.
    with threadpool_limits(1):
        for file in files:
            try:
                features = np.asarray(_features(function, file))
            except OSError as error:
                unread[file.content] = contents.reason(error, file.path)
            except AudioError as error:
                failed[file.content] = contents.reason(error, file.path)
            else:
                if features.shape != shape:
                    raise ValueError(
                        f"{file.path}: features of shape {features.shape}, not {shape}."
                    )
                rows[len(good)] = features
                good.append(file.content)
    if not good and not failed:
        return len(files), {}, unread
    name, said = _name(good, failed)
    text, rows = json.dumps(said, indent=1), rows[: len(good)]
    try:
        write_whole(folder / f"{name}.npy", lambda partial: np.save(partial, rows))
        write_whole(folder / f"{name}.json", lambda partial: partial.write_text(text))
    except OSError as error:
        raise _cannot_write(folder, error) from error
    return len(files), {name: said}, unread


def _features(function, file):
    """What `function` gives for the very bytes that the file's content names.

    AudioError where the fault lies in the sound; OSError where it may pass, or the file changed.
    """
    try:
        features = function(file.path)
    except AudioError:
        # A decoder calls broken what the system did not let it read. So the bytes are read here,
        # which names such a fault, and only what comes twice lies in the sound.
        _same(file)
        features = function(file.path)
    if not contents.unchanged(file):
        _same(file)
    return features


def _same(file):
    if contents.read(file.path).content != file.content:
        raise OSError(f"{file.path}: changed meanwhile.")


def _name(rows, failed):
    """What a part says, and its name, which follows from that."""
    said = {"rows": rows, "failed": failed}
    return f"part-{hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]}", said


def _read(path, shape):
    """What a part says; None where it is not there, or cut short by a copy that was broken off."""
    try:
        said = json.loads(path.read_bytes())
        size = path.with_suffix(".npy").stat().st_size
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StoreError(
            f"{path} cannot be read ({error}). Call again; if it is damaged, delete it first."
        ) from error
    return said if size >= _HEADER + 4 * len(said["rows"]) * math.prod(shape) else None


def _cannot_write(folder, error):
    """Return the StoreError that says what to do about an OSError."""
    existing = next(p for p in [folder, *folder.parents] if os.path.exists(p))
    free = shutil.disk_usage(existing).free / 1e9
    return StoreError(
        f"Cannot write the store {folder} ({error}; {free:.1f} GB free there). Make room or get "
        "permission there, or give another folder with out=. What is finished is kept: calling "
        "again goes on."
    )
