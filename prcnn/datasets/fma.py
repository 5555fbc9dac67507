"""The Free Music Archive (FMA): tracks.csv, folders of MP3s, genre hierarchy, 518 features.

Defferrard, Benzi, Vandergheynst, Bresson, "FMA: a dataset for music analysis", ISMIR 2017;
https://github.com/mdeff/fma. The metadata is under CC BY 4.0, each track under the licence that
its artist chose (column ``track/license`` of tracks.csv).

Tables lie in ``<data_home>/fma_metadata``: FileNotFoundError where one is missing, ValueError where
it is truncated or not FMA's. Chapter: book/datasets.ipynb
"""

from pathlib import Path

import numpy as np
import pandas as pd

from . import download
from .dataset import SPLITS, audio_files, cache_folder, some, warn

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
_WANTED = {  # column of the clips → column of tracks.csv
    "genre": ("track", "genre_top"),
    "split": ("set", "split"),
    "artist": ("artist", "name"),
    "subset": ("set", "subset"),
    "artist_id": ("artist", "id"),
    "album": ("album", "title"),
    "album_id": ("album", "id"),
    "title": ("track", "title"),
}
_AGAIN = "it is probably truncated: get fma_metadata.zip again (download=True)."


def fetch(name, folder, _):
    """Fetch the metadata (342 MiB) and the audio (``fma_small``: 7.2 GiB) if they are missing."""
    for archive in ("fma_metadata", name):
        download.get_archive(archive, folder)


def find(name, folder, _=None):
    """List ``fma_small`` … ``fma_full`` of a folder: ``fma_metadata/tracks.csv``, ``fma_small/``.

    A larger subset's folder serves a smaller one; large and full are of the clips that have a top
    genre. If there is no audio at all, the table still comes, with a warning: it can be explored
    before 7 GiB are fetched. If there is some, clips without a file are left out. Of another name
    than FMA's it is a dataset in FMA-small's layout, without FMA's broken clips.
    """
    official = name.startswith("fma_")
    subset = name.removeprefix("fma_") if official else "small"
    path = folder / "fma_metadata" / "tracks.csv"
    everything = clips = columns(path)
    place = SUBSETS.index(subset)
    if subset in ("small", "medium"):
        clips = clips[clips["subset"].isin(SUBSETS[: place + 1])]
    if clips.empty:
        raise ValueError(f"{path} lists no track of the subset {subset!r}; is it FMA's file?")
    left_out = {clip: why for clip, why in BROKEN.items() if official and clip in clips.index}
    for column, known, why in (
        ("genre", clips["genre"].dropna(), "no top genre in tracks.csv"),
        ("split", SPLITS, f"no split among {SPLITS} in tracks.csv"),
    ):
        left_out = dict.fromkeys(clips.index[~clips[column].isin(known)], why) | left_out
    clips = clips.drop(index=list(left_out))
    folders = [folder / f"fma_{s}" for s in SUBSETS[place:3] or ("full",)]  # full has whole songs
    there = ((audio, files) for audio in folders if (files := audio_files(audio)))
    audio, files = next(there, (folders[0], []))
    paths = [str(clip_path(audio, clip)) for clip in clips.index]
    clips = clips.assign(near_silent=clips.index.isin(NEAR_SILENT if official else ()), path=paths)
    if not files:
        warn(
            f"no audio: {audio} does not exist or is empty, so this is a table of {len(clips)} "
            f"clips without their sound. Put FMA's {audio.name} there or load with download=True."
        )
        return clips, left_out, {}
    here = clips["path"].isin(set(map(str, files)))
    why = f"no file in {audio}: unpack the archive again, or move it away and use download=True"
    tracks = set(everything.index)
    stray = [f for f in files if not (f.stem.isdecimal() and int(f.stem) in tracks)]
    amiss = {f.relative_to(audio).as_posix(): "not in tracks.csv" for f in stray}
    return clips[here], left_out, dict.fromkeys(clips.index[~here], why) | amiss


def clip_path(audio, clip):
    """Where FMA keeps a clip: ``audio/000/000123.mp3``, ``audio`` being ``fma_small`` or so."""
    return audio / f"{clip // 1000:03d}" / f"{clip:06d}.mp3"


