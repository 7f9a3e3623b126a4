"""What students handed in: found, read with care, and with the released cells put back in their places."""

import json
import os
import uuid
from copy import deepcopy
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from helpers.assignment import plain
from helpers.course.grading.cells import NAME, grade_id
from helpers.errors import CourseError


def shown(path: Path) -> str:
    """Return the name of a file or folder as text; bytes that are no UTF-8 (old zip files) stand as in "Jos\\xe9".

    Args:
        path: The file or folder.
    """
    return os.fsencode(path.name).decode("utf-8", "backslashreplace")


def find_notebook(folder: Path, name: str) -> tuple[Path | None, str]:
    """Find a student's notebook for an assignment.

    Args:
        folder: Of the student.
        name: Of the assignment.

    Returns:
        The file, or None where there is none, and what to say about its place.

    Raises:
        OSError: The student's folder cannot be read.
    """
    for place in (folder / name, folder):
        if (exact := place / f"{name}.ipynb").exists() or exact.is_symlink():
            return exact, ""
    alike = sorted({*folder.glob(f"{name}*.ipynb"), *(folder / name).glob("*.ipynb")})
    if alike:
        said = f"{shown(alike[0])} was taken as {name}.ipynb"
        return alike[0], said + (f", of {len(alike)} notebooks" if len(alike) > 1 else "")
    others = sorted(shown(path) for place in (folder, folder / name) if place.is_dir() for path in place.iterdir())
    others = [other for other in others if other != name and not other.startswith(".")]
    return None, f"{name}.ipynb was not handed in" + (f"; there is {', '.join(others[:5])}" if others else "")


def find_submissions(folder: Path, names: list[str]) -> list[tuple[str, str, Path | None, str]]:
    """Find what a class handed in.

    Args:
        folder: Holds one folder a student.
        names: Of the assignments; one that nobody handed in is left out.

    Returns:
        (student, assignment, notebook or None, note) for each student and assignment.
    """
    students = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    found = []
    for name in names:
        for path in students:
            try:
                found.append((shown(path), name, *find_notebook(path, name)))
            except OSError as error:
                found.append((shown(path), name, None, f"the folder cannot be read: {error.strerror}"))
    handed_in = {name for _, name, notebook, _ in found if notebook}
    return [row for row in found if row[1] in handed_in]


class UnreadableError(CourseError, ValueError):
    """A submission that cannot be graded at all; the message is for the note."""


def read_submission(path: Path, max_mb: float) -> NotebookNode:
    """Read a notebook in today's format, whatever is in the file.

    Args:
        path: The file.
        max_mb: The largest size in MB.

    Returns:
        The notebook, with an id in every cell.

    Raises:
        UnreadableError: It is no notebook; the message says why.
    """
    name = shown(path)
    try:
        if path.is_symlink() or not path.is_file():
            raise UnreadableError(f"{name} is not a file")
        if path.stat().st_size > max_mb * 1e6:
            raise UnreadableError(f"{name} is larger than {max_mb:g} MB: clear its outputs and hand it in again")
        text = path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"{name} cannot be read: {error.strerror}") from None
    try:
        raw = json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise UnreadableError(f"{name} is not a notebook: its text is not JSON") from None
    if not isinstance(raw, dict) or "nbformat" not in raw or not ("cells" in raw or "worksheets" in raw):
        raise UnreadableError(f"{name} is not a notebook: it is JSON without cells")
    cells = raw.get("cells", [])
    if not isinstance(cells, list) or not all(isinstance(cell, dict) for cell in cells):
        raise UnreadableError(f"{name} is not a notebook that can be read: its cells are damaged")
    try:
        notebook = nbformat.reads(json.dumps(raw), as_version=4)
        notebook.nbformat_minor = max(5, notebook.nbformat_minor)
        for cell in notebook.cells:
            cell.setdefault("id", uuid.uuid4().hex[:8])
        nbformat.validate(notebook)
    except Exception as error:
        why = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
        raise UnreadableError(f"{name} is not a notebook that can be read ({why})") from None
    return notebook


def restore(notebook: NotebookNode, released: NotebookNode) -> list[str]:
    """Put back, in place, the released cells that were changed or deleted.

    nbgrader's own steps DeduplicateIds and OverwriteCells run after this, on what they can read. They know no cell that
    lost its metadata, keep the last of several copies, put back tests alone, and stop where the answer before a test is
    gone as well or where the metadata are damaged.

    Args:
        notebook: The submission; it is changed.
        released: The students' version that was handed out.

    Returns:
        Sentences for the note: what was changed, and what was deleted.
    """
    known = {cell.metadata.nbgrader.grade_id: cell for cell in released.cells if "nbgrader" in cell.metadata}
    by_id = {cell.id: name for name, cell in known.items()}
    found: dict[str, NotebookNode] = {}
    changed = []
    for cell in notebook.cells:
        name = grade_id(cell)
        name = name if name in known else by_id.get(cell.metadata.get("id", cell.id))
        cell.metadata.pop("nbgrader", None)
        if name is None or name in found:
            continue
        original = known[name]
        meta = original.metadata.nbgrader
        locked = meta.locked and not meta.solution
        if locked and cell.source.strip() != original.source.strip():
            changed.append(name)
        if locked or cell.cell_type != original.cell_type:
            text = original.source if locked else cell.source
            cell_id = cell.id
            cell.clear()
            cell.update(deepcopy(original), source=text, id=cell_id)
        cell.metadata["nbgrader"] = deepcopy(meta)
        found[name] = cell
    missing, place = [name for name in known if name not in found], 0
    for name, original in known.items():
        if name in found:
            place = 1 + next(i for i, cell in enumerate(notebook.cells) if cell is found[name])
        else:
            notebook.cells.insert(place, deepcopy(original))
            place += 1
    _make_ids_unique(notebook)
    said = [f"changed and put back: {', '.join(changed)}"] if changed else []
    return said + ([f"deleted and put back: {', '.join(missing)}"] if missing else [])


def _make_ids_unique(notebook: NotebookNode) -> None:
    seen = set()
    for cell in notebook.cells:
        if cell.id in seen:
            cell.id = uuid.uuid4().hex[:8]
        seen.add(cell.id)


def settle_name(notebook: NotebookNode, student: str, name_from: str) -> list[str]:
    """See to it that the notebook names a student: the one that was typed, or else the folder's.

    Args:
        notebook: The submission; it is changed.
        student: Name of its folder.
        name_from: "cell" or "folder": which of the two decides the numbers.

    Returns:
        Sentences for the note.
    """
    cell = next(c for c in notebook.cells if grade_id(c) == "name")
    match = NAME.search(cell.source)
    typed = match["name"] if match else ""
    said = []
    if plain(typed) != plain(student):
        said.append(
            f"the notebook names {typed!r}" if typed else "the notebook names nobody, so the folder's name was used"
        )
    if name_from == "folder" or not plain(typed):
        cell.source = f"STUDENT = {student!r}"
    return said
