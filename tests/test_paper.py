"""The published numbers agree with each other where the paper allows a check."""

import numpy as np
import pytest

from prcnn.study import paper


@pytest.mark.parametrize(
    ("figure", "confusion", "correct"),
    [
        (paper.FIGURE2, paper.CONFUSION_FIGURE2, 359),
        (paper.FIGURE3, paper.CONFUSION_FIGURE3, 317),
    ],
)
def test_recovered_confusions_give_the_printed_reports(figure, confusion, correct):
    matrix = confusion.to_numpy()
    assert matrix.sum() == 800
    assert np.trace(matrix) == correct
    assert (matrix.sum(axis=1) == 100).all(), "rows are the true genres, 100 clips each"
    recall = np.diag(matrix) / matrix.sum(axis=1)
    precision = np.diag(matrix) / matrix.sum(axis=0)
    f1 = 2 * precision * recall / (precision + recall)
    for name, ours in {"precision": precision, "recall": recall, "f1": f1}.items():
        np.testing.assert_allclose(figure[name], ours, atol=0.0051, err_msg=name)
    assert figure.attrs["accuracy"] == pytest.approx(correct / 800, abs=0.005)


def test_figure4_adds_up():
    assert paper.FIGURE4["parameters"].sum() == 232_744


def test_table1_keeps_the_papers_typo():
    tracks = paper.TABLE1.set_index("dataset")["tracks"]
    assert tracks["FMA"] == 106_674  # the text, and the dataset itself, say 106,574
