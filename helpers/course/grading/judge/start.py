"""Starts the judge's interpreters: one process behind a wall of its own for a batch, one fork for each submission."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from data_prework.files import PROJECT
from helpers.course.grading.judge import room
from helpers.course.grading.kernel.start import kernel_environment, starter
from helpers.course.grading.submissions.job import Job
from helpers.course.grading.wall.bubblewrap import NOBODY, is_root
from helpers.course.grading.wall.choice import BUBBLEWRAP
from helpers.course.processes import end, family


class Judges:
    """The process that the judges of a batch are forked from; use it in `with`.

    Args:
        job: One of the batch: its wall, its data and its limits are those of all.
        modules: That are imported once, before the first submission.
    """

    def __init__(self, job: Job, modules: Sequence[str] = room.PRELOADED) -> None:
        self.modules, self.job, self.place = modules, job, job.work.parent.parent
        self.folder = Path(tempfile.mkdtemp(prefix="j-", dir="/tmp" if Path("/tmp").is_dir() else None))
        if job.wall == BUBBLEWRAP and is_root():
            os.chown(self.folder, NOBODY, NOBODY)
        self._start()

    def _start(self) -> None:
        scratch, fonts = self.place / "judge", self.place / "matplotlib"
        shutil.rmtree(scratch, ignore_errors=True)
        for name in ("folder", "home", "tmp", "ipython"):
            (scratch / name).mkdir(parents=True)
        fonts.mkdir(exist_ok=True)
        for path in (fonts, scratch / "folder"):
            path.chmod(0o755)  # behind the wall root is another user
        self.control, theirs = socket.socketpair()
        memory = self.job.limits["memory_gb"]
        command = [sys.executable, "-m", room.__name__, str(theirs.fileno()), str(memory), *self.modules]
        twice = self.job.limits | {"memory_gb": 2 * memory}  # a fork shares most of it with the process it came from
        behind = starter(replace(self.job, trusted=False, limits=twice), scratch, self.folder)
        environment = kernel_environment(self.job, scratch, fonts) | {"PYTHONPATH": str(PROJECT)}
        with theirs, (self.place / "judge.log").open("a", encoding="utf-8") as log:
            self.process = subprocess.Popen(
                behind(command), pass_fds=[theirs.fileno()], env=environment, cwd=scratch / "folder",
                stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def link(self) -> socket.socket:
        """Return one end of a pair of sockets; at the other is the judge of one submission.

        Raises:
            OSError: The process can't be started.
        """
        if self.process.poll() is not None:
            self.control.close()
            self._start()
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
