"""Fit a network on a store and leave a run folder that says how, and survives being killed.

One copy of the network learns, another is validated; the network itself is given the best weights
at the end, so that after an error or Ctrl-C it is what it was.
"""

import math
import time
import weakref
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from prcnn.atomic import sweep
from prcnn.datasets import SPLITS
from prcnn.datasets.dataset import warn
from prcnn.training import recipes, run_folder
from prcnn.training.batches import adapt_scale, batches, label_rows
from prcnn.training.precision import PRECISIONS, decide, sixteen_bits
from prcnn.training.recipes import require, whole
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
    soft_labels=None,
    callbacks=(),
    precision="auto",
    early_stopping=None,
    progress=True,
):
    """Train ``model`` by a recipe and keep its best epoch: returns a :class:`Run`.

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
        Its ``training`` split is trained on, its ``validation`` split chooses the epoch (unless
        the recipe keeps the last). Batches are streamed from disk, so it may exceed the memory.
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
    soft_labels : pandas.DataFrame, optional
        What training clips are trained towards instead of their genre: a row a clip (by id), a
        column a genre, at least 0 and 1 in sum. Half the genre and half what a teacher says of the
        clip that did not learn it, say (Hinton et al. 2015, "Distilling the knowledge").
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
    pictures = recipe.augment == recipes.NOTHING or len(store.shape) == 2
    require(hooks, "callbacks", callbacks, "objects of keras.callbacks.Callback")
    require(precision in PRECISIONS, "precision", precision, f"one of {PRECISIONS}")
    require(pictures, "augment", recipe.augment, f"Augment() for clips of shape {store.shape}")
    patience = early_stopping if early_stopping is None else whole("early_stopping", early_stopping)
    settings = {"epochs": whole("epochs", epochs), "seed": whole("seed", seed, least=0)}
    settings |= recipe.settings() | {"early_stopping": patience, "precision": precision}

    rows = label_rows(store, recipe, soft_labels)
    network = keras.Model(model.inputs[0], model.outputs[0], name=model.name)  # the same layers
    asked = run_folder.describe(network, store, settings, decide(precision), clips, soft_labels)
    folder = run_folder.default_folder(asked) if out is None else Path(out).expanduser()
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
            state = _fit(network, store, rows, state, record, recipe, folder, callbacks, progress)
            run_folder.finish(folder, record, state, network)
    network.set_weights(state.best)
    model.genres, model.settings = list(store.genres), store.settings  # what it learned, it says
    _TRAINED[model] = state.left
    return Run(model, state.history, folder, record)


def _check(model, store):
    """Refuse what cannot be trained, warn of what will not be learned; count clips by genre."""
    shape, genres = tuple(store.shape), list(store.genres)
    takes, tells = tuple(model.input_shape[1:]), model.output_shape[-1]
    fits = len(takes) == len(shape)
    if not fits or any(a not in (None, b) for a, b in zip(takes, shape, strict=True)):
        raise ValueError(
            f"The store's spectrograms are {shape}, network {model.name!r} takes {takes}. Build "
            f"it with input_shape={shape}, or extract with other settings."
        )
    if tells != len(genres):
        raise ValueError(
            f"Network {model.name!r} tells {tells} genres apart, the store {store.name!r} has "
            f"{len(genres)}. Build it with n_genres={len(genres)}."
        )
    for split in ("training", "validation"):
        store.indices(split)  # which refuses one without clips
    table = pd.crosstab(store.clips["genre"], store.clips["split"])
    table = table.reindex(index=genres, columns=SPLITS, fill_value=0)
    training, validation = table["training"], table["validation"]
    present = training[training > 0]
    if absent := list(training.index[training == 0]):
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


def _fit(network, store, rows, state, record, recipe, folder, callbacks, progress):
    """Go on from ``state`` to the last epoch, leaving ``folder`` in order after each."""
    steps = math.ceil(len(store.indices("training")) / recipe.batch_size)
    settings, precision = record["settings"], record["precision"]
    epochs, patience = settings["epochs"], settings["early_stopping"] or np.inf
    learner, judge = _copies(network, recipe, precision, epochs * steps, rows is not None)
    if not state:
        adapt_scale(learner, store)
        now, best = values(variables(learner)), values(learner.weights)
        state = State(run_folder.table([]), now, best, best if recipe.ema else [])
    assign(variables(learner), state.now)
    sweep(folder)
    if state.epoch:
        state.write(folder)  # a kill may have come between two files

    def follow(batch, logs):  # moves the average towards the weights
        # Of batch norm's statistics, too; little of it is left at first, ``ema`` later on.
        done = state.epoch * steps + batch
        left = min(recipe.ema, (1 + done) / (10 + done))
        for mean, now in zip(state.average, values(learner.weights), strict=True):
            if np.issubdtype(now.dtype, np.floating):
                mean += np.float32(1 - left) * (now - mean)  # exactly 0 for what never moves
            else:
                mean[...] = now

    ours = [keras.callbacks.LambdaCallback(on_train_batch_end=follow)] if recipe.ema else []
    every = ours + callbacks
    hooks = keras.callbacks.CallbackList(every, model=learner, epochs=epochs, verbose=0)
    learner.stop_training, line = False, None
    hooks.on_train_begin()
    shown = {"total": epochs, "initial": state.epoch, "desc": network.name, "unit": "epoch"}
    with tqdm(**shown, disable=not progress) as bar:
        while not learner.stop_training and state.epoch < min(epochs, state.best_epoch + patience):
            began, epoch = time.perf_counter(), state.epoch + 1
            hooks.on_epoch_begin(state.epoch)
            fed = batches(store, "training", recipe, epoch, settings["seed"], rows)
            line = _pass(learner.train_on_batch, fed, hooks)
            trained = values(learner.weights)
            validated = [array.copy() for array in state.average] or trained
            judge.set_weights(validated)
            fed = batches(store, "validation", recipe, rows=rows)
            found = _pass(judge.test_on_batch, fed, keras.callbacks.Callback())
            line |= {f"val_{name}": value for name, value in found.items()}
            rate = float(keras.ops.convert_to_numpy(learner.optimizer.learning_rate))
            _refuse_nan(line, epoch, rate)
            learner.set_weights(validated)  # which is what callbacks see
            hooks.on_epoch_end(state.epoch, dict(line))
            learner.set_weights(trained)
            line |= {"learning_rate": rate, "seconds": time.perf_counter() - began}
            state.add(line, values(variables(learner)), validated, recipe.keep)
            state.write(folder)
            bar.set_postfix(loss=line["loss"], acc=line["accuracy"], val_acc=line["val_accuracy"])
            bar.update()
    hooks.on_train_end(line)
    return state


def _copies(network, recipe, precision, steps, rows):
    """A copy of a network that learns by the recipe, and one that is validated."""
    copy = keras.models.clone_model
    learner, judge = (sixteen_bits if precision == "mixed" else copy)(network), copy(network)
    assign(learner.variables, values(network.variables))
    for each, smoothing in ((learner, recipe.label_smoothing), (judge, 0.0)):
        soft = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
        each.compile(
            optimizer=recipe.make_optimizer(steps),
            loss=soft if rows else "sparse_categorical_crossentropy",
            metrics=["accuracy"],
            # XLA would make TensorFlow's convolutions slower on a CPU and lose cuDNN's GRU on a
            # GPU; JAX compiles anyway or not at all.
            jit_compile=keras.backend.backend() == "jax",
        )
    learner.optimizer.build(learner.trainable_variables)
    return learner, judge


def _pass(step, fed, hooks):
    """Take all batches once; return the means of the metrics over the clips.

    ``fit`` would do the same through tf.data, whose iterator waits for a timer when an epoch ends,
    5.12, 10.24 or 20.48 s after its start: a third to a half of a short epoch was waiting.
    """
    sums, clips = {}, 0
    for i, (X, y) in enumerate(fed):
        hooks.on_train_batch_begin(i)
        logs = step(X, y, return_dict=True)
        hooks.on_train_batch_end(i, logs)
        for name, value in logs.items():
            sums[name] = sums.get(name, 0.0) + float(value) * len(y)
        clips += len(y)
    return {name: total / clips for name, total in sums.items()}


def _refuse_nan(line, epoch, rate):
    for name in ("loss", "val_loss"):
        if not np.isfinite(line[name]):
            raise TrainingError(
                f"{name} is {line[name]} in epoch {epoch}. Try a learning rate below {rate:g} in a "
                "new folder, and look for values that are not finite in the store. The epochs "
                "before this one are kept."
            )
