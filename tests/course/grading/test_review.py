"""The page for open questions keeps points and shows nothing to others; feedback goes out when it may."""

import threading
import zipfile
from contextlib import contextmanager
from datetime import datetime
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer
from urllib.parse import urlencode

import nbformat
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from helpers.course.grading.administration.roster import SUBMITTED
from helpers.course.grading.administration.tables import write_csv
from helpers.course.grading.marks import feedback_release, review
from helpers.course.grading.marks.manual import MANUAL, entered, read_manual
from helpers.course.grading.marks.review import Review, handler
from helpers.course.grading.marks.review_page import page
from tests.course.grading.test_submission import meta

MOST = {"01_x": {"task1": 2, "task7": 4}}
EVIL = "<script>alert(1)</script>\"'><img src=x>"
HEAD = [*MANUAL, "who"]


def rows(*students):
    answers = {"anna": "Groups leak.", "bo": EVIL}
    one = {"assignment": "01_x", "task": "task7", "max": "4", "who": "me"}
    return [one | {"student": who, "answer": answers.get(who, "")} for who in students]


@pytest.fixture
def kept(tmp_path):
    """Open answers of two students and the solution; returns the review."""
    write_csv(tmp_path / "manual.csv", HEAD, rows("anna", "bo"))
    cells = [
        new_markdown_cell("### Task 7 · Why?"),
        new_markdown_cell("**Model answer.** <b>", metadata=meta("task7", grade=True, solution=True)),
    ]
    place = tmp_path / "course" / "source" / "01_x" / "01_x.ipynb"
    place.parent.mkdir(parents=True)
    nbformat.write(new_notebook(cells=cells), place)
    return Review(tmp_path, MOST)


def given(review):
    manual = read_manual(review.out / "manual.csv", MOST)
    return {who: (row["points"], row["comment"], row["who"]) for (who, _, _), row in manual.items()}


def test_points_and_comments_are_kept_beside_those_of_others(kept):
    assert kept.keep("01_x", "anna", {"points task7": "3,5", "comment task7": "=good, but"}) == ""
    assert given(kept) == {"anna": ("3,5", "=good, but", "me"), "bo": ("", "", "me")}
    manual = read_manual(kept.out / "manual.csv", MOST)
    assert entered(manual, "anna", "01_x") == {"task7": (3.5, "=good, but")}
    assert kept.keep("01_x", "anna", {"points task7": ""}) == "" and given(kept)["anna"][:2] == ("", "=good, but")


@pytest.mark.parametrize("points", ["5", "-1", "three", "nan"])
def test_points_that_cannot_be_are_refused_and_nothing_changes(kept, points):
    before = (kept.out / "manual.csv").read_bytes()
    assert "give a number from 0 to 4" in kept.keep("01_x", "anna", {"points task7": points})
    assert (kept.out / "manual.csv").read_bytes() == before


def test_the_page_shows_answer_question_and_rubric_and_escapes_what_was_written(kept):
    shown = page(kept, kept.submissions(), 1)
    assert "<script" not in shown and "&lt;script&gt;" in shown and "<img" not in shown and "<b>" not in shown
    assert "### Task 7 · Why?" in shown and "**Model answer.** &lt;b&gt;" in shown and "0 of 2 are done" in shown
    assert "Groups leak." in page(kept, kept.submissions(), 0)
    assert "bo</a> task7: waits" in page(kept, kept.submissions(), 2)


def test_what_was_typed_is_shown_again_where_it_was_wrong(kept):
    shown = page(kept, kept.submissions(), 0, "task7: points", {"points task7": "9", "comment task7": "long text"})
    assert "Not kept. task7: points" in shown and 'value="9"' in shown and "long text" in shown


@contextmanager
def serving(kept):
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(kept, "secret"))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def ask(port, path, form=None, host=None):
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    body = urlencode(form) if form else None
    connection.request("POST" if form else "GET", path, body, {"Host": host or f"127.0.0.1:{port}"})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


