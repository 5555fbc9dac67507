"""Parallel recurrent and convolutional networks for music genre classification.

Six words do the whole job: :func:`load` a dataset, :func:`extract` its spectrograms,
:func:`build` a network, :func:`train` it, :func:`evaluate` it, :func:`classify` a song.

Data flows one way, a room a stage: ``datasets`` → ``audio`` → ``spectrogram`` → ``store`` →
``models`` → ``training`` → ``evaluation`` → ``baselines`` → ``listening`` → ``plots`` → ``study``.
"""

import contextlib
import importlib
import os
import warnings

# For readers of notebooks: TensorFlow's notes on the machine, tqdm's on a missing widget.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
warnings.filterwarnings("ignore", message="IProgress not found")

_ROOMS = "audio baselines datasets evaluation listening models plots".split()
_ROOMS += "spectrogram store study training".split()
_WORDS = {
    "load": "datasets",
    "extract": "store",
    "build": "models",
    "train": "training",
    "evaluate": "evaluation",
    "classify": "listening",
}
__version__ = "0.1.0"
__all__ = [*_ROOMS, *_WORDS]


def __getattr__(name):
    """Import a room when it is first asked for, so that extraction need not wait for Keras."""
    if name in _ROOMS:
        with _without_greeting():
            return importlib.import_module(f"prcnn.{name}")
    if name in _WORDS:
        return getattr(importlib.import_module(f"prcnn.{_WORDS[name]}"), name)
    raise AttributeError(f"module 'prcnn' has no attribute {name!r}")


@contextlib.contextmanager
def _without_greeting():
    """TensorFlow's C++ writes to stderr when it is loaded, whatever level of logs it is told."""
    with open(os.devnull, "w") as nowhere, os.fdopen(os.dup(2), "w") as stderr:
        os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(stderr.fileno(), 2)


def __dir__():
    return sorted([*globals(), *__all__])
