"""How sure one can be of an accuracy or a difference: arrays of right and wrong in, numbers out.

``right`` is an array of 0 and 1, (clips,) for one run of a method or (runs, clips) for several.
``groups`` (clips,) says which clips were drawn together (an artist's, an upload's, a clip's
segments); None where every clip stands alone. ``folds`` (clips,) says which of a run's networks a
clip was tested by; None where one network was tested on all.
"""

import math
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control, norm, t

LEVEL = 0.95
_Z = norm.ppf((1 + LEVEL) / 2)
#: Two methods tie where the interval of their difference lies within this: 2 points, which was
#: fixed before any fold of the study was run.
TIE = 0.02
#: Fewer groups than this say little about others, and reports say so.
FEW = 10


def wilson(correct, n, z=_Z):
    """Wilson's 95 % interval of `correct` out of `n` independent clips, (low, high).

    It keeps its level where ±1.96 standard errors fail: few clips, or nearly all right. ValueError
    unless 0 <= correct <= n and n > 0.

    >>> low, high = wilson(359, 800)
    >>> f"{low:.3f} {high:.3f}"
    '0.415 0.483'

    Chapter: book/reproduction.ipynb
    """
    if n <= 0 or not 0 <= correct <= n:
        raise ValueError(f"wilson needs 0 <= correct <= n and n > 0, got {correct} of {n}.")
    share, reach = correct / n, z**2 / n
    half = math.sqrt(reach * share * (1 - share) + reach**2 / 4)
    low, high = ((share + reach / 2 + sign * half) / (1 + reach) for sign in (-1, 1))
    return max(0.0, float(low)), min(1.0, float(high))


def accuracy_interval(right, groups=None, *, folds=None, run_variance=None):
    """95 % interval of a method's accuracy, (low, high), for other clips and other runs.

    Wilson's, with as many clips as would have the standard error that was found (Kish's effective
    number) and t's quantile for so few groups. Large groups that go against the others are rare and
    may be missing here, so the variance has that of two more groups, each all right or all wrong.
    Where all groups say the same, all right or all wrong, each counts as one clip. A single group
    says nothing about others: 0 to 1. Arguments as for :func:`compare`.
    """
    right, groups, folds = _checked(right, groups, folds)
    n_groups = groups.max() + 1
    if len(right) == 1 and n_groups == groups.size and run_variance is None:
        return wilson(int(right.sum()), n_groups)
    if n_groups == 1:
        return 0.0, 1.0
    mean, variance, df = _contrast([(1, right, run_variance)], groups, folds)
    n = n_groups
    if variance and 0 < mean < 1:
        of_one, added = mean * (1 - mean), 2 * mean * (1 - mean) / _worth(groups) ** 2
        n, df = of_one / (variance + added), df * (1 + added / variance) ** 2
    return wilson(mean * n, n, t.ppf((1 + LEVEL) / 2, df))


class Comparison(NamedTuple):
    """Two methods on the same clips: first accuracy minus second, its interval, two-sided p."""

    difference: float
    low: float
    high: float
    p_value: float
    n_groups: int  #: on which all of it rests


def compare(first, second, groups=None, *, folds=None, run_variance=(None, None), level=LEVEL):
    """Do two methods differ, for other clips and other runs than these?

    A t test, whose variance adds what other groups of clips and what other runs would change, with
    Satterthwaite's degrees of freedom: for one run each and clips that stand alone the paired t
    test, near McNemar's. Where all groups say the same, no variance tells what others would: the
    interval then holds what so many groups can miss (as Clopper and Pearson's), and of one method
    right and the other wrong, p is McNemar's.

    ``first`` and ``second`` are the same clips in the same order; runs are not paired.
    ``run_variance`` is each method's :func:`run_variance` where it is known from elsewhere (0
    where no random numbers are drawn); None takes it from the method's own runs, and one run then
    says nothing about others. ``level`` is the interval's. Returns a :class:`Comparison`;
    ValueError for no clips, other numbers of clips, or all clips in one group.
    """
    first, groups, folds = _checked(first, groups, folds)
    second = _checked(second, groups, folds)[0]
    n = int(groups.max()) + 1
    if n < 2:
        raise ValueError(
            f"All {groups.size} clips are one group (one clip, or one artist), which cannot say "
            "what another would give. At least two are needed."
        )
    methods = [(1, first, run_variance[0]), (-1, second, run_variance[1])]
    mean, variance, df = _contrast(methods, groups, folds)
    half = t.ppf((1 + level) / 2, df) * math.sqrt(variance)
    p_value = 2 * t.sf(abs(mean) / math.sqrt(variance), df) if variance else 0.0
    low, high = mean - half, mean + half
    if _of_clips(first.mean(axis=0) - second.mean(axis=0), groups)[0] < 1e-18:
        missed = 1 - ((1 - level) / 2) ** (1 / n)  # share of groups that may be quite otherwise
        low, high = ((1 - missed) * mean + sign * (missed + half) for sign in (-1, 1))
        p_value = max(p_value, min(1.0, 2 / (1 + abs(mean)) ** n))
    return Comparison(mean, max(-1.0, float(low)), min(1.0, float(high)), float(p_value), n)


