"""What a network hears in a song: over time, and where its answer comes from."""

import matplotlib.pyplot as plt
import numpy as np

from prcnn.evaluation import percent
from prcnn.listening import clock
from prcnn.plots.page import as_written
from prcnn.plots.signal import spectrogram


def over_time(listening, ax=None):
    """Probability of every genre over a song, under its loudness.

    Dark is probable; a dot marks the genre that leads. A moment shows the window whose middle is
    nearest; windows in which there was nothing to hear are hatched. ``listening`` is what
    :func:`prcnn.listening.classify` returns.

    Chapter: book/classify.ipynb
    """
    if ax is None:
        ax = plt.subplots(figsize=(7.2, 1.6 + 0.25 * len(listening.genres)))[1]
    probabilities = np.ma.masked_invalid(listening.probabilities.T)
    rows = np.arange(len(listening.genres) + 1) - 0.5
    picture = ax.pcolormesh(listening.edges, rows, probabilities, cmap="Greys", vmin=0, vmax=1)
    ax.patch.set(hatch="xxx", edgecolor="0.7")
    heard = np.isfinite(listening.probabilities[:, 0])
    middles = (listening.edges[1:] + listening.edges[:-1])[heard] / 2
    leads = listening.probabilities[heard].argmax(axis=1)
    ax.plot(middles, leads, "o", color="black", markeredgecolor="white", markersize=6)
    ax.set_yticks(np.arange(len(listening.genres)), listening.genres)
    ax.set(xlim=(0, listening.duration), ylim=(rows[-1], rows[0]), xlabel="time (min:s)")
    ax.xaxis.set_major_locator(plt.MaxNLocator(8, steps=[1, 1.5, 2, 3, 6, 10]))
    ax.xaxis.set_major_formatter(lambda seconds, _: clock(seconds))
    ax.grid(False)
    ax.figure.colorbar(picture, ax=ax, label="probability", pad=0.01)
    inset = ax.inset_axes([0, 1.04, 1, 0.3], sharex=ax)
    times = np.linspace(0, listening.duration, len(listening.peaks))
    inset.fill_between(times, -np.asarray(listening.peaks), listening.peaks, color="0.4", lw=0)
    inset.set(yticks=[], ylabel="sound", title=f"What {listening.network} hears")
    inset.tick_params(labelbottom=False)
    inset.grid(False)
    return as_written(ax)


def occlusion(found, ax=None):
    """The window of a song that decided, and over it how much each part of it counts.

    Red parts speak for the genre (without them its probability falls), blue ones against it.
    ``found`` is what :func:`prcnn.listening.occlusion_map` returns.

    Chapter: book/classify.ipynb
    """
    ax = ax or plt.subplots(figsize=(7.2, 3.0))[1]
    sure = f"{found.genre} ({percent(found.probability)})"
    title = f"What speaks for {sure}, from {clock(found.start)} on"
    spectrogram(found.mel, found.settings, ax, title, colorbar=False)
    ax.images[-1].set_cmap("Greys")
    (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    frames, bands = found.mel.shape
    times = left + np.append(found.drops.index, frames) / frames * (right - left)
    rows = bottom + np.append(found.drops.columns, bands) / bands * (top - bottom)
    most = 100 * np.abs(found.drops.to_numpy()).max() or 1.0
    drops = 100 * found.drops.to_numpy().T
    picture = ax.pcolormesh(times, rows, drops, cmap="RdBu_r", vmin=-most, vmax=most, alpha=0.5)
    ax.figure.colorbar(picture, ax=ax, label="points lost without it", pad=0.01)
    return as_written(ax)
