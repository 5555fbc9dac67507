"""Results with where they came from: written by runs, read by the book's chapters.

Every number in the book that is not computed on its page lies in ``book/results/NAME.json`` and
carries its provenance. Chapters read it with :func:`read`; nobody edits it by hand.
"""

import datetime
import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from prcnn.files import write_whole

FOLDER = Path(__file__).resolve().parent.parent / "book" / "results"
_PACKAGES = ("prcnn", "keras", "tensorflow", "torch", "jax", "librosa", "numpy", "scikit-learn")


def provenance():
    """Versions, machine and date (UTC) of this process, as plain JSON values.

    Returns
    -------
    dict
        ``date``, ``python``, ``packages`` (name → version), ``machine`` (system, processor,
        cores).

    Chapter: book/environment.ipynb
    """
    packages = {}
    for name in _PACKAGES:
        try:
            packages[name] = version(name)
        except PackageNotFoundError:
            continue
    return {
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "packages": packages,
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": _processor(),
            "cores": os.cpu_count(),
        },
    }


def _processor():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


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
