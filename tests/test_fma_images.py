"""FMA-small as pictures, without a single real one: a made folder, and a made git repository."""

import gzip
import json
import shutil
import subprocess

import librosa
import numpy as np
import pandas as pd
import pytest
from make import SHARED, SOURCES
from test_fma import write_tracks

import prcnn
from prcnn import baselines
from prcnn.datasets import fma, fma_images, fma_small_split, git_folder
from prcnn.study import fma_small

KNOWN = fma_small_split.read()


def spectrogram(seed):
    return np.random.default_rng(seed).integers(0, 256, (128, 128)).astype(np.uint8)


def load(**options):
    with pytest.warns(UserWarning) as caught:
        dataset = prcnn.load("fma_small_images", **options)
    return dataset, " ".join(str(w.message) for w in caught)


@pytest.mark.parametrize("source", SOURCES)
def test_the_table_is_fmas_official_split(tmp_path, source):
    if source == "made":
        rows = KNOWN.reset_index().assign(subset="small", genre_top=lambda t: t["genre"])
    else:
        rows = pd.read_csv(SHARED / "fma" / "tracks_small.csv")
    rows = rows.rename(columns={"clip": "track_id"})
    rows = rows[["track_id", "split", "subset", "genre_top"]].to_numpy().tolist()
    broken = [(clip, "training", "small", "Rock") for clip in (99134, 98565)]
    other = [(1, "training", "large", "Jazz")]
    names = ("split", "subset", "genre_top")
    tracks = write_tracks(tmp_path, rows + broken + other, names=names)
    fma_small_split.make(tracks, tmp_path / "made.csv.gz")
    assert (tmp_path / "made.csv.gz").read_bytes() == fma_small_split.FILE.read_bytes()
    with pytest.raises(ValueError, match="does not hold FMA-small: 7993 clips"):
        fma_small_split.make(write_tracks(tmp_path, rows[1:], names=names), tmp_path / "x")


def test_the_table_knows_when_it_is_damaged(tmp_path):
    assert KNOWN["split"].value_counts().to_dict() == {
        "training": 6394,
        "validation": 800,
        "test": 800,
    }
    assert sorted(KNOWN["genre"].unique()) == fma.GENRES
    assert fma_small_split.FILE.stat().st_size < 60_000
    text = gzip.decompress(fma_small_split.FILE.read_bytes()).replace(b"Folk", b"Rock", 1)
    (tmp_path / "table.csv.gz").write_bytes(gzip.compress(text))
    with pytest.raises(ValueError, match="do not match its checksum"):
        fma_small_split.read(tmp_path / "table.csv.gz")


def test_pictures_are_a_dataset_with_the_official_split(pictures):
    dataset, said = load()
    assert len(dataset.clips) == 72
    assert (dataset.clips.groupby(["genre", "split"]).size() == 3).all()
    assert dataset.clips["split"].equals(KNOWN.loc[dataset.clips.index, "split"])
    assert dataset.genres == fma.GENRES
    assert (dataset.splits, dataset.settings) == ("official", "images")
    assert dataset.clips["artist"].isna().all()
    assert dataset.clips["duplicate_of"].isna().all()
    assert not dataset.clips["near_silent"].any()
    assert "7922 of the 7994 clips" in said
    assert len(dataset.left_out) == 7922 + 6
    assert dataset.left_out[98565] == fma.TOO_SHORT
    assert dataset.validate().loc["present", "count"] == 72
    elsewhere, _ = load(data_home=pictures.parent)  # the folder spectrograms itself
    assert elsewhere.clips.equals(dataset.clips)


def test_pictures_go_through_the_store_and_bad_ones_are_counted(pictures, data_home, draw):
    dataset, _ = load()
    bad = dataset.clips.index[40]
    with open(dataset.clips.loc[bad, "path"], "r+b") as file:
        file.truncate(1000)
    store = prcnn.extract(dataset, dataset.settings, n_jobs=1, out=data_home, progress=False)
    assert store.shape == (128, 128)
    assert store.settings == prcnn.spectrogram.IMAGES
    assert list(store.failed) == [bad]
    assert "not a whole picture" in store.failed[bad]
    clip = store.clips.index[5]
    expected = (spectrogram(clip).T + 0.5) / 256 * 80 - 80
    assert np.abs(store.read(np.array([5]))[0] - expected).max() <= 0.3125  # shared colours


