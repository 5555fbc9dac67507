"""The study's one engine: a row on one fold of a dataset's clips, which survives being killed.

:func:`study` is what a reader starts; the page on ablations does, with ``-p run True``. A finished
run is a small JSON file, named by the digest of everything that decides it. Runs go through joblib,
two at a time on a laptop or spread by Dask.

Chapter: book/ablations.ipynb
"""

import dataclasses
import json
import os
import shutil
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from prcnn import audio, baselines, datasets, store
from prcnn.atomic import digest, write_whole
from prcnn.datasets import fma_images, splits
from prcnn.provenance import provenance
from prcnn.spectrogram import get_settings, log_mel
from prcnn.study import records
from prcnn.study.rows import FOLDS, STUDIES, TWICE

#: Raise when a change of code changes what a run learns: runs made before are then not found.
VERSION = 1
TEACHER_C = 0.01  # the likeliest of .003, .01, .03, .1 and 1 out of fold on training clips alone
_PACKAGES = ("keras", "tensorflow", "torch", "jax", "scikit-learn")


def study(name, out="runs/study", data_home=None, *, rows=None, epochs=None, n_jobs=2):
    """Run what has not finished yet of a study, and record it.

    Parameters
    ----------
    name : str
        Of ``prcnn.study.rows.STUDIES``.
    out : path
        Runs are kept here and found again; a killed one goes on from its last epoch.
    data_home : path, optional
        See :func:`prcnn.datasets.load`.
    rows : list of str, optional
        Of the study's rows, default all.
    epochs : int, optional
        Train no longer than this for now; the study's longer ones can follow, from there.
    n_jobs : int
        Runs at a time, each on its share of the cores.

    Returns
    -------
    list of dict
        What :func:`run` says of every run; :func:`prcnn.study.records.add` has kept it.

    Raises
    ------
    ValueError
        An unknown study or row; the known ones are listed.

    Chapter: book/ablations.ipynb
    """
    asked = STUDIES.get(name)
    wanted = list(asked.rows if rows is None else rows) if asked else []
    if asked is None or set(wanted) - set(asked.rows):
        raise ValueError(f"Unknown study or row. Known: {list(asked.rows if asked else STUDIES)}.")
    folds = 1 if asked.split == "own" else FOLDS
    calls = [
        (name, row, fold, seed)
        for seed in range(max(2, asked.seeds))
        for row in wanted
        if seed < asked.seeds or (row in TWICE and folds > 1)
        for fold in range(folds)
    ]
    threads = max(1, (os.cpu_count() or 1) // joblib.effective_n_jobs(n_jobs))
    one = partial(_in_worker, threads, Path(out).expanduser().resolve(), data_home, epochs)
    runs = joblib.Parallel(n_jobs, return_as="generator")(joblib.delayed(one)(*c) for c in calls)
    found = []
    for lines in tqdm(runs, total=len(calls), desc=name, unit="run"):
        records.add(lines)
        found += lines
    return found


def _in_worker(threads, out, data_home, epochs, *asked):
    for variable in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
        os.environ.setdefault(variable, str(threads))  # TensorFlow reads them once
    with threadpool_limits(threads):
        return run(*asked, out, data_home, epochs)


def run(name, row_name, fold, seed, out, data_home=None, epochs=None):
    """One row of a study, trained for one fold: what it says of the clips of that fold.

    Parameters
    ----------
    name, row_name : str
        Of a study and one of its rows.
    fold : int
        Its clips are tested, see :func:`prcnn.datasets.splits.rotate`; 0 where the split is the
        dataset's own.
    seed : int
        Of first weights, order of clips, and which are trained on where not all are.
    out : path
    data_home : path, optional
    epochs : int, optional
        The longest of the study's ``epochs`` that is trained; default all.

    Returns
    -------
    list of dict
        For each of the study's ``epochs`` (0 for a classifier): ``study``, ``row``, ``fold``,
        ``seed``, ``epochs``, ``kept`` (the best validation epoch among them), ``validation`` (its
        accuracy), ``seconds``, ``key``, ``made`` (where and when), ``part`` ("test"), and of the
        fold's clips ``clips`` (ids), ``true``, ``predicted`` (labels), ``genres``, ``groups``.

    Chapter: book/ablations.ipynb
    """
    study = STUDIES[name]
    row = study.rows[row_name]
    features = _split(study, row, fold, seed, data_home)
    data = features.fingerprint, features.clips[["genre", "split"]]
    how = study._replace(rows=None)._asdict(), row._replace(group="")._asdict()
    key = digest(VERSION, *how, fold, seed, data)
    path, folder = Path(out) / f"{key}.json", Path(out) / key
    lines = json.loads(path.read_text()) if path.exists() else []
    same = {"study": name, "row": row_name, "fold": fold, "seed": seed, "key": key}
    lengths = (0,) if row.features else row.epochs or study.epochs
    for length in lengths[len(lines) :]:
        if epochs is not None and length > epochs:
            break
        if row.features:
            said = _classifier(row, seed, features, data_home)
        else:
            said = _network(study, row, seed, length, features, folder, data_home)
        about = {"made": _made(), "part": "test"}
        lines.append({**same, "epochs": length, **said, **_test_clips(study, features), **about})
        text = json.dumps(lines, default=int)
        write_whole(path, lambda part, text=text: part.write_text(text))
    if len(lines) == len(lengths):
        shutil.rmtree(folder, ignore_errors=True)
    return [line for line in lines if epochs is None or line["epochs"] <= epochs]


def _split(study, row, fold, seed, data_home):
    """The store of a study's clips or segments, split for one fold."""
    settings = row.settings or study.settings
    own = study.split == "own"
    features = _features(study.dataset, settings, study.seconds, row.shuffled, data_home, own)
    clips = features.clips
    if not own:
        # Several seeds are several deals; a second seed of TWICE tells what the run alone changes.
        deal = seed if study.seeds > 1 else 0
        clips = clips.assign(split=splits.rotate(clips, fold, FOLDS, deal, study.split))
    if row.training is not None:
        learned = clips[clips["split"] == "training"].groupby("genre")
        kept = learned.sample(row.training // len(features.genres), random_state=seed).index
        clips = clips[(clips["split"] != "training") | clips.index.isin(kept)]
    return dataclasses.replace(features, clips=clips)


def _features(dataset, settings, seconds, shuffled, data_home, own=True):
    # A split that is drawn is of all clips: GTZAN's own one leaves those with faults out.
    drawn = None if own or not dataset.startswith("gtzan") else "stratified"
    clips = datasets.load(dataset, data_home=data_home, splits=drawn)
    settings = get_settings(settings or clips.settings)
    if seconds:
        return Segments.of(clips, settings, seconds)
    if not shuffled:
        return store.extract(clips, settings, progress=False)
    function = partial(_shuffled, settings=settings)
    key = f"shuffled {settings!r}"
    return store.compute(clips, function, settings.shape, key, progress=False, settings=settings)


class Segments(store.Store):
    """A store whose rows are segments of clips, ``"<clip>:<number>"``; column ``clip`` names it.

    A segment whose artist is not known counts as its clip's: it is never apart from the others.
    """

    @classmethod
    def of(cls, dataset, settings, seconds):
        """Cut every clip of 30 s of a dataset, of sound or of pictures."""
        n = int(30 / seconds)
        pictures = settings.sampled
        frames = settings.n_frames // n if pictures else settings.n_frames
        shape = (n, frames, settings.shape[1])
        cut = partial(_cut_picture if pictures else _cut_sound, settings=settings, n=n)
        key = f"segments of {seconds} s, {settings!r}"
        whole = store.compute(dataset, cut, shape, key, progress=False, settings=settings)
        table = splits.segments(whole.clips, seconds)
        table["artist"] = table["artist"].fillna(table["clip"].astype(str))
        contents = {segment: whole.contents[clip] for segment, clip in table["clip"].items()}
        name = f"{dataset.name}, segments"
        about = name, settings, table, whole.genres, whole.failed, shape[1:]
        return cls(*about, whole.folder, whole.kind, contents)

    def read(self, indices):
        """Features of the segments at these positions: float32 ``(n, *shape)``."""
        rows = self.clips.index[indices]
        numbers = [int(segment.rsplit(":", 1)[1]) for segment in rows]
        files = (self.folder / f"{self.contents[segment]}.npy" for segment in rows)
        return np.stack([np.load(f, "r")[i] for f, i in zip(files, numbers, strict=True)])


def _cut_picture(path, settings, n):
    mel = log_mel(path, settings)
    return mel[: len(mel) // n * n].reshape(n, len(mel) // n, -1)


def _cut_sound(path, settings, n):
    y = audio.load(path, settings.sr)
    parts = np.array_split(y[: round(30 * settings.sr)], n)
    return np.stack([log_mel(part, settings, settings.sr) for part in parts])


def _shuffled(path, settings):
    """A clip's frames in another order, for one clip always the same."""
    frames = log_mel(path, settings)
    return np.random.default_rng(int(digest(frames), 16)).permutation(frames)


def _network(study, row, seed, epochs, features, folder, data_home):
    from prcnn import evaluation, models, training  # the backend reads the threads once

    network = models.build(
        row.method, len(features.genres), input_shape=features.shape, seed=seed, **row.changes
    )
    # The study's lengths are stages of one run, unless its schedule is made for its epochs.
    trained = training.train(
        network,
        features,
        epochs=epochs,
        seed=seed,
        out=folder,
        recipe=_recipe(training, row.recipe),
        soft_labels=_soft_labels(row, features, data_home) if row.taught else None,
        batch_size=study.batch_size,
        early_stopping=study.early_stopping,
        precision=row.precision,
        progress=False,
    )
    best = trained.record["best"]
    return {
        "kept": int(best["epoch"]),
        "validation": best["val_accuracy"],
        "seconds": round(float(trained.history["seconds"].sum()), 1),
        "predicted": evaluation.evaluate(trained.model, features).predicted.tolist(),
    }


def _soft_labels(row, features, data_home):
    """Half a training clip's genre, half what a teacher says of it that did not learn it.

    The teacher is a logistic regression, cross-validated over the training clips; what was uploaded
    together is in one fold.
    """
    learned = features.clips["split"] == "training"
    X, clips = _all_described(row.taught, features, data_home)[learned], features.clips[learned]
    clips = clips.assign(stretch=splits.stretches(clips))
    clips["fold"] = splits.k_fold(clips, FOLDS, 0, "stretch")
    said = baselines.cross_validate(
        "logistic", X, clips, features.genres, groups="stretch", C=TEACHER_C
    )
    rows = (np.eye(len(features.genres))[said.true] + said.probabilities) / 2
    return pd.DataFrame(rows, clips.index, features.genres)


def _recipe(training, recipe):
    """A row's recipe: the one it names, with what it changes; None is the network's own."""
    if not recipe:
        return None
    name, changes = recipe
    own = training.RECIPES[name]
    if "augment" in changes:  # None: clips as they are
        altered = changes["augment"]
        whole = training.Augment() if altered is None else own.augment
        changes = {**changes, "augment": dataclasses.replace(whole, **(altered or {}))}
    return dataclasses.replace(own, **changes)


def _classifier(row, seed, features, data_home):
    X = _all_described(row.features, features, data_home)
    y = features.labels(np.arange(len(X)))
    train, validation, test = map(features.indices, datasets.SPLITS)
    fitted = baselines.classifier(row.method, seed, **row.changes).fit(X[train], y[train])
    return {
        "kept": 0,
        "validation": float(fitted.score(X[validation], y[validation])),
        "seconds": 0.0,
        "predicted": fitted.predict(X[test]).tolist(),
    }


def _all_described(names, features, data_home):
    return np.concatenate([_described(features, name, data_home) for name in names], axis=1)


def _described(features, name, data_home):
    """One kind of numbers for every clip of a store: (n, numbers)."""
    if name == "vggish":  # what a network heard in them that was trained on far more music
        return fma_images.vggish(data_home, features).to_numpy()
    if name == "learned":  # what the last layer of the shipped network reads
        from prcnn import models

        network = models.pretrained("beyond")
        places = np.arange(len(features.clips))
        parts = np.array_split(places, -(-len(places) // 64))
        return np.concatenate([models.outputs(network, features.read(p), "dropout") for p in parts])
    return baselines.of_spectrograms(features, (name,)).to_numpy()


def _test_clips(study, features):
    """Ids, labels, genres and groups of the test clips, in the order of the predictions."""
    indices = features.indices("test")
    return {
        "clips": features.clips.index[indices].tolist(),
        "true": features.labels(indices).tolist(),
        "genres": features.genres,
        "groups": _groups(study, features.clips).iloc[indices].tolist(),
    }


def _groups(study, clips):
    """What an interval draws whole: stretches, uploads, artists, or the clips of segments."""
    if study.split == "stretch":
        return splits.stretches(clips)
    if study.dataset.startswith("fma_small_"):
        return splits.uploads(clips)
    return clips["artist"].fillna(clips.index.to_series().astype(str))


def _made():
    """Where and when, in one line."""
    here = provenance()
    versions = (
        f"{name} {here['packages'][name]}" for name in _PACKAGES if name in here["packages"]
    )
    machine = here["machine"]["accelerator"] or here["machine"]["processor"]
    return ", ".join([here["date"][:10], machine, *versions])
