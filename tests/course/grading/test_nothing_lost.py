"""Answers that were copied, split, retyped, or saved by other programs count; files are found under any name."""

import json
import os
from copy import deepcopy

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from helpers.assignment import read_settings
from helpers.course.grading.assignments.cells import grade_id
from helpers.course.grading.assignments.release import SOURCES, student_version
from helpers.course.grading.submissions.finding import find_notebook, find_submissions, loose_notebooks
from helpers.course.grading.submissions.reading import UnreadableError, read_submission
from helpers.course.grading.submissions.restoring import restore, settle_name
from helpers.course.grading.submissions.shell_lines import without_programs
from tests.course.grading.test_submission import meta

QUESTION = "### Task 3 · Why?\n\nSay in two or three sentences why the split by group gives the lower score."
OPEN = meta("task3", grade=True, solution=True)


@pytest.fixture
def released():
    cells = [
        new_code_cell('STUDENT = ""', metadata=meta("name"), id="c0"),
        new_code_cell("import numpy", metadata=meta("setup", locked=True), id="c1"),
        new_code_cell("# YOUR CODE HERE\nraise NotImplementedError()", metadata=meta("task1", solution=True), id="c2"),
        new_code_cell("assert x == 1", metadata=meta("task1_test", grade=True, locked=True), id="c3"),
        new_code_cell("def f(a):\n    raise NotImplementedError()", metadata=meta("task2", solution=True), id="c4"),
        new_code_cell("assert f(1) == 2", metadata=meta("task2_test", grade=True, locked=True), id="c5"),
        new_markdown_cell(QUESTION, id="c6"),
        new_markdown_cell("YOUR ANSWER HERE", metadata=OPEN, id="c7"),
    ]
    return new_notebook(cells=cells)


@pytest.fixture
def handed_in(released):
    notebook = deepcopy(released)
    notebook.cells[0].source = 'STUDENT = "anna"'
    notebook.cells[2].source = "x = 1"
    notebook.cells[4].source = "def f(a):\n    return a + 1"
    return notebook


def answer(notebook):
    return next(cell.source for cell in notebook.cells if grade_id(cell) == "task3")


def order(notebook):
    return [grade_id(cell) for cell in notebook.cells if grade_id(cell)]


def test_an_untouched_open_question_stays_empty(handed_in, released):
    assert restore(handed_in, released) == [] and answer(handed_in) == "YOUR ANSWER HERE"


def place(*cells, at=8, gone=False):
    def change(notebook):
        notebook.cells[at:at] = cells
        if gone:
            del notebook.cells[7]

    return change


def type_into(cell, text):
    return lambda notebook: notebook.cells[cell].update(source=notebook.cells[cell].source + text)


@pytest.mark.parametrize(
    "change",
    [
        place(new_markdown_cell("Groups leak.")),
        place(new_markdown_cell("Groups leak."), at=7, gone=False),
        place(new_markdown_cell("Groups leak."), at=8, gone=True),
        type_into(6, "\n\nGroups leak."),
        place(new_code_cell("Groups leak.")),
        place(new_markdown_cell("Groups leak.", metadata=OPEN)),
        place(new_markdown_cell("Groups leak, since images of one group look alike."), at=2),
    ],
    ids=["below", "above", "retyped", "in the question", "as code", "in a copy", "far away"],
)
def test_an_open_answer_waits_for_a_person_wherever_it_stands(handed_in, released, change):
    change(handed_in)
    said = restore(handed_in, released)
    assert "Groups leak" in answer(handed_in) and all("task3" in one for one in said)
    assert order(handed_in) == order(released)


def test_a_split_open_answer_is_read_whole_and_in_order(handed_in, released):
    handed_in.cells[7].source = "First."
    handed_in.cells += [new_markdown_cell("Second."), new_markdown_cell("Third.")]
    restore(handed_in, released)
    assert answer(handed_in) == "First.\n\nSecond.\n\nThird."


