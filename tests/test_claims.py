"""What is said of a claim follows from the recorded results, and turns with them."""

import copy
from pathlib import Path

import numpy as np
import pytest

from prcnn.study import (
    ablations,
    claims,
    evidence,
    fma_small,
    joined,
    questions,
    results,
    segments,
)

GENRES = ["Experimental", "Folk", "Instrumental", "Pop"]
BOOK = Path(__file__).parents[1] / "book"
VERDICTS = {
    evidence.HELD,
    evidence.CONTRADICTED,
    evidence.UNDECIDED,
    evidence.UNTESTABLE,
    evidence.NOT_RUN,
}
SOURCES = ("“63 %", "“about a million", "Choi's", "genres as Spotify", "lyrics")


def reader(**records):
    def read(name):
        if name not in records:
            raise FileNotFoundError(name)
        return records[name]

    return read


def study(**wrong):
    """A study of rows that get so many of 120 clips wrong, three seeds each."""
    true = (np.arange(120) % 4).tolist()
    runs = {
        row: [[(t + (i < n)) % 4 for i, t in enumerate(true)] for n in (n - 2, n, n + 2)]
        for row, n in wrong.items()
    }
    made = {"seconds": [100.0, 150.0, 400.0], "epoch_kept": [5, 10, 30]}
    made["made_on"] = ["torch, NVIDIA A", "torch, NVIDIA A", "tensorflow, abacus"]
    return {
        "setting": {"epochs": 20, "early_stopping": 5},
        "genres": GENRES,
        "clips": list(range(120)),
        "true": true,
        "rows": {row: {"group": "", "predicted": said, **made} for row, said in runs.items()},
    }


def found(start, **records):
    (line,) = [
        line
        for line in claims.table(reader(**records)).itertuples()
        if line.claim.startswith(start)
    ]
    return line.verdict, line.figure


def test_every_claim_has_one_of_five_verdicts_and_a_chapter():
    table = claims.table()
    assert set(table["verdict"]) <= VERDICTS
    assert (table["figure"].str.len() > 0).all()
    for chapter in table["chapter"]:
        assert (BOOK / f"{chapter}.ipynb").exists(), chapter
    assert not table["claim"].duplicated().any()


def test_without_results_nothing_measured_is_said():
    table = claims.table(reader()).set_index("claim")
    for claim, line in table.iterrows():
        if claim.startswith("the parallel network reaches"):
            assert line["figure"] == "theirs, counted again: 44.9 % [41.5, 48.3]"
        elif claim.startswith("50 epochs"):
            assert not any(c.isdigit() for c in line["figure"])
        elif not claim.startswith(SOURCES):
            assert line["verdict"] == line["figure"] == evidence.NOT_RUN, claim


def test_a_verdict_turns_with_the_results():
    cnn, both = "5-layer CNN", ablations.REFERENCE
    rnn = "“does not improve"
    for wrong, theirs, fengs in (
        ({cnn: 60, both: 20}, evidence.CONTRADICTED, evidence.HELD),
        ({cnn: 20, both: 60}, evidence.HELD, evidence.CONTRADICTED),
        ({cnn: 40, both: 38}, evidence.UNDECIDED, evidence.UNDECIDED),
    ):
        records = {fma_small.STUDY: study(**wrong)}
        assert found(rnn, **records)[0] == theirs
        assert found("“the additional Bi-RNN", **records)[0] == fengs


def test_fma_small_counts_and_the_synthetic_study_stands_beside_it():
    layers, cnn3, cnn5 = "five convolutions", "3-layer CNN", "5-layer CNN"
    synthetic = {"ablations_synthetic": study(**{cnn5: 60, cnn3: 20})}
    word, figure = found(layers, **synthetic)
    assert word == evidence.CONTRADICTED
    assert figure.startswith("synthetic: +33.3 points [") and "FMA-small: not run yet" in figure
    both = synthetic | {fma_small.STUDY: study(**{cnn5: 20, cnn3: 60})}
    word, figure = found(layers, **both)
    assert word == evidence.HELD
    first, second = figure.splitlines()
    assert first.startswith("FMA-small: −33.3 points [") and first.endswith(", worse")
    assert second.startswith("synthetic: +33.3 points [") and second.endswith(", better")


def test_gtzan_mini_is_asked_where_fma_small_cannot_answer():
    rows = {ablations.REFERENCE: 20, "plain STFT": 30, "5-layer CNN": 20, "3-layer CNN": 30}
    records = {
        fma_small.STUDY: study(**{"5-layer CNN": 20, "3-layer CNN": 60}),
        "ablations_synthetic": study(**rows),
        "ablations_gtzan_mini": study(**rows),
    }
    _, figure = found("log-mel", **records)
    synthetic, mini, pictures = figure.splitlines()
    assert synthetic.startswith("synthetic: +8.3 points [")
    assert mini.startswith("gtzan_mini: +8.3 points [")
    assert pictures == "FMA-small: its pictures hold no sound"
    assert "gtzan_mini" not in found("five convolutions", **records)[1]


