"""The Free Music Archive (FMA): tracks.csv, folders of MP3s, genre hierarchy, 518 features.

Defferrard, Benzi, Vandergheynst, Bresson, "FMA: a dataset for music analysis", ISMIR 2017;
https://github.com/mdeff/fma. The metadata is under CC BY 4.0, each track under the licence that
its artist chose (column ``track/license`` of :func:`tracks`).

Chapter: book/datasets.ipynb
"""

import numpy as np
import pandas as pd

from .dataset import SPLITS, assemble, audio_files, cache_folder, some, warn
from .fma_tables import columns, features, genres, tracks
from .splits import split_clips

__all__ = ["GENRES", "features", "genres", "load", "read", "tracks"]

#: The eight genres of FMA-small, alphabetical: the order of every network's outputs.
GENRES = "Electronic Experimental Folk Hip-Hop Instrumental International Pop Rock".split()
SUBSETS = ("small", "medium", "large", "full")  # each within the next

NO_AUDIO = "known fault of FMA: no audio in the file"
TOO_SHORT = "known fault of FMA: the clip lasts 0.5 to 1.6 s instead of 30 s"
DOES_NOT_DECODE = "known fault of FMA: the file does not decode"
_MORE = (
    "1486 5574 65753 80391 98558 98559 98560 98566 98568 98571 105247 108924 126981 127336 143992"
)
BROKEN = (
    dict.fromkeys((99134, 108925, 133297), NO_AUDIO)
    | dict.fromkeys((98565, 98567, 98569), TOO_SHORT)
    | dict.fromkeys(map(int, _MORE.split()), DOES_NOT_DECODE)
)
NEAR_SILENT = (72059, 110736, 119979)


def load(name, data_home=None, *, download=False, splits=None, seed=0):
    """Load ``fma_small``, ``fma_medium``, ``fma_large`` or ``fma_full``.

    ``download`` fetches the metadata (342 MiB) and the audio (7.2 GiB for ``fma_small``) if they
    are missing; OSError if that fails, or the disk has too little room. All else as :func:`read`.
    """
    folder = cache_folder(data_home)
    if download:
        from . import download as downloads

        for archive in ("fma_metadata", name):
            downloads.get(archive, folder)
    return read(folder, name.removeprefix("fma_"), name=name, splits=splits, seed=seed)


def read(folder, subset="small", name=None, splits=None, seed=0):
    """Read a dataset in FMA's layout.

    If there is no audio at all, the table still comes, with a warning: it can be explored before
    7 GiB are fetched. If there is some, clips without a file are left out.

    Parameters
    ----------
    folder : Path
        Has ``fma_metadata/tracks.csv`` and ``fma_<subset>/``; a larger subset's folder serves too.
    subset : str
        "small", "medium", "large" or "full". Large and full keep the clips that have a top genre.
    name : str, optional
        Of the dataset, by default ``fma_<subset>``. FMA's list of broken clips is applied to
        datasets that bear FMA's name.
    splits : str, optional
        "official" (filtered by artist), "stratified" or "artist". By default the official one, or,
        if the clips on disk leave one of its splits empty, a stratified one, with a warning.
    seed : int
        For the splits that are drawn at random.

    Returns
    -------
    Dataset
        ``clips`` also has ``album``, ``title``, ``subset``, ``artist_id``, ``album_id`` and
        ``near_silent`` (bool).

    Raises
    ------
    FileNotFoundError
        If tracks.csv is missing.
    ValueError
        If tracks.csv is truncated or not FMA's, no clips or one genre are left, or an official
        split that was asked for has no clips.
    """
    if subset not in SUBSETS:
        raise ValueError(f"unknown FMA subset {subset!r}; known: {', '.join(SUBSETS)}")
    if splits not in (None, "official", "stratified", "artist"):
        raise ValueError(f"splits={splits!r}: FMA knows 'official', 'stratified' and 'artist'")
    name = name or f"fma_{subset}"
    path = folder / "fma_metadata" / "tracks.csv"
    everything = columns(path)
    clips = everything
    if subset in ("small", "medium"):
        clips = clips[clips["subset"].isin(SUBSETS[: SUBSETS.index(subset) + 1])]
    if clips.empty:
        raise ValueError(f"{path} lists no track of the subset {subset!r}; is it FMA's file?")
    official = name.startswith("fma_")
    left_out = {clip: why for clip, why in BROKEN.items() if official and clip in clips.index}
    no_genre = clips.index[clips["genre"].isna()].difference(pd.Index(left_out))
    left_out |= dict.fromkeys(no_genre, "no top genre in tracks.csv")
    no_split = clips.index[~clips["split"].isin(SPLITS)].difference(pd.Index(left_out))
    left_out |= dict.fromkeys(no_split, f"no split among {SPLITS} in tracks.csv")
    clips = clips.drop(index=list(left_out))
    clips, missing = _locate(clips, folder, subset, set(everything.index), left_out)
    left_out |= missing
    clips["near_silent"] = clips.index.isin(NEAR_SILENT if official else ())
    splits = _official_if_whole(clips, splits, name)
    if splits != "official":
        clips["split"] = split_clips(clips, splits, seed)
    first = ["path", "genre", "split", "artist"]
    clips = clips[first + [c for c in clips if c not in first]]
    return assemble(name, clips, left_out, splits)


