"""What a step is fed, and the mean and variance by which a network standardises its input."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from prcnn.models.branches import Scale


class Batches:
    """A split of a store in batches: ``len``, ``[i]`` and iteration, which reads one ahead.

    ``recipe`` says how large they are, and how they are altered in an ``epoch`` (from 1) of
    training. Its order and chance follow from ``seed`` and its number, so that a resumed run sees
    what an unbroken one sees. Without an epoch, the split is as it stands in ``store``.
    """

    def __init__(self, store, split, recipe, epoch=None, seed=0):
        self._store, self._recipe, self._epoch, self._seed = store, recipe, epoch, seed
        self._indices = store.indices(split)
        if epoch is not None:
            self._indices = np.random.default_rng([seed, epoch]).permutation(self._indices)

    def __len__(self):
        return -(-len(self._indices) // self._recipe.batch_size)

    def __getitem__(self, i):
        size = self._recipe.batch_size
        indices = self._indices[i * size : (i + 1) * size]
        X, y = self._store.read(indices), self._store.labels(indices)
        if self._recipe.label_rows:
            y = np.eye(len(self._store.genres), dtype=np.float32)[y]
        if self._epoch is not None:
            # + 1, because to numpy [seed, epoch, 0] is [seed, epoch], which gave the order.
            rng = np.random.default_rng([self._seed, self._epoch, i + 1])
            X, y = self._recipe.augment(X, y, rng)
        return X, y

    def __iter__(self):
        """All batches in order, each read and altered in a thread while the last is in use."""
        with ThreadPoolExecutor(1) as thread:
            coming = thread.submit(self.__getitem__, 0)
            for i in range(1, len(self) + 1):
                batch = coming.result()
                if i < len(self):
                    coming = thread.submit(self.__getitem__, i)
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
