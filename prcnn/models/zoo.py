"""Every network by its name: what the paper says, what its code did, and what both build on."""

import random
from collections.abc import Callable
from typing import NamedTuple

import keras
import numpy as np
from keras import layers

from prcnn.models.attention import by_cnn, published
from prcnn.models.beyond import beyond
from prcnn.models.branches import Scale, convolutions, rnn, statistics


def side_by_side(*features):
    """What the branches put out, joined; the CNN's maps are laid flat: → (n, k)."""
    features = [layers.Flatten(name="flatten")(x) if len(x.shape) == 4 else x for x in features]
    return layers.Concatenate(name="joined")(features) if len(features) > 1 else features[0]


def crnn(
    x, *, n_blocks=3, n_filters=56, kernel_frames=5, units=96, dense_units=64, dropout=0.4, l2=1e-3
):
    """Mel bands are channels here: convolutions run over time only, and feed an LSTM."""
    decay = keras.regularizers.L2(l2)
    x = layers.Reshape(x.shape[1:3], name="bands")(x)
    for i in range(1, n_blocks + 1):
        x = layers.Conv1D(n_filters, kernel_frames, kernel_regularizer=decay, name=f"conv_{i}")(x)
        x = layers.BatchNormalization(momentum=0.9, name=f"norm_{i}")(x)
        x = layers.Activation("relu", name=f"relu_{i}")(x)
        x = layers.MaxPooling1D(2, name=f"pool_{i}")(x)
        x = layers.Dropout(dropout, name=f"dropout_{i}")(x)
    x = layers.LSTM(units, name="lstm")(x)
    x = layers.Dropout(dropout, name="dropout_lstm")(x)
    x = layers.Dense(dense_units, kernel_regularizer=decay, name="dense")(x)
    return layers.Dropout(dropout, name="dropout_dense")(x)


def vgg8(x, *, filters=(16, 32, 64, 128)):
    """Pairs of 3 × 3 convolutions, each pair pooled; mean and maximum of the last maps."""
    for pair, n_filters in enumerate(filters):
        for i in (2 * pair + 1, 2 * pair + 2):
            x = layers.Conv2D(n_filters, 3, padding="same", use_bias=False, name=f"conv_{i}")(x)
            x = layers.BatchNormalization(momentum=0.9, name=f"norm_{i}")(x)
            x = layers.Activation("relu", name=f"relu_{i}")(x)
        x = layers.MaxPooling2D(2, name=f"pool_{i}")(x)
    mean = layers.GlobalAveragePooling2D(name="mean_of_maps")(x)
    maximum = layers.GlobalMaxPooling2D(name="max_of_maps")(x)
    return layers.Concatenate(name="joined")([mean, maximum])


class Network(NamedTuple):
    """A line of ``NETWORKS``: one sentence, and what makes features of a spectrogram.

    Each of the ``branches`` takes it as (n, time, mel, 1), with ``changes`` to the defaults of its
    keyword arguments; ``join`` makes (n, k) of what they give, which the last layer classifies.
    """

    about: str
    branches: tuple[Callable, ...]
    changes: dict
    join: Callable = side_by_side
    input_shape: tuple[int, int] = (640, 128)

    @property
    def options(self):
        """All that may be changed, with its default."""
        defaults = [item for branch in self.branches for item in _keywords(branch).items()]
        return dict(defaults) | self.changes


def _keywords(branch):
    # Not by inspect.signature, into which Sphinx writes its own defaults.
    return branch.__kwdefaults__ or {}


BOTH = (convolutions, rnn)
WIDE = {"filters": (16, 32, 64, 128, 64)}  # Feng's filters, and those behind Figure 2
DWIVEDI = {"rnn_pool": (4, 2)}
KERAS_2 = {"recurrent_activation": "old_hard_sigmoid", "reset_after": False}
TIME_ONCE = {"pools": ((2, 2), (1, 2), (1, 2), (1, 4), (1, 4)), "padding": "same"}
FENG = {"padding": "same", "rnn_pool": (1, 2), "embedding": 128, "units": 128}
FIRST_THREE = {"filters": (16, 32, 64), "pools": ((2, 2),) * 3}

