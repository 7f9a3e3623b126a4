"""Plugin for nbval: its kernels are forked, each with one thread where several workers share the cores.

python -m pytest -p tests.notebooks.forked_nbval --nbval-lax ...       --cold starts each kernel anew
"""

import contextlib
import os

from helpers.course.forked_kernels import AVAILABLE, forked_kernels
from helpers.course.processes import ONE_THREAD


def pytest_addoption(parser):
    parser.addoption("--cold", action="store_true", help="start every kernel anew instead of forking it")


def pytest_configure(config):
    worker = hasattr(config, "workerinput")
    if worker:
        os.environ.update(ONE_THREAD)
    if AVAILABLE and not config.getoption("cold") and (worker or not config.getoption("numprocesses", None)):
        stack = contextlib.ExitStack()
        stack.enter_context(forked_kernels())
        config.add_cleanup(stack.close)


def pytest_terminal_summary(terminalreporter, config):
    kind = "new" if config.getoption("cold") or not AVAILABLE else "forked"
    terminalreporter.write_line(f"{kind} kernels")
