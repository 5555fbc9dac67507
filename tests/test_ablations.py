"""The study's bookkeeping: what is run, what is found again, and the statistics over seeds."""

import numpy as np
import pandas as pd
import pytest

from prcnn import ablations, evaluation, models, paper, results

GENRES = ["Folk", "Pop", "Rock"]


def runs_report(correct, n_clips=200):
    """A report in which exactly the clips in ``correct`` are right."""
    true = np.arange(n_clips) % 3
    predicted = np.where(np.isin(np.arange(n_clips), correct), true, (true + 1) % 3)
    return evaluation.report(true, np.eye(3)[predicted], GENRES)


def record_of(rows):
    true = (np.arange(60) % 3).tolist()
    return {
        "setting": {},
        "genres": GENRES,
        "clips": list(range(60)),
        "true": true,
        "rows": {
            name: {
                "group": "Table 2",
                "network": "paper",
                "changes": {},
                "parameters": 1,
                "seeds": list(range(len(shifts))),
                "validation": [0.5] * len(shifts),
                "predicted": [
                    [(t + (i < wrong)) % 3 for i, t in enumerate(true)] for wrong in shifts
                ],
                "epoch_kept": [1] * len(shifts),
                "seconds": [1.0] * len(shifts),
            }
            for name, shifts in rows.items()
        },
    }


def test_every_row_is_a_network_that_can_be_built():
    for row, (_, network, changes) in ablations.ROWS.items():
        assert models.build(network, **changes).output_shape == (None, 8), row


def test_table_2_is_complete():
    rows = [row for row, (group, *_) in ablations.ROWS.items() if group == "Table 2"]
    assert len(rows) == len(paper.TABLE2)
    assert {ablations.ROWS[row][1] for row in rows} == set(paper.TABLE2["network"])


def test_one_seed_each_agrees_with_mcnemar():
    first, second = runs_report(range(0, 130)), runs_report(range(20, 120))
    exact = evaluation.mcnemar(first, second)
    simulated = evaluation.compare_over_seeds([first], [second])
    assert simulated.p_value == pytest.approx(exact.p_value, abs=0.01)
    assert simulated.difference == pytest.approx(exact.difference)


def test_equal_methods_tie_and_different_ones_do_not():
    rng = np.random.default_rng(0)
    weak = [runs_report(rng.choice(200, 100, replace=False)) for _ in range(5)]
    same = [runs_report(rng.choice(200, 100, replace=False)) for _ in range(5)]
    strong = [runs_report(rng.choice(200, 150, replace=False)) for _ in range(5)]
    assert evaluation.compare_over_seeds(weak, same).p_value > 0.05
    found = evaluation.compare_over_seeds(strong, weak)
    assert found.p_value < 0.001
    assert found.low < 0.75 < found.high
    assert found.difference == pytest.approx(0.25)


def test_interval_widens_with_the_spread_over_seeds():
    steady = [runs_report(range(100))] * 5
    moody = [runs_report(range(n)) for n in (20, 60, 100, 140, 180)]

    def width(reports):
        found = evaluation.compare_over_seeds(reports, steady)
        return found.high - found.low

    assert width(moody) > 1.5 * width(steady)


def test_runs_on_other_clips_are_not_compared():
    with pytest.raises(ValueError, match="different clips"):
        evaluation.compare_over_seeds([runs_report([1], 90)], [runs_report([1], 60)])


def test_table_compares_every_row_with_the_reference():
    record = record_of(
        {ablations.REFERENCE: [20, 22, 24], "RNN": [50, 52, 54], "ELU": [21, 22, 23]}
    )
    table = ablations.table(record)
    assert np.isnan(table.loc[ablations.REFERENCE, "p_value"])
    assert table.loc["RNN", "p_holm"] < 0.01 < table.loc["ELU", "p_holm"]
    assert table.loc["RNN", "accuracy"] == pytest.approx(8 / 60)
    assert table.loc["RNN", "sd"] == pytest.approx(np.std([10 / 60, 8 / 60, 6 / 60], ddof=1))


def test_verdicts_say_tie_better_or_worse():
    base = {ablations.REFERENCE: [20, 22, 24]}
    record = record_of({**base, "RNN": [50, 52, 54], "ELU": [21, 22, 23], "tanh": [0, 0, 1]})
    table = ablations.table(record)
    assert table["outcome"].to_dict() == {
        ablations.REFERENCE: "reference",
        "RNN": "worse",
        "ELU": "tie",
        "tanh": "better",
    }
    assert ablations.verdict(table, "RNN").endswith("**worse**.")
    assert ablations.verdict(table, "ELU").endswith("**a tie**.")
    assert ablations.verdict(table, "tanh").endswith("**better**.")
    assert "points below CNN + 1-layer RNN" in ablations.verdict(table, "RNN")
    assert ablations.verdict(table, ablations.REFERENCE).endswith(
        "the others are compared with it."
    )
    with pytest.raises(ValueError, match="Rows here: CNN"):
        ablations.table(record, reference="LSTM")


def test_holm_as_worked_by_hand():
    corrected = ablations._holm(pd.Series({"a": 0.01, "b": np.nan, "c": 0.04, "d": 0.03}))
    expected = {"a": 0.03, "b": np.nan, "c": 0.06, "d": 0.06}
    pd.testing.assert_series_equal(corrected, pd.Series(expected))


def test_unknown_rows_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Known rows: RNN"):
        ablations.sweep(tmp_path, rows=["nonsense"])


def test_finished_runs_are_not_run_again(tmp_path, monkeypatch):
    calls = []

    def fake(folder, threads, parameters):
        calls.append((parameters["network"], parameters["seed"]))
        if parameters["network"] == "cnn5":
            return str(folder), "ValueError: broken"
        accuracy = {"accuracy": 0.5, "genres": GENRES}
        done = {"clips": [1, 2], "true": [0, 1], "predicted": [0, 1], "parameters": 1}
        done |= {"settings": "paper", "batch_size": 64, "learning_rate": 0.1, "seconds": 1.0}
        done |= {"validation": accuracy, "test": accuracy, "network": parameters["network"]}
        done |= {"dataset": "synthetic", "epochs": 1, "changes": {}, "seed": parameters["seed"]}
        done |= {"epoch_kept": 1}
        results.write("evaluation", done, folder=folder)
        return str(folder), None

    monkeypatch.setattr(ablations, "_run", fake)
    ask = {"rows": ["RNN", "5-layer CNN"], "seeds": (0, 1), "n_jobs": 1, "progress": False}
    runs = ablations.sweep(tmp_path, epochs=1, **ask)
    assert len(calls) == 4
    assert runs["error"].notna().tolist() == [False, True, False, True]
    ablations.sweep(tmp_path, epochs=1, **ask)
    assert calls[4:] == [("cnn5", 0), ("cnn5", 1)], "only what has not finished"
    ablations.sweep(tmp_path, epochs=2, **ask)
    assert len(calls) == 10, "other parameters are other runs"
    record = ablations.collect(runs)
    assert list(record["rows"]) == ["RNN"]
    assert record["rows"]["RNN"]["seeds"] == [0, 1]


def test_nothing_finished_is_said(tmp_path):
    runs = pd.DataFrame({"row": ["RNN"], "seed": [0], "folder": [tmp_path]})
    with pytest.raises(ValueError, match="No run"):
        ablations.collect(runs)
