"""Figures of datasets: clips per genre and split, the weight of single artists, leaks of splits."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from prcnn.datasets.dataset import SPLITS
from prcnn.plots.style import HATCHES


def genre_counts(clips, ax=None):
    """Bars: ``Dataset.clips`` of each genre, one pattern a split.

    Chapter: book/datasets.ipynb
    """
    ax = ax or plt.subplots()[1]
    counts = pd.crosstab(clips["genre"], clips["split"]).reindex(columns=SPLITS, fill_value=0)
    left = np.zeros(len(counts))
    for split, hatch in zip(SPLITS, HATCHES, strict=False):
        ax.barh(counts.index, counts[split], left=left, hatch=hatch, edgecolor="white", label=split)
        left += counts[split].to_numpy()
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="clips", title="Clips of each genre, by split")
    ax.legend(ncols=3, loc="lower center", bbox_to_anchor=(0.5, 1.08), frameon=False)
    return ax


def artist_shares(clips, ax=None):
    """Bars: each genre of ``Dataset.clips`` cut into its artists, the largest first and dark.

    Clips of unknown artists are white, at the end.

    Chapter: book/datasets.ipynb
    """
    ax = ax or plt.subplots()[1]
    for genre, group in clips.groupby("genre"):
        sizes = group["artist"].value_counts().to_numpy() / len(group) * 100
        left = np.concatenate([[0], np.cumsum(sizes)])
        greys = ["0.15"] + [("0.6", "0.8")[i % 2] for i in range(len(sizes) - 1)]
        ax.barh(genre, sizes, left=left[:-1], color=greys[: len(sizes)], edgecolor="white", lw=0.4)
        if left[-1] < 99.9:
            ax.barh(genre, 100 - left[-1], left=left[-1], color="white", edgecolor="0.6", lw=0.4)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(
        xlabel="share of the genre's clips (%)",
        xlim=(0, 100),
        title="Who makes up a genre (dark: its most frequent artist)",
    )
    return ax


def overlaps(shares, ax=None):
    """Bars: share of the test clips whose artist was in training, for several ways to split.

    ``shares`` is a dict: name of the split → :func:`prcnn.datasets.splits.overlap`.

    Chapter: book/datasets.ipynb
    """
    ax = ax or plt.subplots(figsize=(7.2, 2.2))[1]
    bars = ax.barh(list(shares), [100 * share for share in shares.values()], color="0.45")
    ax.bar_label(bars, fmt="%.0f %%", padding=3)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="test clips whose artist is in training (%)", xlim=(0, 112))
    return ax
