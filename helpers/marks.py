"""The marks of a class: a table of all submissions, the open questions for a person to grade, and the feedback."""

import csv
import hashlib
import html
import re
import shutil
from pathlib import Path

from helpers.cells import as_text
from helpers.grading import Job, read_result

MANUAL = ("student", "assignment", "task", "max", "points", "comment", "answer")


def safe(student: str) -> str:
    """A folder's name for a student, whatever the student is called."""
    return re.sub(r"\W+", "-", student)[:40] + "-" + hashlib.sha256(student.encode()).hexdigest()[:6]


def collect(rows: list[tuple], jobs: list[Job], points: dict[str, dict]) -> list[dict]:
    """One dictionary a submission: student, assignment, points, max, tasks, open, note, seconds, answers, feedback."""
    by_key = {(job.student, job.assignment): job for job in jobs}
    table = []
    for student, name, _, said in rows:
        job = by_key.get((student, name))
        result = read_result(job) if job else {}
        notes = [said] if said else []
        if job:
            notes += result.get("notes", ["its grading process ended before it was done"])
        tasks = {task: result.get("points", {}).get(task, 0.0) for task in points[name]}
        table.append(
            {
                "student": student,
                "assignment": name,
                "points": sum(tasks.values()),
                "max": float(sum(points[name].values())),
                "tasks": tasks,
                "most": points[name],
                "open": result.get("open", []),
                "note": "; ".join(notes),
                "seconds": result.get("seconds", 0.0),
                "answers": result.get("answers", {}),
                "feedback": job.feedback if job and job.feedback.is_file() else None,
            }
        )
    return sorted(table, key=lambda row: (row["assignment"], row["student"]))


def write(out: Path, table: list[dict], manual: dict) -> None:
    """Write marks.csv, manual.csv and feedback/ to `out`; what somebody filled into manual.csv stays."""
    tasks = sorted({task for row in table for task in row["tasks"]})
    with (out / "marks.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["student", "assignment", "points", "max", *tasks, "needs_manual", "note"])
        for row in table:
            each = [f"{row['tasks'][task]:g}" if task in row["tasks"] else "" for task in tasks]
            head = [as_text(row["student"]), row["assignment"], f"{row['points']:g}", f"{row['max']:g}"]
            writer.writerow([*head, *each, " ".join(row["open"]), as_text(row["note"])])
    with (out / "manual.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(MANUAL)
        for row in table:
            given = manual.get((row["student"], row["assignment"]), {})
            for task in sorted({*row["open"], *given}):
                points, comment = given.get(task, ("", ""))
                head = [row["student"], row["assignment"], task, f"{row['most'][task]:g}"]
                writer.writerow([*head, points, comment, as_text(row["answers"].get(task, ""))])
    shutil.rmtree(out / "feedback", ignore_errors=True)
    for row in table:
        page = out / "feedback" / _folder(row["student"]) / f"{row['assignment']}.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        body = row["feedback"].read_text(encoding="utf-8") if row["feedback"] else _empty_page(row)
        page.write_text(_with_note(body, row["note"]), encoding="utf-8")


def read_manual(path: Path) -> dict[tuple[str, str], dict]:
    """What somebody entered: (student, assignment) -> task -> (points, comment); rows without points are left out.

    Raises:
        ValueError: points that are no number, or more than the task has; the message names the row.
    """
    given: dict[tuple[str, str], dict] = {}
    if not path.is_file():
        return given
    with path.open(newline="", encoding="utf-8-sig") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            text = (row.get("points") or "").strip().replace(",", ".")
            if not text:
                continue
            try:
                points = float(text)
            except ValueError:
                points = -1.0
            if not 0 <= points <= float(row["max"]):
                raise ValueError(f"{path}, row {number}: points {text!r}; give a number from 0 to {row['max']}")
            entry = given.setdefault((row["student"], row["assignment"]), {})
            entry[row["task"]] = (points, (row.get("comment") or "").strip())
    return given


def text(table: list[dict]) -> str:
    """The marks as lines to read: points, what waits for a person, and the note."""
    lines = []
    for row in table:
        waits = f"  to grade: {' '.join(row['open'])}" if row["open"] else ""
        note = f"  {row['note']}" if row["note"] else ""
        lines.append(f"{row['assignment']}  {row['student']:<20}{row['points']:5g} of {row['max']:g}{waits}{note}")
    return "\n".join(lines)


def _folder(student: str) -> str:
    """The student's own name where it can be a folder everywhere."""
    return student if re.fullmatch(r"[\w .@-]*\w", student) else safe(student)


def _empty_page(row: dict) -> str:
    title = html.escape(f"{row['assignment']} (Score: 0.0 / {row['max']:g})")
    head = f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>'
    return f"{head}<body><h4>{title}</h4></body></html>"


def _with_note(page: str, note: str) -> str:
    if not note:
        return page
    return re.sub(r"(<body[^>]*>)", lambda m: f"{m[1]}<p><strong>Note:</strong> {html.escape(note)}</p>", page, count=1)
