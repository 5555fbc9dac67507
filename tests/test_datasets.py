"""The registry, a folder of one's own, Extended Ballroom, RWC and mirdata."""

import dataclasses
import hashlib
import subprocess
import sys
import types
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import soundfile

from prcnn import datasets
from prcnn.datasets import dataset as common
from prcnn.plots import clips as figures
from prcnn.study import checked, paper


def touch(root, *names):
    for name in names:
        path = Path(root, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def counts(clips):
    return clips["split"].value_counts().to_dict()


# --- registry


def test_every_name_has_a_loader_that_says_what_is_missing(data_home):
    assert {
        "synthetic",
        "fma_small",
        "fma_full",
        "gtzan",
        "gtzan_mini",
        "extended_ballroom",
    } <= set(datasets.names())
    for name in datasets.names():
        if name == "synthetic":
            continue
        with pytest.raises(FileNotFoundError, match=str(data_home)):
            datasets.load(name)


def test_unknown_names_list_the_known_ones(data_home):
    with pytest.raises(ValueError, match=r"did you mean 'gtzan_mini'.*fma_small.*folder"):
        datasets.load("gtzan-mini")
    with pytest.raises(ValueError, match="unknown dataset ''"):
        datasets.load("")


def test_home_is_argument_then_environment_then_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PRCNN_DATA", str(tmp_path / "env"))
    assert datasets.cache_folder(tmp_path / "arg") == tmp_path / "arg"
    assert datasets.cache_folder() == tmp_path / "env"
    monkeypatch.delenv("PRCNN_DATA")
    assert datasets.cache_folder().name == "prcnn" and datasets.cache_folder().is_absolute()
    monkeypatch.chdir(tmp_path)
    assert datasets.cache_folder("here") == tmp_path / "here"
    assert datasets.cache_folder("~/x") == Path.home() / "x"


def test_loading_datasets_does_not_load_keras():
    """Tables should open at once."""
    code = "import sys, prcnn.datasets.fma, prcnn.datasets.gtzan; print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def two_clips(**changes):
    rows = {"path": ["1.wav", "2.wav"], "genre": ["a", "b"], "split": ["training", "test"]}
    return pd.DataFrame(rows | {"artist": None} | changes, index=["x", "y"])


def test_repr_counts():
    clips = two_clips()
    shown = repr(common.assemble("mine", clips, {"x": "broken"}, "stratified"))
    assert shown == ("Dataset('mine': 2 clips, 2 genres, stratified split 1/0/1, 1 left out)")


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
        datasets.Dataset(**whole | changes)
    with pytest.raises(ValueError, match=rf"mine: .*{message}"):
        dataclasses.replace(datasets.Dataset(**whole), **changes)


def test_a_dataset_may_have_no_artists_and_more_genres_than_its_clips():
    clips = two_clips().drop(columns="artist")
    dataset = datasets.Dataset("mine", clips, ("a", "b", "c"))
    assert dataset.clips["artist"].isna().all() and "artist" not in clips
    assert dataset.genres == ["a", "b", "c"] and dataset.settings == "paper"


def test_validate_counts_what_is_missing_or_changed(tmp_path):
    folder = tmp_path / "set" / "genres" / "a"
    folder.mkdir(parents=True)
    for i, content in enumerate((b"whole", b"", b"changed", b"unlisted")):
        (folder / f"{i}.wav").write_bytes(content)
    (folder / "4.wav").mkdir()  # cannot be opened as a file
    clips = pd.DataFrame({"genre": "a", "split": "test"}, index=list("pqrstu"))
    clips["path"] = [str(folder / f"{i}.wav") for i in range(6)]
    dataset = datasets.Dataset("mine", clips, ["a"])
    unknown = dataset.validate()  # no checksums yet: a change cannot be seen
    assert (
        unknown.loc["present", "clips"] == ["p", "r", "s"] and not unknown.loc["changed", "count"]
    )
    sha1 = hashlib.sha1(b"whole").hexdigest()
    listed = "".join(f"{sha1}  genres/a/{i}.wav\n" for i in (0, 1, 2, 4, 5))
    (tmp_path / "set" / "checksums").write_text(listed)
    table = dataset.validate()
    assert table["clips"].to_dict() == {
        "present": ["p", "s"], "missing": ["u"], "empty": ["q"], "unreadable": ["t"],
        "changed": ["r"],
    }  # fmt: skip
    assert table["count"].tolist() == [2, 1, 1, 1, 1]


def test_checksums_are_written_as_sha1sum_and_fma_write_them(tmp_path):
    touch(tmp_path, "000/000002.mp3", "001/é.wav", "README.txt")
    common.write_checksums(tmp_path)
    empty = hashlib.sha1(b"").hexdigest()
    text = (tmp_path / "checksums").read_text("utf-8")
    assert text == f"{empty}  000/000002.mp3\n{empty}  001/é.wav\n"
    paths = [str(tmp_path / "000" / "000002.mp3"), str(tmp_path / "001" / "é.wav")]
    assert common.checksums(paths) == dict.fromkeys(paths, empty)


# --- a folder of one's own


def test_folder_with_nested_folders_mixed_formats_and_odd_names(tmp_path, monkeypatch):
    touch(
        tmp_path / "my_music",
        *(f"Rock & Roll/Les Naïfs/Album №1/{i:02d} – été.mp3" for i in range(3)),
        *(f"Rock & Roll/Other/{name}" for name in ("a.WAV", "b.flac", "c.ogg", "d.au")),
        *(f"hip hop/{i} 'quoted'.mp3" for i in range(5)),
        "hip hop/cover.jpg", "hip hop/.hidden.mp3", ".cache/x.mp3", "notes.txt",
    )  # fmt: skip
    monkeypatch.chdir(tmp_path)
    dataset = datasets.load("my_music/")
    assert dataset.name == "my_music" and dataset.genres == ["Rock & Roll", "hip hop"]
    assert len(dataset.clips) == 12 and dataset.left_out == {}
    first = dataset.clips.loc["Rock & Roll/Les Naïfs/Album №1/00 – été.mp3"]
    assert first["artist"] == "Les Naïfs" and Path(first["path"]).is_file()
    assert pd.isna(dataset.clips.loc["hip hop/0 'quoted'.mp3", "artist"])
    assert set(dataset.clips["split"]) == set(datasets.SPLITS)
    same = [
        datasets.load(way) for way in ("my_music", Path("my_music"), str(tmp_path / "my_music"))
    ]
    assert all(other.clips.equals(dataset.clips) for other in same)
    other = datasets.load("my_music/", seed=1, fractions=(0.5, 0, 0.5))
    assert counts(other.clips) == {"training": 7, "test": 5}


def test_folder_split_by_artist(tmp_path):
    touch(tmp_path, *(f"{g}/{a}/{i}.mp3" for g in "xy" for a in "pqrst" for i in range(2)))
    dataset = datasets.load(tmp_path, splits="artist")
    assert datasets.load(tmp_path).splits == "stratified"
    assert counts(dataset.clips) == {"training": 12, "validation": 4, "test": 4}
    assert (dataset.clips.groupby(["genre", "artist"])["split"].nunique()).max() == 1


def test_folder_of_real_sound_is_read_as_any_dataset(tmp_path):
    for genre, pitch in (("low", 110), ("high", 880)):
        (tmp_path / genre).mkdir()
        for i, ending in enumerate(("wav", "flac", "ogg", "mp3")):
            tone = np.sin(2 * np.pi * (pitch + i) * np.arange(22050) / 22050).astype("float32")
            soundfile.write(tmp_path / genre / f"{i}.{ending}", tone, 22050)
    dataset = datasets.load(tmp_path)
    assert len(dataset.clips) == 8
    assert all(soundfile.info(path).duration > 0.9 for path in dataset.clips["path"])


def test_a_format_that_is_not_read_is_left_out_by_name_and_never_without_a_word(tmp_path):
    read = ("a.m4a", "b.AAC", "c.wma", "d.mp4", "e.webm", "f.opus", "g.m4b", "h.3gp")
    touch(tmp_path / "rock", *read, "Band/x.wv", "y.APE", "cover.JPG", "list.m3u", "README")
    touch(tmp_path / "folk", "1.mp3", "2.mp3", "3.mp3")
    touch(tmp_path, "z.wv", "notes.txt", "LICENSE")
    with pytest.warns() as caught:
        dataset = datasets.load(tmp_path)
    assert sorted(dataset.clips.index) == sorted(
        [f"rock/{name}" for name in read] + [f"folk/{i}.mp3" for i in (1, 2, 3)]
    )
    assert dataset.left_out == {
        "rock/Band/x.wv": ".wv is not among the formats that are read",
        "rock/y.APE": ".ape is not among the formats that are read",
        "z.wv": "lies beside the genres' folders, so it has no genre",
    }
    messages = " ".join(str(w.message) for w in caught)
    assert "2 files" in messages and "'rock/y.APE'" in messages and "'z.wv'" in messages


def test_folder_errors_and_counted_warnings(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no folder .*nowhere"):
        datasets.load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match=r"no clips.*rock/song\.mp3"):
        datasets.load(tmp_path)
    touch(tmp_path, "rock/1.mp3", "rock/2.mp3", "rock/3.mp3", "stray.mp3", "empty/readme.txt")
    with pytest.warns() as caught, pytest.raises(ValueError, match="all 3 clips are 'rock'"):
        datasets.load(tmp_path)
    touch(tmp_path, "folk/1.mp3")
    with pytest.warns() as caught:
        dataset = datasets.load(tmp_path)
    messages = " ".join(str(w.message) for w in caught)
    assert "1 files" in messages and "stray.mp3" in messages
    assert "no audio files and are no genre: 'empty'" in messages
    assert "folk: none in validation and test" in messages
    assert list(dataset.left_out) == ["stray.mp3"]
    with pytest.warns(), pytest.raises(ValueError, match="unknown splits 'random'"):
        datasets.load(tmp_path, splits="random")
    with pytest.warns(), pytest.raises(ValueError, match="no clip has an artist"):
        datasets.load(tmp_path, splits="artist")


# --- Extended Ballroom


XML = """<ExtendedBallroom>
 <Chacha>{}</Chacha>
 <Tango>{}</Tango>
</ExtendedBallroom>"""
SONG = '<song id="{}" artist="{}" title="T &amp; U" album="A" bpm="{}"/>'


def ballroom(home, xml=None):
    songs = [
        "".join(SONG.format(f"{dance}{i}", f"artist {i // 2}", 100 + i) for i in range(10))
        for dance in (10, 20)
    ]
    songs[0] = songs[0].replace('bpm="100"', 'bpm="" exact="109"', 1)
    songs[1] = songs[1].replace('bpm="101"/>', 'bpm="101"><version id="200"/></song>')
    root = home / "extended_ballroom"
    touch(root, *(f"Chacha/10{i}.mp3" for i in range(10)))
    touch(root, *(f"Tango/Tango.20{i}.mp3" for i in range(9)), "Tango/999.mp3")
    (root / "extendedballroom_v1.1.xml").write_text(xml or XML.format(*songs))


def test_extended_ballroom(tmp_path):
    ballroom(tmp_path)
    with pytest.warns() as caught:
        dataset = datasets.load("extended_ballroom", tmp_path)
    messages = " ".join(str(w.message) for w in caught)
    assert "1 of the 20 songs" in messages and "'209'" in messages
    assert "1 files are not in" in messages and "999.mp3" in messages
    assert dataset.genres == ["Chacha", "Tango"] and len(dataset.clips) == 19
    assert dataset.splits == "artist"
    assert dataset.clips.groupby("artist")["split"].nunique().max() == 1
    clip = dataset.clips.loc["100"]
    assert clip["title"] == "T & U" and clip["repeats"] == "109" and np.isnan(clip["bpm"])
    assert dataset.clips.loc["201", ["repeats", "bpm"]].tolist() == ["200", 101]


def test_extended_ballroom_errors(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cannot help.*getExtendedBallroomDataset\.py"):
        datasets.load("extended_ballroom", tmp_path, download=True)
    ballroom(tmp_path, "<ExtendedBallroom><Chacha>")
    with pytest.raises(ValueError, match="damaged or truncated"):
        datasets.load("extended_ballroom", tmp_path)
    ballroom(tmp_path, "<ExtendedBallroom/>")
    with pytest.raises(ValueError, match="lists no songs"):
        datasets.load("extended_ballroom", tmp_path)


# --- RWC


@pytest.mark.parametrize(
    "names", [("popular", "jazz", "classical"), ("RWC-Popular", "RWC-MDB-J-2001", "rwc_classical")]
)
def test_rwc_in_anyones_folders(tmp_path, names):
    for name, size in zip(names, (100, 50, 50), strict=True):
        touch(tmp_path / "rwc" / name, *(f"audio/disc{i % 7}/{i}.wav" for i in range(size)))
    dataset = datasets.load("rwc", tmp_path)
    assert dataset.genres == ["Classical", "Jazz", "Popular"]
    assert counts(dataset.clips) == {"training": 120, "validation": 40, "test": 40}


def test_rwc_incomplete_or_missing(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"cannot help.*AIST"):
        datasets.load("rwc", tmp_path, download=True)
    touch(tmp_path / "rwc", *(f"{c}/{i}.wav" for c in ("Jazz", "Popular") for i in range(5)))
    with pytest.warns() as caught:
        assert len(datasets.load("rwc", tmp_path).clips) == 10
    messages = " ".join(str(w.message) for w in caught)
    assert "where RWC has 100 pieces" in messages and "no collection 'Classical'" in messages


# --- mirdata


def fake_mirdata(tracks):
    def load_tracks():
        if tracks is None:
            raise FileNotFoundError("index")
        return tracks

    module = types.ModuleType("mirdata")
    module.list_datasets = lambda: ["dances"]
    module.initialize = lambda name, data_home: types.SimpleNamespace(load_tracks=load_tracks)
    return module


def test_mirdata_is_read(tmp_path, monkeypatch):
    touch(tmp_path, *(f"{i}.wav" for i in range(10)))
    tracks = {
        f"t{i}": types.SimpleNamespace(audio_path=str(tmp_path / f"{i}.wav"), genre="ab"[i % 2])
        for i in range(10)
    }
    tracks["gone"] = types.SimpleNamespace(audio_path=str(tmp_path / "gone.wav"), genre="a")
    tracks["unlabelled"] = types.SimpleNamespace(audio_path=str(tmp_path / "0.wav"), genre=None)
    monkeypatch.setitem(sys.modules, "mirdata", fake_mirdata(tracks))
    with pytest.warns(UserWarning, match="2 of 12 tracks are left out"):
        dataset = datasets.load("mirdata:dances", tmp_path)
    assert len(dataset.clips) == 10 and set(dataset.left_out) == {"gone", "unlabelled"}
    with pytest.raises(ValueError, match="mirdata knows no 'dance'"):
        datasets.load("mirdata:dance", tmp_path)
    monkeypatch.setitem(sys.modules, "mirdata", fake_mirdata(None))
    with pytest.raises(FileNotFoundError, match="download=True"):
        datasets.load("mirdata:dances", tmp_path)
    monkeypatch.setitem(sys.modules, "mirdata", None)
    with pytest.raises(ImportError, match=r"prcnn\[mirdata\]"):
        datasets.load("mirdata:dances", tmp_path)


def test_the_real_mirdata_is_read(tmp_path):
    """mirdata's own GTZAN tracks, over files and an index of our making."""
    pytest.importorskip("mirdata", reason="the extra prcnn[mirdata] is not installed")
    import json

    from mirdata import core

    from prcnn.datasets import from_mirdata

    root = tmp_path / "home" / "gtzan_genre"
    wavs = [f"genres/{g}/{g}.{i:05d}.wav" for g in ("hiphop", "rock") for i in range(5)]
    touch(root, *wavs)
    index = {"version": "1.0", "tracks": {}}
    for wav in wavs:
        track = {"audio": [wav, "0" * 32], "beats": [None, None], "tempo": [None, None]}
        index["tracks"][Path(wav).stem] = track
    path = tmp_path / "index.json"
    path.write_text(json.dumps(index))
    original = core.Index.get_path
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.Index, "get_path", lambda self, *a, **k: str(path))
        dataset = from_mirdata.load("mirdata:gtzan_genre", tmp_path / "home")
    assert core.Index.get_path is original
    assert len(dataset.clips) == len(wavs) and "hip-hop" in dataset.genres


# --- facts and figures


def test_table1_differs_from_the_paper_where_the_paper_errs():
    printed = paper.TABLE1.set_index("dataset")
    true = checked.TABLE1.set_index("dataset")
    assert printed.index.equals(true.index)
    assert true.loc["FMA", "tracks"] == printed.loc["FMA", "tracks"] - 100 == 106_574
    assert (
        printed.loc["Extended Ballroom", "genres"]
        == 12
        == true.loc["Extended Ballroom", "genres"] - 1
    )
    assert sum(checked.FMA_SMALL_RATES.values()) == 8000 - 3


def test_figures_draw_what_the_table_says():
    clips = pd.DataFrame(
        {
            "genre": ["a"] * 6 + ["b"] * 4,
            "split": [*"ttetvt", *"eeee"],
            "artist": ["p", "p", "p", "q", "q", None] + ["r"] * 4,
        }
    )
    clips["split"] = clips["split"].map({"t": "training", "v": "validation", "e": "test"})
    ax = figures.genre_counts(clips)
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == [4, 0, 1, 0, 1, 4]
    _, given = plt.subplots()
    assert figures.artist_shares(clips, ax=given) is given
    assert [bar.get_width() for bar in given.patches] == pytest.approx([50, 100 / 3, 100 / 6, 100])
    ax = figures.overlaps({"random": 0.8, "artist": 0.0})
    assert [bar.get_width() for bar in ax.patches] == [80, 0]
    plt.close("all")
