"""The students' edition of the lessons: no outputs, no solutions, and no answers below the questions.

    python -m helpers.course student --out build/student          or: make student

With the notebooks come all files that they need, so that the folder, or the archive beside it, can be handed out. With
`--branch NAME` the links to Colab, Kaggle and Binder open this edition from that branch of the repository, to which
`.github/workflows/student.yml` pushes it. The notebooks that it is made from stay as they are.
"""

import argparse
import re
import shutil
import sys
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from data_prework.files import PROJECT, atomic_write
from helpers.course.links import add_links, remote_address
from helpers.course.notebooks import course_notebooks

FOLDED = re.compile(r"<details>\s*<summary>(?P<question>.*?)</summary>.*?</details>", re.S)
NEEDED = (
    *("helpers", "data_prework", "notebooks/glossary.md", "notebooks/reference_projects.md"),
    *("pyproject.toml", "requirements.lock", "environment.yml", "Makefile"),
    *("README.md", "LICENSE", "CITATION.cff", "CHANGELOG.md"),
)
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


def write_edition(out: Path, notebooks: list[Path], project: Path = PROJECT, branch: str = "") -> list[Path]:
    """Write the students' edition of notebooks, each at its path in the project, with the files that they need.

    Args:
        out: Folder of the edition.
        notebooks: Files of the project.
        project: Its folder.
        branch: Of the repository, from which the notebooks' links are to open; "": the links stay as they are.

    Returns:
        The files that were written.

    Raises:
        ValueError: `out` is the project or in one of the folders that the notebooks are in, or there is no repository
            on GitHub for the links; nothing was written.
    """
    out = out.resolve()
    project = project.resolve()
    sources = {project / path.resolve().relative_to(project).parts[0] for path in notebooks}
    if any(out.is_relative_to(source) for source in sources) or project.is_relative_to(out):
        raise ValueError(f"{out} holds notebooks of the course, which stay as they are: give another folder")
    address = remote_address(project) if branch else ""
    for name in NEEDED:
        if (project / name).is_dir():
            unwanted = shutil.ignore_patterns("__pycache__", "*.ipynb", ".ipynb_checkpoints")
            shutil.copytree(project / name, out / name, dirs_exist_ok=True, ignore=unwanted)
        elif (project / name).is_file():
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(project / name, out / name)
    written = []
    for path in notebooks:
        place = out / path.resolve().relative_to(project)
        place.parent.mkdir(parents=True, exist_ok=True)
        made = student_edition(nbformat.read(path, as_version=4))
        if branch:
            add_links(made, address, branch, path.resolve().relative_to(project).as_posix())
        with atomic_write(place) as aside:
            nbformat.write(made, aside)
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
    parser.add_argument("--branch", default="", help="where links open this edition; written by the workflow")
    args = parser.parse_args(argv)
    try:
        written = write_edition(args.out, course_notebooks(), branch=args.branch)
        archive = shutil.make_archive(str(args.out), "zip", args.out.parent, args.out.name)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{len(written)} notebooks without outputs, solutions and answers: {args.out}, {archive}")
    return 0
