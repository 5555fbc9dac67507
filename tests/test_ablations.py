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

from prcnn import datasets, evaluation, models, store
from prcnn.study import ablations, experiment, paper, questions, results

GENRES = ["Folk", "Pop", "Rock"]


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
                "made_on": ["jax, abacus"] * len(shifts),
            }
            for name, shifts in rows.items()
        },
    }


def test_every_row_is_a_network_that_can_be_built():
    for row, (_, network, changes, settings, _) in ablations.ROWS.items():
        # Sound gives (640, 128) or what a row wants; FMA-small's pictures are square.
        for shape in [None, (128, 128)] if settings is None else [settings.shape]:
            built = models.build(network, input_shape=shape, **changes)
            assert built.output_shape == (None, 8), row


def test_table_2_is_complete():
    rows = [row for row, (group, *_) in ablations.ROWS.items() if group == "Table 2"]
    assert len(rows) == len(paper.TABLE2)
    assert {ablations.ROWS[row][1] for row in rows} == set(paper.TABLE2["network"])


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
    for question, (reference, rows) in questions.QUESTIONS.items():
        assert {reference, *rows} <= set(ablations.ROWS), question
        assert rows and reference not in rows, question
    asked = {row for _, rows in questions.QUESTIONS.values() for row in rows}
    references = {reference for reference, _ in questions.QUESTIONS.values()}
    assert asked | references == set(ablations.ROWS), "every row answers something"


def test_answers_are_corrected_within_their_question():
    base = {ablations.REFERENCE: [20, 22, 24], "5-layer CNN": [30, 31, 32]}
    record = record_of(
        {**base, "3-layer CNN": [50, 52, 54], "ELU": [21, 22, 23], "tanh": [0, 0, 1]}
    )
    answers = questions.answers(record)
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
    assert tuple(two.loc["ELU", ["difference", "low", "high", "p_value"]]) == compared[:4]
    assert two.loc["ELU", "seeds"] == pytest.approx([1 / 60, 0, -1 / 60])
    sentence = questions.told({"60 clips": answers}, layers)
    assert sentence.startswith("- 3-layer CNN against 5-layer CNN: 60 clips −35.0 points [")
    assert sentence.endswith("], **worse**.")
    own = {"mine": questions.Question("ELU", ["tanh", "not run"])}
    assert list(questions.answers(record, own).index) == [("mine", "tanh")]
    assert questions.answers(record_of({"ELU": [20]})).empty


def test_a_verdict_counts_how_many_rows_its_question_has():
    record = record_of({ablations.REFERENCE: [20, 22, 24], "ELU": [16, 18, 17], "tanh": [20] * 3})
    alone = {"alone": questions.Question(ablations.REFERENCE, ["ELU"])}
    assert questions.answers(record, alone)["verdict"].tolist() == ["better"]
    two = questions.answers(record).loc["Another activation?"].loc["ELU"]
    assert two["p_value"] < 0.05 < two["p_holm"] and two["verdict"] == "undecided"


def test_sixty_clips_that_never_differ_do_not_show_that_none_would():
    record = record_of({ablations.REFERENCE: [20, 20, 20], "ELU": [20, 20, 20]})
    assert questions.answers(record)["verdict"].tolist() == ["undecided"]


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
    histories = [
        pd.read_csv(folder / "history.csv").drop(columns="seconds")
        for folder in (tmp_path / "page", runs["folder"][0])
    ]
    pd.testing.assert_frame_equal(*histories)  # from the same first weights, in the same order
    features, _ = experiment.prepare(music["dataset"])
    for said, split in ((shown, "test"), (shown["of_validation"], "validation")):
        assert said["clips"] == features.clips.index[features.indices(split)].tolist(), split
    assert shown["validation"]["accuracy"] == pytest.approx(histories[0]["val_accuracy"].max())
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
    done |= {"validation": accuracy, "test": accuracy, "epoch_kept": 1, "backend": "made"}
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
    assert record["rows"]["RNN"]["made_on"][0].startswith("made, ")


def test_seeds_of_another_machine_join_those_of_their_row():
    record = record_of({"tanh": [0], "RNN": [50, 52]}) | {"groups": None}
    more = record_of({"RNN": [1, 40, 54, 56], "ELU": [20]}) | {"groups": None}
    both = ablations.add(record, more)
    assert list(both["rows"]) == ["RNN", "ELU", "tanh"], "in the table's order"
    assert both["rows"]["RNN"]["seeds"] == [0, 1, 2, 3]
    accuracies = ablations.table(both)["seeds"]
    assert accuracies["RNN"] == pytest.approx([10 / 60, 8 / 60, 6 / 60, 4 / 60])
    assert accuracies["ELU"] == pytest.approx([40 / 60])
    assert {len(value) for value in both["rows"]["RNN"].values() if isinstance(value, list)} == {4}
    assert record["rows"]["RNN"]["seeds"] == [0, 1], "nothing is changed in place"
    with pytest.raises(ValueError, match="their clips differ"):
        ablations.add(record, more | {"clips": more["clips"][::-1]})
    more["rows"]["RNN"]["changes"] = {"units": 128}
    with pytest.raises(ValueError, match="'RNN' is another network"):
        ablations.add(record, more)


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
