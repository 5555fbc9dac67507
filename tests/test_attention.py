"""The published attention does nothing; the three working ones weigh time."""

import keras
import numpy as np
import pytest

from prcnn import models


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(-9, 5, size=(3, 640, 128)).astype("float32")


def scramble(model):
    """Other convolutions: not nearly, but altogether."""
    rng = np.random.default_rng(1)
    for layer in model.layers:
        if layer.name.startswith("conv_"):
            layer.set_weights([rng.normal(0, 0.3, w.shape) for w in layer.get_weights()])


def several(model, X, *layers):
    """What several layers put out, in one pass."""
    part = keras.Model(model.input, [model.get_layer(name).output for name in layers])
    return part.predict(X, verbose=0)


def test_published_attention_is_independent_of_the_cnn(X):
    model = models.build("figure3", scale="none")
    rng = np.random.default_rng(2)  # weights as large as trained ones
    model.set_weights([w + rng.normal(0, 0.05, w.shape) for w in model.get_weights()])
    before = several(model, X, "flatten", "gru", "sum", "genre")
    scramble(model)
    after = several(model, X, "flatten", "gru", "sum", "genre")
    assert np.abs(after[0] - before[0]).max() > 0.1  # other features,
    np.testing.assert_allclose(after[3], before[3], atol=1e-6)  # the same probabilities,
    np.testing.assert_allclose(after[2], after[1], atol=1e-6)  # those of the RNN's state,
    assert np.ptp(after[3], axis=0).max() > 1e-3  # which does depend on the input


@pytest.mark.parametrize("name", ["attention_serial", "attention_linear", "attention_cnn"])
def test_working_attention(name, X):
    model = models.build(name)
    both = np.concatenate([X, X[:, np.random.default_rng(3).permutation(640)]])
    weights, states, context, p = several(model, both, "attention", "gru", "context", "genre")
    assert weights.shape == (6, 320, 1) and weights.min() >= 0
    np.testing.assert_allclose(models.attention_weights(model, X), weights[:3, :, 0], 1e-4)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-5)
    assert (np.ptp(weights, axis=1) > 1e-2 / 320).all()  # they vary over time
    assert np.abs(weights[0] - weights[1]).max() > 1e-2 / 320  # and between clips
    np.testing.assert_allclose((weights * states).sum(1), context, atol=1e-5)
    assert np.abs(p[:3] - p[3:]).max() > 1e-4  # permuting time changes the result
    if name == "attention_cnn":  # and so do other convolutions
        scramble(model)
        after = several(model, X, "attention", "genre")
        assert np.abs(after[0] - weights[:3]).max() > 1e-2
        assert np.abs(after[1] - p[:3]).max() > 1e-4


@pytest.mark.parametrize("name", ["figure3", "paper"])
def test_networks_without_weights_over_time_say_so(name, X):
    with pytest.raises(ValueError, match=r"no layer 'attention'.*attention_serial"):
        models.attention_weights(models.build(name), X)
