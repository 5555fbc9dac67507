"""A song is cut into windows as training's clips are; every kind of listener is understood."""

import dataclasses
import re

import keras
import matplotlib
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from make import SHARED, genres, music, tone
from matplotlib import pyplot as plt

import prcnn
from prcnn import audio, models, plots, store, training
from prcnn.listening import Listening, clock, occlusion_map
from prcnn.listening.network import find_network
from prcnn.listening.song import _windows
from prcnn.spectrogram import AUTHORS, FENG, IMAGES, PAPER, Settings, log_mel

matplotlib.use("agg")
SR = 22050
# Small, so that many windows cost nothing: 2 s of sound in 40 frames of 16 bands.
SMALL = Settings("small", hop_length=1102, n_mels=16, n_frames=40)
KNOWN = {"settings": SMALL, "genres": ["low", "high"]}


def brightness_of(settings):
    """Stands in for training: a network that says 'high' as its upper bands are louder."""
    frames, bands = settings.shape
    x = keras.Input((frames, bands))
    out = keras.layers.Dense(2, activation="softmax", use_bias=False)
    model = keras.Model(x, out(keras.layers.GlobalAveragePooling1D()(x)), name="brightness")
    lower = np.arange(bands) < bands // 2
    out.set_weights([np.float32([lower, ~lower]).T / bands])
    return model


@pytest.fixture(scope="module")
def hear():
    """Classify files, or samples at 22,050 Hz, with one small network."""
    model = brightness_of(SMALL)
    return lambda song, **options: prcnn.classify(song, model, **{"sr": SR} | KNOWN | options)


def low_then_high(seconds, sr=SR, silence=0):
    return np.concatenate(
        [tone(200, seconds, sr), np.zeros(silence * sr, np.float32), tone(8000, seconds, sr)]
    )


def test_what_is_heard_changes_with_the_music(hear, tmp_path):
    y = low_then_high(20, 48000)
    soundfile.write(tmp_path / "song.flac", np.stack([y, 0.5 * y], axis=1), 48000)
    heard = hear(tmp_path / "song.flac")
    assert heard.duration == pytest.approx(40, abs=0.001)
    assert heard.window == pytest.approx(SMALL.seconds, abs=1e-4)
    np.testing.assert_allclose(np.diff(heard.times)[:-1], SMALL.seconds / 2, atol=1e-4)
    assert heard.times[-1] + heard.window / 2 == pytest.approx(40, abs=1.01)
    np.testing.assert_allclose(heard.probabilities.sum(axis=1), 1, atol=1e-6)
    np.testing.assert_allclose(heard.peaks, 0.225, atol=0.01)
    parts = heard.parts
    assert parts["genre"].tolist() == ["low", "high"]
    assert parts["start"].tolist() == pytest.approx([0, 20], abs=SMALL.seconds / 2)
    assert parts["end"].tolist() == pytest.approx([20, 40], abs=SMALL.seconds / 2)
    assert heard.table.loc[:15, "low"].min() > 0.9 and heard.table.loc[25:, "high"].min() > 0.9
    assert str(heard).startswith("song.flac, 0:40: ")
    assert "0:20  low" in str(heard) and "brightness" in str(heard) and not heard.notes

    ax = plots.over_time(heard)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["low", "high"]
    assert ax.get_xlim() == (0, pytest.approx(40))
    assert ax.xaxis.get_major_formatter()(59.7, None) == "1:00"
    np.testing.assert_allclose(ax.collections[0].get_array(), heard.probabilities.T)
    times, leads = ax.lines[0].get_data()
    assert (leads == (times > 20))[np.abs(times - 20) > heard.window].all()
    plt.close("all")


def test_windows_are_clips_of_their_own(hear):
    y = np.random.default_rng(0).normal(0, 0.1, 10 * SR).astype(np.float32)
    y *= np.linspace(0.01, 1, y.size, dtype=np.float32)  # loud at the end: each has its reference
    heard = hear(y, hop=1.5)
    assert len(heard.times) > 4
    for time, p in zip(heard.times, heard.probabilities, strict=True):
        start = round((time - heard.window / 2) * SR)
        alone = hear(y[start : start + round(heard.window * SR)])
        np.testing.assert_allclose(p, alone.probabilities[0], atol=1e-6)
    quiet, late = hear(0.1 * y, hop=1.5), dataclasses.replace(SMALL, offset=1.0)
    np.testing.assert_allclose(quiet.probabilities, heard.probabilities, atol=1e-4)
    skipped = hear(y, hop=1.5, settings=late)  # the start of clips, not of windows
    np.testing.assert_array_equal(skipped.probabilities, heard.probabilities)


