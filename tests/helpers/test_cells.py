"""No formula of a stranger reaches the spreadsheet of the person who opens a table."""

import csv

import pytest

from helpers import marks
from helpers.cells import as_text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_a_spreadsheet_would_run_becomes_text(text):
    assert as_text(text) == f"'{text}"


@pytest.mark.parametrize("value", ["scan 1.png", "ward 3/=1.png", "", -0.5, None])
def test_other_values_stay(value):
    assert as_text(value) is value


def test_an_open_answer_is_no_formula_in_the_table_of_open_answers(tmp_path):
    row = {"student": "=anna", "assignment": "01", "points": 0.0, "max": 4.0, "tasks": {"task7": 0.0}, "feedback": None}
    row |= {"most": {"task7": 4.0}, "open": ["task7"], "note": "", "answers": {"task7": '=HYPERLINK("x")'}}
    marks.write(tmp_path, [row], {})
    for name, column, wanted in [("manual.csv", "answer", '\'=HYPERLINK("x")'), ("marks.csv", "student", "'=anna")]:
        with (tmp_path / name).open(newline="", encoding="utf-8") as file:
            assert [found[column] for found in csv.DictReader(file)] == [wanted]