def test_a_row_of_one_run_says_so():
    record = study(**{"5-layer CNN": 20, "3-layer CNN": 60})
    _, figure = found("five convolutions", ablations_synthetic=record)
    assert "one run" not in figure
    del record["rows"]["3-layer CNN"]["predicted"][1:]
    _, figure = found("five convolutions", ablations_synthetic=record)
    assert figure.startswith("synthetic: −31.7 points [")
    assert "] of one run, undecided" in figure, "other seeds may undo it"


def test_of_many_rows_the_one_that_speaks_for_a_change_is_shown():
    rows = {ablations.REFERENCE: 40, "RNN pool (2, 2)": 60, "RNN pool (4, 2)": 62}
    rows |= {"RNN pool (4, 4)": 64, "CNN pools (2, 2)": 10}
    word, figure = found("these pools", **{fma_small.STUDY: study(**rows)})
    assert word == evidence.CONTRADICTED
    assert figure.startswith("FMA-small: best of 4, CNN pools (2, 2), +25.0 points [")


def test_two_studies_are_told_side_by_side_and_where_they_disagree():
    layers = "Does the CNN need five layers?"
    cnn3, cnn5 = "3-layer CNN", "5-layer CNN"
    better, worse = study(**{cnn5: 60, cnn3: 20}), study(**{cnn5: 20, cnn3: 60})
    open_, none = study(**{cnn5: 40, cnn3: 38}), study(**{"RNN": 20})
    better, worse, open_, none = map(questions.answers, (better, worse, open_, none))
    same = open_.assign(verdict="tie")
    said = questions.told({"real": better, "made": open_}, layers)
    assert said.startswith("- 3-layer CNN against 5-layer CNN: real +33.3 points [")
    assert "; made +1.7 points [" in said and said.count("\n") == 0
    assert questions.told({"real": none, "made": none}, layers) == ""
    for pair, kind in (
        ((better, worse), "opposite"),
        ((better, open_), "only the first"),
        ((open_, worse), "only the second"),
        ((same, worse), "tie in one"),
        ((better, same), "tie in one"),
        ((same, open_), "only the first"),
        ((open_, same), "only the second"),
        ((same, same), None),
        ((better, better), None),
        ((none, worse), None),
    ):
        found = questions.disagreements(dict(zip(("real", "made"), pair, strict=True)), layers)
        assert {k for k, rows in found.items() if rows} == ({kind} if kind else set()), kind


def test_words_become_verdicts():
    better, not_better, worse = evidence.better, evidence.not_better, evidence.worse
    assert better(["better", "undecided"]) == evidence.HELD
    assert better(["better", "worse"]) == better(["undecided", "tie"]) == evidence.UNDECIDED
    assert better(["tie"]) == better(["worse", "tie"]) == evidence.CONTRADICTED
    assert not_better(["worse", "tie"]) == worse(["worse"]) == evidence.HELD
    assert not_better(["worse", "undecided"]) == worse(["undecided"]) == evidence.UNDECIDED
    assert not_better(["worse", "better"]) == evidence.CONTRADICTED
    assert worse(["tie"]) == worse(["better"]) == evidence.CONTRADICTED


def test_hard_genres_are_judged_by_their_intervals():
    easy, hard = study(**{ablations.REFERENCE: 12}), study(**{ablations.REFERENCE: 100})
    assert found("four genres", **{fma_small.STUDY: hard})[0] == evidence.HELD
    near = study(**{ablations.REFERENCE: 76})
    assert found("four genres", **{fma_small.STUDY: near})[0] == evidence.UNDECIDED
    word, figure = found("four genres", **{fma_small.STUDY: easy})
    assert word == evidence.CONTRADICTED
    assert figure.count("[") == 4
    records = evidence.Records(reader(**{fma_small.STUDY: easy}))
    runs = ablations.reports_of(easy, ablations.REFERENCE)
    table = evidence.hard_genres(records)
    mean = np.mean([r.per_genre["f1"] for r in runs], axis=0)
    np.testing.assert_allclose(table["f1"], mean)
    assert ((table["low"] < table["f1"]) & (table["f1"] < table["high"])).all()


def test_more_data_compares_all_clips_with_half():
    true = (np.arange(200) % 4).tolist()

    def run(training, wrong):
        predicted = [(t + (i < wrong)) % 4 for i, t in enumerate(true)]
        same = {"method": "paper", "clips": list(range(0, 20 * 200, 20)), "true": true}
        return {**same, "training": training, "predicted": predicted}

    sizes = {50: 195, 100: 190, 200: 150, 400: 60}
    runs = [run(n, wrong + seed) for n, wrong in sizes.items() for seed in range(3)]
    name = "learning_curve_fma_small_images"
    word, figure = found("more data", **{name: {"genres": GENRES, "runs": runs}})
    assert word == evidence.HELD
    assert figure.startswith("paper: 400 clips against 200 +45.0 points [")
    assert ", better; against 50 +67.5 points [" in figure
    machine = [{**r, "method": "SVM on something"} for r in runs]
    word, figure = found("more data", **{name: {"genres": GENRES, "runs": machine}})
    assert word == evidence.UNDECIDED and figure.endswith("no network was tried")
    none = [{**r, "predicted": runs[0]["predicted"]} for r in runs]
    assert found("more data", **{name: {"genres": GENRES, "runs": none}})[0] != evidence.HELD


