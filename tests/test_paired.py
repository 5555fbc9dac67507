"""Methods compared on the same clips: exact tests, several runs, folds, artists, four verdicts."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from test_evaluation import GENRES, certain

from prcnn import evaluation


@settings(deadline=None, max_examples=40)
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
    assert result.p_value == pytest.approx(stats.binomtest(b, b + c).pvalue if b + c else 1)


@settings(deadline=None, max_examples=25)
@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), min_size=1))
def test_mcnemar_tosses_one_coin_a_group(outcomes):
    one, other, groups = map(np.array, zip(*outcomes, strict=True))
    true = np.zeros(len(outcomes), int)
    first, second = (certain(true, np.where(r, 0, 1), groups=groups) for r in (one, other))
    found = evaluation.mcnemar(first, second)
    sums = [(one.astype(int) - other)[groups == g].sum() for g in np.unique(groups)]
    signs = itertools.product((-1, 1), repeat=len(sums))
    assert found.p_value == pytest.approx(
        np.mean([abs(np.dot(s, sums)) >= abs(sum(sums)) for s in signs])
    )
    plain = certain(true, np.where(other, 0, 1))  # the groups of either serve both
    assert evaluation.mcnemar(first, plain) == found


def test_reports_are_paired_by_clip_not_by_row():
    first = certain([0, 1, 2, 3], [0, 1, 0, 0], clips=list("abcd"))
    order = [3, 1, 0, 2]
    shuffled = certain(
        first.true[order], first.predicted[order], clips=[list("abcd")[i] for i in order]
    )
    assert evaluation.mcnemar(first, shuffled) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (certain([0, 1], [0, 1], clips=["a", "c"]), "different clips"),
        (certain([0], [0], clips=["a"]), "different clips"),
        (certain([0, 2], [0, 1], clips=["a", "b"]), "different true genres"),
        (certain([0, 1], [0, 1], GENRES[:3], clips=["a", "b"]), "different genres"),
        (certain([0, 1], [0, 1], clips=["a", "b"], groups=[1, 1]), "different groups"),
        (None, "At least one report of each"),
    ],
)
def test_other_clips_are_not_compared(other, message):
    one, others = [certain([0, 1], [0, 1], clips=["a", "b"], groups=[1, 2])], [other]
    if other is None:
        others = []
    for compare in (
        evaluation.compare_over_seeds,
        lambda a, b: evaluation.compare_over_seeds(b, a),
        lambda a, b: evaluation.interval_over_seeds(a + b if b else b),
    ):
        with pytest.raises(ValueError, match=message):
            compare(one, others)


def test_one_artist_says_nothing_of_others():
    for n in (3, 1):
        with pytest.raises(ValueError, match=f"All {n} clips are one group"):
            evaluation.compare([1] * n, [0] * n, ["a"] * n)
    with pytest.raises(ValueError, match=r"3 clips need a group and a fold each.* 2 groups"):
        evaluation.compare([1] * 3, [0] * 3, [1, 2])
    with pytest.raises(ValueError, match="none missing"):
        evaluation.compare([1] * 3, [0] * 3, ["a", "b", None])


def test_what_no_group_contradicts_is_no_proof():
    """Two clips, one method right on both: McNemar's 0.5. And two ties of two clips are none."""
    for n in (2, 5, 6, 100):
        found = evaluation.compare([1] * n, [0] * n)
        assert (found.difference, found.high) == (1, 1)
        assert found.p_value == pytest.approx(2 * 0.5**n)
        exact = stats.binomtest(n, n).proportion_ci(method="exact").low
        assert found.low == pytest.approx(2 * exact - 1)
        assert (found.low > 0) == (found.p_value < 0.05)
    assert evaluation.verdict(evaluation.compare([1, 1], [0, 0])) == "undecided"
    known = evaluation.compare([1, 1], [0, 0], run_variance=(1e-4, 1e-4))
    assert known.p_value == 0.5
    assert known.low < evaluation.compare([1, 1], [0, 0]).low
    same = evaluation.compare([1, 0], [1, 0])
    assert (same.difference, same.p_value) == (0, 1)
    assert evaluation.verdict(same) == "undecided"
    assert evaluation.verdict(evaluation.compare([1] * 800, [1] * 800)) == "tie"


def test_verdicts_are_four():
    said = {
        (0.05, 0.01, 0.09, 0.01): "better",
        (-0.05, -0.09, -0.01, 0.01): "worse",
        (0.0, -0.02, 0.02, 0.9): "tie",
        (0.01, -0.01, 0.021, 0.6): "undecided",
        (-0.01, -0.021, 0.01, 0.6): "undecided",
        (0.01, 0.001, 0.019, 0.04): "better",
    }
    for numbers, word in said.items():
        assert evaluation.verdict(evaluation.Comparison(*numbers, 100)) == word, numbers
    several = evaluation.Comparison(0.05, 0.01, 0.09, 0.04, 100)
    assert evaluation.verdict(several, p_value=0.08) == "undecided", "what counts is q"
    assert evaluation.verdict(several, p_value=0.08, margin=0.1) == "tie"


def simulated(rng, clips, method=0.0, runs_sd=0.0, n_runs=5, folds=None):
    """Which of `clips`, more or less difficult, the runs of a method get right: (runs, clips).

    A run has its luck, and where clips have `folds`, another luck in each.
    """
    folds = np.zeros(len(clips), int) if folds is None else folds
    luck = rng.normal(method, runs_sd, (n_runs, folds.max() + 1))
    return rng.random((n_runs, len(clips))) < 1 / (1 + np.exp(-(clips + luck[:, folds])))


