"""GTZAN: four layouts, three splits, faults marked with their source."""

import itertools
import shutil

import pytest

from prcnn import datasets
from prcnn.datasets import gtzan, gtzan_faults, splits
from prcnn.study import checked, results

LAYOUTS = ("genres", "genres_original", "Data/genres_original")


def make_home(home, layout="genres", ending="wav", per_genre=100):
    """Lay out files named like GTZAN's, without sound: a loader looks at names only."""
    for genre in gtzan.GENRES:
        folder = home / "gtzan" / layout / genre
        folder.mkdir(parents=True)
        for number in range(per_genre):
            (folder / f"{genre}.{number:05d}.{ending}").touch()
    return home


def add_lists(home, shared_data):
    for file in (*gtzan.LISTS.values(), gtzan.INDEX):
        shutil.copy(shared_data / "gtzan" / file, home / "gtzan" / file)


@pytest.mark.parametrize(("layout", "ending"), itertools.product(LAYOUTS, ("wav", "au")))
def test_fault_filtered_split_in_every_layout(tmp_path, shared_data, layout, ending):
    add_lists(make_home(tmp_path, layout, ending), shared_data)
    dataset = datasets.load("gtzan", tmp_path)
    sizes = dataset.clips["split"].value_counts()
    assert (sizes["training"], sizes["validation"], sizes["test"]) == (443, 197, 290)
    assert dataset.genres == gtzan.GENRES and len(dataset.left_out) == 70
    assert dataset.splits == "fault_filtered"
    blues = dataset.clips.loc["blues.00012"]
    assert blues["split"] == "test" and blues["artist"] == "Robert Johnson"
    assert blues["path"].endswith(f"gtzan/{layout}/blues/blues.00012.{ending}")


def test_faults_are_marked_with_their_source(tmp_path, shared_data):
    add_lists(make_home(tmp_path), shared_data)
    clips = datasets.load("gtzan", tmp_path, splits="stratified").clips
    assert clips.loc["jazz.00033", "repeats"] == "jazz.00051"
    assert "Sturm's index" in clips.loc["jazz.00033", "faults"]
    assert "Kereliuk" in clips.loc["jazz.00033", "faults"]
    assert "does not decode" in clips.loc["jazz.00054", "faults"]
    assert clips.loc["rock.00016", "repeats"] == "metal.00058"
    assert clips.loc["rock.00016", "mislabelled"] and clips.loc["disco.00027", "mislabelled"]
    assert clips.loc["blues.00000", "faults"] == ""
    assert (clips["repeats"] != "").sum() == 127
    (tmp_path / "gtzan" / "mislabelled.csv").write_text("clip,why\ncountry.00021,pop (Sturm)\n")
    clips = datasets.load("gtzan", tmp_path).clips
    assert clips.loc["country.00021", "faults"] == "mislabelled: pop (Sturm)"
    (tmp_path / "gtzan" / "mislabelled.csv").write_text("id,reason\n")
    with pytest.raises(ValueError, match=r"mislabelled\.csv needs the columns clip and why"):
        datasets.load("gtzan", tmp_path)


def test_the_three_splits_can_be_compared(tmp_path, shared_data):
    add_lists(make_home(tmp_path), shared_data)
    leak = {}
    for how in ("stratified", "artist", "fault_filtered"):
        clips = datasets.load("gtzan", tmp_path, splits=how).clips
        leak[how] = splits.overlap(clips)
        assert (clips.groupby(["genre", "split"]).size().unstack(fill_value=0) > 0).all(axis=None)
    assert leak["artist"] == 0
    assert 0 < leak["fault_filtered"] < 0.1, "the published lists part most artists, not all"
    assert leak["stratified"] > 0.7


