"""The exercises of lesson 1.4: the solutions give what the text says, and a wrong answer gives something else."""

import nbformat
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from data_prework.files import PROJECT
from tests.notebooks.lesson_cells import ran

LESSON = nbformat.read(PROJECT / "notebooks" / "01_explore" / "4_leaks.ipynb", as_version=4)
FIRST, SECOND = (cell.source for cell in LESSON.cells if "solution" in cell.metadata.get("tags", []))
TOY = next(cell.source for cell in LESSON.cells if "toy_groups =" in cell.source)
TWELVE = np.arange(12)


@pytest.fixture(scope="module")
def toy():
    return ran(TOY, np=np)[0]


def test_the_text_says_what_the_toy_split_shares():
    text = next(cell.source for cell in LESSON.cells if "### Exercise 1" in cell.source)
    assert '{"B", "C"}' in text and "an empty set for `group_split`" in text


def test_the_first_solution_finds_the_shared_modules_and_none_in_folds_by_group(toy):
    groups, labels = np.repeat(np.arange(16), 8).astype(str), np.tile([0, 0, 0, 1], 32)
    names, said = ran(FIRST, **toy, groups=groups, labels=labels)
    shared = names["on_both_sides"]
    assert shared(toy["toy_groups"], *toy["random_split"]) == {"B", "C"}
    assert shared(toy["toy_groups"], *toy["group_split"]) == set()
    assert "by group: up to 0 groups" in said and "random: up to 0 " not in said


@pytest.mark.parametrize(
    "wrong",
    [
        lambda groups, train, test: set(train) & set(test),  # the same image, not the same module
        lambda groups, train, test: set(groups[train]) | set(groups[test]),
        lambda groups, train, test: set(groups[test]) - set(groups[train]),
        lambda groups, train, test: len(train) != len(test),
    ],
    ids=["positions", "all groups", "groups of the test alone", "sizes"],
)
def test_a_wrong_check_does_not_give_the_sets_of_the_text(toy, wrong):
    found = [wrong(toy["toy_groups"], *toy[split]) for split in ("random_split", "group_split")]
    assert found != [{"B", "C"}, set()]


@pytest.fixture(scope="module")
def modules():
    """Features that tell the module and no more, and one number that tells the class; modules are of one class."""
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(24), 10)
    centers = rng.normal(size=(24, 20))
    features = centers[groups] + rng.normal(scale=0.1, size=(240, 20))
    labels = (groups % 2 == 1).astype(int)
    return {
        "features": features,
        "brightness": labels + rng.normal(size=240),
        "labels": labels,
        "groups": groups.astype(str),
        "cv": StratifiedKFold(8, shuffle=True, random_state=7),
        "group_cv": StratifiedGroupKFold(8, shuffle=True, random_state=7),
    }


IMPORTS = {
    "np": np,
    "make_pipeline": make_pipeline,
    "StandardScaler": StandardScaler,
    "LogisticRegression": LogisticRegression,
    "cross_val_predict": cross_val_predict,
    "roc_auc_score": roc_auc_score,
}


def test_the_second_solution_finds_the_leak_of_neighbors_and_hardly_any_in_one_number(modules):
    names, _ = ran(SECOND, **IMPORTS, **modules)
    assert names["leak"]["neighbors"] > 0.3 and abs(names["leak"]["brightness"]) < 0.1


def test_random_folds_in_both_places_would_show_no_leak(modules):
    wrong = SECOND.replace('{"cv": group_cv, "groups": groups}', '{"cv": cv}')
    assert wrong != SECOND
    names, _ = ran(wrong, **IMPORTS, **modules)
    assert names["leak"] == {"neighbors": 0, "brightness": 0}
