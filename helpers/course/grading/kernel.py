"""What the kernel that runs a submission is given: folders, an environment, its wall, and the watch over it."""

import json
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from data_prework.files import PROJECT
from helpers.course.grading.submissions.job import Job
from helpers.course.grading.wall import landlock
from helpers.course.grading.wall.bubblewrap import (
    ETC,
    NOBODY,
    PROCESSES,
    SHARED_MEMORY,
    SHOWN,
    View,
    bubblewrap,
    is_root,
    threads,
)
from helpers.course.grading.wall.choice import BUBBLEWRAP, LANDLOCK
from helpers.course.grading.wall.sandbox import KILLS, REFUSED

KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
HIDDEN = ("notebooks/exercises", "tests", "build", ".git")  # of the project: each holds solutions
SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/proc", *(Path("/dev", name) for name in ("urandom", "random", "zero")))
FIRST, REPORT = "first.py", "refused.txt"  # in the folder of the sockets: the kernel's first lines, its refusals
LONGEST_REPORT, MOST_SHARED = 10_000, 100_000  # bytes
ALWAYS = {
    "COURSE_PROFILE": "quick",
    "COURSE_SOURCE": "embedded",
    "PYTHONDONTWRITEBYTECODE": "1",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "LOKY_MAX_CPU_COUNT": "2",
    "JOBLIB_MULTIPROCESSING": "0",  # n_jobs=2 computes in one process: others would each take the memory anew
}


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


def leave(room: Room) -> None:
    """Remove the folder of the sockets.

    Args:
        room: As from `prepare_kernel`.
    """
    shutil.rmtree(room.sockets, ignore_errors=True)


def refusals(room: Room) -> list[str]:
    """Read what the watch in the kernel refused. The student's code can write there too, so it is read with care.

    Args:
        room: As from `prepare_kernel`.

    Returns:
        Sentences for the note.
    """
    try:
        file = os.open(room.sockets / REPORT, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(file, "rb") as opened:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError("no file")
            lines = opened.read(LONGEST_REPORT).decode("utf-8", "replace").splitlines()
        said = [json.loads(line) for line in lines]
    except (OSError, ValueError):
        return ["the list of what was refused was removed or changed"]
    said = ["".join(c for c in str(one) if c.isprintable())[:200] for one in said]
    return [f"refused: to {one}" for one in said[:20]]


def littered(room: Room) -> str:
    """Say what is wrong in the folder of the sockets, which the student's code can write, or nothing.

    Args:
        room: As from `prepare_kernel`.
    """
    size = 0
    try:
        for entry in os.scandir(room.sockets):
            if not entry.name.startswith(("c.json", "c-ipc-", FIRST, REPORT)) or entry.is_symlink() or entry.is_dir():
                return "it changed the folder through which the grader talks to it"
            size += entry.stat(follow_symlinks=False).st_size
    except OSError:
        return ""  # a file that has just gone
    return "it filled the folder through which the grader talks to it" if size > MOST_SHARED else ""


def hidden_from(job: Job) -> list[str]:
    """Return the folders that the student's code may not read; none that it needs lies in one of them.

    Args:
        job: The submission.
    """
    needed = [PROJECT, Path(sys.prefix), job.data]
    places = [*job.hidden, *(PROJECT / name for name in HIDDEN)]
    return [str(path) for path in places if not any(one.is_relative_to(path) for one in needed)]


def file_mb(job: Job) -> float:
    """Return the MB of the largest file that may be written; a solution writes resized copies of the images.

    Args:
        job: The submission.
    """
    return 20_000 if job.trusted else 200


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
