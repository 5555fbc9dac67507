"""Reports against scikit-learn and the paper's own confusion matrices; statistics against scipy."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support

from prcnn import evaluation, store
from prcnn.datasets.dataset import Dataset
from prcnn.study import paper

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


@settings(deadline=None)
@given(pairs)
def test_scores_are_scikit_learns(pairs):
    true, predicted = map(list, zip(*pairs, strict=True))
    report = certain(true, predicted)
    labels = range(len(GENRES))
    expected = precision_recall_fscore_support(true, predicted, labels=labels, zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        np.testing.assert_allclose(report.per_genre[name], values, err_msg=name)
    macro = f1_score(true, predicted, labels=labels, average="macro", zero_division=0)
    assert report.macro_f1 == pytest.approx(macro)
    matrix = confusion_matrix(true, predicted, labels=labels)
    np.testing.assert_array_equal(report.confusion, matrix)
    assert report.accuracy == np.mean(np.equal(true, predicted))
    low, high = report.interval
    assert 0 <= low <= report.accuracy <= high <= 1


@pytest.mark.parametrize("figure", ["2", "3"])
def test_the_papers_confusion_gives_the_papers_figure(figure):
    """The published table must follow from the published matrix, to the digits it was printed."""
    report = from_confusion(getattr(paper, f"CONFUSION_FIGURE{figure}"))
    table = evaluation.classification_reports(report, getattr(paper, f"FIGURE{figure}"))
    assert list(table.index[-2:]) == ["accuracy", "macro avg"]
    # Printed values are rounded, and FIGURE3's accuracy of 317/800 is printed as .40.
    np.testing.assert_allclose(table["this run"], table["paper"], atol=0.00501)
    assert report.n == 800


def test_the_layout_is_that_of_figure_2():
    lines = str(from_confusion(paper.CONFUSION_FIGURE2)).splitlines()
    assert lines[0].split() == ["precision", "recall", "f1-score", "support"]
    assert lines[2].split() == ["Electronic", "0.57", "0.56", "0.57", "100"]
    assert lines[-4].split() == ["accuracy", "0.45", "800"]
    assert lines[-3].split() == ["macro", "avg", "0.46", "0.45", "0.44", "800"]
    assert lines[-1] == "accuracy 44.9% (95 % interval 41.5% to 48.3%; Wilson, n = 800)"


def test_html_holds_the_table_and_the_interval():
    html = certain([0, 1, 3], [0, 1, 1])._repr_html_()
    assert "f1-score" in html
    assert "95 % interval" in html
    assert "not in this split, counted as 0: Hip-Hop" in html


def test_a_genre_absent_from_the_split_counts_as_zero_and_is_named():
    report = certain([0, 0, 1, 3], [0, 2, 1, 3])
    assert report.absent == ["Hip-Hop"]
    assert report.per_genre.loc["Hip-Hop"].tolist() == [0, 0, 0, 0]
    assert report.macro_f1 == pytest.approx((2 / 3 + 1 + 0 + 1) / 4)
    assert "not in this split, counted as 0: Hip-Hop" in str(report)


def test_one_clip():
    report = certain([2], [2], clips=["a"])
    assert report.accuracy == 1
    assert report.interval == pytest.approx((1 / (1 + 1.959964**2), 1), abs=1e-6)
    assert evaluation.bootstrap(report) == (1, 1)
    assert "n = 1" in str(report)


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
        ([0, 1], np.eye(4)[[0, 1]], {"clips": ["a", "a"]}, "'a' occurs more than once"),
    ],
)
def test_what_cannot_be_reported_is_refused(true, rows, more, message):
    with pytest.raises(ValueError, match=message):
        evaluation.report(true, rows, GENRES, **more)


@settings(deadline=None)
@given(st.integers(1, 5000), st.floats(0, 1))
def test_wilson_is_the_closed_form(n, share):
    k, z = round(share * n), 1.9599639845
    p, middle = k / n, (k / n + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    expected = (max(0, middle - half), min(1, middle + half))
    assert evaluation.wilson(k, n) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("arguments", [(1, 0), (-1, 5), (6, 5)])
def test_wilson_refuses(arguments):
    with pytest.raises(ValueError, match="wilson needs"):
        evaluation.wilson(*arguments)


def test_bootstrap_is_a_bootstrap():
    """Against drawing clips one by one, for both scores."""
    rng = np.random.default_rng(3)
    true = rng.integers(0, 4, 120)
    predicted = np.where(rng.random(120) < 0.6, true, rng.integers(0, 4, 120))
    report = certain(true, predicted)
    rows = rng.integers(0, 120, (4000, 120))
    accuracies = (true == predicted)[rows].mean(axis=1)
    f1s = [f1_score(true[r], predicted[r], average="macro", zero_division=0) for r in rows[:800]]
    for score, drawn in (("accuracy", accuracies), ("macro_f1", f1s)):
        expected = np.quantile(drawn, [0.025, 0.975])
        assert evaluation.bootstrap(report, score) == pytest.approx(expected, abs=0.015)
    assert evaluation.bootstrap(report) == evaluation.bootstrap(report)


def test_bootstrap_over_groups_is_as_wide_as_the_groups_ask():
    """Six copies of a clip know no more than the clip, so the interval must not shrink."""
    rng = np.random.default_rng(0)
    true = rng.integers(0, 4, 80)
    predicted = np.where(rng.random(80) < 0.5, true, (true + 1) % 4)
    clips = certain(true, predicted)
    copies = certain(np.tile(true, 6), np.tile(predicted, 6), groups=np.tile(np.arange(80), 6))
    naive = certain(np.tile(true, 6), np.tile(predicted, 6))
    assert copies.interval == pytest.approx(evaluation.bootstrap(clips), abs=1e-12)
    width = np.diff(copies.interval) / np.diff(naive.interval)
    assert width == pytest.approx(math.sqrt(6), rel=0.15)
    assert "bootstrap over 80 groups, n = 480" in str(copies)
    with pytest.raises(ValueError, match="accuracy, macro_f1"):
        evaluation.bootstrap(clips, "auc")


def test_calibration_is_scikit_learns():
    rng = np.random.default_rng(1)
    report = evaluation.report(rng.integers(0, 4, 500), rng.dirichlet([0.7] * 4, 500), GENRES)
    confidence = report.probabilities.max(axis=1)
    accuracy, mean = calibration_curve(report.correct, confidence, n_bins=10)
    table = evaluation.calibration(report)
    filled = table[table.n > 0]
    np.testing.assert_allclose(filled.accuracy, accuracy)
    np.testing.assert_allclose(filled.confidence, mean)
    assert table.n.sum() == 500


def test_a_bin_holds_its_upper_edge():
    report = evaluation.report([0, 0], [[0.5, 0.5], [1.0, 0.0]], ["a", "b"])
    table = evaluation.calibration(report)
    assert table.loc[table["n"] > 0, "high"].tolist() == [0.5, 1.0]


def test_from_segments_averages_probabilities_not_votes():
    rows = [[0.6, 0.4], [0.6, 0.4], [0.0, 1.0], [1.0, 0.0]]
    segments = evaluation.report([1, 1, 1, 0], rows, ["Folk", "Rock"], groups=["b", "b", "b", "a"])
    clips = evaluation.from_segments(segments)
    assert list(clips.clips) == ["b", "a"]
    assert segments.accuracy == 0.5
    assert clips.accuracy == 1
    np.testing.assert_allclose(clips.probabilities, [[0.4, 0.6], [1, 0]])
    assert clips.groups is None
    with pytest.raises(ValueError, match="'b' carry different labels"):
        evaluation.from_segments(certain([0, 1], [0, 1], groups=["b", "b"]))
    with pytest.raises(ValueError, match="needs a report with groups"):
        evaluation.from_segments(clips)


def test_beside_lines_up_by_genre():
    table = evaluation.classification_reports(
        certain([0, 1], [0, 0]), certain([0, 1], [0, 1], ["Folk", "Jazz"])
    )
    assert list(table.index) == [*GENRES, "Jazz", "accuracy", "macro avg"]
    assert table.loc["Folk", ("this run", "recall")] == 0
    assert table.loc["Folk", ("paper", "recall")] == 1
    assert math.isnan(table.loc["Jazz", ("this run", "f1")])


def test_record_is_json_and_complete(tmp_path):
    from prcnn.study import results

    report = certain([0, 1, 2, 3], [0, 1, 2, 0])
    results.write("x", report.record(), folder=tmp_path)
    read = results.read("x", folder=tmp_path)
    assert (read["n"], read["correct"], read["accuracy"]) == (4, 3, 0.75)
    assert read["interval"] == list(report.interval)
    assert np.sum(read["confusion"]) == 4


def tone(path):
    """Features for a store: the number in a file, as the loud band of a (6, 4) picture."""
    picture = np.zeros((6, 4), np.float32)
    picture[:, int(Path(path).read_text())] = 20
    return picture


def test_evaluate_predicts_a_split_in_order_a_batch_at_a_time(monkeypatch, tmp_path):
    """A network that reads the genre off its input must be right on every clip."""
    import keras

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
    kept = store.compute(dataset, tone, (6, 4), "tone", tmp_path, n_jobs=1, progress=False)
    read, sizes = type(kept).read, []
    monkeypatch.setattr(type(kept), "read", lambda s, p: sizes.append(len(p)) or read(s, p))
    inputs = keras.Input((6, 4))
    pooled = keras.layers.GlobalAveragePooling1D()(inputs)
    model = keras.Model(inputs, keras.layers.Softmax()(pooled))
    report = evaluation.evaluate(model, kept, batch_size=2)
    assert report.accuracy == 1
    assert list(report.clips) == list("bcdef")
    assert report.true.tolist() == labels[1:6]
    assert sizes == [2, 2, 1]
    assert pd.factorize(report.groups)[0].tolist() == [0, 0, 1, 2, 3], "unknown artists stand alone"
    assert "bootstrap over 4 groups" in report.summary()
    assert isinstance(report.probabilities, np.ndarray)
    with pytest.raises(ValueError, match="validation"):
        evaluation.evaluate(model, kept, "validation")
    other = keras.Model(inputs, keras.layers.Softmax()(keras.layers.Dense(3)(pooled)))
    with pytest.raises(ValueError, match="another dataset"):
        evaluation.evaluate(other, kept)


@settings(max_examples=25, deadline=None)
@given(pairs, st.integers(0, 2**31))
def test_a_report_does_not_depend_on_the_order_of_clips(pairs, seed):
    true, predicted = map(np.array, zip(*pairs, strict=True))
    order = np.random.default_rng(seed).permutation(len(true))
    one, other = certain(true, predicted), certain(true[order], predicted[order])
    assert one.record() == other.record()
    assert evaluation.bootstrap(one) == evaluation.bootstrap(other)


def test_clips_are_drawn_together_with_their_artists():
    clips = pd.DataFrame({"artist": ["a", "b", "a", None], "clip": [1, 1, 2, 2]})
    assert pd.factorize(evaluation.group_labels(clips))[0].tolist() == [0, 1, 0, 2]
    assert evaluation.group_labels(clips, "clip").tolist() == [1, 1, 2, 2]
    assert evaluation.group_labels(clips.assign(artist=None)) is None
    assert evaluation.group_labels(clips[["clip"]]) is None
    alone = certain([0, 1, 2, 3], [0, 1, 2, 0], groups=list("abcd"))
    assert alone.interval == evaluation.wilson(3, 4)
    assert "Wilson, n = 4" in alone.summary()
    with pytest.raises(ValueError, match="groups has missing entries"):
        certain([0, 1], [0, 1], groups=["a", None])


@settings(deadline=None)
@given(st.floats(0.01, 0.2), st.floats(0.2, 1), st.sampled_from([0.5, 0.8, 0.95]))
def test_clips_needed_and_difference_seen_are_inverse(difference, disagree, power):
    n = evaluation.clips_needed(difference, disagree, power)
    assert evaluation.difference_seen(n, disagree, power) <= difference * (1 + 1e-9)
    if n > 1:
        assert evaluation.difference_seen(n - 1, disagree, power) > difference * (1 - 1e-9)


def test_as_many_clips_as_needed_show_it_four_times_in_five():
    """Two models disagree on a fifth of the clips and differ by 5 points: tested 400 times."""
    n, rng, seen = evaluation.clips_needed(0.05, 0.2), np.random.default_rng(0), 0
    for _ in range(400):
        kind = rng.choice(3, n, p=[0.125, 0.075, 0.8])  # only one is right, only the other, both
        one, other = (certain(np.zeros(n, int), 1 * (kind == wrong)) for wrong in (1, 0))
        seen += evaluation.compare_over_seeds([one], [other]).p_value < 0.05
    assert seen / 400 == pytest.approx(0.8, abs=0.06)
    for arguments in ((0, 0.2), (0.3, 0.2), (0.1, 0.2, 1)):
        with pytest.raises(ValueError, match=r"cannot differ|power must lie"):
            evaluation.clips_needed(*arguments)
    with pytest.raises(ValueError, match="needs n >= 1"):
        evaluation.difference_seen(0, 0.2)


def test_holm_as_worked_by_hand():
    corrected = evaluation.holm(pd.Series({"a": 0.01, "b": np.nan, "c": 0.04, "d": 0.03}))
    expected = {"a": 0.03, "b": np.nan, "c": 0.06, "d": 0.06}
    pd.testing.assert_series_equal(corrected, pd.Series(expected))
