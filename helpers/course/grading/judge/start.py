"""Starts the judge's interpreters: one process behind a wall of its own for a batch, one fork for each submission."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from data_prework.files import PROJECT
from helpers.course.grading.bubblewrap import NOBODY, is_root
from helpers.course.grading.job import Job
from helpers.course.grading.kernel import kernel_environment, starter
from helpers.course.grading.wall import BUBBLEWRAP
from helpers.course.processes import end, family


class Judges:
    """The process that the judges of a batch are forked from; use it in `with`.

    Args:
        job: One of the batch: its wall, its data and its limits are those of all.
    """

    def __init__(self, job: Job) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="j-", dir="/tmp" if Path("/tmp").is_dir() else None))
        if job.wall == BUBBLEWRAP and is_root():
            os.chown(self.folder, NOBODY, NOBODY)
        scratch = job.work.parent.parent / "judge"
        shutil.rmtree(scratch, ignore_errors=True)
        for name in ("folder", "home", "tmp", "ipython"):
            (scratch / name).mkdir(parents=True)
        fonts = job.work.parent.parent / "matplotlib"
        fonts.mkdir(exist_ok=True)
        fonts.chmod(0o755)
        (scratch / "folder").chmod(0o755)
        self.control, theirs = socket.socketpair()
        memory = job.limits["memory_gb"]
        command = [sys.executable, "-m", "helpers.course.grading.judge.room", str(theirs.fileno()), str(memory)]
        twice = job.limits | {"memory_gb": 2 * memory}  # a fork shares most of it with the process it came from
        behind = starter(replace(job, trusted=False, limits=twice), scratch, self.folder)
        environment = kernel_environment(job, scratch, fonts) | {"PYTHONPATH": str(PROJECT)}
        with theirs, Path(job.work.parent.parent, "judge.log").open("w", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                behind(command), pass_fds=[theirs.fileno()], env=environment, cwd=scratch / "folder",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def link(self) -> socket.socket:
        """Return one end of a pair of sockets; at the other is the judge of one submission.

        Raises:
            OSError: The process has ended.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self.control, [b"1"], [theirs.fileno()])
        return ours

    def __enter__(self) -> "Judges":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, where: TracebackType | None) -> None:
        self.control.close()
        end(family(self.process.pid))
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=10)
        shutil.rmtree(self.folder, ignore_errors=True)
