"""What is wrong with which clip of GTZAN, and who says so: Sturm's index, fault-filtered lists."""

import re

import pandas as pd

from .dataset import some

GENRES = "blues classical country disco hiphop jazz metal pop reggae rock".split()
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


def read_index(candidates):
    """Read Sturm's index: lines ``blues.00000.wav ::: artist ::: title``.

    The first of the paths that exists is read. The table's index is clip, its columns ``artist``
    and ``title`` (missing where Sturm does not know); it is empty if there is no such file.
    Chapter: book/datasets.ipynb
    """
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


def read_lists(folder):
    """Read the fault-filtered lists of a folder: dict of clip → split; empty if one is missing."""
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


def mark_faults(clips, listed, index, csv):
    """Add the columns ``repeats``, ``mislabelled`` and ``faults``."""
    same = repeats(index)
    wrong = dict(MISLABELLED)
    if csv.is_file():
        table = pd.read_csv(csv, dtype=str)
        if not {"clip", "why"} <= set(table):
            raise ValueError(f"{csv} needs the columns clip and why, not {list(table)}")
        wrong |= {c: f"mislabelled: {w}" for c, w in zip(table["clip"], table["why"], strict=True)}
    others_of, faults = [], []
    for clip in clips.index:
        others = ", ".join(same.get(clip, []))
        said = [wrong[clip]] if clip in wrong else []
        said += [REPEATED.format(others)] if others else []
        said += [BROKEN_COPY] if clip == "jazz.00054" else []
        said += [FILTERED] if listed and clip not in listed else []
        others_of.append(others)
        faults.append("; ".join(said))
    clips["repeats"] = others_of
    clips["mislabelled"] = clips.index.isin(list(wrong))
    clips["faults"] = faults


def repeats(index):
    """Return clip → the other clips with the same artist and title, given :func:`read_index`."""
    known = index.dropna()
    song = known["artist"].str.casefold() + "\n" + known["title"].str.casefold()
    same = {}
    for _, group in song.groupby(song):
        for clip in group.index:
            same[clip] = [other for other in group.index if other != clip]
    return {clip: others for clip, others in same.items() if others}
