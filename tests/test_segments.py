"""Segments as training data: what is cut, what stays together, and what is kept of the runs."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import soundfile

from prcnn import audio, datasets
from prcnn.evaluation import report
from prcnn.spectrogram import PAPER
from prcnn.study import results, segments

SMALL = dataclasses.replace(PAPER, name="small", n_frames=16)


@pytest.fixture
def music(tmp_path, data_home):
    """Two genres of four clips of 12 s: noise, dull or bright, another loudness each clip."""
    rng, folder = np.random.default_rng(0), tmp_path / "music"
    for genre, cutoff in (("dull", 40), ("bright", 2)):
        (folder / genre).mkdir(parents=True)
        for i in range(4):
            y = np.convolve(rng.normal(size=22050 * 12), np.ones(cutoff) / cutoff, mode="same")
            y[::1000] = 1  # loudest at known places
            soundfile.write(folder / genre / f"{i}.wav", (0.1 + 0.1 * i) * y, 22050)
    return str(folder)


@pytest.fixture
def short(monkeypatch):
    """Clips of 12 s make two segments of 5 s."""
    cut = segments.splits.segments
    monkeypatch.setattr(segments.splits, "segments", lambda c, s: cut(c, s, duration=12.0))


def test_a_segment_is_a_stretch_of_its_clip(tmp_path, music, short):
    clips = datasets.load(music)
    cut = segments.cut(clips, tmp_path / "cut")
    assert len(cut.clips) == 2 * len(clips.clips)
    for segment, row in cut.clips.iterrows():
        whole = audio.load(clips.clips.loc[row["clip"], "path"], sr=None)
        start = int(row["offset"] * 22050)
        y = audio.load(row["path"], sr=None)
        assert len(y) == 5 * 22050, segment
        np.testing.assert_allclose(y, whole[start : start + len(y)], atol=1e-4)
    times = [path.stat().st_mtime_ns for path in sorted((tmp_path / "cut").iterdir())]
    segments.cut(clips, tmp_path / "cut")
    again = [path.stat().st_mtime_ns for path in sorted((tmp_path / "cut").iterdir())]
    assert times == again, "what is there is not cut again"


@pytest.mark.filterwarnings("ignore")
def test_every_segment_is_tested_once_each_way(tmp_path, music, short, monkeypatch):
    monkeypatch.setattr(segments, "NETWORKS", {"rnn": SMALL})
    ask = {"dataset": music, "networks": ["rnn"], "epochs": 2, "folds": 3}
    parts = {}

    def watched(model, features, **others):
        parts[len(parts)] = features.clips
        return train(model, features, **others)

    from prcnn import training

    train = training.train
    monkeypatch.setattr(training, "train", watched)
    segments.study(out=tmp_path / "runs", folder=tmp_path, **ask)
    record = results.read(segments.RESULT, folder=tmp_path)
    ways = record["networks"]["rnn"]
    assert list(ways) == list(segments.DEALT)
    tested = {way: [] for way in ways}
    for i, table in parts.items():
        way = "at random" if i < 3 else "by clip"
        tested[way] += table.index[table["split"] == "test"].tolist()
        of_clip = table.groupby("clip")["split"].nunique()
        assert (of_clip > 1).any() == (way == "at random")
    for way, found in tested.items():
        assert sorted(found) == sorted(record["segments"]), way
        assert len(ways[way]["predicted"]) == len(record["true"]) == 16
        assert [len(fold["val_accuracy"]) for fold in ways[way]["curves"]] == [2, 2, 2]
    curves = segments.curves(record, "rnn")["by clip"]
    assert curves.shape == (2, 3) and curves.index.tolist() == [1, 2]
    before = len(parts)
    segments.study(out=tmp_path / "runs", folder=tmp_path, **ask)
    assert len(parts) == before, "what has finished is not trained again"
    again = results.read(segments.RESULT, folder=tmp_path)
    assert {k: v for k, v in again.items() if k != "provenance"} == {
        k: v for k, v in record.items() if k != "provenance"
    }


def test_reports_know_which_segments_are_of_one_clip():
    record = {
        "genres": ["a", "b"],
        "segments": ["1:0", "1:1", "2:0", "2:1"],
        "clips": [1, 1, 2, 2],
        "true": [0, 0, 1, 1],
        "networks": {
            "paper": {
                "at random": {"predicted": [0, 0, 1, 1]},
                "by clip": {"predicted": [0, 1, 0, 0]},
            }
        },
    }
    found = segments.reports(record, "paper")
    assert {way: r.accuracy for way, r in found.items()} == {"at random": 1.0, "by clip": 0.25}
    wanted = report([0, 0, 1, 1], np.eye(2)[[0, 1, 0, 0]], ["a", "b"], None, [1, 1, 2, 2])
    assert found["by clip"].interval == wanted.interval
    compared = segments.leak(record, "paper")
    assert compared.difference == 0.75 and compared.low < 0.75 < compared.high
    assert isinstance(found["by clip"].clips, pd.Index)
