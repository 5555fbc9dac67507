"""Max-pooling as the networks use it, and why it is Keras's own.

The gradient of max-pooling was suspected to be what training waits for, so other ways to compute
it were measured (forward and gradient of the first pool, CPU milliseconds a clip, one core):

===========================================================  ================
Keras's layer, TensorFlow with oneDNN (its default on x86)   1.9
Keras's layer, TensorFlow without oneDNN                     17.6
``maximum`` of strided slices                                63
``reshape``, ``split``, ``maximum``: rows, then columns      11.8
the same: columns, then rows                                 12.4
native forward, gradient as ``where(x == max, dy, 0)``       7.4
===========================================================  ================

With oneDNN the layer moves data as fast as the memory does, which no chain of elementwise
operations can: each of them reads and writes what the layer touches once. So the plain layer
stays, with its exact results on every backend: of equal values the first in (time, mel) order has
the gradient. ``tests/benchmarks/training.py`` measures the network stage by stage.
"""

import keras


def max_pool(pool_size, name=None):
    """Max-pooling over (time, mel), "valid": a remainder at the edge is dropped.

    Parameters
    ----------
    pool_size : (int, int)
        Time steps and mel bands that become one.
    name : str, optional

    Returns
    -------
    keras.layers.Layer
        (n, time, mel, channels) → (n, time // pool_size[0], mel // pool_size[1], channels).

    Chapter: book/cnn.ipynb
    """
    return keras.layers.MaxPooling2D(pool_size, name=name)
