"""Training: what it refuses, what it leaves, and that a killed run ends like an unbroken one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from prcnn import atomic, models, training
from prcnn import store as stores
from prcnn.datasets.dataset import Dataset
from prcnn.training import run_folder
from prcnn.training.batches import batches

GENRES = ["Folk", "Pop", "Rock"]
SHAPE = (12, 8)


def make_store(folder, n=48, genres=GENRES, relabel=None):
    """A real store of noise whose level depends on the genre: 3/4 training, 1/4 validation.

    And half as many test clips, whose labels are all wrong: who looks at them, chooses otherwise.
    """
    folder = Path(folder)
    rng = np.random.default_rng(0)
    table = []
    for i in range(n + n // 2):
        path = folder / f"{i}.npy"
        clip = rng.normal(i % len(genres), 1.0, SHAPE).astype("float32")
        if not path.exists():
            np.save(path, clip)
        split = "test" if i >= n else "validation" if i % 4 == 3 else "training"
        genre = genres[(i + (i >= n)) % len(genres)]
        table.append((str(path), genre, split, f"artist {i}"))
    clips = pd.DataFrame(table, columns=["path", "genre", "split", "artist"])
    clips.index.name = "clip"
    if relabel is not None:
        clips = relabel(clips)
    dataset = Dataset("toy", clips, list(genres))
    return stores.compute(dataset, np.load, SHAPE, "toy", folder, n_jobs=1, progress=False)


def make_model(seed=0, n_genres=3, shape=SHAPE):
    """Small, but with dropout, whose random state has to survive a kill too."""
    start = keras.initializers.GlorotUniform
    x = inputs = keras.Input(shape)
    x = keras.layers.Flatten()(x)
    x = keras.layers.Dropout(0.3, seed=seed)(x)
    x = keras.layers.Dense(n_genres, activation="softmax", kernel_initializer=start(seed))(x)
    return keras.Model(inputs, x, name="toy")


def train(folder, out, epochs=3, model=None, **options):
    """A run of 32 bits: what ``"auto"`` is, the processor of this machine would decide."""
    options = {"precision": "float32", "progress": False} | options
    options = {"batch_size": 12, "learning_rate": 0.01} | options  # even batches: half the tracing
    return training.train(model or make_model(), make_store(folder), epochs, out=out, **options)


def same(first, second):
    """The same history to the last bit, and the same best weights."""
    columns = [c for c in first.history if c != "seconds"]
    pd.testing.assert_frame_equal(first.history[columns], second.history[columns], check_exact=True)
    for a, b in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    return True


@pytest.fixture(scope="module")
def clips(tmp_path_factory):
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="module")
def finished(clips, tmp_path_factory):
    return train(clips, tmp_path_factory.mktemp("runs") / "unbroken")


def test_run_folder_tells_all(finished, clips):
    files = {path.name for path in finished.folder.iterdir()}
    assert files == {"model.keras", "history.csv", "run.json", "state.npz", ".lock"}
    history = pd.read_csv(finished.folder / "history.csv", index_col="epoch")
    pd.testing.assert_frame_equal(history, finished.history, check_exact=False, check_names=False)
    assert list(history.index) == [1, 2, 3]
    record = finished.record
    assert record["finished"] and record["backend"] == keras.backend.backend()
    assert record["settings"]["seed"] == 0 and record["settings"]["learning_rate"] == 0.01
    assert record["store"]["clips"]["training"] == {"Folk": 12, "Pop": 12, "Rock": 12}
    assert record["store"]["fingerprint"] == make_store(clips).fingerprint
    assert record["network"]["parameters"] == models.trainable_parameters(make_model())
    assert record["provenance"]["packages"]["keras"] == keras.__version__
    assert record["best"]["val_accuracy"] == history["val_accuracy"].max()
    assert record["seconds"] == pytest.approx(history["seconds"].sum())


def test_model_holds_the_best_epoch(finished, clips):
    X, y = make_store(clips).arrays("validation")
    saved = keras.saving.load_model(finished.folder / "model.keras")
    assert not saved.compiled
    assert finished.model.genres == GENRES and finished.model.settings == "toy"
    for model in (finished.model, saved):
        accuracy = np.mean(model.predict(X, verbose=0).argmax(1) == y)
        assert accuracy == pytest.approx(finished.history["val_accuracy"].max())
    assert same(finished, training.load_run(finished.folder))


def test_another_seed_is_another_run(finished, clips, tmp_path):
    other = train(clips, tmp_path, seed=1, epochs=1)
    assert other.history.loc[1, "loss"] != finished.history.loc[1, "loss"]


def test_finished_run_is_read_back(finished, clips):
    """By a new network, by the one that it left, and by one that was loaded."""
    before = {path: path.stat().st_mtime_ns for path in finished.folder.iterdir()}
    for model in (None, finished.model, training.load_run(finished.folder).model):
        assert same(finished, train(clips, finished.folder, model=model))
    assert before == {path: path.stat().st_mtime_ns for path in finished.folder.iterdir()}


class Killed(BaseException):
    pass


class Kill(keras.callbacks.Callback):
    """The run has its folder and its record, and has not begun to learn, which takes a second."""

    def on_train_begin(self, logs=None):
        raise Killed


def begin(*call, **options):
    """Begin a run, and no more."""
    with pytest.raises(Killed):
        train(*call, callbacks=Kill(), **options)


def test_killed_at_every_write_ends_the_same(finished, clips, tmp_path, monkeypatch):
    """Killed, interrupted or out of disk; called again with the network as that left it."""
    write_whole, model, seen = atomic.write_whole, make_model(), []
    monkeypatch.chdir(tmp_path)
    X, y = make_store(clips).arrays("validation")

    def kill_at(n):
        written = []

        def kill(path, write):
            written.append(path.name)
            if len(written) < n:
                return write_whole(path, write)
            seen.append(path.name)
            half = path.parent / ".partial-killed" / path.name
            half.parent.mkdir()
            half.write_bytes(b"half a fi")
            raise Killed

        return kill

    for n in (1, 2, 3, 4, 5, 6, 5):  # the first, second, third … file that this call writes
        with monkeypatch.context() as patch:
            patch.setattr(run_folder, "write_whole", kill_at(n))
            with pytest.raises(Killed):
                train(clips, None, model=model)
        (folder,) = Path("runs").iterdir()
        if (folder / "state.npz").exists():  # whole, with the weights that its history names
            reached = training.load_run(folder)
            accuracy = np.mean(reached.model.predict(X, verbose=0).argmax(1) == y)
            assert accuracy == pytest.approx(reached.history["val_accuracy"].max())
    each = ["state.npz", "history.csv"]
    assert seen == ["run.json", *each, *each, "model.keras", "run.json"]
    run = train(clips, None, model=model)
    assert (
        run.folder == folder and same(finished, run) and same(finished, training.load_run(folder))
    )
    assert len(pd.read_csv(folder / "history.csv")) == 3
    saved = keras.saving.load_model(folder / "model.keras").get_weights()
    assert all(map(np.array_equal, saved, run.model.get_weights()))
    assert not list(folder.glob(".partial-*"))


def test_more_epochs_go_on_and_end_as_if_asked_for_at_once(finished, clips, tmp_path):
    model = make_model()
    for epochs in (1, 2, 3):
        run = train(clips, tmp_path, epochs, model)
    assert same(finished, run) and same(finished, training.load_run(tmp_path))
    assert run.record["finished"] and run.record["epochs"] == 3
    assert run.record["settings"] == finished.record["settings"]
    assert run.record["best"] | {"seconds": 0} == finished.record["best"] | {"seconds": 0}


OUTSIDE = """
import os, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
import test_training
test_training.train(sys.argv[2], sys.argv[3], epochs=int(sys.argv[4]))
"""


def test_killed_from_outside_ends_the_same_and_one_trains_at_a_time(clips, tmp_path):
    """SIGKILL at a moment that nobody chose, in a process of its own."""
    epochs, out = 400, tmp_path / "killed"
    process = subprocess.Popen(
        [sys.executable, "-c", OUTSIDE, __file__, clips, out, str(epochs)],
        env=os.environ | {"KERAS_BACKEND": keras.backend.backend()},
    )
    while process.poll() is None and not (out / "history.csv").exists():
        time.sleep(0.01)
    with pytest.raises(training.TrainingError, match=rf"process {process.pid} since \d\d:\d\d"):
        train(clips, out, epochs)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    reached = len(training.load_run(out).history)
    assert 1 <= reached < epochs
    unbroken = train(clips, tmp_path / "unbroken", reached + 2)
    assert same(unbroken, train(clips, out, reached + 2))


@pytest.mark.parametrize("name", ["state.npz", "model.keras", "history.csv", "run.json"])
def test_a_file_that_training_did_not_write_is_kept(clips, tmp_path, name):
    np.savez(tmp_path / "own.npz", precious=1.0)
    (tmp_path / "own.npz").rename(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    with pytest.raises(ValueError, match=rf"{name} is .*not of a .*run"):
        train(clips, tmp_path)
    assert (tmp_path / name).read_bytes() == content and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["run.json", "state.npz"])
def test_a_damaged_file_is_named(finished, tmp_path, name):
    for other in ("run.json", "state.npz"):
        (tmp_path / other).write_bytes((finished.folder / other).read_bytes())
    whole, middle = (tmp_path / name).read_bytes(), (tmp_path / name).stat().st_size // 2
    for damaged in (b"", whole[:middle], b"{}", whole[:middle] + b"\0\xff\0" + whole[middle + 3 :]):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(ValueError, match=rf"{name} is damaged"):
            training.load_run(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(FileNotFoundError, match=f"{name} is missing"):
        training.load_run(tmp_path)


def moved():
    model = make_model()
    model.set_weights([w + 1 for w in model.get_weights()])
    return model


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"epochs": 2}, r"holds 3 epochs of this run, more than epochs=2"),
        ({"seed": 1}, r"seed \(0, now 1\)"),
        ({"batch_size": 7}, r"batch_size \(12, now 7\)"),
        ({"learning_rate": 0.1}, r"learning_rate \(0.01, now 0.1\)"),
        ({"recipe": training.Recipe(ema=0.5)}, r"ema \(0.0, now 0.5\)"),
        ({"recipe": training.Recipe(options={"momentum": 0.5})}, r"options .*momentum.: 0.5"),
        ({"recipe": "beyond"}, "ema .*augment"),
        ({"precision": "mixed"}, r"precision \(float32, now mixed\)"),
        ({"early_stopping": 3}, r"early_stopping \(None, now 3\)"),
        ({"model": make_model(seed=1)}, "network.*initial weights"),
        ({"model": moved()}, "other initial weights"),
    ],
)
def test_another_run_in_the_folder_is_named(finished, clips, change, named):
    with pytest.raises(ValueError, match=named):
        train(clips, finished.folder, **change)


def test_another_dataset_in_the_folder_is_named(finished, tmp_path, clips):
    other = make_store(clips, relabel=lambda c: c.assign(split=c["split"].to_numpy()[::-1]))
    for store in (make_store(tmp_path, n=40), other):
        with pytest.raises(ValueError, match="other data"):
            training.train(
                make_model(), store, 3, out=finished.folder, batch_size=12, learning_rate=0.01
            )


def test_default_folder_is_of_one_run(clips, tmp_path, monkeypatch, recwarn):
    monkeypatch.chdir(tmp_path)
    model = make_model()
    first = train(clips, None, 1, model).folder
    assert first.parent == Path("runs") and first.name.startswith("toy-toy-seed0-")
    assert train(clips, None, 1).folder == first, "the same call is the same run"
    assert train(clips, None, 2, model).folder == first, "more epochs go on in it"
    assert "trained before" not in str([warning.message for warning in recwarn])
    for change in ({"seed": 1}, {"learning_rate": 0.1}, {"model": make_model(1)}):
        begin(clips, None, 1, **change)
    assert len(list(Path("runs").iterdir())) == 4, "another call is another run"
    with pytest.warns(UserWarning, match="has been trained before.*build the network anew"):
        begin(clips, None, 1, model=model, seed=1)
    assert len(list(Path("runs").iterdir())) == 5


def test_an_epoch_is_what_fit_makes_of_it(clips, tmp_path):
    store = make_store(clips)
    # Without its dropout: fit draws one number more, when it first looks at a batch.
    first, second = (
        keras.Sequential([layer for layer in make_model().layers if "dropout" not in layer.name])
        for _ in range(2)
    )
    recipe = training.Recipe(batch_size=7)
    run = training.train(first, store, 1, out=tmp_path, recipe=recipe, progress=False)
    second.compile("rmsprop", "sparse_categorical_crossentropy", metrics=["accuracy"])
    second.optimizer.learning_rate = 5e-4
    fitted = second.fit(
        batches(store, "training", recipe, 1),  # the last batch is smaller
        validation_data=batches(store, "validation", recipe),
        steps_per_epoch=6,
        validation_steps=2,
        shuffle=False,
        verbose=0,
    )
    for a, b in zip(run.model.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    for name, (value,) in fitted.history.items():
        assert run.history.loc[1, name] == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("lost", [1, 2])
def test_loss_that_is_not_a_number_names_the_epoch_and_keeps_those_before(clips, tmp_path, lost):
    class Diverge(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            nan = np.nan if epoch + 1 == lost else 1
            self.model.set_weights([w * nan for w in self.model.get_weights()])

    model = make_model()
    with pytest.raises(training.TrainingError, match=f"loss is nan in epoch {lost}.*learning rate"):
        train(clips, tmp_path, model=model, callbacks=Diverge())
    assert (tmp_path / "state.npz").exists() == (lost == 2)
    assert lost == 1 or len(training.load_run(tmp_path).history) == 1
    assert all(map(np.array_equal, model.get_weights(), make_model().get_weights()))


def test_network_that_does_not_fit_the_store(clips, tmp_path):
    with pytest.raises(ValueError, match=r"takes \(20, 8\).*input_shape=\(12, 8\)"):
        train(clips, tmp_path, model=make_model(shape=(20, 8)))
    with pytest.raises(ValueError, match="n_genres=3"):
        train(clips, tmp_path, model=make_model(n_genres=8))


@pytest.mark.parametrize(
    ("name", "values"),
    {
        "epochs": [0, 2.9, "3", None],
        "seed": [-1, None, 0.5],
        "early_stopping": [0, -3, False, 1.5],
        "batch_size": [0, 2.5],
        "learning_rate": [0, float("nan"), "fast"],
        "precision": ["half"],
        "recipe": ["papre", 3, {}],
        "callbacks": [keras.callbacks.History, ["log"]],
    }.items(),
)
def test_values_that_cannot_be_are_named(clips, tmp_path, name, values):
    for value in values:
        with pytest.raises(ValueError, match=f"^{name} must be .*, not "):
            train(clips, tmp_path, **{name: value})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("split", ["training", "validation"])
def test_empty_split(tmp_path, split):
    def without(clips):
        return clips[clips["split"] != split]

    with pytest.raises(ValueError, match=f"No clips in split '{split}' of 'toy'"):
        training.train(make_model(), make_store(tmp_path, relabel=without), 1, out=tmp_path)


@pytest.mark.parametrize(
    ("keep", "warning"),
    [
        (lambda c: (c["genre"] == "Rock") | (c["split"] == "training"), "All 4 validation clips"),
        (lambda c: (c["genre"] != "Rock") | (c["split"] != "training"), "1 of 3 genres have no"),
        (lambda c: (c["genre"] != "Rock") | (c.index < 14), r"Folk has 12 clips, Rock 3"),
    ],
)
def test_what_will_not_be_learned_is_counted(tmp_path, keep, warning):
    store = make_store(tmp_path, relabel=lambda clips: clips[keep(clips)])
    with pytest.warns(UserWarning, match=warning):
        training.train(make_model(), store, 1, out=tmp_path / "run", progress=False)


def test_the_earlier_of_equal_epochs_is_best_and_it_stops_early_when_asked(clips, tmp_path, capsys):
    still = {"epochs": 4, "learning_rate": 1e-12}  # nothing moves
    run = train(clips, tmp_path, early_stopping=2, progress=True, **still)
    assert run.history["val_accuracy"].max() == run.history["val_accuracy"].min()
    assert list(run.history.index) == [1, 2, 3] and run.record["best"]["epoch"] == 1
    shown = capsys.readouterr()  # one bar over epochs
    assert "3/4" in shown.err and "val_acc=" in shown.err and shown.out == ""


def test_the_last_epoch_is_kept_where_the_recipe_says_so(clips, tmp_path):
    class Spoil(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                self.model.set_weights([0 * w for w in self.model.get_weights()])

    still = {"recipe": training.Recipe(keep="last"), "learning_rate": 1e-12}
    train(clips, tmp_path, 2, **still)
    run = train(clips, tmp_path, 3, callbacks=Spoil(), **still)
    assert run.record["best"]["epoch"] == 3
    assert max(np.abs(w).max() for w in run.model.get_weights()) < 1e-6
    assert same(run, training.load_run(tmp_path))
