"""Unpack an archive from a stranger: nothing leaves the folder, nothing half-done looks done.

Chapter: book/datasets.ipynb
"""

import functools
import lzma
import os
import re
import shutil
import stat
import subprocess
import tarfile
import zipfile
import zlib
from pathlib import PurePosixPath

from tqdm.auto import tqdm

from .dataset import some

# Programs that read what Python's zipfile cannot (deflate64, odd zip64): how each is called to
# list the names in an archive and to unpack it.
_7Z = (["l", "-slt", "-ba", "--", "{archive}"], ["x", "-y", "-o{folder}", "{archive}"])
TOOLS = {
    "7z": _7Z,
    "7zz": _7Z,
    "bsdtar": (["-tf", "{archive}"], ["-xf", "{archive}", "-C", "{folder}"]),
    "unzip": (["-Z1", "{archive}"], ["-q", "-o", "{archive}", "-d", "{folder}"]),
}


def staging_folder(archive, folder):
    """Return the hidden folder in which an archive is unpacked; it exists until all is done."""
    return folder / f".unpacking-{archive.name}"


def _part(staging):
    return staging.with_name(staging.name + ".part")  # outside, where no entry can have its name


def unpack(archive, folder, top=None):
    """Unpack a zip or tar archive.

    All names are checked before anything is written. Files are written one by one into a hidden
    folder beside the goal and moved into place at the end, so that a process killed on the way
    leaves nothing that looks complete; the next call goes on where it stopped.

    Parameters
    ----------
    archive : Path
        ``.zip``, or a tar file in any compression that Python knows.
    folder : Path
        Where it goes.
    top : str, optional
        Name for the archive's single top folder.

    Raises
    ------
    ValueError
        If an entry would lie outside the folder, is a link or a device, or comes twice; if the
        archive is damaged, or needs a password; or if no program here can read its compression.
    OSError
        If the disk has too little room.

    Chapter: book/datasets.ipynb
    """
    folder.mkdir(parents=True, exist_ok=True)
    staging = staging_folder(archive, folder)
    if tarfile.is_tarfile(archive):
        with tarfile.open(archive) as opened:
            _unpack_tar(opened, archive, staging)
    else:
        _unpack_zip(archive, staging)
    entries = sorted(p for p in staging.iterdir() if not p.name.startswith("__MACOSX"))
    if top is not None and (len(entries) != 1 or not entries[0].is_dir()):
        raise ValueError(f"{archive} should hold one folder, not {some(p.name for p in entries)}")
    for entry in entries:
        _move(entry, folder / (top or entry.name))
    shutil.rmtree(staging)
    _part(staging).unlink(missing_ok=True)


def _unpack_zip(archive, staging):
    try:
        with zipfile.ZipFile(archive) as opened:
            infos = opened.infolist()
            if any(info.flag_bits & 1 for info in infos):
                raise ValueError(f"{archive} needs a password, so it is not the published archive")
            for info in infos:
                kind = stat.S_IFMT(info.external_attr >> 16)
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise ValueError(_refusal(archive, info.orig_filename, "is a link or device"))
                if info.file_size and _is_folder(info.orig_filename):
                    raise ValueError(_refusal(archive, info.orig_filename, "names no file"))
            # orig_filename: zipfile cuts names at a NUL, which other readers may not
            targets = check_names(archive, [info.orig_filename for info in infos])
            _check_room(archive, staging, sum(info.file_size for info in infos))
            try:
                for info in tqdm(infos, desc=f"unpacking {archive.name}", disable=len(infos) < 500):
                    if not _is_folder(info.orig_filename):
                        target = staging / targets[info.orig_filename]
                        source = functools.partial(opened.open, info)
                        _write(source, target, info.file_size, staging)
            except (NotImplementedError, RuntimeError) as error:  # compression not known or built
                _unpack_with_tool(archive, staging, error)
                wrong = [
                    i.filename
                    for i in infos
                    if not _is_folder(i.orig_filename)
                    and _size(staging / targets[i.orig_filename]) != i.file_size
                ]
                if wrong:
                    raise ValueError(f"{archive} is damaged: {some(wrong)}") from error
            except (zipfile.BadZipFile, EOFError, zlib.error) as error:
                shutil.rmtree(staging)
                raise ValueError(f"{archive} is damaged ({error}); {_AGAIN}") from error
    except zipfile.BadZipFile as error:
        if not zipfile.is_zipfile(archive):
            raise ValueError(
                f"{archive} is no zip or tar archive, or is cut short; {_AGAIN}"
            ) from error
        _unpack_with_tool(archive, staging, error)


