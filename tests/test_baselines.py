"""Hand-crafted features against librosa and scipy called directly; classifiers against leakage."""

import dataclasses
import pickle
import warnings

import librosa
import make
import numpy as np
import pandas as pd
import pytest
import scipy.stats
import soundfile

from prcnn import baselines, datasets
from prcnn.baselines.features import SIZES, STATISTICS
from prcnn.datasets import splits
from prcnn.datasets.dataset import Dataset
from prcnn.store import compute, extract

SR = 22050


@pytest.fixture(scope="module")
def waveform():
    return make.music(4.0)


@pytest.fixture(scope="module")
def described(waveform):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return pd.Series(baselines.ALL.of(waveform), index=baselines.ALL.columns)


def by_librosa(name, y):
    """The description as a reader of librosa's manual would compute it, from the waveform."""
    octaves = {"bins_per_octave": 12, "n_octaves": 7}
    if name == "rmse":  # from the spectrum, as FMA: of windowed frames
        return librosa.feature.rms(S=librosa.magphase(librosa.stft(y))[0])
    if name == "onset_strength":
        return librosa.onset.onset_strength(y=y, sr=SR)[np.newaxis]
    if name == "tonnetz":
        y = {"chroma": librosa.feature.chroma_cens(y=y, sr=SR, **octaves)}
    elif name == "zcr":
        return librosa.feature.zero_crossing_rate(y)
    else:
        y = {"y": y} | (octaves if name in ("chroma_cqt", "chroma_cens") else {})
    return getattr(librosa.feature, name)(**y, sr=SR)


@pytest.mark.parametrize("name", SIZES)
def test_features_are_librosas(name, waveform, described):
    frames = np.asarray(by_librosa(name, waveform), np.float64)
    assert frames.shape[0] == SIZES[name]
    for statistic in STATISTICS:
        function = getattr(np, statistic, None) or getattr(scipy.stats, statistic)
        expected, found = function(frames, axis=1), described[name, statistic]
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=2e-4, err_msg=statistic)


def test_columns_are_those_of_fmas_features_csv():
    columns = baselines.FMA.columns
    assert len(columns) == baselines.FMA.shape[0] == 518
    assert columns.names == ["feature", "statistics", "number"]
    assert columns.is_monotonic_increasing  # FMA sorted them
    assert columns[0] == ("chroma_cens", "kurtosis", "01")
    assert columns[-1] == ("zcr", "std", "01")
    assert columns.droplevel("number").value_counts()["spectral_contrast", "median"] == 7
    assert baselines.MFCC.shape == (140,)
    members = [name for names in baselines.SUBSETS.values() for name in names]
    assert sorted(members) == sorted(SIZES), "subsets are disjoint and cover all"


@pytest.mark.parametrize("kind", ["silence", "constant", "short", "ends in silence", "clicks"])
def test_odd_clips_give_numbers_without_warnings(kind):
    y = {
        "silence": np.zeros(2 * SR),
        "constant": np.full(SR, 0.5),
        "short": make.music(0.6),
        "ends in silence": np.r_[make.music(1.0), np.zeros(SR)],
        "clicks": 1e-6 * (np.arange(SR) % 5000 == 0),
    }[kind]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        row = baselines.ALL.of(y.astype(np.float32))
    assert np.isfinite(row).all()
    assert row.dtype == np.float32


def write_clips(folder, lengths):
    """A dataset of WAV files; clip i lasts lengths[i] seconds."""
    rows = {}
    for i, seconds in enumerate(lengths):
        path = folder / f"clip{i}.wav"
        soundfile.write(path, make.music(seconds, seed=i), SR)
        split = "test" if i >= len(lengths) - 2 else "training"
        rows[f"clip{i}"] = {"path": str(path), "genre": ["Rock", "Folk"][i % 2], "split": split}
    return Dataset("toy", pd.DataFrame.from_dict(rows, orient="index"), ["Folk", "Rock"])


