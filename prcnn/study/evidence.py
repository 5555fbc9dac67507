"""What the recorded results say about a claim: a verdict, and the figures with their intervals.

Each function takes :class:`Records` and returns :class:`Found`. Nothing is typed: change the
results, and the verdict changes. The claims themselves stand in :mod:`prcnn.study.claims`.

Chapter: book/discussion.ipynb
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from prcnn.evaluation import (
    compare_over_seeds,
    f1_over_seeds,
    interval_over_seeds,
    percent,
    points,
    verdict,
    wilson,
)
from prcnn.study import (
    ablations,
    fma_small,
    joined,
    paper,
    questions,
    results,
    segments,
    training_clips,
)
from prcnn.study.questions import in_points

HELD, CONTRADICTED, UNDECIDED = "held", "contradicted", "undecided"
UNTESTABLE, NOT_RUN = "cannot be tested here", "not run yet"
#: Where a question was asked, in the order in which an answer counts.
STUDIES = {"FMA-small": fma_small.STUDY, "synthetic": "ablations_synthetic"}
#: Real sound, but few clips: asked where FMA-small's pictures cannot answer.
SOUND = {"gtzan_mini": "ablations_gtzan_mini"}
EPOCHS = 50  # of the paper


class Found(NamedTuple):
    """What was found: one of the verdicts above, and the figures with their intervals."""

    verdict: str
    figure: str  # lines of text


class Records:
    """Recorded results, each read once; ``get`` gives None where there is none."""

    def __init__(self, read=results.read):
        self._read = cache(read)

    def get(self, name):
        try:
            return self._read(name)
        except FileNotFoundError:
            return None

    def reports(self, name, row):
        """Test reports of a row of a study, one a seed; none where it was not run."""
        record = self.get(name)
        return ablations.reports_of(record, row) if record and row in record["rows"] else []


def better(words):
    """Of a claim that one thing is better than another, from the verdicts of its comparisons."""
    if "better" in words and "worse" not in words:
        return HELD
    return UNDECIDED if "better" in words or "undecided" in words else CONTRADICTED


def not_better(words):
    """Of a claim that nothing of these is better than what was chosen."""
    if "better" in words:
        return CONTRADICTED
    return UNDECIDED if "undecided" in words else HELD


def worse(words):
    """Of a claim that something costs accuracy."""
    return {"worse": HELD, "undecided": UNDECIDED}.get(words[0], CONTRADICTED)


def asked(question, says, rows=None, reference=None):
    """Evidence from the study: FMA-small's answer counts where there is one.

    Parameters
    ----------
    question : str
        Of :data:`prcnn.study.questions.QUESTIONS`, or a new one with ``rows`` and ``reference``.
    says : callable
        Verdicts of the comparisons → verdict of the claim.
    rows : list of str, optional
        Those of the question's rows that the claim is about.
    reference : str, optional

    Returns
    -------
    callable
    """

    def evidence(records):
        known = questions.QUESTIONS.get(question, (reference, rows))
        asking = questions.Question(reference or known[0], list(rows or known[1]))
        found = {}
        main = next(iter(STUDIES))
        for place, name in (STUDIES | SOUND).items():
            record = records.get(name)
            if record is None or (place in SOUND and main in found):
                continue
            kept = {r: v for r, v in record["rows"].items() if r in (asking[0], *asking[1])}
            answers = questions.answers({**record, "rows": kept}, {question: asking})
            if len(answers):
                found[place] = answers.droplevel(0)
        if not found:
            return Found(NOT_RUN, NOT_RUN)
        lines = [f"{place}: {_lines(answers)}" for place, answers in found.items()]
        if main not in found:
            of_sound = any(ablations.ROWS[row].settings for row in (asking[0], *asking[1]))
            lines.append(f"{main}: {'its pictures hold no sound' if of_sound else NOT_RUN}")
        return Found(says(next(iter(found.values()))["verdict"].tolist()), "\n".join(lines))

    return evidence


def _lines(answers):
    """The comparisons of a study; of more than three the one that speaks most for a change."""
    if len(answers) > 3:
        best = answers.loc[answers["difference"].idxmax()]
        return f"best of {len(answers)}, {best.name}, {in_points(best)}, {best['verdict']}"
    alone = len(answers) == 1
    return "; ".join(
        f"{'' if alone else row + ': '}{in_points(line)}, {line['verdict']}"
        for row, line in answers.iterrows()
    )


def figure_2(records):
    right = int(paper.CONFUSION_FIGURE2.to_numpy().trace())
    n = int(paper.CONFUSION_FIGURE2.to_numpy().sum())
    said = f"theirs, counted again: {percent(right / n, wilson(right, n))}"
    ours = records.reports(fma_small.STUDY, ablations.REFERENCE)
    if ours:
        mean = np.mean([r.accuracy for r in ours])
        runs = f"{len(ours)} run{'s' * (len(ours) > 1)}"
        said += f"; ours on pictures, {runs}: {percent(mean, interval_over_seeds(ours))}"
    held = round(100 * right / n) == round(100 * paper.FIGURE2.attrs["accuracy"])
    return Found(HELD if held else CONTRADICTED, said)


def printed_attention(records):
    record = records.get("reproduction")
    if record is None:
        return Found(NOT_RUN, NOT_RUN)
    moved = max(record["without_cnn"][name] for name in ("figure3", "figure3_rerun"))
    most = f"at most {1e6 * moved:.1g} millionths"
    said = f"without its CNN the published network's output moves by {most}"
    return Found(CONTRADICTED if moved < 1e-3 else HELD, said)


def hard_genres(records):
    """F1 of each genre, mean over the seeds, with an interval over uploads.

    Returns
    -------
    pandas.DataFrame
        Index genre; columns ``paper`` (Figure 2), ``f1``, ``low``, ``high``, ``pretrained`` (the
        support vector machine on VGGish). Empty where the study was not run.

    Chapter: book/discussion.ipynb
    """
    runs = records.reports(fma_small.STUDY, ablations.REFERENCE)
    if not runs:
        return pd.DataFrame()
    found = f1_over_seeds(runs)
    found.insert(0, "paper", paper.FIGURE2["f1"])
    if baselines := records.get(fma_small.RESULT):
        (svm,) = fma_small.reports(baselines)["svm_rbf, VGGish"]["test"]
        found["pretrained"] = svm.per_genre["f1"]
    return found


def hard(records, below=0.4):
    found = hard_genres(records)
    if found.empty:
        return Found(NOT_RUN, NOT_RUN)
    theirs = found[found["paper"] < below]
    lines = [
        f"{genre} {line['f1']:.2f} [{line['low']:.2f}, {line['high']:.2f}]"
        for genre, line in theirs.iterrows()
    ]
    if (theirs["high"] < below).all():
        word = HELD
    else:
        word = CONTRADICTED if (theirs["low"] > below).any() else UNDECIDED
    return Found(word, ", ".join(lines))


def more_data(records):
    """All training clips against half of them; networks are judged, a classifier stands beside."""
    record = records.get("learning_curve_fma_small_images")
    if record is None:
        return Found(NOT_RUN, NOT_RUN)
    said, words = [], []
    for method in dict.fromkeys(run["method"] for run in record["runs"]):
        reports = {}
        for run in record["runs"]:
            if run["method"] == method:
                reports.setdefault(run["training"], []).append(
                    training_clips.report_of(record, run)
                )
        least, *_, half, whole = sorted(reports)
        compared = compare_over_seeds(reports[whole], reports[half])
        from_least = compare_over_seeds(reports[whole], reports[least])
        said.append(
            f"{method}: {whole:,} clips against {half:,} {points(compared)}, {verdict(compared)}; "
            f"against {least:,} {points(from_least)}, {verdict(from_least)}"
        )
        if not method.startswith("SVM"):
            words.append(verdict(compared))
    said += [] if words else ["no network was tried"]
    return Found(better(words or [UNDECIDED]), "\n".join(said))


def features(records):
    """Trained together with the network, or, where that was not run, beside what it has learned."""
    trained = asked("Do features beside the spectrogram help?", better)(records)
    record = records.get(joined.RESULT)
    if record is None:
        return trained
    gain = joined.gain(record)
    said = f"FMA-small, beside what `beyond` has learned: {points(gain)}, {verdict(gain)}"
    if trained.figure.startswith("FMA-small: "):
        return Found(trained.verdict, f"{trained.figure}\n{said}")
    said += "" if trained.verdict == NOT_RUN else f"\n{trained.figure}"
    return Found(better([verdict(gain)]), said)


def against_network(row):
    """Evidence that a row of the baselines is better than the paper's network, same pictures."""

    def evidence(records):
        baselines = records.get(fma_small.RESULT)
        network = records.reports(fma_small.STUDY, ablations.REFERENCE)
        if baselines is None or not network:
            return Found(NOT_RUN, NOT_RUN)
        compared = compare_over_seeds(fma_small.reports(baselines)[row]["test"], network)
        return Found(better([verdict(compared)]), f"FMA-small: {points(compared)}")

    return evidence


