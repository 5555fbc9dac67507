"""Fetch what may be fetched: resumable, checked against a checksum, announced before it starts.

Nothing here runs unless a dataset is loaded with ``download=True``. Chapter: book/datasets.ipynb
"""

import os
import shutil
import subprocess
import time
import zipfile
from typing import NamedTuple

import pooch
import requests
from tqdm.auto import tqdm

from .dataset import audio_files, write_checksums

TRIES, WAIT, TIMEOUT = 5, 2.0, 30  # attempts without progress; seconds
MIB, GIB = 2**20, 2**30


class Archive(NamedTuple):
    """A zip of one folder: its address, checksum ("sha1:…") and size in bytes."""

    url: str
    known_hash: str
    size: int


class Repository(NamedTuple):
    """A folder of a public git repository at one commit, of which no licence is known."""

    url: str
    commit: str
    folder: str
    parts: str  # patterns of what is in the folder; a finished part is kept
    size: int  # bytes

    def __str__(self):
        return f"{self.folder} of {self.url} at commit {self.commit[:12]}"


_FMA = {
    "fma_metadata": ("f0df49ffe5f2a6008d7dc83c6915b31835dfe733", 342 * MIB),
    "fma_small": ("ade154f733639d52e35e32f5593efe5be76c6d70", int(7.2 * GIB)),
    "fma_medium": ("c67b69ea232021025fca9231fc1c7c1a063ab50b", 22 * GIB),
    "fma_large": ("497109f4dd721066b5ce5e5f250ec604dc78939e", 93 * GIB),
    "fma_full": ("0f0ace23fbe9ba30ecb7e95f763e435ea802b8ab", 879 * GIB),
}
ARCHIVES = {
    name: Archive(f"https://os.unil.cloud.switch.ch/fma/{name}.zip", f"sha1:{sha1}", size)
    for name, (sha1, size) in _FMA.items()
}
_GENREWAVE = ("https://github.com/Solarleaf/GenreWave", "22ab844bd8752f0fcd933a16255155d69195bf4e")
_MINI = (
    "https://github.com/TempoBeatDownbeat/gtzan_mini",
    "a61439e86c13037011fde8e0f0743ec55c50bce3",
)
_PICTURES = (
    "https://github.com/TanmayEL/music_genre_classification",
    "738f33dfba0dbebc1b4cc266ff60d11a26e0b7ae",
)
_TENTHS = "00* 01* 02* 03* 04* 05* 06* 07* 08* 09* 10* 11* 12* 13* 14* 15*"
_GTZAN = "blues classical country disco hiphop jazz metal pop reggae rock"
REPOSITORIES = {
    "fma_small_images": Repository(*_GENREWAVE, "spectrograms", "E* F* H* I* P* R*", 238_550_748),
    "fma_small_mfcc": Repository(*_GENREWAVE, "features/lstm_mfcc", _TENTHS, 84_192_416),
    "gtzan_mini": Repository(*_MINI, "genres", _GTZAN, 132_483_512),
    "gtzan_images": Repository(*_PICTURES, "data/spectrograms", _GTZAN, 120_229_346),
}


def get_archive(name, home):
    """Download one of ARCHIVES and unpack it to ``home/name``, unless its files are there.

    ValueError where it has another checksum, and is not kept, or Python cannot unpack it;
    OSError where the disk has too little room or the connection fails (``ConnectionError``): what
    has arrived is kept, and the next call goes on from there. Files are unpacked into a hidden
    folder and moved at the end, so that a process killed on the way leaves nothing that looks
    complete. A folder that is there is completed.
    """
    archive, path, goal = ARCHIVES[name], home / f"{name}.zip", home / name
    hidden = home / f".unpacking-{path.name}"
    if (audio_files(goal) or (goal / "tracks.csv").is_file()) and not hidden.exists():
        return
    if not path.is_file():
        _announce(archive.url, path, archive.size)
    fetch(archive.url, path, archive.known_hash)
    try:
        with zipfile.ZipFile(path) as opened:
            infos = opened.infolist()
            for info in tqdm(infos, desc=f"unpacking {path.name}", disable=len(infos) < 500):
                target = hidden / info.filename
                if not (target.is_file() and target.stat().st_size == info.file_size):
                    opened.extract(info, hidden)  # never outside the folder, whatever its name
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:  # odd zip64, deflate64
        raise ValueError(
            f"Python cannot unpack {path} ({error}), which is whole: unpack it with 7-Zip into "
            f"{home}, delete {hidden}, and load again."
        ) from error
    shutil.copytree(hidden / name, goal, copy_function=os.replace, dirs_exist_ok=True)
    shutil.rmtree(hidden)
    path.unlink()


def _announce(source, path, size):
    """Say how much is coming; refuse if the disk cannot hold it twice, packed and unpacked."""
    path.parent.mkdir(parents=True, exist_ok=True)
    wanted, free = 2 * size - _size(_part(path)), shutil.disk_usage(path.parent).free
    text = f"{_human(size)} from {source} to {path.parent}"
    if free < wanted:
        raise OSError(
            f"not enough room for {text}: this needs {_human(wanted)}, {_human(free)} are free. "
            "Make room or give another data_home."
        )
    print(f"Downloading {text} (needs {_human(wanted)} on the way; {_human(free)} free).")


