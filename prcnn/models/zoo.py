"""Every network by its name: what the paper says, what its code did, and what both build on."""

import contextlib
import operator
import random
from typing import NamedTuple

import keras
from keras import layers

from prcnn.models import attention, options
from prcnn.models.beyond import BEYOND, beyond
from prcnn.models.branches import Scale, Statistics, convolutions, gru_layers, rnn_branch, rnn_input

CNN, RNN = options.CNN, options.RNN

# Bodies: the spectrogram (n, time, mel, 1) and the options become the features (n, k) that the
# last layer classifies.


def parallel(x, o):
    return layers.Concatenate(name="joined")([cnn_alone(x, o), rnn_alone(x, o)])


def cnn_alone(x, o):
    return layers.Flatten(name="flatten")(convolutions(x, **_only(CNN, o)))


def rnn_alone(x, o):
    return rnn_branch(x, **_only(RNN, o))


def with_statistics(x, o):
    branches = [cnn_alone(x, o), rnn_alone(x, o), Statistics(name="statistics")(x)]
    return layers.Concatenate(name="joined")(branches)


def published_attention(x, o):
    return attention.published_attention(cnn_alone(x, o), rnn_alone(x, o))


def serial_attention(x, o):
    _, states = _steps_and_states(x, o)
    return attention.attend(attention.serial_scores(states, o["attention_units"]), states)


def linear_attention(x, o):
    steps, states = _steps_and_states(x, o)
    return attention.attend(attention.linear_scores(steps), states)


def cnn_attention(x, o):
    _, states = _steps_and_states(x, o)
    scores = attention.cnn_scores(x, **_only(CNN, o))
    if scores.shape[1] != states.shape[1]:
        raise ValueError(
            f"pools={o['pools']}, padding={o['padding']!r}: the CNN ends with {scores.shape[1]} "
            f"time steps, but rnn_pool={o['rnn_pool']} gives the GRU {states.shape[1]}: there "
            "must be a weight for each; pool time once, as rnn_pool does, with padding 'same'"
        )
    return attention.attend(scores, states)


def _steps_and_states(x, o):
    gru = _only(RNN, o)
    steps = rnn_input(x, gru.pop("rnn_pool"), gru.pop("embedding"))
    return steps, gru_layers(steps, sequences=True, **gru)


def _only(names, o):
    return {name: o[name] for name in names if name in o}


def conv_recurrent(x, o):
    """Mel bands are channels here: convolutions run over time only, and feed an LSTM."""
    decay = keras.regularizers.L2(o["l2"])
    x = layers.Reshape(x.shape[1:3], name="bands")(x)
    for i in range(1, o["n_blocks"] + 1):
        x = layers.Conv1D(
            o["n_filters"], o["kernel_frames"], kernel_regularizer=decay, name=f"conv_{i}"
        )(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"norm_{i}")(x)
        x = layers.Activation("relu", name=f"relu_{i}")(x)
        x = layers.MaxPooling1D(2, name=f"pool_{i}")(x)
        x = layers.Dropout(o["dropout"], name=f"dropout_{i}")(x)
    x = layers.LSTM(o["units"], name="lstm")(x)
    x = layers.Dropout(o["dropout"], name="dropout_lstm")(x)
    x = layers.Dense(o["dense_units"], kernel_regularizer=decay, name="dense")(x)
    return layers.Dropout(o["dropout"], name="dropout_dense")(x)


class Network(NamedTuple):
    """A line of ``NETWORKS``: what it is, how it is built, and all its options."""

    about: str
    body: callable
    options: dict
    input_shape: tuple[int, int] = (640, 128)


WIDE = {"filters": (16, 32, 64, 128, 64)}  # Feng's filters, and those behind Figure 2
FIRST_THREE = {"filters": (16, 32, 64), "pools": ((2, 2),) * 3}
TIME_ONCE = {"pools": ((2, 2), (1, 2), (1, 2), (1, 4), (1, 4)), "padding": "same"}
KERAS_2 = {"recurrent_activation": "old_hard_sigmoid", "reset_after": False}
CRNN = {"n_blocks": 3, "n_filters": 56, "kernel_frames": 5, "units": 96, "dense_units": 64}
BOTH = CNN | RNN
STEPS = {name: value for name, value in RNN.items() if name != "states"}  # all of them are used

