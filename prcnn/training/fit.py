"""Fit a network on a store and leave a run folder that says how, and survives being killed.

One copy of the network learns, another is validated; the network itself is given the best weights
at the end, so that after an error or Ctrl-C it is what it was.
"""

import time
import weakref
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from prcnn.atomic import digest, sweep
from prcnn.datasets import SPLITS
from prcnn.datasets.dataset import warn
from prcnn.training import precision as arithmetic
from prcnn.training import recipes, run_folder
from prcnn.training.batches import Batches, adapt_scale
from prcnn.training.recipes import is_whole, require
from prcnn.training.run_folder import Run, State, TrainingError, assign, values, variables

_TRAINED = weakref.WeakKeyDictionary()  # network → digest of the weights that a run left in it


def train(
    model,
    store,
    epochs=50,
    seed=0,
    out=None,
    *,
    recipe=None,
    batch_size=None,
    learning_rate=None,
    callbacks=(),
    precision="auto",
    early_stopping=None,
    progress=True,
):
    """Train ``model`` by a recipe and keep its best validation epoch: returns a :class:`Run`.

    Killed at any moment and called again with the same arguments, it goes on after the last
    finished epoch and ends with the history and weights of an uninterrupted run; a finished run is
    read back, or goes on where more epochs are asked for. The same seed on the same machine and
    backend gives the same history.

    Parameters
    ----------
    model : keras.Model
        Input ``(n, *store.shape)``, output probabilities ``(n, len(store.genres))``. Training
        starts from its weights, and leaves the best ones in it; a layer ``scale`` that has seen no
        clips is adapted to the training clips. One that you compiled is trained with its optimizer
        unless you name a recipe, and stays compiled as it was.
    store : prcnn.store.Store
        Its ``training`` split is trained on, its ``validation`` split chooses the epoch (the
        earlier one of equals). Batches are streamed from disk, so it may exceed the memory.
    epochs : int
        Passes over the training split.
    seed : int
        Of the clips' order and of how they are altered; the first weights are the model's.
    out : path, optional
        The run folder, by default a folder in ``runs`` named by network, store, seed and a digest
        of the first weights and all arguments but ``epochs``: another call is another folder.
    recipe : str or prcnn.training.Recipe, optional
        A name in ``prcnn.training.RECIPES``, or your own; by default ``"beyond"`` for a network of
        that name, ``"paper"`` for all others. ``batch_size`` and ``learning_rate`` replace its own.
    callbacks : keras.callbacks.Callback or list of them
        Their ``model`` is the copy that learns. They are not part of the run's identity, and what
        they remember is not resumed.
    precision : {"auto", "float32", "mixed"}
        ``"mixed"`` computes convolutions in bfloat16 in the steps of training alone. ``"auto"`` is
        that where TensorFlow computes on a processor with units for it.
    early_stopping : int, optional
        Stop when the validation accuracy has not risen for so many epochs.
    progress : bool
        Show one bar over the epochs.

    Raises
    ------
    ValueError
        Network and store do not fit together, the training or validation split is empty, an
        argument has no possible value, the network was compiled with another loss than plain
        cross-entropy, or ``out`` holds another run, more epochs of this one, damaged files, or
        files of the same names that are no run's.
    TrainingError
        The loss is no longer finite, or another process trains in ``out``. What was reached before
        stays there.

    Warns
    -----
    UserWarning
        A network that was trained before and goes on from there; genres without a training clip or
        with less than half the clips of another; a validation split of one genre.

    Notes
    -----
    On several devices: ``keras.distribution.set_distribution(keras.distribution.DataParallel())``
    before the network is built (JAX backend). Source: the paper's section on training and its
    authors' script (RMSprop 5e-4, batch 64, the checkpoint of the best validation accuracy).

    Chapter: book/train.ipynb
    """
    clips = _check(model, store)
    recipe = recipes.choose(model, recipe, batch_size=batch_size, learning_rate=learning_rate)
    callbacks = keras.tree.flatten(callbacks or ())
    hooks = all(isinstance(hook, keras.callbacks.Callback) for hook in callbacks)
    patient = early_stopping is None or is_whole(early_stopping, 1)
    known = arithmetic.PRECISIONS
    pictures = recipe.augment == recipes.NOTHING or len(store.shape) == 2
    require(hooks, "callbacks", callbacks, "objects of keras.callbacks.Callback")
    require(is_whole(epochs, 1), "epochs", epochs, "a whole number, at least 1")
    require(is_whole(seed, 0), "seed", seed, "a whole number, at least 0")
    require(patient, "early_stopping", early_stopping, "None or a whole number, at least 1")
    require(precision in known, "precision", precision, f"one of {known}")
    require(pictures, "augment", recipe.augment, f"Augment() for clips of shape {store.shape}")

    settings = {"epochs": int(epochs), "seed": int(seed), **recipe.settings()}
    settings |= {"early_stopping": early_stopping and int(early_stopping), "precision": precision}
    network = keras.Model(model.inputs[0], model.outputs[0], name=model.name)  # the same layers
    asked = run_folder.describe(network, store, settings, arithmetic.decide(precision), clips)
    folder = Path(out).expanduser() if out is not None else run_folder.default_folder(asked)
    record, state = run_folder.resume(folder, asked)
    if not record["finished"]:
        if record is asked and _TRAINED.get(model) == record["network"]["initial_weights"]:
            warn(
                f"Network {model.name!r} has been trained before, and this run in {folder} goes on "
                "from there. For first weights of its own build the network anew."
            )
        with run_folder.lock(folder):
            record, state = run_folder.resume(folder, asked)
            run_folder.write_record(folder, record)
            state = _fit(network, store, state, record, recipe, folder, callbacks, progress)
            run_folder.finish(folder, record, state, network)
    assign(network.weights, state.best)
    model.genres, model.settings = list(store.genres), store.settings  # what it learned, it says
    _TRAINED[model] = digest(state.best)
    return Run(model, state.history, folder, record)


