"""What is measured on FMA-small's pictures: classifiers, records, the leaderboard."""

import json

import librosa
import numpy as np
import pandas as pd
import pytest

import prcnn
from prcnn import baselines
from prcnn.datasets import fma, fma_small_split
from prcnn.study import fma_small

KNOWN = fma_small_split.read()


def load():
    with pytest.warns(UserWarning, match="have no file"):
        return prcnn.load("fma_small_images")


def test_a_classifier_hears_what_the_networks_hear(pictures, data_home):
    dataset = load()
    store = prcnn.extract(dataset, n_jobs=1, out=data_home, progress=False)
    table = baselines.of_spectrograms(store)
    assert table.shape == (72, 40 + 20 + 256)
    assert table.index.equals(store.clips.index)
    decibels = store.read(np.array([7]))[0].T
    mfcc = librosa.feature.mfcc(S=decibels, n_mfcc=20)
    row = table.iloc[7]
    assert np.allclose(row.xs(("mfcc", "mean"), level=[0, 1]), mfcc.mean(axis=1), atol=1e-3)
    assert np.allclose(row.xs(("mfcc", "std"), level=[0, 1]), mfcc.std(axis=1), atol=1e-3)
    assert np.allclose(row.xs(("delta", "std"), level=[0, 1]), np.diff(mfcc).std(axis=1), atol=1e-3)
    assert np.allclose(row.xs(("bands", "mean"), level=[0, 1]), decibels.mean(axis=1), atol=1e-3)
    assert np.allclose(row.xs(("bands", "std"), level=[0, 1]), decibels.std(axis=1), atol=1e-3)
    assert baselines.of_spectrograms(store, ["mfcc"]).equals(table[["mfcc"]])
    with pytest.raises(ValueError, match=r"'tonality'.*mfcc, delta, bands"):
        baselines.of_spectrograms(store, ["tonality"])
    flat = prcnn.store.compute(dataset, _three, (3,), "three", data_home, 1, False)
    with pytest.raises(ValueError, match="no spectrograms"):
        baselines.of_spectrograms(flat)


def _three(path):
    return np.zeros(3)


def test_validation_chooses_test_reports_and_no_fit_is_made_twice(
    pictures, data_home, tmp_path, monkeypatch, capsys
):
    def run():
        with pytest.warns(UserWarning, match="have no file"):
            path = fma_small.baselines(out=tmp_path / "fits", n_jobs=1, folder=tmp_path)
        return json.loads(path.read_text())

    monkeypatch.setattr(fma_small, "CLASSIFIERS", ("svm_rbf", "knn"))
    record = run()
    assert "Without VGGish" in capsys.readouterr().out
    assert len(list((tmp_path / "fits").iterdir())) == 6
    ids = record["clips"]["test"]
    with np.load(_embeddings(data_home)) as file:  # clips are told apart by these without fault
        assert set(file["track_id"]) > set(ids)
    monkeypatch.setattr(fma_small, "classifier", _only_once(fma_small.classifier))
    record = run()
    assert list(record["validation"]) == list(fma_small.FEATURES)
    assert record["validation"]["VGGish"] == {"svm_rbf": 1.0, "knn": 1.0}
    assert record["chosen"]["VGGish"] == "svm_rbf"
    row = record["rows"]["svm_rbf, VGGish"]
    assert (row["validation"], row["test"], row["numbers"]) == ([1.0], [1.0], 128)
    found = fma_small.reports(record)["svm_rbf, VGGish"]["test"][0]
    assert found.n == 24 and found.accuracy == 1 and found.clips.tolist() == ids
    for name, row in record["rows"].items():
        scores = record["validation"][row["features"]]
        assert row["validation"][0] == scores[row["classifier"]], name
        for split in ("validation", "test"):
            right = np.equal(row["predicted"][split][0], record["true"][split])
            assert row[split][0] == right.mean(), name
    for features, scores in record["validation"].items():
        assert scores[record["chosen"][features]] == max(scores.values())
    table = fma_small.easier_validation(record, n_resamples=200)
    assert table.index.tolist() == [*fma.GENRES, "all"]
    assert ((table.low <= table.difference) & (table.difference <= table.high)).all()
    assert table.loc["all", "validation"] == pytest.approx(
        np.mean([np.mean(row["validation"]) for row in record["rows"].values()])
    )


