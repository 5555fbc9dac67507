"""The study: one engine, one table, one rule."""

import json
from dataclasses import replace
from types import SimpleNamespace

import make
import numpy as np
import pandas as pd
import pytest

from prcnn.datasets import splits
from prcnn.spectrogram import PAPER
from prcnn.study import answers, questions, records, rows, run
from prcnn.study.answers import DEPENDS, judge
from prcnn.study.questions import CONTRADICTED, HELD, NOT_RUN

GENRES = ["Folk", "Rock"]


def line(row="a", *, fold=0, epochs=60, seed=0, clips=range(20), wrong=0, study="s"):
    """What a run says: the first ``wrong`` clips are taken for the other genre."""
    clips = list(clips)
    true = [clip % 2 for clip in clips]
    predicted = [1 - t if i < wrong else t for i, t in enumerate(true)]
    same = {"part": "test", "kept": 3, "validation": 0.5, "seconds": 1.0, "made": "here"}
    about = {"clips": clips, "true": true, "genres": GENRES, "groups": [c // 2 for c in clips]}
    key = f"{study} {row} {fold} {seed}"
    run = {"study": study, "row": row, "fold": fold, "seed": seed, "epochs": epochs, "key": key}
    return {**same, **about, **run, "predicted": predicted}


@pytest.fixture
def table(tmp_path):
    """A file of records, and a function that adds to it."""
    path = tmp_path / "runs.jsonl"
    return path, lambda *lines: records.add(list(lines), path)


def test_records_keep_what_was_said_once(table):
    path, add = table
    add(line(fold=0), line(fold=1, clips=range(20, 30), wrong=5), line(epochs=16, wrong=4))
    assert records.reports("s", "a", path=path) == [], "two of five folds"
    add(*(line(fold=fold, clips=range(10 * fold + 10, 10 * fold + 20)) for fold in (2, 3, 4)))
    text = path.read_text()
    add({**line(fold=0, wrong=9), "key": "of other code"})  # made again: it takes the other's place
    assert records.reports("s", "a", path=path)[0].correct.sum() == 46
    for _ in range(2):
        add(line(fold=0))
        assert path.read_text() == text
    (report,) = records.reports("s", "a", path=path)
    assert report.n == 60 and report.correct.sum() == 55
    said = records.predictions("a", study="s", path=path)
    assert said.loc[20, "predicted"] != said.loc[20, "true"] and said.loc[20, "fold"] == 1
    assert said.loc[3].tolist() == ["Rock", "Rock", 0, 0]
    assert records.reports("s", "a", 16, path=path) == [], "a fold is missing at this length"
    with pytest.raises(ValueError, match=r"'a', 16.*'a', 60"):
        records.predictions("b", study="s", path=path)


def test_labels_are_characters():
    assert records.labels(records.characters(range(40))).tolist() == list(range(40))


def test_comparisons_are_one_family_with_length_as_a_factor(table):
    path, add = table
    ask = {"Better?": ("a", ["b", "c"]), "Same?": ("a", ["d"])}
    for epochs, b in ((16, 100), (60, 0)):
        for name, wrong in (("a", 100), ("b", b), ("c", 0), ("d", 100)):
            add(line(name, epochs=epochs, clips=range(4000), wrong=20 * wrong))
    found = answers.comparisons("s", ask, path)
    assert found.columns.tolist() == (
        "question row reference epochs difference low high p q verdict runs".split()
    )
    at = found.set_index(["row", "epochs"])
    assert at.loc[("c", 60), "difference"] == 0.5 and at.loc[("c", 60), "verdict"] == "better"
    assert at.loc[("b", 60), "verdict"] == at.loc[("b", 16), "verdict"] == DEPENDS
    assert at.loc[("d", 16), "verdict"] == "tie"
    late = found[found["epochs"] == 60]
    assert (late["q"] >= late["p"]).all()
    assert ((late["low"] > 0) == (late["verdict"] == "better") | (late["row"] == "b")).all()


def test_classifiers_have_no_length_of_training(table):
    path, add = table
    for name, epochs in (("net", 16), ("net", 60), ("svm", 0), ("mlp", 0)):
        add(line(name, epochs=epochs, clips=range(400), wrong=100 if name == "svm" else 0))
    found = answers.comparisons("s", {"Q?": ("svm", ["net", "mlp"])}, path)
    said = sorted(zip(found["row"], found["epochs"], strict=True))
    assert said == [("mlp", 0), ("net", 16), ("net", 60)]
    assert sorted(answers.at_longest(found)["epochs"]) == [0, 60]


def test_a_question_is_answered_by_the_study_that_compared_most_of_its_rows():
    def table(*rows):
        return pd.DataFrame({"question": "Q?", "row": rows, "epochs": 60}, range(len(rows)))

    tables = {"new": table("a"), "old": table("a", "b"), "other": table("a", "b")}
    assert set(answers.of_question(tables, "Q?")["study"]) == {"old"}
    assert set(answers.of_question(tables, "Q?", ("a",))["study"]) == {"new"}
    assert answers.of_question(tables, "R?").empty


@pytest.mark.parametrize(
    "words, expected, verdict",
    [
        ([], ("better",), NOT_RUN),
        (["better", "better"], ("better",), HELD),
        (["better", "tie"], ("better",), CONTRADICTED),
        (["better", "undecided"], ("better",), "undecided"),
        (["better", "undecided", DEPENDS], ("better",), DEPENDS),
        (["worse", DEPENDS], ("better",), CONTRADICTED),
        (["worse", "tie"], ("worse", "tie"), HELD),
    ],
)
def test_one_rule_for_all_claims(words, expected, verdict):
    assert judge(words, expected) == verdict


def test_every_question_and_claim_asks_of_rows_that_are_run():
    known = {row for study in answers.ORDER for row in rows.STUDIES[study].rows}
    for question, (reference, asked) in questions.QUESTIONS.items():
        assert {reference, *asked} <= known, question
    for claim in questions.CLAIMS:
        assert (claim.question in questions.QUESTIONS) != bool(claim.verdict), claim.sentence
        assert set(claim.rows) <= set(questions.QUESTIONS.get(claim.question, ("", ()))[1])


def test_the_book_has_answers():
    claims = answers.claims()
    assert len(claims) == len(questions.CLAIMS) and claims["decides"].str.len().min() > 10
    board = answers.board()
    assert board.index[0].startswith("VGGish") and (board["low"] < board["accuracy"]).all()


@pytest.fixture
def small(monkeypatch, tmp_path, data_home):
    """A study of a folder of two genres: a network at two lengths and a classifier, by artist."""

    make.genres(tmp_path / "music", n=20, seconds=3.2)
    settings = replace(PAPER, n_frames=128)
    study = rows.Study(
        str(tmp_path / "music"),
        {
            "network": rows.Row("", "cnn3", {"filters": [2, 2, 2]}),
            "svm": rows.Row("", "svm_rbf", features=("mfcc",)),
            "few": rows.Row("", "svm_rbf", features=("mfcc",), training=4),
        },
        None,
        (1, 2),
        settings=settings,
    )
    monkeypatch.setitem(rows.STUDIES, "small", study)
    monkeypatch.setattr(records.results, "FOLDER", tmp_path)
    return study


def test_a_study_tests_every_clip_once_and_finds_its_runs_again(small, tmp_path):
    found = run.study("small", tmp_path / "runs", rows=["network", "svm"], n_jobs=1)
    assert len(found) == 5 * 2 + 5
    for name, epochs in (("network", 1), ("network", 2), ("svm", 0)):
        said = records.predictions(name, epochs, "small")
        assert len(said) == said.index.nunique() == 40
    assert (said["true"] == said["predicted"]).mean() > 0.9, "a tone tells the genres apart"
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").iterdir()}
    assert run.study("small", tmp_path / "runs", rows=["network", "svm"], n_jobs=1) == found
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "runs").iterdir()} == before


