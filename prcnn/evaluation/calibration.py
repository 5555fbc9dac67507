"""Whether a model knows how sure it may be (Guo et al., ICML 2017)."""

import numpy as np
import pandas as pd
from scipy import optimize, special


def calibration(report, bins=10):
    """Is a model right as often as it is sure? Reliability by equally wide bins of confidence.

    A DataFrame, one row a bin, empty ones included; columns ``low``, ``high`` (a bin holds low <
    confidence <= high), ``n``, mean ``confidence`` and ``accuracy`` (missing where n is 0). The
    mean of their gap, weighted by ``n``, is the expected calibration error.
    """
    edges = np.linspace(0, 1, bins + 1)
    confidence = report.probabilities.max(axis=1).astype(float).clip(max=1)
    table = pd.DataFrame({"confidence": confidence, "accuracy": report.correct.astype(float)})
    grouped = table.groupby(pd.cut(confidence, edges, labels=False))
    n = grouped.size().reindex(range(bins), fill_value=0)
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "n": n}).join(grouped.mean())


def temperature(report):
    """What log-probabilities are divided by, before a softmax, for the smallest log loss.

    Above 1 where the network is too sure; no prediction changes. The report is of clips that chose
    nothing else but the epoch: the validation split.
    """
    logs = np.log(np.maximum(report.probabilities.astype(float), 1e-30))
    right = np.arange(report.n), report.true

    def log_loss(log_temperature):
        return -special.log_softmax(logs / np.exp(log_temperature), axis=1)[right].mean()

    return float(np.exp(optimize.minimize_scalar(log_loss, bounds=(-3, 3)).x))
