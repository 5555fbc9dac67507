"""The study's bookkeeping: what is run, what is found again, and the statistics over seeds."""

import dataclasses
from pathlib import Path

import joblib
import jupytext
import matplotlib
import numpy as np
import pandas as pd
import pytest
import soundfile
from scipy import stats

from prcnn import datasets, evaluation, models, store
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
    for row, (_, network, changes, settings) in ablations.ROWS.items():
        # Sound gives (640, 128) or what a row wants; FMA-small's pictures are square.
        for shape in [None, (128, 128)] if settings is None else [settings.shape]:
            built = models.build(network, input_shape=shape, **changes)
            assert built.output_shape == (None, 8), row


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


def test_table_says_what_every_row_reaches():
    record = record_of({ablations.REFERENCE: [20, 22, 24], "RNN": [50, 52, 54]})
    record["setting"] = {"epochs": 8}
    record["rows"]["RNN"]["epoch_kept"] = [5, 7, 8]
    line = ablations.table(record).loc["RNN"]
    assert line["accuracy"] == pytest.approx(8 / 60)
    assert line["sd"] == pytest.approx(np.std([10 / 60, 8 / 60, 6 / 60], ddof=1))
    assert line["seeds"] == pytest.approx([10 / 60, 8 / 60, 6 / 60])
    assert line["late"] == pytest.approx(2 / 3)
    reports = ablations.reports_of(record, "RNN")
    assert line["macro_f1"] == pytest.approx(np.mean([r.macro_f1 for r in reports]))
    assert (line["low"], line["high"]) == evaluation.interval_over_seeds(reports)
    recalls = ablations.recalls(record)
    assert list(recalls.columns) == GENRES
    assert recalls.loc["RNN"].mean() == pytest.approx(8 / 60)  # genres are equally frequent


def test_artists_widen_the_intervals_of_the_study():
    record = record_of({"RNN": [50, 52, 54]})
    alone = ablations.table(record).loc["RNN"]
    record["groups"] = [f"artist {i // 6}" for i in range(60)]
    together = ablations.table(record).loc["RNN"]
    assert together["high"] - together["low"] > 1.3 * (alone["high"] - alone["low"])
    assert together["accuracy"] == alone["accuracy"]


def test_every_question_is_asked_of_rows_that_exist():
    for question, (reference, rows) in ablations.QUESTIONS.items():
        assert {reference, *rows} <= set(ablations.ROWS), question
        assert rows and reference not in rows, question
    asked = {row for _, rows in ablations.QUESTIONS.values() for row in rows}
    references = {reference for reference, _ in ablations.QUESTIONS.values()}
    assert asked | references == set(ablations.ROWS), "every row answers something"


def test_answers_are_corrected_within_their_question():
    base = {ablations.REFERENCE: [20, 22, 24], "5-layer CNN": [30, 31, 32]}
    record = record_of(
        {**base, "3-layer CNN": [50, 52, 54], "ELU": [21, 22, 23], "tanh": [0, 0, 1]}
    )
    answers = ablations.answers(record)
    layers, change = "Does the CNN need five layers?", "Another activation?"
    said = answers["verdict"]
    assert said[layers, "3-layer CNN"] == "worse"
    assert said[change].to_dict() == {"ELU": "undecided", "tanh": "better"}
    alone = answers.loc[(layers, "3-layer CNN")]
    assert alone["reference"] == "5-layer CNN"
    assert alone["p_holm"] == alone["p_value"], "the only row of its question"
    two = answers.loc[change]
    assert two.loc["tanh", "p_holm"] == pytest.approx(2 * two.loc["tanh", "p_value"])
    compared = evaluation.compare_over_seeds(
        *(ablations.reports_of(record, row) for row in ("ELU", ablations.REFERENCE))
    )
    assert tuple(two.loc["ELU", ["difference", "low", "high", "p_value"]]) == compared
    assert two.loc["ELU", "seeds"] == pytest.approx([1 / 60, 0, -1 / 60])
    sentence = ablations.verdict(answers, layers, "3-layer CNN")
    assert sentence.startswith("**3-layer CNN** is 35.0 points below 5-layer CNN [")
    assert sentence.endswith(": **worse**.")
    own = {"mine": ablations.Question("ELU", ["tanh", "not run"])}
    assert list(ablations.answers(record, own).index) == [("mine", "tanh")]
    assert ablations.answers(record_of({"ELU": [20]})).empty


def test_runs_that_cannot_differ_tie():
    record = record_of({ablations.REFERENCE: [20, 20, 20], "ELU": [20, 20, 20]})
    assert ablations.answers(record)["verdict"].tolist() == ["tie"]


def test_unknown_rows_are_refused(tmp_path):
    with pytest.raises(ValueError, match="Known rows: RNN"):
        ablations.sweep(tmp_path, rows=["nonsense"])


@pytest.fixture
def music(tmp_path, data_home):
    """A folder of two genres, and the parameters of a run that takes seconds."""
    rng, folder = np.random.default_rng(0), tmp_path / "music"
    for genre, cutoff in (("dull", 40), ("bright", 2)):
        (folder / genre).mkdir(parents=True)
        for i in range(10):
            y = np.convolve(rng.normal(size=22050 * 8), np.ones(cutoff) / cutoff, mode="same")
            soundfile.write(folder / genre / f"{i}.wav", 0.2 * y, 22050)
    return {"dataset": str(folder), "epochs": 1, "batch_size": 8}


def comparable(record):
    return {k: v for k, v in record.items() if k not in ("seconds", "provenance")}


def run_page(page, parameters):
    """The code of a page in this process, with parameters as papermill would set them."""
    matplotlib.use("agg")
    cells = [c for c in jupytext.read(page).cells if c.cell_type == "code"]
    namespace = {"__name__": "page"}
    for cell in cells:
        exec(cell.source, namespace)
        if "parameters" in cell.metadata.get("tags", []):
            namespace.update(parameters)