def segments_leak(records):
    record = records.get(segments.RESULT)
    if record is None:
        return Found(NOT_RUN, NOT_RUN)
    said, words = [], []
    for network in record["networks"]:
        found, compared = segments.reports(record, network), segments.leak(record, network)
        lines = [f"{way} {percent(r.accuracy, r.interval)}" for way, r in found.items()]
        said.append(f"`{network}` on segments: {', '.join(lines)}; {points(compared)}")
        words.append(verdict(compared))
    return Found(better(words), "\n".join(said))


def kernels(records):
    record = records.get("baselines_gtzan_mini")
    if record is None:
        return Found(NOT_RUN, NOT_RUN)
    runs = {k: ablations.reports_of(record, f"{k}, all 616") for k in ("svm_poly", "svm_rbf")}
    compared = compare_over_seeds(runs["svm_poly"], runs["svm_rbf"])
    return Found(better([verdict(compared)]), f"gtzan_mini, all 616 features: {points(compared)}")


def hours(records):
    """What 50 epochs on FMA-small take here: a step measured, and multiplied."""
    record, gpu = records.get("training_speed"), records.get("gpu_torch")
    said = []
    if record is not None:
        one = record["milliseconds_a_clip"]["paper"]["median"] / 1000
        cores = record["provenance"]["machine"]["cores"]
        said.append(f"{one * training_clips.ALL * EPOCHS / 3600:.1f} hours on {cores} cores")
    if gpu is not None:
        each = gpu["paper_seconds"] / gpu["epochs"] / gpu["clips"]
        said.append(f"{each * training_clips.ALL * EPOCHS / 60:.1f} minutes on {gpu['device']}")
    elif seconds := _gpu_seconds(records.get(fma_small.STUDY)):
        said.append(
            f"{np.median(seconds) * EPOCHS / 60:.1f} minutes on an NVIDIA GPU that other runs "
            "shared (pictures of 128 frames, a fifth of the paper's)"
        )
    else:
        said.append(f"GPU: {NOT_RUN}")
    return Found(UNTESTABLE, "ours: " + "; ".join(said) + ". Their machines are not known")


