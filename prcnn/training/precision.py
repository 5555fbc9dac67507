"""Convolutions in 16-bit arithmetic while training, where the processor has units for it.

Weights, optimizer, loss, GRU and softmax stay in 32 bits, and so does everything outside a step of
training: validation, saved networks and evaluation do not know of it.
"""

from pathlib import Path

import keras
from keras import layers

PRECISIONS = ("auto", "float32", "mixed")
_CONVOLUTIONS = layers.Conv1D, layers.Conv2D
_POOLS = layers.MaxPooling1D, layers.MaxPooling2D, layers.AveragePooling1D, layers.AveragePooling2D
_OTHERS = layers.Activation, layers.Add, layers.BatchNormalization, layers.Dropout, layers.ReLU


def decide(precision, cpuinfo=Path("/proc/cpuinfo")):
    """``"float32"`` or ``"mixed"``: as asked for, or for ``"auto"`` as the processor is built.

    ``"mixed"`` where it multiplies bfloat16 itself, and TensorFlow computes: JAX and torch are
    slower in 16 bits on a CPU.
    """
    if precision != "auto":
        return precision
    flags = set(cpuinfo.read_text().split()) if cpuinfo.exists() else set()
    units = flags & {"amx_bf16", "avx512_bf16"}
    return "mixed" if units and keras.backend.backend() == "tensorflow" else "float32"


def sixteen_bits(model):
    """A copy of a network, its weights new, whose convolutions compute in bfloat16.

    So do the layers that pass on only what comes from them; weights are 32 bits.
    """

    def call(layer, *inputs, **options):
        follows = isinstance(layer, _POOLS + _OTHERS) and all(
            tensor.dtype == "bfloat16" for tensor in keras.tree.flatten(inputs)
        )
        if follows or isinstance(layer, _CONVOLUTIONS):
            layer.dtype_policy = keras.DTypePolicy("mixed_bfloat16")
        return layer(*inputs, **options)

    return keras.models.clone_model(model, call_function=call)