@given(st.integers(1, 500_000), st.floats(1.0, 31), st.floats(0.1, 60), st.just(1000))
def test_windows_cover_the_song_and_stay_inside(n, window, hop, sr):
    starts, length = _windows(n, sr, window, hop)
    assert starts[0] == 0 and 0 <= n - (starts[-1] + length) <= sr  # a second goes unheard at most
    assert length == (round(window * sr) if len(starts) > 1 else n)
    gaps = np.diff(starts)
    assert (gaps > 0).all() and (gaps <= hop * sr + 1).all()


def test_short_songs_are_one_window_and_say_so_shorter_ones_are_refused(hear, tmp_path):
    y = tone(8000, 1.4)
    heard = hear(y)
    assert heard.times == pytest.approx([0.7], abs=1e-3) and heard.window == pytest.approx(1.4)
    expected = brightness_of(SMALL).predict(log_mel(y, SMALL, SR)[None], verbose=0)  # with silence
    np.testing.assert_allclose(heard.probabilities, expected, atol=1e-6)
    assert "one window" in str(heard) and "over time" not in str(heard)
    assert "it lasts 1.4 s; the network learned from 2.0 s" in str(heard)
    assert not hear(tone(8000, 1.99)).notes, "FMA's clips last 29.98 s"
    soundfile.write(tmp_path / "short.wav", y[: SR // 2], SR)
    with pytest.raises(audio.AudioError, match=r"short\.wav: 0\.50 s of sound"):
        hear(tmp_path / "short.wav")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.mp3: no such file"):
        hear(tmp_path / "nowhere.mp3")


def test_a_copy_without_treble_is_said_to_be_one():
    y = np.random.default_rng(0).normal(0, 0.1, 30 * 44100).astype(np.float32)
    phone = audio.resample(audio.resample(y, 44100, 16000), 16000, 44100)
    (note,) = prcnn.classify(phone, sr=44100).notes
    assert 7.5 < float(re.search(r"nothing sounds above ([\d.]+) kHz", note)[1]) < 8.6
    assert not prcnn.classify(y, sr=44100).notes
    assert not prcnn.classify(audio.resample(y, 44100, 32000), sr=32000).notes, "as many MP3s"


@pytest.mark.filterwarnings("error")
def test_silence_is_no_music(hear):
    heard = hear(np.zeros(10 * SR))
    assert heard.answer == "no music" and heard.genre is None and not heard.notes
    assert heard.mean.isna().all() and heard.parts["genre"].isna().all()
    assert str(heard).startswith("waveform, 0:10: no music\nsilent in the frames")
    with pytest.raises(audio.AudioError, match="waveform: silent"):
        occlusion_map(np.zeros(10 * SR), brightness_of(SMALL), sr=SR, **KNOWN)
    heard = hear(low_then_high(6, silence=8))
    silent = np.isnan(heard.probabilities).all(axis=1)
    assert silent.any() and [*heard.unheard] == heard.times[silent].tolist()
    assert heard.mean.sum() == pytest.approx(1) and heard.parts["genre"].isna().sum() == 1
    assert "(nothing)" in str(heard)


@pytest.mark.parametrize("p", [0.4, 0.494, 0.496, 0.4994, 0.4995, 0.49951, 0.5, 0.6])
def test_it_is_sure_from_one_half_on_as_printed(p):
    said = np.array([[0.1, p, 0.9 - p]]), np.zeros(3), {}
    heard = Listening("a.mp3", "n", "s", ["a", "b", "c"], 9.0, 9.0, np.array([4.5]), *said)
    printed = float(re.search(rf"{heard.genre} +([\d.]+) %", str(heard))[1])
    assert (heard.answer == heard.genre) == (printed >= 50)
    assert ("not sure, most likely" in str(heard)) == (printed < 50)


def test_of_several_songs_none_ends_the_others(hear, tmp_path, monkeypatch):
    for name, hz in (("b.wav", 8000), ("a.flac", 200), ("sub/a.flac", 200)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, tone(hz, 5), SR)
    (tmp_path / "notes.txt").write_text("no sound")
    expected = [("a.flac", "low"), ("b.wav", "high"), ("sub/a.flac", "low")]
    found = [(heard.source, heard.genre) for heard in hear(tmp_path)]
    assert found == [(f"{tmp_path}/{name}", genre) for name, genre in expected]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert hear("~/b.wav").genre == "high"
    assert [h.genre for h in hear(["~/b.wav", tmp_path / "a.flac"])] == ["high", "low"]
    assert [h.genre for h in hear("~/sub")] == ["low"]

    (tmp_path / "broken.mp3").write_text("no music")
    (tmp_path / "sub" / "broken.mp3").write_text("no music")
    load = audio.load

    def stumble(path, *options):
        if path.name == "b.wav":
            raise UnicodeDecodeError("utf-8", b"\xe9", 0, 1, "a decoder's own trouble")
        return load(path, *options)

    monkeypatch.setattr(audio, "load", stumble)
    with pytest.warns(UserWarning) as warned:
        assert [heard.genre for heard in hear(tmp_path)] == ["low", "low"]
    (said,) = (str(one.message) for one in warned)
    assert said.startswith("3 of 5 files cannot be used.")
    for name, why in (
        ("broken.mp3", "does not"),
        ("sub/broken.mp3", "does not"),
        ("b.wav", ".*own"),
    ):
        assert re.search(rf"\n{tmp_path}/{name}: {why}", said), said
    (tmp_path / "empty").mkdir()
    with pytest.raises(audio.AudioError, match="no sound file in it"):
        hear(tmp_path / "empty")
    with pytest.raises(audio.AudioError, match=r"1 of 1 files.*\n.*nowhere\.mp3: no such file"):
        hear(["nowhere.mp3"])


def test_what_decided_is_where_the_sound_is():
    """A high tone in the second half: its frames and its bands speak for "high", no others."""
    network, options = brightness_of(SMALL), {"sr": SR, "genre": "high", **KNOWN}
    found = occlusion_map(low_then_high(1), network, parts=(4, 4), **options)
    assert found.genre == "high" and found.start == 0
    covered = np.stack([found.mel] * 2)
    covered[1, 20:30, 12:16] = found.mel[:, 12:16].mean(axis=0)
    whole, left = network.predict(covered, verbose=0)[:, 1]
    assert found.probability == pytest.approx(whole, abs=1e-6)
    assert found.drops.index.tolist() == [0, 10, 20, 30]
    assert found.drops.loc[20, 12] == pytest.approx(whole - left, abs=1e-6)
    assert found.drops.loc[20:, 12].min() > 0.1, "the tone"
    assert found.drops.loc[:10, 12].max() < -0.1, "its bands before it began"
    assert found.drops[[4, 8]].abs().max(axis=None) < 0.05, "bands in which nothing changes"
    later = occlusion_map(low_then_high(6), network, parts=(1, 1), **options)
    assert later.start > 5, "the window that speaks most for it"
    with pytest.raises(ValueError, match="network knows: low, high"):
        occlusion_map(low_then_high(1), network, **options | {"genre": "Jazz"})
    with pytest.raises(ValueError, match=r"parts=\(41, 1\) of a spectrogram of \(40, 16\)"):
        occlusion_map(low_then_high(1), network, parts=(41, 1), **options)
    ax = plots.occlusion(found)
    np.testing.assert_allclose(ax.collections[0].get_array(), 100 * found.drops.to_numpy().T)
    assert ax.get_xlim()[1] == pytest.approx(40 * SMALL.step)
    plt.close("all")


def test_one_recording_has_one_answer(tmp_path):
    """Whoever brings the weights, whatever the rate of the file, and where samples are given."""
    y, song, half = music(46, 44100), tmp_path / "song.wav", tmp_path / "half.wav"
    soundfile.write(song, y, 44100, subtype="FLOAT")
    soundfile.write(half, audio.resample(y, 44100, SR), SR)
    heard, network = prcnn.classify(song), find_network("beyond")[0]
    assert heard.network == "beyond" and heard.settings == "images"
    assert heard.window == 30 and np.diff(heard.times)[0] == 15
    expected = network.predict(log_mel(song, IMAGES)[None], verbose=0)[0]
    np.testing.assert_allclose(heard.probabilities[0], expected, atol=1e-5)
    samples = prcnn.classify(y, sr=44100).probabilities
    np.testing.assert_allclose(samples, heard.probabilities, atol=1e-5)
    own = {"settings": "images", "genres": models.card("beyond")["genres"]}
    record = {"store": own | {"settings": dataclasses.asdict(IMAGES)}}
    by_run = prcnn.classify(half, training.Run(network, None, None, record))
    for other in (by_run, prcnn.classify(half, network, **own)):
        same = prcnn.classify(half).probabilities
        np.testing.assert_allclose(other.probabilities, same, atol=1e-5)
    for sr in (None, 0, -1):
        with pytest.raises(ValueError, match="give sr"):
            prcnn.classify(y, sr=sr)


def test_a_run_says_its_own_genres(hear, tmp_path):
    clips = prcnn.datasets.load(genres(tmp_path / "music", n=10, seconds=2.5))
    made = store.extract(clips, SMALL, n_jobs=1, out=tmp_path / "store", progress=False)
    network = brightness_of(SMALL)
    run = training.train(network, made, epochs=1, out=tmp_path / "run", progress=False)
    brightness = keras.models.clone_model(network)
    brightness.set_weights(network.get_weights())
    for model in (run, tmp_path / "run", run.model):
        heard = prcnn.classify(tone(200, 9), model, sr=SR)
        assert (heard.genres, heard.settings, heard.network) == (made.genres, "small", network.name)
        same = prcnn.classify(tone(200, 9), brightness, sr=SR, settings=SMALL, genres=made.genres)
        np.testing.assert_allclose(heard.probabilities, same.probabilities, atol=1e-6)
    run.record["store"]["settings"] = "mfcc statistics"
    with pytest.raises(ValueError, match=r"other features .*\(mfcc statistics\)"):
        prcnn.classify(tone(200, 9), run, sr=SR)
    with pytest.raises(FileNotFoundError, match="no trained network"):
        prcnn.classify(tone(200, 9), tmp_path / "nothing", sr=SR)


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("figur2", {}, "figur2.*beyond, dwivedi, figure2"),
        ("cnn5", {}, "trained first"),
        (3, {}, "3 is no run"),
        ("runs/x", {"download": True}, "for published weights"),
        ("figure2", {"genres": list("abcdefgh")}, "know theirs"),
        ("figure2", {}, r"download=True to fetch them from https.*weights="),
        (None, {"genres": None}, "2 outputs mean: give settings and genres"),
        (None, {"genres": list("abc")}, r"tells 2 genres apart.*3 genres are named: a, b, c"),
        (None, {"settings": "paper"}, r"of \(40, 16\) and .* make them of \(640, 128\)"),
        (None, {"hop": 0}, "hop, seconds"),
    ],
)
def test_what_cannot_listen_is_named(model, options, message, data_home):
    if model is None:
        model, options = brightness_of(SMALL), KNOWN | options
    with pytest.raises(ValueError, match=message):
        prcnn.classify(tone(200, 40), model, sr=SR, **options)


