"""Run one notebook in a kernel of its own: what it shows, how long it takes, and how much memory."""

import os
import re
import threading
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from helpers.course.notebooks import Outcome
from helpers.course.processes import family, resident

WIDGET = "application/vnd.jupyter.widget-view+json"
SOURCE = re.compile(r"· data: ([^·]+) ·")


def execute(
    path: Path, folder: Path, timeout: float, environment: dict[str, str] | None = None
) -> tuple[nbformat.NotebookNode, Outcome]:
    """Run one notebook in a kernel of its own.

    Args:
        folder: working folder of the kernel.
        timeout: seconds for one cell.
        environment: of the kernel; that of this process unless given.

    Returns:
        The executed notebook, also when a cell failed, and the outcome.
    """
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(folder)}},
        extra_arguments=["--log-level=ERROR"],  # ipykernel warns of its own transport at every start
    )
    peak, done, fault = [0.0], threading.Event(), ""
    begin = time.perf_counter()
    try:
        with client.setup_kernel(env=environment or os.environ):
            watcher = threading.Thread(target=_watch, args=(client.km, peak, done), daemon=True)
            watcher.start()
            for index, cell in enumerate(notebook.cells):
                client.execute_cell(cell, index)
            peak[0] = max(peak[0], _memory(client.km))  # a short notebook may end before the watcher's first look
    except CellTimeoutError:
        fault = f"cell {index}: stopped after {timeout:g} s"
    except (CellExecutionError, DeadKernelError) as error:
        fault = f"cell {index}: {_last_line(error)}"
    finally:
        done.set()
    notebook.metadata.pop("widgets", None)
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":  # a slider without its kernel is shown as an error
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
    seconds = time.perf_counter() - begin
    outcome = Outcome(path.name, _title(notebook), _source(notebook), seconds, peak[0], fault)
    return notebook, outcome


def _watch(manager, peak: list[float], done: threading.Event) -> None:
    """Keep the kernel's peak memory in `peak[0]`, looked at five times a second."""
    while not done.wait(0.2):
        peak[0] = max(peak[0], _memory(manager))


def _memory(manager) -> float:
    """Resident memory of the kernel and its children now, in MB; 0 where it has ended."""
    return resident(family(getattr(manager.provisioner, "pid", None))) / 2**20


def _last_line(error: Exception) -> str:
    lines = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).strip().splitlines()
    return lines[-1][:200] if lines else error.__class__.__name__


def _title(notebook: nbformat.NotebookNode) -> str:
    for cell in notebook.cells:
        if match := re.search(r"^# (.+)$", cell.source, re.M):
            return match[1]
    return ""


def _source(notebook: nbformat.NotebookNode) -> str:
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if match := SOURCE.search(output.get("text", "")):
                return match[1]
    return "-"
