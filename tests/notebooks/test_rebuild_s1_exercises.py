"""The exercises of the rebuild lab S1: the solutions are right, and wrong answers are not."""

from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest

from data_prework.files import PROJECT
from tests.notebooks.lesson_cells import ran
from tests.notebooks.shape import is_solution

LAB = PROJECT / "notebooks" / "rebuild" / "s1_pneumonia.ipynb"
NAMES = ["NORMAL", "PNEUMONIA"]
MOSTLY_ILL = np.array([0, 1, 1, 1])


def cells():
    return nbformat.read(LAB, as_version=4).cells


def solution(number):
    return [cell.source for cell in cells() if is_solution(cell)][number - 1]


def printed_function():
    """The function with the bug, as the text of the exercise prints it."""
    text = next(cell.source for cell in cells() if cell.cell_type == "markdown" and "find the bug" in cell.source)
    return text.split("```python\n")[1].split("```")[0]


@pytest.fixture(scope="module")
def class_shares():
    return ran(solution(1), np=np, y={"train": MOSTLY_ILL}, names=NAMES)[0]["class_shares"]


def test_the_shares_have_the_names_that_the_labels_stand_for(class_shares):
    assert class_shares(MOSTLY_ILL, NAMES) == {"NORMAL": 0.25, "PNEUMONIA": 0.75}


def test_a_class_that_does_not_occur_has_the_share_0_and_shifts_no_other(class_shares):
    assert class_shares(np.array([1, 1]), NAMES) == {"NORMAL": 0, "PNEUMONIA": 1}
    assert class_shares(np.array([0, 2]), ["a", "b", "c"]) == {"a": 0.5, "b": 0, "c": 0.5}


def test_a_label_without_a_name_is_not_passed_over(class_shares):
    with pytest.raises(ValueError):
        class_shares(np.array([0, 2]), NAMES)


def test_the_function_with_the_bug_swaps_the_names_without_an_error():
    faulty = ran(printed_function(), np=np)[0]["class_shares"]
    assert faulty(MOSTLY_ILL) == {"PNEUMONIA": 0.25, "NORMAL": 0.75}


def given(accuracies, count=200, seed=0):
    """What the solution of exercise 2 finds: labels of val, and answers of networks with these accuracies."""
    labels, rng = np.tile([0, 1], count // 2), np.random.default_rng(seed)
    prob = {}
    for key, share in accuracies.items():
        right = rng.permutation(count) < round(share * count)
        prob["S1", key] = np.where(right, labels, 1 - labels).astype(float)
    build = dict.fromkeys(accuracies)
    return {"np": np, "pd": pd, "run": SimpleNamespace(seed=7), "y": {"val": labels}, "prob": prob, "BUILD": build}


def test_sixteen_images_rarely_put_the_best_of_three_good_networks_first_alone():
    result = ran(solution(2), **given({"M1": 0.92, "M4": 0.95, "M6": 0.93}))[0]
    assert result["top"] == "M4" and 0.1 < result["alone"] < 0.5 and result["level"] > 0.4


def test_they_suffice_where_only_one_network_works():
    result = ran(solution(2), **given({"M1": 0.5, "M4": 0.97}))[0]
    assert result["top"] == "M4" and result["alone"] > 0.97


@pytest.mark.parametrize(
    "right, wrong",
    [
        ("np.mean([keys == [top] for keys in first])", "np.mean([top in keys for keys in first])"),
        ("rng.choice(images, 8)", "rng.choice(images, 80)"),
    ],
    ids=["level counts as first", "160 images"],
)
def test_another_reading_gives_another_share(right, wrong):
    networks = given({"M1": 0.92, "M4": 0.95, "M6": 0.93})
    source = solution(2)
    assert right in source
    share = ran(source, **networks)[0]["alone"]
    assert ran(source.replace(right, wrong), **networks)[0]["alone"] > share + 0.1
