"""A song is cut into windows as training's clips are; every kind of listener is understood."""

import dataclasses

import matplotlib

matplotlib.use("agg")

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot as plt

import prcnn
from prcnn import audio, models, plots, training
from prcnn.listening import SURE, clock
from prcnn.listening.listener import listener
from prcnn.listening.song import _windows
from prcnn.spectrogram import AUTHORS, FENG, IMAGES, PAPER, Settings, log_mel
from prcnn.training import Run

SR = 22050
GENRES = list("abcdefgh")
# Small, so that many windows cost nothing: 2 s of sound in 40 frames of 16 bands.
SMALL = Settings("small", hop_length=1102, n_mels=16, n_frames=40)


class Brightness:
    """Stands in for training: a network that says 'high' as its upper bands are louder."""

    def __new__(cls, settings=SMALL):
        keras = pytest.importorskip("keras")
        frames, bands = settings.shape
        x = keras.Input((frames, bands))
        mean = keras.layers.GlobalAveragePooling1D()(x)
        out = keras.layers.Dense(2, activation="softmax", use_bias=False)
        model = keras.Model(x, out(mean), name="brightness")
        lower = np.arange(bands) < bands // 2
        out.set_weights([np.float32([lower, ~lower]).T / bands])
        return model


@pytest.fixture(scope="module")
def brightness():
    return Brightness()


def tone(hz, seconds, sr=SR):
    return (0.3 * np.sin(2 * np.pi * hz * np.arange(round(seconds * sr)) / sr)).astype(np.float32)


def hear(song, model, **options):
    return prcnn.classify(song, model, settings=SMALL, genres=["low", "high"], **options)


def test_what_is_heard_changes_with_the_music(brightness, tmp_path):
    file = tmp_path / "song.flac"
    y = np.concatenate([tone(200, 20, 48000), tone(8000, 20, 48000)])
    soundfile.write(file, np.stack([y, 0.5 * y], axis=1), 48000)
    heard = hear(file, brightness)
    assert heard.duration == pytest.approx(40, abs=0.001)
    assert heard.window == pytest.approx(SMALL.seconds, abs=1e-4)
    hops = np.diff(heard.times)
    np.testing.assert_allclose(hops[:-1], SMALL.seconds / 2, atol=1e-4)
    assert heard.times[-1] + heard.window / 2 == pytest.approx(40, abs=1.01)
    np.testing.assert_allclose(heard.probabilities.sum(axis=1), 1, atol=1e-6)
    parts = heard.parts
    assert parts["genre"].tolist() == ["low", "high"]
    assert parts["start"].tolist() == pytest.approx([0, 20], abs=SMALL.seconds / 2)
    assert parts["end"].tolist() == pytest.approx([20, 40], abs=SMALL.seconds / 2)
    assert heard.table.loc[:15, "low"].min() > 0.9 and heard.table.loc[25:, "high"].min() > 0.9
    said = str(heard)
    assert said.startswith("song.flac, 0:40: ") and "0:20  low" in said and "brightness" in said


def test_windows_are_clips_of_their_own(brightness):
    y = np.random.default_rng(0).normal(0, 0.1, 10 * SR).astype(np.float32)
    y *= np.linspace(0.01, 1, y.size, dtype=np.float32)  # loud at the end: each has its reference
    heard = hear(y, brightness, hop=1.5)
    for time, p in zip(heard.times, heard.probabilities, strict=True):
        start = round((time - heard.window / 2) * SR)
        alone = log_mel(y[start : start + round(heard.window * SR)], SMALL, SR)
        np.testing.assert_allclose(p, brightness.predict(alone[None], verbose=0)[0], atol=1e-6)
    assert len(heard.times) > 4


def test_loudness_of_the_whole_song_does_not_matter(brightness):
    y = np.concatenate([tone(200, 5), tone(8000, 5)])
    loud, quiet = hear(y, brightness), hear(0.1 * y, brightness)
    np.testing.assert_allclose(quiet.probabilities, loud.probabilities, atol=1e-4)


