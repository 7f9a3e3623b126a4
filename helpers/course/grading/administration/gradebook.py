"""Points into the table that a learning platform exported, so that it can be uploaded again.

    python -m helpers.course gradebook EXPORT.csv SUBMISSIONS --assignment 01_explore --out build/grades

EXPORT.csv is Moodle's grading worksheet (of an assignment, "Download grading worksheet") or Canvas's gradebook (with
"Export entire gradebook"). All of it stays as it is but the points of the students who are found in it.
"""

import argparse
import re
import sys
from pathlib import Path

from helpers.assignment import SETTINGS, plain, read_settings
from helpers.course.grading.administration.roster import read_students, totals
from helpers.course.grading.administration.tables import TableError, read_csv, read_raw, write_raw
from helpers.course.grading.assignments.release import assignments
from helpers.course.grading.submissions.finding import goes_by
from helpers.errors import CourseError

IDS = ("Identifier", "ID number", "ID", "SIS User ID", "SIS Login ID", "Email address", "Email")
NAMES = ("Full name", "Student", "Name")


def fill(table: list[list[str]], assignment: str, points: dict[str, str], people: dict[str, set[str]]) -> list[str]:
    """Write points into an exported table.

    Args:
        table: Its rows, the first with the names of the columns; it is changed.
        assignment: Whose points these are.
        points: Student -> points.
        people: Student -> what a platform may know them by, in small letters: numbers, email, names.

    Returns:
        Students who are not in the table, or there twice.

    Raises:
        TableError: The table has no column for the points or for the students.
    """
    head = [name.strip().strip("\ufeff") for name in table[0]]
    column = [i for i, name in enumerate(head) if goes_by(name, assignment)]
    column = column or [i for i, name in enumerate(head) if name == "Grade"]
    if not column:
        raise TableError(f"there is no column Grade (Moodle) or with the name {assignment} (Canvas): {', '.join(head)}")
    keys = [i for i, name in enumerate(head) if name in IDS]
    names = [i for i, name in enumerate(head) if name in NAMES]
    if not keys + names:
        raise TableError(f"there is no column with the students, such as {', '.join((*IDS[:3], *NAMES[:2]))}")
    lost = []
    for who, value in points.items():
        rows = [row for row in table[1:] if len(row) > column[0] and _known(row, keys) & people[who]]
        rows = rows or [
            row for row in table[1:] if len(row) > column[0] and _letters(row, names) & set(map(_sorted, people[who]))
        ]
        if len(rows) == 1:
            rows[0][column[0]] = value
        else:
            lost.append(who)
    return lost


def _known(row: list[str], columns: list[int]) -> set[str]:
    found = {row[i].strip().casefold() for i in columns if i < len(row)} - {""}
    return found | {match[1] for value in found if (match := re.fullmatch(r"participant (\d+)", value))}


def _letters(row: list[str], columns: list[int]) -> set[str]:
    return {_sorted(row[i]) for i in columns if i < len(row) and row[i].strip()}


def _sorted(name: str) -> str:
    """A name's letters in order: "Lee, Anna" and "Anna Lee" are one."""
    return "".join(sorted(plain(name)))


def people_of(folder: Path, students: list[str], assignment: str) -> dict[str, set[str]]:
    """Return what a platform may know each student by: from students.csv and from submitted.csv.

    Args:
        folder: Of the submissions.
        students: Their names.
        assignment: Its name; Moodle numbers participants anew in each.
    """
    listed = {plain(who): row for who, row in read_students(folder).items()}
    path = folder / "submitted.csv"
    came = [row for row in read_csv(path) if row["assignment"] == assignment] if path.is_file() else []
    found = {}
    for who in students:
        row = listed.get(plain(who), {})
        known = {who, row.get("name", ""), row.get("email", ""), row.get("id", "")}
        for one in came:
            if plain(one["student"]) == plain(who):
                known |= {one["platform_id"], one["name"]}
        found[who] = {value.strip().casefold() for value in known} - {""}
    return found


def main(argv: list[str] | None = None) -> int:
    """Write the filled table beside the marks.

    Args:
        argv: Words after the command; those of the program if None.

    Returns:
        The exit status: 0 where the table was written.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course gradebook", description=__doc__.splitlines()[0])
    parser.add_argument("export", type=Path, help="CSV file that the platform exported")
    parser.add_argument("submissions", type=Path, help="folder with one folder a student")
    parser.add_argument("--assignment", required=True, help="such as 01_explore")
    parser.add_argument("--out", type=Path, default=Path("build/grades"), help="holds marks.csv")
    parser.add_argument("--settings", type=Path, default=SETTINGS, help="another settings file")
    args = parser.parse_args(argv)
    try:
        settings = read_settings(args.settings)
        if args.assignment not in (known := assignments(settings, args.settings)):
            raise TableError(f"there is no assignment {args.assignment}; there are {', '.join(known)}")
        marks = read_csv(args.out / "marks.csv", ["student", "assignment", "points"])
        rows = totals(args.submissions, marks, settings, [args.assignment])
        points = {str(row["student"]): str(row[args.assignment]) for row in rows if not row["missing"]}
        table, delimiter = read_raw(args.export)
        people = people_of(args.submissions, list(points), args.assignment)
        lost = fill(table, args.assignment, points, people)
        place = write_raw(args.out / f"upload_{args.assignment}.csv", table, delimiter)
    except (CourseError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    waits = [str(row["student"]) for row in rows if row["waits"]]
    print(f"{len(points) - len(lost)} of {len(points)} students  {place}")
    if lost:
        print(f"not in the table, or there twice: {', '.join(lost)}; give their number or email in students.csv")
    if waits:
        print(f"open questions still wait: {', '.join(waits)}")
    return 0
