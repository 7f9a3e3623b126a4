"""Submissions of a class: honest ones and every kind of broken one, made from the students' version."""

import json
import os
import re
import shutil
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from helpers.assignment import read_settings
from helpers.course.grading.assignments.cells import grade_id, graded
from helpers.course.grading.assignments.release import SOURCES
from helpers.course.grading.wall.choice import why_not_bubblewrap
from helpers.course.grading.wall.landlock import version
from helpers.course.links import add_fetching
from tests.course.grading.sheet import read_answers

UNPROTECTED = ["--unprotected"] if why_not_bubblewrap() and version() < 1 else []  # where no wall can stand
GAP = re.compile(r"^([ \t]*)# YOUR CODE HERE\n[ \t]*raise NotImplementedError\(.*\)$", re.M)


def fill(notebook: nbformat.NotebookNode, student: str, answers: dict[str, str]) -> nbformat.NotebookNode:
    """A student's version with a name, and with answers in the place of its gaps."""
    for cell in notebook.cells:
        if grade_id(cell) == "name":
            cell.source = f"STUDENT = {student!r}"
        if grade_id(cell) in answers:
            code = textwrap.dedent(answers[grade_id(cell)]).strip("\n")
            cell.source = GAP.sub(lambda gap, code=code: textwrap.indent(code, gap[1]), cell.source)
            if cell.cell_type == "markdown":
                cell.source = code
    return notebook


def machine_points(name: str) -> dict[str, float]:
    """Task -> points of what tests grade: all of an assignment but its open questions."""
    cells = graded(nbformat.read(SOURCES / name / f"{name}.ipynb", as_version=4))
    points = read_settings()[name]["points"]
    return {task: worth for task, worth in points.items() if cells[task].cell_type == "code"}


def cell(notebook: nbformat.NotebookNode, wanted: str):
    return next(one for one in notebook.cells if grade_id(one) == wanted)


class Class:
    """A folder of submissions of one assignment."""

    def __init__(self, folder: Path, released: Path):
        self.folder, self.released, self.name = folder, released, released.stem
        known = read_answers(self.name)
        self.right = {task: entries["right"][0]["code"] for task, entries in known.items()}

    def notebook(self, student: str, answers: dict[str, str] | None = None) -> nbformat.NotebookNode:
        """A student's filled notebook: all right unless `answers` says otherwise."""
        blank = nbformat.read(self.released, as_version=4)
        answers = self.right if answers is None else answers
        own = {task: f"{textwrap.dedent(code)}\n# as {student} wrote it" for task, code in answers.items()}
        return fill(blank, student, own | {"task7": answers.get("task7", "")} if "task7" in answers else own)

    def hand_in(self, student: str, notebook=None, change: Callable | None = None, flat: bool = False, **answers):
        """Put a notebook into the folder: `answers` in the place of right ones, then `change(notebook)`."""
        notebook = notebook or self.notebook(student, self.right | answers)
        if change:
            change(notebook)
        place = self.folder / student if flat else self.folder / student / self.name
        place.mkdir(parents=True)
        nbformat.write(notebook, place / f"{self.name}.ipynb")

    def hand_in_text(self, student: str, text: str, name: str | None = None):
        place = self.folder / student / self.name
        place.mkdir(parents=True)
        (place / (name or f"{self.name}.ipynb")).write_text(text, encoding="utf-8")


