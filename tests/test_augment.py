"""Augmentation: what each alteration does to a batch, to the last value where it can be said."""

import numpy as np
import pytest

from prcnn.training import RECIPES, Augment, augment

N, FRAMES, BANDS = 40, 30, 20


@pytest.fixture
def X():
    return np.random.default_rng(0).uniform(-80, 0, (N, FRAMES, BANDS)).astype("float32")


def rng(seed=0):
    return np.random.default_rng(seed)


def test_time_is_shifted_in_a_circle_and_bands_stay(X):
    by = set()
    for a, b in zip(X, augment.shift_time(X, rng()), strict=True):
        (shift,) = [s for s in range(FRAMES) if np.array_equal(np.roll(a, -s, axis=0), b)]
        by.add(shift)
    assert len(by) > FRAMES / 2


def test_bands_are_shifted_and_the_outermost_repeated(X):
    by = set()
    for a, b in zip(X, augment.shift_bands(X, rng(), 2), strict=True):
        padded = np.pad(a, ((0, 0), (2, 2)), mode="edge")
        cuts = {s: padded[:, 2 - s : 2 - s + BANDS] for s in range(-2, 3)}
        (shift,) = [s for s, cut in cuts.items() if np.array_equal(cut, b)]
        by.add(shift)
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


@pytest.mark.parametrize("axis", [1, 2])
def test_masks_hold_the_mean_of_their_band(X, axis):
    masked = augment.mask(X, rng(), axis, 1, 0.3)
    filled, size = np.broadcast_to(X.mean(axis=(0, 1)), X.shape), X.shape[axis]
    np.testing.assert_array_equal(masked[masked != X], filled[masked != X])
    assert ((masked != X).all(axis=3 - axis) == (masked != X).any(axis=3 - axis)).all()
    widths = []
    for changed in (masked != X).any(axis=3 - axis):  # whole bands, or whole frames
        places = np.flatnonzero(changed)
        assert not places.size or places.size == np.ptp(places) + 1  # one stretch
        widths.append(places.size)
    assert 0.2 * size < max(widths) <= np.ceil(0.3 * size)
    assert abs(np.mean(widths) - 0.15 * size) < 0.05 * size
    assert (augment.mask(X, rng(), axis, 2, 0.3) != X).mean() > 1.5 * (masked != X).mean()


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


def test_all_together_in_32_bits_and_nothing_unless_asked_for(X):
    y, before = np.eye(N, dtype="float32"), X.copy()
    everything = RECIPES["beyond"].augment
    first, second, other = (everything(X, y, rng(seed)) for seed in (0, 0, 1))
    for a, b, c in zip(first, second, other, strict=True):
        assert a.dtype == np.float32 and np.array_equal(a, b) and not np.array_equal(a, c)
    assert (first[0] != X).any(axis=(1, 2)).all() and np.array_equal(X, before)
    assert Augment()(X, y, rng())[0] is X


@pytest.mark.parametrize(
    ("one", "alone"),
    [
        ({"time_shift": True}, lambda X, r: augment.shift_time(X, r[0])),
        ({"band_shift": 2}, lambda X, r: augment.shift_bands(X, r[1], 2)),
        ({"gain": 3.0}, lambda X, r: augment.change_gain(X, r[2], 3.0)),
        ({"tilt": 2.0}, lambda X, r: augment.tilt_bands(X, r[3], 2.0)),
        ({"frequency_masks": 2}, lambda X, r: augment.mask(X, r[4], 2, 2)),
        ({"time_masks": 1}, lambda X, r: augment.mask(X, r[5], 1, 1)),
        ({"mixup": 0.4}, lambda X, r: augment.mixup(X, np.eye(N), r[6], 0.4)[0]),
    ],
)
def test_one_alteration_is_what_it_is_alone_and_leaves_the_others(X, one, alone):
    altered = Augment(**one)(X, np.eye(N), rng())[0]
    np.testing.assert_array_equal(altered, alone(X, rng().spawn(7)))


def test_values_that_cannot_be():
    for name, value in (("gain", -1.0), ("mask_width", 1.5), ("mixup_share", 2.0)):
        with pytest.raises(ValueError, match=name):
            Augment(**{name: value})
