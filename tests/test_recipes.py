"""Recipes: schedules, averages of weights, optimizers and callbacks, and that all are resumed."""

import json

import keras
import numpy as np
import pytest
from test_training import Killed, make_model, make_store, same, train

from prcnn import atomic, training
from prcnn.training import BEYOND, PAPER, Augment, recipes, run_folder
from prcnn.training.batches import Batches

EVERYTHING = {
    "schedule": "one_cycle",
    "ema": 0.9,
    "augment": Augment(True, 1, 3.0, 3.0, 1, 1, 0.2, 0.4),
    "optimizer": keras.optimizers.AdamW(0.01, weight_decay=0.02, global_clipnorm=1.0),
}


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return tmp_path_factory.mktemp("clips")


def test_networks_have_the_recipe_that_they_are_named_for(clips, tmp_path):
    assert recipes.recipe("beyond") is BEYOND and recipes.recipe("cnn5") is PAPER
    model = make_model()
    model.name = "beyond"
    run = training.train(model, make_store(clips), 1, out=tmp_path / "b", progress=False)
    said = run.record["settings"]
    assert (said["optimizer"]["class"], said["learning_rate"]) == ("AdamW", BEYOND.learning_rate)
    assert (said["optimizer"]["global_clipnorm"], said["optimizer"]["weight_decay"]) == (1.0, 0.02)
    assert (said["schedule"], said["ema"], said["label_smoothing"]) == ("one_cycle", 0.995, 0.1)
    assert Augment(**said["augment"]) == BEYOND.augment
    said = training.train(make_model(), make_store(clips), 1, out=tmp_path / "p", progress=False)
    said = said.record["settings"]
    assert (said["optimizer"]["class"], said["learning_rate"]) == ("RMSprop", 5e-4)
    assert (said["schedule"], said["ema"], said["batch_size"]) == ("constant", 0, 64)
    assert Augment(**said["augment"]) == Augment()


@pytest.mark.parametrize("moment", ["state.npz", "model.keras"])
def test_a_killed_run_with_everything_ends_the_same(clips, tmp_path, monkeypatch, moment):
    """Average of weights, step of the schedule, chance of the augmentation: nothing is lost."""
    unbroken = train(clips, tmp_path / "unbroken", epochs=4, **EVERYTHING)
    write_whole, seen = atomic.write_whole, []

    def kill(path, write):
        write_whole(path, write)
        seen.append(path.name)
        if path.name == moment and len(training.load_run(path.parent).history) == 2:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "write_whole", kill)
        try:
            train(clips, tmp_path / "killed", epochs=4, **EVERYTHING)
        except Killed:
            pass
    assert same(unbroken, train(clips, tmp_path / "killed", epochs=4, **EVERYTHING))


def test_a_schedule_of_so_many_epochs_does_not_go_on_to_more(clips, tmp_path, monkeypatch):
    train(clips, tmp_path / "run", epochs=2, **EVERYTHING)
    with pytest.raises(ValueError, match=r"epochs \(2, now 3\).*'one_cycle'.*another folder"):
        train(clips, tmp_path / "run", epochs=3, **EVERYTHING)
    monkeypatch.chdir(tmp_path)
    names = {train(clips, None, epochs=n, **EVERYTHING).folder for n in (1, 2)}
    assert len(names) == 2


def test_learning_rate_halves_as_kerass_own_callback_does():
    """Keras's ReduceLROnPlateau is the oracle, over accuracies that rise, stall and fall."""
    rng = np.random.default_rng(1)
    accuracies = np.round(0.5 + rng.normal(0, 0.01, 80).cumsum() / 5, 3)
    settings = {"learning_rate": 5e-4, "schedule": "plateau"}
    model = make_model()
    model.compile(keras.optimizers.RMSprop(5e-4), "mse")
    callback = keras.callbacks.ReduceLROnPlateau(
        "val_accuracy", factor=0.5, patience=10, min_delta=0.01, mode="max"
    )
    callback.set_model(model)
    callback.on_train_begin()
    for n, accuracy in enumerate(accuracies, start=1):
        callback.on_epoch_end(n - 1, {"val_accuracy": accuracy})
        expected = float(model.optimizer.learning_rate)
        found = recipes.rates(settings, accuracies[:n], 3)
        assert found == pytest.approx([expected] * 3)
    assert expected < 5e-4
    assert recipes.rates(settings | {"schedule": "constant"}, accuracies, 3) is None