def broken_class(one: Class, outside: Path) -> dict[str, tuple[float, tuple[str, ...]]]:
    """Hand in submissions with every kind of fault; returns student -> (points, all that the note must hold).

    Faults that do not touch each other share a student, because each student costs a new kernel.
    """
    marks, worth = {}, machine_points(one.name)
    full = sum(worth.values())

    def expect(student: str, points: float, *words: str, **given):
        one.hand_in(student, **given)
        marks[student] = (points, words)

    def code(*texts: str) -> Callable:
        def change(notebook):
            notebook.cells[8:8] = map(new_code_cell, texts)

        return change

    def trying(*texts: str) -> Callable:
        return code(*(f"try:\n    {text}\nexcept OSError:\n    pass" for text in texts))

    def without(*names: str) -> Callable:
        def change(notebook):
            notebook.cells = [c for c in notebook.cells if grade_id(c) not in names]

        return change

    def edited(name: str, text: str) -> Callable:
        return lambda notebook: cell(notebook, name).update(source=text)

    def all_of(*changes: Callable) -> Callable:
        return lambda notebook: [change(notebook) for change in changes]

    expect("honest", full, change=lambda notebook: add_fetching(notebook, "https://github.com/a/course", "v1.0.0"))
    expect("flat layout", full, flat=True, change=code("open('notes.txt', 'w').write('mine')"))
    expect(
        "wrong answers",
        full - worth["task2"] - worth["task3"] - worth["task5"],
        task2="return {}",
        task3="return {(",
        task5='while True:\n    print("x" * 1000)',
        task7="Because the files of the two classes were saved by different people.",
    )
    expect("unsolved", 0, notebook=one.notebook("unsolved", {}))
    tampered = all_of(*(edited(f"{task}_test", "pass") for task in worth), _more_points)
    expect("tests changed", 0, "task1_test", notebook=one.notebook("tests changed", {}), change=tampered)
    put_back = all_of(edited("setup", "exercise = None"), without("task4_test"), edited("name", "STUDENT = 'Bo'"))
    expect("setup changed", full, "put back: setup", "put back: task4_test", "names 'Bo'", change=put_back)
    expect("loops", full - worth["task2"], "loop without an end", task2="import time\nwhile True:\n    time.sleep(0.1)")
    expect("memory", worth["task1"], "memory", task2="hoard = []\nwhile True:\n    hoard.append(np.ones(10_000_000))")
    expect("exits", worth["task1"], "did not run", change=code("import os\nos._exit(0)"))
    guard = "import helpers.course.grading.wall.sandbox as guard; "
    guard += "guard.WRITING = 0; guard.REFUSED.clear(); guard.CHANGES.clear(); "
    expect(
        "mischief",
        full - worth["task2"],
        *(["write outside its own folder (outside.txt)"] if UNPROTECTED else []),  # behind the wall it isn't there
        f"write outside its own folder ({one.folder.name})",
        *("open a connection", "read the grader's files", *(["start a program"] if UNPROTECTED else [])),
        task2=f"return open({str(SOURCES / one.name / f'{one.name}.ipynb')!r}).read()",
        change=trying(
            f"{guard}open({str(outside)!r}, 'w')",
            f"import shutil; shutil.rmtree({str(one.folder)!r})",
            f"{guard}import subprocess; subprocess.run(['ls'])",
            "import socket; socket.create_connection(('127.0.0.1', 9))",
        ),
    )
    expect(
        "cells deleted",
        full - worth["task2"],
        "task2_test",
        "names nobody",
        change=without("task2", "task2_test", "name"),
    )
    expect("=SUM(A1)", full, change=lambda notebook: [c.metadata.clear() for c in notebook.cells])
    if sys.platform == "linux":  # a folder from an old zip file, whose name is no UTF-8
        one.hand_in(os.fsdecode(b"Jos\xe9"), one.notebook("Jos\\xe9"))
        marks["Jos\\xe9"] = (full, ())
    for student, text, words in (
        ("no json", "PK\x03\x04 this is a zip", "not JSON"),
        ("no notebook", json.dumps({"a": 1}), "JSON without cells"),
        ("future format", json.dumps({"nbformat": 99, "nbformat_minor": 0, "metadata": {}, "cells": []}), "read"),
        (
            "broken cells",
            json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [3]}),
            "its cells are damaged",
        ),
        ("empty file", "", "not JSON"),
    ):
        one.hand_in_text(student, text)
        marks[student] = (0, (words,))
    one.hand_in_text("an image", "no notebook", name="answers.pdf")
    marks["an image"] = (0, ("was not handed in; there is answers.pdf",))
    return marks


def _more_points(notebook) -> None:
    for one in notebook.cells:
        if one.metadata.get("nbgrader", {}).get("grade"):
            one.metadata.nbgrader.points = 100


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """The students' versions of all assignments, built once."""
    pytest.importorskip("nbgrader")
    from helpers.course.grading.assignments.release import build

    out = tmp_path_factory.mktemp("course")
    yield build(out)
    shutil.rmtree(out)
