"""The marks of a class: one row a submission, from what its grading wrote and what a person entered."""

from pathlib import Path

from helpers.course.grading.marks.manual import Manual, entered
from helpers.course.grading.submissions.job import Job, read_result


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


def summary(table: list[dict]) -> str:
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