def test_notes_of_ones_own_beside_other_tasks_are_no_part_of_an_answer(handed_in, released):
    handed_in.cells[7].source = "Groups leak."
    handed_in.cells.insert(3, new_markdown_cell("A note to myself that is long enough to be an answer."))
    assert restore(handed_in, released) == [] and answer(handed_in) == "Groups leak."


def test_a_copied_question_is_no_answer(handed_in, released):
    handed_in.cells.insert(7, new_markdown_cell(QUESTION))
    restore(handed_in, released)
    assert answer(handed_in) == "YOUR ANSWER HERE"


def copied(original, source):
    return new_code_cell(source, metadata=deepcopy(original.metadata))


def test_the_last_copy_counts_and_is_said(handed_in, released):
    handed_in.cells.insert(3, copied(released.cells[2], "x = 2"))
    said = restore(handed_in, released)
    assert said == ["task1 is there 2 times: the last one that was filled in counts"]
    assert [cell.source for cell in handed_in.cells if grade_id(cell) == "task1"] == ["x = 2"]


def test_an_empty_copy_does_not_count(handed_in, released):
    handed_in.cells.insert(3, copied(released.cells[2], released.cells[2].source))
    restore(handed_in, released)
    assert [cell.source for cell in handed_in.cells if grade_id(cell) == "task1"] == ["x = 1"]


@pytest.mark.parametrize("with_test", [True, False])
def test_the_test_comes_after_the_copy_that_counts(handed_in, released, with_test):
    handed_in.cells.append(copied(released.cells[2], "x = 3"))
    handed_in.cells += [deepcopy(released.cells[3])] if with_test else []
    restore(handed_in, released)
    names = order(handed_in)
    assert names.index("task1_test") == names.index("task1") + 1 and len(set(names)) == len(names)
    assert [cell.source for cell in handed_in.cells if grade_id(cell) == "task1"] == ["x = 3"]


def stripped(notebook):
    """As Kaggle or jupytext leave it: no ids, no metadata, other ends of lines."""
    for number, cell in enumerate(notebook.cells):
        cell.metadata.clear()
        cell.id = f"new{number}"
        cell.source = cell.source.replace("\n", "  \r\n") + "\n"
    return notebook


def test_without_ids_and_metadata_cells_are_known_by_their_text_and_place(handed_in, released):
    handed_in.cells[7].source = "Groups leak."
    handed_in.cells.insert(2, new_code_cell("scratch = 5"))
    assert restore(stripped(handed_in), released) == []
    assert order(handed_in) == order(released) and answer(handed_in).strip() == "Groups leak."


def test_a_function_retyped_at_the_end_is_found_by_its_name(handed_in, released):
    handed_in.cells.append(handed_in.cells.pop(4))
    stripped(handed_in)
    restore(handed_in, released)
    assert "a + 1" in next(cell.source for cell in handed_in.cells if grade_id(cell) == "task2")
    assert not any("def f" in cell.source and "NotImplemented" in cell.source for cell in handed_in.cells)


@pytest.mark.parametrize("name", ["01_explore", "05_tuner"])
def test_a_real_assignment_without_ids_and_metadata_is_put_together_again(name):
    source = nbformat.read(SOURCES / name / f"{name}.ipynb", as_version=4)
    released = student_version(source, name, read_settings())
    notebook = stripped(deepcopy(released))
    for cell in notebook.cells:
        if "YOUR CODE HERE" in cell.source:
            cell.source = cell.source.replace("raise NotImplementedError(", "answered = (")
    notebook.cells.append(new_markdown_cell("It leaks."))
    said = restore(notebook, released)
    assert order(notebook) == order(released) and not any("put back" in one for one in said)
    gaps = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]
    assert all("answered" in cell.source for cell in gaps if cell.cell_type == "code")
    assert gaps[-1].source == "It leaks."


