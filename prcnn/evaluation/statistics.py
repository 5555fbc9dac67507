"""What a report is worth: its scores, their intervals, and whether it knows how sure it is."""

import math

import numpy as np
import pandas as pd
from scipy import optimize, special
from scipy.stats import binomtest, norm

LEVEL = 0.95


def wilson(correct, n):
    """Wilson's 95 % interval of `correct` out of `n`, (low, high).

    It stays inside 0 … 1 and keeps its level where the textbook's ±1.96 standard errors fail:
    few clips, or nearly all right. ValueError unless 0 <= correct <= n and n >= 1.

    Examples
    --------
    >>> low, high = wilson(359, 800)
    >>> f"{low:.3f} {high:.3f}"
    '0.415 0.483'

    Chapter: book/train.ipynb
    """
    if n < 1 or not 0 <= correct <= n:
        raise ValueError(f"wilson needs 0 <= correct <= n and n >= 1, got {correct} of {n}.")
    low, high = binomtest(int(correct), int(n)).proportion_ci(LEVEL, method="wilson")
    return float(low), float(high)


def bootstrap(report, score="accuracy"):
    """95 % percentile bootstrap interval of a report's accuracy or "macro_f1", (low, high).

    Clips, or ``report.groups`` where it has them, are drawn with replacement, 4,000 times.

    Notes
    -----
    Both scores depend on the confusion matrix alone, and a resampled set's matrix is a sum of its
    groups' matrices. So only those need drawing, and equal ones can be drawn together: exact, and
    about as fast for 100,000 clips as for 800. Where every clip is right, so is every resample,
    and the interval shrinks to a point: use :func:`wilson` there. A single group of several rows
    (one artist) says nothing about others: the interval is then all of 0 … 1.

    Chapter: book/leakage.ipynb
    """
    if score not in ("accuracy", "macro_f1"):
        raise ValueError(f"Unknown score {score!r}. Known scores: accuracy, macro_f1.")
    groups = range(report.n) if report.groups is None else report.groups
    g = len(report.genres)
    matrices = confusions(report.true, report.predicted, g, groups).reshape(-1, g * g)
    if len(matrices) == 1 and report.n > 1:
        return 0.0, 1.0
    kinds, counts = np.unique(matrices, axis=0, return_counts=True)
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(matrices), counts / len(matrices), size=4000)
    values = scores((drawn @ kinds).reshape(-1, g, g))[score]
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def holm(p_values):
    """Holm's correction: of m tests the smallest p counts m times, the next m - 1 times …

    ``p_values`` is a Series, of the comparisons that one question needed; missing ones are left so.
    Where none differs, any of the result is below a level with at most that probability.

    Chapter: book/ablations.ipynb
    """
    order = p_values.dropna().sort_values()
    factors = np.arange(len(order), 0, -1)
    return (order * factors).cummax().clip(upper=1).reindex(p_values.index)


def clips_needed(difference, disagree, power=0.8):
    """How many test clips show a difference between two models, with a paired test at 5 %.

    For independent clips and models trained once; that other seeds give other models asks for more
    (:func:`prcnn.evaluation.compare_over_seeds`).

    Parameters
    ----------
    difference : float
        Between the accuracies, a fraction.
    disagree : float
        Share of the clips that only one of the two gets right, at least `difference`.
    power : float
        Chance that the test sees it. One half is the number at which the difference is as likely
        to be missed.

    Examples
    --------
    >>> clips_needed(0.02, 0.2), clips_needed(0.02, 0.2, power=0.5)
    (3917, 1917)

    Chapter: book/discussion.ipynb
    """
    if not 0 < abs(difference) <= disagree <= 1:
        raise ValueError(
            f"Models that disagree on a share of {disagree} cannot differ by {difference}: "
            "0 < difference <= disagree <= 1."
        )
    return math.ceil(_reach(power) ** 2 * (disagree / difference**2 - 1))


def difference_seen(n, disagree, power=0.8):
    """The difference that `n` test clips show: the inverse of :func:`clips_needed`, a fraction.

    Examples
    --------
    >>> round(difference_seen(800, 0.2), 3)
    0.044

    Chapter: book/discussion.ipynb
    """
    if n < 1 or not 0 < disagree <= 1:
        raise ValueError(f"needs n >= 1 and 0 < disagree <= 1, got {n} and {disagree}.")
    return _reach(power) * math.sqrt(disagree / (n + _reach(power) ** 2))


def _reach(power):
    """Standard errors between nothing and a difference that is seen with chance `power`."""
    if not 0 < power < 1:
        raise ValueError(f"power must lie between 0 and 1, got {power}.")
    return norm.ppf((1 + LEVEL) / 2) + norm.ppf(power)


def calibration(report, bins=10):
    """Is a model right as often as it is sure? Reliability by equally wide bins of confidence.

    Returns
    -------
    pandas.DataFrame
        One row a bin, empty ones included; columns ``low``, ``high`` (a bin holds low <
        confidence <= high), ``n``, mean ``confidence`` and ``accuracy`` (missing where n is 0).
        The mean of their gap, weighted by ``n``, is the expected calibration error (Guo et al.,
        "On Calibration of Modern Neural Networks", ICML 2017).

    Chapter: book/train.ipynb
    """
    confidence = report.probabilities.max(axis=1).astype(float)
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    n = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        means = [np.bincount(place, x, bins) / n for x in (confidence, report.correct)]
    columns = {"low": edges[:-1], "high": edges[1:], "n": n}
    return pd.DataFrame(columns | {"confidence": means[0], "accuracy": means[1]})


def temperature(report):
    """What a network's logits must be divided by so that it is as sure as it is right.

    Above 1 where the network is too sure. Dividing log-probabilities by it and taking the softmax
    gives the smallest log loss; no prediction changes (Guo et al., ICML 2017). The report is of
    clips that chose nothing else but the epoch: the validation split.

    Chapter: book/beyond.ipynb
    """
    logs = np.log(np.maximum(report.probabilities.astype(float), 1e-30))
    right = np.arange(report.n), report.true

    def log_loss(log_temperature):
        return -special.log_softmax(logs / np.exp(log_temperature), axis=1)[right].mean()

    return float(np.exp(optimize.minimize_scalar(log_loss, bounds=(-3, 3)).x))


def confusions(true, predicted, n_genres, groups=None):
    """Confusion matrices, int64 (n_groups, g, g), rows = true; one matrix without groups."""
    codes = np.zeros(len(true), int) if groups is None else pd.factorize(np.asarray(groups))[0]
    n_groups = codes.max() + 1
    cells = (codes * n_genres + true) * n_genres + predicted
    counts = np.bincount(cells, minlength=n_groups * n_genres**2)
    return counts.reshape(n_groups, n_genres, n_genres)


def scores(confusion):
    """Precision, recall, F1 (…, g), accuracy and macro-F1 (…) of matrices (…, g, g), rows = true.

    Where a denominator is 0 the score is 0: scikit-learn's ``zero_division=0``.
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
