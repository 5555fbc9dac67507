"""``beyond``: the paper's two branches side by side, each as it is built today.

A convolutional branch with 3 × 3 kernels, batch normalisation and pools that leave a map of the
clip; a bidirectional GRU that attends over its own states. Chapter: book/beyond.ipynb
"""

from keras import layers

from prcnn.models import attention
from prcnn.models.branches import Statistics

PLAIN = {"padding": "same", "use_bias": False, "kernel_initializer": "he_normal"}


def beyond(x, *, filters=(48, 96, 144), units=48, dropout=0.3, cnn=True, rnn=True, statistics=0):
    """The features of both branches, joined: (n, time, mel, 1) → (n, k), from (64, 64) on.

    ``filters`` of the blocks of two convolutions each, ``units`` of the GRU, ``dropout`` of the
    joined features, whether there is a ``cnn`` and an ``rnn``, and how many units read each band's
    ``statistics``, the third branch (0: there is none).
    """
    branches = (_cnn(x, filters) if cnn else []) + ([_rnn(x, units)] if rnn else [])
    branches += [_statistics(x, statistics, dropout)] if statistics else []
    if not branches:
        raise ValueError("nothing is left to listen with")
    x = layers.Concatenate(name="joined")(branches) if len(branches) > 1 else branches[0]
    # Neither branch is louder than the other when training begins.
    x = layers.BatchNormalization(momentum=0.9, name="balance")(x)
    return layers.Dropout(dropout, name="dropout")(x)


def _cnn(x, filters):
    """Mean and maximum over time of what seven convolutions find: two vectors of filters[-1]."""
    x = _convolution(x, 1, 32, kernel_size=5, strides=2)
    i = 1
    for block, n_filters in enumerate(filters, start=1):
        last = block == len(filters)
        x = _convolution(x, i + 1, n_filters)
        x = _convolution(x, i + 2, n_filters, pool=None if last else 2)
        i += 2
    time, mel, channels = x.shape[1:]
    over_mel = [
        layers.Reshape((time, channels), name=f"{name}_over_mel")(pool((1, mel))(x))
        for name, pool in (("mean", layers.AveragePooling2D), ("max", layers.MaxPooling2D))
    ]
    x = layers.Add(name="over_mel")(over_mel)
    return [
        layers.GlobalAveragePooling1D(name="mean_over_time")(x),
        layers.GlobalMaxPooling1D(name="max_over_time")(x),
    ]


def _convolution(x, i, filters, kernel_size=3, strides=1, pool=None):
    """Convolve, pool, normalise, cut at zero; pooling first is the same and costs a quarter."""
    x = layers.Conv2D(filters, kernel_size, strides, name=f"conv_{i}", **PLAIN)(x)
    if pool:
        x = layers.MaxPooling2D(pool, name=f"pool_{i}")(x)
    x = layers.BatchNormalization(momentum=0.9, name=f"norm_{i}")(x)
    return layers.Activation("relu", name=f"relu_{i}")(x)


def _rnn(x, units):
    """What a bidirectional GRU finds worth attending to: (n, 2 units)."""
    x = layers.AveragePooling2D(2, name="rnn_pool")(x)
    x = layers.Reshape(x.shape[1:3], name="rnn_input")(x)
    x = layers.Bidirectional(layers.GRU(units, return_sequences=True), name="gru")(x)
    return attention.serial(x, units)


def _statistics(x, units, dropout):
    """What a layer makes of every band's mean, deviation and change over time: (n, units)."""
    x = Statistics(name="statistics")(x)
    x = layers.BatchNormalization(momentum=0.9, name="statistics_norm")(x)
    x = layers.Dropout(dropout, name="statistics_dropout")(x)
    return layers.Dense(units, activation="relu", name="statistics_dense")(x)
