"""Which wall can stand round students' code on this computer: it is tried, and said, and never left out in silence.

bubblewrap is the wall where it starts. Elsewhere Landlock, which Linux enforces too, keeps a process from reading and
writing other files, with the holes that `HOLES` names.
"""

import shutil
import subprocess
import sys

from data_prework.files import PROJECT
from data_prework.manifest import default_data_dir
from helpers.course.grading.wall.bubblewrap import AVAILABLE, SHOWN, View, bubblewrap
from helpers.course.grading.wall.landlock import version
from helpers.errors import CourseError

BUBBLEWRAP, LANDLOCK, NONE = "bubblewrap", "landlock", "none"
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
open("/course/helpers/__init__.py").close()
os.listdir("/data")
assert os.getuid() != 0, "the program is root"
assert all(int(status[name], 16) == 0 for name in ("CapEff", "CapPrm", "CapInh", "CapBnd")), "it has capabilities"
assert len([name for name in os.listdir("/proc") if name.isdigit()]) < 6, "it sees other processes"
assert len(open("/proc/net/dev").readlines()) == 3, "it sees a network"
assert not os.path.exists("/etc/passwd") and not os.access("/", os.W_OK), "it sees or writes other folders"
"""


class NoWallError(CourseError, RuntimeError):
    """No wall can start on this computer; the message names the ways to get one."""


def why_not_bubblewrap() -> str:
    """Say why bubblewrap can't be the wall here, or nothing. It is tried, not guessed."""
    if not AVAILABLE:
        return "bubblewrap is for Linux"
    if missing := [name for name in ("bwrap", "setpriv", "prlimit") if not shutil.which(name)]:
        package = "bubblewrap" if missing == ["bwrap"] else "bubblewrap util-linux"
        return f"{', '.join(missing)} is not installed (apt install {package})"
    shown = PROJECT / SHOWN[0]
    data = default_data_dir()
    view = View(shown, data if data.is_dir() else shown, shown, shown)
    words = bubblewrap([sys.executable, "-I", "-c", TRIAL], view, {})
    try:
        done = subprocess.run(words, capture_output=True, encoding="utf-8", timeout=30, check=False)
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
