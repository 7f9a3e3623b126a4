"""Grades one submission with nbgrader, in a process of its own. What is wrong with it is said in its note."""

import contextlib
import logging
import os
import shutil
import socket
import sys
import time
from pathlib import Path

import nbformat

from helpers.course.grading.assignments.cells import grade_id, graded, named, student_of, task_of
from helpers.course.grading.kernel.folders import leave, prepare_kernel
from helpers.course.grading.kernel.traces import refusals
from helpers.course.grading.submissions.job import WHO, Job, read_result, save_result
from helpers.course.grading.submissions.own_modules import bring_modules
from helpers.course.grading.submissions.reading import UnreadableError, read_submission
from helpers.course.grading.submissions.restoring import restore, settle_name


def grade(job: Job, link: socket.socket) -> None:
    """Grade a submission, or take the earlier result where nothing has changed.

    It writes result.json and the feedback page to `job.work`. What went wrong stands in the result: in `notes` where
    there are no points, in `page` where the page alone is missing; the next run tries that again.

    Args:
        job: The submission.
        link: To the judge's interpreter.

    Raises:
        OSError: `job.work` cannot be written.
    """
    result = read_result(job)
    if job.again or result.get("key") != job.key or not (job.work / "gradebook.db").is_file():
        result = _grade_anew(job, link)
    result["page"] = ""
    save_result(job, result, with_manual=False)  # the points are safe, whatever becomes of the page
    if not result["failed"]:
        try:
            _enter_manual(job)
            result |= _points(job)
            _write_feedback(job)
        except Exception as error:
            logging.getLogger("traitlets").exception("no feedback")
            result["page"] = f"no feedback page could be made ({type(error).__name__}: {str(error)[:200]})"
    save_result(job, result, with_manual=not result["page"])


def _grade_anew(job: Job, link: socket.socket) -> dict:
    """Run and mark a submission; the result has a key, by which it is known again, where it would be the same again."""
    began = time.perf_counter()
    result = {"key": None, "points": {}, "most": {}, "open": [], "answers": {}, "notes": [], "failed": True}
    shutil.rmtree(job.work, ignore_errors=True)
    job.work.mkdir(parents=True)
    try:
        result["notes"], result["beside"], waits = _autograde(job, link)
        result |= _points(job) | {"answers": _open_answers(job, waits), "failed": False, "key": job.key}
    except UnreadableError as error:
        result |= {"notes": [str(error)], "key": job.key}
    except Exception as error:
        logging.getLogger("traitlets").exception("grading failed")
        result["notes"] = [f"it could not be graded ({type(error).__name__}: {str(error)[:200]})"]
    return result | {"seconds": round(time.perf_counter() - began, 1)}


def _autograde(job: Job, link: socket.socket) -> tuple[list[str], list[str], set[str]]:
    """Run nbgrader's Autograde on the submission.

    Returns the sentences of the note, the tasks that were judged in the kernel, and those that wait for a person.
    """
    notebook, notes = read_submission(job.file, job.limits["notebook_mb"])
    notes += restore(notebook, nbformat.read(job.released, as_version=4))
    notes += settle_name(notebook, job.student, job.limits["name_from"])
    place = _submitted(job)
    place.parent.mkdir(parents=True)
    nbformat.write(notebook, place)
    shutil.copy(job.course / "gradebook.db", job.work)
    from nbgrader.converters import Autograde
    from nbgrader.preprocessors import Execute

    from helpers.course.grading.judge.broker import Judge
    from helpers.course.grading.nbgrader_steps.limits import GuardedExecute
    from helpers.course.grading.nbgrader_steps.partial_points import SoundPoints

    room = prepare_kernel(job)
    converter = _converter(job, Autograde)
    converter.config.GuardedExecute.room = room
    converter.config.GuardedExecute.limits = job.limits
    converter.config.GuardedExecute.timeout = int(job.limits["seconds_per_cell"])
    converter.config.GuardedExecute.startup_timeout = 180
    converter.config.GuardedExecute.iopub_timeout = 20
    converter.config.GuardedExecute.extra_arguments = ["--log-level=ERROR"]
    steps = converter.autograde_preprocessors
    ours = {Execute: (GuardedExecute, SoundPoints)}
    converter.autograde_preprocessors = [one for step in steps for one in ours.get(step, (step,))]
    source = nbformat.read(job.course / "source" / job.assignment / f"{job.assignment}.ipynb", as_version=4)
    GuardedExecute.judge = Judge(link, source, student_of(named(notebook, "name").source))
    GuardedExecute.beside, GuardedExecute.finds_beside = set(job.beside), job.trusted
    GuardedExecute.for_person.clear()
    GuardedExecute.said.clear()
    SoundPoints.said.clear()
    try:
        notes += bring_modules(job.file, notebook, room.folder, job.work)
        converter.start()
        _wait_for_person(job, GuardedExecute.for_person)
        beside = sorted(GuardedExecute.beside)
        if beside and not job.trusted:
            notes.append(f"judged in the student's own interpreter: {', '.join(beside)}")
        return notes + GuardedExecute.said + SoundPoints.said + refusals(room), beside, GuardedExecute.for_person
    finally:
        leave(room)


