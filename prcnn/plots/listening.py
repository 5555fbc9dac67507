"""What a network hears in a song, over time."""

import matplotlib.pyplot as plt
import numpy as np

__all__ = ["over_time"]


def over_time(listening, ax=None):
    """Probability of every genre over a song, under its loudness.

    Dark is probable; a dot marks the genre that leads. A moment shows the window whose middle is
    nearest; windows in which there was nothing to hear are hatched.

    Parameters
    ----------
    listening : prcnn.listening.Listening
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes
        Of the genres; the loudness is in its inset.

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
    ax.xaxis.set_major_formatter(lambda seconds, _: f"{seconds // 60:.0f}:{seconds % 60:02.0f}")
    ax.grid(False)
    ax.figure.colorbar(picture, ax=ax, label="probability", pad=0.01)
    inset = ax.inset_axes([0, 1.04, 1, 0.3], sharex=ax)
    times = np.linspace(0, listening.duration, len(listening.peaks))
    inset.fill_between(times, -np.asarray(listening.peaks), listening.peaks, color="0.4", lw=0)
    inset.set(yticks=[], ylabel="sound", title=f"What {listening.network} hears")
    inset.tick_params(labelbottom=False)
    inset.grid(False)
    return ax