def test_what_does_not_belong_is_named(pictures, draw):
    draw(pictures / "Rock" / "999999.png", spectrogram(0))
    draw(pictures / "Rock" / "cover.png", spectrogram(0))
    silent = fma.NEAR_SILENT[0]
    draw(pictures / KNOWN.loc[silent, "genre"] / f"{silent:06d}.png", spectrogram(0))
    folk = KNOWN.index[KNOWN["genre"] == "Folk"]
    draw(pictures / "Rock" / f"{folk[-1]:06d}.png", spectrogram(0))
    draw(pictures / "Rock" / f"{folk[0]:06d}.png", spectrogram(0))
    shutil.rmtree(pictures / "Pop")
    dataset, said = load()
    assert "4 pictures" in said and "no folder Pop" in said
    assert dataset.left_out[999999] == "no clip of FMA-small"
    assert dataset.left_out["Rock/cover.png"] == "no clip of FMA-small"
    assert dataset.left_out[folk[-1]] == "lies in the folder Rock, and FMA says Folk"
    assert folk[0] in dataset.clips.index and folk[0] not in dataset.left_out
    assert dataset.clips.index[dataset.clips["near_silent"]].tolist() == [silent]
    assert len(dataset.clips) == 64
    assert dataset.genres == [genre for genre in fma.GENRES if genre != "Pop"]


def test_duplicates_are_named_and_those_across_splits_warned_of(pictures, draw):
    folk = KNOWN[KNOWN["genre"] == "Folk"].groupby("split").head(2)
    first, second = folk.index[folk["split"] == "training"]
    third = folk.index[folk["split"] == "test"][0]
    draw(pictures / "Folk" / f"{second:06d}.png", spectrogram(first))
    dataset, said = load()
    assert dataset.clips["duplicate_of"].dropna().to_dict() == {second: first}
    assert "two splits" not in said
    draw(pictures / "Folk" / f"{third:06d}.png", spectrogram(first))
    dataset, said = load()
    assert dataset.clips["duplicate_of"].dropna().to_dict() == {second: first, third: first}
    assert "1 pictures lie in two splits" in said and f"{third} = {first}" in said


def test_splits_may_be_drawn_anew_and_nothing_there_is_explained(pictures, data_home):
    dataset, _ = load(splits="stratified", seed=1)
    again, _ = load(splits="stratified", seed=2)
    assert dataset.splits == "stratified"
    assert not dataset.clips["split"].equals(again.clips["split"])
    with pytest.raises(ValueError, match="'official' and 'stratified'"):
        prcnn.load("fma_small_images", splits="artist")
    shutil.rmtree(pictures)
    with pytest.raises(FileNotFoundError, match=r"download=True.*239 MB"):
        prcnn.load("fma_small_images")
    pictures.mkdir()
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="no clips"):
        prcnn.load("fma_small_images")


def test_vggish_is_in_the_order_of_the_clips(pictures, data_home):
    dataset, _ = load()
    with pytest.raises(FileNotFoundError, match="vggish_embeddings_v2"):
        fma_images.vggish()
    ids = dataset.clips.index[::-1]
    rows = np.repeat(np.asarray(ids, np.float32)[:, None], 128, axis=1)
    path = data_home / "fma_small_images" / "vggish.npz"
    np.savez(path, track_id=ids, embedding=rows)
    table = fma_images.vggish(dataset=dataset)
    assert table.index.equals(dataset.clips.index)
    assert (table.to_numpy() == dataset.clips.index.to_numpy()[:, None]).all()
    assert fma_images.vggish().shape == (72, 128)
    np.savez(path, track_id=ids[1:], embedding=rows[1:])
    with pytest.warns(UserWarning, match="1 clips have no embedding"):
        assert fma_images.vggish(dataset=dataset).isna().any(axis=1).sum() == 1
    np.savez(path, ids=ids)
    with pytest.raises(ValueError, match="does not hold track_id"):
        fma_images.vggish()


