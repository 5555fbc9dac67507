"""prcnn.spectrogram against librosa's own chain, and its rules for odd clips."""

import json
import lzma
from dataclasses import asdict, replace

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from make import music
from PIL import Image

from prcnn import spectrogram
from prcnn.audio import AudioError
from prcnn.spectrogram import AUTHORS, FENG, IMAGES, PAPER, Settings, get_settings, log_mel

DECIBEL = np.log(10) / 10  # of a decibel, in natural logarithms of power


def librosa_chain(y, hop_length, reference_frames):
    """(frames, 128) in dB: load's waveform, melspectrogram, cut, power_to_db."""
    mel = librosa.feature.melspectrogram(y=y, sr=22050, hop_length=hop_length)
    return librosa.power_to_db(mel[:, :reference_frames], ref=np.max)[:, :640].T


def assert_equal_to_librosa(path):
    y, _ = librosa.load(path)
    paper, authors = log_mel(path, PAPER), log_mel(path, AUTHORS)
    assert np.abs(paper - librosa_chain(y, 512, 640)).max() < 1e-3
    assert np.abs(authors / DECIBEL - librosa_chain(y, 1024, None)).max() < 1e-3


@pytest.mark.parametrize("sr", [22050, 48000])
def test_equal_to_librosa_within_a_thousandth_of_a_decibel(tmp_path, sr):
    path = tmp_path / "clip.mp3"
    soundfile.write(path, music(30, sr), sr)
    assert_equal_to_librosa(path)


def test_equal_to_librosa_on_fmas_and_gtzans_files(clips_and_weights):
    clips = sorted((clips_and_weights / "fma" / "fma_small" / "000").glob("*.mp3"))
    clips += sorted((clips_and_weights / "gtzan_mini" / "genres").glob("*/*.00000.wav"))
    assert len(clips) > 5
    for path in clips:
        assert_equal_to_librosa(path)


def test_feng_is_librosas_stft_of_five_seconds():
    y = music(8)
    power = np.abs(librosa.stft(y[: 5 * 22050].astype(float), n_fft=1024, hop_length=862)) ** 2
    expected = librosa.power_to_db(power, ref=np.max).T
    assert expected.shape == FENG.shape == (128, 513)
    # A single bin 80 dB below the maximum is as near to it as float32 transforms allow.
    assert np.abs(log_mel(y, FENG) - expected).max() < 2e-2


def test_mel_filters_are_librosas():
    for settings_ in (PAPER, replace(PAPER, sr=44100, n_fft=1024, n_mels=40)):
        expected = librosa.filters.mel(
            sr=settings_.sr, n_fft=settings_.n_fft, n_mels=settings_.n_mels
        )
        assert np.allclose(spectrogram.mel_filters(settings_).T, expected, atol=1e-8)
    narrow = replace(PAPER, n_fft=256, n_mels=128)
    y = music(15)
    with pytest.warns(UserWarning, match="Empty filters"):
        mel = librosa.feature.melspectrogram(y=y, n_fft=256, hop_length=512, n_mels=128)
    assert np.allclose(spectrogram.power(y, narrow), mel[:, :640].T, rtol=1e-3, atol=1e-9)


def test_nobody_changes_the_filterbank_of_all_spectrograms():
    filters = spectrogram.mel_filters("paper")
    assert filters is spectrogram.mel_filters(replace(PAPER, name="mine", n_frames=86))
    with pytest.raises(ValueError, match="read-only"):
        filters *= 2
    with pytest.raises(ValueError, match=r"'images' have sr=None.*replace"):
        spectrogram.mel_filters(IMAGES)
    with pytest.raises(ValueError, match="n_mels=None"):
        spectrogram.mel_filters("feng")


@pytest.mark.parametrize(
    ("name", "shape", "floor", "seconds"),
    [
        ("paper", (640, 128), -80, 14.884),
        ("authors", (640, 128), -18.4207, 29.7215),
        ("feng", (128, 513), -80, 4.988),
    ],
)
def test_the_named_settings(name, shape, floor, seconds):
    chosen = get_settings(name)
    mel = log_mel(music(30), name)
    assert chosen.name == name
    assert mel.shape == chosen.shape == shape
    assert mel.dtype == np.float32
    assert mel.max() == 0
    assert chosen.floor == pytest.approx(floor, abs=1e-4)
    assert mel.min() >= chosen.floor - 1e-5
    assert chosen.seconds == pytest.approx(seconds, abs=1e-3)


def test_unknown_settings_list_the_known_ones():
    with pytest.raises(ValueError, match=r"'papper'.*paper, authors, feng, images"):
        log_mel(music(15), "papper")
    with pytest.raises(ValueError, match="reference"):
        Settings("x", reference="song")
    with pytest.raises(ValueError, match="unit"):
        Settings("x", unit="bel")


