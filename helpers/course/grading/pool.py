"""Grades submissions in processes of their own, a few at a time: one that hangs or dies stops no other."""

import contextlib
import multiprocessing
import os
import socket
import sys
import time
from collections import deque
from multiprocessing.connection import Connection, wait
from pathlib import Path

from helpers.course.grading.grade import grade
from helpers.course.grading.judge.start import Judges
from helpers.course.grading.submissions.job import Job, up_to_date
from helpers.course.grading.submissions.seals import seal, seal_submission, verify
from helpers.course.processes import adopt_orphans, end, family

GRACE = 240  # seconds over its limit, for kernel and feedback, after which a grading process is ended from outside
PRELOADED = [
    "helpers.course.grading.grade",
    "helpers.course.grading.nbgrader_steps.limits",
    "nbgrader.converters",
    "nbgrader.apps",
]


def run(jobs: list[Job], at_once: int) -> None:
    """Grade each job in a process of its own; one that hangs or dies stops no other. All are verified at the end.

    Args:
        jobs: Submissions; those that are up to date are left out.
        at_once: How many processes run at a time.
    """
    if jobs := [job for job in jobs if not up_to_date(job)]:
        with Judges(jobs[0]) as judges:
            _run(jobs, at_once, judges)


def _run(jobs: list[Job], at_once: int, judges: Judges) -> None:
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(PRELOADED)
    waiting, running = deque(jobs), {}
    handed_in, written = [seal_submission(job) for job in jobs], {}
    while waiting or running:
        while waiting and len(running) < max(1, at_once):
            told, tell = context.Pipe(duplex=False)
            with judges.link() as link, tell:
                process = context.Process(target=grade_quietly, args=(job := waiting.popleft(), tell, link))
                process.start()
            running[process] = (job, time.monotonic(), told)
        wait([process.sentinel for process in running], timeout=1)
        for process, (job, began, told) in list(running.items()):
            late = time.monotonic() - began > job.limits["seconds_per_submission"] + GRACE
            if late:
                end(family(process.pid))
            if late or not process.is_alive():
                process.join()
                del running[process]
                written[id(job)] = _received(told)
                print(f"{job.student}: {job.assignment}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    for job, before in zip(jobs, handed_in, strict=True):
        verify(job, before, written[id(job)])


def _received(told: Connection) -> str:
    with told:
        try:
            return told.recv() if told.poll() else ""
        except EOFError:
            return ""


def grade_quietly(job: Job, tell: Connection, link: socket.socket) -> None:
    """Grade in this process; what nbgrader has to say goes to a log beside the submission's work folder.

    Args:
        job: The submission.
        tell: Gets the seal of its result.
        link: To the judge's interpreter.
    """
    adopt_orphans()
    _work_quietly(job.work.with_suffix(".log"))
    try:
        grade(job, link)
    finally:
        end(family(os.getpid())[1:])  # whatever the student's code started and left behind
    tell.send(seal(job.result))


def _work_quietly(log: Path) -> None:
    """From now on append to a log what this process, and nbgrader in it, writes to its outputs."""
    log.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(ValueError, OSError):
            stream.flush()
            os.dup2(file, stream.fileno())
