"""Build the students' versions of the exercises, and grade what comes back.

python -m helpers.course assignments --out build/exercises               student notebooks, without the solutions
python -m helpers.course grade SUBMISSIONS --out build/grades      marks.csv, manual.csv and feedback pages

SUBMISSIONS holds one folder a student: STUDENT/ASSIGNMENT/NOTEBOOK.ipynb, or STUDENT/NOTEBOOK.ipynb.
"""

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

from helpers.assignment import SETTINGS, read_settings
from helpers.course.grading.administration.similarity import note_copies
from helpers.course.grading.assignments.handout import build_command
from helpers.course.grading.assignments.release import assignments, build
from helpers.course.grading.marks.changes import write_changes
from helpers.course.grading.marks.files import safe, write_marks
from helpers.course.grading.marks.manual import Manual, entered, read_manual
from helpers.course.grading.marks.table import collect, summary
from helpers.course.grading.pool import run
from helpers.course.grading.submissions.finding import find_submissions, loose_notebooks
from helpers.course.grading.submissions.job import Job, read_result
from helpers.course.grading.submissions.own_modules import modules_changed
from helpers.course.grading.wall.choice import NONE, choose_wall


def check_solutions(
    names: list[str], course: Path, out: Path, limits: dict, wall: str = NONE
) -> dict[str, tuple[str, ...]]:
    """Grade the solutions first: where they do not get all points, the fault is not a student's.

    Args:
        names: Of the assignments.
        course: nbgrader's course folder.
        out: Folder of the grades.
        limits: Of the settings.
        wall: Round the kernels.

    Returns:
        Assignment -> the tasks whose tests can't be kept apart from the code that they test.

    Raises:
        RuntimeError: A solution loses points; the message names the tasks.
    """
    jobs = [
        Job("solution", name, course / "source" / name / f"{name}.ipynb", course, out / "work" / "solution" / name,
            limits, trusted=True, wall=wall)
        for name in names
    ]  # fmt: skip
    jobs = [replace(job, again=bool(_short(read_result(job)))) for job in jobs]  # its cause may be gone
    run(jobs, at_once=1)
    for job in jobs:
        if said := _short(read_result(job)):
            raise RuntimeError(
                f"the solution of {job.assignment} does not pass on this computer: {said}. Nothing was graded. "
                f"Are the data prepared (make data)? See {job.work.with_suffix('.log')}"
            )
    return {job.assignment: tuple(read_result(job).get("beside", ())) for job in jobs}


def _short(result: dict) -> str:
    """What a solution's result lacks, or nothing."""
    wrong = [task for task, most in result.get("most", {}).items() if result["points"][task] < most]
    wrong = [task for task in wrong if task not in result["open"]]
    if not wrong and not result.get("failed", True):
        return ""
    return "; ".join(result.get("notes", ["its process ended"])) or f"it loses points in {', '.join(wrong)}"


def grade_command(args: argparse.Namespace) -> int:
    """Grade all submissions and write marks, open answers and feedback.

    What somebody entered in manual.csv is read first: where it is not clear, nothing is graded and nothing changed.

    Args:
        args: Of the command line: `submissions`, `out`, `assignment`, `again`, `unprotected` and `settings`.

    Returns:
        The exit status, 0 also where some submissions are broken: their notes say so.

    Raises:
        ValueError: An assignment is not known, or manual.csv is not clear.
        OSError: The submissions cannot be read or there are none.
        RuntimeError: A solution does not pass here, or no wall can stand here.
    """
    wall, said = choose_wall(args.unprotected)
    print(said, flush=True)
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
    manual, jobs = read_manual(out / "manual.csv", most), []
    course = build(out, args.settings, names)
    limits, hidden = settings["grading"], (out, folder, args.settings.resolve().parent / "source")
    beside = check_solutions(names, course, out, limits, wall)
    for name, tasks in beside.items():
        if tasks:
            print(f"{name}: {', '.join(tasks)} must be judged in the student's own interpreter; see the guide")
    rows = note_copies(rows, course, limits["notebook_mb"])
    for student, name, notebook, _ in rows:
        if notebook:
            given = entered(manual, student, name)
            work = out / "work" / safe(student) / name
            again = args.again or modules_changed(notebook, work)
            apart = {"beside": beside.get(name, ()), "wall": wall}
            jobs.append(Job(student, name, notebook, course, work, limits, given, hidden, again, **apart))
    run(jobs, limits["at_once"])
    table = collect(rows, jobs, most, manual)
    changed = write_changes(out, table, manual)
    write_marks(out, table, manual)
    seconds = time.monotonic() - began
    print(f"{summary(table)}\n{changed}")
    print(f"\n{len(jobs)} submissions in {seconds:.0f} s, {seconds / max(1, len(jobs)):.1f} s each")
    print(f"marks      {out / 'marks.csv'}")
    print(f"open       {out / 'manual.csv'}   (fill in points and comment, and grade again)")
    print(f"feedback   {out / 'feedback'}")
    if loose := loose_notebooks(folder):
        print(f"in nobody's folder, so not graded: {', '.join(loose[:5])}; see the guide on learning platforms")
    if strays := _strays(manual, names, rows):
        print(f"kept in manual.csv, not handed in: {'; '.join(strays[:5])}")
    return 0


def _strays(manual: Manual, names: list[str], rows: list[tuple[str, str, Path | None, str]]) -> list[str]:
    """Who has points that were entered by hand, for one of these assignments, without a submission now."""
    here = {(student, name) for student, name, _, _ in rows}
    return [", ".join(stray) for stray in sorted({key[:2] for key in manual if key[1] in names} - here)]


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
    two.add_argument("--unprotected", action="store_true", help="without a wall: only for students whom you trust")
    two.set_defaults(run=grade_command)
    for command in (one, two):
        command.add_argument("--settings", type=Path, default=SETTINGS, help="another settings file")
    args = parser.parse_args(argv)
    try:
        return args.run(args)
    except (OSError, RuntimeError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
