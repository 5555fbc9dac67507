"""The one thing every loader returns: a table of clips and the list of genres."""

from dataclasses import dataclass, field

import pandas as pd

SPLITS = ("training", "validation", "test")


@dataclass(frozen=True)
class Dataset:
    """Clips of music with their genres, before anything has been decoded.

    Attributes
    ----------
    name : str
        What :func:`prcnn.datasets.load` was asked for.
    clips : pandas.DataFrame
        One row a clip; index ``clip`` (FMA: the integer track id; others: a str). Columns ``path``
        (str, absolute), ``genre`` (str), ``split`` ("training", "validation", "test"),
        ``artist`` (str, missing where unknown) and what else the dataset knows.
    genres : list of str
        The genres, alphabetical; a clip's label is its genre's place in this list.
    left_out : dict
        Clip id → why the loader left it out. Counted, never silent.

    Chapter: book/datasets.ipynb
    """

    name: str
    clips: pd.DataFrame
    genres: list[str]
    left_out: dict = field(default_factory=dict)
