"""Other training clips: a split at random instead of the official one, and fewer clips.

Two commands, which go on where they were stopped::

    python -c "from prcnn.study import training_clips as t; t.leakage('~/data', 'runs/split')"
    python -c "from prcnn.study import training_clips as t; t.curve('~/data', 'runs/curve')"

The first asks how many points a random split gives away on FMA-small's pictures, the second how
much more music helps. Each method is trained, its checkpoint chosen on the validation clips and
read once on the test clips.

Chapters: book/leakage.ipynb, book/discussion.ipynb
"""

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from prcnn import datasets, store
from prcnn.baselines import classifier, of_spectrograms
from prcnn.evaluation import interval_over_seeds, report_of_labels
from prcnn.study import results
from prcnn.study.fma_small import FEATURES, uploads
from prcnn.study.runs import limit_threads, once, side_by_side

SVM = "SVM on MFCC, deltas, bands"
#: Network → epochs with all 6,394 clips.
EPOCHS = {"paper": 16, "attention_cnn": 16, "beyond": 20}
SIZES = (400, 800, 1600, 3200, None)  # None: all there are
ALL, _MOST = 6394, 48  # training clips there are, and epochs, however few the clips


def leakage(
    data_home=None,
    out="runs/split",
    *,
    methods=(SVM, "paper", "beyond"),
    seeds=range(3),
    n_jobs=2,
    folder=None,
):
    """Train on the official split and on random splits of the same pictures.

    Seeds are those of networks and of the random split. Finished runs in ``out`` are not repeated;
    ``n_jobs`` run at a time, each on one core. Returns the path of
    ``leakage_fma_small_images.json``, in ``folder`` (see :func:`prcnn.study.results.write`):
    ``runs``, a list of what each says (``method``, ``splits``, ``seed``, ``clips``, ``true``,
    ``predicted`` …).

    Chapter: book/leakage.ipynb
    """
    asked = [
        {"method": method, "splits": splits, "seed": int(seed), "size": None}
        for seed in seeds
        for splits in ("official", "stratified")
        for method in methods
    ]
    return _study("leakage_fma_small_images", asked, data_home, out, n_jobs, folder)


def curve(
    data_home=None,
    out="runs/curve",
    *,
    methods=(SVM, "paper", "attention_cnn"),
    sizes=SIZES,
    seeds=range(3),
    n_jobs=2,
    folder=None,
):
    """Train on fewer clips of the official split, as many of each genre; test clips stay.

    All as for :func:`leakage`; the networks are the paper's and the best of its kind. The result is
    ``learning_curve_fma_small_images.json``. ``sizes`` are of training clips, None is all. Networks
    take as many steps with fewer clips, but 48 epochs at most. Seeds are those of networks and of
    which clips are drawn.

    Chapter: book/discussion.ipynb
    """
    asked = [
        {"method": method, "splits": "official", "seed": int(seed), "size": size}
        for seed in seeds
        for size in sizes
        for method in methods
    ]
    return _study("learning_curve_fma_small_images", asked, data_home, out, n_jobs, folder)


def table(record, by):
    """What a record says: mean test accuracy and its 95 % interval.

    Parameters
    ----------
    record : dict
        As :func:`leakage` or :func:`curve` writes it.
    by : {"splits", "training"}
        What is compared: the split, or the number of training clips.

    Returns
    -------
    pandas.DataFrame
        Index method and `by`; columns ``accuracy``, ``low``, ``high``, ``validation`` (fractions)
        and ``seeds`` (a list of accuracies). Clips that were uploaded together vary together.

    Chapter: book/leakage.ipynb
    """
    found = {}
    for run in record["runs"]:
        said = report_of(record, run), run["validation"]
        found.setdefault((run["method"], run[by]), []).append(said)
    lines = {}
    for key, runs in found.items():
        reports = [said for said, _ in runs]
        same = all(said.clips.equals(reports[0].clips) for said in reports)
        # Random splits differ in their clips: seeds are averaged as they are.
        low, high = interval_over_seeds(reports) if same else _pooled(reports)
        accuracies = [said.accuracy for said in reports]
        lines[key] = [np.mean(accuracies), low, high, np.mean([v for _, v in runs]), accuracies]
    index = pd.MultiIndex.from_tuples(lines, names=["method", by])
    columns = ["accuracy", "low", "high", "validation", "seeds"]
    return pd.DataFrame(list(lines.values()), index, columns)


