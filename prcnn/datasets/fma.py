"""The Free Music Archive (FMA): tracks.csv, folders of MP3s, genre hierarchy, 518 features.

Defferrard, Benzi, Vandergheynst, Bresson, "FMA: a dataset for music analysis", ISMIR 2017;
https://github.com/mdeff/fma. The metadata is under CC BY 4.0, each track under the licence that
its artist chose (column ``track/license`` of tracks.csv).

Tables lie in ``<data_home>/fma_metadata``: FileNotFoundError where one is missing, ValueError where
it is truncated or not FMA's. Chapter: book/datasets.ipynb
"""

import csv

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
    everything = columns(path)
    clips = everything
    if subset in ("small", "medium"):
        clips = clips[clips["subset"].isin(SUBSETS[: SUBSETS.index(subset) + 1])]
    if clips.empty:
        raise ValueError(f"{path} lists no track of the subset {subset!r}; is it FMA's file?")
    left_out = {clip: why for clip, why in BROKEN.items() if official and clip in clips.index}
    for column, known, why in (
        ("genre", clips["genre"].dropna(), "no top genre in tracks.csv"),
        ("split", SPLITS, f"no split among {SPLITS} in tracks.csv"),
    ):
        without = clips.index[~clips[column].isin(known)]
        left_out = dict.fromkeys(without, why) | left_out
    clips = clips.drop(index=list(left_out))
    clips, missing = _locate(clips, folder, subset, set(everything.index))
    near_silent = clips.index.isin(NEAR_SILENT if official else ())
    return clips.assign(near_silent=near_silent), left_out | missing


def _locate(clips, folder, subset, known):
    """Add the paths; return the clips that have a file and why the others were left out."""
    larger = SUBSETS[SUBSETS.index(subset) : 3] if subset != "full" else ("full",)
    candidates = [folder / f"fma_{s}" for s in larger]
    audio = next((c for c in candidates if audio_files(c)), candidates[0])
    paths = [str(clip_path(audio, clip)) for clip in clips.index]
    clips = clips.assign(path=np.array(paths, dtype=object))
    on_disk = {str(path): path for path in audio_files(audio)}
    if not on_disk:
        warn(
            f"no audio: {audio} does not exist or is empty, so this is a table of {len(clips)} "
            f"clips without their sound. Put FMA's {audio.name} there or load with download=True."
        )
        return clips, {}
    here = clips["path"].isin(on_disk)
    stray = [
        p.relative_to(audio).as_posix()
        for p in sorted(on_disk.values())
        if not (p.stem.isdecimal() and int(p.stem) in known)
    ]
    if stray:
        warn(
            f"{len(stray)} files under {audio} are not in tracks.csv and are left out: "
            f"{some(stray)}"
        )
    if not here.all():
        warn(
            f"{(~here).sum()} of the {len(clips)} clips in tracks.csv have no file under {audio} "
            f"and are left out ({some(clips.index[~here].tolist())}). To have them, unpack the "
            "archive again, or move that folder away and load with download=True."
        )
    return clips[here], {clip: f"no file at {p}" for clip, p in clips.loc[~here, "path"].items()}


def clip_path(audio, clip):
    """Where FMA keeps a clip: ``audio/000/000123.mp3``, ``audio`` being ``fma_small`` or so."""
    return audio / f"{clip // 1000:03d}" / f"{clip:06d}.mp3"


def columns(path):
    """Read the few columns of tracks.csv that a loader needs: 106,574 × 8 in about a second."""
    header = _header(path, 3)
    pairs = list(zip(header[0], header[1], strict=True))
    required = [_WANTED[c] for c in ("genre", "split", "subset")]
    if lacking := [pair for pair in required if pair not in pairs]:
        raise ValueError(
            f"{path} lacks the column {some('/'.join(p) for p in lacking)} in its two header rows: "
            "it is not FMA's tracks.csv, or it is damaged. Get fma_metadata.zip again "
            "(download=True)."
        )
    places = {pairs.index(pair): column for column, pair in _WANTED.items() if pair in pairs}
    last = len(pairs) - 1
    use = sorted({0, last, *places})
    try:
        table = pd.read_csv(path, skiprows=3, header=None, usecols=use, low_memory=False)
        table.index = pd.to_numeric(table.pop(0)).astype("int64").rename("clip")
    except (ValueError, pd.errors.ParserError) as error:  # EmptyDataError is a ValueError
        raise ValueError(f"{path} cannot be read ({error}); {_AGAIN}") from error
    with open(path, "rb") as file:
        file.seek(-1, 2)
        whole = file.read(1) in (b"\n", b"\r")
    if not whole and len(table) and table[last].isna().iloc[-1]:
        raise ValueError(f"{path} ends in the middle of a row; {_AGAIN}")
    if table.index.has_duplicates:
        raise ValueError(f"{path} lists track {table.index[table.index.duplicated()][0]} twice")
    table = table.rename(columns=places).reindex(columns=list(_WANTED))  # some may lack artists
    return table.astype({c: object for c in _WANTED if not c.endswith("_id")})


def _header(path, rows):
    if not path.is_file():
        raise FileNotFoundError(
            f"no {path}. FMA's metadata is expected there: load with download=True, or unpack "
            f"{download.ARCHIVES['fma_metadata'].url} into that folder's parent (data_home)."
        )
    try:
        with open(path, newline="", encoding="utf-8") as file:
            lines = csv.reader(file)
            head = [next(lines, None) for _ in range(rows)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is not a CSV file ({error}); {_AGAIN}") from error
    if None in head or len({len(row) for row in head}) != 1:
        raise ValueError(f"{path} has no {rows} header rows of equal length; {_AGAIN}")
    return head


def genres(data_home=None):
    """Read FMA's genre hierarchy: index ``genre_id``.

    Columns ``title``, ``tracks`` (how many have it: 161 of the 163 genres are used), ``parent``
    (genre id, 0 for a root), ``parent_title``, ``top_level`` and ``children`` (list of titles).
    """
    path = cache_folder(data_home) / "fma_metadata" / "genres.csv"
    _header(path, 1)
    table = pd.read_csv(path, index_col="genre_id").rename(columns={"#tracks": "tracks"})
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
    _header(path, 4)
    table = pd.read_csv(path, index_col=0, header=[0, 1, 2]).astype(np.float32)
    return align(table, dataset, f"features in {path}", "whole tracks, not the 30-second clips")


def align(table, dataset, what, describes):
    """Put the rows of a table in the order of a dataset's clips, and warn of those it lacks."""
    if dataset is not None:
        if lacking := list(dataset.clips.index.difference(table.index)):
            warn(f"{len(lacking)} clips have no {what}: {some(lacking)}")
        table = table.reindex(dataset.clips.index)
    table.attrs["describes"] = describes
    return table
