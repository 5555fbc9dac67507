"""Reports against scikit-learn and the paper's own matrices; intervals against simulations."""

import dataclasses
import json
import math
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, f1_score

from prcnn import evaluation, store
from prcnn.datasets.dataset import Dataset
from prcnn.spectrogram import AUTHORS, PAPER
from prcnn.study import facts
from prcnn.training import Run

GENRES = ["Electronic", "Folk", "Hip-Hop", "Rock"]


def certain(true, predicted, genres=GENRES, **more):
    """A report of a model that votes."""
    return evaluation.report(true, np.eye(len(genres))[list(predicted)], genres, **more)


def from_confusion(confusion):
    """A report with exactly these counts."""
    counts = confusion.to_numpy()
    true, predicted = (np.repeat(x.ravel(), counts.ravel()) for x in np.indices(counts.shape))
    return certain(true, predicted, list(confusion.index))


pairs = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60)


@settings(deadline=None, max_examples=25)
@given(pairs, st.integers(0, 2**31))
def test_scores_are_scikit_learns_in_any_order_of_clips(pairs, seed):
    true, predicted = map(np.array, zip(*pairs, strict=True))
    report, labels = certain(true, predicted), range(len(GENRES))
    expected = confusion_matrix(true, predicted, labels=labels)
    np.testing.assert_array_equal(report.confusion, expected)
    macro = f1_score(true, predicted, labels=labels, average="macro", zero_division=0)
    assert report.macro_f1 == pytest.approx(macro)
    assert report.accuracy == np.mean(np.equal(true, predicted))
    low, high = report.interval
    assert 0 <= low <= report.accuracy <= high <= 1
    order = np.random.default_rng(seed).permutation(len(true))
    assert certain(true[order], predicted[order]).record() == report.record()


@pytest.mark.parametrize("figure", ["2", "3"])
def test_the_papers_confusion_gives_the_papers_figure(figure):
    """The published table must follow from the published matrix, to the digits it was printed."""
    report = from_confusion(getattr(facts, f"CONFUSION_FIGURE{figure}"))
    table = evaluation.classification_reports(report, getattr(facts, f"FIGURE{figure}"))
    assert list(table.index[-2:]) == ["accuracy", "macro avg"]
    # Printed values are rounded, and FIGURE3's accuracy of 317/800 is printed as .40.
    np.testing.assert_allclose(table["this run"], table["paper"], atol=0.00501)
    assert report.n == 800


def test_a_report_reads_as_figure_2():
    report = from_confusion(facts.CONFUSION_FIGURE2)
    lines = str(report).splitlines()
    assert lines[0].split() == ["precision", "recall", "f1-score", "support"]
    assert lines[1].split() == ["Electronic", "0.57", "0.56", "0.57", "100"]
    assert lines[-4].split() == ["accuracy", "0.45", "800"]
    assert lines[-3].split() == ["macro", "avg", "0.46", "0.45", "0.44", "800"]
    assert lines[-1] == "accuracy 44.9 % [41.5, 48.3] (95 % interval, n = 800)"
    assert "f1-score" in report._repr_html_()
    assert lines[-1] in report._repr_html_()


def test_a_genre_absent_from_the_split_counts_as_zero_and_is_named():
    report = certain([0, 0, 1, 3], [0, 2, 1, 3])
    assert report.per_genre.loc["Hip-Hop"].tolist() == [0, 0, 0, 0]
    assert report.macro_f1 == pytest.approx((2 / 3 + 1 + 0 + 1) / 4)
    for shown in (str(report), report._repr_html_()):
        assert "not in this split, counted as 0: Hip-Hop" in shown


