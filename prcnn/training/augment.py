"""What may be changed in a clip without changing its genre: spectrograms altered at random.

Functions of a batch in decibels, float32 (clips, frames, bands), and a ``numpy.random.Generator``;
each returns a new batch. :class:`Augment` applies them all, in the order of this file.

Chapter: book/beyond.ipynb
"""

import dataclasses
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Augment:
    """How far each alteration of a training batch goes; without arguments, none is made.

    ``band_shift`` is in bands, ``gain`` and ``tilt`` are in decibels; ``frequency_masks`` and
    ``time_masks`` count what ``mask`` covers, at most ``mask_width`` of the axis each; ``mixup``
    and ``mixup_share`` are its ``alpha`` and ``share``. ValueError for a negative value, or a share
    above 1.

    >>> X, y = np.zeros((2, 6, 4), "float32"), np.eye(2, dtype="float32")
    >>> louder, same = Augment(gain=6.0)(X, y, np.random.default_rng(0))
    >>> louder.shape, bool((same == y).all())
    ((2, 6, 4), True)
    """

    time_shift: bool = False
    band_shift: int = 0
    gain: float = 0.0
    tilt: float = 0.0
    frequency_masks: int = 0
    time_masks: int = 0
    mask_width: float = 0.08
    mixup: float = 0.0
    mixup_share: float = 1.0

    def __post_init__(self):
        for name, value in dataclasses.asdict(self).items():
            most = 1 if name in ("mask_width", "mixup_share") else np.inf
            if not 0 <= value <= most:
                raise ValueError(f"{name} lies between 0 and {most:g}, not {value}.")

    def __call__(self, X, y, rng):
        """Altered spectrograms `X` (n, frames, bands) and their labels `y`, (n,) or (n, genres).

        Mixing clips takes rows of labels; where nothing is mixed, `y` is the one given.
        """
        if self == Augment():
            return X, y
        # A generator for each, so that leaving one alteration out changes none of the others.
        shift, bands, gain, tilt, frequencies, times, mix = rng.spawn(7)
        if self.time_shift:
            X = shift_time(X, shift)
        X = shift_bands(X, bands, self.band_shift)
        X = tilt_bands(change_gain(X, gain, self.gain), tilt, self.tilt)
        fill = X.mean(axis=(0, 1))
        X = mask(X, frequencies, 2, self.frequency_masks, self.mask_width, fill)
        X = mask(X, times, 1, self.time_masks, self.mask_width, fill)
        return mixup(X, y, mix, self.mixup, self.mixup_share) if self.mixup else (X, y)


def shift_time(X, rng):
    """Cut every clip at a random frame and put its first part behind its last."""
    n, frames, _ = X.shape
    order = (np.arange(frames) + rng.integers(frames, size=(n, 1))) % frames
    return X[np.arange(n)[:, None], order]


def shift_bands(X, rng, most=1):
    """Move every clip up or down by at most `most` bands; the outermost band is repeated.

    One of 128 mel bands is about a semitone in the middle of the range: the music is transposed.
    """
    shifts = rng.integers(-most, most + 1, len(X))
    shifted = np.empty_like(X)
    for shift in np.unique(shifts):
        bands = np.clip(np.arange(X.shape[2]) - shift, 0, X.shape[2] - 1)
        shifted[shifts == shift] = X[shifts == shift][:, :, bands]
    return shifted


def change_gain(X, rng, decibels=3.0):
    """Make every clip louder or softer by at most `decibels`."""
    return X + rng.uniform(-decibels, decibels, (len(X), 1, 1)).astype(np.float32)


def tilt_bands(X, rng, decibels=3.0):
    """Make every clip brighter or duller: `decibels` at most from its lowest to highest band."""
    ramp = np.linspace(-0.5, 0.5, X.shape[2], dtype=X.dtype)
    return X + rng.uniform(-decibels, decibels, (len(X), 1, 1)).astype(np.float32) * ramp


def mask(X, rng, axis, n=2, width=0.08, fill=None):
    """Put `fill` in place of `n` stretches of bands (`axis` 2) or frames (1), which may overlap.

    The widest is the share `width` of the axis. `fill` (bands,) is by default the mean of every
    band over the batch, from which a standardised input is zero. Source: SpecAugment, Park et al.
    2019, who fill with zeros after standardising.
    """
    size = X.shape[axis]
    long = rng.uniform(0, width * size, (len(X), n, 1))
    first = rng.uniform(0, size - long)
    places = np.arange(size)
    masked = ((places >= first) & (places < first + long)).any(axis=1)
    fill = X.mean(axis=(0, 1)) if fill is None else fill
    return np.where(np.expand_dims(masked, 3 - axis), fill, X)


def mixup(X, y, rng, alpha=0.4, share=1.0):
    """Lay another clip of the batch over a `share` of the clips, and mix their labels alike.

    A clip's own weight is drawn from Beta(alpha, alpha) and is at least one half. `y` are rows of
    weights (n, genres), each summing to 1, or ValueError. Source: Zhang et al. 2018. Decibels are
    mixed, not sound.
    """
    if np.ndim(y) != 2:
        raise ValueError(f"mixup takes labels as rows (n, genres), not an array {np.shape(y)}.")
    own = rng.beta(alpha, alpha, len(X))
    own = np.where(rng.random(len(X)) < share, np.maximum(own, 1 - own), 1.0).astype(X.dtype)
    other = rng.permutation(len(X))
    X = own[:, None, None] * X + (1 - own)[:, None, None] * X[other]
    return X, own[:, None] * y + (1 - own)[:, None] * y[other]