def test_the_server_goes_from_one_submission_to_the_next_and_keeps_points(kept):
    form = {"assignment": "01_x", "student": "anna", "points task7": "3", "comment task7": "good"}
    with serving(kept) as port:
        answer, text = ask(port, "/secret")
        assert answer.status == 200 and "01_x · anna" in text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        answer, _ = ask(port, "/secret?n=0", form)
        assert (answer.status, answer.headers["Location"]) == (303, "/secret?n=1")
        assert given(kept)["anna"][:2] == ("3", "good") and "1 of 2 are done" in ask(port, "/secret?n=1")[1]
        answer, text = ask(port, "/secret?n=0", form | {"points task7": "7"})
        assert answer.status == 400 and "Not kept" in text and given(kept)["anna"][0] == "3"
        assert ask(port, "/secret?n=0", form | {"student": "eve"})[0].status == 400


def test_who_does_not_know_the_address_gets_nothing(kept):
    with serving(kept) as port:
        for path, host in (("/", None), ("/secre", None), ("/secret", "evil.example"), ("/secret/../x", None)):
            answer, text = ask(port, path, host=host)
            assert answer.status == 404 and text == "not found"


def test_without_open_answers_there_is_no_page(tmp_path, capsys):
    assert review.main(["--out", str(tmp_path)]) == 1
    assert "run make grade first" in capsys.readouterr().err


NOW = datetime(2026, 3, 5)


@pytest.fixture
def graded(tmp_path):
    """Marks and pages of three students, one of whom waits and one of whom has no page."""
    waits = {"anna": "", "bo": "task7", "cy": ""}
    table = [{"student": who, "assignment": "01_x", "needs_manual": task} for who, task in waits.items()]
    write_csv(tmp_path / "marks.csv", ["student", "assignment", "needs_manual"], table)
    for who in ("anna", "bo"):
        (tmp_path / "feedback" / who).mkdir(parents=True)
        (tmp_path / "feedback" / who / "01_x.html").write_text(f"for {who}", encoding="utf-8")
    (tmp_path / "class").mkdir()
    row = ("anna", "01_x", "01_x.ipynb", "", "moodle", "101", "Anna Lee")
    write_csv(tmp_path / "class" / "submitted.csv", SUBMITTED, [dict(zip(SUBMITTED, row, strict=True))])
    return tmp_path


def test_each_gets_their_own_page_when_all_is_graded(graded):
    found = feedback_release.release(graded / "class", graded, "01_x", ["01_x"], NOW)
    assert found["anna"] == "" and "task7 waits" in found["bo"] and "no page" in found["cy"]
    pages = sorted(path.relative_to(graded / "release").as_posix() for path in (graded / "release").rglob("*.html"))
    assert pages == ["anna/01_x.html"]
    with zipfile.ZipFile(graded / "release" / "01_x.zip") as archive:
        assert archive.namelist() == ["Anna Lee_101_assignsubmission_file_/01_x.html"]
    feedback_release.release(graded / "class", graded, "01_x", ["01_x"], NOW, everybody=True)
    with zipfile.ZipFile(graded / "release" / "01_x.zip") as archive:
        assert archive.namelist()[1:] == ["bo/01_x.html"] and archive.read("bo/01_x.html") == b"for bo"


def test_nothing_goes_out_while_somebody_has_time(graded):
    head = "assignment,student,deadline,late_days,percent_per_day\n"
    text = f"{head}01_x,,2026-03-01,0,\n01_x,bo,2026-03-04,2,10\n"
    (graded / "class" / "deadlines.csv").write_text(text, encoding="utf-8")
    found = feedback_release.release(graded / "class", graded, "01_x", ["01_x"], NOW)
    assert all("has time until 2026-03-06" in why for why in found.values()) and not (graded / "release").exists()
    assert feedback_release.release(graded / "class", graded, "01_x", ["01_x"], datetime(2026, 3, 7))["anna"] == ""
