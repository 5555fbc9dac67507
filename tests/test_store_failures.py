"""prcnn.store when it is killed, crowded, out of disk or not let in: nothing lost, a clear word."""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from test_store import CALLS, TINY, count, files, held, make_dataset, number, numbers, slow

from prcnn.audio import AudioError
from prcnn.datasets import Dataset
from prcnn.spectrogram import log_mel
from prcnn.store import StoreError, compute, contents, extract


def start(folder, out, n, n_jobs, which=""):
    """A process of its own that fills a store, in a process group of its own."""
    code = (
        "import sys; from dataclasses import replace; from pathlib import Path;"
        "sys.path.insert(0, sys.argv[1]); from test_store import make_dataset, slow;"
        f"dataset = make_dataset(Path(sys.argv[2]), {n});"
        f"slow(replace(dataset, clips=dataset.clips[{which or ':'}]), sys.argv[3], {n_jobs})"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(folder), str(out)]
    return subprocess.Popen(command, start_new_session=True, stderr=subprocess.PIPE)


@pytest.fixture
def dataset(tmp_path):
    return make_dataset(tmp_path / "clips", 40)


def test_killed_at_any_moment_it_goes_on_and_ends_the_same(tmp_path):
    dataset = make_dataset(tmp_path / "clips")
    expected = files(slow(dataset, tmp_path / "whole"))
    out = tmp_path / "killed"
    for _ in range(2):  # killed twice, at another moment each time
        process = start(tmp_path / "clips", out, 60, n_jobs=2)
        before, deadline = len(list(out.glob("*/part-*.json"))), time.monotonic() + 60
        while len(list(out.glob("*/part-*.json"))) <= before and time.monotonic() < deadline:
            assert process.poll() is None, process.stderr.read().decode()
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        done = len(list(out.glob("*/part-*.json")))
        assert before < done < 4
        if done == 3:
            break
    assert files(slow(dataset, out)) == expected


def test_two_processes_on_one_store_do_not_disturb_each_other(tmp_path):
    dataset = make_dataset(tmp_path / "clips")
    expected = files(slow(dataset, tmp_path / "alone"))
    both = [start(tmp_path / "clips", tmp_path / "shared", 60, n_jobs=1) for _ in range(2)]
    for process in both:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    assert files(slow(dataset, tmp_path / "shared")) == expected


