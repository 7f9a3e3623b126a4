"""Forked kernels behave as new ones, their errors and memory are told, and none outlives the run.

Each kind of kernel meets one of two ends on a push, and both in `make weekly`.
"""

import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import psutil
import pytest

pytest.importorskip("nbclient", reason="running notebooks needs Jupyter's tools, which are installed with the course")

from helpers.course.forked_kernels import AVAILABLE
from helpers.course.processes import end as kill
from helpers.course.processes import resident
from tests.course.test_run_notebooks import notebook
from tests.weekly import WEEKLY

pytestmark = [pytest.mark.skipif(not AVAILABLE, reason="kernels are forked on Linux only"), pytest.mark.slow]
LOADED = "import sys; print('keras' in sys.modules, 'helpers' in sys.modules)"
SURROUNDINGS = """import os, sys, matplotlib, pandas as pd, tqdm.auto
print(pd.get_option("display.max_columns"), matplotlib.get_backend(), tqdm.auto.tqdm.__name__, __name__)
print(os.getcwd(), os.environ["COURSE_PROFILE"], os.environ.get("TF_CPP_MIN_LOG_LEVEL"), sys.argv[3:])
print(os.getsid(0) == os.getpid(), sys.stdin.isatty())"""
PLOT = "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2]), os.system('echo from C >&2')"
RANDOM = "import random, numpy as np; print(random.random(), np.random.rand())"
ENDLESS = """import os, pathlib, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
pathlib.Path("pids.new").write_text(f"[{os.getpid()}, {child.pid}]")
os.rename("pids.new", "pids.json")
while True: pass"""


# under pytest a kernel leaves alone what C writes to standard error
# other tests set what TensorFlow logs as soon as they are collected
ENVIRONMENT = {k: v for k, v in os.environ.items() if k not in ("PYTEST_CURRENT_TEST", "TF_CPP_MIN_LOG_LEVEL")}


def command(*arguments):
    return [sys.executable, "-m", "helpers.course", "run", *map(str, arguments)]


def outputs(path):
    """What each cell of an executed notebook gave: texts, and the kinds of images."""
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    return [[out.get("text") or sorted(out.get("data", {})) for out in cell.outputs] for cell in cells]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Notebooks run with forked kernels, and with new ones: folder and what was said of each.

    New kernels run the first alone, and all in `make weekly`.
    """
    place = tmp_path_factory.mktemp("runs")
    paths = [
        notebook(place / "good.ipynb", LOADED, SURROUNDINGS, PLOT, RANDOM),
        notebook(place / "again.ipynb", RANDOM),
        notebook(place / "fails.ipynb", "x = 1", "raise ValueError('no such crack')"),
        notebook(place / "dies.ipynb", "import os; os._exit(3)"),
        notebook(place / "stalls.ipynb", "import time; time.sleep(60)"),
        notebook(place / "large.ipynb", "block = bytearray(400_000_000); import time; time.sleep(1)"),
    ]
    said = {}
    for kind, options, chosen in (("forked", [], paths), ("new", ["--cold"], paths if WEEKLY else paths[:1])):
        call = command(*chosen, *options, "--timeout", 5, "--out", place / kind)
        done = subprocess.run(call, capture_output=True, text=True, check=False, env=ENVIRONMENT)
        assert done.returncode == (len(chosen) > 1), done.stdout + done.stderr
        said[kind] = done.stdout
    return place, said


def test_a_run_says_which_kernels_it_used(runs):
    _, said = runs
    assert said["forked"].startswith("forked kernels, ") and said["new"].startswith("new kernels, ")


def test_a_forked_kernel_has_the_libraries_loaded_and_is_otherwise_as_a_new_one(runs):
    place, _ = runs
    forked, new = (outputs(place / kind / "good.ipynb") for kind in ("forked", "new"))
    assert forked[0] == ["True True\n"] and new[0] == ["False False\n"]
    assert forked[1] == new[1] and "None" in forked[1][0]  # no TF_CPP_MIN_LOG_LEVEL of the server's
    assert sorted(map(str, forked[2])) == sorted(map(str, new[2])) == ["['image/png', 'text/plain']", "from C\n"]


def test_two_forked_kernels_draw_different_random_numbers(runs):
    place, _ = runs
    assert outputs(place / "forked" / "good.ipynb")[3] != outputs(place / "forked" / "again.ipynb")[0]


@pytest.mark.parametrize("kind", ["forked", "new"] if WEEKLY else ["forked"])
def test_errors_ends_and_memory_are_told_of_either_kind(runs, kind):
    table = runs[1][kind].split("\nnotebook ")[1].splitlines()
    row = {line.split()[0]: line for line in table if ".ipynb" in line}
    assert list(row) == [f"{name}.ipynb" for name in ("good", "again", "fails", "dies", "stalls", "large")]
    assert row["good.ipynb"].endswith("ok") and row["again.ipynb"].endswith("ok")
    assert row["fails.ipynb"].endswith("cell 2: ValueError: no such crack")
    assert "cell 1: " in row["dies.ipynb"] and "died" in row["dies.ipynb"]
    assert row["stalls.ipynb"].endswith("cell 1: stopped after 5 s")
    peaks = {name: float(line.split()[3]) for name, line in row.items()}
    assert 350 < peaks["large.ipynb"] - peaks["again.ipynb"] < 700


ENDS = [  # a kernel that is forked looks after its own end; one that is new is ended by the run
    pytest.param([], signal.SIGKILL, id="forked, killed"),
    pytest.param(["--cold"], signal.SIGINT, id="new, interrupted"),
    pytest.param([], signal.SIGINT, id="forked, interrupted"),
    pytest.param(["--cold"], signal.SIGKILL, id="new, killed"),
]


@pytest.mark.parametrize("options, end", ENDS if WEEKLY else ENDS[:2])
def test_no_kernel_outlives_its_run(tmp_path, options, end):
    path, pids = notebook(tmp_path / "endless.ipynb", ENDLESS), tmp_path / "pids.json"
    call = command(path, *options, "--out", tmp_path / "out")
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(call, preexec_fn=heed_interrupts, **quiet) as running:
        wait_until(pids.exists)
        kernel, child = (psutil.Process(pid) for pid in json.loads(pids.read_text(encoding="utf-8")))
        gone = (
            [kernel, child] if end == signal.SIGINT or not options else [kernel]
        )  # killed, a run can't end a new one's
        try:
            os.kill(running.pid, end)
            assert running.wait(timeout=60) != 0
            wait_until(lambda: resident(gone) == 0)
        finally:
            kill([running, kernel, child])


def heed_interrupts():
    """A shell starts what it puts into the background deaf to Ctrl-C, the tests in it, too."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def wait_until(condition, seconds=60):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit
        time.sleep(0.1)
