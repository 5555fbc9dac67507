"""The authors' published weights, read from their Keras 2 files with HDF5 alone.

Nothing of a file is ever run: no pickle, no Lambda, no model config. Only arrays are read, and
laid into a network built here. Neither repository has a licence file, so prcnn contains none of
the weights: it downloads them for you, or reads files you have.
"""

import contextlib
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pooch

from prcnn.datasets import cache_folder
from prcnn.datasets.fma import GENRES
from prcnn.models.zoo import build

REPOSITORY = "https://github.com/CSawesomeprojects/Music-Genre-Classification"
COMMIT = "56a1e1ce2e97e77961160c05485905fcae994dc8"


class Checkpoint(NamedTuple):
    """A line of ``CHECKPOINTS``."""

    network: str
    file: str  # in the authors' repository
    sha1: str

    @property
    def url(self):
        return f"{REPOSITORY}/raw/{COMMIT}/{self.file}"


_FILES = {
    "dwivedi": ("models/prcnn/base-weights.best.h5", "aed37e745712d2f9e90f6ccf320127ae564e9103"),
    "figure2": ("kevin-prcnn-weights.best.h5", "1c767c6fba859d428597b81ea7d5e91a67c59885"),
    "figure3": ("new_withoutcuda_weights.best.h5", "28d7d750ef1d29504d670e217323f1457bea2543"),
    "figure3_rerun": ("new_attention_weights.best.h5", "3454dddeedb1706c4a42326e9f7c65b69a6a8cff"),
    "stacked": ("kevin-test-weights-stacked.best.h5", "8d460fd88454049a26d3c412a17c9ba545107711"),
    "dwivedi_retrained": ("attention_weights.best.h5", "c8cf7e7e409b431c2126dbfcb8e185a33fc94266"),
}
CHECKPOINTS = {
    name: Checkpoint(name.removesuffix("_rerun"), *file) for name, file in _FILES.items()
}


class CheckpointError(ValueError):
    """A weight file is missing, damaged, or of another network; the message names the file."""


def load_checkpoint(name, path=None):
    """A network with the weights its authors published, by a name of ``CHECKPOINTS``.

    A keras.Model: float32 (n, 640, 128) as ``prcnn.spectrogram.AUTHORS`` makes them →
    probabilities (n, 8); its ``settings`` (their name) and ``genres`` say so, too.
    ``figure3_rerun`` is another run of Figure 3's network.

    ``path`` is the weight file, or a folder that holds it under its own name. Without it the file
    is downloaded from the authors' repository and kept in prcnn's data folder. A CheckpointError
    says that it is absent, cannot be downloaded, or is not the one that was published.

    Chapter: book/reproduction.ipynb
    """
    if name not in CHECKPOINTS:
        raise ValueError(f"No published weights {name!r}. Known: {', '.join(CHECKPOINTS)}.")
    checkpoint = CHECKPOINTS[name]
    path = _download(checkpoint) if path is None else Path(path).expanduser()
    if path.is_dir():
        path = path / Path(checkpoint.file).name
    if not path.is_file():
        raise CheckpointError(f"There is no file {path}. Leave path out to download it.")
    sha1 = pooch.file_hash(path, "sha1")
    if sha1 != checkpoint.sha1:
        known = [f"that of {other!r}" for other, each in CHECKPOINTS.items() if each.sha1 == sha1]
        raise CheckpointError(
            f"{path} is not the file that was published as {name!r} ({checkpoint.file}), but "
            f"{known[0] if known else 'damaged, cut short or another: download it again'}."
        )
    model = build(checkpoint.network, scale="none")
    for layer, arrays in read_weights(path).items():
        model.get_layer(layer).set_weights(arrays)
    model.settings, model.genres = "authors", list(GENRES)
    return model


def read_weights(path):
    """The arrays of a Keras 2 weight file: name of the layer here → its arrays, in Keras's order.

    CheckpointError where the file is truncated, damaged, or no Keras weight file.
    """
    with _opened(path) as file:
        group = file["model_weights"] if "model_weights" in file else file
        names = {
            layer: group[layer].attrs["weight_names"].astype(str)
            for layer in group.attrs["layer_names"].astype(str)
        }
        stored = {
            layer: [np.asarray(group[layer][name], dtype="float32") for name in names[layer]]
            for layer in names
            if len(names[layer])
        }
    grus = [layer for layer in stored if layer.startswith("bidirectional")]
    ours = {layer: f"gru_{i}" if len(grus) > 1 else "gru" for i, layer in enumerate(grus, start=1)}
    ours["preds"] = "genre"
    return {ours.get(layer, layer): arrays for layer, arrays in stored.items()}


def read_accumulators(path):
    """RMSprop's running mean of squared gradients: name such as ``conv_1/kernel`` → array.

    Empty where the file has none under the weights' names. Errors as :func:`read_weights`.
    """
    with _opened(path) as file:
        group, names = file.get("optimizer_weights/RMSprop", file), []
        group.visit(names.append)
        return {
            name.removesuffix("/rms:0"): np.asarray(group[name])
            for name in names
            if name.endswith("/rms:0")
        }


@contextlib.contextmanager
def _opened(path):
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError, AttributeError, TypeError, ValueError) as reason:
        raise CheckpointError(
            f"{path} is not a readable Keras weight file: it is missing, damaged or of another "
            f"kind ({reason}). Download it again."
        ) from reason


def _download(checkpoint):
    folder, file = cache_folder() / "checkpoints", Path(checkpoint.file).name
    try:  # pooch says what it downloads from where
        return Path(pooch.retrieve(checkpoint.url, f"sha1:{checkpoint.sha1}", file, folder))
    except Exception as reason:
        said = f"Cannot download {checkpoint.url} ({reason}). Get it otherwise and give it as path."
        raise CheckpointError(said) from reason
