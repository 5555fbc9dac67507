"""FMA's metadata tables: tracks.csv, the genre hierarchy, the 518 features.

All lie in ``<data_home>/fma_metadata``. FileNotFoundError where one is missing, ValueError where it
is truncated or not FMA's. Chapter: book/datasets.ipynb
"""

import ast
import csv

import numpy as np
import pandas as pd

from .dataset import cache_folder, some, warn

_WANTED = {  # column of the clips → column of tracks.csv
    "genre": ("track", "genre_top"),
    "split": ("set", "split"),
    "subset": ("set", "subset"),
    "artist": ("artist", "name"),
    "artist_id": ("artist", "id"),
    "album": ("album", "title"),
    "album_id": ("album", "id"),
    "title": ("track", "title"),
}
_LISTS = [(a, "tags") for a in ("album", "artist", "track")]
_LISTS += [("track", "genres"), ("track", "genres_all")]


def columns(path):
    """Read the few columns of tracks.csv that a loader needs: 106,574 × 8 in about a second."""
    header = _header(path, 3)
    pairs = list(zip(header[0], header[1], strict=False))
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
        table.index = pd.to_numeric(table.pop(0)).astype("int64")
    except (ValueError, pd.errors.ParserError) as error:  # EmptyDataError is a ValueError
        raise ValueError(f"{path} cannot be read ({error}); {_AGAIN}") from error
    with open(path, "rb") as file:
        file.seek(-1, 2)
        whole = file.read(1) in (b"\n", b"\r")
    if not whole and len(table) and table[last].isna().iloc[-1]:
        raise ValueError(f"{path} ends in the middle of a row; {_AGAIN}")
    table = table.rename(columns=places)[list(places.values())]
    table = table.reindex(columns=list(_WANTED))  # a minimal table may have no artists or albums
    if table.index.has_duplicates:
        raise ValueError(f"{path} lists track {table.index[table.index.duplicated()][0]} twice")
    text = ["genre", "split", "subset", "artist", "album", "title"]
    return table.astype(dict.fromkeys(text, object)).rename_axis(index="clip")


_AGAIN = "it is probably truncated: get fma_metadata.zip again (download=True)."


def _header(path, rows):
    if not path.is_file():
        raise FileNotFoundError(
            f"no {path}. FMA's metadata is expected there: load with download=True, or unpack "
            "https://os.unil.cloud.switch.ch/fma/fma_metadata.zip into that folder's parent "
            "(data_home)."
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


def tracks(data_home=None):
    """Read FMA's whole tracks.csv: 106,574 tracks × 52 columns, lists as lists.

    Index ``track_id``; two column levels (album, artist, set, track).
    """
    path = cache_folder(data_home) / "fma_metadata" / "tracks.csv"
    _header(path, 3)
    table = pd.read_csv(path, index_col=0, header=[0, 1], low_memory=False)
    for column in table.columns.intersection(_LISTS):
        table[column] = table[column].map(ast.literal_eval, na_action="ignore")
    for column in table.columns:
        if column[1].startswith(("date_", "active_year_")):
            table[column] = pd.to_datetime(table[column], errors="coerce")
    return table


def genres(data_home=None):
    """Read FMA's genre hierarchy.

    Returns
    -------
    pandas.DataFrame
        Index ``genre_id``; columns ``title``, ``tracks`` (how many have it: 161 of the 163 genres
        are used), ``parent`` (genre id, 0 for a root), ``parent_title``, ``top_level`` and
        ``children`` (list of titles).
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

    Returns
    -------
    pandas.DataFrame
        float32, 518 columns of three levels (feature, statistics, number), one row a clip of
        ``dataset``, which is FMA's (default: all 106,574 tracks). A clip without features is a row
        of NaN, and a warning.

    Chapter: book/baselines.ipynb
    """
    path = cache_folder(data_home) / "fma_metadata" / "features.csv"
    _header(path, 4)
    parts = pd.read_csv(path, index_col=0, header=[0, 1, 2], chunksize=10_000)
    wanted = None if dataset is None else dataset.clips.index
    kept = [part if wanted is None else part[part.index.isin(wanted)] for part in parts]
    table = pd.concat(kept).astype(np.float32)
    if wanted is not None:
        if lacking := list(wanted.difference(table.index)):
            warn(f"{len(lacking)} clips have no features in {path}: {some(lacking)}")
        table = table.reindex(wanted)
    table.attrs["describes"] = "whole tracks, not the 30-second clips"
    return table
