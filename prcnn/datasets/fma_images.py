"""FMA-small as pictures: 7,994 log-mel spectrograms of 128 × 128 pixels, 239 MB instead of 7.2 GiB.

From the public repository ``Solarleaf/GenreWave``, which names no licence: fetch it for study, and
ask its owner before you pass it on. The music is FMA's (Defferrard et al., 2017; BibTeX key
``defferrard2017fma``), with FMA's official split. What a pixel is, and how any song becomes such a
picture: ``prcnn.spectrogram.IMAGES``.

Chapter: book/datasets.ipynb
"""

import os

import numpy as np
import pandas as pd
import pooch

from . import fma_small_split
from .dataset import assemble, cache_folder, some, warn
from .fma import BROKEN, DOES_NOT_DECODE, GENRES, NEAR_SILENT, _official_if_whole
from .splits import split_clips

URL = "https://github.com/Solarleaf/GenreWave"
COMMIT = "22ab844bd8752f0fcd933a16255155d69195bf4e"
SIZE = 238_550_748  # bytes, of spectrograms/ at that commit


def load(name, data_home=None, *, download=False, splits=None, seed=0):
    """Load ``fma_small_images``.

    Parameters
    ----------
    data_home : str or Path, optional
        Has ``fma_small_images/spectrograms/<Genre>/<track id>.png``, or ``spectrograms/`` itself.
    download : bool
        Fetch the pictures (239 MB, with git) if there are none.
    splits : str, optional
        "official" (filtered by artist), or "stratified": at random, so that an artist's clips lie
        on both sides. By default the official one; where the pictures on disk leave a part of it
        empty, a stratified one, with a warning.
    seed : int
        Of the stratified split.

    Returns
    -------
    Dataset
        Made for ``settings="images"``. ``clips`` has no artists; it also has ``duplicate_of`` (the
        first clip with the same picture, missing for all but 12) and ``near_silent`` (bool).
        Left out are pictures that are missing, that FMA-small does not have, or that lie in
        another genre's folder than FMA names.

    Raises
    ------
    FileNotFoundError
        If there are no pictures, or git is missing.
    ValueError
        If no picture or one genre is left, ``splits`` is unknown, or what was fetched is damaged.
    OSError
        If the download fails; what has arrived is kept.

    Chapter: book/datasets.ipynb
    """
    if splits not in (None, "official", "stratified"):
        raise ValueError(f"splits={splits!r}: {name} knows 'official' and 'stratified'")
    folder = _folder(cache_folder(data_home), download)
    known = fma_small_split.read()
    paths, left_out = _find(folder, known)
    clips = known.loc[known.index.intersection(paths)]
    clips.insert(0, "path", clips.index.map(paths).astype(object))
    clips["artist"] = pd.Series(None, index=clips.index, dtype=object)
    clips["duplicate_of"] = _duplicates(clips)
    clips["near_silent"] = clips.index.isin(NEAR_SILENT)
    splits = _official_if_whole(clips, splits, name)
    if splits != "official":
        clips["split"] = split_clips(clips, splits, seed)
    _warn_of_duplicates(clips)
    return assemble(name, clips, left_out, splits, "images")


def vggish(data_home=None, dataset=None):
    """Read VGGish's embeddings of the same clips: what pre-training on far more music hears.

    The mean over a clip of the 128 numbers that VGGish (Hershey et al., 2017; trained on YouTube)
    gives for every 0.96 s, quantised to 0 … 255, from the left channel at 16 kHz. They are
    published in the same repository as the pictures, folder ``data/vggish_embeddings_v2``, and are
    not fetched: gather them into ``fma_small_images/vggish.npz`` with the arrays ``track_id``
    (int, n) and ``embedding`` (float32, (n, 128)).

    Returns
    -------
    pandas.DataFrame
        float32, 128 columns, one row a clip of ``dataset``, which is FMA's (default: all that the
        file holds). A clip without an embedding is a row of NaN, and a warning.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it does not hold these arrays.

    Chapter: book/baselines.ipynb
    """
    path = cache_folder(data_home) / "fma_small_images" / "vggish.npz"
    if not path.is_file():
        raise FileNotFoundError(
            f"no {path}: arrays track_id and embedding (n, 128), gathered from "
            f"data/vggish_embeddings_v2 of {URL} at commit {COMMIT[:12]}."
        )
    with np.load(path) as file:
        ids, rows = file.get("track_id"), file.get("embedding")
    if ids is None or rows is None or rows.shape != (len(ids), 128):
        raise ValueError(f"{path} does not hold track_id (n,) and embedding (n, 128).")
    table = pd.DataFrame(rows.astype(np.float32), index=pd.Index(ids, name="clip"))
    if dataset is not None:
        if lacking := list(dataset.clips.index.difference(table.index)):
            warn(f"{len(lacking)} clips have no embedding in {path}: {some(lacking)}")
        table = table.reindex(dataset.clips.index)
    table.attrs["describes"] = "the clip's left channel at 16 kHz, as VGGish hears it"
    return table


