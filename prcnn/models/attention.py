"""Attention: the published one, which does nothing, and three that weigh the GRU's time steps.

The published attention (Figures 3 and 4) multiplies a softmax over the 256 CNN features with the
GRU's *last* state and sums the softmax away: the RNN's state comes out unchanged. A working one
needs the GRU's whole sequence h_1 … h_T and weights over *time*: c = Σ_t α_t h_t.
"""

import keras

from prcnn.models.branches import convolutions


@keras.saving.register_keras_serializable(package="prcnn")
class SumOverFeatures(keras.layers.Layer):
    """The paper's last ``lambda``, a sum: (n, features, units) → (n, units)."""

    def call(self, x):
        return keras.ops.sum(x, axis=1)

    def compute_output_shape(self, shape):
        return (shape[0], *shape[2:])


@keras.saving.register_keras_serializable(package="prcnn")
class WeightedSum(keras.layers.Layer):
    """c = Σ_t α_t h_t: weights (n, steps, 1) and states (n, steps, units) → (n, units)."""

    def call(self, inputs):
        weights, states = inputs
        return keras.ops.sum(weights * states, axis=1)

    def compute_output_shape(self, shapes):
        return (shapes[1][0], shapes[1][2])


def published_attention(features, state):
    """Figures 3 and 4 of the paper, layer by layer: (n, k) and (n, units) → (n, units).

    With a = softmax(features) the product is M[i, j] = a_i h_j, and Σ_i M[i, j] = h_j Σ_i a_i =
    h_j: the output is the state, whatever the features are, and their gradient is zero.

    Chapter: book/attention.ipynb
    """
    weights = keras.layers.Activation("softmax", name="softmax")(features)
    weights = keras.layers.RepeatVector(state.shape[-1], name="repeat")(weights)
    weights = keras.layers.Permute((2, 1), name="permute")(weights)
    product = keras.layers.Multiply(name="multiply")([weights, state])
    return SumOverFeatures(name="sum")(product)


def serial_scores(states, attention_units=64):
    """A score a time step from the states: uᵀ tanh(W h_t + b); (n, steps, units) → (n, steps, 1).

    Yu et al. 2020, "serial"; the equation is inferred, not verified against their text, and so
    is the number of ``attention_units``.

    Chapter: book/attention.ipynb
    """
    x = keras.layers.Dense(attention_units, activation="tanh", name="attention_hidden")(states)
    return keras.layers.Dense(1, use_bias=False, name="attention_scores")(x)


def linear_scores(steps):
    """A score a time step from the input there, linear: (n, steps, bands) → (n, steps, 1).

    Yu et al. 2020, "parallel linear"; inferred: that the map reads the same pooled frames as
    the GRU, which aligns the two in time.

    Chapter: book/attention.ipynb
    """
    return keras.layers.Dense(1, use_bias=False, name="attention_scores")(steps)


def cnn_scores(x, **cnn):
    """A score a time step from a CNN: (n, time, mel, 1) → (n, steps, 1).

    ``cnn`` are the arguments of :func:`prcnn.models.branches.convolutions`, with padding "same"
    and pools that shorten time as the RNN's pooling does, so that scores fall on the GRU's steps.

    Yu et al. 2020, "parallel CNN". Inferred: filters and kernel are this paper's CNN branch, time
    is pooled in its first block only, and what is left of the mel axis is flattened into each step.

    Chapter: book/attention.ipynb
    """
    x = convolutions(x, **cnn)
    x = keras.layers.Reshape((x.shape[1], x.shape[2] * x.shape[3]), name="attention_features")(x)
    return keras.layers.Dense(1, use_bias=False, name="attention_scores")(x)


def attend(scores, states):
    """Softmax over time, then the weighted sum of states: → (n, units).

    The layer named ``attention`` puts out the weights, see :func:`prcnn.models.attention_weights`.

    Chapter: book/attention.ipynb
    """
    weights = keras.layers.Softmax(axis=1, name="attention")(scores)
    return WeightedSum(name="context")([weights, states])
