"""Reports compared on the same clips: exact tests, several seeds, artists, four verdicts."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import binomtest
from test_evaluation import GENRES, certain

from prcnn import evaluation
from prcnn.evaluation import paired

TRIO = ["Folk", "Pop", "Rock"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=80))
def test_mcnemar_is_a_binomial_test_of_the_disagreements(outcomes):
    first, second = (
        certain([0] * len(outcomes), [0 if right else 1 for right in column])
        for column in zip(*outcomes, strict=True)
    )
    result = evaluation.mcnemar(first, second)
    b, c = outcomes.count((True, False)), outcomes.count((False, True))
    assert (result.only_first, result.only_second) == (b, c)
    assert result.difference == pytest.approx((b - c) / len(outcomes))
    # Twice the smaller tail of a fair coin, by the definition.
    tail = sum(math.comb(b + c, k) for k in range(min(b, c) + 1)) / 2 ** (b + c)
    assert result.p_value == pytest.approx(min(1, 2 * tail))
    assert evaluation.mcnemar(second, first).p_value == pytest.approx(result.p_value)
    if b + c:
        assert result.p_value == pytest.approx(binomtest(min(b, c), b + c).pvalue)


def test_mcnemar_pairs_by_clip_not_by_row():
    first = certain([0, 1, 2, 3], [0, 1, 0, 0], clips=list("abcd"))
    order = [3, 1, 0, 2]
    shuffled = certain(
        first.true[order], first.predicted[order], clips=[list("abcd")[i] for i in order]
    )
    result = evaluation.mcnemar(first, shuffled)
    assert result[:2] == (0, 0)
    assert result.p_value == 1


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (certain([0, 1], [0, 1], clips=["a", "c"]), "different clips"),
        (certain([0], [0], clips=["a"]), "different clips"),
        (certain([0, 2], [0, 1], clips=["a", "b"]), "different true genres"),
        (certain([0, 1], [0, 1], GENRES[:3], clips=["a", "b"]), "different genres"),
        (certain([0, 1], [0, 1], clips=["a", "b"], groups=[1, 1]), "different groups"),
    ],
)
def test_mcnemar_and_over_seeds_refuse_other_clips(other, message):
    report = certain([0, 1], [0, 1], clips=["a", "b"], groups=[1, 2])
    for compare in (evaluation.mcnemar, lambda *both: evaluation.over_seeds(both)):
        with pytest.raises(ValueError, match=message):
            compare(report, other)


def flip_every_group(leads, groups):
    """McNemar's p-value the long way: all signs that groups can have."""
    sums = [leads[groups == g].sum() for g in np.unique(groups)]
    all_signs = itertools.product((-1, 1), repeat=len(sums))
    reached = [abs(np.dot(signs, sums)) >= abs(sum(sums)) for signs in all_signs]
    return np.mean(reached)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), min_size=1))
def test_mcnemar_tosses_one_coin_a_group(outcomes):
    one, other, groups = map(np.array, zip(*outcomes, strict=True))
    true = np.zeros(len(outcomes), int)
    first, second = (certain(true, np.where(r, 0, 1), groups=groups) for r in (one, other))
    found = evaluation.mcnemar(first, second)
    expected = flip_every_group(one.astype(int) - other.astype(int), groups)
    assert found.p_value == pytest.approx(expected)
    plain = certain(true, np.where(other, 0, 1))  # the groups of either serve both
    assert evaluation.mcnemar(first, plain) == found


def test_temperature_undoes_what_made_a_network_too_sure():
    rng = np.random.default_rng(12)
    logs = rng.normal(0, 2, (4000, 5))
    p = np.exp(logs) / np.exp(logs).sum(axis=1, keepdims=True)
    true = np.array([rng.choice(5, p=row) for row in p])
    for factor in (1.0, 3.0, 0.5):
        sure = np.exp(factor * logs) / np.exp(factor * logs).sum(axis=1, keepdims=True)
        found = evaluation.temperature(evaluation.report(true, sure, list("abcde")))
        assert found == pytest.approx(factor, rel=0.06)


