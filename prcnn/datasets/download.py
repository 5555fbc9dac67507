"""Fetch what may be fetched: resumable, checked against a checksum, announced before it starts.

Nothing here runs unless a loader is called with ``download=True``. Chapter: book/datasets.ipynb
"""

import hashlib
import shutil
import time
from dataclasses import dataclass

import pooch
import requests
from tqdm.auto import tqdm

from .dataset import audio_files, write_checksums
from .unpack import staging_folder, unpack

TRIES, WAIT, TIMEOUT = 5, 2.0, 30  # attempts without progress; seconds
MIB, GIB = 2**20, 2**30

_FMA = {  # sha1 and size of each of its archives
    "fma_metadata": ("f0df49ffe5f2a6008d7dc83c6915b31835dfe733", 342 * MIB),
    "fma_small": ("ade154f733639d52e35e32f5593efe5be76c6d70", int(7.2 * GIB)),
    "fma_medium": ("c67b69ea232021025fca9231fc1c7c1a063ab50b", 22 * GIB),
    "fma_large": ("497109f4dd721066b5ce5e5f250ec604dc78939e", 93 * GIB),
    "fma_full": ("0f0ace23fbe9ba30ecb7e95f763e435ea802b8ab", 879 * GIB),
}
_MINI = "a61439e86c13037011fde8e0f0743ec55c50bce3"
_LISTS = "https://raw.githubusercontent.com/jongpillee/music_dataset_split/master/GTZAN_split/"


@dataclass(frozen=True)
class Archive:
    """An archive that unpacks to one folder: its address, checksum and size in bytes."""

    url: str
    known_hash: str | None
    size: int
    sound_hash: str | None = None  # sha256 of all audio files, where the archive's is not stable


ARCHIVES = {
    name: Archive(f"https://os.unil.cloud.switch.ch/fma/{name}.zip", f"sha1:{sha1}", size)
    for name, (sha1, size) in _FMA.items()
}
ARCHIVES |= {
    "gtzan_mini": Archive(
        f"https://github.com/TempoBeatDownbeat/gtzan_mini/archive/{_MINI}.zip",
        None,  # GitHub packs it anew for each visitor; the clips inside are checked instead
        127 * MIB,
        "785e25fd16378ded82cbb932712d67580222533933e67a3da5c21637d2eebf20",
    ),
}
# The published lists that gtzan needs: address and checksum. Sturm's index has no address that we
# could check, so that the user is asked for it.
LISTS = {
    "train_filtered.txt": "6252b4928f0a29185b894aed5babadae41104b4865f00aeff9b79de1c491f45c",
    "valid_filtered.txt": "2e0a0e0b513ab61ab206ee4e6fb5f18a41d26e469b160a765196cb47841e3b7e",
    "test_filtered.txt": "ce78134675f23d02ca4b7f73876c5778b36d8c2fbcccbe54a0359d1a2d86bdef",
}


def get(name, folder):
    """Download an archive and unpack it to ``folder/name``, unless its files are there.

    An archive or clips with another checksum are not kept, and never reach ``folder/name``:
    ValueError, as for an archive that would write outside the folder. OSError where the disk has
    too little room or the connection fails (``ConnectionError``); what has arrived is kept, and the
    next call goes on from there.
    """
    archive = ARCHIVES[name]
    path, goal = folder / f"{name}.zip", folder / name
    files = audio_files(goal) or (goal / "tracks.csv").is_file()
    if files and not staging_folder(path, folder).exists():
        return
    if not path.is_file():
        announce(archive.url, path, archive.size)
    fetch(archive.url, path, archive.known_hash)

    def check(unpacked):
        if (found := sound_hash(unpacked)) != archive.sound_hash:
            raise ValueError(
                f"the clips in {archive.url} are not those expected (sha256 {found[:12]}… instead "
                f"of {archive.sound_hash[:12]}…) and were not kept. Try again; if it happens "
                "again, they have changed at their source."
            )
        write_checksums(unpacked)

    try:
        unpack(path, folder, name, check if archive.sound_hash else None)
    except ValueError:
        if archive.known_hash is None:  # it may be the download that went wrong
            path.unlink()
        raise
    path.unlink()


