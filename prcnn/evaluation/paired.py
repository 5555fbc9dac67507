"""Reports on the same clips, compared: two runs, or several seeds of two methods."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from prcnn.evaluation.statistics import LEVEL


class Paired(NamedTuple):
    """Two models on the same clips: who was right where the other was not.

    ``only_first`` and ``only_second`` are counts of clips, ``difference`` is the first accuracy
    minus the second, ``p_value`` is McNemar's exact two-sided one.
    """

    only_first: int
    only_second: int
    difference: float
    p_value: float


def mcnemar(first, second):
    """McNemar's exact paired test: do two models differ on the same clips?

    Clips that both get right or both get wrong say nothing about who is better. Of the others,
    each model should win half if the models were equally good: a binomial test.

    Parameters
    ----------
    first, second : Report
        For the same clips, in any order.

    Returns
    -------
    Paired

    Raises
    ------
    ValueError
        Where the clips, their true genres or the genres differ, or rows are no independent clips.

    Chapter: book/baselines.ipynb
    """
    if first.groups is not None or second.groups is not None:
        raise ValueError("McNemar's test needs independent clips; apply from_segments first.")
    _check_same_clips([first, second])
    one, other = first.correct, second.correct[second.clips.get_indexer(first.clips)]
    only_first, only_second = int((one & ~other).sum()), int((other & ~one).sum())
    decided = only_first + only_second
    p_value = binomtest(only_first, decided).pvalue if decided else 1.0
    return Paired(only_first, only_second, first.accuracy - second.accuracy, float(p_value))


def over_seeds(reports):
    """Mean and spread over runs that differ in their seed alone.

    Parameters
    ----------
    reports : sequence of Report
        For the same clips.

    Returns
    -------
    pandas.DataFrame
        Index accuracy, macro_f1; columns mean, sd (ddof 1; missing for a single run), runs. The sd
        is the spread from run to run on these clips; what other clips would give is the interval's
        matter, not its.

    Raises
    ------
    ValueError
        No reports, or reports on different clips.

    Chapter: book/train.ipynb
    """
    reports = list(reports)
    if not reports:
        raise ValueError("over_seeds needs at least one report.")
    _check_same_clips(reports)
    values = pd.DataFrame([{"accuracy": r.accuracy, "macro_f1": r.macro_f1} for r in reports])
    return pd.DataFrame({"mean": values.mean(), "sd": values.std(), "runs": len(reports)})


class PairedSeeds(NamedTuple):
    """Two methods, several seeds each, on the same clips.

    ``low`` and ``high`` are the 95 % interval of the first one's mean accuracy, ``difference`` is
    the first mean accuracy minus the second, ``p_value`` that of a two-sided permutation test.
    """

    low: float
    high: float
    difference: float
    p_value: float


def compare_over_seeds(first, second, *, n_resamples=10_000, seed=0):
    """Do two methods differ, each trained with several seeds, on the same clips?

    McNemar's test for more than one run: a clip's score is the share of a method's runs that get
    it right. Were the methods equally good, each clip's difference could as well have the other
    sign; the p-value is how often random signs give a mean difference as large as the one seen.
    With one run each this is McNemar's test, by simulation.

    Parameters
    ----------
    first, second : sequence of Report
        One a seed, all on the same clips.
    n_resamples, seed : int

    Returns
    -------
    PairedSeeds
        The interval is a bootstrap that draws clips and runs anew: it holds what other clips and
        other seeds would change.

    Raises
    ------
    ValueError
        No reports, or reports on different clips.

    Chapter: book/ablations.ipynb
    """
    first, second = list(first), list(second)
    if not first or not second:
        raise ValueError("compare_over_seeds needs at least one report of each method.")
    _check_same_clips([*first, *second])
    clips = first[0].clips
    right, other = (
        np.array([r.correct[r.clips.get_indexer(clips)] for r in reports], dtype=float)
        for reports in (first, second)
    )
    gap = right.mean(axis=0) - other.mean(axis=0)
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], size=(n_resamples, gap.size))
    # The observed signs count as one draw, so that p is never 0; 1e-12 is for rounding in ties.
    as_large = np.abs(signs @ gap) >= np.abs(gap.sum()) - 1e-12
    p_value = (as_large.sum() + 1) / (n_resamples + 1)
    runs = rng.multinomial(len(right), np.full(len(right), 1 / len(right)), n_resamples)
    drawn = rng.multinomial(gap.size, np.full(gap.size, 1 / gap.size), n_resamples)
    means = np.einsum("br,rc,bc->b", runs, right, drawn, optimize=True) / right.size
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return PairedSeeds(float(low), float(high), float(gap.mean()), float(p_value))


def _check_same_clips(reports):
    first = reports[0]
    for other in reports[1:]:
        if list(other.genres) != list(first.genres):
            raise ValueError(f"Reports on different genres: {first.genres} and {other.genres}.")
        missing = first.clips.symmetric_difference(other.clips)
        if len(missing):
            raise ValueError(
                f"The reports are on different clips ({first.n} and {other.n}); {len(missing)} are "
                f"in one only, first {missing[0]!r}. Pair reports of one split of one dataset."
            )
        if (other.true[other.clips.get_indexer(first.clips)] != first.true).any():
            raise ValueError("The reports give the same clips different true genres.")
