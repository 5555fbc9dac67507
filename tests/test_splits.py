"""Splits: proportions, artists kept apart, segments that stay with their clip, leaks that leak."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prcnn.datasets import SPLITS, splits
from prcnn.evaluation import group_labels


def table(genres, artists=None):
    clips = pd.DataFrame({"genre": genres}, index=pd.RangeIndex(10, 10 + len(genres), name="clip"))
    clips["artist"] = artists if artists is not None else None
    return clips


def counts(clips, split):
    return pd.crosstab(clips["genre"], split).reindex(columns=SPLITS, fill_value=0)


genre_lists = st.lists(st.sampled_from("abcd"), min_size=1, max_size=60)
fractions = st.sampled_from(
    [(0.6, 0.2, 0.2), (0.8, 0.1, 0.1), (1 / 3, 1 / 3, 1 / 3), (0.5, 0, 0.5)]
)


@given(genre_lists, fractions, st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_stratified_shares_out_every_genre(genres, shares, seed):
    clips = table(genres)
    split = splits.stratified(clips, shares, seed)
    assert split.index.equals(clips.index) and set(split) <= set(SPLITS)
    found = counts(clips, split)
    for _, row in found.iterrows():
        n = row.sum()
        wanted = [share > 0 for share in shares]
        assert (np.abs(row.to_numpy() - n * np.array(shares)) <= 1.5).all()
        if n >= sum(wanted):
            assert [size > 0 for size in row] == wanted
        elif n == 2:
            assert row.tolist() == [1, 0, 1], "two clips: one to train on, one to test on"
    assert split.equals(splits.stratified(clips, shares, seed))


@pytest.mark.parametrize("bad", [(0.6, 0.2), (0.5, 0.2, 0.2), (1.2, -0.1, -0.1)])
def test_fractions_must_be_three_and_add_up(bad):
    with pytest.raises(ValueError, match="three numbers"):
        splits.stratified(table(["a", "b"]), bad)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("wxyz1234")), min_size=2))
@settings(max_examples=30, deadline=None)
def test_by_artist_never_parts_an_artist(rows):
    clips = table([g for g, _ in rows], [a for _, a in rows])
    split = splits.by_artist(clips)
    assert split.groupby(clips["artist"]).nunique().max() == 1
    assert splits.overlap(clips.assign(split=split)) == 0
    assert split.equals(splits.by_artist(clips))


def test_another_seed_is_another_split():
    clips = table(["a", "b"] * 400, [f"p{i // 2}" for i in range(800)])
    for draw in (
        lambda seed: splits.stratified(clips, seed=seed),
        lambda seed: splits.by_artist(clips, seed=seed),
        lambda seed: splits.k_fold(clips, 5, seed),
        lambda seed: splits.k_fold(clips, 5, seed, "artist"),
    ):
        assert draw(0).equals(draw(0)) and not draw(0).equals(draw(1))


def test_overlap_counts_known_artists_of_training_alone():
    clips = table(["a"] * 8, ["p", "q", None, "p", "q", "r", "s", None])
    sides = ["training"] * 3 + ["test"] * 5
    assert splits.overlap(clips.assign(split=sides)) == 0.5  # of p, q, r and s
    sides = ["training", "validation", "training", *["test"] * 5]
    assert splits.overlap(clips.assign(split=sides)) == 0.25  # q was not trained on


def test_by_artist_reaches_the_fractions_and_every_split():
    genres = np.repeat(list("abc"), 50)
    artists = [f"{g}{i // 5}" for g in "abc" for i in range(50)]  # ten artists a genre
    found = counts(table(genres), splits.by_artist(table(genres, artists)))
    assert (found.to_numpy() == [30, 10, 10]).all()
    three = table(["a"] * 10, ["p"] * 8 + ["q", "r"])
    assert (counts(three, splits.by_artist(three)).to_numpy() > 0).all()


def test_unknown_artists_are_artists_of_one_clip():
    clips = table(["a"] * 10, [None] * 9 + ["p"])
    for split in (splits.by_artist(clips), splits.stratified(clips)):
        assert (counts(clips, split).to_numpy() == [6, 2, 2]).all()
    with pytest.raises(ValueError, match="splits='stratified'"):
        splits.by_artist(table(["a"] * 10))


def test_k_fold_tests_every_clip_once():
    clips = table(["a"] * 20 + ["b"] * 20, [f"p{i // 2}" for i in range(40)])
    fold = splits.k_fold(clips, k=5)
    assert sorted(fold.unique()) == [0, 1, 2, 3, 4]
    assert (pd.crosstab(clips["genre"], fold) == 4).all(axis=None)
    grouped = splits.k_fold(clips, k=5, group="artist")
    assert grouped.groupby(clips["artist"]).nunique().max() == 1
    assert (grouped >= 0).all()
    with pytest.raises(ValueError, match="'a' has 10"):
        splits.k_fold(clips, k=11, group="artist")
    with pytest.raises(ValueError, match="no column 'album'"):
        splits.k_fold(clips, group="album")
    with pytest.raises(ValueError, match="21 clips a genre"):
        splits.k_fold(clips, k=21)


def test_unknown_artists_are_groups_of_their_own_in_folds_and_in_reports():
    clips = table(["a"] * 12 + ["b"] * 12, ["p", "p", "q", "q", *[None] * 8] * 2)
    clips.loc[clips.index[12:16], "artist"] = ["r", "r", "s", "s"]
    fold = splits.k_fold(clips, k=5, group="artist")
    known = clips["artist"].notna()
    assert fold[known].groupby(clips["artist"][known]).nunique().max() == 1
    assert fold[~known].nunique() == 5, "not all unknown ones in one fold"
    groups = group_labels(clips)
    assert len(set(groups)) == 4 + 16
    assert (pd.factorize(groups)[0] == pd.factorize(splits.artist_groups(clips))[0]).all()
    with pytest.raises(ValueError, match="'a' has 10"):  # as many groups: 2 artists and 8 clips
        splits.k_fold(clips, k=11, group="artist")


def test_segments_inherit_the_split_of_their_clip():
    clips = table(["a", "b"] * 10, [f"p{i}" for i in range(20)])
    clips = clips.assign(path="x.wav", split=splits.stratified(clips))
    cut = splits.segments(clips, seconds=5.0, duration=30.0)
    assert len(cut) == 120 and cut.index.is_unique and cut.index.name == "segment"
    assert cut.index[:2].tolist() == ["10:0", "10:1"]
    assert cut["offset"].iloc[:6].tolist() == [0, 5, 10, 15, 20, 25]
    assert (cut["duration"] == 5).all()
    assert (cut["split"].to_numpy() == clips["split"].loc[cut["clip"]].to_numpy()).all()
    assert splits.overlap(cut, by="clip") == 0
    assert len(splits.segments(clips, seconds=7, duration=30)) == 80
    assert "offset" not in clips
    for seconds in (0, -1, 31):
        with pytest.raises(ValueError, match="do not fit"):
            splits.segments(clips, seconds)


def test_leaky_segments_leak_and_sound_ones_do_not():
    clips = table(["a", "b"] * 20)
    clips = clips.assign(split=splits.stratified(clips))
    sound = splits.segments(clips)
    leaky = sound.assign(split=splits.stratified(sound))  # the mistake: segments at random
    assert splits.overlap(leaky, by="clip") > 0.9, "almost every test segment has a sibling"
    assert splits.overlap(sound, by="clip") == 0
    shares = leaky["split"].value_counts(normalize=True)
    assert shares["training"] == pytest.approx(0.6, abs=0.01)


@pytest.fixture(scope="module")
def uploads():
    """4,000 clips of eight genres, ten of a genre in a row, in no order of the table."""
    rng = np.random.default_rng(0)
    genres = np.repeat(rng.choice(list("abcdefgh"), 400), 10)
    clips = table(genres)
    clips.index = pd.Index(np.sort(rng.choice(150_000, 4000, replace=False)), name="clip")
    return clips.sample(frac=1, random_state=0)


def test_stretches_are_of_neighbours(uploads):
    found = splits.stretches(uploads).sort_index()
    assert found.tolist() == [i // 100 for i in range(4000)]
    assert splits.stretches(uploads, 7).sort_index().tolist() == [i // 7 for i in range(4000)]


def test_uploads_are_of_one_genre_and_at_most_ten_ids_apart():
    clips = table(list("aabab")).set_index(pd.Index([10, 20, 25, 31, 26], name="clip"))
    assert splits.uploads(clips).tolist() == [1, 1, 3, 2, 3]


def test_rotation_tests_every_clip_once_and_parts_no_stretch(uploads):
    stretch, tested = splits.stretches(uploads), pd.Series(0, index=uploads.index)
    for fold in range(5):
        split = splits.rotate(uploads, fold)
        assert split.index.equals(uploads.index)
        assert split.groupby(stretch).nunique().max() == 1
        tested += split == "test"
        shares = split.value_counts(normalize=True)
        assert shares["test"] == pytest.approx(1 / 5, abs=0.03)
        assert shares["validation"] == pytest.approx(4 / 5 / 8, abs=0.02)
        assert counts(uploads, split).min(axis=None) > 0
    assert (tested == 1).all()
    assert splits.rotate(uploads.sort_index(), 4).equals(split.sort_index())
    assert not splits.rotate(uploads, 4, seed=1).equals(split)
    for fold in (-1, 5):
        with pytest.raises(ValueError, match="fold is 0 to 4"):
            splits.rotate(uploads, fold)