@given(
    n=st.integers(1, 500_000), window=st.floats(1.0, 31), hop=st.floats(0.1, 60), sr=st.just(1000)
)
def test_windows_cover_the_song_and_stay_inside(n, window, hop, sr):
    starts, length = _windows(n, sr, window, hop)
    assert starts[0] == 0 and starts[-1] + length <= n
    assert n - (starts[-1] + length) <= sr  # at most a second goes unheard at the end
    if len(starts) > 1:
        assert length == round(window * sr)
        gaps = np.diff(starts)
        assert (gaps > 0).all() and (gaps <= hop * sr + 1).all()
    else:
        assert length == n


def test_a_short_song_is_one_window_filled_up_with_silence(brightness):
    y = tone(300, 1.4)
    heard = hear(y, brightness)
    assert heard.times == pytest.approx([0.7], abs=1e-3) and heard.window == pytest.approx(1.4)
    expected = brightness.predict(log_mel(y, SMALL, SR)[None], verbose=0)
    np.testing.assert_allclose(heard.probabilities, expected, atol=1e-6)
    assert "one window" in str(heard) and "over time" not in str(heard)


def test_too_short_and_broken_songs_are_named(brightness, tmp_path):
    soundfile.write(tmp_path / "short.wav", tone(300, 0.5), SR)
    with pytest.raises(audio.AudioError, match=r"short\.wav: 0\.50 s of sound"):
        hear(tmp_path / "short.wav", brightness)
    (tmp_path / "text.mp3").write_text("no music")
    with pytest.raises(audio.AudioError, match=r"text\.mp3: does not decode"):
        hear(tmp_path / "text.mp3", brightness)
    with pytest.raises(FileNotFoundError, match=r"nowhere\.mp3: no such file"):
        hear(tmp_path / "nowhere.mp3", brightness)


@pytest.mark.filterwarnings("error")
def test_silence_is_no_music(brightness, tmp_path):
    soundfile.write(tmp_path / "silent.wav", np.zeros(10 * SR), SR)
    heard = hear(tmp_path / "silent.wav", brightness)
    assert heard.answer == "no music" and heard.genre is None
    assert heard.mean.isna().all() and heard.table.isna().all().all()
    assert heard.parts["genre"].isna().all()
    assert str(heard).startswith("silent.wav, 0:10: no music\nsilent in the frames")
    with pytest.raises(audio.AudioError, match=r"silent\.wav: silent"):
        prcnn.listening.occlusion_map(
            tmp_path / "silent.wav", brightness, settings=SMALL, genres=["low", "high"]
        )


def test_below_one_half_it_is_not_sure(brightness):
    y = np.concatenate([tone(200, 20), tone(8000, 20)])
    heard = hear(y, brightness)
    assert heard.answer == heard.genre and heard.mean.iloc[0] >= SURE
    torn = dataclasses.replace(heard, genres=["low", "high", "third"])
    torn = dataclasses.replace(torn, probabilities=np.tile([0.3, 0.45, 0.25], (3, 1)))
    torn = dataclasses.replace(torn, times=heard.times[:3])
    assert torn.answer == "not sure" and torn.genre == "high"
    assert "not sure, most likely high" in str(torn)


