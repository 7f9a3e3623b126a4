"""A class is graded in one go: what is broken is reported for its student and costs nobody else a point.

A push grades the solution and the gaps of one assignment besides 01; test_answers.py and test_student_versions.py run
those of all in this process. `make weekly` grades all of them.
"""

import csv
import time
from contextlib import contextmanager
from functools import partial
from itertools import takewhile

import nbformat
import pytest

from data_prework.manifest import COURSE, find_prepared
from helpers.assignment import SETTINGS, read_settings
from helpers.course.grading import batch as exercises
from helpers.course.grading.assignments.cells import grade_id
from helpers.course.grading.assignments.release import SOURCES, assignments
from helpers.course.grading.marks.manual import MANUAL
from helpers.course.grading.submissions.finding import shown
from helpers.course.grading.submissions.job import Job
from helpers.deploy.csv_cells import from_text
from tests.course.grading.conftest import UNPROTECTED, Class, broken_class, machine_points
from tests.course.grading.sheet import REGION, Sheet
from tests.weekly import chosen

NAME = "01_explore"
OTHERS = chosen("others", [name for name in assignments(read_settings()) if name != NAME])
WORTH, MOST = machine_points(NAME), sum(read_settings()[NAME]["points"].values())
FULL = sum(WORTH.values())
LOST = sum(WORTH[task] for task in ("task2", "task3", "task5"))  # by the one whose answers are wrong
LIMITS = "[grading]\nseconds_per_cell = 30\nseconds_per_submission = 400\nmemory_gb = 1.5\nprinted_mb = 0.2\n"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        any(find_prepared(name, "embedded") is None for name in COURSE), reason="the embedded data are not made yet"
    ),
]


def settings_with(folder, limits: str = LIMITS):
    """The project's settings with other limits."""
    file = folder / "settings.toml"
    text = SETTINGS.read_text(encoding="utf-8")
    file.write_text(limits + text[text.index("[01_explore]") :], encoding="utf-8")
    return file


def grade(folder, out, settings, *more) -> dict[str, dict]:
    """Run the command; returns student -> row of marks.csv."""
    args = ["grade", str(folder), "--out", str(out), "--settings", str(settings), *UNPROTECTED, *more]
    assert exercises.main(args) == 0
    return {from_text(row["student"]): row for row in read(out / "marks.csv")}


def read(file) -> list[dict]:
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


