"""nbgrader's Execute step with an end and a judge: a kernel that stalls, dies or takes too much stops, and says so.

What was handed in runs in the kernel; the tests run in the judge's interpreter, and the kernel never sees them.
"""

import json
import secrets
import threading
import time
from functools import partial

import psutil
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell, new_output
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_grade, is_solution
from traitlets import Any, Dict

from helpers.course.grading.assignments.cells import HIDDEN, task_of
from helpers.course.grading.judge import canary
from helpers.course.grading.judge.broker import Judge, LateError, Verdict
from helpers.course.grading.judge.student import MIME
from helpers.course.grading.judge.values.codec import MOST
from helpers.course.grading.kernel.manager import manager_for
from helpers.course.grading.kernel.traces import littered
from helpers.course.grading.wall.bubblewrap import PROCESSES
from helpers.course.processes import end, family, held, resident

MODULE = "helpers.course.grading.judge.student"


class GuardedExecute(Execute):
    """Runs a submission's cells under limits. Once the kernel is gone, each later cell gets an error: no points."""

    room = Any(help="where the kernel runs, as from `prepare_kernel`").tag(config=True)
    limits = Dict(help="of the settings file").tag(config=True)
    said: list[str] = []  # noqa: RUF012 - sentences for the note; there is one submission in a process
    judge: Judge | None = None  # of that submission
    beside: set[str] = set()  # noqa: RUF012 - tasks whose tests run in the kernel; the solution's grading finds them
    finds_beside = False  # whether this is the solution
    for_person: set[str] = set()  # noqa: RUF012 - tasks that a person must look at

    def preprocess(self, nb, resources):
        """Run the cells; as in nbgrader's Execute."""
        resources["metadata"]["path"] = str(self.room.folder)
        self.kernel_manager_class = manager_for(self.room)
        self.gone, self.told, self.watcher, self.shown = "", False, None, 0
        self.asking, self.answered = False, 0
        self.at_first = resident([psutil.Process()])
        self.deadline = time.monotonic() + self.limits["seconds_per_submission"]
        self.done = threading.Event()
        try:
            return super().preprocess(nb, resources)
        finally:
            self.done.set()

    def preprocess_cell(self, cell, resources, index):
        """Run one cell under the limits; as in nbgrader's Execute."""
        if cell.cell_type != "code":
            return cell, resources
        if not self.gone and time.monotonic() > self.deadline:
            self._end(f"the notebook took longer than {self.limits['seconds_per_submission']:g} s")
        if self.gone:
            return self._failed(cell, index, "NotRun", f"This cell did not run: {self.gone}."), resources
        if self.watcher is None:
            self.watcher = threading.Thread(target=self._watch, daemon=True)
            self.watcher.start()
        self.timeout = max(1, int(min(self.limits["seconds_per_cell"], self.deadline - time.monotonic())))
        try:
            if is_grade(cell) and not is_solution(cell):
                self._test(cell, index)
            else:
                cell, resources = super().preprocess_cell(cell, resources, index)
        except (DeadKernelError, CellTimeoutError) as error:
            if not self.gone:
                dead = isinstance(error, DeadKernelError)
                self._end("the kernel ended by itself, as after exit()" if dead else "it could not be stopped")
            return self._failed(cell, index, "KernelEnded", f"In this cell {self.gone}."), resources
        self._notice_timeout(cell, index)
        if is_grade(cell):  # nbgrader takes whatever is on stderr for a failed test; a warning should cost no points
            for output in cell.outputs:
                if output.output_type == "stream":
                    output.name = "stdout"
        return cell, resources

    def _test(self, cell, index: int) -> None:
        """Let the judge run a test, and put what came of it into the cell, as if it had run in the notebook."""
        name, seconds = cell.metadata.nbgrader.grade_id, self.timeout
        task = task_of(name)
        if self.judge is None:
            raise RuntimeError(f"{name}: there is no judge for this test")
        verdict = Verdict(cannot="beside")
        if task not in self.beside:
            verdict = self.judge.test(name, partial(self._ask, index=index), seconds)
        self.timeout = seconds
        cell.outputs = _outputs(verdict)
        if verdict.cannot or (self.finds_beside and not verdict.passed and not verdict.disturbed):
            hides = not self.finds_beside and task not in self.beside  # an answer decided to be tested there
            self._test_beside(cell, index, HIDDEN.sub("", cell.source) if hides else cell.source)
            passed = not any(output.output_type == "error" for output in cell.outputs)
            if self.finds_beside and passed:
                self.beside.add(task)
            elif task not in self.beside and passed:
                self.for_person.add(task)
                self.said.append(
                    f"{task} waits for you: code of the student's own is part of the answer ({verdict.cannot}), so the "
                    "test ran in the student's own interpreter, and passed; read the code before you enter points"
                )

    def _test_beside(self, cell, index: int, source: str) -> None:
        """Run a test in the kernel, with a last line that must fail."""
        word = secrets.token_hex(8)
        before = new_code_cell(canary.prepared(self.judge.before(cell.metadata.nbgrader.grade_id)))
        self._execute(before, index)
        test = new_code_cell(canary.armed(source, word))
        self._execute(test, index)
        cell.outputs = canary.read(test.outputs, word)

    def _execute(self, cell, index: int) -> None:
        """Run a cell that is no part of the notebook."""
        kept = self.nb.cells[index]
        try:
            self.execute_cell(cell, index, store_history=False)
        finally:
            self.nb.cells[index] = kept

    def _ask(self, question: str, seconds: float, index: int) -> str:
        """Hand a question of the judge to the kernel; returns its answer, "null" where there is none."""
        words = f"__import__({MODULE!r}, fromlist=['answer']).answer({question!r})"
        cell = new_code_cell(words)
        self.timeout, self.asking, self.answered = max(1, int(seconds)), True, 0
        try:
            self._execute(cell, index)
        finally:
            self.asking = False
        if any(one.output_type == "error" and one.ename == "CellTimeoutError" for one in cell.outputs):
            raise LateError
        texts = [one.data[MIME] for one in cell.outputs if one.output_type == "display_data" and MIME in one.data]
        return texts[-1] if texts and isinstance(texts[-1], str) else "null"

    def _notice_timeout(self, cell, index: int) -> None:
        if any(out.output_type == "error" and out.ename == "CellTimeoutError" for out in cell.outputs):
            why = f"was stopped after {self.timeout} s: is there a loop without an end?"
            self.said.append(f"{_name(cell, index)} {why}")

    def process_message(self, msg, cell, cell_index):
        """Take an output of a cell, as long as all of them together could still be handed in as a notebook.

        Args:
            msg: The kernel's message.
            cell: That it belongs to.
            cell_index: Its place in the notebook.
        """
        if self.asking:
            self.answered += 1000 + len(str(msg["content"].get("data", "")))
            if self.answered > MOST:
                self._end("its answers to a test were too large")
        else:
            self.shown += max(1000, len(json.dumps(msg["content"], default=str)))  # many small ones are a burden too
        if self.shown > self.limits["notebook_mb"] * 1e6:
            self._end(f"it showed more than {self.limits['notebook_mb']:g} MB")
        return None if self.gone else super().process_message(msg, cell, cell_index)

    def _failed(self, cell, index: int, name: str, text: str):
        if not self.told:
            self.said.append(f"{_name(cell, index)} and what follows did not run: {self.gone}")
            self.told = True
        cell.outputs.append(new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"]))
        return cell

    def _watch(self) -> None:
        """Look five times a second at what the kernel takes; end it where that is too much."""
        while not self.done.wait(0.2) and not self.gone:
            if self._taken() > self.limits["memory_gb"] * 2**30:
                self._end(f"it took more than {self.limits['memory_gb']:g} GB of memory")
            elif len(self._processes()) > PROCESSES // 2:
                self._end(f"it started more than {PROCESSES // 2} processes")
            elif why := littered(self.room):
                self._end(why)

    def _taken(self) -> int:
        """Bytes that the kernel and its children hold, and this process for what the kernel sent."""
        return resident([psutil.Process()]) - self.at_first + held(self._processes())

    def _end(self, why: str) -> None:
        self.gone = self.gone or why
        end(self._processes())

    def _processes(self) -> list:
        return family(getattr(getattr(self.km, "provisioner", None), "pid", None))


def _outputs(verdict: Verdict) -> list:
    """The outputs of a test as a notebook stores them."""
    printed = {"name": "stdout", "text": verdict.out}
    outputs = [new_output("stream", **printed)] if verdict.out else []
    if verdict.shown is not None:
        outputs.append(new_output("execute_result", data={"text/plain": verdict.shown}))
    if error := verdict.error:
        outputs.append(new_output("error", ename=error["name"], evalue=error["text"], traceback=error["lines"]))
    return outputs


def _name(cell, index: int) -> str:
    """What to call a cell: by its id where it has one, otherwise by its place."""
    return (cell.metadata.get("nbgrader") or {}).get("grade_id") or f"cell {index + 1}"