def test_paper_sees_only_its_frames_and_authors_refer_to_the_whole_clip():
    y = music(30)
    louder = y.copy()
    louder[-3000:] *= 20  # after the last of 640 frames, within the clip
    assert np.array_equal(log_mel(y, PAPER), log_mel(louder, PAPER))
    shift = log_mel(y, AUTHORS) - log_mel(louder, AUTHORS)
    assert shift.max() > 1
    assert log_mel(louder, AUTHORS).max() < -1


def test_a_whole_song_is_read_up_to_the_length_of_a_clip():
    song = np.concatenate([music(40), 50 * music(5)])
    assert np.array_equal(log_mel(song, AUTHORS), log_mel(song[: 31 * 22050], AUTHORS))


def test_an_offset_moves_the_segment(tmp_path):
    y = music(20)
    later = replace(FENG, name="feng-2", offset=5.0)
    expected = log_mel(y[5 * 22050 :], FENG)
    assert np.array_equal(log_mel(y, later), expected)
    path = tmp_path / "clip.wav"
    soundfile.write(path, y, 22050, subtype="FLOAT")
    assert np.array_equal(log_mel(path, later), expected)


@pytest.mark.parametrize("chosen", [PAPER, AUTHORS, FENG], ids=lambda s: s.name)
def test_a_short_clip_ends_in_silence_and_a_shorter_one_is_refused(chosen):
    half = chosen.seconds / 2
    y = music(half + 0.01)
    mel = log_mel(y, chosen)
    past = int(y.size / chosen.hop_length) + 1 + chosen.n_fft // chosen.hop_length
    assert np.all(mel[past:] == np.float32(chosen.floor))
    assert mel[: past - 5].std() > 0.1
    with pytest.raises(AudioError, match=rf"at least {half:.2f} s"):
        log_mel(music(half - 0.01), chosen)


def test_the_frames_of_a_short_clip_are_librosas():
    y = music(10)
    expected = librosa_chain(y, 512, 640)
    assert np.abs(log_mel(y)[: len(expected)] - expected).max() < 1e-3


@pytest.mark.parametrize("chosen", [PAPER, AUTHORS, FENG], ids=lambda s: s.name)
def test_a_silent_clip_is_refused(chosen, tmp_path):
    silence = np.zeros(30 * 22050, np.float32)
    with pytest.raises(AudioError, match="silent"):
        log_mel(silence, chosen)
    silence[-1] = 1e-7  # a blip librosa cannot tell from silence
    with pytest.raises(AudioError, match="silent"):
        log_mel(silence, chosen)
    path = tmp_path / "silence.wav"
    soundfile.write(path, silence, 22050)
    with pytest.raises(AudioError, match=r"silence\.wav: silent"):
        log_mel(path, chosen)


def test_a_nearly_silent_clip_is_kept_as_librosa_keeps_it():
    y = 3e-5 * music(15)
    assert np.abs(log_mel(y) - librosa_chain(y, 512, 640)).max() < 1e-3


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_a_waveform_that_is_not_finite_is_refused(value):
    y = music(15)
    y[1234] = value
    with pytest.raises(AudioError):
        log_mel(y)


@settings(deadline=None, max_examples=25)
@given(
    sr=st.sampled_from([8000, 16000, 22050, 32000, 44100, 48000, 96000]),
    channels=st.integers(1, 3),
    last=st.booleans(),
    seconds=st.floats(2.6, 6),
    gain=st.floats(1e-3, 1),
    seed=st.integers(0, 9),
)
def test_any_waveform_gives_the_settings_shape(sr, channels, last, seconds, gain, seed):
    y = gain * np.tile(music(seconds, sr, seed), (channels, 1))
    mel = log_mel(y.T if last else y, FENG, sr=sr)
    assert mel.shape == FENG.shape
    assert mel.dtype == np.float32
    assert np.isfinite(mel).all()
    assert mel.max() == 0
    assert mel.min() >= FENG.floor


def test_waveform_and_file_agree(tmp_path):
    path = tmp_path / "clip.wav"
    y = np.stack([music(15, 44100), music(15, 44100, seed=1)])
    soundfile.write(path, y.T, 44100, subtype="FLOAT")
    assert np.abs(log_mel(path) - log_mel(y, sr=44100)).max() < 1e-3
    assert np.abs(log_mel(str(path)) - log_mel(y.T.astype(float), "paper", sr=44100)).max() < 1e-3


def librosa_picture(y, sr):
    """(128, 128) in dB: what fma_small_images draws of a clip's first 30 s."""
    y = y[: 30 * sr]
    level = librosa.power_to_db(librosa.feature.melspectrogram(y=y, sr=sr), ref=np.max)
    return level[:, np.floor((np.arange(128) + 0.5) * level.shape[1] / 128).astype(int)].T


