"""A folder of your own music: one sub-folder a genre.

Chapter: book/datasets.ipynb
"""

from pathlib import Path

from .dataset import AUDIO, assemble, audio_files, some, table, warn
from .splits import FRACTIONS, split_clips


def load(folder, splits="stratified", seed=0, fractions=FRACTIONS):
    """Load ``folder/<genre>/….mp3``, also nested: ``folder/<genre>/<artist>/<album>/….mp3``.

    The first folder inside a genre is taken for the artist; files that lie directly in the genre's
    folder have none. MP3, WAV, FLAC, Ogg, Opus, AU and AIFF are read, by their endings; hidden
    files and other files are passed over.

    Parameters
    ----------
    folder : str or Path
    splits : str
        "stratified" (at random within each genre) or "artist" (no artist in two splits).
    seed : int
    fractions : tuple of float
        Training, validation, test.

    Returns
    -------
    Dataset
        A clip's id is its path within the folder, with forward slashes.

    Raises
    ------
    FileNotFoundError
        If there is no such folder.
    ValueError
        If it has no clips, or only one genre.

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
    rows, left_out, bare = {}, {}, []
    folders = sorted(f for f in root.iterdir() if f.is_dir() and not f.name.startswith("."))
    for genre in folders:
        found = audio_files(genre)
        if not found:
            bare.append(genre.name)
        for path in found:
            inner = path.relative_to(genre).parts
            rows[path.relative_to(root).as_posix()] = {
                "path": str(path),
                "genre": genre.name,
                "artist": inner[0] if len(inner) > 1 else None,
            }
    for path in sorted(p for p in root.iterdir() if p.is_file() and p.suffix.lower() in AUDIO):
        if not path.name.startswith("."):
            left_out[path.name] = "lies beside the genres' folders, so it has no genre"
    if left_out:
        warn(
            f"{len(left_out)} audio files in {root} are in no genre's folder and are left out: "
            f"{some(left_out)}. Move each into a sub-folder named after its genre."
        )
    if bare:
        warn(f"{len(bare)} folders in {root} hold no audio files and are no genre: {some(bare)}")
    return table(rows), left_out