@pytest.fixture
def repository(pictures, data_home, tmp_path, monkeypatch):
    """The made pictures in a bare git repository, among files that nobody asked for."""
    if shutil.which("git") is None:
        pytest.skip("no git")
    tree = tmp_path / "tree"
    shutil.copytree(pictures, tree / "spectrograms")
    (tree / "large.bin").write_bytes(np.random.default_rng(0).bytes(2**20))
    shutil.rmtree(data_home / "fma_small_images")

    def git(*arguments):
        who = ["-c", "user.name=x", "-c", "user.email=x@x"]
        return subprocess.check_output(["git", *who, *arguments], cwd=tree, text=True).strip()

    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "pictures")
    commit = git("rev-parse", "HEAD")
    git("rm", "-rq", "spectrograms/Rock")  # what came later does not matter
    git("commit", "-qm", "later")
    bare = tmp_path / "bare.git"
    git("clone", "-q", "--bare", ".", str(bare))
    for key in ("uploadpack.allowFilter", "uploadpack.allowAnySHA1InWant"):
        subprocess.run(["git", "config", key, "true"], cwd=bare, check=True)
    monkeypatch.setattr(fma_images, "URL", bare.as_uri())
    monkeypatch.setattr(fma_images, "COMMIT", commit)
    monkeypatch.setattr(fma_images, "SIZE", 10**6)
    return bare


def test_only_the_pictures_of_the_pinned_commit_are_fetched(
    repository, data_home, capsys, monkeypatch
):
    held = []
    whole = git_folder._git

    def watched(work, *arguments, **options):
        held.append(sum(p.stat().st_size for p in (work / ".git").rglob("*.pack")))
        return whole(work, *arguments, **options)

    monkeypatch.setattr(git_folder, "_git", watched)
    dataset, _ = load(download=True)
    assert len(dataset.clips) == 72
    assert "976.6 KiB from file://" in capsys.readouterr().out
    pixels = sum((data_home / p).stat().st_size for p in dataset.clips["path"])
    assert pixels * 0.9 < max(held) < pixels + 2**19, "the other file was not fetched"
    assert [p.name for p in (data_home / "fma_small_images").iterdir()] == ["spectrograms"]
    repository.rename(repository.with_name("gone"))
    assert len(load(download=True)[0].clips) == 72  # what is there is not fetched again


def test_an_interrupted_download_goes_on_where_it_was(repository, data_home, monkeypatch):
    whole, done = git_folder._git, []

    def fails(work, *arguments, **options):
        if arguments[0] == "checkout" and (done.append(1) or len(done) == 4):
            raise KeyboardInterrupt
        return whole(work, *arguments, **options)

    monkeypatch.setattr(git_folder, "_git", fails)
    with pytest.raises(KeyboardInterrupt):
        prcnn.load("fma_small_images", download=True)
    work = data_home / "fma_small_images" / ".spectrograms-git"
    assert not (data_home / "fma_small_images" / "spectrograms").exists()
    early = {p: p.stat().st_mtime_ns for p in work.glob("spectrograms/Electronic/*.png")}
    assert len(early) == 9 and not list(work.glob("spectrograms/Rock/*.png"))
    monkeypatch.setattr(git_folder, "_git", whole)
    (work / ".git" / "index.lock").touch()
    dataset, _ = load(download=True)
    assert len(dataset.clips) == 72
    for path, written in early.items():
        moved = data_home / "fma_small_images" / "spectrograms" / "Electronic" / path.name
        assert moved.stat().st_mtime_ns == written


def test_what_is_wrong_with_a_download_is_said(repository, data_home, monkeypatch):
    target = data_home / "fma_small_images" / "spectrograms"
    commit = fma_images.COMMIT
    monkeypatch.setattr(fma_images, "COMMIT", "22ab844bd8752f0fcd933a16255155d69195bf4e")
    with pytest.raises(ConnectionError, match=r"git fetch failed.*run the same again"):
        prcnn.load("fma_small_images", download=True)
    monkeypatch.setattr(fma_images, "COMMIT", commit)
    whole = git_folder._git

    def tampers(work, *arguments, **options):
        if arguments[0] == "fsck":
            next(work.glob("spectrograms/Folk/*.png")).write_bytes(b"other")
        return whole(work, *arguments, **options)

    monkeypatch.setattr(git_folder, "_git", tampers)
    with pytest.raises(ValueError, match=r"not what commit .* holds.*Folk.*Delete that folder"):
        prcnn.load("fma_small_images", download=True)
    assert not target.exists()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(FileNotFoundError, match=r"git is needed.*https://git-scm.com"):
        prcnn.load("fma_small_images", download=True)


