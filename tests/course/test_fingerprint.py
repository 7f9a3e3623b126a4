"""Only notebooks whose code, modules, data or packages have changed are run again for their outputs."""

import nbformat
import pytest

from helpers.course import fingerprint as made
from helpers.course import run_notebooks as course

LOCK = "requirements.lock"


def notebook(code):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# One"), nbformat.v4.new_code_cell(code)])


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A course of two modules, of which one imports the other, and of one that nobody imports."""
    package = tmp_path / "helpers"
    package.mkdir()
    (tmp_path / LOCK).write_text("numpy==2.0\n", encoding="utf-8")
    for name, code in {
        "__init__": "",
        "shown": "def show():\n    from .inner import x",
        "inner": "x = 1",
        "other": "",
    }.items():
        (package / f"{name}.py").write_text(code, encoding="utf-8")
    monkeypatch.setattr(made, "PROJECT", tmp_path)
    monkeypatch.setattr(made, "find_prepared", lambda name: tmp_path)
    return tmp_path


CODE = "%matplotlib inline\nfrom helpers.shown import show\nload('concrete_cracks')"


@pytest.mark.parametrize(
    "file, counts",
    [
        ("helpers/shown.py", True),
        ("helpers/inner.py", True),
        ("helpers/__init__.py", True),
        ("helpers/other.py", False),
        ("manifest.csv", True),
        (LOCK, True),
    ],
)
def test_a_changed_file_counts_only_where_the_notebook_depends_on_it(project, file, counts):
    one = notebook(CODE)
    one.metadata[made.KEY] = made.fingerprint(one)
    assert made.is_fresh(one)
    with (project / file).open("a", encoding="utf-8") as stream:
        stream.write("\n# changed\n")
    assert made.is_fresh(one) is not counts


def test_text_and_stored_outputs_do_not_count(project):
    one, other = notebook(CODE), notebook(CODE)
    other.cells[0].source = "# Another title"
    other.cells[1].outputs = [nbformat.v4.new_output("stream", text="1\n")]
    assert made.fingerprint(one) == made.fingerprint(other)


def test_a_notebook_that_has_not_changed_is_not_run_again(tmp_path, monkeypatch, capsys):
    path = tmp_path / "one.ipynb"
    nbformat.write(notebook("print(1)"), path)
    ran = []
    monkeypatch.setattr(course, "course_notebooks", lambda: [path])
    monkeypatch.setattr(course, "run", lambda paths, *rest: ran.append(paths) or 0)
    assert course.main(["outputs"]) == 0 and ran == [[path]]
    stored = nbformat.read(path, as_version=4)
    stored.metadata[made.KEY] = made.fingerprint(stored)
    nbformat.write(stored, path)
    assert course.main(["outputs"]) == 0 and len(ran) == 1
    assert "0 notebooks have changed" in capsys.readouterr().out
    for words in (["outputs", "--all"], ["outputs", str(path)]):
        assert course.main(words) == 0
    assert len(ran) == 3
