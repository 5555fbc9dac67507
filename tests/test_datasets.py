"""The table of sources, a Dataset's own checks, folders of sound, mirdata, keys of tables."""

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from make import load, touch
from PIL import Image

from prcnn import datasets
from prcnn.atomic import digest
from prcnn.study import facts


def counts(clips):
    return clips["split"].value_counts().to_dict()


# --- the table of sources


def test_every_name_says_what_is_missing_and_which_splits_it_knows(data_home):
    assert {"fma_small", "fma_small_mfcc", "gtzan_images", "rwc"} <= set(datasets.names())
    for name in datasets.names():
        if name != "synthetic":
            with pytest.raises(FileNotFoundError, match=str(data_home)):
                datasets.load(name)
        with pytest.raises(ValueError, match=rf"splits='random': {name} knows '"):
            datasets.load(name, splits="random")


def test_unknown_names_list_the_known_ones(data_home):
    with pytest.raises(ValueError, match=r"did you mean 'gtzan_mini'.*fma_small.*folder"):
        datasets.load("gtzan-mini")
    for name in ("", 2024, None):
        with pytest.raises(ValueError, match=f"unknown dataset '{name}'"):
            datasets.load(name)


def test_home_is_argument_then_environment_then_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PRCNN_DATA", "~/env")
    assert datasets.cache_folder(tmp_path / "arg") == tmp_path / "arg"
    assert datasets.cache_folder() == Path.home() / "env"
    monkeypatch.delenv("PRCNN_DATA")
    assert datasets.cache_folder().name == "prcnn" and datasets.cache_folder().is_absolute()
    monkeypatch.chdir(tmp_path)
    assert datasets.cache_folder("here") == tmp_path / "here"
    assert datasets.cache_folder("~nobody-here/x") == tmp_path / "~nobody-here" / "x"


def test_loading_datasets_does_not_load_keras():
    """Tables should open at once."""
    code = "import sys, prcnn.datasets; print({'keras', 'sklearn', 'librosa'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --- a Dataset


def two_clips(**changes):
    rows = {"path": ["1.wav", "2.wav"], "genre": ["a", "b"], "split": ["training", "test"]}
    return pd.DataFrame(rows | {"artist": None} | changes, index=["x", "y"])


def test_a_dataset_counts_and_equals_another_that_says_the_same():
    clips = two_clips()
    said = {"genres": ["a", "b"], "left_out": {"z": "broken"}, "splits": "stratified"}
    dataset = datasets.Dataset("mine", clips, **said)
    shown = "Dataset('mine': 2 clips, 2 genres, stratified split 1/0/1, 1 left out)"
    assert repr(dataset) == shown
    assert dataset == datasets.Dataset("mine", clips.copy(), **said)
    for other in (
        dataclasses.replace(dataset, clips=dataset.clips[::-1]),
        dataclasses.replace(dataset, clips=dataset.clips.assign(split="test")),
        dataclasses.replace(dataset, left_out={}),
        dataclasses.replace(dataset, settings="images"),
        "mine",
    ):
        assert dataset != other


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"genres": ["a"]}, r"genre 'b', not one of \['a'\]"),
        ({"genres": ["b", "a"]}, "alphabetical"),
        ({"genres": ["a", "a", "b"]}, "alphabetical"),
        ({"genres": ["a", "b", 3]}, "texts"),
        ({"clips": two_clips(genre=["a", None])}, "genre (None|nan)"),
        ({"clips": two_clips(split=["training", "train"])}, "split 'train'"),
        ({"clips": two_clips(path=["1.wav", None])}, "no path of clip 'y'"),
        ({"clips": two_clips().drop(columns="split")}, "no column 'split'"),
        ({"clips": two_clips().rename(index={"y": "x"})}, "'x' comes twice"),
    ],
)
def test_a_dataset_checks_itself_however_it_is_made(changes, message):
    whole = {"name": "mine", "clips": two_clips(), "genres": ["a", "b"]}
    with pytest.raises(ValueError, match=rf"mine: .*{message}"):
        dataclasses.replace(datasets.Dataset(**whole), **changes)


