"""Downloads from a local server that breaks off, lies and refuses; archives built to attack."""

import hashlib
import http.server
import io
import os
import shutil
import struct
import threading
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prcnn import datasets
from prcnn.datasets import download, unpack

CONTENT = bytes(range(256)) * 4000  # about 1 MB
SHA1 = "sha1:" + hashlib.sha1(CONTENT).hexdigest()


class Server(http.server.BaseHTTPRequestHandler):
    """Serves ``content``; breaks off after ``cut`` bytes for the first ``breaks`` answers."""

    content, cut, breaks, ranges, status = CONTENT, None, 0, True, 200
    asked: list

    def do_GET(self):
        cls = type(self)
        wanted = self.headers.get("Range")
        cls.asked.append(wanted)
        if cls.status != 200:
            self.send_error(cls.status)
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and cls.ranges else 0
        total = len(cls.content)
        if start >= total and start:
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{total}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.send_header("Content-Length", str(total - start))
        self.end_headers()
        body = cls.content[start:]
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
    path = download.fetch(server.url, tmp_path / "new" / "clips.zip", SHA1)
    assert path.read_bytes() == CONTENT
    download.fetch(server.url, path, SHA1)
    assert server.asked == [None], "a file that is there and right is not fetched again"
    assert os.listdir(path.parent) == ["clips.zip"]


def test_broken_connections_are_carried_on_with_ranges(server, tmp_path):
    server.cut, server.breaks = 300_000, 2
    path = download.fetch(server.url, tmp_path / "clips.zip", SHA1)
    assert path.read_bytes() == CONTENT
    assert server.asked[0] is None
    starts = [int(r.removeprefix("bytes=").rstrip("-")) for r in server.asked[1:]]
    assert starts and starts == sorted(starts) and 0 < starts[0] <= 300_000


def test_interrupted_download_keeps_its_part_and_the_next_call_resumes(server, tmp_path):
    part = tmp_path / "clips.zip.part"
    part.write_bytes(CONTENT[:400_000])
    server.cut, server.breaks = 0, 100
    with pytest.raises(ConnectionError, match=r"390\.6 KiB.*run the same again"):
        download.fetch(server.url, tmp_path / "clips.zip", SHA1)
    assert part.read_bytes() == CONTENT[:400_000] and not (tmp_path / "clips.zip").exists()
    server.breaks = 0
    assert download.fetch(server.url, tmp_path / "clips.zip", SHA1).read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=400000-"
    assert not part.exists()


def test_a_server_without_ranges_is_asked_for_the_whole(server, tmp_path):
    (tmp_path / "clips.zip.part").write_bytes(b"old" * 100)
    server.ranges = False
    assert download.fetch(server.url, tmp_path / "clips.zip", SHA1).read_bytes() == CONTENT


@pytest.mark.parametrize("extra", [0, 10])
def test_a_part_that_is_whole_or_too_long(server, tmp_path, extra):
    (tmp_path / "clips.zip.part").write_bytes(CONTENT + b"x" * extra)
    assert download.fetch(server.url, tmp_path / "clips.zip", SHA1).read_bytes() == CONTENT


def test_wrong_checksum_is_an_error_and_nothing_is_kept(server, tmp_path):
    server.content = b"something else"
    with pytest.raises(ValueError, match="did not match its checksum and was not kept"):
        download.fetch(server.url, tmp_path / "clips.zip", SHA1)
    assert list(tmp_path.iterdir()) == []
    # also when the tail of another version was appended to an old part
    (tmp_path / "clips.zip.part").write_bytes(b"sss")
    with pytest.raises(ValueError, match="checksum"):
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


