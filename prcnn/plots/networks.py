"""Figures of what is inside a network."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Rectangle
from matplotlib.patheffects import withStroke

from prcnn.plots.signal import spectrogram
from prcnn.spectrogram import PAPER, get_settings


def _grey(mel, settings, ax):
    """The spectrogram in grey, so that what lies over it stands out; seconds a frame."""
    spectrogram(mel, settings, ax, colorbar=False)
    ax.images[-1].set_cmap("Greys")
    return get_settings(settings).step


def feature_maps(maps, ax=None, columns=8):
    """The maps of a CNN layer side by side, each scaled by its own largest value.

    Time runs to the right and mel bands upwards in every map; the first is top left.

    Parameters
    ----------
    maps : numpy.ndarray (time, mel, filters)
        One clip of what :func:`prcnn.models.outputs` returns for ``conv_i`` or ``pool_i``.
    columns : int
        Maps in a row.

    Chapter: book/cnn.ipynb
    """
    ax = ax or plt.subplots()[1]
    time, mel, filters = maps.shape
    rows = -(-filters // columns)
    gap = max(1, time // 40), max(1, mel // 16)
    tiles = np.full((rows * (mel + gap[1]) - gap[1], columns * (time + gap[0]) - gap[0]), np.nan)
    for i in range(filters):
        row, column = divmod(i, columns)
        top = (rows - 1 - row) * (mel + gap[1])
        left = column * (time + gap[0])
        largest = np.abs(maps[..., i]).max() or 1.0
        tiles[top : top + mel, left : left + time] = maps[..., i].T / largest
    ax.imshow(tiles, cmap="magma", origin="lower", aspect="auto", interpolation="nearest")
    ax.set_axis_off()
    return ax


def receptive_fields(table, mel, ax=None):
    """Frames round what one value of each layer sees, drawn on a spectrogram.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of :func:`prcnn.models.receptive_field`.
    mel : numpy.ndarray (frames, bands)
        Of settings ``PAPER``. Every field starts at its frame 60 and lowest band.

    Chapter: book/cnn.ipynb
    """
    ax = ax or plt.subplots()[1]
    seconds = _grey(mel, PAPER, ax)
    halo = [withStroke(linewidth=4, foreground="white")]
    for i, (layer, row) in enumerate(table.iterrows()):
        corner, size = (60 * seconds, 0), (row.frames * seconds, row.bands)
        style = {"ls": ("-", "--", "-.", ":")[i % 4], "ec": f"C{i % 10}", "path_effects": halo}
        ax.add_patch(
            Rectangle(corner, *size, fill=False, lw=2.5, clip_on=False, label=layer, **style)
        )
    ax.legend(title="one value of", loc="upper right", framealpha=1)
    return ax


def attention(weights, mel, ax=None, settings=PAPER):
    """How much each moment counts, over the spectrogram.

    An axis on the right shows the weights as multiples of 1 / steps, what each would be if all
    moments counted the same (the dashed line).

    Parameters
    ----------
    weights : numpy.ndarray (steps,)
        One clip of :func:`prcnn.models.attention_weights`; they sum to one.
    mel : numpy.ndarray (frames, bands)
        The same clip's spectrogram.
    settings : Settings or str
        Those of ``mel``.

    Chapter: book/attention.ipynb
    """
    ax = ax or plt.subplots()[1]
    seconds = _grey(mel, settings, ax)
    weights = np.asarray(weights)
    step = len(mel) // len(weights) * seconds
    over = ax.twinx()
    over.step(np.arange(len(weights)) * step, weights * len(weights), where="post", c="C3", lw=1.5)
    over.axhline(1, c="C3", lw=1, ls="--")
    over.set(ylabel="weight × steps", ylim=(0, None))
    over.grid(False)
    return ax


def influence(table, ax=None, settings=PAPER):
    """What replacing each part of a clip does to the GRU's states.

    The axis is logarithmic, since the last moments count many times more.

    Parameters
    ----------
    table : pandas.DataFrame
        As :func:`prcnn.models.state_influence` returns it, of spectrograms of the ``settings``.

    Chapter: book/rnn.ipynb
    """
    ax = ax or plt.subplots()[1]
    settings = get_settings(settings)
    frames = table.index.to_numpy()
    middle = (frames + (frames[1] - frames[0]) / 2) * settings.step
    for (name, column), style in zip(table.items(), ("-", "--", "-.", ":") * 9, strict=False):
        ax.plot(middle, column, style, label=name, marker=".")
    ax.set(xlabel="part replaced, at (s)", ylabel="change of the state", yscale="log")
    ax.legend()
    return ax