@contextmanager
def without_check():
    """Check no solution, where it is handed in or checked elsewhere; who is graded may then, as a solution may, write
    the resized images that the check would have left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exercises, "check_solutions", lambda names, *rest: {})
        patch.setattr(exercises, "Job", partial(Job, trusted=True))
        yield


@pytest.fixture(scope="module")
def graded(course, tmp_path_factory):
    """Submissions of every kind, graded in one go."""
    folder = tmp_path_factory.mktemp("class")
    one = Class(folder / "submissions", course / "release" / NAME / f"{NAME}.ipynb")
    outside = folder / "outside.txt"
    expected = broken_class(one, outside)
    began = time.monotonic()
    rows = grade(one.folder, folder / "grades", settings_with(folder))
    seconds = time.monotonic() - began
    print(f"\n{len(rows)} submissions in {seconds:.0f} s, {seconds / len(rows):.1f} s each")
    for row in rows.values():
        print(f"{row['student']:20} {row['points']:>3} of {row['max']}  {row['needs_manual']:6} {row['note']}")
    return folder, one, outside, expected, rows


def test_a_class_is_graded_in_one_go_and_nobody_is_lost(graded):
    _, one, _, expected, rows = graded
    assert len(rows) >= 15 and set(rows) == set(expected) == {shown(path) for path in one.folder.iterdir()}


def test_each_gets_the_points_of_what_works_and_a_note_on_what_does_not(graded):
    *_, expected, rows = graded
    for student, (points, words) in expected.items():
        assert float(rows[student]["points"]) == points, (student, rows[student])
        note = rows[student]["note"]
        assert all(word in note for word in words) and bool(words) == bool(note), (student, note)
        assert float(rows[student]["max"]) == MOST


def test_nothing_was_written_or_deleted_outside(graded):
    _, one, outside, expected, _ = graded
    assert not outside.exists() and len(list(one.folder.iterdir())) == len(expected)


def test_open_answers_wait_for_a_person_and_empty_ones_do_not(graded):
    folder, *_, rows = graded
    assert rows["wrong answers"]["needs_manual"] == "task7" and rows["honest"]["needs_manual"] == ""
    waiting = {row["student"]: row for row in read(folder / "grades" / "manual.csv")}
    assert waiting["wrong answers"]["answer"].startswith("Because the files") and waiting["wrong answers"]["max"] == "4"


def test_feedback_shows_points_and_messages_and_for_broken_ones_the_note(graded):
    folder, *_ = graded
    page = (folder / "grades" / "feedback" / "wrong answers" / f"{NAME}.html").read_text(encoding="utf-8")
    assert f"{FULL - LOST:.1f} / {MOST:.1f}" in page and "Return a dictionary with the names" in page
    assert "not JSON" in (folder / "grades" / "feedback" / "no json" / f"{NAME}.html").read_text(encoding="utf-8")


def test_points_by_hand_are_added_and_unchanged_submissions_are_not_run_again(graded):
    folder, one, *_ = graded
    file = folder / "grades" / "manual.csv"
    table = read(file)
    row = next(row for row in table if row["student"] == "wrong answers")
    row |= {"points": "2,5", "comment": "The cause is right; say what you would measure."}
    earlier = {"student": "honest", "assignment": "02_dense", "task": "task7", "points": "3", "comment": "of last week"}
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, MANUAL, restval="", delimiter=";")
        writer.writeheader()
        writer.writerows([*table, earlier])
    began = time.monotonic()
    rows = grade(one.folder, folder / "grades", folder / "settings.toml", "--assignment", NAME)
    assert any(earlier.items() <= row.items() for row in read(file))
    print(f"\nsecond time {time.monotonic() - began:.0f} s")
    assert float(rows["wrong answers"]["points"]) == FULL - LOST + 2.5 and rows["wrong answers"]["needs_manual"] == ""
    page = (folder / "grades" / "feedback" / "wrong answers" / f"{NAME}.html").read_text(encoding="utf-8")
    assert "say what you would measure" in page and f"{FULL - LOST + 2.5:.1f} / {MOST:.1f}" in page
    assert float(rows["honest"]["points"]) == FULL and float(rows["loops"]["points"]) == FULL - WORTH["task2"]


@pytest.fixture(scope="module")
def others(course, tmp_path_factory):
    """The solution and the gaps of other assignments, handed in and graded in one go."""
    folder = tmp_path_factory.mktemp("others")
    for name in OTHERS:
        one = Class(folder / "submissions", course / "release" / name / f"{name}.ipynb")
        one.hand_in("right", one.notebook("right", solution(name)))
        one.hand_in("unsolved", one.notebook("unsolved", {}))
    with without_check():
        grade(folder / "submissions", folder / "grades", SETTINGS)
    return {(row["assignment"], row["student"]): row for row in read(folder / "grades" / "marks.csv")}


def solution(name: str) -> dict[str, str]:
    """The code of the solution for each answer cell."""
    notebook = nbformat.read(SOURCES / name / f"{name}.ipynb", as_version=4)
    found = {grade_id(cell): REGION.search(cell.source) for cell in notebook.cells if cell.cell_type == "code"}
    return {task: match[0] for task, match in found.items() if match}


@pytest.mark.parametrize("name", OTHERS)
def test_solutions_and_gaps_of_the_other_assignments_go_through_nbgrader(name, others):
    right, unsolved = others[name, "right"], others[name, "unsolved"]
    assert float(right["points"]) == sum(machine_points(name).values()) and right["note"] == ""
    assert unsolved["points"] == "0" and unsolved["note"] == ""


def test_a_solution_that_fails_here_stops_before_a_student_loses_a_point(course, tmp_path, capsys, monkeypatch):
    one = Class(tmp_path / "submissions", course / "release" / NAME / f"{NAME}.ipynb")
    one.hand_in("anna")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nothing"))
    assert exercises.main(["grade", str(one.folder), "--out", str(tmp_path / "grades"), *UNPROTECTED]) == 1
    said = capsys.readouterr().err
    assert f"the solution of {NAME} does not pass on this computer" in said and "make data" in said


def test_the_folders_name_may_decide_the_numbers(course, tmp_path):
    one = Class(tmp_path / "submissions", course / "release" / NAME / f"{NAME}.ipynb")
    table = one.notebook("anna")
    one.hand_in("bo", notebook=table)  # a notebook copied from anna, with her name in it; its answers are computed
    share = "share = {!r}"
    one.hand_in("anna", task1=share.format(_share_of("anna")))
    one.hand_in("cy", task1=share.format(_share_of("anna")))
    with without_check():
        rows = grade(one.folder, tmp_path / "grades", settings_with(tmp_path, '[grading]\nname_from = "folder"\n'))
    assert (
        float(rows["anna"]["points"]) == FULL and float(rows["cy"]["points"]) == FULL - WORTH["task1"]
    )  # the copied number is not cy's
    assert "names 'anna'" in rows["bo"]["note"]


def _share_of(student: str) -> float:
    space: dict = {}
    for cell in takewhile(lambda one: grade_id(one) != "task1", Sheet(NAME, student).cells):
        exec(cell.source, space)
    rows = space["table"][space["table"]["split"] == "train"]
    return float((rows["label"] == "PNEUMONIA").mean())