def test_features_are_judged_by_the_network_that_was_trained_with_them_or_beside_one():
    both, row = ablations.REFERENCE, "features beside both branches"
    true = (np.arange(200) % 4).tolist()

    def side_by_side(wrong):
        said = [(t + (i < wrong)) % 4 for i, t in enumerate(true)]
        rows = {joined.LEARNED: [(t + 1) % 4 for t in true[:90]] + true[90:], joined.BOTH: said}
        rows = {name: {"predicted": predicted} for name, predicted in rows.items()}
        clips = list(range(0, 4000, 20))
        return {joined.RESULT: {"genres": GENRES, "clips": clips, "true": true, "rows": rows}}

    assert found("features beside", **side_by_side(10))[0] == evidence.HELD
    word, figure = found("features beside", **side_by_side(170))
    assert word == evidence.CONTRADICTED
    assert figure.startswith("FMA-small, beside what `beyond` has learned: −40.0 points [")
    trained = {fma_small.STUDY: study(**{both: 60, row: 20})}
    assert found("features beside", **trained)[0] == evidence.HELD
    word, figure = found("features beside", **trained, **side_by_side(170))
    assert word == evidence.HELD and len(figure.splitlines()) == 2


def test_hours_are_a_step_multiplied():
    machine = {"machine": {"cores": 4}}
    speed = {"milliseconds_a_clip": {"paper": {"median": 10.0}}, "provenance": machine}
    gpu = {"device": "a card", "paper_seconds": 60.0, "epochs": 2, "clips": 3197}
    word, figure = found("50 epochs", training_speed=speed, gpu_torch=gpu)
    assert word == evidence.UNTESTABLE
    hours, minutes = 0.01 * 6394 * 50 / 3600, 60 * 50 / 60
    assert (
        f"{hours:.1f} hours on 4 cores" in figure and f"{minutes:.1f} minutes on a card" in figure
    )
    shared = {fma_small.STUDY: study(**{ablations.REFERENCE: 40})}
    _, figure = found("50 epochs", **shared)
    assert "8.3 minutes on an NVIDIA GPU that other runs shared" in figure  # 10 s an epoch
    _, figure = found("50 epochs", **shared, gpu_torch=gpu)
    assert "a card" in figure and "shared" not in figure


def test_a_leak_is_what_random_segments_gain():
    true = np.repeat(np.arange(4), 30)
    clips = np.repeat(np.arange(20), 6)

    def ways(at_random, by_clip):
        said = {
            way: ((true + (np.arange(120) % 120 < wrong)) % 4).tolist()
            for way, wrong in (("at random", at_random), ("by clip", by_clip))
        }
        return {way: {"predicted": p, "curves": []} for way, p in said.items()}

    record = {
        "genres": GENRES,
        "segments": [f"{c}:{i}" for i, c in enumerate(clips)],
        "clips": clips.tolist(),
        "true": true.tolist(),
        "networks": {"paper": ways(6, 80)},
    }
    word, figure = found("the fall from Feng", **{segments.RESULT: record})
    assert word == evidence.HELD and "at random 95.0 % [" in figure
    closed = copy.deepcopy(record)
    closed["networks"]["paper"] = ways(40, 40)
    assert found("the fall from Feng", **{segments.RESULT: closed})[0] == evidence.CONTRADICTED


def test_the_network_and_the_svm_are_two_sides_of_one_comparison():
    records = evidence.Records()
    if records.get(fma_small.RESULT) is None:
        pytest.skip("not measured")
    one = evidence.against_network("svm_rbf, MFCC, deltas, bands")(records)
    other = evidence.turned(one)
    sides = {evidence.HELD: evidence.CONTRADICTED, evidence.CONTRADICTED: evidence.HELD}
    assert other.verdict == sides.get(one.verdict, one.verdict)
    assert other.figure.endswith(one.figure)


def test_what_stands_in_the_book_was_read_from_its_results():
    """A figure of the table changes when a result does: nothing is typed."""
    table = claims.table().set_index("claim")["figure"]

    def read(name):
        record = copy.deepcopy(results.read(name))
        for row in record.get("rows", {}).values():
            if isinstance(said := row.get("predicted"), list):
                several = isinstance(said[0], list)
                row["predicted"] = [run[::-1] for run in said] if several else said[::-1]
        return record

    other = claims.table(read).set_index("claim")["figure"]
    asked = [c for c in table.index if table[c].startswith(("FMA-small: ", "synthetic"))]
    changed = [c for c in asked if table[c] != other[c]]
    assert asked and changed == asked
