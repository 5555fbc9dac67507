"""scikit-learn's classifiers, each behind a scaler that sees training clips only."""

import numpy as np
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from prcnn.baselines.features import of_spectrograms
from prcnn.datasets.dataset import warn
from prcnn.evaluation import group_labels, report

_CLASSIFIERS = {
    "logistic": LogisticRegression(max_iter=5000),
    "knn": KNeighborsClassifier(n_neighbors=5),
    "svm_linear": SVC(kernel="linear"),
    "svm_poly": SVC(kernel="poly", degree=3),
    "svm_rbf": SVC(kernel="rbf"),
    "forest": RandomForestClassifier(n_estimators=300),
    "mlp": MLPClassifier(hidden_layer_sizes=(100,), max_iter=1000),
}


def names():
    """Names of the classifiers, a list of str. Chapter: book/baselines.ipynb"""
    return list(_CLASSIFIERS)


def classifier(name, seed=0, **settings):
    """A pipeline, not yet fitted: standardise, then classify.

    The settings are scikit-learn's defaults, tuned to no dataset (k = 5, C = 1, degree 3, gamma
    "scale", one hidden layer of 100), but for 300 trees and enough iterations to converge; or those
    given, such as ``C=2``. ``seed`` is of those that draw random numbers: forest, mlp. ValueError
    for a name that is not among :func:`names`, or a setting that scikit-learn does not know.
    """
    if name not in _CLASSIFIERS:
        raise ValueError(f"Unknown classifier {name!r}. Known classifiers: {', '.join(names())}.")
    chosen = clone(_CLASSIFIERS[name])
    if "random_state" in chosen.get_params():
        chosen.set_params(random_state=seed)
    return make_pipeline(StandardScaler(), chosen.set_params(**settings))


def mean_spectrum_report(store):
    """The simplest thing that hears: a linear model of the mean log-mel spectrum, on test.

    One number a band, 128 of ``PAPER``: how loud it is on average. No order in time, so no rhythm
    and no melody; what a network gains over it, it gains by listening. ValueError where training or
    test split is empty.

    Chapter: book/train.ipynb
    """
    return train_and_report("logistic", mean_spectra(store), store.clips, store.genres)


def mean_spectra(store):
    """Mean over time of every spectrogram, float32 (n, bands), in the order of ``store.clips``."""
    return of_spectrograms(store, ("bands",))["bands"]["mean"].to_numpy()


def train_and_report(name, X, table, genres, split="test", *, groups="artist", seed=0, **settings):
    """Train a classifier on the rows of the training split and report on another, a Report.

    ``X`` (n, d) are features, ``table`` (n rows) says which clips they are of: index the ids,
    columns ``genre`` and ``split``. ``groups`` is the column of what was drawn together: the
    artist, where the table knows it, or ``"clip"`` for segments. ``name``, ``seed`` and
    ``settings`` as for :func:`classifier`. ValueError for an unknown name, X and table of different
    lengths, genres that are not among ``genres``, or an empty split.

    Chapter: book/baselines.ipynb
    """
    for wanted in ("training", split):
        if wanted not in set(table["split"]):
            counts = table["split"].value_counts().to_dict()
            raise ValueError(f"No rows in split {wanted!r}; there are {counts}.")
    parts = [(table["split"] == "training", table["split"] == split)]
    return _report(parts, name, X, table, genres, groups, seed, settings)


def cross_validate(name, X, table, genres, *, groups="artist", seed=0, **settings):
    """Predict every row by a classifier trained on the other folds, and report on all.

    For datasets too small to spare a test split. What must not be split between training and test
    (the segments of a clip, an artist's clips) must be in one fold of the table's column ``fold``:
    see :func:`prcnn.datasets.splits.k_fold`. All else as for :func:`train_and_report`; ValueError
    also for fewer than two folds.

    Chapter: book/leakage.ipynb
    """
    folds = table["fold"].unique()
    if len(folds) < 2:
        raise ValueError(f"Cross-validation needs two folds, got {folds}.")
    parts = [(table["fold"] != fold, table["fold"] == fold) for fold in folds]
    return _report(parts, name, X, table, genres, groups, seed, settings)


def _report(parts, name, X, table, genres, groups, seed, settings):
    """Report on the clips of all tests; ``parts`` are pairs of masks, to train on and to test."""
    if len(X) != len(table):
        raise ValueError(f"X has {len(X)} rows, its table {len(table)}.")
    if unknown := set(table["genre"]) - set(genres):
        raise ValueError(f"Genres {sorted(unknown)} are not among {genres}.")
    y = np.array([genres.index(genre) for genre in table["genre"]])
    rows, tested = np.empty((len(X), len(genres))), np.zeros(len(X), bool)
    for part in parts:
        training, test = (mask.to_numpy() for mask in part)
        model = classifier(name, seed, **settings)
        rows[test] = _probabilities(model, X[training], y[training], X[test], len(genres))
        tested |= test
    together = group_labels(table[tested], groups)
    return report(y[tested], rows[tested], genres, table.index[tested], together)


def _probabilities(model, X, y, X_test, n_genres):
    """Fit and predict: (n, n_genres). A support vector machine votes: rows of 0 and 1."""
    if len(np.unique(y)) < 2:
        warn(f"All {len(y)} training clips are of one genre: a classifier can only repeat it.")
        model = DummyClassifier()
    model.fit(X, y)
    if not hasattr(model, "predict_proba"):
        return np.eye(n_genres)[model.predict(X_test)]
    rows = np.zeros((len(X_test), n_genres))
    rows[:, model.classes_] = model.predict_proba(X_test)
    return rows
