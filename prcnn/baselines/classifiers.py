"""scikit-learn's classifiers, each behind a scaler that sees training clips only."""

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from prcnn.datasets.dataset import warn
from prcnn.evaluation import group_labels, report

_CLASSIFIERS = {
    "logistic": lambda seed: LogisticRegression(max_iter=5000, random_state=seed),
    "knn": lambda seed: KNeighborsClassifier(n_neighbors=5),
    "svm_linear": lambda seed: SVC(kernel="linear"),
    "svm_poly": lambda seed: SVC(kernel="poly", degree=3),
    "svm_rbf": lambda seed: SVC(kernel="rbf"),
    "forest": lambda seed: RandomForestClassifier(n_estimators=300, random_state=seed),
    "mlp": lambda seed: MLPClassifier(hidden_layer_sizes=(100,), max_iter=1000, random_state=seed),
}
_CHUNK = 256  # clips whose spectrograms are in memory at once: 84 MB


def names():
    """Names of the classifiers, a list of str. Chapter: book/baselines.ipynb"""
    return list(_CLASSIFIERS)


def classifier(name, seed=0):
    """A pipeline, not yet fitted: standardise, then classify.

    The settings are scikit-learn's defaults, tuned to no dataset (k = 5, C = 1, degree 3, gamma
    "scale", one hidden layer of 100), but for 300 trees and enough iterations to converge.

    Parameters
    ----------
    name : {"logistic", "knn", "svm_linear", "svm_poly", "svm_rbf", "forest", "mlp"}
        ValueError for any other.
    seed : int
        Of those that draw random numbers: forest, mlp.

    Returns
    -------
    sklearn.pipeline.Pipeline

    Chapter: book/baselines.ipynb
    """
    if name not in _CLASSIFIERS:
        raise ValueError(f"Unknown classifier {name!r}. Known classifiers: {', '.join(names())}.")
    return make_pipeline(StandardScaler(), _CLASSIFIERS[name](seed))


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
    places = np.arange(len(store.clips))
    chunks = np.split(places, places[_CHUNK::_CHUNK])
    return np.concatenate([store.read(chunk).mean(axis=1) for chunk in chunks])


def train_and_report(name, X, table, genres, split="test", *, groups="artist", seed=0):
    """Train a classifier on the rows of the training split and report on another.

    Parameters
    ----------
    name : str
        See :func:`classifier`.
    X : numpy.ndarray [shape=(n, d)]
    table : pandas.DataFrame [n rows]
        The rows of X: index the ids, columns ``genre`` and ``split``.
    genres : list of str
    split : {"test", "validation"}
    groups : str
        Column of what was drawn together: the artist, where the table knows it; ``"clip"`` for
        segments. See :func:`prcnn.evaluation.group_labels`.
    seed : int

    Returns
    -------
    prcnn.evaluation.Report

    Raises
    ------
    ValueError
        An unknown name, X and table of different lengths or an empty split.

    Chapter: book/leakage.ipynb
    """
    chosen = table["split"].to_numpy() == split
    training = table["split"].to_numpy() == "training"
    for wanted, rows in (("training", training), (split, chosen)):
        if not rows.any():
            counts = table["split"].value_counts().to_dict()
            raise ValueError(f"No rows in split {wanted!r}; there are {counts}.")
    y = _labels(X, table, genres)
    rows = _probabilities(name, X[training], y[training], X[chosen], len(genres), seed)
    together = group_labels(table[chosen], groups)
    return report(y[chosen], rows, genres, table.index[chosen], together)


def cross_validate(name, X, table, genres, *, groups="artist", seed=0):
    """Predict every row by a classifier trained on the other folds, and report on all.

    For datasets too small to spare a test split. What must not be split between training and test
    (the segments of a clip, an artist's clips) must be in one fold: see
    :func:`prcnn.datasets.splits.k_fold`.

    Parameters
    ----------
    name, X, genres, groups, seed
        As for :func:`train_and_report`.
    table : pandas.DataFrame [n rows]
        The rows of X: index the ids, columns ``genre`` and ``fold``.

    Raises
    ------
    ValueError
        Fewer than two folds, and what :func:`train_and_report` refuses.

    Chapter: book/baselines.ipynb
    """
    y, fold = _labels(X, table, genres), table["fold"].to_numpy()
    if len(np.unique(fold)) < 2:
        raise ValueError(f"Cross-validation needs two folds, got {np.unique(fold)}.")
    rows = np.empty((len(X), len(genres)))
    for number in np.unique(fold):
        test = fold == number
        rows[test] = _probabilities(name, X[~test], y[~test], X[test], len(genres), seed)
    return report(y, rows, genres, table.index, group_labels(table, groups))


def _labels(X, table, genres):
    if len(X) != len(table):
        raise ValueError(f"X has {len(X)} rows, its table {len(table)}.")
    unknown = set(table["genre"]) - set(genres)
    if unknown:
        raise ValueError(f"Genres {sorted(unknown)} are not among {genres}.")
    return np.array([genres.index(genre) for genre in table["genre"]])


def _probabilities(name, X, y, X_test, n_genres, seed):
    """Fit and predict: (n, n_genres). A support vector machine votes: rows of 0 and 1."""
    if len(np.unique(y)) < 2:
        warn(f"All {len(y)} training clips are of one genre: {name} can only repeat it.")
        return np.tile(np.eye(n_genres)[y[0]], (len(X_test), 1))
    model = classifier(name, seed).fit(X, y)
    if hasattr(model, "predict_proba"):
        rows = np.zeros((len(X_test), n_genres))
        rows[:, model.classes_] = model.predict_proba(X_test)
        return rows
    return np.eye(n_genres)[model.predict(X_test)]
