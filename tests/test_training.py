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
from prcnn.training import fit, run_folder
from prcnn.training.batches import Batches

GENRES = ["Folk", "Pop", "Rock"]
SHAPE = (12, 8)


def make_store(folder, n=48, genres=GENRES, spoil=None, relabel=None):
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
            np.save(path, clip if spoil is None else np.full(SHAPE, spoil, "float32"))
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
    options = {"batch_size": 10, "learning_rate": 0.01, "progress": False} | options
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
    assert files == {"model.keras", "history.csv", "run.json", "state.npz"}
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
    accuracy = np.mean(finished.model.predict(X, verbose=0).argmax(1) == y)
    assert accuracy == pytest.approx(finished.history["val_accuracy"].max())
    assert same(finished, training.load_run(finished.folder))


def test_earlier_of_equal_epochs_is_best(clips, tmp_path):
    run = train(clips, tmp_path, epochs=2, learning_rate=1e-12)  # nothing moves
    assert run.history["val_accuracy"].max() == run.history["val_accuracy"].min()
    assert run.record["best"]["epoch"] == 1


def test_same_seed_same_run_other_seed_other_run(finished, clips, tmp_path):
    assert same(finished, train(clips, tmp_path / "again"))
    other = train(clips, tmp_path / "other", seed=1, epochs=1)
    assert other.history.loc[1, "loss"] != finished.history.loc[1, "loss"]


def test_finished_run_returns_at_once(finished, clips, monkeypatch):
    monkeypatch.setattr(keras.Model, "fit", None)
    before = {path: path.stat().st_mtime_ns for path in finished.folder.iterdir()}
    assert same(finished, train(clips, finished.folder))
    assert same(finished, train(clips, finished.folder, model=finished.model))  # trained by now
    assert before == {path: path.stat().st_mtime_ns for path in finished.folder.iterdir()}


class Killed(BaseException):
    pass


WRITES = [("run.json", 1), ("state.npz", 1), ("state.npz", 2), ("model.keras", 2)]
WRITES += [("history.csv", 2), ("run.json", 2)]


@pytest.mark.parametrize("moment", ["within", "after"])
@pytest.mark.parametrize(("name", "n"), WRITES)
def test_killed_at_any_write_ends_the_same(finished, clips, tmp_path, monkeypatch, name, n, moment):
    """Die within or after each kind of write, go on, and compare with an unbroken run."""
    write_whole, seen = atomic.write_whole, []

    def kill(path, write):
        seen.append(path.name)
        if path.name != name or seen.count(name) != n:
            return write_whole(path, write)
        if moment == "within":
            half = path.parent / ".partial-killed" / path.name
            half.parent.mkdir()
            half.write_bytes(b"half a fi")
        elif moment == "after":
            write_whole(path, write)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(run_folder, "write_whole", kill)
        with pytest.raises(Killed):
            train(clips, tmp_path)
    run = train(clips, tmp_path)
    assert same(finished, run) and same(finished, training.load_run(tmp_path))
    assert len(pd.read_csv(tmp_path / "history.csv")) == 3
    assert not list(tmp_path.glob(".partial-*"))


def test_load_run_after_any_kill_has_the_weights_that_its_history_names(
    clips, tmp_path, monkeypatch
):
    """Also between the state and the network, and before there is a network at all."""
    write_whole = atomic.write_whole
    X, y = make_store(clips).arrays("validation")
    monkeypatch.setattr(run_folder, "write_whole", write_whole)
    for n in (1, 2):

        def kill(path, write, n=n):
            if path.name == "model.keras" and len(training.load_run(tmp_path).history) == n:
                raise Killed
            write_whole(path, write)

        with monkeypatch.context() as patch:
            patch.setattr(run_folder, "write_whole", kill)
            with pytest.raises(Killed):
                train(clips, tmp_path)
        run = training.load_run(tmp_path)
        accuracy = np.mean(run.model.predict(X, verbose=0).argmax(1) == y)
        assert accuracy == pytest.approx(run.history["val_accuracy"].max())


@pytest.mark.parametrize("name", ["state.npz", "model.keras", "history.csv", "run.json"])
def test_a_file_that_training_did_not_write_is_kept(clips, tmp_path, name):
    np.savez(tmp_path / "own.npz", precious=1.0)
    (tmp_path / "own.npz").rename(tmp_path / name)
    content = (tmp_path / name).read_bytes()
    with pytest.raises(ValueError, match=rf"{name} is not of a training run"):
        train(clips, tmp_path)
    assert (tmp_path / name).read_bytes() == content and len(list(tmp_path.iterdir())) == 1


