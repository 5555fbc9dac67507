"""Results with where they came from: written by runs, read by the book's chapters.

Every number in the book that is not computed on its page lies in ``book/results/NAME.json`` and
carries its provenance. Chapters read it with :func:`read`; nobody edits it by hand. An installed
prcnn carries these files inside, as ``prcnn/study/recorded``, and never writes there.
"""

import json
from pathlib import Path

import numpy as np

from prcnn.atomic import write_whole
from prcnn.provenance import provenance

_CHECKOUT = Path(__file__).resolve().parents[2] / "book" / "results"
#: The recorded results: the book's own, or their copy in an installation.
FOLDER = _CHECKOUT if _CHECKOUT.is_dir() else Path(__file__).resolve().parent / "recorded"


def write(name, record, folder=None):
    """Write ``record`` with its provenance to ``folder/name.json``; return the path.

    Parameters
    ----------
    name : str
    record : dict
        JSON values; numpy scalars and arrays become numbers and lists, paths become text.
        TypeError where a value has no form in JSON, ValueError for NaN and infinities.
    folder : str or Path, optional
        Default: ``book/results`` of the checkout that prcnn runs from; where prcnn is installed
        without one, ``results`` in the working folder.
    """
    path = Path(folder or _own()) / f"{name}.json"
    record = {**record, "provenance": provenance()}
    text = json.dumps(record, indent=1, default=_plain, allow_nan=False)
    write_whole(path, lambda partial: partial.write_text(text + "\n"))
    return path


def names(folder=None):
    """Names of all results in ``folder`` (default as for :func:`read`), alphabetical."""
    return sorted({path.stem for place in _places(folder) for path in place.glob("*.json")})


def read(name, folder=None):
    """The record written as ``name``, a dict, from where :func:`write` writes, or else with prcnn.

    A FileNotFoundError lists the results that there are.

    Chapter: book/environment.ipynb
    """
    places = _places(folder)
    for path in (place / f"{name}.json" for place in places):
        if path.exists():
            return json.loads(path.read_text())
    known = ", ".join(names(folder)) or "none"
    where = " or ".join(map(str, places))
    raise FileNotFoundError(f"No result {name!r} in {where}. Known results: {known}.")


def _own():
    return _CHECKOUT if FOLDER == _CHECKOUT else Path("results")


def _places(folder):
    return [Path(folder)] if folder is not None else list(dict.fromkeys([_own(), FOLDER]))


def _plain(value):
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} cannot be written to a result: {value!r}")
