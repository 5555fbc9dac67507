"""FMA: official counts, the broken clips by name, and every way its files can be damaged."""

import csv
import shutil

import librosa
import numpy as np
import pandas as pd
import pytest

from prcnn import audio, datasets
from prcnn.datasets import fma, fma_small_split

BROKEN_SMALL = (99134, 108925, 133297, 98565, 98567, 98569)
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
    level = {"split": "set", "subset": "set", "genre_top": "track", "name": "artist"}
    with open(path, "w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["", *(level.get(name, "track") for name in names)])
        out.writerow(["", *names])
        out.writerow(["track_id", *("" for _ in names)])
        out.writerows(rows)
    return path


def small_home(home, rows=ROWS, audio=True):
    path = write_tracks(home, [(*row, f"Song, “{row[0]}”\nline 2") for row in rows])
    if audio:
        for row in rows:
            clip = home / "fma_large" / f"{row[0] // 1000:03d}" / f"{row[0]:06d}.mp3"
            clip.parent.mkdir(parents=True, exist_ok=True)
            clip.touch()
    return path


@pytest.fixture
def official(tmp_path):
    """FMA-small's official table, with the six broken clips added again."""
    table = fma_small_split.read().assign(subset="small").reset_index()
    rows = table[["clip", "split", "subset", "genre"]].to_numpy().tolist()
    rows += [(clip, "training", "small", "Rock") for clip in BROKEN_SMALL]
    write_tracks(tmp_path, rows, names=("split", "subset", "genre_top"))
    return tmp_path


def test_fma_small_has_its_official_split_and_names_the_six_broken_clips(official):
    with pytest.warns(UserWarning, match="table of 7994 clips without their sound"):
        dataset = datasets.load("fma_small", official)
    sizes = dataset.clips["split"].value_counts()
    assert (sizes["training"], sizes["validation"], sizes["test"]) == (6394, 800, 800)
    assert set(dataset.left_out) == set(BROKEN_SMALL)
    assert "no audio" in dataset.left_out[99134]
    assert "0.5 to 1.6 s" in dataset.left_out[98565]
    assert dataset.genres == sorted(
        "Electronic Experimental Folk Hip-Hop Instrumental International Pop Rock".split()
    )
    per_genre = pd.crosstab(dataset.clips["genre"], dataset.clips["split"])
    assert (per_genre[["validation", "test"]] == 100).all(axis=None)
    assert dataset.clips.index[dataset.clips["near_silent"]].tolist() == [72059, 110736, 119979]


@pytest.fixture
def five(official):
    """Five files in FMA's places, without sound."""
    for clip in REAL:
        path = fma.clip_path(official / "fma_small", clip)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return official


def check_five(home):
    with pytest.warns(UserWarning, match="7989 of the 7994 clips .* have no file"):
        dataset = datasets.load("fma_small", home)
    assert dataset.clips.index.tolist() == list(REAL)
    split = ["training", "training", "test", "validation", "training"]
    assert dataset.clips["split"].tolist() == split
    assert dataset.genres == ["Hip-Hop", "Rock"]
    assert len(dataset.left_out) == 7989 + 6
    assert dataset.clips.loc[2, "path"] == str(home / "fma_small" / "000" / "000002.mp3")
    return dataset


def test_some_clips_alone_keep_the_official_split(five):
    check_five(five)


def test_clips_are_read_and_sound_as_librosa_has_them(official, clips_and_weights):
    shutil.copytree(clips_and_weights / "fma" / "fma_small", official / "fma_small")
    clips = check_five(official).clips
    assert (audio.headers(clips)["sr"] == 44100).all()
    for path in clips["path"]:
        expected, _ = librosa.load(path, sr=22050)
        y = audio.load(path)
        assert y.shape == expected.shape and np.abs(y - expected).max() < 1e-5
        start = audio.load(path, duration=5.0)
        assert np.abs(start - expected[: start.size]).max() < 2e-5


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
    (tmp_path / "fma_large" / "000" / "000999.mp3").touch()
    (tmp_path / "fma_large" / "000" / "odd name.mp3").touch()
    (tmp_path / "fma_large" / "000" / "000002.mp3").unlink()
    with pytest.warns() as caught:
        dataset = datasets.load("fma_large", tmp_path)
    messages = " ".join(str(w.message) for w in caught)
    assert "2 files under" in messages and "000999.mp3" in messages
    assert "1 of the 8 clips" in messages
    assert "no file at" in dataset.left_out[2] and 2 not in dataset.clips.index
    assert all(w.filename == __file__ for w in caught), "a warning should point at the user's line"


def test_an_official_split_without_clips_falls_back_or_refuses(tmp_path):
    small_home(tmp_path)
    for clip in (10, 20):
        (tmp_path / "fma_large" / "000" / f"{clip:06d}.mp3").unlink()
    with pytest.warns() as caught:
        dataset = datasets.load("fma_small", tmp_path)
    assert any("not comparable with published" in str(w.message) for w in caught)
    assert dataset.splits == "stratified"
    with pytest.warns(), pytest.raises(ValueError, match=r"official validation split.*stratified"):
        datasets.load("fma_small", tmp_path, splits="official")
    with pytest.warns():
        assert datasets.load("fma_small", tmp_path, splits="artist").splits == "artist"
    with pytest.raises(ValueError, match="'official', 'stratified' and 'artist'"):
        datasets.load("fma_small", tmp_path, splits="random")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-30], "middle of a row"),
        (lambda text: text[: text.index("1001,")] + "1001,te", "middle of a row"),
        (lambda text: text.rsplit("“", 1)[0], "truncated"),
        (lambda text: text[:20], "header rows"),
        (lambda text: "", "header rows"),
        (lambda text: text.replace("genre_top", "genre"), "track/genre_top"),
        (lambda text: text.replace("1001,", "one,"), "cannot be read"),
        (lambda text: text.replace("1001,", "5,"), "track 5 twice"),
        (lambda text: text.replace(",small,", ",tiny,").replace("medium", "tiny"), "no track"),
    ],
)
def test_damaged_metadata_is_an_error_that_names_the_file(tmp_path, damage, message):
    path = small_home(tmp_path)
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(ValueError, match=message) as error:
        datasets.load("fma_small", tmp_path)
    assert str(path) in str(error.value)


