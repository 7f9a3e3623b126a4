"""A process with its children: which they are, and the memory that they hold."""

import ctypes
import sys
from collections.abc import Iterable

import psutil

# environment of a process that shall compute in one thread, because another one has the other core
ONE_THREAD = dict.fromkeys(
    ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"
)


def family(pid: int | None) -> list[psutil.Process]:
    """The process and all below it; none where it has ended, or where `pid` is None."""
    try:
        process = psutil.Process(pid) if pid is not None else None
        return [process, *process.children(recursive=True)] if process else []
    except psutil.Error:
        return []


def adopt_orphans() -> None:
    """From now on processes below this one that lose their parent become its children, so none gets away (Linux)."""
    if sys.platform.startswith("linux"):
        set_child_subreaper = 36
        ctypes.CDLL(None).prctl(set_child_subreaper, 1, 0, 0, 0)


def resident(processes: Iterable[psutil.Process]) -> int:
    """Bytes of memory that they hold now; one that has just ended counts as 0."""
    held = 0
    for process in processes:
        try:
            held += process.memory_info().rss
        except psutil.Error:
            continue
    return held


def held(processes: Iterable[psutil.Process]) -> int:
    """Bytes of memory that they hold now, what several share counted once (Linux; elsewhere as in `resident`)."""
    taken = 0
    for process in processes:
        resident_alone = resident([process])
        try:
            shared_out = resident_alone > 100_000_000  # it takes milliseconds, so small ones go without
            taken += getattr(process.memory_full_info(), "pss", resident_alone) if shared_out else resident_alone
        except psutil.AccessDenied:
            taken += resident_alone
        except psutil.Error:
            continue
    return taken


def end(processes: Iterable[psutil.Process]) -> None:
    """Kill them; one that has ended already is left alone."""
    for process in processes:
        try:
            process.kill()
        except psutil.Error:
            continue