def test_a_state_that_training_did_not_write_is_named(clips, tmp_path):
    train(clips, tmp_path, epochs=1)
    np.savez(tmp_path / "state.npz", precious=1.0)
    with pytest.raises(ValueError, match=r"state\.npz is not of a training run"):
        train(clips, tmp_path)


def test_more_epochs_go_on_and_end_as_if_asked_for_at_once(finished, clips, tmp_path, monkeypatch):
    train(clips, tmp_path, epochs=1)
    assert training.load_run(tmp_path).record["finished"]
    with monkeypatch.context() as patch:  # killed when the longer run has said that it begins
        patch.setattr(fit, "_epoch", None)
        with pytest.raises(TypeError):
            train(clips, tmp_path, epochs=3)
    assert not training.load_run(tmp_path).record["finished"]
    run = train(clips, tmp_path, epochs=3)
    assert same(finished, run) and same(finished, training.load_run(tmp_path))
    assert run.record["finished"] and run.record["epochs"] == 3
    assert run.record["settings"] == finished.record["settings"]
    assert run.record["best"] | {"seconds": 0} == finished.record["best"] | {"seconds": 0}


KILLED_FROM_OUTSIDE = """
import os, sys
sys.path.insert(0, os.path.dirname(sys.argv[1]))
import test_training
test_training.train(sys.argv[2], sys.argv[3], epochs=int(sys.argv[4]))
"""


def test_killed_from_outside_ends_the_same(clips, tmp_path):
    """SIGKILL at a moment that nobody chose, in a process of its own."""
    epochs, out = 20, tmp_path / "killed"
    unbroken = train(clips, tmp_path / "unbroken", epochs)
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_FROM_OUTSIDE, __file__, clips, out, str(epochs)],
        env=os.environ | {"KERAS_BACKEND": keras.backend.backend()},
    )
    while process.poll() is None and lines(out) < 3:
        time.sleep(0.01)
    time.sleep(np.random.default_rng().uniform(0, 0.3))
    process.kill()
    assert process.wait() == -signal.SIGKILL and 3 <= lines(out) <= epochs
    assert same(unbroken, train(clips, out, epochs))


def lines(out):
    path = Path(out) / "history.csv"
    return len(path.read_text().splitlines()) if path.exists() else 0


def test_interrupted_and_called_again_in_the_same_session(finished, clips, tmp_path, monkeypatch):
    """As in a notebook: the model that was stopped in its second epoch is handed in again."""
    epoch, calls = fit._epoch, []

    def stop(*arguments):
        result = epoch(*arguments)
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return result

    model = make_model()
    monkeypatch.setattr(fit, "_epoch", stop)
    with pytest.raises(KeyboardInterrupt):
        train(clips, tmp_path, model=model)
    assert same(finished, train(clips, tmp_path, model=model))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"epochs": 2}, r"holds 3 epochs of this run, more than epochs=2"),
        ({"seed": 1}, r"seed \(0, now 1\)"),
        ({"batch_size": 7}, r"batch_size \(10, now 7\)"),
        ({"learning_rate": 0.1}, r"learning_rate \(0.01, now 0.1\)"),
        ({"schedule": "plateau"}, r"schedule \(constant, now plateau\)"),
        ({"ema": 0.9}, r"ema \(0.0, now 0.9\)"),
        ({"augment": training.Augment(gain=3.0)}, "augment"),
        ({"optimizer": keras.optimizers.SGD(0.01)}, "optimizer"),
        ({"precision": "mixed"}, r"precision \(float32, now mixed\)"),
        ({"early_stopping": 3}, "early_stopping"),
        ({"model": "seed"}, r"network \(toy, its settings or seed differ\)"),
        ({"model": "weights"}, "initial weights"),
    ],
)
def test_another_run_in_the_folder_is_named(finished, clips, change, named):
    if change.get("model") == "seed":
        change = {"model": make_model(seed=1)}
    elif change.get("model") == "weights":
        model = make_model()
        model.set_weights([w + 1 for w in model.get_weights()])
        change = {"model": model}
    with pytest.raises(ValueError, match=named):
        train(clips, finished.folder, **change)


def test_another_dataset_in_the_folder_is_named(finished, tmp_path, clips):
    moved = make_store(clips, relabel=lambda c: c.assign(split=c["split"].to_numpy()[::-1]))
    for other in (make_store(tmp_path, n=40), moved):
        with pytest.raises(ValueError, match="data"):
            training.train(
                make_model(), other, 3, out=finished.folder, batch_size=10, learning_rate=0.01
            )


