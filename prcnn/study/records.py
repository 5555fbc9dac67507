"""What was run, in one long table: a line a run, length of training and part.

It lies in ``book/results/runs.jsonl``, a JSON object a line, so that what two machines ran is put
together by joining files. Clips that several lines are about stand in a line of their own.

Chapter: book/ablations.ipynb
"""

import json
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from prcnn.atomic import digest, write_whole
from prcnn.evaluation import report_of_labels
from prcnn.study import results
from prcnn.study.rows import FOLDS

FILE = "runs.jsonl"
_CLIPS = ("clips", "true", "genres", "groups")
_RUN = "study", "row", "part", "epochs", "seed", "fold"
COLUMNS = "study row part epochs seed fold kept validation seconds made key".split()


def read(path=None):
    """All runs as a table, and the clips that they are about.

    Returns
    -------
    runs : pandas.DataFrame
        Columns ``study``, ``row``, ``part`` (what ``predicted`` is of: "test", of some older runs
        "validation" too), ``epochs`` (0: a classifier), ``seed``, ``fold``, ``kept`` (best
        validation epoch), ``validation`` (its accuracy), ``seconds``, ``made``, ``key``,
        ``predicted`` (a character a clip) and ``clips`` (a key of the other).
    clips : dict
        Of dict: ``clips`` (ids), ``true`` (a character a clip), ``genres``, ``groups``.

    Chapter: book/ablations.ipynb
    """
    path = path or results.FOLDER / FILE
    if not path.exists():
        raise FileNotFoundError(f"No {path}: nothing has been run. See prcnn.study.run.study.")
    return _read(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _read(path, changed):
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    clips = {line["set"]: line for line in lines if "set" in line}
    runs = [line for line in lines if "set" not in line]
    return pd.DataFrame(runs, columns=[*COLUMNS, "predicted", "clips"]), clips


def add(lines, path=None):
    """Add what :func:`prcnn.study.run.run` returned; a run made again replaces the older one."""
    path = path or results.FOLDER / FILE
    texts = path.read_text().splitlines() if path.exists() else []
    known = {_identity(json.loads(text)): text for text in texts}
    for line in lines:
        clips = {name: line[name] for name in _CLIPS} | {"true": characters(line["true"])}
        clips = {"set": digest(clips), **clips}
        run = {name: line[name] for name in COLUMNS}
        run |= {"predicted": characters(line["predicted"]), "clips": clips["set"]}
        for new in (clips, run):
            known[_identity(new)] = json.dumps(new, separators=(",", ":"), allow_nan=False)
    text = "".join(f"{text}\n" for text in known.values())
    write_whole(path, lambda part: part.write_text(text))


def _identity(line):
    return line.get("set") or tuple(line[name] for name in _RUN)


def characters(labels):
    """Labels 0, 1, 2 … as one character each: "0", "1", "2" …"""
    return "".join(chr(48 + label) for label in labels)


def labels(characters):
    return np.frombuffer(characters.encode("latin-1"), np.uint8).astype(int) - 48


class Outcomes(NamedTuple):
    """Which clips a row's runs got right, clips in the order of their ids."""

    values: np.ndarray  # (runs, clips), 0 and 1
    groups: np.ndarray  # (clips,) what is drawn whole
    folds: np.ndarray | None  # (clips,); None where every run dealt them anew
    classifier: bool  # one that draws no random numbers


def outcomes(study, row, epochs, path=None):
    """A row's :class:`Outcomes` at a length of training; None where it was not run in all folds.

    A classifier has no length of training: its are the same for every one.
    """
    found = _whole_runs(study, row, epochs, path) or _whole_runs(study, row, 0, path)
    if not found:
        return None
    right = [(table["true"] == table["predicted"]).to_numpy(float) for table, _ in found]
    table = found[0][0]
    same = all(other["fold"].equals(table["fold"]) for other, _ in found)
    folds = table["fold"].to_numpy() if same else None
    classifier = bool((table["epochs"] == 0).all() and len(found) == 1)
    return Outcomes(np.array(right), table["group"].to_numpy(), folds, classifier)


def reports(study, row, epochs=None, part="test", path=None):
    """Reports of a row, one a seed; what its folds said of their clips is put together.

    Parameters
    ----------
    study, row : str
    epochs : int, optional
        Length of training, where the study has several; default the longest.
    part : {"test", "validation"}

    Returns
    -------
    list of prcnn.evaluation.Report
        Empty where the row was not run, or not in all folds that others were.
    """
    return [
        report_of_labels(t["true"], t["predicted"], genres, t.index, t["group"])
        for t, genres in _whole_runs(study, row, epochs, path, part)
    ]


def _whole_runs(study, row, epochs, path, part="test"):
    """Of every seed that has all folds: its clips in the order of their ids, and the genres."""
    runs, clips = read(path)
    runs = runs[(runs["study"] == study) & (runs["part"] == part)]
    folds = FOLDS if (runs["fold"] > 0).any() else 1
    runs = runs[runs["row"] == row]
    runs = runs[runs["epochs"] == (runs["epochs"].max() if epochs is None else epochs)]
    found = []
    for _, one in runs.groupby("seed"):
        if one["fold"].nunique() == folds:
            tables = [_table(line, clips[line["clips"]]) for _, line in one.iterrows()]
            found.append((pd.concat(tables).sort_index(), clips[one["clips"].iloc[0]]["genres"]))
    return found


def _table(line, clips):
    columns = {
        "true": labels(clips["true"]),
        "predicted": labels(line["predicted"]),
        "group": clips["groups"],
        "fold": line["fold"],
        "seed": line["seed"],
        "epochs": line["epochs"],
    }
    return pd.DataFrame(columns, pd.Index(clips["clips"], name="clip"))


def predictions(row, epochs=None, study="FMA-small", path=None):
    """What a row says of every clip, each tested once a seed.

    Returns
    -------
    pandas.DataFrame
        Index clip; columns ``true``, ``predicted`` (genres), ``fold``, ``seed``.

    Raises
    ------
    ValueError
        The row was not run; those that were are listed.
    """
    runs, clips = read(path)
    runs = runs[(runs["study"] == study) & (runs["part"] == "test")]
    mine = runs[runs["row"] == row]
    mine = mine[mine["epochs"] == (mine["epochs"].max() if epochs is None else epochs)]
    if mine.empty:
        known = sorted({*zip(runs["row"], runs["epochs"], strict=True)})
        raise ValueError(f"No run of {row!r} with epochs={epochs} in {study!r}; there are {known}.")
    tables = [_table(line, clips[line["clips"]]) for _, line in mine.iterrows()]
    table = pd.concat(tables)[["true", "predicted", "fold", "seed"]]
    genres = np.array(clips[mine["clips"].iloc[0]]["genres"])
    return table.assign(true=genres[table["true"]], predicted=genres[table["predicted"]])