def _folder(data_home, download):
    """Where the pictures are; fetched if that is asked for and there are none."""
    own = data_home / "fma_small_images" / "spectrograms"
    for folder in (own, data_home / "spectrograms"):
        if folder.is_dir():
            return folder
    if not download:
        raise FileNotFoundError(
            f"no {own}. Load with download=True to fetch the pictures ({SIZE / 1e6:.0f} MB, with "
            f"git), or put the folder spectrograms of {URL} at commit {COMMIT[:12]} there."
        )
    from .git_folder import fetch

    parts = [f"spectrograms/{genre}" for genre in GENRES]
    fetch(URL, COMMIT, "spectrograms", parts, own, SIZE)
    return own


def _find(folder, known):
    """Clip → path of its picture, and why the others were left out."""
    genre_of, paths, wrong = known["genre"].to_dict(), {}, {}
    for path in sorted(folder.glob("*/*.png")):
        genre, clip = path.parent.name, int(path.stem) if path.stem.isdecimal() else None
        if clip not in genre_of:
            wrong[f"{genre}/{path.name}" if clip is None else clip] = "no clip of FMA-small"
        elif genre != genre_of[clip]:
            wrong[clip] = f"lies in the folder {genre}, and FMA says {genre_of[clip]}"
        else:
            paths[clip] = str(path)
    if wrong:
        first = next(iter(wrong))
        warn(
            f"{len(wrong)} pictures in {folder} are not used: {some(wrong)}. "
            f"The first: {wrong[first]}."
        )
    lacking = [genre for genre in GENRES if not (folder / genre).is_dir()]
    missing = {clip: f"no picture in {folder / g}" for clip, g in genre_of.items()}
    missing = {clip: why for clip, why in missing.items() if clip not in paths}
    if missing:
        warn(
            f"{len(missing)} of the {len(known)} clips of FMA-small have no picture in {folder} "
            f"and are left out ({some(missing)}"
            f"{'; no folder ' + ', '.join(lacking) if lacking else ''}). To have them, move that "
            "folder away and load with download=True."
        )
    faults = {clip: why for clip, why in BROKEN.items() if why != DOES_NOT_DECODE}
    return paths, faults | missing | {clip: why for clip, why in wrong.items() if clip not in paths}


def _duplicates(clips):
    """The first clip with the same bytes, for every clip that is not itself the first."""
    sizes = [os.path.getsize(path) for path in clips["path"]]
    alike = clips["path"][pd.Series(sizes, clips.index).duplicated(keep=False)]
    content = alike.map(lambda path: pooch.file_hash(path, "sha1"))
    first = content.index.to_series().groupby(content).transform("min")
    return first.where(first != first.index).reindex(clips.index).astype("Int64")


def _warn_of_duplicates(clips):
    first = clips["duplicate_of"].dropna().astype("int64")
    across = first[clips.loc[first.index, "split"] != clips.loc[first, "split"].to_numpy()]
    if len(across):
        warn(
            f"{len(across)} pictures lie in two splits, so that a network is tested on what it "
            f"has been trained on: {some(f'{clip} = {same}' for clip, same in across.items())}. "
            "Drop those clips (column duplicate_of)."
        )