def test_a_classifier_hears_what_the_networks_hear(pictures, data_home):
    dataset, _ = load()
    store = prcnn.extract(dataset, n_jobs=1, out=data_home, progress=False)
    table = baselines.of_spectrograms(store)
    assert table.shape == (72, 40 + 20 + 256 + 256 + 11 * 20)
    assert table.index.equals(store.clips.index)
    decibels = store.read(np.array([7]))[0].T
    mfcc = librosa.feature.mfcc(S=decibels, n_mfcc=20)
    row = table.iloc[7]
    assert np.allclose(row.xs(("mfcc", "mean"), level=[0, 1]), mfcc.mean(axis=1), atol=1e-3)
    assert np.allclose(row.xs(("mfcc", "std"), level=[0, 1]), mfcc.std(axis=1), atol=1e-3)
    assert np.allclose(row.xs(("delta", "std"), level=[0, 1]), np.diff(mfcc).std(axis=1), atol=1e-3)
    assert np.allclose(row.xs(("bands", "mean"), level=[0, 1]), decibels.mean(axis=1), atol=1e-3)
    assert np.allclose(row.xs(("bands", "std"), level=[0, 1]), decibels.std(axis=1), atol=1e-3)
    assert baselines.of_spectrograms(store, ["mfcc"]).equals(table[["mfcc"]])
    with pytest.raises(ValueError, match=r"'tonality'.*mfcc, delta, bands"):
        baselines.of_spectrograms(store, ["tonality"])
    flat = prcnn.store.compute(dataset, _three, (3,), "three", data_home, 1, False)
    with pytest.raises(ValueError, match="no spectrograms"):
        baselines.of_spectrograms(flat)


def _three(path):
    return np.zeros(3)


def test_validation_chooses_test_reports_and_no_fit_is_made_twice(
    pictures, data_home, tmp_path, monkeypatch, capsys
):
    def run():
        with pytest.warns(UserWarning, match="have no picture"):
            path = fma_small.baselines(out=tmp_path / "fits", n_jobs=1, folder=tmp_path)
        return json.loads(path.read_text())

    monkeypatch.setattr(fma_small, "CLASSIFIERS", ("svm_rbf", "knn"))
    record = run()
    assert "Without VGGish" in capsys.readouterr().out
    assert len(list((tmp_path / "fits").iterdir())) == 6
    ids = record["clips"]["test"]
    with np.load(_embeddings(data_home)) as file:  # clips are told apart by these without fault
        assert set(file["track_id"]) > set(ids)
    monkeypatch.setattr(fma_small, "classifier", _only_once(fma_small.classifier))
    record = run()
    assert list(record["validation"]) == list(fma_small.FEATURES)
    assert record["validation"]["VGGish"] == {"svm_rbf": 1.0, "knn": 1.0}
    assert record["chosen"]["VGGish"] == "svm_rbf"
    row = record["rows"]["svm_rbf, VGGish"]
    assert (row["validation"], row["test"], row["numbers"]) == ([1.0], [1.0], 128)
    found = fma_small.reports(record)["svm_rbf, VGGish"]["test"][0]
    assert found.n == 24 and found.accuracy == 1 and found.clips.tolist() == ids
    for name, row in record["rows"].items():
        scores = record["validation"][row["features"]]
        assert row["validation"][0] == scores[row["classifier"]], name
        for split in ("validation", "test"):
            right = np.equal(row["predicted"][split][0], record["true"][split])
            assert row[split][0] == right.mean(), name
    for features, scores in record["validation"].items():
        assert scores[record["chosen"][features]] == max(scores.values())
    table = fma_small.easier_validation(record, n_resamples=200)
    assert table.index.tolist() == [*fma.GENRES, "all"]
    assert ((table.low <= table.difference) & (table.difference <= table.high)).all()
    assert table.loc["all", "validation"] == pytest.approx(
        np.mean([np.mean(row["validation"]) for row in record["rows"].values()])
    )


