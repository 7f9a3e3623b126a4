"""Lesson 8.2: McNemar by hand is the exact test, the solutions give what the text says, and wrong answers don't."""

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from scipy.stats import binom, binomtest

from data_prework.files import PROJECT
from tests.notebooks.lesson_cells import ran

LESSON = nbformat.read(PROJECT / "notebooks" / "08_choosing" / "2_compare.ipynb", as_version=4)
FIRST, SECOND = (cell.source for cell in LESSON.cells if "solution" in cell.metadata.get("tags", []))


def cell(words):
    return next(cell.source for cell in LESSON.cells if words in cell.source and cell.cell_type == "code")


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.mark.parametrize("a, b", [(13, 13), (16, 4), (0, 6), (1, 0), (0, 0)])
def test_mcnemar_by_hand_is_the_exact_test(a, b):
    by_hand = ran(cell("def mcnemar"))[0]["mcnemar"]
    assert by_hand(a, b) == pytest.approx(binomtest(a, a + b).pvalue if a + b else 1)


@pytest.fixture
def power(rng):
    source = cell("def power").replace("rng = np.random.default_rng(run.seed)", "")
    found = ran(source, np=np, binom=binom, rng=rng)[0]["power"]
    return lambda n, a, b: found(n, a, b, repeats=500)


def test_the_first_solution_needs_four_times_the_images_for_half_the_difference(power):
    needed = ran(FIRST, power=power)[0]["images_needed"]
    small, large = needed(0.04, 0.1), needed(0.02, 0.1)
    assert small == pytest.approx(7.85 * (0.1 - 0.04**2) / 0.04**2, rel=0.25)
    assert 3 < large / small < 5.5


def test_forgetting_the_images_on_which_the_worse_model_is_right_would_need_far_fewer(power):
    wrong = FIRST.replace("(apart + gap) / 2, (apart - gap) / 2", "gap, 0")
    assert wrong != FIRST and ran(wrong, power=power)[0]["images_needed"](0.04, 0.1) <= 300


@pytest.fixture
def trials(rng):
    """Twenty models that are equally good, on images of children with two each."""
    groups = np.repeat(np.arange(100), 2).astype(str)
    given = {"rng": rng, "np": np, "plt": plt, "groups": groups, "children": np.unique(groups)}
    source = "def falls" + cell("def falls").split("def falls")[1].split("\n\n\n")[0]
    return given | {"correct": rng.random((20, 200)) < 0.8, "falls": ran(source, **given)[0]["falls"]}


def test_the_second_solution_finds_that_more_trials_fall_further(trials):
    fall = ran(SECOND.replace("300", "100"), **trials)[0]["fall"]
    plt.close("all")
    assert len(fall) == 4 and 0 < fall[0] < fall[-1] and fall[-1] > 0.02


def test_choosing_and_judging_on_the_same_half_would_show_no_fall(trials):
    source = cell("def falls").split("\n\n\n")[1]
    wrong = source.replace("correct[:, ~rows]", "correct[:, rows]")
    falls = ran(wrong, **{k: v for k, v in trials.items() if k != "falls"})[0]["falls"]
    assert wrong != source and falls(trials["correct"], 20) == 0
