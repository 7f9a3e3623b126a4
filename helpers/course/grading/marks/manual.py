"""What a person enters: manual.csv has a row for each open question, with points and a comment to fill in."""

import csv
from collections.abc import Iterable
from pathlib import Path

from helpers.course.grading.administration.tables import write_csv
from helpers.deploy.csv_cells import from_text

MANUAL = ("student", "assignment", "task", "max", "points", "comment", "answer")
OURS = ("student", "assignment", "task", "max", "answer")  # the columns that nobody fills in
LONGEST = 30_000  # characters of an answer in manual.csv; a spreadsheet's cell holds little more

Manual = dict[tuple[str, str, str], dict[str, str]]  # (student, assignment, task) -> that row of manual.csv


def read_manual(path: Path, most: dict[str, dict[str, float]]) -> Manual:
    """Read manual.csv, with the rows of submissions that are not there now.

    Args:
        path: A CSV file, with commas or with the semicolons of some spreadsheets.
        most: Assignment -> task -> its points; rows of another assignment are taken as they are.

    Returns:
        Its rows by student, assignment and task; none where there is no such file.

    Raises:
        ValueError: A column is missing, or a row is not clear; the message names the file and the row.
    """
    if not path.is_file():
        return {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            reader = csv.DictReader(file, delimiter=max(",;\t", key=head.count), strict=True)
            columns, rows = reader.fieldnames or (), list(reader)
    except UnicodeDecodeError:
        raise ValueError(f'{path}: its text is not UTF-8. Save it as "CSV UTF-8"; nothing was changed') from None
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: {error}; nothing was changed") from None
    if missing := [column for column in MANUAL if column not in columns]:
        raise ValueError(f"{path}, row 1: the column {', '.join(missing)} is missing; nothing was changed")
    manual: Manual = {}
    for number, cells in enumerate(rows, start=2):
        row = {column: from_text(cell or "") for column, cell in cells.items() if column is not None}
        key = (row["student"], row["assignment"], row["task"])
        wrong = "it has more cells than there are columns" if None in cells else fault(row, most)
        wrong = wrong or (f"{', '.join(key)} stands in two rows" if key in manual else "")
        if wrong:
            raise ValueError(f"{path}, row {number}: {wrong}; nothing was changed")
        if any(row.values()):
            manual[key] = row
    return manual


def fault(row: dict[str, str], most: dict[str, dict[str, float]]) -> str:
    """Return what is wrong with a row of manual.csv, or "".

    Args:
        row: Column -> text.
        most: Assignment -> task -> its points.
    """
    if row["assignment"] not in most:
        return ""
    tasks = most[row["assignment"]]
    if row["task"] not in tasks:
        return f"{row['assignment']} has no task {row['task']!r}, it has {', '.join(tasks)}"
    try:
        points = _points(row)
    except ValueError:
        points = -1.0
    is_right = points is None or 0 <= points <= tasks[row["task"]]
    return "" if is_right else f"points {row['points']!r}; give a number from 0 to {tasks[row['task']]:g}"


def _points(row: dict[str, str]) -> float | None:
    text = row["points"].strip().replace(",", ".")
    return float(text) if text else None


def entered(manual: Manual, student: str, assignment: str) -> dict[str, tuple[float | None, str]]:
    """Look up what somebody entered for a submission.

    Args:
        manual: As from `read_manual`.
        student: Their name.
        assignment: Its name.

    Returns:
        Task -> (points, or None where there are none yet; comment).
    """
    rows = {task: row for (who, what, task), row in manual.items() if (who, what) == (student, assignment)}
    given = {task: (_points(row), row["comment"].strip()) for task, row in rows.items()}
    return {task: one for task, one in given.items() if one != (None, "")}


def manual_rows(table: list[dict], manual: Manual) -> list[dict[str, str]]:
    """Return the rows of a new manual.csv: one for each open question and for whatever was filled in.

    Args:
        table: The marks, as from `collect`.
        manual: As from `read_manual`; rows that the table does not know come at the end.
    """
    rows = []
    for row in table:
        who = {"student": row["student"], "assignment": row["assignment"]}
        before = {key[2]: one for key, one in manual.items() if key[:2] == (row["student"], row["assignment"])}
        filled = [task for task, one in before.items() if any(one[key].strip() for key in one if key not in OURS)]
        for task in sorted({*row["open"], *filled}):
            old = before.get(task, dict.fromkeys(MANUAL, ""))
            answer = row["answers"].get(task, old["answer"])[:LONGEST]
            rows.append(old | who | {"task": task, "max": f"{row['most'][task]:g}", "answer": answer})
    known = {(row["student"], row["assignment"]) for row in table}
    return rows + [row for (student, name, _), row in manual.items() if (student, name) not in known]


def write_manual(path: Path, rows: Iterable[dict[str, str]]) -> None:
    """Write manual.csv, with the columns that somebody added.

    Args:
        path: The file.
        rows: Column -> text.
    """
    rows = list(rows)
    write_csv(path, dict.fromkeys([*MANUAL, *(column for row in rows for column in row)]), rows)
