"""prcnn.audio against librosa, on files that people really have, and on damaged ones.

``PRCNN_FUZZ=10000 pytest tests/test_audio.py -k damaged_files`` tries more damage than every run.
"""

import errno
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
from make import CODECS, damaged, encode, encoded, music
from scipy import signal

from prcnn import audio
from prcnn.audio import AudioError
from prcnn.spectrogram import Settings, log_mel

TINY = Settings("tiny", sr=8000, n_fft=256, hop_length=128, n_mels=16, n_frames=32)


def noise(seconds, sr, channels=1, seed=0):
    """Noise with a tone in it: (n, channels), float32."""
    n = round(seconds * sr)
    tone = np.sin(2 * np.pi * 440 * np.arange(n) / sr)[:, None]
    random = np.random.default_rng(seed).normal(size=(n, channels))
    return (0.1 * random + 0.3 * tone).astype(np.float32)


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "ogg"])
@pytest.mark.parametrize(("sr", "channels"), [(8000, 1), (22050, 2), (44100, 6), (48000, 1)])
def test_a_file_loads_as_librosa_loads_it(tmp_path, ending, sr, channels):
    path = tmp_path / f"clip.{ending}"
    soundfile.write(path, noise(1.3, sr, min(channels, 2) if ending == "mp3" else channels), sr)
    expected, _ = librosa.load(path, sr=22050)
    y = audio.load(path, sr=22050)
    assert y.dtype == np.float32
    assert y.shape == expected.shape
    assert np.abs(y - expected).max() < 1e-5


@settings(deadline=None, max_examples=15)
@given(
    native=st.sampled_from([8000, 22050, 32000, 44100, 96000]),
    ending=st.sampled_from(["wav", "mp3"]),
    offset=st.floats(0, 0.9),
    duration=st.floats(0.05, 1.5),
)
def test_a_stretch_is_cut_from_the_whole(tmp_path_factory, native, ending, offset, duration):
    native = min(native, 44100) if ending == "mp3" else native
    path = tmp_path_factory.getbasetemp() / f"stretch-{native}.{ending}"
    if not path.exists():
        soundfile.write(path, noise(1.5, native), native)
    whole = audio.load(path)
    start = round(offset * 22050)
    expected = whole[start : start + round(duration * 22050)]
    y = audio.load(path, duration=duration, offset=offset)
    assert y.shape == expected.shape
    assert np.abs(y - expected).max() < 2e-5


