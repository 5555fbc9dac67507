"""Unpack a downloaded zip: nothing leaves the folder, nothing half-done looks done."""

import lzma
import os
import re
import shutil
import stat
import subprocess
import zipfile
import zlib

from tqdm.auto import tqdm

from .dataset import some

# Programs that read what Python's zipfile cannot (deflate64, odd zip64), and how they are called.
# Both keep to the folder and ask no password where nobody answers.
_7Z = ("x", "-y", "-o{folder}", "--", "{archive}")
PROGRAMS = {"7z": _7Z, "7zz": _7Z, "unzip": ("-q", "-o", "{archive}", "-d", "{folder}")}
_UNREADABLE = (
    zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error, lzma.LZMAError,
)  # fmt: skip


def staging_folder(archive, folder):
    """Return the hidden folder in which an archive is unpacked; it exists until all is done."""
    return folder / f".unpacking-{archive.name}"


def unpack(archive, folder, top, check=None):
    """Unpack a zip that holds one folder to ``folder/top``.

    Files are written into a hidden folder beside the goal, checked there and moved into place at
    the end, so that a process killed on the way leaves nothing that looks complete; the next call
    goes on where it stopped. After a ValueError nothing is left.

    A folder that is there is completed. ``check``, called with the unpacked folder before it is
    moved, raises ValueError to refuse it. Others: an entry would lie outside the folder or is a
    link; the archive is damaged, or no program here can read it; it does not hold one folder.
    """
    staging = staging_folder(archive, folder)
    staging.mkdir(parents=True, exist_ok=True)
    try:
        try:
            _unzip(archive, staging)
        except _UNREADABLE as error:
            _unpack_with_program(archive, staging, error)
        entries = list(staging.iterdir())
        if len(entries) != 1 or not entries[0].is_dir():
            names = some(sorted(p.name for p in entries))
            raise ValueError(f"{archive} should hold one folder, not {names or 'nothing'}")
        if check:
            check(entries[0])
    except ValueError:
        shutil.rmtree(staging)
        raise
    _move(entries[0], folder / top)
    shutil.rmtree(staging)


def _unzip(archive, staging):
    """Unpack what an interrupted call has not."""
    with zipfile.ZipFile(archive) as opened:
        infos = opened.infolist()
        for info in infos:
            _refuse_outside(archive, info)
        for info in tqdm(infos, desc=f"unpacking {archive.name}", disable=len(infos) < 500):
            target = staging / info.filename
            if not (target.is_file() and target.stat().st_size == info.file_size):
                opened.extract(info, staging)


def _refuse_outside(archive, info):
    """zipfile itself would cut such names to size; a published archive has none."""
    name = info.orig_filename  # not yet cut at a NUL
    parts = re.split(r"[/\\]", name)
    outside = not parts[0] or ".." in parts or ":" in parts[0] or "\0" in name
    if outside or stat.S_ISLNK(info.external_attr >> 16):
        raise ValueError(
            f"refused to unpack {archive}: its entry {name!r} is a link or would lie outside the "
            "folder. Nothing was written."
        )


def _unpack_with_program(archive, staging, error):
    program = next((name for name in PROGRAMS if shutil.which(name)), None)
    failed = f"Python cannot read {archive} ({error or type(error).__name__})"
    again = "If it is damaged, delete it and download it again"
    if program is None:
        raise ValueError(
            f"{failed}. {again}; if not, install 7-Zip (apt install 7zip, brew install sevenzip, "
            "or 7-zip.org) or unzip, and try again."
        ) from error
    shutil.rmtree(staging)
    staging.mkdir()
    call = [part.format(archive=archive, folder=staging) for part in PROGRAMS[program]]
    done = subprocess.run(
        [program, *call], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode > 1:  # of both programs, 1 is a warning
        said = (done.stderr or done.stdout).strip().splitlines()
        why = f" ({said[-1]})" if said else ""
        raise ValueError(f"{failed}, and neither can {program}{why}. {again}.") from error
    for path in staging.rglob("*"):
        if path.is_symlink():
            raise ValueError(f"refused to unpack {archive}: its entry {path.name!r} is a link.")


def _move(entry, target):
    """Move into place: at once where the goal is new, else file by file into the folder there."""
    if not target.exists():
        os.replace(entry, target)
        return
    for path in sorted(p for p in entry.rglob("*") if p.is_file()):
        goal = target / path.relative_to(entry)
        goal.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, goal)
