"""What a step is fed: training clips alone, in another order every epoch, standardised by them."""

import time

import keras
import numpy as np
import pytest
from test_training import SHAPE, make_store

from prcnn import training
from prcnn.models.branches import Scale
from prcnn.training.batches import Batches

SETTINGS = {"batch_size": 10, "seed": 0, "label_smoothing": 0.0}
SETTINGS |= {"augment": {"mixup": 0.0}}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("clips"))


def epoch(store, n=1, **changes):
    X, y = zip(*Batches(store, "training", SETTINGS | changes, n), strict=True)
    return np.concatenate(X), np.concatenate(y)


def sort(X):
    return X[np.lexsort(X.reshape(len(X), -1).T)]


def test_an_epoch_is_every_training_clip_once(store):
    X, y = epoch(store)
    all_X, all_y = store.arrays("training")
    np.testing.assert_array_equal(sort(X), sort(all_X))
    assert [len(y) for _, y in Batches(store, "training", SETTINGS, 1)] == [10, 10, 10, 6]
    for clip, label in zip(X, y, strict=True):
        assert (all_X[all_y == label] == clip).all(axis=(1, 2)).any()


def test_every_epoch_and_seed_has_an_order_of_its_own(store):
    X, _ = epoch(store)
    assert np.array_equal(X, epoch(store)[0])
    for other in (epoch(store, 2), epoch(store, seed=1)):
        assert not np.array_equal(X, other[0])


def test_chance_follows_from_seed_epoch_and_batch(store):
    gain = {"augment": {"gain": 3.0, "mixup": 0.0}}
    X, louder = epoch(store)[0], epoch(store, **gain)[0]
    assert np.array_equal(louder, epoch(store, **gain)[0])
    by = (louder - X)[:, 0, 0]
    assert len(np.unique(by.round(3))) > 30  # no two batches alike
    other = epoch(store, 2, **gain)[0] - epoch(store, 2)[0]
    assert np.abs(other[:, 0, 0] - by).max() > 0.1
    batches = Batches(store, "training", SETTINGS | gain, 1)
    np.testing.assert_array_equal(batches[2][0], louder[20:30])  # whatever came before


def test_labels_are_smoothed_in_training_only(store):
    smooth = SETTINGS | {"label_smoothing": 0.3}
    _, y = Batches(store, "training", smooth, 1)[0]
    assert y.dtype == np.float32 and np.allclose(np.sort(y, axis=1), [0.1, 0.1, 0.8])
    _, y = Batches(store, "validation", smooth)[0]
    assert np.array_equal(np.sort(y, axis=1), np.broadcast_to([0, 0, 1], y.shape))


def test_validation_is_as_it_stands(store):
    X, y = zip(*Batches(store, "validation", SETTINGS), strict=True)
    for found, expected in zip((X, y), store.arrays("validation"), strict=True):
        np.testing.assert_array_equal(np.concatenate(found), expected)


def test_a_batch_is_read_while_the_last_one_is_used(store, monkeypatch):
    made = []
    take = Batches.__getitem__
    monkeypatch.setattr(Batches, "__getitem__", lambda self, i: made.append(i) or take(self, i))
    for i, _ in enumerate(Batches(store, "training", SETTINGS, 1)):
        until = time.monotonic() + 10
        while len(made) < min(i + 2, 4) and time.monotonic() < until:
            time.sleep(0.001)
        assert made == list(range(min(i + 2, 4)))  # one ahead, no more


def scaled(seed=0):
    x = inputs = keras.Input(SHAPE)
    x = keras.layers.Flatten()(Scale(name="scale")(x))
    start = keras.initializers.GlorotUniform(seed)
    x = keras.layers.Dense(3, activation="softmax", kernel_initializer=start)(x)
    return keras.Model(inputs, x, name="scaled")


def test_scale_is_of_the_training_clips_alone(store, tmp_path, monkeypatch):
    taken = []
    read = type(store).read
    monkeypatch.setattr(
        type(store), "read", lambda self, places: taken.append(len(places)) or read(self, places)
    )
    run = training.train(scaled(), store, 2, out=tmp_path, batch_size=10, progress=False)
    assert max(taken) <= 64  # never the whole split at once, if it is larger
    X = store.arrays("training")[0].astype(np.float64)
    layer = run.model.get_layer("scale")
    np.testing.assert_allclose(np.ravel(layer.adapt_mean), X.mean(axis=(0, 1)), rtol=1e-5)
    np.testing.assert_allclose(np.ravel(layer.adapt_variance), X.var(axis=(0, 1)), rtol=1e-5)
    loaded = training.load_run(tmp_path).model.get_layer("scale")
    assert np.array_equal(loaded.adapt_mean, layer.adapt_mean)
    again = training.train(scaled(), store, 2, out=tmp_path, batch_size=10, progress=False)
    assert np.array_equal(again.model.get_layer("scale").adapt_mean, layer.adapt_mean)


def test_scale_in_chunks_is_scale_at_once(store):
    from prcnn.training.batches import adapt_scale

    found = []
    for chunk in (7, 1000):
        model = scaled()
        adapt_scale(model, store, chunk)
        found.append([np.array(w) for w in model.get_layer("scale").weights[:2]])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


def test_scale_that_was_adapted_is_kept(store, tmp_path):
    model = scaled()
    model.get_layer("scale").adapt_mean.assign(np.full(SHAPE[1], 5.0, "float32"))
    run = training.train(model, store, 1, out=tmp_path, batch_size=10, progress=False)
    assert (np.array(run.model.get_layer("scale").adapt_mean) == 5).all()


def test_scale_after_a_failed_first_epoch_is_untouched(store, tmp_path, monkeypatch):
    model = scaled()
    monkeypatch.setattr(training.fit, "_epoch", None)
    with pytest.raises(TypeError):
        training.train(model, store, 1, out=tmp_path, progress=False)
    assert not np.array(model.get_layer("scale").adapt_mean).any()
