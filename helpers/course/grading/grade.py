"""Grades one submission with nbgrader, in a process of its own. What is wrong with it is said in its note."""

import contextlib
import hashlib
import json
import logging
import os
import shutil
import sys
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import nbformat

from data_prework.files import PROJECT, atomic_write
from data_prework.manifest import default_data_dir
from helpers.course.grading.submission import UnreadableError, read_submission, restore, settle_name

WHO = "student"  # nbgrader's name for whoever handed it in: each submission has a course folder of its own
KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
HIDDEN = ("notebooks/exercises", "tests", "build", ".git")  # of the project: each holds solutions


@dataclass(frozen=True)
class Job:
    """One submission of one assignment, and the limits it is graded under.

    `trusted` is for the solution: it may write into the course's data folder, where resized pictures are kept.
    """

    student: str
    assignment: str
    file: Path
    course: Path
    work: Path
    limits: dict
    manual: dict = field(default_factory=dict)  # task -> (points or None, comment), entered by hand
    hidden: tuple[Path, ...] = ()  # folders that the student's code must not read
    again: bool = False
    trusted: bool = False
    data: Path = field(default_factory=lambda: default_data_dir().resolve())

    @property
    def released(self) -> Path:
        return self.course / "release" / self.assignment / f"{self.assignment}.ipynb"

    @property
    def result(self) -> Path:
        return self.work / "result.json"

    @property
    def feedback(self) -> Path:
        return self.work / "feedback" / WHO / self.assignment / f"{self.assignment}.html"

    @cached_property
    def key(self) -> str:
        """Changes when the submission, the assignment or a limit does; the files are read once a job."""
        try:
            small = self.file.is_file() and self.file.stat().st_size <= self.limits["notebook_mb"] * 1e6
            handed_in = self.file.read_bytes() if small else b""
        except OSError:
            handed_in = b""  # `read_submission` says why
        parts = [handed_in, self.released.read_bytes()]
        source = self.course / "source" / self.assignment / f"{self.assignment}.ipynb"
        parts += [source.read_bytes(), json.dumps(self.limits, sort_keys=True).encode(), self.student.encode()]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


def up_to_date(job: Job) -> bool:
    """Whether an earlier run graded just this, and its feedback page shows what was entered by hand.

    Raises:
        OSError: its assignment cannot be read.
    """
    result = read_result(job)
    return not job.again and result.get("key") == job.key and result.get("manual") == _plain(job.manual)


def grade(job: Job) -> None:
    """Grade a submission, or take the earlier result where nothing has changed.

    It writes result.json and the feedback page to `job.work`. What went wrong stands in the result: in `notes` where
    there are no points, in `page` where the page alone is missing; the next run tries that again.

    Raises:
        OSError: `job.work` cannot be written.
    """
    result = read_result(job)
    if job.again or result.get("key") != job.key or not (job.work / "gradebook.db").is_file():
        result = _grade_anew(job)
    result["page"] = ""
    _save(job, result | {"manual": None})  # the points are safe, whatever becomes of the page
    if not result["failed"]:
        try:
            _enter_manual(job)
            result |= _marks(job)
            _write_feedback(job)
        except Exception as error:
            logging.getLogger("traitlets").exception("no feedback")
            result["page"] = f"no feedback page could be made ({type(error).__name__}: {str(error)[:200]})"
    _save(job, result | {"manual": None if result["page"] else _plain(job.manual)})


def _save(job: Job, result: dict) -> None:
    with atomic_write(job.result) as aside:
        aside.write_text(json.dumps(result, indent=1), encoding="utf-8")


def _plain(manual: dict) -> dict:
    return {task: list(given) for task, given in manual.items()}


def _grade_anew(job: Job) -> dict:
    """Run and mark a submission; the result has a key, by which it is known again, where it would be the same again."""
    began = time.perf_counter()
    result = {"key": None, "points": {}, "most": {}, "open": [], "answers": {}, "notes": [], "failed": True}
    shutil.rmtree(job.work, ignore_errors=True)
    job.work.mkdir(parents=True)
    try:
        result["notes"] = _autograde(job)
        result |= _marks(job) | {"answers": _open_answers(job), "failed": False, "key": job.key}
    except UnreadableError as error:
        result |= {"notes": [str(error)], "key": job.key}
    except Exception as error:
        logging.getLogger("traitlets").exception("grading failed")
        result["notes"] = [f"it could not be graded ({type(error).__name__}: {str(error)[:200]})"]
    return result | {"seconds": round(time.perf_counter() - began, 1)}


