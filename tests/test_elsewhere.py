"""beyond on other data: one report of all seeds, and runs that are found again."""

import json

import numpy as np
import pytest

from prcnn.study import elsewhere
from prcnn.study.training_clips import SVM


def run(dataset, method, seed, clips, predicted):
    true = [clip % 2 for clip in clips]
    return {
        "dataset": dataset,
        "method": method,
        "seed": seed,
        "genres": ["A", "B"],
        "validation": 0.5,
        "clips": clips,
        "true": true,
        "predicted": [y if right else 1 - y for y, right in zip(true, predicted, strict=True)],
    }


def test_a_clip_of_several_seeds_counts_once():
    clips = list(range(20))
    lucky, unlucky = [True] * 18 + [False] * 2, [True] * 10 + [False] * 10
    runs = [run("one", "beyond", seed, clips, lucky) for seed in range(3)]
    runs += [run("one", SVM, seed, clips, unlucky) for seed in range(3)]
    runs += [run("other", m, 0, clips, lucky) for m in ("beyond", SVM)]
    table = elsewhere.table({"runs": runs})
    line = table.loc["one", SVM]
    assert line["accuracy"] == 0.5 and np.isclose(line["ahead"], 0.4)
    assert line["ahead_low"] > 0 and table.loc[("other", SVM), "ahead"] == 0
    # Three seeds that say the same are no more clips than one.
    alone = elsewhere.table({"runs": [r for r in runs if r["seed"] == 0]})
    for end in ("low", "high"):
        assert np.isclose(alone.loc[("one", SVM), end], line[end], atol=0.02)


@pytest.mark.filterwarnings("ignore")
def test_methods_hear_pictures_and_are_not_trained_twice(data_home, tmp_path, monkeypatch):
    load, asked = elsewhere.datasets.load, []

    def few(name, home, **options):
        asked.append(options)
        return load("synthetic", home, clips_per_genre=5, progress=False)

    monkeypatch.setattr(elsewhere.datasets, "load", few)
    monkeypatch.setattr(elsewhere, "METHODS", (SVM, "cnn3"))

    def study():
        path = elsewhere.study(
            None,
            tmp_path / "runs",
            epochs={"synthetic": 1, "gtzan_mini": 1},
            seeds=[7],
            n_jobs=1,
            folder=tmp_path,
        )
        return json.loads(path.read_text())["runs"]

    runs = study()
    assert [(r["dataset"], r["method"]) for r in runs] == [
        (name, method) for name in ("synthetic", "gtzan_mini") for method in (SVM, "cnn3")
    ]
    by_clip = {"splits": "stratified", "seed": 7}
    assert asked == [{}, {}, by_clip, by_clip]
    assert study() == runs and len(asked) == 4
