"""How a result is worded: one decimal everywhere, and never without its interval."""

from prcnn.evaluation.statistics import FEW


def percent(value, interval=None):
    """A fraction in percent, with its interval (low, high) if given: "48.8 % [45.3, 52.2]".

    Chapter: book/leakage.ipynb
    """
    bounds = "" if interval is None else " [{}, {}]".format(*map(_rounded, interval))
    return f"{_rounded(value)} %{bounds}"


def points(compared):
    """A difference of accuracies with its interval: "+3.2 points [−0.1, +6.4]".

    Of a Comparison, or a row of a table with its ``difference``, ``low`` and ``high``, fractions.

    Chapter: book/discussion.ipynb
    """
    low, high = (_rounded(bound, "+") for bound in (compared.low, compared.high))
    n = getattr(compared, "n_groups", FEW)
    few = f", from {int(n)} groups only" if n < FEW else ""
    return f"{_rounded(compared.difference, '+')} points [{low}, {high}]{few}"


def p_value(p):
    """A p- or q-value: "0.024", and below 0.001 "< 0.001"."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _rounded(fraction, sign=""):
    # In percent; z takes the minus from what rounds to nothing.
    return f"{100 * fraction:{sign}z.1f}".replace("-", "−")
