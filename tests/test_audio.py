"""prcnn.audio against librosa, and what it says of files that are no music."""

import errno
import io
import os
import resource

import av
import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import signal

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


def test_what_lies_in_the_disk_is_an_oserror_that_names_the_file(tmp_path, monkeypatch):
    """A store remembers an AudioError for good; what may pass must not be one."""
    with pytest.raises(FileNotFoundError, match=r"absent\.mp3: no such file"):
        audio.load(tmp_path / "absent.mp3")
    with pytest.raises(FileNotFoundError, match="no such file"):
        audio.rate(tmp_path)
    soundfile.write(tmp_path / "clip.wav", noise(0.2, 22050), 22050)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 8, hard))
    held = []
    try:
        with pytest.raises(OSError, match=r"Too many open files"):
            held.extend(open(os.devnull) for _ in range(99))
        with pytest.raises(OSError, match=r"clip\.wav") as caught:
            audio.load(tmp_path / "clip.wav")
    finally:
        for file in held:
            file.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert caught.value.errno == errno.EMFILE
    assert audio.load(tmp_path / "clip.wav").size == 4410

    def hiccup(*args, **options):
        raise soundfile.LibsndfileError(2, "Reading failed: ")

    monkeypatch.setattr(soundfile.SoundFile, "read", hiccup)
    with pytest.raises(OSError, match=r"clip\.wav: cannot be read"):
        audio.load(tmp_path / "clip.wav")


def test_errors_in_the_sound_name_the_file(tmp_path):
    path = tmp_path / "clip.wav"
    soundfile.write(path, noise(0.5, 22050), 22050)
    with pytest.raises(AudioError, match=r"clip\.wav: ends before second 3"):
        audio.load(path, offset=3.0)
    with pytest.raises(AudioError, match=r"clip\.wav"):
        audio.load(path, offset=0.55)  # within the resampler's margin
    soundfile.write(path, np.zeros((0, 1)), 22050)
    with pytest.raises(AudioError, match=r"clip\.wav"):
        audio.load(path)


@pytest.mark.parametrize(
    "options",
    [
        {"offset": -1}, {"offset": np.nan}, {"duration": 0}, {"duration": -1},
        {"sr": 0}, {"sr": -8000}, {"sr": 22050.5}, {"sr": np.inf},
    ],
)  # fmt: skip
def test_impossible_stretches_and_rates_are_refused(tmp_path, options):
    soundfile.write(tmp_path / "clip.wav", noise(0.5, 22050), 22050)
    with pytest.raises(ValueError, match=next(iter(options))) as caught:
        audio.load(tmp_path / "clip.wav", **options)
    assert not isinstance(caught.value, AudioError), "not the clip's fault, so not remembered"


def test_a_rate_may_be_a_float_or_the_files_own(tmp_path):
    path = tmp_path / "clip.wav"
    soundfile.write(path, noise(0.5, 32000), 32000)
    assert np.array_equal(audio.load(path, sr=16000.0), audio.load(path, sr=16000))
    whole, _ = librosa.load(path, sr=None)
    assert audio.rate(path) == 32000
    assert np.array_equal(audio.load(path, sr=None), whole)
    stretch = audio.load(path, sr=None, offset=0.25, duration=0.125)
    assert np.array_equal(stretch, whole[8000:12000])


# --- what FFmpeg decodes: M4A and its kin


CODECS = {"m4a": "aac", "mp4": "aac", "aac": "aac", "wma": "wmav2", "webm": "libopus"}


def encode(path, y, sr):
    """Write (n, channels) with PyAV, in the codec of the path's ending."""
    layout = {1: "mono", 2: "stereo"}[y.shape[1]]
    with av.open(str(path), "w") as file:
        options = {"bit_rate": 256_000, "layout": layout}
        stream = file.add_stream(CODECS[path.suffix[1:]], rate=sr, **options)
        for start in range(0, len(y), 1024):
            block = np.ascontiguousarray(y[start : start + 1024].T)
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout=layout)
            frame.sample_rate, frame.pts = sr, start
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))


