"""The run folder: what training leaves behind, and what it needs to go on after a kill.

``state.npz`` is the truth. It is replaced whole after each epoch; ``model.keras`` and
``history.csv`` follow from it, so a kill between two files is mended when the run goes on.
"""

import dataclasses
import hashlib
import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import pandas as pd

from prcnn import models  # also registers the layers that a saved network may hold
from prcnn.atomic import write_whole
from prcnn.provenance import provenance

PARTS = ("now", "best", "average")  # of state.npz
COLUMNS = ["loss", "accuracy", "val_loss", "val_accuracy", "learning_rate", "seconds"]


@dataclass(frozen=True)
class Run:
    """A training run.

    Attributes
    ----------
    model : keras.Model
        The network with the weights of its best validation epoch.
    history : pandas.DataFrame
        Index ``epoch`` from 1; columns ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``,
        ``learning_rate`` (of the last step), ``seconds`` (the only column that differs between
        equal runs).
    folder : pathlib.Path
    record : dict
        ``run.json``.

    Chapter: book/train.ipynb
    """

    model: keras.Model
    history: pd.DataFrame
    folder: Path
    record: dict


def load_run(folder):
    """The :class:`Run` in ``folder``, finished or not, with its best weights so far.

    FileNotFoundError if it holds none that has finished its first epoch; ValueError if a file of
    that name was not written by :func:`prcnn.training.train`.

    Chapter: book/train.ipynb
    """
    folder = Path(folder).expanduser()
    for name in ("run.json", "state.npz"):
        if not (folder / name).exists():
            raise FileNotFoundError(f"{folder} holds no trained network: {name} is missing.")
    record, state = read_record(folder), State.read(folder)
    # Not from model.keras: a kill may have left it an epoch behind the history.
    model = keras.models.model_from_json(json.dumps(record["network"]["config"]))
    state.restore_best(model)
    return Run(model, state.history, folder, record)


class State:
    """All that the next epoch depends on, besides the arguments of ``train``.

    Attributes
    ----------
    history : pandas.DataFrame
        The finished epochs.
    now, best : list of numpy.ndarray
        Weights, then states of random generators (dropout), then the optimizer's variables;
        ``best`` holds the weights alone.
    average : list of numpy.ndarray
        The moving average of the weights; empty where none is kept. It is what is validated then,
        and what ``best`` is of.
    """

    def __init__(self, now, best, average, lines):
        self.now, self.best, self.average = now, best, average
        self.history = pd.DataFrame(lines, columns=COLUMNS, dtype=float)
        self.history.index = pd.RangeIndex(1, len(lines) + 1, name="epoch")

    @classmethod
    def first(cls, model):
        return cls(values(_variables(model)), values(model.weights), [], [])

    @classmethod
    def read(cls, folder):
        try:
            with np.load(folder / "state.npz") as file:
                parts = (
                    [file[f"{part}{i}"] for i in range(int(file[f"{part}_length"]))]
                    for part in PARTS
                )
                return cls(*parts, file["history"])
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise _foreign(folder / "state.npz") from error

    def write(self, folder):
        arrays = {"history": self.history.to_numpy()}
        for part in PARTS:
            held = getattr(self, part)
            arrays |= {f"{part}{i}": value for i, value in enumerate(held)}
            arrays[f"{part}_length"] = np.array(len(held))
        write_whole(folder / "state.npz", lambda path: np.savez(path, **arrays))

    @property
    def epoch(self):
        return len(self.history)

    @property
    def best_epoch(self):
        return int(self.history["val_accuracy"].idxmax())  # idxmax: the earlier one of equals

    def after(self, model, average, line):
        """The state one epoch later, with ``model`` as it is now and ``line`` in the history."""
        lines = [*self.history.to_numpy().tolist(), [line[name] for name in COLUMNS]]
        later = State(values(_variables(model)), self.best, average, lines)
        if later.best_epoch == later.epoch:
            later.best = average or values(model.weights)
        return later

    def restore(self, model):
        assign(_variables(model), self.now)

    def restore_best(self, model):
        assign(model.weights, self.best)

    def write_derived(self, model, folder, save=None):
        """Write ``history.csv`` and, by ``save``, the network with its best weights."""
        if save is not None:
            self.restore_best(model)
            write_whole(folder / "model.keras", save)
            self.restore(model)
        write_whole(folder / "history.csv", self.history.to_csv)

    def fingerprints(self):
        """Of the weights of the last epoch and of the best one."""
        return {fingerprint(self.now[: len(self.best)]), fingerprint(self.best)}