@pytest.mark.parametrize(
    ("settings", "seconds"), [(PAPER, PAPER.seconds), (FENG, FENG.seconds), (AUTHORS, 30.0)]
)
def test_windows_are_as_long_as_the_clips_that_networks_learned(settings, seconds):
    options = KNOWN | {"settings": settings}
    heard = prcnn.classify(tone(200, 65), brightness_of(settings), sr=SR, **options)
    assert heard.window == pytest.approx(seconds, abs=1e-4)


def test_the_authors_weights_hear_a_clip_as_evaluation_does(clips_and_weights, data_home, tmp_path):
    weights = clips_and_weights / "authors_checkpoints"
    clip = clips_and_weights / "fma/fma_small/000/000002.mp3"
    heard = prcnn.classify(clip, "figure2", weights=weights)
    if clips_and_weights == SHARED:  # the published weights and a real clip
        assert heard.mean["Hip-Hop"] == pytest.approx(0.99838, abs=1e-3)
    model = models.load_checkpoint("figure2", weights)
    whole = model.predict(log_mel(clip, AUTHORS)[None], verbose=0)
    np.testing.assert_allclose(heard.probabilities, whole, atol=1e-6)
    y = audio.load(clip, 48000)
    soundfile.write(tmp_path / "long.wav", np.stack([np.tile(y, 2)] * 2, axis=1), 48000)
    long = prcnn.classify(tmp_path / "long.wav", "figure2", weights=weights)
    assert len(long.times) == 3 and long.genre == heard.genre
    np.testing.assert_allclose(long.probabilities[0], heard.probabilities[0], atol=0.01)
    file = models.CHECKPOINTS["figure2"].file
    (data_home / "checkpoints").mkdir()
    (data_home / "checkpoints" / file).symlink_to(weights / file)
    again = prcnn.classify(clip, "figure2")  # as if they had been downloaded before
    np.testing.assert_array_equal(again.probabilities, heard.probabilities)


def test_small_things():
    assert [clock(s) for s in (0, 59.4, 59.6, 3661)] == ["0:00", "0:59", "1:00", "61:01"]
    assert "classify" in dir(prcnn) and prcnn.classify is prcnn.listening.classify
    assert find_network("beyond")[0] is find_network("beyond")[0], "built once"
