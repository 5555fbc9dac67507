"""The report: what was predicted for which clip, and every score that follows from it."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from prcnn.datasets.splits import artist_groups
from prcnn.evaluation.statistics import FEW, accuracy_interval
from prcnn.evaluation.words import percent

CLOSING = ["accuracy", "macro avg"]


@dataclass(frozen=True, eq=False, repr=False)
class Report:
    """Predictions for a split and the scores that follow from them. Made by :func:`report`."""

    true: np.ndarray  #: (n,) right labels, places in ``genres``
    probabilities: np.ndarray  #: (n, g), a row a clip, summing to 1
    genres: list[str]
    clips: pd.Index  #: ids
    groups: np.ndarray | None = None  #: (n,) what was drawn independently: :func:`group_labels`

    @property
    def n(self):
        """Number of rows: clips, or segments."""
        return len(self.true)

    @cached_property
    def predicted(self):
        """Most probable label of every clip, int64 (n,); the first one where several tie."""
        return self.probabilities.argmax(axis=1)

    @property
    def correct(self):
        """Whether each clip was classified rightly, bool (n,)."""
        return self.predicted == self.true

    @property
    def accuracy(self):
        """Share of clips classified rightly."""
        return float(self.correct.mean())

    @cached_property
    def interval(self):
        """:func:`accuracy_interval` over ``groups`` where there are any, (low, high)."""
        return accuracy_interval(self.correct, self.groups)

    @property
    def n_groups(self):
        """Number of groups that were drawn independently; `n` where every row was."""
        return self.n if self.groups is None else len(np.unique(self.groups))

    @cached_property
    def confusion(self):
        """Counts as a DataFrame (g, g): rows are true genres, columns predicted ones."""
        counts = np.zeros((len(self.genres), len(self.genres)), int)
        np.add.at(counts, (self.true, self.predicted), 1)
        index = pd.Index(self.genres, name="true")
        return pd.DataFrame(counts, index, pd.Index(self.genres, name="predicted"))

    @cached_property
    def per_genre(self):
        """DataFrame, index genre; columns precision, recall, f1 (0 where undefined), support."""
        from sklearn.metrics import precision_recall_fscore_support  # slow to import

        labels = range(len(self.genres))
        values = precision_recall_fscore_support(
            self.true, self.predicted, labels=labels, zero_division=0
        )
        columns = dict(zip(["precision", "recall", "f1", "support"], values, strict=True))
        return pd.DataFrame(columns, index=pd.Index(self.genres, name="genre"))

    @property
    def macro_f1(self):
        """Mean of the genres' F1, every genre counting the same, absent ones as 0."""
        return float(self.per_genre.f1.mean())

    @property
    def table(self):
        """``per_genre`` with the two closing lines of the paper's Figure 2: accuracy, macro avg."""
        return _closed(self.per_genre, self.accuracy)

    def record(self):
        """The scores as plain values for a JSON file."""
        return {
            "n": self.n,
            "correct": int(self.correct.sum()),
            "accuracy": self.accuracy,
            "interval": list(self.interval),
            "macro_f1": self.macro_f1,
            "genres": list(self.genres),
            "confusion": self.confusion.to_numpy().tolist(),
        }

    def summary(self):
        """One line: accuracy in percent, its 95 % interval, and how many clips it rests on."""
        rests = f"n = {self.n}" + f" in {self.n_groups} groups" * (self.n_groups < self.n)
        few = ": fewer than ten say little about others" * (self.n_groups < FEW)
        return f"accuracy {percent(self.accuracy, self.interval)} (95 % interval, {rests}{few})"

    def _shown(self, form, **options):
        table = self.table.rename(columns={"f1": "f1-score"}).rename_axis(None)
        absent = self.per_genre.index[self.per_genre["support"] == 0]
        note = [f"not in this split, counted as 0: {', '.join(absent)}"] * (absent.size > 0)
        shown = getattr(table, form)(float_format="%.2f", na_rep="", **options)
        return [shown, self.summary(), *note]

    def __repr__(self):
        table, *notes = self._shown("to_string")
        return "\n".join([table, "", *notes])

    def _repr_html_(self):
        table, *notes = self._shown("to_html", border=0)
        return table + "".join(f"<p>{note}</p>" for note in notes)


