"""Augmentation: what each alteration does to a batch, to the last value where it can be said."""

import numpy as np
import pytest

from prcnn.training import Augment, augment
from prcnn.training.recipes import BEYOND

N, FRAMES, BANDS = 40, 30, 20


@pytest.fixture
def X():
    return np.random.default_rng(0).uniform(-80, 0, (N, FRAMES, BANDS)).astype("float32")


def rng(seed=0):
    return np.random.default_rng(seed)


def test_time_is_shifted_in_a_circle_and_bands_stay(X):
    shifted = augment.shift_time(X, rng())
    by = [
        [s for s in range(FRAMES) if np.array_equal(np.roll(a, -s, axis=0), b)]
        for a, b in zip(X, shifted, strict=True)
    ]
    assert all(len(found) == 1 for found in by)  # of a clip all bands alike
    assert len({found[0] for found in by}) > FRAMES / 2


def test_bands_are_shifted_and_the_outermost_repeated(X):
    shifted, by = augment.shift_bands(X, rng(), 2), set()
    for a, b in zip(X, shifted, strict=True):
        padded = np.pad(a, ((0, 0), (2, 2)), mode="edge")
        found = [s for s in range(-2, 3) if np.array_equal(padded[:, 2 - s : 2 - s + BANDS], b)]
        assert len(found) == 1
        by |= set(found)
    assert by == {-2, -1, 0, 1, 2}


def test_gain_is_one_number_a_clip_within_its_bounds(X):
    gain = augment.change_gain(X, rng(), 3.0) - X
    assert np.ptp(gain, axis=(1, 2)).max() < 1e-4
    gains = gain[:, 0, 0]
    assert -3 <= gains.min() < -2 and 2 < gains.max() <= 3


def test_tilt_is_a_straight_line_over_bands_and_leaves_the_middle(X):
    tilt = augment.tilt_bands(X, rng(), 4.0) - X
    assert np.ptp(tilt, axis=1).max() < 1e-4  # in every frame the same
    np.testing.assert_allclose(np.diff(tilt[:, 0], 2, axis=1), 0, atol=1e-4)
    np.testing.assert_allclose(tilt[:, 0].mean(axis=1), 0, atol=1e-4)
    ends = tilt[:, 0, -1] - tilt[:, 0, 0]
    assert -4 <= ends.min() < -3 and 3 < ends.max() <= 4


@pytest.mark.parametrize(("mask", "axis"), [("mask_bands", 2), ("mask_frames", 1)])
def test_masks_hold_the_mean_of_their_band(X, mask, axis):
    masked = getattr(augment, mask)(X, rng(), 1, 0.3)
    fill, size = X.mean(axis=(0, 1)), X.shape[axis]
    widths = []
    for a, b in zip(X, masked, strict=True):
        changed = (a != b).all(axis=2 - axis)  # whole bands, or whole frames
        np.testing.assert_array_equal(a != b, np.expand_dims(changed, 2 - axis) | (a != a))
        places = np.flatnonzero(changed)
        assert not places.size or places.size == np.ptp(places) + 1  # one stretch
        widths.append(places.size)
        filled = np.broadcast_to(fill, a.shape)
        np.testing.assert_array_equal(b[a != b], filled[a != b])
    assert max(widths) <= np.ceil(0.3 * size) and max(widths) > 0.2 * size
    assert abs(np.mean(widths) - 0.15 * size) < 0.05 * size
    twice = getattr(augment, mask)(X, rng(), 2, 0.3)
    assert (twice != X).mean() > 1.5 * (masked != X).mean()


def test_mixup_mixes_labels_as_it_mixes_clips():
    """Every clip says its genre in every value, so its label can be read from it."""
    y = np.eye(4, dtype="float32")[np.arange(N) % 4]
    X = np.broadcast_to((y @ np.array([1, 10, 100, 1000], "float32"))[:, None, None], (N, 3, 2))
    mixed, rows = augment.mixup(X, y, rng(), 0.4)
    np.testing.assert_allclose(mixed[:, 0, 0], rows @ [1, 10, 100, 1000], rtol=1e-5)
    np.testing.assert_allclose(rows.sum(axis=1), 1, atol=1e-6)
    own = (rows * y).sum(axis=1)
    assert own.min() >= 0.5 - 1e-6 and (own < 0.95).any()
    assert (rows > 0.01).sum(axis=1).max() == 2
    half = augment.mixup(X, y, rng(), 0.4, 0.5)[1]
    assert 0.15 < (half != y).any(axis=1).mean() < 0.6
    with pytest.raises(ValueError, match="rows"):
        augment.mixup(X, np.arange(N), rng())


def test_nothing_is_altered_unless_asked_for(X):
    same, y = Augment()(X, np.arange(N), rng())
    assert np.array_equal(same, X) and np.array_equal(y, np.arange(N))


def test_the_same_generator_gives_the_same_batch_in_32_bits(X):
    everything = Augment(True, 1, 3.0, 3.0, 2, 2, 0.1, 0.4)
    y, before = np.eye(N, dtype="float32"), X.copy()
    first, second, other = (everything(X, y, rng(seed)) for seed in (0, 0, 1))
    for a, b, c in zip(first, second, other, strict=True):
        assert a.dtype == np.float32 and np.array_equal(a, b) and not np.array_equal(a, c)
    assert np.array_equal(X, before)


def test_leaving_one_alteration_out_leaves_the_others_as_they_were(X):
    y = np.eye(N, dtype="float32")
    masks = Augment(frequency_masks=2, time_masks=2)(X, y, rng())[0] != X
    louder = Augment(gain=3.0, frequency_masks=2, time_masks=2)
    plain = Augment(gain=3.0)(X, y, rng())[0]
    np.testing.assert_array_equal(louder(X, y, rng())[0] != plain, masks)


def test_values_that_cannot_be():
    for name, value in (("gain", -1.0), ("mask_width", 1.5), ("mixup_share", 2.0)):
        with pytest.raises(ValueError, match=name):
            Augment(**{name: value})


def test_beyond_alters_as_its_recipe_says(X):
    altered, _ = BEYOND.augment(X, np.eye(N, dtype="float32"), rng())
    assert altered.shape == X.shape and (altered != X).any(axis=(1, 2)).all()
