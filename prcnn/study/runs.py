"""Runs of a study: side by side in processes, and found again where they have finished."""

import json
import os

import joblib
from tqdm.auto import tqdm

from prcnn.atomic import write_whole


def side_by_side(run, asked, n_jobs, unit="run"):
    """What ``run(*one)`` says of every one of ``asked``, in order; ``n_jobs`` at a time, a bar."""
    calls = [joblib.delayed(run)(*one) for one in asked]
    said = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(calls)
    return list(tqdm(said, total=len(calls), desc=f"{unit}s", unit=unit, disable=not calls))


def limit_threads(n):
    """Give TensorFlow, which reads this once, ``n`` threads; joblib sees to OpenMP's."""
    for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(name, str(n))


def once(path, make):
    """What ``make()`` says, as JSON has it; kept in ``path`` and read from there the next time."""
    if not path.exists():
        said = json.dumps(make(), default=int)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, lambda part: part.write_text(said))
    return json.loads(path.read_text())
