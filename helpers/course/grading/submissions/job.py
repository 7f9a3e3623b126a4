"""One submission to grade: where its files are, its limits, and the result that its grading leaves."""

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from data_prework.files import atomic_write
from data_prework.manifest import default_data_dir
from helpers.course.grading.wall.choice import NONE

WHO = "student"  # nbgrader's name for whoever handed it in: each submission has a course folder of its own


@dataclass(frozen=True)
class Job:
    """One submission of one assignment, and the limits it is graded under.

    `trusted` is for the solution: it may write into the course's data folder, where resized images are kept.
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
    beside: tuple[str, ...] = ()  # tasks that can't be judged apart from the student's code
    wall: str = NONE  # round the kernel; see `helpers.course.grading.wall`
    data: Path = field(default_factory=lambda: default_data_dir().resolve())

    @property
    def released(self) -> Path:
        """The students' version of the assignment."""
        return self.course / "release" / self.assignment / f"{self.assignment}.ipynb"

    @property
    def result(self) -> Path:
        """The file that `save_result` writes."""
        return self.work / "result.json"

    @property
    def feedback(self) -> Path:
        """The page for the student."""
        return self.work / "feedback" / WHO / self.assignment / f"{self.assignment}.html"

    @property
    def shows_hidden_tests(self) -> bool:
        """Whether the page shows the hidden tests."""
        return self.limits.get("hidden_tests_in_feedback", True)

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
        limits = {name: limit for name, limit in self.limits.items() if name != "hidden_tests_in_feedback"}
        parts += [
            source.read_bytes(),
            json.dumps(limits, sort_keys=True).encode(),
            self.student.encode(),
            self.wall.encode(),
            " ".join(self.beside).encode(),
        ]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


def read_result(job: Job) -> dict:
    """Return what an earlier run wrote, or nothing where it was damaged or changed since.

    Args:
        job: The submission.
    """
    try:
        result = json.loads(job.result.read_text(encoding="utf-8"))
        return result if _is_sound(result) else {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def _is_sound(result: dict) -> bool:
    """Whether a result holds what it should, and is what was written."""
    points, most = result["points"], result["most"]
    return (
        result["sha256"] == _hash(result)
        and set(points) == set(most)
        and all(0 <= points[task] <= most[task] for task in most)  # nbgrader gives no more; NaN is neither
        and set(result["open"]) <= set(most)
        and all(isinstance(text, str) for text in [*result["notes"], *result["answers"].values()])
    )


def _hash(result: dict) -> str:
    kept = {name: value for name, value in result.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def save_result(job: Job, result: dict, with_manual: bool) -> None:
    """Write the result of a submission.

    Args:
        job: The submission.
        result: Its points, notes and answers.
        with_manual: Whether its feedback page shows what was entered by hand.
    """
    with atomic_write(job.result) as aside:
        manual = _plain(job.manual) if with_manual else None
        result = result | {"manual": manual, "hidden_tests": job.shows_hidden_tests}
        aside.write_text(json.dumps(result | {"sha256": _hash(result)}, indent=1), encoding="utf-8")


def up_to_date(job: Job) -> bool:
    """Return whether an earlier run graded just this, and its feedback page shows what was entered by hand.

    Args:
        job: The submission.

    Raises:
        OSError: Its assignment cannot be read.
    """
    result = read_result(job)
    if job.again or result.get("key") != job.key or result.get("hidden_tests") != job.shows_hidden_tests:
        return False
    return result.get("manual") == _plain(job.manual)


def _plain(manual: dict) -> dict:
    return {task: list(given) for task, given in manual.items()}
