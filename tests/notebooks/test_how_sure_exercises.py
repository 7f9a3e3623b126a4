"""Lesson 1.3: Wilson by hand is Wilson's, the solutions give what the text says, and wrong answers don't."""

import nbformat
import numpy as np
import pytest

from data_prework.files import PROJECT
from helpers.metrics import wilson
from tests.notebooks.lesson_cells import ran

LESSON = nbformat.read(PROJECT / "notebooks" / "01_explore" / "3_how_sure.ipynb", as_version=4)
FIRST, SECOND = (cell.source for cell in LESSON.cells if "solution" in cell.metadata.get("tags", []))


def cell(words):
    return next(cell.source for cell in LESSON.cells if words in cell.source and cell.cell_type == "code")


BY_HAND = ran(cell("def wilson_by_hand"), np=np)[0]["wilson_by_hand"]
PAIRED = ran(cell("def paired").split("\n\n\n")[0], np=np)[0]["paired"]


@pytest.mark.parametrize("hits, n", [(30, 30), (29, 30), (83, 100), (0, 12), (5, 10)])
def test_the_interval_by_hand_is_wilsons(hits, n):
    assert BY_HAND(hits / n, n) == pytest.approx(wilson(hits / n, n, 0.95), abs=2e-3)


def test_the_first_solution_needs_as_many_cracks_as_the_formula():
    names, said = ran(FIRST, wilson_by_hand=BY_HAND)
    for goal in (0.9, 0.95, 0.99):
        assert names["cracks_needed"](goal) == pytest.approx(1.96**2 * goal / (1 - goal), rel=0.03)
    assert said.count("all of them found") == 3


def test_a_bootstrap_in_its_place_would_ask_for_one_crack():
    wrong = ran(FIRST, wilson_by_hand=lambda share, n: (share, share))[0]["cracks_needed"]
    assert [wrong(goal) for goal in (0.9, 0.95, 0.99)] == [1, 1, 1]


@pytest.fixture
def answers():
    """Two rules that mostly fail on the same images."""
    rng = np.random.default_rng(7)
    hard = rng.random(2000) < 0.25
    one, two = (~hard ^ (rng.random(2000) < 0.05) for _ in range(2))
    return {"data": np.zeros(2000), "first_right": one, "second_right": two, "rng": rng, "np": np, "paired": PAIRED}


def test_the_second_solution_keeps_the_difference_and_widens_the_interval(answers):
    names, said = ran(SECOND, **answers)
    assert names["gain"] == pytest.approx(names["mixed_gain"])
    assert names["wider"] > 1.5 and "times as wide" in said


def test_shuffling_both_rules_alike_would_widen_nothing(answers):
    wrong = SECOND.replace("paired(one, rng.permutation(two))", "paired(*rng.permutation(np.c_[one, two]).T)")
    assert wrong != SECOND and ran(wrong, **answers)[0]["wider"] == pytest.approx(1)
