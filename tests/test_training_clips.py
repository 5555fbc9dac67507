"""Other training clips: what is drawn, what is trained on it, and what is found again."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.neighbors import KNeighborsClassifier

from prcnn import baselines, datasets, store
from prcnn.study import fma_small, ingredients, training_clips
from prcnn.training import BEYOND, Augment


@pytest.fixture
def small(pictures, monkeypatch):
    monkeypatch.setattr(training_clips, "EPOCHS", {"paper": 1})
    monkeypatch.setattr(training_clips, "_MOST", 1)


def test_fewer_clips_are_as_many_of_each_genre_and_test_stays(pictures):
    with pytest.warns(UserWarning, match="have no file"):
        whole = datasets.load("fma_small_images")
    some = training_clips.fewer(whole, 16, seed=1)
    counts = some.clips.groupby("split")["genre"].value_counts().unstack("split")
    assert (counts["training"] == 2).all() and (counts["test"] == 3).all()
    assert (counts["validation"] == 3).all()
    again, other = (training_clips.fewer(whole, 16, seed=s).clips.index for s in (1, 2))
    assert some.clips.index.equals(again) and not some.clips.index.equals(other)
    assert training_clips.fewer(whole, None) is whole
    with pytest.raises(ValueError, match="size=80: 10 clips a genre, but one has 3"):
        training_clips.fewer(whole, 80)


@pytest.mark.filterwarnings("ignore")
def test_a_random_split_is_another_test_and_runs_are_found_again(small, tmp_path, monkeypatch):
    def run():
        methods = (training_clips.SVM, "paper")
        path = training_clips.leakage(
            None, tmp_path / "runs", methods=methods, seeds=[0, 1], n_jobs=1, folder=tmp_path
        )
        return json.loads(path.read_text())

    record = run()
    assert len(record["runs"]) == 8
    official, random = (
        [run for run in record["runs"] if run["splits"] == splits]
        for splits in ("official", "stratified")
    )
    assert len({str(sorted(run["clips"])) for run in official}) == 1
    assert len({str(sorted(run["clips"])) for run in random}) == 2, "a seed draws its own"
    assert all(0 <= run["validation"] <= 1 for run in record["runs"])
    table = training_clips.table(record, "splits")
    for key, line in table.iterrows():
        assert line["low"] <= line["accuracy"] <= line["high"], key
        assert len(line["seeds"]) == 2
    monkeypatch.setattr(training_clips, "svm", None)
    monkeypatch.setattr(training_clips, "network", None)
    assert run()["runs"] == record["runs"], "nothing is trained twice"


@pytest.mark.filterwarnings("ignore")
def test_a_method_learns_training_clips_and_is_asked_about_the_test_clips(
    pictures, nearest, monkeypatch
):
    clips = store.extract(datasets.load("fma_small_images"), progress=False)
    X = baselines.of_spectrograms(clips, fma_small.FEATURES["MFCC, deltas, bands"]).to_numpy()
    watched, fitted = nearest
    monkeypatch.setattr(training_clips, "classifier", watched)
    said = training_clips.outcome(clips, training_clips.SVM, 0, None, None)
    np.testing.assert_array_equal(fitted, [X[clips.indices("training")]])
    expected = KNeighborsClassifier(1).fit(*fitted, clips.labels(clips.indices("training")))
    validation, test = clips.indices("validation"), clips.indices("test")
    assert said["clips"] == clips.clips.index[test].tolist()
    assert said["true"] == clips.labels(test).tolist()
    assert said["predicted"] == expected.predict(X[test]).tolist()
    assert said["validation"] == expected.score(X[validation], clips.labels(validation))


@pytest.mark.filterwarnings("ignore")
def test_the_curve_counts_its_training_clips(small, tmp_path):
    path = training_clips.curve(
        None,
        tmp_path / "runs",
        methods=[training_clips.SVM],
        sizes=(16, None),
        seeds=[0],
        n_jobs=1,
        folder=tmp_path,
    )
    table = training_clips.table(json.loads(path.read_text()), "training")
    assert list(table.index) == [(training_clips.SVM, 16), (training_clips.SVM, 24)]


def test_what_a_random_split_gives_away_has_an_interval_of_both_splits():
    lines = [[0.5, 0.4, 0.59], [0.7, 0.62, 0.76]]
    index = pd.MultiIndex.from_product([["SVM"], ["official", "stratified"]])
    found = pd.DataFrame(lines, index.set_names(["method", "splits"]), ["accuracy", "low", "high"])
    given = training_clips.given_away(found).loc["SVM"]
    assert given["difference"] == pytest.approx(0.2)
    assert given["low"] == pytest.approx(0.2 - (0.08**2 + 0.09**2) ** 0.5)
    assert given["high"] == pytest.approx(0.2 + (0.06**2 + 0.10**2) ** 0.5)


def test_every_row_leaves_out_one_ingredient():
    whole = ingredients.ROWS[ingredients.WHOLE]
    assert not whole.changes and not whole.recipe
    for name, row in ingredients.ROWS.items():
        if name == ingredients.WHOLE:
            continue
        assert len(row.changes) + len(row.recipe) == 1, name
        if "augment" in row.recipe:
            kept = vars(row.recipe["augment"])
            changed = {k for k, v in vars(BEYOND.augment).items() if kept[k] != v}
            assert changed and all(kept[k] == vars(Augment())[k] for k in changed), name


@pytest.mark.filterwarnings("ignore")
def test_ingredients_are_compared_on_validation_and_on_test(pictures, tmp_path):
    rows = {name: ingredients.ROWS[name] for name in (ingredients.WHOLE, "no CNN branch")}
    path = ingredients.study(
        None, tmp_path / "runs", seeds=[0], epochs=1, folder=tmp_path, rows=rows, n_jobs=1
    )
    record = json.loads(path.read_text())
    assert set(record) == {"validation", "test", "provenance"}
    clips = {split: set(record[split]["clips"]) for split in ("validation", "test")}
    assert not clips["validation"] & clips["test"]
    for split in clips:
        assert list(record[split]["rows"]) == list(rows)
        assert len(record[split]["groups"]) == len(record[split]["true"]) == 24
    validation = record["validation"]
    for row in validation["rows"].values():
        right = [p == t for p, t in zip(row["predicted"][0], validation["true"], strict=True)]
        assert row["validation"] == [sum(right) / len(right)]


@pytest.mark.filterwarnings("ignore")
def test_the_study_of_the_pictures_stops_early_and_knows_uploads(pictures, tmp_path):
    row = "3-layer CNN"
    path = fma_small.study(
        None,
        tmp_path / "runs",
        epochs=9,
        early_stopping=1,
        rows=[row],
        seeds=[0],
        n_jobs=1,
        progress=False,
        folder=tmp_path,
    )
    record = json.loads(path.read_text())
    assert list(record["rows"]) == [row] and len(record["groups"]) == len(record["clips"]) == 24
    [history] = (tmp_path / "runs").glob("*/history.csv")
    epochs = len(history.read_text().splitlines()) - 1
    assert epochs < 9 and epochs == record["rows"][row]["epoch_kept"][0] + 1
