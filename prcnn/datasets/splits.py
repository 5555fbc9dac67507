"""Ways to split clips into training, validation and test, and to see whether a split leaks.

Every function takes a table of clips (columns ``genre`` and, where needed, ``artist``) and returns
a Series of the same index or a new table: the table given is never changed. ``fractions`` of the
clips, which add up to 1, go to training, validation and test. The same seed gives the same split.

Chapter: book/datasets.ipynb
"""

import numpy as np
import pandas as pd

from .dataset import SPLITS, warn

FRACTIONS = (0.6, 0.2, 0.2)


def _check(fractions):
    fractions = np.asarray(fractions, dtype=float)
    if fractions.shape != (3,) or (fractions < 0).any() or abs(fractions.sum() - 1) > 1e-9:
        raise ValueError(
            "fractions must be three numbers (training, validation, test) that add up to 1, "
            f"not {tuple(fractions.tolist())}"
        )
    return fractions


def _sizes(n, fractions):
    """Share n clips out; each split that is wanted gets one as long as there are enough."""
    sizes = np.floor(fractions * n + 1e-9).astype(int)
    rest = np.round(fractions * n - sizes, 9)
    order = sorted((0, 2, 1), key=lambda split: -rest[split])  # of equals, test before validation
    sizes[order[: n - sizes.sum()]] += 1
    for empty in (2, 1):  # with two clips: one to train on and one to test on
        if fractions[empty] > 0 and sizes[empty] == 0 and sizes.max() > 1:
            sizes[empty] += 1
            sizes[np.argmax(sizes)] -= 1
    return sizes


def stratified(clips, fractions=FRACTIONS, seed=0):
    """Split at random so that each genre is shared out in the same proportions.

    An artist may be in training and in test: use :func:`by_artist` where artists are known. A
    genre with too few clips gives one to training and to test first. Chapter: book/datasets.ipynb
    """
    fractions, rng = _check(fractions), np.random.default_rng(seed)
    split = pd.Series(SPLITS[0], index=clips.index, name="split", dtype=object)
    genre = clips["genre"].to_numpy()
    for name in sorted(set(genre)):
        places = rng.permutation(np.flatnonzero(genre == name))
        split.iloc[places] = np.repeat(SPLITS, _sizes(len(places), fractions))
    return split


def artist_groups(clips, by="artist"):
    """Return one label a value of the column; a clip without one is a group of its own."""
    known = clips[by].notna().to_numpy()
    alone = "clip " + clips.index.astype(str).to_series(index=clips.index)
    return ("artist " + clips[by].astype(str)).where(known, alone).rename("group")


def by_artist(clips, fractions=FRACTIONS, seed=0):
    """Split so that no artist is in two splits: the artist filter.

    Artists are dealt out from the one with most clips to the one with fewest, each to the split
    that lacks most of that artist's genres; the seed decides among artists with equally many clips.
    A genre with fewer than three artists cannot reach all splits. A missing artist counts as an
    artist of one clip; ValueError if no clip has one.
    """
    fractions = _check(fractions)
    if "artist" not in clips or not clips["artist"].notna().any():
        raise ValueError("no clip has an artist, so no split by artist: use splits='stratified'")
    groups = artist_groups(clips)
    counts = pd.crosstab(groups, clips["genre"])  # artists × genres
    counts = counts.sample(frac=1, random_state=seed)  # ties are broken by chance, not by name
    counts = counts.loc[counts.sum(axis=1).sort_values(ascending=False, kind="stable").index]
    target = np.outer(fractions, counts.sum(axis=0))  # splits × genres
    filled, chosen = np.zeros_like(target), {}
    for group, row in zip(counts.index, counts.to_numpy(), strict=True):
        lack = np.round((target - filled) @ row, 9)
        fewest = -(filled @ row)
        # A full split may still lack less than an empty one: ties go to the emptiest, test first.
        best = max(np.flatnonzero(fractions > 0), key=lambda s: (lack[s], fewest[s], s))
        filled[best] += row
        chosen[group] = SPLITS[best]
    return groups.map(chosen).rename("split").astype(object)


def split_clips(clips, splits, seed=0, fractions=FRACTIONS):
    """Split clips by name, "stratified" or "artist", and warn of genres that lack a split."""
    split = {"stratified": stratified, "artist": by_artist}[splits](clips, fractions, seed)
    wanted = np.array(SPLITS)[np.greater(fractions, 0)]
    none = pd.crosstab(clips["genre"], split).reindex(columns=wanted, fill_value=0) == 0
    none = none[none.any(axis=1)]
    if len(none):
        few = "artists" if splits == "artist" else "clips"
        said = [f"{genre}: none in {' and '.join(wanted[row])}" for genre, row in none.iterrows()]
        warn(
            f"{len(none)} genres have too few {few} for every split, so their scores cannot be "
            f"measured there ({'; '.join(said[:3])}{' …' if len(said) > 3 else ''})"
        )
    return split