NETWORKS = {
    "paper": Network("PRCNN as in the paper's text", BOTH, {}),
    "dwivedi": Network("Dwivedi's PRCNN, with Keras 2's GRU", BOTH, DWIVEDI | KERAS_2),
    "figure2": Network("PRCNN that made Figure 2", BOTH, WIDE | {"units": 128}),
    "figure3": Network(
        "attention that made Figure 3: an RNN alone", BOTH, DWIVEDI | {"units": 128}, published
    ),
    "figure4": Network("the same as Figure 4 prints it", BOTH, {"units": 128}, published),
    "stacked": Network("PRCNN with two GRU layers", BOTH, WIDE | {"rnn_layers": 2}),
    "dwivedi_retrained": Network(
        "Dwivedi's PRCNN with today's GRU; file misnamed 'attention'", BOTH, DWIVEDI
    ),
    "cnn5": Network("the CNN branch alone", (convolutions,), {}),
    # The paper does not print CNN-3's pools. Dropping the last two layers leaves (2, 2) three
    # times; pools=((2, 2), (4, 4), (4, 4)) is the other reading.
    "cnn3": Network("its first three layers alone", (convolutions,), FIRST_THREE),
    "rnn": Network("the RNN branch alone", (rnn,), {}),
    "rnn2": Network("the RNN branch alone, two layers", (rnn,), {"rnn_layers": 2}),
    "prcnn_rnn2": Network("the paper's text, two GRU layers", BOTH, {"rnn_layers": 2}),
    "prcnn_features": Network(
        "the paper's text, and statistics of the input beside both branches",
        (*BOTH, statistics),
        {},
    ),
    # From re-implementations, not verified. Padding "same" is inferred: five "valid" convolutions
    # and these pools use up 128 frames.
    "feng": Network(
        "Feng, Liu and Yao 2017, for linear STFTs of 5 s", BOTH, WIDE | FENG, input_shape=(128, 513)
    ),
    "crnn": Network("Dwivedi's CRNN", (crnn,), {}),
    # After Yu et al. 2020; equations inferred, see attention.py.
    "attention_serial": Network("attention by the GRU's states", (rnn,), {"states": "serial"}),
    "attention_linear": Network("attention by the input", (rnn,), {"states": "linear"}),
    "attention_cnn": Network(
        "attention by a CNN", (rnn, convolutions), TIME_ONCE | {"states": "all"}, by_cnn
    ),
    "beyond": Network("ours: both branches as built today", (beyond,), {}, input_shape=(128, 128)),
    "vgg8": Network("a plain CNN of eight layers, after VGG", (vgg8,), {}, input_shape=(128, 128)),
}


def names():
    """Names of all networks, in the order of ``NETWORKS``. Chapter: book/reproduction.ipynb"""
    return list(NETWORKS)


