"""How long a store takes to open and to read: ``python tests/benchmarks/store.py``, five minutes.

Makes as many files as FMA-small and all of FMA have, each of a content of its own and sparse, and
stores one number a clip: how large features are does not matter for opening. Reads 2,000 pictures
in shuffled batches of 64, beside an array in memory. Writes ``book/results/opening.json``, from
which book/log_mel.ipynb draws.
"""

import os
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from timing import turns

from prcnn.datasets import Dataset
from prcnn.store import compute
from prcnn.study import results

SIZES = {"fma_small": 8_000, "fma_full": 106_574}
BYTES = 2**16


def make(folder, n):
    """A dataset of ``n`` sparse files, a thousand a folder, last changed long ago."""
    paths = [folder / f"{i // 1000:03d}" / f"{i:06d}.mp3" for i in range(n)]
    for i, path in enumerate(paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "wb") as file:
            file.seek(BYTES - 8)
            file.write(i.to_bytes(8, "little"))
        os.utime(path, (10**9, 10**9))
    clips = pd.DataFrame({"path": map(str, paths), "genre": "Rock", "split": "training"})
    return Dataset(folder.name, clips, ["Rock"])


def number(path):
    """A clip's features: the number in its file."""
    with open(path, "rb") as file:
        file.seek(BYTES - 8)
        return [int.from_bytes(file.read(), "little")]


def picture(path):
    """Features as large as a picture of ``IMAGES``."""
    return np.full((128, 128), number(path)[0])


def opening(dataset, out):
    """Seconds that it takes to fill a store and, three times, to open it again."""
    fill = partial(compute, dataset, number, (1,), "number", out, progress=False)
    began = time.perf_counter()
    assert len(fill().clips) == len(dataset.clips)
    first = time.perf_counter() - began
    return {"clips": len(dataset.clips), "first": first, "again": list(turns({"": fill}, 3)[""])}


def reading(dataset, out):
    """Seconds of an epoch of shuffled batches of 64, from the store and from memory."""
    store = compute(dataset, picture, (128, 128), "picture", out, progress=False)
    X, _ = store.arrays("training")
    batches = np.array_split(np.random.default_rng(0).permutation(len(X)), len(X) // 64)
    ways = {
        "store": lambda: list(map(store.read, batches)),
        "memory": lambda: [X[b] for b in batches],
    }
    return {name: seconds.min() for name, seconds in turns(ways).items()}


if __name__ == "__main__":
    record = {"bytes_a_clip": BYTES}
    with tempfile.TemporaryDirectory() as folder:
        for name, n in SIZES.items():
            record[name] = opening(make(Path(folder, name), n), Path(folder, f"{name} stores"))
        record["reading"] = reading(make(Path(folder, "few"), 2_000), Path(folder, "few stores"))
    print(record)
    print(results.write("opening", record))