def test_a_run_that_was_asked_for_few_epochs_goes_on_to_more(small, tmp_path):
    first = [run.run("small", "network", 0, 0, tmp_path, epochs=1) for _ in range(2)]
    assert first[0] == first[1] and [line["epochs"] for line in first[0]] == [1]
    both = run.run("small", "network", 0, 0, tmp_path)
    assert both[:1] == first[0] and both[1]["kept"] in (1, 2)
    at_once = run.run("small", "network", 0, 0, tmp_path / "again")
    assert [line["predicted"] for line in at_once] == [line["predicted"] for line in both]
    assert not (tmp_path / both[0]["key"]).exists(), "the state is not needed any more"


def test_a_run_is_another_where_anything_that_decides_it_is(small, monkeypatch, tmp_path):
    def key(row="svm", fold=0, seed=0):
        return run.run("small", row, fold, seed, tmp_path / "runs")[0]["key"]

    keys = [key(), key("few"), key(fold=1), key(seed=1)]
    for changes in ({"epochs": (3,)}, {"settings": replace(small.settings, hop_length=256)}):
        monkeypatch.setitem(rows.STUDIES, "small", small._replace(**changes))
        keys.append(key())
    monkeypatch.setitem(rows.STUDIES, "small", small)
    make.genres(tmp_path / "music", n=21, seconds=3.2)  # one more song a genre
    keys.append(key())
    assert len(set(keys)) == len(keys)


