"""Cells whose results a reader may see and the course may not pass on, such as images under a licence of their own.

They have the tag `not-stored`. `make run` shows them in its pages, which stay on this computer; the notebooks are
stored, and the site is built, without their outputs and without their execution counts.
"""

import re
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from data_prework.manifest import OPTIONAL

NOT_STORED = "not-stored"


def is_not_stored(cell: NotebookNode) -> bool:
    """Whether a cell has the tag."""
    return NOT_STORED in cell.metadata.get("tags", [])


def clear_not_stored(notebook: NotebookNode) -> NotebookNode:
    """Take the outputs and execution counts out of the cells with the tag.

    Args:
        notebook: Is changed.

    Returns:
        The notebook.

    Example:
        >>> from nbformat.v4 import new_code_cell, new_notebook, new_output
        >>> shown = {"outputs": [new_output("stream", text="seen")], "execution_count": 1}
        >>> tagged = new_code_cell("plot_images(cells)", metadata={"tags": [NOT_STORED]}, **shown)
        >>> kept, gone = clear_not_stored(new_notebook(cells=[new_code_cell("1", **shown), tagged])).cells
        >>> len(kept.outputs), len(gone.outputs), gone.execution_count is None
        (1, 0, True)
    """
    for cell in notebook.cells:
        if cell.cell_type == "code" and is_not_stored(cell):
            cell.outputs, cell.execution_count = [], None
    return notebook


def optional_datasets(paths: Iterable[Path]) -> dict[str, Path]:
    """The optional data sets that notebooks ask for with `run.data`.

    Args:
        paths: Of the notebooks.

    Returns:
        Name of the data set -> the first notebook that asks for it.
    """
    found = {}
    for path in paths:
        code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
        for name in re.findall(r"""\.data\(\s*["'](\w+)["']""", "\n".join(code)):
            if name in OPTIONAL:
                found.setdefault(name, path)
    return found
