"""Finds what students handed in, under whatever name their browser, their disk or Colab gave it."""

import os
import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

DEEPEST = 3  # folders below a student's own that are looked into
SAME_TIME = 5.0  # seconds: files unpacked together have no order, their numbers have
LARGEST = 20_000_000  # bytes that are read to see whether a notebook without a name belongs to an assignment
ENDINGS = (".ipynb", ".ipynb.txt", ".ipynb.json")  # some mail programs and browsers add one
NUMBER = re.compile(r"(?:\((\d+)\)|-copy(\d+)|_copy(\d*))\s*$")


def shown(path: Path) -> str:
    """Return the name of a file or folder as text; bytes that are no UTF-8 (old zip files) stand as in "Jos\\xe9".

    Args:
        path: The file or folder.
    """
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")


def find_notebook(folder: Path, name: str, names: tuple[str, ...] = ()) -> tuple[Path | None, str]:
    """Find a student's notebook for an assignment: the newest of those that go by its name.

    "Copy of 01_explore.ipynb", "01_Explore (2).ipynb" and "01_explore_anna.ipynb" go by it; so does any notebook in a
    folder of that name, and, where there is none, one of another name that begins this assignment. Links are not
    followed.

    Args:
        folder: Of the student.
        name: Of the assignment.
        names: Of all assignments, so that 01_explore_b is not taken for 01_explore.

    Returns:
        The file, or None where there is none, and what to say about its place.

    Raises:
        OSError: The student's folder cannot be read.
    """
    longer = [other for other in names if other != name and goes_by(other, name)]
    there = list(_notebooks(folder)) if folder.is_dir() else []
    ours = [path for path in there if goes_by(path.name, name) and not any(goes_by(path.name, one) for one in longer)]
    if not ours:  # of another name, but in the assignment's folder
        inside = [path for path in there if any(goes_by(p, name) for p in path.relative_to(folder).parts[:-1])]
        ours = inside or [
            path for path in there if not any(goes_by(path.name, n) for n in names) and _begins(path, name)
        ]
    if ours:
        return _newest(ours, name)
    others = sorted({shown(path) for place in (folder, folder / name) if place.is_dir() for path in place.iterdir()})
    others = [other for other in others if other != name and not other.startswith(".")]
    return None, f"{name}.ipynb was not handed in" + (f"; there is {', '.join(others[:5])}" if others else "")


def goes_by(file: str, name: str) -> bool:
    """Return whether a file's name holds an assignment's, whatever its case, and signs between words.

    Args:
        file: Name of a file or folder.
        name: Of the assignment.

    Example:
        >>> goes_by("Copy of 01_Explore (1).ipynb", "01_explore"), goes_by("101_explore.ipynb", "01_explore")
        (True, False)
    """
    return re.search(rf"(?<![a-z0-9]){re.escape(_folded(name))}(?![a-z0-9])", _folded(file)) is not None


def _folded(text: str) -> str:
    return re.sub(r"[\s_\-–]+", "-", unicodedata.normalize("NFC", text).casefold())


def _notebooks(folder: Path, depth: int = 0) -> Iterator[Path]:
    """The notebooks in a folder and below it; a link to a file is among them, so that it can be refused by name."""
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__MACOSX")):
            continue
        if path.name.casefold().endswith(ENDINGS):
            yield path
        elif depth < DEEPEST and path.is_dir() and not path.is_symlink():
            yield from _notebooks(path, depth + 1)


def _begins(path: Path, name: str) -> bool:
    """Whether a notebook calls `assignment.start` with an assignment's name."""
    try:
        text = path.read_bytes() if path.is_file() and path.stat().st_size < LARGEST else b""
    except OSError:
        return False
    return re.search(rb"assignment\.start\([^)]{0,40}?" + re.escape(name).encode() + rb"\\?[\"']", text) is not None


def _newest(files: list[Path], name: str) -> tuple[Path, str]:
    times = {path: path.lstat().st_mtime for path in files}
    latest = [path for path in files if max(times.values()) - times[path] < SAME_TIME]
    chosen = max(latest, key=lambda path: (_number(path), -len(path.parts), path.name == f"{name}.ipynb"))
    said = [] if chosen.name == f"{name}.ipynb" else [f"{shown(chosen)} was taken as {name}.ipynb"]
    if len(files) > 1:
        others = ", ".join(shown(path) for path in files if path != chosen)
        said = said or [f"{shown(chosen)} was taken"]
        said.append(f"the newest of {len(files)} notebooks; there is also {others}")
    return chosen, ", ".join(said)


def _number(path: Path) -> int:
    stem = path.name.casefold().split(".ipynb")[0]
    match = NUMBER.search(stem)
    return int(next((n for n in match.groups() if n), 1)) if match else 0


def find_submissions(folder: Path, names: list[str]) -> list[tuple[str, str, Path | None, str]]:
    """Find what a class handed in.

    Args:
        folder: Holds one folder a student.
        names: Of the assignments; one that nobody handed in is left out.

    Returns:
        (student, assignment, notebook or None, note) for each student and assignment.

    Raises:
        NotADirectoryError: There is no such folder.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder; give the one that holds a folder for each student")
    students = sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__MACOSX"))
    )
    found = []
    for name in names:
        for path in students:
            try:
                if path.is_symlink():
                    row = (None, "the folder is a link to another one, which was not followed")
                else:
                    row = find_notebook(path, name, tuple(names))
                found.append((shown(path), name, *row))
            except OSError as error:
                found.append((shown(path), name, None, f"the folder cannot be read: {error.strerror}"))
    handed_in = {name for _, name, notebook, _ in found if notebook}
    return [row for row in found if row[1] in handed_in]


def loose_notebooks(folder: Path) -> list[str]:
    """Return the names of notebooks that lie beside the students' folders, so that nobody owns them.

    Args:
        folder: Holds one folder a student.
    """
    return sorted(shown(path) for path in folder.iterdir() if path.name.casefold().endswith(ENDINGS))
