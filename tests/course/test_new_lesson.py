"""A new lesson has the shape that the checks want, passes them all, and never replaces one that is there."""

import inspect
import subprocess

import nbformat
import pytest

from data_prework.files import PROJECT
from data_prework.manifest import find_prepared
from helpers.course.execute import execute
from helpers.course.new_lesson import lesson, main, write_lesson
from tests.notebooks import shape, test_notebooks

CHECKS = [
    check
    for name, check in vars(test_notebooks).items()
    if name.startswith("test_") and list(inspect.signature(check).parameters) == ["path"]
]


def test_it_begins_with_its_number_and_title(tmp_path):
    path = write_lesson("11_image_segmentation", tmp_path)
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# 11 · Image segmentation\n")
    assert 'helpers.start(lesson="11", seed=7)' in notebook.cells[1].source
    assert not any("NUMBER" in cell.source or "TITLE" in cell.source for cell in notebook.cells)


def test_it_has_the_shape_of_a_lesson():
    assert shape.faults(lesson("11_one")) == []


def test_it_is_formatted_and_has_no_fault_that_ruff_knows(tmp_path):
    ruff = pytest.importorskip("ruff", reason="ruff is not installed; it comes with the extra `dev`").find_ruff_bin()
    path = write_lesson("11_one", tmp_path)
    for command in (["check"], ["format", "--check", "--diff"]):
        config = ["--config", str(PROJECT / "pyproject.toml")]
        done = subprocess.run(
            [ruff, *command, "-q", "--no-cache", *config, path], capture_output=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stdout + done.stderr


def removed(text: str):
    def change(notebook):
        for cell in notebook.cells:
            cell.source = cell.source.replace(text, "")

    return change


@pytest.mark.parametrize(
    "change, fault",
    [
        (removed("**You will learn**"), "the head lacks"),
        (removed("Predict before you run"), 'no "Predict before you run"'),
        (removed("- And the third."), "2 takeaways"),
        (removed("## References\n"), "it does not close with"),
        (lambda notebook: notebook.cells.pop(-2), "1 exercises with a solution"),
        (lambda notebook: notebook.cells[6].update(source="x = 1"), "no empty cell in front of the solution"),
        (lambda notebook: notebook.cells[7].metadata.pop("jupyter"), "is not folded"),
        (lambda notebook: notebook.cells.extend(notebook.cells), "cells, at most 40"),
        (lambda notebook: notebook.cells[4].update(source="x = 1\n" * 16), "16 code lines in a cell, at most 15"),
        (lambda notebook: notebook.cells[4].update(source="x" * 81), "81 characters in a code line"),
    ],
)
def test_a_lesson_out_of_shape_is_told_why(change, fault):
    notebook = lesson("11_one")
    change(notebook)
    assert any(fault in said for said in shape.faults(notebook))


@pytest.mark.slow
@pytest.mark.skipif(find_prepared("concrete_cracks", "embedded") is None, reason="the embedded data are not made yet")
def test_it_runs_and_passes_every_check_of_the_notebooks(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "full")
    monkeypatch.setenv("COURSE_SOURCE", "embedded")
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path / "results"))
    path = write_lesson("11_one", tmp_path)
    notebook, outcome = execute(path, tmp_path, timeout=300)
    assert outcome.fault == ""
    nbformat.write(notebook, path)
    assert len(CHECKS) >= 8
    for check in CHECKS:
        check(path)


def test_a_number_that_is_taken_is_refused(tmp_path):
    path = write_lesson("11_one", tmp_path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"11_one\.ipynb; take the next number"):
        write_lesson("11_other", tmp_path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["", "segmentation", "1_x", "11-x", "11_X", "../11_x", "11_"])
def test_a_name_of_another_form_is_explained(name, capsys):
    with pytest.raises(ValueError, match="such as 11_segmentation"):
        lesson(name)
    assert main([name]) == 1
    assert "such as 11_segmentation" in capsys.readouterr().err
