"""The RWC Music Database on your own disk: popular, jazz and classical music.

Goto, Hashiguchi, Nishimura and Oka, "RWC music database: popular, classical, and jazz music
databases", ISMIR 2002. Sold on CDs by AIST; whole pieces, not clips: a spectrogram is of the first
31 s at most. The three collections have 100, 50 and 50 pieces; mirdata reads their annotations.

Chapter: book/datasets.ipynb
"""

import re

from .dataset import assemble, audio_files, cache_folder, some, table, warn
from .splits import split_clips

COLLECTIONS = {"Popular": ("p", 100), "Jazz": ("j", 50), "Classical": ("c", 50)}


def load(name="rwc", data_home=None, *, download=False, splits="stratified", seed=0):
    """Load ``<data_home>/rwc/{popular,jazz,classical}/….wav``, nested as you like.

    A collection's folder may be called ``popular``, ``RWC-Popular`` or ``rwc_popular`` (as mirdata
    has it) or ``RWC-MDB-P-2001`` (as AIST has it); FileNotFoundError says where the data is. The
    split is "stratified": the pieces were made for the database, so that artists are no guide.

    Returns
    -------
    Dataset
        A clip's id is its path within ``rwc/``; ``genre`` is Popular, Jazz or Classical.
    """
    root = cache_folder(data_home) / name
    found = {}
    for folder in sorted(root.iterdir()) if root.is_dir() else []:
        for genre, (letter, _) in COLLECTIONS.items():
            pattern = rf"(rwc[-_ ]?)?{genre}|rwc-mdb-{letter}(-2001)?"
            if folder.is_dir() and re.fullmatch(pattern, folder.name, re.IGNORECASE):
                found[genre] = folder
    if not found:
        asked = "download=True cannot help: " if download else ""
        raise FileNotFoundError(
            f"{asked}no collection of RWC in {root}: expected folders popular, jazz, classical. "
            "The database comes from AIST (https://staff.aist.go.jp/m.goto/RWC-MDB/) on request; "
            "it cannot be downloaded by us."
        )
    rows = {}
    for genre, folder in found.items():
        files = audio_files(folder)
        if len(files) != (whole := COLLECTIONS[genre][1]):
            warn(f"{name}: {len(files)} audio files in {folder}, where RWC has {whole} pieces")
        for path in files:
            rows[path.relative_to(root).as_posix()] = {"path": str(path), "genre": genre}
    if lacking := sorted(set(COLLECTIONS) - set(found)):
        warn(f"{name}: no collection {some(lacking)} in {root}")
    clips = table(rows)
    clips["split"] = split_clips(clips, splits, seed)
    return assemble(name, clips, {}, splits)
