"""What a student's code leaves in the folder of the sockets: it can write there, so all of it is read with care."""

import json
import os
import stat

from helpers.course.grading.kernel.folders import FIRST, REPORT, Room

LONGEST_REPORT, MOST_SHARED = 10_000, 100_000  # bytes


def refusals(room: Room) -> list[str]:
    """Read what the watch in the kernel refused. The student's code can write there too, so it is read with care.

    Args:
        room: As from `prepare_kernel`.

    Returns:
        Sentences for the note.
    """
    try:
        file = os.open(room.sockets / REPORT, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(file, "rb") as opened:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                raise OSError("no file")
            lines = opened.read(LONGEST_REPORT).decode("utf-8", "replace").splitlines()
        said = [json.loads(line) for line in lines]
    except (OSError, ValueError):
        return ["the list of what was refused was removed or changed"]
    said = ["".join(c for c in str(one) if c.isprintable())[:200] for one in said]
    return [f"refused: to {one}" for one in said[:20]]


def littered(room: Room) -> str:
    """Say what is wrong in the folder of the sockets, which the student's code can write, or nothing.

    Args:
        room: As from `prepare_kernel`.
    """
    size = 0
    try:
        for entry in os.scandir(room.sockets):
            if not entry.name.startswith(("c.json", "c-ipc-", FIRST, REPORT)) or entry.is_symlink() or entry.is_dir():
                return "it changed the folder through which the grader talks to it"
            size += entry.stat(follow_symlinks=False).st_size
    except OSError:
        return ""  # a file that has just gone
    return "it filled the folder through which the grader talks to it" if size > MOST_SHARED else ""
