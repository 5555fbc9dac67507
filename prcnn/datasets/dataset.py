"""The one thing every loader returns: a table of clips and the list of genres."""

import os
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pooch
from PIL import Image
from tqdm.auto import tqdm

from prcnn.atomic import write_whole

SPLITS = ("training", "validation", "test")
# What prcnn.audio decodes, by the files' endings.
AUDIO = (".mp3", ".wav", ".flac", ".ogg", ".oga", ".opus", ".au", ".aif", ".aiff", ".m4a", ".m4b")
AUDIO += (".mp4", ".3gp", ".aac", ".wma", ".webm", ".mka")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Clips of music with their genres, before anything has been decoded.

    It checks itself however it is made, also by ``dataclasses.replace``. Look at a clip with
    ``dataset.clips.loc[clip]``. Two are equal if all they say is.

    Attributes
    ----------
    name : str
        What :func:`prcnn.datasets.load` was asked for.
    clips : pandas.DataFrame
        One row a clip; index ``clip`` (FMA: the integer track id; others: a str). Columns ``path``
        (str, absolute), ``genre`` (str), ``split`` ("training", "validation", "test"),
        ``artist`` (str, missing where unknown; added where the table has no such column) and what
        else the dataset knows.
    genres : list of str
        The genres of the clips, alphabetical; a clip's label is its genre's place in this list.
    left_out : dict
        Clip id, or a file or folder that is no clip → why it is left out. Counted, never silent.
    splits : str
        How the split was made: "official", "fault_filtered", "stratified" or "artist".
    settings : str
        Name of the spectrogram settings that the clips are meant for.

    Raises
    ------
    ValueError
        If a column is missing, an id comes twice, a clip's genre is not among ``genres``, its
        split is unknown or its path is missing, or ``genres`` are not alphabetical.
    """

    name: str
    clips: pd.DataFrame
    genres: list[str]
    left_out: dict = field(default_factory=dict)
    splits: str = "official"
    settings: str = "paper"

    def __post_init__(self):
        clips, genres = self.clips, list(self.genres)
        if lacking := [c for c in ("path", "genre", "split") if c not in clips]:
            raise ValueError(f"{self.name}: the clips have no column {some(lacking)}")
        if not all(isinstance(g, str) for g in genres) or genres != sorted(set(genres)):
            raise ValueError(f"{self.name}: genres must be texts in alphabetical order: {genres}")
        if twice := clips.index[clips.index.duplicated()].tolist():
            raise ValueError(f"{self.name}: the id {some(dict.fromkeys(twice))} comes twice")
        for column, known in (("genre", genres), ("split", list(SPLITS))):
            if strange := clips.loc[~clips[column].isin(known), column].unique().tolist():
                raise ValueError(
                    f"{self.name}: clips have the {column} {some(strange)}, not one of {known}. "
                    "Leave them out of the table."
                )
        if lost := clips.index[clips["path"].isna()].tolist():
            raise ValueError(f"{self.name}: no path of clip {some(lost)}")
        object.__setattr__(self, "genres", genres)
        if "artist" not in clips:
            object.__setattr__(self, "clips", clips.assign(artist=None))

    def __eq__(self, other):
        if not isinstance(other, Dataset):
            return NotImplemented
        said, theirs = (vars(dataset) | {"clips": None} for dataset in (self, other))
        return said == theirs and self.clips.equals(other.clips)

    def validate(self):
        """Look at every clip's file and count what is missing, empty, unreadable or changed.

        Of pictures and arrays it is seen whether they are whole. Of sound a change is seen where
        one of the three folders above a clip has a file ``checksums``, as ``sha1sum`` writes it:
        FMA's archives do, the synthetic clips, and a downloaded gtzan_mini. Those are read whole,
        at the speed of the disk. The table's index is "present", "missing", "empty", "unreadable"
        and "changed"; its columns are ``count`` and ``clips`` (list of their ids).

        Chapter: book/datasets.ipynb
        """
        states = {state: [] for state in ("present", "missing", "empty", "unreadable", "changed")}
        paths = self.clips["path"].map(os.path.expanduser)
        known = checksums(paths)
        for clip, path in tqdm(paths.items(), total=len(paths), disable=len(paths) < 500):
            states[_state(path, known.get(path))].append(clip)
        table = pd.DataFrame({"clips": pd.Series(states)})
        return table.assign(count=table["clips"].map(len))[["count", "clips"]]

    def __repr__(self):
        sizes = "/".join(str((self.clips["split"] == split).sum()) for split in SPLITS)
        return (
            f"Dataset({self.name!r}: {len(self.clips)} clips, {len(self.genres)} genres, "
            f"{self.splits} split {sizes}, {len(self.left_out)} left out)"
        )


def _state(path, sha1):
    """Say how a clip's file is, in a word of :meth:`Dataset.validate`."""
    if not os.path.lexists(path):
        return "missing"
    try:
        if not os.path.isfile(path):  # a pipe would be waited for
            return "unreadable"
        if not os.path.getsize(path):
            return "empty"
        if sha1 and pooch.file_hash(path, "sha1") != sha1:
            return "changed"
        if path.endswith(".npy"):
            np.load(path, mmap_mode="r")
        elif path.endswith(".png"):
            with Image.open(path) as picture:
                picture.verify()
        else:
            open(path, "rb").close()
    except Exception:  # Pillow's and NumPy's for damaged files are of many kinds
        return "unreadable"
    return "present"