def k_fold(clips, k=10, seed=0, group=None):
    """Number the folds of a stratified cross-validation: test on one, train on the others.

    ``group`` is a column whose values stay together in one fold, such as "artist" (a missing value
    is a group of its own) or "clip" for segments. Returns the fold of each clip, 0 to k − 1, a
    Series of int; ValueError if a genre has fewer clips (or groups) than folds, or ``k`` < 2.
    Chapter: book/datasets.ipynb
    """
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold  # slow to import

    kind, groups, units = StratifiedKFold, None, clips["genre"].value_counts()
    if group is not None:
        if group not in clips:
            raise ValueError(f"no column {group!r} to group by; there are {list(clips.columns)}")
        groups = artist_groups(clips, group)
        kind, units = StratifiedGroupKFold, groups.groupby(clips["genre"]).nunique()
    if k < 2 or units.min() < k:
        raise ValueError(
            f"k={k}: cross-validation needs at least 2 folds, and {k} folds need {k} "
            f"{'groups' if group else 'clips'} a genre; {units.idxmin()!r} has {units.min()}"
        )
    folds = kind(n_splits=k, shuffle=True, random_state=seed)
    fold = pd.Series(-1, index=clips.index, name="fold")
    for number, (_, test) in enumerate(folds.split(clips, clips["genre"], groups)):
        fold.iloc[test] = number
    return fold


def segments(clips, seconds=5.0, duration=30.0):
    """Cut clips of ``duration`` seconds into segments that inherit their clip's split.

    So did Feng et al. What is left over at the end of a clip is dropped; clips may be a little
    shorter than they should, see ``load`` in :mod:`prcnn.audio`. ValueError if no segment fits.

    Returns a table of one row a segment, index ``segment`` (``"<clip>:<number>"``), with the clips'
    columns and ``clip``, ``offset`` and ``duration`` (in seconds). Chapter: book/leakage.ipynb
    """
    n = int(duration / seconds + 1e-9) if seconds > 0 else 0
    if n < 1:
        raise ValueError(f"segments of {seconds} s do not fit into clips of {duration} s")
    table = clips.loc[np.repeat(clips.index, n)]
    number = np.tile(np.arange(n), len(clips))
    table = table.assign(clip=table.index, offset=number * float(seconds), duration=float(seconds))
    names = [f"{clip}:{i}" for clip, i in zip(table.index, number, strict=True)]
    return table.set_index(pd.Index(names, name="segment"))


def overlap(table, by="artist"):
    """Share of the test split whose artist (or clip, or album) is also in training, 0 … 1.

    ``by`` is a column of the table of clips or segments; rows without a value do not count.
    Chapter: book/leakage.ipynb
    """
    seen = set(table.loc[table["split"] == "training", by].dropna())
    test = table.loc[table["split"] == "test", by].dropna()
    return float(test.isin(seen).mean()) if len(test) else 0.0


def stretches(clips, n=100):
    """Number stretches of ``n`` neighbours in the order of the clips' ids: a Series of int.

    FMA numbers tracks as they were uploaded, so neighbours share artists, albums and studios, and
    a fold that parts no stretch leaks far less than one of clips at random.
    Chapter: book/ablations.ipynb
    """
    place = clips.index.to_series().rank(method="first").astype(int) - 1
    return (place // n).rename("stretch")


def uploads(clips, apart=10):
    """Number what was probably uploaded together: ids of one genre, no more than ``apart`` apart.

    The pictures of FMA know no artists, but FMA numbers tracks as they arrive, an album in one go:
    the 800 test clips of FMA-small fall into 293 such groups. Returns a Series of int.
    """
    table = clips[["genre"]].assign(id=clips.index).sort_values(["genre", "id"])
    new = ~(table.groupby("genre")["id"].diff() <= apart)
    return new.cumsum().reindex(clips.index).rename("upload")


def rotate(clips, fold, k=5, seed=0, group="stretch"):
    """Split for one fold of a cross-validation that tests every clip once.

    The clips of ``fold`` (0 to k − 1) are tested, about an eighth of the others validates (more
    where a genre has fewer than eight groups left), and the rest is trained on. What has the same
    value in the column ``group`` stays together ("stretch": :func:`stretches` of neighbours, which
    need no column; None: nothing does). The order of the table does not matter.
    """
    if not 0 <= fold < k:
        raise ValueError(f"fold is 0 to {k - 1}, not {fold}")
    grouped = (clips.assign(stretch=stretches(clips)) if group == "stretch" else clips).sort_index()
    split = pd.Series(SPLITS[0], index=grouped.index, name="split", dtype=object)
    split[k_fold(grouped, k, seed, group) == fold] = SPLITS[2]
    rest = grouped[split == SPLITS[0]]
    units = rest.index.to_series() if group is None else artist_groups(rest, group)
    fewest = units.groupby(rest["genre"]).nunique().min()  # GTZAN's blues is by nine artists
    held_out = k_fold(rest, min(8, fewest), seed + 1 + fold, group) == 0
    split[held_out.index[held_out]] = SPLITS[1]
    return split.reindex(clips.index)
