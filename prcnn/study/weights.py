"""What the authors' published weights say, measured: the numbers behind two chapters.

Their weights and FMA's clips may not be part of this project. So what they give is measured where
they are at hand, kept in ``book/results/reproduction.json``, and drawn from there elsewhere.
"""

from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from prcnn import datasets, models
from prcnn.datasets.fma import GENRES, clip_path
from prcnn.models.branches import old_hard_sigmoid
from prcnn.spectrogram import AUTHORS, PAPER, log_mel

#: What a GRU's gates can be: today's, Keras 2's default, and what Keras 3 calls by that name.
GATES = {
    "sigmoid": keras.activations.sigmoid,
    "old_hard_sigmoid": old_hard_sigmoid,
    "hard_sigmoid": keras.activations.hard_sigmoid,
}
#: The weights behind published scores; these are measured with every gate.
PUBLISHED = ("dwivedi", "figure2", "figure3")
#: From the authors' front end to the paper's, one step at a time and all together.
FRONT_ENDS = {
    "authors": AUTHORS,
    "loudest of the 640 frames is 0": replace(AUTHORS, name="frames", reference="frames"),
    "hop 512": replace(AUTHORS, name="hop512", hop_length=512),
    "decibels": replace(AUTHORS, name="decibels", unit="decibel"),
    "paper": PAPER,
}
#: Five clips of FMA-small: number → genre and official split.
CLIPS = {
    2: ("Hip-Hop", "training"),
    5: ("Hip-Hop", "training"),
    676: ("Hip-Hop", "training"),
    459: ("Rock", "validation"),
    182: ("Rock", "test"),
}


def wave():
    """A made-up spectrogram with a closed form, in the authors' units: float32 (640, 128)."""
    t, f = np.arange(640)[:, None], np.arange(128)
    return np.float32(-9.21 + 9.21 * np.sin(0.037 * t) * np.cos(0.11 * f))


def set_gate(model, gate):
    """Give a network's GRUs another of the :data:`GATES` and the same weights; return it."""
    for layer in model.layers:
        if isinstance(layer, keras.layers.Bidirectional):
            for gru in (layer.forward_layer, layer.backward_layer):
                gru.cell.recurrent_activation = GATES[gate]
    model.predict_function = None  # compiled with the old gate
    return model


def own_gate(name):
    """The gate with which the weights ``name`` were trained. Chapter: book/reproduction.ipynb"""
    return models.NETWORKS[models.CHECKPOINTS[name].network].options["recurrent_activation"]


def without_cnn(model, X):
    """Probabilities (n, genres) of ``X`` as they are, and with all convolutions set to zero.

    ``model`` has its weights back afterwards.

    Chapter: book/attention.ipynb
    """
    whole, kept = model.predict(X, verbose=0), model.get_weights()
    for layer in convolutions(model):
        layer.set_weights([np.zeros_like(w) for w in layer.get_weights()])
    silenced = model.predict(X, verbose=0)
    model.set_weights(kept)
    return whole, silenced


def convolutions(model):
    """The layers ``conv_1``, ``conv_2``, … of a network. Chapter: book/attention.ipynb"""
    return [layer for layer in model.layers if layer.name.startswith("conv_")]


def convolution_statistics(path):
    """Did training ever touch the convolutions of a Keras 2 weight file?

    Returns
    -------
    pandas.DataFrame
        Index ``layer``; columns ``limit`` (Glorot's initialisation is uniform within it),
        ``largest`` and ``std`` of the kernel, ``bias`` (largest; initialised as 0), and
        ``accumulator``: RMSprop's largest running mean of squared gradients, missing where the
        file has none.
    """
    accumulators, rows = models.read_accumulators(path), {}
    for layer, arrays in models.read_weights(path).items():
        if layer.startswith("conv_"):
            kernel, bias = arrays
            fans = np.prod(kernel.shape[:2]) * (kernel.shape[2] + kernel.shape[3])
            running = accumulators.get(f"{layer}/kernel")
            rows[layer] = {
                "limit": float(np.sqrt(6 / fans)),
                "largest": float(np.abs(kernel).max()),
                "std": float(kernel.std()),
                "bias": float(np.abs(bias).max()),
                "accumulator": None if running is None else float(running.max()),
            }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("layer")


