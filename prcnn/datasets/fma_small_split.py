"""The official split of FMA-small, which the package carries: id, genre and split of 7,994 clips.

Facts of FMA's ``tracks.csv`` (Defferrard et al., 2017; CC BY 4.0) without the 342 MiB around them,
and without the six clips that do not decode. Made by

    python -m prcnn.datasets.fma_small_split FOLDER/fma_metadata/tracks.csv

Chapter: book/datasets.ipynb
"""

import gzip
import hashlib
import io
import sys
from pathlib import Path

import pandas as pd

from .dataset import full_path
from .fma import BROKEN, GENRES, columns

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
    head, _, rows = gzip.decompress(Path(path).read_bytes()).decode().partition("\ntrack_id")
    rows = "track_id" + rows
    if hashlib.sha256(rows.encode()).hexdigest() not in head:
        raise ValueError(f"{path} is damaged: its rows do not match its checksum. Install again.")
    table = pd.read_csv(io.StringIO(rows), index_col="track_id").rename_axis(index="clip")
    return table.astype(object)


def make(tracks, path=FILE):
    """Write the table from FMA's own ``tracks.csv``.

    FileNotFoundError or ValueError if that is missing, damaged or not FMA's: 7,994 clips, 100 of
    every genre in validation and test.
    """
    table = columns(full_path(tracks))
    table = table.loc[table["subset"] == "small", ["genre", "split"]]
    table = table.drop(index=list(BROKEN), errors="ignore").sort_index()
    counts = pd.crosstab(table["genre"], table["split"]).reindex(columns=["validation", "test"])
    if len(table) != 7994 or list(counts.index) != GENRES or not (counts == 100).all(axis=None):
        raise ValueError(f"{tracks} does not hold FMA-small: {len(table)} clips.\n{counts}")
    rows = table.to_csv(index_label="track_id", lineterminator="\n")
    text = _HEAD.format(hashlib.sha256(rows.encode()).hexdigest()) + rows
    Path(path).write_bytes(gzip.compress(text.encode(), mtime=0))  # the same bytes every time


if __name__ == "__main__":
    make(*sys.argv[1:])
