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
    shifted, as in scikit-learn's ``StandardScaler``.

    Keras's own layer copies mean and variance into constants when it is adapted or loaded, so it
    goes on with the old ones after ``model.set_weights`` or when a compiled network is adapted;
    this one reads its weights. In 16-bit arithmetic it still computes in 32 bits.
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

    Chapter: book/rnn.ipynb
    """
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)


@keras.saving.register_keras_serializable(package="prcnn")
class Statistics(layers.Layer):
    """What features made by hand say of a spectrogram: (n, time, mel, 1) → (n, 3 mel).

    Of every band its mean and deviation over time, and the deviation of its change from frame to
    frame. No weights.
    """

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

    Parameters
    ----------
    filters : list of int
        One number for each block of a convolution and a max-pooling.
    kernel_size : (int, int)
        Frames and mel bands that a kernel spans.
    pools : list of (int, int)
        Frames and mel bands that each block's max-pooling makes one; one pair stands for all.
    activation, padding : str
        :class:`keras.layers.Conv2D`'s.
    dropout : float
        Share dropped after every pooling, in training only.
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

    Parameters
    ----------
    rnn_pool : (int, int)
        Frames and mel bands that max-pooling makes one before the GRU reads them.
    embedding : int, optional
        Feng's linear map of every step's bands to that many numbers.
    units : int
        Units of each direction; forward and backward states are concatenated.
    rnn_layers : int
        Layers on top of each other; all but the last hand on their whole sequence.
    bidirectional : bool
        False reads forward alone: ``units`` numbers instead of twice as many.
    states : {"last", "mean", "serial", "linear", "all"}
        What is handed on: the last (forward) and first (backward) state, the mean of all steps,
        their sum weighted by one of two attentions (see ``prcnn.models.attention``; the first has
        ``attention_units``), or all (n, steps, 2 units).
    recurrent_activation : {"sigmoid", "old_hard_sigmoid"}
        The gates; the second is Keras 2's, see :func:`old_hard_sigmoid`.
    reset_after : bool
        Where the reset gate acts: after the recurrent product (Keras 3's default; two bias
        vectors) or before it (Dwivedi's weights; one).
    dropout : float
        Share of the states dropped, in training only.
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
        return attention.attend(attention.serial_scores(x, attention_units), x)
    if states == "linear":
        return attention.attend(attention.linear_scores(steps), x)
    return x


def statistics(x):
    """What features made by hand say of a spectrogram: see :class:`Statistics`."""
    return Statistics(name="statistics")(x)
