"""The files of a class: marks.csv, manual.csv, and a feedback page for each submission."""

import hashlib
import html
import re
from pathlib import Path

from data_prework.files import atomic_write
from helpers.course.grading.administration.tables import write_csv
from helpers.course.grading.marks.manual import Manual, manual_rows, write_manual


def write_marks(out: Path, table: list[dict], manual: Manual) -> None:
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
    by_hand = manual_rows(table, manual)
    write_csv(out / "marks.csv", columns, marks)
    write_manual(out / "manual.csv", by_hand)
    for row in table:
        body = row["feedback"].read_text(encoding="utf-8") if row["feedback"] else _empty_page(row)
        page = out / "feedback" / folder_of(row["student"]) / f"{row['assignment']}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(page) as aside:
            aside.write_text(_with_note(body, row["note"]), encoding="utf-8", newline="")


def safe(student: str) -> str:
    """Return a folder's name for a student, whatever the student is called.

    Args:
        student: Any text.
    """
    return re.sub(r"\W+", "-", student)[:40] + "-" + hashlib.sha256(student.encode()).hexdigest()[:6]


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
