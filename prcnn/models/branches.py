"""The two parallel branches of PRCNN: convolutions for timbre, a bidirectional GRU for order.

Before both, every mel band is standardised. Both take the spectrogram as (clips, time, mel, 1) and
return one vector a clip, or, where asked, the GRU's states at all time steps. The paper's options
are in ``prcnn.models.options``.
"""

import keras


@keras.saving.register_keras_serializable(package="prcnn")
class Scale(keras.layers.Normalization):
    """Standardise every band by the mean and deviation of the training clips: any shape.

    The identity until ``adapt`` is called with spectrograms. A band that never moves is only
    shifted, as in scikit-learn's ``StandardScaler``.

    Keras's own layer copies mean and variance into constants when it is adapted or loaded, so it
    goes on with the old ones after ``model.set_weights`` or when a compiled network is adapted;
    this one reads its weights. In 16-bit arithmetic it still computes in 32 bits.

    Chapter: book/cnn.ipynb
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


GATES = {"sigmoid": "sigmoid", "old_hard_sigmoid": old_hard_sigmoid}


def convolutions(x, filters, kernel_size, pools, activation, padding, dropout):
    """Blocks of convolution and max-pooling: (n, time, mel, 1) → (n, time', mel', filters[-1]).

    ``filters`` has a number for each block, ``pools`` the pair (frames, mel bands) that its
    max-pooling makes one; ``kernel_size`` is such a pair, too. ``activation`` and ``padding`` are
    :class:`keras.layers.Conv2D`'s, ``dropout`` follows every pooling, in training only.

    Chapter: book/cnn.ipynb
    """
    for i, (n_filters, pool) in enumerate(zip(filters, pools, strict=True), start=1):
        x = keras.layers.Conv2D(
            n_filters, kernel_size, activation=activation, padding=padding, name=f"conv_{i}"
        )(x)
        x = keras.layers.MaxPooling2D(pool, name=f"pool_{i}")(x)
        if dropout:
            x = keras.layers.Dropout(dropout, name=f"dropout_{i}")(x)
    return x


def rnn_input(x, rnn_pool, embedding):
    """What the GRU reads: (n, time, mel, 1) → (n, steps, bands), pooled by ``rnn_pool``.

    ``embedding`` (int or None) adds Feng's linear map of every step's bands to that many numbers.

    Chapter: book/rnn.ipynb
    """
    x = keras.layers.MaxPooling2D(rnn_pool, name="rnn_pool")(x)
    x = keras.layers.Reshape(x.shape[1:3], name="rnn_input")(x)
    if embedding:
        x = keras.layers.Dense(embedding, name="embedding")(x)
    return x


def gru_layers(
    x, units, rnn_layers, bidirectional, recurrent_activation, reset_after, dropout, sequences
):
    """GRU layers: (n, steps, bands) → (n, 2 units), or (n, steps, 2 units).

    Parameters
    ----------
    units : int
        Units of each direction; forward and backward states are concatenated.
    rnn_layers : int
        Layers on top of each other; all but the last hand on their whole sequence.
    bidirectional : bool
        False reads forward alone: ``units`` numbers instead of twice as many.
    recurrent_activation : {"sigmoid", "old_hard_sigmoid"}
        The gates; the second is Keras 2's, see :func:`old_hard_sigmoid`.
    reset_after : bool
        Where the reset gate acts: after the recurrent product (Keras 3's default; two bias
        vectors) or before it (Dwivedi's weights; one).
    dropout : float
        Share of the last output dropped, in training only.
    sequences : bool
        The states of every step instead of the last (forward) and first (backward).

    Chapter: book/rnn.ipynb
    """
    for i in range(1, rnn_layers + 1):
        name = "gru" if rnn_layers == 1 else f"gru_{i}"
        gru = keras.layers.GRU(
            units,
            recurrent_activation=GATES[recurrent_activation],
            reset_after=reset_after,
            return_sequences=sequences or i < rnn_layers,
            name=None if bidirectional else name,
        )
        x = (keras.layers.Bidirectional(gru, name=name) if bidirectional else gru)(x)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout_rnn")(x)
    return x


def rnn_branch(x, rnn_pool, embedding, states, dropout, **gru):
    """The RNN branch: (n, time, mel, 1) → (n, 2 units); 128 numbers for the paper's 64 units.

    Parameters as in :func:`rnn_input` and :func:`gru_layers`. ``states`` is "last", or "mean" for
    the mean of the states of all steps.

    Chapter: book/rnn.ipynb
    """
    steps = rnn_input(x, rnn_pool, embedding)
    x = gru_layers(steps, dropout=0.0, sequences=states == "mean", **gru)
    if states == "mean":
        x = keras.layers.GlobalAveragePooling1D(name="mean_of_states")(x)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout_rnn")(x)
    return x


@keras.saving.register_keras_serializable(package="prcnn")
class Statistics(keras.layers.Layer):
    """What features made by hand say of a spectrogram: (n, time, mel, 1) → (n, 3 mel).

    Of every band its mean and deviation over time, and the deviation of its change from frame to
    frame. No weights.

    Chapter: book/ablations.ipynb
    """

    def call(self, x):
        x = x[..., 0]
        change = x[:, 1:] - x[:, :-1]
        spread = [keras.ops.sqrt(keras.ops.var(y, axis=1) + 1e-6) for y in (x, change)]
        return keras.ops.concatenate([keras.ops.mean(x, axis=1), *spread], axis=-1)
