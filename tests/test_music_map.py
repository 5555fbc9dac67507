"""The map of music: it is of the shipped weights, and the page shows all of it."""

import json
import re

import nbformat
import numpy as np

from prcnn import models, plots
from prcnn.datasets.synthetic.clips import playable
from prcnn.study import results


def shown():
    """The page's two maps, FMA's and the one that sounds: as HTML, and as its script gets them."""
    page = nbformat.read(results.FOLDER.parent / "music_map.ipynb", as_version=4)
    outputs = [output for cell in page.cells for output in cell.get("outputs", [])]
    pages = [output.get("data", {}).get("text/html", "") for output in outputs]
    pages = [page for page in pages if 'class="music-map"' in page]
    assert all(page.count("<img") == 1 and len(page) < 120_000 for page in pages)
    return pages, [json.loads(re.search(r'json">(.*)</script>', page)[1]) for page in pages]


def test_the_recorded_map_is_of_the_shipped_weights():
    """Fails when new weights are shipped: the page on environment has the command to run."""
    card, record = models.card("beyond")["test"], results.read("music_map")
    said = np.argmax(record["probabilities"], axis=1)
    assert dict(zip(record["clips"], said, strict=True)) == dict(
        zip(card["clips"], card["predicted"], strict=True)
    )
    assert (said == record["true"]).sum() == card["correct"]
    np.testing.assert_allclose(np.sum(record["probabilities"], axis=1), 1, atol=1e-3)


def test_the_page_gets_every_clip():
    _, (of_fma, made) = shown()
    record = results.read("music_map")
    assert [clip for clip, *_ in of_fma["clips"]] == record["clips"]
    assert [clip for clip, *_ in made["clips"]] == playable().index.tolist()
    _, genre, said, (x, y), percent = of_fma["clips"][7]
    place = record["genres"].index
    names = of_fma["genres"]
    assert place(names[genre]) == record["true"][7]
    assert place(names[said]) == np.argmax(record["probabilities"][7])
    assert [x, y] == [record["x"][7], record["y"][7]]
    told = dict(zip(names, percent, strict=True))
    for name, probability in zip(record["genres"], record["probabilities"][7], strict=True):
        assert abs(told[name] - 100 * probability) <= 0.51


def test_the_games_examples_are_none_of_those_that_are_guessed_nor_by_their_artists():
    clips = playable()
    counts = clips.groupby(["genre", "split"]).size().unstack()
    assert (counts["test"] == 6).all() and (counts["training"] == 2).all()
    examples, asked = (clips[clips["split"] == split] for split in ("training", "test"))
    assert not {*examples["artist"]} & {*asked["artist"]}
    assert examples.groupby("genre")["artist"].nunique().eq(2).all()


def test_every_genre_has_a_colour_that_is_seen_on_both_grounds():
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    assert sorted(plots.GENRE_COLOURS) == results.read("music_map")["genres"]
    for colour in plots.GENRE_COLOURS.values():
        for ground in ("#ffffff", "#14181e"):
            low, high = sorted([luminance(colour), luminance(ground)])
            assert (high + 0.05) / (low + 0.05) >= 3, (colour, ground)
