"""How long a store takes to open: ``python tests/benchmarks/store.py [NAME]``.

Makes as many files as FMA-small and all of FMA have, each of a content of its own and sparse, so
that they take no room, and stores one number a clip: how large features are does not matter here.
Opening is timed with everything known, and without what is remembered of files, when all of them
are read again, as after a move to another machine. Writes ``book/results/opening.json``, from which
book/log_mel.ipynb draws. Five minutes, most of them for making files and parts.
"""

import argparse
import hashlib
import os
import tempfile
import time
from pathlib import Path

import pandas as pd

from prcnn.datasets import Dataset
from prcnn.store import compute
from prcnn.study import results

SIZES = {"fma_small": 8_000, "fma_full": 106_574}
BYTES = 2**16


def make(folder, n):
    """A dataset of `n` sparse files, a thousand a folder, last changed long ago."""
    paths = []
    for i in range(n):
        path = folder / f"{i // 1000:03d}" / f"{i:06d}.mp3"
        if i % 1000 == 0:
            path.parent.mkdir(parents=True)
        with open(path, "wb") as file:
            file.seek(BYTES - 8)
            file.write(i.to_bytes(8, "little"))
        os.utime(path, (10**9, 10**9))
        paths.append(str(path))
    clips = pd.DataFrame({"path": paths, "genre": "Rock", "split": "training"})
    return Dataset(folder.name, clips, ["Rock"])


def last_number(path):
    """A clip's features: the number in its file."""
    with open(path, "rb") as file:
        file.seek(BYTES - 8)
        return [int.from_bytes(file.read(), "little")]


def opening(dataset, out):
    """Seconds that it takes to fill a store, to open it, and to open it without the memo."""

    def timed():
        start = time.perf_counter()
        made = compute(dataset, last_number, (1,), "last number", out, progress=False)
        seconds = time.perf_counter() - start
        assert len(made.clips) == len(dataset.clips)
        return seconds

    memo, record = out / "contents.json", {"clips": len(dataset.clips)}
    record["first"] = timed()
    record["again"] = [timed() for _ in range(3)]
    record["memo_mb"] = memo.stat().st_size / 1e6
    memo.unlink()
    record["without_memo"] = timed()
    record["files_beside_the_clips"] = sum(path.is_file() for path in out.rglob("*"))
    return record


def main():
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name", nargs="?", default="opening", help="of the result")
    arguments = parser.parse_args()
    block = bytes(2**26)
    start = time.perf_counter()
    hashlib.sha256(block)
    record = {"bytes_a_clip": BYTES, "sha256_mb_s": 2**26 / 1e6 / (time.perf_counter() - start)}
    with tempfile.TemporaryDirectory() as folder:
        for name, n in SIZES.items():
            record[name] = opening(make(Path(folder, name), n), Path(folder, f"{name} stores"))
            print(name, record[name], flush=True)
    print(results.write(arguments.name, record))


if __name__ == "__main__":
    main()