def get_list(file, folder):
    """Download one of GTZAN's published lists to ``folder/file``, unless it is there."""
    if not (folder / file).is_file():
        fetch(_LISTS + file, folder / file, f"sha256:{LISTS[file]}")


def sound_hash(folder):
    """Return one sha256 over the audio files of a folder, in the order of their names."""
    digest = hashlib.sha256()
    for path in audio_files(folder):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def announce(url, path, size):
    """Say how much is coming; refuse if the disk cannot hold the archive and what it unpacks to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = _part(path)
    wanted = 2 * size - (part.stat().st_size if part.exists() else 0)
    free = shutil.disk_usage(path.parent).free
    text = f"{_human(size)} from {url} to {path.parent}"
    if free < wanted:
        raise OSError(
            f"not enough room for {text}: archive and clips need {_human(wanted)}, "
            f"{_human(free)} are free. Make room or give another data_home."
        )
    print(f"Downloading {text} (needs {_human(wanted)} with its clips; {_human(free)} free).")


def fetch(url, path, known_hash=None):
    """Download one file to a path, and return that; a partial file (``….part``) is carried on.

    A file there is kept where it matches ``known_hash`` ("sha1:…" or "sha256:…").

    Raises
    ------
    ConnectionError
        If the host cannot be reached or the connection keeps breaking.
    FileNotFoundError
        If the host says that there is no such file (or refuses it).
    ValueError
        If the checksum is another; the file is not kept.
    """
    if known_hash is None and path.is_file():
        return path

    def downloader(url, output, _pooch):
        _resume(url, _part(path))
        _part(path).replace(output)

    log = pooch.get_logger()
    level = log.level
    log.setLevel("ERROR")  # it has been announced already
    try:
        pooch.retrieve(url, known_hash, path.name, path.parent, downloader=downloader)
    except ValueError as error:
        raise ValueError(
            f"{url} did not match its checksum and was not kept ({error}). Try again; if it "
            "happens again, the file has changed at its source."
        ) from error
    finally:
        log.setLevel(level)
    return path


def _part(path):
    return path.with_name(path.name + ".part")


def _resume(url, part):
    """Append to ``part`` until the file is whole, over as many connections as it takes."""
    part.parent.mkdir(parents=True, exist_ok=True)
    idle, reason, total = 0, "", None
    while idle < TRIES:
        have = part.stat().st_size if part.exists() else 0
        if total is not None and have == total:
            return
        if idle:
            time.sleep(WAIT * idle)
        try:
            reason = ""
            total = _once(url, part, have)
        except requests.RequestException as error:
            reason = str(error)
        now = part.stat().st_size if part.exists() else 0
        if total is None and not reason:
            return  # the host did not say how long the file is; the checksum will tell
        idle = 0 if now > have else idle + 1
    raise ConnectionError(
        f"the download of {url} stopped at {_human(part.stat().st_size if part.exists() else 0)}"
        f"{f' of {_human(total)}' if total else ''} ({reason or 'no more data'}). What has arrived "
        f"is kept in {part}: run the same again to go on from there."
    )


def _once(url, part, have):
    """Read from one connection as long as it lasts; return the file's length if it is known."""
    headers = {"Range": f"bytes={have}-"} if have else {}
    headers["Accept-Encoding"] = "identity"  # a compressed answer would have other lengths
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        span = answer.headers.get("Content-Range", "")
        if answer.status_code == 416:  # nothing after what we have: it is whole, or not ours
            total = int(span.rpartition("/")[2]) if span.rpartition("/")[2].isdecimal() else None
            if total != have:
                part.unlink(missing_ok=True)
            return total
        if 400 <= answer.status_code < 500 and answer.status_code not in (408, 429):
            raise FileNotFoundError(
                f"the host answered {answer.status_code} {answer.reason} to {url}: the address is "
                "dead or not open to all. Get the file elsewhere and put it in its place."
            )
        answer.raise_for_status()
        carry_on = answer.status_code == 206 and span.startswith(f"bytes {have}-")
        have = have if carry_on else 0
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length else None
        bar = tqdm(total=total, initial=have, unit="B", unit_scale=True, desc=part.stem)
        with bar, open(part, "ab" if carry_on else "wb") as file:
            for block in answer.iter_content(2**18):
                file.write(block)
                bar.update(len(block))
        return total


def _human(size):
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
