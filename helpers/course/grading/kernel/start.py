"""How an interpreter of a job starts behind its wall: the command, and the environment that it gets."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from data_prework.files import PROJECT
from helpers.course.grading.submissions.job import Job
from helpers.course.grading.wall import landlock
from helpers.course.grading.wall.bubblewrap import ETC, PROCESSES, SHARED_MEMORY, SHOWN, View, bubblewrap, threads
from helpers.course.grading.wall.choice import BUBBLEWRAP, LANDLOCK

KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/proc", *(Path("/dev", name) for name in ("urandom", "random", "zero")))
ALWAYS = {
    "COURSE_PROFILE": "quick",
    "COURSE_SOURCE": "embedded",
    "PYTHONDONTWRITEBYTECODE": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "LOKY_MAX_CPU_COUNT": "2",
    "JOBLIB_MULTIPROCESSING": "0",  # n_jobs=2 computes in one process: others would each take the memory anew
}


def starter(job: Job, scratch: Path, sockets: Path) -> Callable[[list[str]], list[str]]:
    """Return what puts a job's wall before a command.

    Args:
        job: Its wall, data and limits.
        scratch: Holds folder/, the working folder.
        sockets: A folder that is shared with the grader.
    """
    starts = {BUBBLEWRAP: _behind_bubblewrap, LANDLOCK: _behind_landlock}
    return partial(starts[job.wall], job=job, scratch=scratch, sockets=sockets) if job.wall in starts else list


def kernel_environment(job: Job, scratch: Path, fonts: Path) -> dict[str, str]:
    """Return the environment for an interpreter of a job: the little it needs, and folders of its own.

    Args:
        job: The submission.
        scratch: Holds home/, tmp/ and ipython/.
        fonts: Matplotlib's folder.
    """
    places = {"HOME": scratch / "home", "TMPDIR": scratch / "tmp", "IPYTHONDIR": scratch / "ipython"}
    places |= {"COURSE_RESULTS": scratch / "results", "MPLCONFIGDIR": fonts, "COURSE_DATA": job.data}
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    return kept | ALWAYS | {name: str(place) for name, place in places.items()}


def file_mb(job: Job) -> float:
    """Return the MB of the largest file that may be written; a solution writes resized copies of the images.

    Args:
        job: The submission.
    """
    return 20_000 if job.trusted else 200


def _behind_bubblewrap(command: list[str], job: Job, scratch: Path, sockets: Path) -> list[str]:
    """The command that starts another one behind bubblewrap, with the places that it finds there."""
    fonts, limits = job.work.parent.parent / "matplotlib", job.limits
    environment = {"HOME": "/student", "TMPDIR": "/tmp", "IPYTHONDIR": "/student/.ipython", "COURSE_DATA": "/data"}
    environment |= {"COURSE_RESULTS": "/student/results", "LANG": "C.UTF-8", "PYTHONPATH": "/course"}
    environment |= {"MPLCONFIGDIR": "/fonts" if job.trusted else "/student/.fonts"}
    environment |= {"PATH": f"{sys.prefix}/bin:/usr/bin:/bin"} | ALWAYS
    view = View(sockets, job.data, scratch / "folder", fonts, limits["memory_gb"], limits["seconds_per_submission"])
    return bubblewrap(command, replace(view, file_mb=file_mb(job), trusted=job.trusted), environment)


def _behind_landlock(command: list[str], job: Job, scratch: Path, sockets: Path) -> list[str]:
    """The command that starts another one behind Landlock."""
    own = [scratch, sockets, "/dev/null", SHARED_MEMORY, *([job.data, job.work.parent.parent] if job.trusted else [])]
    read = [*SYSTEM, *(f"/etc/{name}" for name in ETC), sys.prefix, os.path.realpath(sys.prefix), sys.base_prefix]
    read += [job.data, job.work.parent.parent / "matplotlib", *(PROJECT / name for name in SHOWN)]
    paths = {"listed": [PROJECT], "read": read, "write": own}  # Python finds modules by the names in their folder
    options = {name: list(map(str, of)) for name, of in paths.items()} | {"nproc": PROCESSES + threads()}
    return [sys.executable, "-I", landlock.__file__, json.dumps(options), *command]
