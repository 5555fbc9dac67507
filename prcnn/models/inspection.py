"""Look into a network: its layers, what each sees of the spectrogram, what it puts out."""

import math

import keras
import numpy as np
import pandas as pd


def layer_summary(model):
    """An architecture line by line, as the paper's Figure 4 prints it: a DataFrame.

    Index ``layer``; columns ``type``, ``output`` (shape without the batch), ``parameters`` (those
    that training changes) and ``reads`` (names of the layers before it).

    Chapter: book/cnn.ipynb
    """
    rows = {}
    for layer in model.layers:
        tensors = layer._inbound_nodes[0].input_tensors
        rows[layer.name] = {
            "type": type(layer).__name__,
            "output": tuple(layer.output.shape[1:]),
            "parameters": trainable_parameters(layer),
            "reads": ", ".join(tensor._keras_history.operation.name for tensor in tensors),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("layer")


def trainable_parameters(model):
    """How many numbers of a model or layer training changes: the count that papers print.

    Without the means and variances of normalisations, which ``model.count_params()`` includes.

    Chapter: book/cnn.ipynb
    """
    return sum(math.prod(weight.shape) for weight in model.trainable_weights)


def receptive_field(model):
    """How much of the spectrogram one value of each CNN layer sees: a DataFrame of int.

    Index ``layer``: ``conv_1``, ``pool_1``, …, or ValueError if there are none; columns ``frames``
    and ``bands`` (seen by one value), ``frame_step`` and ``band_step`` (from that to the next's).

    Chapter: book/cnn.ipynb
    """
    rows = []
    field, step = [1, 1], [1, 1]
    for layer in model.layers:
        if layer.name.startswith("conv_") and isinstance(layer, keras.layers.Conv2D):
            size, stride = layer.kernel_size, layer.strides
        elif layer.name.startswith("pool_") and len(layer.pool_size) == 2:
            size = stride = layer.pool_size
        else:
            continue
        field = [f + (k - 1) * s for f, k, s in zip(field, size, step, strict=True)]
        step = [s * t for s, t in zip(step, stride, strict=True)]
        rows.append((layer.name, *field, *step))
    if not rows:
        raise ValueError(f"Model {model.name!r} has no layers conv_1, pool_1, … to follow.")
    columns = ["layer", "frames", "bands", "frame_step", "band_step"]
    return pd.DataFrame(rows, columns=columns).set_index("layer")


def outputs(model, X, layer):
    """What a layer puts out for spectrograms ``X`` (n, 640, 128): an array (n, …).

    ``layer`` is a name, see :func:`layer_summary`; a ValueError about another lists them.

    Chapter: book/cnn.ipynb
    """
    part = keras.Model(model.input, model.get_layer(layer).output)
    # Not by predict, which would trace and compile the part again at every call.
    batches = [X[i : i + 32] for i in range(0, len(X), 32)]
    return np.concatenate(
        [keras.ops.convert_to_numpy(part(batch, training=False)) for batch in batches]
    )


def state_influence(model, X, window=32):
    """How far each part of a clip reaches into the GRU's last states: a DataFrame.

    Part by part, ``window`` frames of every clip of ``X`` (n, frames, bands) are replaced by those
    of the clip before it. Index ``frame`` (first of the part; a rest at the end is left out);
    columns ``forward`` and, of a bidirectional GRU, ``backward``: Euclidean length of the change of
    each direction's state, mean over clips. ValueError for fewer than two clips, no such window, or
    no GRU that hands its last state on.

    Chapter: book/rnn.ipynb
    """
    if len(X) < 2:
        raise ValueError(f"X holds {len(X)} clips; at least two are needed to swap parts.")
    if not 1 <= window <= X.shape[1]:
        raise ValueError(f"window={window} frames: clips have {X.shape[1]}, give 1 to so many.")
    grus = [layer for layer in model.layers if layer.name.startswith("gru")]
    if not grus or len(grus[-1].output.shape) != 2:
        raise ValueError(f"Model {model.name!r} has no GRU that hands its last state on.")
    both = isinstance(grus[-1], keras.layers.Bidirectional)
    directions = ["forward", "backward"] if both else ["forward"]
    starts, other = range(0, X.shape[1] - window + 1, window), np.roll(X, 1, axis=0)
    versions = [X, *(X.copy() for _ in starts)]
    for version, start in zip(versions[1:], starts, strict=True):
        version[:, start : start + window] = other[:, start : start + window]
    # All at once: a GRU is traced anew at every call.
    states = outputs(model, np.concatenate(versions), grus[-1].name)
    states = states.reshape(len(versions), len(X), len(directions), -1)
    changes = np.linalg.norm(states[1:] - states[0], axis=-1).mean(axis=1)
    return pd.DataFrame(changes, pd.Index(starts, name="frame"), directions)


def attention_weights(model, X):
    """The weights α that attention over time gives the steps of ``X``: float32 (n, steps).

    Every row sums to one; a step is ``rnn_pool[0]`` frames. ValueError where the model weighs no
    time steps; Figures 3's and 4's "attention" does not.

    Chapter: book/attention.ipynb
    """
    if "attention" not in [layer.name for layer in model.layers]:
        raise ValueError(
            f"Model {model.name!r} has no layer 'attention': it weighs no time steps. Those that "
            "do: attention_serial, attention_linear, attention_cnn, beyond."
        )
    return outputs(model, X, "attention")[..., 0]
