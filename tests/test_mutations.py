"""The mutations of tests/mutations.py still have a place to be made in."""

from collections import Counter

import pytest
from mutations import MUTATIONS, ROOT


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: f"{m.file}: {m.name}")
def test_a_mutation_changes_one_place(mutation):
    text = (ROOT / mutation.file).read_text()
    assert text.count(mutation.old) == 1, f"{mutation.file} says otherwise now: update mutations.py"
    assert mutation.new != mutation.old
    assert all((ROOT / "tests" / name).is_file() for name in mutation.tests.split())


def test_there_are_enough_and_each_has_its_name():
    names = Counter((m.file, m.name) for m in MUTATIONS)
    assert len(MUTATIONS) >= 40 and max(names.values()) == 1
