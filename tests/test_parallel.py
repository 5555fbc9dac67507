"""Data-parallel training on two virtual devices ends where training on one device ends."""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

TRAIN = """
import json, os, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
import jax, keras
import test_training
clips, out, parallel = sys.argv[2], sys.argv[3], sys.argv[4] == "parallel"
if parallel:
    assert len(jax.devices()) == 2
    keras.distribution.set_distribution(keras.distribution.DataParallel())
run = test_training.train(clips, out, epochs=3, batch_size=10)
placed = {len(w.value.devices()) for w in run.model.weights}
assert placed == ({2} if parallel else {1}), placed
"""


@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="needs jax")
def test_two_devices_as_one(tmp_path):
    """36 clips in batches of 10: the last batch, of 6, is shared out as well."""
    running = []
    for kind in ("parallel", "single"):
        clips = tmp_path / f"clips_{kind}"
        clips.mkdir()
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", TRAIN, __file__, clips, tmp_path / kind, kind],
                env=os.environ
                | {
                    "KERAS_BACKEND": "jax",
                    "JAX_PLATFORMS": "cpu",
                    "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
                },
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    for process in running:
        _, stderr = process.communicate(timeout=300)
        assert process.returncode == 0, stderr[-3000:]
    with (
        np.load(tmp_path / "parallel/state.npz") as two,
        np.load(tmp_path / "single/state.npz") as one,
    ):
        np.testing.assert_allclose(two["history"][:, :4], one["history"][:, :4], rtol=1e-4)
        for name in one.files:
            if name.startswith(("now", "best")):
                np.testing.assert_allclose(two[name], one[name], atol=1e-5, err_msg=name)
