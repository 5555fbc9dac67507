"""Clips that are published as pictures, or as coefficients, become the decibels they were made of.

What a pixel is: of the spectrogram in decibels below its loudest value, 80 of them in the 256
colours of one of matplotlib's maps; time to the right, a frame a column, mels upwards, a band a row
or three. ``prcnn.spectrogram.IMAGES`` and ``GTZAN_IMAGES`` make the same of sound, and ``CLOSE``
what the coefficients hold.

Chapter: book/datasets.ipynb
"""

import io
from functools import lru_cache
from pathlib import Path

import numpy as np
import scipy.fft

__all__ = ["COEFFICIENTS", "read_coefficients", "read_picture"]

#: Of the cepstrum (MFCC), a frame: what is kept of 128 bands.
COEFFICIENTS = 20
# (frames, bands) → a picture's height: of Solarleaf/GenreWave, and of
# TanmayEL/music_genre_classification, whose 128 bands are drawn in 385 rows.
_HEIGHTS = {(128, 128): 128, (387, 128): 385}
_MAPS = ("viridis", "magma")
_TOP_DB = 80.0
_RGB = np.array([65536, 256, 1], np.uint32)  # a pixel as one number


def read_picture(path, shape):
    """Decibels of a coloured picture: float32 ``shape`` (frames, bands), between −80 and 0.

    Which map its colours are of they say themselves. Two pairs of viridis' 256 entries look alike;
    the lower one stands for both (0.3 dB). ValueError if it is no whole picture, not one of a clip
    of this `shape`, or in other colours; OSError if it cannot be read.
    """
    from PIL import Image  # here, for the workers that hear sound

    pixels = _whole(path, "picture", lambda file: np.asarray(Image.open(file).convert("RGB")))
    (height, width), (frames, bands) = pixels.shape[:2], shape
    if (width, height) != (frames, _HEIGHTS.get(tuple(shape))):
        wanted = ", ".join(f"{n} × {rows} of a {n} × {b}" for (n, b), rows in _HEIGHTS.items())
        raise ValueError(
            f"{path}: {width} × {height} pixels are no clip of {frames} frames and {bands} bands "
            f"({wanted})."
        )
    seen, found = pixels @ _RGB, []
    for colours, entries in map(_palette, _MAPS):
        places = np.searchsorted(colours, seen).clip(max=len(colours) - 1)
        found.append(((colours[places] != seen).sum(), entries[places]))
    other, index = min(found, key=lambda pair: pair[0])
    if other:
        raise ValueError(
            f"{path}: {other} pixels in colours that neither {' nor '.join(_MAPS)} has: not a "
            "spectrogram's picture, or saved with loss."
        )
    rows = ((np.arange(bands) + 0.5) * height / bands).astype(int)  # the middle one of each band
    level = (index[::-1][rows].T + 0.5) / 256 * _TOP_DB - _TOP_DB
    return np.ascontiguousarray(level, np.float32)


def read_coefficients(path, shape):
    """Log-mel decibels of 20 MFCC a frame, by the inverse DCT: float32 ``shape`` (frames, bands).

    ValueError if it is no whole array of (frames, 20) finite numbers (one of Python objects is not
    opened); OSError if it cannot be read.
    """
    found = _whole(path, "array of numbers", lambda file: np.asarray(np.load(file)))
    wanted = (shape[0], COEFFICIENTS)
    if found.shape != wanted or found.dtype.kind != "f" or not np.isfinite(found).all():
        raise ValueError(
            f"{path}: {found.dtype} of shape {found.shape}, not {wanted} finite coefficients."
        )
    return scipy.fft.idct(found.astype(np.float32), n=shape[1], norm="ortho")


def _whole(path, what, read):
    data = Path(path).read_bytes()  # apart, so that a disk's fault is not taken for the file's
    try:
        return read(io.BytesIO(data))
    except Exception as error:  # whatever a parser stumbles on: a dozen types
        raise ValueError(f"{path}: not a whole {what} ({error}).") from error


@lru_cache
def _palette(name):
    """A map's colours as in the pictures, rounded, in order; and which of its entries they are."""
    from matplotlib import colormaps

    entries = np.round(colormaps[name](np.arange(256))[:, :3] * 255).astype(np.uint32)
    return np.unique(entries @ _RGB, return_index=True)
