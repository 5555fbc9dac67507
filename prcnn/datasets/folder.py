"""A folder of your own music: one sub-folder a genre.

Chapter: book/datasets.ipynb
"""

from pathlib import Path

from .dataset import AUDIO, assemble, files_under, some, table, warn
from .splits import FRACTIONS, split_clips

# What lies beside music and is none: not worth a word.
_BESIDE = ".jpg .jpeg .png .gif .webp .bmp .pdf .txt .md .nfo .log .csv .json .xml .html".split()
_BESIDE += ["", *".url .ini .db .cue .m3u .m3u8 .pls .lrc .sfv .md5".split()]


def load(folder, splits="stratified", seed=0, fractions=FRACTIONS):
    """Load ``folder/<genre>/….mp3``, also nested: ``folder/<genre>/<artist>/<album>/….mp3``.

    The first folder inside a genre is taken for the artist; files that lie directly in the genre's
    folder have none. MP3, WAV, FLAC, Ogg, Opus, AU, AIFF, M4A, MP4, AAC, WMA and WebM are read, by
    their endings. Files in other formats are left out by name; covers, texts, playlists and hidden
    files are passed over.

    Parameters
    ----------
    folder : str or Path
    splits, seed, fractions
        See :func:`prcnn.datasets.splits.split_clips`.

    Returns
    -------
    Dataset
        A clip's id is its path within the folder, with forward slashes.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such folder, or it has no clips, or only one genre.

    Chapter: book/datasets.ipynb
    """
    root = Path(folder).expanduser().absolute()
    if not root.is_dir():
        raise FileNotFoundError(
            f"no folder {root}. Give a folder with one sub-folder a genre, such as my_music/rock/."
        )
    clips, left_out = _scan(root)
    if clips.empty:
        raise ValueError(
            f"{root}: no clips. Expected one sub-folder a genre with audio files in it "
            f"({', '.join(AUDIO)}), such as {root.name}/rock/song.mp3."
        )
    clips["split"] = split_clips(clips, splits, seed, fractions)
    return assemble(root.name, clips, left_out, splits)


def _scan(root):
    """Find the clips under ``root/<genre>/``: a table without splits, and what was left out."""
    rows, unread, astray, bare = {}, {}, {}, []
    folders = sorted(f for f in root.iterdir() if f.is_dir() and not f.name.startswith("."))
    for genre in folders:
        found = len(rows)
        for path in files_under(genre):
            clip, ending = path.relative_to(root).as_posix(), path.suffix.lower()
            if ending in AUDIO:
                inner = path.relative_to(genre).parts
                artist = inner[0] if len(inner) > 1 else None
                rows[clip] = {"path": str(path), "genre": genre.name, "artist": artist}
            elif ending not in _BESIDE:
                unread[clip] = f"{ending} is not among the formats that are read"
        if len(rows) == found:
            bare.append(genre.name)
    for path in sorted(p for p in root.iterdir() if p.is_file()):
        if not path.name.startswith(".") and path.suffix.lower() not in _BESIDE:
            astray[path.name] = "lies beside the genres' folders, so it has no genre"
    if unread:
        warn(
            f"{len(unread)} files in {root} are in formats that are not read and are left out: "
            f"{some(unread)}. Convert them to FLAC or MP3 if they are music."
        )
    if astray:
        warn(
            f"{len(astray)} files in {root} are in no genre's folder and are left out: "
            f"{some(astray)}. Move each into a sub-folder named after its genre."
        )
    if bare:
        warn(f"{len(bare)} folders in {root} hold no audio files and are no genre: {some(bare)}")
    return table(rows), unread | astray
