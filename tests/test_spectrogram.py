"""prcnn.spectrogram against librosa's own chain, and its rules for odd clips."""

import json
import lzma
import math
from dataclasses import asdict, replace

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from make import music, picture
from PIL import Image
from scipy.fft import dct

from prcnn import spectrogram
from prcnn.atomic import digest
from prcnn.audio import AudioError
from prcnn.datasets.pictures import read_coefficients, read_picture
from prcnn.spectrogram import (
    AUTHORS,
    CLOSE,
    FENG,
    GTZAN_IMAGES,
    IMAGES,
    PAPER,
    Settings,
    get_settings,
    log_mel,
)

SR = 22050
DECIBEL = np.log(10) / 10  # of a decibel, in natural logarithms of power


def librosa_chain(y, hop_length, reference_frames):
    """(frames, 128) in dB: load's waveform, melspectrogram, cut, power_to_db."""
    mel = librosa.feature.melspectrogram(y=y, sr=SR, hop_length=hop_length)
    return librosa.power_to_db(mel[:, :reference_frames], ref=np.max)[:, :640].T


def songs(folder):
    """FMA's MP3s there; of made ones, which are of two contents, one each."""
    paths = (folder / "fma" / "fma_small" / "000").glob("*.mp3")
    found = sorted({path.resolve() for path in paths})
    assert len(found) in (2, 5)
    return found


def test_equal_to_librosa_within_a_thousandth_of_a_decibel(clips_and_weights):
    wavs = sorted((clips_and_weights / "gtzan_mini" / "genres").glob("*/*.00000.wav"))
    for path in songs(clips_and_weights) + wavs:
        y, _ = librosa.load(path)
        paper, authors = log_mel(path, PAPER), log_mel(path, AUTHORS)
        assert np.abs(paper - librosa_chain(y, 512, 640)).max() < 1e-3
        assert np.abs(authors / DECIBEL - librosa_chain(y, 1024, None)).max() < 1e-3


def test_feng_is_librosas_stft_of_five_seconds():
    y = music(8)
    power = np.abs(librosa.stft(y[: 5 * SR].astype(float), n_fft=1024, hop_length=862)) ** 2
    expected = librosa.power_to_db(power, ref=np.max).T
    assert expected.shape == FENG.shape == (128, 513)
    # A single bin 80 dB below the maximum is as near to it as float32 transforms allow.
    assert np.abs(log_mel(y, FENG, SR) - expected).max() < 2e-2


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
    with pytest.raises(ValueError, match="n_mels=None"):
        spectrogram.mel_filters("feng")


@pytest.mark.parametrize(
    ("name", "shape", "floor", "seconds", "step"),
    [
        ("paper", (640, 128), -80, 14.884, 0.02322),
        ("authors", (640, 128), -18.4207, 29.7215, 0.04644),
        ("feng", (128, 513), -80, 4.988, 0.03909),
        ("images", (128, 128), -80, 30, 0.23438),
        ("gtzan_images", (387, 128), -80, 30, 0.07742),
    ],
)
def test_the_named_settings(name, shape, floor, seconds, step):
    chosen = get_settings(name)
    mel = log_mel(music(30), name, SR)
    assert chosen.name == name
    assert mel.shape == chosen.shape == shape
    assert mel.dtype == np.float32
    assert -2 < mel.max() <= 0
    assert chosen.floor == pytest.approx(floor, abs=1e-4)
    assert mel.min() >= chosen.floor - 1e-5
    assert chosen.seconds == pytest.approx(seconds, abs=1e-3)
    assert chosen.step == pytest.approx(step, abs=1e-5)
    with pytest.raises(AudioError, match=f"at least {seconds / 2:.2f} s"):
        log_mel(music(seconds / 2 - 0.01), name, SR)


def test_unknown_settings_list_the_known_ones():
    known = "paper, authors, feng, images, gtzan_images, close"
    with pytest.raises(ValueError, match=rf"'papper'.*{known}"):
        log_mel(music(15), "papper", SR)


WRONG = {
    "sr": [None, 0, -22050, 1, 22050.5, True, "22050", math.inf],
    "n_fft": [0, 1, 2048.5, None],
    "hop_length": [0, -512, None],
    "n_mels": [0, -1, 12.5],
    "n_frames": [0, -1, 1.5],
    "reference": ["song", None],
    "unit": ["bel"],
    "top_db": [-10, 0, math.nan, math.inf, None],
    "offset": [-1, math.nan, None],
    "sampled": [-1, 639, True],
    "clip_seconds": [0, None],
    "n_mfcc": [0, 2.5],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in WRONG.items() for v in vs])
