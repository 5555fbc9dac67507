"""Data-parallel training on two virtual devices ends where training on one device ends."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

TRAIN = """
import sys
import jax, keras, test_training
assert len(jax.devices()) == 2
for kind, devices in (("one", 1), ("two", 2)):
    if devices == 2:
        keras.distribution.set_distribution(keras.distribution.DataParallel())
    run = test_training.train(".", kind, epochs=3, batch_size=10)
    assert {len(w.value.devices()) for w in run.model.weights} == {devices}
"""


@pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="needs jax")
def test_two_devices_as_one(tmp_path):
    """36 clips in batches of 10: the last batch, of 6, is shared out as well."""
    surroundings = {
        "KERAS_BACKEND": "jax",
        "JAX_PLATFORMS": "cpu",
        "XLA_FLAGS": "--xla_force_host_platform_device_count=2",
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path]),
    }
    command = [sys.executable, "-c", TRAIN]
    done = subprocess.run(
        command, cwd=tmp_path, env=os.environ | surroundings, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    with np.load(tmp_path / "two/state.npz") as two, np.load(tmp_path / "one/state.npz") as one:
        np.testing.assert_allclose(two["history"][:, :4], one["history"][:, :4], rtol=1e-4)
        for name in one.files:
            if name.startswith(("now", "best")):
                np.testing.assert_allclose(two[name], one[name], atol=1e-5, err_msg=name)
