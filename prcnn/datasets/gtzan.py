"""GTZAN and its hundred-clip miniature, with three splits and the faults that others found.

Tzanetakis and Cook, "Musical genre classification of audio signals", IEEE TSAP 2002: 10 genres of
100 clips, 30 s each, collected from CDs, radio and microphone recordings, without a licence. The
original download is dead. Faults: Sturm, "An analysis of the GTZAN music genre dataset", MIRUM
2012, and "The GTZAN dataset: its contents, its faults, …", arXiv:1306.1461. Fault-filtered split:
Kereliuk, Sturm and Larsen, IEEE Trans. Multimedia 2015.

Chapter: book/datasets.ipynb
"""

import re

import pandas as pd

from . import folder as folders
from .dataset import assemble, audio_files, home, some, warn

GENRES = "blues classical country disco hiphop jazz metal pop reggae rock".split()
LAYOUTS = ("genres", "genres_original", "Data/genres_original", ".")
LISTS = {
    "training": "train_filtered.txt",
    "validation": "valid_filtered.txt",
    "test": "test_filtered.txt",
}
INDEX = "index.txt"

BROKEN_COPY = "the widespread copy of this file does not decode"
FILTERED = "left out by the fault-filtered lists (Kereliuk et al. 2015)"
REPEATED = "same artist and title as {} (Sturm's index)"
# Sturm (2012) counts 106 mislabelled clips, 43 of them conspicuously; his table is not part of his
# index, so that here stand only those whose source we have seen. More: see mislabelled.csv in load.
MISLABELLED = {
    "disco.00027": "mislabelled: hip-hop, Rapper's Delight (Sturm, highnoongmt, 30 March 2012)",
    "metal.00058": "mislabelled: also labelled rock, as rock.00016 (Sturm 2012; Sturm's index)",
    "rock.00016": "mislabelled: also labelled metal, as metal.00058 (Sturm 2012; Sturm's index)",
}
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
    name : str
    data_home : str or Path, optional
        Has ``gtzan/genres/blues/blues.00000.wav`` … (or ``genres_original/``,
        ``Data/genres_original/``; ``.wav`` or ``.au``), ``gtzan_mini/genres/``; and in ``gtzan/``
        the published lists ``train_filtered.txt``, ``valid_filtered.txt``, ``test_filtered.txt``
        and Sturm's ``index.txt``. ``gtzan/mislabelled.csv`` (columns ``clip``, ``why``), if you
        have copied Sturm's table into one, is marked too.
    download : bool
        Fetch the lists and, for ``gtzan_mini``, the clips. GTZAN itself has no working address.
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
        mislabelled clips are known here, see ``MISLABELLED`` in this module.

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
    root, lists = home(data_home) / name, home(data_home) / "gtzan"
    if download:
        from . import download as downloads

        for published in LISTS.values():
            downloads.get_list(published, lists)
        if name == "gtzan_mini":
            downloads.get("gtzan_mini", root.parent)
    clips = _find(root, name)
    index = _read_index([lists / INDEX, root / INDEX])
    clips = clips.join(index)
    left_out = {}
    listed = _read_lists(lists) if splits == "fault_filtered" else {}
    if splits == "fault_filtered" and not listed:
        raise FileNotFoundError(
            f"{name}: the fault-filtered split needs {', '.join(LISTS.values())} in {lists}. Load "
            "with download=True to fetch them, or choose splits='stratified' or splits='artist'."
        )
    _mark_faults(clips, listed or _read_lists(lists), index, lists / "mislabelled.csv")
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
        clips["split"] = folders.choose(clips, splits, seed)
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


def _read_index(candidates):
    """Read Sturm's index: lines ``blues.00000.wav ::: artist ::: title``."""
    path = next((c for c in candidates if c.is_file()), None)
    rows = {}
    if path is not None:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            parts = [part.strip() for part in line.split(":::")]
            if len(parts) >= 2 and not line.startswith("#"):
                clip = re.sub(r"\.(wav|au)$", "", parts[0])
                rows[clip] = {
                    "artist": parts[1] or None,
                    "title": (parts[2] if len(parts) > 2 else "") or None,
                }
        if not rows:
            raise ValueError(
                f"{path} has no lines like 'blues.00000.wav ::: artist ::: title': it is damaged "
                "or not Sturm's index."
            )
    return pd.DataFrame.from_dict(rows, orient="index", columns=["artist", "title"], dtype=object)


def _read_lists(folder):
    """Read the fault-filtered lists: clip → split; empty if a list is missing."""
    if not all((folder / file).is_file() for file in LISTS.values()):
        return {}
    listed = {}
    for split, file in LISTS.items():
        lines = (folder / file).read_text(encoding="utf-8").split()
        clips = [re.sub(r"\.(wav|au)$", "", line.rsplit("/", 1)[-1]) for line in lines]
        if not clips or (strange := [c for c in clips if c.split(".")[0] not in GENRES]):
            raise ValueError(
                f"{folder / file} should list clips like blues/blues.00029.wav"
                f"{f', not {some(strange)}' if clips else ' and is empty'}. Remove it and load "
                "with download=True."
            )
        if twice := [c for c in clips if c in listed]:
            raise ValueError(f"{folder / file}: {some(twice)} are in two splits")
        listed |= dict.fromkeys(clips, split)
    return listed


def _mark_faults(clips, listed, index, csv):
    """Add the columns ``repeats``, ``mislabelled`` and ``faults``."""
    known = index.dropna()
    song = known["artist"].str.casefold() + "\n" + known["title"].str.casefold()
    same = {}
    for _, group in song.groupby(song):
        for clip in group.index:
            same[clip] = [other for other in group.index if other != clip]
    wrong = dict(MISLABELLED)
    if csv.is_file():
        table = pd.read_csv(csv, dtype=str)
        if not {"clip", "why"} <= set(table):
            raise ValueError(f"{csv} needs the columns clip and why, not {list(table)}")
        wrong |= {c: f"mislabelled: {w}" for c, w in zip(table["clip"], table["why"], strict=True)}
    repeats, faults = [], []
    for clip in clips.index:
        others = ", ".join(same.get(clip, []))
        said = [wrong[clip]] if clip in wrong else []
        said += [REPEATED.format(others)] if others else []
        said += [BROKEN_COPY] if clip == "jazz.00054" else []
        said += [FILTERED] if listed and clip not in listed else []
        repeats.append(others)
        faults.append("; ".join(said))
    clips["repeats"] = repeats
    clips["mislabelled"] = clips.index.isin(list(wrong))
    clips["faults"] = faults
