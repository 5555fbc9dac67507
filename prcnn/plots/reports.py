"""Figures of runs: learning curves, confusion, accuracies and differences, one clip's answer."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns

from prcnn.evaluation import TIE
from prcnn.plots.page import as_written


def learning_curves(history, ax=None):
    """Accuracy of training and validation in ``Run.history``; the kept epoch is marked.

    Chapter: book/train.ipynb
    """
    ax = ax or plt.subplots()[1]
    ax.plot(history.index, 100 * history["accuracy"], "--", label="training")
    ax.plot(history.index, 100 * history["val_accuracy"], "-", label="validation")
    best = history["val_accuracy"].idxmax()
    ax.plot(best, 100 * history.loc[best, "val_accuracy"], "ko", label=f"kept: epoch {best}")
    ax.set(xlabel="epoch", ylabel="accuracy (%)", ylim=(0, 102), title="Learning curves")
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend(loc="lower right")
    return ax


def confusion(matrix, ax=None, title="Confusion"):
    """Heatmap of a matrix like ``Report.confusion``: true genres in rows, clips in every cell.

    Chapter: book/train.ipynb
    """
    ax = ax or plt.subplots(figsize=(6.4, 5.2))[1]
    look = {"fmt": "d", "cmap": "Greys", "square": True, "cbar": False}
    # Without names, for it draws what it has at once.
    sns.heatmap(matrix, annot=True, xticklabels=False, yticklabels=False, ax=ax, **look)
    ax.set_xticks(np.arange(len(matrix.columns)) + 0.5, matrix.columns, rotation="vertical")
    ax.set_yticks(np.arange(len(matrix)) + 0.5, matrix.index)
    ax.set(xlabel="predicted", ylabel="true", title=title)
    # Heatmaps count downwards, pictures of sound upwards: our style would turn this one over.
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    return as_written(ax)


def accuracies(table, ax=None, chance=None):
    """Accuracies with their intervals, one row a method, best at the top.

    Parameters
    ----------
    table : pandas.DataFrame
        Index: names; columns ``accuracy``, ``low``, ``high`` as fractions and, where there were
        several, ``seeds``: a list of accuracies, each a dot.
    chance : float, optional
        Fraction at which to draw the line of guessing.

    Chapter: book/train.ipynb
    """
    ax = ax or plt.subplots(figsize=(7.2, 0.9 + 0.42 * len(table)))[1]
    table = table.sort_values("accuracy", ascending=False)
    _intervals(ax, table, "accuracy", np.arange(len(table)))
    ax.set(xlabel="accuracy (%), 95 % interval", xlim=(0, 100))
    if chance is not None:
        ax.axvline(100 * chance, color="0.5", linestyle=":")
        ax.annotate("guessing", (100 * chance, -0.5), ha="center", fontsize="small")
    return as_written(ax)


def forest(tables, ax=None):
    """Differences with their intervals: a row is a comparison, a dot a seed.

    Parameters
    ----------
    tables : pandas.DataFrame or dict of str to pandas.DataFrame
        Index: names, or question and name, as :func:`prcnn.study.answers.comparisons` gives them;
        columns ``difference``, ``low``, ``high`` as fractions and, where there were several,
        ``seeds`` (a list); ``reference`` is named beside a question. Several studies, by their
        names, share the rows. An interval inside the grey band is a tie.
    ax : matplotlib Axes, optional

    Chapter: book/ablations.ipynb
    """
    studies = tables if isinstance(tables, dict) else {None: tables}
    rows = pd.concat(list(studies.values()))
    rows = rows[~rows.index.duplicated()]
    groups = [(None, rows)]
    if rows.index.nlevels > 1:
        groups = list(rows.groupby(level=0, sort=False))
    heads = sum(name is not None for name, _ in groups)
    height = 0.34 if len(studies) == 1 else 0.37
    ax = ax or plt.subplots(figsize=(7.2, 0.9 + height * (len(rows) + heads)))[1]
    ax.axvspan(-100 * TIE, 100 * TIE, color="0.92", zorder=0)
    ax.axvline(0, color="0.5", lw=1, zorder=0)
    places, place = {}, 0
    for name, lines in groups:
        if name is not None:
            words = f"{name}  (beside {lines['reference'].iloc[0]})"
            head = ax.text(0, place, words, transform=ax.get_yaxis_transform(), va="center")
            size = "small" if len(words) < 68 else "x-small"  # as wide as the axes at most
            head.set(style="italic", size=size, in_layout=False)
            place += 1
        places |= dict(zip(lines.index, range(place, place + len(lines)), strict=True))
        place += len(lines)
    looks = zip(studies.items(), ("o", "s"), ("k", "0.5"), ("C1", "C0"), strict=False)
    for i, ((name, table), marker, colour, dots) in enumerate(looks):
        shift = 0.26 * (i - (len(studies) - 1) / 2)
        at = np.array([places[key] for key in table.index]) + shift
        style = {"fmt": marker, "color": colour, "mfc": colour if i == 0 else "white"}
        _intervals(ax, table, "difference", at, dots, label=name, **style)
    ax.set_yticks(list(places.values()), [key if heads == 0 else key[-1] for key in places])
    ax.set(xlabel="difference (points), 95 % interval", ylim=(place - 0.4, -0.6))
    if isinstance(tables, dict):
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False)
    return as_written(ax)


def _intervals(ax, table, column, places, dots="C1", **style):
    """Points with their intervals and a dot a seed, in percent, from the top down."""
    errors = 100 * np.abs(table[["low", "high"]].to_numpy().T - table[column].to_numpy())
    for place, seeds in zip(places, table.get("seeds", ()), strict=False):
        if isinstance(seeds, list):
            each = 100 * np.array(seeds)
            ax.plot(each, np.full(len(each), place), "o", color=dots, ms=4, alpha=0.7, zorder=3)
    style = {"fmt": "o", "color": "k", "capsize": 4} | style
    ax.errorbar(100 * table[column], places, xerr=errors, **style)
    names = table.index.get_level_values(-1)
    ax.set_yticks(places, names)
    ax.set_ylim(max(places) + 0.6, -0.6)
    ax.grid(axis="y", visible=False)


def genre_bars(probabilities, genres, true=None, ax=None):
    """What a network says of one clip: a bar a genre, the true one, if known, hatched.

    ``probabilities`` (n_genres,) are those of ``genres``.
    """
    ax = ax or plt.subplots(figsize=(3.6, 2.6))[1]
    rows = range(len(genres))
    bars = ax.barh(rows, 100 * np.asarray(probabilities), color="0.6")
    for genre, bar in zip(genres, bars, strict=True):
        if genre == true:
            bar.set(hatch="///", edgecolor="black")
    ax.set_yticks(rows, genres)
    ax.invert_yaxis()
    ax.set(xlabel="probability (%)", xlim=(0, 100))
    ax.grid(False)
    return as_written(ax)
