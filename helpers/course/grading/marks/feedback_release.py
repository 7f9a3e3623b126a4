"""Gives feedback back, each student's own: after the deadline, and when a person has read the open answers.

    python -m helpers.course feedback SUBMISSIONS --out build/grades --assignment 01_explore

Writes OUT/release/STUDENT/ASSIGNMENT.html, and for a learning platform OUT/release/ASSIGNMENT.zip with one folder a
student, named as the platform named it. Pages of those who still wait, or have more time, are held back.
"""

import argparse
import shutil
import sys
import zipfile
from datetime import datetime, timedelta
from pathlib import Path

from data_prework.files import atomic_write
from helpers.assignment import SETTINGS, plain, read_settings
from helpers.course.grading.administration.roster import read_deadlines
from helpers.course.grading.administration.tables import TableError, read_csv, write_csv
from helpers.course.grading.assignments.release import assignments
from helpers.course.grading.marks.files import folder_of
from helpers.errors import CourseError

COLUMNS = ("student", "assignment", "released")


def release(folder: Path, out: Path, assignment: str, names: list[str], now: datetime, everybody: bool = False) -> dict:
    """Copy the feedback pages that may go out.

    Args:
        folder: Of the submissions, with deadlines.csv where there are any.
        out: Folder of the grades.
        assignment: Whose pages.
        names: Of all assignments.
        now: The moment, in local time.
        everybody: Also those who still wait for a person, and before deadlines.

    Returns:
        Student -> "" where the page was released, or why it was held back.

    Raises:
        TableError: marks.csv or deadlines.csv is not clear.
    """
    due = read_deadlines(folder, names)
    last = [one.deadline + timedelta(days=one.late_days) for (name, _), one in due.items() if name == assignment]
    rows = read_csv(out / "marks.csv", ["student", "assignment", "needs_manual"])
    rows = [row for row in rows if row["assignment"] == assignment]
    found, pages = {}, {}
    for row in rows:
        who = row["student"]
        page = out / "feedback" / folder_of(who) / f"{assignment}.html"
        held = ""
        if not everybody and last and now < max(last):
            held = f"somebody has time until {max(last):%Y-%m-%d %H:%M}, and the page shows the tests"
        elif not everybody and row["needs_manual"]:
            held = f"{row['needs_manual']} waits for a person"
        elif not page.is_file():
            held = "there is no page: run make grade"
        found[who] = held
        if not held:
            pages[who] = page
            place = out / "release" / folder_of(who)
            place.mkdir(parents=True, exist_ok=True)
            with atomic_write(place / page.name) as aside:
                shutil.copyfile(page, aside)
    _archive(folder, out / "release" / f"{assignment}.zip", assignment, pages)
    _record(out / "release" / "released.csv", assignment, pages, now)
    return found


def _archive(folder: Path, place: Path, assignment: str, pages: dict[str, Path]) -> None:
    """An archive as Moodle takes it under "Upload multiple feedback files in a zip"."""
    path = folder / "submitted.csv"
    came = {
        plain(row["student"]): f"{row['name']}_{row['platform_id']}_assignsubmission_file_"
        for row in (read_csv(path) if path.is_file() else [])
        if row["assignment"] == assignment and row["platform"] == "moodle"
    }
    if not pages:
        return
    with atomic_write(place) as aside, zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as archive:
        for who, page in pages.items():
            archive.write(page, f"{came.get(plain(who), folder_of(who))}/{assignment}.html")


def _record(path: Path, assignment: str, pages: dict[str, Path], now: datetime) -> None:
    rows = read_csv(path, COLUMNS) if path.is_file() else []
    rows = [row for row in rows if not (row["assignment"] == assignment and row["student"] in pages)]
    when = now.isoformat(timespec="minutes")
    if pages or path.is_file():
        write_csv(path, COLUMNS, rows + [dict(zip(COLUMNS, (who, assignment, when), strict=True)) for who in pages])


def main(argv: list[str] | None = None) -> int:
    """Release the feedback of an assignment.

    Args:
        argv: Words after the command; those of the program if None.

    Returns:
        The exit status: 0 where pages were looked at.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course feedback", description=__doc__.splitlines()[0])
    parser.add_argument("submissions", type=Path, help="folder with one folder a student")
    parser.add_argument("--assignment", required=True, help="such as 01_explore")
    parser.add_argument("--out", type=Path, default=Path("build/grades"), help="holds marks.csv and feedback/")
    parser.add_argument("--everybody", action="store_true", help="also before deadlines, and where questions are open")
    parser.add_argument("--settings", type=Path, default=SETTINGS, help="another settings file")
    args = parser.parse_args(argv)
    try:
        names = assignments(read_settings(args.settings), args.settings)
        if args.assignment not in names:
            raise TableError(f"there is no assignment {args.assignment}; there are {', '.join(names)}")
        now = datetime.now()
        found = release(args.submissions.expanduser(), args.out, args.assignment, names, now, args.everybody)
    except (CourseError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    held = {who: why for who, why in found.items() if why}
    print(f"{len(found) - len(held)} of {len(found)} pages in {args.out / 'release'}")
    for who, why in held.items():
        print(f"held back: {who}, {why}")
    return 0
