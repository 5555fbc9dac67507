"""GTZAN: four layouts, three splits, faults marked with their source.

The published lists and Sturm's index are not ours to hand out. Made ones, as long and with the same
kinds of lines, stand in for them; the real ones are read where they are.
"""

import hashlib
import os
import shutil
import subprocess
import sys

import pytest
from benchmarks.gtzan import survey
from make import load, touch

from prcnn import datasets
from prcnn.datasets import gtzan, splits
from prcnn.study import facts, results

PICTURES = "gtzan_images/data/spectrograms"
NAMES = [f"{genre}.{number:05d}" for genre in gtzan.GENRES for number in range(100)]
# What the made lists say of the clips whose number ends in 0 … 9; those in 9 are left out.
SIDES = dict(zip(range(9), ["training"] * 5 + ["validation"] * 2 + ["test"] * 2, strict=True))
# Lines of the made index that are not "artist 3 of blues", one for ten clips in a row.
LINES = {
    "rock.00016": "Motor ::: Ace",
    "metal.00058": "motor ::: ace",
    "jazz.00049": "Hawk ::: Body",
    "jazz.00033": "Hawk ::: Body",
    "disco.00000": " :::",
    "disco.00001": " ::: I Wish",
}


def make_home(home, layout="gtzan/genres", ending="wav", lists=True):
    """Lay out files named like GTZAN's, without sound: a loader looks at names only."""
    touch(home / layout, *(f"{name.split('.')[0]}/{name}.{ending}" for name in NAMES))
    (home / "gtzan").mkdir(exist_ok=True)
    if lists:
        make_lists(home / "gtzan")
    return home


def make_lists(folder):
    # under the published names, which are not read from the library
    for split, short in (("training", "train"), ("validation", "valid"), ("test", "test")):
        file = f"{short}_filtered.txt"
        chosen = [name for name in NAMES if SIDES.get(int(name[-1])) == split]
        (folder / file).write_text("".join(f"{n.split('.')[0]}/{n}.wav\n" for n in chosen))
    lines = [
        LINES.get(name, f"artist {int(name[-2:]) // 10} of {name.split('.')[0]} ::: song {name}")
        for name in NAMES
    ]
    text = [f"{name}.wav ::: {line}\n" for name, line in zip(NAMES, lines, strict=True)]
    (folder / gtzan.INDEX).write_text("## an index ::: with a head\n##\n" + "".join(text))


def sizes(dataset):
    return tuple(dataset.clips["split"].value_counts()[list(datasets.SPLITS)])


@pytest.mark.parametrize(
    ("name", "layout", "ending"),
    [
        ("gtzan", "gtzan/genres", "wav"),
        ("gtzan", "gtzan/genres", "au"),
        ("gtzan", "gtzan/genres_original", "wav"),
        ("gtzan", "gtzan/Data/genres_original", "wav"),
        ("gtzan_images", PICTURES, "png"),
        ("gtzan_images", "data/spectrograms", "png"),
        ("gtzan_images", "spectrograms", "png"),
    ],
)
def test_fault_filtered_split_in_every_layout(tmp_path, name, layout, ending):
    dataset = datasets.load(name, make_home(tmp_path, layout, ending))
    expected = {name: SIDES[int(name[-1])] for name in NAMES if name[-1] != "9"}
    assert dataset.clips["split"].to_dict() == expected
    assert dataset.genres == gtzan.GENRES and dataset.splits == "fault_filtered"
    assert dataset == datasets.load(name, tmp_path, splits="filtered")
    assert dataset.settings == ("paper" if name == "gtzan" else name)
    assert list(dataset.left_out) == [name for name in NAMES if name[-1] == "9"]
    assert dataset.left_out["blues.00009"] == gtzan.FILTERED
    blues = dataset.clips.loc["blues.00012"]
    assert blues["artist"] == "artist 1 of blues" and blues["title"] == "song blues.00012"
    assert blues["path"] == str(tmp_path / layout / "blues" / f"blues.00012.{ending}")