def test_extract_keeps_features_on_disk_and_leaves_out_what_is_too_short(tmp_path):
    dataset, kept = write_clips(tmp_path, [2, 2, 0.2, 2, 2]), {"out": tmp_path / "s", "n_jobs": 1}
    store = baselines.extract_features(dataset, "mfcc", progress=False, **kept)
    assert list(store.failed) == ["clip2"]
    assert "0.20 s left to describe" in store.failed["clip2"]
    X, y = store.arrays("test")
    assert y.tolist() == [0, 1]
    expected = baselines.MFCC(store.clips.loc["clip3", "path"])
    np.testing.assert_allclose(X[0], expected, rtol=1e-4, atol=1e-5)
    assert store.settings.columns.equals(baselines.MFCC.columns)
    rhythm = baselines.Features("rhythm", baselines.SUBSETS["rhythm"])
    other = baselines.extract_features(dataset, rhythm, progress=False, **kept)
    assert other.folder != store.folder
    assert pickle.loads(pickle.dumps(baselines.FMA)) == baselines.FMA


def test_segments_are_cut_as_the_table_of_segments_says(tmp_path):
    dataset = write_clips(tmp_path, [6.0, 6.0, 5.9, 3.0])
    features = dataclasses.replace(baselines.MFCC, segment=2.0, duration=6.0)
    store = baselines.extract_features(dataset, features, 1, tmp_path / "s", False)
    assert store.shape == features.shape == (3, 140)
    assert list(store.failed) == ["clip3"]  # 3 s hold no third segment
    rows = store.read(np.arange(3)).reshape(-1, 140)
    table = splits.segments(store.clips, 2.0, 6.0)
    assert len(rows) == len(table)
    for i in (1, 5, 8):
        y, _ = soundfile.read(table.iloc[i].path, dtype="float32")
        start = round(table.iloc[i].offset * SR)
        expected = baselines.MFCC.of(y[start : start + 2 * SR])
        np.testing.assert_allclose(rows[i], expected, rtol=1e-5, atol=1e-4)


def test_unknown_names_list_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="mfcc, fma, all"):
        baselines.extract_features(None, "mfc")
    with pytest.raises(ValueError, match="svm_rbf"):
        baselines.classifier("svm")
    with pytest.raises(FileNotFoundError, match=r"x\.wav"):
        baselines.MFCC(tmp_path / "x.wav")


def beats(path):
    """A picture (128, 16): a loud band that pulses as often as the file's name says."""
    cycles = int(path.split("/")[-1])
    pulse = 10 * np.sin(2 * np.pi * cycles * np.arange(128) / 128)
    return np.outer(pulse, np.arange(16) == 3) - 40


def test_rhythm_is_where_the_pulse_is_and_nothing_else_knows_it(tmp_path):
    names = ["2", "3", "5", "20"]
    for name in names:
        (tmp_path / name).write_text(name)
    table = {"path": [str(tmp_path / n) for n in names], "genre": "Folk", "split": "test"}
    dataset = Dataset("beats", pd.DataFrame(table, index=names), ["Folk"])
    store = compute(dataset, beats, (128, 16), "beats", tmp_path, 1, False)
    found = baselines.of_spectrograms(store)
    rhythm = found["modulation"]
    assert found.shape == (4, 32 + 16 + 32 + 32 + 11 * 16)  # 16 bands have 16 MFCC
    octaves = list(rhythm.columns.unique("statistics"))
    assert octaves == [f"{n} cycles" for n in (1, 2, 3, 4, 6, 8, 12, 16, 23, 32, 46)]
    power = rhythm.T.groupby(level="statistics").sum().T
    assert power.idxmax(axis=1).tolist() == ["2 cycles", "3 cycles", "4 cycles", "16 cycles"]
    # Parseval: an even spectrum would hold the variance over time, a band's share of it each.
    series = librosa.feature.mfcc(S=store.read(np.array([3]))[0].T, n_mfcc=16)
    spectrum = np.abs(np.fft.rfft(series))[:, 16:23] ** 2 / 128
    np.testing.assert_allclose(
        rhythm.loc["20", "16 cycles"], np.log1p(spectrum.mean(axis=1)), atol=1e-4
    )
    # In another order of frames all else is the same but for change from frame to frame.
    steps = found.loc[:, (["bands", "dynamics"], ["mean", "std", "max"])]
    assert np.allclose(steps.loc["3"], steps.loc["5"], atol=0.1)
    decibels = store.read(np.array([3]))[0]
    change = np.abs(np.diff(decibels, axis=0)).mean(axis=0)
    np.testing.assert_allclose(found["dynamics"]["change"].loc["20"], change, rtol=1e-5)
    np.testing.assert_allclose(found["dynamics"]["max"].loc["20"], decibels.max(axis=0))
    assert baselines.of_spectrograms(store, ["modulation"]).equals(found[["modulation"]])


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
def test_every_classifier_learns_repeats_and_sees_training_clips_only(name):
    X, table, genres = blobs()
    table.loc[table.index[40:84], "split"] = "validation"
    one, two = (baselines.train_and_report(name, X, table, genres, seed=3) for _ in range(2))
    assert one.accuracy > 0.9
    assert list(one.clips) == list(table.index[table.split == "test"])
    np.testing.assert_array_equal(one.probabilities, two.probabilities)
    # Wild clips with wild labels, of validation and of test, change nothing for another clip.
    wild, mislabelled = X.copy(), table.copy()
    wild[40:84], wild[85:] = 1e3, 1e6
    mislabelled.loc[table.index[40:84], "genre"] = "Jazz"
    changed = baselines.train_and_report(name, wild, mislabelled, genres, seed=3)
    np.testing.assert_array_equal(one.probabilities[0], changed.probabilities[0])
    model = baselines.classifier(name).fit(X[:84], [genres.index(g) for g in table.genre[:84]])
    np.testing.assert_allclose(model[0].mean_, X[:84].mean(axis=0))
    # Nothing to hear: no better than guessing, by any classifier.
    noise = np.random.default_rng(1).standard_normal(X.shape)
    assert baselines.train_and_report(name, noise, table, genres).interval[0] < 0.25


