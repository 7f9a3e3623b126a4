"""Cells that carry NBVAL_CHECK_OUTPUT are really compared: unchanged they pass, changed they fail."""

import os
import subprocess
import sys

import nbformat
import pytest

from helpers.course.notebooks import course_notebooks


def compared_cells():
    """One cell of each notebook that is compared and needs nothing but itself."""
    for path in course_notebooks():
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.source.startswith("# NBVAL_CHECK_OUTPUT") and cell.get("outputs"):
                try:
                    exec(compile(cell.source, path.name, "exec"), {"print": lambda *words: None})
                except Exception:
                    continue
                yield cell
                break


def nbval(folder, cells) -> subprocess.CompletedProcess:
    notebook = nbformat.v4.new_notebook(cells=cells)
    nbformat.write(notebook, folder / "cells.ipynb")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval-lax", "--nbval-current-env"]
    return subprocess.run(
        [*command, "cells.ipynb"], cwd=folder, capture_output=True, text=True, env=os.environ | {"COLUMNS": "200"}
    )


def test_a_compared_cell_passes_as_it_is_and_fails_when_it_is_changed(tmp_path):
    cell = next(compared_cells(), None)
    if cell is None:
        pytest.fail("no notebook has a compared cell with a stored output; run: make outputs")
    cell.execution_count = 1
    good = nbval(tmp_path, [cell])
    assert good.returncode == 0, good.stdout
    changed = nbformat.from_dict(cell)
    changed.source += '\nprint("something else")'
    bad = nbval(tmp_path, [changed])
    assert bad.returncode == 1 and "something else" in bad.stdout
