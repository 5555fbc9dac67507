"""prcnn.store: bit for bit what log_mel gives; nothing shifted, nothing stale."""

import os
import subprocess
import sys
import time
from functools import partial

import joblib
import numpy as np
import pandas as pd
import pytest
import soundfile

from prcnn import parts, store
from prcnn.audio import AudioError
from prcnn.datasets import Dataset
from prcnn.spectrogram import Settings, log_mel
from prcnn.store import compute, extract

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
    return {path.name: path.read_bytes() for path in sorted(made.folder.iterdir())}


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
    whole = extract(make_dataset(tmp_path / "a", 40), TINY, 1, tmp_path, progress=False)
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


def test_other_settings_or_clips_never_read_a_stale_store(dataset, tmp_path):
    def current():
        return extract(dataset, TINY, 1, tmp_path, progress=False)

    made = current()
    assert current().folder == made.folder
    for name in ("tiny", "tiny-2"):
        other = Settings(name, n_fft=512, n_mels=16, n_frames=20, hop_length=256)
        assert extract(dataset, other, 1, tmp_path, progress=False).folder != made.folder
    path = dataset.clips["path"].iloc[3]
    y = np.random.default_rng(99).normal(scale=0.1, size=11025)
    soundfile.write(path, y, 22050)
    changed = current()
    assert changed.folder != made.folder
    assert np.array_equal(changed.read(np.array([3]))[0], log_mel(path, TINY))
    renamed = Dataset(dataset.name, dataset.clips.rename(index={1003: 5003}), dataset.genres)
    assert extract(renamed, TINY, 1, tmp_path, progress=False).folder != changed.folder


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
    assert "noise-duration-" in made.folder.name
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
    assert made.folder.name == f"noise-tiny-{made.fingerprint[:12]}"


def test_extraction_waits_for_neither_keras_nor_librosa():
    code = "import sys, prcnn.store; print({'keras', 'librosa', 'tensorflow'} & set(sys.modules))"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert shown.stdout.strip() == "set()", shown.stderr


def test_the_part_size_is_in_the_fingerprint(dataset, tmp_path, monkeypatch):
    made = extract(dataset, TINY, 1, tmp_path, progress=False)
    monkeypatch.setattr(parts, "SIZE", 8)
    assert store.extract(dataset, TINY, 1, tmp_path, progress=False).folder != made.folder
