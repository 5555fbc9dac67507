"""The study's one engine: a row on one fold of all clips, in a folder that survives being killed.

:func:`study` is what a reader starts; the page on ablations does, with ``-p run True``. Every
finished run is a small JSON file, named by the digest of everything that decides it; runs go
through joblib, so that two fit a laptop and any number a Dask cluster.

Chapter: book/ablations.ipynb
"""

import dataclasses
import json
import os
import shutil
from functools import lru_cache, partial
from pathlib import Path

import joblib
import numpy as np
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from prcnn import baselines, datasets, store
from prcnn.atomic import digest, write_whole
from prcnn.datasets import splits
from prcnn.provenance import provenance
from prcnn.spectrogram import get_settings, log_mel
from prcnn.study.rows import ROWS, TWICE

FOLDS = 5
#: Raise when a change of code changes what a run learns: runs made before are then not found.
VERSION = 1


def study(out="runs/study", data_home=None, *, rows=None, folds=range(FOLDS), n_jobs=2):
    """Run what has not finished yet; return all runs that have, a list of dicts.

    Parameters
    ----------
    out : path
        Runs are kept here and found again; a killed one goes on from its last epoch.
    data_home : path, optional
        See :func:`prcnn.datasets.load`.
    rows : list of str, optional
        Names from :data:`prcnn.study.rows.ROWS`, default all; KeyError for another name. Those of
        ``TWICE`` are run with two seeds.
    folds : iterable of int
    n_jobs : int
        Runs at a time, each on its share of the cores.

    Chapter: book/ablations.ipynb
    """
    rows = list(ROWS) if rows is None else list(rows)
    asked = [(ROWS[row], fold, 0, row) for row in rows for fold in folds]
    asked += [(ROWS[row], fold, 1, row) for row in rows if row in TWICE for fold in folds]
    threads = max(1, (os.cpu_count() or 1) // joblib.effective_n_jobs(n_jobs))
    one = partial(_in_worker, threads, Path(out).expanduser().resolve(), data_home)
    runs = joblib.Parallel(n_jobs, return_as="generator")(joblib.delayed(one)(*a) for a in asked)
    found = tqdm(runs, total=len(asked), desc="runs", unit="run")
    return [record for records in found for record in records]


def _in_worker(threads, out, data_home, row, fold, seed, name):
    for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(variable, str(threads))  # TensorFlow reads them once
    with threadpool_limits(threads):
        return [{"row": name, **record} for record in run(row, fold, seed, out, data_home)]


def run(row, fold, seed, out, data_home=None):
    """One row, trained for one fold: what it says of the clips of that fold.

    Parameters
    ----------
    row : prcnn.study.rows.Row
    fold : int
        Its clips are tested; see :func:`prcnn.datasets.splits.rotate`.
    seed : int
        Of first weights and order of clips.
    out : path
    data_home : path, optional

    Returns
    -------
    list of dict
        One for each of the row's ``epochs`` (one for a classifier, whose ``epochs`` are 0):
        ``key``, ``fold``, ``seed``, ``epochs``, ``kept`` (the best validation epoch among them),
        ``validation`` (its accuracy), ``predicted`` (a digit a clip of the fold, in the order of
        their ids), ``seconds`` and ``made`` (where and when).

    Chapter: book/ablations.ipynb
    """
    features = _features(row.dataset, row.shuffled, data_home)
    split = splits.rotate(features.clips, fold, FOLDS)
    features = dataclasses.replace(features, clips=features.clips.assign(split=split))
    # Epochs are stages of one run; a one-cycle schedule is made for its one number of them.
    key = digest(VERSION, row._replace(group="")._asdict(), fold, seed, _decides(features))
    path = Path(out) / f"{key}.json"
    if not path.exists():
        fit = _network if row.epochs else _classifier
        records = fit(row, seed, features, Path(out) / key, data_home)
        made = {"backend": _backend(row), **provenance()}
        same = {"key": key, "fold": fold, "seed": seed}
        text = json.dumps([{**same, **record, "made": made} for record in records])
        write_whole(path, lambda part: part.write_text(text))
        shutil.rmtree(Path(out) / key, ignore_errors=True)
    return json.loads(path.read_text())


def _decides(features):
    """Everything of the data that decides: contents, labels and split of every clip."""
    return features.fingerprint, features.clips[["genre", "split"]]


@lru_cache(maxsize=2)
def _features(dataset, shuffled, data_home):
    clips = datasets.load(dataset, data_home=data_home)
    if not shuffled:
        return store.extract(clips, progress=False)
    settings = get_settings(clips.settings)
    function = partial(_shuffled, settings=settings)
    return store.compute(clips, function, settings.shape, f"shuffled {settings!r}", progress=False)


def _shuffled(path, settings):
    """A clip's frames in another order, the same for one clip always."""
    frames = log_mel(path, settings)
    return np.random.default_rng(int(Path(path).stem)).permutation(frames)


def _network(row, seed, features, folder, data_home):
    from prcnn import evaluation, models, training  # the backend reads the threads once

    records, shape = [], features.shape
    for epochs in row.epochs:
        network = models.build(
            row.method, len(features.genres), input_shape=shape, seed=seed, **row.changes
        )
        trained = training.train(
            network, features, epochs=epochs, seed=seed, out=folder, progress=False
        )
        best = trained.history["val_accuracy"]
        records.append(
            {
                "epochs": epochs,
                "kept": int(best.idxmax()),
                "validation": float(best.max()),
                "predicted": _digits(evaluation.evaluate(trained.model, features)),
                "seconds": float(trained.history["seconds"].sum()),
            }
        )
    return records


def _classifier(row, seed, features, folder, data_home):
    if row.features == ("vggish",):
        X = datasets.fma_images.vggish(data_home, features).to_numpy()
    else:
        X = baselines.of_spectrograms(features, row.features).to_numpy()
    y = features.labels(np.arange(len(X)))
    train, validation, test = (features.indices(s) for s in datasets.SPLITS)
    fitted = baselines.classifier(row.method, seed).fit(X[train], y[train])
    predicted = fitted.predict(X[test])[np.argsort(features.clips.index[test])]
    return [
        {
            "epochs": 0,
            "kept": 0,
            "validation": float((fitted.predict(X[validation]) == y[validation]).mean()),
            "predicted": "".join(map(str, predicted)),
            "seconds": 0.0,
        }
    ]


def _digits(report):
    """What was predicted, a digit a clip, in the order of the clips' ids."""
    return "".join(map(str, report.predicted[np.argsort(report.clips)]))


def _backend(row):
    if not row.epochs:
        return "scikit-learn"
    import keras

    return keras.backend.backend()