def test_settings_reach_the_classifier():
    model = baselines.classifier("svm_rbf", C=2)
    assert (model[-1].C, baselines.classifier("svm_rbf")[-1].C) == (2, 1)
    assert baselines.classifier("forest", 5, n_estimators=7)[-1].random_state == 5
    X, table, genres = blobs()
    everyone = baselines.train_and_report("knn", X, table, genres, n_neighbors=84)
    assert (everyone.probabilities == 0.25).all()
    with pytest.raises(ValueError, match="Invalid parameter 'c'"):
        baselines.classifier("svm_rbf", c=2)


def test_artists_are_drawn_together_and_unknown_ones_stand_alone():
    X, table, genres = blobs(scale=0.3)
    table["artist"] = [f"artist {i // 8}" if i < 100 else None for i in range(120)]
    table["fold"] = splits.k_fold(table, 3, group="artist")
    report = baselines.cross_validate("knn", X, table, genres)
    assert report.n_groups == 13 + 20
    assert "n = 120 in 33 groups" in report.summary()
    assert baselines.train_and_report("knn", X, table, genres).n_groups == 3 + 20
    unknown = baselines.cross_validate("knn", X, table.assign(artist=None), genres)
    assert unknown.groups is None


def test_cross_validation_never_trains_on_the_fold_it_predicts():
    """A memory of every training row must be useless there, and perfect where folds leak."""
    X, table, genres = blobs(scale=0)
    low, high = baselines.cross_validate("knn", X, table, genres).interval
    assert low < 0.25 < high
    copies = pd.concat([table, table.rename(index=lambda i: i + "b")])
    copies["clip"] = np.tile(table.index, 2)
    leaky, sound = copies.assign(fold=np.repeat([0, 1], len(X))), copies
    given = {"groups": "clip", "n_neighbors": 1}
    leaks, holds = (
        baselines.cross_validate("knn", np.tile(X, (2, 1)), t, genres, **given)
        for t in (leaky, sound)
    )
    assert (leaks.accuracy, list(leaks.clips)) == (1, list(copies.index))
    assert holds.accuracy < 0.5
    assert holds.n_groups == len(X)


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
    with pytest.warns(UserWarning, match="All .* one genre: a classifier can only repeat it"):
        found = baselines.train_and_report("knn", X[folk], table[folk], genres)
    assert {genres[i] for i in found.predicted} == {"Folk"}


def test_mean_spectrum_sees_means_only(tmp_path, monkeypatch):
    """Frames in another order change nothing, however many clips are read at once."""
    store = extract(write_clips(tmp_path, [8] * 6), "paper", 1, tmp_path, progress=False)
    report = baselines.mean_spectrum_report(store)
    X = store.read(np.arange(6))
    X = np.random.default_rng(0).permutation(X, axis=1).mean(axis=1)
    expected = baselines.train_and_report("logistic", X, store.clips, store.genres)
    np.testing.assert_allclose(report.probabilities, expected.probabilities, atol=1e-3)
    monkeypatch.setattr(baselines.features, "_CHUNK", 4)
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