def test_one_run_each_is_the_paired_t_test_near_mcnemars():
    first, second = np.arange(200) < 120, (np.arange(200) >= 20) & (np.arange(200) < 125)
    found = evaluation.compare(first, second)
    expected = stats.ttest_rel(first.astype(float), second.astype(float))
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found[1:3] == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert found.p_value == pytest.approx(stats.binomtest(20, 25).pvalue, abs=0.005)
    pair = [[certain([0] * 200, 1 * ~right)] for right in (first, second)]
    assert evaluation.compare_over_seeds(*pair) == found
    wide = evaluation.compare(first, second, level=0.99)
    assert wide[1:3] == pytest.approx(tuple(expected.confidence_interval(0.99)))


def test_many_clips_leave_the_runs_t_test():
    """Ten thousand clips of one difficulty: only the runs' luck is left, so Welch's test is."""
    rng = np.random.default_rng(0)
    first, second = (simulated(rng, np.zeros(10_000), *how) for how in ((0.1, 0.5), (0.0, 0.2)))
    found = evaluation.compare(first, second)
    welch = stats.ttest_ind(first.mean(axis=1), second.mean(axis=1), equal_var=False)
    assert found.p_value == pytest.approx(welch.pvalue, abs=0.01)
    assert found[1:3] == pytest.approx(tuple(welch.confidence_interval(0.95)), abs=0.005)


def test_crossed_clips_and_runs_are_a_two_way_analysis_of_variance():
    """Written out: MS are its mean squares. What a run's luck with a clip adds counts once."""
    rng, runs, clips = np.random.default_rng(3), 4, 60
    chance = rng.uniform(0.1, 0.7, clips) + np.array([[0.0], [0.1], [0.2], [0.3]])
    right = (rng.random((runs, clips)) < chance).astype(int)
    found = evaluation.compare(right, np.zeros((1, clips)))
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
    assert found[1:3] == pytest.approx((mean - half, mean + half))
    assert evaluation.run_variance([right]) == pytest.approx((ms_runs - ms_left) / clips)
    known = evaluation.compare(right, np.zeros((1, clips)), run_variance=(0.01, 0))
    variance = ms_clips / n + 0.01 / runs
    half = stats.t.ppf(0.975, variance**2 / ((ms_clips / n) ** 2 / (clips - 1))) * variance**0.5
    assert known[1:3] == pytest.approx((mean - half, mean + half))
    low, high = evaluation.interval_over_seeds([certain([0] * clips, 1 - row) for row in right])
    assert (low, high) == evaluation.accuracy_interval(right)
    assert (low, high) == pytest.approx(tuple(found[1:3]), abs=0.02), "far from 0 and 1, as t's"


def test_equal_methods_seldom_differ_and_different_ones_mostly_do():
    """With luck of the run and choice of the clips in play, the level and the power are there."""
    rng = np.random.default_rng(1)
    p_values, covered = {0.0: [], 2.0: []}, []
    for _ in range(200):
        clips = rng.normal(0, 1.5, 112)
        base = simulated(rng, clips, 0.0, 0.4)
        for better, found in p_values.items():
            found.append(evaluation.compare(simulated(rng, clips, better, 0.4), base).p_value)
        low, high = evaluation.accuracy_interval(base)
        covered.append(low <= 0.5 <= high)  # by symmetry the mean over all clips and runs
    assert np.mean(np.array(p_values[0.0]) < 0.05) < 0.09
    assert np.mean(np.array(p_values[2.0]) < 0.05) > 0.8
    assert np.mean(covered) > 0.92


def test_one_run_in_five_folds_with_the_variance_of_others():
    """The study's protocol: every clip tested once, by one of five networks; two rows ran twice."""
    rng, seen, found = np.random.default_rng(5), [], []
    folds = np.arange(1000) % 5
    stretches = np.arange(1000) // 20 * 5 + folds  # 250 of four clips; no fold parts them
    for _ in range(120):
        clips = rng.normal(0, 1.5, 250)[np.unique(stretches, return_inverse=True)[1]]
        twice = [simulated(rng, clips, 0.0, 0.5, 2, folds) for _ in range(2)]
        found.append(evaluation.run_variance(twice, stretches, folds))
        one, other = (simulated(rng, clips, 0.0, 0.5, 1, folds)[0] for _ in range(2))
        given = evaluation.compare(one, other, stretches, run_variance=(found[-1],) * 2)
        alone = evaluation.compare(one, other, stretches)
        of_two = evaluation.compare(*twice, stretches, folds=folds)
        seen.append([compared.p_value < 0.05 for compared in (given, alone, of_two)])
    chances = 1 / (1 + np.exp(-rng.normal(0, 1.5, 2000) - rng.normal(0, 0.5, (500, 1))))
    luck = chances.mean(axis=1).var()
    assert np.mean(found) == pytest.approx(luck / 5, rel=0.2), "of five networks' mean: a fifth"
    known, ignored, of_two = np.mean(seen, axis=0)
    assert known < 0.09
    assert of_two < 0.09
    assert ignored > 0.1, "clips alone do not say what another run would"
    with pytest.raises(ValueError, match="two runs of every method"):
        evaluation.run_variance([*twice, one])


def test_copies_of_a_clip_are_compared_as_the_clip():
    """Six clips an artist, always right or wrong together: compared as one clip an artist."""
    rng = np.random.default_rng(0)
    clips = rng.normal(0, 1, 100)
    for n_runs in (1, 3):
        pair = [simulated(rng, clips, method, 0.3, n_runs) for method in (0.0, 1.0)]
        copies = [np.tile(right, 6) for right in pair]
        found = evaluation.compare(*copies, np.tile(np.arange(100), 6))
        assert found == pytest.approx(evaluation.compare(*pair))
        assert evaluation.compare(*copies).p_value < found.p_value
