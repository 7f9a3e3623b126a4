"""nbgrader's Execute step with a judge: the tests run in the judge's interpreter, and the kernel never sees them."""

import secrets
from functools import partial

from nbformat.v4 import new_code_cell, new_output
from nbgrader.preprocessors import Execute

from helpers.course.grading.assignments.cells import HIDDEN, task_of
from helpers.course.grading.judge import canary
from helpers.course.grading.judge.broker import Judge, LateError, Verdict
from helpers.course.grading.judge.student import MIME

MODULE = "helpers.course.grading.judge.student"


class JudgedExecute(Execute):
    """Runs what was handed in, in the kernel, and has each test run by the judge."""

    said: list[str] = []  # noqa: RUF012 - sentences for the note; there is one submission in a process
    judge: Judge | None = None  # of that submission
    beside: set[str] = set()  # noqa: RUF012 - tasks whose tests run in the kernel; the solution's grading finds them
    finds_beside = False  # whether this is the solution
    for_person: set[str] = set()  # noqa: RUF012 - tasks that a person must look at
    asking, answered = False, 0  # whether the judge is asking, and bytes of the answer so far

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


def _outputs(verdict: Verdict) -> list:
    """The outputs of a test as a notebook stores them."""
    printed = {"name": "stdout", "text": verdict.out}
    outputs = [new_output("stream", **printed)] if verdict.out else []
    if verdict.shown is not None:
        outputs.append(new_output("execute_result", data={"text/plain": verdict.shown}))
    if error := verdict.error:
        outputs.append(new_output("error", ename=error["name"], evalue=error["text"], traceback=error["lines"]))
    return outputs
