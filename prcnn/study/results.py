"""Results with where they came from: written by runs, read by the book's chapters.

Every number in the book that is not computed on its page lies in ``book/results/NAME.json`` and
carries its provenance. Chapters read it with :func:`read`; nobody edits it by hand.
"""

import json
from pathlib import Path

import numpy as np

from prcnn.atomic import write_whole
from prcnn.provenance import provenance

FOLDER = Path(__file__).resolve().parents[2] / "book" / "results"


def write(name, record, folder=FOLDER):
    """Write ``record`` with its provenance to ``folder/name.json``, whole or not at all.

    Parameters
    ----------
    name : str
        File name without ending.
    record : dict
        JSON values; numpy scalars and arrays become numbers and lists, paths become text.
    folder : str or Path
        By default the book's own, ``book/results``.

    Returns
    -------
    pathlib.Path
        Of the file.

    Raises
    ------
    TypeError
        Where a value of ``record`` has no form in JSON.

    Chapter: book/environment.ipynb
    """
    path = Path(folder) / f"{name}.json"
    text = json.dumps({**record, "provenance": provenance()}, indent=1, default=_plain)
    write_whole(path, lambda partial: partial.write_text(text + "\n"))
    return path


def names(folder=FOLDER):
    """Names of all results in ``folder``, alphabetical. Chapter: book/environment.ipynb"""
    return sorted(path.stem for path in Path(folder).glob("*.json"))


def read(name, folder=FOLDER):
    """The record written as ``name``, a dict.

    Raises
    ------
    FileNotFoundError
        Where no such result lies in ``folder``; the message lists those that do.

    Chapter: book/environment.ipynb
    """
    path = Path(folder) / f"{name}.json"
    if not path.exists():
        known = ", ".join(names(path.parent)) or "none"
        raise FileNotFoundError(f"No result {name!r} in {path.parent}. Known results: {known}.")
    return json.loads(path.read_text())


def _plain(value):
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written to a result: {value!r}")
