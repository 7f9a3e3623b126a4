"""The points of a submission in nbgrader's gradebook, and the answers that a person reads."""

import nbformat

from helpers.course.grading.assignments.cells import grade_id, graded, task_of
from helpers.course.grading.nbgrader_steps.converters import submitted
from helpers.course.grading.submissions.job import WHO, Job


def wait_for_person(job: Job, tasks: set[str]) -> None:
    """Take back what nbgrader gave for tasks that a person must look at.

    Args:
        job: The submission.
        tasks: Their names.
    """
    with _gradebook(job) as book:
        for grade in book.find_submission_notebook(job.assignment, job.assignment, WHO).grades:
            if task_of(grade.name) in tasks:
                grade.auto_score, grade.needs_manual_grade = None, True
        book.db.commit()


def enter_manual(job: Job) -> None:
    """Write the points and comments that somebody gave by hand into the gradebook, and take back earlier ones.

    Args:
        job: The submission; `manual` holds them.
    """
    with _gradebook(job) as book:
        notebook = book.find_submission_notebook(job.assignment, job.assignment, WHO)
        for grade in notebook.grades:
            points, _ = job.manual.get(task_of(grade.name), (None, ""))
            grade.manual_score = points
            grade.needs_manual_grade = points is None and grade.auto_score is None
        for comment in notebook.comments:
            comment.manual_comment = job.manual.get(comment.name, (None, ""))[1] or None
        book.db.commit()


def points(job: Job) -> dict:
    """Return the points and most points of each task, and the tasks that still wait for a person.

    Args:
        job: The submission.
    """
    with _gradebook(job) as book:
        grades = book.find_submission_notebook(job.assignment, job.assignment, WHO).grades
        rows = [(task_of(grade.name), grade) for grade in grades]
        return {
            "points": {task: float(grade.score) for task, grade in rows},
            "most": {task: float(grade.max_score) for task, grade in rows},
            "open": [task for task, grade in rows if grade.needs_manual_grade],
        }


def open_answers(job: Job, waits: set[str]) -> dict[str, str]:
    """Return the text of each open question's answer, and the code of those tasks that wait for a person.

    Args:
        job: The submission.
        waits: Names of those tasks.
    """
    notebook = nbformat.read(submitted(job), as_version=4)
    answers = {task: cell.source for task, cell in graded(notebook).items() if cell.metadata.nbgrader.solution}
    for task in waits:
        cells = [cell.source for cell in notebook.cells if grade_id(cell).removesuffix("a") == task]
        answers[task] = "\n\n".join(cells)
    return answers


def _gradebook(job: Job):
    from nbgrader.api import Gradebook

    return Gradebook(f"sqlite:///{job.work / 'gradebook.db'}")