def test_a_folder_is_every_song_in_it(brightness, tmp_path):
    for name, hz in (("b.wav", 8000), ("a.flac", 200), ("sub/c.ogg", 200)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        soundfile.write(tmp_path / name, tone(hz, 5), SR)
    (tmp_path / "notes.txt").write_text("no sound")
    heard = hear(tmp_path, brightness)
    assert [(h.source.rsplit("/", 1)[1], h.genre) for h in heard] == [
        ("a.flac", "low"),
        ("b.wav", "high"),
        ("c.ogg", "low"),
    ]
    (tmp_path / "broken.mp3").write_text("no music")
    with pytest.warns(UserWarning, match=r"1 files of .* cannot be used: 'broken\.mp3'"):
        assert len(hear(tmp_path, brightness)) == 3
    (tmp_path / "empty").mkdir()
    with pytest.raises(audio.AudioError, match="no sound file in it"):
        hear(tmp_path / "empty", brightness)


def test_what_decided_is_where_the_sound_is(brightness):
    """A high tone in the second half: its frames and its bands speak for "high", no others."""
    y = np.concatenate([tone(200, 1), tone(8000, 1)])
    found = prcnn.listening.occlusion_map(
        y, brightness, parts=(4, 4), settings=SMALL, genres=["low", "high"], genre="high"
    )
    assert found.genre == "high" and found.start == 0
    whole = brightness.predict(found.mel[None], verbose=0)[0, 1]
    assert found.probability == pytest.approx(whole, abs=1e-6)
    assert found.drops.index.tolist() == [0, 10, 20, 30]
    assert found.drops.columns.tolist() == [0, 4, 8, 12]
    covered = found.mel.copy()
    covered[20:30, 12:16] = found.mel[:, 12:16].mean(axis=0)
    said = brightness.predict(covered[None], verbose=0)[0, 1]
    assert found.drops.loc[20, 12] == pytest.approx(whole - said, abs=1e-6)
    assert found.drops.loc[20:, 12].min() > 0.1, "the tone"
    assert found.drops.loc[:10, 12].max() < -0.1, "its bands before it began"
    assert found.drops[[4, 8]].abs().max(axis=None) < 0.05, "bands in which nothing changes"
    with pytest.raises(ValueError, match="network knows: low, high"):
        prcnn.listening.occlusion_map(
            y, brightness, genre="Jazz", settings=SMALL, genres=["low", "high"]
        )
    with pytest.raises(ValueError, match=r"parts=\(41, 1\) of a spectrogram of \(40, 16\)"):
        prcnn.listening.occlusion_map(
            y, brightness, parts=(41, 1), settings=SMALL, genres=["low", "high"]
        )
    ax = plots.occlusion(found)
    np.testing.assert_allclose(ax.collections[0].get_array(), 100 * found.drops.to_numpy().T)
    assert ax.get_xlim()[1] == pytest.approx(40 * SMALL.step)
    plt.close("all")


def test_our_weights_listen_unless_another_is_named(monkeypatch, tmp_path):
    """One recording, one answer: whatever its rate, and whether its samples are given."""
    network = Brightness(IMAGES)
    monkeypatch.setattr(models, "pretrained", lambda name: network, raising=False)
    card = {"settings": "images", "genres": ["low", "high"]}
    monkeypatch.setattr(models, "card", lambda name: card, raising=False)
    y = np.concatenate([tone(200, 50, 44100), tone(6000, 50, 44100)])
    soundfile.write(tmp_path / "song.wav", y, 44100, subtype="FLOAT")
    soundfile.write(tmp_path / "other.wav", audio.resample(y, 44100, 48000), 48000)
    heard = prcnn.classify(tmp_path / "song.wav")
    assert heard.network == "beyond" and heard.settings == "images"
    assert heard.window == 30 and np.diff(heard.times)[0] == 15
    mel = log_mel(tmp_path / "song.wav", IMAGES)
    expected = network.predict(mel[None], verbose=0)[0]
    np.testing.assert_allclose(heard.probabilities[0], expected, atol=1e-5)
    other = prcnn.classify(tmp_path / "other.wav")
    np.testing.assert_allclose(other.probabilities, heard.probabilities, atol=0.02)
    np.testing.assert_allclose(prcnn.classify(y).probabilities, heard.probabilities, atol=1e-5)
    with pytest.raises(ValueError, match="know theirs"):
        prcnn.classify(y, genres=["low", "high"])


def test_own_networks_of_pictures_hear_a_song_at_its_rate(tmp_path):
    network, known = Brightness(IMAGES), {"settings": IMAGES, "genres": ["low", "high"]}
    soundfile.write(tmp_path / "song.wav", tone(200, 40), SR)
    heard = prcnn.classify(tmp_path / "song.wav", network, **known)
    expected = network.predict(log_mel(tmp_path / "song.wav", IMAGES)[None], verbose=0)[0]
    np.testing.assert_allclose(heard.probabilities[0], expected, atol=1e-5)
    with pytest.raises(ValueError, match="give sr"):
        prcnn.classify(tone(200, 40), network, **known)
    assert prcnn.classify(tone(200, 40), network, sr=SR, **known).duration == 40


def test_silence_in_a_song_is_left_out_and_said(brightness):
    y = np.concatenate([tone(200, 6), np.zeros(8 * SR, np.float32), tone(8000, 6)])
    heard = hear(y, brightness)
    silent = np.isnan(heard.probabilities).all(axis=1)
    assert silent.any() and len(heard.unheard) == silent.sum()
    assert all("silent" in why for why in heard.unheard.values())
    assert np.isfinite(heard.mean).all() and heard.mean.sum() == pytest.approx(1)
    assert heard.parts["genre"].isna().sum() == 1
    assert "(nothing)" in str(heard)


def test_a_run_knows_its_genres_and_settings(brightness):
    record = {"store": {"settings": {**vars(SMALL)}, "genres": ["low", "high"]}}
    run = Run(brightness, None, None, record)
    y = np.concatenate([tone(200, 5), tone(8000, 5)])
    heard = prcnn.classify(y, run)
    same = hear(y, brightness)
    np.testing.assert_array_equal(heard.probabilities, same.probabilities)
    assert heard.genres == ["low", "high"] and heard.settings == "small"
    with pytest.raises(ValueError, match="know theirs"):
        prcnn.classify(y, run, genres=["low", "high"])
    record["store"]["settings"] = "mfcc statistics"
    with pytest.raises(ValueError, match=r"other features .*\(mfcc statistics\)"):
        prcnn.classify(y, run)


def test_offset_skips_the_start_of_clips_not_of_windows(brightness):
    late = Settings(**{**vars(SMALL), "offset": 1.0})
    y = np.concatenate([tone(200, 5), tone(8000, 5)])
    heard = prcnn.classify(y, brightness, settings=late, genres=["low", "high"])
    np.testing.assert_array_equal(heard.probabilities, hear(y, brightness).probabilities)


def test_a_run_folder(tmp_path, brightness):
    from prcnn import store

    folder = tmp_path / "music"
    rng = np.random.default_rng(1)
    for genre, hz in (("low", 200), ("high", 6000)):
        (folder / genre).mkdir(parents=True)
        for i in range(10):
            y = tone(hz * rng.uniform(0.9, 1.1), 2.5)
            soundfile.write(folder / genre / f"{i}.wav", y, SR)
    clips = prcnn.datasets.load(folder)
    made = store.extract(clips, SMALL, n_jobs=1, out=tmp_path / "store", progress=False)
    training.train(brightness, made, epochs=1, out=tmp_path / "run", progress=False)
    heard = prcnn.classify(tone(200, 9), tmp_path / "run")
    assert heard.genres == clips.genres and heard.settings == "small"
    assert heard.network == "brightness" and len(heard.times) > 3
    with pytest.raises(FileNotFoundError, match="no trained network"):
        prcnn.classify(tone(200, 9), tmp_path / "nothing")


@pytest.mark.parametrize(
    ("model", "options", "message"),
    [
        ("figur2", {}, "figur2.*dwivedi, figure2"),
        ("cnn5", {}, "train it"),
        (3, {}, "not 3"),
        ("runs/x", {"download": True}, "published weights"),
        ("figure2", {"genres": GENRES}, "know theirs"),
        ("figure2", {}, r"download=True to fetch them from https.*weights="),
    ],
)
def test_unknown_listeners(model, options, message, data_home):
    with pytest.raises(ValueError, match=message):
        prcnn.classify(tone(200, 40), model, **options)


def test_networks_alone_need_settings_and_genres_that_fit(brightness):
    y = tone(200, 20)
    with pytest.raises(ValueError, match="2 outputs mean: give settings and genres"):
        prcnn.classify(y, brightness, settings=SMALL)
    with pytest.raises(ValueError, match="tells 2 genres apart, and 3 are named: a, b, c"):
        prcnn.classify(y, brightness, settings=SMALL, genres=list("abc"))
    with pytest.raises(ValueError, match=r"\(640, 128\), network 'brightness' takes \(40, 16\)"):
        prcnn.classify(y, brightness, settings="paper", genres=["low", "high"])
    with pytest.raises(ValueError, match="hop is seconds"):
        hear(y, brightness, hop=0)


@pytest.mark.parametrize(
    ("settings", "seconds"), [(PAPER, PAPER.seconds), (FENG, FENG.seconds), (AUTHORS, 30.0)]
)
def test_windows_are_as_long_as_the_clips_that_networks_learned(settings, seconds):
    model = Brightness(settings)
    heard = prcnn.classify(tone(200, 65), model, settings=settings, genres=["low", "high"])
    assert heard.window == pytest.approx(seconds, abs=1e-4)


def test_the_authors_weights_hear_a_clip_as_evaluation_does(clips_and_weights, made_data, tmp_path):
    weights = clips_and_weights / "authors_checkpoints"
    clip = clips_and_weights / "fma/fma_small/000/000002.mp3"
    heard = prcnn.classify(clip, "figure2", weights=weights)
    assert len(heard.times) == 1
    if clips_and_weights != made_data:
        assert heard.genre == "Hip-Hop"
        assert heard.mean["Hip-Hop"] == pytest.approx(0.99838, abs=1e-3)
    model = models.load_checkpoint("figure2", weights)
    whole = model.predict(log_mel(clip, AUTHORS)[None], verbose=0)
    np.testing.assert_allclose(heard.probabilities, whole, atol=1e-6)
    y = audio.load(clip, 48000)
    soundfile.write(tmp_path / "long.wav", np.stack([np.tile(y, 2)] * 2, axis=1), 48000)
    long = prcnn.classify(tmp_path / "long.wav", "figure2", weights=weights)
    assert len(long.times) == 3 and long.genre == heard.genre
    np.testing.assert_allclose(long.probabilities[0], heard.probabilities[0], atol=0.01)


def test_weights_that_were_downloaded_before_are_used(clips_and_weights, data_home):
    file, folder = models.CHECKPOINTS["figure2"].file, clips_and_weights / "authors_checkpoints"
    (data_home / "checkpoints").mkdir()
    (data_home / "checkpoints" / file).symlink_to(folder / file)
    clip = clips_and_weights / "fma/fma_small/000/000002.mp3"
    heard, given = prcnn.classify(clip, "figure2"), prcnn.classify(clip, "figure2", weights=folder)
    assert heard.network == "figure2"
    np.testing.assert_array_equal(heard.probabilities, given.probabilities)


def test_figure_over_time(brightness):
    y = np.concatenate([tone(200, 20), tone(8000, 20)])
    heard = hear(y, brightness)
    ax = plots.over_time(heard)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["low", "high"]
    assert ax.get_xlim() == (0, pytest.approx(40))
    assert ax.xaxis.get_major_formatter()(59.7, None) == "1:00"
    np.testing.assert_allclose(ax.collections[0].get_array(), heard.probabilities.T)
    times, leads = ax.lines[0].get_data()
    away = np.abs(times - 20) > heard.window
    assert (leads == (times > 20))[away].all() and len(times) == len(heard.times)
    given_ax = plt.subplots()[1]
    assert plots.over_time(heard, ax=given_ax) is given_ax
    plt.close("all")


def test_clock():
    assert [clock(s) for s in (0, 59.4, 59.6, 3661)] == ["0:00", "0:59", "1:00", "61:01"]


def test_classify_does_not_wait_for_keras_to_be_imported_with_the_package():
    assert "classify" in dir(prcnn) and prcnn.classify is prcnn.listening.classify


def test_the_shipped_network_is_built_once():
    assert listener("beyond")[0] is listener("beyond")[0]
