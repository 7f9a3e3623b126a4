"""A class is graded in one go: what is broken is reported for its student and costs nobody else a point."""

import csv
import time

import pytest

from data_prework.manifest import find_prepared
from helpers import exercises, marks
from helpers.assignment import SETTINGS, read_settings
from tests.exercises.conftest import Class, broken_class

NAME = "01_explore"
LIMITS = "[grading]\nseconds_per_cell = 40\nseconds_per_submission = 300\nmemory_gb = 1.5\nprinted_mb = 0.2\n"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_prepared("chest_xray", "embedded") is None, reason="the embedded data are not made yet"),
]


def settings_with(folder, limits: str = LIMITS):
    """The project's settings with other limits."""
    file = folder / "settings.toml"
    text = SETTINGS.read_text(encoding="utf-8")
    file.write_text(limits + text[text.index("[01_explore]") :], encoding="utf-8")
    return file


def grade(folder, out, settings, *more) -> dict[str, dict]:
    """Run the command; returns student -> row of marks.csv."""
    args = ["grade", str(folder), "--out", str(out), "--settings", str(settings), *more]
    assert exercises.main(args) == 0
    with (out / "marks.csv").open(newline="", encoding="utf-8") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def graded(course, tmp_path_factory):
    """Thirty submissions and more of every kind, graded in one go."""
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


def test_thirty_submissions_are_graded_in_one_go_and_nobody_is_lost(graded):
    _, one, _, expected, rows = graded
    assert len(rows) >= 30 and set(rows) == set(expected) == {path.name for path in one.folder.iterdir()}


def test_each_gets_the_points_of_what_works_and_a_note_on_what_does_not(graded):
    *_, expected, rows = graded
    for student, (points, words) in expected.items():
        assert float(rows[student]["points"]) == points, (student, rows[student])
        if words:
            assert words in rows[student]["note"], (student, rows[student]["note"])
        else:
            assert rows[student]["note"] == "", (student, rows[student]["note"])
        assert rows[student]["max"] == "18"


def test_nothing_was_written_or_deleted_outside(graded):
    _, one, outside, expected, _ = graded
    assert not outside.exists() and len(list(one.folder.iterdir())) == len(expected)


def test_open_answers_wait_for_a_person_and_empty_ones_do_not(graded):
    folder, *_, rows = graded
    assert rows["open answer"]["needs_manual"] == "task7" and rows["honest"]["needs_manual"] == ""
    with (folder / "grades" / "manual.csv").open(newline="", encoding="utf-8") as file:
        waiting = {row["student"]: row for row in csv.DictReader(file)}
    assert waiting["open answer"]["answer"].startswith("Because the files") and waiting["open answer"]["max"] == "4"


def test_feedback_shows_points_and_messages_and_for_broken_ones_the_note(graded):
    folder, *_ = graded
    page = (folder / "grades" / "feedback" / "wrong answer" / f"{NAME}.html").read_text(encoding="utf-8")
    assert "11.0 / 18.0" in page and "Return a dictionary with the names" in page
    assert "not JSON" in (folder / "grades" / "feedback" / "no json" / f"{NAME}.html").read_text(encoding="utf-8")


def test_points_by_hand_are_added_and_unchanged_submissions_are_not_run_again(graded):
    folder, one, *_ = graded
    file = folder / "grades" / "manual.csv"
    with file.open(newline="", encoding="utf-8") as opened:
        table = list(csv.DictReader(opened))
    row = next(row for row in table if row["student"] == "open answer")
    row |= {"points": "2,5", "comment": "The cause is right; say what you would measure."}
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, marks.MANUAL)
        writer.writeheader()
        writer.writerows(table)
    began = time.monotonic()
    rows = grade(one.folder, folder / "grades", folder / "settings.toml")
    print(f"\nsecond time {time.monotonic() - began:.0f} s")
    assert rows["open answer"]["points"] == "16.5" and rows["open answer"]["needs_manual"] == ""
    page = (folder / "grades" / "feedback" / "open answer" / f"{NAME}.html").read_text(encoding="utf-8")
    assert "say what you would measure" in page and "16.5 / 18.0" in page
    assert rows["honest"]["points"] == "14" and rows["loops"]["points"] == "11"


@pytest.mark.parametrize("name", [name for name in read_settings() if name not in ("grading", NAME)])
def test_solutions_and_gaps_of_the_other_assignments_go_through_nbgrader(name, course, tmp_path):
    one = Class(tmp_path / "submissions", course / "release" / name / f"{name}.ipynb")
    one.hand_in("right")
    one.hand_in("unsolved", notebook=one.notebook("unsolved", {}))
    rows = grade(one.folder, tmp_path / "grades", SETTINGS)
    points = read_settings()[name]["points"]
    written = max(points, key=lambda task: int(task[4:]))
    assert float(rows["right"]["points"]) == sum(points.values()) - points[written]
    assert rows["unsolved"]["points"] == "0" and rows["right"]["note"] == rows["unsolved"]["note"] == ""


def test_a_solution_that_fails_here_stops_before_a_student_loses_a_point(course, tmp_path, capsys, monkeypatch):
    one = Class(tmp_path / "submissions", course / "release" / NAME / f"{NAME}.ipynb")
    one.hand_in("anna")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "nothing"))
    assert exercises.main(["grade", str(one.folder), "--out", str(tmp_path / "grades")]) == 1
    said = capsys.readouterr().err
    assert f"the solution of {NAME} does not pass on this computer" in said and "make data" in said


def test_the_folders_name_may_decide_the_numbers(course, tmp_path):
    one = Class(tmp_path / "submissions", course / "release" / NAME / f"{NAME}.ipynb")
    table = one.notebook("anna")
    one.hand_in("bo", notebook=table)  # a notebook copied from anna, with her name in it; its answers are computed
    share = "share = {!r}"
    one.hand_in("anna", task1=share.format(_share_of("anna")))
    one.hand_in("cy", task1=share.format(_share_of("anna")))
    rows = grade(one.folder, tmp_path / "grades", settings_with(tmp_path, '[grading]\nname_from = "folder"\n'))
    assert rows["anna"]["points"] == "14" and rows["cy"]["points"] == "13"  # the copied number is not cy's
    assert "names 'anna'" in rows["bo"]["note"]


def _share_of(student: str) -> float:
    from helpers.assignment import start

    table = start(NAME, student, dataset="chest_xray").manifest()
    rows = table[table["split"] == "train"]
    return float((rows["label"] == "PNEUMONIA").mean())