def test_one_cycle_rises_in_a_line_and_falls_in_a_cosine():
    settings = {"learning_rate": 2.0, "schedule": "one_cycle", "epochs": 10}
    found = np.concatenate([recipes.rates(settings, [0.5] * done, 10) for done in range(10)])
    assert found[0] == pytest.approx(0.08) and found.argmax() == 30 and found[30] == 2.0
    np.testing.assert_allclose(np.diff(found[:31]), 1.92 / 30)
    assert found[65] == pytest.approx(1.0) and 0 < found[-1] < 0.01


def test_rates_are_those_of_the_steps_taken(clips, tmp_path):
    seen = []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(float(self.model.optimizer.learning_rate))

    run = train(clips, tmp_path, epochs=3, schedule="one_cycle", callbacks=[Watch()])
    expected = [0.01 * recipes.one_cycle(i, 12) for i in range(12)]
    assert seen == pytest.approx(expected)
    assert run.history["learning_rate"].tolist() == pytest.approx(expected[3::4])


def test_the_average_of_the_weights_is_validated_and_kept(clips, tmp_path):
    """Followed from outside over two epochs, beside the weights that every step leaves."""
    weights, averages = [], []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            weights.append(self.model.get_weights())

        def on_epoch_end(self, epoch, logs=None):
            averages.append(self.model.get_weights())

    model = make_model()
    average, expected = model.get_weights(), []
    run = train(clips, tmp_path, epochs=2, model=model, ema=0.9, callbacks=[Watch()])
    for i, now in enumerate(weights):
        left = min(0.9, (1 + i) / (10 + i))
        average = [left * a + (1 - left) * b for a, b in zip(average, now, strict=True)]
        expected += [average] * (i in (3, 7))
    for found, wanted, last in zip(averages, expected, (weights[3], weights[7]), strict=True):
        for a, b, c in zip(found, wanted, last, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5)
            assert not np.allclose(a, c, rtol=1e-4)
    for a, b in zip(
        run.model.get_weights(), averages[run.record["best"]["epoch"] - 1], strict=True
    ):
        np.testing.assert_array_equal(a, b)
    X, y = make_store(clips).arrays("validation")
    rows = run.model.predict(X, verbose=0)
    assert run.record["best"]["val_accuracy"] == pytest.approx(np.mean(rows.argmax(1) == y))
    loss = -np.log(rows[np.arange(len(y)), y]).mean()
    assert run.record["best"]["val_loss"] == pytest.approx(loss, rel=1e-4)


