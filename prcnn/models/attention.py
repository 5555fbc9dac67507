"""Attention: the published one, which does nothing, and three that weigh the GRU's time steps.

The published attention (Figures 3 and 4) multiplies a softmax over the 256 CNN features with the
GRU's *last* state and sums the softmax away: the RNN's state comes out unchanged. A working one
needs the GRU's whole sequence h_1 … h_T and weights over *time*: c = Σ_t α_t h_t.

The three are after Yu et al. 2020; their equations are inferred, not verified against the text.
"""

import keras
from keras import layers


@keras.saving.register_keras_serializable(package="prcnn")
class SumOverFeatures(layers.Layer):
    """The paper's last ``lambda``, a sum: (n, features, units) → (n, units)."""

    def call(self, x):
        return keras.ops.sum(x, axis=1)


@keras.saving.register_keras_serializable(package="prcnn")
class WeightedSum(layers.Layer):
    """c = Σ_t α_t h_t: weights (n, steps, 1) and states (n, steps, units) → (n, units)."""

    def call(self, inputs):
        weights, states = inputs
        return keras.ops.sum(weights * states, axis=1)


def published(maps, state):
    """Figures 3 and 4 of the paper, layer by layer: CNN's maps and (n, units) → (n, units).

    With a = softmax(features) the product is M[i, j] = a_i h_j, and Σ_i M[i, j] = h_j Σ_i a_i =
    h_j: the output is the state, whatever the features are, and their gradient is zero.
    """
    features = layers.Flatten(name="flatten")(maps)
    weights = layers.Activation("softmax", name="softmax")(features)
    weights = layers.RepeatVector(state.shape[-1], name="repeat")(weights)
    weights = layers.Permute((2, 1), name="permute")(weights)
    product = layers.Multiply(name="multiply")([weights, state])
    return SumOverFeatures(name="sum")(product)


def serial(states, attention_units=64):
    """Scores from the states, uᵀ tanh(W h_t + b): (n, steps, units) → (n, units).

    The number of ``attention_units`` is inferred, too.
    """
    x = layers.Dense(attention_units, activation="tanh", name="attention_hidden")(states)
    return attend(layers.Dense(1, use_bias=False, name="attention_scores")(x), states)


def linear(steps, states):
    """Scores from the input, "parallel linear": (n, steps, bands) and states → (n, units).

    Inferred: that the map reads the same pooled frames as the GRU, which aligns the two in time.
    """
    return attend(layers.Dense(1, use_bias=False, name="attention_scores")(steps), states)


def by_cnn(states, maps):
    """Scores from a CNN, "parallel CNN": both branches → (n, units).

    Inferred: filters and kernel are this paper's CNN branch, time is pooled in its first block
    only, and what is left of the mel axis is flattened into each step. ValueError unless the maps
    (n, steps, mel, filters) have as many steps as the states (n, steps, units).
    """
    steps = maps.shape[1]
    if len(states.shape) != 3 or states.shape[1] != steps:
        raise ValueError(
            f"the CNN ends with {steps} time steps, and the GRU's states are {states.shape[1:]}: "
            "pool time in the first of pools alone, as rnn_pool does, with padding='same'"
        )
    x = layers.Reshape((steps, maps.shape[2] * maps.shape[3]), name="attention_features")(maps)
    return attend(layers.Dense(1, use_bias=False, name="attention_scores")(x), states)


def attend(scores, states):
    """Softmax over time, then the weighted sum of states: → (n, units).

    The layer named ``attention`` puts out the weights, see :func:`prcnn.models.attention_weights`.
    """
    weights = layers.Softmax(axis=1, name="attention")(scores)
    return WeightedSum(name="context")([weights, states])