def chirp(seconds, sr, channels):
    """A tone that rises from 300 to 3000 Hz, as loud on each channel as its number says."""
    t = np.arange(round(seconds * sr)) / sr
    tone = np.sin(2 * np.pi * (300 * t + 1350 * t**2 / seconds))
    return (tone[:, None] * 0.2 * np.arange(1, channels + 1)).astype(np.float32)


@pytest.mark.parametrize("ending", CODECS)
@pytest.mark.parametrize("channels", [1, 2])
def test_what_phones_make_is_decoded(tmp_path, ending, channels):
    sr = 48000 if ending == "webm" else 44100
    path, y = tmp_path / f"clip.{ending}", chirp(2, sr, channels)
    encode(path, y, sr)
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.info(path)
    assert audio.rate(path) == sr
    decoded, expected = audio.load(path, sr=None), y.mean(axis=1)
    delay = np.argmax(signal.correlate(decoded, expected)) - (len(expected) - 1)
    assert abs(delay) <= 2048 and abs(len(decoded) - len(expected)) < 4096, "an encoder's padding"
    middle = np.arange(4096, len(expected) - 8192)
    assert np.abs(decoded[middle + delay] - expected[middle]).max() < 0.03
    whole = audio.load(path)
    stretch = audio.load(path, offset=0.5, duration=1.0)
    assert np.abs(stretch - whole[11025 : 11025 + 22050]).max() < 2e-5
    with pytest.raises(AudioError, match=rf"clip\.{ending}: ends before second 3"):
        audio.load(path, offset=3)


def test_damaged_m4a_is_named_and_a_truncated_aac_gives_what_is_there(tmp_path):
    for ending in ("m4a", "aac"):
        encode(tmp_path / f"clip.{ending}", noise(4, 44100, 2), 44100)
        half = (tmp_path / f"clip.{ending}").read_bytes()
        (tmp_path / f"half.{ending}").write_bytes(half[: len(half) // 2])
    with pytest.raises(AudioError, match=r"half\.m4a: does not decode"):
        audio.load(tmp_path / "half.m4a")
    assert 1 < audio.load(tmp_path / "half.aac").size / 22050 < 3
    with av.open(str(tmp_path / "film.mp4"), "w") as file:
        stream = file.add_stream("mpeg4", rate=24, width=16, height=16)
        file.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        file.mux(stream.encode(None))
    with pytest.raises(AudioError, match=r"film\.mp4: holds no sound"):
        audio.load(tmp_path / "film.mp4")


def test_a_playlist_is_no_sound_and_nothing_it_names_is_opened(tmp_path):
    encode(tmp_path / "clip.aac", noise(1, 44100), 44100)
    path = tmp_path / "list.m4a"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nclip.aac\n#EXT-X-ENDLIST\n")
    with pytest.raises(AudioError, match=r"list\.m4a: does not decode"):
        audio.load(path)


def test_headers_say_how_clips_differ(tmp_path):
    soundfile.write(tmp_path / "a.mp3", noise(2, 44100, 2), 44100)
    encode(tmp_path / "b.m4a", noise(2, 32000), 32000)
    (tmp_path / "c.mp3").write_bytes(b"not sound")
    clips = pd.DataFrame({"genre": list("xyz")}, index=[7, 8, 9])
    clips["path"] = [str(tmp_path / name) for name in ("a.mp3", "b.m4a", "c.mp3")]
    table = audio.headers(clips)
    assert table.columns.tolist() == ["genre", "seconds", "sr", "channels", "format", "error"]
    assert table.loc[[7, 8], ["sr", "channels", "format"]].to_numpy().tolist() == [
        [44100, 2, "MP3"], [32000, 1, "AAC"],
    ]  # fmt: skip
    assert table["seconds"].iloc[:2].between(1.95, 2.1).all()
    assert pd.isna(table.loc[9, "sr"]) and "c.mp3: does not decode" in table.loc[9, "error"]
    assert table["error"].isna().tolist() == [True, True, False]


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