class Listed(keras.utils.PyDataset):
    """Batches for fit."""

    def __init__(self, batches):
        super().__init__()
        self.batches = list(batches)

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, i):
        return self.batches[i]


def test_an_epoch_is_what_fit_makes_of_it(clips, tmp_path):
    store = make_store(clips)
    # Without its dropout: fit draws one number more, when it first looks at a batch.
    first, second = (
        keras.Sequential([layer for layer in make_model().layers if "dropout" not in layer.name])
        for _ in range(2)
    )
    run = training.train(first, store, 1, out=tmp_path, batch_size=7, progress=False)
    second.compile(
        keras.optimizers.RMSprop(5e-4), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    settings = run.record["settings"]
    fitted = second.fit(
        Listed(Batches(store, "training", settings, 1)),  # the last batch is smaller
        validation_data=store.stream("validation", 7),
        shuffle=False,
        verbose=0,
    )
    for a, b in zip(run.model.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    for name, (value,) in fitted.history.items():
        assert run.history.loc[1, name] == pytest.approx(value, abs=1e-5)


def test_loss_that_is_not_a_number_names_the_epoch(tmp_path):
    with pytest.raises(training.TrainingError, match=r"loss is nan in epoch 1.*learning rate"):
        training.train(make_model(), make_store(tmp_path, spoil=3e38), 2, out=tmp_path / "run")
    assert not (tmp_path / "run" / "state.npz").exists()


def test_loss_lost_later_keeps_the_earlier_epochs(clips, tmp_path, monkeypatch):
    epoch, model = fit._epoch, make_model()

    def diverge(learner, *arguments):
        if (tmp_path / "state.npz").exists():
            model.set_weights([w * np.nan for w in model.get_weights()])
        return epoch(learner, *arguments)

    monkeypatch.setattr(fit, "_epoch", diverge)
    with pytest.raises(training.TrainingError, match="epoch 2"):
        train(clips, tmp_path, model=model)
    assert len(training.load_run(tmp_path).history) == 1
    assert np.isfinite(np.concatenate([w.ravel() for w in model.get_weights()])).all()


def test_network_that_does_not_fit_the_store(clips, tmp_path):
    with pytest.raises(ValueError, match=r"takes \(20, 8\).*input_shape=\(12, 8\)"):
        train(clips, tmp_path, model=make_model(shape=(20, 8)))
    with pytest.raises(ValueError, match="n_genres=3"):
        train(clips, tmp_path, model=make_model(n_genres=8))


def test_settings_that_make_no_sense(clips, tmp_path):
    wrong = {"epochs": 0, "batch_size": 0, "learning_rate": 0, "ema": 1.0, "schedule": "one"}
    for name, value in (wrong | {"precision": "half"}).items():
        with pytest.raises(ValueError, match=rf"{name} .*{value}"):
            train(clips, tmp_path, **{name: value})
    with pytest.raises(FileNotFoundError, match=r"run\.json"):
        training.load_run(tmp_path)


@pytest.mark.parametrize("split", ["training", "validation"])
def test_empty_split(tmp_path, split):
    def without(clips):
        return clips[clips["split"] != split]

    with pytest.raises(ValueError, match=f"{split} split of 'toy' is empty"):
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


def test_early_stopping_is_off_by_default_and_stops_when_asked(clips, tmp_path):
    run = train(clips, tmp_path, epochs=9, learning_rate=1e-12, early_stopping=2)
    assert list(run.history.index) == [1, 2, 3] and run.record["finished"]
    lines = [[0, 0, 0, 0.5, 0, 0]] * 99
    assert not fit._stops(run_folder.State([], [], [], lines), None)


def test_one_bar_over_epochs(clips, tmp_path, capsys):
    train(clips, tmp_path, epochs=2, progress=True)
    shown = capsys.readouterr()
    assert "2/2" in shown.err and "val_acc=" in shown.err and shown.out == ""


def test_default_folder_is_named_after_the_run(clips, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = train(clips, None, epochs=1).folder
    assert first.parent == Path("runs")
    assert first.name.startswith("toy-toy-")
    assert train(clips, None, epochs=1).folder == first, "the same call is the same run"
    assert train(clips, None, epochs=2).folder == first, "more epochs go on in it"
    assert train(clips, None, seed=1).folder != first, "another call is another run"