def test_four_processes_with_overlapping_datasets_share_one_folder(tmp_path):
    dataset = make_dataset(tmp_path / "clips")
    which = [":40", "20:", "::2", "::-1"]
    four = [start(tmp_path / "clips", tmp_path, 60, 1, w) for w in which]
    for process in four:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    (folder,) = tmp_path.glob("tiny-*")
    before = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    made = slow(dataset, tmp_path)
    assert before == {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert not list(folder.glob(".*"))
    for row, path in zip(made.read(np.arange(60)), dataset.clips["path"], strict=True):
        assert np.array_equal(row, log_mel(path, TINY))


def test_calls_at_different_stages_make_the_same_parts(tmp_path):
    """So that of two at once the slower one finds done what the faster one did."""
    texts = [str(i) for i in range(40)]
    for out in ("one", "two"):
        count(numbers(tmp_path / "a", ["5"]), tmp_path / out)
    count(numbers(tmp_path / "b", texts[16:32]), tmp_path / "two")
    one, two = (count(numbers(tmp_path / "c", texts), tmp_path / out)[0] for out in ("one", "two"))
    assert files(one) == files(two)


def test_stores_filled_apart_may_be_laid_together(tmp_path):
    one, _ = count(numbers(tmp_path / "a", [str(i) for i in range(20)]), tmp_path / "one")
    count(numbers(tmp_path / "b", [str(i) for i in range(30, 4, -1)]), tmp_path / "two")
    shutil.copytree(tmp_path / "two", tmp_path / "one", dirs_exist_ok=True)
    both = numbers(tmp_path / "c", [str(i) for i in range(31)])
    made, calls = count(both, tmp_path / "one")
    assert calls == []
    assert held(made) == list(range(31))
    assert made.folder == one.folder


def test_a_copy_that_was_broken_off_is_completed(tmp_path):
    dataset = numbers(tmp_path / "a", [str(i) for i in range(40)])
    made, _ = count(dataset, tmp_path)
    expected = files(made)
    parts = sorted(made.folder.glob("part-*.npy"), key=lambda path: path.stat().st_size)
    assert [path.stat().st_size - 128 for path in parts] == [32, 64, 64]
    os.truncate(parts[2], parts[2].stat().st_size - 1)
    parts[1].unlink()
    parts[0].with_suffix(".json").unlink()
    made, calls = count(dataset, tmp_path)
    assert len(calls) == 40
    assert files(made) == expected
    assert held(made) == list(range(40))
    parts[0].unlink()
    made, calls = count(dataset, tmp_path)
    assert len(calls) == 8
    assert held(made) == list(range(40))


def test_what_others_are_writing_is_not_swept_away(tmp_path):
    dataset = numbers(tmp_path / "a", ["1", "2"])
    made, _ = count(dataset, tmp_path)
    young, old = made.folder / ".partial-young", made.folder / ".partial-old"
    for path in (young, old):
        path.mkdir()
        (path / "part-0.npy").write_bytes(b"half")
    os.utime(old, (time.time() - 4000,) * 2)
    count(numbers(tmp_path / "b", ["3"]), tmp_path)
    assert (young.exists(), old.exists()) == (True, False)


def test_a_full_disk_is_said_and_the_finished_part_is_kept(dataset, tmp_path, monkeypatch):
    expected = files(extract(dataset, TINY, 1, tmp_path / "whole", progress=False))
    fsync, calls = os.fsync, []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) > 2:  # after the first part's two files
            raise OSError(errno.ENOSPC, "No space left on device")
        fsync(descriptor)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreError, match=r"No space left.*GB free.*out=") as caught:
            extract(dataset, TINY, 1, tmp_path / "full", progress=False)
    assert str(tmp_path / "full") in str(caught.value)
    assert len(list((tmp_path / "full").glob("*/part-*.json"))) == 1
    assert not list((tmp_path / "full").rglob(".partial-*"))
    assert files(extract(dataset, TINY, 1, tmp_path / "full", progress=False)) == expected


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_a_file_cut_short_by_the_system_is_said(tmp_path):
    make_dataset(tmp_path / "clips", 32)
    code = (
        "import resource, sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
        "from test_store import make_dataset, slow;"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000));"
        "slow(make_dataset(Path(sys.argv[2]), 32), sys.argv[3])"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "clips")]
    result = subprocess.run([*command, str(tmp_path / "out")], capture_output=True, text=True)
    assert result.returncode == 1
    assert "StoreError: Cannot write the store" in result.stderr
    assert not list((tmp_path / "out").rglob("*.npy"))


def test_no_permission_is_said(dataset, tmp_path, monkeypatch):
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")
    with pytest.raises(StoreError, match="a file"):
        extract(dataset, TINY, 1, blocked, progress=False)

    def refuse(self, *args, **options):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StoreError, match=r"Permission denied.*get permission.*out="):
        extract(dataset, TINY, 1, tmp_path / "locked", progress=False)


def die(path):
    os._exit(9)


def test_a_worker_that_dies_is_said(dataset, tmp_path):
    with pytest.raises(StoreError, match=r"worker process died.*call again"):
        compute(dataset, die, TINY.shape, "die", tmp_path, n_jobs=2, progress=False)


def test_nothing_usable_is_an_error(dataset, tmp_path):
    broken = make_dataset(tmp_path / "broken", 3, broken=range(3))
    with pytest.raises(StoreError, match=r"None of the 3 clips.*000\.wav"):
        extract(broken, TINY, 1, tmp_path, progress=False)
    empty = Dataset("empty", dataset.clips.iloc[:0], dataset.genres)
    with pytest.raises(StoreError, match="'empty' has no clips"):
        extract(empty, TINY, 1, tmp_path, progress=False)


