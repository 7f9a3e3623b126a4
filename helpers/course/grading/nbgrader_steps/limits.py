"""nbgrader's Execute step with an end: a kernel that stalls, dies or takes too much stops, and says so."""

import json
import threading
import time

import psutil
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output
from nbgrader.utils import is_grade, is_solution
from traitlets import Any, Dict

from helpers.course.grading.judge.values.codec import MOST
from helpers.course.grading.kernel.manager import manager_for
from helpers.course.grading.kernel.traces import littered
from helpers.course.grading.nbgrader_steps.judged import JudgedExecute
from helpers.course.grading.wall.bubblewrap import PROCESSES
from helpers.course.processes import end, family, held, resident


class GuardedExecute(JudgedExecute):
    """Runs a submission's cells under limits. Once the kernel is gone, each later cell gets an error: no points."""

    room = Any(help="where the kernel runs, as from `prepare_kernel`").tag(config=True)
    limits = Dict(help="of the settings file").tag(config=True)

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


def _name(cell, index: int) -> str:
    """What to call a cell: by its id where it has one, otherwise by its place."""
    return (cell.metadata.get("nbgrader") or {}).get("grade_id") or f"cell {index + 1}"
