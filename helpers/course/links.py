"""Links that open a notebook on Colab, Kaggle or Binder, and a first cell that fetches the course there.

    python -m helpers.course links           or: make links

Both are written into every notebook from the address of the git remote `origin`, and pin one version: the tag of a
release that CHANGELOG.md has a section for, or else the last commit. Run it again after moving the project or raising
its version. Without a remote nothing is changed.
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
from helpers.course.not_stored import is_not_stored
from helpers.course.notebooks import course_notebooks

GITHUB = re.compile(r"(?:https://github\.com/|git@github\.com:|ssh://git@github\.com/)([^/\s]+/[^/\s]+?)(?:\.git)?/?")
LINE = re.compile(r"^Open it in \[Colab\].*$\n?\n?", re.MULTILINE)
CELL = "fetch-the-course"
FETCH = """# Not needed where the course is installed. On Colab and Kaggle: fetch the course, and what they lack for it.
import importlib.util

if importlib.util.find_spec("data_prework") is None:
    !test -f course/pyproject.toml || git init -q course
    !test -f course/pyproject.toml || git -C course fetch -q --depth 1 {address} {version}
    !test -f course/pyproject.toml || git -C course checkout -q FETCH_HEAD
    %run course/helpers/course/colab.py"""


def remote_address(project: Path = PROJECT) -> str:
    """Return the address of the git remote `origin`, which must be on GitHub: Colab opens notebooks from nowhere else.

    Args:
        project: Folder of the project.

    Raises:
        ValueError: There is none, or it is elsewhere.
    """
    address = _git(project, "remote", "get-url", "origin")
    if not address:
        raise ValueError(f"{project} has no git remote `origin`: git remote add origin ADDRESS, then try again")
    if not GITHUB.fullmatch(address):
        raise ValueError(
            f"the git remote `origin` is {address}, which is no repository on GitHub; Colab, Kaggle and Binder open "
            "notebooks from there: git remote set-url origin https://github.com/NAME/PROJECT. Nothing was changed."
        )
    return address


def pinned_version(project: Path = PROJECT) -> str:
    """Return what the links pin: the tag of a release that CHANGELOG.md has a section for, or else the last commit.

    Args:
        project: Folder of the project.

    Returns:
        A tag, such as "v0.1.0", or the 40 digits of a commit.

    Raises:
        ValueError: The version in pyproject.toml is not released, and there is no commit.
    """
    version = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    changes = (project / "CHANGELOG.md").read_text(encoding="utf-8")
    if re.search(rf"^## \[?{re.escape(version)}(?![\w.])", changes, re.M):
        return f"v{version}"
    commit = _git(project, "rev-parse", "-q", "--verify", "HEAD")
    if not commit:
        raise ValueError(
            f"{project} has no commit yet, and CHANGELOG.md no section for {version}. Nothing was changed."
        )
    return commit


def _git(project: Path, *words: str) -> str:
    """What git says, or nothing where it fails."""
    try:
        return subprocess.run(["git", "-C", str(project), *words], capture_output=True, encoding="utf-8").stdout.strip()
    except FileNotFoundError:
        raise ValueError("git is not installed") from None


def link_line(address: str, version: str, path: str) -> str:
    """Return one line of Markdown with three links, or "" where the address is not on GitHub: Colab opens no other.

    Args:
        address: Of the repository.
        version: A tag or a commit.
        path: Of the notebook in the project, with forward slashes.
    """
    match = GITHUB.fullmatch(address)
    if not match:
        return ""
    name = match[1]
    colab = f"https://colab.research.google.com/github/{name}/blob/{version}/{path}"
    kaggle = f"https://kaggle.com/kernels/welcome?src=https://github.com/{name}/blob/{version}/{path}"
    binder = f"https://mybinder.org/v2/gh/{name}/{version}?labpath={path}"
    return f"Open it in [Colab]({colab}) · [Kaggle]({kaggle}) · [Binder]({binder})"


def add_links(notebook: nbformat.NotebookNode, address: str, version: str, path: str) -> None:
    """Write the line below the title and the fetching cell behind the first text; earlier ones are replaced.

    Outputs stay; the numbers of the cells in front of them move up by the new cell.

    Args:
        notebook: Is changed.
        address: Of the repository.
        version: A tag or a commit.
        path: Of the notebook in the project, with forward slashes.
    """
    first = notebook.cells[0]
    title, _, rest = LINE.sub("", first.source).partition("\n")
    line = link_line(address, version, path)
    first.source = "\n\n".join(part for part in (title, line, rest.strip("\n")) if part)
    add_fetching(notebook, address, version)
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    counted = {number: cell for number, cell in enumerate(code, 1) if not is_not_stored(cell)}
    if all(cell.execution_count for number, cell in counted.items() if number > 1):
        for number, cell in counted.items():
            cell.execution_count = number
            for output in cell.outputs:
                if "execution_count" in output:
                    output.execution_count = number


def add_fetching(notebook: nbformat.NotebookNode, address: str, version: str) -> None:
    """Write the fetching cell behind the first text, in the place of an earlier one.

    Args:
        notebook: Is changed.
        address: Of the repository.
        version: A tag or a commit.

    Example:
        >>> from nbformat.v4 import new_markdown_cell, new_notebook
        >>> notebook = new_notebook(cells=[new_markdown_cell("# Assignment 01")])
        >>> add_fetching(notebook, "git@github.com:someone/course.git", "v1.0.0")
        >>> notebook.cells[1].id
        'fetch-the-course'
    """
    notebook.cells = [cell for cell in notebook.cells if cell.id != CELL]
    public = f"https://github.com/{match[1]}" if (match := GITHUB.fullmatch(address)) else address
    notebook.cells.insert(1, new_code_cell(FETCH.format(version=version, address=public), id=CELL))


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Words after the command; those of the program if None.

    Returns:
        The exit status: 0 where the links were written.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course links", description=__doc__.splitlines()[0])
    parser.parse_args(argv)
    try:
        address, version = remote_address(), pinned_version()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    is_new = False
    for path in course_notebooks():
        notebook = nbformat.read(path, as_version=4)
        is_new |= all(cell.id != CELL for cell in notebook.cells)
        add_links(notebook, address, version, path.relative_to(PROJECT).as_posix())
        with atomic_write(path) as aside:
            nbformat.write(notebook, aside)
    print(f"{len(course_notebooks())} notebooks point to {address} at {version}")
    if version.startswith("v"):
        print(f"Commit, then push the tag, or the links lead nowhere: git tag {version} && git push origin {version}")
    else:
        print("Commit and push, or the links lead nowhere.")
        if is_new:
            print("That commit has notebooks without the fetching cell: commit these, then run make links once more.")
    return 0
