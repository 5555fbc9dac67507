"""Results are written whole, with where they came from, and found again."""

import json

import numpy as np
import pytest

from prcnn.study import results


def test_a_result_comes_back_with_its_provenance(tmp_path):
    path = results.write("run", {"accuracy": np.float32(0.5), "labels": np.arange(3)}, tmp_path)
    record = results.read("run", tmp_path)
    assert record["accuracy"] == 0.5
    assert record["labels"] == [0, 1, 2]
    assert record["provenance"]["packages"]["keras"]
    assert record["provenance"]["machine"]["cores"] >= 1
    assert [p.name for p in tmp_path.iterdir()] == [path.name], "no half-written file stays"


def test_what_json_cannot_hold_is_refused_and_the_old_result_kept(tmp_path):
    results.write("run", {"accuracy": 0.5}, tmp_path)
    with pytest.raises(TypeError, match="object cannot be written"):
        results.write("run", {"accuracy": object()}, tmp_path)
    with pytest.raises(ValueError, match="nan"):
        results.write("run", {"accuracy": np.array([0.5, np.nan])}, tmp_path)
    assert results.read("run", tmp_path)["accuracy"] == 0.5


def test_an_unknown_result_lists_the_known_ones(tmp_path):
    results.write("gpu", {}, tmp_path)
    with pytest.raises(FileNotFoundError, match="Known results: gpu"):
        results.read("cpu", tmp_path)


def test_every_committed_result_says_where_it_comes_from():
    for path in results.FOLDER.glob("*.json"):
        origin = json.loads(path.read_text())["provenance"]
        assert {"date", "python", "packages", "machine"} <= set(origin), path.name


def test_an_installation_carries_results_and_is_not_written_to(tmp_path, monkeypatch):
    """As in site-packages: no checkout round it, the recorded results inside."""
    carried = tmp_path / "recorded"
    results.write("gpu", {"seconds": 20}, carried)
    monkeypatch.setattr(results, "FOLDER", carried)
    monkeypatch.chdir(tmp_path)
    assert results.names() == ["gpu"]
    path = results.write("mine", {"accuracy": 0.5})
    assert path.resolve() == tmp_path / "results" / "mine.json"
    assert results.names() == ["gpu", "mine"]
    assert results.read("mine")["accuracy"] == 0.5
    results.write("gpu", {"seconds": 15})
    assert results.read("gpu")["seconds"] == 15, "one's own comes first"
    assert [p.name for p in carried.iterdir()] == ["gpu.json"]
    with pytest.raises(FileNotFoundError, match=r"recorded\. Known results: gpu, mine"):
        results.read("cpu")
