"""What a reader is told after an interrupt or an error in an earlier cell: in IPython, without a kernel."""

import json

import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers.cells import watch_cells


class Notebook:
    """Cells that are run one after the other, with what they showed."""

    def __init__(self, capsys, watched: bool = True, file: str = ""):
        self.shell, self.capsys = InteractiveShell(), capsys
        self.shell.history_manager.enabled = False
        self.shell.colors = "NoColor"
        if watched:
            self.run("from helpers.cells import watch_cells")
            watch_cells(self.shell, file=file)

    def run(self, code: str) -> str:
        self.capsys.readouterr()
        self.shell.run_cell(code, store_history=True)
        return self.capsys.readouterr().out.strip()


@pytest.fixture
def notebook(capsys):
    return Notebook(capsys)


def test_a_name_that_an_interrupt_kept_from_being_made_is_one_sentence(notebook):
    notebook.run("a = 1\nraise KeyboardInterrupt\nhistory = 2")
    said = "NameError: Cell [2] (`a = 1`) was interrupted: run it again before this cell, which needs its `history`."
    assert notebook.run("print(history)") == said
    assert notebook.run("print(a)") == "1"


def test_a_name_of_which_a_part_was_made_is_named_before_the_cell_runs(notebook):
    notebook.run("scores = {}\nfor name in 'abc':\n    scores[name] = 1 / (name != 'b')")
    said = notebook.run("for x, y in [name]: pass")
    assert said.startswith("Cell [2] (`scores = {}`) stopped with an error: run it again before this cell, which needs")
    assert "its `name`." in said and "not enough values to unpack" in said
    assert notebook.run("scores['a']") == "Out[4]: 1.0"


def test_once_the_cell_has_run_nothing_is_said_any_more(notebook):
    notebook.run("fail = True")
    code = "table = [1]\nif fail:\n    table = 1 / 0"
    notebook.run(code)
    assert notebook.run("len(table)").startswith("Cell [3] (`table = [1]`) stopped with an error")
    notebook.run("fail = False")
    notebook.run(code)
    assert notebook.run("len(table)") == "Out[7]: 1"


def test_a_cell_that_makes_the_name_itself_is_left_alone(notebook):
    notebook.run("table = 1 / 0")
    assert notebook.run("table = 3\ntable") == "Out[3]: 3"
    assert notebook.run("table") == "Out[4]: 3"


def test_a_model_whose_training_was_interrupted_has_to_be_made_again(notebook):
    notebook.run("class Model:\n    def fit(self):\n        raise KeyboardInterrupt")
    notebook.run("model = Model()")
    notebook.run("model.fit()")
    said = "Cell [4] (`model.fit()`) was interrupted while it trained `model`: run cell [3] (`model = Model()`) again,"
    assert notebook.run("model is None").startswith(f"{said} and then the cells below it.")
    notebook.run("model = Model()")
    assert notebook.run("model is None") == "Out[7]: False"


def test_errors_of_other_causes_look_as_ever(notebook, capsys):
    plain = Notebook(capsys, watched=False)
    plain.run("from helpers.cells import watch_cells")
    for code in ("misspelt", "def f():\n    return misspelt\nf()", "1 / 0", "1 +", "def g():\n    y += 1\ng()"):
        assert notebook.run(code) == plain.run(code) != ""


def test_a_name_missing_inside_a_module_is_the_modules_own_affair(notebook, tmp_path, monkeypatch):
    (tmp_path / "faulty_module.py").write_text("def f():\n    return lost\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    notebook.run("lost = 1 / 0")
    assert "Traceback" in notebook.run("import faulty_module\nfaulty_module.f()")


def test_a_cell_that_was_never_run_is_found_in_the_notebooks_file(capsys, tmp_path):
    file = tmp_path / "lesson.ipynb"
    cells = [
        {"cell_type": "markdown", "source": ["history = "]},
        {"cell_type": "code", "source": ["# the long one\n", "history = 1"]},
    ]
    file.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    notebook = Notebook(capsys, file=str(file))
    said = "NameError: `history` is not there yet: run the cell that begins with `# the long one` first."
    assert notebook.run("print(history)") == said
    assert "Traceback" in notebook.run("print(misspelt)")
    file.write_text("{", encoding="utf-8")
    assert "Traceback" in notebook.run("print(history)")


def test_the_first_cell_can_be_run_again(notebook):
    watch_cells(notebook.shell)
    notebook.run("table = 1 / 0")
    assert notebook.run("table").count("run it again") == 1


def test_outside_ipython_nothing_happens():
    watch_cells()
