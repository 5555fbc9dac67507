"""The map of music: it is of the shipped weights, and the page shows all of it."""

import json
import re

import numpy as np
import pytest
from IPython.display import HTML

from prcnn import models
from prcnn.study import music_map, results


def test_the_recorded_map_is_of_the_shipped_weights():
    """Fails when new weights are shipped: prcnn/study/music_map.py has the one command to rerun."""
    card, record = models.card("beyond")["test"], results.read(music_map.RESULT)
    table = music_map.read(record)
    assert len(table) == card["n"]
    assert table["right"].sum() == card["correct"]
    said = [record["genres"][label] for label in card["predicted"]]
    assert table.loc[card["clips"], "predicted"].tolist() == said
    probabilities = table[record["genres"]].sum(axis=1)
    np.testing.assert_allclose(probabilities, 1, atol=1e-3)
    np.testing.assert_allclose(table["probability"], table[record["genres"]].max(axis=1))


def test_the_map_that_sounds_is_of_the_clips_that_the_book_plays():
    """And the game's examples are none of those that are to be guessed, nor by their artists."""
    table = music_map.read(results.read(f"{music_map.RESULT}_synthetic"))
    clips = music_map.playable()
    assert table.index.tolist() == clips.index.tolist()
    assert table["genre"].tolist() == clips["genre"].tolist()
    assert (clips.groupby(["genre", "split"]).size().unstack() == {"test": 6, "training": 2}).all(
        None
    )
    examples, asked = (clips[clips["split"] == split] for split in ("training", "test"))
    assert not {*examples["artist"]} & {*asked["artist"]}
    assert examples.groupby("genre")["artist"].nunique().eq(2).all()


def test_other_pictures_are_refused(pictures, tmp_path):
    with pytest.raises(ValueError, match="card of beyond"):
        music_map.make(folder=tmp_path)
    assert not list(tmp_path.glob("*.json"))


def test_neighbours_of_the_same_upload_do_not_count():
    places = np.array([[0.0], [0.1], [0.2], [5.0], [5.1], [9.0]])
    groups, labels = np.array([0, 0, 0, 1, 1, 2]), np.array([3, 3, 3, 4, 4, 3])
    assert music_map._nearest(places, groups, labels).tolist() == [4, 4, 4, 3, 3, 4]
    # Three others: of 5.0 and 5.1 the three of the first upload or the last clip, all of label 3.
    assert music_map._nearest(places, groups, labels, 3)[3:5].tolist() == [3, 3]


def test_every_genre_has_a_colour_that_is_seen_on_both_grounds():
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    assert sorted(music_map.COLOURS) == results.read(music_map.RESULT)["genres"]
    for colour in music_map.COLOURS.values():
        for ground in ("#ffffff", "#14181e"):
            low, high = sorted([luminance(colour), luminance(ground)])
            assert (high + 0.05) / (low + 0.05) >= 3, (colour, ground)


def test_the_page_gets_every_clip_and_no_picture_of_one():
    table = music_map.read()
    page = music_map.interactive(table, HTML('<img alt="the map">')).data
    assert page.count("<img") == 1
    data = json.loads(re.search(r'json">(.*)</script>', page)[1])
    assert len(page) < 80_000
    clip, genre, said, (x, y), percent = data["clips"][7]
    row = table.loc[clip]
    assert data["genres"][genre] == row["genre"]
    assert (x, y) == (row["x"], row["y"])
    assert data["genres"][said] == row["predicted"]
    np.testing.assert_allclose(percent, 100 * row[data["genres"]].astype(float), atol=0.51)