def fetch(url, path, known_hash=None):
    """Download one file to a path; a partial file (``….part``) is carried on.

    A file there is kept where it matches ``known_hash`` ("sha1:…" or "sha256:…"). ConnectionError
    if the host cannot be reached or the connection keeps breaking, FileNotFoundError if it says
    that there is no such file (or refuses it), ValueError if the checksum is another; the file is
    then not kept.
    """

    def download(url, whole, _):
        _resume(url, _part(path))
        _part(path).replace(whole)

    pooch.retrieve(url, known_hash, path.name, path.parent, downloader=download)


def _resume(url, part):
    """Append to ``part`` until the file is whole, over as many connections as it takes."""
    idle = 0
    while True:
        have = _size(part)
        try:
            return _once(url, part, have)
        except requests.RequestException as error:
            idle = 0 if _size(part) > have else idle + 1
            if idle == TRIES:
                raise ConnectionError(
                    f"the download of {url} stopped at {_human(_size(part))} ({error}). What has "
                    f"arrived is kept in {part}: run the same again to go on from there."
                ) from error
            time.sleep(WAIT * idle)


def _once(url, part, have):
    """Read from one connection to the end of the file; RequestException if it breaks off."""
    headers = {"Accept-Encoding": "identity"}  # a compressed answer would have other lengths
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        span = answer.headers.get("Content-Range", "")
        if answer.status_code == 416:  # nothing after what we have: it is whole, or not ours
            if span.rpartition("/")[2] != str(have):
                part.unlink()
                raise requests.ConnectionError(f"what was in {part} is of another file")
            return
        if 400 <= answer.status_code < 500 and answer.status_code not in (408, 429):
            raise FileNotFoundError(
                f"the host answered {answer.status_code} {answer.reason} to {url}: the address is "
                "dead or not open to all. Get the file elsewhere and put it in its place."
            )
        answer.raise_for_status()
        carry_on = answer.status_code == 206 and span.startswith(f"bytes {have}-")
        have = have if carry_on else 0
        total = have + int(answer.headers.get("Content-Length", 0))
        bar = tqdm(total=total, initial=have, unit="B", unit_scale=True, desc=part.stem)
        with bar, open(part, "ab" if carry_on else "wb") as file:
            for block in answer.iter_content(2**18):
                file.write(block)
                bar.update(len(block))
        if _size(part) < total:
            raise requests.ConnectionError(f"it broke off before {_human(total)}")


def how(name):
    """Say how to get one of REPOSITORIES."""
    source = REPOSITORIES[name]
    return (
        f"Load with download=True to fetch it ({source.size / 1e6:.0f} MB, with git), or put the "
        f"folder {source} there."
    )


def get_folder(name, home):
    """Download the folder of one of REPOSITORIES, and no more; return it, ``home/name/<folder>``.

    git's partial clone leaves out the contents of files, a sparse checkout asks for those of the
    folder, and git checks every object against its id, so that the commit's name is the checksum.
    The folder appears when all is there and checked; a killed download goes on with the next part.

    FileNotFoundError if git is missing; ConnectionError, with its own words, if it fails;
    ValueError if what arrived is not what the commit holds; OSError if the disk has too little
    room.
    """
    source, work = REPOSITORIES[name], home / name / ".git-folder"
    target = home / name / source.folder
    if shutil.which("git") is None:
        raise FileNotFoundError(
            f"git is needed to fetch {source}: install it (https://git-scm.com), or put that "
            f"folder to {target}."
        )
    _announce(f"{source.url} ({source.folder}; no licence: for study)", target, source.size)
    if not (work / ".git").is_dir():
        work.mkdir(exist_ok=True)
        _git(work, "init", "--quiet", "--template=")
        _git(work, "config", "core.autocrlf", "false")
        _git(work, "remote", "add", "origin", source.url)
    (work / ".git" / "index.lock").unlink(missing_ok=True)  # of a killed git
    _git(work, "fetch", "--quiet", "--depth=1", "--filter=blob:none", "origin", source.commit)
    wanted = []
    for part in tqdm(source.parts.split(), desc=name, unit="part"):
        # git throws away what it has of a broken transfer, so the parts are what is kept of one.
        wanted.append(f"/{source.folder}/{part}")
        _git(work, "sparse-checkout", "set", "--no-cone", *wanted)
        _git(work, "checkout", "--quiet", "--detach", source.commit)
    _git(work, "fsck", "--no-dangling", "--no-progress")
    if changed := _git(work, "status", "--porcelain").strip():
        raise ValueError(
            f"what arrived in {work} is not {source} ({changed[:200]}). Delete it and try again."
        )
    write_checksums(work / source.folder)
    (work / source.folder).replace(target)
    shutil.rmtree(work, ignore_errors=True)
    return target


def _git(work, *arguments):
    """Run git in `work`, whatever repository the caller lives in, and return what it prints."""
    outer = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")
    surroundings = {name: value for name, value in os.environ.items() if name not in outer}
    surroundings["GIT_TERMINAL_PROMPT"] = "0"  # it is no password that is missing
    run = {"cwd": work, "env": surroundings, "capture_output": True, "text": True}
    done = subprocess.run(["git", *arguments], **run)
    if done.returncode:
        said = "; ".join((done.stderr or done.stdout).strip().splitlines())
        raise ConnectionError(
            f"git {arguments[0]} failed: {said}. The finished parts are kept in {work}: run the "
            "same again to go on from there, or delete that folder to start anew."
        )
    return done.stdout


def _part(path):
    return path.with_name(path.name + ".part")


def _size(path):
    return path.stat().st_size if path.is_file() else 0


def _human(size):
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
