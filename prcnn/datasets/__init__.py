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


_FMA = Source(fma.find, ("official", "stratified", "artist"), fma.fetch)
_VIEW = (fma_images.find, ("official", "stratified"), fma_images.fetch)
_GTZAN = ("fault_filtered", "stratified", "artist")
_DRAWN = ("stratified", "artist")
_OWN = Source(folders.find_own, _DRAWN)
_MIRDATA = Source(folders.find_mirdata, _DRAWN, folders.fetch_mirdata)
_SOURCES = {
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
    return ["synthetic", *_SOURCES]


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

    Examples
    --------
    >>> dataset = load("fma_small", data_home="~/music")        # doctest: +SKIP
    >>> dataset.clips.groupby(["genre", "split"]).size()        # doctest: +SKIP

    Chapter: book/datasets.ipynb
    """
    text = str(name)  # a folder may be called 2024, which papermill reads as a number
    home = cache_folder(data_home)
    if text == "synthetic":  # nothing to download: it is made on the spot, and its split with it
        from . import synthetic

        if splits not in (None, "official"):
            raise ValueError(f"splits={splits!r}: synthetic knows 'official'.")
        return synthetic.load(home, seed=seed, **options)
    source = _MIRDATA if text.startswith("mirdata:") else _SOURCES.get(text)
    if source is None:
        source, folder = _OWN, full_path(text)
        named = isinstance(name, Path) or "/" in text or os.sep in text
        if not (named or (text and folder.is_dir())):
            near = difflib.get_close_matches(text, names(), 1)
            raise ValueError(
                f"unknown dataset {text!r}{f' (did you mean {near[0]!r}?)' if near else ''}. "
                f"Known: {', '.join(names())}; or give the path of a folder with one sub-folder a "
                "genre, such as 'my_music/'."
            )
        text, home = folder.name, folder
    splits = "fault_filtered" if splits == "filtered" else splits
    if splits not in (None, *source.splits):
        raise ValueError(f"splits={splits!r}: {text} knows {', '.join(map(repr, source.splits))}.")
    if download and source.fetch:
        source.fetch(text, home, splits or source.splits[0])
    clips, left_out, amiss = source.find(text, home, splits or source.splits[0], **options)
    why = clips["path"].map(_unusable)
    clips, amiss = clips[why.isna()], amiss | why.dropna().to_dict()
    if amiss:
        reasons = [f"{some(same.index)} ({why})" for why, same in _by_reason(amiss)]
        more = "; …" if len(reasons) > 3 else ""
        said = f"{len(amiss)} files or clips are left out: {'; '.join(reasons[:3])}{more}."
        warn(f"{text}: {said} All are in the dataset's left_out.")
        left_out = left_out | amiss
    chosen = _choose(text, clips, splits, source.splits[0])
    if chosen in _DRAWN:
        clips = clips.assign(split=split_clips(clips, chosen, seed, fractions))
    return assemble(text, clips, left_out, chosen, source.settings)


def _unusable(path):
    """Say why a file would hang whoever opens it, or end whoever prints it; else None."""
    if os.path.lexists(path) and not os.path.isfile(path):
        return "no regular file: a pipe, a device or a link that leads nowhere"
    try:
        path.encode()
    except UnicodeEncodeError:
        return "its name, or a folder's, is not UTF-8: rename it"
    return None


def _choose(name, clips, asked, default):
    """Return the split that was asked for, else the default one unless a part of it is empty."""
    splits = asked or default
    if splits in _DRAWN or clips.empty:
        return splits
    empty = " or ".join(s for s in SPLITS if not (clips["split"] == s).any())
    if not empty:
        return splits
    if asked:
        raise ValueError(
            f"{name}: no clip on disk is in the {splits} {empty} split; fetch the whole dataset, "
            "or choose another split, such as splits='stratified'."
        )
    warn(
        f"{name}: none of the {len(clips)} clips on disk is in the {splits} {empty} split, so they "
        "are split anew at random, stratified by genre: scores are not comparable with published "
        f"ones. Fetch the whole dataset for the {splits} split; splits='stratified' chooses "
        "without this warning."
    )
    return "stratified"


def assemble(name, clips, left_out, splits, settings="paper"):
    """Wrap a table of clips as a :class:`Dataset`; ValueError if no clip is left, or one genre."""
    if clips.empty:
        reasons = [f"{len(same)} × {why}" for why, same in _by_reason(left_out)[:3]]
        raise ValueError(f"{name}: no clips. {'; '.join(reasons) or 'Nothing was found'}.")
    genres = sorted(clips["genre"].unique())
    if len(genres) < 2:
        raise ValueError(
            f"{name}: all {len(clips)} clips are {genres[0]!r}; a classifier needs two genres. "
            "Add clips of another genre."
        )
    first = ["path", "genre", "split", "artist"]
    clips = clips.rename_axis(index="clip")[first + [c for c in clips if c not in first]]
    left_out = {printable(c) if isinstance(c, str) else c: why for c, why in left_out.items()}
    return Dataset(name, clips, genres, left_out, splits, settings)


def _by_reason(left_out):
    """Reason and Series of clips, from the most frequent reason on."""
    why = pd.Series(left_out, dtype=object)
    return sorted(why.groupby(why, sort=False), key=lambda pair: -len(pair[1]))
