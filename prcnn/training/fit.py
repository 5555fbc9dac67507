"""Fit a network on a store and leave a run folder that says how, and survives being killed.

A run folder holds ``model.keras`` (the weights of the best validation epoch), ``history.csv`` (one
line an epoch), ``run.json`` (settings, network, data, counts, versions, machine, durations) and
``state.npz``, from which a killed run goes on: see :mod:`prcnn.training.run_folder`.
"""

import time
from functools import partial
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from prcnn.atomic import sweep
from prcnn.datasets.dataset import warn
from prcnn.training.run_folder import (
    Run,
    State,
    describe,
    differences,
    identity,
    load_run,
    read_record,
    refuse_foreign,
    write_record,
)

__all__ = ["Run", "TrainingError", "load_run", "train"]

PLATEAU = {"factor": 0.5, "patience": 10, "min_delta": 0.01}  # as in the authors' script


class TrainingError(RuntimeError):
    """Training cannot go on; the message says at which epoch, why, and what to try."""


def train(
    model,
    store,
    epochs=50,
    seed=0,
    out=None,
    *,
    batch_size=64,
    learning_rate=5e-4,
    reduce_on_plateau=False,
    early_stopping=None,
    progress=True,
):
    """Train ``model`` with RMSprop and keep the weights of its best validation epoch.

    Killed at any moment and called again with the same arguments, it goes on after the last
    finished epoch and ends with the history and weights of an uninterrupted run; a finished run is
    read back at once, or goes on where more epochs are asked for, and ends where as many at once
    end. The same seed on the same machine and backend gives the same history.

    Parameters
    ----------
    model : keras.Model
        Input ``(n, *store.shape)``, output probabilities ``(n, len(store.genres))``. It
        is compiled here and afterwards holds the best weights. Where it has weights of its own
        (a checkpoint), training starts from them.
    store : prcnn.store.Store
        Its ``training`` split is trained on, its ``validation`` split chooses the epoch (the
        earlier one of equals). Batches are streamed from disk, so it may exceed the memory.
    epochs : int
        Passes over the training split.
    seed : int
        Decides the order of the clips in each epoch. The initial weights are the model's: see
        ``seed`` in :func:`prcnn.models.build`.
    out : path, optional
        The run folder. Default ``runs/<network>-<store>-<digits>`` in the working folder; the
        digits stand for the data and all arguments but ``epochs``, so another call is another
        folder.
    batch_size : int
        Clips a step; the last step of an epoch takes what remains. With several devices this is
        the number over all of them together.
    learning_rate : float
        RMSprop's.
    reduce_on_plateau : bool
        Halve the learning rate when the validation accuracy has not risen by 0.01 for 10 epochs,
        as the paper's authors did.
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
        Network and store do not fit together, the training or the validation split is empty,
        ``epochs``, ``batch_size`` or ``learning_rate`` is too small, or ``out`` holds another run,
        more epochs of this one, or files that training would replace and did not write.
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
    settings = {
        "epochs": int(epochs),
        "seed": int(seed),
        "batch_size": int(batch_size),
        "learning_rate": float(learning_rate),
        "reduce_on_plateau": bool(reduce_on_plateau),
        "early_stopping": None if early_stopping is None else int(early_stopping),
    }
    if min(settings["epochs"], settings["batch_size"]) < 1 or settings["learning_rate"] <= 0:
        raise ValueError(
            "epochs and batch_size must be at least 1 and learning_rate above 0, not "
            f"{epochs}, {batch_size} and {learning_rate}."
        )
    record = describe(model, store, settings, counts)
    if out is None:
        out = Path("runs") / f"{model.name}-{Path(store.name).name}-{identity(record)}"
    folder = Path(out).expanduser()
    _compile(model, learning_rate)
    record, state = _open(folder, record, model)
    if not record["finished"]:
        state = _fit(model, store, state, settings, folder, progress)
        best = {"epoch": state.best_epoch, **state.history.loc[state.best_epoch].to_dict()}
        seconds = state.history["seconds"].sum()
        record |= {"finished": True, "epochs": state.epoch, "best": best, "seconds": seconds}
        write_record(folder, record)
    state.restore_best(model)
    return Run(model, state.history, folder, record)


def _open(folder, record, model):
    """Record and state of the run in ``folder``, which must be the one ``record`` describes."""
    state, asked = State.first(model), record["settings"]["epochs"]
    if not (folder / "run.json").exists():
        refuse_foreign(folder)
        write_record(folder, record)
        return record, state
    before = read_record(folder)
    changed, known = differences(before, record), {before["network"]["initial_weights"]}
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
        write_record(folder, before)
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


def _compile(model, learning_rate):
    # XLA would make TensorFlow's convolutions slower on a CPU and lose cuDNN's GRU on a GPU;
    # JAX compiles anyway or not at all.
    model.compile(
        optimizer=keras.optimizers.RMSprop(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        jit_compile=keras.backend.backend() == "jax",
    )
    model.optimizer.build(model.trainable_variables)


def _fit(model, store, state, settings, folder, progress):
    """Go on from ``state`` to the last epoch, leaving ``folder`` in order after each."""
    sweep(folder)
    state.restore(model)
    if state.epoch:
        state.write_derived(model, folder, network=True)  # a kill may have come between two files
    bar = tqdm(
        total=settings["epochs"],
        initial=state.epoch,
        desc=model.name,
        unit="epoch",
        disable=not progress,
    )
    try:
        while state.epoch < settings["epochs"] and not _stops(state, settings["early_stopping"]):
            line = _epoch(model, store, state.epoch + 1, _rate(state, settings), settings)
            state = state.after(model, line)
            state.write(folder)
            state.write_derived(model, folder, network=state.best_epoch == state.epoch)
            bar.set_postfix(
                loss=line["loss"], acc=line["accuracy"], val_acc=line["val_accuracy"], refresh=False
            )
            bar.update()
    except BaseException:
        state.restore(model)  # so that the call may be repeated in the same session
        raise
    finally:
        bar.close()
    return state


def _epoch(model, store, epoch, rate, settings):
    """Train for one epoch, whose order of clips follows from the seed and its number."""
    began = time.perf_counter()
    model.optimizer.learning_rate.assign(rate)
    seed = int(np.random.SeedSequence([settings["seed"], epoch]).generate_state(1)[0])
    stream = partial(store.stream, batch_size=settings["batch_size"])
    shuffled = stream("training", shuffle=True, seed=seed)
    shuffled.on_epoch_end()  # fit shuffles once more before it begins: the same order as fit's
    line = _pass(model.train_on_batch, shuffled)
    found = _pass(model.test_on_batch, stream("validation"))
    line |= {f"val_{name}": value for name, value in found.items()}
    bad = [name for name in ("loss", "val_loss") if not np.isfinite(line[name])]
    if bad:
        raise TrainingError(
            f"{bad[0]} is {line[bad[0]]} in epoch {epoch}. Try a learning rate below {rate:g} in "
            "a new folder, and look for values that are not finite in the store. The epochs "
            "before this one are kept."
        )
    return line | {"learning_rate": rate, "seconds": time.perf_counter() - began}


def _pass(step, batches):
    """Take all batches once; return the means of the metrics over the clips.

    ``fit`` would do the same through tf.data, whose iterator waits for a timer when an epoch ends,
    5.12, 10.24 or 20.48 s after its start: a third to a half of a short epoch was waiting.
    """
    sums, clips = {}, 0
    for i in range(len(batches)):
        X, y = batches[i]
        for name, value in step(X, y, return_dict=True).items():
            sums[name] = sums.get(name, 0.0) + float(value) * len(y)
        clips += len(y)
    return {name: total / clips for name, total in sums.items()}


def _rate(state, settings):
    """The next epoch's learning rate: a function of the history, so there is nothing to resume."""
    rate, best, waited = settings["learning_rate"], -np.inf, 0
    if settings["reduce_on_plateau"]:
        for accuracy in state.history["val_accuracy"]:
            if accuracy > best + PLATEAU["min_delta"]:
                best, waited = accuracy, 0
                continue
            waited += 1
            if waited == PLATEAU["patience"]:
                rate, waited = rate * PLATEAU["factor"], 0
    return rate


def _stops(state, patience):
    return patience is not None and state.epoch > 0 and state.epoch - state.best_epoch >= patience
