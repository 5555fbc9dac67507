"""prcnn.store when it is killed, crowded, out of disk or not let in: nothing lost, a clear word."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from test_store import TINY, files, make_dataset, slow

from prcnn import parts
from prcnn.datasets import Dataset
from prcnn.store import StoreError, compute, extract


def start(folder, out, n, n_jobs):
    """A process of its own that fills a store, in a process group of its own."""
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]);"
        "from test_store import make_dataset, slow;"
        f"slow(make_dataset(Path(sys.argv[2]), {n}), sys.argv[3], {n_jobs})"
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
        before, deadline = len(list(out.glob("*/*.json"))), time.monotonic() + 60
        while len(list(out.glob("*/*.json"))) <= before and time.monotonic() < deadline:
            assert process.poll() is None, process.stderr.read().decode()
            time.sleep(0.005)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        done = len(list(out.glob("*/*.json")))
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
    assert len(list((tmp_path / "full").glob("*/*.json"))) == 1
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
    parts.file(made.folder, 1, "json").write_text("{")
    with pytest.raises(StoreError, match=r"part-00001\.json cannot be read"):
        extract(dataset, TINY, 1, tmp_path, progress=False)
