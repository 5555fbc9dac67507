"""TensorFlow, JAX and torch give the same probabilities for the same weights.

Keras takes its backend when it is imported, so each other backend runs in a process of its own.
It loads files saved here: a saved network works in another process, too.
"""

import importlib.util
import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from prcnn import models

PREDICT = """
import sys, keras, numpy as np
from prcnn import models
X, folder, out = np.load(sys.argv[1]), sys.argv[2], sys.argv[3]
found = {"backend": np.array(keras.backend.backend())}
for name in models.names():
    model = keras.models.load_model(f"{folder}/{name}.keras")
    found[name] = model.predict_on_batch(X)
np.savez(out, **found)
"""
SHAPE = (64, 64)
# JAX would spend minutes on making twenty networks fast.
QUICK = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
HERE = keras.backend.backend()
OTHERS = [backend for backend in ("tensorflow", "jax", "torch") if backend != HERE]


@pytest.fixture(scope="module")
def probabilities(tmp_path_factory):
    """Backend → network → probabilities, for this backend and the others installed."""
    folder, here = tmp_path_factory.mktemp("networks"), {}
    rng = np.random.default_rng(0)
    X = rng.normal(-9, 5, (2, *SHAPE)).astype("float32")
    np.save(folder / "X.npy", X)
    for name in models.names():
        model = models.build(name, input_shape=SHAPE)
        # weights as after training: no bias is zero, no gates alike
        model.set_weights([w + rng.normal(0, 0.05, w.shape) for w in model.get_weights()])
        for layer in model.layers:
            if layer.name.startswith(("scale", "norm_", "balance")):  # a variance is positive
                layer.set_weights([np.abs(w) + 0.1 for w in layer.get_weights()])
        model.save(folder / f"{name}.keras")
        here[name] = model.predict_on_batch(X)
    running = {
        backend: subprocess.Popen(
            [sys.executable, "-c", PREDICT, folder / "X.npy", folder, folder / f"{backend}.npz"],
            env=os.environ | {"KERAS_BACKEND": backend, "XLA_FLAGS": QUICK},
            stderr=subprocess.PIPE,
            text=True,
        )
        for backend in OTHERS
        if importlib.util.find_spec(backend)
    }
    for process in running.values():
        _, said = process.communicate(timeout=500)
        assert process.returncode == 0, said[-3000:]
    return {HERE: here} | {backend: np.load(folder / f"{backend}.npz") for backend in running}


@pytest.mark.parametrize("backend", OTHERS)
def test_same_probabilities(backend, probabilities):
    if backend not in probabilities:
        pytest.skip(f"{backend} is not installed")
    assert probabilities[backend]["backend"] == backend
    for name in models.names():
        here, there = probabilities[HERE][name], probabilities[backend][name]
        np.testing.assert_allclose(there, here, rtol=0, atol=1e-5, err_msg=name)
        assert np.ptp(here, axis=1).max() > 0.02  # not merely two flat softmaxes