def test_settings_that_make_no_spectrogram_are_refused(name, value):
    with pytest.raises(ValueError, match=name):
        Settings("x", **{name: value})


def test_a_name_makes_no_other_settings():
    mine = replace(PAPER, name="mine")
    assert mine == PAPER and hash(mine) == hash(PAPER) and digest(mine) == digest(PAPER)
    for name in WRONG:
        other = {"reference": "clip", "unit": "ln", "sampled": 700, "n_mfcc": 20}.get(name)
        changed = replace(PAPER, **{name: other or getattr(PAPER, name) + 1})
        assert changed != PAPER and digest(changed) != digest(PAPER)
    assert Settings(**json.loads(json.dumps(asdict(IMAGES)))) == IMAGES


def test_samples_must_say_their_rate():
    for chosen in (PAPER, IMAGES):
        with pytest.raises(ValueError, match="give sr"):
            log_mel(music(20), chosen)
    for sr in (0, 1, -22050, 1e9):
        with pytest.raises(ValueError, match="Hz"):
            log_mel(music(20), sr=sr)


def test_power_of_some_frames():
    y = music(5)
    assert np.allclose(spectrogram.power(y, PAPER, 7), spectrogram.power(y)[:7], rtol=1e-5)
    with pytest.raises(ValueError, match="n_frames is 1 or more, not 0"):
        spectrogram.power(y, PAPER, 0)


def test_paper_sees_only_its_frames_and_authors_refer_to_the_whole_clip():
    y = music(30)
    louder = y.copy()
    louder[-3000:] *= 20  # after the last of 640 frames, within the clip
    assert np.array_equal(log_mel(y, PAPER, SR), log_mel(louder, PAPER, SR))
    shift = log_mel(y, AUTHORS, SR) - log_mel(louder, AUTHORS, SR)
    assert shift.max() > 1
    assert log_mel(louder, AUTHORS, SR).max() < -1


def test_a_whole_song_is_read_up_to_the_length_of_a_clip():
    song = np.concatenate([music(40), 50 * music(5)])
    assert np.array_equal(log_mel(song, AUTHORS, SR), log_mel(song[: 31 * SR], AUTHORS, SR))


def test_an_offset_moves_the_segment(tmp_path):
    y = music(20)
    later = replace(FENG, name="feng-2", offset=5.0)
    expected = log_mel(y[5 * SR :], FENG, SR)
    assert np.array_equal(log_mel(y, later, SR), expected)
    path = tmp_path / "clip.wav"
    soundfile.write(path, y, SR, subtype="FLOAT")
    assert np.array_equal(log_mel(path, later), expected)


@pytest.mark.parametrize("chosen", [PAPER, AUTHORS, FENG], ids=lambda s: s.name)
def test_a_short_clip_ends_in_silence(chosen):
    y = music(chosen.seconds / 2 + 0.01)
    mel = log_mel(y, chosen, SR)
    past = int(y.size / chosen.hop_length) + 1 + chosen.n_fft // chosen.hop_length
    assert np.all(mel[past:] == np.float32(chosen.floor))
    assert mel[: past - 5].std() > 0.1


@pytest.mark.parametrize("chosen", [PAPER, AUTHORS, FENG, IMAGES], ids=lambda s: s.name)
def test_a_silent_clip_is_refused(chosen, tmp_path):
    silence = np.zeros(30 * SR, np.float32)
    with pytest.raises(AudioError, match="silent"):
        log_mel(silence, chosen, SR)
    silence[-1] = 1e-7  # a blip librosa cannot tell from silence
    with pytest.raises(AudioError, match="silent"):
        log_mel(silence, chosen, SR)
    path = tmp_path / "silence.wav"
    soundfile.write(path, silence, SR)
    with pytest.raises(AudioError, match=r"silence\.wav: silent"):
        log_mel(path, chosen)


