"""The wall round a kernel: what bubblewrap shows it, what it may use, and whether a wall can start on this computer.

bubblewrap (`bwrap`) starts a program in namespaces of its own: it sees the folders that are named here and nothing else,
has no network, and all that it started ends with it. Where bubblewrap can't start, Landlock, which the kernel enforces
too, keeps a process from reading and writing other files, with the holes that `HOLES` names.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import psutil

from data_prework.files import PROJECT
from helpers.course.grading.landlock import version
from helpers.errors import CourseError

BUBBLEWRAP, LANDLOCK, NONE = "bubblewrap", "landlock", "none"
SHOWN = ("helpers", "data_prework")  # of the project; neither holds a solution
ETC = ("ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "fonts", "localtime", "nsswitch.conf")
PROCESSES = 400  # threads and processes of one kernel; TensorFlow alone takes up to a hundred
OWN_MB = 512  # of the working folder and of /tmp each: files in memory that end with the kernel
NOBODY = 65534  # what root becomes behind the wall
HOLES = (
    "see the names, sizes and dates of your files, and which programs run",
    "send over UDP, and talk to local services that listen on a file, such as Docker",
    "fill the disk",
)
NO_WALL = """no wall can be put round the students' code here: {why}. Nothing was graded.
Ways to grade safely:
- a Linux virtual machine: on macOS and Windows (WSL 2) as well; then `apt install bubblewrap`
- Ubuntu 24.04 or newer: the profile bwrap-userns-restrict (`apt install apparmor-profiles`, then copy it from
  /usr/share/apparmor/extra-profiles to /etc/apparmor.d and load it with `apparmor_parser -r`)
- a container without a network, from which you keep solutions, other submissions and your own files away
Only for students whom you trust with your account: make grade UNPROTECTED=1, or --unprotected"""

# What a wall must hold before anything is graded behind it; run behind it, in a Python without packages.
TRIAL = """
import os
os.stat("/etc/ld.so.cache")
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
assert os.getuid() != 0, "the program is root"
assert all(int(status[name], 16) == 0 for name in ("CapEff", "CapPrm", "CapInh", "CapBnd")), "it has capabilities"
assert len([name for name in os.listdir("/proc") if name.isdigit()]) < 6, "it sees other processes"
assert len(open("/proc/net/dev").readlines()) == 3, "it sees a network"
assert not os.path.exists("/etc/passwd") and not os.access("/", os.W_OK), "it sees or writes other folders"
"""


class NoWallError(CourseError, RuntimeError):
    """No wall can start on this computer; the message names the ways to get one."""


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
        Words for `subprocess.Popen`. Inside are /course (the code of the course), /data, /student (its own), /handed_in.

    Example:
        >>> here = Path(".")
        >>> bubblewrap(["true"], View(here, here, here, here), {})[-1]
        'true'
    """
    root = os.geteuid() == 0
    words = ["bwrap", "--die-with-parent", "--new-session", "--clearenv", "--hostname", "grader"]
    words += _namespaces(root, view.trusted)
    words += ["--proc", "/proc", "--dev", "/dev"]
    for place, mb in (("/tmp", OWN_MB), ("/dev/shm", 64), ("/student", OWN_MB)):
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
    for place in sorted({above for place in places for above in place.parents} - {Path("/"), Path("/tmp")}):
        words += ["--perms", "0755", "--dir", str(place)]  # bubblewrap's own would be closed to all but root
    for place in map(Path, ("/usr", "/lib", "/lib64", "/bin", "/sbin")):
        if place.is_symlink():
            words += ["--symlink", os.readlink(place), str(place)]
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


def threads() -> int:
    """Return how many threads this user runs now."""
    own = os.getuid()
    found = psutil.process_iter(["uids", "num_threads"])
    return sum(one.info["num_threads"] or 0 for one in found if one.info["uids"] and one.info["uids"].real == own)


@cache
def _options() -> str:
    done = subprocess.run(["bwrap", "--help"], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def why_not_bubblewrap() -> str:
    """Say why bubblewrap can't be the wall here, or nothing. It is tried, not guessed."""
    if not sys.platform.startswith("linux"):
        return "bubblewrap is for Linux"
    if missing := [name for name in ("bwrap", "setpriv", "prlimit") if not shutil.which(name)]:
        package = "bubblewrap" if missing == ["bwrap"] else "bubblewrap util-linux"
        return f"{', '.join(missing)} is not installed (apt install {package})"
    view = View(*[PROJECT / SHOWN[0]] * 4)
    words = bubblewrap([sys.executable, "-I", "-c", TRIAL], view, {})
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not start: {error}"
    said = (done.stderr.strip().splitlines() or ["it ended"])[-1][-200:]
    return "" if done.returncode == 0 else f"bubblewrap does not start: {said}"


def choose_wall(unprotected: bool = False) -> tuple[str, str]:
    """Find the wall that can stand on this computer.

    Args:
        unprotected: Whether to do without one.

    Returns:
        Its name (`BUBBLEWRAP`, `LANDLOCK` or `NONE`), and the sentence that says what it keeps.

    Raises:
        NoWallError: There is none, and `unprotected` was not asked for.
    """
    if unprotected:
        return NONE, "wall: NONE (--unprotected). Students' code runs as you: it can read and change what you can."
    if not (why := why_not_bubblewrap()):
        return BUBBLEWRAP, "wall: bubblewrap. Students' code sees the course and its data, no other file, no network."
    if version() >= 1:
        holes = "; ".join([*HOLES, *_older_holes()])
        return LANDLOCK, f"wall: Landlock, with holes, because {why}. Students' code can still: {holes}."
    raise NoWallError(NO_WALL.format(why=why))


def _older_holes() -> list[str]:
    """What the Landlock of an older Linux leaves open on top."""
    found = version()
    older = ["open connections"] if found < 4 else []
    return older + (["end your other programs"] if found < 6 else [])
