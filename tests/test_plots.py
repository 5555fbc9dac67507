"""Figures and players show what they were given, and every shown picture says what it shows."""

import base64
import inspect
import io
import re
import warnings

import librosa
import matplotlib
import numpy as np
import pandas as pd
import pytest
import soundfile
from make import tone
from matplotlib import pyplot as plt
from matplotlib.text import Text

from prcnn import plots
from prcnn.audio import AudioError
from prcnn.spectrogram import FENG, PAPER
from prcnn.study import facts

matplotlib.use("agg")


@pytest.fixture(autouse=True)
def style():
    plt.close("all")
    plots.use_style()
    yield
    plt.close("all")


def labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def test_show_gives_a_small_picture_with_alternative_text():
    page = plots.show(plt.subplots()[1], alt='A curve called "loss" < 1').data
    assert 'alt="A curve called &quot;loss&quot; &lt; 1"' in page
    assert "data:image/webp;base64," in page and len(page) < 30_000
    assert not plt.get_fignums(), "the figure is closed"
    with pytest.raises(ValueError, match="alternative text"):
        plots.show(plt.subplots()[1], alt=" ")


def test_the_line_over_a_picture_is_where_the_sound_is():
    ax = plots.waveform(tone(440, 10))
    ax.set_position([0.25, 0.2, 0.5, 0.6])
    page = plots.show(ax, "a tone", tone(440, 10), offset=2.0).data
    left, right, start, end = map(float, re.findall(r'data-\w+="([-\d.]+)"', page))
    assert (start, end) == (-2, 8) and "<audio" in page
    assert 0 < left < 0.3 and 0.9 < right <= 1


STRANGE = ["R&B_$oul_$", "$x$", "a^b_c", "50 % $\\frac"]


@pytest.mark.parametrize("styled", [True, False])
def test_names_are_drawn_as_they_are_written(styled):
    if not styled:
        matplotlib.rcdefaults()
    table = pd.DataFrame({"accuracy": 0.5, "low": 0.4, "high": 0.6, "difference": 0.1}, STRANGE)
    matrix = pd.DataFrame(np.eye(4, dtype=int), STRANGE, STRANGE)
    for ax in (
        plots.confusion(matrix, title=STRANGE[0]),
        plots.accuracies(table),
        plots.forest(table),
        plots.genre_bars(np.ones(4) / 4, STRANGE),
    ):
        ax.figure.canvas.draw()
        assert sorted(labels(ax.yaxis)) == sorted(STRANGE)
    ax = plt.subplots()[1]
    ax.bar(STRANGE, [1, 2, 3, 4])  # a page's own figure
    ax.set(title="a $ and another $_", yscale="log")
    assert "<img" in plots.show(ax, "bars").data
    math = {text.get_text(): text.get_parse_math() for text in ax.findobj(Text)}
    assert not math["a $ and another $_"] and not any(math[name] for name in STRANGE[:2])
    assert math["$\\mathdefault{10^{0}}$"], "matplotlib's own labels are formulas"


def test_characters_that_a_font_lacks_come_from_another_or_are_asked_for():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plots.show(plots.genre_bars([1], ["\ue123"]), "one of matplotlib's own fonts has this")
    with pytest.warns(UserWarning, match="install Noto Sans CJK"):
        plots.show(plots.genre_bars([1], ["\U000f1234"]), "and none this")


def test_learning_curves_mark_the_epoch_that_was_kept():
    history = pd.DataFrame(
        {"accuracy": [0.1, 0.5, 0.9], "val_accuracy": [0.2, 0.6, 0.4]}, [1, 2, 3]
    )
    ax = plots.learning_curves(history)
    assert "kept: epoch 2" in ax.get_legend_handles_labels()[1]


def test_confusion_shows_true_genres_from_the_top_and_every_count():
    ax = plots.confusion(facts.CONFUSION_FIGURE2)
    assert labels(ax.yaxis) == labels(ax.xaxis) == facts.GENRES
    assert ax.yaxis_inverted(), "the first genre is the top row"
    counts = [int(text.get_text()) for text in ax.texts]
    assert counts == facts.CONFUSION_FIGURE2.to_numpy().ravel().tolist()
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("true", "predicted")


def test_accuracies_draw_the_interval_and_put_the_best_on_top():
    numbers = {"accuracy": [0.4, 0.7], "low": [0.3, 0.6], "high": [0.5, 0.8]}
    table = pd.DataFrame(numbers, index=["a", "b"])
    ax = plots.accuracies(table.assign(seeds=[[0.3, 0.5], np.nan]), chance=0.125)
    assert labels(ax.yaxis) == ["b", "a"] and ax.yaxis_inverted()
    segments = ax.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose(segments[0][:, 0], [60, 80])
    (dots,) = [line for line in ax.lines if line.get_color() == "C1"]  # a single run is no dot
    np.testing.assert_allclose(dots.get_xdata(), [30, 50])