@pytest.mark.parametrize(
    ("true", "rows", "more", "message"),
    [
        (np.array([], int), np.empty((0, 4)), {}, "no clips"),
        ([0], [[0.5, 0.5]], {}, "another dataset"),
        ([0, 1], np.eye(4)[[0]], {}, "need \\(2, 4\\)"),
        ([0.0], np.eye(4)[[0]], {}, "one int per clip"),
        ([4], np.eye(4)[[0]], {}, "0 … 3"),
        ([-1], np.eye(4)[[0]], {}, "0 … 3"),
        ([0, 1], [[1, 0, 0, 0], [np.nan, 0, 0, 1]], {"clips": ["a", "b"]}, "finite, first 'b'"),
        ([0], [[np.inf, 0, 0, 0]], {}, "not finite"),
        ([0], [[3.0, -2.0, 0, 0]], {}, "softmax"),
        ([0], [[0.9, 0.9, 0, 0]], {}, "softmax"),
        ([0, 1], np.eye(4)[[0, 1]], {"clips": ["a"]}, "1 entries for 2"),
        ([0, 1], np.eye(4)[[0, 1]], {"groups": ["a"]}, "1 entries for 2"),
        ([0, 1], np.eye(4)[[0, 1]], {"groups": ["a", None]}, "groups has missing entries"),
        ([0, 1], np.eye(4)[[0, 1]], {"clips": ["a", "a"]}, "'a' occurs more than once"),
    ],
)
def test_what_cannot_be_reported_is_refused(true, rows, more, message):
    with pytest.raises(ValueError, match=message):
        evaluation.report(true, rows, GENRES, **more)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 5000), st.floats(0, 1))
def test_wilson_is_scipys(n, share):
    expected = binomtest(round(share * n), n).proportion_ci(method="wilson")
    assert evaluation.wilson(round(share * n), n) == pytest.approx(tuple(expected), abs=1e-12)


