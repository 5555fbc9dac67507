"""How fast ``paper`` trains on this machine, beside the same network from Keras's plain layers.

``python tests/benchmarks/training.py`` (needs the cores for itself, about five minutes) writes
``book/results/training_speed.json``: milliseconds a clip for a step of training (batch 64) with
the networks taking turns, the cost of every stage, what other ways to compute a stage bring, what
16-bit convolutions bring ``paper`` and ``beyond``, and what reading and altering clips costs.
Only ratios within one run are claims: milliseconds belong to the machine. The plain network is
built twice, so that the ratio of the two shows how much a ratio may be off by chance.
"""

import time

import keras
import numpy as np
from keras import layers, ops

from prcnn import models
from prcnn.study import results
from prcnn.training import BEYOND, fit
from prcnn.training.batches import Batches
from prcnn.training.precision import arithmetic

BATCH = 64
FILTERS = (16, 32, 64, 64, 64)
POOLS = ((2, 2), (2, 2), (2, 2), (4, 4), (4, 4))
ROUNDS = 5  # of steps
EPOCHS = 15


def plain(
    blocks=5,
    gru=True,
    relu_first=True,
    conv=layers.Conv2D,
    pool=layers.MaxPooling2D,
    both=layers.Bidirectional,
):
    """The network as the authors' script writes it, or parts of it, or with other layers."""
    inputs = keras.Input((640, 128))
    x = start = layers.Reshape((640, 128, 1))(inputs)
    for filters, size in zip(FILTERS[:blocks], POOLS, strict=False):
        x = conv(filters, (3, 1), activation="relu" if relu_first else None)(x)
        x = pool(size)(x)
        if not relu_first:
            x = layers.ReLU()(x)
    features = []
    if blocks:
        features += [layers.Flatten()(x) if blocks == 5 else layers.GlobalAveragePooling2D()(x)]
    if gru:
        steps = layers.Reshape((320, 128))(layers.MaxPooling2D((2, 1))(start))
        features += [both(layers.GRU(64))(steps)]
    x = layers.Concatenate()(features) if len(features) > 1 else features[0]
    return keras.Model(inputs, layers.Dense(8, activation="softmax")(x))


