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


def test_published_attention_gives_the_cnn_no_gradient(X):
    """Only rounding reaches it; joined by concatenation, the same branch learns."""
    tf = pytest.importorskip("tensorflow")
    if keras.backend.backend() != "tensorflow":
        pytest.skip("needs TensorFlow's tape")
    largest = {}
    for name in ("figure3", "dwivedi_retrained"):
        model = models.build(name, input_shape=(64, 128))
        with tf.GradientTape() as tape:
            loss = keras.losses.sparse_categorical_crossentropy(np.arange(3), model(X[:, :64]))
        weights = [model.get_layer(layer).kernel.value for layer in ("conv_1", "genre")]
        largest[name] = [float(np.abs(g).max()) for g in tape.gradient(loss, weights)]
    assert largest["figure3"][0] < 1e-6 * largest["figure3"][1]
    assert largest["dwivedi_retrained"][0] > 1e-3 * largest["dwivedi_retrained"][1]


@pytest.mark.parametrize("name", ["figure3", "figure3_rerun"])
def test_authors_convolutions_were_never_trained(name, checkpoints_folder):
    path = checkpoints_folder / models.CHECKPOINTS[name].file
    accumulators, weights = models.read_accumulators(path), models.read_weights(path)
    for layer in (f"conv_{i}" for i in range(1, 6)):
        kernel, bias = weights[layer]
        limit = np.sqrt(6 / (np.prod(kernel.shape[:3]) + kernel.shape[0] * kernel.shape[3]))
        assert np.abs(kernel).max() <= 1.01 * limit  # Glorot: uniform in ±limit
        assert kernel.std() == pytest.approx(limit / np.sqrt(3), rel=0.12)
        assert np.abs(bias).max() < 1e-3
        assert accumulators[f"{layer}/kernel"].max() < 1e-15
    assert accumulators["preds/kernel"].max() > 1e-4  # where there was something to learn,
    trained = checkpoints_folder / models.CHECKPOINTS["figure2"].file  # as all over this CNN
    assert np.abs(models.read_weights(trained)["conv_1"][1]).max() > 1e-2
    assert models.read_accumulators(trained)["conv_1/kernel"].max() > 1e-8


def test_dropping_the_cnn_changes_nothing(checkpoints_folder, X):
    model = models.load_checkpoint("figure3", checkpoints_folder)
    alone = models.build("rnn", rnn_pool=(4, 2), units=128, scale="none")
    for layer in ("gru", "genre"):
        alone.get_layer(layer).set_weights(model.get_layer(layer).get_weights())
    np.testing.assert_allclose(alone.predict(X, verbose=0), model.predict(X, verbose=0), atol=3e-7)


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
