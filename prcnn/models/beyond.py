"""``beyond``: the paper's two branches side by side, each as it is built today.

A convolutional branch with 3 × 3 kernels, batch normalisation and pools that leave a map of the
clip; a bidirectional GRU that attends over its own states. Chapter: book/beyond.ipynb
"""

import importlib

import keras
from keras import layers

from prcnn.models import attention

BEYOND = {"filters": (48, 96, 144), "units": 48, "dropout": 0.3, "cnn": True, "rnn": True}


@keras.saving.register_keras_serializable(package="prcnn")
class FusedBatchNormalization(layers.BatchNormalization):
    """Keras's batch normalisation over the last axis of (n, time, mel, channels), computed faster.

    Keras 3 spells it out in a dozen operations. TensorFlow has one kernel for all of them, which
    also takes 16-bit numbers: eight times as fast on a CPU, and the same bits at every repetition.
    Used while training on TensorFlow; everywhere else this is Keras's own layer.

    Chapter: book/beyond.ipynb
    """

    def __init__(self, momentum=0.9, **kwargs):
        super().__init__(momentum=momentum, **kwargs)

    def call(self, x, training=None, mask=None):
        if not (training and self.trainable) or keras.backend.backend() != "tensorflow":
            return super().call(x, training=training, mask=mask)
        # Not imported above: with another backend there may be no TensorFlow.
        raw_ops = importlib.import_module("tensorflow").raw_ops
        y, mean, variance, *_ = raw_ops.FusedBatchNormV3(
            x=x,
            scale=keras.ops.cast(self.gamma, "float32"),
            offset=keras.ops.cast(self.beta, "float32"),
            mean=[],
            variance=[],
            epsilon=self.epsilon,
            is_training=True,
        )
        n = keras.ops.cast(keras.ops.size(x) // x.shape[-1], "float32")
        for moving, value in (
            (self.moving_mean, mean),
            (self.moving_variance, variance * (n - 1) / n),  # Keras keeps the biased one
        ):
            moving.assign(moving * self.momentum + value * (1 - self.momentum))
        return y


def beyond(x, o):
    """The features of both branches, joined: (n, time, mel, 1) → (n, k), from (64, 64) on.

    Options ``o``: ``filters`` of the three blocks of two convolutions each, ``units`` of the GRU,
    ``dropout`` of the joined features, and whether there is a ``cnn`` and an ``rnn``.

    Chapter: book/beyond.ipynb
    """
    branches = []
    if o["cnn"]:
        branches += _cnn(x, o["filters"])
    if o["rnn"]:
        branches.append(_rnn(x, o["units"]))
    if not branches:
        raise ValueError("cnn=False, rnn=False: nothing is left to listen with")
    joined = layers.Concatenate(name="joined")(branches) if len(branches) > 1 else branches[0]
    # Neither branch is louder than the other when training begins.
    joined = layers.BatchNormalization(momentum=0.9, name="balance")(joined)
    return layers.Dropout(o["dropout"], name="dropout")(joined)


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
    x = layers.Conv2D(
        filters,
        kernel_size,
        strides,
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"conv_{i}",
    )(x)
    if pool:
        x = layers.MaxPooling2D(pool, name=f"pool_{i}")(x)
    x = FusedBatchNormalization(name=f"norm_{i}")(x)
    return layers.Activation("relu", name=f"relu_{i}")(x)


def _rnn(x, units):
    """What a bidirectional GRU finds worth attending to: (n, 2 units)."""
    x = layers.AveragePooling2D(2, name="rnn_pool")(x)
    x = layers.Reshape(x.shape[1:3], name="rnn_input")(x)
    x = layers.Bidirectional(layers.GRU(units, return_sequences=True), name="gru")(x)
    return attention.attend(attention.serial_scores(x, units), x)
