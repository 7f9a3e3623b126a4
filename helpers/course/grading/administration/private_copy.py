"""A private copy of the exercises, to change: settings with new seeds, tasks, and lists of a class.

    python -m helpers.course private ../my-exercises                a copy of one's own: settings, tasks, lists

The settings file decides where the tasks are: those in the folder `source` beside it come before the course's own.
"""

import argparse
import re
import secrets
import shutil
import sys
from pathlib import Path

from data_prework.files import PROJECT
from helpers.assignment import SETTINGS
from helpers.course.grading.administration.roster import DEADLINES, STUDENTS
from helpers.course.grading.administration.tables import write_csv
from helpers.course.grading.assignments.release import SOURCES
from helpers.errors import CourseError

README = """# Exercises of my own

Keep this folder private: it holds solutions and hidden tests. Work in it as the instructor's guide of the course says.

- `settings.toml`: data sets, difficulty, seeds and points; the seeds are new
- `source/`: tasks, solutions and tests; delete a folder to use the course's own assignment again
- `students.csv`, `deadlines.csv`: copy them into the folder of submissions and fill them in

In the folder of the course:

    make assignments PRIVATE={folder}
    make grade PRIVATE={folder} SUBMISSIONS=submissions
"""


class PrivateCopyError(CourseError, ValueError):
    """A private copy would lie in public, or overwrite something; the message says what."""


def make_private(folder: Path, settings: Path = SETTINGS) -> Path:
    """Copy settings, tasks, solutions and tests to a folder of one's own, with new seeds.

    Args:
        folder: It must be empty or not be there, and outside of the course.
        settings: The settings file to begin from.

    Returns:
        The new settings file.

    Raises:
        PrivateCopyError: The folder holds something, or lies in the course.
    """
    folder = folder.expanduser().resolve()
    if folder.is_relative_to(PROJECT):
        raise PrivateCopyError(
            f"{folder} lies in the course, whose repository may be public: give a folder outside of it"
        )
    if folder.exists() and any(folder.iterdir()):
        raise PrivateCopyError(f"{folder} is not empty: give a new folder, or change the files that are there")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(SOURCES, folder / "source", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    text = settings.read_text(encoding="utf-8")
    text = re.sub(r"^seed = \d+", lambda _: f"seed = {secrets.randbelow(10**6)}", text, flags=re.M)
    for name, content in (("settings.toml", text), ("README.md", README.format(folder=folder))):
        (folder / name).write_text(content, encoding="utf-8")
    write_csv(folder / "students.csv", STUDENTS, [])
    write_csv(folder / "deadlines.csv", DEADLINES, [])
    return folder / "settings.toml"


def main(argv: list[str] | None = None) -> int:
    """Make the private copy.

    Args:
        argv: Words after the command; those of the program if None.

    Returns:
        The exit status: 0 where it was made.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course private", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a new folder outside of the course")
    parser.add_argument("--settings", type=Path, default=SETTINGS, help="the settings file to begin from")
    args = parser.parse_args(argv)
    try:
        made = make_private(args.folder, args.settings)
    except (CourseError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"a private copy with new seeds: {made.parent}\nnext: make assignments PRIVATE={made.parent}")
    return 0
