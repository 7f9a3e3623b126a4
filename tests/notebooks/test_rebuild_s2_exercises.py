"""The exercises of the rebuild lab S2: the solutions are right, and wrong answers are not."""

import nbformat
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from data_prework.files import PROJECT
from helpers.models import REFERENCE_MODELS
from tests.notebooks.lesson_cells import ran
from tests.notebooks.shape import is_solution

LAB = PROJECT / "notebooks" / "rebuild" / "s2_pneumonia.ipynb"


def solution(number):
    cells = nbformat.read(LAB, as_version=4).cells
    return [cell.source for cell in cells if is_solution(cell)][number - 1]


@pytest.fixture
def published():
    keys = [f"M{i}" for i in range(1, 6)]
    return pd.DataFrame({key: REFERENCE_MODELS[f"S2-{key}"].scores for key in keys}).T[["recall", "specificity"]]


def test_by_the_area_of_its_answers_s2_would_have_put_m3_first(published):
    result = ran(solution(1), was=published)[0]
    assert result["first"] == "M3"
    areas = {"M1": 0.9481, "M2": 0.9387, "M3": 0.95015, "M4": 0.93085, "M5": 0.93135}
    assert result["of_answers"].to_dict() == pytest.approx(areas, abs=1e-6)


def test_the_recall_alone_puts_another_network_first(published):
    code = solution(1)
    right = 'was["recall"] + was["specificity"]'
    assert right in code
    assert ran(code.replace(right, '2 * was["recall"]'), was=published)[0]["first"] == "M1"


def test_the_area_of_answers_is_the_mean_of_recall_and_specificity_and_that_of_probabilities_is_not():
    labels, prob = np.array([0, 0, 0, 0, 1, 1]), np.array([0.1, 0.2, 0.3, 0.6, 0.4, 0.9])
    said = prob > 0.5
    scores = pd.DataFrame({"recall": [said[4:].mean()], "specificity": [1 - said[:4].mean()]}, index=["M1"])
    area = ran(solution(1), was=scores)[0]["of_answers"]["M1"]
    assert area == pytest.approx(roc_auc_score(labels, said)) != roc_auc_score(labels, prob)


class Flickering:
    """Answers by the first pixel, except for every second X-ray, where it changes its mind in every call."""

    def __init__(self):
        self.calls = 0

    def __call__(self, x_rays):
        self.calls += 1
        first = x_rays[:, 0, 0]
        return np.where(np.arange(len(first)) % 2 == 0, first, self.calls % 2)[:, None]


def steady(x_rays):
    return x_rays[:, 0, 0][:, None]


def given(on=steady, off=steady):
    images = np.random.default_rng(0).integers(0, 2, (10, 4, 4)).astype("uint8")
    parts = {"course": {"val": np.arange(8)}}
    return {"np": np, "images": images, "parts": parts, "always_on": on, "models": {("course", "M4"): off}}


def test_the_share_of_x_rays_whose_answer_changes_is_found():
    result = ran(solution(2), **given(on=Flickering()))[0]
    assert result["moved"] == {"on": 0.5, "off": 0}


@pytest.mark.parametrize(
    "right, wrong",
    [("range(10)", "range(1)"), ("any(said, axis=0)", "any(said, axis=1)")],
    ids=["called once", "over X-rays"],
)
def test_another_count_is_wrong(right, wrong):
    source = solution(2)
    assert right in source
    try:
        moved = ran(source.replace(right, wrong), **given(on=Flickering()))[0]["moved"]
    except ValueError:  # arrays of other lengths
        return
    assert moved["on"] != 0.5


def test_the_lab_asks_for_no_test_image_before_the_seal_is_broken():
    cells = nbformat.read(LAB, as_version=4).cells
    at = [cell.id for cell in cells if cell.cell_type == "code" and '"sealed")' in cell.source]
    assert at == ["s2-sealed"]
