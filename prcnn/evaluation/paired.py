"""Reports on the same clips, compared: two runs, or several seeds of two methods."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t

from prcnn.evaluation.statistics import LEVEL

#: Two methods tie where the 95 % interval of their difference lies within this: 3 points.
TIE = 0.03


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
    each model should win half if the models were equally good: as many heads as a fair coin gives.
    Where the reports have groups (artists, or the clips of segments), what one group adds to the
    lead of a model is one toss: exact as well, and McNemar's where every clip stands alone.
    Returns :class:`Paired`; ValueError where the clips, in whatever order, their true genres or
    groups, or the genres differ.

    Chapter: book/baselines.ipynb
    """
    (one, other), groups = _right([first, second])
    lead = one - other
    tosses = np.bincount(groups, lead).astype(int)
    return Paired(
        int((lead > 0).sum()), int((lead < 0).sum()), float(lead.mean()), _by_tossing(tosses)
    )


def _by_tossing(leads):
    """How often the sum of `leads`, each with the sign of a coin's toss, is as far from 0."""
    chances = np.ones(1)  # of the sums -k, -k + 1 … k, where k is what the leads so far add up to
    for lead in np.abs(leads[leads != 0]):
        wider = np.pad(chances, lead)
        chances = (np.roll(wider, lead) + np.roll(wider, -lead)) / 2
    sums = np.arange(chances.size) - chances.size // 2
    return min(1.0, float(chances[np.abs(sums) >= abs(leads.sum())].sum()))


def over_seeds(reports):
    """Mean and spread over the reports of runs that differ in their seed alone, a DataFrame.

    Index accuracy, macro_f1; columns mean, sd (ddof 1; missing for a single run), runs. The sd is
    the spread from run to run on these clips; what other clips would give is the interval's matter,
    not its. ValueError for no reports, or different clips.

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

    Of reports one a seed, from the t distribution, cut at 0 and 1; for other artists where the
    reports know them. A single run cannot tell what seeds do: it has its report's interval, about
    the clips alone. ValueError for no reports, different clips, or several runs on a single clip or
    artist.

    Chapter: book/ablations.ipynb
    """
    reports = list(reports)
    right, groups = _right(reports)
    if len(reports) == 1:
        return reports[0].interval
    mean, error, df = _contrast([(1, right)], groups)
    half = t.ppf((1 + LEVEL) / 2, df) * error
    return max(0.0, float(mean - half)), min(1.0, float(mean + half))


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
    (other artists, where the reports know them) and what other seeds would change, with Welch's and
    Satterthwaite's degrees of freedom. The clips are paired, the seeds are not. With one run each
    it is the paired t test over clips, near McNemar's, and says nothing about other seeds.
    Returns :class:`PairedSeeds`; ValueError unless all are on the same clips, more than a single
    clip or artist.

    Chapter: book/ablations.ipynb
    """
    first, second = list(first), list(second)
    right, groups = _right(first + second if first and second else [])
    n = len(first)
    difference, error, df = _contrast([(1, right[:n]), (-1, right[n:])], groups)
    if error == 0:  # no clip and no run says otherwise
        return PairedSeeds(difference, difference, difference, float(difference == 0))
    half = t.ppf((1 + LEVEL) / 2, df) * error
    p_value = 2 * t.sf(abs(difference) / error, df)
    return PairedSeeds(difference, difference - half, difference + half, float(p_value))


def verdict(compared, p_value=None, tie=TIE):
    """What a comparison lets one say of the first method: four words, no fifth.

    Parameters
    ----------
    compared : PairedSeeds
        Or anything with ``difference``, ``low``, ``high`` and ``p_value``.
    p_value : float, optional
        In place of ``compared.p_value``: corrected for how many comparisons the question needed,
        see :func:`prcnn.evaluation.holm`.
    tie : float
        A bound named before looking.

    Returns
    -------
    {"better", "worse", "tie", "undecided"}
        Better or worse where p is below 0.05; otherwise a tie, where the whole interval lies within
        ± `tie`; otherwise nothing is decided: a difference that matters is as possible as none.

    Chapter: book/ablations.ipynb
    """
    if (compared.p_value if p_value is None else p_value) < 1 - LEVEL:
        return "better" if compared.difference > 0 else "worse"
    return "tie" if max(-compared.low, compared.high) <= tie else "undecided"


def _right(reports):
    """Which runs got which clips right, (runs, clips) of 0 and 1; each clip's group, an int."""
    if not reports:
        raise ValueError("At least one report of each method is needed.")
    _check_same_clips(reports)
    clips = reports[0].clips
    right = np.array([r.correct[r.clips.get_indexer(clips)] for r in reports], dtype=float)
    for r in reports:
        if r.groups is not None:
            return right, pd.factorize(r.groups[r.clips.get_indexer(clips)])[0]
    return right, np.arange(clips.size)


def _luck(right, groups):
    """The variance of a mean over runs and clips that neither explains: a run's luck with a group.

    What (runs, clips) hold without the means of runs and clips, as a variance of their mean.
    """
    left = right - right.mean(axis=0) - right.mean(axis=1, keepdims=True) + right.mean()
    return _of_mean(left, groups) / (len(right) * (len(right) - 1))


def _of_mean(values, groups):
    """Σ over rows of the variance of a row's mean, if groups of columns are drawn anew."""
    n = groups.max() + 1
    if n < 2:
        raise ValueError(
            f"All {values.shape[-1]} clips are one group (one clip, or one artist), which cannot "
            "say what another would give. At least two are needed."
        )
    sums = np.array([np.bincount(groups, row) for row in values])
    return float((sums**2).sum() * n / (n - 1) / values.shape[-1] ** 2)


def _contrast(methods, groups):
    """Σ sign · mean accuracy, its standard error and degrees of freedom.

    Runs and clips are crossed: every clip is tested in every run. The variance between clips and
    the variance between runs each hold the part in which a run is lucky with a clip; it counts
    once.
    """
    clips = sum(sign * right.mean(axis=0) for sign, right in methods)
    parts = [(_of_mean(clips[None] - clips.mean(), groups), groups.max())]
    twice = 0.0
    for _, right in methods:
        runs = len(right)
        if runs > 1:
            parts.append((right.mean(axis=1).var(ddof=1) / runs, runs - 1))
            twice += _luck(right, groups)
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
    grouped = [r for r in reports if r.groups is not None]
    for other in grouped[1:]:
        theirs = pd.Series(other.groups, other.clips)[grouped[0].clips]
        if (theirs.to_numpy() != grouped[0].groups).any():
            raise ValueError("The reports put the same clips into different groups.")
