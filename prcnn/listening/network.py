"""Which network listens: weights of ours or theirs, a run, any network; its settings and genres."""

import dataclasses
from functools import lru_cache
from os import PathLike
from pathlib import Path

import keras

from prcnn import models
from prcnn.datasets import cache_folder
from prcnn.models import CHECKPOINTS, CheckpointError, load_checkpoint
from prcnn.spectrogram import Settings, get_settings
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
    if own:
        network = model
    elif published:
        kept = cache_folder() / "checkpoints" / Path(CHECKPOINTS[model].file).name
        if not (weights or download or kept.is_file()):
            raise CheckpointError(
                f"The published weights {model!r} are not at {kept}. Pass download=True to fetch "
                f"them from {CHECKPOINTS[model].url}, weights=… where you have them, or your own "
                "run folder as model."
            )
        network = load_checkpoint(model, weights or (kept if kept.is_file() else None))
    elif isinstance(model, str) and model in SHIPPED:
        network = _shipped(model)
    else:
        network, settings, genres = _of_run(model)
    # Published and shipped weights say theirs.
    settings, genres = (
        settings or vars(network).get("settings"),
        genres or vars(network).get("genres"),
    )
    name, takes, tells = network.name, tuple(network.input_shape[1:]), network.output_shape[-1]
    if not (settings and genres):
        raise ValueError(
            f"Network {name!r} does not know how its spectrograms were made nor what its {tells} "
            "outputs mean: give settings and genres, or a run folder."
        )
    settings, genres = get_settings(settings), list(genres)
    if (takes, tells) != (settings.shape, len(genres)):
        raise ValueError(
            f"Network {name!r} takes spectrograms of {takes} and tells {tells} genres apart; "
            f"settings {settings.name!r} make them of {settings.shape}, and {len(genres)} genres "
            f"are named: {', '.join(genres)}."
        )
    # Windows are cut anywhere, so there is no beginning to skip.
    return network, dataclasses.replace(settings, offset=0.0), genres, model if published else name


def _of_run(run):
    """The network of a run or its folder, its settings and genres."""
    if isinstance(run, str | PathLike):
        folder = Path(run).expanduser()
        run = load_run(folder) if folder.is_dir() or len(folder.parts) > 1 else run
    if not isinstance(run, Run):
        raise ValueError(
            f"{run!r} is no run or its folder, no keras.Model, and none of the weights "
            f"{', '.join([*SHIPPED, *CHECKPOINTS])}. Any other network has to be trained first "
            "(book/train.ipynb)."
        )
    learned = run.record["store"]
    if not isinstance(learned["settings"], dict):
        raise ValueError(
            f"{run.folder} was trained on other features than spectrograms of one clip "
            f"({learned['settings']}), which a song cannot be cut into."
        )
    return run.model, Settings(**learned["settings"]), learned["genres"]