def test_pictures_are_marked_split_and_counted_as_the_sound_is(tmp_path):
    make_home(make_home(tmp_path), PICTURES, "png")
    folder = tmp_path / PICTURES
    (folder / "jazz" / "jazz.00054.png").unlink()  # as in the repository
    for way in ("fault_filtered", "stratified", "artist"):
        pictures = datasets.load("gtzan_images", tmp_path, splits=way)
        sound = datasets.load("gtzan", tmp_path, splits=way)
        assert pictures.left_out == sound.left_out | {"jazz.00054": "no file of this clip"}
        columns = ["artist", "title", "repeats", "mislabelled", "faults"]
        whole = sound.clips.drop(index="jazz.00054")
        assert pictures.clips[columns].equals(whole[columns])
    for path in folder.glob("*/*.png"):
        if path.stem[-1] not in "05" or path.stem == "rock.00005":
            path.unlink()
    os.mkfifo(folder / "rock" / "rock.00005.png")
    fifth, said = load("gtzan_images", tmp_path, splits="stratified")
    assert len(fifth.clips) == 199 and "200 clips" in said and "where there should be 999" in said
    assert len(fifth.left_out) == 801 and "a pipe" in fifth.left_out["rock.00005"]


def test_faults_are_marked_with_their_source(tmp_path):
    clips = datasets.load("gtzan", make_home(tmp_path), splits="stratified").clips
    assert clips.loc["jazz.00033", "repeats"] == "jazz.00049"
    assert "Sturm's index" in clips.loc["jazz.00033", "faults"]
    assert "Kereliuk" not in clips.loc["jazz.00033", "faults"]
    assert "Kereliuk" in clips.loc["jazz.00049", "faults"]
    assert "does not decode" in clips.loc["jazz.00054", "faults"]
    assert clips.loc["rock.00016", "repeats"] == "metal.00058"
    assert clips.loc["rock.00016", "mislabelled"] and clips.loc["disco.00027", "mislabelled"]
    assert clips.loc["blues.00000", "faults"] == "" and not clips.loc["blues.00000", "mislabelled"]
    assert (clips["repeats"] != "").sum() == 4
    unknown = clips.loc[["disco.00000", "disco.00001"]]
    assert unknown["artist"].isna().all() and unknown["title"].isna().tolist() == [True, False]
    (tmp_path / "gtzan" / "mislabelled.csv").write_text("clip,why\ncountry.00021,pop (Sturm)\n")
    clips = datasets.load("gtzan", tmp_path).clips
    assert clips.loc["country.00021", "faults"] == "mislabelled: pop (Sturm)"
    (tmp_path / "gtzan" / "mislabelled.csv").write_text("id,reason\n")
    with pytest.raises(ValueError, match=r"mislabelled\.csv needs the columns clip and why"):
        datasets.load("gtzan", tmp_path)


def test_sound_and_lists_are_needed_and_said_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"dead.*huggingface\.co.*kaggle"):
        datasets.load("gtzan", tmp_path)
    with pytest.raises(FileNotFoundError, match="download=True"):
        datasets.load("gtzan_mini", tmp_path)
    make_home(tmp_path, lists=False)
    with pytest.raises(FileNotFoundError, match=r"train_filtered\.txt.*download=True.*stratified"):
        datasets.load("gtzan", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"index\.txt"):
        datasets.load("gtzan", tmp_path, splits="artist")
    dataset = datasets.load("gtzan", tmp_path, splits="stratified")
    assert sizes(dataset) == (600, 200, 200) and dataset.clips["artist"].isna().all()
    other = datasets.load("gtzan", tmp_path, splits="stratified", seed=1)
    assert not other.clips["split"].equals(dataset.clips["split"])


def test_missing_and_odd_files_are_counted(tmp_path):
    make_home(tmp_path)
    rock = tmp_path / "gtzan" / "genres" / "rock"
    (rock / "rock.00000.wav").unlink()
    touch(rock, "my song.wav", "._rock.00002.wav")
    touch(rock, "rock.00001.au")  # beside rock.00001.wav: the wav is taken
    dataset, said = load("gtzan", tmp_path)
    assert "'rock/my song.wav' (not named like blues.00000.wav)" in said
    assert "rock/my song.wav" in dataset.left_out
    assert "999 clips" in said and "rock.00000" in said
    assert dataset.left_out["rock.00000"] == "no file of this clip"
    assert dataset.clips.loc["rock.00001", "path"].endswith(".wav")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("train_filtered.txt", "", "is empty"),
        ("valid_filtered.txt", "1\n2\n3\n", "should list clips like blues"),
        ("test_filtered.txt", "blues/blues.00000.wav\n", "are in two splits"),
        ("index.txt", "## only comments\n", "artist ::: title"),
    ],
)
def test_damaged_lists_are_errors_that_name_the_file(tmp_path, file, text, message):
    make_home(tmp_path)
    (tmp_path / "gtzan" / file).write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        datasets.load("gtzan", tmp_path)
    assert file in str(error.value)


