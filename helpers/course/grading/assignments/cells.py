"""The cells of an assignment: what nbgrader writes into their metadata, and the line with the student's name."""

import ast
import contextlib
import re

from nbformat import NotebookNode

NAME = re.compile(r"""^STUDENT\s*=\s*(["'])(?P<name>.*?)\1""", re.M)
NAME_LINE = re.compile(r"^STUDENT[ \t]*=[ \t]*(?P<typed>[^#\n]*)", re.M)
HIDDEN = re.compile(r"^[ \t]*### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS[ \t]*$", re.M | re.S)
QUOTES = "\"'“”„‘’‚«»`"


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


def named(notebook: NotebookNode, name: str) -> NotebookNode:
    """Return the first cell with an id.

    Args:
        notebook: It has such a cell.
        name: The id that nbgrader knows it by.
    """
    return next(cell for cell in notebook.cells if grade_id(cell) == name)


def task_of(name: str) -> str:
    """Return the task that a cell's id belongs to.

    Args:
        name: The id.

    Example:
        >>> task_of("task3_test")
        'task3'
    """
    return name.removesuffix("_test")


def is_answer(cell: NotebookNode) -> bool:
    """Return whether a released cell is for the student to fill.

    Args:
        cell: Of the students' version.
    """
    return bool(cell.metadata.get("nbgrader", {}).get("solution"))


def is_locked(cell: NotebookNode) -> bool:
    """Return whether a released cell is put back where it was changed.

    Args:
        cell: Of the students' version.
    """
    return bool(cell.metadata.get("nbgrader", {}).get("locked")) and not is_answer(cell)


def text_of(cell: NotebookNode) -> str:
    """Return a cell's text without what programs change when they save it: ends of lines, and space around.

    Args:
        cell: Of any notebook.
    """
    return "\n".join(line.rstrip() for line in cell.source.strip().splitlines())


def student_of(source: str) -> str:
    """Return the name that the first cell gives when it runs, where it is a plain text; otherwise `typed_name`.

    Args:
        source: Of the cell.

    Example:
        >>> student_of("STUDENT = 'Anna'  # the name in my lists")
        'Anna'
    """
    with contextlib.suppress(SyntaxError, ValueError):
        for node in ast.parse(source).body:
            if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "STUDENT":
                return str(ast.literal_eval(node.value))
    return typed_name(source)


def typed_name(source: str) -> str:
    """Return the name in the first cell, also where the quotes are missing or are those of a word processor.

    Args:
        source: Of the cell.

    Example:
        >>> typed_name('STUDENT = "Anna"  # yours'), typed_name("STUDENT = 4711")
        ('Anna', '4711')
    """
    if match := NAME.search(source):
        return match["name"]
    match = NAME_LINE.search(source)
    return match["typed"].strip().strip(QUOTES).strip() if match else ""
