"""Who listens: weights of ours or theirs, a run, any network; its settings and its genres."""

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

__all__ = ["SHIPPED", "listener"]

#: Weights that come with prcnn. They know pictures of sound at 44.1 kHz, as nearly all of FMA is;
#: songs at another rate are brought to it, so that one recording has one answer.
SHIPPED = ("beyond",)
_SHIPPED_RATE = 44_100


def listener(model, *, settings=None, genres=None, weights=None, download=False):
    """Who is meant by `model`, and what the network must be given and means.

    Parameters
    ----------
    model, settings, genres, weights, download
        See :func:`prcnn.listening.classify`.

    Returns
    -------
    network : keras.Model
    settings : prcnn.spectrogram.Settings
    genres : list of str
    name : str

    Raises
    ------
    ValueError, prcnn.models.CheckpointError, FileNotFoundError
        As there.

    Chapter: book/classify.ipynb
    """
    own = isinstance(model, keras.Model)
    if not own and (settings is not None or genres is not None):
        raise ValueError(
            "settings and genres are for a keras.Model; runs and known weights know theirs."
        )
    published = isinstance(model, str) and model in CHECKPOINTS
    if not published and (weights is not None or download):
        raise ValueError(
            f"weights and download are for published weights ({', '.join(CHECKPOINTS)}), "
            f"not for {model!r}."
        )
    if isinstance(model, str) and model in SHIPPED:
        network, name, card = _kept(models.pretrained, model), model, models.card(model)
        settings = dataclasses.replace(get_settings(card["settings"]), sr=_SHIPPED_RATE)
        genres = card["genres"]
    elif published:
        network, name = _published(model, weights, download), model
        settings, genres = AUTHORS, list(GENRES)
    elif own:
        network, name = model, model.name
        if settings is None or genres is None:
            raise ValueError(
                f"Network {name!r} does not know how its spectrograms were made nor what its "
                f"{model.output_shape[-1]} outputs mean: give settings and genres, or a run folder."
            )
        settings, genres = get_settings(settings), list(genres)
    else:
        run = model if isinstance(model, Run) else _run(model)
        network, name, store = run.model, run.model.name, run.record["store"]
        if not isinstance(store["settings"], dict):
            raise ValueError(
                f"{run.folder} was trained on other features than spectrograms of one clip "
                f"({store['settings']}), which a song cannot be cut into."
            )
        settings, genres = Settings(**store["settings"]), store["genres"]
    if tuple(network.input_shape[1:]) != settings.shape:
        raise ValueError(
            f"Settings {settings.name!r} make spectrograms of {settings.shape}, network {name!r} "
            f"takes {tuple(network.input_shape[1:])}."
        )
    if network.output_shape[-1] != len(genres):
        raise ValueError(
            f"Network {name!r} tells {network.output_shape[-1]} genres apart, and {len(genres)} "
            f"are named: {', '.join(genres)}."
        )
    # Windows are cut anywhere, so there is no beginning to skip.
    return network, dataclasses.replace(settings, offset=0.0), genres, name


@lru_cache(maxsize=1)
def _kept(make, name):
    """The same network for every song: building and tracing it takes longer than hearing one."""
    return make(name)


def _published(name, weights, download):
    if weights is not None:
        return load_checkpoint(name, weights)
    kept = cache_folder() / "checkpoints" / Path(CHECKPOINTS[name].file).name
    if not (kept.is_file() or download):
        raise CheckpointError(
            f"The published weights {name!r} are not at {kept}. Pass download=True to fetch them "
            f"from {CHECKPOINTS[name].url}, weights=… where you have them, or your own run folder "
            "as model."
        )
    return load_checkpoint(name, kept if kept.is_file() else None)


def _run(model):
    if not isinstance(model, str | PathLike):
        raise ValueError(
            f"model is a run folder, a run, a keras.Model or the name of weights, not {model!r}."
        )
    folder = Path(model).expanduser()
    if folder.is_dir() or len(folder.parts) > 1:
        return load_run(folder)
    untrained = " This network has none: train it (book/train.ipynb)."
    raise ValueError(
        f"There are no weights {str(model)!r}, only {', '.join([*SHIPPED, *CHECKPOINTS])}; and no "
        f"run folder of this name.{untrained if model in models.names() else ''}"
    )