@pytest.mark.parametrize("y", [music(10), 3e-5 * music(15)], ids=["short", "nearly silent"])
def test_a_short_or_nearly_silent_clip_is_librosas(y):
    expected = librosa_chain(y, 512, 640)
    assert np.abs(log_mel(y, sr=SR)[: len(expected)] - expected).max() < 1e-3


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_a_waveform_that_is_not_finite_is_refused(value):
    y = music(15)
    y[1234] = value
    with pytest.raises(AudioError):
        log_mel(y, sr=SR)


@settings(deadline=None, max_examples=15)
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


@pytest.mark.parametrize(
    ("sr", "seconds"), [(44100, 15.2), (44100, 33), (22050, 29.9), (48000, 31)]
)
def test_images_are_librosas_frames_at_44100_hz(tmp_path, sr, seconds):
    y = music(seconds, sr)
    y[1000:1300] *= 3  # the loudest frame is none of those kept
    y /= np.abs(y).max()
    mel = log_mel(y, IMAGES, sr=sr)
    assert mel.shape == IMAGES.shape == (128, 128)
    assert mel.dtype == np.float32
    assert -80 <= mel.min() < mel.max() <= 0
    at_44100 = librosa.resample(y, orig_sr=sr, target_sr=44100)
    assert np.abs(mel - librosa_picture(at_44100, 44100)).max() < 2e-3
    path = tmp_path / "clip.wav"
    soundfile.write(path, y, sr, subtype="FLOAT")
    assert np.abs(log_mel(path, "images") - mel).max() < 1e-3


