"""The ablation study: a network for every row, several seeds each, and what every row reaches.

Runs go through joblib: two at a time on a laptop, or spread over a Dask cluster by
``joblib.parallel_config("dask")``. On a GPU set ``KERAS_BACKEND=torch``, start
``nvidia-cuda-mps-control -d``, by which processes share it, and take ``n_jobs`` near the cores.
A process imports, loads the data and fits the linear model once, for all the runs it gets. Any row
is also a page: ``papermill book/train.ipynb`` with the row's network and changes.
"""

import dataclasses
import hashlib
import itertools
import json
import os
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from prcnn import datasets, store
from prcnn.evaluation import interval_over_seeds, report_of_labels
from prcnn.spectrogram import FENG, PAPER, Settings
from prcnn.study import results
from prcnn.study.runs import limit_threads

#: As the paper's log-mels, without the mels: 513 bins, as Feng had.
STFT = dataclasses.replace(PAPER, name="stft", n_fft=1024, n_mels=None)


class Row(NamedTuple):
    """A line of :data:`ROWS`: where it stands in the table, and what is trained on what."""

    group: str
    network: str
    changes: dict = {}  # noqa: RUF012 (never changed)
    settings: Settings | None = None  # of the sound, where they are not the study's
    recipe: dict = {}  # noqa: RUF012 (of training, where it is not the network's own)


#: The paper's Table 2; then its other ablations, as far as its text says what was changed; then
#: what it claims or leads one to ask.
ROWS = {
    "RNN": Row("Table 2", "rnn"),
    "5-layer CNN": Row("Table 2", "cnn5"),
    "3-layer CNN": Row("Table 2", "cnn3"),
    "CNN + 1-layer RNN": Row("Table 2", "paper"),
    "CNN + two-layer RNN": Row("Table 2", "prcnn_rnn2"),
    "attention as printed": Row("Table 2", "figure4"),
    "RNN with 128 units": Row("working attention", "rnn", {"units": 128}),
    "attention, serial": Row("working attention", "attention_serial"),
    "attention, parallel linear": Row("working attention", "attention_linear"),
    "attention, parallel CNN": Row("working attention", "attention_cnn"),
    "RNN, mean of its states": Row("recurrence", "rnn", {"states": "mean"}),
    "CNN + forward RNN": Row("recurrence", "paper", {"bidirectional": False}),
    "RNN pool (2, 2)": Row("pools", "paper", {"rnn_pool": [2, 2]}),
    "RNN pool (4, 2)": Row("pools", "paper", {"rnn_pool": [4, 2]}),
    "RNN pool (4, 4)": Row("pools", "paper", {"rnn_pool": [4, 4]}),
    "CNN pools (2, 2)": Row("pools", "paper", {"pools": [2, 2]}),
    "conv 4 with 128 filters": Row("width", "paper", {"filters": [16, 32, 64, 128, 64]}),
    "128 units": Row("width", "paper", {"units": 128}),
    "128 filters and 128 units": Row("width", "figure2"),
    "kernel (3, 3), padded": Row("kernel", "paper", {"kernel_size": [3, 3], "padding": "same"}),
    "kernel (5, 1)": Row("kernel", "paper", {"kernel_size": [5, 1]}),
    "dropout 0.1": Row("dropout", "paper", {"dropout": 0.1}),
    "dropout 0.3": Row("dropout", "paper", {"dropout": 0.3}),
    "dropout 0.5": Row("dropout", "paper", {"dropout": 0.5}),
    "ELU": Row("activation", "paper", {"activation": "elu"}),
    "tanh": Row("activation", "paper", {"activation": "tanh"}),
    "Dwivedi's CRNN": Row("other networks", "crnn"),
    "features beside both branches": Row("other networks", "prcnn_features"),
    "raw decibels": Row("input", "paper", {"scale": "none"}),
    "plain STFT": Row("input", "paper", settings=STFT),
    "Feng's network, 5 s of STFT": Row("input", "feng", settings=FENG),
}
REFERENCE = "CNN + 1-layer RNN"


