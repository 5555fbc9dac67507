"""A number in the text: its sign, its unit, and its interval from the low end to the high."""

import pytest

from prcnn import evaluation
from prcnn.evaluation.paired import PairedSeeds


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ((0.032, -0.0014, 0.064), "+3.2 points [−0.1, +6.4]"),
        ((-0.05, -0.1, -0.002), "−5.0 points [−10.0, −0.2]"),
    ],
)
def test_a_difference_is_in_points_with_its_signs(found, words):
    assert evaluation.points(PairedSeeds(*found, p_value=0.5)) == words


def test_a_share_is_in_percent_with_its_interval_where_there_is_one():
    assert evaluation.percent(0.4876) == "48.8 %"
    assert evaluation.percent(0.4876, (0.453, 0.522)) == "48.8 % [45.3, 52.2]"