def _submitted(job: Job) -> Path:
    """The notebook that nbgrader takes for the student's."""
    return job.work / "submitted" / WHO / job.assignment / f"{job.assignment}.ipynb"


def _converter(job: Job, kind: type, **options):
    """One of nbgrader's converters, for this submission alone."""
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    config = Config()
    config.CourseDirectory.root = str(job.work)
    config.CourseDirectory.assignment_id = job.assignment
    config.CourseDirectory.student_id = WHO
    return kind(coursedir=CourseDirectory(config=config), config=config, **options)


def _gradebook(job: Job):
    from nbgrader.api import Gradebook

    return Gradebook(f"sqlite:///{job.work / 'gradebook.db'}")


def _wait_for_person(job: Job, tasks: set[str]) -> None:
    """Take back what nbgrader gave for tasks that a person must look at."""
    with _gradebook(job) as book:
        for grade in book.find_submission_notebook(job.assignment, job.assignment, WHO).grades:
            if task_of(grade.name) in tasks:
                grade.auto_score, grade.needs_manual_grade = None, True
        book.db.commit()


def _enter_manual(job: Job) -> None:
    """Write the points and comments that somebody gave by hand into the gradebook, and take back earlier ones."""
    with _gradebook(job) as book:
        notebook = book.find_submission_notebook(job.assignment, job.assignment, WHO)
        for grade in notebook.grades:
            points, _ = job.manual.get(task_of(grade.name), (None, ""))
            grade.manual_score = points
            grade.needs_manual_grade = points is None and grade.auto_score is None
        for comment in notebook.comments:
            comment.manual_comment = job.manual.get(comment.name, (None, ""))[1] or None
        book.db.commit()


def _points(job: Job) -> dict:
    """Points and most points of each task, and the tasks that still wait for a person."""
    with _gradebook(job) as book:
        grades = book.find_submission_notebook(job.assignment, job.assignment, WHO).grades
        rows = [(task_of(grade.name), grade) for grade in grades]
        return {
            "points": {task: float(grade.score) for task, grade in rows},
            "most": {task: float(grade.max_score) for task, grade in rows},
            "open": [task for task, grade in rows if grade.needs_manual_grade],
        }


def _open_answers(job: Job, waits: set[str]) -> dict[str, str]:
    """The text of each open question's answer, and the code of those tasks that wait for a person."""
    notebook = nbformat.read(_submitted(job), as_version=4)
    answers = {task: cell.source for task, cell in graded(notebook).items() if cell.metadata.nbgrader.solution}
    for task in waits:
        cells = [cell.source for cell in notebook.cells if grade_id(cell).removesuffix("a") == task]
        answers[task] = "\n\n".join(cells)
    return answers


def _write_feedback(job: Job) -> None:
    from nbgrader.converters import GenerateFeedback

    from helpers.course.grading.nbgrader_steps.feedback_page import SafeExporter, SafePage

    job.feedback.unlink(missing_ok=True)  # an earlier page shows earlier points
    converter = _converter(job, GenerateFeedback, force=True)
    converter.export_class = SafeExporter
    converter.preprocessors = [*converter.preprocessors, SafePage]
    converter.config.SafePage.hide_tests = not job.shows_hidden_tests
    converter.start()


def work_quietly(log: Path) -> None:
    """From now on append to a log what this process, and nbgrader in it, writes to its outputs.

    Args:
        log: The file; its folder is made.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(ValueError, OSError):
            stream.flush()
            os.dup2(file, stream.fileno())
