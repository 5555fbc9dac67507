"""prcnn.store: bit for bit what log_mel gives; nothing shifted, stale or computed twice."""

import os
import shutil
import subprocess
import sys
import time
import warnings
from functools import partial
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from prcnn.audio import AudioError
from prcnn.datasets import Dataset
from prcnn.spectrogram import FENG, Settings, log_mel
from prcnn.store import StoreError, compute, contents, extract, parts

TINY = Settings("tiny", n_fft=512, n_mels=16, n_frames=20)
SPLITS = ("training", "validation", "test")


def make_dataset(folder, n=60, broken=()):
    """`n` clips of noise of half a second, all different, in three genres and splits."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(n):
        path = folder / f"{i:03d}.wav"
        if i in broken:
            path.write_bytes(b"no sound" * i)
        elif not path.exists():
            y = np.random.default_rng(i).normal(scale=0.1, size=11025)
            soundfile.write(path, y, 22050)
        genre = ("Folk", "Pop", "Rock")[i % 3]
        rows.append((1000 + i, str(path), genre, SPLITS[i // 2 % 3], f"artist {i}"))
    columns = ["clip", "path", "genre", "split", "artist"]
    clips = pd.DataFrame(rows, columns=columns).set_index("clip")
    return Dataset("noise", clips, ["Folk", "Pop", "Rock"])


def slow_log_mel(path, seconds=0.05):
    """TINY, at a pace that leaves time to be interrupted."""
    time.sleep(seconds)
    return log_mel(path, TINY)


def slow(dataset, out, n_jobs=1):
    return compute(dataset, slow_log_mel, TINY.shape, "tiny", out, n_jobs, progress=False)


def files(made):
    """Name → bytes of all files of a store."""
    return {path.name: path.read_bytes() for path in sorted(made.folder.glob("part-*"))}


CALLS = []


def number(path):
    """The number that a file holds; cheap features for clips that need no sound."""
    CALLS.append(path)
    text = Path(path).read_text()
    if text.startswith("x"):
        raise AudioError(f"{path}: no sound in {path}.")
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


def count(dataset, out):
    """The store of numbers, and the files for which it had to call the function."""
    CALLS.clear()
    made = compute(dataset, number, (1,), "number", out, n_jobs=1, progress=False)
    return made, [Path(path).name for path in CALLS]


def held(made):
    """What the store says the clips' numbers are."""
    return made.read(np.arange(len(made.clips)))[:, 0].tolist()


def age(dataset, seconds=10**8):
    """Make all files look as if they had not been changed for long."""
    for path in dataset.clips["path"]:
        os.utime(path, (time.time() - seconds,) * 2)


def cannot_be_called(*args):
    raise AssertionError("nothing was to be read")


@pytest.fixture
def dataset(tmp_path):
    return make_dataset(tmp_path / "clips", 40)


def test_arrays_are_log_mel_bit_for_bit_and_labels_follow(dataset, tmp_path):
    made = extract(dataset, TINY, n_jobs=1, out=tmp_path, progress=False)
    assert made.failed == {}
    assert made.clips.equals(dataset.clips)
    assert (made.name, made.settings, made.genres) == ("noise", TINY, dataset.genres)
    for split in SPLITS:
        X, y = made.arrays(split)
        table = dataset.clips[dataset.clips["split"] == split]
        assert (X.dtype, y.dtype) == (np.float32, np.int64)
        assert X.shape == (len(table), *TINY.shape)
        assert [dataset.genres[label] for label in y] == table["genre"].tolist()
        for row, path in zip(X, table["path"], strict=True):
            assert np.array_equal(row, log_mel(path, TINY))


def test_broken_clips_are_listed_and_shift_nothing(tmp_path):
    broken = [0, 7, 15, 16, 17, 39]
    whole = extract(make_dataset(tmp_path / "a", 40), TINY, 1, tmp_path / "whole", progress=False)
    dataset = make_dataset(tmp_path / "b", 40, broken=broken)
    made = extract(dataset, TINY, 1, tmp_path, progress=False)
    assert list(made.failed) == [1000 + i for i in broken]
    for i in broken:
        assert f"{i:03d}.wav" in made.failed[1000 + i]
    assert len(made.clips) == 34
    for split in SPLITS:
        X, y = made.arrays(split)
        expected_X, expected_y = whole.arrays(split)
        clips = whole.clips[whole.clips["split"] == split]
        kept = ~clips.index.isin(list(made.failed))
        assert np.array_equal(X, expected_X[kept])
        assert np.array_equal(y, expected_y[kept])


