"""What several test files share. No test touches the user's own cache or the network."""

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture
def shared_data():
    """Real clips, split lists and the authors' weights, where they lie beside the project."""
    if not SHARED.is_dir():
        pytest.skip("no ../shared/data beside the project")
    return SHARED


@pytest.fixture
def data_home(tmp_path, monkeypatch):
    """An empty home for datasets and stores."""
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("PRCNN_DATA", str(home))
    return home
