"""Recipes: schedules, averages of weights, optimizers and callbacks, and that all are resumed."""

import dataclasses
import json
from pathlib import Path

import keras
import numpy as np
import pytest
from test_training import Killed, begin, make_model, make_store, same, train

from prcnn import training
from prcnn.training import RECIPES, Augment, Recipe

EVERYTHING = Recipe(
    optimizer="AdamW",
    options={"weight_decay": 0.02, "global_clipnorm": 1.0},
    schedule="one_cycle",
    label_smoothing=0.1,
    ema=0.9,
    augment=Augment(True, 1, 3.0, 3.0, 1, 1, 0.2, 0.4),
)
FALLING = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return tmp_path_factory.mktemp("clips")


def test_networks_have_the_recipe_that_they_are_named_for(clips, tmp_path):
    plain = {"batch_size": None, "learning_rate": None}
    calls = (("beyond", None, "beyond"), ("cnn5", None, "paper"), ("beyond", "paper", "paper"))
    for i, (name, asked, own) in enumerate(calls):
        model = make_model()
        model.name = name
        begin(clips, tmp_path / str(i), model=model, recipe=asked, **plain)
        settings = json.loads((tmp_path / str(i) / "run.json").read_text())["settings"]
        assert RECIPES[own].settings().items() <= settings.items()
    assert (settings["optimizer"], settings["learning_rate"]) == ("RMSprop", 5e-4)


def test_a_killed_run_ends_the_same(clips, tmp_path):
    """Average of weights, step of the schedule, chance of the augmentation: nothing is lost."""

    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise Killed

    unbroken = train(clips, tmp_path / "unbroken", recipe=EVERYTHING)
    with pytest.raises(Killed):
        train(clips, tmp_path / "killed", recipe=EVERYTHING, callbacks=Stop())
    assert same(unbroken, train(clips, tmp_path / "killed", recipe=EVERYTHING))


def test_a_schedule_of_so_many_epochs_does_not_go_on_to_more(clips, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for epochs in (1, 2):
        begin(clips, None, epochs, recipe=EVERYTHING)
    assert len(list(Path("runs").iterdir())) == 2
    begin(clips, tmp_path / "own", 1, recipe=EVERYTHING)
    with pytest.raises(ValueError, match=r"epochs of one_cycle \(1, now 2\).*another folder"):
        train(clips, tmp_path / "own", 2, recipe=EVERYTHING)


def test_one_cycle_rises_in_a_line_and_falls_in_a_cosine():
    recipe = Recipe(learning_rate=2.0, schedule="one_cycle")
    schedule = recipe.make_optimizer(100).get_config()["learning_rate"]
    schedule = keras.optimizers.schedules.deserialize(schedule)
    found = np.array([float(schedule(step)) for step in range(101)])
    assert found[0] == pytest.approx(0.08) and found.argmax() == 30 and found[30] == 2.0
    np.testing.assert_allclose(np.diff(found[:31]), 1.92 / 30, rtol=1e-4)
    assert found[65] == pytest.approx(1.0) and 0 < found[99] < 0.01 and found[100] < 1e-6


def test_a_learning_rate_may_be_a_schedule_of_kerass(clips, tmp_path):
    for epochs in (1, 2):
        run = train(clips, tmp_path, epochs, learning_rate=FALLING, recipe=Recipe("SGD"))
    assert run.history["learning_rate"].tolist() == pytest.approx([0.1 / 8, 0.1 / 64])
    other = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.6)
    with pytest.raises(ValueError, match="other learning_rate"):
        train(clips, tmp_path, 2, learning_rate=other, recipe=Recipe("SGD"))


def test_values_that_cannot_be():
    for name, value in (
        ("optimizer", "SGB"),
        ("optimizer", "get"),
        ("optimizer", keras.optimizers.SGD()),
        ("schedule", "one"),
        ("ema", 1.0),
        ("label_smoothing", -0.1),
        ("batch_size", 2.5),
    ):
        with pytest.raises(ValueError, match=f"^{name} must be"):
            Recipe(**{name: value})
    with pytest.raises(ValueError, match="schedule must be"):
        Recipe(learning_rate=FALLING, schedule="one_cycle")


