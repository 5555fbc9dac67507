"""What several test files share. No test touches the user's own cache or the network."""

from pathlib import Path

import make
import numpy as np
import pooch
import pytest
from make import SHARED, SOURCES

from prcnn.datasets import fma


@pytest.fixture
def shared_data():
    """Real clips, split lists and the authors' weights, where they lie beside the project."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared/data beside the project")
    return SHARED


@pytest.fixture(scope="session")
def made_data(tmp_path_factory, made_files):
    """Stand-ins, laid out as ../shared/data is."""
    folder = tmp_path_factory.mktemp("made")
    make.write_clips(folder)
    (folder / "authors_checkpoints").symlink_to(made_files)
    return folder


@pytest.fixture(params=SOURCES)
def clips_and_weights(request, made_data):
    """A folder of stand-ins; and ../shared/data itself, where it lies beside the project."""
    if request.param == "published":
        return SHARED
    request.getfixturevalue("made_checkpoints")
    return made_data


@pytest.fixture
def data_home(tmp_path, monkeypatch):
    """An empty home for datasets and stores."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("PRCNN_DATA", str(home))
    return home


@pytest.fixture(scope="session")
def made_files(tmp_path_factory):
    """A folder of weight files like the authors', with made numbers."""
    return make.write(tmp_path_factory.mktemp("checkpoints"))


@pytest.fixture
def made_checkpoints(made_files, monkeypatch):
    """The same folder, in a test to which these are the files that were published."""
    from prcnn.models import CHECKPOINTS

    for name, checkpoint in CHECKPOINTS.items():
        sha1 = pooch.file_hash(made_files / Path(checkpoint.file).name, "sha1")
        monkeypatch.setitem(CHECKPOINTS, name, checkpoint._replace(sha1=sha1))
    return made_files


@pytest.fixture(params=SOURCES)
def checkpoints_folder(request):
    """The made weight files, and the authors' own where they lie beside the project."""
    if request.param == "published":
        return SHARED / "authors_checkpoints"
    return request.getfixturevalue("made_checkpoints")


@pytest.fixture
def nearest():
    """A classifier by nearest neighbour, whatever is asked for; and all X that it was fitted to."""
    from sklearn.neighbors import KNeighborsClassifier

    fitted = []

    class Watched(KNeighborsClassifier):
        def fit(self, X, y):
            fitted.append(X)
            return super().fit(X, y)

    return lambda *_: Watched(1), fitted


@pytest.fixture
def pictures(data_home):
    """Pictures of three clips a genre and split: 72 files in the public layout."""
    some = fma.official_split().groupby(["genre", "split"]).head(3)
    for clip, genre in some["genre"].items():
        path = data_home / "fma_small_images" / "spectrograms" / genre / f"{clip:06d}.png"
        make.picture(
            path, np.random.default_rng(clip).integers(0, 256, (128, 128)).astype(np.uint8)
        )
    return path.parents[1]
