"""GTZAN, its hundred-clip miniature and its pictures; three splits, and the faults others found.

Tzanetakis and Cook, "Musical genre classification of audio signals", IEEE TSAP 2002: 10 genres of
100 clips, 30 s each, collected from CDs, radio and microphone recordings, without a licence. The
original download is dead. Faults: Sturm, "An analysis of the GTZAN music genre dataset", MIRUM
2012, and "The GTZAN dataset: its contents, its faults, …", arXiv:1306.1461. Fault-filtered split:
Kereliuk, Sturm and Larsen, IEEE Trans. Multimedia 2015. Pictures of 999 clips, 387 frames × 128
bands, are in the repository ``TanmayEL/music_genre_classification``, which names no licence: fetch
them for study, and ask its owner before you pass them on.

Chapter: book/datasets.ipynb
"""

import re
from pathlib import Path

import pandas as pd

from . import download
from .dataset import files_under, some, table, warn

GENRES = "blues classical country disco hiphop jazz metal pop reggae rock".split()
CLIPS = [f"{genre}.{number:05d}" for genre in GENRES for number in range(100)]
_LINE = re.compile(r"^(\w+\.\d{5})\.\w+ *::: *(.*?) *(?:::: *(.*?) *)?$", re.MULTILINE)
INDEX = "index.txt"  # Sturm's; it has no address that we could check: the user is asked for it
LISTS = {  # the published lists and their sha256
    split: (f"{name}_filtered.txt", sha256)
    for split, name, sha256 in (
        ("training", "train", "6252b4928f0a29185b894aed5babadae41104b4865f00aeff9b79de1c491f45c"),
        ("validation", "valid", "2e0a0e0b513ab61ab206ee4e6fb5f18a41d26e469b160a765196cb47841e3b7e"),
        ("test", "test", "ce78134675f23d02ca4b7f73876c5778b36d8c2fbcccbe54a0359d1a2d86bdef"),
    )
}
_LISTS_URL = "https://raw.githubusercontent.com/jongpillee/music_dataset_split/master/GTZAN_split/"
_SOUND = ("{}/genres", "{}/genres_original", "{}/Data/genres_original", "{}")
_PICTURES = ("{}/data/spectrograms", "{}/spectrograms", "data/spectrograms", "spectrograms")
KINDS = {  # name → how many clips, endings (the first is preferred), where the genres may be
    "gtzan": (1000, (".wav", ".au"), _SOUND),
    "gtzan_mini": (100, (".wav", ".au"), _SOUND),
    "gtzan_images": (999, (".png",), _PICTURES),
}
_WHERE_ELSE = (
    "The original download (marsyas.info, opihi.cs.uvic.ca) is dead. Copies: "
    "https://huggingface.co/datasets/marsyas/gtzan and "
    "https://www.kaggle.com/datasets/andradaolteanu/gtzan-dataset-music-genre-classification "
    "(account needed; its jazz.00054.wav is broken). Or start with load('gtzan_mini', "
    "download=True), 100 of the 1,000 clips, or with load('gtzan_images', download=True)."
)

_ABSENT = "no file of this clip"
BROKEN_COPY = "the widespread copy of this file does not decode"
FILTERED = "left out by the fault-filtered lists (Kereliuk et al. 2015)"
REPEATED = "same artist and title as {} (Sturm's index)"
# Sturm (2012) counts 106 mislabelled clips, 43 of them conspicuously; his table is not part of his
# index, so that here stand only those whose source we have seen. More: see mislabelled.csv in find.
MISLABELLED = {
    "disco.00027": "mislabelled: hip-hop, Rapper's Delight (Sturm, highnoongmt, 30 March 2012)",
    "metal.00058": "mislabelled: also labelled rock, as rock.00016 (Sturm 2012; Sturm's index)",
    "rock.00016": "mislabelled: also labelled metal, as metal.00058 (Sturm 2012; Sturm's index)",
}


def fetch(name, home, splits):
    """Fetch the clips, but for GTZAN's sound, and the lists that the split needs."""
    _, folder = _places(name, home)
    if folder is None and name != "gtzan":
        folder = download.get_folder(name, home)
    for file, sha256 in LISTS.values() if folder and splits == "fault_filtered" else ():
        if not (home / "gtzan" / file).is_file():
            download.fetch(_LISTS_URL + file, home / "gtzan" / file, f"sha256:{sha256}")


