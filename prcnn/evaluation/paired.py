"""Reports on the same clips, compared: two runs, or several seeds of two methods."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from prcnn.evaluation.statistics import accuracy_interval, compare


class Paired(NamedTuple):
    """Two models on the same clips: clips that only one gets right, first accuracy minus second."""

    only_first: int
    only_second: int
    difference: float
    p_value: float


def mcnemar(first, second):
    """McNemar's exact, two-sided test of two reports on the same clips, a :class:`Paired`.

    Clips that both get right or both get wrong say nothing about who is better. Of the others,
    each model should win half if the models were equally good: as many heads as a fair coin gives.
    Where the reports have groups (artists, or the clips of segments), what one group adds to the
    lead of a model is one toss: exact as well. ValueError where clips (in whatever order), their
    true genres or groups, or the genres differ.
    """
    (one, other), groups = _right([first, second])
    lead = one - other
    chances = np.ones(1)  # of the sums -k, -k + 1 … k, where k is what the leads so far add up to
    for toss in np.abs(np.bincount(groups, lead).astype(int)):
        wider = np.pad(chances, toss)
        chances = (np.roll(wider, toss) + np.roll(wider, -toss)) / 2
    sums = np.arange(chances.size) - chances.size // 2
    p_value = min(1.0, float(chances[np.abs(sums) >= abs(lead.sum())].sum()))
    return Paired(int((lead > 0).sum()), int((lead < 0).sum()), float(lead.mean()), p_value)


def compare_over_seeds(first, second):
    """:func:`compare` two methods by reports on the same clips, a list each, one a seed.

    Returns a :class:`Comparison`, over the reports' groups; ValueError where they cannot be paired.
    """
    first, second = list(first), list(second)
    right, groups = _right(first + second if first and second else [])
    return compare(right[: len(first)], right[len(first) :], groups)


def interval_over_seeds(reports):
    """:func:`accuracy_interval` of a method's mean accuracy, from reports one a seed, (low, high).

    A single run cannot tell what seeds do: its interval is about the clips alone.
    """
    return accuracy_interval(*_right(list(reports)))


def _right(reports):
    """Which runs got which clips right, (runs, clips) of 0 and 1; each clip's group, an int."""
    if not reports:
        raise ValueError("At least one report of each method is needed.")
    first, groups, right = reports[0], None, []
    for r in reports:
        order = r.clips.get_indexer(first.clips)
        if list(r.genres) != list(first.genres):
            raise ValueError(f"Reports on different genres: {first.genres} and {r.genres}.")
        if r.n != first.n or min(order) < 0:
            odd = first.clips.symmetric_difference(r.clips)
            raise ValueError(
                f"The reports are on different clips ({first.n} and {r.n}); {len(odd)} are in one "
                f"only, first {odd[0]!r}. Pair reports of one split of one dataset."
            )
        if (r.true[order] != first.true).any():
            raise ValueError("The reports give the same clips different true genres.")
        right.append(r.correct[order].astype(float))
        if r.groups is not None:
            if groups is not None and (r.groups[order] != groups).any():
                raise ValueError("The reports put the same clips into different groups.")
            groups = r.groups[order]
    return np.array(right), np.arange(first.n) if groups is None else pd.factorize(groups)[0]