@pytest.mark.parametrize("arguments", [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses(arguments):
    with pytest.raises(ValueError, match="wilson needs"):
        evaluation.wilson(*arguments)


@pytest.mark.parametrize("n_groups", [4, 8, 20, 60, 300])
@pytest.mark.parametrize("mean", [0.45, 0.95])
def test_intervals_hold_the_truth_as_often_as_they_say(n_groups, mean):
    """Artists of one to two hundred clips, each more or less easy: drawn anew, again and again."""
    rng, held = np.random.default_rng(n_groups), []
    for _ in range(500):
        easy = rng.beta(3 * mean, 3 * (1 - mean), n_groups)
        sizes = np.minimum(200, 1 + 2 * rng.pareto(1.2, n_groups)).astype(int)
        artists = np.repeat(np.arange(n_groups), sizes)
        one, other = (rng.random(artists.size) < easy[artists] for _ in range(2))
        low, high = evaluation.accuracy_interval(one, artists)
        compared = evaluation.compare(one, other, artists)
        held.append([low <= mean <= high, compared.low <= 0 <= compared.high])
    assert (np.mean(held, axis=0) >= 0.93).all()


def test_all_right_is_not_certain():
    two = certain([0] * 12, [0] * 12, groups=["a"] * 6 + ["b"] * 6)
    low, high = two.interval
    assert (low, high) == pytest.approx((2 / (2 + 12.706**2), 1), rel=1e-3)  # t of one freedom
    assert "95 % interval, n = 12 in 2 groups: fewer than ten say little about others" in str(two)
    assert "fewer" not in str(certain([0] * 12, [0] * 12))
    wrong = certain([0] * 12, [1] * 12, groups=["a"] * 6 + ["b"] * 6)
    assert wrong.interval == pytest.approx((0, 1 - low))
    assert certain([0] * 3, [0, 0, 1], groups=["a"] * 3).interval == (0, 1), "one artist, no other"
    assert certain([2], [2], clips=["a"]).interval == evaluation.wilson(1, 1)


def test_copies_of_a_clip_know_no_more_than_the_clip():
    rng = np.random.default_rng(0)
    right = rng.random(80) < 0.6
    one, copies = (
        evaluation.accuracy_interval(np.tile(right, n), np.tile(np.arange(80), n)) for n in (1, 6)
    )
    assert copies == pytest.approx(one, abs=0.004)
    naive = evaluation.accuracy_interval(np.tile(right, 6))
    assert np.diff(copies) / np.diff(naive) == pytest.approx(math.sqrt(6), rel=0.05)


def test_calibration_is_scikit_learns():
    rng = np.random.default_rng(1)
    report = evaluation.report(rng.integers(0, 4, 500), rng.dirichlet([0.7] * 4, 500), GENRES)
    confidence = report.probabilities.max(axis=1)
    accuracy, mean = calibration_curve(report.correct, confidence, n_bins=10)
    table = evaluation.calibration(report)
    filled = table[table.n > 0]
    np.testing.assert_allclose(filled.accuracy, accuracy)
    np.testing.assert_allclose(filled.confidence, mean)
    assert (len(table), table.n.sum()) == (10, 500)
    edges = evaluation.report([0, 0], [[0.5, 0.5], [1.0, 0.0]], ["a", "b"])
    table = evaluation.calibration(edges)
    assert table.loc[table["n"] > 0, "high"].tolist() == [0.5, 1.0], "a bin holds its upper edge"


def test_temperature_undoes_what_made_a_network_too_sure():
    rng = np.random.default_rng(12)
    logs = rng.normal(0, 2, (4000, 5))
    p = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    true = np.array([rng.choice(5, p=row) for row in p])
    for factor in (1.0, 3.0, 0.5):
        sure = p**factor / (p**factor).sum(axis=1, keepdims=True)
        found = evaluation.temperature(evaluation.report(true, sure, list("abcde")))
        assert found == pytest.approx(factor, rel=0.06)


def test_reports_side_by_side_line_up_by_genre():
    table = evaluation.classification_reports(
        certain([0, 1], [0, 0]), certain([0, 1], [0, 1], ["Folk", "Jazz"])
    )
    assert list(table.index) == [*GENRES, "Jazz", "accuracy", "macro avg"]
    assert table.loc["Folk", ("this run", "recall")] == 0
    assert table.loc["Folk", ("paper", "recall")] == 1
    assert math.isnan(table.loc["Jazz", ("this run", "f1")])


def test_a_record_is_json_and_complete():
    report = certain([0, 1, 2, 3], [0, 1, 2, 0])
    read = json.loads(json.dumps(report.record()))
    assert (read["n"], read["correct"], read["accuracy"]) == (4, 3, 0.75)
    assert read["interval"] == list(report.interval)
    assert np.sum(read["confusion"]) == 4


def tone(path):
    """Features for a store: the number in a file, as the loud band of a (6, 4) picture."""
    picture = np.zeros((6, 4), np.float32)
    picture[:, int(Path(path).read_text())] = 20
    return picture


@pytest.fixture
def listens(tmp_path):
    """A network that reads the genre off its input, and a store of seven clips, five to test."""
    labels = [2, 0, 1, 3, 1, 0, 2]
    for clip, label in zip("abcdefg", labels, strict=True):
        (tmp_path / clip).write_text(str(label))
    clips = pd.DataFrame(
        {
            "path": [str(tmp_path / clip) for clip in "abcdefg"],
            "genre": [GENRES[label] for label in labels],
            "split": ["training", *["test"] * 5, "training"],
            "artist": ["x", "x", "x", None, "y", None, "z"],
        },
        index=list("abcdefg"),
    )
    dataset = Dataset("toy", clips, GENRES)
    kept = store.compute(dataset, tone, (6, 4), "tone", tmp_path, 1, False, settings=PAPER)
    inputs = keras.Input((6, 4))
    pooled = keras.layers.GlobalAveragePooling1D()(inputs)
    return keras.Model(inputs, keras.layers.Softmax()(pooled)), kept


def test_evaluate_predicts_a_split_in_order(listens):
    model, kept = listens
    report = evaluation.evaluate(model, kept, batch_size=2)
    assert report.accuracy == 1
    assert list(report.clips) == list("bcdef")
    assert report.true.tolist() == [0, 1, 3, 1, 0]
    assert pd.factorize(report.groups)[0].tolist() == [0, 0, 1, 2, 3], "unknown artists stand alone"
    assert "n = 5 in 4 groups" in report.summary()
    with pytest.raises(ValueError, match="validation"):
        evaluation.evaluate(model, kept, "validation")
    smaller = keras.Model(model.inputs, keras.layers.Dense(3, "softmax")(model.layers[1].output))
    with pytest.raises(ValueError, match="another dataset"):
        evaluation.evaluate(smaller, kept)


def test_what_learned_is_evaluated_on_what_it_learned_only(listens):
    model, kept = listens

    def run(genres=GENRES, settings=PAPER):
        plain = dataclasses.asdict(settings) if dataclasses.is_dataclass(settings) else settings
        return Run(model, None, None, {"store": {"genres": genres, "settings": plain}})

    def network(genres=GENRES, settings="paper"):
        """As train and pretrained leave one."""
        said = keras.models.clone_model(model)
        said.genres, said.settings = genres, settings
        return said

    for learned in (run, network):
        for same in (learned(), learned(settings=dataclasses.replace(PAPER, name="ours"))):
            assert evaluation.evaluate(same, kept).accuracy == 1
        with pytest.raises(ValueError, match=r"genres \['Blues', .*'toy' holds \['Electronic', "):
            evaluation.evaluate(learned(["Blues", *GENRES[1:]]), kept)
        with pytest.raises(ValueError, match=r"'authors', 'hop_length': 1024.*'paper'.*: 512"):
            evaluation.evaluate(learned(settings=AUTHORS), kept)
        with pytest.raises(ValueError, match=r"settings tempogram, .*'toy' holds \{'name': 'pap"):
            evaluation.evaluate(learned(settings="tempogram"), kept)


def test_clips_are_drawn_together_with_their_artists():
    clips = pd.DataFrame({"artist": ["a", "b", "a", None], "clip": [1, 1, 2, 2]})
    assert pd.factorize(evaluation.group_labels(clips))[0].tolist() == [0, 1, 0, 2]
    assert evaluation.group_labels(clips, "clip").tolist() == [1, 1, 2, 2]
    assert evaluation.group_labels(clips.assign(artist=None)) is None
    assert evaluation.group_labels(clips[["clip"]]) is None


def test_q_values_and_intervals_agree():
    p_values = pd.Series({"a": 0.01, "b": np.nan, "c": 0.04, "d": 0.03, "e": 0.5})
    expected = pd.Series({"a": 0.04, "b": np.nan, "c": 0.16 / 3, "d": 0.16 / 3, "e": 0.5})
    pd.testing.assert_series_equal(evaluation.benjamini_hochberg(p_values), expected)
    assert evaluation.adjusted_level(p_values) == pytest.approx(1 - 0.05 / 4)
    rng = np.random.default_rng(2)
    right = rng.random((8, 400)) < np.linspace(0.42, 0.55, 8)[:, None]
    against = [(right[i], right[0]) for i in range(1, 8)]
    found = pd.Series([evaluation.compare(*pair).p_value for pair in against])
    q = evaluation.benjamini_hochberg(found)
    assert 0 < (q <= 0.05).sum() < (found <= 0.05).sum() < 7, "so that the level matters"
    level = evaluation.adjusted_level(found)
    bars = [evaluation.compare(*pair, level=level) for pair in against]
    assert [bar.low > 0 for bar in bars] == [value <= 0.05 for value in q]


def test_numbers_in_the_text():
    """One rule for rounding: a sign, a unit, an interval from the low end to the high."""
    found = evaluation.Comparison(0.032, -0.0014, 0.064, 0.5, 300)
    assert evaluation.points(found) == "+3.2 points [−0.1, +6.4]"
    few = found._replace(difference=-0.0004, low=-0.1, high=-0.0003, n_groups=4)
    assert evaluation.points(few) == "+0.0 points [−10.0, +0.0], from 4 groups only"
    assert evaluation.points(pd.Series(few._asdict()).drop("n_groups")).endswith("[−10.0, +0.0]")
    assert evaluation.percent(0.496) == "49.6 %"
    assert evaluation.percent(0.4876, (-0.00001, 0.522)) == "48.8 % [0.0, 52.2]"
    assert [evaluation.p_value(p) for p in (0.0, 0.00099, 0.001, 0.0243)] == [
        *["< 0.001"] * 2,
        *["0.001", "0.024"],
    ]
