"""Where clips come from: a table of sources, each listed and fetched by two functions.

Chapter: book/datasets.ipynb
"""

import difflib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from . import fma, fma_images, folders, gtzan
from .dataset import SPLITS, Dataset, cache_folder, full_path, printable, some, warn
from .splits import FRACTIONS, split_clips

__all__ = ["SPLITS", "Dataset", "cache_folder", "load", "names"]


@dataclass(frozen=True)
class Source:
    """A dataset that can be loaded by name.

    ``find(name, home, splits)`` gives the table of its clips (with its published split, if it has
    one and that is wanted), why others are left out by its own account, and what is amiss here and
    why, of which :func:`load` warns; FileNotFoundError if it is not there.
    ``fetch(name, home, splits)`` downloads what is missing of it. The first split is the default.
    """

    find: Callable
    splits: tuple[str, ...]
    fetch: Callable | None = None
    settings: str = "paper"


def _synthetic(*arguments, **options):
    from . import synthetic  # not before it is asked for: SciPy's filters take a while to import

    return synthetic.find(*arguments, **options)


_FMA = Source(fma.find, ("official", "stratified", "artist"), fma.fetch)
_VIEW = (fma_images.find, ("official", "stratified"), fma_images.fetch)
_GTZAN = ("fault_filtered", "stratified", "artist")
_DRAWN = ("stratified", "artist")
_MIRDATA = Source(folders.find_mirdata, _DRAWN, folders.fetch_mirdata)
_SOURCES = {
    "synthetic": Source(_synthetic, ("official",)),
    "fma_small": _FMA,
    "fma_small_images": Source(*_VIEW, "images"),
    "fma_small_mfcc": Source(*_VIEW, "close"),
    "fma_medium": _FMA,
    "fma_large": _FMA,
    "fma_full": _FMA,
    "gtzan": Source(gtzan.find, _GTZAN, gtzan.fetch),
    "gtzan_mini": Source(gtzan.find, (*_DRAWN, "fault_filtered"), gtzan.fetch),
    "gtzan_images": Source(gtzan.find, _GTZAN, gtzan.fetch, "gtzan_images"),
    "extended_ballroom": Source(folders.find_ballroom, ("artist", "stratified")),
    "rwc": Source(folders.find_rwc, ("stratified",)),
}


def names():
    """The names that :func:`load` knows, a list of str. Chapter: book/datasets.ipynb"""
    return list(_SOURCES)


def load(
    name, data_home=None, *, download=False, splits=None, seed=0, fractions=FRACTIONS, **options
):
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
    splits : str, optional
        "official" (FMA; filtered by artist), "fault_filtered" or, shorter, "filtered" (GTZAN; 443,
        197 and 290 clips), "stratified" (random within each genre) or "artist" (no artist in two
        splits). By default the published one, else "stratified"; where the clips on disk leave a
        part of the published one empty, "stratified", with a warning.
    seed, fractions
        Of a split that is drawn, see :mod:`prcnn.datasets.splits`. "synthetic": the seed of the
        music.
    **options
        "synthetic": ``clips_per_genre``, ``n_jobs``, ``progress``. mirdata: ``genre``, the
        attribute of its tracks that holds the genre.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        If the name or the split is unknown, or the data cannot be used.
    FileNotFoundError
        If the data is not there; the message says where it was looked for and how to get it.
    OSError
        If a download fails, or the disk has too little room; what has arrived is kept.

    Chapter: book/datasets.ipynb
    """
    source, name, home = _source(name, cache_folder(data_home))
    splits = "fault_filtered" if splits == "filtered" else splits
    if splits not in (None, *source.splits):
        raise ValueError(f"splits={splits!r}: {name} knows {', '.join(map(repr, source.splits))}.")
    asked, splits = splits, splits or source.splits[0]
    if download and source.fetch:
        source.fetch(name, home, splits)
    if source is _SOURCES["synthetic"]:
        options["seed"] = seed  # of the music, with which its split is made
    clips, left_out, amiss = source.find(name, home, splits, **options)
    why = clips["path"].map(_unusable)
    clips, amiss = clips[why.isna()], amiss | why.dropna().to_dict()
    if amiss:
        said = f"{len(amiss)} files or clips are left out: {_reasons(amiss)}"
        warn(f"{name}: {said}. All are in left_out.")
    left_out = {printable(c) if isinstance(c, str) else c: w for c, w in (left_out | amiss).items()}
    if clips.empty:
        raise ValueError(f"{name}: no clips. {_reasons(left_out) or 'Nothing was found'}.")
    if splits not in _DRAWN and (empty := [s for s in SPLITS if s not in set(clips["split"])]):
        none = f"{name}: no clip on disk is in the {splits} {' or '.join(empty)} split"
        if asked:
            raise ValueError(
                f"{none}; fetch the whole dataset, or choose another split, such as "
                "splits='stratified'."
            )
        warn(
            f"{none}, so the {len(clips)} clips are split anew at random, stratified by genre: "
            f"scores are not comparable with published ones. Fetch the whole dataset for the "
            f"{splits} split; splits='stratified' chooses without this warning."
        )
        splits = "stratified"
    if splits in _DRAWN:
        clips = clips.assign(split=split_clips(clips, splits, seed, fractions))
    genres = sorted(clips["genre"].unique())
    if len(genres) < 2:
        raise ValueError(
            f"{name}: all {len(clips)} clips are {genres[0]!r}; a classifier needs two genres. "
            "Add clips of another genre."
        )
    first = ["path", "genre", "split", "artist"]
    clips = clips.rename_axis(index="clip")[first + [c for c in clips if c not in first]]
    return Dataset(name, clips, genres, left_out, splits, source.settings)


def _source(name, home):
    """Find the source of that name, or of a folder of that path; its own name and its home."""
    text = str(name)  # a folder may be called 2024, which papermill reads as a number
    if source := _MIRDATA if text.startswith("mirdata:") else _SOURCES.get(text):
        return source, text, home
    folder = full_path(text)
    named = isinstance(name, Path) or "/" in text or os.sep in text
    if named or (text and folder.is_dir()):
        return Source(folders.find_own, _DRAWN), folder.name, folder
    near = difflib.get_close_matches(text, names(), 1)
    raise ValueError(
        f"unknown dataset {text!r}{f' (did you mean {near[0]!r}?)' if near else ''}. Known: "
        f"{', '.join(names())}; or give the path of a folder with one sub-folder a genre, such as "
        "'my_music/'."
    )


def _unusable(path):
    """Say why a file would hang whoever opens it, or end whoever prints it; else None."""
    if os.path.lexists(path) and not os.path.isfile(path):
        return "no regular file: a pipe, a device or a link that leads nowhere"
    if printable(path) != path:
        return "its name, or a folder's, is not UTF-8: rename it"
    return None


def _reasons(left_out):
    """Say of which clips they are, from the most frequent one on."""
    why = pd.Series(left_out, dtype=object)
    groups = sorted(why.groupby(why, sort=False), key=lambda pair: -len(pair[1]))
    said = "; ".join(f"{some(same.index)} ({reason})" for reason, same in groups[:3])
    return said + "; …" * (len(groups) > 3)
