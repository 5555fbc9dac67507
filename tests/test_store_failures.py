"""prcnn.store when it is killed, crowded, out of disk or not let in: nothing lost, a clear word."""

import errno
import os
import resource
import signal
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import replace
from pathlib import Path

import joblib
import make
import numpy as np
import pytest
from test_store import count, fill, held, later, must_not, number, numbers  # noqa: F401

import prcnn
from prcnn.spectrogram import PAPER
from prcnn.store import StoreError, compute, extract

TEXTS = [str(i) for i in range(60)]


def slow(path):
    """A number, at a pace that leaves time to be interrupted."""
    time.sleep(0.02)
    return number(path)


def start(folder, out, which=":"):
    """A process of its own that fills a store."""
    code = (
        "import sys; from dataclasses import replace; from pathlib import Path;"
        "sys.path.insert(0, sys.argv[1]); from test_store_failures import *;"
        "dataset = numbers(Path(sys.argv[2]), TEXTS);"
        f"fill(replace(dataset, clips=dataset.clips[{which}]), sys.argv[3], slow)"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(folder), str(out)]
    return subprocess.Popen(command, stderr=subprocess.PIPE)


def test_killed_at_any_moment_it_goes_on_and_two_at_once_end_the_same(tmp_path):
    """One is killed when it has written something; then two with overlapping datasets go on."""
    dataset, out = numbers(tmp_path / "a", TEXTS), tmp_path / "out"
    process, deadline = start(tmp_path / "a", out), time.monotonic() + 60
    while not list(out.glob("*/*.npy")) and time.monotonic() < deadline:
        assert process.poll() is None, process.stderr.read().decode()
        time.sleep(0.005)
    process.kill()
    process.communicate()
    (folder,) = out.glob("number-*/")
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npy")}
    assert 0 < len(before) < 60
    running = [start(tmp_path / "a", out, which) for which in (":40", "::-1")]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    made, calls = count(dataset, out)
    assert (held(made), calls) == (list(range(60)), [])
    after = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.npy")}
    assert before.items() <= after.items(), "what was finished is not made again"
    assert len(after) == 60


def test_a_copy_that_was_broken_off_is_completed(tmp_path, later):  # noqa: F811
    dataset = numbers(tmp_path / "a", TEXTS)
    made, _ = count(dataset, tmp_path)
    for clip, cut in ((3, 1), (4, 4), (5, 132)):
        path = made.folder / f"{made.contents[clip]}.npy"
        os.truncate(path, path.stat().st_size - cut)
    (made.folder / f"{made.contents[6]}.npy").unlink()
    made, calls = count(dataset, tmp_path)
    assert calls == ["3.txt", "4.txt", "5.txt", "6.txt"]
    assert held(made) == list(range(60))


def test_what_others_are_writing_is_not_swept_away(tmp_path):
    made, _ = count(numbers(tmp_path / "a", ["1", "2"]), tmp_path)
    young, old = made.folder / ".partial-young", made.folder / ".partial-old"
    for path in (young, old):
        path.mkdir()
        (path / "0.npy").write_bytes(b"half")
    os.utime(old, (time.time() - 4000,) * 2)
    count(numbers(tmp_path / "b", ["3"]), tmp_path)
    assert (young.exists(), old.exists()) == (True, False)


def test_a_full_disk_is_said_and_what_is_finished_is_kept(tmp_path):
    """The disk here is a limit on the size of a file, which holds from the 20th clip on."""
    dataset, calls = numbers(tmp_path / "a", TEXTS), []
    ask = {"key": "full", "out": tmp_path, "n_jobs": 1, "progress": False}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def features(path):
        calls.append(path)
        if len(calls) == 20:
            resource.setrlimit(resource.RLIMIT_FSIZE, (10**6, limits[1]))
        return np.full(300_000, number(path)[0])

    with pytest.raises(StoreError, match=r"Cannot fill.*full-300000.*out=.*call again"):
        try:
            compute(dataset, features, (300_000,), **ask)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(list(tmp_path.glob("full-*/*.npy"))) == 16, "the first task"
    assert not list(tmp_path.glob("full-*/.partial-*"))
    before = len(calls)
    made = compute(dataset, features, (300_000,), **ask)
    assert len(calls) == before + 60 - 16
    assert made.read(np.arange(60))[:, -1].tolist() == list(range(60))


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "a file").write_text("in the way")
    with pytest.raises(StoreError, match=r"a file.*Make room or get permission.*out="):
        count(numbers(tmp_path / "a", ["1"]), tmp_path / "a file")


