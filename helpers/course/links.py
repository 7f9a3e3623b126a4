"""Links that open a notebook on Colab, Kaggle or Binder, and a first cell that fetches the course there.

    python -m helpers.course links           or: make links

Both are written into every notebook from the address of the git remote `origin` and the tag of this version, so that
what a reader opens and what the cell fetches are the same. Run it again after moving the project or raising its
version. Without a remote nothing is changed.
"""

import argparse
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from data_prework.files import PROJECT, atomic_write
from helpers.course.run_notebooks import course_notebooks

GITHUB = re.compile(r"(?:https://github\.com/|git@github\.com:|ssh://git@github\.com/)([^/\s]+/[^/\s]+?)(?:\.git)?/?")
LINE = re.compile(r"^Open it in \[Colab\].*$\n?\n?", re.MULTILINE)
CELL = "fetch-the-course"
FETCH = """# Not needed where the course is installed. On Colab and Kaggle: fetch the course, and what they lack for it.
import importlib.util

if importlib.util.find_spec("data_prework") is None:
    !test -d course || git clone -q --depth 1 --branch {tag} {address} course
    %run course/helpers/course/colab.py"""


def remote_address(project: Path = PROJECT) -> str:
    """Address of the git remote `origin`, which must be on GitHub: Colab opens notebooks from nowhere else.

    Raises:
        ValueError: there is none, or it is elsewhere.
    """
    command = ["git", "-C", str(project), "remote", "get-url", "origin"]
    try:
        found = subprocess.run(command, capture_output=True, encoding="utf-8")
    except FileNotFoundError:
        raise ValueError("git is not installed") from None
    if found.returncode:
        raise ValueError(f"{project} has no git remote `origin`: git remote add origin ADDRESS, then try again")
    address = found.stdout.strip()
    if not GITHUB.fullmatch(address):
        raise ValueError(
            f"the git remote `origin` is {address}, which is no repository on GitHub; Colab, Kaggle and Binder open "
            "notebooks from there: git remote set-url origin https://github.com/NAME/PROJECT. Nothing was changed."
        )
    return address


def version_tag(project: Path = PROJECT) -> str:
    """The tag of this version, such as v0.1.0: from pyproject.toml."""
    return "v" + tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def link_line(address: str, tag: str, path: str) -> str:
    """One line of Markdown with three links, or "" where the address is not on GitHub: Colab opens no other.

    path: of the notebook in the project, with forward slashes.
    """
    match = GITHUB.fullmatch(address)
    if not match:
        return ""
    name = match[1]
    colab = f"https://colab.research.google.com/github/{name}/blob/{tag}/{path}"
    kaggle = f"https://kaggle.com/kernels/welcome?src=https://github.com/{name}/blob/{tag}/{path}"
    binder = f"https://mybinder.org/v2/gh/{name}/{tag}?labpath={path}"
    return f"Open it in [Colab]({colab}) · [Kaggle]({kaggle}) · [Binder]({binder})"


def add_links(notebook: nbformat.NotebookNode, address: str, tag: str, path: str) -> None:
    """Write the line below the title and the fetching cell behind the first text; earlier ones are replaced.

    Outputs stay; the numbers of the cells in front of them move up by the new cell.
    """
    first = notebook.cells[0]
    title, _, rest = LINE.sub("", first.source).partition("\n")
    line = link_line(address, tag, path)
    first.source = "\n\n".join(part for part in (title, line, rest.strip("\n")) if part)
    notebook.cells = [cell for cell in notebook.cells if cell.id != CELL]
    public = f"https://github.com/{match[1]}" if (match := GITHUB.fullmatch(address)) else address
    notebook.cells.insert(1, new_code_cell(FETCH.format(tag=tag, address=public), id=CELL))
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    if all(cell.execution_count for cell in code[1:]):
        for number, cell in enumerate(code, 1):
            cell.execution_count = number
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = number


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m helpers.course links", description=__doc__.splitlines()[0])
    parser.parse_args(argv)
    try:
        address, tag = remote_address(), version_tag()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    for path in course_notebooks():
        notebook = nbformat.read(path, as_version=4)
        add_links(notebook, address, tag, path.relative_to(PROJECT).as_posix())
        with atomic_write(path) as aside:
            nbformat.write(notebook, aside)
    print(f"{len(course_notebooks())} notebooks point to {address} at {tag}")
    print(f"Push the tag, or the links lead nowhere: git tag {tag} && git push origin {tag}")
    return 0
