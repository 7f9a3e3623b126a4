"""Checks after a run: is each submission still what was handed in, and each result what its grading process wrote?"""

import hashlib
from pathlib import Path

from helpers.course.grading.submissions.job import Job, read_result, save_result

CHANGED_FILE = "its file was changed while the class was graded: compare it with your copy"
CHANGED_RESULT = "its result was changed after it was graded: grade it again"


def seal(path: Path) -> str:
    """Return the SHA-256 of a file, "" where it can't be read.

    Args:
        path: The file; it is opened for reading only.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() if path.is_file() else ""
    except OSError:
        return ""


def seal_submission(job: Job) -> str:
    """Return the SHA-256 of what was handed in, "" for a file that is too large to be graded.

    Args:
        job: The submission.
    """
    try:
        small = job.file.is_file() and job.file.stat().st_size <= job.limits["notebook_mb"] * 1e6
    except OSError:
        return ""
    return seal(job.file) if small else ""


def verify(job: Job, handed_in: str, written: str) -> None:
    """Look at a submission's file and its result after the run; what is wrong is added to its note.

    Args:
        job: The submission.
        handed_in: Its seal before the run.
        written: The seal of its result, from the process that wrote it; "" where that ended before.
    """
    if written and seal(job.result) != written:
        empty = {"key": None, "points": {}, "most": {}, "open": [], "answers": {}, "failed": True}
        save_result(job, empty | {"notes": [CHANGED_RESULT]}, with_manual=False)
    elif seal_submission(job) != handed_in and (result := read_result(job)):
        save_result(job, result | {"key": None, "notes": [*result["notes"], CHANGED_FILE]}, with_manual=False)
