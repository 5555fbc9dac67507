"""GTZAN and its hundred-clip miniature, with three splits and the faults that others found.

Tzanetakis and Cook, "Musical genre classification of audio signals", IEEE TSAP 2002: 10 genres of
100 clips, 30 s each, collected from CDs, radio and microphone recordings, without a licence. The
original download is dead. Faults: Sturm, "An analysis of the GTZAN music genre dataset", MIRUM
2012, and "The GTZAN dataset: its contents, its faults, …", arXiv:1306.1461. Fault-filtered split:
Kereliuk, Sturm and Larsen, IEEE Trans. Multimedia 2015. What is wrong with which clip:
:mod:`prcnn.datasets.gtzan_faults`.

Chapter: book/datasets.ipynb
"""

import re

import pandas as pd

from . import download as downloads
from .dataset import assemble, audio_files, cache_folder, some, warn
from .gtzan_faults import GENRES, INDEX, LISTS, mark_faults, read_index, read_lists
from .splits import split_clips

LAYOUTS = ("genres", "genres_original", "Data/genres_original", ".")
WHERE_ELSE = (
    "The original download (marsyas.info, opihi.cs.uvic.ca) is dead. Copies: "
    "https://huggingface.co/datasets/marsyas/gtzan and "
    "https://www.kaggle.com/datasets/andradaolteanu/gtzan-dataset-music-genre-classification "
    "(account needed; its jazz.00054.wav is broken). Or start with load('gtzan_mini', "
    "download=True): 100 of the 1,000 clips."
)


def load(name, data_home=None, *, download=False, splits=None, seed=0):
    """Load ``gtzan`` (1,000 clips) or ``gtzan_mini`` (100).

    Parameters
    ----------
    data_home : str or Path, optional
        Has ``gtzan/genres/blues/blues.00000.wav`` … (or ``genres_original/``,
        ``Data/genres_original/``; ``.wav`` or ``.au``), ``gtzan_mini/genres/``; and in ``gtzan/``
        the published lists ``train_filtered.txt``, ``valid_filtered.txt``, ``test_filtered.txt``
        and Sturm's ``index.txt``. ``gtzan/mislabelled.csv`` (columns ``clip``, ``why``), if you
        have copied Sturm's table into one, is marked too.
    download : bool
        Fetch the lists that the split needs and, for ``gtzan_mini``, the clips. GTZAN itself has
        no working address.
    splits : str, optional
        "fault_filtered" (443/197/290; default of ``gtzan``), "stratified" (random within each
        genre; default of ``gtzan_mini``), or "artist" (no artist in two splits; needs the index).
    seed : int
        For the splits that are drawn at random.

    Returns
    -------
    Dataset
        ``clips`` also has ``title``, ``repeats`` (ids of clips with the same artist and title,
        comma-separated), ``mislabelled`` (bool) and ``faults`` (what is wrong and who says so;
        empty if nothing is known). The index and the lists are the sources of repeats; only three
        mislabelled clips are known here, see ``MISLABELLED`` in gtzan_faults.py.

    Raises
    ------
    FileNotFoundError
        If the clips, or the lists or index that the split needs, are not there.
    ValueError
        If ``splits`` is unknown.

    Chapter: book/datasets.ipynb
    """
    splits = splits or ("fault_filtered" if name == "gtzan" else "stratified")
    if splits not in ("fault_filtered", "stratified", "artist"):
        raise ValueError(
            f"splits={splits!r}: GTZAN knows 'fault_filtered', 'stratified' and 'artist'"
        )
    root, lists = cache_folder(data_home) / name, cache_folder(data_home) / "gtzan"
    if download and name == "gtzan_mini":
        downloads.get("gtzan_mini", root.parent)
    clips = _find(root, name)
    if download and splits == "fault_filtered":
        for published in LISTS.values():
            downloads.get_list(published, lists)
    index = read_index([lists / INDEX, root / INDEX])
    clips = clips.join(index)
    left_out = {}
    listed = read_lists(lists) if splits == "fault_filtered" else {}
    if splits == "fault_filtered" and not listed:
        raise FileNotFoundError(
            f"{name}: the fault-filtered split needs {', '.join(LISTS.values())} in {lists}. Load "
            "with download=True to fetch them, or choose splits='stratified' or splits='artist'."
        )
    mark_faults(clips, listed or read_lists(lists), index, lists / "mislabelled.csv")
    if splits == "fault_filtered":
        clips["split"] = pd.Series(listed, dtype=object).reindex(clips.index)
        unlisted = clips["split"].isna()
        left_out = clips.loc[unlisted, "faults"].to_dict()
        left_out |= {c: "no file of this clip" for c in listed if c not in clips.index}
        if missing := [c for c in listed if c not in clips.index and name == "gtzan"]:
            warn(f"{name}: {len(missing)} clips of the lists are not in {root}: {some(missing)}")
        clips = clips[~unlisted]
    else:
        if splits == "artist" and index.empty:
            raise FileNotFoundError(
                f"{name}: a split by artist needs Sturm's index of artists and titles as "
                f"{lists / INDEX}. It is on the page that arXiv:1306.1461 links to; or choose "
                "splits='stratified'."
            )
        clips["split"] = split_clips(clips, splits, seed)
    return assemble(name, clips, left_out, splits)


def _find(root, name):
    """List the clips in whichever of the known layouts is there."""
    for layout in LAYOUTS:
        if any((root / layout / genre).is_dir() for genre in GENRES):
            folder = root / layout
            break
    else:
        places = ", ".join(str(root / layout / "blues") for layout in LAYOUTS[:3])
        hint = WHERE_ELSE if name == "gtzan" else "Load with download=True to fetch it."
        raise FileNotFoundError(f"no {name} in {root}: looked for {places}. {hint}")
    rows, stray = {}, []
    for genre in GENRES:
        for path in audio_files(folder / genre):
            match = re.fullmatch(rf"({genre}\.\d{{5}})\.(wav|au)", path.name)
            if not match:
                stray.append(path.name)
            elif match[1] not in rows or match[2] == "wav":  # some copies have both
                row = {"path": str(path), "genre": genre, "split": None}
                rows[match[1]] = row
    if stray:
        warn(f"{name}: {len(stray)} files are not named like blues.00000.wav: {some(stray)}")
    whole = 1000 if name == "gtzan" else 100
    if len(rows) < whole:
        gone = [f"{g}.{i:05d}" for g in GENRES for i in range(100) if f"{g}.{i:05d}" not in rows]
        which = f": no file of {some(gone)}" if name == "gtzan" else ""
        warn(f"{name}: {len(rows)} clips in {folder}, where there should be {whole}{which}")
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["path", "genre", "split"])
    return table.astype(object).sort_index()