NETWORKS = {
    "paper": Network("PRCNN as in the paper's text", parallel, BOTH),
    "dwivedi": Network(
        "Dwivedi's PRCNN, with Keras 2's GRU", parallel, BOTH | KERAS_2 | {"rnn_pool": (4, 2)}
    ),
    "figure2": Network("PRCNN that made Figure 2", parallel, BOTH | WIDE | {"units": 128}),
    "figure3": Network(
        "attention that made Figure 3: an RNN alone",
        published_attention,
        BOTH | {"rnn_pool": (4, 2), "units": 128},
    ),
    "figure4": Network(
        "the same as Figure 4 prints it", published_attention, BOTH | {"units": 128}
    ),
    "stacked": Network("PRCNN with two GRU layers", parallel, BOTH | WIDE | {"rnn_layers": 2}),
    "dwivedi_retrained": Network(
        "Dwivedi's PRCNN with today's GRU; file misnamed 'attention'",
        parallel,
        BOTH | {"rnn_pool": (4, 2)},
    ),
    "cnn5": Network("the CNN branch alone", cnn_alone, CNN),
    # The paper does not print CNN-3's pools. Dropping the last two layers leaves (2, 2) three
    # times; pools=((2, 2), (4, 4), (4, 4)) is the other reading.
    "cnn3": Network("its first three layers alone", cnn_alone, CNN | FIRST_THREE),
    "rnn": Network("the RNN branch alone", rnn_alone, RNN),
    "rnn2": Network("the RNN branch alone, two layers", rnn_alone, RNN | {"rnn_layers": 2}),
    "prcnn_rnn2": Network("the paper's text, two GRU layers", parallel, BOTH | {"rnn_layers": 2}),
    "prcnn_features": Network(
        "the paper's text, and statistics of the spectrogram beside both branches",
        with_statistics,
        BOTH,
    ),
    "feng": Network(
        # From re-implementations, not verified. Padding "same" is inferred: five "valid"
        # convolutions and these pools use up 128 frames.
        "Feng, Liu and Yao 2017, for linear STFTs of 5 s",
        parallel,
        BOTH | WIDE | {"padding": "same", "rnn_pool": (1, 2), "embedding": 128, "units": 128},
        input_shape=(128, 513),
    ),
    "crnn": Network("Dwivedi's CRNN", conv_recurrent, CRNN | {"dropout": 0.4, "l2": 1e-3}),
    # After Yu et al. 2020; equations inferred, see attention.py.
    "attention_serial": Network(
        "attention over time from the GRU's states",
        serial_attention,
        STEPS | {"attention_units": 64},
    ),
    "attention_linear": Network("attention over time from the input", linear_attention, STEPS),
    "attention_cnn": Network(
        "attention over time from a CNN", cnn_attention, CNN | STEPS | TIME_ONCE
    ),
    "beyond": Network("ours: both branches as they are built today", beyond, BEYOND, (128, 128)),
}


def names():
    """Names of all networks, in the order of ``NETWORKS``. Chapter: book/cnn.ipynb"""
    return list(NETWORKS)


def build(name, n_genres=8, *, input_shape=None, seed=0, scale="bands", **changes):
    """A network by its name, untrained and uncompiled.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    n_genres : int
        Classes of the softmax.
    input_shape : (int, int), optional
        (frames, mel bands) of a spectrogram; None is the network's own: (640, 128), and
        (128, 513) for ``feng``. Where the network's pools would use up another shape, smaller
        pools are chosen (:func:`prcnn.models.options.fit_pools`) unless `changes` names them;
        :func:`layer_summary` shows which.
    seed : int or None
        Same name, changes and seed give the same weights; None draws new ones.
    scale : {"bands", "none"}
        Standardise every band of the input with a layer named ``scale``, which
        :func:`prcnn.training.train` adapts to the training clips and which is saved with the
        weights; or take the input as it is, as the paper's code did.
    **changes
        Other values for the network's options, as in the paper's ablations, for instance
        ``filters``, ``kernel_size``, ``pools`` (a pair is for all layers), ``cnn_layers``,
        ``activation``, ``rnn_pool``, ``units``, ``rnn_layers``, ``bidirectional``,
        ``states`` ("last", or the "mean" of all steps), ``dropout``.

    Returns
    -------
    keras.Model
        float32 (n, frames, mel bands) → probabilities (n, n_genres).

    Raises
    ------
    ValueError
        Unknown name or option (the known ones are listed), a value that is not possible, or
        pools and kernels that use up the time or mel axis.

    Examples
    --------
    >>> from prcnn.models import trainable_parameters
    >>> trainable_parameters(build("paper"))
    110120
    >>> build("paper", units=32, pools=(2, 2)).output_shape
    (None, 8)

    Chapter: book/cnn.ipynb
    """
    if name not in NETWORKS:
        raise ValueError(f"Unknown network {name!r}. Known networks: {', '.join(NETWORKS)}.")
    network = NETWORKS[name]
    unknown = [option for option in changes if option not in network.options]
    if unknown:
        raise ValueError(
            f"Network {name!r} has no option {', '.join(map(repr, unknown))}. "
            f"Its options: {', '.join(sorted(network.options))}."
        )
    try:
        shared = {"n_genres": n_genres, "input_shape": input_shape or network.input_shape}
        defaults = {"n_genres": 8, "input_shape": network.input_shape, "scale": "bands"}
        n_genres, input_shape, scale = options.check(defaults, shared | {"scale": scale}).values()
        chosen = options.check(network.options, changes)
        if input_shape == network.input_shape:
            options.check_sizes(*input_shape, chosen)
        else:
            chosen = options.fit_pools(*input_shape, chosen, changes)
        if network.body is cnn_attention and not {"pools", "rnn_pool"} & set(changes):
            # The scores of its CNN must fall on the GRU's steps.
            first, *others = chosen["pools"]
            chosen["pools"] = ((chosen["rnn_pool"][0], first[1]), *others)
        with _seeded(seed):
            inputs = keras.Input(input_shape, name="spectrogram")
            x = Scale(name="scale")(inputs) if scale == "bands" else inputs
            x = layers.Reshape((*input_shape, 1), name="channel")(x)
            x = network.body(x, chosen)
            outputs = layers.Dense(n_genres, activation="softmax", name="genre")(x)
            return keras.Model(inputs, outputs, name=name)
    except ValueError as reason:
        raise ValueError(f"Network {name!r}: {reason}") from reason


@contextlib.contextmanager
def _seeded(seed):
    """Seed Python's ``random``, from which Keras's initialisers draw their seeds, for a while."""
    if seed is None:
        yield
        return
    state = random.getstate()
    try:
        random.seed(operator.index(seed))
    except TypeError:
        raise ValueError(f"seed={seed!r}: must be a whole number, or None") from None
    try:
        yield
    finally:
        random.setstate(state)
