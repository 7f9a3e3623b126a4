"""Begin a new lesson: a notebook in the shape of the others, that runs and passes every check as it stands.

    python -m helpers.course new-lesson 11_segmentation          or: make new-lesson NAME=11_segmentation

It is run once in the full profile, about half a minute, so that its outputs are stored. Then replace its parts.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from data_prework.files import PROJECT
from helpers.course import run_notebooks
from helpers.course.lesson_template import CELLS
from helpers.course.notebooks import course_notebooks, part

NAME = re.compile(r"(\d\d)_([a-z][a-z0-9_]*)")
FOLDED = {"tags": ["solution", "hide-cell"], "jupyter": {"source_hidden": True, "outputs_hidden": True}}


def lesson(name: str) -> nbformat.NotebookNode:
    """Make the notebook of a new lesson.

    Args:
        name: Two digits, an underline and a topic in small letters, such as "11_segmentation".

    Returns:
        The notebook, without outputs.

    Raises:
        ValueError: The name has another form.

    Example:
        >>> lesson("11_image_segmentation").cells[0].source.splitlines()[0]
        '# 11 · Image segmentation'
    """
    match = NAME.fullmatch(name)
    if not match:
        raise ValueError(f"NAME is {name!r}; give two digits and a topic in small letters, such as 11_segmentation")
    number, title = match[1], match[2].replace("_", " ").capitalize()
    cells = []
    for kind, text in CELLS:
        text = text.replace("NUMBER", number).replace("TITLE", title)
        cell = new_markdown_cell(text) if kind == "text" else new_code_cell(text)
        if kind == "solution":
            cell.metadata.update(FOLDED)
        cells.append(cell)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def write_lesson(name: str, folder: Path) -> Path:
    """Write the notebook of a new lesson into a folder, never over a file that is there.

    Args:
        name: As in `lesson`.
        folder: Of the lessons.

    Returns:
        The file.

    Raises:
        ValueError: The name has another form.
        FileExistsError: A lesson with this number is there.
    """
    notebook, path = lesson(name), folder / f"{name}.ipynb"
    taken = sorted(folder.glob(f"{name[:2]}_*"))
    if taken:
        raise FileExistsError(f"lesson {name[:2]} is there already: {taken[0].name}; take the next number")
    nbformat.write(notebook, path)
    return path


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Words after the command; those of the program if None.

    Returns:
        The exit status: 0 where the lesson was written and ran.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course new-lesson", description=__doc__.splitlines()[0])
    parser.add_argument("name", help="such as 11_segmentation; the number after the last lesson's")
    args = parser.parse_args(argv)
    try:
        path = write_lesson(args.name, PROJECT / "notebooks")
    except (ValueError, FileExistsError) as error:
        print(error, file=sys.stderr)
        return 1
    if run_notebooks.main(["outputs", str(path)]):
        return 1
    last = max(part(one) for one in course_notebooks() if one.name[0].isdigit() and one != path)
    if int(args.name[:2]) != last + 1:
        print(f"The lesson before it should be {int(args.name[:2]) - 1:02d}, and the last one is {last:02d}: the tests")
        print("want numbers without gaps.")
    print(f"{path}: replace its parts, add a row to README.md, then make outputs and make test")
    return 0