def test_gtzan_mini_has_a_hundred_clips_and_by_artist_where_there_is_an_index(tmp_path):
    mini = tmp_path / "gtzan_mini" / "genres"
    touch(mini, *(f"{name.split('.')[0]}/{name}.wav" for name in NAMES[::10]))
    dataset = datasets.load("gtzan_mini", tmp_path)
    assert sizes(dataset) == (60, 20, 20) and dataset.splits == "stratified"
    (tmp_path / "gtzan").mkdir()
    make_lists(tmp_path / "gtzan")  # gtzan's lists serve the miniature
    by_artist = datasets.load("gtzan_mini", tmp_path, splits="artist").clips
    assert splits.overlap(by_artist) == 0 and by_artist["artist"].notna().sum() == 99


def test_survey_counts_what_the_lists_say(tmp_path):
    make_lists(tmp_path)
    found = survey(tmp_path)
    assert found["artists"] == 103 and found["unknown"] == 2  # motor and Motor, and Hawk
    assert found["repeated"] == 4 and found["left_out"] == 100
    assert found["left_out_repeats"] == 1  # jazz.00049
    assert len(found["mixed_artists"]) == 100 and "Hawk" not in found["mixed_artists"]
    assert found["leader"]["blues"] == ["artist 0 of blues", 10]
    assert found["overlap"]["artist"] == 0 and found["overlap"]["fault_filtered"] > 0.98


def published(tmp_path, shared_data):
    (tmp_path / "gtzan").mkdir(exist_ok=True)
    for file in (shared_data / "gtzan").iterdir():
        shutil.copy(file, tmp_path / "gtzan")
    return tmp_path


def test_the_published_lists_and_clips(tmp_path, shared_data):
    """Whatever rests on the real files: checksums, counts, the numbers of the chapter."""
    for file, sha256 in gtzan.LISTS.values():
        content = (shared_data / "gtzan" / file).read_bytes()
        assert hashlib.sha256(content).hexdigest() == sha256
    make_home(published(tmp_path, shared_data), lists=False)
    dataset = datasets.load("gtzan", tmp_path)
    assert sizes(dataset) == (443, 197, 290)
    assert len(dataset.left_out) == 70 and 0 < splits.overlap(dataset.clips) < 0.1
    blues = dataset.clips.loc["blues.00012"]
    assert blues["split"] == "test" and blues["artist"] == "Robert Johnson"
    clips = datasets.load("gtzan", tmp_path, splits="artist").clips
    assert splits.overlap(clips) == 0 and clips.loc["jazz.00033", "repeats"] == "jazz.00051"
    assert (clips["repeats"] != "").sum() == 127

    mini = datasets.load("gtzan_mini", shared_data)
    assert len(mini.clips) == 100 and mini.genres == gtzan.GENRES
    with pytest.warns(UserWarning, match=r"too few artists for every split.*blues"):
        by_artist = datasets.load("gtzan_mini", shared_data, splits="artist").clips
    blues = by_artist[by_artist["genre"] == "blues"]
    assert blues["artist"].nunique() == 1 and set(blues["split"]) == {"training"}

    found = survey(shared_data / "gtzan")
    assert (found["artists"], found["unknown"], found["left_out"]) == (271, 17, 70)
    assert found["artists"] == facts.TABLE1_CHECKED.set_index("dataset").loc["GTZAN", "artists"]
    assert found["leader"]["reggae"] == ["Bob Marley", 35]  # as Sturm (2012) says
    assert found["leader"]["pop"] == ["Britney Spears", 24]
    written = results.read("gtzan")
    assert written["overlap"].pop("stratified") == pytest.approx(0.806, abs=0.02)
    assert found["overlap"].pop("stratified") == pytest.approx(0.806, abs=0.02)
    assert {key: written[key] for key in found} == found


def test_every_fifth_picture_of_gtzan(tmp_path, shared_data):
    script = shared_data / "gtzan_images" / "unpack.py"
    goal = published(tmp_path, shared_data) / "gtzan_images"
    subprocess.run([sys.executable, script, goal], check=True)
    dataset, said = load("gtzan_images", tmp_path)
    assert "200 clips" in said and sum(sizes(dataset)) == len(dataset.clips) == 184
    assert len(dataset.left_out) == 1000 - 184
    assert dataset.validate().loc["present", "count"] == 184
    by_artist, _ = load("gtzan_images", tmp_path, splits="artist")
    assert splits.overlap(by_artist.clips) == 0 and len(by_artist.clips) == 200
