"""nbgrader's Execute step with an end: a kernel that stalls, dies or takes too much memory stops, and says so."""

import threading
import time

import psutil
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_output
from nbgrader.preprocessors import Execute
from nbgrader.utils import is_grade
from traitlets import Dict, Unicode


class GuardedExecute(Execute):
    """Runs a submission's cells under limits. Once the kernel is gone, each later cell gets an error: no points."""

    scratch = Unicode(help="working folder of the kernel").tag(config=True)
    limits = Dict(help="of the settings file").tag(config=True)
    said: list[str] = []  # noqa: RUF012 - sentences for the note; there is one submission in a process

    def preprocess(self, nb, resources):
        resources["metadata"]["path"] = self.scratch
        self.gone, self.watcher = "", None
        self.deadline = time.monotonic() + self.limits["seconds_per_submission"]
        self.done = threading.Event()
        try:
            return super().preprocess(nb, resources)
        finally:
            self.done.set()

    def preprocess_cell(self, cell, resources, index):
        if cell.cell_type != "code":
            return cell, resources
        if not self.gone and time.monotonic() > self.deadline:
            self._end(f"the notebook took longer than {self.limits['seconds_per_submission']:g} s")
            self.said.append(f"{_name(cell, index)} and what follows did not run: {self.gone}")
        if self.gone:
            return self._failed(cell, "NotRun", f"This cell did not run: {self.gone}."), resources
        if self.watcher is None:
            self.watcher = threading.Thread(target=self._watch, daemon=True)
            self.watcher.start()
        try:
            cell, resources = super().preprocess_cell(cell, resources, index)
        except (DeadKernelError, CellTimeoutError) as error:
            if not self.gone:
                dead = isinstance(error, DeadKernelError)
                self._end("the kernel ended by itself, as after exit()" if dead else "it could not be stopped")
            self.said.append(f"{_name(cell, index)} and what follows did not run: {self.gone}")
            return self._failed(cell, "KernelEnded", f"In this cell {self.gone}."), resources
        self._notice_timeout(cell, index)
        if is_grade(cell):  # nbgrader takes whatever is on stderr for a failed test; a warning should cost no points
            for output in cell.outputs:
                if output.output_type == "stream":
                    output.name = "stdout"
        return cell, resources

    def _notice_timeout(self, cell, index: int) -> None:
        if any(out.output_type == "error" and out.ename == "CellTimeoutError" for out in cell.outputs):
            seconds = self.limits["seconds_per_cell"]
            self.said.append(f"{_name(cell, index)} was stopped after {seconds:g} s: is there a loop without an end?")

    def _failed(self, cell, name: str, text: str):
        cell.outputs.append(new_output("error", ename=name, evalue=text, traceback=[f"{name}: {text}"]))
        return cell

    def _watch(self) -> None:
        """Look at the kernel's memory five times a second; end it where it takes too much."""
        most = self.limits["memory_gb"] * 2**30
        while not self.done.wait(0.2) and not self.gone:
            taken = 0
            for process in self._processes():
                try:
                    taken += process.memory_info().rss
                except psutil.Error:
                    continue
            if taken > most:
                self._end(f"it took more than {self.limits['memory_gb']:g} GB of memory")

    def _end(self, why: str) -> None:
        self.gone = self.gone or why
        for process in self._processes():
            try:
                process.kill()
            except psutil.Error:
                continue

    def _processes(self) -> list:
        try:
            kernel = psutil.Process(self.km.provisioner.pid)
            return [kernel, *kernel.children(recursive=True)]
        except (psutil.Error, AttributeError, TypeError):
            return []


def _name(cell, index: int) -> str:
    """What to call a cell: by its id where it has one, otherwise by its place."""
    return (cell.metadata.get("nbgrader") or {}).get("grade_id") or f"cell {index + 1}"