def test_over_seeds():
    reports = [certain([0, 1, 2, 3], p) for p in ([0, 1, 2, 3], [0, 1, 2, 0], [0, 1, 1, 1])]
    table = evaluation.over_seeds(reports)
    assert table.loc["accuracy"].tolist() == pytest.approx([0.75, 0.25, 3])
    assert table.loc["macro_f1", "sd"] == pytest.approx(
        np.std([r.macro_f1 for r in reports], ddof=1)
    )
    assert math.isnan(evaluation.over_seeds(reports[:1]).loc["accuracy", "sd"])
    with pytest.raises(ValueError, match="at least one"):
        evaluation.over_seeds([])


def test_one_artist_says_nothing_of_others():
    report = certain([0, 1, 2], [0, 1, 0], groups=["a"] * 3)
    assert report.interval == (0, 1)
    for compare in (evaluation.compare_over_seeds, lambda a, b: evaluation.interval_over_seeds(a)):
        with pytest.raises(ValueError, match="All 3 clips are one group"):
            compare([report] * 2, [report] * 2)
        with pytest.raises(ValueError, match="All 1 clips are one group"):
            compare([certain([0], [0])] * 2, [certain([0], [1])] * 2)
    assert evaluation.interval_over_seeds([certain([2], [2])]) == certain([2], [2]).interval


def test_verdicts_are_four():
    said = {
        (0.05, 0.01, 0.09, 0.01): "better",
        (-0.05, -0.09, -0.01, 0.01): "worse",
        (0.0, -0.03, 0.03, 0.9): "tie",
        (0.01, -0.02, 0.031, 0.6): "undecided",
        (-0.01, -0.031, 0.02, 0.6): "undecided",
        (0.02, 0.001, 0.029, 0.04): "better",
    }
    for numbers, word in said.items():
        assert evaluation.verdict(evaluation.PairedSeeds(*numbers)) == word, numbers
    several = evaluation.PairedSeeds(0.05, 0.01, 0.09, 0.04)
    assert evaluation.verdict(several, p_value=0.08) == "undecided", "what counts is Holm's p"
    assert evaluation.verdict(several, p_value=0.08, tie=0.1) == "tie"


def runs_report(correct, n_clips=200):
    """A report in which exactly the clips in ``correct`` are right."""
    true = np.arange(n_clips) % 3
    predicted = np.where(np.isin(np.arange(n_clips), correct), true, (true + 1) % 3)
    return evaluation.report(true, np.eye(3)[predicted], TRIO)


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


def test_interval_over_seeds_is_that_of_crossed_clips_and_runs():
    """Written out as a two-way analysis of variance: MS are its mean squares."""
    rng, runs, clips = np.random.default_rng(3), 4, 60
    chance = rng.uniform(0.1, 0.7, clips) + np.array([[0.0], [0.1], [0.2], [0.3]])
    right = (rng.random((runs, clips)) < chance).astype(int)
    found = evaluation.interval_over_seeds([certain([0] * clips, 1 - row) for row in right])
    mean, of_runs, of_clips = right.mean(), right.mean(axis=1), right.mean(axis=0)
    ms_runs = clips * np.square(of_runs - mean).sum() / (runs - 1)
    ms_clips = runs * np.square(of_clips - mean).sum() / (clips - 1)
    left = right - of_runs[:, None] - of_clips + mean
    ms_left = np.square(left).sum() / ((runs - 1) * (clips - 1))
    assert min(ms_runs, ms_clips) > ms_left, "so that the luck counts"
    n = runs * clips
    variance = (ms_runs + ms_clips - ms_left) / n
    df = variance**2 / ((ms_runs / n) ** 2 / (runs - 1) + (ms_clips / n) ** 2 / (clips - 1))
    half = stats.t.ppf(0.975, df) * variance**0.5
    assert found == pytest.approx((mean - half, mean + half))


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
                    TRIO,
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
        naive = [[evaluation.report(r.true, r.probabilities, TRIO) for r in c] for c in copies]
        assert evaluation.compare_over_seeds(*naive).p_value < found.p_value
        if n_seeds > 1:
            intervals = [evaluation.interval_over_seeds(c[0]) for c in (pairs, copies)]
            assert intervals[0] == pytest.approx(intervals[1])


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