@pytest.mark.parametrize(
    "source, runs",
    [
        ("!pip install tqdm\nx = 1", "pass\nx = 1"),
        ("%pip install -q tqdm \\\n  rich\nx = 1", "pass\n\nx = 1"),
        ("if True:\n    !ls data\n    x = 1", "if True:\n    pass\n    x = 1"),
        ("files = !ls", "files = []"),
        ("%%bash\nls\nrm -r x", "\n\n"),
        ("%%capture\n!pip install tqdm", "%%capture\npass"),
        ("pip install tqdm", "pass"),
        ('text = """\n!important\n"""', 'text = """\n!important\n"""'),
        ("x = 'a'  # don't\n!ls", "x = 'a'  # don't\npass"),
        ("%matplotlib inline\nx = a != b", "%matplotlib inline\nx = a != b"),
        ("ls = 3", "ls = 3"),
    ],
)
def test_lines_that_start_programs_cost_nothing(source, runs):
    made = without_programs(source)
    kept = [line.split("# not run while grading")[0].rstrip() for line in made.splitlines()]
    assert kept == runs.split("\n") and len(kept) == len(source.splitlines())


def test_only_what_a_student_may_write_loses_its_programs(handed_in, released):
    for notebook in (handed_in, released):
        notebook.cells[1].source = "%pip list"
    handed_in.cells[2].source = "!pip install tqdm\nx = 1"
    assert restore(handed_in, released) == []
    assert handed_in.cells[1].source == "%pip list" and handed_in.cells[2].source.startswith("pass ")


@pytest.mark.parametrize("typed", ["4711", "Anna Lee  # me", "“Anna Lee”", "007", '"4711'])
def test_a_name_without_sound_quotes_is_a_name(handed_in, released, typed):
    handed_in.cells[0].source = f"STUDENT = {typed}"
    restore(handed_in, released)
    folder = "annalee" if "Anna" in typed else typed.strip('"')
    assert settle_name(handed_in, folder, "cell") == []
    space: dict = {}
    exec(handed_in.cells[0].source, space)
    assert space["STUDENT"] == ("Anna Lee" if "Anna" in typed else typed.strip('"'))


def write(folder, name, seconds=0.0, text="{}"):
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    os.utime(file, (1_700_000_000 + seconds,) * 2)
    return file


@pytest.mark.parametrize(
    "name",
    [
        "Copy of 01_explore.ipynb",
        "01_Explore.ipynb",
        "01-explore (2).ipynb",
        "01_explore-Copy1.ipynb",
        "01_explore_anna.ipynb.txt",
        "01_EXPLORE/homework.ipynb",
        "handed in/02/01_explore.ipynb",
    ],
)
def test_a_notebook_is_found_whatever_it_is_called(tmp_path, name):
    file = write(tmp_path, name)
    found, said = find_notebook(tmp_path, "01_explore")
    assert found == file and (said == "" or said.endswith("was taken as 01_explore.ipynb"))


def test_a_notebook_of_any_name_is_known_by_its_beginning(tmp_path):
    file = write(tmp_path, "Untitled.ipynb", text=json.dumps('assignment.start(\n    "01_explore", STUDENT)'))
    assert find_notebook(tmp_path, "01_explore")[0] == file and find_notebook(tmp_path, "02_dense")[0] is None


@pytest.mark.parametrize(
    "files, newest",
    [
        ({"01_x.ipynb": 0, "01_x (1).ipynb": 90, "01_x (2).ipynb": 60}, "01_x (1).ipynb"),
        ({"01_x.ipynb": 0, "01_x (1).ipynb": 0, "01_x (10).ipynb": 0, "01_x (9).ipynb": 1}, "01_x (10).ipynb"),
        ({"01_x.ipynb": 90, "Copy of 01_x.ipynb": 0}, "01_x.ipynb"),
        ({"01_x/01_x.ipynb": 0, "01_x.ipynb": 90}, "01_x.ipynb"),
    ],
)
def test_of_several_the_newest_is_taken_and_said(tmp_path, files, newest):
    for name, seconds in files.items():
        write(tmp_path, name, seconds)
    found, said = find_notebook(tmp_path, "01_x")
    assert found == tmp_path / newest and f"the newest of {len(files)} notebooks" in said


