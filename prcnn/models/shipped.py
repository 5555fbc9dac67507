"""Weights that come with prcnn, and the card that says where they are from and what they can do."""

import hashlib
import json
from pathlib import Path

import numpy as np

from prcnn.models.checkpoints import CheckpointError
from prcnn.models.zoo import build

FOLDER = Path(__file__).parent


def pretrained(name="beyond"):
    """A network with the weights that come with prcnn: nothing to download or train.

    A keras.Model: decibels, float32 (n, 128, 128), as ``prcnn.spectrogram.IMAGES`` makes them →
    calibrated probabilities (n, 8); its ``settings`` (their name) and ``genres`` say so, too. How
    good it is: :func:`card`. A CheckpointError where no such weights are shipped, or damaged.
    """
    known, path = card(name), FOLDER / f"{name}.npz"
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != known["sha256"]:
        raise CheckpointError(f"{path} is missing or not what its card names: install prcnn again.")
    model = build(known["network"], len(known["genres"]), input_shape=tuple(known["input_shape"]))
    with np.load(path, allow_pickle=False) as arrays:
        for key, weight in weights(model).items():
            weight.assign(arrays[key].astype(weight.dtype))
    model.settings, model.genres = known["settings"], known["genres"]
    return model


def card(name="beyond"):
    """The model card of shipped weights, a dict of JSON values: :func:`prcnn.study.ship.ship`'s.

    Where they are from, what they can do (``validation``, ``test``), their ``limits``, and the
    ``command`` that makes them again. A CheckpointError about another name lists what is shipped.

    Chapter: book/beyond.ipynb
    """
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        known = sorted(each.stem for each in FOLDER.glob("*.json"))
        raise CheckpointError(
            f"No weights {name!r} come with prcnn ({', '.join(known) or 'none do'}). "
            "prcnn.train makes some; load_checkpoint has those of the paper's authors."
        )
    return json.loads(path.read_text())


def weights(model):
    """A network's weights by names that do not depend on what else was built: name → variable."""
    return {
        f"{layer.name}/{i}": weight
        for layer in model.layers
        for i, weight in enumerate(layer.weights)
    }