def _check(model, store):
    """Refuse what cannot be trained, warn of what will not be learned; count clips by genre."""
    shape, genres = tuple(store.shape), list(store.genres)
    takes, tells = tuple(model.input_shape[1:]), model.output_shape[-1]
    if len(takes) != len(shape) or any(
        a not in (None, b) for a, b in zip(takes, shape, strict=True)
    ):
        raise ValueError(
            f"The store's spectrograms are {shape}, network {model.name!r} takes {takes}. Build "
            f"it with input_shape={shape}, or extract with other settings."
        )
    if tells != len(genres):
        raise ValueError(
            f"Network {model.name!r} tells {tells} genres apart, the store {store.name!r} has "
            f"{len(genres)}. Build it with n_genres={len(genres)}."
        )
    table = pd.crosstab(store.clips["genre"], store.clips["split"])
    table = table.reindex(index=genres, columns=SPLITS, fill_value=0)
    for split, use in (("training", "train on"), ("validation", "choose the best epoch by")):
        if table[split].sum() == 0:
            raise ValueError(
                f"The {split} split of {store.name!r} is empty, so there is nothing to {use}."
            )
    training, validation = table["training"], table["validation"]
    present = training[training > 0]
    if len(present) < len(genres):
        absent = list(training.index.difference(present.index))
        warn(f"{len(absent)} of {len(genres)} genres have no training clip: {absent}.")
    if present.max() > 2 * present.min():
        warn(
            f"Genres are unequal in training: {present.idxmax()} has {present.max()} clips, "
            f"{present.idxmin()} {present.min()}. Judge by macro-F1 beside the accuracy."
        )
    if (validation > 0).sum() == 1:
        warn(
            f"All {validation.max()} validation clips are {validation.idxmax()}: the best epoch "
            "is the one that says so most often."
        )
    return table.to_dict()


