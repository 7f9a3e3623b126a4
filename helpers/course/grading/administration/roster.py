"""Who is in the class, what was due when, who is late, and the totals of the course.

    python -m helpers.course totals SUBMISSIONS --out build/grades            totals.csv

SUBMISSIONS may hold students.csv (student, name, email, id) and deadlines.csv (assignment, student, deadline,
late_days, percent_per_day). A row of deadlines.csv without a student is for all, one with a student is an extension.
"""

import argparse
import math
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from helpers.assignment import SETTINGS, plain, read_settings
from helpers.course.grading.administration.tables import TableError, read_csv, write_csv
from helpers.course.grading.assignments.release import assignments
from helpers.course.grading.submissions.finding import find_submissions
from helpers.errors import CourseError

STUDENTS = ("student", "name", "email", "id")
DEADLINES = ("assignment", "student", "deadline", "late_days", "percent_per_day")
SUBMITTED = ("student", "assignment", "file", "time", "platform", "platform_id", "name")
GRACE = 300  # seconds after a deadline that cost nothing


@dataclass(frozen=True)
class Due:
    """When an assignment is due.

    Attributes:
        deadline: The last moment without a loss, in local time.
        late_days: Days after it until which the assignment is still taken.
        percent: Of the points that each day begun costs.
    """

    deadline: datetime
    late_days: int
    percent: float

    def part(self, handed_in: datetime) -> tuple[float, int]:
        """Return the part of the points that is left, from 0 to 1, and the days begun after the deadline.

        Args:
            handed_in: Moment, in local time.

        Example:
            >>> Due(datetime(2026, 3, 1, 12), 2, 10).part(datetime(2026, 3, 2, 13))
            (0.8, 2)
        """
        seconds = (handed_in - self.deadline).total_seconds()
        days = 0 if seconds <= GRACE else math.ceil(seconds / 86400)
        return (0.0 if days > self.late_days else max(0.0, 1 - days * self.percent / 100)), days


def read_students(folder: Path) -> dict[str, dict[str, str]]:
    """Read students.csv.

    Args:
        folder: Of the submissions.

    Returns:
        Name of the student's folder -> their row; none where there is no such file.

    Raises:
        TableError: It is not clear.
    """
    path = folder / "students.csv"
    rows = read_csv(path, ["student"]) if path.is_file() else []
    names = [plain(row["student"]) for row in rows]
    if twice := [row["student"] for row in rows if names.count(plain(row["student"])) > 1]:
        raise TableError(f"{path}: {twice[0]} stands in two rows")
    return {row["student"]: dict.fromkeys(STUDENTS, "") | row for row in rows}


def read_deadlines(folder: Path, names: list[str]) -> dict[tuple[str, str], Due]:
    """Read deadlines.csv.

    Args:
        folder: Of the submissions.
        names: Of the assignments.

    Returns:
        (assignment, name of the student without capitals and marks, or "" for all) -> when it is due.

    Raises:
        TableError: It is not clear; the message names the row.
    """
    path, found = folder / "deadlines.csv", {}
    for number, row in enumerate(read_csv(path, DEADLINES) if path.is_file() else [], start=2):
        where = f"{path}, row {number}"
        if row["assignment"] not in names:
            raise TableError(f"{where}: there is no assignment {row['assignment']!r}; there are {', '.join(names)}")
        for_all = found.get((row["assignment"], ""))
        try:
            when = datetime.fromisoformat(row["deadline"])
            if len(row["deadline"]) <= 10:  # a day alone lasts until its end
                when = when.replace(hour=23, minute=59, second=59)
            late = row["late_days"] or (for_all.late_days if for_all else 0)
            percent = row["percent_per_day"] or (for_all.percent if for_all else 0)
            due = Due(when.astimezone().replace(tzinfo=None), int(late), float(str(percent).replace(",", ".")))
        except ValueError:
            raise TableError(f"{where}: give a deadline as 2026-03-01 18:00, and numbers of days and percent") from None
        if due.late_days < 0 or not 0 <= due.percent <= 100:
            raise TableError(f"{where}: late_days from 0, percent_per_day from 0 to 100")
        found[row["assignment"], plain(row["student"])] = due
    return found


