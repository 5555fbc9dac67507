"""What training costs: ``python tests/benchmarks/training.py WHAT``, on a quiet machine.

``steps``: a step of ``paper`` by blocks, beside plain Keras layers, twice, so that the ratio of the
two shows what chance does; epochs beside Keras's ``fit``, and with 16-bit convolutions.
``processes``: two runs with a core each, beside one with both. ``pages``: runs as pages, beside
plain calls. ``precision``: does 16-bit arithmetic cost accuracy? Its runs lie in ``runs/precision``
and go on where they stopped. ``gpu``: epochs of ``paper`` on one, with KERAS_BACKEND=torch or jax.
Each writes the record in ``book/results`` that book/environment.ipynb names.
"""

import argparse
import os
import tempfile
from functools import partial
from pathlib import Path

import joblib
import keras
import numpy as np
import papermill
from joblib.externals.loky import get_reusable_executor
from keras import layers
from timing import turns

import prcnn
from prcnn import evaluation
from prcnn.spectrogram import IMAGES, PAPER
from prcnn.study import results

BATCH = 64
NETWORKS = {"paper": PAPER, "beyond": IMAGES}
PRECISIONS = ("float32", "mixed")
PAGE = Path(__file__).parents[2] / "book" / "train.ipynb"


def plain(blocks=5, gru=True):
    """The network as the authors' script writes it, or its first blocks, or its GRU."""
    inputs = keras.Input((640, 128))
    x = image = layers.Reshape((640, 128, 1))(inputs)
    pools = 3 * [(2, 2)] + 2 * [(4, 4)]
    for filters, pool in list(zip((16, 32, 64, 64, 64), pools, strict=True))[:blocks]:
        x = layers.MaxPooling2D(pool)(layers.Conv2D(filters, (3, 1), activation="relu")(x))
    features = []
    if blocks:
        features += [layers.Flatten()(x) if blocks == 5 else layers.GlobalAveragePooling2D()(x)]
    if gru:
        sequence = layers.Reshape((320, 128))(layers.MaxPooling2D((2, 1))(image))
        features += [layers.Bidirectional(layers.GRU(64))(sequence)]
    x = layers.Concatenate()(features) if len(features) > 1 else features[0]
    return keras.Model(inputs, layers.Dense(8, activation="softmax")(x))


def compiled(model):
    jit = keras.backend.backend() == "jax"  # as prcnn.training does
    model.compile(
        keras.optimizers.RMSprop(5e-4), "sparse_categorical_crossentropy", jit_compile=jit
    )
    return model


def run(network, precision, epochs):
    """Seconds of each epoch of a new run, but for the first, which compiles."""
    store = prcnn.extract(prcnn.load("synthetic"), NETWORKS[network], progress=False)
    model = prcnn.build(network, len(store.genres), input_shape=store.shape)
    with tempfile.TemporaryDirectory() as folder:
        kind = {"batch_size": BATCH, "precision": precision, "progress": False}
        trained = prcnn.train(model, store, epochs + 1, out=Path(folder, "run"), **kind)
    return trained.history["seconds"].to_numpy()[1:]


def steps(_):
    """Milliseconds a clip of steps, and seconds of epochs: 304 clips, and 64 to validate."""
    rng = np.random.default_rng(0)
    X = rng.normal(-9, 4, (BATCH, 640, 128)).astype("float32")
    y = rng.integers(0, 8, BATCH)
    networks = {"paper": prcnn.build("paper", 8, scale="none"), "gru": plain(0)}
    networks |= {"plain": plain(), "plain_again": plain()}
    networks |= {f"blocks_{n}": plain(n, gru=False) for n in range(1, 6)}
    taken = turns(
        {n: partial(compiled(model).train_on_batch, X, y) for n, model in networks.items()}
    )
    least = {name: 1000 * seconds.min() / BATCH for name, seconds in taken.items()}
    blocks = [0, *(least[f"blocks_{n}"] for n in range(1, 6))]
    stages = {f"block {n}": blocks[n] - blocks[n - 1] for n in range(1, 6)}

    store = prcnn.extract(prcnn.load("synthetic"), PAPER, progress=False)
    seconds = {(name, how): [] for name in NETWORKS for how in PRECISIONS} | {"fit": []}
    fit = partial(compiled(plain()).fit, *store.arrays("training"), BATCH, verbose=0)
    for _ in range(3):
        ways = {"": partial(fit, validation_data=store.arrays("validation"))}
        seconds["fit"] += list(turns(ways, rounds=4)[""])
        for name, how in (key for key in seconds if key != "fit"):
            seconds[name, how] += list(run(name, how, epochs=4))
    median = {key: np.median(epochs) for key, epochs in seconds.items()}
    epochs = {"fit": "fit", "prcnn": ("paper", "float32")}
    return "training_speed", {
        "backend": keras.backend.backend(),
        "batch_size": BATCH,
        "milliseconds_a_clip": {
            name: {"median": 1000 * np.median(s) / BATCH, "least": least[name]}
            for name, s in taken.items()
        },
        "stages": stages | {"GRU": least["gru"]},
        "times_as_fast_as_plain": {n: least["plain"] / least[n] for n in ("paper", "plain_again")},
        "sixteen_bits": {n: median[n, "float32"] / median[n, "mixed"] for n in NETWORKS},
        "seconds_an_epoch": {
            n: {"median": median[key], "all": seconds[key]} for n, key in epochs.items()
        },
        "epoch_times_as_fast_as_fit": median["fit"] / median["paper", "float32"],
    }


