"""Figures of sound and the player: what they show is what they were given."""

import base64
import io
import re

import librosa
import matplotlib

matplotlib.use("agg")

import numpy as np
import pandas as pd
import pytest
import soundfile
from matplotlib import pyplot as plt

from prcnn.audio import AudioError
from prcnn.plots import signal
from prcnn.plots.player import player
from prcnn.spectrogram import AUTHORS, FENG, PAPER

SR = 22050


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def tone(hz, seconds, sr=SR):
    return 0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * sr)) / sr)


def heard(page):
    """The sound inside a player: samples and sampling rate."""
    return soundfile.read(io.BytesIO(base64.b64decode(re.search('base64,([^"]+)', page)[1])))


def pitch(y, sr):
    return np.argmax(np.abs(np.fft.rfft(y))) * sr / y.size


@pytest.mark.parametrize("sr", [8000, 22050, 44100])
def test_the_player_plays_the_stretch_asked_for(sr):
    y = np.concatenate([tone(440, 3, sr), tone(880, 3, sr)])
    sound, rate = heard(player(y, sr, seconds=2.0, offset=3.5).data)
    assert 2.0 <= sound.size / rate < 2.2
    assert pitch(sound, rate) == pytest.approx(880, abs=2)


def test_the_player_plays_a_file_and_stereo(tmp_path):
    path = tmp_path / "tone.wav"
    soundfile.write(path, np.stack([tone(330, 6, 44100)] * 2, axis=1), 44100)
    for what in (path, str(path), np.stack([tone(330, 6)] * 2)):
        sound, rate = heard(player(what).data)
        assert pitch(sound, rate) == pytest.approx(330, abs=2)
        assert 4.0 <= sound.size / rate < 4.2


def test_the_player_is_small_and_names_what_is_heard():
    page = player(tone(440, 4), label='"Füür" & <wasser>').data
    assert len(page) < 24_000  # 4 s at 32 kbit/s, in base64
    assert 'aria-label="&quot;Füür&quot; &amp; &lt;wasser&gt;"' in page


def test_what_is_too_loud_is_turned_down_and_nothing_is_an_error():
    sound, _ = heard(player(9 * tone(440, 1)).data)
    assert 0.9 < np.abs(sound).max() < 1.1
    with pytest.raises(AudioError):
        player(tone(440, 1), offset=2.0)


def test_a_spectrogram_is_drawn_upright_with_time_and_hz():
    values = np.full(PAPER.shape, -80.0)
    values[100:200, 5] = 0
    ax = signal.spectrogram(values, PAPER)
    image = ax.get_images()[0]
    shown = image.get_array()
    assert shown.shape[0] <= 128
    assert np.unravel_index(shown.argmax(), shown.shape)[0] == round(5 * shown.shape[0] / 128)
    assert shown[:, : shown.shape[1] // 7].max() == -80
    assert image.origin == "lower"
    assert ax.get_xlim()[1] == pytest.approx(640 * 512 / 22050)
    heights = dict(zip([t.get_text() for t in ax.get_yticklabels()], ax.get_yticks(), strict=True))
    assert heights["1000"] / 128 == pytest.approx(
        librosa.hz_to_mel(1000) / librosa.hz_to_mel(11025)
    )
    ax = signal.spectrogram(np.zeros(FENG.shape), "feng", colorbar=False)
    assert ax.get_ylim()[1] == 513


def test_a_waveform_keeps_its_extremes():
    y = tone(440, 10)
    y[1234] = 0.99
    ax = signal.waveform(y)
    assert ax.dataLim.y1 == pytest.approx(0.99)
    assert len(signal.waveform(y[:1000]).lines[0].get_ydata()) == 1000


def test_reach_and_the_other_figures_draw():
    ax = signal.reach(tone(440, 30), [PAPER, AUTHORS])
    words = " ".join(text.get_text() for text in ax.texts)
    assert "14.9 s" in words
    assert "29.7 s" in words
    costs = pd.DataFrame({"decode": [3.0, 4.0], "STFT": [1.0, 2.0]}, index=["a", "b"])
    ends = [bar.get_x() + bar.get_width() for bar in signal.stage_costs(costs).patches]
    assert max(ends) == 6.0
    assert len(signal.mel_bands().lines) == 16
    assert signal.mel_scale().lines
