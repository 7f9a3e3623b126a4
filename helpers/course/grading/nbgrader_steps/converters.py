"""nbgrader's converters for one submission alone: Autograde with steps of ours, and the page of feedback."""

import shutil
import socket
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from helpers.course.grading.assignments.cells import named, student_of
from helpers.course.grading.assignments.database import do_not_wait_for_the_disk
from helpers.course.grading.judge.broker import Judge
from helpers.course.grading.kernel.folders import Room
from helpers.course.grading.submissions.job import WHO, Job


def hand_over(job: Job, notebook: NotebookNode) -> None:
    """Put a notebook, and a gradebook of its own, where nbgrader looks for them.

    Args:
        job: The submission.
        notebook: Its content, with the released cells in their places.
    """
    place = submitted(job)
    place.parent.mkdir(parents=True)
    nbformat.write(notebook, place)
    shutil.copy(job.course / "gradebook.db", job.work)
    do_not_wait_for_the_disk()


def autograde(
    job: Job, notebook: NotebookNode, room: Room, link: socket.socket
) -> tuple[list[str], set[str], list[str]]:
    """Run what was handed over, and mark it.

    Args:
        job: The submission.
        notebook: Its content, as it was handed over.
        room: Where its kernel runs.
        link: To the judge's interpreter.

    Returns:
        The tasks that were judged in the kernel, those that wait for a person, and sentences for the note.
    """
    from nbgrader.converters import Autograde
    from nbgrader.preprocessors import Execute

    from helpers.course.grading.nbgrader_steps.limits import GuardedExecute
    from helpers.course.grading.nbgrader_steps.partial_points import SoundPoints

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
    converter.start()
    beside = sorted(GuardedExecute.beside)
    notes = [f"judged in the student's own interpreter: {', '.join(beside)}"] if beside and not job.trusted else []
    return beside, GuardedExecute.for_person, notes + GuardedExecute.said + SoundPoints.said


def write_feedback(job: Job) -> None:
    """Write the page for the student.

    Args:
        job: The submission, with its points in nbgrader's gradebook.
    """
    from nbgrader.converters import GenerateFeedback

    from helpers.course.grading.nbgrader_steps.feedback_page import SafeExporter, SafePage

    job.feedback.unlink(missing_ok=True)  # an earlier page shows earlier points
    converter = _converter(job, GenerateFeedback, force=True)
    converter.export_class = SafeExporter
    converter.preprocessors = [*converter.preprocessors, SafePage]
    converter.config.SafePage.hide_tests = not job.shows_hidden_tests
    converter.start()


def submitted(job: Job) -> Path:
    """Return the notebook that nbgrader takes for the student's.

    Args:
        job: The submission.
    """
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
