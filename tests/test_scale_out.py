"""Extraction on a real Dask cluster, with a worker killed in the middle."""

import os
import signal
import threading
import time

import joblib
import pytest
from test_store import held, numbers
from test_store_failures import slow

from prcnn.store import compute

distributed = pytest.importorskip("distributed")


def test_a_dask_cluster_that_loses_a_worker_makes_every_clip(tmp_path):
    dataset = numbers(tmp_path / "clips", [str(i) for i in range(128)])
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    killed, out = [], tmp_path / "cluster"

    def kill_one():
        """Kill a worker process when the first clips are there."""
        while not list(out.rglob("*.npy")):
            time.sleep(0.005)
        killed.append(client.run(os.getpid))
        os.kill(next(iter(killed[0].values())), signal.SIGKILL)

    with cluster, distributed.Client(cluster) as client:
        killer = threading.Thread(target=kill_one, daemon=True)
        killer.start()
        with joblib.parallel_config(backend="dask"):
            made = compute(dataset, slow, (1,), "number", out, progress=False)
        killer.join(10)
        assert len(killed[0]) == 2
        assert os.getpid() not in killed[0].values()
        alive = client.run(os.getpid)
    assert not set(alive.values()) >= set(killed[0].values())
    assert made.failed == {}
    assert held(made) == list(range(128))