def test_a_split_without_clips_is_an_error(dataset, tmp_path):
    made = extract(dataset, TINY, 1, tmp_path, progress=False)
    with pytest.raises(ValueError, match=r"'train' of 'noise'.*training"):
        made.arrays("train")
    with pytest.raises(ValueError, match="'train'"):
        made.stream("train")


def test_a_stream_gives_what_arrays_give(dataset, tmp_path):
    made = extract(dataset, TINY, 1, tmp_path, progress=False)
    X, y = made.arrays("training")
    stream = made.stream("training", batch_size=4)
    batches = [stream[i] for i in range(len(stream))]
    assert len(batches) == -(-len(X) // 4)
    assert np.array_equal(np.concatenate([batch for batch, _ in batches]), X)
    assert np.array_equal(np.concatenate([labels for _, labels in batches]), y)
    with pytest.raises(IndexError):
        stream[len(stream)]


def test_a_shuffled_stream_has_every_clip_once_in_a_new_order_every_epoch(dataset, tmp_path):
    made = extract(dataset, TINY, 1, tmp_path, progress=False)
    X, y = made.arrays("training")

    def epochs(seed):
        stream = made.stream("training", batch_size=5, shuffle=True, seed=seed)
        for _ in range(2):
            batches = [stream[i] for i in range(len(stream))]
            yield np.concatenate([b for b, _ in batches]), np.concatenate([b for _, b in batches])
            stream.on_epoch_end()

    first, second = epochs(1)
    for rows, labels in (first, second):
        order = [int(np.flatnonzero((X == row).all(axis=(1, 2)))[0]) for row in rows]
        assert sorted(order) == list(range(len(X)))
        assert np.array_equal(labels, y[order])
    assert not np.array_equal(first[0], second[0])
    again, _ = epochs(1)
    assert np.array_equal(again[0], first[0])
    other, _ = epochs(2)
    assert not np.array_equal(other[0], first[0])


def test_one_process_or_two_write_the_same_bytes(dataset, tmp_path):
    one = extract(dataset, TINY, 1, tmp_path / "one", progress=False)
    two = extract(dataset, TINY, 2, tmp_path / "two", progress=False)
    assert files(one) == files(two)
    assert one.fingerprint == two.fingerprint


def test_the_order_in_which_threads_finish_changes_no_part(tmp_path, monkeypatch):
    dataset = numbers(tmp_path / "a", [str(i) for i in range(20)])
    expected = files(count(dataset, tmp_path / "one")[0])
    read = contents.read
    monkeypatch.setattr(contents, "_TASK", 1)
    monkeypatch.setattr(
        contents, "read", lambda path: time.sleep(0.2 * path.endswith("/0.txt")) or read(path)
    )
    made = compute(dataset, number, (1,), "number", tmp_path / "two", 2, progress=False)
    assert files(made) == expected


def test_other_settings_never_read_a_stale_store(dataset, tmp_path):
    made = extract(dataset, TINY, 1, tmp_path, progress=False)
    assert extract(dataset, TINY, 1, tmp_path, progress=False).folder == made.folder
    for name in ("tiny", "tiny-2"):
        other = Settings(name, n_fft=512, n_mels=16, n_frames=20, hop_length=256)
        again = extract(dataset, other, 1, tmp_path, progress=False)
        assert again.folder != made.folder
        assert again.fingerprint != made.fingerprint


def test_settings_are_the_datasets_own_where_none_are_named(tmp_path):
    y = np.random.default_rng(0).normal(scale=0.1, size=22050 * 6)
    soundfile.write(tmp_path / "a.wav", y, 22050)
    row = {"path": str(tmp_path / "a.wav"), "genre": "Folk", "split": "test"}
    dataset = Dataset("one", pd.DataFrame([row]), ["Folk"], settings="feng")
    assert extract(dataset, n_jobs=1, out=tmp_path, progress=False).settings == FENG
    assert extract(dataset, TINY, 1, tmp_path, progress=False).settings == TINY


# Found again by content


def test_touched_renamed_or_copied_clips_are_computed_once(tmp_path):
    texts = [str(i) for i in range(40)] + ["x"]
    dataset = numbers(tmp_path / "a", texts)
    made, calls = count(dataset, tmp_path / "out")
    assert sorted(set(calls)) == sorted(Path(p).name for p in dataset.clips["path"])
    for path in dataset.clips["path"]:
        os.utime(path)
    touched, calls = count(dataset, tmp_path / "out")
    assert calls == []
    (tmp_path / "a").rename(tmp_path / "b")
    renamed, calls = count(numbers(tmp_path / "b", texts, name="other"), tmp_path / "out")
    assert calls == []
    shutil.copytree(tmp_path / "b", tmp_path / "c")
    shutil.copytree(tmp_path / "out", tmp_path / "machine")
    copied, calls = count(numbers(tmp_path / "c", texts), tmp_path / "machine")
    assert calls == []
    for other in (touched, renamed, copied):
        assert other.fingerprint == made.fingerprint
        assert other.folder.name == made.folder.name
        assert held(other) == held(made) == list(range(40))
    assert copied.failed == {40: f"{tmp_path}/c/40.txt: no sound in {tmp_path}/c/40.txt."}


def test_one_more_song_costs_one_song_wherever_it_comes(tmp_path):
    texts = [str(i) for i in range(21)]
    first, _ = count(numbers(tmp_path / "a", texts), tmp_path)
    for place in (21, 0, 7):
        texts.insert(place, str(100 + place))
        made, calls = count(numbers(tmp_path / str(place), texts), tmp_path)
        assert calls == [f"{place}.txt"]
        assert held(made) == [float(text) for text in texts]
        assert made.fingerprint != first.fingerprint
        assert made.folder == first.folder


def test_two_datasets_share_the_clips_that_both_hold(tmp_path):
    count(numbers(tmp_path / "a", [str(i) for i in range(30)], name="a"), tmp_path)
    other = numbers(tmp_path / "b", [str(i) for i in range(50, 19, -1)], name="b")
    made, calls = count(other, tmp_path)
    assert len(calls) == 21
    assert held(made) == list(range(50, 19, -1))


def test_a_changed_file_is_noticed(tmp_path, monkeypatch):
    dataset = numbers(tmp_path / "a", ["10", "11", "12"])
    age(dataset)
    stat = os.stat(dataset.clips["path"][1])
    made, _ = count(dataset, tmp_path)
    for text, changed in (("77", stat.st_mtime_ns + 1), ("078", stat.st_mtime_ns + 1)):
        Path(dataset.clips["path"][1]).write_text(text)  # the size, or the time, is another
        os.utime(dataset.clips["path"][1], ns=(changed, changed))
        now, calls = count(dataset, tmp_path)
        assert calls == ["1.txt"]
        assert held(now) == [10, float(text), 12]
        assert now.fingerprint != made.fingerprint
    monkeypatch.setattr(contents, "read", cannot_be_called)
    assert held(count(dataset, tmp_path)[0]) == [10, 78, 12], "the new state is remembered"


def test_a_file_changed_twice_within_a_tick_is_noticed(tmp_path):
    dataset = numbers(tmp_path / "a", ["10", "11", "12"])
    path = dataset.clips["path"][1]
    stat = os.stat(path)
    count(dataset, tmp_path)
    Path(path).write_text("99")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert held(count(dataset, tmp_path)[0]) == [10, 99, 12]


FILES = st.lists(st.sampled_from([f"{i:02d}" for i in range(20)] + ["x1", "x2"]), min_size=1)


@settings(max_examples=40, deadline=None)
@given(st.lists(FILES, min_size=1, max_size=4), st.sampled_from([1, 3, 16]), st.booleans())
def test_whatever_datasets_meet_in_a_store_every_row_is_its_clips(
    tmp_path_factory, plan, size, old
):
    """Files that come back, change under their names, have copies or no sound."""
    folder, seen, fingerprints = tmp_path_factory.mktemp("wild"), set(), {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "SIZE", size)
        for step, texts in enumerate(plan):
            good = [text for text in texts if text[0] != "x"]
            dataset = numbers(folder / "a", texts, ids=[f"clip {i}" for i in range(len(texts))])
            if old:  # a file written at this step was, as the clock says, written long ago
                for path in dataset.clips["path"]:
                    if os.stat(path).st_mtime > 10**9:
                        os.utime(path, (10**8 + step,) * 2)
            if not good:
                with pytest.raises(StoreError, match=r"None of .*0\.txt: no sound"):
                    count(dataset, folder / "out")
                seen |= set(texts)
                continue
            made, calls = count(dataset, folder / "out")
            fresh = set(texts) - seen
            assert len(calls) == sum(2 if text[0] == "x" else 1 for text in fresh)
            seen |= fresh
            assert held(made) == [float(text) for text in good]
            assert list(made.clips.index) == [f"clip {i}" for i, t in enumerate(texts) if t in good]
            assert made.failed == {
                f"clip {i}": "{0}: no sound in {0}.".format(folder / "a" / f"{i}.txt")
                for i, text in enumerate(texts)
                if text[0] == "x"
            }
            assert fingerprints.setdefault(made.fingerprint, good) == good
    assert len(fingerprints) == len({tuple(good) for good in fingerprints.values()})
    assert [path.name for path in (folder / "out").glob("*.json")] in (["contents.json"], [])


def test_the_fingerprint_is_of_contents_order_and_kind_and_of_nothing_else(tmp_path):
    made, _ = count(numbers(tmp_path / "a", ["1", "2", "3"]), tmp_path)
    columns = {"genre": ["Pop", "Folk", "Pop"], "split": ["training", "test", "test"]}
    same = numbers(tmp_path / "b", ["1", "2", "3", "x"], list("pqrs"), "other")
    assert count(same, tmp_path / "out")[0].fingerprint == made.fingerprint
    labelled = numbers(tmp_path / "a", ["1", "2", "3"], **columns)
    assert count(labelled, tmp_path)[0].fingerprint == made.fingerprint
    for texts in (["1", "3", "2"], ["1", "2"], ["1", "2", "4"], ["1", "2", "3", "3"]):
        other, _ = count(numbers(tmp_path / "".join(texts), texts), tmp_path)
        assert other.fingerprint != made.fingerprint
    dataset = numbers(tmp_path / "a", ["1", "2", "3"])
    key = compute(dataset, number, (1,), "number 2", tmp_path, 1, progress=False)
    shape = compute(dataset, lambda p: [1.0, 2.0], (2,), "number", tmp_path, 1, progress=False)
    assert len({made.fingerprint, key.fingerprint, shape.fingerprint}) == 3
    assert len({made.folder, key.folder, shape.folder}) == 3


def test_parts_of_another_size_are_read_too(dataset, tmp_path, monkeypatch):
    made = extract(dataset, TINY, 1, tmp_path, progress=False)
    monkeypatch.setattr(parts, "SIZE", 8)
    monkeypatch.setattr(parts, "_make", cannot_be_called)
    again = extract(dataset, TINY, 1, tmp_path, progress=False)
    assert np.array_equal(again.arrays("test")[0], made.arrays("test")[0])


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
    if warned:
        with pytest.warns(UserWarning, match=warned) as caught:
            made, calls = count(dataset, tmp_path)
        assert len(caught) == 1
        assert caught[0].filename == __file__, "the warning points at the user's line"
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            made, calls = count(dataset, tmp_path)
    assert len(calls) == 3
    assert held(made) == [1, 1, 2, 3, 2]


# What the memo of contents may and may not do


def test_opening_again_reads_no_clip_and_computes_nothing(tmp_path, monkeypatch):
    one, two = (numbers(tmp_path / name, list(name * 9), name=name) for name in "12")
    for dataset in (one, two):
        age(dataset)
        count(dataset, tmp_path / "out")
    monkeypatch.setattr(contents, "read", cannot_be_called)
    for dataset in (one, two):
        assert held(count(dataset, tmp_path / "out")[0]) == [float(dataset.name)] * 9
        assert CALLS == []
    assert len(list((tmp_path / "out").iterdir())) == 2, "one memo beside the stores, however many"


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\xfe"])
def test_a_damaged_memo_costs_reading_and_no_more(tmp_path, damage):
    dataset = numbers(tmp_path / "a", ["1", "2", "3"])
    age(dataset)
    count(dataset, tmp_path)
    memo = tmp_path / "contents.json"
    memo.write_bytes(damage)
    made, calls = count(dataset, tmp_path)
    assert held(made) == [1, 2, 3]
    assert calls == []
    assert len(contents._recall(memo)) == 3
    memo.unlink()
    memo.mkdir()  # cannot be read and cannot be replaced
    assert held(count(dataset, tmp_path)[0]) == [1, 2, 3]


def test_what_was_read_before_an_interruption_is_remembered(tmp_path, monkeypatch):
    dataset = numbers(tmp_path / "a", [str(i) for i in range(40)])
    age(dataset)
    read, seen = contents.read, []

    def interrupted(path):
        if len(seen) == 35:
            raise KeyboardInterrupt
        seen.append(path)
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(contents, "read", interrupted)
        with pytest.raises(KeyboardInterrupt):
            count(dataset, tmp_path)
    kept = contents._recall(tmp_path / "contents.json")
    assert len(kept) == 32, "two tasks of 16"
    saved = []
    monkeypatch.setattr(contents, "_SAVE", -1.0)
    monkeypatch.setattr(contents, "_remember", lambda memo, fresh: saved.append(len(fresh)))
    (tmp_path / "contents.json").unlink()
    count(dataset, tmp_path)
    assert saved == [16, 32, 40, 40], "also while reading goes on, which may take hours"


def test_relative_paths_mean_what_they_mean_from_here(tmp_path, monkeypatch):
    for name in "12":
        numbers(tmp_path / name, [name])
        monkeypatch.chdir(tmp_path / name)
        clips = pd.DataFrame({"path": ["0.txt"], "genre": "Folk", "split": "test"})
        os.utime("0.txt", (10**9, 10**9))
        made, calls = count(Dataset("here", clips, ["Folk"]), tmp_path)
        assert calls == ["0.txt"]
        assert held(made) == [float(name)]
        with monkeypatch.context() as patch:
            patch.setattr(contents, "read", cannot_be_called)
            assert held(count(Dataset("here", clips, ["Folk"]), tmp_path)[0]) == [float(name)]


def test_labels_and_splits_are_the_datasets_own(dataset, tmp_path):
    made = extract(dataset, TINY, 1, tmp_path, progress=False)
    clips = dataset.clips.assign(split="test", genre="Jazz")
    other = extract(Dataset("noise", clips, ["Jazz"]), TINY, 1, tmp_path, progress=False)
    assert other.folder == made.folder
    X, y = other.arrays("test")
    assert len(X) == 40
    assert not y.any()


def duration(path):
    if path.endswith("005.wav"):
        raise AudioError(f"{path}: not this one.")
    return [soundfile.info(path).duration]


def test_compute_stores_any_features(dataset, tmp_path):
    made = compute(dataset, duration, (1,), "duration of files", tmp_path, 1, progress=False)
    assert made.settings == "duration of files"
    assert made.folder.name.startswith("duration-")
    assert list(made.failed) == [1005]
    assert np.all(made.arrays("test")[0] == 0.5)
    other = compute(dataset, duration, (1,), "duration again", tmp_path, 1, progress=False)
    assert other.folder != made.folder


def test_a_mistake_in_the_function_is_not_a_broken_clip(dataset, tmp_path):
    with pytest.raises(ValueError, match=r"shape \(1,\), not \(2,\)"):
        compute(dataset, duration, (2,), "wrong", tmp_path, 1, progress=False)
    with pytest.raises(TypeError):
        compute(dataset, partial(duration, 1), (1,), "wrong", tmp_path, 1, progress=False)


def process_id(path):
    return [os.getpid()]


def test_the_callers_joblib_backend_does_the_work(dataset, tmp_path):
    with joblib.parallel_config(backend="threading"):
        made = compute(dataset, process_id, (1,), "process", tmp_path, progress=False)
    assert np.all(made.arrays("training")[0] == np.float32(os.getpid()))


def test_the_bar_counts_clips_and_can_be_silenced(dataset, tmp_path, capsys):
    extract(dataset, TINY, 1, tmp_path)
    shown = capsys.readouterr().err
    assert "40/40" in shown
    assert "clip/s" in shown
    extract(dataset, TINY, 1, tmp_path / "silent", progress=False)
    assert capsys.readouterr().err == ""


def test_stores_lie_in_the_data_home_by_default(dataset, data_home):
    made = extract(dataset, TINY, 1, progress=False)
    assert made.folder.parent == data_home / "stores"
    assert made.folder.name.startswith("tiny-")


def test_extraction_waits_for_neither_keras_nor_librosa():
    code = "import sys, prcnn.store; print({'keras', 'librosa', 'tensorflow'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout.strip() == "set()", shown.stderr
