"""The official split of FMA-small, which the package carries: id, genre and split of 7,994 clips.

Facts of FMA's ``tracks.csv`` (Defferrard et al., 2017; CC BY 4.0) without the 342 MiB around them,
and without the six clips that do not decode. Made by

    python -m prcnn.datasets.fma_small_split FOLDER/fma_metadata/tracks.csv

Chapter: book/datasets.ipynb
"""

import gzip
import hashlib
import sys
from pathlib import Path

import pandas as pd

from .dataset import SPLITS
from .fma import BROKEN, GENRES
from .fma_tables import columns

FILE = Path(__file__).parent / "fma_small_split.csv.gz"
_HEAD = """\
# Official split of FMA-small, without the six clips that do not decode.
# Source: tracks.csv of FMA's fma_metadata.zip (https://github.com/mdeff/fma), CC BY 4.0.
# sha256 of the rows below: {}
"""


def read(path=FILE):
    """Read the table: index ``clip`` (int, FMA's track id), columns ``genre`` and ``split``.

    ValueError if its rows are not those that its checksum was made of.
    """
    with gzip.open(path, "rt", newline="") as file:
        head = [next(file) for _ in range(_HEAD.count("\n"))]
        rows = file.read()
    if hashlib.sha256(rows.encode()).hexdigest() not in head[-1]:
        raise ValueError(f"{path} is damaged: its rows do not match its checksum. Install again.")
    rows = [row.split(",") for row in rows.splitlines()[1:]]
    table = pd.DataFrame(rows, columns=["clip", "genre", "split"]).astype({"clip": "int64"})
    return table.set_index("clip").astype(object)


def make(tracks, path=FILE):
    """Write the table from FMA's own ``tracks.csv``.

    FileNotFoundError or ValueError if that is missing, damaged or not FMA's: 7,994 clips, 100 of
    every genre in validation and test.
    """
    table = columns(Path(tracks))
    table = table.loc[table["subset"] == "small", ["genre", "split"]]
    table = table.drop(index=list(BROKEN), errors="ignore").sort_index()
    counts = pd.crosstab(table["genre"], table["split"])
    whole = len(table) == 7994 and list(counts.index) == GENRES and set(counts) == set(SPLITS)
    if not (whole and (counts[["validation", "test"]] == 100).all(axis=None)):
        raise ValueError(f"{tracks} does not hold FMA-small: {len(table)} clips.\n{counts}")
    rows = table.to_csv(index_label="track_id", lineterminator="\n")
    text = _HEAD.format(hashlib.sha256(rows.encode()).hexdigest()) + rows
    Path(path).write_bytes(gzip.compress(text.encode(), mtime=0))  # the same bytes every time


if __name__ == "__main__":
    make(*sys.argv[1:])
