"""The kernel that runs a submission: its folders, its environment, and the script that begins the watch over it."""

import os
import sys
from pathlib import Path

from data_prework.files import PROJECT
from helpers.course.grading.job import Job

KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "VIRTUAL_ENV", "LD_LIBRARY_PATH")
HIDDEN = ("notebooks/exercises", "tests", "build", ".git")  # of the project: each holds solutions


def prepare_kernel(job: Job) -> tuple[Path, Path]:
    """Make the folders of the kernel and its start-up script, and give this process the environment it inherits.

    Args:
        job: The submission.

    Returns:
        The kernel's working folder, and the file that gets a line for each refusal.
    """
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
    return scratch / "folder", report


def hidden_from(job: Job) -> list[str]:
    """Return the folders that the student's code may not read; none that it needs lies in one of them.

    Args:
        job: The submission.
    """
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