def test_statistics_of_batch_norm_are_averaged_too(clips, tmp_path):
    x = inputs = keras.Input((12, 8))
    x = keras.layers.Flatten()(keras.layers.BatchNormalization(momentum=0.5, name="norm")(x))
    x = keras.layers.Dense(3, activation="softmax", kernel_initializer="zeros")(x)
    model, seen = keras.Model(inputs, x, name="toy"), []

    class Watch(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(np.array(self.model.get_layer("norm").moving_mean))

    run = train(clips, tmp_path, epochs=1, model=model, ema=0.9, callbacks=[Watch()])
    mean = np.zeros(8)
    for i, now in enumerate(seen):
        mean += (1 - min(0.9, (1 + i) / (10 + i))) * (now - mean)
    np.testing.assert_allclose(run.model.get_layer("norm").moving_mean, mean, rtol=1e-5)


def test_an_optimizer_is_used_with_its_settings_and_not_changed(clips, tmp_path):
    mine = keras.optimizers.SGD(0.05, momentum=0.9)
    run = train(clips, tmp_path / "a", epochs=1, optimizer=mine, learning_rate=None)
    said = run.record["settings"]
    assert said["optimizer"]["class"] == "SGD" and said["optimizer"]["momentum"] == 0.9
    assert said["learning_rate"] == 0.05 and not mine.built
    assert run.history.loc[1, "learning_rate"] == pytest.approx(0.05)
    other = train(clips, tmp_path / "b", epochs=1, optimizer=mine, learning_rate=0.1)
    assert other.record["settings"]["learning_rate"] == 0.1
    assert same(run, train(clips, tmp_path / "a", epochs=1, optimizer=mine, learning_rate=None))


def test_an_optimizer_with_a_schedule_of_its_own_keeps_it(clips, tmp_path):
    falling = keras.optimizers.schedules.ExponentialDecay(0.1, 1, 0.5)
    mine = {"optimizer": keras.optimizers.SGD(falling), "learning_rate": None}
    unbroken = train(clips, tmp_path / "a", epochs=2, **mine)
    assert unbroken.history.loc[2, "learning_rate"] == pytest.approx(0.1 * 0.5**8)
    train(clips, tmp_path / "b", epochs=1, **mine)
    assert same(unbroken, train(clips, tmp_path / "b", epochs=2, **mine))
    with pytest.raises(ValueError, match="schedule of its own"):
        train(clips, tmp_path / "c", schedule="one_cycle", **mine)


def test_a_compiled_network_is_trained_with_its_optimizer_and_stays_compiled(clips, tmp_path):
    model = make_model()
    mine = keras.optimizers.Adam(0.02)
    model.compile(mine, "sparse_categorical_crossentropy", metrics=["mae"])
    run = train(clips, tmp_path / "compiled", epochs=1, model=model, learning_rate=None)
    assert run.record["settings"]["optimizer"]["class"] == "Adam"
    assert run.record["settings"]["learning_rate"] == 0.02
    assert model.optimizer is mine and not mine.built and run.model is model
    named = train(clips, tmp_path / "named", epochs=1, optimizer=mine, learning_rate=None)
    assert same(run, named)
    assert not named.model.compiled, "and one that was not compiled is not compiled after it"
    assert not keras.saving.load_model(tmp_path / "named" / "model.keras").compiled
    model.compile(mine, "mse")
    with pytest.raises(ValueError, match=r"loss 'mse'.*cross-entropy"):
        train(clips, tmp_path / "mse", model=model)


def test_callbacks_are_told_what_fit_would_tell_them(clips, tmp_path):
    told = []

    class Watch(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            told.append("begin")

        def on_epoch_begin(self, epoch, logs=None):
            told.append(epoch)

        def on_epoch_end(self, epoch, logs=None):
            told.append(logs)
            self.model.stop_training = epoch == 1

        def on_train_end(self, logs=None):
            told.append("end")

    run = train(clips, tmp_path / "run", epochs=9, callbacks=[Watch()])
    begin, first, logs, second, _, end = told
    assert (begin, first, second, end) == ("begin", 0, 1, "end")
    assert set(logs) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert logs["val_loss"] == run.history.loc[1, "val_loss"]
    assert len(run.history) == 2 and run.record["finished"]
    assert same(train(clips, tmp_path / "other", epochs=2), run), "watching changes nothing"


def test_a_callback_may_set_the_learning_rate(clips, tmp_path):
    halve = keras.callbacks.LearningRateScheduler(lambda epoch, rate: 0.01 * 0.5**epoch)
    run = train(clips, tmp_path, epochs=3, callbacks=[halve])
    assert run.history["learning_rate"].tolist() == pytest.approx([0.01, 0.005, 0.0025])


def test_augmentation_takes_spectrograms(clips, tmp_path):
    store = make_store(clips)
    inputs = keras.Input((96,))
    model = keras.Model(inputs, keras.layers.Dense(3, activation="softmax")(inputs), name="flat")
    flat = type(store)(**{**vars(store), "shape": (96,)})
    with pytest.raises(ValueError, match=r"no spectrograms.*augment=Augment\(\)"):
        training.train(model, flat, 1, out=tmp_path, augment=Augment(gain=1.0))


def test_mixed_clips_are_trained_with_mixed_labels(clips, tmp_path):
    run = train(clips, tmp_path, epochs=1, augment=Augment(mixup=0.4))
    settings = json.loads((tmp_path / "run.json").read_text())["settings"]
    X, y = Batches(make_store(clips), "training", settings, 1)[0]
    assert X.shape == (10, 12, 8) and y.shape == (10, 3) and ((y > 0.01).sum(axis=1) == 2).any()
    assert 0 < run.history.loc[1, "loss"] < 5
