"""The command that puts bubblewrap round a program: what it sees, and what it may use.

bubblewrap (`bwrap`) starts a program in namespaces of its own: it sees the folders that are named here and nothing
else, has no network, and all that it started ends with it.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from data_prework.files import PROJECT

AVAILABLE = sys.platform == "linux"
SHOWN = ("helpers", "data_prework")  # of the project; neither holds a solution
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime", "nsswitch.conf")
PROCESSES = 400  # threads and processes of one kernel; TensorFlow alone takes up to a hundred
OWN_MB = 512  # of the working folder and of /tmp each: files in memory that end with the kernel
SHARED_MEMORY = str(Path("/dev", "shm"))
NOBODY = 65534  # what root becomes behind the wall


@dataclass(frozen=True)
class View:
    """What a kernel sees and may use.

    `trusted` is for the solution, the instructor's own: it may write into the data folder and the fonts' cache.
    """

    sockets: Path  # shared with the grader: the connection file, the sockets, and the list of refusals
    data: Path
    folder: Path  # files that lie beside the notebook; the kernel gets a copy
    fonts: Path
    memory_gb: float = 4.0
    seconds: float = 600.0
    file_mb: float = 200.0
    trusted: bool = False


def bubblewrap(command: list[str], view: View, environment: dict[str, str]) -> list[str]:
    """Return the command that starts another one behind bubblewrap.

    Args:
        command: A program with its arguments.
        view: What it sees.
        environment: All of its variables.

    Returns:
        Words for `subprocess.Popen`. Inside are /course (the course's code), /data, /student (its own), /handed_in.

    Example:
        >>> here = Path(".")
        >>> bubblewrap(["true"], View(here, here, here, here), {})[-1]
        'true'
    """
    root = is_root()
    words = ["bwrap", "--die-with-parent", "--new-session", "--clearenv", "--hostname", "grader"]
    words += _namespaces(root, view.trusted)
    words += ["--proc", "/proc", "--dev", "/dev"]
    for place, mb in (("/tmp", OWN_MB), (SHARED_MEMORY, 64), ("/student", OWN_MB)):
        words += ["--perms", "1777", "--size", str(mb << 20), "--tmpfs", place]
    words += _folders(view)
    words += ["--remount-ro", "/dev", "--remount-ro", "/"]  # else each is a file system of half the memory
    words += ["--chdir", "/student"]
    for name, value in environment.items():
        words += ["--setenv", name, value]
    dropped = ["--bounding-set=-all", "--inh-caps=-all", "--no-new-privs"]
    if root and not view.trusted:
        words += ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *dropped]
    elif root:
        words += ["setpriv", *dropped]
    return [*words, "prlimit", *_limits(view, root), "--", *command]


def _namespaces(root: bool, trusted: bool) -> list[str]:
    """New namespaces, and no capability in them; as root those stay that the change to another user needs."""
    if not root:
        nested = ["--disable-userns"] if "--disable-userns" in _options() else []
        return ["--unshare-all", "--unshare-user", *nested, "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL"]
    # a user namespace would leave root the owner of what root owns outside
    words = [f"--unshare-{name}" for name in ("ipc", "pid", "net", "uts", "cgroup-try")] + ["--cap-drop", "ALL"]
    return words + [word for name in ("SETUID", "SETGID", "SETPCAP") for word in ("--cap-add", f"CAP_{name}")]


def _folders(view: View) -> list[str]:
    """The folders that are seen, each read-only but the one of the sockets."""
    python = {Path(sys.prefix), Path(sys.base_prefix), Path(os.path.realpath(sys.base_prefix))}
    python = sorted(path for path in python if not path.is_relative_to("/usr"))
    shown = [(path, path) for path in python] + [(PROJECT / name, Path("/course", name)) for name in SHOWN]
    shown += [(view.folder, Path("/handed_in"))]
    kept = [(view.data, Path("/data")), (view.fonts, Path("/fonts"))]
    etc = [Path("/etc", name) for name in ETC]
    places = [place for _, place in [*shown, *kept]] + [view.sockets, *etc]
    words = []
    for above in sorted({above for place in places for above in place.parents} - {Path("/"), Path("/tmp")}):
        words += ["--perms", "0755", "--dir", str(above)]  # bubblewrap's own would be closed to all but root
    for place in map(Path, ("/usr", "/lib", "/lib64", "/bin", "/sbin")):
        if place.is_symlink():
            words += ["--symlink", str(place.readlink()), str(place)]
        elif place.is_dir():
            words += ["--ro-bind", str(place), str(place)]
    for place in etc:
        words += ["--ro-bind-try", str(place), str(place)]
    for source, place in shown:
        words += ["--ro-bind", str(source), str(place)]
    for source, place in kept:
        words += ["--bind" if view.trusted else "--ro-bind", str(source), str(place)]
    return [*words, "--bind", str(view.sockets), str(view.sockets)]


def _limits(view: View, root: bool) -> list[str]:
    """Limits of each process, as `prlimit` takes them. Memory is watched from outside too: this one is per process."""
    own = 0 if root else threads()  # older kernels count what the user runs outside as well
    limits = {"nproc": PROCESSES + own, "fsize": int(view.file_mb * 1e6), "core": 0, "nofile": 1024}
    limits |= {"as": int((view.memory_gb + 12) * 2**30), "cpu": int((os.cpu_count() or 1) * view.seconds + 60)}
    return [f"--{name}={value}:{value}" for name, value in limits.items()]


def is_root() -> bool:
    """Return whether this process runs as root."""
    return AVAILABLE and os.geteuid() == 0


def threads() -> int:
    """Return how many threads this user runs now."""
    own = os.getuid()
    found = psutil.process_iter(["uids", "num_threads"])
    return sum(one.info["num_threads"] or 0 for one in found if one.info["uids"] and one.info["uids"].real == own)


@cache
def _options() -> str:
    done = subprocess.run(["bwrap", "--help"], capture_output=True, encoding="utf-8", check=False)
    return done.stdout + done.stderr