@pytest.mark.filterwarnings("ignore")
def test_the_training_page_and_the_sweep_record_the_same(tmp_path, music, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    changes = {"filters": [4, 4], "pools": [[8, 4], [8, 4]]}
    given = {**music, "network": "cnn5", "changes": changes, "seed": 3}
    page = Path(__file__).parents[1] / "book" / "train.py"
    run_page(page, {**given, "out": str(tmp_path / "page")})
    monkeypatch.setitem(ablations.ROWS, "small", ablations.Row("mine", "cnn5", changes))
    ask = {"rows": ["small"], "seeds": [3], "n_jobs": 1, "progress": False, **music}
    runs = ablations.sweep(tmp_path / "sweep", **ask)
    assert runs["error"].isna().all(), runs["error"].iloc[0]
    shown = results.read("evaluation", folder=tmp_path / "page")
    assert comparable(results.read("evaluation", folder=runs["folder"][0])) == comparable(shown)
    # As if killed before the evaluation: the training is found again, and ends the same.
    (runs["folder"][0] / "evaluation.json").unlink()
    again = ablations.sweep(tmp_path / "sweep", **ask)
    assert comparable(results.read("evaluation", folder=again["folder"][0])) == comparable(shown)
    record = ablations.collect(again)
    assert record["rows"]["small"]["changes"] == changes
    assert ablations.table(record).loc["small", "accuracy"] == shown["test"]["accuracy"]


def test_runs_go_to_worker_processes_and_to_dask(tmp_path, music, monkeypatch):
    """Runs are plain calls: whatever joblib's backend, the results lie in the folders."""
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(ablations, "_run", fake_run)
    ask = {"rows": ["RNN", "ELU"], "seeds": [0, 1], "progress": False, **music}
    monkeypatch.chdir(tmp_path)
    runs = ablations.sweep("relative", n_jobs=2, **ask)
    cluster = distributed.LocalCluster(1, processes=False, dashboard_address=None)
    with cluster, distributed.Client(cluster), joblib.parallel_config("dask"):
        on_dask = ablations.sweep("dask", n_jobs=-1, **ask)
    for found in (runs, on_dask):
        assert found["error"].isna().all()
        assert [folder.is_absolute() for folder in found["folder"]] == [True] * 4
        assert list(ablations.collect(found)["rows"]) == ["RNN", "ELU"]


def fake_run(folder, threads, parameters, data_home):
    """In place of training: `cnn5` breaks, others get every second clip right."""
    if parameters["network"] == "cnn5":
        return str(folder), "ValueError: broken"
    accuracy = {"accuracy": 0.5, "genres": GENRES}
    done = {"clips": [1, 2], "true": [0, 1], "predicted": [0, 0], "groups": None}
    done |= {"settings": "paper", "learning_rate": 0.1, "seconds": 1.0, "parameters": 1}
    done |= {"validation": accuracy, "test": accuracy, "epoch_kept": 1}
    named = ("network", "dataset", "epochs", "batch_size", "changes", "seed")
    done |= {name: parameters[name] for name in named}
    results.write("evaluation", done, folder=folder)
    return str(folder), None


fake_run.__module__ = "__main__"  # pickled whole, so that no worker imports this file and Keras


def test_finished_runs_are_not_run_again(tmp_path, music, monkeypatch):
    calls = []

    def counted(folder, threads, parameters, data_home):
        calls.append((parameters["network"], parameters["seed"]))
        return fake_run(folder, threads, parameters, data_home)

    monkeypatch.setattr(ablations, "_run", counted)
    ask = {"rows": ["RNN", "5-layer CNN"], "seeds": (0, 1), "n_jobs": 1, "progress": False}
    ask |= music
    runs = ablations.sweep(tmp_path, **ask)
    assert len(calls) == 4
    assert runs["error"].notna().tolist() == [False, True, False, True]
    ablations.sweep(tmp_path, **ask)
    assert calls[4:] == [("cnn5", 0), ("cnn5", 1)], "only what has not finished"
    longer = ablations.sweep(tmp_path, **ask | {"epochs": 2})
    assert len(calls) == 10, "more epochs are asked for"
    assert longer["folder"].tolist() == runs["folder"].tolist(), "the same run goes on"
    other = ablations.sweep(tmp_path, **ask | {"batch_size": 4})
    assert not {*other["folder"]} & {*runs["folder"]}, "other parameters are other runs"
    record = ablations.collect(runs)
    assert list(record["rows"]) == ["RNN"]
    assert record["rows"]["RNN"]["seeds"] == [0, 1]


def test_rows_that_need_sound_are_left_to_datasets_that_have_it(tmp_path, music, monkeypatch):
    monkeypatch.setattr(ablations, "_run", fake_run)
    monkeypatch.setattr(store, "extract", lambda *_, **__: None)
    every = ablations.sweep(tmp_path, seeds=[0], n_jobs=1, progress=False, **music)
    assert set(every["row"]) == set(ablations.ROWS)
    clips = datasets.load(music["dataset"])
    pictures = dataclasses.replace(clips, settings="images")
    monkeypatch.setattr(datasets, "load", lambda *_, **__: pictures)
    some = ablations.sweep(tmp_path, seeds=[0], n_jobs=1, progress=False, **music)
    assert set(every["row"]) - set(some["row"]) == {"plain STFT", "Feng's network, 5 s of STFT"}


def test_nothing_finished_is_said(tmp_path):
    runs = pd.DataFrame({"row": ["RNN"], "seed": [0], "folder": [tmp_path]})
    with pytest.raises(ValueError, match="No run"):
        ablations.collect(runs)
