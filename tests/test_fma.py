"""FMA: official counts, the broken clips by name, every way its files can be damaged; two views."""

import csv
import os
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from make import load, picture, touch

import prcnn
from prcnn import datasets
from prcnn.datasets import fma, fma_images

KNOWN = fma.official_split()
BROKEN_SMALL = (99134, 108925, 133297, 98565, 98567, 98569)
SIZES = {"training": 6394, "validation": 800, "test": 800}
REAL = (2, 5, 182, 459, 676)
ROWS = [  # id, split, subset, genre, artist
    (2, "training", "small", "Rock", "a"),
    (5, "training", "small", "Folk", "b"),
    (10, "validation", "small", "Rock", "c"),
    (20, "validation", "small", "Folk", "d"),
    (1001, "test", "small", "Rock", "e"),
    (1002, "test", "medium", "Folk", "f"),
    (1003, "test", "large", None, "g"),
    (1004, "test", "large", "Jazz", "g"),
    (1005, "test", "small", "Folk", "h"),
]


def write_tracks(home, rows, names=("split", "subset", "genre_top", "name", "title")):
    """Write a tracks.csv with FMA's three header rows."""
    path = home / "fma_metadata" / "tracks.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    level = {"split": "set", "subset": "set", "name": "artist"}
    head = [["", *(level.get(name, "track") for name in names)], ["", *names]]
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([*head, ["track_id", *("" for _ in names)], *rows])
    return path


def small_home(home):
    touch(home, *(fma.clip_path(Path("fma_large"), row[0]) for row in ROWS))
    return write_tracks(home, [(*row, f"Song, “{row[0]}”\nline 2") for row in ROWS])


@pytest.fixture
def official(tmp_path):
    """FMA-small's official table, with the six broken clips added again."""
    table = KNOWN.assign(subset="small").reset_index()
    rows = table[["clip", "split", "subset", "genre"]].to_numpy().tolist()
    rows += [(clip, "training", "small", "Rock") for clip in BROKEN_SMALL]
    write_tracks(tmp_path, rows, names=("split", "subset", "genre_top"))
    return tmp_path


def test_fma_small_has_its_official_split_and_names_the_six_broken_clips(official):
    with pytest.warns(UserWarning, match="table of 7994 clips without their sound"):
        dataset = datasets.load("fma_small", official)
    assert dataset.clips["split"].value_counts().to_dict() == SIZES
    assert set(dataset.left_out) == set(BROKEN_SMALL)
    assert "no audio" in dataset.left_out[99134]
    assert "0.5 to 1.6 s" in dataset.left_out[98565]
    names = "Electronic Experimental Folk Hip-Hop Instrumental International Pop Rock"
    assert dataset.genres == names.split()
    per_genre = pd.crosstab(dataset.clips["genre"], dataset.clips["split"])
    assert (per_genre[["validation", "test"]] == 100).all(axis=None)
    assert dataset.clips.index[dataset.clips["near_silent"]].tolist() == [72059, 110736, 119979]


def test_some_clips_alone_keep_the_official_split(official):
    touch(official, *(fma.clip_path(Path("fma_small"), clip) for clip in REAL))
    dataset, said = load("fma_small", official)
    assert "7989 files or clips are left out" in said and "no file in" in said
    split = ["training", "training", "test", "validation", "training"]
    assert dataset.clips["split"].to_dict() == dict(zip(REAL, split, strict=True))
    assert dataset.genres == ["Hip-Hop", "Rock"] and len(dataset.left_out) == 7989 + 6
    assert dataset.clips.loc[2, "path"] == str(official / "fma_small" / "000" / "000002.mp3")


def test_subsets_nest_and_a_larger_folder_serves(tmp_path):
    small_home(tmp_path)
    for subset, count in (("small", 6), ("medium", 7), ("large", 8)):
        dataset = datasets.load(f"fma_{subset}", tmp_path)
        assert len(dataset.clips) == count
        assert all("/fma_large/" in path for path in dataset.clips["path"])
    assert dataset.left_out == {1003: "no top genre in tracks.csv"}
    assert dataset.genres == ["Folk", "Jazz", "Rock"]
    assert dataset.clips.loc[2, ["artist", "title"]].tolist() == ["a", "Song, “2”\nline 2"]


def test_clips_without_metadata_and_metadata_without_clips_are_counted(tmp_path):
    small_home(tmp_path)
    folder = tmp_path / "fma_large" / "000"
    touch(folder, "000999.mp3", "odd name.mp3")
    (folder / "000002.mp3").unlink()
    (folder / "000005.mp3").unlink()
    os.mkfifo(folder / "000005.mp3")
    dataset, said = load("fma_large", tmp_path)
    assert "'000/000999.mp3', '000/odd name.mp3' (not in tracks.csv)" in said
    assert "no file in" in dataset.left_out[2] and "a pipe" in dataset.left_out[5]
    assert dataset.left_out["000/odd name.mp3"] == "not in tracks.csv"
    assert not {2, 5} & set(dataset.clips.index)