@pytest.mark.parametrize("sr", [22050, 44100, 48000])
@pytest.mark.parametrize("seconds", [15.2, 29.9, 33])
def test_images_are_librosas_frames_at_the_clips_own_rate(tmp_path, sr, seconds):
    y = music(seconds, sr)
    y[1000:1300] *= 3  # the loudest frame is none of those kept
    y /= np.abs(y).max()
    mel = log_mel(y, IMAGES, sr=sr)
    assert mel.shape == IMAGES.shape == (128, 128)
    assert mel.dtype == np.float32
    assert -80 <= mel.min() < mel.max() <= 0
    assert np.abs(mel - librosa_picture(y, sr)).max() < 1e-3
    path = tmp_path / "clip.wav"
    soundfile.write(path, y, sr, subtype="FLOAT")
    assert np.array_equal(log_mel(path, "images"), mel)


def test_the_reference_of_images_is_the_loudest_of_all_frames():
    for seed in range(5):  # wherever it lies, and however loud the rest is
        random = np.random.default_rng(seed)
        y = music(20, 16000, seed) * np.repeat(random.uniform(0, 1, 40), 8000).astype(np.float32)
        energy = spectrogram.power(y, replace(IMAGES, sr=16000), 1 + y.size // 512)
        top = log_mel(y, IMAGES, sr=16000).max()
        kept = energy[((np.arange(128) + 0.5) * len(energy) / 128).astype(int)]
        assert top == pytest.approx(10 * np.log10(kept.max() / energy.max()), abs=1e-4)


def test_images_need_a_rate_and_half_a_clip():
    with pytest.raises(ValueError, match="'images' take a clip at its own rate"):
        log_mel(music(20), IMAGES)
    with pytest.raises(AudioError, match=r"at least 15.00 s"):
        log_mel(music(14.9), IMAGES, sr=22050)
    with pytest.raises(AudioError, match="silent"):
        log_mel(np.zeros(20 * 22050, np.float32), IMAGES, sr=22050)
    assert IMAGES.seconds == 30
    assert IMAGES.step == pytest.approx(0.234, abs=1e-3)
    assert Settings(**json.loads(json.dumps(asdict(IMAGES)))) == IMAGES


def test_a_picture_becomes_its_decibels(tmp_path, draw):
    index = np.random.default_rng(0).integers(0, 256, (128, 128)).astype(np.uint8)
    index[5, 7] = 255
    path = draw(tmp_path / "000002.png", index)
    mel = log_mel(path, IMAGES)
    assert mel.shape == (128, 128)
    assert mel.dtype == np.float32
    assert mel[7, 5] == -0.15625  # time first, low bands first
    index[index == 113], index[index == 130] = 112, 129  # pairs that share a colour
    assert np.array_equal(mel.T, (index + 0.5) / 256 * 80 - 80)
    for other in (PAPER, replace(IMAGES, n_mels=64)):
        with pytest.raises(ValueError, match=r"000002\.png is a picture.*log_mel\(path, IMAGES\)"):
            log_mel(path, other)


def test_a_picture_that_is_none_is_refused_by_name(tmp_path, draw):
    index = np.zeros((128, 128), np.uint8)
    whole = draw(tmp_path / "whole.png", index)
    pixels = np.asarray(Image.open(whole)).copy()
    (tmp_path / "half.png").write_bytes(whole.read_bytes()[:200])
    (tmp_path / "text.png").write_text("no picture")
    Image.fromarray(pixels[:, :100]).save(tmp_path / "narrow.png")
    pixels[3, 3] += 1
    Image.fromarray(pixels).save(tmp_path / "colours.png")
    for name, why in (
        ("half", "not a whole picture"),
        ("text", "not a whole picture"),
        ("narrow", "100 × 128 pixels"),
        ("colours", "1 pixels in colours that viridis lacks"),
    ):
        with pytest.raises(AudioError, match=rf"{name}\.png: {why}"):
            log_mel(tmp_path / f"{name}.png", IMAGES)
    with pytest.raises(FileNotFoundError, match=r"none\.png"):
        log_mel(tmp_path / "none.png", IMAGES)


def test_songs_become_the_public_pictures(clips_and_weights):
    songs = sorted((clips_and_weights / "fma" / "fma_small" / "000").glob("*.mp3"))
    assert len(songs) == 5
    folder = clips_and_weights / "fma_small_images"
    if folder.is_dir():
        ids = np.load(folder / "tracks.npz")["track_id"].tolist()
        with lzma.open(folder / "indices.npy.xz") as file:  # ids in order: its beginning will do
            np.lib.format.read_magic(file)
            np.lib.format.read_array_header_1_0(file)
            steps = np.frombuffer(file.read(100 * 128 * 128), np.uint8).reshape(100, 128, 128)
        index = np.cumsum(steps, axis=1, dtype=np.uint8)[[ids.index(int(s.stem)) for s in songs]]
    else:
        drawn = [librosa_picture(*librosa.load(song, sr=None)).T for song in songs]
        index = np.minimum((np.array(drawn) + 80) / 80 * 256, 255).astype(np.uint8)
    for song, picture in zip(songs, (index + 0.5) / 256 * 80 - 80, strict=True):
        error = np.abs(log_mel(song, IMAGES).T - picture)
        assert error.mean() <= 0.15
        assert error.max() <= 0.5
