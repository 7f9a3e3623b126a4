"""Grades one submission, in a process of its own: read, put in order, run, marked. Its note says what is wrong."""

import logging
import shutil
import socket
import time

import nbformat

from helpers.course.grading.kernel.folders import leave, prepare_kernel
from helpers.course.grading.kernel.traces import refusals
from helpers.course.grading.nbgrader_steps.converters import autograde, hand_over, write_feedback
from helpers.course.grading.nbgrader_steps.points import enter_manual, open_answers, points, wait_for_person
from helpers.course.grading.submissions.job import Job, read_result, save_result
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
            enter_manual(job)
            result |= points(job)
            write_feedback(job)
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
        result["notes"], result["beside"], waits = _run(job, link)
        result |= points(job) | {"answers": open_answers(job, waits), "failed": False, "key": job.key}
    except UnreadableError as error:
        result |= {"notes": [str(error)], "key": job.key}
    except Exception as error:
        logging.getLogger("traitlets").exception("grading failed")
        result["notes"] = [f"it could not be graded ({type(error).__name__}: {str(error)[:200]})"]
    return result | {"seconds": round(time.perf_counter() - began, 1)}


def _run(job: Job, link: socket.socket) -> tuple[list[str], list[str], set[str]]:
    """Take a submission all the way, from its file to points in nbgrader's gradebook.

    Returns the sentences of the note, the tasks that were judged in the kernel, and those that wait for a person.
    """
    notebook, notes = read_submission(job.file, job.limits["notebook_mb"])
    notes += restore(notebook, nbformat.read(job.released, as_version=4))
    notes += settle_name(notebook, job.student, job.limits["name_from"])
    hand_over(job, notebook)
    room = prepare_kernel(job)
    try:
        notes += bring_modules(job.file, notebook, room.folder, job.work)
        beside, waits, said = autograde(job, notebook, room, link)
        wait_for_person(job, waits)
        return notes + said + refusals(room), beside, waits
    finally:
        leave(room)
