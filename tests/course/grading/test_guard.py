"""The limits on a student's code: the guard in a Python of its own, and a kernel's end on notebooks of two cells."""

import subprocess
import sys
import time

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from data_prework.files import PROJECT
from helpers.assignment import LIMITS
from helpers.course.grading.kernel.folders import hidden_from, leave, prepare_kernel
from helpers.course.grading.submissions.job import Job

SCRIPT = """
import os, subprocess, sys
import helpers.course.grading.wall.sandbox as guard
guard._limit_output = lambda most: None  # there is no IPython here
own, outside, hidden, report = sys.argv[1:5]
guard.install([own], [], hidden.split("|"), report, 4, 1, 1)
{attack}
for name, attempt in dict(
    outside=lambda: open(outside, "w"), deletes=lambda: os.remove(report), folder=lambda: os.mkdir(outside),
    link=lambda: os.symlink(own, outside), starts=lambda: subprocess.run([sys.executable, "--version"]),
    ends=lambda: os.kill(0, 0), own=lambda: open(os.path.join(own, "notes.txt"), "w").write("mine"),
    build=lambda: open(hidden.split("|")[0] + "/solution.ipynb"), lists=lambda: os.listdir(hidden.split("|")[0]),
    helpers=lambda: open(guard.__file__).read(),
).items():
    try:
        attempt()
        sys.stdout.write(name + " ")
    except PermissionError:
        pass
"""
ATTACKS = {
    "none": "",
    "flags": "guard.WRITING = 0",
    "tables": "guard.REFUSED.clear(); guard.CHANGES.clear()",
    "harmless": "guard.HARMLESS |= {outside, report}",
    "os": "os.path.realpath = lambda path: os.devnull; os.path.isdir = lambda path: True; os.sep = ''",
    "builtins": "import builtins; builtins.bool = lambda _: False",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_guard_holds_whatever_is_written_into_its_module(attack, tmp_path):
    (own := tmp_path / "own").mkdir()
    (hidden := tmp_path / "hidden").mkdir()
    (report := tmp_path / "report").touch()
    arguments = [own, tmp_path / "outside.txt", hidden, report]
    command = [sys.executable, "-c", SCRIPT.replace("{attack}", ATTACKS[attack]), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", cwd=PROJECT, timeout=120)
    assert done.stdout.split() == ["own", "helpers"], done.stderr
    assert (own / "notes.txt").read_text(encoding="utf-8") == "mine" and not (tmp_path / "outside.txt").exists()


def test_no_folder_that_holds_solutions_can_be_read_and_no_folder_that_is_needed_is_hidden(tmp_path):
    limits = {"notebook_mb": 1}
    hidden = (PROJECT / "build" / "grades", tmp_path / "submissions", PROJECT.parent)
    job = Job("anna", "01", tmp_path / "01.ipynb", tmp_path, tmp_path, limits, hidden=hidden, data=PROJECT / "data")
    found = hidden_from(job)
    for place in ("build", ".git", "tests", "notebooks/exercises"):
        assert str(PROJECT / place) in found
    assert str(tmp_path / "submissions") in found and str(PROJECT.parent) not in found


@pytest.fixture
def run(tmp_path):
    """Run cells in a kernel under limits; returns the executed cells and what the note says."""
    pytest.importorskip("nbgrader")
    from helpers.course.grading.nbgrader_steps.limits import GuardedExecute

    def run(*sources, iopub_timeout=20, **limits):
        limits = LIMITS | {"seconds_per_cell": 60, "seconds_per_submission": 120, "memory_gb": 2.0} | limits
        options = {"kernel_name": "python3", "startup_timeout": 180, "iopub_timeout": iopub_timeout}
        job = Job("anna", "01", tmp_path / "01.ipynb", tmp_path, tmp_path / "work" / "anna" / "01", limits)
        room = prepare_kernel(job)
        executor = GuardedExecute(room=room, limits=limits, **options)
        notebook = new_notebook(cells=[new_code_cell(source) for source in sources])
        executor.said.clear()
        executor.preprocess(notebook, {"metadata": {}})
        leave(room)
        return notebook.cells, list(executor.said)

    return run


def test_a_flood_of_images_ends_the_kernel_before_it_fills_the_grader(run):
    began = time.monotonic()
    flood = "from IPython.display import display\nwhile True:\n    display('x' * 100_000)"
    cells, said = run(flood, "print('later')", notebook_mb=2)
    assert said == ["cell 1 and what follows did not run: it showed more than 2 MB"]
    assert cells[0].outputs[-1].ename == "KernelEnded" and cells[1].outputs[-1].ename == "NotRun"
    assert len(cells[0].outputs) < 30 and time.monotonic() - began < 60


def test_a_loop_that_catches_every_interrupt_is_ended(run):
    loop = "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass"
    cells, said = run("x = 1", loop, "x", seconds_per_cell=3, iopub_timeout=2)
    assert said == ["cell 2 and what follows did not run: it could not be stopped"]
    assert not cells[0].outputs and cells[2].outputs[-1].ename == "NotRun"


def test_memory_that_the_grader_takes_for_outputs_counts():
    pytest.importorskip("nbgrader")
    import psutil

    from helpers.course.grading.nbgrader_steps.limits import GuardedExecute

    executor = GuardedExecute()
    executor.at_first = psutil.Process().memory_info().rss
    kept = bytearray(b"x") * 300_000_000
    assert executor._taken() > 250_000_000 and len(kept) > 0


def test_a_cell_may_take_no_longer_than_what_is_left_for_the_notebook(monkeypatch):
    pytest.importorskip("nbgrader")
    from nbgrader.preprocessors import Execute

    from helpers.course.grading.nbgrader_steps.limits import GuardedExecute

    monkeypatch.setattr(Execute, "preprocess_cell", lambda self, cell, resources, index: (cell, resources))
    executor = GuardedExecute(limits={"seconds_per_cell": 120, "seconds_per_submission": 600})
    executor.gone, executor.watcher = "", "no thread"
    for left, most in ((600, 120), (50, 50), (0.5, 1)):
        executor.deadline = time.monotonic() + left
        executor.preprocess_cell(new_code_cell("x = 1"), {}, 0)
        assert most - 5 <= executor.timeout <= most