def test_forest_draws_every_comparison_under_its_question():
    numbers = {"difference": [0.05, -0.02, 0.0], "low": [0.01, -0.06, -0.02]}
    numbers |= {"high": [0.09, 0.02, 0.02], "seeds": [[0.04, 0.06], [-0.02], [0.0]]}
    index = pd.MultiIndex.from_tuples([("One?", "a"), ("One?", "b"), ("Two?", "c")])
    table = pd.DataFrame(numbers, index).assign(reference=["r", "r", "s"])
    ax = plots.forest(table)
    assert [text.get_text() for text in ax.texts] == ["One?  (beside r)", "Two?  (beside s)"]
    assert labels(ax.yaxis) == ["a", "b", "c"] and list(ax.get_yticks()) == [1, 2, 4]
    segments = ax.containers[0].lines[2][0].get_segments()
    np.testing.assert_allclose([s[:, 0] for s in segments], [[1, 9], [-6, 2], [-2, 2]])
    dots = [line for line in ax.lines if line.get_color() == "C1"]
    np.testing.assert_allclose(dots[0].get_xdata(), [4, 6])
    band = ax.patches[0].get_path().get_extents().transformed(ax.patches[0].get_patch_transform())
    assert (band.x0, band.x1) == (-2, 2), "inside it is a tie"
    assert not plots.forest(table.droplevel(0)).texts
    # Two studies, of which each has a row that the other lacks, share the rows.
    other = table.drop(columns="seeds").rename(index={"b": "d"}, level=1)
    ax = plots.forest({"real": table, "made": other})
    assert labels(ax.yaxis) == ["a", "b", "d", "c"] and ax.yaxis_inverted()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["real", "made"]
    first, second = (c.lines[0].get_ydata() for c in ax.containers)
    np.testing.assert_allclose(first, np.array([1, 2, 5]) - 0.13)
    np.testing.assert_allclose(second, np.array([1, 3, 5]) + 0.13)


def test_genre_bars_put_the_first_genre_on_top():
    ax = plots.genre_bars(np.eye(8)[2], facts.GENRES, true="Folk")
    assert ax.yaxis_inverted() and labels(ax.yaxis) == facts.GENRES
    assert [patch.get_hatch() for patch in ax.patches] == [None] * 2 + ["///"] + [None] * 5
    assert [patch.get_width() for patch in ax.patches] == [0, 0, 100, 0, 0, 0, 0, 0]


def test_every_figure_takes_axes_and_gives_them_back():
    for name, drawn in inspect.getmembers(plots, inspect.isfunction):
        if name not in {"player", "question", "show", "use_style"}:
            assert inspect.signature(drawn).parameters["ax"].default is None, name
    ax = plt.subplots()[1]
    assert plots.genre_bars(np.full(8, 1 / 8), facts.GENRES, ax=ax) is ax


def test_a_spectrogram_is_drawn_upright_with_time_and_hz():
    values = np.full(PAPER.shape, -80.0)
    values[100:200, 5] = 0
    ax = plots.spectrogram(values, PAPER)
    (image,) = ax.get_images()
    shown = image.get_array()
    assert shown.shape[0] <= 128 and image.origin == "lower"
    assert np.unravel_index(shown.argmax(), shown.shape)[0] == round(5 * shown.shape[0] / 128)
    assert shown[:, : shown.shape[1] // 7].max() == -80
    assert ax.get_xlim()[1] == pytest.approx(640 * 512 / 22050)
    heights = dict(zip(labels(ax.yaxis), ax.get_yticks(), strict=True))
    share = librosa.hz_to_mel(1000) / librosa.hz_to_mel(11025)
    assert heights["1000"] / 128 == pytest.approx(share)
    ax = plots.spectrogram(np.zeros(FENG.shape), "feng", colorbar=False)
    assert ax.get_ylim()[1] == 513


def test_a_waveform_keeps_its_extremes():
    y = tone(440, 10)
    y[1234] = 0.99
    assert plots.waveform(y).dataLim.y1 == pytest.approx(0.99)
    assert len(plots.waveform(y[:1000]).lines[0].get_ydata()) == 1000


def heard(page):
    """The sound inside a player: its pitch in Hz, its seconds and its loudest sample."""
    file = io.BytesIO(base64.b64decode(re.search('base64,([^"]+)', page)[1]))
    y, sr = soundfile.read(file)
    return np.argmax(np.abs(np.fft.rfft(y))) * sr / y.size, y.size / sr, np.abs(y).max()


@pytest.mark.parametrize("sr", [8000, 22050, 44100])
def test_the_player_plays_the_stretch_asked_for(sr):
    y = np.concatenate([tone(440, 3, sr), tone(880, 3, sr)])
    pitch, seconds, _ = heard(plots.player(y, sr, seconds=2.0, offset=3.5).data)
    assert pitch == pytest.approx(880, abs=2) and 2.0 <= seconds < 2.2


def test_the_player_plays_files_and_stereo_small_and_named_and_never_too_loud(tmp_path):
    path = tmp_path / "tone.wav"
    soundfile.write(path, np.stack([tone(330, 6, 44100)] * 2, axis=1), 44100)
    for what in (path, str(path), np.stack([tone(330, 6)] * 2)):
        page = plots.player(what, label='"Füür" & <wasser>').data
        pitch, seconds, _ = heard(page)
        assert pitch == pytest.approx(330, abs=2) and 4.0 <= seconds < 4.2
        assert len(page) < 24_000  # 4 s at 32 kbit/s, in base64
        assert 'aria-label="&quot;Füür&quot; &amp; &lt;wasser&gt;"' in page
    assert 0.9 < heard(plots.player(tone(440, 1, gain=5)).data)[2] < 1.1
    with pytest.raises(AudioError):
        plots.player(tone(440, 1), offset=2.0)