def _official_if_whole(clips, splits, name):
    """Return `splits`; where it is None, the official one unless a part of that is empty."""
    empty = [s for s in SPLITS if len(clips) and not (clips["split"] == s).any()]
    if splits not in (None, "official") or not empty:
        return splits or "official"
    if splits == "official":
        raise ValueError(
            f"{name}: no clip on disk is in the official {' or '.join(empty)} split; fetch the "
            "whole dataset, or choose splits='stratified' or splits='artist'"
        )
    warn(
        f"{name}: none of the {len(clips)} clips on disk is in the official {' or '.join(empty)} "
        "split, so they are split anew at random, stratified by genre: scores are not comparable "
        "with published ones. Fetch the whole dataset for the official split; "
        "splits='stratified' or 'artist' chooses without this warning."
    )
    return "stratified"


def _locate(clips, folder, subset, known, left_out):
    """Add the paths; return the clips that have a file and why the others were left out."""
    larger = SUBSETS[SUBSETS.index(subset) : 3] if subset != "full" else ("full",)
    candidates = [folder / f"fma_{s}" for s in larger]
    audio = next((c for c in candidates if audio_files(c)), candidates[0])
    paths = [str(clip_path(audio, clip)) for clip in clips.index]
    clips = clips.assign(path=np.array(paths, dtype=object))
    on_disk = {str(path) for path in audio_files(audio)}
    if not on_disk:
        warn(
            f"no audio: {audio} does not exist or is empty, so this is a table of {len(clips)} "
            f"clips without their sound. Put FMA's {audio.name} there or load with download=True."
        )
        return clips, {}
    here = clips["path"].isin(on_disk)
    stray = [p for p in sorted(on_disk) if _id(p) not in known]
    if stray:
        warn(
            f"{len(stray)} files under {audio} are not in tracks.csv and are left out: "
            f"{some(p[len(str(audio)) + 1 :] for p in stray)}"
        )
    if not here.all():
        warn(
            f"{(~here).sum()} of the {len(clips)} clips in tracks.csv have no file under {audio} "
            f"and are left out ({some(clips.index[~here].tolist())}). To have them, unpack the "
            "archive again, or move that folder away and load with download=True."
        )
    missing = {i: f"no file at {p}" for i, p in clips.loc[~here, "path"].items()}
    return clips[here].copy(), missing


def clip_path(audio, clip):
    """Where FMA keeps a clip: ``audio/000/000123.mp3``, ``audio`` being ``fma_small`` or so."""
    return audio / f"{clip // 1000:03d}" / f"{clip:06d}.mp3"


def _id(path):
    stem = path.replace("\\", "/").rsplit("/", 1)[-1].split(".")[0]
    return int(stem) if stem.isdecimal() else None
