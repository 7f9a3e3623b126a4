"""What the kernel that runs a submission is given: its folders, and the first lines, which begin the watch over it."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from data_prework.files import PROJECT
from helpers.course.grading.kernel.start import file_mb, kernel_environment, starter
from helpers.course.grading.submissions.job import Job
from helpers.course.grading.wall.bubblewrap import (
    NOBODY,
    SHARED_MEMORY,
    is_root,
)
from helpers.course.grading.wall.choice import BUBBLEWRAP, LANDLOCK
from helpers.course.grading.wall.sandbox import KILLS, REFUSED

HIDDEN = ("notebooks/exercises", "tests", "build", ".git")  # of the project: each holds solutions
FIRST, REPORT = "first.py", "refused.txt"  # in the folder of the sockets: the kernel's first lines, its refusals


@dataclass(frozen=True)
class Room:
    """Where a kernel runs, and how it starts."""

    wall: str
    folder: Path  # its working folder, or what that begins as
    sockets: Path  # holds the connection file, the sockets and the list of refusals
    start: Callable[[list[str]], list[str]]  # a command -> the same behind the wall


def prepare_kernel(job: Job) -> Room:
    """Make the folders of a kernel, and give this process the environment that it inherits.

    Args:
        job: The submission.

    Returns:
        Where the kernel runs. `leave` removes what lies outside of the work folder.
    """
    scratch = job.work / "scratch"
    for name in ("folder", "home", "tmp", "ipython"):
        (scratch / name).mkdir(parents=True)
    fonts = job.work.parent.parent / "matplotlib"  # its list of fonts takes seconds to make
    fonts.mkdir(exist_ok=True)
    # a short path, because that of a socket may have 107 characters
    sockets = Path(tempfile.mkdtemp(prefix="k-", dir="/tmp" if Path("/tmp").is_dir() else None))
    if job.wall == BUBBLEWRAP and is_root() and not job.trusted:
        os.chown(sockets, NOBODY, NOBODY)
    start = starter(job, scratch, sockets)
    environment = kernel_environment(job, scratch, fonts)
    os.environ.clear()
    os.environ.update(environment)
    (sockets / FIRST).write_text(_first_lines(job, scratch, fonts, sockets / REPORT), encoding="utf-8")
    for path in (sockets / FIRST, scratch / "folder", fonts):
        path.chmod(0o755)  # behind the wall root is another user
    return Room(job.wall, scratch / "folder", sockets, start)


def leave(room: Room) -> None:
    """Remove the folder of the sockets.

    Args:
        room: As from `prepare_kernel`.
    """
    shutil.rmtree(room.sockets, ignore_errors=True)


def hidden_from(job: Job) -> list[str]:
    """Return the folders that the student's code may not read; none that it needs lies in one of them.

    Args:
        job: The submission.
    """
    needed = [PROJECT, Path(sys.prefix), job.data]
    places = [*job.hidden, *(PROJECT / name for name in HIDDEN)]
    return [str(path) for path in places if not any(one.is_relative_to(path) for one in needed)]


def _first_lines(job: Job, scratch: Path, fonts: Path, report: Path) -> str:
    """The script that begins the watch inside the kernel."""
    walled = job.wall == BUBBLEWRAP
    own = ["/student", "/tmp", SHARED_MEMORY] if walled else [str(scratch), SHARED_MEMORY]
    data, cache = ("/data", "/fonts") if walled else (str(job.data), str(fonts))
    copied = {"/fonts": "/student/.fonts", "/handed_in": "/student/work"} if walled else {}
    # behind a wall programs and processes do no harm; without their own list of processes, ending others might
    programs = {what for what in REFUSED.values() if what.startswith("start")}
    harmless = {BUBBLEWRAP: sorted(programs | {KILLS}), LANDLOCK: sorted(programs)}
    watch = {
        "allowed": [*own, *([data, cache] if job.trusted else [])],
        "readable": [cache],
        "hidden": hidden_from(job),
        "report": str(report),
        "memory_gb": job.limits["memory_gb"],
        "printed_mb": job.limits["printed_mb"],
        "file_mb": file_mb(job),
        "harmless": harmless.get(job.wall, []),
        "copied": copied,
    }
    course, moved = ("/course", "os.chdir('/student/work')") if walled else (str(PROJECT), "")
    return (
        f"import os, sys\nsys.path.insert(0, {course!r})\nfrom helpers.course.grading.wall.sandbox import install\n"
        f"install(**{watch!r})\n{moved}\n"
        "del sys.modules['helpers.course.grading.wall.sandbox'], install, sys, os\n"
    )
