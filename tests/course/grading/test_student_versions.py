"""What `make assignments` gives out: no solution in it, the settings written into it, and gaps that speak."""

import re

import nbformat
import pytest

from data_prework.manifest import find_prepared
from helpers.assignment import SETTINGS, read_settings
from helpers.course.grading import batch as exercises
from helpers.course.grading.assignments.cells import grade_id, graded
from helpers.course.grading.assignments.release import SOURCES, SettingsError, assignments, build, with_settings
from tests.course.grading.conftest import cell, fill
from tests.course.grading.sheet import execute

NAMES = assignments(read_settings())
each = pytest.mark.parametrize("name", NAMES)
MAX_LINES = 20
MAX_TEST_LINES = 75  # a test says what is wrong in many ways


def released(course, name):
    return nbformat.read(course / "release" / name / f"{name}.ipynb", as_version=4)


def source(name):
    return nbformat.read(SOURCES / name / f"{name}.ipynb", as_version=4)


def test_every_source_notebook_is_in_the_settings():
    assert sorted(path.parent.name for path in SOURCES.glob("*/*.ipynb")) == sorted(NAMES)


@each
def test_a_source_notebook_names_its_tasks_and_ends_with_an_open_question(name):
    notebook = source(name)
    nbformat.validate(notebook)
    tasks = graded(notebook)
    assert 4 <= len(tasks) <= 16 and all(re.fullmatch(r"task\d+[a-z]?", task) for task in tasks)
    assert len({re.sub("[a-z]$", "", task) for task in tasks}) >= 4  # a step such as task5a belongs to task5
    ids = [grade_id(one) for one in notebook.cells if grade_id(one)]
    assert len(set(ids)) == len(ids)
    *_, last = tasks.values()
    assert last.cell_type == "markdown"
    assert "**Model answer.**" in last.source and "**Rubric**" in last.source


@each
def test_a_source_notebook_is_clean_and_its_cells_are_short(name):
    for one in source(name).cells:
        if one.cell_type == "code":
            lines = [line for line in one.source.splitlines() if line.strip() and not line.strip().startswith("#")]
            longest = MAX_TEST_LINES if grade_id(one).endswith("_test") else MAX_LINES
            assert len(lines) <= longest and not one.outputs and one.execution_count is None, one.source


@each
def test_tests_are_read_only_and_those_of_functions_have_a_hidden_part(name):
    answer = ""
    for one in source(name).cells:
        answer = one.source if one.metadata.get("nbgrader", {}).get("solution") else answer
        if grade_id(one).endswith("_test"):
            assert one.metadata.nbgrader.locked
            assert "### BEGIN HIDDEN TESTS" in one.source or not answer.startswith("def "), grade_id(one)
            assert "assert" in one.source.split("### BEGIN HIDDEN TESTS")[0] or "reject(" in one.source


@each
def test_a_students_version_holds_gaps_and_no_solution(name, course):
    text = "\n".join(one.source for one in released(course, name).cells)
    assert "SOLUTION" not in text and "HIDDEN" not in text and "Model answer" not in text and "Rubric" not in text
    for one in source(name).cells:
        meta = one.metadata.get("nbgrader", {})
        if meta.get("solution"):
            gap = cell(released(course, name), grade_id(one)).source
            assert "Not solved yet" in gap if one.cell_type == "code" else gap == "YOUR ANSWER HERE"


@pytest.fixture(scope="module")
def other_settings(tmp_path_factory):
    """A course whose settings differ from the project's in every assignment, built once."""
    pytest.importorskip("nbgrader")
    folder = tmp_path_factory.mktemp("other")
    sections = []
    for place, name in enumerate(NAMES):
        points = ", ".join(f"{task} = {i + 2}" for i, task in enumerate(read_settings()[name]["points"]))
        sections.append(
            f'[{name}]\ndataset = "monuments"\ndifficulty = {0.25 + place / 4}\nseed = {place + 99}\n'
            f"seed_per_student = false\npoints = {{ {points} }}\n"
        )
    (folder / "settings.toml").write_text("\n".join(sections), encoding="utf-8")
    return build(folder, folder / "settings.toml")


@each
def test_points_dataset_and_seed_come_from_the_settings(name, other_settings):
    notebook, place = released(other_settings, name), NAMES.index(name)
    points = [one.metadata.nbgrader.points for one in graded(notebook).values()]
    assert points == [i + 2 for i in range(len(read_settings()[name]["points"]))]
    text = "\n".join(one.source for one in notebook.cells)
    values = (f"difficulty={0.25 + place / 4}", f"seed={place + 99}", 'dataset="monuments"', "seed_per_student=False")
    assert all(words in text.replace("'", '"') for words in values)
    first = sum(i + 2 for i, task in enumerate(read_settings()[name]["points"]) if re.fullmatch("task1[a-z]?", task))
    assert re.search(rf"^### Task 1 · .* \({first} points\)$", text, re.M)


def test_points_for_unknown_or_missing_tasks_are_named():
    chosen = read_settings()["01_explore"]
    for points, says in (({"task1": 1}, "task2"), (chosen["points"] | {"task99": 1}, "task99")):
        with pytest.raises(SettingsError, match=says):
            with_settings(source("01_explore"), "01_explore", chosen | {"points": points})
    with pytest.raises(SettingsError, match="a number from 0"):
        with_settings(source("01_explore"), "01_explore", chosen | {"points": chosen["points"] | {"task1": -1}})


def test_a_section_without_a_notebook_is_named(tmp_path, capsys):
    file = tmp_path / "settings.toml"
    file.write_text("[42_nothing]\nseed = 1\n", encoding="utf-8")
    assert exercises.main(["assignments", "--out", str(tmp_path), "--settings", str(file)]) == 1
    assert "there is no notebook 42_nothing.ipynb" in capsys.readouterr().err


def test_the_command_writes_student_versions_and_solutions_and_leaves_the_sources_alone(tmp_path, capsys):
    pytest.importorskip("nbgrader")
    before = {path: path.stat().st_mtime_ns for path in SETTINGS.parent.rglob("*")}
    assert exercises.main(["assignments", "--out", str(tmp_path)]) == 0
    for name in NAMES:
        assert (tmp_path / "student" / name / f"{name}.ipynb").is_file()
        assert "BEGIN SOLUTION" in (tmp_path / "solution" / name / f"{name}.ipynb").read_text(encoding="utf-8")
    assert {path: path.stat().st_mtime_ns for path in SETTINGS.parent.rglob("*")} == before
    assert "student version" in capsys.readouterr().out


@each
@pytest.mark.skipif(find_prepared("chest_xray", "embedded") is None, reason="the embedded data are not made yet")
def test_an_unsolved_version_stops_at_the_first_gap_with_its_message(name, course):
    assert first_error(released(course, name)).startswith("ValueError: Type your name or number into the first cell")
    said = first_error(fill(released(course, name), "Anna Lee", {}))
    assert said.startswith("NotImplementedError: Not solved yet: put your answer")


def first_error(notebook) -> str:
    """Run a notebook's code here; returns kind and message of what stops it."""
    space: dict = {"__name__": "__main__"}
    said = (execute(one.source, space) for one in notebook.cells if one.cell_type == "code")
    return next(filter(None, said))
