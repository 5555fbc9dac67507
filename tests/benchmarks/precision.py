"""Does 16-bit arithmetic cost accuracy? ``paper`` trained with and without it, seed by seed.

    python tests/benchmarks/precision.py synthetic --epochs 20 --batch-size 16 --seeds 5
    python tests/benchmarks/precision.py fma_small_images --data-home FOLDER --epochs 18 --seeds 3

Runs lie in ``--out`` and go on where they stopped; ``book/results/precision_DATASET.json`` holds
the accuracies, the difference with its interval over clips and seeds, and the seconds an epoch of
either took on this machine (they take turns, run by run).
"""

import argparse
from pathlib import Path

import numpy as np

from prcnn.evaluation import compare_over_seeds, report
from prcnn.study import experiment, results

parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
parser.add_argument("dataset")
parser.add_argument("--data-home")
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--batch-size", type=int)
parser.add_argument("--seeds", type=int, default=5)
parser.add_argument("--out", type=Path, default=Path("runs/precision"))
asked = parser.parse_args()

runs = {"mixed": [], "float32": []}
for seed in range(asked.seeds):
    for precision, made in runs.items():
        made.append(
            experiment.run(
                asked.dataset,
                "paper",
                data_home=asked.data_home,
                seed=seed,
                epochs=asked.epochs,
                batch_size=asked.batch_size,
                precision=precision,
                out=asked.out / f"{asked.dataset}-{precision}-{seed}",
            )
        )

reports = {
    precision: [
        report(run["true"], np.eye(len(run["test"]["genres"]))[run["predicted"]],
               run["test"]["genres"], run["clips"])
        for run in made
    ]
    for precision, made in runs.items()
}  # fmt: skip
compared = compare_over_seeds(reports["mixed"], reports["float32"])
record = {
    "dataset": asked.dataset,
    "network": "paper",
    **{name: runs["mixed"][0][name] for name in ("settings", "epochs", "batch_size")},
    "seeds": list(range(asked.seeds)),
    "runs": {
        precision: {
            "validation": [run["validation"]["accuracy"] for run in made],
            "test": [run["test"]["accuracy"] for run in made],
            "predicted": [run["predicted"] for run in made],
            "seconds_an_epoch": [run["seconds"] / run["epochs"] for run in made],
        }
        for precision, made in runs.items()
    },
    "mixed_minus_float32": compared._asdict(),
}
print(results.write(f"precision_{asked.dataset}", record))
print(compared)