def test_the_reference_of_images_is_the_loudest_of_all_frames():
    half = replace(IMAGES, sr=16000)
    for seed in range(5):  # wherever it lies, and however loud the rest is
        random = np.random.default_rng(seed)
        y = music(20, 16000, seed) * np.repeat(random.uniform(0, 1, 40), 8000).astype(np.float32)
        energy = spectrogram.power(y, half, 1 + y.size // 512)
        top = log_mel(y, half, sr=16000).max()
        kept = energy[((np.arange(128) + 0.5) * len(energy) / 128).astype(int)]
        assert top == pytest.approx(10 * np.log10(kept.max() / energy.max()), abs=1e-4)


# --- what is published as pictures and coefficients


MAPS = {IMAGES: ("viridis", 128), GTZAN_IMAGES: ("magma", 385)}
PUBLISHED = pytest.mark.parametrize("chosen", MAPS, ids=lambda s: s.name)


@PUBLISHED
def test_a_picture_becomes_its_decibels(tmp_path, chosen):
    index = np.random.default_rng(0).integers(0, 256, (128, chosen.n_frames)).astype(np.uint8)
    index[5, 7] = 255
    path = picture(tmp_path / "000002.PNG", index, *MAPS[chosen])
    mel = log_mel(path, chosen)
    assert mel.shape == chosen.shape
    assert mel.dtype == np.float32
    assert mel[7, 5] == -0.15625  # time first, low bands first
    if chosen == IMAGES:
        index[index == 113], index[index == 130] = 112, 129  # pairs that share a colour
    assert np.array_equal(mel.T, (index + 0.5) / 256 * 80 - 80)
    for other in (PAPER, replace(IMAGES, n_mels=64)):
        with pytest.raises(
            ValueError, match=r"000002\.PNG is of settings 'images'.*give the sound"
        ):
            log_mel(path, other)
    with pytest.raises(ValueError, match=r"000002\.PNG: .* pixels are no clip of"):
        read_picture(path, (387, 128) if chosen == IMAGES else (128, 128))


@PUBLISHED
def test_a_picture_that_is_none_is_refused_by_name(tmp_path, chosen):
    index = np.zeros((128, chosen.n_frames), np.uint8)
    whole = picture(tmp_path / "whole.png", index, *MAPS[chosen])
    pixels = np.asarray(Image.open(whole)).copy()
    (tmp_path / "half.png").write_bytes(whole.read_bytes()[:200])
    (tmp_path / "text.png").write_text("no picture")
    Image.fromarray(pixels[:, :100]).save(tmp_path / "narrow.png")
    pixels[3, 3] += 1
    Image.fromarray(pixels).save(tmp_path / "colours.png")
    for name, why in (
        ("half", "not a whole picture"),
        ("text", "not a whole picture"),
        ("narrow", "100 × "),
        ("colours", "1 pixels in colours that neither viridis nor magma has"),
    ):
        with pytest.raises(AudioError, match=rf"{name}\.png: {why}"):
            log_mel(tmp_path / f"{name}.png", chosen)
    with pytest.raises(FileNotFoundError, match=r"none\.png"):
        log_mel(tmp_path / "none.png", chosen)


def test_coefficients_that_are_none_are_refused_by_name(tmp_path):
    good = np.random.default_rng(0).normal(size=(130, 20)).astype(np.float32)
    holes, path = good.copy(), tmp_path / "000002.npy"
    holes[3, 3] = np.nan
    for wrong in (good[:, :19], good[:100], good.astype(int), good.astype(object), holes):
        np.save(path, wrong, allow_pickle=True)
        with pytest.raises(
            AudioError, match=r"000002\.npy: (not a whole|.* not \(130, 20\) finite)"
        ):
            log_mel(path, CLOSE)
    np.save(path, good)
    assert np.allclose(dct(log_mel(path, "close"), norm="ortho")[:, :20], good, atol=1e-5)
    with pytest.raises(ValueError, match="is of settings 'close', not 'paper'"):
        log_mel(path, PAPER)
    for content in (path.read_bytes()[:-1], b"", b"no array", b"PK\x05\x06" + bytes(18)):
        path.write_bytes(content)
        with pytest.raises(ValueError, match=r"000002\.npy"):
            read_coefficients(path, (130, 128))


def published(folder, song, size, kind=np.uint8):
    """Row of a song in a packed array of ../shared/data (clips in order): its beginning will do."""
    place = np.load(folder / "tracks.npz")["track_id"].tolist().index(int(song.stem))
    with lzma.open(next(folder.glob("*.npy.xz"))) as file:
        np.lib.format.read_magic(file)
        np.lib.format.read_array_header_1_0(file)
        return np.frombuffer(file.read(100 * size), kind).reshape(100, -1)[place]


def test_songs_become_the_public_pictures(clips_and_weights):
    folder = clips_and_weights / "fma_small_images"
    for song in songs(clips_and_weights):
        if folder.is_dir():
            steps = published(folder, song, 128 * 128).reshape(128, 128)
            index = np.cumsum(steps, axis=0, dtype=np.uint8)
        else:
            index = (librosa_picture(*librosa.load(song, sr=None)).T + 80) / 80 * 256
            index = np.minimum(index, 255).astype(np.uint8)
        error = np.abs(log_mel(song, IMAGES).T - ((index + 0.5) / 256 * 80 - 80))
        assert error.mean() <= 0.15
        assert error.max() <= 0.5


def test_songs_become_the_public_coefficients(clips_and_weights):
    """librosa's MFCC of the whole clip, of which the public files hold the first 130 frames."""
    packed = clips_and_weights / "fma_small_mfcc" / "coefficients.npy.xz"
    steps = np.load(lzma.open(packed)) if packed.is_file() else None
    for song in songs(clips_and_weights):
        y, _ = librosa.load(song)
        expected = librosa.feature.mfcc(y=y, n_mfcc=20)[:, :130].T
        mel = log_mel(song, CLOSE)
        assert mel.shape == (130, 128) and mel.dtype == np.float32
        coefficients = dct(mel, norm="ortho")
        assert np.abs(coefficients[:, :20] - expected).max() < 1e-3
        assert np.abs(coefficients[:, 20:]).max() < 1e-3
        if steps is not None:
            place = np.load(packed.parent / "tracks.npz")["track_id"].tolist().index(int(song.stem))
            public = np.cumsum(steps[:, place], axis=1, dtype=np.int16).T * 0.4
            assert np.abs(coefficients[:, :20] - public).max() < 0.21


def test_gtzans_sound_becomes_its_public_pictures(shared_data):
    """Of clips that are not clipped: those were drawn from louder sound."""
    names = np.load(shared_data / "gtzan_images" / "clips.npz")["name"].tolist()
    steps = np.load(lzma.open(shared_data / "gtzan_images" / "indices.npy.xz"))
    for name in ("blues.00000", "jazz.00005", "rock.00000"):
        index = np.cumsum(steps[names.index(name)], axis=0, dtype=np.uint8)
        song = shared_data / "gtzan_mini" / "genres" / name.split(".")[0] / f"{name}.wav"
        error = np.abs(log_mel(song, GTZAN_IMAGES).T - ((index + 0.5) / 256 * 80 - 80))
        assert error.mean() < 0.1