def at_once(work, cases, threads):
    """What ``work`` gives for each case, two at a time, in new processes of so many threads."""
    names = ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
    get_reusable_executor().shutdown()
    os.environ |= dict.fromkeys(names, str(threads))
    return joblib.Parallel(2)(joblib.delayed(work)(*case) for case in cases)


def processes(_, epochs=4, cores=2):
    """Steps a second of two runs with a core each, and of one with both; above 1 is for two."""
    for settings in NETWORKS.values():
        prcnn.extract(prcnn.load("synthetic"), settings)
    record = {}
    for case in ((name, how, epochs) for name in NETWORKS for how in PRECISIONS):
        rates = {2: [], 1: []}
        for n in 3 * [2, 1]:
            seconds = at_once(run, n * [case], cores // n)
            rates[n].append(sum(5 / np.median(each) for each in seconds))  # 304 clips: 5 steps
        record["{}, {}".format(*case)] = {
            "two processes": rates[2],
            "one process": rates[1],
            "ratio": np.median(np.divide(rates[2], rates[1])),
        }
    return "processes_speed", {"steps_a_second": record}


def page(network, seed):
    with tempfile.TemporaryDirectory() as folder:
        own = {"network": network, "seed": seed, "epochs": 1, "out": f"{folder}/run"}
        papermill.execute_notebook(PAGE, f"{folder}/page.ipynb", own, progress_bar=False)


def call(network, seed):
    store = prcnn.extract(prcnn.load("synthetic"), progress=False)
    model = prcnn.build(network, len(store.genres), seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        prcnn.train(model, store, 1, seed, f"{folder}/run", progress=False)
        prcnn.evaluate(model, store)


def pages(_):
    """Seconds of six runs of one epoch, two at a time: what a run costs besides its training."""
    cases = [(network, seed) for network in ("cnn5", "rnn") for seed in range(3)]
    ways = {way.__name__: partial(at_once, way, cases, 1) for way in (call, page)}
    seconds = {f"{name}s": taken.min() for name, taken in turns(ways, rounds=1).items()}
    fast = seconds["pages"] / seconds["calls"]
    return "sweep_speed", {"runs": len(cases), "wall_seconds": seconds, "times_as_fast": fast}


def precision(given):
    """Test accuracies of ``paper`` with and without 16 bits, and their difference over seeds."""
    store = prcnn.extract(prcnn.load(given.dataset, given.data_home))
    kind = {"epochs": given.epochs, "batch_size": given.batch_size}
    reports = {how: [] for how in PRECISIONS}
    for seed in range(given.seeds):
        for how, made in reports.items():
            model = prcnn.build("paper", len(store.genres), input_shape=store.shape, seed=seed)
            out = f"runs/precision/{given.dataset}-{how}-{seed}"
            trained = prcnn.train(model, store, seed=seed, precision=how, out=out, **kind)
            made.append(prcnn.evaluate(trained.model, store))
    compared = evaluation.compare_over_seeds(reports["mixed"], reports["float32"])
    said = {"dataset": given.dataset, "network": "paper", "settings": store.settings.name, **kind}
    said |= {how: [report.record() for report in made] for how, made in reports.items()}
    found = {name: getattr(compared, name) for name in ("difference", "low", "high", "p_value")}
    return f"precision_{given.dataset}", said | {"mixed_minus_float32": found}


def gpu(given):
    """Seconds of epochs on the synthetic training clips; the claims scale them to FMA-small."""
    seconds = run("paper", "float32", given.epochs)
    return f"gpu_{keras.backend.backend()}", {
        "device": results.provenance()["machine"]["accelerator"],
        "clips": 304,
        "epochs": given.epochs,
        "paper_seconds": seconds.sum(),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["steps", "processes", "pages", "precision", "gpu"])
    parser.add_argument("dataset", nargs="?", default="synthetic", help="for precision")
    parser.add_argument("--data-home")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    name, record = globals()[given.what](given)
    print(record)
    print(results.write(name, record))
