"""Fit a network on a store and leave a run folder that says how, and survives being killed.

A run folder holds ``model.keras`` (the weights of the best validation epoch), ``history.csv`` (one
line an epoch), ``run.json`` (settings, network, data, counts, versions, machine, durations) and
``state.npz``, from which a killed run goes on: see :mod:`prcnn.training.run_folder`.
"""

import dataclasses
import time
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from prcnn.atomic import sweep
from prcnn.datasets.dataset import warn
from prcnn.training import recipes, run_folder
from prcnn.training.batches import Batches, adapt_scale, label_rows
from prcnn.training.precision import arithmetic, choose
from prcnn.training.run_folder import Run, State


class TrainingError(RuntimeError):
    """Training cannot go on; the message says at which epoch, why, and what to try."""


def train(
    model,
    store,
    epochs=50,
    seed=0,
    out=None,
    *,
    batch_size=None,
    learning_rate=None,
    schedule=None,
    augment=None,
    ema=None,
    optimizer=None,
    callbacks=(),
    precision="auto",
    early_stopping=None,
    progress=True,
):
    """Train ``model`` by its recipe and keep the weights of its best validation epoch.

    Killed at any moment and called again with the same arguments, it goes on after the last
    finished epoch and ends with the history and weights of an uninterrupted run; a finished run is
    read back at once, or goes on where more epochs are asked for, and ends where as many at once
    end. The same seed on the same machine and backend gives the same history.

    Parameters
    ----------
    model : keras.Model
        Input ``(n, *store.shape)``, output probabilities ``(n, len(store.genres))``. It
        afterwards holds the best weights. Where it has weights of its own (a checkpoint), training
        starts from them. A layer ``scale`` that has seen no clips is given the mean and variance
        of the training clips' bands. A network that you compiled is trained with its optimizer in
        place of the recipe's, and stays compiled as it was.
    store : prcnn.store.Store
        Its ``training`` split is trained on, its ``validation`` split chooses the epoch (the
        earlier one of equals). Batches are streamed from disk, so it may exceed the memory.
    epochs : int
        Passes over the training split.
    seed : int
        Decides the order of the clips in each epoch and how they are altered. The initial weights
        are the model's: see ``seed`` in :func:`prcnn.models.build`.
    out : path, optional
        The run folder. Default ``runs/<network>-<store>-<digits>`` in the working folder; the
        digits stand for the data and all arguments but ``epochs``, so another call is another
        folder.
    batch_size : int, optional
        Clips a step; the last step of an epoch takes what remains. With several devices this is
        the number over all of them together. None, here and below, is the recipe's:
        :data:`prcnn.training.BEYOND` for a network of that name, :data:`prcnn.training.PAPER` for
        all others.
    learning_rate : float, optional
    schedule : {"constant", "plateau", "one_cycle"}, optional
        ``"plateau"`` halves the learning rate when the validation accuracy has not risen by 0.01
        for 10 epochs, as the paper's authors did. ``"one_cycle"`` lets it rise and fall once; a
        run by it cannot go on to more epochs.
    augment : prcnn.training.Augment, optional
        How clips are altered; ``Augment()`` leaves them as they are.
    ema : float, optional
        Validate and keep a moving average of the weights, of which every step leaves this share
        (0.995, say; less in the first steps); 0 keeps the weights themselves.
    optimizer : keras.optimizers.Optimizer, optional
        Its settings are taken, not its state, and its learning rate where none is named.
    callbacks : list of keras.callbacks.Callback
        Hooks of training, epochs and batches, with ``loss``, ``accuracy``, ``val_loss`` and
        ``val_accuracy``. They are not part of the run's identity, and what they remember is not
        resumed.
    precision : {"auto", "float32", "mixed"}
        ``"mixed"`` computes convolutions in bfloat16 while training; validation and the network
        that is kept are float32 always. ``"auto"`` measures once what this machine is faster with
        and remembers it in ``precision.json`` in :func:`prcnn.datasets.cache_folder`; epochs of less than
        20 steps are float32.
    early_stopping : int, optional
        Stop when the validation accuracy has not risen for so many epochs. Off by default.
    progress : bool
        Show one bar over the epochs.

    Returns
    -------
    Run

    Raises
    ------
    ValueError
        Network and store do not fit together, the training or the validation split is empty, an
        argument has no possible value, the network was compiled with another loss than
        cross-entropy, or ``out`` holds another run, more epochs of this one, or files that
        training would replace and did not write.
    TrainingError
        The loss is no longer finite. What was reached before that epoch stays in ``out``.

    Warns
    -----
    UserWarning
        Genres without a training clip, genres with less than half the clips of another, a
        validation split of one genre.

    Notes
    -----
    To train on several devices, call ``keras.distribution.set_distribution(
    keras.distribution.DataParallel())`` before the network is built (JAX backend).

    Source: the paper's section on training and its authors' script (RMSprop 5e-4, batch 64, the
    checkpoint of the best validation accuracy, ``ReduceLROnPlateau``).

    Chapter: book/train.ipynb
    """
    counts = _check(model, store)
    own = recipes.recipe(model.name)
    optimizer = recipes.make_optimizer(model, own, optimizer, learning_rate)
    settings = {
        "epochs": int(epochs),
        "seed": int(seed),
        "batch_size": int(own.batch_size if batch_size is None else batch_size),
        **recipes.describe_optimizer(optimizer),
        "schedule": own.schedule if schedule is None else schedule,
        "label_smoothing": own.label_smoothing,
        "ema": float(own.ema if ema is None else ema),
        "augment": dataclasses.asdict(own.augment if augment is None else augment),
        "early_stopping": None if early_stopping is None else int(early_stopping),
        "precision": precision,
    }
    recipes.check_settings(settings, store)
    compiled = partial(_learner, settings=settings, optimizer=optimizer)
    learner = compiled(model)
    record = run_folder.describe(learner, store, settings, counts)
    if out is None:
        out = Path("runs") / f"{model.name}-{Path(store.name).name}-{run_folder.identity(record)}"
    folder = Path(out).expanduser()

    def measured():
        batches = Batches(store, "training", settings)
        return choose(precision, model, compiled, *batches[0], len(batches))

    record, state = _open(folder, record, learner, measured)
    if not record["finished"]:
        fit = partial(_fit, learner, store, folder=folder, save=model.save, progress=progress)
        state = fit(state, settings, record["precision"], callbacks=callbacks)
        best = {"epoch": state.best_epoch, **state.history.loc[state.best_epoch].to_dict()}
        seconds = state.history["seconds"].sum()
        record |= {"finished": True, "epochs": state.epoch, "best": best, "seconds": seconds}
        run_folder.write_record(folder, record)
    state.restore_best(learner)
    return Run(model, state.history, folder, record)