def test_an_official_split_without_clips_falls_back_or_refuses(tmp_path):
    small_home(tmp_path)
    for clip in (10, 20):
        (tmp_path / "fma_large" / "000" / f"{clip:06d}.mp3").unlink()
    dataset, said = load("fma_small", tmp_path)
    assert "not comparable with published" in said and dataset.splits == "stratified"
    with pytest.raises(ValueError, match=r"official validation split.*stratified"):
        load("fma_small", tmp_path, splits="official")
    with pytest.warns():
        assert datasets.load("fma_small", tmp_path, splits="artist").splits == "artist"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-30], "middle of a row"),
        (lambda text: text[: text.index("1001,")] + "1001,te", "middle of a row"),
        (lambda text: text.rsplit("“", 1)[0], "truncated"),
        (lambda text: text[:20], "header rows"),
        (lambda text: "", "cannot be read"),
        (lambda text: "\x00\udcff\udcfe" * 100, "cannot be read"),
        (lambda text: text.replace("genre_top", "genre"), "track/genre_top"),
        (lambda text: text.replace("1001,", "one,"), "cannot be read"),
        (lambda text: text.replace("1001,", "5,"), "track 5 twice"),
        (lambda text: text.replace(",small,", ",tiny,").replace("medium", "tiny"), "no track"),
    ],
)
def test_damaged_metadata_is_an_error_that_names_the_file(tmp_path, damage, message):
    path = small_home(tmp_path)
    path.write_text(damage(path.read_text("utf-8")), "utf-8", "surrogateescape")
    with pytest.raises(ValueError, match=message) as error:
        datasets.load("fma_small", tmp_path)
    assert str(path) in str(error.value)


def test_an_empty_folder_is_no_audio_and_one_of_other_clips_is(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"tracks\.csv.*download=True"):
        datasets.load("fma_small", tmp_path)
    small_home(tmp_path)
    (tmp_path / "fma_small").mkdir()
    assert "/fma_large/" in datasets.load("fma_small", tmp_path).clips["path"].iloc[0]
    shutil.rmtree(tmp_path / "fma_large")
    with pytest.warns(UserWarning, match="does not exist or is empty"):
        assert len(datasets.load("fma_small", tmp_path).clips) == 6
    touch(tmp_path, "fma_small/000/999999.mp3")
    with pytest.warns(), pytest.raises(ValueError, match=r"no clips.*no file in"):
        datasets.load("fma_small", tmp_path)


def test_genres_and_features(tmp_path):
    rows = [(2, "training", "small", "Rock", "a"), (5, "test", "small", "Folk", "b")]
    path = write_tracks(tmp_path, rows, ("split", "subset", "genre_top", "name"))
    (path.parent / "genres.csv").write_text(
        "genre_id,#tracks,parent,title,top_level\n"
        "1,5,0,Rock,1\n2,3,1,Punk,1\n3,0,2,Hardcore,1\n4,9,0,Folk,4\n"
    )
    genres = fma.genres(tmp_path)
    assert genres.loc[1, "children"] == ["Punk"] and genres.loc[4, "children"] == []
    assert genres.loc[3, "parent_title"] == "Punk"
    assert (genres["tracks"] > 0).sum() == 3
    (path.parent / "features.csv").write_text(
        "feature,chroma,chroma,mfcc\nstatistics,mean,std,mean\nnumber,01,01,01\ntrack_id,,,\n"
        "2,1.0,2.0,3.0\n3,0,0,0\n5,4.0,5.0,6.5\n"
    )
    with pytest.warns():
        dataset = datasets.load("fma_small", tmp_path, splits="stratified")
    features = fma.features(tmp_path, dataset)
    assert features.index.tolist() == [2, 5] and features.shape == (2, 3)
    assert features["mfcc", "mean", "01"].tolist() == [3.0, 6.5]
    assert "whole tracks" in features.attrs["describes"]
    assert len(fma.features(tmp_path)) == 3
    dataset.clips.index = pd.Index([2, 7])
    with pytest.warns(UserWarning, match="1 clips have no features"):
        assert fma.features(tmp_path, dataset).isna().any(axis=1).tolist() == [False, True]


# --- the table that the package carries


def test_the_table_is_fmas_official_split(shared_data):
    assert KNOWN["split"].value_counts().to_dict() == SIZES
    tracks = pd.read_csv(shared_data / "fma" / "tracks_small.csv", index_col="track_id")
    tracks = tracks.rename(columns={"genre_top": "genre"})
    for column in ("genre", "split"):
        assert KNOWN[column].to_dict() == tracks[column].to_dict()


# --- two views of FMA-small, without its sound


