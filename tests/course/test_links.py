"""Links to Colab, Kaggle and Binder point to their notebook, and the cell that fetches the course is written once."""

import re
import subprocess

import nbformat
import pytest

from helpers.course import links
from helpers.course import run_notebooks as course
from helpers.course.links import CELL, GITHUB, LINE, add_links, link_line, remote_address, version_tag
from helpers.course.run_notebooks import PROJECT, course_notebooks

ADDRESS = "git@github.com:teacher/course.git"


def test_the_three_links_lead_to_the_same_file():
    line = link_line(ADDRESS, "v1.2.0", "notebooks/04_regularization.ipynb")
    assert line.count("v1.2.0") == 3 and line.count("notebooks/04_regularization.ipynb") == 3
    assert line.count("teacher/course") == 3


@pytest.mark.parametrize(
    "address", ["https://github.com/teacher/course", "https://github.com/teacher/course.git", ADDRESS]
)
def test_addresses_of_github_are_understood(address):
    assert GITHUB.fullmatch(address)[1] == "teacher/course"


def test_an_address_elsewhere_has_no_badges_but_can_be_fetched():
    assert link_line("https://example.org/course.git", "v1", "x.ipynb") == ""
    notebook = nbformat.read(course_notebooks()[0], as_version=4)
    add_links(notebook, "https://example.org/course.git", "v1", "x.ipynb")
    assert "Open it in" not in notebook.cells[0].source and "https://example.org/course.git" in notebook.cells[1].source


@pytest.mark.parametrize("path", course_notebooks(), ids=lambda path: path.stem)
def test_they_are_added_once_to_every_notebook_and_nothing_else_changes(path):
    notebook, before = (nbformat.read(path, as_version=4) for _ in range(2))
    for _ in range(2):
        add_links(notebook, ADDRESS, "v9", path.relative_to(PROJECT).as_posix())
    nbformat.validate(notebook)
    assert sum(cell.id == CELL for cell in notebook.cells) == 1
    assert notebook.cells[0].source.count("Open it in [Colab]") == 1
    kept = [cell.source for cell in notebook.cells if cell.id != CELL]
    kept[0] = LINE.sub("", kept[0])
    old = [cell.source for cell in before.cells if cell.id != CELL]
    old[0] = LINE.sub("", old[0])
    assert kept == old
    counts = [cell.execution_count for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    assert counts == list(range(1, len(counts) + 1))


@pytest.fixture(scope="module")
def remote() -> str:
    """The address from which others fetch this copy."""
    try:
        address = remote_address()
    except ValueError as error:
        pytest.skip(str(error))
    if not re.match(r"https?://|ssh://|git@", address):
        pytest.skip(f"{address} is not an address of the internet")
    if not any(f'"{CELL}"' in path.read_text(encoding="utf-8") for path in course_notebooks()):
        pytest.skip("no notebook has links yet: make links")
    return address


@pytest.mark.parametrize("path", course_notebooks(), ids=lambda path: path.stem)
def test_every_notebook_links_to_itself_in_this_version_and_can_fetch_it(path, remote):
    notebook = nbformat.read(path, as_version=4)
    lines = LINE.findall(notebook.cells[0].source)
    fetching = [cell.source for cell in notebook.cells if cell.id == CELL]
    wanted = 1 if GITHUB.fullmatch(remote) else 0  # Colab, Kaggle and Binder open what is on GitHub
    assert (len(lines), len(fetching)) == (wanted, 1), "run: make links"
    own, tag = path.relative_to(PROJECT).as_posix(), version_tag()
    assert f"--branch {tag} " in fetching[0], "the version was raised; run: make links"
    for line in lines:
        assert line.count(own) == 3 and line.count(f"/{tag}") == 3, "run: make links"


def test_without_a_remote_nothing_is_changed(tmp_path, monkeypatch, capsys):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    monkeypatch.setattr(links, "remote_address", lambda: links_of(tmp_path))
    before = {path: path.read_bytes() for path in course.course_notebooks()}
    assert links.main([]) == 1
    assert "git remote add origin ADDRESS" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in course.course_notebooks()}


def test_a_remote_that_is_not_on_github_is_refused_before_a_notebook_is_touched(tmp_path, monkeypatch, capsys):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    subprocess.run(["git", "-C", tmp_path, "remote", "add", "origin", "https://example.org/course.git"], check=True)
    monkeypatch.setattr(links, "remote_address", lambda: links_of(tmp_path))
    before = {path: path.read_bytes() for path in course.course_notebooks()}
    assert links.main([]) == 1
    assert "no repository on GitHub" in capsys.readouterr().err
    assert before == {path: path.read_bytes() for path in course.course_notebooks()}


def test_a_students_own_helpers_py_does_not_pass_for_the_course():
    assert 'find_spec("data_prework") is None' in links.FETCH and 'find_spec("helpers")' not in links.FETCH


links_of = links.remote_address