def _open(folder, record, learner, precision):
    """Record and state of the run in ``folder``, which must be the one ``record`` describes."""
    state, asked = State.first(learner), record["settings"]["epochs"]
    if not (folder / "run.json").exists():
        run_folder.refuse_foreign(folder)
        record["precision"] = precision()
        run_folder.write_record(folder, record)
        return record, state
    before = run_folder.read_record(folder)
    changed, known = run_folder.differences(before, record), {before["network"]["initial_weights"]}
    if (folder / "state.npz").exists():
        state = State.read(folder)
        known |= state.fingerprints()  # the call is repeated in the same session
    if not changed and record["network"]["initial_weights"] not in known:
        changed = ["initial weights (is the network built with another seed, or none?)"]
    if changed:
        raise ValueError(
            f"{folder} holds a run with other {'; '.join(changed)}. Choose another folder with "
            "out=…, or delete that one."
        )
    if state.epoch > asked:
        raise ValueError(
            f"{folder} holds {state.epoch} epochs of this run, more than epochs={asked}. Ask for "
            "as many or more, or choose another folder with out=…"
        )
    if asked > before["settings"]["epochs"] or not before["finished"]:
        before |= {"finished": False, "settings": record["settings"]}
        run_folder.write_record(folder, before)
    return before, state


def _check(model, store):
    """Refuse what cannot be trained, warn of what will not be learned; count clips by genre."""
    shape, wanted = tuple(store.shape), tuple(model.input_shape[1:])
    if len(shape) != len(wanted) or any(
        w not in (None, s) for s, w in zip(shape, wanted, strict=True)
    ):
        raise ValueError(
            f"The store's spectrograms are {shape}, network {model.name!r} takes {wanted}. Build "
            f"it with input_shape={shape}, or extract with other settings."
        )
    genres = list(store.genres)
    if model.output_shape[-1] != len(genres):
        raise ValueError(
            f"Network {model.name!r} tells {model.output_shape[-1]} genres apart, the store "
            f"{store.name!r} has {len(genres)}. Build it with n_genres={len(genres)}."
        )
    table = pd.crosstab(store.clips["genre"], store.clips["split"])
    table = table.reindex(index=genres, columns=["training", "validation", "test"], fill_value=0)
    for split in ("training", "validation"):
        if table[split].sum() == 0:
            raise ValueError(
                f"The {split} split of {store.name!r} is empty, so there is nothing to "
                f"{'train on' if split == 'training' else 'choose the best epoch by'}."
            )
    training, validation = table["training"], table["validation"]
    if (missing := training.index[training == 0]).size:
        warn(f"{missing.size} of {len(genres)} genres have no training clip: {list(missing)}.")
    present = training[training > 0]
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
    return {split: table[split].astype(int).to_dict() for split in table}


