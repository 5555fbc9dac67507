"""prcnn.audio against librosa, and what it says of files that are no music."""

import io
import os

import librosa
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from prcnn import audio
from prcnn.audio import AudioError


def noise(seconds, sr, channels=1, seed=0):
    """Noise with a tone in it: (n, channels), float32."""
    n = round(seconds * sr)
    tone = np.sin(2 * np.pi * 440 * np.arange(n) / sr)[:, None]
    random = np.random.default_rng(seed).normal(size=(n, channels))
    return (0.1 * random + 0.3 * tone).astype(np.float32)


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "ogg"])
@pytest.mark.parametrize("sr", [8000, 22050, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_file_loads_as_librosa_loads_it(tmp_path, ending, sr, channels):
    path = tmp_path / f"clip.{ending}"
    soundfile.write(path, noise(1.3, sr, channels), sr)
    expected, _ = librosa.load(path, sr=22050)
    y = audio.load(path, sr=22050)
    assert y.dtype == np.float32
    assert y.shape == expected.shape
    assert np.abs(y - expected).max() < 1e-5


def test_six_channels_are_averaged(tmp_path):
    path = tmp_path / "surround.wav"
    soundfile.write(path, noise(0.5, 44100, 6), 44100, subtype="FLOAT")
    assert np.allclose(audio.load(path), librosa.load(path, sr=22050)[0], atol=1e-5)


@settings(deadline=None, max_examples=40)
@given(
    native=st.sampled_from([8000, 11025, 22050, 32000, 44100, 48000, 96000]),
    offset=st.floats(0, 0.9),
    duration=st.floats(0.05, 1.5),
)
def test_a_stretch_is_cut_from_the_whole(tmp_path_factory, native, offset, duration):
    path = tmp_path_factory.getbasetemp() / f"stretch-{native}.wav"
    if not path.exists():
        soundfile.write(path, noise(1.5, native), native, subtype="FLOAT")
    whole = audio.load(path)
    start = round(offset * 22050)
    expected = whole[start : start + round(duration * 22050)]
    y = audio.load(path, duration=duration, offset=offset)
    assert y.shape == expected.shape
    assert np.abs(y - expected).max() < 2e-5


def test_a_stretch_of_an_mp3_is_cut_from_the_whole(tmp_path):
    path = tmp_path / "clip.mp3"
    soundfile.write(path, noise(4, 44100, 2), 44100)
    whole = audio.load(path)
    y = audio.load(path, duration=1.0, offset=2.0)
    assert np.abs(y - whole[44100 : 44100 + 22050]).max() < 2e-5


def test_only_the_stretch_is_decoded(tmp_path, monkeypatch):
    path = tmp_path / "long.wav"
    soundfile.write(path, noise(20, 44100), 44100)
    asked = []
    read = soundfile.SoundFile.read

    def spy(self, frames=-1, **options):
        asked.append(frames)
        return read(self, frames, **options)

    monkeypatch.setattr(soundfile.SoundFile, "read", spy)
    audio.load(path, duration=2.0)
    assert 0 < asked[0] <= 2.2 * 44100


def test_a_name_in_any_script_and_a_str_path(tmp_path):
    path = tmp_path / "Füür & wasser 音楽.wav"
    soundfile.write(path, noise(0.2, 22050), 22050)
    assert audio.load(str(path)).size == 4410


def truncated_mp3():
    memory = io.BytesIO()
    soundfile.write(memory, noise(4, 44100, 2), 44100, format="MP3")
    return memory.getvalue()[: memory.tell() // 2]


def test_a_truncated_mp3_gives_what_is_there(tmp_path):
    path = tmp_path / "truncated.mp3"
    path.write_bytes(truncated_mp3())
    assert 0.5 < audio.load(path).size / 22050 < 3


@pytest.mark.parametrize(
    "content", [b"", b"not music at all" * 99, os.urandom(64), b"RIFF\x00\x00\x00\x00WAVE"]
)
def test_what_is_no_sound_is_named(tmp_path, content):
    path = tmp_path / "broken.mp3"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"broken\.mp3"):
        audio.load(path)


def test_errors_name_the_file(tmp_path):
    with pytest.raises(AudioError, match=r"absent\.mp3: no such file"):
        audio.load(tmp_path / "absent.mp3")
    with pytest.raises(AudioError, match="no such file"):
        audio.load(tmp_path)
    path = tmp_path / "clip.wav"
    soundfile.write(path, noise(0.5, 22050), 22050)
    with pytest.raises(AudioError, match=r"clip\.wav: ends before second 3"):
        audio.load(path, offset=3.0)
    with pytest.raises(AudioError, match=r"clip\.wav"):
        audio.load(path, offset=0.55)  # within the resampler's margin
    soundfile.write(path, np.zeros((0, 1)), 22050)
    with pytest.raises(AudioError, match=r"clip\.wav"):
        audio.load(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_refused(tmp_path, value):
    y = noise(0.5, 22050)
    y[77] = value
    path = tmp_path / "odd.wav"
    soundfile.write(path, y, 22050, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"odd\.wav: .*finite"):
        audio.load(path)


def test_mono_takes_channels_first_and_last():
    y = noise(0.1, 22050, 2)
    expected = y.mean(axis=1)
    assert np.allclose(audio.mono(y), expected, atol=1e-6)
    assert np.allclose(audio.mono(y.T), expected, atol=1e-6)
    assert np.allclose(audio.mono(expected.astype(float)), expected)


@pytest.mark.parametrize(
    ("waveform", "words"),
    [
        (np.zeros(9, np.int16), "int16"),
        (np.zeros((2, 2, 9)), "shape"),
        (np.zeros(0), "no samples"),
        (np.array([0.0, np.nan]), "finite"),
    ],
)
def test_mono_refuses(waveform, words):
    with pytest.raises(AudioError, match=words):
        audio.mono(waveform)


def test_real_clips_load_as_librosa_loads_them(shared_data):
    for path in sorted((shared_data / "fma" / "fma_small" / "000").glob("*.mp3")):
        expected, _ = librosa.load(path, sr=22050)
        y = audio.load(path)
        assert y.shape == expected.shape
        assert np.abs(y - expected).max() < 1e-5
        start = audio.load(path, duration=5.0)
        assert np.abs(start - expected[: start.size]).max() < 2e-5
