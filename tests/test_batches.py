"""What a step is fed: training clips alone, in another order every epoch, standardised by them."""

import dataclasses
import time

import keras
import numpy as np
import pandas as pd
import pytest
from test_training import SHAPE, make_store

from prcnn import training
from prcnn.models.branches import Scale
from prcnn.training import Augment, Recipe
from prcnn.training.batches import adapt_scale, batches, label_rows

PLAIN = Recipe(batch_size=10)
GAIN = Recipe(batch_size=10, augment=Augment(gain=3.0))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_store(tmp_path_factory.mktemp("clips"))


def epoch(store, n=1, seed=0, recipe=PLAIN):
    X, y = zip(*batches(store, "training", recipe, n, seed), strict=True)
    return np.concatenate(X), np.concatenate(y)


def sort(X):
    return X[np.lexsort(X.reshape(len(X), -1).T)]


def test_an_epoch_is_every_training_clip_once(store):
    X, y = epoch(store)
    all_X, all_y = store.arrays("training")
    np.testing.assert_array_equal(sort(X), sort(all_X))
    assert [len(y) for _, y in batches(store, "training", PLAIN, 1)] == [10, 10, 10, 6]
    for clip, label in zip(X, y, strict=True):
        assert (all_X[all_y == label] == clip).all(axis=(1, 2)).any()


def test_every_epoch_and_seed_has_an_order_of_its_own(store):
    X, _ = epoch(store)
    assert np.array_equal(X, epoch(store)[0])
    for other in (epoch(store, 2), epoch(store, seed=1)):
        assert not np.array_equal(X, other[0])


def test_chance_follows_from_seed_epoch_and_batch(store):
    X, louder = epoch(store)[0], epoch(store, recipe=GAIN)[0]
    by = (louder - X)[:, 0, 0]
    assert len(np.unique(by.round(3))) > 30  # no two batches alike
    for other in ({"n": 2}, {"seed": 1}):
        gain = epoch(store, recipe=GAIN, **other)[0] - epoch(store, **other)[0]
        assert np.abs(gain[:, 0, 0] - by).max() > 0.1


def test_labels_are_smoothed_and_mixed_in_training_only(store, tmp_path):
    still = Recipe(learning_rate=1e-12, label_smoothing=0.3)  # nothing moves
    line = training.train(scaled(), store, 1, out=tmp_path, recipe=still).history.loc[1]
    for split, name, row in (("training", "loss", 0.8), ("validation", "val_loss", 1.0)):
        X, y = store.arrays(split)
        logs = -np.log(training.load_run(tmp_path).model.predict(X, verbose=0))
        wanted = logs * (1 - row) / 2 + logs * np.eye(3)[y] * (row - (1 - row) / 2)
        assert line[name] == pytest.approx(wanted.sum(axis=1).mean(), rel=1e-4)
    mixed = Recipe(augment=Augment(mixup=0.4))
    rows = label_rows(store, mixed)
    _, y = next(batches(store, "training", mixed, 1, rows=rows))
    assert y.dtype == np.float32 and ((y > 0.01).sum(axis=1) == 2).any()
    _, y = next(batches(store, "validation", mixed, rows=rows))
    assert np.array_equal(np.sort(y, axis=1), np.broadcast_to([0, 0, 1], y.shape))


def test_a_teacher_is_heard_in_training_only(store, tmp_path):
    """Each clip's own row, in whatever order the table has them; validation keeps its genres."""
    training_clips = store.clips[store.clips["split"] == "training"].index
    said = np.random.default_rng(0).dirichlet(np.ones(3), len(training_clips))
    soft = pd.DataFrame(said, training_clips, store.genres)
    shuffled = soft.sample(frac=1, random_state=0)[store.genres[::-1]]
    still = {"recipe": Recipe(learning_rate=1e-12), "out": tmp_path}  # nothing moves
    line = training.train(scaled(), store, 1, soft_labels=shuffled, **still).history.loc[1]
    network = training.load_run(tmp_path).model
    for split, name in (("training", "loss"), ("validation", "val_loss")):
        X, y = store.arrays(split)
        wanted = said if split == "training" else np.eye(3)[y]
        logs = -np.log(network.predict(X, verbose=0))
        assert line[name] == pytest.approx((wanted * logs).sum(axis=1).mean(), rel=1e-4)
    with pytest.raises(ValueError, match="other data"):
        training.train(scaled(), store, 1, soft_labels=soft.iloc[::-1] * 0 + 1 / 3, **still)
    for wrong in (soft.iloc[1:], soft * 2, soft.iloc[:, :2], -soft):
        with pytest.raises(ValueError, match=r"a row for every training clip.*such clips"):
            training.train(scaled(), store, 1, soft_labels=wrong, **still)


def test_validation_is_as_it_stands(store):
    X, y = zip(*batches(store, "validation", GAIN), strict=True)
    for found, expected in zip((X, y), store.arrays("validation"), strict=True):
        np.testing.assert_array_equal(np.concatenate(found), expected)


def watched(store):
    """The same store, and a list of how many clips are read of it at a time."""
    taken = []

    class Watched(type(store)):
        def read(self, indices):
            taken.append(len(indices))
            return super().read(indices)

    fields = {field.name: getattr(store, field.name) for field in dataclasses.fields(store)}
    return Watched(**fields), taken


def test_a_batch_is_read_while_the_last_one_is_used(store):
    store, taken = watched(store)
    for i, _ in enumerate(batches(store, "training", PLAIN, 1)):
        until = time.monotonic() + 10
        while len(taken) < min(i + 2, 4) and time.monotonic() < until:
            time.sleep(0.001)
        assert len(taken) == min(i + 2, 4)  # one ahead, no more


def scaled():
    x = inputs = keras.Input(SHAPE)
    x = keras.layers.Flatten()(Scale(name="scale")(x))
    start = keras.initializers.GlorotUniform(0)
    x = keras.layers.Dense(3, activation="softmax", kernel_initializer=start)(x)
    return keras.Model(inputs, x, name="scaled")


def test_scale_is_of_the_training_clips_alone(store, tmp_path):
    X, model = store.arrays("training")[0].astype(np.float64), scaled()
    store, taken = watched(store)
    adapt_scale(model, store, chunk=7)
    assert max(taken) == 7  # never the whole split at once
    run = training.train(scaled(), store, 1, out=tmp_path, recipe=PLAIN, progress=False)
    for each in (model, run.model, training.load_run(tmp_path).model):
        layer = each.get_layer("scale")
        np.testing.assert_allclose(np.ravel(layer.adapt_mean), X.mean(axis=(0, 1)), rtol=1e-5)
        np.testing.assert_allclose(np.ravel(layer.adapt_variance), X.var(axis=(0, 1)), rtol=1e-5)


def test_scale_that_was_adapted_is_kept(store):
    model = scaled()
    model.get_layer("scale").adapt_mean.assign(np.full(SHAPE[1], 5.0, "float32"))
    adapt_scale(model, store)
    assert (np.array(model.get_layer("scale").adapt_mean) == 5).all()
