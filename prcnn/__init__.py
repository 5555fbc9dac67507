"""Parallel recurrent and convolutional networks for music genre classification.

Data flows one way: ``datasets`` → ``audio`` → ``spectrogram`` → ``store`` → ``models`` →
``training`` → ``evaluation`` → ``results`` → ``plots``.
"""

import importlib
import os
import warnings

# For readers of notebooks: TensorFlow's notes on the machine, tqdm's on a missing widget.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore", message="IProgress not found")

_ROOMS = (
    "ablations",
    "audio",
    "baselines",
    "datasets",
    "evaluation",
    "listening",
    "models",
    "notebook",
    "paper",
    "plots",
    "reproduction",
    "results",
    "spectrogram",
    "store",
    "training",
)
__version__ = "0.1.0"
__all__ = [*_ROOMS, "classify"]


def __getattr__(name):
    """Import a room when it is first asked for, so that extraction need not wait for Keras."""
    if name in _ROOMS:
        return importlib.import_module(f"prcnn.{name}")
    if name == "classify":
        return importlib.import_module("prcnn.listening").classify
    raise AttributeError(f"module 'prcnn' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
