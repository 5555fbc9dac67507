"""Downloads from a local server that breaks off, lies and refuses, and from a local repository."""

import hashlib
import http.server
import io
import os
import shutil
import subprocess
import threading
import zipfile

import numpy as np
import pytest
from make import touch

import prcnn
from prcnn import datasets
from prcnn.datasets import download, fma, gtzan

CONTENT = bytes(range(256)) * 4000  # about 1 MB
SHA1 = "sha1:" + hashlib.sha1(CONTENT).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves ``content``; breaks off after ``cut`` bytes for the first ``breaks`` answers."""

    content, cut, breaks, ranges, status, says_length = CONTENT, None, 0, True, 200, True
    asked: list

    def do_GET(self):
        cls, wanted = type(self), self.headers.get("Range")
        cls.asked.append(wanted)
        if cls.status != 200:
            self.send_error(cls.status)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and cls.ranges else 0
        total, body = len(cls.content), cls.content[start:]
        self.send_response(200 if not start else 206 if body else 416)
        if start:
            sent = f"{start}-{total - 1}" if body else "*"
            self.send_header("Content-Range", f"bytes {sent}/{total}")
        if cls.says_length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if cls.breaks > 0:
            cls.breaks -= 1
            body = body[: cls.cut]
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    handler = type("Handler", (Server,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        handler.url = f"http://127.0.0.1:{running.server_port}/clips.zip"
        monkeypatch.setattr(download, "WAIT", 0.01)
        yield handler
        running.shutdown()
        thread.join()


def zipped(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


# --- fetching


def test_fetch_whole_file_and_keep_it(server, tmp_path):
    path = tmp_path / "new" / "clips.zip"
    download.fetch(server.url, path, SHA1)
    assert path.read_bytes() == CONTENT
    download.fetch(server.url, path, SHA1)
    assert server.asked == [None], "a file that is there and right is not fetched again"
    assert os.listdir(path.parent) == ["clips.zip"]
    path.write_bytes(b"other")
    server.says_length = False
    download.fetch(server.url, path, SHA1)
    assert path.read_bytes() == CONTENT


def test_broken_connections_are_carried_on_with_ranges(server, tmp_path, monkeypatch):
    monkeypatch.setattr(download, "TRIES", 2)
    path, part = tmp_path / "clips.zip", tmp_path / "clips.zip.part"
    part.write_bytes(CONTENT[:400_000])
    server.cut, server.breaks = 0, 100
    with pytest.raises(ConnectionError, match=r"390\.6 KiB.*run the same again"):
        download.fetch(server.url, path, SHA1)
    assert part.read_bytes() == CONTENT[:400_000] and not path.exists()
    server.cut, server.breaks = 300_000, 2  # of tries, only those without progress count
    server.asked.clear()
    download.fetch(server.url, path, SHA1)
    assert path.read_bytes() == CONTENT and not part.exists()
    starts = [int(r.removeprefix("bytes=").rstrip("-")) for r in server.asked]
    assert starts[0] == 400_000 < starts[1] < starts[2] and len(starts) == 3


@pytest.mark.parametrize(
    ("part", "ranges"),
    [(b"old" * 100, False), (CONTENT, True), (CONTENT + b"x" * 10, True)],
    ids=["a server without ranges", "a part that is whole", "a part that is too long"],
)
def test_a_part_never_spoils_the_file(server, tmp_path, part, ranges):
    (tmp_path / "clips.zip.part").write_bytes(part)
    server.ranges = ranges
    download.fetch(server.url, tmp_path / "clips.zip", SHA1)
    assert (tmp_path / "clips.zip").read_bytes() == CONTENT


def test_wrong_checksum_is_an_error_and_nothing_is_kept(server, tmp_path):
    server.content = b"something else"
    for part in (b"", b"sss"):  # also when the tail of another version was appended to an old part
        (tmp_path / "clips.zip.part").write_bytes(part)
        with pytest.raises(ValueError, match=r"SHA1 hash of downloaded file.*does not match"):
            download.fetch(server.url, tmp_path / "clips.zip", SHA1)
        assert list(tmp_path.iterdir()) == []


def test_dead_link_and_dead_host(server, tmp_path, monkeypatch):
    server.status = 404
    with pytest.raises(FileNotFoundError, match=r"404.*Get the file elsewhere"):
        download.fetch(server.url, tmp_path / "clips.zip", SHA1)
    assert len(server.asked) == 1, "a dead link is not asked again and again"
    monkeypatch.setattr(download, "TRIES", 2)
    with pytest.raises(ConnectionError, match="stopped at 0 bytes"):
        download.fetch("http://127.0.0.1:9/clips.zip", tmp_path / "clips.zip", SHA1)


# --- archives


@pytest.fixture
def archive(server, monkeypatch):
    """Let ``fma_small`` be what the server has; give what it is to serve."""

    def serve(content, size=1000):
        server.content = content
        sha1 = "sha1:" + hashlib.sha1(content).hexdigest()
        monkeypatch.setitem(
            download.ARCHIVES, "fma_small", download.Archive(server.url, sha1, size)
        )

    return serve


def test_size_is_said_before_and_a_full_disk_refused(
    server, archive, tmp_path, capsys, monkeypatch
):
    archive(zipped({"fma_small/000/000002.mp3": b"x", "fma_small/README.txt": b"y"}), 7.2 * 2**30)
    usage = shutil.disk_usage(tmp_path)._replace(free=10 * 2**30)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OSError, match=r"not enough room for 7\.2 GiB.*14\.4 GiB"):
        download.get_archive("fma_small", tmp_path)
    assert server.asked == []
    usage = usage._replace(free=20 * 2**30)
    download.get_archive("fma_small", tmp_path)
    assert "Downloading 7.2 GiB from http://127.0.0.1" in capsys.readouterr().out
    assert (tmp_path / "fma_small" / "000" / "000002.mp3").read_bytes() == b"x"
    assert os.listdir(tmp_path) == ["fma_small"], "archive and partial files are gone"
    download.get_archive("fma_small", tmp_path)
    assert len(server.asked) == 1


def test_an_empty_or_half_moved_folder_is_not_a_finished_download(server, archive, tmp_path):
    archive(zipped({"fma_small/000/1.mp3": b"new", "fma_small/001/2.mp3": b"new"}))
    (tmp_path / "fma_small" / "000").mkdir(parents=True)
    (tmp_path / "fma_small" / "mine.txt").write_text("keep")
    download.get_archive("fma_small", tmp_path)
    (tmp_path / "fma_small" / "001" / "2.mp3").unlink()
    (tmp_path / ".unpacking-fma_small.zip").mkdir()  # of a call that was killed as it moved
    download.get_archive("fma_small", tmp_path)
    assert len(server.asked) == 2 and os.listdir(tmp_path) == ["fma_small"]
    assert (tmp_path / "fma_small" / "001" / "2.mp3").read_bytes() == b"new"
    assert (tmp_path / "fma_small" / "mine.txt").read_text() == "keep"
    download.get_archive("fma_small", tmp_path)
    assert len(server.asked) == 2


def test_unpacking_that_was_killed_looks_unfinished_and_goes_on(archive, tmp_path, monkeypatch):
    archive(zipped({f"fma_small/{i}.mp3": bytes([i]) * 100 for i in range(5)}))
    written, whole = [], zipfile.ZipFile.extract

    def dies_in_the_third(self, info, where):
        if len(written) == 2:
            (where / info.filename).write_bytes(b"half")
            raise KeyboardInterrupt
        written.append(info.filename)
        return whole(self, info, where)

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "extract", dies_in_the_third)
        with pytest.raises(KeyboardInterrupt):
            download.get_archive("fma_small", tmp_path)
    assert not (tmp_path / "fma_small").exists(), "nothing that looks complete"
    staged = {p.name: p.stat().st_mtime_ns for p in tmp_path.rglob("*.mp3") if p.stat().st_size > 4}
    assert len(staged) == 2
    download.get_archive("fma_small", tmp_path)
    files = {p.name: p for p in (tmp_path / "fma_small").iterdir()}
    assert [files[f"{i}.mp3"].read_bytes() for i in range(5)] == [
        bytes([i]) * 100 for i in range(5)
    ]
    assert {n: files[n].stat().st_mtime_ns for n in staged} == staged, "not written again"


def test_fma_is_fetched_with_its_metadata_when_that_is_asked_for(
    server, archive, tmp_path, monkeypatch
):
    tracks = ",set,set,track\n,split,subset,genre_top\ntrack_id,,,\n2,training,small,Rock\n"
    tracks += "3,validation,small,Rock\n5,test,small,Folk\n"
    clips = {f"fma_small/000/00000{i}.mp3": b"x" for i in (2, 3, 5)}
    archive(zipped({"fma_metadata/tracks.csv": tracks} | clips))
    monkeypatch.setitem(download.ARCHIVES, "fma_metadata", download.ARCHIVES["fma_small"])
    with pytest.raises(FileNotFoundError, match="download=True"):
        datasets.load("fma_small", tmp_path)
    assert server.asked == []
    dataset = datasets.load("fma_small", tmp_path, download=True)
    assert dataset.clips["genre"].to_dict() == {2: "Rock", 3: "Rock", 5: "Folk"}
    assert sorted(os.listdir(tmp_path)) == ["fma_metadata", "fma_small"]


def test_compression_unknown_to_python_is_left_to_the_user(archive, tmp_path):
    content = bytearray(zipped({"fma_small/1.mp3": b"x"}))
    content[8] = content[content.rindex(b"PK\1\2") + 10] = 9  # deflate64
    archive(bytes(content))
    with pytest.raises(ValueError, match=r"fma_small\.zip.*unpack it with 7-Zip into"):
        download.get_archive("fma_small", tmp_path)


def test_no_entry_leaves_the_folder(archive, tmp_path):
    evil = ["../evil", "a/../../evil", "/evil", "\\evil", "..\\evil", "C:\\evil"]
    archive(zipped({"fma_small/000/1.mp3": b"x"} | dict.fromkeys(evil, b"evil")))
    download.get_archive("fma_small", tmp_path / "home")
    assert os.listdir(tmp_path) == ["home"] and os.listdir(tmp_path / "home") == ["fma_small"]


def test_gtzans_lists_are_fetched_for_the_split_that_needs_them(server, tmp_path, monkeypatch):
    clips = [f"{genre}/{genre}.{i:05d}.wav" for genre in ("blues", "rock") for i in range(3)]
    touch(tmp_path / "gtzan" / "genres", *clips)
    monkeypatch.setattr(gtzan, "_LISTS_URL", server.url.removesuffix("clips.zip"))
    server.status = 404
    with pytest.raises(FileNotFoundError, match=r"train_filtered\.txt.*elsewhere"):
        datasets.load("gtzan", tmp_path, download=True)
    with pytest.warns(UserWarning, match="6 clips"):
        assert len(datasets.load("gtzan", tmp_path, download=True, splits="stratified").clips) == 6
    assert len(server.asked) == 1
    with pytest.raises(FileNotFoundError, match=r"dead.*huggingface"):
        datasets.load("gtzan", tmp_path / "nowhere", download=True)


# --- folders of git repositories

KNOWN = fma.official_split().groupby(["genre", "split"]).head(1)


@pytest.fixture
def repository(tmp_path, data_home, monkeypatch):
    """Three repositories of 24 clips, made one, among files that nobody asked for."""
    if shutil.which("git") is None:
        pytest.skip("no git")
    tree, bare, random = tmp_path / "tree", tmp_path / "bare.git", np.random.default_rng(0)
    files = [f"spectrograms/{genre}/{clip:06d}.png" for clip, genre in KNOWN["genre"].items()]
    files += [f"features/lstm_mfcc/{clip:06d}.npy" for clip in KNOWN.index]
    for clip in (f"{genre}/{genre}.{i:05d}" for genre in gtzan.GENRES for i in range(5)):
        files += [f"genres/{clip}.wav", f"data/spectrograms/{clip}.png"]
    touch(tree, *files, "large.bin")
    for file in files:
        (tree / file).write_bytes(random.bytes(9000))
    (tree / "large.bin").write_bytes(random.bytes(2**21))

    def git(*arguments):
        who = ["-c", "user.name=x", "-c", "user.email=x@x"]
        return subprocess.check_output(["git", *who, *arguments], cwd=tree, text=True).strip()

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "all")
    commit = git("rev-parse", "HEAD")
    git("rm", "-rq", "spectrograms/Rock")  # what came later does not matter
    git("commit", "-qm", "later")
    git("clone", "-q", "--bare", ".", str(bare))
    for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        subprocess.run(["git", "config", key, "true"], cwd=bare, check=True)
    for name, source in download.REPOSITORIES.items():
        made = source._replace(url=bare.as_uri(), commit=commit, size=10**6)
        monkeypatch.setitem(download.REPOSITORIES, name, made)
    return bare


def fetch(name="fma_small_images", **options):
    with pytest.warns(UserWarning):
        return prcnn.load(name, download=True, **options)


@pytest.mark.parametrize(
    ("name", "clips", "folder"),
    [
        ("fma_small_images", 24, "spectrograms"),
        ("fma_small_mfcc", 24, "features"),
        ("gtzan_mini", 50, "genres"),
        ("gtzan_images", 50, "data"),
    ],
)
def test_only_the_folder_of_the_pinned_commit_is_fetched(
    repository, data_home, name, clips, folder, capsys
):
    dataset = fetch(name, splits="stratified")
    assert len(dataset.clips) == clips
    said = capsys.readouterr().out
    assert "976.6 KiB from file://" in said and "no licence: for study" in said
    assert os.listdir(data_home / name) == [folder]
    repository.rename(repository.with_name("gone"))
    assert fetch(name, splits="stratified") == dataset  # what is there is not fetched again
    path = dataset.clips["path"].iloc[3]
    with open(path, "ab") as file:
        file.write(b"!")
    assert dataset.validate().loc["changed", "clips"] == [dataset.clips.index[3]]


@pytest.fixture
def git_first(tmp_path, monkeypatch):
    """Let git do something else first, or instead: a line of shell."""

    def put(line):
        path = tmp_path / "bin" / "git"
        path.parent.mkdir()
        path.write_text(f'#!/bin/sh\n{line}\nexec {shutil.which("git")} "$@"\n')
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(path.parent), prepend=os.pathsep)
        return path

    return put


def test_an_interrupted_download_goes_on_where_it_was(repository, data_home, tmp_path, git_first):
    said = f"echo >> {tmp_path}/said; [ $(wc -l < {tmp_path}/said) -lt 4 ] || exit 128"
    git = git_first(f'if [ "$1" = checkout ]; then {said}; fi')
    with pytest.raises(ConnectionError, match=r"git checkout failed.*finished parts are kept"):
        prcnn.load("fma_small_images", download=True)
    work = data_home / "fma_small_images" / ".git-folder"
    packs = sum(p.stat().st_size for p in (work / ".git").rglob("*.pack"))
    assert packs < 2**20, "the large file was not fetched"
    assert not (data_home / "fma_small_images" / "spectrograms").exists()
    early = {p: p.stat().st_mtime_ns for p in work.glob("spectrograms/Electronic/*.png")}
    assert len(early) == 3 and not list(work.glob("spectrograms/Rock/*.png"))
    git.unlink()
    (work / ".git" / "index.lock").touch()
    assert len(fetch().clips) == 24
    for path, written in early.items():
        moved = data_home / "fma_small_images" / "spectrograms" / "Electronic" / path.name
        assert moved.stat().st_mtime_ns == written


def test_what_is_wrong_with_a_download_is_said(repository, data_home, monkeypatch, git_first):
    source = download.REPOSITORIES["fma_small_images"]
    other = source._replace(commit="22ab844bd8752f0fcd933a16255155d69195bf4e")
    monkeypatch.setitem(download.REPOSITORIES, "fma_small_images", other)
    with pytest.raises(ConnectionError, match=r"git fetch failed.*run the same again"):
        prcnn.load("fma_small_images", download=True)
    monkeypatch.setitem(download.REPOSITORIES, "fma_small_images", source)
    git_first('if [ "$1" = fsck ]; then for f in */Folk/*.png; do echo > "$f"; done; fi')
    with pytest.raises(ValueError, match=r"(?s)is not spectrograms of .*Folk.*Delete it"):
        prcnn.load("fma_small_images", download=True)
    assert not (data_home / "fma_small_images" / "spectrograms").exists()
    monkeypatch.setenv("PATH", "")
    with pytest.raises(FileNotFoundError, match=r"git is needed.*https://git-scm.com"):
        prcnn.load("fma_small_images", download=True)
