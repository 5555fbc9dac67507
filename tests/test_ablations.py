"""The study's bookkeeping: what is run, what is found again, and the statistics over seeds."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from prcnn import evaluation, models
from prcnn.evaluation import paired
from prcnn.study import ablations, paper, results

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


def simulated(rng, clips, method=0.0, seeds_sd=0.0, n_seeds=5):
    """Reports of a method: clips differ in difficulty, runs in luck."""
    runs = rng.normal(method, seeds_sd, (n_seeds, 1))
    right = rng.random((n_seeds, len(clips))) < 1 / (1 + np.exp(-(clips + runs)))
    return [runs_report(np.flatnonzero(row), len(clips)) for row in right]


def test_one_seed_each_agrees_with_mcnemar():
    first, second = runs_report(range(0, 130)), runs_report(range(20, 120))
    exact = evaluation.mcnemar(first, second)
    found = evaluation.compare_over_seeds([first], [second])
    assert found.p_value == pytest.approx(exact.p_value, abs=0.01)
    assert found.difference == pytest.approx(exact.difference)


def test_equal_methods_tie_and_different_ones_do_not():
    rng = np.random.default_rng(0)
    weak = [runs_report(rng.choice(200, 100, replace=False)) for _ in range(5)]
    same = [runs_report(rng.choice(200, 100, replace=False)) for _ in range(5)]
    strong = [runs_report(rng.choice(200, 150, replace=False)) for _ in range(5)]
    assert evaluation.compare_over_seeds(weak, same).p_value > 0.05
    found = evaluation.compare_over_seeds(strong, weak)
    assert found.p_value < 0.001
    low, high = evaluation.interval_over_seeds(strong)
    assert low < 0.75 < high
    assert found.difference == pytest.approx(0.25)


def test_one_seed_each_is_the_paired_t_test():
    first, second = runs_report(range(0, 120)), runs_report(range(20, 125))
    found = evaluation.compare_over_seeds([first], [second])
    expected = stats.ttest_rel(first.correct.astype(float), second.correct.astype(float))
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(expected.confidence_interval(0.95))
    exact = evaluation.mcnemar(first, second)
    assert found.p_value == pytest.approx(exact.p_value, abs=0.005)
    assert found.difference == pytest.approx(exact.difference)


def test_many_clips_leave_the_seeds_t_test():
    """Ten thousand clips of one difficulty: only the runs' luck is left, so Welch's test is."""
    rng = np.random.default_rng(0)
    first = simulated(rng, np.zeros(10_000), 0.1, seeds_sd=0.5)
    second = simulated(rng, np.zeros(10_000), 0.0, seeds_sd=0.2)
    found = evaluation.compare_over_seeds(first, second)
    welch = stats.ttest_ind(
        [r.accuracy for r in first], [r.accuracy for r in second], equal_var=False
    )
    assert found.p_value == pytest.approx(welch.pvalue, abs=0.01)
    assert (found.low, found.high) == pytest.approx(welch.confidence_interval(0.95), abs=0.005)


def test_equal_methods_seldom_differ_and_different_ones_mostly_do():
    """With luck of the run and choice of the clips in play, the level and the power are there."""
    rng = np.random.default_rng(1)
    p_values = {0.0: [], 2.0: []}
    covered = []
    for _ in range(200):
        clips = rng.normal(0, 1.5, 112)
        base = simulated(rng, clips, seeds_sd=0.4)
        for better, found in p_values.items():
            other = simulated(rng, clips, better, seeds_sd=0.4)
            found.append(evaluation.compare_over_seeds(other, base).p_value)
        low, high = evaluation.interval_over_seeds(base)
        covered.append(low <= 0.5 <= high)  # by symmetry the mean over all clips and runs
    assert np.mean(np.array(p_values[0.0]) < 0.05) < 0.09
    assert np.mean(np.array(p_values[2.0]) < 0.05) > 0.8
    assert np.mean(covered) > 0.9


def test_interval_widens_with_the_spread_over_seeds():
    steady = [runs_report(range(100))] * 5
    moody = [runs_report(range(n)) for n in (20, 60, 100, 140, 180)]
    widths = [np.diff(evaluation.interval_over_seeds(reports))[0] for reports in (moody, steady)]
    assert widths[0] > 1.5 * widths[1]
    assert evaluation.interval_over_seeds(moody[:1]) == moody[0].interval


def test_luck_that_lies_in_both_variances_counts_once():
    """Coins: the error is that of as many answers as there are. Counted twice, 1.4 times that."""
    rng, errors = np.random.default_rng(2), []
    for _ in range(40):
        coins = [simulated(rng, np.zeros(1000)) for _ in range(2)]
        right, groups = paired._right(coins[0] + coins[1])
        errors.append(paired._contrast([(1, right[:5]), (-1, right[5:])], groups)[1])
    assert np.median(errors) == pytest.approx(np.sqrt(2 * 0.25 / (5 * 1000)), rel=0.1)


def test_copies_of_a_clip_know_no_more_than_the_clip():
    """Six clips an artist, always right or wrong together: compared as one clip an artist."""
    rng = np.random.default_rng(0)
    clips = rng.normal(0, 1, 100)
    for n_seeds in (1, 3):
        pairs = [simulated(rng, clips, method, 0.3, n_seeds) for method in (0.0, 1.0)]
        copies = [
            [
                evaluation.report(
                    np.tile(r.true, 6),
                    np.tile(r.probabilities, (6, 1)),
                    GENRES,
                    groups=np.tile(np.arange(100), 6),
                )
                for r in reports
            ]
            for reports in pairs
        ]
        expected, found = (
            evaluation.compare_over_seeds(*pairs),
            evaluation.compare_over_seeds(*copies),
        )
        assert found == pytest.approx(expected)
        naive = [[evaluation.report(r.true, r.probabilities, GENRES) for r in c] for c in copies]
        assert evaluation.compare_over_seeds(*naive).p_value < found.p_value
        if n_seeds > 1:
            intervals = [evaluation.interval_over_seeds(c[0]) for c in (pairs, copies)]
            assert intervals[0] == pytest.approx(intervals[1])


def test_luck_is_what_more_clips_average_out():
    rng = np.random.default_rng(0)
    coins = simulated(rng, np.zeros(5000))  # each answer a coin's, variance 1/4
    assert evaluation.luck_of_runs(coins) == pytest.approx(0.25, rel=0.02)
    assert evaluation.luck_of_runs([runs_report(range(100))] * 5) == pytest.approx(0)
    with pytest.raises(ValueError, match="at least two"):
        evaluation.luck_of_runs(coins[:1])


def test_methods_that_never_differ():
    steady = [runs_report(range(100))] * 5
    assert evaluation.compare_over_seeds(steady, steady) == (0, 0, 0, 1)
    all_right, all_wrong = ([runs_report(range(n))] * 2 for n in (200, 0))
    assert evaluation.compare_over_seeds(all_right, all_wrong) == (1, 1, 1, 0)
    assert evaluation.interval_over_seeds(all_right) == (1, 1)


def test_runs_on_other_clips_are_not_compared():
    with pytest.raises(ValueError, match="different clips"):
        evaluation.compare_over_seeds([runs_report([1], 90)], [runs_report([1], 60)])
    one = [runs_report([1])]
    for none in (([], one), (one, [])):
        with pytest.raises(ValueError, match="At least one report of each"):
            evaluation.compare_over_seeds(*none)
    with pytest.raises(ValueError, match="At least one report"):
        evaluation.interval_over_seeds([])


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
