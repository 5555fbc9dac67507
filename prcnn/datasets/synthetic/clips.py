"""The files of the synthetic dataset.

Clips are a pure function of the seed, artists are kept apart between splits, and the files lie as
FMA's do, so that FMA's loader reads them. Chapter: book/datasets.ipynb
"""

import io

import numpy as np
import pandas as pd
import soundfile
from joblib import Parallel, delayed
from tqdm.auto import tqdm

from prcnn.atomic import write_whole

from .. import fma
from ..dataset import full_path, write_checksums
from . import recipes, sounds

# Part of the folder's name: raise it with every change of sound, and old clips are not mistaken
# for new ones.
VERSION = 5

_SHARES = {"validation": 0.135, "test": 0.235}  # the rest is trained on
_CLIPS_PER_ARTIST = 3
_FIRST = "Amber Brass Cedar Copper Coral Crimson Delta Ember Ivory Juniper Linen Maple Marble "
_FIRST += "Ochre Paper Quiet Saffron Silver Slate Velvet"
_SECOND = "Anchors Arcade Bridges Choir Comets Engine Ferries Gardens Harbour Hours Lanterns "
_SECOND += "Meridian Mirrors Orchard Parade Rivers Signals Swallows Tides Weather"


def plan(clips_per_genre=60, seed=0):
    """What will be made: one row a clip, before a single note has sounded.

    ``clips_per_genre`` is at least 3, so that every split has a clip of every genre; ``seed``, not
    negative, gives the artists and the music. ValueError for others.

    Returns
    -------
    pandas.DataFrame
        Index ``clip`` (int, from 1). Columns ``genre``, ``split``, ``artist`` (name),
        ``artist_id``, ``number`` (of the clip on the artist's album), ``neighbour`` (genre that a
        hybrid borrows bars from, else missing) and ``share`` (of its bars, 0 to 1).
    """
    for name, value, least in (("clips_per_genre", clips_per_genre, 3), ("seed", seed, 0)):
        if value != int(value) or value < least:
            raise ValueError(f"{name} must be a whole number of at least {least}, not {value!r}.")
    rng = np.random.default_rng([int(seed), 0])
    names = rng.permutation([f"{a} {b}" for a in _FIRST.split() for b in _SECOND.split()])
    counts = {split: max(round(clips_per_genre * share), 1) for split, share in _SHARES.items()}
    counts = {"training": clips_per_genre - sum(counts.values()), **counts}
    rows, artist_id = [], 0
    for genre in recipes.RECIPES.index:
        for split, count in counts.items():
            artists = max(round(count / _CLIPS_PER_ARTIST), 1)
            for album in np.array_split(np.arange(count), artists):
                again, place = divmod(artist_id, len(names))
                artist, artist_id = names[place] + (f" {again + 1}" if again else ""), artist_id + 1
                for number in range(1, len(album) + 1):
                    hybrid = rng.random() < recipes.HYBRIDS
                    neighbour = str(rng.choice(recipes.neighbours(genre)))
                    share = float(rng.uniform(0.3, 0.6))
                    borrows = (neighbour, share) if hybrid else (None, 0.0)
                    rows.append((genre, split, artist, artist_id, number, *borrows))
    columns = ["genre", "split", "artist", "artist_id", "number", "neighbour", "share"]
    # Numbered in random order, as FMA's tracks are: sorting by number must not sort by genre.
    index = pd.Index(rng.permutation(len(rows)) + 1, name="clip")
    return pd.DataFrame(rows, index, columns).sort_index()


def tracks(table):
    """``table`` (from :func:`plan`) as FMA's ``tracks.csv``: two header rows, FMA's names.

    Of FMA's 52 columns there are those that the synthetic clips have something to say in.
    """
    columns = {
        ("album", "id"): table["artist_id"],
        ("album", "title"): "Synthetic " + table["artist"].str.split().str[0],
        ("artist", "id"): table["artist_id"],
        ("artist", "name"): table["artist"],
        ("set", "split"): table["split"],
        ("set", "subset"): "small",
        ("track", "duration"): round(recipes.SECONDS),
        ("track", "genre_top"): table["genre"],
        ("track", "information"): table["share"].map("plays {:.0%} of its bars as ".format)
        + table["neighbour"],
        ("track", "license"): "MIT",
        ("track", "number"): table["number"],
        ("track", "title"): "Study No. " + table["number"].astype(str),
    }
    return pd.DataFrame(columns, index=table.index.rename("track_id"))


