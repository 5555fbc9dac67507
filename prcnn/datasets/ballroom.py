"""The Extended Ballroom dataset: dance music, genre folders and an XML of metadata.

Marchand and Peeters, "The Extended Ballroom dataset", ISMIR 2016 late-breaking: 4,180 excerpts of
30 s in 13 dances (the paper's Table 1 prints 12), many of them repeated. The authors give the
metadata and a script that fetches the MP3s from ballroomdancers.com, not the audio itself.

Chapter: book/datasets.ipynb
"""

from xml.etree import ElementTree

import pandas as pd

from .dataset import assemble, cache_folder, some, table, warn
from .splits import split_clips

XML = "extendedballroom_v1.1.xml"
REPEATS = ("version", "exact", "time", "karaoke")  # each names the song that this one repeats
WHERE = (
    "The authors' page (anasynth.ircam.fr/home/media/ExtendedBallroom) gives the XML and "
    "getExtendedBallroomDataset.py, which fetches the MP3s into one folder a dance; it is not ours "
    "to download."
)


def load(name="extended_ballroom", data_home=None, *, download=False, splits="artist", seed=0):
    """Load ``<data_home>/extended_ballroom/<Dance>/<id>.mp3`` with its XML.

    XML and dances may also lie in a folder ``extendedballroom_v1.1`` there. ``splits`` is "artist"
    (no artist in two splits; there is no official one) or "stratified". FileNotFoundError, which
    says where the data is, if folder or XML is missing; ValueError if the XML is damaged, or none
    of its songs has a file.

    Returns
    -------
    Dataset
        ``clips`` also has ``title``, ``album``, ``bpm`` and ``repeats`` (ids of the songs that the
        XML calls versions or duplicates of this one, comma-separated; read as the dataset's README
        describes them).
    """
    root = cache_folder(data_home) / name
    xml = next(
        (p for p in (root / XML, root / XML.removesuffix(".xml") / XML) if p.is_file()), None
    )
    if xml is None:
        asked = "download=True cannot help: " if download else ""
        raise FileNotFoundError(f"{asked}no {root / XML}. {WHERE}")
    try:
        tree = ElementTree.parse(xml).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"{xml} is damaged or truncated ({error}). {WHERE}") from error
    rows = {}
    for dance in tree:
        for song in dance.findall("song"):
            rows[song.get("id")] = _row(xml.parent, dance.tag, song)
    clips = table(rows, "title", "album", "bpm", "repeats").astype({"bpm": float})
    if clips.empty:
        raise ValueError(f"{xml} lists no songs. {WHERE}")
    without = clips["path"].isna()
    left_out = {clip: f"no file of this song in {xml.parent}" for clip in clips.index[without]}
    if left_out:
        warn(
            f"{name}: {len(left_out)} of the {len(clips)} songs in {xml.name} have no file and are "
            f"left out: {some(left_out)}"
        )
    used = set(clips["path"].dropna())
    on_disk = {
        str(p) for dance in clips["genre"].unique() for p in (xml.parent / dance).glob("*.mp3")
    }
    if stray := sorted(on_disk - used):
        warn(f"{name}: {len(stray)} files are not in {xml.name} and are left out: {some(stray)}")
    clips = clips[~without].copy()
    clips["split"] = split_clips(clips, splits, seed)
    return assemble(name, clips, left_out, splits)


def _row(root, dance, song):
    # The authors' script names files 100701.mp3, a later version Chacha.100701.mp3.
    names = (f"{song.get('id')}.mp3", f"{dance}.{song.get('id')}.mp3")
    path = next((root / dance / n for n in names if (root / dance / n).is_file()), None)
    same = [song.get(kind) for kind in REPEATS]
    same += [e.get("id") or (e.text or "").strip() for e in song if e.tag in REPEATS]
    bpm = pd.to_numeric(song.get("bpm"), errors="coerce")
    return {
        "path": None if path is None else str(path),
        "genre": dance,
        "artist": song.get("artist") or None,
        "title": song.get("title") or None,
        "album": song.get("album") or None,
        "bpm": bpm,
        "repeats": ", ".join(clip for clip in same if clip),
    }
