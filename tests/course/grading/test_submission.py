"""Reading what was handed in, and putting cells back: without a kernel."""

import json
import os
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.course.grading.submissions.finding import find_notebook, find_submissions
from helpers.course.grading.submissions.reading import UnreadableError, read_submission
from helpers.course.grading.submissions.restoring import restore, settle_name


def meta(grade_id, grade=False, solution=False, locked=False):
    one = {"schema_version": 3, "grade": grade, "solution": solution, "locked": locked, "grade_id": grade_id}
    return {"nbgrader": one | ({"points": 1} if grade else {})}


@pytest.fixture
def released():
    cells = [
        new_code_cell('STUDENT = ""', metadata=meta("name"), id="c0"),
        new_code_cell("import numpy", metadata=meta("setup", locked=True), id="c1"),
        new_code_cell("raise NotImplementedError()", metadata=meta("task1", solution=True), id="c2"),
        new_code_cell("assert x == 1", metadata=meta("task1_test", grade=True, locked=True), id="c3"),
        new_markdown_cell("YOUR ANSWER HERE", metadata=meta("task2", grade=True, solution=True), id="c4"),
    ]
    return new_notebook(cells=cells)


def test_an_honest_notebook_is_left_as_it_is(released):
    notebook = deepcopy(released)
    notebook.cells[2].source = "x = 1"
    notebook.cells.insert(3, new_code_cell("print(x)"))
    before = [cell.source for cell in notebook.cells]
    assert restore(notebook, released) == [] and [cell.source for cell in notebook.cells] == before


def test_changed_cells_and_points_are_put_back_and_named(released):
    notebook = deepcopy(released)
    notebook.cells[3].source = "pass"
    notebook.cells[3].metadata.nbgrader.points = 100
    notebook.cells[4].metadata.nbgrader.solution = False
    assert restore(notebook, released) == ["changed and put back: task1_test"]
    assert notebook.cells[3].source == "assert x == 1" and notebook.cells[3].metadata.nbgrader.points == 1
    assert notebook.cells[4].metadata.nbgrader.solution


def test_deleted_cells_come_back_in_their_places(released):
    notebook = deepcopy(released)
    notebook.cells = [notebook.cells[0], notebook.cells[4]]
    assert restore(notebook, released) == ["deleted and put back: setup, task1, task1_test"]
    assert [cell.id for cell in notebook.cells] == ["c0", "c1", "c2", "c3", "c4"]


def test_cells_that_lost_their_metadata_are_known_by_their_id(released):
    notebook = deepcopy(released)
    for cell in notebook.cells:
        cell.metadata.clear()
    assert restore(notebook, released) == []
    assert [cell.metadata.nbgrader.grade_id for cell in notebook.cells][:2] == ["name", "setup"]


def test_a_copied_test_cell_counts_once(released):
    notebook = deepcopy(released)
    notebook.cells.append(deepcopy(notebook.cells[3]))
    restore(notebook, released)
    assert "nbgrader" not in notebook.cells[-1].metadata and len({cell.id for cell in notebook.cells}) == 6


def test_a_cell_whose_kind_was_changed_becomes_what_it_was(released):
    notebook = deepcopy(released)
    notebook.cells[2] = new_markdown_cell("x = 1", metadata=meta("task1", solution=True), id="c2")
    restore(notebook, released)
    assert notebook.cells[2].cell_type == "code" and notebook.cells[2].source == "x = 1"
    nbformat.validate(notebook)


@pytest.mark.parametrize(
    "typed, name_from, source, said",
    [
        ("Anna", "cell", "STUDENT = 'Anna'", []),
        ("Bo", "cell", "STUDENT = 'Bo'", ["the notebook names 'Bo'"]),
        ("Bo", "folder", "STUDENT = 'anna'", ["the notebook names 'Bo'"]),
        ("", "cell", "STUDENT = 'anna'", ["the notebook names nobody, so the folder's name was used"]),
    ],
)
def test_whose_numbers_count(released, typed, name_from, source, said):
    released.cells[0].source = f"STUDENT = {typed!r}"
    assert settle_name(released, "anna", name_from) == said and released.cells[0].source == source


