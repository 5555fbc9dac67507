"""Two processes of one thread each against one process of two: which trains more clips a second?

    python tests/benchmarks/processes.py

writes ``book/results/processes_speed.json``: steps a second of ``paper`` (640, 128) and ``beyond``
(128, 128), batches of 64, in 32 and in mixed arithmetic, both ways in turns. A ratio above 1 is for
two processes.
"""

import os
import subprocess
import sys

import numpy as np

from prcnn.study import results

ROUNDS, STEPS = 3, 6
STEP = """
import sys, time, numpy as np, keras
from prcnn import models
from prcnn.training.precision import arithmetic
name, precision, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
model = models.build(name)
model.compile("rmsprop", "sparse_categorical_crossentropy")
rng = np.random.default_rng(0)
X = rng.normal(-40, 9, (64, *model.input_shape[1:])).astype("float32")
y = rng.integers(0, 8, 64)
with arithmetic(precision, model):
    for _ in range(2):
        model.train_on_batch(X, y)
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    for _ in range(steps):
        model.train_on_batch(X, y)
print(steps / (time.perf_counter() - began))
"""


def steps_a_second(name, precision, processes):
    """Of all processes together, each with its share of two threads; they start at once."""
    threads = str(2 // processes)
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    running = [
        subprocess.Popen(
            [sys.executable, "-c", STEP, name, precision, str(STEPS)],
            env=os.environ | dict.fromkeys(names, threads),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _ in range(processes)
    ]
    for process in running:
        process.stdout.readline()
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    return sum(float(process.communicate()[0]) for process in running)


record = {}
for name in ("paper", "beyond"):
    for precision in ("float32", "mixed"):
        turns = [
            [steps_a_second(name, precision, processes) for processes in (2, 1)]
            for _ in range(ROUNDS)
        ]
        two, one = np.transpose(turns)
        record[f"{name}, {precision}"] = {
            "two processes": two.tolist(),
            "one process": one.tolist(),
            "ratio": float(np.median(two / one)),
        }
        print(name, precision, record[f"{name}, {precision}"]["ratio"], flush=True)
print(results.write("processes_speed", {"steps_a_second": record}))
