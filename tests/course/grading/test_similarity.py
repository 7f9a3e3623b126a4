"""Copied notebooks are found by what is in them; modules beside a notebook and odd points are said."""

from copy import deepcopy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from helpers.course.grading.administration import similarity
from helpers.course.grading.administration.similarity import note_copies, pairs
from helpers.course.grading.administration.tables import TableError, read_csv, write_csv
from helpers.course.grading.submissions.finding import find_submissions
from helpers.course.grading.submissions.own_modules import bring_modules, modules_changed
from tests.course.grading.test_nothing_lost import handed_in, released  # noqa: F401 - fixtures
from tests.course.grading.test_submission import meta

LOOP = """def f(a):
    total = 0
    for number in range(a):
        total = total + number * 2 - 1  # {who}
    return [total, a, len(str(a)), {more}]"""


@pytest.fixture
def hand_in(tmp_path, handed_in):  # noqa: F811
    def hand_in(student, code, essay="", change=None):
        notebook = deepcopy(handed_in)
        notebook.cells[0].source = f"STUDENT = {student!r}"
        notebook.cells[4].source, notebook.cells[7].source = code, essay or "YOUR ANSWER HERE"
        if change:
            change(notebook)
        (tmp_path / "class" / student).mkdir(parents=True)
        nbformat.write(notebook, tmp_path / "class" / student / "01_x.ipynb")

    return hand_in


def found(tmp_path, released):  # noqa: F811
    return {
        pair.students: pair for pair in pairs(find_submissions(tmp_path / "class", ["01_x"]), {"01_x": released}, 1)
    }


def test_a_copied_notebook_is_flagged_whatever_name_is_in_it(tmp_path, hand_in, released):  # noqa: F811
    hand_in(
        "anna",
        LOOP.format(
            who="mine: the sum of all numbers below a, each doubled and less one, in a loop",
            more="'of a longer line of text'",
        ),
    )
    hand_in(
        "bo",
        LOOP.format(
            who="mine: the sum of all numbers below a, each doubled and less one, in a loop",
            more="'of a longer line of text'",
        ),
    )
    hand_in("cy", "def f(a):\n    return a + 1")
    nbformat.write(
        released, (tmp_path / "release" / "01_x").mkdir(parents=True) or tmp_path / "release/01_x/01_x.ipynb"
    )
    rows = note_copies(find_submissions(tmp_path / "class", ["01_x"]), tmp_path, 1)
    notes = {student: said for student, _, _, said in rows}
    assert notes["anna"] == "2 of 2 answers are equal to those of 'bo'" and "'anna'" in notes["bo"]
    assert notes["cy"] == ""


def test_a_copied_essay_is_flagged_and_a_short_equal_answer_is_not(tmp_path, hand_in, released):  # noqa: F811
    essay = (
        "Images of one group look alike, so a random split lets the answers leak into validation, and it is too good."
    )
    hand_in("anna", "def f(a):\n    return a + 1  # a", essay)
    hand_in("bo", "def f(a):\n    return 1 + a", essay)
    hand_in("cy", "def f(a):\n    return a + 1  # a")
    seen = found(tmp_path, released)
    assert seen["anna", "bo"].copied and not seen["anna", "cy"].copied
    assert seen["anna", "cy"].equal == ("task1", "task2")


def test_comments_space_and_other_names_hide_no_copy_and_other_code_is_not_alike(tmp_path, hand_in, released):  # noqa: F811
    hand_in("anna", LOOP.format(who="a", more="0"))
    hand_in("bo", LOOP.format(who="another word", more="0").replace("total", "summe").replace(" * ", "*"))
    hand_in("cy", "def f(a):\n    numbers = np.arange(a)\n    return [(numbers * 2).sum() - a, a, f'{a}'.count('')]")
    seen = found(tmp_path, released)
    assert seen["anna", "bo"].alike == 1 and seen["anna", "cy"].alike < 0.3
    assert next(iter(seen)) == ("anna", "bo")


