"""16-bit convolutions: only where asked or measured, only while training, resumed as begun."""

import json
import zipfile

import keras
import numpy as np
import pytest
from test_training import SHAPE, make_store, same

from prcnn import models, training
from prcnn.training import precision

TENSORFLOW = keras.backend.backend() == "tensorflow"


def network(seed=0):
    x = inputs = keras.Input(SHAPE, name="spectrogram")
    x = keras.layers.Reshape((*SHAPE, 1), name="channel")(x)
    start = keras.initializers.GlorotUniform
    c = keras.layers.Conv2D(4, 3, kernel_initializer=start(seed), name="conv_1")(x)
    c = keras.layers.MaxPooling2D(2, name="pool_1")(c)
    c = keras.layers.Activation("relu", name="relu_1")(c)
    c = keras.layers.Activation("linear", name="back")(c)
    c = keras.layers.Flatten(name="flatten")(c)
    r = keras.layers.MaxPooling2D(2, name="rnn_pool")(x)
    r = keras.layers.Flatten(name="steps")(r)
    x = keras.layers.Concatenate(name="joined")([c, r])
    x = keras.layers.Dense(3, activation="softmax", kernel_initializer=start(seed), name="genre")(x)
    return keras.Model(inputs, x, name="small")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("clips"))


def train(store, out, epochs=2, **options):
    options = {"batch_size": 10, "learning_rate": 0.01, "progress": False} | options
    return training.train(network(), store, epochs, out=out, **options)


def test_convolutional_part_is_what_comes_from_convolutions_alone():
    names = [layer.name for layer in precision.convolutional_part(network())]
    assert names == ["conv_1", "pool_1", "relu_1"]
    names = [layer.name for layer in precision.convolutional_part(models.build("paper"))]
    assert {"conv_1", "pool_1", "conv_5", "pool_5"} <= set(names)
    assert not {"rnn_pool", "gru", "joined", "genre", "scale"} & set(names)
    assert precision.convolutional_part(models.build("rnn")) == []


def test_cutting_at_zero_after_pooling_changes_nothing(monkeypatch):
    """In 32 bits, where it can be compared: the same weights after a step."""
    monkeypatch.setattr(precision, "_SIXTEEN", keras.DTypePolicy("float32"))
    rng = np.random.default_rng(0)
    X, y = rng.normal(0, 1, (8, 64, 64)).astype("float32"), np.arange(8)
    weights = []
    for name in ("float32", "mixed"):
        model = models.build("cnn5", input_shape=(64, 64))
        model.compile("sgd", "sparse_categorical_crossentropy")
        with precision.arithmetic(name, model):
            own = [layer.name for layer in model.layers if "call" in vars(layer)]
            model.train_on_batch(X, y)
        assert own == (["pool_1", "pool_2", "pool_3", "pool_4", "pool_5"] * (name == "mixed"))
        assert not any("call" in vars(layer) for layer in model.layers)
        assert model.get_layer("conv_1").activation is keras.activations.relu
        weights.append(model.get_weights())
    for a, b in zip(*weights, strict=True):  # torch sums in another order
        np.testing.assert_allclose(a, b, rtol=0, atol=0 if TENSORFLOW else 1e-7)


def test_only_the_step_of_training_is_in_16_bits(store, tmp_path):
    model = network()
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(model.get_layer("conv_1").compute_dtype)

        def on_epoch_end(self, epoch, logs=None):
            seen.append(model.get_layer("conv_1").compute_dtype)

    options = {"batch_size": 10, "learning_rate": 0.01, "progress": False}
    run = training.train(
        model, store, 2, out=tmp_path, precision="mixed", callbacks=[Watch()], **options
    )
    assert seen == (["bfloat16"] * 4 + ["float32"]) * 2
    assert all(layer.dtype_policy.name == "float32" for layer in model.layers)
    assert b"bfloat16" not in zipfile.ZipFile(tmp_path / "model.keras").read("config.json")
    assert run.record["precision"] == "mixed"
    X, y = store.arrays("validation")
    plain = network()
    plain.set_weights(run.model.get_weights())
    plain.compile(loss="sparse_categorical_crossentropy")
    best = run.record["best"]["val_loss"]  # of 12 clips in two batches
    assert plain.evaluate(X, y, batch_size=10, verbose=0) == pytest.approx(best, rel=1e-6)
    other = train(store, tmp_path / "float32", precision="float32")
    first = run.history.loc[1, "loss"], other.history.loc[1, "loss"]
    assert first[0] != first[1] and first[0] == pytest.approx(first[1], rel=0.05)


def test_mixed_goes_on_as_it_would_have_gone_on(store, tmp_path):
    unbroken = train(store, tmp_path / "a", 3, precision="mixed")
    train(store, tmp_path / "b", 1, precision="mixed")
    assert same(unbroken, train(store, tmp_path / "b", 3, precision="auto"))
    assert training.load_run(tmp_path / "b").record["precision"] == "mixed"
    with pytest.raises(ValueError, match=r"precision \(mixed, now float32\)"):
        train(store, tmp_path / "b", 3, precision="float32")


def test_short_epochs_are_not_measured(store, tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "measure", None)
    assert train(store, tmp_path).record["precision"] == "float32"


@pytest.mark.skipif(not TENSORFLOW, reason="only TensorFlow is asked")
@pytest.mark.parametrize(("mixed", "expected"), [(0.5, "mixed"), (0.95, "float32")])
def test_auto_measures_once_and_remembers(store, tmp_path, data_home, monkeypatch, mixed, expected):
    calls = []

    def measure(model, compiled, X, y):
        calls.append(X.shape)
        return {"float32": 1.0, "mixed": mixed}

    monkeypatch.setattr(precision, "measure", measure)
    monkeypatch.setattr(precision, "STEPS", 1)
    (data_home / "precision.json").write_text("half a fi")
    for name in ("a", "b"):
        assert train(store, tmp_path / name).record["precision"] == expected
    assert calls == [(10, *SHAPE)]
    (found,) = json.loads((data_home / "precision.json").read_text()).values()
    assert found["precision"] == expected and found["network"] == "small"
    train(store, tmp_path / "c", batch_size=12)
    assert calls[1:] == [(12, *SHAPE)], "another batch is another question"
    monkeypatch.setattr(precision, "measure", None)
    train(store, tmp_path / "a", 4)
    assert len(json.loads((data_home / "precision.json").read_text())) == 2


@pytest.mark.skipif(not TENSORFLOW, reason="only TensorFlow is asked")
def test_measuring_trains_nothing_and_draws_nothing(store, tmp_path, data_home, monkeypatch):
    monkeypatch.setattr(precision, "STEPS", 1)
    monkeypatch.setattr(precision, "GAIN", np.inf)  # 32 bits, whatever it takes
    measured = train(store, tmp_path / "measured")
    assert measured.record["precision"] == "float32"
    assert same(measured, train(store, tmp_path / "asked", precision="float32"))
    (found,) = json.loads((data_home / "precision.json").read_text()).values()
    assert all(seconds > 0 for seconds in found["seconds_a_step"].values())