def test_lists_are_needed_and_said_so(tmp_path):
    make_home(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"train_filtered\.txt.*download=True.*stratified"):
        datasets.load("gtzan", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"index\.txt"):
        datasets.load("gtzan", tmp_path, splits="artist")
    with pytest.raises(ValueError, match="'fault_filtered', 'stratified' and 'artist'"):
        datasets.load("gtzan", tmp_path, splits="official")
    dataset = datasets.load("gtzan", tmp_path, splits="stratified")
    assert dataset.clips["split"].value_counts().to_dict() == {
        "training": 600, "validation": 200, "test": 200,
    }  # fmt: skip
    assert dataset.clips["artist"].isna().all()


def test_missing_audio_says_where_else_it_is(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"dead.*huggingface\.co.*kaggle"):
        datasets.load("gtzan", tmp_path)
    with pytest.raises(FileNotFoundError, match="download=True"):
        datasets.load("gtzan_mini", tmp_path)


def test_missing_and_odd_files_are_counted(tmp_path, shared_data):
    add_lists(make_home(tmp_path), shared_data)
    rock = tmp_path / "gtzan" / "genres" / "rock"
    (rock / "rock.00000.wav").unlink()
    (rock / "my song.wav").touch()
    (rock / "rock.00001.au").touch()  # beside rock.00001.wav: the wav is taken
    (rock / "._rock.00002.wav").touch()
    with pytest.warns() as caught:
        dataset = datasets.load("gtzan", tmp_path)
    messages = " ".join(str(w.message) for w in caught)
    assert "1 files are not named" in messages and "my song.wav" in messages
    assert "999 clips" in messages and "rock.00000" in messages
    assert dataset.left_out["rock.00000"] == "no file of this clip"
    assert dataset.clips.loc["rock.00001", "path"].endswith(".wav")


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("train_filtered.txt", "", "is empty"),
        ("valid_filtered.txt", "1\n2\n3\n", "should list clips like blues"),
        ("test_filtered.txt", "blues/blues.00029.wav\n", "are in two splits"),
        ("index.txt", "## only comments\n", "artist ::: title"),
    ],
)
def test_damaged_lists_are_errors_that_name_the_file(tmp_path, shared_data, file, text, message):
    add_lists(make_home(tmp_path), shared_data)
    (tmp_path / "gtzan" / file).write_text(text)
    with pytest.raises(ValueError, match=message) as error:
        datasets.load("gtzan", tmp_path)
    assert file in str(error.value)


def test_gtzan_mini_is_read_as_it_is(shared_data):
    dataset = datasets.load("gtzan_mini", shared_data)
    assert len(dataset.clips) == 100 and dataset.genres == gtzan.GENRES
    sizes = dataset.clips.groupby(["split"]).size()
    assert (sizes["training"], sizes["validation"], sizes["test"]) == (60, 20, 20)
    with pytest.warns(UserWarning, match="too few artists for every split.*blues"):
        by_artist = datasets.load("gtzan_mini", shared_data, splits="artist")
    assert splits.overlap(by_artist.clips) == 0
    blues = by_artist.clips[by_artist.clips["genre"] == "blues"]
    assert blues["artist"].nunique() == 1 and set(blues["split"]) == {"training"}


def test_survey_counts_what_the_chapter_shows(shared_data):
    """The numbers in book/results/gtzan.json, from the published files themselves."""
    found = gtzan_faults.survey(shared_data / "gtzan")
    assert (found["artists"], found["unknown"], found["left_out"]) == (271, 17, 70)
    assert found["artists"] == checked.TABLE1.set_index("dataset").loc["GTZAN", "artists"]
    assert found["leader"]["reggae"] == ["Bob Marley", 35]  # as Sturm (2012) says
    assert found["leader"]["pop"] == ["Britney Spears", 24]
    assert found["overlap"]["artist"] == 0 < found["overlap"]["fault_filtered"] < 0.1
    written = results.read("gtzan")
    assert written["overlap"].pop("stratified") == pytest.approx(0.806, abs=0.02)
    assert found["overlap"].pop("stratified") == pytest.approx(0.806, abs=0.02)
    assert {key: written[key] for key in found} == found


def test_survey_needs_its_files(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"index\.txt"):
        gtzan_faults.survey(tmp_path)