def test_a_damaged_part_is_named(dataset, tmp_path):
    made = extract(dataset, TINY, 1, tmp_path, progress=False)
    part = next(made.folder.glob("part-*.json"))
    part.write_text("{")
    with pytest.raises(StoreError, match=rf"{part.name} cannot be read.*delete it"):
        extract(dataset, TINY, 1, tmp_path, progress=False)


# What may pass is tried again; what lies in the sound is not


PASSING = [
    OSError(errno.EMFILE, "Too many open files"),
    PermissionError(errno.EACCES, "Permission denied"),
    FileNotFoundError(errno.ENOENT, "No such file or directory"),
    TimeoutError("the disk does not answer"),
    OSError(),
]


@pytest.mark.parametrize("error", PASSING, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_passing_error_is_named_and_tried_again(tmp_path, error, n_jobs):
    texts = [str(i) for i in range(20)] + ["x"]
    dataset, bad = numbers(tmp_path / "a", texts), ["3.txt", "4.txt", "17.txt"]

    def hiccup(path):
        if Path(path).name in bad:
            raise error
        return number(path)

    with pytest.warns(UserWarning, match=r"3 of the 21 clips.*3, 4, 17.*3\.txt") as caught:
        made = compute(dataset, hiccup, (1,), "number", tmp_path, n_jobs, progress=False)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert list(made.failed) == [3, 4, 17, 20]
    for clip in (3, 4, 17):
        assert str(error) in made.failed[clip]
        assert f"{clip}.txt" in made.failed[clip]
    assert held(made) == [i for i in range(20) if i not in (3, 4, 17)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again, calls = count(dataset, tmp_path)
    assert sorted(calls) == sorted(bad)
    assert list(again.failed) == [20]
    assert held(again) == list(range(20))
    assert again.fingerprint != made.fingerprint


def test_when_no_clip_can_be_read_nothing_is_remembered(tmp_path):
    dataset = numbers(tmp_path / "a", ["1", "2"])

    def refused(path):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    with pytest.raises(StoreError, match=r"None of the 2 clips.*Permission denied.*0\.txt"):
        compute(dataset, refused, (1,), "number", tmp_path, 1, progress=False)
    assert held(count(dataset, tmp_path)[0]) == [1, 2]


def test_a_file_that_cannot_be_opened_is_named_and_read_when_it_can(tmp_path, monkeypatch):
    dataset = numbers(tmp_path / "a", ["1", "2", "3", "4"])
    gone, shut = dataset.clips["path"][1], dataset.clips["path"][2]
    os.rename(gone, tmp_path / "elsewhere")
    read = contents.read

    def refuse(path):
        if path == shut:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(contents, "read", refuse)
        with pytest.warns(UserWarning, match="2 of the 4 clips"):
            made, _ = count(dataset, tmp_path)
    assert made.failed == {
        1: f"[Errno 2] No such file or directory: '{gone}'",
        2: f"[Errno 13] Permission denied: '{shut}'",
    }
    assert held(made) == [1, 4]
    os.rename(tmp_path / "elsewhere", gone)
    made, calls = count(dataset, tmp_path)
    assert calls == ["1.txt", "2.txt"]
    assert held(made) == [1, 2, 3, 4]


def test_broken_sound_is_remembered_and_named_where_it_lies_now(tmp_path):
    count(numbers(tmp_path / "a", ["1", "x"]), tmp_path)
    assert [Path(path).name for path in CALLS] == ["0.txt", "1.txt", "1.txt"]
    made, calls = count(numbers(tmp_path / "b", ["x", "1"]), tmp_path)
    assert calls == []
    assert made.failed == {0: "{0}: no sound in {0}.".format(tmp_path / "b" / "0.txt")}


def test_what_a_decoder_calls_broken_for_want_of_descriptors_is_not_remembered(tmp_path):
    """libsndfile says "System error", whatever the system said."""
    dataset = make_dataset(tmp_path / "clips", 16)
    limits, taken, seen = resource.getrlimit(resource.RLIMIT_NOFILE), [], set()

    def release():
        while taken:
            taken.pop().close()

    def starved(path):
        release()
        short = path.endswith(("3.wav", "5.wav")) and path not in seen
        seen.add(path)
        while short:
            try:
                taken.append(open(os.devnull))
            except OSError:
                break
        try:
            return log_mel(path, TINY)
        finally:
            if path.endswith("5.wav"):  # over as fast as it came; with 3.wav it lasts
                release()

    resource.setrlimit(resource.RLIMIT_NOFILE, (200, limits[1]))
    try:
        with pytest.warns(UserWarning, match="1003.*Too many open files"):
            made = compute(dataset, starved, TINY.shape, "tiny", tmp_path, 1, progress=False)
    finally:
        release()
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert 1003 in made.failed
    assert slow(dataset, tmp_path).failed == {}


def test_a_fault_counts_as_the_sounds_only_when_it_comes_twice(tmp_path):
    def once(path):
        result = number(path) if path in CALLS else None
        CALLS.append(path)
        if result is None:
            raise AudioError(f"{path}: System error.")
        return result

    CALLS.clear()
    made = compute(
        numbers(tmp_path / "a", ["1", "2"]), once, (1,), "number", tmp_path, 1, progress=False
    )
    assert made.failed == {}
    assert held(made) == [1, 2]


def test_a_clip_that_changes_meanwhile_gives_nothing_wrong(tmp_path):
    dataset = numbers(tmp_path / "a", ["1", "2", "3", "4"])

    def meddle(path):
        """Changes the second clip, breaks the third, touches the fourth."""
        value = number(path)
        if path.endswith("1.txt"):
            Path(path).write_text("20")
            return number(path)
        if path.endswith("2.txt"):
            Path(path).write_text("x")
            return number(path)
        if path.endswith("3.txt"):
            os.utime(path)
        return value

    with pytest.warns(UserWarning, match="2 of the 4 clips"):
        made = compute(dataset, meddle, (1,), "number", tmp_path, 1, progress=False)
    assert list(made.failed) == [1, 2]
    assert "changed" in made.failed[1]
    assert held(made) == [1, 4]
    made, _ = count(dataset, tmp_path)
    assert held(made) == [1, 20, 4]
    assert list(made.failed) == [2]
    assert held(count(numbers(tmp_path / "b", ["2", "3"]), tmp_path)[0]) == [2, 3]


def test_a_file_that_grows_while_it_is_read_is_left_for_later(tmp_path, monkeypatch):
    dataset = numbers(tmp_path / "a", ["1", "2"])
    digest = contents.hashlib.file_digest

    def slow(file, name):
        found = digest(file, name)
        if file.name.endswith("1.txt"):
            Path(file.name).write_text("20")
        return found

    with monkeypatch.context() as patch:
        patch.setattr(contents.hashlib, "file_digest", slow)
        with pytest.warns(UserWarning, match=r"1 of the 2 clips.*1\.txt: changed while"):
            made, _ = count(dataset, tmp_path)
    assert held(made) == [1]
    assert held(count(dataset, tmp_path)[0]) == [1, 20]


def test_a_store_that_is_complete_opens_on_a_disk_not_ours_to_write_on(tmp_path, monkeypatch):
    dataset = numbers(tmp_path / "a", ["1", "2"])
    count(dataset, tmp_path)

    def refuse(*args, **options):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryDirectory", refuse)
    monkeypatch.setattr(contents, "_TICK", -1.0)  # so that there is something to remember
    made, calls = count(dataset, tmp_path)
    assert calls == []
    assert held(made) == [1, 2]
