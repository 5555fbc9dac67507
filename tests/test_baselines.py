"""Hand-crafted features against librosa and scipy called directly; classifiers against leakage."""

import dataclasses
import pickle
import warnings

import librosa
import numpy as np
import pandas as pd
import pytest
import scipy.stats
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from prcnn import baselines, datasets
from prcnn.baselines import classifiers
from prcnn.baselines.features import SIZES, STATISTICS
from prcnn.datasets import splits
from prcnn.datasets.dataset import Dataset
from prcnn.store import extract

SR = 22050


def music(seconds=4.0, seed=0):
    """A chord that swells, clicks in time, a little noise: something for every feature."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * SR)) / SR
    y = sum(np.sin(2 * np.pi * f * t) for f in (220 + 10 * seed, 277.2, 329.6))
    y *= 0.1 * (1.2 + np.sin(2 * np.pi * 0.7 * t))
    y += 0.3 * (np.mod(t, 0.5) < 0.02) * rng.standard_normal(t.size)
    return (y + 0.003 * rng.standard_normal(t.size)).astype(np.float32)


@pytest.fixture(scope="module")
def waveform():
    return music()


@pytest.fixture(scope="module")
def described(waveform):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return pd.Series(baselines.ALL.of(waveform), index=baselines.ALL.columns)


def by_librosa(name, y):
    """The description as a reader of librosa's manual would compute it, from the waveform."""
    if name == "rmse":  # from the spectrum, as FMA: of windowed frames
        return librosa.feature.rms(S=librosa.magphase(librosa.stft(y))[0])
    if name == "onset_strength":
        return librosa.onset.onset_strength(y=y, sr=SR)[np.newaxis]
    if name == "mfcc":
        return librosa.feature.mfcc(y=y, sr=SR, n_mfcc=20)
    if name == "zcr":
        return librosa.feature.zero_crossing_rate(y)
    if name in ("chroma_cqt", "chroma_cens"):
        return getattr(librosa.feature, name)(y=y, sr=SR, bins_per_octave=12, n_octaves=7)
    if name == "tonnetz":
        chroma = librosa.feature.chroma_cens(y=y, sr=SR, bins_per_octave=12, n_octaves=7)
        return librosa.feature.tonnetz(chroma=chroma, sr=SR)
    return getattr(librosa.feature, name)(y=y, sr=SR)


BY_NUMPY = {
    "mean": np.mean,
    "std": np.std,
    "skew": scipy.stats.skew,
    "kurtosis": scipy.stats.kurtosis,
    "median": np.median,
    "min": np.min,
    "max": np.max,
}


@pytest.mark.parametrize("name", SIZES)
def test_features_are_librosas(name, waveform, described):
    frames = np.asarray(by_librosa(name, waveform), np.float64)
    assert frames.shape[0] == SIZES[name]
    for statistic, function in BY_NUMPY.items():
        expected = function(frames, axis=1)
        np.testing.assert_allclose(
            described[name, statistic], expected, rtol=2e-3, atol=2e-4, err_msg=statistic
        )


def test_columns_are_those_of_fmas_features_csv():
    columns = baselines.FMA.columns
    assert len(columns) == baselines.FMA.shape[0] == 518
    assert columns.names == ["feature", "statistics", "number"]
    assert columns.is_monotonic_increasing  # FMA sorted them
    assert columns[0] == ("chroma_cens", "kurtosis", "01")
    assert columns[-1] == ("zcr", "std", "01")
    groups = columns.droplevel("number").value_counts()
    assert groups["spectral_contrast", "median"] == 7
    assert set(columns.levels[1]) == set(STATISTICS) == set(BY_NUMPY)
    assert baselines.MFCC.shape == (140,)


