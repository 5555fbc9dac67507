"""The synthetic dataset: same bytes, FMA's layout, splits by artist, and the ring of genres."""

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import librosa
import numpy as np
import pandas as pd
import pytest
import soundfile

import prcnn
from prcnn.datasets import fma, synthetic
from prcnn.datasets.synthetic import recipes, sounds
from prcnn.datasets.synthetic.clips import song, waveform

RING = list(recipes.RECIPES.index)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The smallest dataset there is: three clips a genre, made by two processes."""
    folder = tmp_path_factory.mktemp("synthetic") / "made"
    return synthetic.make(folder, clips_per_genre=3, n_jobs=2, progress=False)


def files(folder):
    """Relative path → bytes of every file, but for what a killed process had not finished."""
    paths = [p for p in folder.rglob("*") if p.is_file() and ".partial-" not in str(p)]
    return {p.relative_to(folder): p.read_bytes() for p in paths}


def without(made, folder, clips):
    """A copy of ``made`` that lacks some clips and the table, as after a kill."""
    shutil.copytree(made, folder, dirs_exist_ok=True)
    (folder / "fma_metadata" / "tracks.csv").unlink(missing_ok=True)
    for clip in clips:
        fma.clip_path(folder / "fma_small", clip).unlink(missing_ok=True)
    return folder


def test_plan_splits_by_artist_and_has_a_hundred_test_clips():
    plan = synthetic.plan()
    assert (plan.groupby("genre").size() == 60).all() and plan.genre.nunique() == 8
    # One row an artist: no name or number in two splits, genres or under two numbers.
    artists = plan[["artist", "artist_id", "split", "genre"]].drop_duplicates()
    assert artists.artist.is_unique and artists.artist_id.is_unique
    assert plan.groupby("artist").size().median() >= 3  # several clips an artist
    assert (plan.split == "test").sum() >= 100
    assert pd.crosstab(plan.split, plan.genre).std(axis=1).eq(0).all()  # genres are balanced
    assert plan.index.is_unique and plan.index.min() == 1
    assert not plan.genre.is_monotonic_increasing  # numbers do not give the genre away


@pytest.mark.parametrize("n", [3, 4, 7, 500])
def test_every_split_has_every_genre_at_any_size(n):
    plan = synthetic.plan(n)
    assert len(plan) == 8 * n and plan.groupby(["genre", "split"]).ngroups == 24
    assert plan.artist.nunique() == plan.artist_id.nunique()


def test_hybrids_borrow_from_a_neighbour():
    plan = synthetic.plan()
    hybrids = plan[plan.share > 0]
    assert 0.1 < len(hybrids) / len(plan) < 0.3 and hybrids.share.max() <= 0.6
    for _, row in hybrids.iterrows():
        own, other = recipes.RECIPES.loc[row.genre], recipes.RECIPES.loc[row.neighbour]
        assert (own == other).sum() == 1  # shares either the timbre or the order


def test_clips_of_an_artist_differ_and_so_do_seeds(monkeypatch):
    plan = synthetic.plan()
    rows = plan[plan.artist_id == plan.artist_id.iloc[0]].sort_values("number")
    first, second = rows.iloc[0], rows.iloc[1]
    y = waveform(first, 0)
    assert np.array_equal(waveform(first, 0), y)
    for other in (waveform(second, 0), waveform(first, 1)):
        assert abs(np.corrcoef(y, other)[0, 1]) < 0.5, "another piece of music"
    # with one artist's habits whatever the seed, the music is the seed's still
    habits = recipes.style(np.random.default_rng(0))
    monkeypatch.setattr(recipes, "style", lambda rng: habits)
    assert not np.allclose(waveform(first, 0), waveform(first, 1))


def test_seed_and_size_are_checked(data_home):
    pd.testing.assert_frame_equal(synthetic.plan(5, seed=3), synthetic.plan(5, seed=3))
    assert not synthetic.plan(5, seed=3).equals(synthetic.plan(5, seed=4))
    for wrong in ({"clips_per_genre": 2}, {"clips_per_genre": 3.5}, {"seed": -1}):
        with pytest.raises(ValueError, match=rf"{next(iter(wrong))} must be .* at least [03]"):
            prcnn.load("synthetic", **wrong)
    assert not any(data_home.iterdir())


# Loudness of six half seconds, as VERSION 5 plays them.
SOUND = {
    "Electronic": [0.0636, 0.0754, 0.0736, 0.0669, 0.0678, 0.0877],
    "International": [0.0418, 0.1007, 0.0424, 0.0595, 0.0598, 0.1037],
    "Instrumental": [0.0766, 0.0761, 0.0586, 0.0598, 0.0639, 0.0934],
    "Rock": [0.0745, 0.0622, 0.0684, 0.0828, 0.073, 0.0769],
}


@pytest.mark.parametrize("genre", SOUND)
def test_another_sound_needs_another_version(genre):
    artist = recipes.style(np.random.default_rng(7))
    y = recipes.perform(genre, artist, np.random.default_rng(8), seconds=3.0)
    loudness = [np.sqrt(np.mean(part**2)) for part in np.split(y, 6)]
    assert np.allclose(loudness, SOUND[genre], atol=2e-4) and synthetic.VERSION == 5, (
        "The clips sound different now. Raise synthetic.VERSION, or clips in users' caches, made "
        "by the old recipe, would pass for new ones; then update SOUND."
    )


def test_table_is_as_fma_writes_it(made):
    path = made / "fma_metadata" / "tracks.csv"
    groups, names, index = (line.split(",") for line in path.read_text().splitlines()[:3])
    assert (groups[0], *groups[-2:], names[0], *names[-2:]) == (
        "", "track", "track", "", "number", "title",
    )  # fmt: skip
    assert index == ["track_id"] + [""] * (len(names) - 1) and len(groups) == len(names)
    table = pd.read_csv(path, index_col=0, header=[0, 1])
    assert table["track", "genre_top"].to_dict() == synthetic.plan(3).genre.to_dict()


def test_loads_through_the_fma_loader(made, data_home):
    folder = data_home / f"synthetic-v{synthetic.VERSION}-3-seed0"
    shutil.copytree(made, folder)
    before = files(folder)
    dataset = prcnn.load("synthetic", clips_per_genre=3, progress=False)
    assert dataset.name == "synthetic" and dataset.genres == sorted(RING) and not dataset.left_out
    plan = synthetic.plan(3)
    for column in ("genre", "split", "artist"):
        assert dataset.clips[column].to_dict() == plan[column].to_dict()
    assert files(folder) == before  # nothing was made again
    assert dataset.validate()["count"].to_dict()["present"] == 24
    with open(dataset.clips.loc[3, "path"], "ab") as file:
        file.write(b"!")
    Path(dataset.clips.loc[4, "path"]).unlink()
    table = dataset.validate()
    assert table["clips"][["changed", "missing"]].tolist() == [[3], [4]]


def test_clips_are_sound(made):
    for path in sorted((made / "fma_small").rglob("*.mp3")):
        y, sr = soundfile.read(path, dtype="float32")
        assert sr == sounds.SR and y.ndim == 1 and len(y) / sr == pytest.approx(30, abs=0.1)
        assert np.isfinite(y).all() and 0.2 < np.abs(y).max() <= 1.0, f"{path} clips or is faint"
        loud = 20 * np.log10([np.sqrt(np.mean(part**2)) for part in np.split(y[: 30 * sr], 10)])
        assert loud.min() > -45, f"{path} falls silent"


def test_killed_and_taken_up_again_gives_the_same_bytes(made, tmp_path):
    folder = tmp_path / "killed"
    code = f"from prcnn.datasets import synthetic; synthetic.make({str(folder)!r}, 3, n_jobs=1)"
    process = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    while len(list(folder.glob("fma_small/*/*.mp3"))) < 2 and process.poll() is None:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    whole = files(made)
    left = {k: v for k, v in files(folder).items() if k.suffix == ".mp3"}
    assert left and all(whole[k] == v for k, v in left.items())
    assert not (folder / "fma_metadata" / "tracks.csv").exists()
    # The clips that the killed process left are kept; two are made again, by one process.
    without(made, folder, [20, 21])
    synthetic.make(folder, 3, n_jobs=1, progress=False)
    assert files(folder) == whole


def test_two_calls_at_once(made, tmp_path):
    folder = without(made, tmp_path / "twice", [5, 6])
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(synthetic.make, folder, 3, 0, 1, False) for _ in range(2)]
        assert [call.result() for call in calls] == [folder, folder]
    assert files(folder) == files(made)


@pytest.fixture(scope="module")
def spectrograms():
    """One artist plays all eight genres: (genre, artist) → log-mel decibels (mel, time)."""
    out = {}
    for seed in range(3):
        artist = recipes.style(np.random.default_rng(seed))
        for genre in RING:
            y = recipes.perform(genre, artist, np.random.default_rng(seed), seconds=12)
            mel = librosa.feature.melspectrogram(y=y, sr=sounds.SR, hop_length=512)
            out[genre, seed] = librosa.power_to_db(mel, ref=np.max)
    return out


def test_timbre_is_in_the_mean_spectrum_and_order_is_not(spectrograms):
    def distance(a, b):
        means = ((spectrograms[g, seed].mean(axis=1) for g in (a, b)) for seed in range(3))
        return np.mean([np.sqrt(np.mean((x - y) ** 2)) for x, y in means])

    mates, others = [], []
    for i, genre in enumerate(RING):
        mate, rest = RING[i ^ 1], [g for j, g in enumerate(RING) if j // 2 != i // 2]
        assert recipes.RECIPES.timbre[genre] == recipes.RECIPES.timbre[mate]
        mates.append(distance(genre, mate))
        others.append([distance(genre, g) for g in rest])
        assert mates[-1] < min(others[-1]), f"{genre} is nearer to another timbre than to {mate}"
    assert np.mean(mates) < 0.6 * np.mean(others), (np.mean(mates), np.mean(others))


def test_order_is_in_time(spectrograms):
    def skew(genre, seed):  # notes that start at once and fade: positive; that swell: negative
        rise = np.diff(spectrograms[genre, seed], axis=1)
        return np.mean(rise**3) / np.mean(rise**2) ** 1.5

    def evenness(genre, seed):  # of onsets: bursts leave gaps
        onset = np.diff(spectrograms[genre, seed], axis=1).clip(0).mean(axis=0)
        smooth = np.convolve(onset, np.ones(20) / 20, mode="valid")
        return smooth.std() / smooth.mean()

    for seed in range(3):
        for genre, order in recipes.RECIPES.order.items():
            assert (skew(genre, seed) < 0) == (order == "swelling"), (genre, seed)
        assert evenness("Hip-Hop", seed) > 1.3 * evenness("Electronic", seed)
        assert evenness("International", seed) > 1.3 * evenness("Experimental", seed)


@pytest.mark.parametrize("freq", [82.4, 220.0, 659.3])
def test_plucked_strings_are_in_tune(freq):
    note = sounds.pluck(freq, 2.0, np.random.default_rng(1), brightness=0.2, decay=3.0)
    spectrum = np.abs(np.fft.rfft(note * np.hanning(len(note)), 8 * len(note)))
    hertz = np.fft.rfftfreq(8 * len(note), 1 / sounds.SR)
    near = (hertz > 0.9 * freq) & (hertz < 1.1 * freq)
    found = hertz[near][spectrum[near].argmax()]
    assert abs(1200 * np.log2(found / freq)) < 10  # cents


def test_a_song_goes_from_one_genre_to_the_next():
    table = synthetic.plan()
    pure = table[(table["split"] == "test") & (table["share"] == 0) & (table["genre"] == "Rock")]
    y = song(("Folk", "Rock"))
    np.testing.assert_array_equal(y[y.size // 2 :], waveform(pure.iloc[0]))
