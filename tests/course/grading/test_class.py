"""The class around the grades: settings that are checked, archives, private copies, deadlines, totals, changes."""

import os
import re
import zipfile
from copy import deepcopy
from datetime import datetime

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from data_prework.files import PROJECT
from helpers.assignment import SETTINGS, read_settings
from helpers.course import links
from helpers.course.grading import batch
from helpers.course.grading.administration import private_copy, roster
from helpers.course.grading.administration.private_copy import PrivateCopyError, make_private
from helpers.course.grading.administration.roster import Due, read_deadlines, read_students, totals
from helpers.course.grading.administration.tables import TableError, read_csv, write_csv
from helpers.course.grading.assignments import handout
from helpers.course.grading.assignments.handout import HandoutError, write_archive
from helpers.course.grading.assignments.release import SettingsError, assignments, handed_out, source_of
from helpers.course.grading.assignments.settings_check import check_settings
from helpers.course.grading.marks import changes
from helpers.course.grading.submissions.finding import find_submissions
from helpers.course.grading.submissions.job import save_result
from tests.course.grading.test_submission import meta


@pytest.mark.parametrize(
    "values, says",
    [
        ({"dataset": "chest_xrays"}, "'chest_xrays' is not prepared here"),
        ({"dataset": "../chest_xray"}, "is not prepared here"),
        ({"dataset": ""}, "is not prepared here"),
        ({"difficulty": 5}, "difficulty = 5; it must be from 0.2 to 3"),
        ({"difficulty": float("nan")}, "it must be from 0.2 to 3"),
        ({"dataset": "leaves", "difficulty": 2}, "not drawn by the course"),
    ],
)
def test_settings_that_cannot_work_are_named(values, says):
    settings = read_settings()
    settings["01_explore"] |= values
    with pytest.raises(SettingsError, match=r"^\[01_explore\] ") as stopped:
        check_settings(settings, assignments(settings))
    assert says in str(stopped.value)


def test_the_course_s_own_settings_are_sound_and_limits_are_above_zero():
    settings = read_settings()
    check_settings(settings, assignments(settings))
    settings["grading"]["at_once"] = 0
    with pytest.raises(SettingsError, match="at_once = 0"):
        check_settings(settings, [])


def test_wrong_settings_leave_what_is_there(tmp_path, capsys):
    pytest.importorskip("nbgrader")
    file, kept = tmp_path / "settings.toml", tmp_path / "out" / "course" / "kept.txt"
    kept.parent.mkdir(parents=True)
    kept.touch()
    text = SETTINGS.read_text(encoding="utf-8")
    for wrong in (text.replace("monuments", "no_such", 4), text.replace("task7 = 5", "task99 = 5")):
        file.write_text(wrong, encoding="utf-8")
        assert batch.main(["assignments", "--out", str(tmp_path / "out"), "--settings", str(file)]) == 1
        assert kept.exists() and capsys.readouterr().err.startswith("error: [")


def test_the_archive_holds_the_students_versions_and_no_solution(tmp_path):
    place = tmp_path / "student" / "01_x" / "01_x.ipynb"
    place.parent.mkdir(parents=True)
    place.write_text("{}", encoding="utf-8")
    with zipfile.ZipFile(write_archive(tmp_path)) as archive:
        assert archive.namelist() == ["exercises/01_x/01_x.ipynb"]
    first = (tmp_path / "handout.zip").read_bytes()
    assert write_archive(tmp_path).read_bytes() == first
    place.write_text('{"source": "### BEGIN HIDDEN TESTS"}', encoding="utf-8")
    with pytest.raises(HandoutError, match="may not be handed out"):
        write_archive(tmp_path)
    assert (tmp_path / "handout.zip").read_bytes() == first


@pytest.mark.parametrize("remote, cells", [("https://github.com/a/course.git", 2), ("https://example.org/course", 1)])
def test_students_versions_fetch_the_course_on_colab_where_it_is_on_github(tmp_path, monkeypatch, remote, cells):
    git = {("remote", "get-url", "origin"): remote, ("rev-parse", "-q", "--verify", "HEAD"): "0" * 40}
    monkeypatch.setattr(links, "_git", lambda project, *words: git[words])
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Assignment 01")])
    nbformat.write(notebook, tmp_path / "01_x.ipynb")
    said = handout.fetch_on_colab(tmp_path)
    written = nbformat.read(tmp_path / "01_x.ipynb", as_version=4).cells
    assert len(written) == cells and written[0].source == "# Assignment 01"
    if cells == 2:
        assert written[1].id == links.CELL and "https://github.com/a/course" in written[1].source and remote in said
    else:
        assert said.startswith("no cell fetches the course there") and remote in said


