"""What the runs answer: comparisons with intervals, in one family, and every claim's verdict.

Everything that the book prints of the study comes from :func:`prcnn.study.records.predictions`,
:func:`comparisons` and :func:`claims`.

Chapter: book/discussion.ipynb
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from prcnn.evaluation import (
    adjusted_level,
    benjamini_hochberg,
    compare,
    interval_over_seeds,
    points,
    run_variance,
    verdict,
)
from prcnn.study import facts, records
from prcnn.study.rows import ABLATIONS, ATTENTIONS, REFERENCE, RHYTHM, STUDIES, SVM

#: Where the words at these two lengths of training differ, the answer depends on it.
SHORT, LONG = 16, 60
DEPENDS = "depends on the length of training"
#: The studies that an answer is looked for in, in this order.
ORDER = ("FMA-small", "official", "gtzan_mini", "synthetic")
VGGISH, PRINTED, BOTH_2 = "VGGish + SVM", "attention as printed", "CNN + two-layer RNN"


def _group(*groups):
    return [name for name, row in ABLATIONS.items() if row.group in groups]


#: Question → the row that all others are compared with, and those.
QUESTIONS = {
    "Does the CNN need five layers?": ("3-layer CNN", ["5-layer CNN"]),
    "Does an RNN beside the CNN help?": ("5-layer CNN", [REFERENCE, BOTH_2]),
    "Does it help on raw decibels?": (
        "5-layer CNN, raw decibels",
        ["raw decibels", "CNN + two-layer RNN, raw decibels"],
    ),
    "Does a CNN beside the RNN help?": ("RNN", [REFERENCE]),
    "Does a second GRU layer help?": (REFERENCE, [BOTH_2]),
    "Does the printed attention cost accuracy?": (BOTH_2, [PRINTED]),
    "Does the printed attention differ from its RNN?": ("RNN with 128 units", [PRINTED]),
    "Does attention beat the RNN's last state?": ("RNN", list(ATTENTIONS)),
    "Does attention beat the mean of the RNN's states?": (
        "RNN, mean of its states",
        list(ATTENTIONS),
    ),
    "Does attention beat CNN and RNN joined?": (REFERENCE, list(ATTENTIONS)),
    "Is Yu's parallel CNN the best attention?": (
        "attention, parallel CNN",
        ["attention, serial", "attention, parallel linear"],
    ),
    "Does the second direction help?": ("CNN + forward RNN", [REFERENCE]),
    "Other pools?": (REFERENCE, _group("pools")),
    "Other filters or units?": (REFERENCE, _group("width")),
    "Another kernel?": (REFERENCE, _group("kernel")),
    "Dropout?": (REFERENCE, _group("dropout")),
    "Another activation?": (REFERENCE, _group("activation")),
    "Does standardising the bands help?": ("raw decibels", [REFERENCE]),
    "Does log-mel improve on plain STFT?": ("plain STFT", [REFERENCE]),
    "Is Feng's network as good?": (REFERENCE, ["Feng's network, 5 s of STFT"]),
    "Are CNN and RNN better one after the other?": (REFERENCE, ["Dwivedi's CRNN"]),
    "Do features beside the spectrogram help?": (REFERENCE, ["features beside both branches"]),
    "Is a plain deep CNN better?": (REFERENCE, ["eight-layer CNN"]),
    "Is a network better than a classifier?": (SVM, [REFERENCE, "MLP on MFCC, deltas, bands"]),
    "Does rhythm help a classifier?": (SVM, [RHYTHM]),
    "Does hearing millions of other sounds help?": (SVM, [VGGISH]),
}


def comparisons(study="FMA-small", questions=None, path=None):
    """Every question's rows beside its reference, on the same clips, at every length of training.

    One family: the p-values of all comparisons of a length of training are corrected together
    (Benjamini and Hochberg), a difference is called where its q is at most 5 %, and the intervals
    are widened so that they leave out 0 just there.

    Parameters
    ----------
    study : str
        Of ``prcnn.study.rows.STUDIES``.
    questions : dict, optional
        As :data:`QUESTIONS`; rows that were not run are left out.

    Returns
    -------
    pandas.DataFrame
        Columns ``question``, ``row``, ``reference``, ``epochs``, ``difference`` (of accuracies, a
        fraction), ``low``, ``high`` (its interval for other clips and other runs), ``p``, ``q``,
        ``verdict`` ("better", "worse", "tie": the interval lies within ±2 points, "undecided", or
        "depends on the length of training" where 16 and 60 epochs say different things) and
        ``runs`` (of the one of the two that has fewer).

    Chapter: book/ablations.ipynb
    """
    runs = records.read(path)[0]
    runs = runs[(runs["study"] == study) & (runs["part"] == "test")]
    lengths = sorted(set(runs["epochs"]) - {0}) or [0]
    found = [_at(study, epochs, questions or QUESTIONS, path) for epochs in lengths]
    table = pd.concat(found, ignore_index=True)
    pairs = table[table["epochs"].isin([SHORT, LONG])].groupby(["question", "row"])["verdict"]
    changed = pairs.nunique().loc[lambda n: n > 1].index
    of = pd.MultiIndex.from_frame(table[["question", "row"]])
    table.loc[of.isin(changed), "verdict"] = DEPENDS
    return table


def _at(study, epochs, questions, path):
    """The comparisons of one length of training: one family."""
    names = {name for reference, rows in questions.values() for name in (reference, *rows)}
    said = {name: records.outcomes(study, name, epochs, path) for name in names}
    said = {name: right for name, right in said.items() if right is not None}
    several = [right for right in said.values() if len(right.values) > 1]
    # How much runs differ is learned from the rows that ran more than once.
    pooled = run_variance([r.values for r in several], *several[0][1:3]) if several else None

    def compared(row, reference, level):
        a, b = said[row], said[reference]
        both = [0.0 if r.classifier else pooled if len(r.values) == 1 else None for r in (a, b)]
        return compare(a.values, b.values, a.groups, folds=a.folds, run_variance=both, level=level)

    asked = [
        (question, row, reference)
        for question, (reference, rows) in questions.items()
        for row in rows
        if row in said and reference in said
    ]
    p = pd.Series([compared(*pair, 0.95).p_value for _, *pair in asked], dtype=float)
    q, level = benjamini_hochberg(p), adjusted_level(p)
    lines = []
    for (question, row, reference), p_value, q_value in zip(asked, p, q, strict=True):
        found = compared(row, reference, level)
        fewer = min(len(said[name].values) for name in (row, reference))
        line = (question, row, reference, epochs, *found[:3], p_value, q_value)
        lines.append((*line, verdict(found, q_value), fewer))
    columns = "question row reference epochs difference low high p q verdict runs"
    return pd.DataFrame(lines, columns=columns.split())


def table(study="FMA-small", epochs=None, path=None):
    """What every row of a study reaches; of networks at ``epochs``, or the longest there are.

    Returns
    -------
    pandas.DataFrame
        Index row; columns ``group``, ``epochs``, ``accuracy`` (mean over the seeds), ``low``,
        ``high`` (95 % interval), ``sd`` (over seeds), ``macro_f1``, ``seeds`` (a list of
        accuracies), ``validation`` (mean) and ``late`` (share of the runs whose best epoch is in
        their last quarter: still learning). Accuracies are fractions.

    Chapter: book/ablations.ipynb
    """
    runs = records.read(path)[0]
    runs = runs[(runs["study"] == study) & (runs["part"] == "test")]
    lines = {}
    for row, mine in runs.groupby("row", sort=False):
        length = mine["epochs"].max() if epochs is None else epochs
        mine = mine[mine["epochs"] == length]
        reports = records.reports(study, row, length, path=path)
        if reports:
            known = STUDIES[study].rows.get(row)
            lines[row] = {
                "group": known.group if known else "",
                "epochs": int(length),
                **summary(reports),
                "validation": mine["validation"].mean(),
                "late": (mine["kept"] > 0.75 * length).mean(),
            }
    return pd.DataFrame.from_dict(lines, orient="index").rename_axis("row")


def summary(reports):
    """Accuracy of a row over its seeds, with interval and spread, as :func:`table` has it."""
    seeds = [report.accuracy for report in reports]
    low, high = interval_over_seeds(reports)
    return {
        "accuracy": np.mean(seeds),
        "low": low,
        "high": high,
        "sd": np.std(seeds, ddof=1) if len(seeds) > 1 else np.nan,
        "macro_f1": np.mean([report.macro_f1 for report in reports]),
        "seeds": seeds,
    }


def recalls(study="FMA-small", path=None):
    """Share of each genre's clips that a row finds, mean over its seeds: row × genre.

    Chapter: book/ablations.ipynb
    """
    runs = records.read(path)[0]
    rows = dict.fromkeys(runs.loc[runs["study"] == study, "row"])
    found = {row: records.reports(study, row, path=path) for row in rows}
    lines = {
        row: np.mean([report.per_genre["recall"] for report in reports], axis=0)
        for row, reports in found.items()
        if reports
    }
    genres = next(iter(found.values()))[0].genres
    return pd.DataFrame.from_dict(lines, orient="index", columns=genres)


#: What was measured on FMA-small's official split, each by the same 800 pictures: (study, row).
BOARD = {
    "VGGish (pre-trained) + SVM": ("classifiers", "svm_rbf, VGGish"),
    "beyond, 20 epochs": ("beyond", "beyond"),
    "SVM on MFCC, deltas, bands": ("classifiers", "svm_rbf, MFCC, deltas, bands"),
    "SVM on MFCC": ("classifiers", "svm_rbf, MFCC"),
    "paper, at most 60 epochs": ("official", REFERENCE),
}


def board(path=None):
    """:data:`BOARD` as a table: index method, columns as :func:`summary` has them; best first.

    Chapter: book/intro.ipynb
    """
    found = {
        name: summary(reports)
        for name, (study, row) in BOARD.items()
        if (reports := records.reports(study, row, path=path))
    }
    table = pd.DataFrame.from_dict(found, orient="index").rename_axis("method")
    return table.sort_values("accuracy", ascending=False)


HELD, CONTRADICTED, UNDECIDED = "held", "contradicted", "undecided"
UNTESTABLE, NOT_RUN = "cannot be tested here", "not run yet"


def judge(words, expected):
    """A claim's verdict from those of its comparisons: the one rule for all claims.

    Every comparison must say one of the ``expected`` words, or the claim is contradicted by what is
    decided otherwise; what depends on the length of training, or is undecided, leaves it so.
    """
    words = set(words)
    if not words:
        return NOT_RUN
    if words - {*expected, "undecided", DEPENDS}:
        return CONTRADICTED
    for open_word in (DEPENDS, "undecided"):
        if open_word in words:
            return open_word
    return HELD


class Claim(NamedTuple):
    """A sentence of the paper, or of those it builds on, and what decides it.

    A question's comparisons (all, or some ``rows`` of it) are judged by what the claim ``expects``
    of them; a claim that no comparison answers carries its verdict and what it rests on.
    """

    who: str
    sentence: str  # in quotation marks where it is quoted; otherwise it is said in our words
    question: str | None
    expects: tuple = ("better",)
    rows: tuple = ()
    verdict: str = ""
    rests_on: str = ""
    chapter: str = "ablations"


def claims(path=None):
    """All claims with their verdicts.

    Returns
    -------
    pandas.DataFrame
        Columns ``who``, ``claim``, ``verdict``, ``decides`` (study, comparisons and intervals, or
        the source) and ``chapter``.

    Chapter: book/discussion.ipynb
    """
    tables = {name: comparisons(name, path=path) for name in ORDER}
    lines = []
    for claim in CLAIMS:
        verdict_, decides = claim.verdict, claim.rests_on
        if claim.question:
            verdict_, decides = _answer(claim, tables)
        lines.append((claim.who, claim.sentence, verdict_, decides, claim.chapter))
    return pd.DataFrame(lines, columns=["who", "claim", "verdict", "decides", "chapter"])


def _answer(claim, tables):
    """Verdict and figures of a claim, from the first study that asked its question."""
    for study, table in tables.items():
        mine = table[table["question"] == claim.question]
        if claim.rows:
            mine = mine[mine["row"].isin(claim.rows)]
        if len(mine):
            longest = mine[mine["epochs"] == mine["epochs"].max()]
            said = "; ".join(
                f"{line.row} against {line.reference} {points(line)}, {line.verdict}"
                for line in longest.itertuples()
            )
            verdict_ = judge(longest["verdict"], claim.expects)
            epochs = longest["epochs"].iloc[0]
            return verdict_, f"{study}{f', {epochs} epochs' if epochs else ''}: {said}"
    return NOT_RUN, NOT_RUN


NOT_BETTER = ("worse", "tie")
_FIGURE_2 = int(facts.CONFUSION_FIGURE2.to_numpy().trace())
_TABLE2 = facts.TABLE2.set_index("network")["test"]
CLAIMS = [
    Claim(
        "the paper",
        f"the parallel network reaches {100 * facts.FIGURE2.attrs['accuracy']:.0f} % on FMA-small",
        None,
        verdict=UNTESTABLE,
        rests_on=f"their confusion matrix holds {_FIGURE_2} of 800 right, so the arithmetic is "
        "right; the accuracy itself needs the sound at full resolution",
        chapter="reproduction",
    ),
    Claim(
        "the paper", "log-mel input improves on plain STFT", "Does log-mel improve on plain STFT?"
    ),
    Claim("the paper", "five convolutions are better than three", "Does the CNN need five layers?"),
    Claim("the paper", "these filters and units are best", "Other filters or units?", ("worse",)),
    Claim("the paper", "the kernel (3, 1) is best", "Another kernel?", ("worse",)),
    Claim("the paper", "these pools are best", "Other pools?", ("worse",)),
    Claim("the paper", "ReLU is the best activation", "Another activation?", ("worse",)),
    Claim(
        "the paper",
        "“does not improve performance in this case” (of the RNN beside the CNN, on raw decibels)",
        "Does it help on raw decibels?",
        NOT_BETTER,
    ),
    Claim(
        "Feng",
        "“the additional Bi-RNN block is a supplement for CNNs”",
        "Does an RNN beside the CNN help?",
        rows=(REFERENCE,),
    ),
    Claim(
        "the paper",
        f"attention costs accuracy (Table 2: {_TABLE2['prcnn_rnn2']:.1f} to "
        f"{_TABLE2['figure4']:.1f} %)",
        "Does the printed attention cost accuracy?",
        ("worse",),
    ),
    Claim(
        "the paper",
        "the network of Figures 3 and 4 attends to what its CNN finds",
        None,
        verdict=CONTRADICTED,
        rests_on="algebra; and their weights say the same with and without the CNN",
        chapter="attention",
    ),
    Claim(
        "Yu",
        "attention over time improves on a recurrent network",
        "Does attention beat the RNN's last state?",
    ),
    Claim(
        "Yu",
        "and does so because it weighs the moments",
        "Does attention beat the mean of the RNN's states?",
    ),
    Claim(
        "Yu",
        "“parallelized attention is more flexible and gets better results”",
        "Is Yu's parallel CNN the best attention?",
        ("worse",),
    ),
    Claim(
        "the paper",
        "features beside the spectrogram would help (its future work)",
        "Do features beside the spectrogram help?",
    ),
    Claim(
        "Costa",
        "a network on spectrograms compares favourably with features and an SVM",
        "Is a network better than a classifier?",
        ("better", "tie"),
        (REFERENCE,),
        chapter="baselines",
    ),
    Claim(
        "Gemmeke",
        "what a network has learned from millions of other sounds helps",
        "Does hearing millions of other sounds help?",
        chapter="baselines",
    ),
    Claim(
        "the paper",
        "“63 % accuracy” (of the 2018 challenge's winner)",
        None,
        verdict=CONTRADICTED,
        rests_on=f"the winner's {facts.CHALLENGE['f1_unseen']} % is an F1, on clips nobody had "
        f"seen (16 genres); on the public clips it was {facts.CHALLENGE['f1_public']} %",
        chapter="discussion",
    ),
    Claim(
        "the paper",
        "“about a million tracks”",
        None,
        verdict=CONTRADICTED,
        rests_on=f"FMA has {facts.FMA_TRACKS:,}",
        chapter="reproduction",
    ),
    Claim(
        "the paper",
        "Choi's network is one-dimensional, and was tested on GTZAN",
        None,
        verdict=CONTRADICTED,
        rests_on="2-D convolutions and a GRU of two layers, on the Million Song Dataset",
        chapter="discussion",
    ),
    Claim(
        "the paper",
        "genres as Spotify sorts them, and lyrics, would help",
        None,
        verdict=UNTESTABLE,
        rests_on="Spotify's labels are not public, and neither FMA nor GTZAN comes with lyrics",
        chapter="datasets",
    ),
]
