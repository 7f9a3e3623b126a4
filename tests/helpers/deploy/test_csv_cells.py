"""No formula of a stranger reaches the spreadsheet of the person who opens a table."""

import csv
import re
from unittest.mock import MagicMock

import pandas as pd
import pytest

from helpers.course.grading.marks.files import write_marks
from helpers.course.grading.marks.manual import MANUAL, entered, read_manual
from helpers.deploy.csv_cells import as_text, for_spreadsheet, from_text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "'=1", "＝1+1", "＠SUM(A1)"])
def test_what_a_spreadsheet_would_run_becomes_text_and_can_be_read_back(text):
    assert as_text(text) == f"'{text}" and from_text(f"'{text}") == text


@pytest.mark.parametrize("value", ["scan 1.png", "ward 3/=1.png", "'quoted'", "", -0.5, None])
def test_other_values_stay(value):
    assert as_text(value) is value
    assert not isinstance(value, str) or from_text(value) == value


def test_all_columns_of_a_table_are_looked_at_and_numbers_stay_numbers():
    table = for_spreadsheet(pd.DataFrame({"file": ["=1", "a"], "decision": ["b", "@c"], "probability": [-0.5, None]}))
    assert list(table["file"]) == ["'=1", "a"] and list(table["decision"]) == ["b", "'@c"]
    assert table["probability"].dtype == float and table["probability"][0] == -0.5


def test_names_and_answers_of_students_are_no_formulas_and_their_rows_are_found_again(tmp_path):
    row = {"student": "=anna", "assignment": "01", "points": 0.0, "max": 4.0, "tasks": {"task7": 0.0}, "feedback": None}
    row |= {"most": {"task7": 4.0}, "open": ["task7"], "note": "+note", "answers": {"task7": '=HYPERLINK("x")'}}
    filled = dict.fromkeys(MANUAL, "") | {"points": "3", "comment": "- why?"}
    manual = {("=anna", "01", "task7"): filled | {"student": "=anna", "assignment": "01", "task": "task7"}}
    write_marks(tmp_path, [row], manual)
    for name, found in (
        ("manual.csv", {"student": "'=anna", "comment": "'- why?", "answer": '\'=HYPERLINK("x")'}),
        ("marks.csv", {"student": "'=anna", "note": "'+note"}),
    ):
        with (tmp_path / name).open(newline="", encoding="utf-8") as file:
            assert [found.items() <= one.items() for one in csv.DictReader(file)] == [True]
    again = read_manual(tmp_path / "manual.csv", {"01": {"task7": 4}})
    assert entered(again, "=anna", "01") == {"task7": (3.0, "- why?")}


def test_no_table_of_the_app_holds_a_formula_shown_or_downloaded(tmp_path, monkeypatch):
    pytest.importorskip("streamlit", reason="streamlit is not installed; it comes with the extra `app`")
    from helpers.deploy import app, app_answers
    from helpers.deploy.feedback import save_feedback

    page = MagicMock()
    for module in (app, app_answers):
        monkeypatch.setattr(module, "st", page)
    answer = {"file": "=1", "decision": "=3", "note": "=4", "unlike": 0.1, "probability": 0.5}
    two, more = (app_answers.Chosen("=2", None, {limit: 0.5}) for limit in ("threshold", "abstain"))
    app_answers._table({}, [pd.DataFrame([answer])], [two])
    save_feedback(tmp_path / "said.sqlite", b"image", "=2", 0.5, 0.5, "=3", "=5")
    app._kept(tmp_path / "said.sqlite", [])
    app_answers._table({}, [pd.DataFrame([answer | dict.fromkeys(app_answers.MORE_CLASSES, "=6")])], [more])
    tables = [call.args[1].decode("utf-8-sig") for call in page.download_button.call_args_list]
    assert [text.count("'=") for text in tables] == [4, 3, 1, 10]
    shown = [call.args[0].to_csv(index=False) for call in page.dataframe.call_args_list]  # its toolbar exports it
    assert [text.count("'=") for text in shown] == [4, 3, 10]
    assert not any(re.search("(^|,)=", text, re.MULTILINE) for text in tables + shown)