def test_a_private_copy_has_seeds_and_tasks_of_its_own(tmp_path, capsys):
    assert private_copy.main([str(tmp_path / "mine")]) == 0
    own, course = (read_settings(path) for path in (tmp_path / "mine" / "settings.toml", SETTINGS))
    names = assignments(course)
    assert assignments(own, tmp_path / "mine" / "settings.toml") == names
    assert any(own[name]["seed"] != course[name]["seed"] for name in names)
    assert own["01_explore"]["points"] == course["01_explore"]["points"]
    assert source_of("01_explore", tmp_path / "mine" / "settings.toml").is_relative_to(tmp_path)
    assert source_of("01_explore", tmp_path / "settings.toml").is_relative_to(PROJECT)
    assert private_copy.main([str(tmp_path / "mine")]) == 1 and "not empty" in capsys.readouterr().err
    with pytest.raises(PrivateCopyError, match="lies in the course"):
        make_private(PROJECT / "mine")


def test_a_task_of_ones_own_is_built(tmp_path):
    pytest.importorskip("nbgrader")
    settings = make_private(tmp_path / "mine")
    (tmp_path / "mine" / "source" / "01_explore").rename(tmp_path / "mine" / "source" / "11_mine")
    notebook = tmp_path / "mine" / "source" / "11_mine" / "01_explore.ipynb"
    text = notebook.read_text(encoding="utf-8").replace('\\"01_explore\\"', '\\"11_mine\\"')
    text = text.replace("What share is", "Of my own: what share is")
    notebook.with_name("11_mine.ipynb").write_text(text, encoding="utf-8")
    notebook.unlink()
    section = settings.read_text(encoding="utf-8").replace("[01_explore]", "[11_mine]")
    settings.write_text(section[: section.index("[02_dense]")], encoding="utf-8")
    made = str(handed_out("11_mine", read_settings(settings), settings))
    assert "Of my own" in made and "BEGIN SOLUTION" not in made
    assert not re.search(r"seed=7\b", made)  # a new seed, which may begin with a 7, too


def test_a_late_day_costs_its_percent_and_a_few_minutes_do_not():
    due = Due(datetime(2026, 3, 1, 18), late_days=2, percent=20)
    for day, hour, minute, part, days in (
        (1, 18, 4, 1, 0), (1, 18, 10, 0.8, 1), (2, 18, 0, 0.8, 1), (3, 12, 0, 0.6, 2), (4, 12, 0, 0, 3), (1, 2, 0, 1, 0)
    ):  # fmt: skip
        assert due.part(datetime(2026, 3, day, hour, minute)) == (part, days)


DEADLINES = (
    "assignment,student,deadline,late_days,percent_per_day\n"
    "01_explore,,2026-03-01 18:00,3,10\n01_explore,Bo,2026-03-08,,\n"
)


@pytest.fixture
def class_(tmp_path):
    """Three students of whom one is not in the list, and one did not hand in."""
    folder = tmp_path / "class"
    for student, day in (("anna", 2), ("bo", 8), ("di", 1)):
        file = folder / student / "01_explore.ipynb"
        file.parent.mkdir(parents=True)
        file.touch()
        os.utime(file, (datetime(2026, 3, day, 12).timestamp(),) * 2)
    (folder / "deadlines.csv").write_text(DEADLINES, encoding="utf-8")
    (folder / "students.csv").write_text("student;name\nAnna;Anna Lee\nbo;Bo\ncy;Cy Young\n", encoding="utf-8")
    marks = [
        {"student": who, "assignment": "01_explore", "points": "10", "needs_manual": waits}
        for who, waits in (("anna", "task7"), ("bo", ""), ("di", ""))
    ]
    write_csv(tmp_path / "marks.csv", ["student", "assignment", "points", "needs_manual"], marks)
    return folder, marks


def test_totals_know_who_is_late_who_has_more_time_and_who_is_missing(class_):
    folder, marks = class_
    table = {row["student"]: row for row in totals(folder, marks, read_settings(), ["01_explore"])}
    assert list(table) == ["Anna", "bo", "cy", "di"]
    assert table["Anna"]["total"] == "9" and table["Anna"]["late"] == "01_explore: 1 days, 90% of the points"
    assert table["Anna"]["waits"] == "01_explore" and table["Anna"]["name"] == "Anna Lee"
    assert table["bo"]["total"] == "10" and table["bo"]["late"] == ""
    assert table["cy"]["missing"] == "01_explore" and table["cy"]["total"] == "0"
    most = sum(read_settings()["01_explore"]["points"].values())
    assert table["di"]["total"] == "10" and table["di"]["max"] == f"{most:g}"
    assert table["di"]["percent"] == f"{1000 / most:.1f}"


def test_the_time_of_a_learning_platform_comes_before_that_of_the_file(class_):
    folder, marks = class_
    row = {"student": "anna", "assignment": "01_explore", "time": "2026-03-01T10:00:00"}
    write_csv(folder / "submitted.csv", roster.SUBMITTED, [row])
    table = {row["student"]: row for row in totals(folder, marks, read_settings(), ["01_explore"])}
    assert table["Anna"]["total"] == "10"


