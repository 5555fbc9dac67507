"""The two parallel branches of PRCNN: convolutions for timbre, a bidirectional GRU for order.

Before both, every mel band is standardised. Both take the spectrogram as (clips, time, mel, 1);
what may be changed in them are keyword arguments, whose defaults are the paper's text.
"""

import keras
from keras import layers

from prcnn.models import attention


@keras.saving.register_keras_serializable(package="prcnn")
class Scale(layers.Normalization):
    """Standardise every band by the mean and deviation of the training clips: any shape.

    The identity until ``adapt`` is called with spectrograms. A band that never moves is only
    shifted. Keras's own layer copies mean and variance into constants when it is adapted or loaded,
    and goes on with them after ``model.set_weights``; this one reads its weights, in 32 bits.
    """

    def __init__(self, axis=-1, dtype="float32", **kwargs):
        super().__init__(axis, dtype=dtype, **kwargs)

    def call(self, x):
        mean = keras.ops.reshape(self.adapt_mean, self._broadcast_shape)
        variance = keras.ops.reshape(self.adapt_variance, self._broadcast_shape)
        # ones_like, as a number from the host could not be recorded in a CUDA graph
        variance = keras.ops.where(variance > 1e-6, variance, keras.ops.ones_like(variance))
        deviation = keras.ops.sqrt(variance)
        return (keras.ops.cast(x, self.compute_dtype) - mean) / deviation


@keras.saving.register_keras_serializable(package="prcnn")
def old_hard_sigmoid(x):
    """The gate of Keras 2's GRU by default: ``clip(0.2 x + 0.5, 0, 1)``, any shape.

    Keras 3's own ``"hard_sigmoid"`` has slope 1/6 and gives other scores with Dwivedi's weights.
    """
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


@keras.saving.register_keras_serializable(package="prcnn")
class Statistics(layers.Layer):
    """Of each band mean, deviation, and deviation of its change: (n, time, mel, 1) → (n, 3 mel)."""

    def call(self, x):
        x = x[..., 0]
        change = x[:, 1:] - x[:, :-1]
        spread = [keras.ops.sqrt(keras.ops.var(y, axis=1) + 1e-6) for y in (x, change)]
        return keras.ops.concatenate([keras.ops.mean(x, axis=1), *spread], axis=-1)


GATES = {"sigmoid": "sigmoid", "old_hard_sigmoid": old_hard_sigmoid}


def convolutions(
    x,
    *,
    filters=(16, 32, 64, 64, 64),
    kernel_size=(3, 1),
    pools=((2, 2), (2, 2), (2, 2), (4, 4), (4, 4)),
    activation="relu",
    padding="valid",
    dropout=0.0,
):
    """The CNN branch: (n, time, mel, 1) → (n, time', mel', filters[-1]).

    ``filters`` has a number for each block of a convolution and a max-pooling, ``pools`` the frames
    and mel bands that the pooling makes one (a pair is for all blocks); ``dropout`` is the share
    dropped after every pooling. All else is :class:`keras.layers.Conv2D`'s.
    """
    for i, (n_filters, pool) in enumerate(zip(filters, pools, strict=True), start=1):
        x = layers.Conv2D(
            n_filters, kernel_size, activation=activation, padding=padding, name=f"conv_{i}"
        )(x)
        x = layers.MaxPooling2D(pool, name=f"pool_{i}")(x)
        if dropout:
            x = layers.Dropout(dropout, name=f"dropout_{i}")(x)
    return x


def rnn(
    x,
    *,
    rnn_pool=(2, 1),
    embedding=None,
    units=64,
    rnn_layers=1,
    bidirectional=True,
    states="last",
    attention_units=64,
    recurrent_activation="sigmoid",
    reset_after=True,
    dropout=0.0,
):
    """The RNN branch: (n, time, mel, 1) → (n, 2 units); 128 numbers for the paper's 64 units.

    ``rnn_pool``: the frames and mel bands that max-pooling makes one before the GRU reads them.
    ``embedding``: Feng's linear map of every step's bands to that many numbers, if any.
    ``units`` of each direction, whose states are concatenated, in each of ``rnn_layers`` layers on
    top of each other; ``bidirectional=False`` reads forward alone.
    ``states``: what is handed on. "last" is the last state (and backward the first), "mean" that of
    all steps, "serial" and "linear" their sum by attention (:mod:`prcnn.models.attention`; the
    first has ``attention_units``), "all" is all of them, (n, steps, 2 units).
    ``recurrent_activation``: the gates, "sigmoid" or Keras 2's "old_hard_sigmoid".
    ``reset_after``: the reset gate acts after the recurrent product (Keras 3's default; two bias
    vectors) or before it (Dwivedi's weights; one).
    ``dropout``: share of the states dropped, in training only.
    """
    if states not in ("last", "mean", "serial", "linear", "all"):
        raise ValueError("states must be 'last', 'mean', 'serial', 'linear' or 'all'")
    if recurrent_activation not in GATES:
        raise ValueError(f"recurrent_activation must be one of {', '.join(GATES)}")
    x = layers.MaxPooling2D(rnn_pool, name="rnn_pool")(x)
    x = layers.Reshape(x.shape[1:3], name="rnn_input")(x)
    if embedding:
        x = layers.Dense(embedding, name="embedding")(x)
    steps = x
    for i in range(1, rnn_layers + 1):
        name = "gru" if rnn_layers == 1 else f"gru_{i}"
        gru = layers.GRU(
            units,
            recurrent_activation=GATES[recurrent_activation],
            reset_after=reset_after,
            return_sequences=states != "last" or i < rnn_layers,
            name=None if bidirectional else name,
        )
        x = (layers.Bidirectional(gru, name=name) if bidirectional else gru)(x)
    if states == "mean":
        x = layers.GlobalAveragePooling1D(name="mean_of_states")(x)
    if dropout:
        x = layers.Dropout(dropout, name="dropout_rnn")(x)
    if states == "serial":
        return attention.serial(x, attention_units)
    if states == "linear":
        return attention.linear(steps, x)
    return x


def statistics(x):
    """What features made by hand say of a spectrogram: see :class:`Statistics`."""
    return Statistics(name="statistics")(x)
