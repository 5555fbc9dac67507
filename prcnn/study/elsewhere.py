"""``beyond`` on other data, network and recipe unchanged: synthetic music, and gtzan_mini by clip.

One command, which goes on where it was stopped::

    python -c "from prcnn.study import elsewhere as e; e.study('~/data', 'runs/elsewhere')"

All methods get the same pictures, 128 frames of 30 seconds, as on FMA-small.

Chapter: book/beyond.ipynb
"""

from pathlib import Path

import numpy as np
import pandas as pd

from prcnn import datasets, store
from prcnn.evaluation import compare_over_seeds, report_of_labels
from prcnn.spectrogram import IMAGES
from prcnn.study import results
from prcnn.study.runs import limit_threads, once, side_by_side
from prcnn.study.training_clips import SVM, outcome

RESULT = "elsewhere"
METHODS = (SVM, "paper", "beyond")
#: Dataset → its epochs. An epoch is a few steps here: only their number is not the recipe's.
EPOCHS = {"synthetic": 100, "gtzan_mini": 200}


def study(
    data_home=None, out="runs/elsewhere", *, epochs=None, seeds=range(3), n_jobs=2, folder=None
):
    """Train every method on every dataset; of gtzan_mini, whose clips are few, on random splits.

    Seeds are those of networks, and of gtzan_mini's splits. ``epochs`` is as :data:`EPOCHS`, which
    it is by default; finished runs in ``out`` are not repeated, ``n_jobs`` run at a time. Returns
    the path of ``elsewhere.json``, in ``folder`` (see :func:`prcnn.study.results.write`): ``runs``,
    a list of what each says (``dataset``, ``method``, ``seed``, ``validation``, ``clips`` …).

    Chapter: book/beyond.ipynb
    """
    epochs = EPOCHS if epochs is None else epochs
    out = Path(out).expanduser().resolve()
    asked = [
        (out, data_home, name, method, int(seed), epochs[name])
        for seed in seeds
        for name in epochs
        for method in METHODS
    ]
    runs = side_by_side(_run, asked, n_jobs)
    return results.write(RESULT, {"epochs": epochs, "runs": runs}, folder)


def reports(record):
    """What a method says of a dataset's test clips, all seeds in one report.

    Returns a dict, dataset → method → Report, whose ``groups`` are the clips: a clip that several
    seeds were asked about counts as one.

    Chapter: book/beyond.ipynb
    """
    found = {}
    for run in record["runs"]:
        found.setdefault(run["dataset"], {}).setdefault(run["method"], []).append(run)
    return {
        dataset: {
            method: report_of_labels(
                np.concatenate([run["true"] for run in runs]),
                np.concatenate([run["predicted"] for run in runs]),
                runs[0]["genres"],
                [f"{run['seed']}: {clip}" for run in runs for clip in run["clips"]],
                [clip for run in runs for clip in run["clips"]],
            )
            for method, runs in methods.items()
        }
        for dataset, methods in found.items()
    }


def table(record):
    """Accuracies, and how far ``beyond`` is ahead, on the same clips.

    Returns
    -------
    pandas.DataFrame
        Index dataset and method; columns ``accuracy``, ``low``, ``high`` (fractions, 95 %) and,
        beside ``beyond``, ``ahead``, ``ahead_low``, ``ahead_high``: how much better that is.

    Chapter: book/beyond.ipynb
    """
    lines = {}
    for dataset, said in reports(record).items():
        for method, one in said.items():
            ahead = compare_over_seeds([said["beyond"]], [one])
            lines[dataset, method] = [one.accuracy, *one.interval, *ahead[:3]]
    index = pd.MultiIndex.from_tuples(lines, names=["dataset", "method"])
    columns = ["accuracy", "low", "high", "ahead", "ahead_low", "ahead_high"]
    return pd.DataFrame(list(lines.values()), index, columns)


def _run(out, data_home, name, method, seed, epochs):
    """One method on one dataset, from ``out`` where it has been done."""
    limit_threads(1)
    run = f"{name}-{method.replace(', ', '-').replace(' ', '-')}-{epochs}-seed{seed}"

    def train():
        options = {} if name == "synthetic" else {"splits": "stratified", "seed": seed}
        clips = store.extract(datasets.load(name, data_home, **options), IMAGES, progress=False)
        said = {"dataset": name, "method": method, "seed": seed}
        return said | outcome(clips, method, seed, epochs, out / run)

    return once(out / f"{run}.json", train)
