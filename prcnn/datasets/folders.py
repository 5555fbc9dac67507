"""Folders of sound: your own music, RWC, the Extended Ballroom, and what mirdata reads.

- Goto, Hashiguchi, Nishimura and Oka, "RWC music database: popular, classical, and jazz music
  databases", ISMIR 2002. Sold on CDs by AIST; whole pieces, not clips: a spectrogram is of the
  first 31 s at most. Three collections of 100, 50 and 50 pieces.
- Marchand and Peeters, "The Extended Ballroom dataset", ISMIR 2016 late-breaking: 4,180 excerpts
  of 30 s in 13 dances (the paper's Table 1 prints 12), many of them repeated. The authors give the
  metadata and a script that fetches the MP3s from ballroomdancers.com, not the audio itself.

Chapter: book/datasets.ipynb
"""

import re
from pathlib import Path
from xml.etree import ElementTree

import pandas as pd

from .dataset import AUDIO, audio_files, files_under, table, warn

# What lies beside music and is none: not worth a word.
_BESIDE = ".jpg .jpeg .png .gif .webp .bmp .pdf .txt .md .nfo .log .csv .json .xml .html".split()
_BESIDE += ["", *".url .ini .db .cue .m3u .m3u8 .pls .lrc .sfv .md5".split()]
COLLECTIONS = {"Popular": ("p", 100), "Jazz": ("j", 50), "Classical": ("c", 50)}
XML = "extendedballroom_v1.1.xml"
REPEATS = ("version", "exact", "time", "karaoke")  # each names the song that this one repeats
_BALLROOM = (
    "The authors' page (anasynth.ircam.fr/home/media/ExtendedBallroom) gives the XML and "
    "getExtendedBallroomDataset.py, which fetches the MP3s into one folder a dance; it is not ours "
    "to download."
)


def find_own(_, root, *__):
    """List ``root/<genre>/….mp3``, also nested: ``root/<genre>/<artist>/<album>/….mp3``.

    The first folder inside a genre is taken for the artist; files that lie directly in the genre's
    folder have none. MP3, WAV, FLAC, Ogg, Opus, AU, AIFF, M4A, MP4, AAC, WMA and WebM are read, by
    their endings. Files in other formats are left out by name; covers, texts, playlists and hidden
    files are passed over. A clip's id is its path within the folder, with forward slashes.
    """
    if not root.is_dir():
        raise FileNotFoundError(
            f"no folder {root}. Give a folder with one sub-folder a genre, such as my_music/rock/."
        )
    rows, amiss = {}, {}
    for genre in sorted(f for f in root.iterdir() if not f.name.startswith(".")):
        if not genre.is_dir():
            if genre.suffix.lower() not in _BESIDE:
                amiss[genre.name] = "lies in no genre's folder: move it into one"
            continue
        found = len(rows)
        for path in files_under(genre):
            clip, ending = path.relative_to(root).as_posix(), path.suffix.lower()
            if ending in AUDIO:
                artist, *_ = [*path.relative_to(genre).parts[:-1], None]
                rows[clip] = {"path": str(path), "genre": genre.name, "artist": artist}
            elif ending not in _BESIDE:
                amiss[clip] = f"{ending} is not among the formats that are read: convert it to FLAC"
        if len(rows) == found:
            amiss[genre.name] = "a folder without audio files: no genre"
    if not rows:
        raise ValueError(
            f"{root}: no clips. Expected one sub-folder a genre with audio files in it "
            f"({', '.join(AUDIO)}), such as {root.name}/rock/song.mp3."
        )
    return table(rows), {}, amiss


def find_rwc(name, home, _):
    """List ``rwc/{popular,jazz,classical}/….wav``, nested as you like.

    A collection's folder may be called ``popular``, ``RWC-Popular`` or ``rwc_popular`` (as mirdata
    has it) or ``RWC-MDB-P-2001`` (as AIST has it). The pieces were made for the database, so that
    artists are no guide. A clip's id is its path within ``rwc/``; ``genre`` is Popular, Jazz or
    Classical.
    """
    root, rows = home / name, {}
    folders = [f for f in sorted(root.iterdir()) if f.is_dir()] if root.is_dir() else []
    for genre, (letter, whole) in COLLECTIONS.items():
        pattern = re.compile(rf"(rwc[-_ ]?)?{genre}|rwc-mdb-{letter}(-2001)?", re.IGNORECASE)
        here = [folder for folder in folders if pattern.fullmatch(folder.name)]
        files = [path for folder in here for path in audio_files(folder)]
        if len(files) != whole and folders:
            warn(f"{name}: {len(files)} audio files of {genre} in {root}, where RWC has {whole}")
        for path in files:
            rows[path.relative_to(root).as_posix()] = {"path": str(path), "genre": genre}
    if not rows:
        raise FileNotFoundError(
            f"no collection of RWC in {root}: expected folders popular, jazz, classical. The "
            "database comes from AIST (https://staff.aist.go.jp/m.goto/RWC-MDB/) on request; it "
            "cannot be downloaded by us."
        )
    return table(rows), {}, {}