def _fit(network, store, state, record, recipe, folder, callbacks, progress):
    """Go on from ``state`` to the last epoch, leaving ``folder`` in order after each."""
    settings, copy = record["settings"], keras.models.clone_model
    epochs, patience = settings["epochs"], settings["early_stopping"]
    steps = epochs * len(Batches(store, "training", recipe))
    learner = (arithmetic.sixteen_bits if record["precision"] == "mixed" else copy)(network)
    judge = copy(network)
    assign(learner.variables, values(network.variables))
    for each in (learner, judge):
        # XLA would make TensorFlow's convolutions slower on a CPU and lose cuDNN's GRU on a GPU;
        # JAX compiles anyway or not at all.
        each.compile(
            optimizer=recipe.make_optimizer(steps),
            loss=f"{'' if recipe.label_rows else 'sparse_'}categorical_crossentropy",
            metrics=["accuracy"],
            jit_compile=keras.backend.backend() == "jax",
        )
    learner.optimizer.build(learner.trainable_variables)
    if not state:
        adapt_scale(learner, store)
        now, best = values(variables(learner)), values(learner.weights)
        state = State(run_folder.table([]), now, best, best if recipe.ema else [])
    assign(variables(learner), state.now)
    sweep(folder)
    if state.epoch:
        state.write(folder)  # a kill may have come between two files
    hooks = keras.callbacks.CallbackList(callbacks, model=learner, epochs=epochs, verbose=0)
    learner.stop_training, line = False, None
    hooks.on_train_begin()
    bar = tqdm(
        total=epochs, initial=state.epoch, desc=network.name, unit="epoch", disable=not progress
    )
    with bar:
        while state.epoch < epochs and not (learner.stop_training or _stops(state, patience)):
            line = _epoch(learner, judge, store, state, settings["seed"], recipe, hooks)
            state.write(folder)
            names = {"loss": "loss", "acc": "accuracy", "val_acc": "val_accuracy"}
            bar.set_postfix({short: line[name] for short, name in names.items()}, refresh=False)
            bar.update()
    hooks.on_train_end(line)
    return state


def _epoch(learner, judge, store, state, seed, recipe, hooks):
    """Take ``state`` one epoch further; return the epoch's line of the history."""
    began, epoch, average = time.perf_counter(), state.epoch + 1, state.average
    batches = Batches(store, "training", recipe, epoch, seed)

    def step(i, X, y):
        hooks.on_train_batch_begin(i)
        logs = learner.train_on_batch(X, y, return_dict=True)
        if average:
            _follow(average, learner, recipe.ema, state.epoch * len(batches) + i)
        hooks.on_train_batch_end(i, logs)
        return logs

    hooks.on_epoch_begin(epoch - 1)
    line = _pass(step, batches)
    trained = values(learner.weights)
    validated = [array.copy() for array in average] or trained
    assign(judge.weights, validated)
    validation = Batches(store, "validation", recipe)
    found = _pass(lambda i, X, y: judge.test_on_batch(X, y, return_dict=True), validation)
    line |= {f"val_{name}": value for name, value in found.items()}
    rate = float(keras.ops.convert_to_numpy(learner.optimizer.learning_rate))
    for name in ("loss", "val_loss"):
        if not np.isfinite(line[name]):
            raise TrainingError(
                f"{name} is {line[name]} in epoch {epoch}. Try a learning rate below {rate:g} in a "
                "new folder, and look for values that are not finite in the store. The epochs "
                "before this one are kept."
            )
    assign(learner.weights, validated)  # which is what callbacks see
    hooks.on_epoch_end(epoch - 1, dict(line))
    assign(learner.weights, trained)
    line |= {"learning_rate": rate, "seconds": time.perf_counter() - began}
    lines = [*state.history.to_numpy(), [line[name] for name in run_folder.COLUMNS]]
    state.history, state.now = run_folder.table(lines), values(variables(learner))
    if state.best_epoch == epoch:
        state.best = validated
    return line


def _pass(step, batches):
    """Take all batches once; return the means of the metrics over the clips.

    ``fit`` would do the same through tf.data, whose iterator waits for a timer when an epoch ends,
    5.12, 10.24 or 20.48 s after its start: a third to a half of a short epoch was waiting.
    """
    sums, clips = {}, 0
    for i, (X, y) in enumerate(batches):
        for name, value in step(i, X, y).items():
            sums[name] = sums.get(name, 0.0) + float(value) * len(y)
        clips += len(y)
    return {name: total / clips for name, total in sums.items()}


def _follow(average, learner, ema, step):
    """Move the average of the weights, also of batch norm's statistics, towards what they are.

    Little of it is left at first, ``ema`` later on.
    """
    left = min(ema, (1 + step) / (10 + step))
    for mean, now in zip(average, values(learner.weights), strict=True):
        if np.issubdtype(now.dtype, np.floating):
            mean += np.float32(1 - left) * (now - mean)  # exactly 0 for what never moves
        else:
            mean[...] = now


def _stops(state, patience):
    return patience is not None and state.epoch > 0 and state.epoch - state.best_epoch >= patience
