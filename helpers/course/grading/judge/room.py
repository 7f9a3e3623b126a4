"""The judge's interpreter: runs the course's own cells and the tests, and no byte of a student's.

    python -m helpers.course.grading.judge.room FD MEMORY_GB MODULES...

One process imports the libraries for a whole batch, and runs nothing else; each submission gets a fork of it. FD is a
socket over which it gets, for each submission, one end of a pair of sockets.
"""

import contextlib
import importlib
import io
import os
import signal
import socket
import sys
import traceback
import warnings
from pathlib import Path
from typing import Any

from helpers.course.grading.judge.link import EndedError, receive, send

PRELOADED = (
    "cloudpickle", "matplotlib.pyplot", "pandas", "sklearn.linear_model", "sklearn.model_selection", "scipy.stats",
    "tensorflow", "keras", "helpers.assignment", "helpers.metrics", "helpers.plots",
    "helpers.course.grading.judge.proxies", "helpers.course.grading.judge.values.objects",
    "helpers.course.grading.judge.values.networks",
)  # fmt: skip
AVAILABLE = sys.platform != "win32"  # nbgrader is not made for Windows either
CELL = "<test>"
LONGEST = 5000  # characters of a message


def main(control: int, memory_gb: float, modules: list[str]) -> None:
    """Fork for each submission, until nobody asks any more.

    Args:
        control: Number of the socket.
        memory_gb: That a fork may take on top of what it begins with.
        modules: To import before the first fork.
    """
    os.environ["MPLBACKEND"] = "agg"
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    if sys.platform == "linux":  # elsewhere libraries don't like to be forked
        for name in modules:
            importlib.import_module(name)
    with socket.socket(fileno=control) as requests:
        while True:
            _, files, _, _ = socket.recv_fds(requests, 1, 1)
            if not files:
                return
            if os.fork() == 0:
                requests.close()
                _supervise(socket.socket(fileno=files[0]), memory_gb)
            os.close(files[0])


def _supervise(link: socket.socket, memory_gb: float) -> None:
    """Fork an interpreter; where it dies, as by a network that is too large, say so and fork another one."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with contextlib.suppress(EndedError):
        while True:
            if (child := os.fork()) == 0:
                _limit_memory(memory_gb)
                with contextlib.suppress(EndedError):
                    Room(link).serve()
                os._exit(0)
            _, status = os.waitpid(child, 0)
            if status == 0:
                break
            send(link, {"ended": status})
    os._exit(0)


def _limit_memory(memory_gb: float) -> None:
    import resource

    with contextlib.suppress(OSError, ValueError):
        now = int(Path("/", "proc", "self", "statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()
        most = now + int(memory_gb * 2**30)
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (most if hard < 0 else min(most, hard),) * 2)


class Room:
    """An interpreter for one submission."""

    def __init__(self, link: socket.socket) -> None:
        self.link, self.space = link, {"__name__": "__main__"}

    def serve(self) -> None:
        """Run cell after cell, as they come.

        Raises:
            EndedError: Nobody asks any more.
        """
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # a cell that takes too long ends this process
        while True:
            asked = receive(self.link)
            signal.alarm(int(asked["seconds"]) + 1)
            said = self._run(asked)
            signal.alarm(0)
            send(self.link, said)

    def _run(self, asked: dict) -> dict:
        if (cannot := self._take(asked["given"])) is not None:
            return {"cannot": cannot}
        out = io.StringIO()
        shown, error = None, None
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
            try:
                shown = execute(asked["source"], self.space)
            except EndedError:
                raise
            except BaseException as caught:
                error = describe(caught, asked["source"])
        return {"out": out.getvalue()[-20_000:], "shown": shown, "error": error}

    def _take(self, given: str | None) -> list | None:
        """Put a student's values into this interpreter; returns what can't be taken, as [name, kind, why]."""
        from helpers.course.grading.judge.proxies import read, refusal
        from helpers.course.grading.judge.values.codec import decode
        from helpers.course.grading.judge.values.refusals import NotPlainError, OwnClassError

        try:
            values = {} if given is None else read(given)
        except NotPlainError as error:
            return ["", "plain", str(error)]
        for name, got in values.items():
            try:
                if not isinstance(got, dict):
                    raise NotPlainError("it arrived damaged")
                if "cannot" in got:
                    raise refusal(got["cannot"], "")
                self.space.pop(name, None)
                if "missing" not in got:
                    self.space[name] = decode(got.get("value"), self._proxy)
            except NotPlainError as error:
                return [name, "own" if isinstance(error, OwnClassError) else "plain", str(error)]
        return None

    def _proxy(self, key: Any) -> Any:
        from helpers.course.grading.judge.proxies import Proxy

        return Proxy(key, self._ask)

    def _ask(self, question: dict) -> str:
        send(self.link, question)
        return receive(self.link)["answer"]


def execute(source: str, space: dict) -> str | None:
    """Run a cell.

    Args:
        source: Its text.
        space: Its variables.

    Returns:
        What its last line shows, as a notebook would: partial points are given so.
    """
    import ast

    tree = ast.parse(source)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, CELL, "exec"), space)
    if last is None:
        return None
    value = eval(compile(ast.Expression(last.value), CELL, "eval"), space)
    return None if value is None else repr(value)[:LONGEST]


def describe(error: BaseException, source: str) -> dict:
    """Return an error as a notebook shows it.

    Args:
        error: That a cell raised.
        source: Of the cell.

    Returns:
        name, text, lines, and whether it was a value of a class of the student's own.
    """
    from helpers.course.grading.judge.values.refusals import OwnClassError

    name, text = type(error).__name__, str(error)[:LONGEST]
    at = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == CELL]
    rows = source.splitlines()
    lines = [f"----> {n} {rows[n - 1]}" for n in at[:1] if n and n <= len(rows)]
    if own := getattr(error, "lines", ""):
        lines += ["", *str(own).splitlines()]
    lines = [*lines, "", f"{name}: {text}"]
    return {"name": name, "text": text, "lines": lines, "own": isinstance(error, OwnClassError)}


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), sys.argv[3:])