def report(y_true, probabilities, genres, clips=None, groups=None):
    """Check predictions and make a :class:`Report` of them.

    ``y_true`` (n,) are ints, places in ``genres``; ``probabilities`` (n, g) a row a clip, of 0 and
    1 where a classifier only votes; clip ids are 0 … n-1 where left out. ValueError for shapes that
    do not fit, no clips, labels outside ``genres``, repeated clip ids, NaN, or rows that are no
    probabilities (logits).

    Chapter: book/baselines.ipynb
    """
    true, rows, genres = np.asarray(y_true), np.asarray(probabilities), [str(g) for g in genres]
    clips = pd.RangeIndex(len(true)) if clips is None else pd.Index(clips)
    groups = None if groups is None else np.asarray(groups)
    if true.ndim != 1 or not np.issubdtype(true.dtype, np.integer):
        raise ValueError(f"y_true must be one int per clip, not {true.dtype} {true.shape}.")
    if len(true) == 0:
        raise ValueError("There are no clips to report on.")
    if rows.shape != (len(true), len(genres)):
        raise ValueError(
            f"probabilities have shape {rows.shape}, but {len(true)} clips of {len(genres)} genres "
            f"need ({len(true)}, {len(genres)}). Was the network built for another dataset?"
        )
    for what, ids in (("clips", clips), ("groups", groups)):
        if ids is not None and len(ids) != len(true):
            raise ValueError(f"{what} has {len(ids)} entries for {len(true)} clips.")
        if ids is not None and pd.isna(ids).any():
            raise ValueError(f"{what} has missing entries; group_labels makes each its own group.")
    if not clips.is_unique:
        twice = clips[clips.duplicated()][0]
        raise ValueError(f"Clip {twice!r} occurs more than once.")
    if true.min() < 0 or true.max() >= len(genres):
        raise ValueError(f"Labels must lie in 0 … {len(genres) - 1}, got {np.unique(true)}.")
    if (broken := ~np.isfinite(rows).all(axis=1)).any():
        raise ValueError(
            f"{broken.sum()} of {len(rows)} clips have a probability that is not finite, first "
            f"{clips[broken][0]!r}. The network's weights have probably diverged."
        )
    if rows.min() < 0 or np.abs(rows.sum(axis=1) - 1).max() > 1e-3:
        raise ValueError("Rows of probabilities must be positive and sum to 1; take the softmax.")
    return Report(true.astype(np.int64), rows, genres, clips, groups)


def report_of_labels(y_true, predicted, genres, clips=None, groups=None):
    """:func:`report` of a model that was only asked for labels, places in ``genres``."""
    return report(y_true, np.eye(len(genres))[predicted], genres, clips, groups)


def group_labels(clips, by="artist"):
    """What each clip was drawn together with, an array (n,) for the ``groups`` of a report.

    That is the column ``by``, the artist, or ``"clip"`` for segments; a missing value is a group of
    its own. None where no artist is known: clips then count as independent.
    """
    if by == "artist" and ("artist" not in clips or clips["artist"].isna().all()):
        return None
    whole = clips[by].notna().all()
    return (clips[by] if whole else artist_groups(clips, by)).to_numpy()


def classification_reports(first, second, names=("this run", "paper")):
    """Two reports side by side, genre by genre, as a DataFrame: columns (name, score).

    A genre that only one of the two knows has missing values in the other's columns. Either may
    also be a published table like ``prcnn.study.facts.FIGURE2``, its accuracy in ``attrs``.

    Chapter: book/train.ipynb
    """
    tables = [
        x.table if isinstance(x, Report) else _closed(x, x.attrs["accuracy"])
        for x in (first, second)
    ]
    genres = dict.fromkeys([*tables[0].index[:-2], *tables[1].index[:-2]])
    table = pd.concat(tables, axis=1, keys=names, names=["report", "score"])
    return table.reindex([*genres, *CLOSING]).rename_axis("genre")


def _closed(per_genre, accuracy):
    """Add the lines that close the paper's Figures 2 and 3 to a table of genres."""
    n = per_genre["support"].sum()
    means = per_genre[["precision", "recall", "f1"]].mean()
    rows = [[np.nan, np.nan, accuracy, n], [*means, n]]
    closing = pd.DataFrame(rows, index=CLOSING, columns=["precision", "recall", "f1", "support"])
    return pd.concat([per_genre, closing]).astype({"support": int}).rename_axis("genre")
