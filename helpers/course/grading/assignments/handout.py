"""What an instructor hands out, and the private copy of the exercises that it comes from.

    python -m helpers.course assignments --out build/exercises      students' versions, solutions, and handout.zip
    python -m helpers.course private ../my-exercises                a copy of one's own: settings, tasks, lists

The settings file decides where the tasks are: those in the folder `source` beside it come before the course's own.
"""

import argparse
import re
import secrets
import shutil
import sys
import zipfile
from pathlib import Path

from data_prework.files import PROJECT, atomic_write
from helpers.assignment import SETTINGS
from helpers.course.grading.assignments.release import SOURCES, build
from helpers.course.grading.roster import DEADLINES, STUDENTS
from helpers.course.grading.tables import write_csv
from helpers.errors import CourseError

SECRET = ("BEGIN SOLUTION", "BEGIN HIDDEN TESTS", "BEGIN MARK SCHEME", "**Model answer.**", "**Rubric**")
WHEN = (2020, 1, 1, 0, 0, 0)  # in archives, so that the same notebooks make the same archive
README = """# Exercises of my own

Keep this folder private: it holds solutions and hidden tests. Work in it as the instructor's guide of the course says.

- `settings.toml`: data sets, difficulty, seeds and points; the seeds are new
- `source/`: tasks, solutions and tests; delete a folder to use the course's own assignment again
- `students.csv`, `deadlines.csv`: copy them into the folder of submissions and fill them in

In the folder of the course:

    make assignments PRIVATE={folder}
    make grade PRIVATE={folder} SUBMISSIONS=submissions
"""


class HandoutError(CourseError, ValueError):
    """Something may not be handed out, or would be overwritten; the message says what."""


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
    for notebook in sorted((args.out / "student").rglob("*.ipynb")):
        print(f"student version  {notebook}")
    print(f"solutions        {args.out / 'solution'}")
    print(f"to hand out      {write_archive(args.out)}")
    return 0


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


def make_private(folder: Path, settings: Path = SETTINGS) -> Path:
    """Copy settings, tasks, solutions and tests to a folder of one's own, with new seeds.

    Args:
        folder: It must be empty or not be there, and outside of the course.
        settings: The settings file to begin from.

    Returns:
        The new settings file.

    Raises:
        HandoutError: The folder holds something, or lies in the course.
    """
    folder = folder.expanduser().resolve()
    if folder.is_relative_to(PROJECT):
        raise HandoutError(f"{folder} lies in the course, whose repository may be public: give a folder outside of it")
    if folder.exists() and any(folder.iterdir()):
        raise HandoutError(f"{folder} is not empty: give a new folder, or change the files that are there")
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
