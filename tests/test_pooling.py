"""Max-pooling against numpy: values, remainders, and which of equal values has the gradient."""

import keras
import numpy as np
import pytest

from prcnn.models.pooling import max_pool


def numpy_pool(x, pool):
    """Maxima of every window, and where each lies: the first in (time, mel) order."""
    n, time, mel, channels = x.shape
    t, f = time // pool[0], mel // pool[1]
    out, gradient = np.empty((n, t, f, channels), x.dtype), np.zeros_like(x)
    for i, j, k, c in np.ndindex(out.shape):
        rows, columns = slice(j * pool[0], (j + 1) * pool[0]), slice(k * pool[1], (k + 1) * pool[1])
        window = x[i, rows, columns, c]
        out[i, j, k, c] = window.max()
        a, b = np.unravel_index(window.argmax(), window.shape)
        gradient[i, j * pool[0] + a, k * pool[1] + b, c] = 1
    return out, gradient


@keras.saving.register_keras_serializable(package="prcnn_tests")
class Movable(keras.layers.Layer):
    """Its input plus a weight, so that one step of SGD shows the gradient, on any backend."""

    def build(self, shape):
        self.shift = self.add_weight(shape=shape, initializer="zeros")

    def call(self, x):
        return x + self.shift


def gradient_of_sum(x, pool):
    inputs = keras.Input(batch_shape=x.shape)
    movable = Movable()
    model = keras.Model(inputs, max_pool(pool)(movable(inputs)))
    model.compile(keras.optimizers.SGD(1.0), loss=lambda _, y: keras.ops.sum(y))
    model.train_on_batch(x, np.zeros(model.output_shape, "float32"))
    # Keras divides no sum: the loss is one number whatever the batch
    return -keras.ops.convert_to_numpy(movable.shift)


@pytest.mark.parametrize("pool", [(2, 2), (4, 4), (2, 1), (4, 2), (3, 5)])
def test_values_remainders_and_gradient(pool):
    x = np.random.default_rng(0).normal(size=(2, 13, 11, 3)).astype("float32")
    out, gradient = numpy_pool(x, pool)
    np.testing.assert_array_equal(keras.ops.convert_to_numpy(max_pool(pool)(x)), out)
    np.testing.assert_allclose(gradient_of_sum(x, pool), gradient, atol=1e-6)


def test_first_of_equal_values_has_the_gradient():
    x = np.random.default_rng(0).integers(0, 3, (2, 9, 8, 4)).astype("float32")  # ties everywhere
    np.testing.assert_allclose(gradient_of_sum(x, (2, 2)), numpy_pool(x, (2, 2))[1], atol=1e-6)
