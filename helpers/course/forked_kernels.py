"""Notebook kernels forked from a process that has the large libraries imported: half a second each, on Linux only.

The process is multiprocessing's fork server. It imports nothing of the course, so that a kernel finds its modules as
they are, and start-up scripts can change them before anybody has taken a name from them.
"""

import asyncio
import atexit
import contextlib
import os
import random
import signal
import sys
import threading
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from multiprocessing import forkserver, get_context, parent_process
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

from helpers.course.processes import ONE_THREAD

AVAILABLE = sys.platform == "linux"
LAUNCHER = "ipykernel_launcher"
# not tqdm.auto and matplotlib_inline's backend: they ask at import whether they are in a kernel
PRELOADED = (
    "ipykernel.kernelapp",
    "pandas",
    "matplotlib.pyplot",
    "seaborn",
    "scipy.stats",
    "scipy.ndimage",
    "sklearn.linear_model",
    "sklearn.model_selection",
    "sklearn.metrics",
    "PIL.Image",
    "keras",
    "tensorflow",
)
SERVER = ONE_THREAD | {"MPLBACKEND": "module://matplotlib_inline.backend_inline", "TF_CPP_MIN_LOG_LEVEL": "3"}


@contextlib.contextmanager
def forked_kernels() -> Iterator[None]:
    """Fork the kernels that this process starts meanwhile; one whose client has gone ends, with its processes."""
    factory = KernelProvisionerFactory.instance()
    usual = factory.default_provisioner_name
    factory.provisioners["forked"] = EntryPoint("forked", f"{__name__}:ForkedProvisioner", factory.GROUP_NAME)
    factory.default_provisioner_name = "forked"
    _start_server()
    try:
        yield
    finally:
        factory.default_provisioner_name = usual


class ForkedProvisioner(LocalProvisioner):
    """Starts a Python kernel by forking the server; any other one in the usual way."""

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> dict[str, Any]:
        if cmd[0] != sys.executable or LAUNCHER not in cmd:
            return await super().launch_kernel(cmd, **kwargs)
        self.cwd = str(kwargs.get("cwd") or Path.cwd())
        arguments = cmd[cmd.index(LAUNCHER) + 1 :]
        child = get_context("forkserver").Process(target=run_kernel, args=(arguments, dict(kwargs["env"]), self.cwd))
        await asyncio.to_thread(child.start)  # the first one waits until the server has its imports
        self.process = ForkedProcess(child)
        self.pid = self.pgid = child.pid
        return self.connection_info


class ForkedProcess:
    """What jupyter_client uses of subprocess.Popen, for a process of multiprocessing."""

    stdin = stdout = stderr = None

    def __init__(self, process: BaseProcess):
        self.process, self.pid = process, process.pid

    def poll(self) -> int | None:
        return self.process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self.process.join(timeout)
        if self.process.exitcode is None:
            raise TimeoutExpired("kernel", timeout)
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        if self.process.exitcode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.process.terminate()

    def kill(self) -> None:
        self.process.kill()


def run_kernel(arguments: list[str], environment: dict[str, str], folder: str) -> None:
    """In the forked process: be the kernel that a new interpreter would be with these arguments."""
    os.setsid()
    threading.Thread(target=_end_with_client, daemon=True).start()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = [f"{LAUNCHER}.py", *arguments]

    import numpy
    import pandas
    from ipykernel.kernelapp import IPKernelApp

    random.seed()
    numpy.random.seed()
    pandas.set_option("display.max_columns", 20)  # outside of a kernel, where it was imported, it is another
    try:
        IPKernelApp.launch_instance(argv=arguments, parent_handle=os.getppid())
    finally:
        atexit._run_exitfuncs()  # a process of multiprocessing leaves them out, such as those of temporary folders


def _end_with_client() -> None:
    wait([parent_process().sentinel])
    os.killpg(0, signal.SIGKILL)


def _start_server() -> None:
    """Start it without standard error, on which TensorFlow's libraries write while they load."""
    forkserver.set_forkserver_preload(list(PRELOADED))
    environment = dict(os.environ)
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.environ.update(SERVER)
    os.dup2(nowhere, 2)
    try:
        forkserver.ensure_running()
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
        os.environ.clear()
        os.environ.update(environment)