def test_a_dataset_may_have_no_artists_and_more_genres_than_its_clips():
    clips = two_clips().drop(columns="artist")
    dataset = datasets.Dataset("mine", clips, ("a", "b", "c"))
    assert dataset.clips["artist"].isna().all() and "artist" not in clips
    assert dataset.genres == ["a", "b", "c"] and dataset.settings == "paper"


def test_validate_counts_what_is_missing_changed_or_no_whole_file(tmp_path):
    folder = tmp_path / "set" / "genres" / "a"
    (folder / "t.wav").mkdir(parents=True)  # cannot be opened as a file
    for name, content in {"p": b"whole", "q": b"", "r": b"changed", "s": b"unlisted"}.items():
        (folder / f"{name}.wav").write_bytes(content)
    os.mkfifo(folder / "v.wav")  # would be waited for
    Image.effect_noise((64, 64), 50).save(folder / "w.png")
    np.save(folder / "x.npy", np.zeros(500))
    for whole, cut in (("w.png", "y.png"), ("x.npy", "z.npy")):
        content = (folder / whole).read_bytes()
        (folder / cut).write_bytes(content[: len(content) // 2])
    names = [*(f"{n}.wav" for n in "pqrstuv"), "w.png", "x.npy", "y.png", "z.npy"]
    clips = pd.DataFrame({"genre": "a", "split": "test"}, index=[name[0] for name in names])
    dataset = datasets.Dataset(
        "mine", clips.assign(path=[str(folder / name) for name in names]), ["a"]
    )
    unknown = dataset.validate()  # no checksums yet: a change cannot be seen
    assert unknown.loc["present", "clips"] == ["p", "r", "s", "w", "x"]
    sha1 = hashlib.sha1(b"whole").hexdigest()  # as sha1sum and FMA write them
    listed = "".join(f"{sha1}  genres/a/{n}.wav\n" for n in "pqrtuv")
    (tmp_path / "set" / "checksums").write_text(listed)
    table = dataset.validate()
    assert table["clips"].to_dict() == {
        "present": ["p", "s", "w", "x"], "missing": ["u"], "empty": ["q"],
        "unreadable": ["t", "v", "y", "z"], "changed": ["r"],
    }  # fmt: skip
    assert table["count"].tolist() == [4, 1, 1, 4, 1]


def test_the_key_of_a_table_is_all_that_it_says():
    table = pd.DataFrame({"a": ["x", None], "b": [1.0, np.nan]}, index=["p", "q"])
    same = table.copy().astype({"a": object}).fillna({"a": np.nan})
    assert digest(table) == digest(same)
    others = [
        table.rename(columns={"a": "z"}), table[::-1], table[["b", "a"]], table.fillna(0),
        table.rename(index={"p": "o"}), table.astype({"b": "float32"}), table["a"],
    ]  # fmt: skip
    assert len({digest(each) for each in [table, *others]}) == 8
    names = [np.array(["a", name], object) for name in ("b", "b", "c", "\udce9")]
    assert digest(names[0]) == digest(names[1]) and len({digest(n) for n in names}) == 3
    with pytest.raises(TypeError, match="set is no part of a key"):
        digest({1, 2})


# --- a folder of one's own


def test_folder_with_nested_folders_mixed_formats_and_odd_names(tmp_path, monkeypatch):
    touch(
        tmp_path / "2024",
        *(f"R&B_$oul_$/Les Naïfs/Album №1/{i:02d} – été.mp3" for i in range(3)),
        *(f"R&B_$oul_$/Other/{name}" for name in ("a.WAV", "b.flac", "c.ogg", "d.au")),
        *(f"摇滚/{i} 'quoted'.mp3" for i in range(5)),
        "摇滚/cover.jpg", "摇滚/.hidden.mp3", ".cache/x.mp3", "notes.txt",
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    dataset = datasets.load("2024/")
    assert (dataset.name, dataset.splits) == ("2024", "stratified")
    assert dataset.genres == ["R&B_$oul_$", "摇滚"]
    assert len(dataset.clips) == 12 and dataset.left_out == {}
    first = dataset.clips.loc["R&B_$oul_$/Les Naïfs/Album №1/00 – été.mp3"]
    assert first["artist"] == "Les Naïfs" and Path(first["path"]).is_file()
    assert pd.isna(dataset.clips.loc["摇滚/0 'quoted'.mp3", "artist"])
    assert set(dataset.clips["split"]) == set(datasets.SPLITS)
    for way in ("2024", 2024, Path("2024"), str(tmp_path / "2024"), "~/2024", Path("~/2024")):
        assert datasets.load(way) == dataset
    other = datasets.load("2024/", seed=1, fractions=(0.5, 0, 0.5))
    assert counts(other.clips) == {"training": 7, "test": 5}


def test_folder_split_by_artist(tmp_path):
    touch(tmp_path, *(f"{g}/{a}/{i}.mp3" for g in "xy" for a in "pqrst" for i in range(2)))
    clips = datasets.load(tmp_path, splits="artist").clips
    assert counts(clips) == {"training": 12, "validation": 4, "test": 4}
    assert clips.groupby(["genre", "artist"])["split"].nunique().max() == 1


def test_links_are_followed_once_and_never_in_a_circle(tmp_path):
    touch(tmp_path / "elsewhere", *(f"Queen/{i}.mp3" for i in range(3)), "deep/Byrds/0.mp3")
    touch(tmp_path / "music", *(f"{g}/Abba/{i}.mp3" for g in ("pop", "rock") for i in range(3)))
    rock = tmp_path / "music" / "rock"
    for name, goal in {
        "A Queen": "elsewhere/Queen", "Queen again": "elsewhere/Queen", "up": "music",
        "self": "music/rock", "Byrds": "elsewhere/deep/Byrds", "Abba/back": "music/rock/Abba",
    }.items():  # fmt: skip
        (rock / name).symlink_to(tmp_path / goal)
    (tmp_path / "elsewhere" / "Queen" / "circle").symlink_to(rock)
    (rock / "gone.mp3").symlink_to(tmp_path / "nowhere.mp3")
    (tmp_path / "music" / "jazz").symlink_to(tmp_path / "elsewhere" / "deep")
    dataset, said = load(tmp_path / "music", splits="stratified")
    expected = [f"{g}/Abba/{i}.mp3" for g in ("pop", "rock") for i in range(3)]
    expected += [f"rock/A Queen/{i}.mp3" for i in range(3)]
    assert sorted(dataset.clips.index) == sorted(
        [*expected, "rock/Byrds/0.mp3", "jazz/Byrds/0.mp3"]
    )
    assert dataset.clips.loc["rock/A Queen/1.mp3", "artist"] == "A Queen"
    assert "a link that leads nowhere" in dataset.left_out["rock/gone.mp3"]
    assert "gone.mp3" in said


def test_pipes_and_names_that_are_no_text_are_left_out_by_name(tmp_path):
    touch(tmp_path, *(f"{g}/{i}.mp3" for g in ("folk", "rock") for i in range(3)))
    os.mkfifo(tmp_path / "rock" / "pipe.mp3")
    for name in (b"rock/caf\xe9.mp3", b"rock/caf\xe9.wv", b"caf\xe9/1.mp3", b"caf\xe9.mp3"):
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        path.parent.mkdir(exist_ok=True)
        path.touch()
    dataset, said = load(tmp_path)
    assert len(dataset.clips) == 6 and dataset.genres == ["folk", "rock"]
    text = json.dumps(dataset.left_out, ensure_ascii=False).encode().decode() + said
    for word in ("rock/pipe.mp3", "a pipe", r"rock/caf\\udce9.mp3", "not UTF-8: rename it"):
        assert word in text
    assert len(dataset.left_out) == 5


def test_a_format_that_is_not_read_is_left_out_by_name_and_never_without_a_word(tmp_path):
    read = ("a.m4a", "b.AAC", "c.wma", "d.mp4", "e.webm", "f.opus", "g.m4b", "h.3gp")
    touch(tmp_path / "rock", *read, "Band/x.wv", "y.APE", "cover.JPG", "list.m3u", "README")
    touch(tmp_path / "folk", "1.mp3", "2.mp3", "3.mp3")
    touch(tmp_path, "z.wv", "notes.txt", "LICENSE", "zither/readme.txt")
    dataset, said = load(tmp_path)
    expected = [f"rock/{name}" for name in read] + [f"folk/{i}.mp3" for i in (1, 2, 3)]
    assert sorted(dataset.clips.index) == sorted(expected)
    assert dataset.left_out == {
        "rock/Band/x.wv": ".wv is not among the formats that are read: convert it to FLAC",
        "rock/y.APE": ".ape is not among the formats that are read: convert it to FLAC",
        "z.wv": "lies in no genre's folder: move it into one",
        "zither": "a folder without audio files: no genre",
    }
    *shown, hidden = (f"{clip!r} ({why})" for clip, why in dataset.left_out.items())
    assert "4 files" in said and all(each in said for each in shown)
    assert hidden not in said and "; …. All are in left_out" in said


def test_folder_errors_and_counted_warnings(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        datasets.load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"no clips.*rock/song\.mp3"):
        datasets.load(tmp_path)
    touch(tmp_path, "rock/1.mp3", "rock/2.mp3", "rock/3.mp3")
    with pytest.raises(ValueError, match="all 3 clips are 'rock'"):
        datasets.load(tmp_path)
    touch(tmp_path, "folk/1.mp3")
    _, said = load(tmp_path)
    assert "folk: none in validation and test" in said
    with pytest.raises(ValueError, match="no clip has an artist"):
        datasets.load(tmp_path, splits="artist")


# --- Extended Ballroom, RWC, mirdata


XML = "<ExtendedBallroom>\n <Chacha>{}</Chacha>\n <Tango>{}</Tango>\n</ExtendedBallroom>"
SONG = '<song id="{}" artist="{}" title="T &amp; U" album="A" bpm="{}"/>'


def test_extended_ballroom(tmp_path):
    songs = [
        "".join(SONG.format(f"{dance}{i}", f"artist {i // 2}", 100 + i) for i in range(10))
        for dance in (10, 20)
    ]
    songs[0] = songs[0].replace('bpm="100"', 'bpm="" exact="109"', 1)
    songs[1] = songs[1].replace('bpm="101"/>', 'bpm="101"><version id="200"/></song>')
    root = tmp_path / "extended_ballroom"
    touch(root, *(f"Chacha/10{i}.mp3" for i in range(10)))
    touch(root, *(f"Tango/Tango.20{i}.mp3" for i in range(9)), "Tango/999.mp3")
    xml = root / "extendedballroom_v1.1.xml"
    xml.write_text(XML.format(*songs))
    dataset, said = load("extended_ballroom", tmp_path)
    assert "'209' (no file of this song in" in said
    assert "'Tango/999.mp3' (not in extendedballroom_v1.1.xml)" in said
    assert sorted(dataset.left_out) == ["209", "Tango/999.mp3"]
    assert dataset.genres == ["Chacha", "Tango"] and len(dataset.clips) == 19
    assert dataset.splits == "artist"
    assert dataset.clips.groupby("artist")["split"].nunique().max() == 1
    clip = dataset.clips.loc["100"]
    assert clip["title"] == "T & U" and clip["repeats"] == "109" and np.isnan(clip["bpm"])
    assert dataset.clips.loc["201", ["repeats", "bpm"]].tolist() == ["200", 101]
    for text, message in (
        ("<ExtendedBallroom><Chacha>", "damaged or truncated"),
        ("<ExtendedBallroom/>", "lists no songs"),
    ):
        xml.write_text(text)
        with pytest.raises(ValueError, match=message):
            datasets.load("extended_ballroom", tmp_path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("extended_ballroom", r"getExtendedBallroomDataset\.py.*not ours"),
        ("rwc", r"AIST.*cannot be downloaded"),
    ],
)
def test_what_is_not_ours_to_download_says_whose_it_is(tmp_path, name, message):
    with pytest.raises(FileNotFoundError, match=message):
        datasets.load(name, tmp_path, download=True)


@pytest.mark.parametrize(
    "names", [("popular", "jazz", "classical"), ("RWC-Popular", "RWC-MDB-J-2001", "rwc_classical")]
)
def test_rwc_in_anyones_folders(tmp_path, names):
    for name, size in zip(names, (100, 50, 50), strict=True):
        touch(tmp_path / "rwc" / name, *(f"audio/disc{i % 7}/{i}.wav" for i in range(size)))
    dataset = datasets.load("rwc", tmp_path)
    assert dataset.genres == ["Classical", "Jazz", "Popular"]
    assert counts(dataset.clips) == {"training": 120, "validation": 40, "test": 40}


def test_rwc_incomplete(tmp_path):
    touch(tmp_path / "rwc", *(f"{c}/{i}.wav" for c in ("Jazz", "Popular") for i in range(5)))
    dataset, said = load("rwc", tmp_path)
    assert len(dataset.clips) == 10
    assert "5 audio files of Popular" in said and "0 audio files of Classical" in said


class Damaged:
    @property
    def genre(self):
        raise KeyError("annotation")


def test_mirdata_is_read(tmp_path, monkeypatch):
    touch(tmp_path, *(f"{i}.wav" for i in range(10)))
    tracks = {
        f"t{i}": types.SimpleNamespace(audio_path=str(tmp_path / f"{i}.wav"), genre="ab"[i % 2])
        for i in range(10)
    }
    tracks["gone"] = types.SimpleNamespace(audio_path=str(tmp_path / "gone.wav"), genre="a")
    tracks["unlabelled"] = types.SimpleNamespace(audio_path=str(tmp_path / "0.wav"), genre=None)
    tracks["damaged"] = Damaged()
    mirdata, asked = types.ModuleType("mirdata"), []
    mirdata.list_datasets = lambda: ["dances"]
    mirdata.initialize = lambda name, data_home: types.SimpleNamespace(
        load_tracks=lambda: tracks, download=lambda: asked.append(data_home)
    )
    monkeypatch.setitem(sys.modules, "mirdata", mirdata)
    dataset, said = load("mirdata:dances", tmp_path, download=True)
    assert asked == [str(tmp_path / "dances")] and "3 files or clips are left out" in said
    assert len(dataset.clips) == 10 and set(dataset.left_out) == {"gone", "unlabelled", "damaged"}
    with pytest.raises(ValueError, match="mirdata knows no 'dance'"):
        datasets.load("mirdata:dance", tmp_path)
    monkeypatch.setitem(sys.modules, "mirdata", None)
    with pytest.raises(ImportError, match=r"prcnn\[mirdata\]"):
        datasets.load("mirdata:dances", tmp_path)


def test_the_real_mirdata_is_read(tmp_path, monkeypatch):
    """mirdata's own GTZAN tracks, over files and an index of our making."""
    pytest.importorskip("mirdata", reason="the extra prcnn[mirdata] is not installed")
    from mirdata import core

    wavs = [f"genres/{g}/{g}.{i:05d}.wav" for g in ("hiphop", "rock") for i in range(5)]
    touch(tmp_path / "gtzan_genre", *wavs)
    track = {"beats": [None, None], "tempo": [None, None]}
    tracks = {Path(wav).stem: {"audio": [wav, "0" * 32], **track} for wav in wavs}
    path = tmp_path / "index.json"
    with pytest.raises(FileNotFoundError, match="download=True"):
        datasets.load("mirdata:gtzan_genre", tmp_path)
    path.write_text(json.dumps({"version": "1.0", "tracks": tracks}))
    monkeypatch.setattr(core.Index, "get_path", lambda self, *a, **k: str(path))
    dataset = datasets.load("mirdata:gtzan_genre", tmp_path)
    assert len(dataset.clips) == len(wavs) and "hip-hop" in dataset.genres


# --- facts and figures


def test_table1_differs_from_the_paper_where_the_paper_errs():
    printed = facts.TABLE1.set_index("dataset")
    true = facts.TABLE1_CHECKED.set_index("dataset")
    assert printed.index.equals(true.index)
    assert true.loc["FMA", "tracks"] == printed.loc["FMA", "tracks"] - 100 == 106_574
    dances = printed.loc["Extended Ballroom", "genres"], true.loc["Extended Ballroom", "genres"]
    assert dances == (12, 13)
    assert sum(facts.FMA_SMALL_RATES.values()) == 8000 - 3