def test_subsets_are_disjoint_and_cover_all_features():
    members = [name for names in baselines.SUBSETS.values() for name in names]
    assert sorted(members) == sorted(SIZES)


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(3 * SR, np.float32),
        np.full(SR, 0.5, np.float32),
        music(0.6),
        np.r_[music(1.0), np.zeros(2 * SR, np.float32)],
    ],
    ids=["silence", "constant", "short", "ends in silence"],
)
def test_silent_and_short_clips_give_numbers_without_warnings(y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        row = baselines.ALL.of(y)
    assert np.isfinite(row).all()
    assert row.dtype == np.float32


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**31), st.floats(1e-6, 1), st.integers(SR // 2, 2 * SR))
def test_any_sound_gives_finite_numbers(seed, level, n):
    rng = np.random.default_rng(seed)
    y = np.zeros(n, np.float32)
    y[rng.integers(0, n, 50)] = level * rng.standard_normal(50)
    fast = dataclasses.replace(baselines.ALL, names=(*baselines.SUBSETS["musical surface"], "mfcc"))
    row = pd.Series(fast.of(y), index=fast.columns)
    assert np.isfinite(row).all()
    for name in fast.names:
        low, mean, high = (row[name, s].to_numpy() for s in ("min", "mean", "max"))
        assert (low <= mean + 1e-3 * abs(mean)).all()
        assert (mean <= high + 1e-3 * abs(high)).all()


def write_clips(folder, lengths, artists=1):
    """A dataset of WAV files; clip i lasts lengths[i] seconds."""
    rows = {}
    for i, seconds in enumerate(lengths):
        path = folder / f"clip{i}.wav"
        soundfile.write(path, music(seconds, seed=i), SR)
        rows[f"clip{i}"] = {
            "path": str(path),
            "genre": "Folk" if i % 2 else "Rock",
            "split": "test" if i >= len(lengths) - 2 else "training",
            "artist": f"artist {i // artists}",
        }
    return Dataset("toy", pd.DataFrame.from_dict(rows, orient="index"), ["Folk", "Rock"])


def test_extract_keeps_features_on_disk_and_leaves_out_what_is_too_short(tmp_path):
    dataset = write_clips(tmp_path, [2, 2, 0.2, 2, 2])
    store = baselines.extract_features(
        dataset, "mfcc", n_jobs=1, out=tmp_path / "s", progress=False
    )
    assert list(store.failed) == ["clip2"]
    assert "0.20 s left to describe" in store.failed["clip2"]
    X, y = store.arrays("test")
    assert y.tolist() == [0, 1]
    path = store.clips.loc["clip3", "path"]
    np.testing.assert_allclose(X[0], baselines.MFCC(path), rtol=1e-4, atol=1e-5)
    assert store.settings.columns.equals(baselines.MFCC.columns)
    before = {p: p.stat().st_mtime_ns for p in store.folder.iterdir()}
    again = baselines.extract_features(
        dataset, "mfcc", n_jobs=1, out=tmp_path / "s", progress=False
    )
    assert {p: p.stat().st_mtime_ns for p in again.folder.iterdir()} == before
    rhythm = baselines.Features("rhythm", baselines.SUBSETS["rhythm"])
    other = baselines.extract_features(
        dataset, rhythm, n_jobs=1, out=tmp_path / "s", progress=False
    )
    assert other.folder != store.folder
    assert pickle.loads(pickle.dumps(baselines.FMA)) == baselines.FMA


def test_segments_are_cut_as_the_table_of_segments_says(tmp_path):
    dataset = write_clips(tmp_path, [6.0, 6.0, 5.9, 3.0])
    features = dataclasses.replace(baselines.MFCC, segment=2.0, duration=6.0)
    store = baselines.extract_features(
        dataset, features, n_jobs=1, out=tmp_path / "s", progress=False
    )
    assert store.shape == features.shape == (3, 140)
    assert list(store.failed) == ["clip3"]  # 3 s hold no third segment
    rows = store.read(np.arange(3)).reshape(-1, 140)
    table = splits.segments(store.clips, 2.0, 6.0)
    assert len(rows) == len(table)
    for place in (1, 5, 8):
        segment = table.iloc[place]
        y, _ = soundfile.read(segment.path, dtype="float32")
        start = round(segment.offset * SR)
        expected = baselines.MFCC.of(y[start : start + 2 * SR])
        np.testing.assert_allclose(rows[place], expected, rtol=1e-5, atol=1e-4)


def test_unknown_names_list_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="mfcc, fma, all"):
        baselines.extract_features(None, "mfc")
    with pytest.raises(ValueError, match="svm_rbf"):
        baselines.classifier("svm")
    with pytest.raises(FileNotFoundError, match=r"x\.wav"):
        baselines.MFCC(tmp_path / "x.wav")


