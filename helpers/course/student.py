"""The students' edition of the lessons: no outputs, no solutions, and no answers below the questions.

    python -m helpers.course student --out build/student          or: make student

The notebooks that it is made from stay as they are.
"""

import argparse
import re
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from data_prework.files import PROJECT, atomic_write
from helpers.course.run_notebooks import course_notebooks

FOLDED = re.compile(r"<details>\s*<summary>(?P<question>.*?)</summary>.*?</details>", re.S)
SOLUTION = "solution"  # tag of a cell that students do not get; the empty cell before it is theirs


def student_edition(notebook: NotebookNode) -> NotebookNode:
    """Take outputs, solutions and folded answers out of a lesson.

    Args:
        notebook: The lesson; it is not changed.

    Returns:
        A copy in which each folded answer is its question alone, with room below it.

    Example:
        >>> from nbformat.v4 import new_markdown_cell, new_notebook
        >>> text = "<details><summary>Why?</summary>Because.</details>"
        >>> student_edition(new_notebook(cells=[new_markdown_cell(text)])).cells[0].source
        '**Why?**\\n\\n*Your answer:*'
    """
    made = deepcopy(notebook)
    made.cells = [cell for cell in made.cells if SOLUTION not in cell.metadata.get("tags", [])]
    for cell in made.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source = FOLDED.sub(lambda match: f"**{match['question'].strip()}**\n\n*Your answer:*", cell.source)
    return made


def write_edition(out: Path, notebooks: list[Path], project: Path = PROJECT) -> list[Path]:
    """Write the students' edition of notebooks, each at its path in the project.

    Args:
        out: Folder of the edition.
        notebooks: Files of the project.
        project: Its folder.

    Returns:
        The files that were written.

    Raises:
        ValueError: `out` is the project or in one of the folders that the notebooks are in; nothing was written.
    """
    out = out.resolve()
    if any(out.is_relative_to(path.resolve().parent) for path in notebooks) or project.resolve().is_relative_to(out):
        raise ValueError(f"{out} holds notebooks of the course, which stay as they are: give another folder")
    written = []
    for path in notebooks:
        place = out / path.relative_to(project)
        place.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(place) as aside:
            nbformat.write(student_edition(nbformat.read(path, as_version=4)), aside)
        written.append(place)
    return written


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Words after the command; those of the program if None.

    Returns:
        The exit status: 0 where the edition was written.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course student", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/student"), help="default build/student")
    args = parser.parse_args(argv)
    try:
        written = write_edition(args.out, course_notebooks())
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{len(written)} notebooks without outputs, solutions and answers: {args.out}")
    return 0
