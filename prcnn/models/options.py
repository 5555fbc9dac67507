"""What may be changed in a network, and which values are possible.

A change that cannot work is refused here, with the reason, before Keras builds anything.
"""

from numbers import Integral, Real

import keras

from prcnn.models.branches import GATES

# The paper's text: these are the defaults of every network built from its two branches.
CNN = {
    "filters": (16, 32, 64, 64, 64),
    "kernel_size": (3, 1),
    "pools": ((2, 2), (2, 2), (2, 2), (4, 4), (4, 4)),
    "cnn_layers": None,  # only the first so many of filters and pools; None: all
    "activation": "relu",
    "padding": "valid",
    "dropout": 0.0,
}
RNN = {
    "rnn_pool": (2, 1),
    "embedding": None,
    "units": 64,
    "rnn_layers": 1,
    "recurrent_activation": "sigmoid",
    "reset_after": True,
    "dropout": 0.0,
}


#: Steps that the GRU is left with, at least, where its pool is chosen here.
STEPS = 128


class UsedUp(ValueError):
    """Nothing is left of an axis; ``axis`` is 0 for time, 1 for mel bands."""

    def __init__(self, axis, message):
        super().__init__(message)
        self.axis = axis


def check(options):
    """The options with every value checked and in one form (tuples, int, float).

    Parameters
    ----------
    options : dict
        Name → value; names from :data:`CHECKS`.

    Raises
    ------
    ValueError
        Naming the option, the value and what is wrong with it.
    """
    checked = {}
    for name, value in options.items():
        try:
            checked[name] = CHECKS[name](value)
        except ValueError as reason:
            raise ValueError(f"{name}={value!r}: {reason}") from None
    if "filters" in checked and "pools" in checked:
        _match_layers(checked)
    return checked


def fit_pools(time, mel, options, named=()):
    """The options, with pools that fit a spectrogram shorter or narrower than the paper's.

    The GRU's pool is halved in time until it leaves 128 steps. The CNN's pools are halved, each
    time the last one of the largest, along the axis that they use up: from the paper's
    (2, 2) × 3, (4, 4) × 2 and 640 frames to (2, 2) × 3, (2, 4) × 2 for 128 frames.

    Parameters
    ----------
    time, mel : int
    options : dict
        As :func:`check` returns them.
    named : collection of str
        Options that the user has chosen: these stay as they are.

    Raises
    ------
    ValueError
        As :func:`check_sizes`.
    """
    options = dict(options)
    if "rnn_pool" in options and "rnn_pool" not in named:
        steps, bands = options["rnn_pool"]
        while steps > 1 and time // steps < STEPS:
            steps //= 2
        options["rnn_pool"] = (steps, bands)
    while True:
        try:
            check_sizes(time, mel, options)
            return options
        except UsedUp as short:
            sizes = [pool[short.axis] for pool in options.get("pools", ())]
            if "pools" in named or max(sizes, default=1) == 1:
                raise
            last = max(i for i, size in enumerate(sizes) if size == max(sizes))
            pools = [list(pool) for pool in options["pools"]]
            pools[last][short.axis] //= 2
            options["pools"] = tuple(map(tuple, pools))


