"""What a step is fed, and the mean and variance by which a network standardises its input."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from prcnn.models.branches import Scale


def label_rows(store, recipe, soft_labels=None):
    """What the clips of a store are trained towards, (n, genres); None where their number does.

    One 1 a row, or for training clips what ``soft_labels`` says of them (see ``train``).
    """
    if soft_labels is None and not (recipe.label_smoothing or recipe.augment.mixup):
        return None
    rows = np.eye(len(store.genres), dtype=np.float32)[store.labels(np.arange(len(store.clips)))]
    if soft_labels is not None:
        training = store.indices("training")
        rows[training] = soft_labels.reindex(store.clips.index[training], columns=store.genres)
        sound = (rows >= 0).all(axis=1) & (np.abs(rows.sum(axis=1) - 1) < 1e-3)
        if not sound.all():
            clips = store.clips.index[~sound].tolist()
            raise ValueError(
                f"soft_labels must have a column for each of {store.genres} and a row for every "
                f"training clip, at least 0 and 1 in sum; that of {clips[0]!r} is not "
                f"({len(clips)} such clips)."
            )
    return rows


def batches(store, split, recipe, epoch=None, seed=0, rows=None):
    """A split of a store in batches (X, y), each read and altered while the last is in use.

    ``recipe`` says how large they are, and how they are altered in an ``epoch`` (from 1) of
    training. Its order and chance follow from ``seed`` and its number, so that a resumed run sees
    what an unbroken one sees. Without an epoch, the split is as it stands in ``store``. ``rows``
    are labels as :func:`label_rows` makes them, or None.
    """
    indices = store.indices(split)
    if epoch is not None:
        indices = np.random.default_rng([seed, epoch]).permutation(indices)
    parts = np.split(indices, range(recipe.batch_size, len(indices), recipe.batch_size))

    def read(i):
        X, y = store.read(parts[i]), store.labels(parts[i]) if rows is None else rows[parts[i]]
        if epoch is None:
            return X, y
        # + 1, because to numpy [seed, epoch, 0] is [seed, epoch], which gave the order.
        return recipe.augment(X, y, np.random.default_rng([seed, epoch, i + 1]))

    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(read, 0)
        for i in range(1, len(parts) + 1):
            batch = coming.result()
            if i < len(parts):
                coming = thread.submit(read, i)
            yield batch


def adapt_scale(model, store, chunk=64):
    """Give layers of class ``Scale`` that have none the training clips' mean and variance.

    The store is read ``chunk`` clips at a time and summed in 64 bits, so it may exceed the memory.
    """
    new = [x for x in model.layers if isinstance(x, Scale) and not np.any(x.adapt_mean)]
    if not new:
        return
    indices, total, squares, n = store.indices("training"), 0.0, 0.0, 0
    for start in range(0, len(indices), chunk):
        X = store.read(indices[start : start + chunk]).astype(np.float64)
        X = X.reshape(-1, X.shape[-1])
        total, squares, n = total + X.sum(axis=0), squares + np.square(X).sum(axis=0), n + len(X)
    mean = total / n
    variance = np.maximum(squares / n - np.square(mean), 0.0)
    for layer in new:
        layer.adapt_mean.assign(mean.reshape(layer.adapt_mean.shape))
        layer.adapt_variance.assign(variance.reshape(layer.adapt_variance.shape))