def test_training_clips_alone_are_fitted_and_a_seed_is_another_fit(
    pictures, data_home, tmp_path, monkeypatch
):
    fitted = []

    class Says:
        """Whatever its seed draws; an SVM is never right."""

        def __init__(self, name, seed):
            self.seed = None if name == "svm_rbf" else seed

        def fit(self, X, y):
            fitted.append(X)
            return self

        def predict(self, X):
            if self.seed is None:
                return np.full(len(X), -1)
            return np.random.default_rng(self.seed).integers(8, size=len(X))

    monkeypatch.setattr(fma_small, "CLASSIFIERS", ("svm_rbf", "forest"))
    monkeypatch.setattr(fma_small, "classifier", Says)
    monkeypatch.setattr(fma_small, "FEATURES", {"MFCC": ("mfcc",)})
    _embeddings(data_home)
    with pytest.warns(UserWarning, match="have no file"):
        path = fma_small.baselines(out=tmp_path / "fits", n_jobs=1, folder=tmp_path)
    row = json.loads(path.read_text())["rows"]["forest, MFCC"]
    assert len({tuple(said) for said in row["predicted"]["test"]}) == 5
    store = prcnn.extract(load(), progress=False)
    X = baselines.of_spectrograms(store, ("mfcc",)).to_numpy()[store.indices("training")]
    assert any(np.array_equal(each, X) for each in fitted)
    assert {len(each) for each in fitted} == {24}


def test_other_clips_are_no_contenders(monkeypatch):
    read = fma_small.results.read

    def other(name):
        record = read(name)
        if name == "beyond_fma_small_images":
            record["test"]["clips"] = record["test"]["clips"][::-1]
        return record

    assert len(fma_small.contenders()) == 5
    monkeypatch.setattr(fma_small.results, "read", other)
    with pytest.raises(ValueError, match="beyond was tested on other clips"):
        fma_small.contenders()


def _embeddings(data_home):
    path = data_home / "fma_small_images" / "vggish.npz"
    labels = pd.Categorical(KNOWN["genre"], categories=fma.GENRES).codes
    rows = np.repeat(np.eye(8)[labels], 16, axis=1)
    np.savez(path, track_id=KNOWN.index, embedding=rows.astype(np.float32))
    return path


def _only_once(whole):
    """Fits of VGGish alone are still to be made: four of them would be four too many."""
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        assert len(calls) <= 2
        return whole(*arguments)

    return counted


def test_uploads_are_neighbours_of_one_genre():
    clips, labels = [100, 5, 104, 103, 300, 7], [0, 1, 0, 1, 0, 1]
    groups = fma_small.uploads(clips, labels)
    assert groups[0] == groups[2] and groups[1] == groups[5]
    assert len(set(groups)) == 4
    test = KNOWN[KNOWN["split"] == "test"]
    assert len(set(fma_small.uploads(test.index, test["genre"].factorize()[0]))) == 293


def test_what_is_recorded_is_what_the_recorded_predictions_say():
    record = fma_small.results.read(fma_small.RESULT)
    assert record["clips"]["test"] == KNOWN.index[KNOWN["split"] == "test"].tolist()
    for name, found in fma_small.reports(record).items():
        for split, scores in found.items():
            assert [r.accuracy for r in scores] == pytest.approx(record["rows"][name][split])
    best = record["rows"]["svm_rbf, MFCC, deltas, bands"]
    assert (best["validation"], best["test"]) == ([0.5325], [0.44125])
    table = fma_small.easier_validation(record, n_resamples=500)
    assert table["difference"].idxmax() == "Folk"
    assert table.loc["Folk", "low"] > 0.3


def test_the_leaderboard_says_of_every_method_what_it_was_tested_on():
    board = fma_small.leaderboard()
    assert board.index.is_unique and board["accuracy"].is_monotonic_decreasing
    assert ((board["low"] < board["accuracy"]) & (board["accuracy"] < board["high"])).all()
    assert set(board["split"]) == {"official", "random", "not verified"}
    assert board.drop(columns="seeds").notna().all(axis=None)
    assert board.loc["the paper, Figure 2", "accuracy"] == 359 / 800
    ours = board[board["source"] == "this book"]
    assert len(ours) == len(fma_small.board()) and (ours["split"] == "official").all()
    assert (board.loc[board["split"] == "random", "source"] == "Solarleaf/GenreWave").all()
