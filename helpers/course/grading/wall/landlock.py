"""Landlock: which files a process may read and write from now on. It needs no privileges and no namespaces.

    python landlock.py OPTIONS COMMAND...      OPTIONS: JSON with listed, read and write (lists of paths) and nproc

The file is started by its path, in a Python without packages, so it imports nothing of the course.
"""

import ctypes
import json
import os
import pathlib
import struct
import sys

AVAILABLE = sys.platform == "linux"
CREATE, ADD, RESTRICT = 444, 445, 446  # numbers of Landlock's system calls, the same on every processor
READ = (1 << 0) | (1 << 2) | (1 << 3)  # execute, read a file, read a folder
WRITE = (1 << 1) | sum(1 << bit for bit in range(4, 13))
ON_FILES = (1 << 0) | (1 << 1) | (1 << 2) | (1 << 14)  # rights that make sense for a file that is no folder
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38


def version() -> int:
    """Return the version of Landlock that this computer has, 0 where it has none."""
    if not AVAILABLE:
        return 0
    return max(0, ctypes.CDLL(None, use_errno=True).syscall(CREATE, None, ctypes.c_size_t(0), 1))


def restrict(listed: list[str], read: list[str], write: list[str]) -> None:
    """Let this process and its children, for good, reach no other files, and no TCP (version 4 of Landlock).

    Args:
        listed: Folders in which, and below which, names may be seen.
        read: Files and folders that may be read and executed; what does not exist is left out.
        write: Those that may be written as well.

    Raises:
        OSError: There is no Landlock here, or it refuses.
    """
    libc, found = ctypes.CDLL(None, use_errno=True), version()
    if found < 1:
        raise OSError("this kernel has no Landlock")
    every = READ | WRITE | sum(1 << bit for bit, since in ((13, 2), (14, 3), (15, 5)) if found >= since)
    handled = struct.pack("QQQ", every, 3 if found >= 4 else 0, 3 if found >= 6 else 0)
    size = 24 if found >= 6 else 16 if found >= 4 else 8
    rules = _checked(libc.syscall(CREATE, handled, ctypes.c_size_t(size), 0), "a set of rules")
    for paths, rights in ((listed, 1 << 3), (read, READ), (write, every)):
        for path in filter(os.path.exists, paths):
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            allowed = rights if pathlib.Path(path).is_dir() else rights & ON_FILES
            _checked(libc.syscall(ADD, rules, 1, struct.pack("=Qi", allowed, place), 0), path)
            os.close(place)
    _checked(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")
    _checked(libc.syscall(RESTRICT, rules, 0), "the restriction")
    os.close(rules)


def drop_capabilities() -> None:
    """Give up root's capabilities, for good: with them `/proc` shows other processes' environments past Landlock."""
    libc = ctypes.CDLL(None, use_errno=True)
    for capability in range(64):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _checked(libc.capset(header, (ctypes.c_uint32 * 6)()), "capabilities")


def _checked(result: int, what: str) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())}", what)
    return result


def main(options: str, *command: str) -> None:
    """Become another program, behind Landlock.

    Args:
        options: JSON; see the module.
        command: The program, by its path, and its arguments.
    """
    import resource

    chosen = json.loads(options)
    resource.setrlimit(resource.RLIMIT_NPROC, (chosen["nproc"], chosen["nproc"]))
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)  # it ends with the grader
    if os.geteuid() == 0:
        drop_capabilities()
    restrict(chosen["listed"], chosen["read"], chosen["write"])
    os.execv(command[0], list(command))


if __name__ == "__main__":
    main(*sys.argv[1:])
