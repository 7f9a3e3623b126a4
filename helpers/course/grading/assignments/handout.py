"""What an instructor hands out: the students' versions of the exercises, and one archive of them.

python -m helpers.course assignments --out build/exercises      students' versions, solutions, and handout.zip
"""

import argparse
import shutil
import zipfile
from pathlib import Path

import nbformat

from data_prework.files import atomic_write
from helpers.course.grading.assignments.release import build
from helpers.course.links import add_fetching, pinned_version, remote_address
from helpers.errors import CourseError

SECRET = ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "BEGIN MARK SCHEME", "**Model answer.**", "**Rubric**")
WHEN = (2020, 1, 1, 0, 0, 0)  # in archives, so that the same notebooks make the same archive


class HandoutError(CourseError, ValueError):
    """A notebook may not be handed out; the message says which, and why."""


def build_command(args: argparse.Namespace) -> int:
    """Write the students' versions to OUT/student and the solutions to OUT/solution.

    Args:
        args: Of the command line: `out`, `assignment` and `settings`.

    Returns:
        The exit status, 0.
    """
    course = build(args.out, args.settings, args.assignment)
    for kind, step in (("student", "release"), ("solution", "source")):
        shutil.rmtree(args.out / kind, ignore_errors=True)
        shutil.copytree(course / step, args.out / kind)
    said = fetch_on_colab(args.out / "student")
    for notebook in sorted((args.out / "student").rglob("*.ipynb")):
        print(f"student version  {notebook}")
    print(f"Colab, Kaggle    {said}")
    print(f"solutions        {args.out / 'solution'}")
    print(f"to hand out      {write_archive(args.out)}")
    return 0


def fetch_on_colab(folder: Path) -> str:
    """Write the cell that fetches the course on Colab and Kaggle into students' versions.

    Args:
        folder: Holds the notebooks.

    Returns:
        What the cell fetches, or why there is none: without an address on GitHub it could fetch nothing.
    """
    try:
        address, version = remote_address(), pinned_version()
    except ValueError as error:
        return f"no cell fetches the course there: {error}"
    for path in sorted(folder.rglob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        add_fetching(notebook, address, version)
        with atomic_write(path) as aside:
            nbformat.write(notebook, aside)
    return f"a cell fetches {address} at {version} there"


def write_archive(out: Path) -> Path:
    """Pack the students' versions into one archive.

    Args:
        out: Holds them in `student`; the archive goes to `out/handout.zip`.

    Returns:
        The archive.

    Raises:
        HandoutError: A notebook still holds a solution, a hidden test or a rubric; nothing was written.
    """
    files = sorted(path for path in (out / "student").rglob("*") if path.is_file())
    for file in files:
        text = file.read_bytes()
        if found := [words for words in SECRET if words.encode() in text]:
            raise HandoutError(f"{file} holds {found[0]!r} and may not be handed out: see its source notebook")
    with atomic_write(out / "handout.zip") as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            name = f"exercises/{file.relative_to(out / 'student').as_posix()}"
            archive.writestr(zipfile.ZipInfo(name, WHEN), file.read_bytes(), zipfile.ZIP_DEFLATED)
    return out / "handout.zip"