def totals(folder: Path, marks: list[dict[str, str]], settings: dict, names: list[str]) -> list[dict[str, object]]:
    """Add up the points of a course, for everybody in students.csv and everybody who handed in something.

    Args:
        folder: Of the submissions.
        marks: Rows of marks.csv.
        settings: As from `helpers.assignment.read_settings`.
        names: Of the assignments that count.

    Returns:
        A row a student: student, name, the points of each assignment, total, max, percent, missing, late, waits.
    """
    students, due = read_students(folder), read_deadlines(folder, names)
    files = {(plain(who), name): file for who, name, file, _ in find_submissions(folder, names) if file}
    times = _times(folder)
    by_key = {(plain(row["student"]), row["assignment"]): row for row in marks}
    everybody = {plain(who): who for who in [row["student"] for row in marks] + list(students)}
    most = {name: sum(settings[name]["points"].values()) for name in names}
    table = []
    for key, who in sorted(everybody.items(), key=lambda item: item[1].casefold()):
        row: dict[str, object] = {"student": who, "name": students.get(who, {}).get("name", "")}
        total, missing, late, waits = 0.0, [], [], []
        for name in names:
            mark = by_key.get((key, name))
            if (key, name) not in files:
                missing.append(name)
            points = float(mark["points"]) if mark else 0.0
            limit = due.get((name, key), due.get((name, "")))
            if limit and (key, name) in files:
                moment = times.get((key, name)) or datetime.fromtimestamp(files[key, name].stat().st_mtime)
                part, days = limit.part(moment)
                points = round(points * part, 2)
                late += [f"{name}: {days} days, {part:.0%} of the points"] if days else []
            if mark and mark.get("needs_manual"):
                waits.append(name)
            row[name] = f"{points:g}"
            total += points
        whole = sum(most.values())
        row |= {"total": f"{total:g}", "max": f"{whole:g}", "percent": f"{100 * total / whole if whole else 0:.1f}"}
        table.append(row | {"missing": " ".join(missing), "late": "; ".join(late), "waits": " ".join(waits)})
    return table


def _times(folder: Path) -> dict[tuple[str, str], datetime]:
    """When each was handed in, as a learning platform said it: see `platforms`, beside this module."""
    path = folder / "submitted.csv"
    rows = read_csv(path, ["student", "assignment", "time"]) if path.is_file() else []
    found: dict[tuple[str, str], datetime] = {}
    for row in rows:
        key = (plain(row["student"]), row["assignment"])
        if row["time"]:
            found[key] = max(found.get(key, datetime.min), datetime.fromisoformat(row["time"]))
    return found


def main(argv: list[str] | None = None) -> int:
    """Write totals.csv, and say who has not handed in and who is late.

    Args:
        argv: Words after the command; those of the program if None.

    Returns:
        The exit status: 0 where the totals were written.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course totals", description=__doc__.splitlines()[0])
    parser.add_argument("submissions", type=Path, help="folder with one folder a student")
    parser.add_argument("--out", type=Path, default=Path("build/grades"), help="holds marks.csv")
    parser.add_argument("--assignment", action="append", help="count only this one; may be repeated")
    parser.add_argument("--settings", type=Path, default=SETTINGS, help="another settings file")
    args = parser.parse_args(argv)
    try:
        settings, folder = read_settings(args.settings), args.submissions.expanduser()
        marks = read_csv(args.out / "marks.csv", ["student", "assignment", "points"])
        there = {row["assignment"] for row in marks}
        names = args.assignment or [name for name in assignments(settings, args.settings) if name in there]
        table = totals(folder, marks, settings, names)
        columns = ["student", "name", *names, "total", "max", "percent", "missing", "late", "waits"]
        place = write_csv(args.out / "totals.csv", columns, table)
    except (CourseError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for name in names:
        absent = [str(row["student"]) for row in table if name in str(row["missing"]).split()]
        print(f"{name}: {len(table) - len(absent)} of {len(table)} handed in; missing: {', '.join(absent) or 'nobody'}")
    for row in table:
        if row["late"]:
            print(f"late: {row['student']}, {row['late']}")
    print(f"totals  {place}")
    return 0