def describe(model, store, settings, counts):
    """``run.json`` of a run that begins: everything that decides its outcome, and where it runs."""
    return {
        "finished": False,
        "settings": settings,
        "precision": settings["precision"],  # train says which, where this is "auto"
        "network": {
            "name": model.name,
            "parameters": models.trainable_parameters(model),
            "initial_weights": fingerprint(values(model.weights)),
            "config": network_config(model),
        },
        "store": {
            "name": store.name,
            "fingerprint": store.fingerprint,
            "settings": _plain(store.settings),
            "labels": fingerprint([pd.util.hash_pandas_object(store.clips[["genre", "split"]])]),
            "genres": list(store.genres),
            "clips": counts,
            "failed": len(store.failed),
        },
        "backend": keras.backend.backend(),
        "provenance": provenance(),
    }


def _plain(settings):
    """Settings as a dict, from which `classify` makes them again; other features' key as it is."""
    return dataclasses.asdict(settings) if dataclasses.is_dataclass(settings) else str(settings)


def identity(record):
    """Eight hexadecimal digits, equal for records in which :func:`differences` finds none."""
    data = record["store"]["fingerprint"], record["store"]["labels"]
    network = structure(record["network"]["config"])
    said = json.dumps([_deciding(record), data, network, record["backend"]])
    return hashlib.sha256(said.encode()).hexdigest()[:8]


def differences(before, now):
    """What two records differ in, each in words; empty where they are of the same run."""
    old, new = _deciding(before), _deciding(now)
    asked = new.pop("precision")
    if asked != "auto":  # which goes on as the run began
        old["precision"], new["precision"] = before.get("precision"), asked
    if old.get("epochs", new.get("epochs")) != new.get("epochs", old.get("epochs")):
        return [
            f"epochs ({old['epochs']}, now {new['epochs']}): the schedule {new['schedule']!r} is "
            "made for a number of epochs, so no run goes on to more"
        ]
    changed = [
        f"{name} ({old.get(name)}, now {value})"
        for name, value in new.items()
        if old.get(name) != value
    ]
    data = [(run["store"]["fingerprint"], run["store"]["labels"]) for run in (before, now)]
    if data[0] != data[1]:
        changed.append(f"data ({before['store']['name']}, now {now['store']['name']})")
    if structure(before["network"]["config"]) != structure(now["network"]["config"]):
        names = before["network"]["name"], now["network"]["name"]
        other = "its settings or seed differ" if names[0] == names[1] else f"now {names[1]}"
        changed.append(f"network ({names[0]}, {other})")
    if before["backend"] != now["backend"]:
        changed.append(f"backend ({before['backend']}, now {now['backend']})")
    return changed


def _deciding(record):
    """The settings on which an epoch depends: mostly a run may go on to more of them."""
    settings = dict(record["settings"])
    if settings.get("schedule") != "one_cycle":
        del settings["epochs"]
    return settings


def fingerprint(arrays):
    """Sixteen hexadecimal digits that stand for the values of ``arrays``."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()[:16]


def refuse_foreign(folder):
    """Refuse a folder whose files training would replace, although it did not write them."""
    for name in ("state.npz", "model.keras", "history.csv"):
        if (folder / name).exists():
            raise _foreign(folder / name)


def read_record(folder):
    try:
        record = json.loads((folder / "run.json").read_text())
    except ValueError:
        record = {}
    if not isinstance(record, dict) or not {"settings", "network", "store"} <= record.keys():
        raise _foreign(folder / "run.json")
    return record


def _foreign(path):
    return ValueError(
        f"{path} is not of a training run with a run.json, and would be replaced. Choose another "
        "folder with out=…, or move that file."
    )


def write_record(folder, record):
    text = json.dumps(record, indent=1) + "\n"
    write_whole(folder / "run.json", lambda path: path.write_text(text))


def network_config(model):
    """A network's layers and settings as plain JSON values."""
    config = json.loads(model.to_json())
    config.pop("compile_config", None)  # train compiles; before that there is none
    return config


def structure(config):
    """A network's configuration as text that is the same in every session."""
    # Keras numbers what has no name of its own ("dense_3") by what else the process has built.
    return re.sub(r'_\d+"', '"', json.dumps(config, sort_keys=True))


def _variables(model):
    weights = model.weights
    known = {id(variable) for variable in weights}
    generators = [variable for variable in model.variables if id(variable) not in known]
    return [*weights, *generators, *model.optimizer.variables]


def values(variables):
    """Copies of Keras variables as numpy arrays."""
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def assign(variables, arrays):
    """Give Keras variables the values of arrays."""
    for variable, value in zip(variables, arrays, strict=True):
        variable.assign(value)