def build(name, n_genres=8, *, input_shape=None, seed=0, scale="bands", **changes):
    """A network by its name, untrained and uncompiled: a keras.Model.

    It takes spectrograms, float32 (n, frames, mel bands), and gives probabilities (n, n_genres).
    A ValueError names an unknown network or option and lists the known ones, or says which value
    is not possible.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    n_genres : int
    input_shape : (int, int), optional
        (frames, mel bands) of a spectrogram; None is the network's own, (640, 128) for those of the
        paper. Pools that would use up another are smaller (:func:`prcnn.models.zoo.fit_pools`).
    seed : int or None
        Same name, changes and seed give the same weights; None draws new ones.
    scale : {"bands", "none"}
        Standardise every band of the input with a layer ``scale``, which
        :func:`prcnn.training.train` adapts to the training clips; or take the input as it is, as
        the paper's code did.
    **changes
        Other values for the keyword arguments of the network's branches, see
        :func:`prcnn.models.branches.convolutions` and :func:`prcnn.models.branches.rnn`.

    Examples
    --------
    >>> build("paper", units=32, pools=(2, 2)).output_shape
    (None, 8)

    Chapter: book/cnn.ipynb
    """
    if name not in NETWORKS:
        raise ValueError(f"Unknown network {name!r}. Known networks: {', '.join(NETWORKS)}.")
    network = NETWORKS[name]
    options = network.options
    if unknown := [option for option in changes if option not in options]:
        raise ValueError(
            f"Network {name!r} has no option {', '.join(map(repr, unknown))}. "
            f"Its options: {', '.join(sorted(options)) or 'none'}."
        )
    shape = network.input_shape if input_shape is None else input_shape
    before = random.getstate()
    try:
        if scale not in ("bands", "none"):
            raise ValueError(f"scale={scale!r} must be 'bands' or 'none'")
        if n_genres < 2:
            raise ValueError(f"n_genres={n_genres}: there must be two to tell apart")
        if seed is not None:
            if seed < 0 or seed != int(seed):
                raise ValueError(f"seed={seed!r} must be a whole number from 0 on, or None")
            random.seed(int(seed))  # Keras's initialisers draw their own seeds from there
        options = _fitted(network, shape, options | changes, changes)
        inputs = keras.Input(shape, name="spectrogram")
        x = Scale(name="scale")(inputs) if scale == "bands" else inputs
        x = layers.Reshape((*shape, 1), name="channel")(x)
        heard = [
            branch(x, **{key: options[key] for key in _keywords(branch)})
            for branch in network.branches
        ]
        x = network.join(*heard)
        if len(x.shape) != 2:
            raise ValueError("states='all' (of one layer or more) is for attention alone")
        outputs = layers.Dense(n_genres, activation="softmax", name="genre")(x)
        return keras.Model(inputs, outputs, name=name)
    except (TypeError, ValueError) as reason:
        said = ", ".join(f"{k}={v!r}" for k, v in {"input_shape": shape, **changes}.items())
        raise ValueError(f"Network {name!r} with {said}: {reason}") from reason
    finally:
        if seed is not None:
            random.setstate(before)


def _fitted(network, shape, options, named):
    """Options with pools that leave something of the input; those that are ``named`` stay."""
    if np.shape(shape) != (2,):
        raise ValueError("input_shape must be a pair (frames, mel bands)")
    if "rnn_pool" in options and "rnn_pool" not in named:
        steps, bands = options["rnn_pool"]
        while steps > 1 and shape[0] // steps < 128:
            steps //= 2
        options["rnn_pool"] = (steps, bands)
    if "pools" not in options:
        return options
    pools, n_layers = options["pools"], len(options["filters"])
    pools = [pools] * n_layers if np.ndim(pools) < 2 else pools
    if len(pools) != n_layers:
        raise ValueError(f"{n_layers} filters, {len(pools)} pools: give one for each, or one pair")
    along = np.array([np.broadcast_to(pool, 2) for pool in pools]).T.tolist()
    kernel = np.broadcast_to(options["kernel_size"] if options["padding"] == "valid" else 1, 2)
    if "pools" not in named:
        along = [fit_pools(*axis) for axis in zip(shape, kernel, along, strict=True)]
        if network.join is by_cnn:  # its scores must fall on the GRU's steps
            along[0][0] = options["rnn_pool"][0]
    if min(map(_left, shape, kernel, along)) < 1:
        raise ValueError("kernels and pools use up the input: use smaller ones or fewer layers")
    return options | {"pools": list(zip(*along, strict=True))}


def fit_pools(size, kernel, pools):
    """The CNN's pools along an axis, the last of the largest halved until some ``size`` is left.

    From the paper's (2, 2, 2, 4, 4) for 640 frames to (2, 2, 2, 2, 2) for 128.
    """
    pools = list(pools)
    while _left(size, kernel, pools) < 1 < max(pools):
        last = max(i for i, pool in enumerate(pools) if pool == max(pools))
        pools[last] //= 2
    return pools


def _left(size, kernel, pools):
    """What is left of an axis after all blocks of a convolution and a max-pooling."""
    for pool in pools:
        size = (size - kernel + 1) // max(pool, 1)
    return size