def _learner(model, settings, optimizer):
    """The same layers as a network that is compiled for training; ``model`` stays as it is."""
    learner = keras.Model(model.inputs[0], model.outputs[0], name=model.name)
    # XLA would make TensorFlow's convolutions slower on a CPU and lose cuDNN's GRU on a GPU;
    # JAX compiles anyway or not at all.
    learner.compile(
        optimizer=recipes.fresh(optimizer),
        loss=f"{'' if label_rows(settings) else 'sparse_'}categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=keras.backend.backend() == "jax",
    )
    learner.optimizer.build(learner.trainable_variables)
    return learner


def _fit(learner, store, state, settings, precision, *, callbacks, folder, save, progress):
    """Go on from ``state`` to the last epoch, leaving ``folder`` in order after each."""
    sweep(folder)
    state.restore(learner)
    if state.epoch:
        state.write_derived(learner, folder, save)  # a kill may have come between two files
    before = state
    bar = tqdm(
        total=settings["epochs"],
        initial=state.epoch,
        desc=learner.name,
        unit="epoch",
        disable=not progress,
    )
    try:
        if not state.epoch:
            adapt_scale(learner, store)
            now = State.first(learner)
            state = State(now.now, now.best, now.best if settings["ema"] else [], [])
        learner.stop_training = False
        hooks = keras.callbacks.CallbackList(
            list(callbacks), model=learner, epochs=settings["epochs"], verbose=0
        )
        hooks.on_train_begin()
        logs = None
        while state.epoch < settings["epochs"] and not (
            learner.stop_training or _stops(state, settings["early_stopping"])
        ):
            state, logs = _epoch(learner, store, state, settings, precision, hooks)
            before = state
            state.write(folder)
            state.write_derived(learner, folder, save if state.best_epoch == state.epoch else None)
            bar.set_postfix(
                loss=logs["loss"], acc=logs["accuracy"], val_acc=logs["val_accuracy"], refresh=False
            )
            bar.update()
        hooks.on_train_end(logs)
    except BaseException:
        before.restore(learner)  # so that the call may be repeated in the same session
        raise
    finally:
        bar.close()
    return state


def _epoch(learner, store, state, settings, precision, hooks):
    """The state one epoch later, and its line of the history."""
    began, epoch = time.perf_counter(), state.epoch + 1
    batches = Batches(store, "training", settings, epoch)
    coming = recipes.rates(settings, state.history["val_accuracy"], len(batches))
    average = [array.copy() for array in state.average]

    def step(i, X, y):
        if coming is not None:
            learner.optimizer.learning_rate.assign(coming[i])
        hooks.on_train_batch_begin(i)
        logs = learner.train_on_batch(X, y, return_dict=True)
        if average:
            _follow(
                average, learner, recipes.decay(settings["ema"], state.epoch * len(batches) + i)
            )
        hooks.on_train_batch_end(i, logs)
        return logs

    hooks.on_epoch_begin(epoch - 1)
    with arithmetic(precision, learner):
        line = _pass(step, batches)
    trained = run_folder.values(learner.weights)
    run_folder.assign(learner.weights, average or trained)
    validation = Batches(store, "validation", settings)
    found = _pass(lambda i, X, y: learner.test_on_batch(X, y, return_dict=True), validation)
    line |= {f"val_{name}": value for name, value in found.items()}
    bad = [name for name in ("loss", "val_loss") if not np.isfinite(line[name])]
    if bad:
        raise TrainingError(
            f"{bad[0]} is {line[bad[0]]} in epoch {epoch}. Try a learning rate below "
            f"{settings['learning_rate']} in a new folder, and look for values that are not finite "
            "in the store. The epochs before this one are kept."
        )
    hooks.on_epoch_end(epoch - 1, dict(line))
    run_folder.assign(learner.weights, trained)
    rate = float(keras.ops.convert_to_numpy(learner.optimizer.learning_rate))
    line |= {"learning_rate": rate, "seconds": time.perf_counter() - began}
    return state.after(learner, average, line), line


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


def _follow(average, learner, left):
    """Move the average of the weights, also of batch norm's statistics, towards what they are."""
    for mean, now in zip(average, run_folder.values(learner.weights), strict=True):
        if np.issubdtype(now.dtype, np.floating):
            mean += np.float32(1 - left) * (now - mean)  # exactly 0 for what never moves
        else:
            mean[...] = now


def _stops(state, patience):
    return patience is not None and state.epoch > 0 and state.epoch - state.best_epoch >= patience
