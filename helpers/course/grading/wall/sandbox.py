"""The watch over a student's code while it is graded: an audit hook in the kernel that refuses and reports.

It stops mistakes and simple mischief with a message: writing or deleting elsewhere, reading the solutions, opening
connections, printing without end. It is no wall: code that calls the operating system through compiled libraries, or
that takes Python's own modules apart, passes by it. The walls are `bubblewrap` and `landlock`, beside this module;
behind them the watch is there for what the note says. The kernel's first lines call `install`.
"""

import contextlib
import json
import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
# Audit event -> which of its arguments are paths that change.
CHANGES = {
    "os.remove": (0,),
    "os.rename": (0, 1),
    "os.mkdir": (0,),
    "os.rmdir": (0,),
    "os.link": (0, 1),
    "os.symlink": (1,),
    "os.truncate": (0,),
    "os.chmod": (0,),
    "os.chown": (0,),
    "os.utime": (0,),
    "shutil.rmtree": (0,),
    "shutil.move": (0, 1),
    "sqlite3.connect": (0,),
}
KILLS = "end a process"
REFUSED = {
    "subprocess.Popen": "start a program",
    "os.system": "start a program",
    "os.exec": "start a program",
    "os.posix_spawn": "start a program",
    "os.spawn": "start a program",
    "os.startfile": "start a program",
    "os.fork": "start a process",
    "os.forkpty": "start a process",
    "pty.spawn": "start a program",
    "os.kill": KILLS,
    "os.killpg": KILLS,
    "socket.connect": "open a connection",
    "socket.sendto": "open a connection",
}
HARMLESS = {os.path.realpath(os.devnull), "/dev/tty", ":memory:"}


def install(
    allowed: Iterable[str],
    readable: Iterable[str],
    hidden: Iterable[str],
    report: str,
    memory_gb: float,
    printed_mb: float,
    file_mb: float,
    harmless: Iterable[str] = (),
    copied: Mapping[str, str] | None = None,
) -> None:
    """Begin to watch this process, for good.

    Args:
        allowed: Folders in which it may write.
        readable: Folders that it may read although they are hidden.
        hidden: Folders that it may not read, unless they are readable or allowed.
        report: File that gets one line of JSON for each refusal.
        memory_gb: Memory in GB; the address space that TensorFlow may reserve comes on top of it.
        printed_mb: MB that one cell may print.
        file_mb: MB of the largest file that it may write.
        harmless: What is not refused although it stands in `REFUSED`, by its words, because a wall keeps it harmless.
        copied: Folder -> the folder of its own that gets a copy.
    """
    for source, place in (copied or {}).items():
        Path(place).mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):  # what cannot be read is missing there
            shutil.copytree(source, place, dirs_exist_ok=True)
    _limit_output(printed_mb)
    _limit_process(memory_gb, file_mb)
    allowed = tuple(_folder(path) for path in allowed)
    readable, hidden = tuple(map(_folder, readable)), tuple(map(_folder, hidden))
    lines = os.open(report, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    told: set[str] = set()
    # The student's code runs in this process too and can replace whatever has a name in a module: keep what is there.
    writing, changes, silent, sep = WRITING, dict(CHANGES), frozenset(HARMLESS), os.sep
    refused = {event: what for event, what in REFUSED.items() if what not in set(harmless)}
    realpath, fsdecode, isdir, write, dumps = os.path.realpath, os.fsdecode, os.path.isdir, os.write, json.dumps
    is_a, number, count, refusal = isinstance, int, len, PermissionError

    def refuse(what: str) -> None:
        if what not in told and count(told) < 20:
            told.add(what)
            write(lines, (dumps(what) + "\n").encode())
        raise refusal(f"An exercise may not {what}.")

    def longest(place: str, folders: tuple[str, ...]) -> int:
        found = 0
        for folder in folders:
            if (place + sep).startswith(folder) and count(folder) > found:
                found = count(folder)
        return found

    def check(path, writes: int) -> None:
        if is_a(path, number) or path is None:
            return
        place = realpath(fsdecode(path))
        own, secret = longest(place, allowed), longest(place, hidden)
        if place in silent or own > secret:  # the narrower of two folders decides
            return
        name = place.rpartition(sep)[2]
        if writes:
            refuse(f"write outside its own folder ({name or place})")
        if secret > longest(place, readable):
            refuse(f"read the grader's files ({name})")

    def hook(event: str, arguments: tuple) -> None:
        if event == "open":
            path, _, flags = arguments
            check(path, flags & writing)
        elif event in changes:
            if event == "os.mkdir" and isdir(arguments[0]):
                return  # changes nothing; libraries do it to make sure that a folder is there
            for position in changes[event]:
                check(arguments[position], 1)
        elif event in ("os.listdir", "os.scandir"):
            check(arguments[0], 0)
        elif event in refused:
            refuse(refused[event])

    sys.addaudithook(hook)


def _folder(path: str) -> str:
    return os.path.realpath(path).rstrip(os.sep) + os.sep


def _limit_process(memory_gb: float, file_mb: float) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; the grader's watch over the memory remains
        return
    limits = {"AS": int((memory_gb + 12) * 2**30), "FSIZE": int(file_mb * 1e6), "CORE": 0}
    for limit, value in ((getattr(resource, f"RLIMIT_{name}"), value) for name, value in limits.items()):
        hard = resource.getrlimit(limit)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (value, value))


def _limit_output(printed_mb: float) -> None:
    from ipykernel.iostream import OutStream
    from IPython import get_ipython

    write, left = OutStream.write, [printed_mb * 1e6]

    def counted(stream, text):
        left[0] -= len(text)
        if left[0] < 0:
            raise RuntimeError(f"This cell printed more than {printed_mb:g} MB. Is there a loop without an end?")
        return write(stream, text)

    def begin(*_):
        left[0] = printed_mb * 1e6

    OutStream.write = counted
    get_ipython().events.register("pre_run_cell", begin)
