"""Features made by hand beside learned ones: what is fitted, and what is compared."""

import numpy as np
import pytest

from prcnn import datasets
from prcnn.study import joined, results


@pytest.fixture
def pictures(tmp_path, monkeypatch, data_home):
    """Sixteen pictures of two genres: bright above, or bright below."""
    from PIL import Image

    rng = np.random.default_rng(0)
    rows = {}
    for i in range(16):
        genre = ("Folk", "Rock")[i % 2]
        pixels = rng.integers(0, 60, (128, 128))
        pixels[slice(0, 64) if i % 2 else slice(64, 128)] += 120
        path = tmp_path / f"{i}.png"
        Image.fromarray(pixels.astype("uint8")).save(path)
        split = ("training", "training", "validation", "test")[i // 2 % 4]
        rows[10 * i] = {"path": str(path), "genre": genre, "split": split}
    table = datasets.dataset.table(rows)
    made = datasets.dataset.Dataset("made", table, ["Folk", "Rock"], settings="images")
    monkeypatch.setattr(joined, "load", lambda *_: made)
    return made


def test_three_classifiers_are_fitted_and_the_test_clips_are_told(
    tmp_path, pictures, nearest, monkeypatch
):
    watched, seen = nearest
    monkeypatch.setattr(joined, "classifier", watched)
    monkeypatch.setattr(joined, "extract", lambda dataset, *_, **__: Store(dataset))
    monkeypatch.setattr(joined, "of_spectrograms", lambda store, _: Frame(store))
    joined.study(folder=tmp_path)
    record = results.read(joined.RESULT, folder=tmp_path)
    sizes = [row["numbers"] for row in record["rows"].values()]
    assert list(record["rows"]) == [joined.MADE, joined.LEARNED, joined.BOTH]
    assert sizes[2] == sizes[0] + sizes[1] and sizes[0] == 128
    assert [len(X) for X in seen] == [8, 8, 8], "training clips alone are fitted"
    np.testing.assert_array_equal(seen[2], np.concatenate(seen[:2], axis=1))
    found = joined.reports(record)
    assert found[joined.MADE].accuracy == found[joined.BOTH].accuracy == 1
    assert found[joined.MADE].n == 4


class Store:
    """Of pictures whose grey is decibels."""

    def __init__(self, dataset):
        self.clips, self.genres = dataset.clips, dataset.genres

    def read(self, places):
        from PIL import Image

        paths = self.clips["path"].iloc[places]
        return np.array([np.asarray(Image.open(p)).T / 4.0 - 80 for p in paths], "float32")

    def indices(self, split):
        return np.flatnonzero(self.clips["split"] == split)

    def labels(self, places):
        return (self.clips["genre"].iloc[places] == "Rock").to_numpy().astype(int)


class Frame:
    def __init__(self, store):
        self.store = store

    def to_numpy(self):
        return self.store.read(np.arange(16)).mean(axis=1)


def test_a_gain_is_both_less_learned():
    record = {
        "genres": ["a", "b"],
        "clips": list(range(0, 200, 20)),
        "true": [0] * 5 + [1] * 5,
        "rows": {
            joined.LEARNED: {"predicted": [0] * 10},
            joined.BOTH: {"predicted": [0] * 5 + [1] * 3 + [0] * 2},
        },
    }
    gained = joined.gain(record)
    assert gained.difference == pytest.approx(0.3) and gained.low < 0.3 < gained.high
    assert joined.reports(record)[joined.BOTH].groups is not None
