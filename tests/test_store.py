"""prcnn.store: bit for bit what log_mel gives; nothing shifted, stale or computed twice."""

import os
import re
import shutil
import subprocess
import sys
import time
import warnings
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import make
import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import prcnn
from prcnn.audio import AudioError
from prcnn.datasets import Dataset
from prcnn.spectrogram import Settings, log_mel
from prcnn.store import compute, extract

TINY = Settings("tiny", n_fft=512, n_mels=16, n_frames=20)
CALLS = []


def number(path):
    """The number that a file holds; cheap features for clips that need no sound."""
    CALLS.append(Path(path).name)
    text = Path(path).read_text()
    if text.startswith("x"):
        raise AudioError(f"{path}: no sound.")
    return [float(text)]


def numbers(folder, texts, ids=None, name="numbers", **columns):
    """A dataset of files that hold `texts`, written where they do not hold them yet."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = {"path": [str(folder / f"{i}.txt") for i in range(len(texts))]}
    for path, text in zip(rows["path"], texts, strict=True):
        if not os.path.exists(path) or Path(path).read_text() != text:
            Path(path).write_text(text)
    rows |= {"genre": "Folk", "split": "test", "artist": None} | columns
    index = pd.Index(range(len(texts)) if ids is None else ids, name="clip")
    return Dataset(name, pd.DataFrame(rows, index=index), ["Folk", "Pop"])


def fill(dataset, out, function=number, n_jobs=1, **options):
    return compute(dataset, function, (1,), "number", out, n_jobs, progress=False, **options)


def count(dataset, out, **options):
    """The store of numbers, and the files for which it had to call the function."""
    CALLS.clear()
    return fill(dataset, out, **options), sorted(CALLS)


def held(made):
    """What the store says the clips' numbers are."""
    return made.read(np.arange(len(made.clips)))[:, 0].tolist()