def measure(checkpoints, data_home=None):
    """Everything the chapters say of the published weights, from the folder of their six files.

    Of the :data:`CLIPS`, those in ``<data_home>/fma_small`` are heard.

    Returns
    -------
    dict
        ``parameters`` (checkpoint → count in its file), ``convolutions`` (checkpoint → layer →
        statistics), ``without_cnn`` (checkpoint → largest change of a probability when the
        convolutions are zero) and ``probabilities``: rows of checkpoint, input ("wave" or a
        clip's number), front_end, gate, and eight probabilities. Clips, other gates and other
        front ends for the weights in :data:`PUBLISHED` alone. JSON values throughout.

    Chapter: book/reproduction.ipynb
    """
    folder = Path(checkpoints).expanduser()
    inputs = {("wave", None): wave()} | _spectrograms(datasets.cache_folder(data_home))
    X = np.stack(list(inputs.values()))
    record = {"parameters": {}, "convolutions": {}, "without_cnn": {}, "probabilities": []}
    for name, checkpoint in models.CHECKPOINTS.items():
        path = folder / Path(checkpoint.file).name
        model = models.load_checkpoint(name, path)
        arrays = [array for layer in models.read_weights(path).values() for array in layer]
        record["parameters"][name] = sum(array.size for array in arrays)
        statistics = convolution_statistics(path)
        record["convolutions"][name] = statistics.to_dict("index")
        whole, silenced = without_cnn(model, X)
        record["without_cnn"][name] = float(np.abs(whole - silenced).max())
        for gate in GATES if name in PUBLISHED else [own_gate(name)]:
            same = gate == own_gate(name)
            p = whole if same else set_gate(model, gate).predict(X, verbose=0)
            for (clip, front_end), row in zip(inputs, p, strict=True):
                if clip != "wave" and not (name in PUBLISHED and (same or front_end == "authors")):
                    continue  # one change at a time: another gate, or another front end
                record["probabilities"].append(
                    {
                        "checkpoint": name,
                        "input": clip,
                        "front_end": front_end,
                        "gate": gate,
                        "probabilities": [round(float(x), 7) for x in row],
                    }
                )
    return record


def _spectrograms(home):
    """(clip, front end) → spectrogram, of those of :data:`CLIPS` that lie in ``home``."""
    files = {clip: clip_path(home / "fma_small", clip) for clip in CLIPS}
    return {
        (clip, name): log_mel(file, settings)
        for clip, file in files.items()
        if file.exists()
        for name, settings in FRONT_ENDS.items()
    }


def measure_gates(checkpoints, X, true=None):
    """How often another gate changes what the published weights say, over many clips.

    ``X`` (n, 640, 128) is made with ``AUTHORS``, ``true`` (n,) holds places in FMA's ``GENRES``.

    Returns
    -------
    dict
        checkpoint → gate → ``changed`` (clips whose genre is another than with the gate it was
        trained with), ``n``, and, where ``true`` is given, ``correct``.

    Chapter: book/reproduction.ipynb
    """
    found = {}
    for name in PUBLISHED:
        predicted = {}
        for gate in GATES:
            model = set_gate(models.load_checkpoint(name, checkpoints), gate)
            predicted[gate] = model.predict(X, verbose=0).argmax(axis=1)
        found[name] = {
            gate: {"changed": int((labels != predicted[own_gate(name)]).sum()), "n": len(X)}
            | ({} if true is None else {"correct": int((labels == true).sum())})
            for gate, labels in predicted.items()
        }
    return found


def table(record):
    """The rows of ``record["probabilities"]`` as a DataFrame, one column a genre."""
    rows = pd.DataFrame(record["probabilities"])
    p = pd.DataFrame(rows.pop("probabilities").tolist(), columns=GENRES)
    return pd.concat([rows, p], axis=1)