def spectrogram(seed):
    return np.random.default_rng(seed).integers(0, 256, (128, 128)).astype(np.uint8)


@pytest.fixture
def coefficients(data_home):
    """MFCC of the clips of ``pictures``, and of one that lasts too short."""
    folder = data_home / "fma_small_mfcc" / "features" / "lstm_mfcc"
    folder.mkdir(parents=True)
    for clip in [*KNOWN.groupby(["genre", "split"]).head(3).index, 98565]:
        array = np.random.default_rng(clip).normal(size=(20, 130)).astype(np.float32).T
        np.save(folder / f"{clip:06d}.npy", array)
    return folder


@pytest.mark.parametrize(
    ("name", "settings"), [("fma_small_images", "images"), ("fma_small_mfcc", "close")]
)
def test_a_view_is_a_dataset_with_the_official_split(pictures, coefficients, name, settings):
    dataset, said = load(name)
    assert len(dataset.clips) == 72 and dataset.genres == fma.GENRES
    columns = ["genre", "split"]
    assert dataset.clips[columns].equals(KNOWN.loc[dataset.clips.index, columns])
    assert (dataset.splits, dataset.settings) == ("official", settings)
    assert dataset.clips["artist"].isna().all() and not dataset.clips["near_silent"].any()
    assert "7922 files or clips are left out" in said and "; " not in said
    assert len(dataset.left_out) == 7922 + 6
    assert dataset.left_out[98565] == fma.TOO_SHORT
    assert dataset.validate().loc["present", "count"] == 72
    folder = Path(dataset.clips["path"].iloc[0]).parents[2]
    elsewhere, _ = load(name, data_home=folder)  # the repository's folder itself
    assert elsewhere == dataset
    drawn = [load(name, splits="stratified", seed=seed)[0].clips["split"] for seed in (1, 2)]
    assert not drawn[0].equals(drawn[1])
    with pytest.raises(ValueError, match="'official', 'stratified'"):
        datasets.load(name, splits="artist")
    for path in dataset.clips["path"]:
        os.unlink(path)
    with pytest.warns(UserWarning), pytest.raises(ValueError, match="no clips"):
        datasets.load(name)
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError, match=r"download=True.*\(\d+ MB, with git\)"):
        datasets.load(name)


def test_pictures_go_through_the_store_bad_ones_are_counted_and_doubles_said(pictures, data_home):
    folk = KNOWN[KNOWN["genre"] == "Folk"].groupby("split").head(1).index
    picture(pictures / "Folk" / f"{folk[1]:06d}.png", spectrogram(folk[0]))
    dataset, _ = load("fma_small_images")
    bad = dataset.clips.index[40]
    with open(dataset.clips.loc[bad, "path"], "r+b") as file:
        file.truncate(1000)
    assert dataset.validate().loc["unreadable", "clips"] == [bad]
    with pytest.warns(UserWarning) as said:
        store = prcnn.extract(dataset, n_jobs=1, out=data_home, progress=False)
    said = " ".join(str(each.message) for each in said)
    assert "1 of the 72 clips" in said
    assert re.search(f"in another split.*'{folk[0]} = {folk[1]}'", said)
    assert (store.shape, store.settings) == ((128, 128), prcnn.spectrogram.IMAGES)
    assert list(store.failed) == [bad] and "not a whole picture" in store.failed[bad]
    expected = (spectrogram(store.clips.index[5]).T + 0.5) / 256 * 80 - 80
    assert np.abs(store.read(np.array([5]))[0] - expected).max() <= 0.3125  # shared colours


def test_pictures_that_do_not_belong_are_named(pictures):
    silent, folk = fma.NEAR_SILENT[0], KNOWN.index[KNOWN["genre"] == "Folk"]
    rock = [f"Rock/{name}" for name in ("999999", "cover", *(f"{folk[i]:06d}" for i in (0, -1)))]
    for name in (*rock, f"{KNOWN.loc[silent, 'genre']}/{silent:06d}"):
        picture(pictures / f"{name}.png", spectrogram(0))
    shutil.rmtree(pictures / "Pop")
    dataset, said = load("fma_small_images")
    assert said.index("no file in") < said.index("no clip of") < said.index("lies in the folder")
    assert dataset.left_out[999999] == "no clip of FMA-small"
    assert dataset.left_out["Rock/cover.png"] == "no clip of FMA-small"
    assert dataset.left_out[folk[-1]] == "lies in the folder Rock, and FMA says Folk"
    assert folk[0] in dataset.clips.index and folk[0] not in dataset.left_out
    assert dataset.clips.index[dataset.clips["near_silent"]].tolist() == [silent]
    assert len(dataset.clips) == 64
    assert dataset.genres == [genre for genre in fma.GENRES if genre != "Pop"]


def test_vggish_is_in_the_order_of_the_clips(pictures, data_home):
    dataset, _ = load("fma_small_images")
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
