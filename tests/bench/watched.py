"""Run a command as a process of its own: its seconds, its highest memory and what it printed."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from helpers.course.processes import family, resident


@dataclass(frozen=True)
class Watched:
    """seconds: wall time. peak_mb: highest resident memory of the process and its children. output: what it printed."""

    seconds: float
    peak_mb: float
    output: str


def watched(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> Watched:
    """Run `python ARGUMENTS`, looked at fifty times a second.

    Raises:
        RuntimeError: it failed; the message holds its last lines, and all that it had printed.
    """
    begin, peak = time.perf_counter(), 0
    command = [sys.executable, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "encoding": "utf-8", "errors": "replace"}
    environment = {**(os.environ if environment is None else environment), "PYTHONUTF8": "1"}
    with subprocess.Popen(command, env=environment, **pipes) as child:
        while True:
            try:
                output, errors = child.communicate(timeout=0.02)
                break
            except subprocess.TimeoutExpired:
                peak = max(peak, resident(family(child.pid)))
        seconds = time.perf_counter() - begin
    if child.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {child.returncode}: {errors.strip()[-500:]}\n{output}")
    return Watched(seconds, peak / 2**20, output)
