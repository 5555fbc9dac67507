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
        ``learning_rate``, ``seconds`` (the only column that differs between equal runs).
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
    """The run in ``folder``, finished or not, with its best weights so far.

    Parameters
    ----------
    folder : path

    Returns
    -------
    Run

    Raises
    ------
    FileNotFoundError
        ``folder`` holds no run, or one that has not finished its first epoch.
    ValueError
        A file of that name was not written by :func:`prcnn.training.train`.

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
    """

    def __init__(self, now, best, lines):
        self.now, self.best = now, best
        self.history = pd.DataFrame(lines, columns=COLUMNS, dtype=float)
        self.history.index = pd.RangeIndex(1, len(lines) + 1, name="epoch")

    @classmethod
    def first(cls, model):
        return cls(_values(_variables(model)), _values(model.weights), [])

    @classmethod
    def read(cls, folder):
        try:
            with np.load(folder / "state.npz") as file:
                now, best = (
                    [file[f"{part}{i}"] for i in range(int(file[f"{part}_length"]))]
                    for part in ("now", "best")
                )
                return cls(now, best, file["history"])
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise _foreign(folder / "state.npz") from error

    def write(self, folder):
        arrays = {"history": self.history.to_numpy()}
        for part, values in (("now", self.now), ("best", self.best)):
            arrays |= {f"{part}{i}": value for i, value in enumerate(values)}
            arrays[f"{part}_length"] = np.array(len(values))
        write_whole(folder / "state.npz", lambda path: np.savez(path, **arrays))

    @property
    def epoch(self):
        return len(self.history)

    @property
    def best_epoch(self):
        return int(self.history["val_accuracy"].idxmax())  # idxmax: the earlier one of equals

    def after(self, model, line):
        """The state one epoch later, with ``model`` as it is now and ``line`` in the history."""
        lines = [*self.history.to_numpy().tolist(), [line[name] for name in COLUMNS]]
        later = State(_values(_variables(model)), self.best, lines)
        if later.best_epoch == later.epoch:
            later.best = _values(model.weights)
        return later

    def restore(self, model):
        _assign(_variables(model), self.now)

    def restore_best(self, model):
        _assign(model.weights, self.best)

    def write_derived(self, model, folder, *, network):
        """Write ``history.csv`` and, if asked to, the network with its best weights."""
        if network:
            self.restore_best(model)
            write_whole(folder / "model.keras", model.save)
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
        "network": {
            "name": model.name,
            "parameters": models.trainable_parameters(model),
            "initial_weights": fingerprint(_values(model.weights)),
            "config": _config(model),
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
    said = json.dumps([_deciding(record), data, _structure(record), record["backend"]])
    return hashlib.sha256(said.encode()).hexdigest()[:8]


def differences(before, now):
    """What two records differ in, each in words; empty where they are of the same run."""
    old, new = _deciding(before), _deciding(now)
    changed = [
        f"{name} ({old.get(name)}, now {value})"
        for name, value in new.items()
        if old.get(name) != value
    ]
    data = [(run["store"]["fingerprint"], run["store"]["labels"]) for run in (before, now)]
    if data[0] != data[1]:
        changed.append(f"data ({before['store']['name']}, now {now['store']['name']})")
    if _structure(before) != _structure(now):
        names = before["network"]["name"], now["network"]["name"]
        other = "its settings or seed differ" if names[0] == names[1] else f"now {names[1]}"
        changed.append(f"network ({names[0]}, {other})")
    if before["backend"] != now["backend"]:
        changed.append(f"backend ({before['backend']}, now {now['backend']})")
    return changed


def _deciding(record):
    """The settings on which an epoch depends: a run may go on to more epochs."""
    return {name: value for name, value in record["settings"].items() if name != "epochs"}


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


def _config(model):
    config = json.loads(model.to_json())
    config.pop("compile_config", None)  # train compiles; before that there is none
    return config


def _structure(record):
    # Keras numbers what has no name of its own ("dense_3") by what else the process has built.
    return re.sub(r'_\d+"', '"', json.dumps(record["network"]["config"], sort_keys=True))


def _variables(model):
    weights = model.weights
    known = {id(variable) for variable in weights}
    generators = [variable for variable in model.variables if id(variable) not in known]
    return [*weights, *generators, *model.optimizer.variables]


def _values(variables):
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables]


def _assign(variables, values):
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