def test_size_is_said_before_and_a_full_disk_refused(server, tmp_path, capsys, monkeypatch):
    server.content = zipped({"fma_small/000/000002.mp3": b"x", "fma_small/README.txt": b"y"})
    archive = download.Archive(
        server.url, "sha1:" + hashlib.sha1(server.content).hexdigest(), int(7.2 * 2**30)
    )
    monkeypatch.setitem(download.ARCHIVES, "fma_small", archive)
    usage = shutil.disk_usage(tmp_path)._replace(free=10 * 2**30)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OSError, match=r"not enough room for 7\.2 GiB.*14\.4 GiB"):
        download.get("fma_small", tmp_path)
    assert server.asked == []
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=20 * 2**30))
    download.get("fma_small", tmp_path)
    assert "Downloading 7.2 GiB from http://127.0.0.1" in capsys.readouterr().out
    assert (tmp_path / "fma_small" / "000" / "000002.mp3").read_bytes() == b"x"
    assert os.listdir(tmp_path) == ["fma_small"], "archive and partial files are gone"
    download.get("fma_small", tmp_path)
    assert len(server.asked) == 1


def mini(number, genres=("blues", "rock")):
    """An archive like gtzan_mini's, of clips that say `number`."""
    names = [f"{g}/{g}.{i:05d}.wav" for g in genres for i in range(10)]
    return zipped({f"gtzan_mini-x/genres/{n}": f"{n} {number}".encode() for n in names})


def test_loaders_download_only_when_asked_and_never_keep_other_clips(server, tmp_path, monkeypatch):
    (tmp_path / "right.zip").write_bytes(mini(1))
    unpack.unpack(tmp_path / "right.zip", tmp_path, "right")
    sound = download.sound_hash(tmp_path / "right")
    archive = download.Archive(server.url, None, 1000, sound)
    monkeypatch.setitem(download.ARCHIVES, "gtzan_mini", archive)
    home = tmp_path / "home"
    with pytest.raises(FileNotFoundError, match="download=True"):
        datasets.load("gtzan_mini", home)
    assert server.asked == []
    for content in (mini(2), b"<html>sorry</html>", mini(1, ["blues"])):
        server.content = content
        with pytest.raises(ValueError, match=r"not those expected|download it again"):
            datasets.load("gtzan_mini", home, download=True)
        assert list(home.iterdir()) == [], "nothing is left that a second call could accept"
        with pytest.raises(FileNotFoundError):
            datasets.load("gtzan_mini", home)
    server.content = mini(1)
    with pytest.warns(UserWarning, match="20 clips"):
        dataset = datasets.load("gtzan_mini", home, download=True, splits="stratified")
    assert len(dataset.clips) == 20 and os.listdir(home) == ["gtzan_mini"]
    assert len(server.asked) == 4
    # What was downloaded is recorded: later changes are seen.
    Path(dataset.clips.loc["rock.00003", "path"]).write_bytes(b"another song")
    assert dataset.validate().loc["changed", "clips"] == ["rock.00003"]


def test_an_empty_folder_is_not_a_finished_download(server, tmp_path, monkeypatch):
    server.content = zipped({"fma_small/000/000002.mp3": b"x"})
    sha1 = "sha1:" + hashlib.sha1(server.content).hexdigest()
    monkeypatch.setitem(download.ARCHIVES, "fma_small", download.Archive(server.url, sha1, 1000))
    (tmp_path / "fma_small" / "000").mkdir(parents=True)
    download.get("fma_small", tmp_path)
    assert (tmp_path / "fma_small" / "000" / "000002.mp3").read_bytes() == b"x"
    assert os.listdir(tmp_path) == ["fma_small"]
    # nor is one with clips, as long as a call that was killed has more to move
    unpack.staging_folder(Path("fma_small.zip"), tmp_path).mkdir()
    download.get("fma_small", tmp_path)
    assert len(server.asked) == 2 and os.listdir(tmp_path) == ["fma_small"]
    download.get("fma_small", tmp_path)
    assert len(server.asked) == 2


def test_gtzans_lists_are_fetched_for_the_split_that_needs_them(server, tmp_path, monkeypatch):
    for genre in ("blues", "rock"):
        folder = tmp_path / "gtzan" / "genres" / genre
        folder.mkdir(parents=True)
        for i in range(3):
            (folder / f"{genre}.{i:05d}.wav").touch()
    monkeypatch.setattr(download, "_LISTS", server.url.removesuffix("clips.zip"))
    server.status = 404
    with (
        pytest.warns(UserWarning, match="6 clips"),
        pytest.raises(FileNotFoundError, match=r"train_filtered\.txt.*elsewhere"),
    ):
        datasets.load("gtzan", tmp_path, download=True)
    with pytest.warns(UserWarning, match="6 clips"):
        assert len(datasets.load("gtzan", tmp_path, download=True, splits="stratified").clips) == 6
    assert len(server.asked) == 1
    with pytest.raises(FileNotFoundError, match=r"dead.*huggingface"):
        datasets.load("gtzan", tmp_path / "nowhere", download=True)


