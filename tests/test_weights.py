"""What the chapters say of the published weights is what the files say today."""

import numpy as np
import pandas as pd
import pytest

from prcnn import models
from prcnn.datasets import fma
from prcnn.study import facts, results, weights

CONCATENATED = ("dwivedi", "figure2", "stacked", "dwivedi_retrained")


@pytest.fixture(scope="module")
def stored():
    return results.read("reproduction")


@pytest.fixture(scope="module")
def X():
    return np.random.default_rng(0).normal(-9, 5, (2, 640, 128)).astype("float32")


def test_stored_numbers_are_complete(stored):
    table = weights.table(stored)
    np.testing.assert_allclose(table[facts.GENRES].sum(axis=1), 1, atol=1e-5)
    for name in weights.PUBLISHED:
        here = table[table["checkpoint"] == name]
        own = here[here["gate"] == weights.own_gate(name)]
        assert len(own) == 1 + len(weights.CLIPS) * len(weights.FRONT_ENDS)
        for gate in weights.GATES:
            inputs = here[here["front_end"].isin([None, "authors"]) & (here["gate"] == gate)][
                "input"
            ]
            assert set(inputs) == {"wave", *weights.CLIPS}
    assert set(stored["parameters"]) == set(models.CHECKPOINTS)
    assert stored["gates"], "no dataset on which gates were tried"


def test_stored_numbers_are_what_weights_and_front_ends_give(stored, shared_data):
    folder = shared_data / "authors_checkpoints"
    for name in ("dwivedi", "figure3"):
        model = models.load_checkpoint(name, folder)
        table = weights.table(stored).query("checkpoint == @name and input == 'wave'")
        for gate, row in table.set_index("gate")[facts.GENRES].iterrows():
            p = weights.set_gate(model, gate).predict(weights.wave()[None], verbose=0)
            np.testing.assert_allclose(p[0], row.to_numpy(float), atol=2e-5)
        fresh = weights.convolution_statistics(
            folder / models.CHECKPOINTS[name].file.split("/")[-1]
        )
        old = pd.DataFrame.from_dict(stored["convolutions"][name], orient="index")
        np.testing.assert_allclose(fresh.astype(float), old.astype(float), rtol=1e-5)
    clips = weights._spectrograms(shared_data / "fma")
    assert {clip for clip, _ in clips} == set(weights.CLIPS)
    model = models.load_checkpoint("figure2", folder)
    keys = [(2, "authors"), (182, "paper")]
    p = model.predict(np.stack([clips[key] for key in keys]), verbose=0)
    rows = weights.table(stored).query("checkpoint == 'figure2' and gate == 'sigmoid'")
    rows = rows.set_index(["input", "front_end"])[facts.GENRES]
    for key, got in zip(keys, p, strict=True):
        np.testing.assert_allclose(got, rows.loc[key].to_numpy(float), atol=1e-3)


def test_measured_is_what_the_files_give(made_checkpoints, tmp_path, monkeypatch):
    figure3 = models.CHECKPOINTS["figure3"]
    monkeypatch.setattr(models, "CHECKPOINTS", {"figure3": figure3})
    monkeypatch.setattr(weights, "PUBLISHED", ("figure3",))
    record = weights.measure(made_checkpoints, tmp_path)  # no clips there: the wave alone
    assert record["parameters"] == {"figure3": 183_592}
    assert record["without_cnn"]["figure3"] < 1e-6
    assert record["convolutions"]["figure3"]["conv_1"]["accumulator"] < 1e-15
    table = weights.table(record)
    assert list(table["gate"]) == list(weights.GATES) and set(table["input"]) == {"wave"}
    np.testing.assert_allclose(table[facts.GENRES].sum(axis=1), 1, atol=1e-5)
    assert np.ptp(table[facts.GENRES].to_numpy(), axis=0).max() > 1e-4  # gates differ


def test_genres_and_splits_of_the_clips():
    tracks = fma.official_split()
    for clip, said in weights.CLIPS.items():
        assert tuple(tracks.loc[clip, ["genre", "split"]]) == said


def test_silent_cnn_matters_only_where_it_is_joined(X):
    model = models.build("figure3")
    kept = model.get_weights()
    whole, silenced = weights.without_cnn(model, X)
    np.testing.assert_allclose(silenced, whole, atol=1e-6)
    for before, after in zip(kept, model.get_weights(), strict=True):
        np.testing.assert_array_equal(before, after)
    whole, silenced = weights.without_cnn(models.build("dwivedi_retrained"), X)
    assert np.abs(whole - silenced).max() > 1e-3


def test_gate_is_set_in_every_gru_and_takes_effect(X):
    model = models.build("rnn2", input_shape=(64, 128), units=8)
    before = model.predict(X[:, :64], verbose=0)
    old = weights.set_gate(model, "old_hard_sigmoid").predict(X[:, :64], verbose=0)
    direct = models.build(
        "rnn2", input_shape=(64, 128), units=8, recurrent_activation="old_hard_sigmoid"
    )
    direct.set_weights(model.get_weights())
    np.testing.assert_allclose(old, direct.predict(X[:, :64], verbose=0), atol=1e-6)
    assert np.abs(old - before).max() > 1e-4
    again = weights.set_gate(model, "sigmoid").predict(X[:, :64], verbose=0)
    np.testing.assert_allclose(again, before, atol=1e-6)


def test_own_gates():
    assert weights.own_gate("dwivedi") == "old_hard_sigmoid"
    assert {weights.own_gate(n) for n in models.CHECKPOINTS if n != "dwivedi"} == {"sigmoid"}


def test_measure_gates_counts_changes_and_hits(made_checkpoints, monkeypatch):
    monkeypatch.setattr(weights, "PUBLISHED", ("figure3",))
    X = weights.wave()[None]
    said = models.load_checkpoint("figure3", made_checkpoints).predict(X, verbose=0).argmax(1)
    found = weights.measure_gates(made_checkpoints, X, said)["figure3"]
    assert found["sigmoid"] == {"changed": 0, "n": 1, "correct": 1}
    assert set(found) == set(weights.GATES)
