"""The exercises of the rebuild labs: a solution gives what the text says, and a wrong answer gives something else."""

from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest

from data_prework.files import PROJECT
from tests.notebooks.lesson_cells import ran
from tests.notebooks.shape import is_solution


def solutions(lab: str) -> list[str]:
    cells = nbformat.read(PROJECT / "notebooks" / "rebuild" / f"{lab}.ipynb", as_version=4).cells
    return [cell.source for cell in cells if is_solution(cell)]


@pytest.fixture
def published():
    keys = [f"S3-M{i}" for i in range(1, 6)]
    return pd.DataFrame({"published": [0.7743, 0.8769, 0.9179, 0.8564, 0.9444]}, index=keys)


def test_only_the_accuracy_of_s3_m5_is_no_number_of_195_photos(published):
    code = solutions("s3_monuments")[0]
    assert ran(code, np=np, beside=published)[0]["impossible"] == ["S3-M5"]
    of_180 = code.replace("np.arange(196) / 195", "np.arange(181) / 180")
    assert of_180 != code and ran(of_180, np=np, beside=published)[0]["impossible"] != ["S3-M5"]


def test_what_the_best_epoch_promises_is_measured_on_the_photos_that_chose_it_against_its_last_epochs():
    code = solutions("s3_monuments")[1]
    curve = [0.5, 0.5, 0.5, 0.9, 0.7, 0.8, 0.7, 0.65]
    histories = {"S3-M3": {"accuracy": [1.0] * 8, "val_accuracy": curve}}
    assert ran(code, np=np, histories=histories)[0]["promised"] == pytest.approx(0.2)
    for right, wrong in (('"val_accuracy"', '"accuracy"'), ("[-5:]", "")):
        assert right in code
        changed = ran(code.replace(right, wrong), np=np, histories=histories)[0]
        assert changed["promised"] != pytest.approx(0.2)


def test_the_clinic_counts_misses_among_the_ill_and_alarms_among_the_healthy():
    code = solutions("s4_pneumonia")[0]
    theirs = pd.DataFrame({"recall": [0.9], "false alarms": [0.25]}, index=["S4-M1"])
    clinic = ran(code, pd=pd, theirs=theirs)[0]["clinic"]
    assert clinic.loc["S4-M1"].round(6).to_dict() == {"missed": 20, "alarms": 200}
    of_all = ran(code.replace("800 *", "1000 *"), pd=pd, theirs=theirs)[0]["clinic"]
    assert of_all.loc["S4-M1", "alarms"] == 250


def test_an_accuracy_on_sixteen_images_moves_more_than_one_on_many():
    code = solutions("s4_pneumonia")[1]
    rng = np.random.default_rng(0)
    val = SimpleNamespace(labels=np.tile([0, 1], 100))
    answers = np.where(rng.random(200) < 0.8, val.labels, 1 - val.labels).astype(float)
    given = {"np": np, "run": SimpleNamespace(seed=7), "val": val, "val_prob": {("S4-M1", "course"): answers}}
    spread = ran(code, **given)[0]["spread"]
    assert 0.25 <= spread <= 0.45  # five of sixteen, by the binomial
    assert ran(code.replace("choice(images, 8)", "choice(images, 80)"), **given)[0]["spread"] < spread / 2
