"""Whose points are others than at the last grading: after a test was changed, or something was entered by hand."""

from pathlib import Path

from helpers.course.grading.administration.tables import TableError, read_csv, write_csv
from helpers.course.grading.marks.manual import Manual, entered

COLUMNS = ("student", "assignment", "task", "before", "after", "why")
SHOWN = 10


def write_changes(out: Path, table: list[dict], manual: Manual) -> str:
    """Compare new marks with marks.csv, before it is written anew, and write changes.csv.

    Args:
        out: Folder of the grades.
        table: The new marks, as from `collect`.
        manual: What was entered by hand, as from `read_manual`.

    Returns:
        Lines to show; "" where nobody's points changed.
    """
    rows = changes(out, table, manual)
    if not rows:
        return ""
    place = write_csv(out / "changes.csv", COLUMNS, rows)
    lines = [f"changed  {row['assignment']}  {row['student']:<20}{row['task']}: {row['before']} to {row['after']}"
             for row in rows]  # fmt: skip
    more = [f"and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join(["", *lines[:SHOWN], *more, f"changed    {place}"])


def changes(out: Path, table: list[dict], manual: Manual) -> list[dict[str, str]]:
    """Return a row for each task whose points changed, of those submissions that were graded before.

    Args:
        out: Folder of the grades, with the earlier marks.csv.
        table: The new marks.
        manual: What was entered by hand.
    """
    try:
        before = {
            (row["student"], row["assignment"]): row for row in read_csv(out / "marks.csv", ["student", "assignment"])
        }
    except (OSError, TableError):
        return []
    found = []
    for row in table:
        old = before.get((row["student"], row["assignment"]))
        for task, points in row["tasks"].items() if old else ():
            earlier = _number(old.get(task, ""))
            if earlier != points and not (earlier is None and points == 0):
                by_hand = task in entered(manual, row["student"], row["assignment"])
                one = {"student": row["student"], "assignment": row["assignment"], "task": task}
                why = "entered by hand" if by_hand else "graded anew"
                found.append(one | {"before": old.get(task, ""), "after": f"{points:g}", "why": why})
    return found


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