@pytest.fixture
def later(monkeypatch):
    """Files that a test has just written look old enough for what they hold to be remembered."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10**10)


def must_not(*args, **options):
    raise AssertionError("nothing was to be read")


@pytest.fixture
def sounds(tmp_path):
    return prcnn.load(str(make.genres(tmp_path / "sounds", n=10)))


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_arrays_are_log_mel_bit_for_bit_and_a_broken_clip_shifts_nothing(sounds, tmp_path, n_jobs):
    bad = sounds.clips.index[[0, 7]]
    for path in sounds.clips.loc[bad, "path"]:
        Path(path).write_bytes(b"no sound" + path.encode())
    with pytest.warns(UserWarning, match=r"2 of the 20 clips .*\.wav: .*; .*\.wav: "):
        made = extract(sounds, TINY, n_jobs, tmp_path / "out", progress=False)
    assert list(made.failed) == bad.tolist()
    assert made.clips.equals(sounds.clips.drop(bad))
    assert (made.name, made.settings, made.genres) == (sounds.name, TINY, ["high", "low"])
    for split, table in made.clips.groupby("split"):
        X, y = made.arrays(split)
        assert (X.dtype, y.dtype, X.shape) == (np.float32, np.int64, (len(table), 20, 16))
        assert [made.genres[label] for label in y] == table["genre"].tolist()
        for row, path in zip(X, table["path"], strict=True):
            assert np.array_equal(row, log_mel(path, TINY))
            content = made.contents[table.index[table["path"] == path][0]]
            assert np.array_equal(row, np.load(made.folder / f"{content}.npy"))


def test_a_stream_gives_what_arrays_give_shuffled_anew_every_epoch(tmp_path):
    genre = ["Folk", "Pop"] * 9
    made, _ = count(numbers(tmp_path / "a", [str(i) for i in range(18)], genre=genre), tmp_path)

    def epochs(**options):
        stream = made.stream("test", batch_size=5, **options)
        for _ in range(2):
            batches = list(stream[i] for i in range(len(stream)))
            assert [len(X) for X, _ in batches] == [5, 5, 5, 3]
            yield np.concatenate([np.c_[X, y] for X, y in batches]).tolist()
            stream.on_epoch_end()
        with pytest.raises(IndexError):
            stream[len(stream)]

    plain = np.c_[made.arrays("test")].tolist()
    assert plain == [[i, i % 2] for i in range(18)]
    assert list(epochs()) == [plain, plain]
    first, second = epochs(shuffle=True, seed=1)
    assert sorted(first) == sorted(second) == plain
    assert plain != first != second != plain
    assert list(epochs(shuffle=True, seed=1)) == [first, second]
    assert next(epochs(shuffle=True, seed=2)) != first


def test_rows_follow_their_clips(tmp_path):
    columns = {"genre": ["Folk", "Pop", "Folk", "Pop"], "split": ["test"] * 3 + ["training"]}
    dataset = numbers(tmp_path / "a", ["10", "11", "12", "13"], ids=list("dcba"), **columns)
    made, _ = count(dataset, tmp_path)
    for part in (
        made.select(made.clips["genre"].isin(["Pop"])),
        made.select(np.array([False, True, False, True])),
        made.select(["c", "a"]),
        replace(made, clips=made.clips[made.clips["genre"] == "Pop"]),
    ):
        assert held(part) == [11, 13]
        assert part.labels([0, 1]).tolist() == [1, 1], "labels go by store.genres"
        assert part.arrays("training")[0].tolist() == [[13]]
        assert part.fingerprint != made.fingerprint
        assert (part == made, part == part.select(["c", "a"])) == (False, True)
    assert held(made.select(["a", "d"])) == [13, 10]
    assert made == fill(dataset, tmp_path) == replace(made)
    assert made != "made"
    assert made != replace(made, clips=made.clips.assign(genre="Folk"))
    before = made.fingerprint
    made.clips.sort_index(inplace=True)  # noqa: PD002
    assert held(made) == [13, 12, 11, 10]
    assert made.fingerprint != before
    with pytest.raises(KeyError, match="z"):
        made.select(["z"])
    with pytest.raises(ValueError, match="Jazz"):
        replace(made, clips=made.clips.assign(genre="Jazz")).labels([0])
    with pytest.raises(ValueError, match=r"'train' of 'numbers'.*training"):
        made.arrays("train")
    with pytest.raises(ValueError, match="at least 1, not -1"):
        made.stream("test", batch_size=-1)


# Found again by content and by what decides


def test_the_settings_decide_but_not_their_name(tmp_path, data_home):
    soundfile.write(tmp_path / "a.wav", make.music(16), 22050)
    row = {"path": str(tmp_path / "a.wav"), "genre": "Folk", "split": "test"}
    sounds = Dataset("one", pd.DataFrame([row]), ["Folk"], settings="feng")
    made = extract(sounds, TINY, 1, progress=False)
    renamed = extract(sounds, replace(TINY, name="other"), 1, progress=False)
    assert renamed == made
    assert renamed.folder == made.folder
    assert made.folder.parent == data_home / "stores"
    other = extract(sounds, replace(TINY, offset=0.1), 1, progress=False)
    own = extract(sounds, n_jobs=1, progress=False)
    assert own.settings.name == "feng"
    assert len({made.folder, other.folder, own.folder}) == 3
    assert len({made.fingerprint, other.fingerprint, own.fingerprint}) == 3


@pytest.mark.parametrize("upgraded", ["soundfile", "av", "soxr", "librosa", "libsndfile"])
@pytest.mark.filterwarnings("ignore:.*cannot be used")
def test_a_clip_that_did_not_decode_is_tried_again_by_another_decoder(
    tmp_path, later, monkeypatch, upgraded
):
    dataset, version = numbers(tmp_path / "a", ["1", "x"]), metadata.version
    made, calls = count(dataset, tmp_path)
    assert (calls, list(made.failed)) == (["0.txt", "1.txt"], [1])
    assert count(dataset, tmp_path)[1] == [], "what lies in the sound is remembered"
    assert count(dataset, tmp_path, retry_failed=True)[1] == ["1.txt"]
    if upgraded == "libsndfile":
        monkeypatch.setattr(soundfile, "__libsndfile_version__", "9")
    monkeypatch.setattr(metadata, "version", lambda n: "9" if n == upgraded else version(n))
    again, calls = count(dataset, tmp_path)
    assert calls == ["0.txt", "1.txt"]
    assert again.fingerprint == made.fingerprint


def test_renamed_or_copied_clips_are_computed_once_and_shared(tmp_path):
    texts = [str(i) for i in range(20)]
    made, calls = count(numbers(tmp_path / "a", texts), tmp_path / "out")
    assert len(calls) == 20
    for path in (tmp_path / "a").iterdir():
        os.utime(path)
    touched, calls = count(numbers(tmp_path / "a", texts), tmp_path / "out")
    (tmp_path / "a").rename(tmp_path / "b")
    renamed, more = count(numbers(tmp_path / "b", texts, name="other"), tmp_path / "out")
    shutil.copytree(tmp_path / "out", tmp_path / "machine")
    copied, most = count(numbers(tmp_path / "c", texts), tmp_path / "machine")
    assert calls + more + most == []
    for other in (touched, renamed, copied):
        assert (other.fingerprint, other.folder.name) == (made.fingerprint, made.folder.name)
        assert held(other) == held(made) == list(range(20))
    more, calls = count(numbers(tmp_path / "d", ["100", *texts[::-1]]), tmp_path / "out")
    assert calls == ["0.txt"], "one more song costs one song"
    assert held(more) == [100, *range(19, -1, -1)]
    assert more.folder == made.folder


@pytest.mark.parametrize("how", ["renamed", "rewritten"])
def test_files_of_one_size_and_time_that_change_places_are_noticed(tmp_path, later, how):
    dataset = numbers(tmp_path / "a", ["10", "11", "12"])
    one, two, _ = (Path(path) for path in dataset.clips["path"])
    for path in (one, two):
        os.utime(path, (10**9, 10**9))
    assert held(count(dataset, tmp_path)[0]) == [10, 11, 12]
    if how == "renamed":
        one.rename(tmp_path / "moved")
        two.rename(one)
        (tmp_path / "moved").rename(two)
    else:  # as from an archive
        for path, text in ((one, "11"), (two, "10")):
            path.write_text(text)
            os.utime(path, (10**9, 10**9))
    assert held(count(dataset, tmp_path)[0]) == [11, 10, 12]


def test_a_file_changed_twice_within_a_tick_of_the_clock_is_noticed(tmp_path, monkeypatch):
    dataset, now, stat = numbers(tmp_path / "a", ["10", "11", "12"]), time.time_ns(), os.stat

    def coarse(path, **options):
        found = stat(path, **options)
        said = {name: getattr(found, name) for name in dir(found) if name.startswith("st_")}
        return SimpleNamespace(**said | {"st_mtime_ns": now, "st_ctime_ns": now})

    monkeypatch.setattr(os, "stat", coarse)
    count(dataset, tmp_path)
    Path(dataset.clips["path"][1]).write_text("99")
    assert held(count(dataset, tmp_path)[0]) == [10, 99, 12]


FILES = st.lists(st.sampled_from([f"{i:02d}" for i in range(20)] + ["x1", "x2"]), min_size=1)


@settings(max_examples=25, deadline=None)
@given(st.lists(FILES, min_size=1, max_size=4), st.booleans())
@pytest.mark.filterwarnings("ignore:.*cannot be used")
def test_whatever_datasets_meet_in_a_store_every_row_is_its_clips(tmp_path_factory, plan, old):
    """Files that come back, change under their names, have copies or no sound."""
    folder, seen, fingerprints, now = tmp_path_factory.mktemp("wild"), set(), {}, time.time_ns
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time_ns", lambda: now() + 10**10 * old)
        for texts in plan:
            good = [i for i, text in enumerate(texts) if text[0] != "x"]
            told = tuple(texts[i] for i in good)
            dataset = numbers(folder / "a", [*texts, "00"])  # so that there is a good one
            made, calls = count(dataset, folder / "out")
            assert len({*calls} & {f"{i}.txt" for i in good}) <= len({*told} - seen)
            seen |= {*told, "00"}
            assert held(made) == [*map(float, told), 0]
            assert made.clips.index.tolist() == [*good, len(texts)]
            bad = {*range(len(texts))} - {*good}
            assert made.failed == {i: f"{folder}/a/{i}.txt: no sound." for i in bad}
            assert fingerprints.setdefault(made.fingerprint, told) == told
    assert len(fingerprints) == len({*fingerprints.values()})


def test_the_fingerprint_is_of_contents_order_and_kind_and_of_nothing_else(tmp_path):
    made, _ = count(numbers(tmp_path / "a", ["1", "2", "3"]), tmp_path)
    columns = {"genre": ["Pop", "Folk", "Pop"], "split": ["training", "test", "test"]}
    same = numbers(tmp_path / "b", ["1", "2", "3"], list("pqr"), "other", **columns)
    assert count(same, tmp_path / "out")[0].fingerprint == made.fingerprint
    for texts in (["1", "3", "2"], ["1", "2"], ["1", "2", "4"], ["1", "2", "3", "3"]):
        other, _ = count(numbers(tmp_path / "".join(texts), texts), tmp_path)
        assert other.fingerprint != made.fingerprint
    dataset = numbers(tmp_path / "a", ["1", "2", "3"])
    key = compute(dataset, number, (1,), "number 2", tmp_path, 1, progress=False)
    shape = compute(dataset, lambda p: [1.0, 2.0], (2,), "number", tmp_path, 1, progress=False)
    assert len({made.fingerprint, key.fingerprint, shape.fingerprint}) == 3
    assert len({made.folder, key.folder, shape.folder}) == 3
    assert (key.settings, shape.read([2, 0]).tolist()) == ("number 2", [[1, 2], [1, 2]])


@pytest.mark.parametrize(
    ("columns", "warned"),
    [
        ({}, None),
        ({"genre": ["Folk", "Pop", "Folk", "Folk", "Folk"]}, "'numbers': '0 = 1'\\."),
        ({"split": ["test"] * 4 + ["training"]}, "'2 = 4'\\."),
        ({"split": ["test", "training"] * 2 + ["validation"]}, "'0 = 1', '2 = 4'\\."),
    ],
)
def test_one_content_in_two_genres_or_splits_is_warned_of(tmp_path, columns, warned):
    dataset = numbers(tmp_path / "a", ["1", "1", "2", "3", "2"], **columns)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        made, calls = count(dataset, tmp_path)
    assert len(caught) == (warned is not None)
    for warning in caught:
        assert re.search(warned, str(warning.message))
        assert warning.filename == __file__, "the warning points at the user's line"
    assert len(calls) == 3
    assert held(made) == [1, 1, 2, 3, 2]


# What is remembered of files


@pytest.mark.parametrize("damage", [None, b"", b"{", b"3\n[]\n[[], 1, 2]", b"\xff\xfe"])
def test_opening_again_reads_no_clip_and_a_damaged_memo_is_mended(
    tmp_path, later, monkeypatch, damage
):
    dataset = numbers(tmp_path / "a", ["1", "2", "3"])
    made, _ = count(dataset, tmp_path)
    if damage is not None:
        Path(f"{made.folder}.jsonl").write_bytes(damage)
        made, calls = count(dataset, tmp_path)
        assert (held(made), calls) == ([1, 2, 3], [])
    monkeypatch.setattr("hashlib.file_digest", must_not)
    made, calls = count(dataset, tmp_path)
    assert (held(made), calls) == ([1, 2, 3], [])


@pytest.mark.parametrize("path", ["0.txt", "~/0.txt"])
def test_relative_paths_mean_what_they_mean_from_here(tmp_path, monkeypatch, later, path):
    for name in "1212":
        numbers(tmp_path / name, [name])
        monkeypatch.chdir(tmp_path / name)
        monkeypatch.setenv("HOME", str(tmp_path / name))
        clips = pd.DataFrame({"path": [path], "genre": "Folk", "split": "test"})
        dataset = Dataset("here", clips, ["Folk"])
        assert dataset.validate().loc["present", "count"] == 1
        assert held(count(dataset, tmp_path)[0]) == [float(name)]


# Features of one's own


@pytest.mark.parametrize(
    ("function", "options", "error", "says"),
    [
        (lambda path: [1, 2], {}, ValueError, r"0\.txt.*shape \(1,\), not of shape \(2,\)"),
        (lambda path: [np.nan], {}, ValueError, r"0\.txt.*finite.*nan"),
        (lambda path: [1e300], {}, ValueError, r"0\.txt.*finite.*inf"),
        (lambda path, more: [1], {}, TypeError, "more"),
        (number, {"key": ""}, ValueError, 'key=""'),
        (number, {"key": " "}, ValueError, 'key=""'),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_a_mistake_in_the_call_is_no_broken_clip(tmp_path, function, options, error, says):
    asked = {"key": "wrong", "shape": (1,), "n_jobs": 1, "progress": False} | options
    with pytest.raises(error, match=says):
        compute(numbers(tmp_path / "a", ["1"]), function, out=tmp_path, **asked)


def test_the_bar_counts_clips_and_can_be_silenced(tmp_path, capsys):
    dataset = numbers(tmp_path / "a", [str(i) for i in range(40)])
    compute(dataset, number, (1,), "bar", tmp_path, 1)
    shown = capsys.readouterr().err
    assert "40/40" in shown
    assert "clip/s" in shown
    count(dataset, tmp_path)
    assert capsys.readouterr().err == ""


def test_extraction_waits_for_neither_keras_nor_librosa():
    code = "import sys, prcnn.store; print({'keras', 'librosa', 'tensorflow'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout.strip() == "set()", shown.stderr