def test_the_command_writes_totals_and_names_who_is_missing(class_, tmp_path, capsys):
    folder, _ = class_
    assert roster.main([str(folder), "--out", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "01_explore: 3 of 4 handed in; missing: cy" in said and "late: Anna" in said
    assert [row["student"] for row in read_csv(tmp_path / "totals.csv")] == ["Anna", "bo", "cy", "di"]
    assert roster.main([str(folder), "--out", str(tmp_path / "none")]) == 1


@pytest.mark.parametrize(
    "row, says",
    [
        ("09_none,,2026-03-01,,", "no assignment '09_none'"),
        ("01_explore,,tomorrow,,", "row 2: give a deadline as"),
        ("01_explore,,2026-03-01,-1,", "late_days from 0"),
        ("01_explore,,2026-03-01,1,200", "from 0 to 100"),
    ],
)
def test_a_deadline_that_is_not_clear_is_named(tmp_path, row, says):
    (tmp_path / "deadlines.csv").write_text(f"{','.join(roster.DEADLINES)}\n{row}\n", encoding="utf-8")
    with pytest.raises(TableError, match=says):
        read_deadlines(tmp_path, ["01_explore"])


def test_a_student_may_stand_in_the_list_once(tmp_path):
    (tmp_path / "students.csv").write_text("student\nAnna Lee\nanna-lee\n", encoding="utf-8")
    with pytest.raises(TableError, match="in two rows"):
        read_students(tmp_path)


def graded(student, **tasks):
    return {"student": student, "assignment": "01_x", "tasks": tasks}


def test_a_new_grading_shows_whose_points_changed(tmp_path):
    assert changes.write_changes(tmp_path, [graded("anna", task1=1.0)], {}) == ""
    columns = ["student", "assignment", "task1", "task2", "needs_manual"]
    before = [("anna", "1", "2", ""), ("bo", "1", "0", "task2"), ("cy", "1", "2", "")]
    rows = [dict(zip(columns, (who, "01_x", *rest), strict=True)) for who, *rest in before]
    write_csv(tmp_path / "marks.csv", columns, rows)
    table = [
        graded("anna", task1=0.0, task2=2.0),
        graded("bo", task1=1.0, task2=3.5),
        graded("cy", task1=1.0, task2=2.0),
    ]
    manual = {("bo", "01_x", "task2"): {"points": "3.5", "comment": ""}}
    said = changes.write_changes(tmp_path, [*table, graded("new", task1=1.0)], manual)
    assert "anna" in said and "task1: 1 to 0" in said and "  cy " not in said and "  new " not in said
    found = [tuple(row.values()) for row in read_csv(tmp_path / "changes.csv", changes.COLUMNS)]
    assert found == [
        ("anna", "01_x", "task1", "1", "0", "graded anew"),
        ("bo", "01_x", "task2", "0", "3.5", "entered by hand"),
    ]


def test_grading_says_copies_changes_and_loose_notebooks(tmp_path, monkeypatch, capsys):
    """The whole command but for the kernels: points come from a stand-in."""
    cells = [
        new_code_cell('STUDENT = ""', metadata=meta("name"), id="a"),
        new_code_cell("# YOUR CODE HERE", metadata=meta("task1", solution=True), id="b"),
        new_code_cell("assert x", metadata=meta("task1_test", grade=True, locked=True), id="c"),
    ]
    for step in ("release", "source"):
        place = tmp_path / "course" / step / "01_explore"
        place.mkdir(parents=True)
        nbformat.write(new_notebook(cells=cells), place / "01_explore.ipynb")
    for student in ("anna", "bo"):
        made = deepcopy(new_notebook(cells=cells))
        made.cells[1].source = "x = " + " + ".join(map(str, range(100)))
        (tmp_path / "class" / student).mkdir(parents=True)
        nbformat.write(made, tmp_path / "class" / student / "Copy of 01_Explore.ipynb")
    (tmp_path / "class" / "01_explore_cy.ipynb").touch()
    points = {"task1": 2.0}

    def run(jobs, at_once):
        for job in jobs:
            job.work.mkdir(parents=True, exist_ok=True)
            save_result(job, {"points": points, "most": points, "open": [], "notes": [], "answers": {}}, True)

    monkeypatch.setattr(batch, "build", lambda out, settings, names: tmp_path / "course")
    monkeypatch.setattr(batch, "check_solutions", lambda *_: {})
    monkeypatch.setattr(batch, "run", run)
    words = ["grade", str(tmp_path / "class"), "--out", str(tmp_path / "out"), "--assignment", "01_explore"]
    assert batch.main(words) == 0
    said = capsys.readouterr().out
    assert "in nobody's folder, so not graded: 01_explore_cy.ipynb" in said and "changed  " not in said
    notes = [row["note"] for row in read_csv(tmp_path / "out" / "marks.csv")]
    assert "Copy of 01_Explore.ipynb was taken" in notes[0] and "equal to those of 'anna'" in notes[1]
    points["task1"] = 1.0
    assert batch.main(words) == 0
    assert "changed  01_explore  anna                task1: 2 to 1" in capsys.readouterr().out


def test_what_is_not_there_is_named_with_what_to_do(tmp_path):
    with pytest.raises(TableError, match=r"marks\.csv is not there; run make grade first"):
        read_csv(tmp_path / "marks.csv")
    with pytest.raises(NotADirectoryError, match="give the one that holds a folder for each student"):
        find_submissions(tmp_path / "nowhere", ["01_explore"])