def test_a_store_that_is_complete_opens_on_a_disk_not_ours_to_write_on(tmp_path, monkeypatch):
    dataset = numbers(tmp_path / "a", ["1", "2"])
    made, _ = count(dataset, tmp_path)
    memo = Path(f"{made.folder}.jsonl")
    memo.unlink(missing_ok=True)
    memo.mkdir()  # cannot be read and cannot be written
    for name in ("tempfile.TemporaryDirectory", "os.replace", "numpy.save"):
        monkeypatch.setattr(name, must_not)
    again, calls = count(dataset, tmp_path)
    assert (held(again), calls) == ([1, 2], [])


def die(path):
    os._exit(9)


def test_a_worker_that_dies_is_said(tmp_path):
    with pytest.raises(StoreError, match=r"worker process.*smaller n_jobs.*call again"):
        fill(numbers(tmp_path / "a", TEXTS), tmp_path, die, n_jobs=2)


def test_a_dask_cluster_that_loses_a_worker_makes_every_clip(tmp_path):
    distributed = pytest.importorskip("distributed")
    dataset = numbers(tmp_path / "clips", [str(i) for i in range(128)])
    cluster = distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    killed, out = [], tmp_path / "cluster"

    def kill_one():
        """Kill a worker process when the first clips are there."""
        while not list(out.rglob("*.npy")):
            time.sleep(0.005)
        killed.append(client.run(os.getpid))
        os.kill(next(iter(killed[0].values())), signal.SIGKILL)

    with cluster, distributed.Client(cluster) as client:
        killer = threading.Thread(target=kill_one, daemon=True)
        killer.start()
        with joblib.parallel_config(backend="dask"):
            made = compute(dataset, slow, (1,), "number", out, progress=False)
        killer.join(10)
        assert len(killed[0]) == 2
        assert os.getpid() not in killed[0].values()
        alive = client.run(os.getpid)
    assert not set(alive.values()) >= set(killed[0].values())
    assert made.failed == {}
    assert held(made) == list(range(128))


def test_no_usable_clip_is_an_error(tmp_path):
    dataset = numbers(tmp_path / "a", ["x", "x", "x"])
    with pytest.raises(StoreError, match=r"3 of the 3 clips.*0\.txt: no sound"):
        count(dataset, tmp_path)
    with pytest.raises(StoreError, match="'numbers' has no clips"):
        count(replace(dataset, clips=dataset.clips[:0]), tmp_path)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_what_the_function_warns_of_is_heard_from_other_processes_too(tmp_path, n_jobs):
    def half(path):
        warnings.warn(f"{path}: half of it is lost", stacklevel=1)
        return number(path)

    with pytest.warns(UserWarning, match=r"/0\.txt: half of it is lost"):
        fill(numbers(tmp_path / "a", ["1"]), tmp_path, half, n_jobs)


# One bad file never ends it. What may pass is tried again; what lies in the sound is not


ERRORS = [OSError(errno.EMFILE, "Too many open files"), PermissionError(errno.EACCES, "Not yours")]
ERRORS += [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), OSError()]


