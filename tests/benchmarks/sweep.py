"""How long a researcher waits for a sweep: a page for every run, beside plain calls.

``python tests/benchmarks/sweep.py`` (needs the cores for itself, about ten minutes) makes the same
runs twice, four rows with five seeds each, two at a time: as ``book/train.ipynb`` under papermill,
and with ``ablations.sweep``. It checks that both record the same and writes
``book/results/sweep_speed.json``. One epoch a run: what is left is what a run costs before and
after it trains; with more epochs the same seconds are saved of more.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

import joblib
import papermill

from prcnn import datasets, store
from prcnn.study import ablations, results

PAGE = Path(__file__).parents[2] / "book" / "train.ipynb"
ROWS = ["RNN", "5-layer CNN", "3-layer CNN", "CNN + 1-layer RNN"]


def page(folder, row, seed, threads, parameters):
    """A run as a page, as sweeps were made before."""
    for name in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ[name] = str(threads)
    _, network, changes, _ = ablations.ROWS[row]
    own = {"network": network, "changes": changes, "seed": seed, "out": str(folder)}
    folder.mkdir(parents=True)
    shown = folder.parent / f"{folder.name}.ipynb"
    papermill.execute_notebook(PAGE, shown, parameters | own, progress_bar=False)


def pages(out, seeds, n_jobs, parameters):
    threads = max(1, os.cpu_count() // n_jobs)
    joblib.Parallel(n_jobs)(
        joblib.delayed(page)(out / f"{row}-{seed}", row, seed, threads, parameters)
        for seed in range(seeds)
        for row in ROWS
    )


def same(one, other):
    differ = {"seconds", "provenance"}
    return {k: v for k, v in one.items() if k not in differ} == {
        k: v for k, v in other.items() if k not in differ
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="synthetic")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", help="folder of the result; default: as results.write")
    options = parser.parse_args()
    parameters = {"dataset": options.dataset, "epochs": 1, "batch_size": 16}
    clips = datasets.load(options.dataset)
    store.extract(clips, clips.settings)
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        seconds, began = {}, time.perf_counter()
        runs = ablations.sweep(
            folder / "calls",
            rows=ROWS,
            seeds=range(options.seeds),
            n_jobs=options.jobs,
            **parameters,
        )
        seconds["calls"] = time.perf_counter() - began
        began = time.perf_counter()
        pages(folder / "pages", options.seeds, options.jobs, parameters)
        seconds["pages"] = time.perf_counter() - began
        trained, equal = 0.0, 0
        for row, seed, made in runs[["row", "seed", "folder"]].itertuples(index=False):
            one = results.read("evaluation", folder=made)
            other = results.read("evaluation", folder=folder / "pages" / f"{row}-{seed}")
            trained, equal = trained + one["seconds"], equal + same(one, other)
    record = {
        "rows": ROWS,
        "runs": len(runs),
        "jobs": options.jobs,
        **parameters,
        "wall_seconds": seconds,
        "training_seconds": trained,  # of all runs of the calls, two at a time
        "records_equal": equal,
        "times_as_fast": seconds["pages"] / seconds["calls"],
    }
    print(results.write("sweep_speed", record, folder=options.out))
    print(f"{seconds['pages']:.0f} s as pages, {seconds['calls']:.0f} s as calls")


if __name__ == "__main__":
    main()
