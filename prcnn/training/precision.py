"""Convolutions in 16-bit arithmetic while training, where the machine is faster with it.

Weights, optimizer, loss, GRU and softmax stay in 32 bits, and so does everything outside a step of
training: validation, saved networks and evaluation do not know of it. A processor with bfloat16
units takes about half the time for a convolution, and more for a GRU.
"""

import contextlib
import hashlib
import json
import random
import time
from functools import partial

import keras
import numpy as np

from prcnn.atomic import write_whole
from prcnn.datasets import cache_folder
from prcnn.provenance import provenance
from prcnn.training.run_folder import network_config, structure

STEPS = 20  # an epoch; shorter ones are not worth the seconds of measuring
ROUNDS = 3  # of steps that are timed
GAIN = 1.1  # below this, 32 bits it is

_SIXTEEN = keras.DTypePolicy("mixed_bfloat16")
_FOLLOWS = (  # what 16 bits go through when they come from a convolution
    *(getattr(keras.layers, f"{kind}Pooling{n}D") for kind in ("Max", "Average") for n in (1, 2)),
    keras.layers.BatchNormalization,
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.Add,
    keras.layers.Dropout,
)


def convolutional_part(model):
    """The convolutions, and the layers that pass on only what comes from them: a list of layers.

    A linear ``Activation`` ends the part, which is what it is in a network for.
    """
    part = {}
    for layer in model.layers:  # parents come first
        parents = [
            tensor._keras_history.operation
            for node in layer._inbound_nodes[:1]
            for tensor in node.input_tensors
        ]
        follows = isinstance(layer, _FOLLOWS) and all(id(parent) in part for parent in parents)
        if getattr(layer, "activation", None) is keras.activations.linear and not isinstance(
            layer, keras.layers.Conv1D | keras.layers.Conv2D
        ):
            follows = False
        if follows or isinstance(layer, keras.layers.Conv1D | keras.layers.Conv2D):
            part[id(layer)] = layer
    return list(part.values())


@contextlib.contextmanager
def arithmetic(precision, model):
    """While it is entered, ``"mixed"`` computes the convolutional part in bfloat16.

    What Keras compiled before keeps its arithmetic; what it compiles now keeps this one.
    """
    layers = convolutional_part(model) if precision == "mixed" else []
    before = [layer.dtype_policy for layer in layers]
    pairs = list(_cut_before_pooling(layers))
    try:
        for layer in layers:
            layer.dtype_policy = _SIXTEEN
        for convolution, pool in pairs:
            convolution.activation = keras.activations.linear
            pool.call = partial(_pool_and_cut, pool)
        yield
    finally:
        for layer, policy in zip(layers, before, strict=True):
            layer.dtype_policy = policy
        for convolution, pool in pairs:
            convolution.activation = keras.activations.relu
            del pool.call


def _cut_before_pooling(layers):
    """Convolutions with a ReLU that only a max-pooling reads, each with that pooling.

    The largest value cut at zero is the largest of the values cut at zero, so either order gives
    the same numbers and gradients; but in 16 bits a ReLU's gradient is slow, and after the
    pooling there is a quarter of it.
    """
    for layer in layers:
        readers = [node.operation for node in layer._outbound_nodes]
        pools = len(readers) == 1 and isinstance(readers[0], keras.layers.MaxPooling2D)
        if pools and getattr(layer, "activation", None) is keras.activations.relu:
            if isinstance(layer, keras.layers.Conv2D):
                yield layer, readers[0]


def _pool_and_cut(pool, x):
    return keras.ops.relu(type(pool).call(pool, x))


def choose(precision, model, compiled, X, y, steps):
    """``"float32"`` or ``"mixed"``: as asked for, or for ``"auto"`` what is faster here.

    Measured once for every machine, version, network and batch (``X``, ``y``), with a copy of
    ``model`` that ``compiled`` makes ready for training, and remembered in ``precision.json`` in
    :func:`prcnn.datasets.cache_folder`. Only TensorFlow gains on a CPU: JAX and torch are slower in 16 bits
    there, and are not asked. ``steps`` are an epoch's: a rule that counted all epochs would let a
    run of 12 epochs go on to 50 otherwise than 50 begin.
    """
    if precision != "auto":
        return precision
    if keras.backend.backend() != "tensorflow" or steps < STEPS or not convolutional_part(model):
        return "float32"
    file, key = cache_folder() / "precision.json", _key(model, X)
    if key not in _remembered(file):
        taken = measure(model, compiled, X, y)
        faster = "mixed" if taken["float32"] > GAIN * taken["mixed"] else "float32"
        found = {"precision": faster, "network": model.name, "batch": X.shape}
        found["seconds_a_step"] = taken
        text = json.dumps(_remembered(file) | {key: found}, indent=1) + "\n"
        with contextlib.suppress(OSError):  # a folder that cannot be written costs a measurement
            write_whole(file, lambda path: path.write_text(text))
        return found["precision"]
    return _remembered(file)[key]["precision"]


def measure(model, compiled, X, y):
    """Seconds of the fastest of a few steps, by precision, on copies that take turns."""
    state = random.getstate()  # Keras draws the copies' seeds from it
    learners = {name: compiled(keras.models.clone_model(model)) for name in ("float32", "mixed")}
    random.setstate(state)
    taken = {name: [] for name in learners}
    for _ in range(ROUNDS + 1):
        for name, learner in learners.items():
            began = time.perf_counter()
            with arithmetic(name, learner):
                learner.train_on_batch(X, y)
            taken[name].append(time.perf_counter() - began)
    return {name: float(np.min(times[1:])) for name, times in taken.items()}  # the first compiles


def _key(model, X):
    here = provenance()
    versions = [here["packages"].get(name) for name in ("keras", "tensorflow")]
    said = [here["machine"], keras.backend.backend(), versions, X.shape]
    return hashlib.sha256(
        json.dumps([*said, structure(network_config(model))]).encode()
    ).hexdigest()[:16]


def _remembered(file):
    try:
        known = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