def read_result(job: Job) -> dict:
    """What an earlier run wrote, or nothing."""
    try:
        return json.loads(job.result.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _autograde(job: Job) -> list[str]:
    """Run nbgrader's Autograde on the submission; returns the sentences of the note."""
    notebook = read_submission(job.file, job.limits["notebook_mb"])
    notes = restore(notebook, nbformat.read(job.released, as_version=4))
    notes += settle_name(notebook, job.student, job.limits["name_from"])
    place = job.work / "submitted" / WHO / job.assignment
    place.mkdir(parents=True)
    nbformat.write(notebook, place / f"{job.assignment}.ipynb")
    shutil.copy(job.course / "gradebook.db", job.work)
    scratch, report = _prepare_kernel(job)

    from nbgrader.converters import Autograde
    from nbgrader.preprocessors import Execute

    from helpers.course.grading.limits import GuardedExecute

    config = _config(job)
    config.GuardedExecute.scratch = str(scratch / "folder")
    config.GuardedExecute.limits = job.limits
    config.GuardedExecute.timeout = int(job.limits["seconds_per_cell"])
    config.GuardedExecute.startup_timeout = 180
    config.GuardedExecute.iopub_timeout = 20
    config.GuardedExecute.extra_arguments = ["--log-level=ERROR"]
    converter = Autograde(coursedir=_course(job, config), config=config)
    steps = converter.autograde_preprocessors
    converter.autograde_preprocessors = [GuardedExecute if step is Execute else step for step in steps]
    GuardedExecute.said.clear()
    converter.start()
    refused = [f"refused: to {json.loads(line)}" for line in report.read_text(encoding="utf-8").splitlines()]
    return notes + GuardedExecute.said + refused


def _prepare_kernel(job: Job) -> tuple[Path, Path]:
    """Make the folders of the kernel, its environment and its start-up script; returns its folder and the report."""
    scratch, report = job.work / "scratch", job.work / "refused.txt"
    for name in ("folder", "home", "tmp", "ipython/profile_default/startup"):
        (scratch / name).mkdir(parents=True)
    report.touch()
    fonts = job.work.parent.parent / "matplotlib"  # its list of fonts takes seconds to make
    fonts.mkdir(exist_ok=True)
    watch = {
        "allowed": [str(scratch), *([str(job.data), str(fonts)] if job.trusted else [])],
        "readable": [str(fonts)],
        "hidden": hidden_from(job),
        "report": str(report),
        "memory_gb": job.limits["memory_gb"],
        "printed_mb": job.limits["printed_mb"],
        "file_mb": 20_000 if job.trusted else 200,
    }
    script = (
        f"import sys\nsys.path.insert(0, {str(PROJECT)!r})\nfrom helpers.course.grading.sandbox import install\n"
        f"install(**{watch!r})\ndel sys.modules['helpers.course.grading.sandbox'], install, sys\n"
    )
    (scratch / "ipython/profile_default/startup/guard.py").write_text(script, encoding="utf-8")
    _set_environment(job, scratch, fonts)
    return scratch, report


def hidden_from(job: Job) -> list[str]:
    """Folders that the student's code may not read; none that it needs lies in one of them."""
    needed = [PROJECT, Path(sys.prefix), job.data]
    places = [*job.hidden, *(PROJECT / name for name in HIDDEN)]
    return [str(path) for path in places if not any(one.is_relative_to(path) for one in needed)]


def _set_environment(job: Job, scratch: Path, fonts: Path) -> None:
    """The environment that the kernel gets: the little it needs, and folders of its own."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    kept |= {"COURSE_DATA": str(job.data), "COURSE_PROFILE": "quick", "COURSE_SOURCE": "embedded"}
    kept |= {"HOME": str(scratch / "home"), "TMPDIR": str(scratch / "tmp"), "IPYTHONDIR": str(scratch / "ipython")}
    kept |= {"COURSE_RESULTS": str(scratch / "results"), "MPLCONFIGDIR": str(fonts), "PYTHONDONTWRITEBYTECODE": "1"}
    kept |= {"TF_CPP_MIN_LOG_LEVEL": "3", "LOKY_MAX_CPU_COUNT": "2"}
    os.environ.clear()
    os.environ.update(kept)


def _config(job: Job):
    from traitlets.config import Config

    config = Config()
    config.CourseDirectory.root = str(job.work)
    config.CourseDirectory.assignment_id = job.assignment
    config.CourseDirectory.student_id = WHO
    return config


def _course(job: Job, config):
    from nbgrader.coursedir import CourseDirectory

    return CourseDirectory(config=config)


def _gradebook(job: Job):
    from nbgrader.api import Gradebook

    return Gradebook(f"sqlite:///{job.work / 'gradebook.db'}")


def _enter_manual(job: Job) -> None:
    """Write the points and comments that somebody gave by hand into the gradebook, and take back earlier ones."""
    with _gradebook(job) as book:
        notebook = book.find_submission_notebook(job.assignment, job.assignment, WHO)
        for grade in notebook.grades:
            points, _ = job.manual.get(grade.name.removesuffix("_test"), (None, ""))
            grade.manual_score = points
            grade.needs_manual_grade = points is None and grade.auto_score is None
        for comment in notebook.comments:
            comment.manual_comment = job.manual.get(comment.name, (None, ""))[1] or None
        book.db.commit()


def _marks(job: Job) -> dict:
    """Points and most points of each task, and the tasks that still wait for a person."""
    with _gradebook(job) as book:
        grades = book.find_submission_notebook(job.assignment, job.assignment, WHO).grades
        rows = [(grade.name.removesuffix("_test"), grade) for grade in grades]
        return {
            "points": {task: float(grade.score) for task, grade in rows},
            "most": {task: float(grade.max_score) for task, grade in rows},
            "open": [task for task, grade in rows if grade.needs_manual_grade],
        }


def _open_answers(job: Job) -> dict[str, str]:
    """The text of each open question's answer."""
    notebook = nbformat.read(job.work / "submitted" / WHO / job.assignment / f"{job.assignment}.ipynb", as_version=4)
    answers = [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    return {c.metadata.nbgrader.grade_id: c.source for c in answers if c.metadata.nbgrader.solution}


def _write_feedback(job: Job) -> None:
    from nbgrader.converters import GenerateFeedback

    job.feedback.unlink(missing_ok=True)  # an earlier page shows earlier points
    config = _config(job)
    GenerateFeedback(coursedir=_course(job, config), config=config, force=True).start()


def work_quietly(log: Path) -> None:
    """From now on append to `log` what this process, and nbgrader in it, writes to its outputs; makes its folder."""
    log.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(ValueError, OSError):
            stream.flush()
            os.dup2(file, stream.fileno())