def checksums(paths):
    """Read the files ``checksums`` in the three folders above each path: path → sha1."""
    parents = {Path(folder) for folder in set(map(os.path.dirname, paths))}
    known = {}
    for folder in parents | {up for parent in parents for up in parent.parents[:2]}:
        if (file := folder / "checksums").is_file():  # "<40 hex digits>  000/000002.mp3"
            lines = file.read_text("utf-8", "replace").splitlines()
            known |= {str(folder / line[42:]): line[:40] for line in lines}
    return known


def write_checksums(folder):
    """Record the sha1 of every file under a folder in its file ``checksums``."""
    files = {path.relative_to(folder).as_posix(): path for path in files_under(folder)}
    lines = [f"{pooch.file_hash(path, 'sha1')}  {name}\n" for name, path in files.items()]
    write_whole(folder / "checksums", lambda part: part.write_text("".join(lines), "utf-8"))


def cache_folder(data_home=None):
    """Return the folder that holds the datasets, an absolute Path; it need not exist.

    ``data_home``, of which ``~`` is expanded, is by default the environment variable
    ``PRCNN_DATA``, or else the user's cache folder.
    """
    return full_path(data_home or os.environ.get("PRCNN_DATA") or pooch.os_cache("prcnn"))


def full_path(path):
    """Return an absolute Path with ``~`` expanded, where there is such a user."""
    return Path(os.path.expanduser(path)).absolute()


def table(rows, *more):
    """Lay clips (id → dict of its columns) out as a table; the split is filled in later."""
    columns = ["path", "genre", "split", "artist", *more]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns, dtype=object)


def warn(message):
    """Warn at the line of the user's that called into this package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_globals.get("__name__", "").startswith("prcnn."):
        frame, level = frame.f_back, level + 1
    warnings.warn(printable(message), UserWarning, stacklevel=level)


def printable(text):
    """Escape what is no text: a file's name is bytes, and they need not be UTF-8."""
    return str(text).encode(errors="backslashreplace").decode()


def some(items, n=3):
    """Name the first few of many, for messages: ``'a', 'b', 'c' and 7 more``."""
    items = list(items)
    shown = ", ".join(repr(item) for item in items[:n])
    return shown if len(items) <= n else f"{shown} and {len(items) - n} more"


def files_under(folder):
    """Find all that lies under a folder and is no folder, in a fixed order, but what is hidden.

    Links to folders are followed, after all that lies there itself. A folder is entered once and
    none that `folder` lies in, so that links in a circle end and no genre swallows its neighbours.
    """
    found, todo = [], [Path(folder)]
    seen = {os.path.realpath(up) for up in Path(folder).absolute().parents}
    seen |= {os.path.realpath(up) for up in Path(os.path.realpath(folder)).parents}
    while todo:
        for top, folders, files in os.walk(todo.pop(0), onerror=_not_opened):
            if (real := os.path.realpath(top)) in seen:
                folders.clear()
                continue
            seen.add(real)
            folders[:] = sorted(f for f in folders if not f.startswith("."))
            todo += [Path(top, f) for f in folders if os.path.islink(Path(top, f))]
            found += [Path(top, file) for file in sorted(files) if not file.startswith(".")]
    return found


def _not_opened(error):
    if not isinstance(error, FileNotFoundError):
        warn(f"{error.filename} cannot be opened and is passed over: {error.strerror}.")


def audio_files(folder):
    """Find those of :func:`files_under` whose ending is in ``AUDIO``."""
    return [path for path in files_under(folder) if path.suffix.lower() in AUDIO]