def sweep(
    out, *, dataset="synthetic", data_home=None, rows=None, seeds=range(5), n_jobs=2, **parameters
):
    """Run every row with every seed that has not finished yet.

    Parameters
    ----------
    out : path
        One folder a run is made in here. Finished runs are found again and not repeated; a killed
        one goes on from its last epoch, and one of fewer epochs from where it ended.
    dataset, data_home
        See :func:`prcnn.datasets.load`.
    rows : list of str or dict of str to Row, optional
        Names from :data:`ROWS`, or rows of your own; default all that the dataset can feed:
        pictures without sound have no plain STFT.
    seeds : iterable of int
    n_jobs : int
        Runs at a time; each gets its share of the cores. −1 for all that joblib's backend has.
    **parameters
        Of :func:`prcnn.study.experiment.run`: ``settings``, ``epochs``, ``batch_size`` …;
        ``progress=False`` shows no bar.

    Returns
    -------
    pandas.DataFrame
        One row a run: ``row``, ``group``, ``seed``, ``folder``, ``error`` (missing where it
        finished).

    Raises
    ------
    ValueError
        An unknown row; the known ones are listed.

    Chapter: book/ablations.ipynb
    """
    known = rows if isinstance(rows, dict) else ROWS
    if unknown := [row for row in rows or () if row not in known]:
        raise ValueError(f"Unknown rows {unknown}. Known rows: {', '.join(ROWS)}.")
    progress = parameters.pop("progress", True)
    home = None if data_home is None else str(Path(data_home).expanduser().resolve())
    clips = datasets.load(dataset, data_home=home)
    if rows is None:
        rows = [row for row in known if not (known[row].settings and clips.settings == "images")]
    out = Path(out).expanduser().resolve()
    parameters["dataset"] = dataset if dataset == clips.name else str(Path(dataset).resolve())
    # Seed by seed: stopped early, the table has all rows with fewer seeds.
    runs = []
    for seed, row in itertools.product(seeds, rows):
        asked = _parameters(known[row], seed, parameters)
        runs.append((row, known[row].group, int(seed), _folder(out, row, asked), asked))
    todo = [(folder, asked) for *_, folder, asked in runs if not _finished(folder, parameters)]
    for settings in {asked.get("settings") for _, asked in todo}:
        store.extract(clips, settings or clips.settings, progress=progress)  # once, on all cores
    threads = max(1, (os.cpu_count() or 1) // joblib.effective_n_jobs(n_jobs))
    calls = (joblib.delayed(_run)(folder, threads, asked, home) for folder, asked in todo)
    finished = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")(calls)
    errors = dict(tqdm(finished, total=len(todo), desc="runs", unit="run", disable=not progress))
    table = pd.DataFrame([run[:-1] for run in runs], columns=["row", "group", "seed", "folder"])
    return table.assign(error=[errors.get(str(folder)) for folder in table["folder"]])


def _parameters(row, seed, parameters):
    own = {} if row.settings is None else {"settings": row.settings}
    named = {"network": row.network, "changes": row.changes, "seed": int(seed)}
    return {**parameters, **row.recipe, **own, **named}


def _folder(out, row, asked):
    """A folder whose name tells row and seed, and differs where anything but epochs does."""
    said = {name: value for name, value in asked.items() if name != "epochs"}
    text = json.dumps(
        said, sort_keys=True, default=lambda value: getattr(value, "name", repr(value))
    )
    digest = hashlib.sha1(text.encode())
    name = "".join(c if c.isalnum() else "-" for c in row.lower())
    return out / f"{name}-seed{asked['seed']}-{digest.hexdigest()[:8]}"


def _finished(folder, parameters):
    if not (folder / "evaluation.json").exists():
        return False
    epochs = results.read("evaluation", folder=folder)["epochs"]
    return parameters.get("epochs", epochs) == epochs


def _run(folder, threads, parameters, data_home):
    """One run in a worker process; an error is a result too, and does not stop the others."""
    limit_threads(threads)
    try:
        from prcnn.study import experiment  # imports the backend, which reads these once

        experiment.run(**parameters, data_home=data_home, out=folder, progress=False)
    except Exception as error:
        return str(folder), f"{type(error).__name__}: {error}"
    return str(folder), None


def _made_on(run):
    machine = run["provenance"]["machine"]
    return f"{run['backend']}, {machine['accelerator'] or machine['processor']}"


#: What a row keeps of every seed's run.
_EACH_SEED = {
    "seeds": itemgetter("seed"),
    "validation": lambda run: run["validation"]["accuracy"],
    "epoch_kept": itemgetter("epoch_kept"),
    "predicted": itemgetter("predicted"),
    "seconds": itemgetter("seconds"),
    "made_on": _made_on,
}


def collect(runs, split="test"):
    """What the finished runs of a sweep say, as one record for :func:`prcnn.study.results.write`.

    Returns
    -------
    dict
        ``setting`` (dataset, epochs …), ``genres``, ``clips``, ``groups`` (their artists, where
        known), ``true``, and for each row ``group``, ``network``, ``changes``, ``settings``,
        ``parameters``, and lists with an entry a seed: ``seeds``, ``validation`` (accuracies),
        ``epoch_kept`` (best on validation), ``predicted`` (labels), ``seconds``, ``made_on``
        (backend and processor). ``clips``, ``groups``, ``true`` and ``predicted`` are the split's.

    Raises
    ------
    ValueError
        No finished run, or runs with other test clips.

    Chapter: book/ablations.ipynb
    """
    found = {}
    for row, folder in zip(runs["row"], runs["folder"], strict=True):
        if (Path(folder) / "evaluation.json").exists():
            found.setdefault(row, []).append(results.read("evaluation", folder=folder))
    if not found:
        raise ValueError("No run of this sweep has finished.")
    if split == "validation":
        for records in found.values():
            records[:] = [{**record, **record["of_validation"]} for record in records]
    groups = dict(zip(runs["row"], runs["group"], strict=True))
    first = next(iter(found.values()))[0]
    for row, records in found.items():
        if any(record["clips"] != first["clips"] for record in records):
            raise ValueError(f"Row {row!r} has other test clips than {next(iter(found))!r}.")
    names = ("dataset", "epochs", "early_stopping", "batch_size", "learning_rate")
    return {
        "setting": {name: first.get(name) for name in names},
        "genres": first["test"]["genres"],
        "clips": first["clips"],
        "groups": first.get("groups"),
        "true": first["true"],
        "rows": {
            row: {
                "group": groups[row],
                **{key: records[0][key] for key in ("network", "changes", "settings")},
                "parameters": records[0]["parameters"],
                **{name: [of(record) for record in records] for name, of in _EACH_SEED.items()},
            }
            for row, records in found.items()
        },
    }


def add(record, more):
    """A record of :func:`collect`, and runs that another machine made of the same study.

    Where both have a row, its seeds are put together; a seed that both have is ``record``'s.

    Raises
    ------
    ValueError
        Another setting, other clips, or a row whose network is another.

    Chapter: book/ablations.ipynb
    """
    for name in ("setting", "genres", "clips", "groups", "true"):
        if record[name] != more[name]:
            raise ValueError(f"Runs of two studies: their {name} differ.")
    rows = dict(record["rows"])
    for row, found in more["rows"].items():
        known = rows.get(row, found)
        if any(known[name] != found[name] for name in found if name not in _EACH_SEED):
            raise ValueError(f"Row {row!r} is another network in the two studies.")
        new = [i for i, seed in enumerate(found["seeds"]) if seed not in known["seeds"]]
        lists = {name: known[name] + [found[name][i] for i in new] for name in _EACH_SEED}
        rows[row] = {**known, **lists}
    order = [*ROWS, *rows]
    return {**record, "rows": {row: rows[row] for row in sorted(rows, key=order.index)}}


def reports_of(record, row):
    """The test reports of a row, one a seed, from what was predicted."""
    genres, clips, groups = record["genres"], record["clips"], record.get("groups")
    return [
        report_of_labels(record["true"], predicted, genres, clips, groups)
        for predicted in record["rows"][row]["predicted"]
    ]


def table(record):
    """The study, recorded by :func:`collect`, as a table: what every row reaches.

    Returns
    -------
    pandas.DataFrame
        Index row; columns ``group``, ``parameters``, ``runs``, ``late`` (share of the runs that
        keep a checkpoint of their last quarter: still learning), ``validation`` (mean),
        ``accuracy`` (mean on test), ``sd`` (over seeds), ``low``, ``high`` (95 % interval of the
        mean for other clips and seeds), ``macro_f1`` (mean) and ``seeds`` (a list: the accuracy of
        each). All accuracies are fractions.

    Chapter: book/ablations.ipynb
    """
    lines = {}
    for row, found in record["rows"].items():
        reports = reports_of(record, row)
        scores = pd.DataFrame([{"accuracy": r.accuracy, "macro_f1": r.macro_f1} for r in reports])
        low, high = interval_over_seeds(reports)
        last_quarter = 0.75 * record["setting"].get("epochs", np.inf)
        lines[row] = {
            "group": found["group"],
            "parameters": found["parameters"],
            "runs": len(reports),
            "late": float(np.mean(np.array(found["epoch_kept"]) > last_quarter)),
            "validation": float(np.mean(found["validation"])),
            "accuracy": scores["accuracy"].mean(),
            "sd": scores["accuracy"].std(),
            "low": low,
            "high": high,
            "macro_f1": scores["macro_f1"].mean(),
            "seeds": [r.accuracy for r in reports],
        }
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("row")


def recalls(record):
    """Share of each genre's test clips that a row finds, mean over its seeds: row × genre.

    Chapter: book/ablations.ipynb
    """
    found = {
        row: np.mean([r.per_genre["recall"] for r in reports_of(record, row)], axis=0)
        for row in record["rows"]
    }
    return pd.DataFrame.from_dict(found, orient="index", columns=record["genres"])