# --- unpacking

EVIL = [
    "../evil", "a/../../evil", "/evil", "//evil", "\\evil", "..\\evil", "a\\..\\..\\evil",
    "C:\\evil", "c:evil", "C:/evil", "a/..", "..", "good\0/../../evil",
]  # fmt: skip


@pytest.mark.parametrize("name", EVIL)
def test_entries_that_leave_the_folder_are_refused(tmp_path, name):
    path, folder = tmp_path / "a.zip", tmp_path / "in"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("music/good.mp3", "fine")
        info = zipfile.ZipInfo("x")
        info.filename = name  # past the constructor, which cuts at a NUL
        archive.writestr(info, "evil")
    with pytest.raises(ValueError, match="refused to unpack") as error:
        unpack.unpack(path, folder, "music")
    assert str(path) in str(error.value)
    assert list(folder.iterdir()) == [] and set(tmp_path.iterdir()) == {path, folder}


def test_links_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("music")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, str(tmp_path))
        archive.writestr("music/evil", "evil")
    with pytest.raises(ValueError, match="'music' is a link"):
        unpack.unpack(tmp_path / "a.zip", tmp_path / "in", "music")
    assert list((tmp_path / "in").iterdir()) == []


@given(st.lists(st.text("ab./\\:~ é\n", min_size=1, max_size=8), max_size=4, unique=True))
@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_no_name_whatever_leaves_the_folder(tmp_path, names):
    root = Path(tmp_path, hashlib.md5(repr(names).encode()).hexdigest())
    root.mkdir(exist_ok=True)
    path, folder = root / "a.zip", root / "in"
    path.write_bytes(zipped(dict.fromkeys(names, b"x")))
    try:
        unpack.unpack(path, folder, "music")
    except (ValueError, OSError):  # the latter where one entry is another's folder
        assert not (folder / "music").exists()
    for file in root.rglob("*"):
        assert file == path or file == folder or file.is_relative_to(folder)


def test_what_is_not_one_folder_is_refused(tmp_path):
    for files in ({}, {"a.mp3": b"x"}, {"a/1.mp3": b"x", "b/2.mp3": b"x"}):
        (tmp_path / "a.zip").write_bytes(zipped(files))
        with pytest.raises(ValueError, match="should hold one folder"):
            unpack.unpack(tmp_path / "a.zip", tmp_path / "in", "music")
        assert list((tmp_path / "in").iterdir()) == []


@pytest.mark.parametrize("programs", [{}, unpack.PROGRAMS])
def test_damaged_archives_say_so_and_leave_nothing(tmp_path, programs, monkeypatch):
    monkeypatch.setattr(unpack, "PROGRAMS", programs)
    whole = zipped({"music/a.mp3": os.urandom(10_000)})
    for name, data in {
        "cut": whole[:5000],
        "text": b"<html>404 not found</html>",
        "empty": b"",
        "flipped": whole[:4000] + b"\0\1\2" + whole[4003:],
    }.items():
        path = tmp_path / f"{name}.zip"
        path.write_bytes(data)
        with pytest.raises(ValueError, match="delete it and download it again") as error:
            unpack.unpack(path, tmp_path / "in", "music")
        assert str(path) in str(error.value)
    assert list((tmp_path / "in").iterdir()) == []