def blobs(n=120, d=6, seed=0, scale=1.0):
    """Four genres as clouds of points, and their table."""
    rng = np.random.default_rng(seed)
    genres = ["Electronic", "Folk", "Jazz", "Rock"]
    y = np.arange(n) % 4
    X = rng.standard_normal((n, d)) + 6 * np.eye(4, d)[y] * scale
    table = pd.DataFrame({"genre": [genres[i] for i in y]}, index=[f"c{i}" for i in range(n)])
    table["split"] = np.where(np.arange(n) < 0.7 * n, "training", "test")
    table["fold"] = np.arange(n) // 4 % 5
    return X, table, genres


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")  # noise has no end to learn
@pytest.mark.parametrize("name", baselines.names())
def test_every_classifier_learns_and_repeats(name):
    X, table, genres = blobs()
    one, two = (baselines.train_and_report(name, X, table, genres, seed=3) for _ in range(2))
    assert one.accuracy > 0.9
    assert list(one.clips) == list(table.index[table.split == "test"])
    np.testing.assert_array_equal(one.probabilities, two.probabilities)
    # Nothing to hear: no better than guessing, by any classifier.
    noise = np.random.default_rng(1).standard_normal(X.shape)
    low, _ = baselines.train_and_report(name, noise, table, genres).interval
    assert low < 0.25


@pytest.mark.parametrize("name", baselines.names())
def test_the_test_split_leaks_into_nothing(name):
    """What is predicted for one clip must not depend on which other clips are in the test split."""
    X, table, genres = blobs()
    report = baselines.train_and_report(name, X, table, genres)
    wild = X.copy()
    others = np.flatnonzero(table.split == "test")[1:]
    wild[others] = 1e6
    changed = baselines.train_and_report(name, wild, table, genres)
    np.testing.assert_array_equal(report.probabilities[0], changed.probabilities[0])
    model = baselines.classifier(name).fit(X[:84], [genres.index(g) for g in table.genre[:84]])
    np.testing.assert_allclose(model[0].mean_, X[:84].mean(axis=0))


def test_validation_is_not_trained_on():
    """Wild validation clips with wild labels change nothing: neither the scaler nor the model."""
    X, table, genres = blobs()
    table.loc[table.index[40:84], "split"] = "validation"
    wild, mislabelled = X.copy(), table.copy()
    wild[40:84] = 1e3
    mislabelled.loc[table.index[40:84], "genre"] = "Jazz"
    for name in ("logistic", "knn", "svm_rbf"):
        report = baselines.train_and_report(name, X, table, genres)
        changed = baselines.train_and_report(name, wild, mislabelled, genres)
        np.testing.assert_array_equal(report.probabilities, changed.probabilities)


def test_artists_are_drawn_together_and_unknown_ones_stand_alone():
    X, table, genres = blobs(scale=0.3)
    table["artist"] = [f"artist {i // 8}" if i < 100 else None for i in range(120)]
    table["fold"] = splits.k_fold(table, 3, group="artist")
    report = baselines.cross_validate("knn", X, table, genres)
    assert report.n_groups == 13 + 20
    assert "bootstrap over 33 groups, n = 120" in report.summary()
    split = baselines.train_and_report("knn", X, table, genres)
    assert split.n_groups < split.n
    unknown = baselines.cross_validate("knn", X, table.assign(artist=None), genres)
    assert unknown.groups is None


def test_cross_validation_never_trains_on_the_fold_it_predicts(monkeypatch):
    """A memory of every training row must be useless there, and perfect where folds leak."""
    X, table, genres = blobs(scale=0)
    report = baselines.cross_validate("knn", X, table, genres)
    assert report.n == len(X)
    assert list(report.clips) == list(table.index)
    low, high = report.interval
    assert low < 0.25 < high
    twice, copies = (
        np.concatenate([X, X]),
        pd.concat([table, table.rename(index=lambda i: i + "b")]),
    )
    monkeypatch.setitem(
        classifiers._CLASSIFIERS,
        "memory",
        lambda seed: classifiers.KNeighborsClassifier(n_neighbors=1),
    )
    copies["clip"] = np.tile(table.index, 2)
    leaky = copies.assign(fold=np.repeat([0, 1], len(X)))
    assert baselines.cross_validate("memory", twice, leaky, genres, groups="clip").accuracy == 1
    sound = copies.assign(fold=np.tile(table.fold, 2))
    report = baselines.cross_validate("memory", twice, sound, genres, groups="clip")
    assert report.accuracy < 0.5
    assert len(np.unique(report.groups)) == len(X)


