"""The run folder: what training leaves behind, and what it needs to go on after a kill.

``run.json`` says what was asked for: settings, network, data, counts, versions, machine.
``state.npz`` is the truth about what was reached, and is replaced whole after each epoch; what
follows from it, ``history.csv`` (one line an epoch) and at the end ``model.keras`` (the weights of
the epoch that is kept), is mended when a run goes on that was killed between two files.
"""

import contextlib
import dataclasses
import datetime
import glob
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from prcnn import models  # also registers the layers that a saved network may hold
from prcnn.atomic import digest, write_whole
from prcnn.provenance import provenance

try:
    import fcntl
except ImportError:  # Windows: there, nobody looks out for a second process
    fcntl = None

VERSION = 2  # raise when a change of code changes what comes out of a run
_LISTS = "now", "best", "average"
COLUMNS = ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"]


class TrainingError(RuntimeError):
    """Training cannot go on; the message says where, why, and what to try."""


@dataclass(frozen=True)
class Run:
    """A training run. Chapter: book/train.ipynb"""

    model: keras.Model  #: The network with the weights of the epoch that is kept.
    #: Index ``epoch`` from 1; columns ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``,
    #: ``learning_rate`` (at the epoch's end), ``seconds`` (which alone differs between equal runs).
    history: pd.DataFrame
    folder: Path
    record: dict  #: ``run.json``.


def load_run(folder):
    """The :class:`Run` in ``folder``, finished or not, with its best weights so far.

    FileNotFoundError if it holds none that has finished its first epoch; ValueError if a file of
    it is damaged, or was not written by :func:`prcnn.training.train`.
    """
    folder = Path(folder).expanduser()
    record, state = read(folder)
    if not state:
        missing = "state.npz" if record else "run.json"
        raise FileNotFoundError(f"{folder} holds no trained network: {missing} is missing.")
    model = keras.models.model_from_json(json.dumps(record["network"]["config"]))
    model.set_weights(state.best)
    return Run(model, state.history, folder, record)


@dataclass
class State:
    """All that the next epoch depends on, besides the arguments of ``train``: lists of arrays."""

    history: pd.DataFrame  # the finished epochs
    now: list  # what `variables` hold
    best: list  # the weights of the epoch that is kept, or their average
    average: list  # the moving average of the weights; empty where none is kept and validated

    @classmethod
    def read(cls, path):
        with np.load(path) as file:
            lists = ([file[key] for key in file if key.startswith(part)] for part in _LISTS)
            return cls(table(file["history"]), *lists)

    def add(self, line, now, validated, keep):
        """One more epoch: a dict of its COLUMNS, where it ended, and the weights validated."""
        self.history.loc[self.epoch + 1], self.now = line, now
        if keep == "last" or self.best_epoch == self.epoch:
            self.best = validated

    def write(self, folder):
        """Write it, and the history once more for people to read."""
        lists = {f"{part}{i}": x for part in _LISTS for i, x in enumerate(getattr(self, part))}
        arrays = {"history": self.history.to_numpy(), **lists}
        write_whole(folder / "state.npz", lambda path: np.savez(path, **arrays))
        write_whole(folder / "history.csv", self.history.to_csv)

    @property
    def left(self):
        """The digest of the weights that the run has left in its network."""
        return digest(self.best)

    @property
    def epoch(self):
        return len(self.history)

    @property
    def best_epoch(self):
        """The earlier one of equals; 0 before the first."""
        return int(self.history["val_accuracy"].idxmax()) if self.epoch else 0


def table(lines):
    """A history: a line an epoch, a value for each of COLUMNS."""
    index = pd.RangeIndex(1, len(lines) + 1, name="epoch")
    return pd.DataFrame(lines, index, COLUMNS, dtype=float)


def describe(network, store, settings, precision, clips, soft_labels=None):
    """``run.json`` of a run that begins: everything that decides its outcome, and where it runs."""
    labels = [x for x in (store.clips[["genre", "split"]], soft_labels) if x is not None]
    made_by = store.settings
    plain = dataclasses.asdict if dataclasses.is_dataclass(made_by) else str
    return {
        "finished": False,
        "version": VERSION,
        "settings": settings,
        "precision": precision,  # which one, where the settings say "auto"
        "network": {
            "name": network.name,
            "parameters": models.trainable_parameters(network),
            "initial_weights": digest(values(network.weights)),
            "config": json.loads(network.to_json()),
        },
        "store": {
            "name": store.name,
            "fingerprint": store.fingerprint,
            "settings": plain(made_by),  # `classify` makes them again from a dict
            "labels": digest(*labels),
            "genres": list(store.genres),
            "clips": clips,
            "failed": len(store.failed),
        },
        "backend": keras.backend.backend(),
        "provenance": provenance(),
    }


