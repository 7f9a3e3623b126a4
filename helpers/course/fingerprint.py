"""What the stored outputs of a notebook were made from, so that only those that have changed are run again."""

import ast
import hashlib
from collections.abc import Iterator
from importlib.util import resolve_name
from pathlib import Path

from nbformat import NotebookNode

from data_prework.files import PROJECT
from data_prework.manifest import COURSE, OPTIONAL, find_prepared

KEY = "made_from"  # in the metadata of a notebook
PACKAGES = ("helpers", "data_prework")


def fingerprint(notebook: NotebookNode) -> str:
    """Fingerprint of all that the outputs of a notebook depend on.

    Args:
        notebook: Its text and its outputs don't count, its code does.

    Returns:
        Twenty hex digits of a SHA-256 of the code, of the course's modules that it imports, directly or through
        others, of the manifests of the data sets that it names, and of the locked packages.

    Example:
        >>> from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
        >>> one, two = new_code_cell("1 + 1"), new_code_cell("1 + 2")
        >>> plain = fingerprint(new_notebook(cells=[one]))
        >>> plain == fingerprint(new_notebook(cells=[new_markdown_cell("Words"), one]))
        True
        >>> plain == fingerprint(new_notebook(cells=[two]))
        False
    """
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    python = "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in code.splitlines())
    files = [*sorted(_modules(_imported(ast.parse(python), ""))), PROJECT / "requirements.lock"]
    for name in (*COURSE, *OPTIONAL):
        if name in code and (folder := find_prepared(name)):
            files.append(folder / "manifest.csv")
    digest = hashlib.sha256(code.encode())
    for file in files:
        digest.update(file.read_bytes() if file.is_file() else b"")
    return digest.hexdigest()[:20]


def is_fresh(notebook: NotebookNode) -> bool:
    """Whether the stored outputs are those of the code, the modules, the data, and the packages as they are now.

    Args:
        notebook: As it is stored.
    """
    return notebook.metadata.get(KEY) == fingerprint(notebook)


def _modules(names: Iterator[str]) -> set[Path]:
    """The files of the course's modules with these names, and of those that they import."""
    found, waiting = {}, list(names)
    while waiting:
        name = waiting.pop()
        place = PROJECT.joinpath(*name.split("."))
        file = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
        if name not in found and file.is_file():
            found[name] = file
            package = name if place.is_dir() else name.rpartition(".")[0]
            waiting += _imported(ast.parse(file.read_text(encoding="utf-8")), package)
    return set(found.values())


def _imported(tree: ast.Module, package: str) -> Iterator[str]:
    """Names of the course's modules that are imported anywhere in the code, packages above them included."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = resolve_name("." * node.level + (node.module or ""), package) if node.level else node.module
            names = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            if parts[0] in PACKAGES:
                yield from (".".join(parts[:n]) for n in range(1, len(parts) + 1))