def test_a_second_seed_of_one_deal_has_its_folds_and_of_several_seeds_each_deals(small, tmp_path):
    def tested(study, seed):
        clips = run._split(study, study.rows["svm"], 0, seed, None).clips
        return set(clips.index[clips["split"] == "test"])

    assert tested(small, 0) == tested(small, 1)
    several = small._replace(seeds=2)
    assert tested(small, 0) == tested(several, 0) != tested(several, 1)


def test_folds_that_every_run_dealt_anew_are_no_ones(table):
    path, add = table
    deals = {0: (range(10), range(10, 20)), 1: (range(0, 20, 2), range(1, 20, 2))}
    for seed, deal in deals.items():
        parts = [*deal, range(20, 30), range(30, 40), range(40, 50)]
        add(*(line(fold=i, seed=seed, clips=clips, wrong=seed) for i, clips in enumerate(parts)))
    assert records.outcomes("s", "a", 60, path).folds is None
    add(*(line("b", fold=i, clips=clips, wrong=2) for i, clips in enumerate(parts)))
    assert records.outcomes("s", "b", 60, path).folds.max() == 4


def test_segments_are_rows_of_their_own(small, tmp_path):
    songs = make.genres(tmp_path / "long", n=3, seconds=30.5)
    whole = run._features(str(songs), small.settings, None, False, None)
    cut = run._features(str(songs), small.settings, 10.0, False, None)
    assert len(cut.clips) == 3 * len(whole.clips) and cut.shape == (128, 128)
    split = splits.rotate(cut.clips, 0, k=3, group="clip")
    assert split.groupby(cut.clips["clip"]).nunique().max() == 1
    X = cut.read([3, 0])
    np.testing.assert_array_equal(X[1], cut.read([0])[0])
    np.testing.assert_allclose(X[1], whole.read([0])[0], atol=1e-3, err_msg="both begin the clip")
    assert np.abs(X[0] - X[1]).max() > 1


def test_unknown_names_list_the_known_ones(small):
    with pytest.raises(ValueError, match="FMA-small"):
        run.study("FMA")
    with pytest.raises(ValueError, match="'network', 'svm'"):
        run.study("small", rows=["svn"])


def test_fewer_clips_are_as_many_of_each_genre(small, tmp_path):
    features = run._split(small, small.rows["few"], 0, 0, None)
    counts = features.clips[features.clips["split"] == "training"]["genre"].value_counts()
    assert counts.tolist() == [2, 2]
    whole = run._split(small, small.rows["svm"], 0, 0, None).clips
    for split in ("validation", "test"):
        assert (features.clips["split"] == split).sum() == (whole["split"] == split).sum()


def test_published_figures_are_the_papers():
    from prcnn.study import facts

    assert np.trace(facts.CONFUSION_FIGURE2) == 359 and np.trace(facts.CONFUSION_FIGURE3) == 317
    assert facts.FIGURE2["support"].sum() == facts.FIGURE3["support"].sum() == 800
    assert facts.FIGURE4["parameters"].sum() == 232_744
    assert json.loads(json.dumps(facts.CHALLENGE))["f1_unseen"] == 63
    assert isinstance(facts.TABLE2, pd.DataFrame) and facts.TABLE2["test"].max() == 44.125


def test_a_teacher_has_not_learned_the_clip_that_it_speaks_of(monkeypatch):
    """Of features without sense a teacher that had would know every clip."""
    genres, rng = ["Folk", "Rock"], np.random.default_rng(0)
    clips = pd.DataFrame({"genre": rng.choice(genres, 1200), "split": "training"})
    clips.loc[::6, "split"] = "test"
    features = SimpleNamespace(clips=clips, genres=genres)
    noise = rng.normal(size=(1200, 600))
    monkeypatch.setattr(run, "_all_described", lambda *_: noise)
    soft = run._soft_labels(rows.Row("", "beyond", taught=("noise",)), features, None)
    assert list(soft.index) == list(clips.index[clips["split"] == "training"])
    np.testing.assert_allclose(soft.sum(axis=1), 1)
    own = np.where(clips.loc[soft.index, "genre"] == "Folk", soft["Folk"], soft["Rock"])
    assert own.min() >= 0.5 and 0.7 < own.mean() < 0.8


def test_every_row_names_a_recipe_that_there_is():
    from prcnn import training

    for study in rows.STUDIES.values():
        for row in study.rows.values():
            run._recipe(training, row.recipe)
    as_they_are = run._recipe(training, rows.INGREDIENTS["clips as they are"].recipe)
    assert as_they_are.augment == training.Augment()
