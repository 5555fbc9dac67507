"""What the runs answer: comparisons with intervals, in one family, and every claim's verdict.

Everything that the book prints of the study comes from :func:`prcnn.study.records.predictions`,
:func:`comparisons` and :func:`claims`.

Chapter: book/discussion.ipynb
"""

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
from prcnn.study import records
from prcnn.study.questions import CLAIMS, CONTRADICTED, HELD, NOT_RUN, QUESTIONS
from prcnn.study.rows import REFERENCE, STUDIES

#: Where the words at these two lengths of training differ, the answer depends on it.
SHORT, LONG = 16, 60
DEPENDS = "depends on the length of training"
#: The studies that an answer is looked for in, in this order.
ORDER = ("FMA-small", "official", "gtzan_mini", "synthetic", "FMA-small at 23 ms")


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
        As :data:`prcnn.study.questions.QUESTIONS`; rows that were not run are left out.

    Returns
    -------
    pandas.DataFrame
        Columns ``question``, ``row``, ``reference``, ``epochs`` (0: both are classifiers, which
        have no length of training), ``difference`` (of accuracies, a fraction),
        ``low``, ``high`` (its interval for other clips and other runs), ``p``, ``q``,
        ``verdict`` ("better", "worse", "tie": the interval lies within ±2 points, "undecided", or
        "depends on the length of training" where 16 and 60 epochs say different things) and
        ``runs`` (of the one of the two that has fewer).

    Chapter: book/ablations.ipynb
    """
    runs = records.read(path)[0]
    runs = runs[(runs["study"] == study) & (runs["part"] == "test")]
    lengths = sorted(set(runs["epochs"]) - {0}) or [0]
    found = [_at(study, epochs, questions or QUESTIONS, path) for epochs in lengths]
    # A pair of classifiers is in the family of every length: the longest one's counts.
    table = pd.concat(found, ignore_index=True)
    table = table.drop_duplicates(["question", "row", "epochs"], keep="last", ignore_index=True)
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
        length = 0 if said[row].classifier and said[reference].classifier else epochs
        line = (question, row, reference, length, *found[:3], p_value, q_value)
        lines.append((*line, verdict(found, q_value), fewer))
    columns = "question row reference epochs difference low high p q verdict runs"
    return pd.DataFrame(lines, columns=columns.split())


def table(study="FMA-small", epochs=None, path=None):
    """What every row of a study reaches; networks at ``epochs``, or after the longest there are.

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
        longest = mine["epochs"].max()
        length = epochs if epochs is not None and longest else longest
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


def of_question(tables, question, rows=()):
    """A question's comparisons, from the study that made most of them; the first of equals.

    ``tables`` are those of :func:`comparisons`, by the names of the studies; ``rows`` are some of
    the question's, default all. A DataFrame as theirs, with a column ``study``.

    Chapter: book/ablations.ipynb
    """
    found = {name: table[table["question"] == question] for name, table in tables.items()}
    if rows:
        found = {name: table[table["row"].isin(rows)] for name, table in found.items()}
    study = max(found, key=lambda name: found[name]["row"].nunique())
    return found[study].assign(study=study)


def at_longest(table):
    """Of every comparison the line of its longest training. Chapter: book/ablations.ipynb"""
    longest = table.groupby(["question", "row"])["epochs"].transform("max")
    return table[table["epochs"] == longest]


def _answer(claim, tables):
    """Verdict and figures of a claim."""
    found = at_longest(of_question(tables, claim.question, claim.rows))
    if found.empty:
        return NOT_RUN, NOT_RUN
    said = "; ".join(
        f"{line.row} against {line.reference} {points(line)}, {line.verdict}"
        for line in found.itertuples()
    )
    study, epochs = found["study"].iloc[0], found["epochs"].max()
    where = f"{study}, {epochs} epochs" if epochs else study
    return judge(found["verdict"], claim.expects), f"{where}: {said}"
