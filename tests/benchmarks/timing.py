"""What the benchmarks share: candidates take turns within one run, and only ratios are claims.

Milliseconds belong to a machine and to what else it does; two ways that take turns meet the same.
"""

import time

import numpy as np


def turns(ways, rounds=5, clock=time.perf_counter):
    """Seconds of each function of ``ways``, a dict: name → (rounds,). One round more warms up."""
    taken = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            began = clock()
            way()
            taken[name].append(clock() - began)
    return {name: np.array(seconds[1:]) for name, seconds in taken.items()}
