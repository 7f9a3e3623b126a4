"""The marks of a class: a table of all submissions, the open questions for a person to grade, and the feedback."""

import csv
import hashlib
import html
import io
import re
from collections.abc import Iterable
from pathlib import Path

from data_prework.files import atomic_write
from helpers.course.grading.submissions.job import Job, read_result
from helpers.deploy.csv_cells import as_text, from_text

MANUAL = ("student", "assignment", "task", "max", "points", "comment", "answer")
OURS = ("student", "assignment", "task", "max", "answer")  # the columns that nobody fills in
LONGEST = 30_000  # characters of an answer in manual.csv; a spreadsheet's cell holds little more

Manual = dict[tuple[str, str, str], dict[str, str]]  # (student, assignment, task) -> that row of manual.csv


def safe(student: str) -> str:
    """Return a folder's name for a student, whatever the student is called.

    Args:
        student: Any text.
    """
    return re.sub(r"\W+", "-", student)[:40] + "-" + hashlib.sha256(student.encode()).hexdigest()[:6]


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


def collect(
    rows: list[tuple[str, str, Path | None, str]], jobs: list[Job], most: dict[str, dict[str, float]], manual: Manual
) -> list[dict]:
    """Make the table of all submissions, from what their grading processes wrote.

    Args:
        rows: (student, assignment, notebook, note) as from `find_submissions`.
        jobs: Of those that have a notebook.
        most: Assignment -> task -> its points.
        manual: As from `read_manual`; its points count, also where nothing could be graded.

    Returns:
        One dictionary a submission: student, assignment, points, max (numbers of the whole), tasks and most (task ->
        points), open (tasks that wait for a person), note, answers (task -> text), feedback (a page, or None).
    """
    by_key = {(job.student, job.assignment): job for job in jobs}
    table = []
    for student, name, _, said in rows:
        job = by_key.get((student, name))
        result = read_result(job) if job else {}
        notes = [said]
        if job:
            notes += result.get("notes", ["its grading process ended before it was done"])
        given = {task: points for task, (points, _) in entered(manual, student, name).items() if points is not None}
        earned = {task: given.get(task, result.get("points", {}).get(task, 0.0)) for task in most[name]}
        table.append(
            {
                "student": student,
                "assignment": name,
                "points": sum(earned.values()),
                "max": float(sum(most[name].values())),
                "tasks": earned,
                "most": most[name],
                "open": [task for task in result.get("open", []) if task not in given],
                "note": "; ".join(note for note in [*notes, result.get("page", "")] if note),
                "answers": result.get("answers", {}),
                "feedback": job.feedback if job and job.feedback.is_file() else None,
            }
        )
    return sorted(table, key=lambda row: (row["assignment"], row["student"]))


def write(out: Path, table: list[dict], manual: Manual) -> None:
    """Write marks.csv, manual.csv and feedback/: each file aside first, then renamed.

    Args:
        out: The folder.
        table: As from `collect`.
        manual: As from `read_manual`. What somebody entered stays, and so do rows that the table does not know.
    """
    tasks = sorted({task for row in table for task in row["tasks"]})
    columns = ["student", "assignment", "points", "max", *tasks, "needs_manual", "note"]
    marks = [
        {task: f"{points:g}" for task, points in row["tasks"].items()}
        | {"student": row["student"], "assignment": row["assignment"], "note": row["note"]}
        | {"points": f"{row['points']:g}", "max": f"{row['max']:g}", "needs_manual": " ".join(row["open"])}
        for row in table
    ]
    by_hand = _manual_rows(table, manual)
    _put(out / "marks.csv", _csv(columns, marks))
    _put(out / "manual.csv", _csv(dict.fromkeys([*MANUAL, *(column for row in by_hand for column in row)]), by_hand))
    for row in table:
        body = row["feedback"].read_text(encoding="utf-8") if row["feedback"] else _empty_page(row)
        page = out / "feedback" / folder_of(row["student"]) / f"{row['assignment']}.html"
        _put(page, _with_note(body, row["note"]))


def _manual_rows(table: list[dict], manual: Manual) -> list[dict[str, str]]:
    """A row for each open question and for whatever was filled in; at the end the rows that the table does not know."""
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


def _csv(columns: Iterable[str], rows: list[dict[str, str]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns), restval="")
    writer.writeheader()
    writer.writerows({column: as_text(value) for column, value in row.items()} for row in rows)
    return text.getvalue()


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as aside:
        aside.write_text(text, encoding="utf-8", newline="")


def text(table: list[dict]) -> str:
    """Return the marks as lines to read: points, what waits for a person, and the note.

    Args:
        table: As from `collect`.
    """
    lines = []
    for row in table:
        waits = f"  to grade: {' '.join(row['open'])}" if row["open"] else ""
        note = f"  {row['note']}" if row["note"] else ""
        lines.append(f"{row['assignment']}  {row['student']:<20}{row['points']:5g} of {row['max']:g}{waits}{note}")
    return "\n".join(lines)


def folder_of(student: str) -> str:
    """Return the name of a student's folder of feedback: their own name where it can be a folder everywhere.

    Args:
        student: Any text.
    """
    return student if re.fullmatch(r"[\w .@-]*\w", student) else safe(student)


def _empty_page(row: dict) -> str:
    title = html.escape(f"{row['assignment']} (Score: {row['points']:.1f} / {row['max']:g})")
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    return f"{head}<body><h4>{title}</h4></body></html>"


def _with_note(page: str, note: str) -> str:
    if not note:
        return page
    return re.sub(r"(<body[^>]*>)", lambda m: f"{m[1]}<p><strong>Note:</strong> {html.escape(note)}</p>", page, count=1)