def _unpack_tar(opened, archive, staging):
    try:
        members = opened.getmembers()
        for member in members:
            if not (member.isreg() or member.isdir()):
                raise ValueError(_refusal(archive, member.name, "is a link or device"))
            if member.isreg() and _is_folder(member.name):
                raise ValueError(_refusal(archive, member.name, "names no file"))
        targets = check_names(archive, [m.name + "/" * m.isdir() for m in members])
        _check_room(archive, staging, sum(member.size for member in members))
        for member in tqdm(members, desc=f"unpacking {archive.name}", disable=len(members) < 500):
            if member.isreg():
                source = functools.partial(opened.extractfile, member)
                _write(source, staging / targets[member.name], member.size, staging)
    except (tarfile.TarError, EOFError, zlib.error, lzma.LZMAError) as error:
        shutil.rmtree(staging, ignore_errors=True)
        raise ValueError(f"{archive} is damaged ({error}); {_AGAIN}") from error


def check_names(archive, names):
    """Check every name in an archive; return name → path within the folder.

    Raises
    ------
    ValueError
        At the first name that is absolute, climbs with ``..``, names a drive, has a NUL, or stands
        for the same file as, or a file inside, another entry.
    """
    targets, files = {}, set()
    for name in names:
        parts = [part for part in re.split(r"[/\\]", name) if part not in ("", ".")]
        if name.startswith(("/", "\\")) or ".." in parts or "\0" in name:
            raise ValueError(_refusal(archive, name, "would be written outside the folder"))
        if parts and re.match(r"^[A-Za-z]:", parts[0]):
            raise ValueError(_refusal(archive, name, "names a drive"))
        path = PurePosixPath(*parts)
        if not _is_folder(name):
            if not parts:
                raise ValueError(_refusal(archive, name, "names no file"))
            if path in files:
                raise ValueError(_refusal(archive, name, "comes twice"))
            files.add(path)
        targets[name] = path
    for path in targets.values():
        if inside := files.intersection(path.parents):
            raise ValueError(_refusal(archive, str(path), f"lies inside the file {inside.pop()}"))
    return targets


def _is_folder(name):
    """Some programs for Windows end a folder's name with a backslash; zipfile knows only /."""
    return name.endswith(("/", "\\"))


def _refusal(archive, name, why):
    return f"refused to unpack {archive}: its entry {name!r} {why}. Nothing was written."


_AGAIN = "delete it and download it again"


def _check_room(archive, staging, size):
    staging.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(staging).free + sum(_size(p) for p in staging.rglob("*"))
    if size > free:
        raise OSError(
            f"{archive} unpacks to {size / 2**30:.1f} GiB, but {free / 2**30:.1f} GiB are free"
        )


def _size(path):
    return path.stat().st_size if path.is_file() else -1 if not path.exists() else 0


def _write(source, target, size, staging):
    """Write one file through a temporary name, unless it is there from an interrupted call."""
    if _size(target) == size:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = _part(staging)
    with source() as stream, open(part, "wb") as file:
        shutil.copyfileobj(stream, file, 2**20)
    part.replace(target)


def _unpack_with_tool(archive, staging, error):
    """Unpack with a program of the system what Python's zipfile cannot read."""
    tool = next((tool for tool in TOOLS if shutil.which(tool)), None)
    if tool is None:
        raise ValueError(
            f"Python cannot read {archive} ({error}). Install 7-Zip (apt install 7zip, brew "
            "install sevenzip, or 7-zip.org) or unzip, and try again; or unpack it yourself."
        ) from error
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    fill = {"archive": str(archive), "folder": str(staging)}
    listing, unpacking = ([tool, *(a.format(**fill) for a in call)] for call in TOOLS[tool])
    listed = subprocess.run(listing, capture_output=True, text=True, check=False)
    names = listed.stdout.splitlines()
    if tool.startswith("7z"):
        names = [line[7:] for line in names if line.startswith("Path = ")]
    check_names(archive, names)
    done = subprocess.run(unpacking, capture_output=True, text=True, check=False)
    # unzip and 7z: 1 is a warning. An archive from which nothing comes is damaged in any case.
    if not names or done.returncode > 1 or listed.returncode > 1:
        shutil.rmtree(staging)
        said = (done.stderr or listed.stderr).strip().splitlines()
        raise ValueError(
            f"{archive} is damaged: neither Python ({error}) nor {tool} can read it"
            f"{f' ({said[-1]})' if said else ''}; {_AGAIN}"
        ) from error
    for path in staging.rglob("*"):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            shutil.rmtree(staging)
            raise ValueError(_refusal(archive, path.name, "is a link or device"))


def _move(entry, target):
    """Move into place: at once where the goal is new, else file by file into the folder there."""
    if not target.exists():
        os.replace(entry, target)
        return
    for path in sorted(p for p in entry.rglob("*") if p.is_file()) if entry.is_dir() else [entry]:
        goal = target / path.relative_to(entry) if entry.is_dir() else target
        goal.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, goal)
