"""What is said about GTZAN, counted: ``python tests/benchmarks/gtzan.py FOLDER``.

FOLDER has Sturm's ``index.txt`` and the three fault-filtered lists; no audio is needed. Writes
``book/results/gtzan.json``, from which book/datasets.ipynb draws.
"""

import sys
from pathlib import Path

import pandas as pd

from prcnn.datasets import splits
from prcnn.datasets.gtzan import INDEX, read_index, read_lists, repeats
from prcnn.study import results

SEEDS = range(10)  # of random splits, whose overlap is a mean


def survey(folder):
    """Count artists and repeats, what the lists leave out, and whose artists are on two sides."""
    index, listed = read_index([folder / INDEX]), read_lists(folder)
    clips = index.assign(genre=index.index.str.split(".").str[0])
    again = repeats(index)
    left_out = clips.index.difference(pd.Index(listed))
    published = clips.assign(split=pd.Series(listed)).dropna(subset=["split"])
    sides = published.groupby("artist")["split"].nunique()
    counts = {g: artists.value_counts() for g, artists in clips.groupby("genre")["artist"]}
    drawn = {"stratified": splits.stratified, "artist": splits.by_artist}
    overlap = {
        name: sum(splits.overlap(clips.assign(split=tool(clips, seed=s))) for s in SEEDS)
        / len(SEEDS)
        for name, tool in drawn.items()
    }
    return {
        "artists": int(index["artist"].nunique()),
        "unknown": int(index["artist"].isna().sum()),
        "repeated": len(again),
        "left_out": len(left_out),
        "left_out_repeats": len(left_out.intersection(pd.Index(list(again)))),
        "mixed_artists": sorted(sides.index[sides > 1]),
        "leader": {g: [found.index[0], int(found.iloc[0])] for g, found in counts.items()},
        "overlap": overlap | {"fault_filtered": splits.overlap(published)},
    }


if __name__ == "__main__":
    results.write("gtzan", survey(Path(sys.argv[1])))
