"""What the ablation study is asked: rows beside a reference, and a verdict with its interval.

Rows, and the record that an answer is read from, are those of :mod:`prcnn.study.ablations`.

Chapter: book/ablations.ipynb
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from prcnn.evaluation import compare_over_seeds, points, verdict
from prcnn.study.ablations import REFERENCE, ROWS, reports_of

_ATTENTIONS = ["attention, serial", "attention, parallel linear", "attention, parallel CNN"]


class Question(NamedTuple):
    """A line of :data:`QUESTIONS`: rows, each compared with the same reference."""

    reference: str
    rows: list[str]


def _changes(*groups):
    return Question(REFERENCE, [row for row, (group, *_) in ROWS.items() if group in groups])


#: What is asked, each question of its own rows beside its own reference. Holm's correction counts
#: the rows of one question: a reader of the answer looked at no other.
QUESTIONS = {
    "Does the CNN need five layers?": Question("5-layer CNN", ["3-layer CNN"]),
    "Does an RNN beside the CNN help?": Question(
        "5-layer CNN", ["CNN + 1-layer RNN", "CNN + two-layer RNN"]
    ),
    "Does a CNN beside the RNN help?": Question("RNN", ["CNN + 1-layer RNN"]),
    "Does a second GRU layer help?": Question(REFERENCE, ["CNN + two-layer RNN"]),
    "Does the printed attention differ from its RNN?": Question(
        "RNN with 128 units", ["attention as printed"]
    ),
    "Does attention beat the RNN's last state?": Question("RNN", _ATTENTIONS),
    "Does attention beat the mean of the RNN's states?": Question(
        "RNN, mean of its states", _ATTENTIONS
    ),
    "Does the second direction help?": Question("CNN + forward RNN", [REFERENCE]),
    "Does attention beat CNN and RNN joined?": Question(REFERENCE, _ATTENTIONS),
    "Is Yu's parallel CNN the best attention?": Question(_ATTENTIONS[2], _ATTENTIONS[:2]),
    "Other pools?": _changes("pools"),
    "More filters or units?": _changes("width"),
    "Another kernel?": _changes("kernel"),
    "Dropout?": _changes("dropout"),
    "Another activation?": _changes("activation"),
    "Does standardising the bands help?": Question("raw decibels", [REFERENCE]),
    "Does log-mel improve on plain STFT?": Question("plain STFT", [REFERENCE]),
    "Is Feng's network as good?": Question(REFERENCE, ["Feng's network, 5 s of STFT"]),
    "Are CNN and RNN better one after the other?": Question(REFERENCE, ["Dwivedi's CRNN"]),
    "Do features beside the spectrogram help?": Question(
        REFERENCE, ["features beside both branches"]
    ),
}


def answers(record, questions=None):
    """Every question's rows beside its reference, on the same clips.

    Questions (default :data:`QUESTIONS`) whose reference is not in the record, which is of
    :func:`prcnn.study.ablations.collect`, are left out, and so are rows.

    Returns
    -------
    pandas.DataFrame
        Index question and row; columns ``reference``, ``difference`` (of the mean accuracies, a
        fraction), ``low``, ``high`` (its 95 % interval, for other clips and other seeds),
        ``p_value``, ``p_holm`` (corrected for the rows of the question), ``verdict`` ("better",
        "worse", "tie" or "undecided": :func:`prcnn.evaluation.verdict`; "undecided" where one of
        the two ran once, for nobody knows what other seeds would say), ``runs`` (of the one of the
        two that has fewer) and ``seeds`` (of each, the distance from the reference's mean).

    Chapter: book/ablations.ipynb
    """
    reports = {row: reports_of(record, row) for row in record["rows"]}
    lines = []
    for question, (reference, rows) in (QUESTIONS if questions is None else questions).items():
        rows = [row for row in rows if row in reports and reference in reports]
        compared = [compare_over_seeds(reports[row], reports[reference]) for row in rows]
        p_holm = _holm(pd.Series([c.p_value for c in compared], dtype=float))
        for row, found, p_value in zip(rows, compared, p_holm, strict=True):
            mean = np.mean([r.accuracy for r in reports[reference]])
            fewer = min(len(reports[row]), len(reports[reference]))
            lines.append(
                {
                    "question": question,
                    "row": row,
                    "reference": reference,
                    **found._asdict(),
                    "p_holm": p_value,
                    "verdict": "undecided" if fewer == 1 else verdict(found, p_value),
                    "runs": fewer,
                    "seeds": [r.accuracy - mean for r in reports[row]],
                }
            )
    columns = ["question", "row", "reference", "difference", "low", "high", "p_value"]
    lines = pd.DataFrame(lines, columns=[*columns, "p_holm", "verdict", "runs", "seeds"])
    return lines.set_index(["question", "row"])


def _holm(p_values):
    """Holm's correction: of m tests the smallest p counts m times, the next m - 1 times …"""
    order = p_values.sort_values()
    factors = np.arange(len(order), 0, -1)
    return (order * factors).cummax().clip(upper=1).reindex(p_values.index)


def told(answers, question):
    """A question's rows as sentences, the studies side by side.

    Parameters
    ----------
    answers : dict of str to pandas.DataFrame
        Study → what :func:`prcnn.study.questions.answers` gives.
    question : str

    Returns
    -------
    str
        Markdown, a line a row; empty where no study asked it.

    Chapter: book/ablations.ipynb
    """
    said = {}
    for study, table in answers.items():
        for row, line in _of(table, question).iterrows():
            words = f"{study} {in_points(line)}, **{line['verdict']}**"
            said.setdefault((row, line["reference"]), []).append(words)
    return "\n".join(
        f"- {row} against {reference}: {'; '.join(words)}."
        for (row, reference), words in said.items()
    )


def disagreements(answers, question):
    """Rows of which two studies say different things, by how they differ.

    Parameters
    ----------
    answers : dict of str to pandas.DataFrame
        As for :func:`told`; the first two count.
    question : str

    Returns
    -------
    dict of str to list of str
        "opposite" (one better, the other worse), "tie in one" (a difference in the other), "only
        the first" and "only the second" (decided there, undecided in the other) → rows.

    Chapter: book/ablations.ipynb
    """
    first, second = (_of(table, question)["verdict"] for table in list(answers.values())[:2])
    found = {"opposite": [], "tie in one": [], "only the first": [], "only the second": []}
    for row in first.index.intersection(second.index):
        words = (first[row], second[row])
        if set(words) == {"better", "worse"}:
            found["opposite"].append(row)
        elif "tie" in words and set(words) & {"better", "worse"}:
            found["tie in one"].append(row)
        elif words[0] != "undecided" and words[1] == "undecided":
            found["only the first"].append(row)
        elif words[0] == "undecided" and words[1] != "undecided":
            found["only the second"].append(row)
    return found


def in_points(line):
    """A line of :func:`answers` as text; it says so where one of the two rows ran once.

    Chapter: book/ablations.ipynb
    """
    return points(line) + (" of one run" if line["runs"] == 1 else "")


def _of(table, question):
    return table.loc[question] if question in table.index.unique(0) else table.iloc[:0].droplevel(0)