def columns(path):
    """Read the few columns of tracks.csv that a loader needs: 106,574 × 8 in about a second."""
    head = _read(path, header=None, nrows=2, dtype=str, keep_default_na=False)
    pairs = list(zip(*head.to_numpy(), strict=True))
    required = [_WANTED[c] for c in ("genre", "split", "subset")]
    if lacking := [pair for pair in required if pair not in pairs]:
        raise ValueError(
            f"{path} lacks the column {some('/'.join(p) for p in lacking)} in its two header rows: "
            f"it is not FMA's tracks.csv, or {_AGAIN}"
        )
    places = {pairs.index(pair): column for column, pair in _WANTED.items() if pair in pairs}
    last = len(pairs) - 1
    options = {"skiprows": 3, "header": None, "low_memory": False, "dtype": {0: "int64"}}
    table = _read(path, usecols=sorted({0, last, *places}), **options).set_index(0)
    with open(path, "rb") as file:
        file.seek(-1, 2)
        whole = file.read(1) in (b"\n", b"\r")
    if not whole and table[last].isna().iloc[-1]:
        raise ValueError(f"{path} ends in the middle of a row; {_AGAIN}")
    if table.index.has_duplicates:
        raise ValueError(f"{path} lists track {table.index[table.index.duplicated()][0]} twice")
    table = table.rename(columns=places).reindex(columns=list(_WANTED))  # some may lack artists
    return table.astype({c: object for c in _WANTED if not c.endswith("_id")}).rename_axis("clip")


def _read(path, **options):
    """Read one of FMA's tables with pandas."""
    if not path.is_file():
        raise FileNotFoundError(
            f"no {path}. FMA's metadata is expected there: load with download=True, or unpack "
            f"{download.ARCHIVES['fma_metadata'].url} into that folder's parent (data_home)."
        )
    try:
        return pd.read_csv(path, **options)
    except ValueError as error:  # as pandas' own errors are
        raise ValueError(f"{path} cannot be read ({error}); {_AGAIN}") from error


def official_split():
    """Read the official split of FMA-small, which the package carries, of 7,994 clips.

    Facts of tracks.csv without the 342 MiB around them, and without the six clips that do not
    decode: index ``clip`` (int, FMA's track id), columns ``genre`` and ``split``.
    """
    path = Path(__file__).with_name("fma_small_split.csv.gz")
    return pd.read_csv(path, comment="#", index_col="track_id").astype(object).rename_axis("clip")


def genres(data_home=None):
    """Read FMA's genre hierarchy: index ``genre_id``.

    Columns ``title``, ``tracks`` (how many have it: 161 of the 163 genres are used), ``parent``
    (genre id, 0 for a root), ``parent_title``, ``top_level`` and ``children`` (list of titles).
    """
    path = cache_folder(data_home) / "fma_metadata" / "genres.csv"
    table = _read(path, index_col="genre_id").rename(columns={"#tracks": "tracks"})
    table["parent_title"] = table["parent"].map(table["title"])
    below = table.groupby("parent")["title"].agg(sorted)
    table["children"] = [below.get(genre, []) for genre in table.index]
    return table[["title", "tracks", "parent", "parent_title", "top_level", "children"]]


def features(data_home=None, dataset=None):
    """Read FMA's 518 hand-crafted features, aligned with a dataset's clips.

    They were computed by librosa on *whole tracks*, not on the 30-second clips: a classifier on
    them has heard more music than one on the clips. ``attrs["describes"]`` says so.

    float32, 518 columns of three levels (feature, statistics, number), one row a clip of
    ``dataset``, which is FMA's (default: all 106,574 tracks). A clip without features is a row of
    NaN, and a warning.
    """
    path = cache_folder(data_home) / "fma_metadata" / "features.csv"
    table = _read(path, index_col=0, header=[0, 1, 2]).astype(np.float32)
    return align(table, dataset, f"features in {path}", "whole tracks, not the 30-second clips")


def align(table, dataset, what, describes):
    """Put the rows of a table in the order of a dataset's clips, and warn of those it lacks."""
    if dataset is not None:
        if lacking := list(dataset.clips.index.difference(table.index)):
            warn(f"{len(lacking)} clips have no {what}: {some(lacking)}")
        table = table.reindex(dataset.clips.index)
    table.attrs["describes"] = describes
    return table
