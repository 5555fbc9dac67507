"""Batches of a store that does not fit in memory, for Keras."""

import keras
import numpy as np


class Stream(keras.utils.PyDataset):
    """What :meth:`prcnn.store.Store.stream` returns.

    Parameters
    ----------
    store : prcnn.store.Store
    places : numpy.ndarray [shape=(n,)]
        Positions in ``store.clips``.
    batch_size : int
    shuffle : bool
    seed : int

    Raises
    ------
    ValueError
        A batch size below 1.

    Chapter: book/log_mel.ipynb
    """

    def __init__(self, store, places, batch_size, shuffle, seed):
        super().__init__()
        if batch_size < 1:
            raise ValueError(f"batch_size is at least 1, not {batch_size}.")
        self._store, self._places, self._batch_size = store, places, batch_size
        self._random = np.random.default_rng(seed) if shuffle else None
        self.on_epoch_end()

    def __len__(self):
        """Number of batches in an epoch."""
        return -(-len(self._places) // self._batch_size)

    def __getitem__(self, index):
        """Batch `index`: X float32 (n, *shape), y int64 (n,)."""
        if not 0 <= index < len(self):
            raise IndexError(f"Batch {index} of {len(self)}.")
        places = self._places[index * self._batch_size : (index + 1) * self._batch_size]
        return self._store.read(places), self._store.labels(places)

    def on_epoch_end(self):
        """Shuffle for the next epoch."""
        if self._random is not None:
            self._places = self._random.permutation(self._places)
