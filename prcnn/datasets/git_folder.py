"""Fetch one folder of a public git repository at one commit, and no more than that.

git's partial clone leaves out the contents of files, a sparse checkout then asks for those of the
folder, and git checks every object against its id, so that the commit's name is the checksum.
"""

import os
import shutil
import subprocess

from tqdm.auto import tqdm

from .download import announce


def fetch(url, commit, folder, parts, target, size):
    """Download a folder to ``target``, part by part; a killed download goes on with the next part.

    Parameters
    ----------
    url, commit, folder : str
        The commit in 40 hex digits, the folder as a path in the repository.
    parts : list of str
        Paths in the repository that make up the folder.
    target : Path
        Appears when all is there and has been checked, not before.
    size : int
        Of the folder in bytes, to be said before anything is fetched.

    Raises
    ------
    FileNotFoundError
        If git is missing.
    ConnectionError
        If git fails; its own words are in the message, and the finished parts are kept.
    ValueError
        If what arrived is not what the commit holds.
    OSError
        If the disk has too little room.
    """
    if shutil.which("git") is None:
        raise FileNotFoundError(
            f"git is needed to fetch {folder} of {url}: install it (https://git-scm.com), or put "
            f"the folder, as it is at commit {commit[:12]}, to {target}."
        )
    work = target.parent / f".{target.name}-git"
    announce(f"{url} ({folder})", target, size)
    if not (work / ".git").is_dir():
        work.mkdir(parents=True, exist_ok=True)
        _git(work, "init", "--quiet", "--template=")
        _git(work, "config", "core.autocrlf", "false")
        _git(work, "remote", "add", "origin", url)
        _git(work, "config", "remote.origin.promisor", "true")
        _git(work, "config", "remote.origin.partialclonefilter", "blob:none")
    (work / ".git" / "index.lock").unlink(missing_ok=True)  # of a killed git
    _git(work, "fetch", "--quiet", "--depth=1", "--filter=blob:none", "origin", commit)
    for n in tqdm(range(1, len(parts) + 1), desc=target.name, unit="part"):
        # git throws away what it has of a broken transfer, so the parts are what is kept of one.
        _git(work, "sparse-checkout", "set", "--no-cone", *(f"/{part}/" for part in parts[:n]))
        _git(work, "checkout", "--quiet", "--detach", commit)
    _git(work, "fsck", "--no-dangling", "--no-progress", wrong=f"Delete {work} and try again")
    changed = _git(work, "status", "--porcelain")
    if changed or _git(work, "rev-parse", "HEAD").strip() != commit:
        raise ValueError(
            f"what arrived in {work} is not what commit {commit[:12]} of {url} holds "
            f"({changed.strip()[:200]}). Delete that folder and try again."
        )
    (work / folder).replace(target)
    shutil.rmtree(work, ignore_errors=True)


def _git(work, *arguments, wrong=None):
    """Run git in `work`, whatever repository the caller lives in, and return what it prints."""
    surroundings = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}  # it is no password that is missing
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):
        surroundings.pop(name, None)
    done = subprocess.run(
        ["git", *arguments], cwd=work, env=surroundings, capture_output=True, text=True
    )
    if done.returncode == 0:
        return done.stdout
    said = "; ".join((done.stderr or done.stdout).strip().splitlines())
    if wrong:
        raise ValueError(f"git {arguments[0]} finds faults in {work}: {said}. {wrong}.")
    raise ConnectionError(
        f"git {arguments[0]} failed: {said}. The finished parts are kept in {work}: run the same "
        "again to go on from there."
    )
