"""Any dataset of the mirdata package whose tracks have a genre: ``load("mirdata:ballroom")``.

Chapter: book/datasets.ipynb
"""

from pathlib import Path

from .dataset import assemble, cache_folder, some, table, warn
from .splits import split_clips


def load(name, data_home=None, *, download=False, splits="stratified", seed=0, genre="genre"):
    """Load a dataset through mirdata (extra: ``pip install prcnn[mirdata]``).

    Parameters
    ----------
    name : str
        ``"mirdata:NAME"``, NAME being one of ``mirdata.list_datasets()``.
    data_home : str or Path, optional
        mirdata's files are in the folder NAME there.
    download : bool
        Let mirdata fetch its index and the data, where it can.
    splits, seed
        "stratified" or "artist", see :mod:`prcnn.datasets.splits`.
    genre : str
        The attribute of mirdata's tracks that holds the genre.

    Raises
    ------
    ImportError
        If mirdata is not installed.
    ValueError
        If mirdata does not know the name, or its tracks have no genre.
    FileNotFoundError
        If the index or the clips are not there.
    """
    try:
        import mirdata
    except ImportError as error:
        raise ImportError(f"{name} needs mirdata: pip install prcnn[mirdata]") from error
    which = name.removeprefix("mirdata:")
    if which not in mirdata.list_datasets():
        raise ValueError(f"mirdata knows no {which!r}; it knows {mirdata.list_datasets()}")
    root = cache_folder(data_home) / which
    source = mirdata.initialize(which, data_home=str(root))
    if download:
        source.download()
    try:
        tracks = source.load_tracks()
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"mirdata's index of {which} is not here ({error}): load with download=True"
        ) from error
    rows, left_out = {}, {}
    for clip, track in tracks.items():
        path, label = getattr(track, "audio_path", None), getattr(track, genre, None)
        if not isinstance(label, str) or not label:
            left_out[clip] = f"mirdata gives no {genre!r} (a text) for it"
        elif not path or not Path(path).is_file():
            left_out[clip] = f"no file at {path}"
        else:
            artist = getattr(track, "artist", None)
            rows[clip] = {"path": str(path), "genre": label, "artist": artist}
    if left_out:
        warn(f"{name}: {len(left_out)} of {len(tracks)} tracks are left out: {some(left_out)}")
    clips = table(rows)
    clips["split"] = split_clips(clips, splits, seed)
    return assemble(name, clips, left_out, splits)