def waveform(row, seed=0):
    """The sound, before MP3, of a row of :func:`plan` with that seed: float32 (661500,).

    30 s at 22,050 Hz, mono. Chapter: book/guess.ipynb
    """
    artist = recipes.style(np.random.default_rng([seed, 1, row["artist_id"]]))
    rng = np.random.default_rng([seed, 2, row["artist_id"], row["number"]])
    return recipes.perform(row["genre"], artist, rng, row["neighbour"], row["share"])


def song(genres=("Electronic", "Pop"), seed=0):
    """A song that changes: a clip of the test split of each genre, one after the other.

    float32 (n,), 30 s a genre at 22,050 Hz, mono; the seed is that of :func:`plan`.

    Chapter: book/classify.ipynb
    """
    table = plan(seed=seed)
    table = table[(table["split"] == "test") & (table["share"] == 0)]
    rows = [table[table["genre"] == genre].iloc[0] for genre in genres]
    return np.concatenate([waveform(row, seed) for row in rows])


def make(folder, clips_per_genre=60, seed=0, n_jobs=-1, progress=True):
    """Make the dataset in ``folder``, or what is missing of it; return the folder.

    Every file appears under its name only once it is whole, and the table comes last. So a call
    that was killed is taken up where it stopped, and two calls at once write the same bytes.

    ``folder`` receives ``fma_small/``, with a file ``checksums`` as FMA's has, and
    ``fma_metadata/tracks.csv``: one folder for one combination of ``clips_per_genre`` and ``seed``
    (see :func:`plan`); :func:`find` sees to that. The bytes do not depend on ``n_jobs``, the number
    of processes as in joblib (-1: all cores); ``progress`` shows a bar.
    """
    folder, table = full_path(folder), plan(clips_per_genre, seed)
    audio, metadata = folder / "fma_small", folder / "fma_metadata" / "tracks.csv"
    paths = {clip: fma.clip_path(audio, clip) for clip in table.index}
    missing = [clip for clip, path in paths.items() if not path.exists()]
    jobs = (delayed(_make_clip)(paths[clip], table.loc[clip], seed) for clip in missing)
    workers = Parallel(n_jobs=n_jobs if missing else 1, return_as="generator_unordered")
    hide = not (progress and missing)
    list(tqdm(workers(jobs), "Making synthetic clips", total=len(missing), disable=hide))
    if not (audio / "checksums").exists():
        write_checksums(audio)
    if not metadata.exists():
        write_whole(metadata, tracks(table).to_csv)
    return folder


def _make_clip(path, row, seed):
    if path.exists():  # another call was faster
        return
    buffer = io.BytesIO()
    soundfile.write(buffer, waveform(row, seed), sounds.SR, format="MP3")
    write_whole(path, lambda partial: partial.write_bytes(buffer.getvalue()))


def playable():
    """The clips that the book's pages play: eight a genre, rows of :func:`plan`.

    Genre by genre: two of the training split, by two artists and without borrowed bars, as
    examples, and six of the test split, drawn by lot.

    Chapter: book/guess.ipynb, book/music_map.ipynb
    """
    table = plan()
    pure = table[(table["split"] == "training") & (table["share"] == 0)]
    examples = pure.drop_duplicates("artist_id").groupby("genre").head(2)
    drawn = table[table["split"] == "test"].groupby("genre").sample(6, random_state=0)
    return pd.concat([examples, drawn]).sort_values("genre", kind="stable")


def find(name, home, _, clips_per_genre=60, seed=0, n_jobs=-1, progress=True):
    """List the synthetic dataset, made on first use and kept in ``synthetic-…``, as FMA's is.

    480 clips by default, 112 of them for the test. Arguments as for :func:`make`.
    """
    plan(clips_per_genre, seed)  # refuses wrong values before they name a folder
    folder = home / f"{name}-v{VERSION}-{clips_per_genre}-seed{seed}"
    return fma.find(name, make(folder, clips_per_genre, seed, n_jobs, progress))
