"""What a score is worth: intervals, paired tests and calibration of reports."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import binomtest

LEVEL = 0.95


def wilson(correct, n, level=LEVEL):
    """Wilson's score interval of a proportion, (low, high).

    It stays inside 0 … 1 and keeps its level where the textbook's ±1.96 standard errors fail:
    few clips, or nearly all right.

    Parameters
    ----------
    correct, n : int
        How many of how many.
    level : float
        Coverage, between 0 and 1.

    Raises
    ------
    ValueError
        Unless 0 <= correct <= n, n >= 1 and 0 < level < 1.

    Examples
    --------
    >>> low, high = wilson(359, 800)
    >>> f"{low:.3f} {high:.3f}"
    '0.415 0.483'

    Chapter: book/train.ipynb
    """
    if n < 1 or not 0 <= correct <= n:
        raise ValueError(f"wilson needs 0 <= correct <= n and n >= 1, got {correct} of {n}.")
    _check_level(level)
    low, high = binomtest(int(correct), int(n)).proportion_ci(level, method="wilson")
    return float(low), float(high)


def bootstrap(report, score="accuracy", *, level=LEVEL, n_resamples=4000, seed=0):
    """Percentile bootstrap interval of a score, (low, high).

    Clips, or ``report.groups`` where it has them, are drawn with replacement.

    Parameters
    ----------
    report : Report
    score : {"accuracy", "macro_f1"}
    level : float
        Coverage, between 0 and 1.
    n_resamples, seed : int

    Raises
    ------
    ValueError
        An unknown score or a level outside 0 … 1.

    Notes
    -----
    Both scores depend on the confusion matrix alone, and a resampled set's matrix is a sum of its
    groups' matrices. So only those need drawing, and equal ones can be drawn together: exact, and
    about as fast for 100,000 clips as for 800. Where every clip is right, so is every resample,
    and the interval shrinks to a point: use :func:`wilson` there.

    Chapter: book/leakage.ipynb
    """
    if score not in ("accuracy", "macro_f1"):
        raise ValueError(f"Unknown score {score!r}. Known scores: accuracy, macro_f1.")
    _check_level(level)
    groups = range(report.n) if report.groups is None else report.groups
    g = len(report.genres)
    matrices = confusions(report.true, report.predicted, g, groups).reshape(-1, g * g)
    kinds, counts = np.unique(matrices, axis=0, return_counts=True)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(matrices), counts / len(matrices), size=n_resamples)
    values = scores((drawn @ kinds).reshape(-1, g, g))[score]
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


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
    b_right = second.correct[second.clips.get_indexer(first.clips)]
    a_right = first.correct
    only_first, only_second = int((a_right & ~b_right).sum()), int((b_right & ~a_right).sum())
    decided = only_first + only_second
    p_value = binomtest(only_first, decided).pvalue if decided else 1.0
    return Paired(only_first, only_second, first.accuracy - second.accuracy, float(p_value))


def calibration(report, bins=10):
    """Is a model right as often as it is sure? Reliability by equally wide bins of confidence.

    Parameters
    ----------
    report : Report
    bins : int

    Returns
    -------
    pandas.DataFrame
        One row a bin, empty ones included; columns ``low``, ``high`` (a bin holds low <
        confidence <= high), ``n``, mean ``confidence`` and ``accuracy`` (missing where n is 0).

    Raises
    ------
    ValueError
        Fewer than one bin.

    Chapter: book/train.ipynb
    """
    if bins < 1:
        raise ValueError(f"calibration needs at least one bin, got {bins}.")
    confidence = report.probabilities.max(axis=1).astype(float)
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    n = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(place, x, bins) / n for x in (confidence, report.correct)]
    columns = {"low": edges[:-1], "high": edges[1:], "n": n}
    return pd.DataFrame(columns | {"confidence": means[0], "accuracy": means[1]})


def calibration_error(report, bins=10):
    """Expected calibration error: the mean gap between confidence and accuracy, over the clips.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Chapter: book/train.ipynb
    """
    table = calibration(report, bins)
    return float(((table.confidence - table.accuracy).abs() * table.n).sum() / table.n.sum())


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


def confusions(true, predicted, n_genres, groups=None):
    """Confusion matrices, int64 (n_groups, g, g), rows = true; one matrix without groups.

    Chapter: book/train.ipynb
    """
    codes = np.zeros(len(true), int) if groups is None else pd.factorize(np.asarray(groups))[0]
    n_groups = codes.max() + 1
    cells = (codes * n_genres + true) * n_genres + predicted
    counts = np.bincount(cells, minlength=n_groups * n_genres**2)
    return counts.reshape(n_groups, n_genres, n_genres)


def scores(confusion):
    """Precision, recall, F1 (…, g), accuracy and macro-F1 (…) of matrices (…, g, g), rows = true.

    Where a denominator is 0 the score is 0: scikit-learn's ``zero_division=0``.

    Chapter: book/train.ipynb
    """
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    predicted, support = confusion.sum(axis=-2), confusion.sum(axis=-1)
    f1 = _ratio(2 * hits, predicted + support)
    return {
        "precision": _ratio(hits, predicted),
        "recall": _ratio(hits, support),
        "f1": f1,
        "accuracy": _ratio(hits.sum(axis=-1), support.sum(axis=-1)),
        "macro_f1": f1.mean(axis=-1),
    }


def _ratio(part, whole):
    return np.divide(part, whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) > 0)


def _check_level(level):
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1 (0.95 for 95 %), got {level}.")


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
