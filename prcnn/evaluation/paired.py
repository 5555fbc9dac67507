"""Reports on the same clips, compared: two runs, or several seeds of two methods."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest, t

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


def interval_over_seeds(reports):
    """95 % interval of a method's mean accuracy: what other clips and other seeds would give.

    Parameters
    ----------
    reports : sequence of Report
        One a seed, all on the same clips.

    Returns
    -------
    tuple of float
        From the t distribution, cut at 0 and 1. A single run cannot tell what seeds do: it has
        its report's interval, which is about the clips alone.

    Raises
    ------
    ValueError
        No reports, or reports on different clips.

    Chapter: book/ablations.ipynb
    """
    reports = list(reports)
    mean, error, df = _contrast([(1, _correct(reports))])
    if len(reports) == 1:
        return reports[0].interval
    half = t.ppf((1 + LEVEL) / 2, df) * error
    return max(0.0, float(mean - half)), min(1.0, float(mean + half))


def luck_of_runs(reports):
    """Variance of one answer, right or wrong, that neither its clip nor its run explains.

    Parameters
    ----------
    reports : sequence of Report
        One a seed, all on the same clips; at least two.

    Returns
    -------
    float
        Divided by the number of clips, the part of the variance between runs that more clips would
        average out.

    Raises
    ------
    ValueError
        Fewer than two reports, or reports on different clips.

    Chapter: book/discussion.ipynb
    """
    right = _correct(list(reports))
    if len(right) < 2:
        raise ValueError("The luck of runs needs at least two of them.")
    return _luck(right)


class PairedSeeds(NamedTuple):
    """Two methods, several seeds each, on the same clips.

    ``difference`` is the first mean accuracy minus the second, ``low`` and ``high`` are its 95 %
    interval, ``p_value`` is two-sided.
    """

    difference: float
    low: float
    high: float
    p_value: float


def compare_over_seeds(first, second):
    """Do two methods differ, each trained with several seeds, on the same clips?

    A t test of the difference between the mean accuracies, whose variance adds what other clips
    and what other seeds would change, with Welch's and Satterthwaite's degrees of freedom. The
    clips are paired, the seeds are not. With one run each it is the paired t test over clips, near
    McNemar's, and says nothing about other seeds.

    Parameters
    ----------
    first, second : sequence of Report
        One a seed, all on the same clips.

    Returns
    -------
    PairedSeeds

    Raises
    ------
    ValueError
        No reports, or reports on different clips.

    Chapter: book/ablations.ipynb
    """
    first, second = list(first), list(second)
    right = _correct(first + second if first and second else [])
    n = len(first)
    difference, error, df = _contrast([(1, right[:n]), (-1, right[n:])])
    if error == 0:  # no clip and no run says otherwise
        return PairedSeeds(difference, difference, difference, float(difference == 0))
    half = t.ppf((1 + LEVEL) / 2, df) * error
    p_value = 2 * t.sf(abs(difference) / error, df)
    return PairedSeeds(difference, difference - half, difference + half, float(p_value))


def _correct(reports):
    """Which runs got which clips right: (runs, clips) of 0 and 1."""
    if not reports:
        raise ValueError("At least one report of each method is needed.")
    _check_same_clips(reports)
    clips = reports[0].clips
    return np.array([r.correct[r.clips.get_indexer(clips)] for r in reports], dtype=float)


def _luck(right):
    """What is left of (runs, clips) without the means of runs and clips, as a variance."""
    left = right - right.mean(axis=0) - right.mean(axis=1, keepdims=True) + right.mean()
    return float((left**2).sum() / ((right.shape[0] - 1) * (right.shape[1] - 1)))


def _contrast(methods):
    """Σ sign · mean accuracy, its standard error and degrees of freedom.

    Runs and clips are crossed: every clip is tested in every run. The variance between clips and
    the variance between runs each hold the part in which a run is lucky with a clip; it counts
    once.
    """
    clips = sum(sign * right.mean(axis=0) for sign, right in methods)
    parts, twice = [(clips.var(ddof=1) / clips.size, clips.size - 1)], 0.0
    for _, right in methods:
        runs = len(right)
        if runs > 1:
            parts.append((right.mean(axis=1).var(ddof=1) / runs, runs - 1))
            twice += _luck(right) / right.size
    variances = [variance for variance, _ in parts]
    variance = max(sum(variances) - twice, *variances)
    spread = sum(v**2 / df for v, df in parts)
    return float(clips.mean()), variance**0.5, variance**2 / spread if spread else np.inf


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