def test_the_average_of_the_weights_is_validated_and_kept(clips, tmp_path):
    """Followed from outside over two epochs, with the statistics of batch normalisation."""
    x = inputs = keras.Input((12, 8))
    x = keras.layers.Flatten()(keras.layers.BatchNormalization(momentum=0.5)(x))
    x = keras.layers.Dense(3, activation="softmax", kernel_initializer="zeros")(x)
    model, weights, averages = keras.Model(inputs, x, name="toy"), [], []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            weights.append(self.model.get_weights())

        def on_epoch_end(self, epoch, logs=None):
            averages.append(self.model.get_weights())

    average, expected = model.get_weights(), []
    recipe = Recipe(ema=0.9)
    run = train(clips, tmp_path, epochs=2, model=model, recipe=recipe, callbacks=Watch())
    for i, now in enumerate(weights):
        left = min(0.9, (1 + i) / (10 + i))
        average = [left * a + (1 - left) * b for a, b in zip(average, now, strict=True)]
        expected += [average] * (i in (2, 5))
    for found, wanted in zip(averages, expected, strict=True):
        for a, b in zip(found, wanted, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    best = run.record["best"]
    assert all(map(np.array_equal, run.model.get_weights(), averages[best["epoch"] - 1]))
    X, y = make_store(clips).arrays("validation")
    rows = run.model.predict(X, verbose=0)
    assert best["val_accuracy"] == pytest.approx(np.mean(rows.argmax(1) == y))
    loss = -np.log(rows[np.arange(len(y)), y]).mean()
    assert best["val_loss"] == pytest.approx(loss, rel=1e-4)


def test_a_compiled_network_is_trained_with_its_optimizer_and_stays_compiled(clips, tmp_path):
    model, mine = make_model(), keras.optimizers.SGD(0.02, momentum=0.9)
    model.compile(mine, keras.losses.SparseCategoricalCrossentropy(), metrics=["mae"])
    run = train(clips, tmp_path / "compiled", epochs=1, model=model, learning_rate=None)
    assert run.record["settings"]["optimizer"] == "SGD"
    assert run.record["settings"]["learning_rate"] == 0.02
    assert model.optimizer is mine and not mine.built and run.model is model
    named = Recipe("SGD", 0.02, {"momentum": 0.9})
    assert same(run, train(clips, tmp_path / "named", 1, learning_rate=None, recipe=named))
    for loss in (
        "mse",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.4),
    ):
        model.compile(mine, loss)
        with pytest.raises(ValueError, match=r"compiled with the loss.*cross-entropy"):
            train(clips, tmp_path / "other", model=model)


def test_callbacks_are_told_what_fit_would_tell_them(clips, tmp_path):
    told = []

    class Watch(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            told.append("begin")

        def on_epoch_begin(self, epoch, logs=None):
            told.append(epoch)
            self.model.optimizer.learning_rate = 0.01 * 0.5**epoch

        def on_epoch_end(self, epoch, logs=None):
            told.append(logs)
            self.model.stop_training = epoch == 1

        def on_train_end(self, logs=None):
            told.append("end")

    run = train(clips, tmp_path, epochs=9, callbacks=[Watch()])
    begin, first, logs, second, _, end = told
    assert (begin, first, second, end) == ("begin", 0, 1, "end")
    assert set(logs) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert logs["val_loss"] == run.history.loc[1, "val_loss"]
    assert run.history["learning_rate"].tolist() == pytest.approx([0.01, 0.005])
    assert run.record["finished"]


def test_augmentation_takes_spectrograms(clips, tmp_path):
    flat = dataclasses.replace(make_store(clips), shape=(96,))
    inputs = keras.Input((96,))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(inputs), name="flat")
    with pytest.raises(ValueError, match=r"augment must be Augment\(\)"):
        training.train(model, flat, 1, out=tmp_path, recipe="beyond")
