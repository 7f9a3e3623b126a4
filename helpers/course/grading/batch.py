"""Build the students' versions of the exercises, and grade what comes back.

python -m helpers.course assignments --out build/exercises               student notebooks, without the solutions
python -m helpers.course grade SUBMISSIONS --out build/grades      marks.csv, manual.csv and feedback pages

SUBMISSIONS holds one folder a student: STUDENT/ASSIGNMENT/NOTEBOOK.ipynb, or STUDENT/NOTEBOOK.ipynb.
"""

import argparse
import multiprocessing
import sys
import time
from collections import deque
from multiprocessing.connection import wait
from pathlib import Path

from helpers.assignment import SETTINGS, read_settings
from helpers.course.grading import marks
from helpers.course.grading.changes import write_changes
from helpers.course.grading.finding import loose_notebooks
from helpers.course.grading.grade import grade, work_quietly
from helpers.course.grading.handout import build_command
from helpers.course.grading.job import Job, read_result, up_to_date
from helpers.course.grading.own_modules import modules_changed
from helpers.course.grading.release import assignments, build
from helpers.course.grading.similarity import note_copies
from helpers.course.grading.submission import find_submissions
from helpers.course.processes import end, family

GRACE = 240  # seconds over its limit, for kernel and feedback, after which a grading process is ended from outside
PRELOADED = [
    "helpers.course.grading.grade",
    "helpers.course.grading.limits",
    "nbgrader.converters",
    "nbgrader.apps",
]


def run(jobs: list[Job], at_once: int) -> None:
    """Grade each job in a process of its own; one that hangs or dies stops no other.

    Args:
        jobs: Submissions; those that are up to date are left out.
        at_once: How many processes run at a time.
    """
    jobs = [job for job in jobs if not up_to_date(job)]
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if "forkserver" in methods:
        context.set_forkserver_preload(PRELOADED)
    waiting, running = deque(jobs), {}
    while waiting or running:
        while waiting and len(running) < max(1, at_once):
            process = context.Process(target=grade_quietly, args=(job := waiting.popleft(),))
            process.start()
            running[process] = (job, time.monotonic())
        wait([process.sentinel for process in running], timeout=1)
        for process, (job, began) in list(running.items()):
            late = time.monotonic() - began > job.limits["seconds_per_submission"] + GRACE
            if late:
                end(family(process.pid))
            if late or not process.is_alive():
                process.join()
                del running[process]
                print(f"{job.student}: {job.assignment}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def grade_quietly(job: Job) -> None:
    """Grade in this process; what nbgrader has to say goes to a log beside the submission's work folder.

    Args:
        job: The submission.
    """
    work_quietly(job.work.with_suffix(".log"))
    grade(job)


def check_solutions(names: list[str], course: Path, out: Path, limits: dict) -> None:
    """Grade the solutions first: where they do not get all points, the fault is not a student's.

    Args:
        names: Of the assignments.
        course: nbgrader's course folder.
        out: Folder of the grades.
        limits: Of the settings.

    Raises:
        RuntimeError: A solution loses points; the message names the tasks.
    """
    jobs = [
        Job("solution", name, course / "source" / name / f"{name}.ipynb", course, out / "work" / "solution" / name,
            limits, trusted=True)
        for name in names
    ]  # fmt: skip
    run(jobs, at_once=1)
    for job in jobs:
        result = read_result(job)
        short = [task for task, most in result.get("most", {}).items() if result["points"][task] < most]
        wrong = [task for task in short if task not in result["open"]]
        if wrong or result.get("failed", True):
            said = "; ".join(result.get("notes", ["its process ended"])) or f"it loses points in {', '.join(wrong)}"
            raise RuntimeError(
                f"the solution of {job.assignment} does not pass on this computer: {said}. Nothing was graded. "
                f"Are the data prepared (make data)? See {job.work.with_suffix('.log')}"
            )


def grade_command(args: argparse.Namespace) -> int:
    """Grade all submissions and write marks, open answers and feedback.

    What somebody entered in manual.csv is read first: where it is not clear, nothing is graded and nothing changed.

    Args:
        args: Of the command line: `submissions`, `out`, `assignment`, `again` and `settings`.

    Returns:
        The exit status, 0 also where some submissions are broken: their notes say so.

    Raises:
        ValueError: An assignment is not known, or manual.csv is not clear.
        OSError: The submissions cannot be read or there are none.
        RuntimeError: A solution does not pass here.
    """
    began, settings = time.monotonic(), read_settings(args.settings)
    out, folder = args.out.resolve(), args.submissions.expanduser().resolve()
    known = assignments(settings, args.settings)
    if unknown := set(args.assignment or ()) - set(known):
        raise ValueError(f"there is no assignment {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    rows = find_submissions(folder, args.assignment or known)
    if not rows:
        raise FileNotFoundError(f"{folder}: no notebook of an assignment is in it; see the instructor's guide")
    names = list(dict.fromkeys(name for _, name, _, _ in rows))
    most = {name: settings[name]["points"] for name in known}
    manual, jobs = marks.read_manual(out / "manual.csv", most), []
    course = build(out, args.settings, names)
    limits, hidden = settings["grading"], (out, folder, args.settings.resolve().parent / "source")
    check_solutions(names, course, out, limits)
    rows = note_copies(rows, course, limits["notebook_mb"])
    for student, name, notebook, _ in rows:
        if notebook:
            given = marks.entered(manual, student, name)
            work = out / "work" / marks.safe(student) / name
            again = args.again or modules_changed(notebook, work)
            jobs.append(Job(student, name, notebook, course, work, limits, given, hidden, again))
    run(jobs, limits["at_once"])
    table = marks.collect(rows, jobs, most, manual)
    changed = write_changes(out, table, manual)
    marks.write(out, table, manual)
    print(marks.text(table))
    print(changed)
    seconds = time.monotonic() - began
    print(f"\n{len(jobs)} submissions in {seconds:.0f} s, {seconds / max(1, len(jobs)):.1f} s each")
    print(f"marks      {out / 'marks.csv'}")
    print(f"open       {out / 'manual.csv'}   (fill in points and comment, and grade again)")
    print(f"feedback   {out / 'feedback'}")
    here = {(student, name) for student, name, _, _ in rows}
    if loose := loose_notebooks(folder):
        print(f"in nobody's folder, so not graded: {', '.join(loose[:5])}; see the guide on learning platforms")
    if strays := sorted({key[:2] for key in manual if key[1] in names} - here):
        print(f"kept in manual.csv, not handed in: {'; '.join(', '.join(stray) for stray in strays[:5])}")
    return 0


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Words after the command; those of the program if None.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("assignments", help="make the students' versions")
    one.add_argument("--out", type=Path, default=Path("build/exercises"))
    one.add_argument("--assignment", action="append", help="only this one; may be repeated")
    one.set_defaults(run=build_command)
    two = commands.add_parser("grade", help="grade a folder of submissions")
    two.add_argument("submissions", type=Path, help="folder with one folder a student")
    two.add_argument("--out", type=Path, default=Path("build/grades"))
    two.add_argument("--assignment", action="append", help="only this one; may be repeated")
    two.add_argument("--again", action="store_true", help="grade anew also what has not changed since the last time")
    two.set_defaults(run=grade_command)
    for command in (one, two):
        command.add_argument("--settings", type=Path, default=SETTINGS, help="another settings file")
    args = parser.parse_args(argv)
    try:
        return args.run(args)
    except (OSError, RuntimeError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