def find(name, home, splits):
    """List ``gtzan``, ``gtzan_mini`` or ``gtzan_images`` in whichever layout of KINDS is there.

    ``home/gtzan`` has the published lists, ``train_filtered.txt`` …, and Sturm's ``index.txt``.
    ``gtzan/mislabelled.csv`` (columns ``clip``, ``why``), if you have copied Sturm's table into
    one, is marked too.

    ``clips`` also has ``title``, ``repeats`` (ids of clips with the same artist and title,
    comma-separated), ``mislabelled`` (bool) and ``faults`` (what is wrong and who says so; empty if
    nothing is known). The index and the lists are the sources of repeats; only three mislabelled
    clips are known here, see ``MISLABELLED``.
    """
    (whole, endings, _), lists = KINDS[name], home / "gtzan"
    places, folder = _places(name, home)
    if folder is None:
        how = _WHERE_ELSE if name == "gtzan" else download.how(name)
        looked = some(map(str, places))
        raise FileNotFoundError(f"no {name}: looked for the genres in {looked}. {how}")
    rows, amiss = {}, {}
    for genre in GENRES:
        for path in files_under(folder / genre):
            clip, ending = path.stem, path.suffix
            if not re.fullmatch(rf"{genre}\.\d{{5}}", clip) or ending not in endings:
                amiss[f"{genre}/{path.name}"] = f"not named like blues.00000{endings[0]}"
            elif clip not in rows or ending == endings[0]:  # some copies have both
                rows[clip] = {"path": str(path), "genre": genre}
    absent = [clip for clip in CLIPS if clip not in rows and whole > 100]
    if len(rows) < whole:
        which = f": no file of {some(absent)}" if absent else ""
        warn(f"{name}: {len(rows)} clips in {folder}, where there should be {whole}{which}")
    left_out = dict.fromkeys(absent, _ABSENT)
    index, listed = read_index([lists / INDEX, home / name / INDEX]), read_lists(lists)
    clips = table(rows).drop(columns="artist").sort_index().join(index)
    mark_faults(clips, listed, index, lists / "mislabelled.csv")
    if splits == "artist" and index.empty:
        raise FileNotFoundError(
            f"{name}: a split by artist needs Sturm's index of artists and titles as "
            f"{lists / INDEX}. It is on the page that arXiv:1306.1461 links to; or choose "
            "splits='stratified'."
        )
    if splits == "fault_filtered":
        if not listed:
            raise FileNotFoundError(
                f"{name}: the fault-filtered split needs {some(f for f, _ in LISTS.values())} in "
                f"{lists}. Load with download=True to fetch them, or choose splits='stratified' or "
                "splits='artist'."
            )
        clips["split"] = pd.Series(listed, dtype=object).reindex(clips.index)
        left_out |= clips.loc[clips["split"].isna(), "faults"].to_dict()
        left_out |= {clip: _ABSENT for clip in listed if clip not in rows}
        clips = clips.dropna(subset=["split"])
    return clips, left_out, amiss


def _places(name, home):
    """Where the genres of a dataset may lie; and the first of these that has one, or None."""
    places = [home / place.format(name) for place in KINDS[name][2]]
    return places, next((p for p in places if any((p / g).is_dir() for g in GENRES)), None)


def read_index(candidates):
    """Read Sturm's index: lines ``blues.00000.wav ::: artist ::: title``.

    The first of the paths that exists is read. The table's index is clip, its columns ``artist``
    and ``title`` (missing where Sturm does not know); it is empty if there is no such file.
    """
    path = next((c for c in candidates if c.is_file()), None)
    found = _LINE.findall(path.read_text("utf-8", "replace")) if path else []
    if path and not found:
        raise ValueError(
            f"{path} has no lines like 'blues.00000.wav ::: artist ::: title': it is damaged "
            "or not Sturm's index."
        )
    rows = {clip: (artist or None, title or None) for clip, artist, title in found}
    return pd.DataFrame.from_dict(rows, orient="index", columns=["artist", "title"], dtype=object)


def read_lists(folder):
    """Read the fault-filtered lists of a folder: dict of clip → split; empty if one is missing."""
    listed, files = {}, {split: folder / file for split, (file, _) in LISTS.items()}
    for split, file in files.items() if all(f.is_file() for f in files.values()) else ():
        clips = [Path(line).stem for line in file.read_text("utf-8", "replace").split()]
        if not clips or (strange := [clip for clip in clips if clip not in CLIPS]):
            raise ValueError(
                f"{file} should list clips like blues/blues.00029.wav"
                f"{f', not {some(strange)}' if clips else ' and is empty'}. Remove it and load "
                "with download=True."
            )
        if twice := [clip for clip in clips if clip in listed]:
            raise ValueError(f"{file}: {some(twice)} are in two splits")
        listed |= dict.fromkeys(clips, split)
    return listed


def mark_faults(clips, listed, index, csv):
    """Add the columns ``repeats``, ``mislabelled`` and ``faults``."""
    same, wrong = repeats(index), dict(MISLABELLED)
    if csv.is_file():
        more = pd.read_csv(csv, dtype=str, encoding_errors="replace", keep_default_na=False)
        if not {"clip", "why"} <= set(more):
            raise ValueError(f"{csv} needs the columns clip and why, not {list(more)}")
        wrong |= dict(zip(more["clip"], "mislabelled: " + more["why"], strict=True))

    def faults(clip, others):
        yield wrong.get(clip)
        yield others and REPEATED.format(others)
        yield clip == "jazz.00054" and BROKEN_COPY
        yield listed and clip not in listed and FILTERED

    clips["repeats"] = [", ".join(same.get(clip, [])) for clip in clips.index]
    clips["mislabelled"] = clips.index.isin(list(wrong))
    clips["faults"] = ["; ".join(filter(None, faults(*pair))) for pair in clips["repeats"].items()]


def repeats(index):
    """Return clip → the other clips with the same artist and title, given :func:`read_index`."""
    known = index.dropna()
    song = known["artist"].str.casefold() + "\n" + known["title"].str.casefold()
    groups = [list(group.index) for _, group in song.groupby(song) if len(group) > 1]
    return {clip: [other for other in group if other != clip] for group in groups for clip in group}
