"""Max-pooling as the networks use it."""

import keras


def max_pool(pool_size, name=None):
    """Max-pooling over (time, mel), "valid": a remainder at the edge is dropped."""
    return keras.layers.MaxPooling2D(pool_size, name=name)
