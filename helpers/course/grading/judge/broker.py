"""Stands between two interpreters: hands the student's values to the judge's, and the judge's calls to the student's.

It opens nothing that comes from a student; what it carries is text of a limited length.
"""

import json
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from nbformat import NotebookNode

from helpers.course.grading.assignments.cells import grade_id
from helpers.course.grading.judge.link import EndedError, receive, send
from helpers.course.grading.judge.plan import Step, make_plan
from helpers.errors import CourseError

AGAIN = "again"
LATE = "the function was stopped: it took too long"


class LateError(CourseError):
    """The student's code took longer than a cell may."""


class JudgeGoneError(CourseError, RuntimeError):
    """The judge's interpreter can't be reached any more: nobody's answer is to blame, so nothing can be graded."""


@dataclass
class Verdict:
    """What a test came to: an error, or None; what it printed and showed; or what the judge can't take."""

    error: dict | None = None
    out: str = ""
    shown: str | None = None
    cannot: str = ""  # why the judge can't decide it at all: code of the student's own is part of the answer

    @property
    def passed(self) -> bool:
        """Whether it ran to its end."""
        return self.error is None and not self.cannot

    @property
    def disturbed(self) -> bool:
        """Whether it says more about this computer than about the answer."""
        return self.error is not None and self.error["name"] in ("JudgeError", "CellTimeoutError")


class Judge:
    """Runs the tests of one submission.

    Args:
        link: To the judge's interpreter, as from `helpers.course.grading.judge.start`.
        source: The assignment with solutions and tests.
        student: The name in the submission.
    """

    def __init__(self, link: socket.socket, source: NotebookNode, student: str) -> None:
        self.link, self.plan = link, make_plan(source)
        for step in self.plan:
            if step.name == "name":
                step.source = f"STUDENT = {student!r}"
        named = [cell for cell in source.cells if cell.cell_type == "code" and grade_id(cell)]
        self.order = {grade_id(cell): place for place, cell in enumerate(named)}
        own = [cell for cell in named if not cell.metadata.nbgrader.get("solution")]
        self.course = [(grade_id(cell), cell.source) for cell in own if not cell.metadata.nbgrader.get("grade")]
        self.done = 0  # steps of the plan that the interpreter has run

    def test(self, name: str, ask: Callable[[str, float], str], seconds: float) -> Verdict:
        """Run a test, and before it the course's cells that it needs.

        Args:
            name: Of the test's cell.
            ask: Hands a question (JSON) to the student's interpreter, for some seconds at most, and returns the answer.
            seconds: That each cell may take.

        Raises:
            JudgeGoneError: The judge can't be reached.
            Exception: Whatever `ask` raises but `LateError`.
        """
        place = next(i for i, step in enumerate(self.plan) if step.name == name)
        try:
            while self.done < place:
                step = self.plan[self.done]
                if step.kind == "course":
                    self._run(step, ask, seconds)
                self.done += 1
            verdict = self._run(self.plan[place], ask, seconds)
            self.done = max(self.done, place + 1)
            return verdict
        except EndedError as error:
            if str(error) != AGAIN:
                raise JudgeGoneError(
                    f"the judge's interpreter is gone ({error}); grade again, see judge.log"
                ) from error
            self.done = 0
            return _failed("JudgeError", "the judge's interpreter ended over this answer: is it very large?")

    def before(self, name: str) -> list[str]:
        """Return the course's cells before a test.

        Args:
            name: Of the test's cell.
        """
        return [text for cell, text in self.course if self.order[cell] < self.order[name]]

    def _run(self, step: Step, ask: Callable, seconds: float) -> Verdict:
        until = time.monotonic() + seconds
        late = False

        def asked(question: dict) -> str:
            nonlocal late
            left = until - time.monotonic()
            if late or left <= 0:
                raise LateError
            try:
                return ask(json.dumps(question), left)
            except LateError:
                late = True
                raise

        try:
            given = asked({"get": sorted(step.asks)}) if step.asks else None
        except LateError:
            return _failed("CellTimeoutError", "the answer could not be fetched in time")
        send(self.link, {"source": step.source, "given": given, "seconds": 2 * seconds + 5})
        while True:
            said = self._said(until + seconds + 10)
            if "call" not in said:
                return _verdict(said, late)
            try:
                answer = asked({"call": said["call"], "args": said["args"]})
            except LateError:
                late = True
                answer = json.dumps({"raised": ["TimeoutError", LATE, ""]})
            send(self.link, {"answer": answer})

    def _said(self, until: float) -> dict:
        try:
            said = receive(self.link, until)
        except TimeoutError as error:
            raise EndedError("silent") from error
        if "ended" in said:
            raise EndedError(AGAIN)
        return said


def _verdict(said: dict, late: bool) -> Verdict:
    if cannot := said.get("cannot"):
        name, kind, why = cannot
        words = _printable(f"{name}: {why}" if name else why)
        return Verdict(cannot=words) if kind == "own" else _failed("NotPlainError", words)
    error = said["error"]
    if late:
        return _failed("CellTimeoutError", LATE)
    if error and error["own"]:
        return Verdict(cannot=_printable(error["text"]))
    return Verdict(error, said["out"], said["shown"])


def _printable(text: str) -> str:
    """What a student's interpreter said, made fit for the note."""
    return "".join(sign for sign in text if sign.isprintable())[:300]


def _failed(name: str, text: str) -> Verdict:
    return Verdict({"name": name, "text": text, "lines": [f"{name}: {text}"], "own": False})
