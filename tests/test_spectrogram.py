"""prcnn.spectrogram against librosa's own chain, and its rules for odd clips."""

from dataclasses import replace

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from prcnn import spectrogram
from prcnn.audio import AudioError
from prcnn.spectrogram import AUTHORS, FENG, PAPER, Settings, get_settings, log_mel

DECIBEL = np.log(10) / 10  # of a decibel, in natural logarithms of power


def music(seconds, sr=22050, seed=0):
    """Decaying notes over soft noise, (n,) float32: loud and quiet frames, high and low bands."""
    random = np.random.default_rng(seed)
    y = 1e-2 * random.normal(size=round(seconds * sr))
    t = np.arange(sr) / sr
    for start in range(0, y.size, round(0.4 * sr)):
        note = np.exp(-6 * t) * np.sin(2 * np.pi * 110 * 2 ** random.uniform(0, 5) * t)
        y[start : start + sr] += note[: y.size - start]
    return (y / np.abs(y).max()).astype(np.float32)


def librosa_chain(y, hop_length, reference_frames):
    """(frames, 128) in dB: load's waveform, melspectrogram, cut, power_to_db."""
    mel = librosa.feature.melspectrogram(y=y, sr=22050, hop_length=hop_length)
    return librosa.power_to_db(mel[:, :reference_frames], ref=np.max)[:, :640].T


def assert_equal_to_librosa(path):
    y, _ = librosa.load(path)
    paper, authors = log_mel(path, PAPER), log_mel(path, AUTHORS)
    assert np.abs(paper - librosa_chain(y, 512, 640)).max() < 1e-3
    assert np.abs(authors / DECIBEL - librosa_chain(y, 1024, None)).max() < 1e-3


@pytest.mark.parametrize(("sr", "channels"), [(22050, 1), (44100, 2), (48000, 1)])
def test_equal_to_librosa_within_a_thousandth_of_a_decibel(tmp_path, sr, channels):
    path = tmp_path / "clip.mp3"
    soundfile.write(path, np.tile(music(30, sr)[:, None], channels), sr)
    assert_equal_to_librosa(path)


def test_equal_to_librosa_on_real_clips(shared_data):
    clips = sorted((shared_data / "fma" / "fma_small" / "000").glob("*.mp3"))
    clips += sorted((shared_data / "gtzan_mini" / "genres").glob("*/*.00000.wav"))
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
    hz = np.array([0, 60, 999, 1000, 1001, 8000, 11025])
    assert np.allclose(spectrogram.hz_to_mel(hz), librosa.hz_to_mel(hz))
    assert np.allclose(spectrogram.mel_to_hz(spectrogram.hz_to_mel(hz)), hz)


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
    with pytest.raises(ValueError, match=r"'papper'.*paper, authors, feng"):
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