def test_a_genre_without_training_clips_is_never_predicted():
    X, table, genres = blobs()
    table.loc[table.genre == "Jazz", "split"] = "test"
    for name in ("logistic", "svm_rbf", "forest"):
        report = baselines.train_and_report(name, X, table, genres)
        assert report.per_genre.recall["Jazz"] == 0
        assert report.probabilities.shape[1] == 4


def test_wrong_tables_are_refused():
    X, table, genres = blobs()
    with pytest.raises(ValueError, match="validation"):
        baselines.train_and_report("knn", X, table, genres, "validation")
    with pytest.raises(ValueError, match="119 rows, its table 120"):
        baselines.train_and_report("knn", X[:-1], table, genres)
    with pytest.raises(ValueError, match="'Rock'"):
        baselines.train_and_report("knn", X, table, genres[:3])
    with pytest.raises(ValueError, match="two folds"):
        baselines.cross_validate("knn", X, table.assign(fold=0), genres)
    folk = table.genre == "Folk"
    with pytest.warns(UserWarning, match="All .* one genre: knn can only repeat it"):
        found = baselines.train_and_report("knn", X[folk], table[folk], genres)
    assert {genres[i] for i in found.predicted} == {"Folk"}


def test_noise_and_chords_are_told_apart(tmp_path):
    rng = np.random.default_rng(0)
    rows = {}
    for i in range(12):
        y = music(1.5, seed=i) if i % 2 else 0.1 * rng.standard_normal(SR).astype(np.float32)
        soundfile.write(tmp_path / f"{i}.wav", y, SR)
        rows[i] = {"path": str(tmp_path / f"{i}.wav"), "genre": "Folk" if i % 2 else "Noise"}
        rows[i]["split"] = "test" if i >= 8 else "training"
    dataset = Dataset("toy", pd.DataFrame.from_dict(rows, orient="index"), ["Folk", "Noise"])
    surface = baselines.Features("toy", ("mfcc", "zcr"))
    store = baselines.extract_features(dataset, surface, n_jobs=1, out=tmp_path, progress=False)
    X = store.read(np.arange(12))
    report = baselines.train_and_report("logistic", X, store.clips, store.genres)
    assert report.accuracy == 1


def test_mean_spectrum_sees_means_only(tmp_path, monkeypatch):
    """Frames in another order change nothing, however many clips are read at once."""
    dataset = write_clips(tmp_path, [8] * 10)
    store = extract(dataset, "paper", n_jobs=1, out=tmp_path, progress=False)
    report = baselines.mean_spectrum_report(store)
    X = store.read(np.arange(10))
    X = np.random.default_rng(0).permutation(X, axis=1).mean(axis=1)
    expected = baselines.train_and_report("logistic", X, store.clips, store.genres)
    np.testing.assert_allclose(report.probabilities, expected.probabilities, atol=1e-4)
    monkeypatch.setattr(classifiers, "_CHUNK", 3)
    chunked = baselines.mean_spectrum_report(store)
    np.testing.assert_array_equal(chunked.probabilities, report.probabilities)


@pytest.mark.filterwarnings("ignore:gtzan_mini. 20 clips")
def test_on_two_genres_features_beat_guessing(clips_and_weights):
    """Two genres of gtzan_mini, 10 s of each clip: MFCC statistics tell classical from metal."""
    dataset = datasets.load("gtzan_mini", clips_and_weights)
    clips = dataset.clips[dataset.clips.genre.isin(["classical", "metal"])]
    features = dataclasses.replace(baselines.MFCC, duration=10.0)
    X = np.stack([features(path) for path in clips.path])
    table = clips.assign(fold=np.arange(len(clips)) % 5)
    report = baselines.cross_validate("svm_rbf", X, table, ["classical", "metal"])
    assert report.interval[0] > 0.5