def given_away(found):
    """By how much test accuracy on random splits is above the official one.

    ``found`` is a :func:`table` by "splits". Index method; columns ``difference``, ``low``,
    ``high`` (fractions). The two splits test different clips, so the 95 % interval comes from the
    two intervals alone, squared and added (Newcombe's tenth method, 1998).

    Chapter: book/leakage.ipynb
    """
    official, random = (found.xs(splits, level="splits") for splits in ("official", "stratified"))
    difference = random["accuracy"] - official["accuracy"]
    below = np.hypot(random["accuracy"] - random["low"], official["high"] - official["accuracy"])
    above = np.hypot(random["high"] - random["accuracy"], official["accuracy"] - official["low"])
    return pd.DataFrame(
        {"difference": difference, "low": difference - below, "high": difference + above}
    )


def report_of(record, run):
    """One of the record's ``runs`` as a report; clips that were uploaded together are its groups.

    Chapter: book/leakage.ipynb
    """
    groups = uploads(run["clips"], run["true"])
    return report_of_labels(run["true"], run["predicted"], record["genres"], run["clips"], groups)


def _pooled(reports):
    """The mean of the seeds' own intervals, around the mean accuracy."""
    return tuple(np.mean([said.interval for said in reports], axis=0))


def fewer(dataset, size, seed=0):
    """A dataset with ``size`` training clips, as many of each genre; None leaves it as it is.

    Validation and test clips are the same. ValueError for more clips of a genre than there are.

    Chapter: book/discussion.ipynb
    """
    if size is None:
        return dataset
    learned = dataset.clips["split"] == "training"
    each = size // len(dataset.genres)
    least = dataset.clips[learned]["genre"].value_counts().min()
    if each > least:
        raise ValueError(f"size={size}: {each} clips a genre, but one has {least} training clips.")
    drawn = dataset.clips[learned].groupby("genre").sample(each, random_state=seed).index
    return dataclasses.replace(
        dataset, clips=dataset.clips[~learned | dataset.clips.index.isin(drawn)]
    )


def _study(name, asked, data_home, out, n_jobs, folder):
    out = Path(out).expanduser().resolve()
    runs = side_by_side(_run, [(out, data_home, *one.values()) for one in asked], n_jobs)
    genres, *_ = [run.pop("genres") for run in runs]
    record = {"dataset": "fma_small_images", "epochs": EPOCHS, "genres": genres, "runs": runs}
    return results.write(name, record, folder)


def _run(out, data_home, method, splits, seed, size):
    """One method on one choice of clips, from `out` where it has been done."""
    limit_threads(1)
    name = f"{method.replace(', ', '-').replace(' ', '-')}-{splits}-{size or 'all'}-seed{seed}"

    def train():
        dataset = datasets.load("fma_small_images", data_home, splits=splits, seed=seed)
        clips = store.extract(fewer(dataset, size, seed), progress=False)
        said = {"method": method, "splits": splits, "seed": seed}
        said["training"] = len(clips.indices("training"))
        if method != SVM:
            most = min(_MOST, round(EPOCHS[method] * ALL / said["training"]))
            said["epochs"] = max(EPOCHS[method], most)
        return said | outcome(clips, method, seed, said.get("epochs"), out / name)

    return once(out / f"{name}.json", train)


def outcome(clips, method, seed, epochs, folder):
    """What a method, trained on a store's training clips, says of the others: a dict.

    ``genres``, accuracy on ``validation``, and the test split's ``clips``, ``true``, ``predicted``.

    Chapter: book/leakage.ipynb
    """
    said = svm(clips) if method == SVM else network(clips, method, seed, epochs, folder)
    validation, test = clips.indices("validation"), clips.indices("test")
    return {
        "genres": clips.genres,
        "validation": float((said["validation"] == clips.labels(validation)).mean()),
        "clips": clips.clips.index[test].tolist(),
        "true": clips.labels(test).tolist(),
        "predicted": said["test"].tolist(),
    }


def svm(clips):
    """What :data:`SVM`, trained on a store's training clips, says of validation and test.

    Chapter: book/leakage.ipynb
    """
    X = of_spectrograms(clips, FEATURES["MFCC, deltas, bands"]).to_numpy()
    learned = clips.indices("training")
    with threadpool_limits(1):
        fitted = classifier("svm_rbf").fit(X[learned], clips.labels(learned))
        return {split: fitted.predict(X[clips.indices(split)]) for split in ("validation", "test")}


def network(clips, name, seed, epochs, folder):
    """What a network of the zoo, trained into ``folder``, says of validation and test.

    Chapter: book/leakage.ipynb
    """
    # Imports the backend, which reads the number of threads once.
    from prcnn import evaluation, models, training

    model = models.build(name, len(clips.genres), input_shape=clips.shape, seed=seed)
    run = training.train(model, clips, epochs=epochs, seed=seed, out=folder, progress=False)
    reports = {s: evaluation.evaluate(run.model, clips, s) for s in ("validation", "test")}
    return {split: report.predicted for split, report in reports.items()}
