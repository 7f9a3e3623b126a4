"""The cells of an assignment: what nbgrader writes into their metadata, and the line with the student's name."""

import re

from nbformat import NotebookNode

NAME = re.compile(r"""^STUDENT\s*=\s*(["'])(?P<name>.*?)\1""", re.M)


def grade_id(cell: NotebookNode) -> str:
    """Return the id that nbgrader knows a cell by, "" for a cell without one or with damaged metadata.

    Args:
        cell: Of any notebook.
    """
    own = cell.metadata.get("nbgrader")
    found = own.get("grade_id") if isinstance(own, dict) else None
    return found if isinstance(found, str) else ""


def graded(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """Return the cells that carry points.

    Args:
        notebook: Its metadata must be sound, as in the course's own notebooks.

    Returns:
        Task -> its cell, in their order: a test, or the answer to an open question.
    """
    cells = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    return {task_of(grade_id(cell)): cell for cell in cells}


def task_of(name: str) -> str:
    """Return the task that a cell's id belongs to.

    Args:
        name: The id.

    Example:
        >>> task_of("task3_test")
        'task3'
    """
    return name.removesuffix("_test")
