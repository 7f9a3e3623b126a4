"""A manager of kernels that run behind a wall: nbgrader stays outside and talks to them over sockets that are files."""

import os
import subprocess
import sys
from typing import Any

from jupyter_client.manager import AsyncKernelManager

from helpers.course.grading.kernel.folders import FIRST, Room
from helpers.course.grading.wall.bubblewrap import NOBODY, is_root
from helpers.course.grading.wall.choice import BUBBLEWRAP


def manager_for(room: Room) -> type[AsyncKernelManager]:
    """Return the class that nbclient makes its kernel with.

    Args:
        room: Where the kernel runs.
    """
    return type("RoomKernelManager", (_RoomKernelManager,), {"room": room})


class _RoomKernelManager(AsyncKernelManager):
    """Starts a kernel in its room; what the kernel writes to its own stdout and stderr goes nowhere."""

    room: Room

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.transport = "ipc"
        self.connection_file = str(self.room.sockets / "c.json")

    def format_kernel_cmd(self, extra_arguments: list[str] | None = None) -> list[str]:
        """The command, with the wall before it; as in jupyter_client's manager."""
        if self.room.wall == BUBBLEWRAP:
            self.kernel_spec.interrupt_mode = "message"  # a signal would end bubblewrap
            if self.room.sockets.stat().st_uid == NOBODY and is_root():
                os.chown(self.connection_file, NOBODY, NOBODY)
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", self.connection_file, *(extra_arguments or [])]
        first = [str(self.room.sockets / FIRST)]
        return self.room.start([*command, f"--IPKernelApp.exec_files={first!r}"])

    async def _async_launch_kernel(self, kernel_cmd: list[str], **options: Any) -> None:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        await super()._async_launch_kernel(kernel_cmd, **options | quiet)

    _launch_kernel = _async_launch_kernel