def run_variance(methods, groups=None, folds=None):
    """How much the accuracy of one run varies from run to run: a variance, pooled over methods.

    ``methods`` is a list of ``right``, (runs, clips) with two runs or more (ValueError otherwise).
    A run's luck with single clips, which lies in the variance between clips, too, is left out.
    """
    checked = [_checked(right, groups, folds) for right in methods]
    if min(len(right) for right, *_ in checked) < 2:
        raise ValueError("run_variance needs at least two runs of every method.")
    parts = [(len(given[0]), *_of_runs(*given)) for given in checked]
    return max(0.0, float(np.mean([runs * (variance - luck) for runs, variance, _, luck in parts])))


def verdict(compared, p_value=None, margin=TIE):
    """What a :class:`Comparison` lets one say of the first method: four words, no fifth.

    "better" or "worse" where p is at most 0.05; otherwise "tie", where the whole interval lies
    within ± ``margin``, a fraction named before looking; otherwise "undecided". ``p_value`` counts
    in place of the comparison's own, see :func:`benjamini_hochberg`.

    Chapter: book/ablations.ipynb
    """
    if (compared.p_value if p_value is None else p_value) <= 1 - LEVEL:
        return "better" if compared.difference > 0 else "worse"
    return "tie" if max(-compared.low, compared.high) <= margin else "undecided"


def benjamini_hochberg(p_values):
    """q-values of a Series of all p-values of a study: at most 5 % with q <= 0.05 are false."""
    known = p_values.dropna()
    return pd.Series(false_discovery_control(known), known.index).reindex(p_values.index)


def adjusted_level(p_values):
    """Level at which intervals of :func:`compare` leave out 0 just where q is <= 0.05.

    Benjamini and Yekutieli, "False Discovery Rate-Adjusted Multiple Confidence Intervals", 2005.
    """
    found = int((benjamini_hochberg(p_values) <= 1 - LEVEL).sum())
    return 1 - (1 - LEVEL) * max(1, found) / max(1, p_values.count())


def _checked(right, groups, folds):
    """(runs, clips) of float; groups and folds as ints from 0 on."""
    right = np.atleast_2d(np.asarray(right, dtype=float))
    n = right.shape[1]
    groups = np.arange(n) if groups is None else pd.factorize(np.asarray(groups))[0]
    folds = np.zeros(n, int) if folds is None else pd.factorize(np.asarray(folds))[0]
    missing = min(groups.min(initial=0), folds.min(initial=0)) < 0
    if n == 0 or missing or not n == groups.size == folds.size:
        raise ValueError(
            f"{n} clips need a group and a fold each, none missing; there are {groups.size} groups "
            f"and {folds.size} folds."
        )
    return right, groups, folds


def _of_clips(values, groups):
    """Variance of the mean of `values`, a clip each, over other groups of clips; its freedom.

    The jackknife's: for groups of one size it is the textbook's, for others on the safe side.
    """
    sizes = np.bincount(groups)
    shifts = np.bincount(groups, values - values.mean()) / (values.size - sizes)
    return (1 - 1 / sizes.size) * np.square(shifts).sum(), max(1.0, _worth(groups) - 1)


def _worth(groups):
    """How many groups of one size are worth as much as these (Kish's effective number)."""
    return groups.size**2 / np.square(np.bincount(groups)).sum()


def _of_runs(right, groups, folds):
    """Variance over other runs of a mean over (runs, clips); its freedom; how much of it is luck.

    Luck is what neither runs nor clips explain, a run's good or bad day with a group. It lies in
    the variance over groups as well, and must count once.
    """
    runs, n = right.shape
    sizes = np.bincount(folds)
    means = np.stack([np.bincount(folds, row) for row in right]) / sizes
    variance = (np.square(sizes / n) * means.var(axis=0, ddof=1)).sum() / runs
    left = right - right.mean(axis=0) - (means - means.mean(axis=0))[:, folds]
    luck = sum(_of_clips(row, groups)[0] for row in left) / (runs * (runs - 1))
    return variance, (runs - 1) * sizes.size, luck


def _contrast(methods, groups, folds):
    """Σ sign · mean accuracy, its variance and degrees of freedom; every run tested every clip."""
    clips = sum(sign * right.mean(axis=0) for sign, right, _ in methods)
    parts, luck = [_of_clips(clips, groups)], 0.0
    for _, right, known in methods:
        if known is not None:
            parts.append((known / len(right), np.inf))
        elif len(right) > 1:
            *part, twice = _of_runs(right, groups, folds)
            parts.append(part)
            luck += twice
    variances = [variance for variance, _ in parts]
    variance = max(sum(variances) - luck, *variances, 0.0)
    spread = sum(v**2 / df for v, df in parts)
    return float(clips.mean()), variance, variance**2 / spread if spread else parts[0][1]