def _gpu_seconds(record):
    """An epoch of the paper's network in the study: a number a run that was made on a GPU."""
    if record is None or ablations.REFERENCE not in record["rows"]:
        return []
    row, setting = record["rows"][ablations.REFERENCE], record["setting"]
    runs = zip(row["seconds"], row["epoch_kept"], row["made_on"], strict=True)
    return [
        seconds / min(setting["epochs"], kept + setting["early_stopping"])
        for seconds, kept, made_on in runs
        if "NVIDIA" in made_on
    ]


def challenge(records):
    c = paper.CHALLENGE
    return Found(
        CONTRADICTED,
        f"the winner's {c['f1_unseen']} % is an F1, on clips nobody had seen (16 genres); on the "
        f"public clips it was {c['f1_public']} %",
    )


def tracks(records):
    printed = int(paper.TABLE1.set_index("dataset").loc["FMA", "tracks"])
    return Found(
        CONTRADICTED, f"FMA has {paper.FMA_TRACKS:,}; the paper's own Table 1 prints {printed:,}"
    )


def said_so(verdict, figure):
    """Evidence that is a source, not a measurement."""
    return lambda records: Found(verdict, figure)


def turned(found):
    """The same comparison, seen from the other side."""
    if found.verdict == NOT_RUN:
        return found
    turned = {HELD: CONTRADICTED, CONTRADICTED: HELD}
    return Found(
        turned.get(found.verdict, found.verdict), f"the SVM less the network, {found.figure}"
    )