def check_sizes(time, mel, options):
    """Follow the spectrogram's (time, mel) through the branches; refuse what uses it up.

    Raises
    ------
    ValueError
        Naming the option and the layer at which nothing is left of one axis.
    """
    if "pools" in options:
        kernel = options["kernel_size"]
        size = (time, mel)
        for i, pool in enumerate(options["pools"], start=1):
            if options["padding"] == "valid":
                size = _left(
                    [(n - k + 1, n) for n, k in zip(size, kernel, strict=True)],
                    f"kernel_size={kernel}: conv_{i}",
                )
            size = _left(
                [(n // p, n) for n, p in zip(size, pool, strict=True)],
                f"pools={options['pools']}: pool_{i} {pool}",
            )
    if "rnn_pool" in options:
        pool = options["rnn_pool"]
        _left([(time // pool[0], time), (mel // pool[1], mel)], f"rnn_pool={pool}: it")
    for i in range(1, options.get("n_blocks", 0) + 1):
        kernel = options["kernel_frames"]
        time, _ = _left([((time - kernel + 1) // 2, time), (mel, mel)], f"n_blocks: block {i}")


def _left(sizes, layer):
    """Sizes after a layer, given (after, before) for time and mel."""
    for i, (axis, (after, before)) in enumerate(zip(("time", "mel"), sizes, strict=True)):
        if after < 1:
            raise UsedUp(
                i,
                f"{layer} uses up the {axis} axis, of which {before} are left there. Use smaller "
                "pools or kernels, fewer layers or a larger input_shape",
            )
    return tuple(after for after, _ in sizes)


def _match_layers(options):
    filters, pools, n = options["filters"], options["pools"], options.pop("cnn_layers", None)
    if isinstance(pools[0], int):  # one pool for all
        options["pools"] = pools = (pools,) * len(filters)
    if n is not None:
        if n > min(len(filters), len(pools)):
            raise ValueError(
                f"cnn_layers={n}: there are {len(filters)} filters and {len(pools)} pools; "
                "give as many of each as there are to be layers"
            )
        options["filters"], options["pools"] = filters, pools = filters[:n], pools[:n]
    if len(filters) != len(pools):
        raise ValueError(
            f"filters={filters} are {len(filters)} layers, but pools={pools} are {len(pools)}: "
            "give one pool for each layer, or one pair for all"
        )


# The checks: each takes a value and returns it in one form, or says what it must be.


def count(value, least=1):
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"must be a whole number of at least {least}")
    return int(value)


def genres(value):
    return count(value, least=2)


def seed(value):
    if value is not None and (isinstance(value, bool) or not isinstance(value, Integral)):
        raise ValueError("must be a whole number, or None for new weights")
    return value


def size(value):
    """(frames, mel bands) of the spectrograms, where one number for both makes no sense."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("must be a pair of whole numbers (frames, mel bands)")
    return counts(value)


def count_or_none(value):
    return None if value is None else count(value)


def counts(value):
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("must be a list of whole numbers, one for each layer")
    return tuple(count(v) for v in value)


def pair(value):
    if isinstance(value, Integral):
        value = (value, value)
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError("must be a pair of whole numbers (time, mel)")
    return counts(value)


def pairs(value):
    """Pairs for all layers, or one pair (kept as one: how many layers is not known here)."""
    if isinstance(value, Integral):
        return pair(value)
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("must be a list of pairs (time, mel), one for each layer, or one pair")
    if len(value) == 2 and all(isinstance(v, Integral) for v in value):
        return pair(value)
    return tuple(pair(v) for v in value)


def share(value):
    if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value < 1:
        raise ValueError("must be a number from 0 (nothing dropped) to below 1")
    return float(value)


def l2(value):
    if isinstance(value, bool) or not isinstance(value, Real) or not value >= 0:
        raise ValueError("must be a number of at least 0")
    return float(value)


def activation(value):
    try:
        keras.activations.get(value)
    except (ValueError, TypeError):
        raise ValueError(
            "is no activation of Keras; known are for instance relu, elu, tanh, sigmoid, gelu"
        ) from None
    if not isinstance(value, str):
        raise ValueError("must be the name of an activation, such as 'relu'")
    return value


def flag(value):
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def one_of(*known):
    def chosen(value):
        if value not in known:
            raise ValueError(f"must be one of {', '.join(map(repr, known))}")
        return value

    return chosen


CHECKS = {
    "n_genres": genres,
    "input_shape": size,
    "seed": seed,
    "scale": one_of("bands", "none"),
    "filters": counts,
    "kernel_size": pair,
    "pools": pairs,
    "cnn_layers": count_or_none,
    "activation": activation,
    "padding": one_of("valid", "same"),
    "dropout": share,
    "rnn_pool": pair,
    "embedding": count_or_none,
    "units": count,
    "rnn_layers": count,
    "recurrent_activation": one_of(*GATES),
    "reset_after": flag,
    "attention_units": count,
    "n_filters": count,
    "l2": l2,
    "kernel_frames": count,
    "n_blocks": count,
    "dense_units": count,
    "cnn": flag,
    "rnn": flag,
}