class ReducedPool(layers.MaxPooling2D):
    """Max-pooling as a reduction over two axes more."""

    def call(self, x):
        (a, b), (_, t, f, channels) = self.pool_size, x.shape
        x = x[:, : t // a * a, : f // b * b]
        return ops.max(ops.reshape(x, (-1, t // a, a, f // b, b, channels)), axis=(2, 4))


class SlicedPool(layers.MaxPooling2D):
    """Max-pooling as the maximum of strided slices, along time and then along mel."""

    def call(self, x):
        for axis, size in enumerate(self.pool_size):
            n = x.shape[1 + axis] // size * size
            cuts = [x[:, i:n:size] if axis == 0 else x[:, :, i:n:size] for i in range(size)]
            x = cuts[0]
            for cut in cuts[1:]:
                x = ops.maximum(x, cut)
        return x


class ProductConv(layers.Conv2D):
    """A (3, 1) convolution as one matrix product over the input beside itself, shifted twice."""

    def call(self, x):
        n = x.shape[1] - 2
        x = ops.concatenate([x[:, i : i + n] for i in range(3)], axis=-1)
        kernel = ops.reshape(self.kernel, (-1, self.filters))
        return self.activation(ops.matmul(x, kernel) + self.bias)


class OneLoop(layers.Bidirectional):
    """Both directions of a GRU in one loop over time, their input products made beforehand."""

    def call(self, sequences, initial_state=None, mask=None, training=None):
        cells = self.forward_layer.cell, self.backward_layer.cell
        units, (_, steps, bands) = cells[0].units, sequences.shape
        kernel = ops.stack([cell.kernel + 0 for cell in cells])
        recurrent = ops.stack([cell.recurrent_kernel + 0 for cell in cells])
        bias = ops.stack([cell.bias + 0 for cell in cells])
        x = ops.reshape(ops.stack([sequences, ops.flip(sequences, 1)]), (2, -1, bands))
        x = ops.reshape(ops.matmul(x, kernel) + bias[:, :1], (2, -1, steps, 3 * units))

        def step(h, x):
            y = ops.matmul(h, recurrent) + bias[:, 1:]
            gates = ops.sigmoid(x[..., : 2 * units] + y[..., : 2 * units])
            new = ops.tanh(x[..., 2 * units :] + gates[..., units:] * y[..., 2 * units :])
            return new + gates[..., :units] * (h - new), None

        start = ops.zeros((2, ops.shape(sequences)[0], units))
        last, _ = ops.scan(step, start, ops.transpose(x, (2, 0, 1, 3)))
        return ops.concatenate([last[0], last[1]], axis=-1)


#: Other ways to compute the same network: name → what replaces the plain layer.
OTHER_WAYS = {
    "ReLU after the pool": {"relu_first": False},
    "pool: reduction over two axes": {"pool": ReducedPool},
    "pool: maximum of slices": {"pool": SlicedPool},
    "convolution: matrix product": {"conv": ProductConv},
    "GRU: both directions in one loop": {"both": OneLoop},
}


def compiled(model, optimizer=None):
    jit = keras.backend.backend() == "jax"  # as prcnn.training does
    optimizer = optimizer or keras.optimizers.RMSprop(5e-4)
    model.compile(optimizer, "sparse_categorical_crossentropy", jit_compile=jit)
    return model


def agreement(first, second, X, y):
    """Largest differences in outputs, and in gradients relative to the largest gradient."""
    second.set_weights(first.get_weights())
    outputs = np.abs(first.predict(X, verbose=0) - second.predict(X, verbose=0)).max()
    gradients = []
    for model in (first, second):
        weights = model.get_weights()
        compiled(model, keras.optimizers.SGD(1.0)).train_on_batch(X, y)  # a step is the gradient
        gradients.append([a - b for a, b in zip(weights, model.get_weights(), strict=True)])
        model.set_weights(weights)
    largest = max(np.abs(g).max() for g in gradients[0])
    off = max(np.abs(a - b).max() for a, b in zip(*gradients, strict=True))
    return {"outputs": float(outputs), "gradients": float(off / largest)}


def milliseconds(networks, X, y, sixteen=()):
    """Median and least milliseconds a clip of every network's step, the networks taking turns.

    Those named in ``sixteen`` with 16-bit convolutions.
    """
    taken = {name: [] for name in networks}
    for network in networks.values():
        compiled(network)
    for turn in range(ROUNDS + 1):
        for name, network in networks.items():
            with arithmetic("mixed" if name in sixteen else "float32", network):
                began = time.perf_counter()
                network.train_on_batch(X, y)
            if turn:  # the first traces, compiles and allocates
                taken[name].append((time.perf_counter() - began) * 1e3 / len(X))
    return {n: {"median": float(np.median(t)), "least": min(t)} for n, t in taken.items()}


def seconds_an_epoch(networks):
    """Median seconds of an epoch of training and validation: ``fit``, and prcnn's way.

    On 304 and 64 clips, the synthetic set's splits, in batches of 64, as the training page does it.
    """
    rng = np.random.default_rng(1)
    X = rng.normal(-9, 4, (304 + 64, 640, 128)).astype("float32")
    y = rng.integers(0, 8, len(X))
    parts = {"training": slice(0, 304), "validation": slice(304, None)}

    def batches(split):
        Xs, ys = X[parts[split]], y[parts[split]]
        return [(Xs[i : i + BATCH], ys[i : i + BATCH]) for i in range(0, len(Xs), BATCH)]

    def keras_fit(network):
        validation = X[parts["validation"]], y[parts["validation"]]
        network.fit(X[:304], y[:304], BATCH, validation_data=validation, verbose=0)

    def prcnn(network):
        for step, split in (
            (network.train_on_batch, "training"),
            (network.test_on_batch, "validation"),
        ):
            fit._pass(lambda i, X, y, step=step: step(X, y, return_dict=True), batches(split))

    ways = {"fit": (keras_fit, networks["plain"]), "prcnn": (prcnn, networks["paper"])}
    taken = {name: [] for name in ways}
    for turn in range(EPOCHS + 1):  # the first traces and compiles
        for name, (way, network) in ways.items():
            began = time.perf_counter()
            way(network)
            if turn:
                taken[name].append(time.perf_counter() - began)
    return {name: {"median": float(np.median(t)), "all": t} for name, t in taken.items()}


class Memory:
    """As much of a store as batches ask for, without a disk."""

    genres = tuple("abcdefgh")

    def __init__(self, n, shape):
        rng = np.random.default_rng(2)
        self.X = rng.uniform(-80, 0, (n, *shape)).astype("float32")

    def indices(self, split):
        return np.arange(len(self.X))

    def read(self, places):
        return self.X[places]

    def labels(self, places):
        return places % len(self.genres)


def beyond():
    """``beyond`` in 16 bits beside itself in 32, and an epoch beside one on a batch made before."""
    store = Memory(10 * BATCH, (128, 128))
    X, y = store.read(np.arange(BATCH)), store.labels(np.arange(BATCH))
    networks = {name: models.build("beyond", input_shape=(128, 128)) for name in ("32", "16")}
    taken = milliseconds(networks, X, y, sixteen=("16",))
    settings = {"seed": 0, "batch_size": BATCH, "label_smoothing": 0.0}
    settings["augment"] = vars(BEYOND.augment) | {"mixup": 0.0}  # rows of labels are free
    network, epochs = networks["16"], {"made before": [], "read and altered": []}
    made = [(X, y)] * 10
    for turn in range(ROUNDS):
        altered = Batches(store, "training", settings, turn + 1)
        for name, batches in (("made before", made), ("read and altered", altered)):
            with arithmetic("mixed", network):
                began = time.perf_counter()
                fit._pass(lambda i, X, y: network.train_on_batch(X, y, return_dict=True), batches)
            epochs[name].append(time.perf_counter() - began)
    began = time.perf_counter()
    for i in range(10):
        Batches(store, "training", settings, 1)[i]
    least = {name: min(times) for name, times in epochs.items()}
    return {
        "milliseconds_a_clip": taken,
        "times_as_fast": taken["32"]["least"] / taken["16"]["least"],
        "seconds_of_ten_steps": least,
        "seconds_to_make_ten_batches": time.perf_counter() - began,
        "share_of_preparation": least["read and altered"] / least["made before"] - 1,
    }


def main():
    rng = np.random.default_rng(0)
    X = rng.normal(-9, 4, (BATCH, 640, 128)).astype("float32")
    y = rng.integers(0, 8, BATCH)
    others = {name: plain(**way) for name, way in OTHER_WAYS.items()}
    paper = models.build("paper", scale="none")
    networks = {"paper": paper, "plain": plain(), "plain_again": plain()}
    same = {
        name: agreement(networks["plain"], network, X[:16], y[:16])
        for name, network in ({"paper": networks["paper"]} | others).items()
    }
    networks |= others | {"gru": plain(0)}
    networks |= {f"blocks_{n}": plain(n, gru=False) for n in range(1, 6)}
    networks["sixteen"] = models.build("paper")
    taken = milliseconds(networks, X, y, sixteen=("sixteen",))
    epoch = seconds_an_epoch({name: compiled(networks[name]) for name in ("plain", "paper")})
    least = {name: values["least"] for name, values in taken.items()}
    blocks = [0, *(least[f"blocks_{n}"] for n in range(1, 6))]
    record = {
        "backend": keras.backend.backend(),
        "batch_size": BATCH,
        "milliseconds_a_clip": taken,
        "stages": {f"block {n}": blocks[n] - blocks[n - 1] for n in range(1, 6)}
        | {"GRU": least["gru"]},
        "times_as_fast_as_plain": {
            name: least["plain"] / least[name] for name in ("paper", "plain_again", *others)
        },
        "largest_difference_from_plain": same,
        "sixteen_bits": {"paper": least["plain"] / least["sixteen"]},
        "beyond": beyond(),
        "seconds_an_epoch": epoch,
        "epoch_times_as_fast_as_fit": epoch["fit"]["median"] / epoch["prcnn"]["median"],
    }
    record["sixteen_bits"]["beyond"] = record["beyond"]["times_as_fast"]
    path = results.write("training_speed", record)
    for name, values in taken.items():
        print(f"{name:34} {values['median']:7.2f} ms a clip (least {values['least']:.2f})")
    for name, ratio in record["times_as_fast_as_plain"].items():
        print(f"{name:34} {ratio:.2f} times as fast as plain {same.get(name, '')}")
    print(f"with 16-bit convolutions, times as fast: {record['sixteen_bits']}")
    print(f"beyond: {record['beyond']}")
    print(f"an epoch is {record['epoch_times_as_fast_as_fit']:.2f} times as fast as fit's: {epoch}")
    print(path)


if __name__ == "__main__":
    main()
