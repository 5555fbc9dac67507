"""Where clips come from: one module a dataset, each returning the same :class:`Dataset`.

Chapter: book/datasets.ipynb
"""

import difflib
import importlib
import os
from pathlib import Path

from .dataset import SPLITS, Dataset, cache_folder

__all__ = ["SPLITS", "Dataset", "cache_folder", "load", "names"]

# Each module has load(name, data_home, *, download, **options); it is imported when asked for.
_MODULES = {
    "fma_small": "fma",
    "fma_small_images": "fma_images",
    "fma_medium": "fma",
    "fma_large": "fma",
    "fma_full": "fma",
    "gtzan": "gtzan",
    "gtzan_mini": "gtzan",
    "extended_ballroom": "ballroom",
    "rwc": "rwc",
}


def names():
    """The names that :func:`load` knows, a list of str. Chapter: book/datasets.ipynb"""
    return ["synthetic", *_MODULES]


def load(name, data_home=None, *, download=False, **options):
    """Load a dataset by name, or a folder of your own.

    Parameters
    ----------
    name : str or Path
        One of :func:`names`, the path of a folder with one sub-folder a genre, or
        ``"mirdata:NAME"`` for a dataset of the mirdata package that has genres.
    data_home : str or Path, optional
        Where the datasets are, see :func:`cache_folder`. Not used for a folder of your own.
    download : bool
        Fetch what is missing, where the dataset can be fetched. Never done unasked.
    **options
        Of the dataset's own loader, e.g. ``splits="artist"``, ``seed=1``; synthetic:
        ``clips_per_genre``.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        If the name is unknown, or the data cannot be used.
    FileNotFoundError
        If the data is not there; the message says where it was looked for and how to get it.

    Examples
    --------
    >>> dataset = load("fma_small", data_home="~/music")        # doctest: +SKIP
    >>> dataset.clips.groupby(["genre", "split"]).size()        # doctest: +SKIP

    Chapter: book/datasets.ipynb
    """
    text = os.fspath(name)
    if text == "synthetic":  # nothing to download: it is made on the spot
        from . import synthetic

        return synthetic.load(cache_folder(data_home), **options)
    if text in _MODULES:
        module = importlib.import_module(f".{_MODULES[text]}", __name__)
        return module.load(text, cache_folder(data_home), download=download, **options)
    if text.startswith("mirdata:"):
        from . import from_mirdata

        return from_mirdata.load(text, cache_folder(data_home), download=download, **options)
    is_path = isinstance(name, Path) or any(s in text for s in {os.sep, os.altsep, "/"} - {None})
    if is_path or (text and Path(text).is_dir()):
        from . import folder

        return folder.load(text, **options)
    near = difflib.get_close_matches(text, names(), 1)
    raise ValueError(
        f"unknown dataset {text!r}{f' (did you mean {near[0]!r}?)' if near else ''}. "
        f"Known: {', '.join(names())}; or give the path of a folder with one sub-folder a genre, "
        "such as 'my_music/'."
    )
