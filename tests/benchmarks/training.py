"""How fast ``paper`` trains on this machine, beside the same network from Keras's plain layers.

``python tests/benchmarks/training.py`` (needs the cores for itself, about two minutes) writes
``book/results/training_speed.json``: milliseconds a clip for a step of training (batch 64) with
the networks taking turns, the cost of every stage, and the differences in outputs and gradients.
Only ratios within one run are claims: milliseconds belong to the machine. The plain network is
built twice, so that the ratio of the two shows how much a ratio may be off by chance.
"""

import time

import keras
import numpy as np
from keras import layers

from prcnn import models, results

BATCH = 64
FILTERS = (16, 32, 64, 64, 64)
POOLS = ((2, 2), (2, 2), (2, 2), (4, 4), (4, 4))
ROUNDS = 5


def plain(blocks=5, relu_first=True, gru=True):
    """The network as the authors' script writes it, or the first ``blocks`` of its CNN."""
    inputs = keras.Input((640, 128))
    x = start = layers.Reshape((640, 128, 1))(inputs)
    for filters, pool in zip(FILTERS[:blocks], POOLS, strict=False):
        x = layers.Conv2D(filters, (3, 1), activation="relu" if relu_first else None)(x)
        x = layers.MaxPooling2D(pool)(x)
        if not relu_first:
            x = layers.ReLU()(x)
    features = []
    if blocks:
        features += [layers.Flatten()(x) if blocks == 5 else layers.GlobalAveragePooling2D()(x)]
    if gru:
        steps = layers.Reshape((320, 128))(layers.MaxPooling2D((2, 1))(start))
        features += [layers.Bidirectional(layers.GRU(64))(steps)]
    x = layers.Concatenate()(features) if len(features) > 1 else features[0]
    return keras.Model(inputs, layers.Dense(8, activation="softmax")(x))


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


def milliseconds(networks, X, y):
    """Median and least milliseconds a clip of every network's step, the networks taking turns."""
    for network in networks.values():
        compiled(network)
        network.train_on_batch(X, y)  # traces, compiles and allocates
    taken = {name: [] for name in networks}
    for _ in range(ROUNDS):
        for name, network in networks.items():
            began = time.perf_counter()
            network.train_on_batch(X, y)
            taken[name].append((time.perf_counter() - began) * 1e3 / len(X))
    return {n: {"median": float(np.median(t)), "least": min(t)} for n, t in taken.items()}


def main():
    rng = np.random.default_rng(0)
    X = rng.normal(-9, 4, (BATCH, 640, 128)).astype("float32")
    y = rng.integers(0, 8, BATCH)
    paper, keras_own = models.build("paper"), plain()
    same = agreement(paper, keras_own, X, y)
    networks = {"paper": paper, "plain": keras_own, "plain_again": plain(), "gru": plain(0)}
    networks |= {f"blocks_{n}": plain(n, gru=False) for n in range(1, 6)}
    networks |= {"cnn_relu_after_pool": plain(relu_first=False, gru=False)}
    taken = milliseconds(networks, X, y)
    least = {name: values["least"] for name, values in taken.items()}
    blocks = [least[f"blocks_{n}"] for n in range(1, 6)]
    record = {
        "backend": keras.backend.backend(),
        "batch_size": BATCH,
        "milliseconds_a_clip": taken,
        "paper_times_as_fast_as_plain": least["plain"] / least["paper"],
        "plain_times_as_fast_as_itself": least["plain"] / least["plain_again"],
        "stages": {
            **{f"block {n + 1}": b - a for n, (a, b) in enumerate(zip([0, *blocks], blocks))},  # noqa: B905
            "gru": least["gru"],
        },
        "cnn_times_as_fast_with_relu_after_pool": least["blocks_5"] / least["cnn_relu_after_pool"],
        "largest_difference": same,
    }
    path = results.write("training_speed", record)
    for name, values in taken.items():
        print(f"{name:20} {values['median']:7.2f} ms a clip (least {values['least']:.2f})")
    print(
        f"paper is {record['paper_times_as_fast_as_plain']:.2f} times as fast as plain, plain "
        f"{record['plain_times_as_fast_as_itself']:.2f} times as fast as itself. {path}"
    )


if __name__ == "__main__":
    main()