def test_no_more_than_the_stretch_is_decoded(tmp_path):
    """What is damaged behind it is not met; and the end of a song is not waited for."""
    whole = encoded(noise(20, 22050), 22050, "FLAC")
    path = tmp_path / "long.flac"
    path.write_bytes(whole[: len(whole) // 2] + bytes(len(whole) // 2))
    assert audio.load(path, duration=2.0).size == 44100


def test_a_name_in_any_script_in_any_bytes_and_at_home(tmp_path, monkeypatch):
    sound = encoded(noise(0.2, 22050), 22050, "WAV")
    for name in ("Füür & wasser 音楽.wav", "Mozart: Requiem.wav", os.fsdecode(b"caf\xe9.wav")):
        (tmp_path / name).write_bytes(sound)
        assert audio.load(str(tmp_path / name)).size == 4410
    encode(tmp_path / "x.m4a", noise(1, 44100), 44100)
    for name in ("Mozart: Requiem.m4a", os.fsdecode(b"caf\xe9.m4a")):
        os.rename(tmp_path / "x.m4a", tmp_path / name)
        assert audio.rate(tmp_path / name) == 44100
        os.rename(tmp_path / name, tmp_path / "x.m4a")
    (tmp_path / os.fsdecode(b"\xff.mp3")).write_bytes(b"no music")
    with pytest.raises(AudioError, match=r"\\udcff\.mp3: does not decode") as caught:
        audio.load(tmp_path / os.fsdecode(b"\xff.mp3"))
    str(caught.value).encode()  # can be printed
    monkeypatch.setenv("HOME", str(tmp_path))
    assert audio.rate("~/Mozart: Requiem.wav") == 22050


# --- what FFmpeg decodes: M4A and its kin


@pytest.mark.parametrize("sr", [8000, 16000, 32000, 48000])
def test_a_whole_wma_is_whole_and_half_a_webm_is_not(tmp_path, recwarn, sr):
    for ending in ("wma", "webm") if sr != 32000 else ("wma",):  # Opus knows no such rate
        path = tmp_path / f"clip.{ending}"
        encode(path, noise(4, sr, 2), sr)
        assert loaded(path, recwarn)[1] == ""
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert "s of its sound are missing" in loaded(path, recwarn)[1]


@pytest.mark.parametrize("ending", CODECS)
def test_what_phones_make_is_decoded(tmp_path, ending):
    sr = 48000 if ending == "webm" else 44100
    t = np.arange(2 * sr) / sr
    tone = np.sin(2 * np.pi * (300 * t + 675 * t**2))  # rises, so that it is not like itself later
    path, y = tmp_path / f"clip.{ending}", np.stack([0.2 * tone, 0.4 * tone], 1).astype(np.float32)
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


def test_a_playlist_is_no_sound_and_nothing_it_names_is_opened(tmp_path):
    encode(tmp_path / "clip.aac", noise(1, 44100), 44100)
    path = tmp_path / "list.m4a"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nclip.aac\n#EXT-X-ENDLIST\n")
    with pytest.raises(AudioError, match=r"list\.m4a: does not decode"):
        audio.load(path)


# --- files that people really have: nothing is lost in silence


ODD = {
    "vbr-noxing.mp3": (883_584, None),
    "hole-400.mp3": (879_696, "0.05 s of its sound are missing"),
    "concat-44-44.mp3": (1_767_215, None),
    "concat-notag-mono-then-stereo.mp3": (1_767_168, None),
    "cbr-notag-2000-zeros-at-end.mp3": (221_184, None),
    "unknown-length-piped.flac": (132_300, None),
    "chained.ogg": (1_764_576, None),
    "gsm610.wav": (160_000, None),
    "ogg-flac.oga": (132_300, None),
    "trunc.flac": (433_152, "10.18 s of its sound are missing"),
    "latin1-tag.m4a": (882_688, None),
    "latin1-tag.mka": (883_008, None),
    "opposite-phase-4s.wav": (176_400, "its channels cancel"),
}


def loaded(path, recwarn, **options):
    """Samples, and what was said of them."""
    recwarn.clear()
    n = audio.load(path, **{"sr": None} | options).size
    return n, "; ".join(str(one.message) for one in recwarn)


@pytest.mark.parametrize("name", ODD)
def test_odd_files_are_decoded_whole(shared_data, recwarn, capfd, name):
    samples, word = ODD[name]
    path = shared_data / "odd_audio" / name
    n, said = loaded(path, recwarn)
    assert n == samples
    assert (name in said and word in said and ";" not in said) if word else not said
    header = audio.headers(pd.DataFrame({"genre": ["x"], "path": [str(path)]})).iloc[0]
    whole = 882_000 if "missing" in str(word) else samples  # these headers say what is missing
    assert header["seconds"] == pytest.approx(whole / header["sr"], abs=0.03)
    assert capfd.readouterr().err == ""


def test_mp3s_are_decoded_to_the_end(tmp_path, recwarn, capfd):
    """Cut, joined, with a byte missing, zeros in front, junk behind."""
    path, whole = tmp_path / "song.mp3", encoded(noise(6, 44100, 2), 44100, "MP3")
    other, half = encoded(noise(2, 44100, 1), 44100, "MP3"), len(whole) // 2

    def seconds(content):
        path.write_bytes(content)
        n, said = loaded(path, recwarn)
        return pytest.approx(n / 44100, abs=0.2), said

    assert seconds(whole) == (6, "")
    assert seconds(b"ID3\x03\x00\x00\x00\x00\x01\x00" + bytes(128) + whole) == (6, "")
    assert seconds(whole + b"TAG" + bytes(125)) == (6, "")
    assert seconds(bytes(700) + whole)[0] == 6
    assert seconds(whole + bytes(5000)) == (6, "")
    assert seconds(other + whole) == (8, "")
    assert seconds(whole[half:])[0] == 3, "a cut has no tag"
    length, said = seconds(whole[:half])
    assert length == 3 and "song.mp3: damaged or cut short, 3.0" in said
    assert seconds(whole[:half] + whole[half + 1 :])[0] == 6
    damaged = bytearray(whole)
    damaged[half : half + 3000] = np.random.default_rng(0).bytes(3000)
    assert seconds(bytes(damaged))[0] == 6
    assert capfd.readouterr().err == "", "libmpg123 has its say"


@pytest.mark.parametrize("codec", ["VORBIS", "OPUS"])
def test_an_ogg_that_breaks_off_is_told(tmp_path, recwarn, codec):
    path = tmp_path / "song.ogg"
    soundfile.write(path, noise(4, 48000), 48000, format="OGG", subtype=codec)
    assert loaded(path, recwarn) == (192_000, "")
    whole = path.read_bytes()
    for cut in (len(whole) // 2, whole.rindex(b"OggS"), len(whole) - 1):
        path = tmp_path / f"{cut}.ogg"
        path.write_bytes(whole[:cut])
        n, said = loaded(path, recwarn)
        assert n < 192_000 and f"{cut}.ogg: cut short, its last page is missing" in said
        assert loaded(path, recwarn, duration=0.5) == (24_000, ""), "what is asked for is there"


def test_wav_whose_header_is_wrong(tmp_path, recwarn):
    path, whole = tmp_path / "clip.wav", encoded(noise(2, 44100), 44100, "WAV")
    at = whole.index(b"data") + 4
    for size in (bytes(4), b"\xff" * 4):  # of a recorder that was killed, of a pipe
        path.write_bytes(whole[:at] + size + whole[at + 4 :])
        assert loaded(path, recwarn) == (88200, "")
    path.write_bytes(whole[: len(whole) // 2])
    n, said = loaded(path, recwarn)
    assert n == pytest.approx(44100, abs=30) and "clip.wav: damaged or cut short, 1.00 s" in said
    assert loaded(path, recwarn, duration=0.5) == (22050, ""), "of what is asked for, all is there"
    path.write_bytes(whole[:24] + (1).to_bytes(4, "little") + whole[28:])
    with pytest.raises(AudioError, match=r"clip\.wav: its header says 1 Hz"):
        audio.load(path)


def test_channels_that_cancel_are_told(tmp_path, recwarn):
    left = music(3, 44100)
    path = tmp_path / "karaoke.mp3"
    soundfile.write(path, np.stack([left, -left], 1), 44100)
    assert "karaoke.mp3: its channels cancel" in loaded(path, recwarn)[1]
    with pytest.warns(UserWarning, match="The waveform: its channels cancel"):
        audio.mono(np.stack([left, -left]))
    for right in (0 * left, music(3, 44100, seed=1), 0.5 * left - 0.5 * music(3, 44100, seed=1)):
        soundfile.write(path, np.stack([left, right], 1), 44100)
        assert loaded(path, recwarn)[1] == ""


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is an empty file"),
        (b"\n<!DOCTYPE html><html>404", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", "is a pointer of Git LFS"),
        (b"not music at all" * 99, "does not decode"),
        (bytes(range(64)), "does not decode"),
        (b"RIFF\x00\x00\x00\x00WAVE", "does not decode"),
    ],
)
def test_what_is_no_sound_is_named(tmp_path, content, why):
    path = tmp_path / "broken.mp3"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=rf"broken\.mp3:? {why}"):
        audio.load(path)


def test_a_film_without_sound_and_half_an_m4a_are_named(tmp_path):
    encode(tmp_path / "clip.m4a", noise(4, 44100, 2), 44100)
    half = (tmp_path / "clip.m4a").read_bytes()
    (tmp_path / "half.m4a").write_bytes(half[: len(half) // 2])
    with pytest.raises(AudioError, match=r"half\.m4a: does not decode"):
        audio.load(tmp_path / "half.m4a")
    with av.open(str(tmp_path / "film.mp4"), "w") as file:
        stream = file.add_stream("mpeg4", rate=24, width=16, height=16)
        file.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        file.mux(stream.encode(None))
    with pytest.raises(AudioError, match=r"film\.mp4: .*no sound"):
        audio.load(tmp_path / "film.mp4")


def test_what_lies_in_the_disk_is_an_oserror_that_names_the_file(tmp_path):
    """A store remembers an AudioError for good; what may pass must not be one."""
    with pytest.raises(FileNotFoundError, match=r"absent\.mp3: no such file"):
        audio.load(tmp_path / "absent.mp3")
    with pytest.raises(FileNotFoundError, match="no such file, but a folder"):
        audio.rate(tmp_path)
    os.mkfifo(tmp_path / "pipe.mp3")
    with pytest.raises(FileNotFoundError, match=r"pipe\.mp3: no such file, but a pipe"):
        audio.load(tmp_path / "pipe.mp3")
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


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_damaged_files_become_finite_pictures_or_named_errors(tmp_path, capfd):
    wholes = {e: encoded(music(2, 16000), 16000, e) for e in ("wav", "flac", "ogg", "mp3", "aiff")}
    for ending in ("m4a", "aac", "webm", "wma"):
        encode(tmp_path / f"whole.{ending}", music(2, 48000)[:, None], 48000)
        wholes[ending] = (tmp_path / f"whole.{ending}").read_bytes()
    heard = 0
    seeds = *range(int(os.environ.get("PRCNN_FUZZ", 60))), 5344  # leads FFmpeg before byte 0
    for seed in seeds:
        random = np.random.default_rng(seed)
        ending = random.choice(list(wholes))
        path = tmp_path / f"{seed}.{ending}"
        path.write_bytes(damaged(wholes[ending], random))
        header = audio.headers(pd.DataFrame({"genre": ["x"], "path": [path]})).iloc[0]
        try:
            mel = log_mel(path, TINY)
        except AudioError as error:
            assert path.name in str(error), seed
        else:
            assert mel.shape == TINY.shape and np.isfinite(mel).all(), seed
            assert header["seconds"] > 0, seed
            heard += 1
        path.unlink()
    assert heard > len(seeds) / 3, "most of the damage can be lived with"
    assert capfd.readouterr().err == ""


# --- numbers at their edges


def test_a_stretch_behind_the_end_names_the_file(tmp_path):
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


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_resampling_gives_float32(kind):
    y = noise(0.5, 22050)[:, 0].astype(kind)
    for sr in (22050, 16000):
        resampled = audio.resample(y, 22050, sr)
        assert resampled.dtype == np.float32 and resampled.size == sr // 2


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
