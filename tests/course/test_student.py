"""The students' edition holds no output, no solution and no answer, and leaves the lessons alone."""

import subprocess
import sys
import zipfile

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from data_prework.files import PROJECT
from helpers.course import student
from helpers.course.new_lesson import lesson
from helpers.course.notebooks import course_notebooks
from helpers.course.student import student_edition, write_edition


def test_outputs_solutions_and_answers_are_gone_and_the_rest_stays():
    text = "Before.\n\n<details><summary>Why\nso?</summary>\n\nBecause.\n</details>\n\nAfter."
    cells = [
        new_markdown_cell(text),
        new_code_cell("x = 1", execution_count=3, outputs=[new_output("stream", text="canary")]),
        new_code_cell(""),
        new_code_cell("canary = 2", metadata={"tags": ["solution"]}),
        new_markdown_cell("canary", metadata={"tags": ["solution"]}),
        new_code_cell("y = 1", metadata={"tags": ["hide-input"]}),
    ]
    given = new_notebook(cells=cells)
    before = nbformat.writes(given)
    made = student_edition(given)
    nbformat.validate(made)
    assert [cell.source for cell in made.cells][1:] == ["x = 1", "", "y = 1"]
    assert made.cells[0].source == "Before.\n\n**Why\nso?**\n\n*Your answer:*\n\nAfter."
    assert "canary" not in nbformat.writes(made) and made.cells[1].execution_count is None
    assert nbformat.writes(given) == before


def test_a_new_lesson_keeps_its_questions_and_its_empty_cells():
    made = student_edition(lesson("11_one"))
    text = "\n".join(cell.source for cell in made.cells)
    assert "<details>" not in text and "slope has no edge" not in text and "as a coin does." not in text
    assert "**2. What does an AUC of .5 mean?**" in text and "my_guess" in text
    assert sum(cell.cell_type == "code" and not cell.source for cell in made.cells) == 2


def test_every_notebook_is_written_at_its_path_and_the_sources_stay_as_they_are(tmp_path, capsys):
    before = {path: path.read_bytes() for path in course_notebooks()}
    tmp_path /= "edition"
    assert student.main(["--out", str(tmp_path)]) == 0
    written = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*.ipynb"))
    packed = zipfile.ZipFile(tmp_path.with_suffix(".zip")).namelist()
    assert {f"edition/{path.as_posix()}" for path in written} | {"edition/helpers/__init__.py"} <= set(packed)
    assert not any("exercises" in name or "tests/" in name for name in packed)
    done = subprocess.run(
        [sys.executable, "-c", "import helpers; print(helpers.__file__)"], cwd=tmp_path, text=True, capture_output=True
    )
    assert done.stdout.strip() == str(tmp_path / "helpers" / "__init__.py")
    assert written == sorted(path.relative_to(PROJECT) for path in before)
    for path in tmp_path.rglob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        assert not any(cell.get("outputs") for cell in notebook.cells) and "<details>" not in nbformat.writes(notebook)
    assert {path: path.read_bytes() for path in before} == before
    assert f"{len(before)} notebooks" in capsys.readouterr().out


@pytest.mark.parametrize("out", [".", "..", "notebooks", "notebooks/student"])
def test_it_is_never_written_over_or_among_the_lessons(tmp_path, out):
    project = tmp_path / "course"
    (project / "notebooks").mkdir(parents=True)
    path = project / "notebooks" / "01_one.ipynb"
    nbformat.write(lesson("01_one"), path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="give another folder"):
        write_edition(project / out, [path], project)
    assert list(tmp_path.rglob("*.ipynb")) == [path] and path.read_bytes() == before


def test_the_links_open_the_edition_from_its_branch(tmp_path, monkeypatch):
    project = tmp_path / "course"
    path = project / "notebooks" / "01_one.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(lesson("01_one"), path)
    monkeypatch.setattr(student, "remote_address", lambda project: "https://github.com/someone/course.git")
    (written,) = write_edition(tmp_path / "out", [path], project, branch="student")
    text = nbformat.read(written, as_version=4).cells[0].source
    assert "github/someone/course/blob/student/notebooks/01_one.ipynb" in text


def test_without_a_repository_no_edition_has_links(tmp_path, monkeypatch, capsys):
    def none(project):
        raise ValueError("no git remote `origin`")

    monkeypatch.setattr(student, "remote_address", none)
    assert student.main(["--out", str(tmp_path / "out"), "--branch", "student"]) == 1
    assert "no git remote" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_place_that_holds_the_course_is_refused_in_a_sentence(capsys):
    assert student.main(["--out", str(PROJECT / "notebooks")]) == 1
    assert "give another folder" in capsys.readouterr().err