def test_binary_rubbish_is_an_error_that_names_the_file(tmp_path):
    path = small_home(tmp_path)
    path.write_bytes(b"\x00\xff\xfe" * 100)
    with pytest.raises(ValueError, match=r"tracks\.csv"):
        datasets.load("fma_small", tmp_path)


def test_missing_metadata_says_where_and_how(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"tracks\.csv.*download=True"):
        datasets.load("fma_small", tmp_path)


def test_one_genre_and_no_clips(tmp_path):
    home = tmp_path / "one"
    small_home(home, [row for row in ROWS if row[3] == "Rock"])
    with pytest.raises(ValueError, match="all 3 clips are 'Rock'"):
        datasets.load("fma_small", home)
    home = tmp_path / "none"
    small_home(home)
    shutil.rmtree(home / "fma_large")
    (home / "fma_small" / "000").mkdir(parents=True)
    (home / "fma_small" / "000" / "999999.mp3").touch()
    with pytest.warns(), pytest.raises(ValueError, match=r"no clips.*no file at"):
        datasets.load("fma_small", home)


def test_an_empty_folder_is_no_audio_and_no_reason_to_pass_a_larger_one_by(tmp_path):
    small_home(tmp_path)
    (tmp_path / "fma_small").mkdir()
    assert "/fma_large/" in datasets.load("fma_small", tmp_path).clips["path"].iloc[0]
    shutil.rmtree(tmp_path / "fma_large")
    with pytest.warns(UserWarning, match="does not exist or is empty"):
        assert len(datasets.load("fma_small", tmp_path).clips) == 6


def test_a_table_as_long_as_fmas_is_read_whole(tmp_path):
    """106,574 rows of 52 columns: every clip is either in the table or left out by name."""
    path = write_tracks(
        tmp_path, [], ("split", "subset", "genre_top", *(f"c{i}" for i in range(49)))
    )
    tail = ",some text that nobody asked for" * 49 + "\n"
    with open(path, "a") as file:
        for i in range(1, 106_575):
            split = "test" if i % 10 == 0 else "validation" if i % 10 == 1 else "training"
            file.write(f"{i},{split},large,{('Rock', 'Folk', 'Jazz')[i % 3]}{tail}")
    with pytest.warns(UserWarning, match="no audio"):
        dataset = datasets.load("fma_large", tmp_path)
    assert len(dataset.clips) + len(dataset.left_out) == 106_574
    assert set(dataset.left_out) == set(fma.BROKEN) - {i for i in fma.BROKEN if i > 106_574}


def test_whole_table_genres_and_features(tmp_path):
    path = write_tracks(
        tmp_path,
        [(2, "training", "small", "Rock", "a", "[1, 2]", "2008-11-26 01:48:12"),
         (5, "test", "small", "Folk", "b", "[]", None)],
        ("split", "subset", "genre_top", "name", "genres", "date_created"),
    )  # fmt: skip
    table = fma.tracks(tmp_path)
    assert table["track", "genres"].tolist() == [[1, 2], []]
    assert table["track", "date_created"].iloc[0].year == 2008
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