def test_a_longer_name_belongs_to_another_assignment(tmp_path):
    write(tmp_path, "01_x_b.ipynb")
    assert find_notebook(tmp_path, "01_x", ("01_x", "01_x_b"))[0] is None
    assert find_notebook(tmp_path, "01_x_b", ("01_x", "01_x_b"))[0]


def test_what_macos_and_jupyter_add_is_no_submission(tmp_path):
    for name in ("a/._01_x.ipynb", "a/__MACOSX/01_x.ipynb", "a/.ipynb_checkpoints/01_x.ipynb"):
        write(tmp_path, name)
    assert find_notebook(tmp_path / "a", "01_x")[0] is None


def test_a_linked_folder_is_refused_and_a_loose_notebook_named(tmp_path):
    write(tmp_path, "class/anna/01_x.ipynb")
    write(tmp_path, "class/01_x anna.ipynb")
    (tmp_path / "class" / "bo").symlink_to(tmp_path / "class" / "anna", target_is_directory=True)
    (tmp_path / "class" / "cy").mkdir()
    (tmp_path / "class" / "cy" / "01_x").symlink_to(tmp_path / "class" / "anna", target_is_directory=True)
    rows = {student: (file, said) for student, _, file, said in find_submissions(tmp_path / "class", ["01_x"])}
    assert rows["anna"][0] and rows["bo"][0] is None and "a link to another one" in rows["bo"][1]
    assert rows["cy"][0] is None and loose_notebooks(tmp_path / "class") == ["01_x anna.ipynb"]


def damaged(notebook):
    raw = json.loads(nbformat.writes(notebook))
    raw["metadata"] = {"widgets": "broken", "kernelspec": 7}
    raw["cells"][1]["outputs"] = [{"output_type": 3.0}, "no output"]
    raw["cells"][2]["execution_count"] = "three"
    raw["cells"][3]["metadata"] |= {"tags": 5, "id": ["a"], "collapsed": "yes"}
    return raw


def test_damaged_widgets_outputs_and_metadata_cost_nothing(tmp_path, handed_in, released):
    file = tmp_path / "01_x.ipynb"
    file.write_text(json.dumps(damaged(handed_in)), encoding="utf-8")
    notebook, said = read_submission(file, max_mb=1)
    assert said == [] and restore(notebook, released) == [] and order(notebook) == order(released)


def test_a_damaged_cell_costs_that_cell(tmp_path, handed_in):
    raw = damaged(handed_in)
    raw["cells"] += [3, {"cell_type": "code", "source": 5}]
    file = tmp_path / "01_x.ipynb"
    file.write_text(json.dumps(raw), encoding="utf-8")
    notebook, said = read_submission(file, max_mb=1)
    assert len(notebook.cells) == 8 and said == ["2 of its cells are damaged and left out"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-8-sig", "cp1252"])
def test_other_encodings_are_read_and_named(tmp_path, handed_in, encoding):
    handed_in.cells[7].source = "Größe"
    file = tmp_path / "01_x.ipynb"
    file.write_bytes(nbformat.writes(handed_in).encode(encoding))
    notebook, said = read_submission(file, max_mb=1)
    word = {"utf-8-sig": "", "cp1252": "not UTF-8"}.get(encoding, "UTF-16")
    assert notebook.cells[7].source == "Größe" and word in "".join(said) and bool(said) == bool(word)


@pytest.mark.parametrize("content, what", [(b"PK\x03\x04", "a zip"), (b"%PDF-1", "a PDF"), (b"<html>", "a web page")])
def test_what_is_no_notebook_is_called_what_it_is(tmp_path, content, what):
    file = tmp_path / "01_x.ipynb"
    file.write_bytes(content)
    with pytest.raises(UnreadableError, match=what):
        read_submission(file, max_mb=1)
