"""What may be changed in a network: of which kind a value is, and what uses up an axis.

Whether a layer can do with a value (an activation's name, a share to drop) is Keras's to say.
"""

from numbers import Integral, Real

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
    "bidirectional": True,
    "states": "last",
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


def check(defaults, changes):
    """The defaults with changes, every value in one form (tuples, int, float).

    Changes are of the default's kind: a number for a number, a list or tuple for a tuple, one pair
    or number for a pair of each layer. Or a ValueError names option, value and what is wrong.
    """
    checked = dict(defaults)
    for name, value in changes.items():
        try:
            checked[name] = _like(defaults[name], value, name)
        except ValueError as reason:
            raise ValueError(f"{name}={value!r}: {reason}") from None
    if "pools" in checked:
        _match_layers(checked)
    return checked


def fit_pools(time, mel, options, named=()):
    """The options, with pools that fit a spectrogram shorter or narrower than the paper's.

    The GRU's pool is halved in time until it leaves 128 steps. The CNN's pools are halved, each
    time the last one of the largest, along the axis that they use up: from the paper's
    (2, 2) × 3, (4, 4) × 2 and 640 frames to (2, 2) × 3, (2, 4) × 2 for 128 frames. Options that the
    user has ``named`` stay as they are; errors as ``check_sizes``.
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
    """Follow (time, mel) through the branches; UsedUp names the option and layer that end one."""
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


#: Options with a few known values, with a bound, and pairs for which one number stands for both.
CHOICES = {"scale": ("bands", "none"), "states": ("last", "mean"), "recurrent_activation": GATES}
LEAST = {"n_genres": 2}
PAIRS = ("kernel_size", "rnn_pool")


def _like(default, value, name):
    """``value`` in the form of ``default``, or an error that says what it must be."""
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise ValueError(f"must be one of {', '.join(map(repr, CHOICES[name]))}")
    elif isinstance(default, bool):
        if not isinstance(value, bool):
            raise ValueError("must be True or False")
    elif isinstance(default, str):
        if not isinstance(value, str):
            raise ValueError(f"must be the name of one, such as {default!r}")
    elif isinstance(default, float):
        if isinstance(value, bool) or not isinstance(value, Real):
            raise ValueError("must be a number")
        return float(value)
    elif default is None:
        return None if value is None else _count(value)
    elif isinstance(default, int):
        return _count(value, LEAST.get(name, 1))
    elif name == "pools":
        return _pools(value)
    elif name == "input_shape":
        return _pair(value, "(frames, mel bands)")
    elif name in PAIRS:
        return _pair((value, value) if isinstance(value, Integral) else value)
    else:
        if not isinstance(value, list | tuple) or not value:
            raise ValueError("must be a list of whole numbers, one for each layer")
        return tuple(map(_count, value))
    return value


def _count(value, least=1):
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise ValueError(f"must be a whole number of at least {least}")
    return int(value)


def _pair(value, of="(time, mel)"):
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"must be a pair of whole numbers {of}")
    return tuple(map(_count, value))


def _pools(value):
    """A pair a layer, or one pair (kept as one: how many layers is not known here)."""
    if isinstance(value, Integral):
        return _pair((value, value))
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("must be a list of pairs (time, mel), one for each layer, or one pair")
    if len(value) == 2 and all(isinstance(v, Integral) for v in value):
        return _pair(value)
    return tuple(_pair((v, v) if isinstance(v, Integral) else v) for v in value)
