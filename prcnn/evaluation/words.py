"""How a result is worded: never without its interval."""

import numpy as np


def points(compared):
    """A difference of accuracies in points, with its interval.

    Parameters
    ----------
    compared : PairedSeeds, or a line of a table with the same names
        ``difference``, ``low`` and ``high`` are fractions.

    Returns
    -------
    str
        Such as "+3.2 points [−0.1, +6.4]".

    Chapter: book/discussion.ipynb
    """
    low, high = 100 * compared.low, 100 * compared.high
    return f"{100 * compared.difference:+.1f} points [{low:+.1f}, {high:+.1f}]".replace("-", "−")


def percent(value, interval=None):
    """A share in percent, with its interval where there is one.

    Parameters
    ----------
    value : float
        A fraction.
    interval : (float, float), optional
        Of fractions.

    Returns
    -------
    str
        Such as "48.8 % [45.3, 52.2]".

    Chapter: book/discussion.ipynb
    """
    bounds = "" if interval is None else " [{:.1f}, {:.1f}]".format(*np.multiply(100, interval))
    return f"{100 * value:.1f} %{bounds}"
