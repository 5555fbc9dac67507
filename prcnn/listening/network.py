"""Which network listens: weights of ours or theirs, a run, any network; its settings and genres."""

import dataclasses
from functools import lru_cache
from os import PathLike
from pathlib import Path

import keras

from prcnn import models
from prcnn.datasets import cache_folder
from prcnn.datasets.fma import GENRES
from prcnn.models import CHECKPOINTS, CheckpointError, load_checkpoint
from prcnn.spectrogram import AUTHORS, Settings, get_settings
from prcnn.training import Run, load_run

SHIPPED = ("beyond",)  # weights that come with prcnn
# The same network for every song: building and tracing it takes longer than hearing one.
_shipped = lru_cache(maxsize=1)(models.pretrained)


def find_network(model, *, settings=None, genres=None, weights=None, download=False):
    """The network that is meant, its settings, its genres and its name.

    Takes and raises what :func:`prcnn.listening.classify` does.
    """
    own = isinstance(model, keras.Model)
    published = isinstance(model, str) and model in CHECKPOINTS
    if (not own and (settings or genres)) or (not published and (weights or download)):
        raise ValueError(
            "settings and genres are for a keras.Model; runs and known weights know theirs. "
            f"weights and download are for published weights: {', '.join(CHECKPOINTS)}."
        )
    name = model.name if own else model
    if own:
        network = model
        if not (settings and genres):
            raise ValueError(
                f"Network {name!r} does not know how its spectrograms were made nor what its "
                f"{model.output_shape[-1]} outputs mean: give settings and genres, or a run folder."
            )
    elif published:
        kept = cache_folder() / "checkpoints" / Path(CHECKPOINTS[name].file).name
        if not (weights or download or kept.is_file()):
            raise CheckpointError(
                f"The published weights {name!r} are not at {kept}. Pass download=True to fetch "
                f"them from {CHECKPOINTS[name].url}, weights=… where you have them, or your own "
                "run folder as model."
            )
        network = load_checkpoint(name, weights or (kept if kept.is_file() else None))
        settings, genres = AUTHORS, GENRES
    elif isinstance(model, str) and model in SHIPPED:
        network, card = _shipped(name), models.card(name)
        settings, genres = card["settings"], card["genres"]
    else:
        run = model
        if isinstance(model, str | PathLike):
            folder = Path(model).expanduser()
            run = load_run(folder) if folder.is_dir() or len(folder.parts) > 1 else None
        if not isinstance(run, Run):
            raise ValueError(
                f"{model!r} is no run or its folder, no keras.Model, and none of the weights "
                f"{', '.join([*SHIPPED, *CHECKPOINTS])}. Any other network has to be trained "
                "first (book/train.ipynb)."
            )
        network, name, store = run.model, run.model.name, run.record["store"]
        if not isinstance(store["settings"], dict):
            raise ValueError(
                f"{run.folder} was trained on other features than spectrograms of one clip "
                f"({store['settings']}), which a song cannot be cut into."
            )
        settings, genres = Settings(**store["settings"]), store["genres"]
    settings, genres = get_settings(settings), list(genres)
    takes, tells = tuple(network.input_shape[1:]), network.output_shape[-1]
    if (takes, tells) != (settings.shape, len(genres)):
        raise ValueError(
            f"Network {name!r} takes spectrograms of {takes} and tells {tells} genres apart; "
            f"settings {settings.name!r} make them of {settings.shape}, and {len(genres)} genres "
            f"are named: {', '.join(genres)}."
        )
    # Windows are cut anywhere, so there is no beginning to skip.
    return network, dataclasses.replace(settings, offset=0.0), genres, name
