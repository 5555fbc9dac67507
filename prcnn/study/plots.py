"""Figures of this paper alone: its weights' accumulators and gates, its network on segments."""

import matplotlib.pyplot as plt
import numpy as np

from prcnn.plots.style import HATCHES

__all__ = ["accumulators", "by_gate", "gates", "segments"]

_STYLES = ("-", "--", ":", "-.")
_MARKERS = "osD^v"


def accumulators(table, ax=None):
    """RMSprop's running mean of squared gradients, layer by layer: who was ever trained?

    Parameters
    ----------
    table : pandas.DataFrame
        Index: layers; one column a weight file.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Chapter: book/attention.ipynb
    """
    ax = ax or plt.subplots()[1]
    for (name, column), marker in zip(table.items(), _MARKERS, strict=False):
        ax.plot(table.index, column, ls=":", marker=marker, label=name)
    ax.set(yscale="log", ylabel="largest mean squared gradient", xlabel="layer")
    ax.legend(title="weights", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    return ax


def gates(table, ax=None):
    """Curves of gates: what each makes of its input.

    Parameters
    ----------
    table : pandas.DataFrame
        Index: the gate's input; one column a gate.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Chapter: book/reproduction.ipynb
    """
    ax = ax or plt.subplots()[1]
    for (name, column), style in zip(table.items(), _STYLES, strict=False):
        ax.plot(table.index, column, style, label=name, lw=2)
    ax.set(xlabel="input of the gate", ylabel="how far it opens", title="Three gates")
    ax.legend(loc="upper left")
    return ax


def by_gate(table, ax=None):
    """Bars in groups: a row of ``table`` is a group, a column a pattern. Values are fractions.

    Parameters
    ----------
    table : pandas.DataFrame
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Chapter: book/reproduction.ipynb
    """
    ax = ax or plt.subplots(figsize=(7.2, 0.8 + 0.5 * len(table)))[1]
    rows, height = np.arange(len(table)), 0.8 / len(table.columns)
    for i, (name, column) in enumerate(table.items()):
        place = rows + (i - (len(table.columns) - 1) / 2) * height
        hatch = HATCHES[i % len(HATCHES)]
        ax.barh(place, 100 * column, height, label=name, hatch=hatch, edgecolor="white")
    ax.set_yticks(rows, table.index)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="%", xlim=(0, 100))
    ax.legend(ncols=len(table.columns), loc="lower left", bbox_to_anchor=(0, 1), frameon=False)
    return ax


def segments(curves, published=None, ax=None):
    """Validation accuracy epoch by epoch, a thin line a fold and a thick one their mean.

    Parameters
    ----------
    curves : dict of str to pandas.DataFrame
        As :func:`prcnn.study.segments.curves` gives them: way of dealing → a column a fold.
    published : float, optional
        An accuracy in percent to draw a line at.
    ax : matplotlib Axes, optional

    Chapter: book/leakage.ipynb
    """
    ax = ax or plt.subplots()[1]
    for i, ((way, folds), style) in enumerate(zip(curves.items(), _STYLES, strict=False)):
        ax.plot(folds.index, 100 * folds, style, color=f"C{i}", lw=0.8, alpha=0.4)
        ax.plot(folds.index, 100 * folds.mean(axis=1), style, color=f"C{i}", lw=2.5, label=way)
    if published is not None:
        ax.axhline(published, color="0.4", ls=":", label="published")
    ax.set(xlabel="epoch", ylabel="validation accuracy (%)", ylim=(0, 102))
    ax.legend(loc="lower right")
    return ax
