"""Modules of a student's own beside the notebook: they are used, or the note says why not."""

import ast
import contextlib
import hashlib
import importlib.util
import sys
from collections.abc import Iterable
from pathlib import Path

from nbformat import NotebookNode

LARGEST = 1_000_000  # bytes of a module
MOST = 50  # modules
RECORD = "modules.sha256"  # in a submission's work folder: which modules it was graded with


def bring_modules(file: Path, notebook: NotebookNode, to: Path, work: Path) -> list[str]:
    """Copy the modules beside a notebook to where its kernel runs, and see whether all that it imports is there.

    A module with the name of an installed one stays away: it would take that one's place in the tests as well.

    Args:
        file: The notebook that was handed in.
        notebook: Its content.
        to: The kernel's working folder.
        work: Of the submission; it gets a record of the modules.

    Returns:
        Sentences for the note.
    """
    beside = _beside(file)
    imported = _imported(cell.source for cell in notebook.cells if cell.cell_type == "code")
    imported |= _imported(content.decode("utf-8", "replace") for content in beside.values())
    taken = {name for name in {Path(name).parts[0].removesuffix(".py") for name in beside} if _is_installed(name)}
    for name, content in beside.items():
        if Path(name).parts[0].removesuffix(".py") not in taken:
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            (to / name).write_bytes(content)
    (work / RECORD).write_text(_digest(beside), encoding="utf-8")
    there = {Path(name).parts[0].removesuffix(".py") for name in beside}
    used, absent = sorted(imported & there - taken), sorted(n for n in imported - there if not _is_installed(n))
    said = [f"own modules were used: {', '.join(used)}"] if used else []
    if hides := sorted(imported & taken):
        said.append(f"left out, because an installed module has that name: {', '.join(f'{n}.py' for n in hides)}")
    return said + ([f"imports what is neither installed nor handed in: {', '.join(absent[:5])}"] if absent else [])


def modules_changed(file: Path, work: Path) -> bool:
    """Return whether the modules beside a notebook are others than when it was graded.

    Args:
        file: The notebook that was handed in.
        work: Of the submission.
    """
    record = work / RECORD
    return record.is_file() and record.read_text(encoding="utf-8") != _digest(_beside(file))


def _beside(file: Path) -> dict[str, bytes]:
    """Modules, and those of packages, beside a notebook, by their place; no links, and none that cannot be read."""
    found = {}
    places = _listed(file.parent)
    inside = [one for path in places if path.is_dir() and path.name.isidentifier() for one in _listed(path)]
    for path in (*places, *inside):
        with contextlib.suppress(OSError):
            sound = path.suffix == ".py" and path.stem.isidentifier() and path.is_file()
            if sound and path.stat().st_size <= LARGEST and len(found) < MOST:
                found[path.relative_to(file.parent).as_posix()] = path.read_bytes()
    return found


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.is_symlink())
    except OSError:
        return []


def _digest(modules: dict[str, bytes]) -> str:
    return hashlib.sha256(b"\0".join(name.encode() + b"\0" + content for name, content in modules.items())).hexdigest()


def _imported(sources: Iterable[str]) -> set[str]:
    """The first names of all modules that some code imports; code with a fault in it imports nothing."""
    found = set()
    for source in sources:
        plain = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())
        try:
            nodes = list(ast.walk(ast.parse(plain)))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        found |= {alias.name.split(".")[0] for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        froms = [node for node in nodes if isinstance(node, ast.ImportFrom)]
        found |= {node.module.split(".")[0] for node in froms if node.module and not node.level}
    return found


def _is_installed(name: str) -> bool:
    try:
        spec = None if name in sys.stdlib_module_names else importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return name in sys.modules  # loaded without a spec
    return name in sys.stdlib_module_names or (spec is not None and spec.origin is not None)
