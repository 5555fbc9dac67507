"""Figures draw what they are given, and every shown picture says what it shows."""

import inspect
import re

import matplotlib

matplotlib.use("agg")

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from prcnn import plots
from prcnn.plots import reports
from prcnn.plots.style import show, use_style
from prcnn.study import paper
from prcnn.study import plots as study_plots


@pytest.fixture(autouse=True)
def style():
    use_style()
    yield
    plt.close("all")


def test_show_gives_a_small_picture_with_alternative_text():
    plt.close("all")  # what tests of other files left open
    ax = plt.subplots()[1]
    page = show(ax, alt='A curve called "loss" < 1').data
    assert 'alt="A curve called &quot;loss&quot; &lt; 1"' in page
    assert re.search("data:image/(png|webp);base64,", page)
    assert len(page) < 30_000
    assert not plt.get_fignums(), "the figure is closed"


def test_show_refuses_a_picture_without_text():
    with pytest.raises(ValueError, match="alternative text"):
        show(plt.subplots()[1], alt=" ")


def test_learning_curves_mark_the_epoch_that_was_kept():
    history = pd.DataFrame(
        {"accuracy": [0.1, 0.5, 0.9], "val_accuracy": [0.2, 0.6, 0.4]},
        index=pd.Index([1, 2, 3], name="epoch"),
    )
    ax = reports.learning_curves(history)
    assert "kept: epoch 2" in ax.get_legend_handles_labels()[1]


def test_confusion_shows_true_genres_from_the_top_and_every_count():
    ax = reports.confusion(paper.CONFUSION_FIGURE2)
    assert [label.get_text() for label in ax.get_yticklabels()] == paper.GENRES
    low, high = ax.get_ylim()
    assert low > high, "the first genre is the top row"
    counts = [int(text.get_text()) for text in ax.texts]
    assert counts == paper.CONFUSION_FIGURE2.to_numpy().ravel().tolist()
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("true", "predicted")


def test_accuracies_draw_the_interval_and_put_the_best_on_top():
    table = pd.DataFrame(
        {"accuracy": [0.4, 0.7], "low": [0.3, 0.6], "high": [0.5, 0.8]}, index=["a", "b"]
    )
    ax = reports.accuracies(table, chance=0.125)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b", "a"]
    assert ax.yaxis_inverted()
    segments = ax.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose(segments[0][:, 0], [60, 80])
    seeds = table.assign(seeds=[[0.3, 0.5], np.nan])  # what is no list has a single run
    dots = [line for line in reports.accuracies(seeds).lines if line.get_color() == "C1"]
    np.testing.assert_allclose(dots[0].get_xdata(), [30, 50])
    assert len(dots) == 1


def test_forest_draws_every_comparison_under_its_question():
    numbers = {"difference": [0.05, -0.02, 0.0], "low": [0.01, -0.06, -0.02]}
    numbers |= {"high": [0.09, 0.02, 0.02], "seeds": [[0.04, 0.06], [-0.02], [0.0]]}
    index = pd.MultiIndex.from_tuples([("One?", "a"), ("One?", "b"), ("Two?", "c")])
    table = pd.DataFrame(numbers, index).assign(reference=["r", "r", "s"])
    ax = reports.forest(table)
    assert [text.get_text() for text in ax.texts] == ["One?  (beside r)", "Two?  (beside s)"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert list(ax.get_yticks()) == [1, 2, 4]
    segments = ax.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([s[:, 0] for s in segments], [[1, 9], [-6, 2], [-2, 2]])
    dots = [line for line in ax.lines if line.get_color() == "C1"]
    np.testing.assert_allclose(dots[0].get_xdata(), [4, 6])
    assert ax.yaxis_inverted()
    band = ax.patches[0].get_path().get_extents().transformed(ax.patches[0].get_patch_transform())
    assert (band.x0, band.x1) == (-3, 3), "inside it is a tie"
    plain = reports.forest(table.droplevel(0), ax=plt.subplots()[1])
    assert not plain.texts and list(plain.get_yticks()) == [0, 1, 2]


def test_two_studies_share_the_rows_of_a_forest():
    index = pd.MultiIndex.from_tuples([("One?", "a"), ("Two?", "c")])
    numbers = {"difference": [0.05, -0.02], "low": [0.01, -0.06], "high": [0.09, 0.02]}
    one = pd.DataFrame(numbers, index).assign(reference="r")
    other = one.iloc[:1].rename(index={"a": "b"}, level=1)  # a row that the first has not
    ax = reports.forest({"real": one, "made": pd.concat([other, one.iloc[1:]])})
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]
    assert [text.get_text() for text in ax.texts] == ["One?  (beside r)", "Two?  (beside r)"]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["real", "made"]
    alone = reports.forest({"made": one}, ax=plt.subplots()[1])
    assert [text.get_text() for text in alone.get_legend().get_texts()] == ["made"]
    first, second = (c.lines[0].get_ydata() for c in ax.containers)
    np.testing.assert_allclose(first, [1 - 0.13, 4 - 0.13])
    np.testing.assert_allclose(second, [2 + 0.13, 4 + 0.13])


def test_scores_put_the_first_genre_on_top():
    ax = reports.scores(np.eye(8)[2], paper.GENRES, true="Folk")
    assert ax.yaxis_inverted()
    assert ax.patches[2].get_hatch() == "///"


def test_axes_given_are_axes_returned():
    ax = plt.subplots()[1]
    assert reports.scores(np.full(8, 1 / 8), paper.GENRES, ax=ax) is ax


def test_every_figure_takes_axes():
    for module in (plots, study_plots):
        for name, drawn in inspect.getmembers(module, inspect.isfunction):
            if name not in {"player", "question", "show", "use_style"}:
                assert inspect.signature(drawn).parameters["ax"].default is None, name


def test_a_clip_and_what_was_heard_stand_side_by_side():
    from prcnn.spectrogram import PAPER

    ax = reports.heard(np.zeros(PAPER.shape), np.full(8, 1 / 8), paper.GENRES, "Folk", PAPER)
    assert len(ax.figure.axes) == 2


def test_segments_draw_a_line_a_fold_and_their_mean():
    epochs = pd.RangeIndex(1, 4, name="epoch")
    curves = {
        "at random": pd.DataFrame({0: [0.2, 0.6, 0.9], 1: [0.4, 0.8, 0.9]}, index=epochs),
        "by clip": pd.DataFrame({0: [0.2, 0.3, 0.4]}, index=epochs),
    }
    ax = study_plots.segments(curves, published=92)
    assert [t.get_text() for t in ax.get_legend().get_texts()] == [*curves, "published"]
    thick = [line for line in ax.lines if line.get_lw() == 2.5]
    np.testing.assert_allclose(thick[0].get_ydata(), [30, 70, 90])
    assert len(ax.lines) == 3 + 2 + 1