@pytest.mark.parametrize("error", ERRORS)
def test_a_passing_error_is_named_and_tried_again(tmp_path, later, error):  # noqa: F811
    dataset, bad = numbers(tmp_path / "a", [*TEXTS[:20], "x"]), ["17.txt", "3.txt", "4.txt"]

    def hiccup(path):
        if Path(path).name in bad:
            raise error
        return number(path)

    with pytest.warns(UserWarning, match=r"4 of the 21 clips.*/3\.txt: .*17\.txt.*; …") as caught:
        made = fill(dataset, tmp_path, hiccup)
    assert len(caught) == 1
    assert caught[0].filename.endswith("test_store.py"), "the line that called"
    assert list(made.failed) == [3, 4, 17, 20]
    for clip in (3, 4, 17):
        assert made.failed[clip] == f"{tmp_path}/a/{clip}.txt: {str(error) or 'OSError'}"
    assert held(made) == [i for i in range(20) if i not in (3, 4, 17)]
    with pytest.warns(UserWarning, match="1 of the 21 clips"):
        again, calls = count(dataset, tmp_path)
    assert calls == bad
    assert list(again.failed) == [20]
    assert held(again) == list(range(20))


def test_a_file_that_is_gone_or_a_pipe_is_named_and_read_when_it_can(tmp_path):
    dataset = numbers(tmp_path / "a", ["1", "2", "3", "4"])
    gone, pipe, folder = (Path(path) for path in dataset.clips["path"][1:])
    for path in (gone, pipe, folder):
        path.unlink()
    os.mkfifo(pipe)
    folder.mkdir()
    with pytest.warns(UserWarning, match="3 of the 4 clips"):
        made, _ = count(dataset, tmp_path)
    assert made.failed == {
        1: f"[Errno 2] No such file or directory: '{gone}'",
        2: f"{pipe}: not a regular file.",
        3: f"{folder}: not a regular file.",
    }
    folder.rmdir()
    pipe.unlink()
    made, calls = count(numbers(tmp_path / "a", ["1", "2", "3", "4"]), tmp_path)
    assert (held(made), calls) == ([1, 2, 3, 4], ["1.txt", "2.txt", "3.txt"])


@pytest.mark.filterwarnings("ignore:.*cannot be used")
def test_a_name_that_is_not_utf_8_ends_nothing(tmp_path):
    folder = make.genres(tmp_path / "sounds", n=4)
    sounds, name = prcnn.load(str(folder)), os.fsencode(folder / "low") + b"/caf\xe9.wav"
    os.rename(folder / "low" / "0.wav", name)
    path = sounds.clips["path"].replace(str(folder / "low" / "0.wav"), os.fsdecode(name))
    sounds = replace(sounds, clips=sounds.clips.assign(path=path))
    made = extract(sounds, replace(PAPER, n_frames=20), 1, tmp_path, progress=False)
    assert len(made.clips) + len(made.failed) == 8
    with pytest.warns(UserWarning, match=r"caf\\udce9\.wav: .*surrogates not allowed"):
        made = fill(sounds, tmp_path, lambda path: [len(path.encode())])
    assert len(made.clips) == 7
    assert "caf" in "".join(made.failed.values()).encode().decode()  # so it can be printed


def test_a_clip_that_changes_meanwhile_gives_nothing_wrong(tmp_path):
    dataset = numbers(tmp_path / "a", ["1", "2", "3", "4"])

    def meddle(path):
        """Changes the second clip, breaks the third."""
        if Path(path).name in ("1.txt", "2.txt"):
            Path(path).write_text("20" if path.endswith("1.txt") else "x")
        return number(path)

    with pytest.warns(UserWarning, match=r"2 of the 4 clips.*1\.txt: changed while"):
        made = fill(dataset, tmp_path, meddle)
    assert (list(made.failed), held(made)) == ([1, 2], [1, 4])
    with pytest.warns(UserWarning, match=r"1 of the 4 clips.*2\.txt: no sound"):
        made, _ = count(dataset, tmp_path)
    assert held(made) == [1, 20, 4]
    assert held(count(numbers(tmp_path / "b", ["2", "3"]), tmp_path)[0]) == [2, 3]
