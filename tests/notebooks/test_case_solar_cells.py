"""The case study of the solar cells: its summary is what was computed, its decisions are the cheapest ones."""

import os
import re
import shutil
import subprocess
import sys

import nbformat
import numpy as np
import pytest

from data_prework.files import PROJECT
from data_prework.manifest import default_data_dir, find_prepared
from tests.notebooks import shape
from tests.weekly import WEEKLY

PATH = PROJECT / "notebooks" / "case_studies" / "solar_cells.ipynb"
CELLS = nbformat.read(PATH, as_version=4).cells
RULES = re.compile(r"^MISSED, NEEDLESS|^def (saving|calibration_error|logit)|^FINE, VISIT", re.M)


def of(id: str) -> nbformat.NotebookNode:
    return next(cell for cell in CELLS if cell.id == id)


@pytest.fixture(scope="module")
def case():
    """What the cells with the costs, the decision and the calibration define; the tables of data are left out."""
    import pandas as pd

    names = {"np": np, "pd": pd, "run": type("Run", (), {"seed": 7})}
    for cell in CELLS:
        if cell.cell_type == "code" and RULES.search(cell.source):
            source = re.split(r"^(?:rng, errors =|platt =|thousand =|ways =)", cell.source, flags=re.M)[0]
            exec(compile(source, cell.id, "exec"), names)
    return names


def test_the_summary_at_the_top_is_what_the_last_cell_computed_word_by_word():
    lines = "".join(output.get("text", "") for output in of("solar-061").outputs).strip().splitlines()
    assert len(lines) == 4 and all(re.search(r"\d", line) for line in lines)
    assert "\n".join(lines) in of("solar-001").source


@pytest.mark.parametrize("prob", [0, 0.05, 0.099, 0.11, 0.3, 0.5, 0.79, 0.81, 1])
def test_the_decision_is_the_one_with_the_lowest_expected_cost(case, prob):
    ways = ("fine", "ask", "visit")
    defective, sound = (case["cost"](np.full(3, label), np.array(ways)) for label in (1, 0))
    expected = prob * defective + (1 - prob) * sound
    assert case["decide"](np.array([prob]))[0] == ways[np.argmin(expected)]
    forced = case["decide"](np.array([prob]), case["CUT"], case["CUT"])[0]
    assert forced == ("visit" if expected[2] <= expected[0] else "fine")


def test_a_limit_itself_counts_as_the_costs_say_both_answers_cost_the_same(case):
    limits = np.array([case["FINE"], case["VISIT"], case["CUT"]])
    assert np.allclose(limits * case["MISSED"], [case["LOOK"], 0.8 * 40, (1 - limits[2]) * case["NEEDLESS"]])
    assert list(case["decide"](limits)) == ["ask", "visit", "ask"]


def test_savings_are_counted_by_hand_and_their_interval_is_students_over_the_modules(case):
    labels, says = np.array([1, 0, 0, 1]), np.array(["fine", "fine", "visit", "ask"])
    value, low, high = case["saving"](labels, says, np.array(["a", "a", "b", "b"]))
    assert value == pytest.approx(1000 * ((4 - 40) + 4 + (4 - 20) + 0) / 4)
    margin = 12.7062 * 4_000  # sums of deviations: -8,000 of module a and 8,000 of module b; one degree of freedom
    assert (low, high) == (pytest.approx(value - margin, rel=1e-4), pytest.approx(value + margin, rel=1e-4))


def test_the_calibration_error_is_the_mean_gap_of_the_bins(case):
    labels, prob = np.array([0, 1, 1, 1]), np.array([0.25, 0.25, 0.95, 0.95])
    assert case["calibration_error"](labels, prob) == pytest.approx((0.5 + 0.1) / 4)
    assert case["calibration_error"](np.array([1, 0]), np.array([1.0, 0.0])) == 0


def test_it_is_within_the_length_of_a_case_study():
    code = [cell.source for cell in CELLS if cell.cell_type == "code"]
    text = "\n\n".join(cell.source for cell in CELLS if cell.cell_type == "markdown")
    words = len(shape.DETAILS.sub("", text.split("## Check yourself")[0]).split())
    lines = [[line for line in cell.splitlines() if line.strip() and line.strip()[0] != "#"] for cell in code]
    assert len(CELLS) <= 64 and words <= 3400
    assert max(map(len, lines)) <= 15 and max(len(line) for cell in lines for line in cell) <= 80


def test_what_was_chosen_was_chosen_without_the_test_which_is_opened_after_its_heading():
    opened = next(i for i, cell in enumerate(CELLS) if "The test, once" in cell.source)
    before = "\n".join(cell.source for cell in CELLS[:opened] if cell.cell_type == "code")
    assert not re.search(r"test\.(images|labels|groups|frame)|data\[", before)


@pytest.mark.skipif(not WEEKLY, reason="once a week: a minute")
def test_without_the_solar_cells_it_runs_to_its_end_on_drawn_cracks_and_says_so(tmp_path):
    drawn = find_prepared("concrete_cracks", "embedded")
    if drawn is None:
        pytest.skip("the embedded data are not made yet")
    shutil.copytree(drawn, tmp_path / "data" / drawn.relative_to(default_data_dir()))
    settings = {"COURSE_DATA": str(tmp_path / "data"), "COURSE_RESULTS": str(tmp_path / "results")}
    command = [sys.executable, "-m", "helpers.course", "run", "--out", str(tmp_path / "out"), str(PATH)]
    done = subprocess.run(command, env=os.environ | settings, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = nbformat.writes(nbformat.read(tmp_path / "out" / PATH.name, as_version=4))
    assert "Data: concrete_cracks in place of solar_cells" in said and "have no doubtful labels" in said