def test_unpacking_that_was_killed_looks_unfinished_and_goes_on(tmp_path, monkeypatch):
    files = {f"music/{i}.mp3": bytes([i]) * 100 for i in range(5)}
    path, folder = tmp_path / "a.zip", tmp_path / "in"
    path.write_bytes(zipped(files))
    written = []
    real = zipfile.ZipFile.extract

    def dies_in_the_third(self, info, where):
        if len(written) == 2:
            (where / info.filename).write_bytes(b"half")
            raise KeyboardInterrupt
        written.append(info.filename)
        return real(self, info, where)

    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "extract", dies_in_the_third)
        with pytest.raises(KeyboardInterrupt):
            unpack.unpack(path, folder, "music")
    assert not (folder / "music").exists(), "nothing that looks complete"
    staged = {p.name: p.stat().st_mtime_ns for p in folder.rglob("*.mp3") if p.stat().st_size > 4}
    assert len(staged) == 2
    unpack.unpack(path, folder, "music")
    assert {p.name: p.read_bytes() for p in folder.rglob("*.mp3")} == {
        f"{i}.mp3": bytes([i]) * 100 for i in range(5)
    }
    kept = {p.name: p.stat().st_mtime_ns for p in folder.rglob("*.mp3") if p.name in staged}
    assert kept == staged, "files that were there are not written again"
    assert os.listdir(folder) == ["music"]


def test_a_folder_that_is_there_is_completed(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped({"x/1.mp3": b"new", "x/sub/2.mp3": b"new"}))
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "1.mp3").write_bytes(b"old")
    (tmp_path / "music" / "mine.txt").write_text("keep")
    unpack.unpack(tmp_path / "a.zip", tmp_path, "music")
    assert sorted(p.name for p in (tmp_path / "music").iterdir()) == ["1.mp3", "mine.txt", "sub"]
    assert (tmp_path / "music" / "1.mp3").read_bytes() == b"new"
    assert sorted(os.listdir(tmp_path)) == ["a.zip", "music"]


def write_deflate64(path, files):
    """Write a zip of compression method 9, which Python does not read."""
    local, central = b"", b""
    for name, content in files.items():
        packer = zlib.compressobj(0, zlib.DEFLATED, -15)  # stored blocks: the same in deflate64
        packed, name = packer.compress(content) + packer.flush(), name.encode()
        common = struct.pack(
            "<HHHHHIIIHH", 21, 0, 9, 0, 33, zlib.crc32(content), len(packed), len(content),
            len(name), 0,
        )  # fmt: skip
        central += b"PK\1\2" + struct.pack("<H", 0x0315) + common
        central += struct.pack("<HHHII", 0, 0, 0, 0o100644 << 16, len(local)) + name
        local += b"PK\3\4" + common + name + packed
    end = struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(central), len(local), 0)
    path.write_bytes(local + central + b"PK\5\6" + end)


@pytest.mark.skipif(not any(map(shutil.which, unpack.PROGRAMS)), reason="no 7z or unzip here")
def test_compression_unknown_to_python_is_left_to_a_program(tmp_path):
    files = {"fma_small/000/000002.mp3": os.urandom(5000), "fma_small/odd name.txt": b"hello"}
    write_deflate64(tmp_path / "a.zip", files)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive, pytest.raises(NotImplementedError):
        archive.read("fma_small/odd name.txt")
    unpack.unpack(tmp_path / "a.zip", tmp_path / "in", "fma_small")
    for name, content in files.items():
        assert (tmp_path / "in" / name).read_bytes() == content
    write_deflate64(tmp_path / "evil.zip", {"../evil": b"x"})
    with pytest.raises(ValueError, match="outside the folder"):
        unpack.unpack(tmp_path / "evil.zip", tmp_path / "in2", "music")
    assert not (tmp_path / "evil").exists()


def test_without_such_a_program_the_error_says_what_to_install(tmp_path, monkeypatch):
    write_deflate64(tmp_path / "a.zip", {"a/b": b"x"})
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(ValueError, match="install 7-Zip"):
        unpack.unpack(tmp_path / "a.zip", tmp_path / "in", "a")


def test_bzip2_as_in_fmas_metadata_and_zip64(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_BZIP2) as archive:
        with archive.open("fma_metadata/tracks.csv", "w", force_zip64=True) as file:
            file.write(b"a,b\n" * 1000)
        archive.writestr("fma_metadata/sub/", "")
    unpack.unpack(tmp_path / "a.zip", tmp_path / "in", "fma_metadata")
    assert (tmp_path / "in" / "fma_metadata" / "tracks.csv").stat().st_size == 4000
    assert os.listdir(tmp_path / "in") == ["fma_metadata"]