def find_ballroom(name, home, _):
    """List ``extended_ballroom/<Dance>/<id>.mp3`` by its XML.

    XML and dances may also lie in a folder ``extendedballroom_v1.1`` there. ``clips`` also has
    ``title``, ``album``, ``bpm`` and ``repeats`` (ids of the songs that the XML calls versions or
    duplicates of this one, comma-separated; read as the dataset's README describes them).
    """
    places = [home / name / XML, home / name / XML.removesuffix(".xml") / XML]
    xml = next((place for place in places if place.is_file()), None)
    if xml is None:
        raise FileNotFoundError(f"no {places[0]}. {_BALLROOM}")
    try:
        tree = ElementTree.parse(xml).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"{xml} is damaged or truncated ({error}). {_BALLROOM}") from error
    # The authors' script names files 100701.mp3, a later version Chacha.100701.mp3.
    files = {(p.parent.name, p.stem.rpartition(".")[2]): p for p in xml.parent.glob("*/*.mp3")}
    rows, amiss = {}, {}
    for dance, song in ((each.tag, song) for each in tree for song in each.iter("song")):
        clip = song.get("id")
        if (path := files.pop((dance, clip), None)) is None:
            amiss[clip] = f"no file of this song in {xml.parent}"
            continue
        same = [song.get(kind) for kind in REPEATS]
        same += [e.get("id") or (e.text or "").strip() for e in song if e.tag in REPEATS]
        rows[clip] = {
            "path": str(path),
            "genre": dance,
            **{key: song.get(key) or None for key in ("artist", "title", "album")},
            "bpm": pd.to_numeric(song.get("bpm"), errors="coerce"),
            "repeats": ", ".join(filter(None, same)),
        }
    if not rows and not amiss:
        raise ValueError(f"{xml} lists no songs. {_BALLROOM}")
    amiss |= {f"{dance}/{path.name}": f"not in {xml.name}" for (dance, _), path in files.items()}
    return table(rows, "title", "album", "bpm", "repeats").astype({"bpm": float}), {}, amiss


def _mirdata(name, home):
    try:
        import mirdata
    except ImportError as error:
        raise ImportError(f"{name} needs mirdata: pip install prcnn[mirdata]") from error
    which = name.removeprefix("mirdata:")
    if which not in mirdata.list_datasets():
        raise ValueError(f"mirdata knows no {which!r}; it knows {mirdata.list_datasets()}")
    return mirdata.initialize(which, data_home=str(home / which))


def fetch_mirdata(name, home, _):
    """Let mirdata fetch its index and the data, where it can."""
    _mirdata(name, home).download()


def find_mirdata(name, home, _, genre="genre"):
    """List a dataset of mirdata's (extra: ``pip install prcnn[mirdata]``) in the folder NAME.

    ``genre`` is the attribute of mirdata's tracks that holds the genre. A track without one, that
    mirdata cannot read, or that has no file is left out. ImportError if mirdata is not installed.
    """
    source = _mirdata(name, home)
    try:
        tracks = source.load_tracks()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"mirdata's index of {name} is not here ({error}): load with download=True"
        ) from error
    rows, amiss = {}, {}
    for clip, track in tracks.items():
        try:
            wanted = ("audio_path", genre, "artist")
            path, label, artist = (getattr(track, each, None) for each in wanted)
        except Exception as error:  # whatever its reader of annotations makes of a damaged file
            amiss[clip] = f"mirdata cannot read it ({error})"
            continue
        if not isinstance(label, str) or not label:
            amiss[clip] = f"mirdata gives no {genre!r} (a text) for it"
        elif not path or not Path(path).is_file():
            amiss[clip] = f"no file in {home}, where mirdata has it"
        else:
            rows[clip] = {"path": str(path), "genre": label, "artist": artist}
    return table(rows), {}, amiss