def deciding(record):
    """Everything that decides how a run ends, by the names that a refusal uses: a flat dict."""
    said, network, data = {"keep": "best"} | record["settings"], record["network"], record["store"]
    epochs = said.pop("epochs")
    if said.get("schedule") == "one_cycle":  # other runs may go on to more
        said["epochs of one_cycle"] = epochs
    # Keras numbers what has no name of its own ("dense_3") by what else the process has built.
    structure = re.sub(r'_\d+"', '"', json.dumps(network["config"], sort_keys=True))
    return said | {
        "precision": record["precision"],
        "data": digest(data["fingerprint"], data["labels"], data["genres"]),
        "network": f"{network['name']} {digest(structure)}",
        "initial weights": network["initial_weights"],
        "backend": record["backend"],
        "version": record.get("version"),
    }


def default_folder(record):
    """``runs/<network>-<store>-seed<seed>-<key>-<weights>``, of what decides and the first weights.

    Where a run of that key has left these weights, the call is repeated, and the folder is its own.
    """
    said = deciding(record)
    weights = said.pop("initial weights")
    names = record["network"]["name"], Path(record["store"]["name"]).name
    stem = f"{'-'.join(names)}-seed{said['seed']}-{digest(said)[:8]}-"
    own = Path("runs", stem + weights[:8])
    others = [] if own.exists() else sorted(Path("runs").glob(glob.escape(stem) + "*"))
    reached = ((other, read(other)[1]) for other in others)
    return next((other for other, state in reached if state and state.left == weights), own)


def read(folder):
    """Record and State of a run folder; None in place of either that is not there yet."""
    path, record, state = folder / "run.json", None, None
    try:
        if path.exists():
            deciding(record := json.loads(path.read_text()))
            path = folder / "state.npz"
            state = State.read(path) if path.exists() else None
    except OSError:
        raise
    except Exception as error:  # json, zipfile and numpy have a dozen for what is no file of theirs
        raise ValueError(
            f"{path} is damaged, or not of a run of prcnn.training.train. To train, move that file "
            "or choose another folder with out=…"
        ) from error
    return record, state


def resume(folder, record):
    """Record and State of the run in ``folder``, which is the one that ``record`` describes.

    State is None before its first epoch. ValueError where the folder holds another run, more epochs
    of this one, or files that training would replace and did not write.
    """
    before, state = read(folder)
    if not before:
        names = [n for n in ("state.npz", "model.keras", "history.csv") if (folder / n).exists()]
        if names:
            raise ValueError(
                f"{folder / names[0]} is not of a training run with a run.json, and would be "
                "replaced. Choose another folder with out=…, or move that file."
            )
        return record, None
    old, new, epochs = deciding(before), deciding(record), record["settings"]["epochs"]
    if record["settings"]["precision"] == "auto":  # which goes on as the run began
        new["precision"] = old["precision"]
    if state and state.left == new["initial weights"]:  # the call is repeated
        new["initial weights"] = old["initial weights"]
    differ = [f"{k} ({old.get(k)}, now {new[k]})" for k in new if old.get(k) != new[k]]
    if differ:
        raise ValueError(
            f"{folder} holds a run with other {'; '.join(differ)}. Choose another folder with "
            "out=…, or delete that one."
        )
    if state and state.epoch > epochs:
        raise ValueError(
            f"{folder} holds {state.epoch} epochs of this run, more than epochs={epochs}. Ask for "
            "as many or more, or choose another folder with out=…"
        )
    if epochs > before["settings"]["epochs"] or not (before["finished"] and state):
        before |= {"finished": False, "settings": record["settings"]}
    return before, state


@contextlib.contextmanager
def lock(folder):
    """Hold a run folder against other processes; the system lets go of it when this one dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "a+") as file:
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            since = (folder / ".lock").read_text()
            raise TrainingError(
                f"Another process trains in {folder}, {since}. Wait for it, or choose another "
                "folder with out=…"
            ) from None
        file.truncate(0)
        since = f"process {os.getpid()} since {datetime.datetime.now():%H:%M}"
        print(since, end="", file=file, flush=True)
        yield


def write_record(folder, record):
    text = json.dumps(record, indent=1) + "\n"
    write_whole(folder / "run.json", lambda path: path.write_text(text))


def finish(folder, record, state, network):
    """Give a network the best weights, save it, and close the run's record."""
    network.set_weights(state.best)
    write_whole(folder / "model.keras", network.save)
    kept = state.epoch if record["settings"].get("keep") == "last" else state.best_epoch
    best = {"epoch": kept, **state.history.loc[kept]}
    seconds = state.history["seconds"].sum()
    record |= {"finished": True, "epochs": state.epoch, "best": best, "seconds": seconds}
    write_record(folder, record)


def variables(learner):
    """Weights, then states of random generators (dropout), then the optimizer's variables."""
    every = [*learner.weights, *learner.variables, *learner.optimizer.variables]  # weights twice
    return list({id(variable): variable for variable in every}.values())


def values(variables):
    """Copies of Keras variables as numpy arrays."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assign(variables, arrays):
    """Give Keras variables the values of arrays."""
    for variable, value in zip(variables, arrays, strict=True):
        variable.assign(value)