@pytest.mark.parametrize(
    "text, says",
    [
        ("", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[1, 2]", "JSON without cells"),
        ('{"nbformat": 4, "cells": 5}', "cells are damaged"),
        ('{"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [{"cell_type": "code"}]}', "can be read"),
    ],
)
def test_what_is_no_notebook_is_said_plainly(tmp_path, text, says):
    file = tmp_path / "01_explore.ipynb"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableError, match=says):
        read_submission(file, max_mb=1)


def test_links_folders_and_huge_files_are_not_opened(tmp_path):
    real, link = tmp_path / "real.ipynb", tmp_path / "link.ipynb"
    real.write_text("x" * 2_000_000, encoding="utf-8")
    link.symlink_to(real)
    for file, says in ((real, "larger than 1 MB"), (link, "not a file"), (tmp_path, "not a file")):
        with pytest.raises(UnreadableError, match=says):
            read_submission(file, max_mb=1)


def test_a_file_or_folder_that_the_system_refuses_stops_nobody_else(tmp_path, monkeypatch):
    for student in ("anna", "bo"):
        (tmp_path / student).mkdir()
        (tmp_path / student / "01_x.ipynb").touch()
    bo, listed, read = tmp_path / "bo", Path.iterdir, Path.read_bytes

    def refuse(known):
        def call(path):
            if path.is_relative_to(bo):
                raise PermissionError(13, "Permission denied")
            return known(path)

        return call

    with monkeypatch.context() as patched:  # a test that runs as root may read everything
        patched.setattr(Path, "read_bytes", refuse(read))
        with pytest.raises(UnreadableError, match=r"01_x\.ipynb cannot be read: Permission denied"):
            read_submission(bo / "01_x.ipynb", max_mb=1)
        patched.setattr(Path, "iterdir", refuse(listed))
        rows = find_submissions(tmp_path, ["01_x"])
    assert [row[0] for row in rows] == ["anna", "bo"]
    assert rows[0][2] and rows[1][2:] == (None, "the folder cannot be read: Permission denied")


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux only")
def test_names_from_an_old_zip_file_become_text(tmp_path):
    folder = tmp_path / os.fsdecode(b"Jos\xe9")
    folder.mkdir()
    (folder / os.fsdecode(b"01_x \xe9.ipynb")).write_text("no notebook", encoding="utf-8")
    ((student, _, file, said),) = find_submissions(tmp_path, ["01_x"])
    assert student == "Jos\\xe9" and said == "01_x \\xe9.ipynb was taken as 01_x.ipynb"
    with pytest.raises(UnreadableError, match="not a notebook") as error:
        read_submission(file, max_mb=1)
    str(error.value).encode()


def test_a_notebook_with_a_byte_order_mark_is_read(tmp_path, released):
    file = tmp_path / "01_x.ipynb"
    file.write_text(nbformat.writes(released), encoding="utf-8-sig")
    assert read_submission(file, max_mb=1)[0].cells[1].source == "import numpy"


def test_an_older_format_is_read(tmp_path):
    file = tmp_path / "old.ipynb"
    cell = {"cell_type": "code", "source": "x = 1", "metadata": {}, "outputs": [], "execution_count": None}
    file.write_text(
        json.dumps({"nbformat": 4, "nbformat_minor": 2, "metadata": {}, "cells": [cell, cell]}), encoding="utf-8"
    )
    assert [one.source for one in read_submission(file, max_mb=1)[0].cells] == ["x = 1", "x = 1"]


def test_notebooks_are_found_in_both_layouts_and_under_a_changed_name(tmp_path):
    for place in ("a/01_x/01_x.ipynb", "b/01_x.ipynb", "c/01_x (1).ipynb", "d/essay.pdf", "e/02_y.ipynb", "f.txt"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).touch()
    rows = {
        (student, name): (file and file.name, said)
        for student, name, file, said in find_submissions(tmp_path, ["01_x", "03_z"])
    }
    assert rows["a", "01_x"] == rows["b", "01_x"] == ("01_x.ipynb", "")
    assert rows["c", "01_x"] == ("01_x (1).ipynb", "01_x (1).ipynb was taken as 01_x.ipynb")
    assert rows["d", "01_x"] == (None, "01_x.ipynb was not handed in; there is essay.pdf")
    assert not any(name == "03_z" for _, name in rows)  # nobody has handed it in
    assert find_notebook(tmp_path / "g", "01_x")[0] is None