def test_the_report_is_written(tmp_path, hand_in, released, monkeypatch, capsys):  # noqa: F811
    hand_in("anna", LOOP.format(who="a", more="0"))
    hand_in("=bo", LOOP.format(who="b", more="0"))
    monkeypatch.setattr(similarity, "assignments", lambda settings, path: ["01_x"])
    monkeypatch.setattr(similarity, "handed_out", lambda name, settings, path: released)
    assert similarity.main([str(tmp_path / "class"), "--out", str(tmp_path)]) == 0
    (row,) = read_csv(tmp_path / "similarity.csv", similarity.COLUMNS)
    assert (row["student"], row["other"], row["alike"]) == ("=bo", "anna", "1.0")
    assert "100% alike" in capsys.readouterr().out


def test_a_table_is_read_as_spreadsheets_write_it_and_a_broken_one_named(tmp_path):
    file = write_csv(tmp_path / "a" / "b.csv", ["name", "x"], [{"name": "=1+1"}, {"name": "é", "x": 2}])
    assert "'=1+1" in file.read_text(encoding="utf-8")
    assert read_csv(file, ["x"]) == [{"name": "=1+1", "x": ""}, {"name": "é", "x": "2"}]
    file.write_text("\ufeffname;x\nanna;3\n;\n", encoding="utf-8")
    assert read_csv(file) == [{"name": "anna", "x": "3"}]
    for text, says in ((b"name\na,b\n", "line 2"), ("name\né\n".encode("cp1252"), "UTF-8"), (b"x\n1\n", "name")):
        file.write_bytes(text)
        with pytest.raises(TableError, match=says):
            read_csv(file, ["name"])


@pytest.fixture
def beside(tmp_path):
    """A notebook with modules beside it; returns (file, working folder, work folder)."""
    for name in ("to", "work", "anna/pack"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "anna" / "tools.py").write_text("import other\nanswer = 1\n", encoding="utf-8")
    (tmp_path / "anna" / "helpers.py").write_text("stolen = True\n", encoding="utf-8")
    (tmp_path / "anna" / "pack" / "__init__.py").write_text("", encoding="utf-8")
    (tmp_path / "anna" / "link.py").symlink_to(tmp_path / "work")
    return tmp_path / "anna" / "01_x.ipynb", tmp_path / "to", tmp_path / "work"


def test_own_modules_are_brought_and_what_is_missing_is_said(beside):
    file, to, work = beside
    notebook = new_notebook(
        cells=[
            new_code_cell("%matplotlib inline\nimport numpy, tools, helpers"),
            new_code_cell("from pack import x; ("),
        ]
    )
    assert bring_modules(file, notebook, to, work) == [
        "own modules were used: tools",
        "left out, because an installed module has that name: helpers.py",
        "imports what is neither installed nor handed in: other",
    ]
    assert sorted(path.relative_to(to).as_posix() for path in to.rglob("*.py")) == ["pack/__init__.py", "tools.py"]


def test_a_changed_module_is_noticed(beside):
    file, to, work = beside
    assert not modules_changed(file, work)
    bring_modules(file, new_notebook(cells=[]), to, work)
    assert not modules_changed(file, work)
    (file.parent / "tools.py").write_text("answer = 2\n", encoding="utf-8")
    assert modules_changed(file, work)


@pytest.mark.parametrize(
    "data, points, said",
    [
        ({"text/plain": "3.0"}, 0, True),
        ({"text/plain": "nan"}, 0, True),
        ({"text/plain": "-1"}, 0, True),
        ({"text/plain": "0.5"}, 0.5, False),
        ({"text/plain": "'done'"}, 1, False),
        ({"image/png": "AA=="}, 1, False),
    ],
)
def test_a_result_of_3_of_1_points_costs_its_task_and_no_other(data, points, said):
    pytest.importorskip("nbgrader")
    from nbgrader.utils import determine_grade

    from helpers.course.grading.nbgrader_steps.partial_points import SoundPoints

    SoundPoints.said.clear()
    cell = new_code_cell("x", metadata=meta("task1_test", grade=True, locked=True))
    cell = nbformat.from_dict(cell)
    cell.outputs = [new_output("execute_result", data=data, execution_count=1)]
    cell, _ = SoundPoints().preprocess_cell(cell, {}, 0)
    assert determine_grade(cell)[0] == points and bool(SoundPoints.said) == said