def test_training_clips_alone_are_fitted_and_a_seed_is_another_fit(
    pictures, data_home, tmp_path, monkeypatch
):
    fitted = []

    class Says:
        """Whatever its seed draws; an SVM is never right."""

        def __init__(self, name, seed):
            self.seed = None if name == "svm_rbf" else seed

        def fit(self, X, y):
            fitted.append(X)
            return self

        def predict(self, X):
            if self.seed is None:
                return np.full(len(X), -1)
            return np.random.default_rng(self.seed).integers(8, size=len(X))

    monkeypatch.setattr(fma_small, "CLASSIFIERS", ("svm_rbf", "forest"))
    monkeypatch.setattr(fma_small, "classifier", Says)
    monkeypatch.setattr(fma_small, "FEATURES", {"MFCC": ("mfcc",)})
    _embeddings(data_home)
    with pytest.warns(UserWarning, match="have no picture"):
        path = fma_small.baselines(out=tmp_path / "fits", n_jobs=1, folder=tmp_path)
    row = json.loads(path.read_text())["rows"]["forest, MFCC"]
    assert len({tuple(said) for said in row["predicted"]["test"]}) == 5
    store = prcnn.extract(load()[0], progress=False)
    X = baselines.of_spectrograms(store, ("mfcc",)).to_numpy()[store.indices("training")]
    assert any(np.array_equal(each, X) for each in fitted)
    assert {len(each) for each in fitted} == {24}


def test_other_clips_are_no_contenders(monkeypatch):
    read = fma_small.results.read

    def other(name):
        record = read(name)
        if name == "beyond_fma_small_images":
            record["test"]["clips"] = record["test"]["clips"][::-1]
        return record

    assert len(fma_small.contenders()) == 5
    monkeypatch.setattr(fma_small.results, "read", other)
    with pytest.raises(ValueError, match="beyond was tested on other clips"):
        fma_small.contenders()


def _embeddings(data_home):
    path = data_home / "fma_small_images" / "vggish.npz"
    labels = pd.Categorical(KNOWN["genre"], categories=fma.GENRES).codes
    rows = np.repeat(np.eye(8)[labels], 16, axis=1)
    np.savez(path, track_id=KNOWN.index, embedding=rows.astype(np.float32))
    return path


def _only_once(whole):
    """Fits of VGGish alone are still to be made: four of them would be four too many."""
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        assert len(calls) <= 2
        return whole(*arguments)

    return counted


def test_uploads_are_neighbours_of_one_genre():
    clips, labels = [100, 5, 104, 103, 300, 7], [0, 1, 0, 1, 0, 1]
    groups = fma_small.uploads(clips, labels)
    assert groups[0] == groups[2] and groups[1] == groups[5]
    assert len(set(groups)) == 4
    test = KNOWN[KNOWN["split"] == "test"]
    assert len(set(fma_small.uploads(test.index, test["genre"].factorize()[0]))) == 293


def test_what_is_recorded_is_what_the_recorded_predictions_say():
    record = fma_small.results.read(fma_small.RESULT)
    assert record["clips"]["test"] == KNOWN.index[KNOWN["split"] == "test"].tolist()
    for name, found in fma_small.reports(record).items():
        for split, scores in found.items():
            assert [r.accuracy for r in scores] == pytest.approx(record["rows"][name][split])
    best = record["rows"]["svm_rbf, MFCC, deltas, bands"]
    assert (best["validation"], best["test"]) == ([0.5325], [0.44125])
    table = fma_small.easier_validation(record, n_resamples=500)
    assert table["difference"].idxmax() == "Folk"
    assert table.loc["Folk", "low"] > 0.3


def test_the_leaderboard_says_of_every_method_what_it_was_tested_on():
    board = fma_small.leaderboard()
    assert board.index.is_unique and board["accuracy"].is_monotonic_decreasing
    assert ((board["low"] < board["accuracy"]) & (board["accuracy"] < board["high"])).all()
    assert set(board["split"]) == {"official", "random", "not verified"}
    assert board.drop(columns="seeds").notna().all(axis=None)
    assert board.loc["the paper, Figure 2", "accuracy"] == 359 / 800
    ours = board[board["source"] == "this book"]
    assert len(ours) == len(fma_small.board()) and (ours["split"] == "official").all()
    assert (board.loc[board["split"] == "random", "source"] == "Solarleaf/GenreWave").all()
