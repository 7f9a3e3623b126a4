"""The project's root, and files that are either the old one or the new one, never half of it."""

import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROJECT = next(
    (folder for folder in Path(__file__).resolve().parents if (folder / "pyproject.toml").is_file()),
    Path(__file__).resolve().parents[1],
)


@contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """Where to write the new content of a file: a hidden name beside it, with the same ending.

    Leaving the block renames it over the file. After an error in the block, or a failing rename, the new file is
    removed and the old one is as it was. The folder must exist.

    Args:
        path: of the file. A link is followed: its target changes and the link stays. "-" is the standard output, which
            gets the content, UTF-8 text, when the block ends.

    Raises:
        OSError: the path is a folder, a pipe or a device, which a rename would replace; the message names it.

    Example:
        >>> from tempfile import mkdtemp
        >>> table = Path(mkdtemp()) / "table.csv"
        >>> with atomic_write(table) as new:
        ...     _ = new.write_text("a,b")
        >>> table.read_text()
        'a,b'
    """
    if str(path) == "-":
        with tempfile.TemporaryDirectory() as folder:
            yield (new := Path(folder) / "output")
            with new.open(encoding="utf-8", newline="") as file:
                shutil.copyfileobj(file, sys.stdout)
            sys.stdout.flush()
        return
    target = Path(path).resolve() if Path(path).is_symlink() else Path(path)
    _check_target(Path(path), target)
    first, *rest = target.name.split(".")
    new = target.with_name(".".join([f".{first}-{os.getpid()}", *rest]))
    try:
        yield new
        with new.open("rb+") as file:
            os.fsync(file.fileno())  # on the disk before the name, should the power fail
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)


def shown_path(path: Path) -> str:
    """A path for a report: from the working directory where it lies in the project's folder, else whole.

    Example:
        >>> shown_path(Path("/elsewhere/leaves"))
        '/elsewhere/leaves'
    """
    return os.path.relpath(path) if Path(path).resolve().is_relative_to(PROJECT) else str(path)


def free_gb(folder: Path | str) -> float:
    """Free space in GB on the disk where a folder is, or would be made.

    Example:
        >>> free_gb("no/such/folder/yet") > 0
        True
    """
    return shutil.disk_usage(_existing(Path(folder))).free / 2**30


def why_not_writable(folder: Path | str, gb: float = 0.1) -> str:
    """Why no files can be put into a folder that may not exist yet; "" where they can.

    Args:
        folder: nothing stays in it, and it isn't made.
        gb: free space in GB that it needs.

    Example:
        >>> why_not_writable(".", gb=10**6).startswith(".: only ")
        True
    """
    place = _existing(Path(folder))
    try:
        if place.is_dir():
            with tempfile.TemporaryFile(dir=place):
                pass
        else:
            return f"{folder}: not writable ({place} is a file)"
    except OSError as error:
        return f"{folder}: not writable ({error.strerror})"
    free = free_gb(place)
    return f"{folder}: only {1024 * free:.0f} MB free, {1024 * gb:.0f} MB needed" if free < gb else ""


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    folder = folder.expanduser().absolute()
    return next(place for place in (folder, *folder.parents) if place.exists())


def _check_target(path: Path, target: Path) -> None:
    """Refuse what a rename would replace although it is no file."""
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISREG(mode):
        return
    kinds = ((stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"), (stat.S_ISSOCK, "a socket"))
    kind = next((words for test, words in kinds if test(mode)), "a device")
    raise OSError(f"{path}: {kind}, not a file; give the name of a file, or - for the standard output")
