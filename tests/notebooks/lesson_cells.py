"""Some cells of a lesson as a module, for tests of what they define."""

import contextlib
import importlib.util
import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import nbformat

from helpers.course.notebooks import course_notebooks


def lesson_module(number: str, imports: str, needed: re.Pattern, folder: Path) -> Iterator[ModuleType]:
    """Write the code cells of lesson `number` that `needed` finds to a file in `folder`, import it, and forget it."""
    path = next(path for path in course_notebooks() if path.stem.startswith(number))
    code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    file = folder / f"lesson_{number}_cells.py"
    file.write_text(imports + "\n\n".join(cell for cell in code if needed.search(cell)), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(file.stem, file)
    sys.modules[file.stem] = module = importlib.util.module_from_spec(spec)  # where inspect looks for the text
    spec.loader.exec_module(module)
    yield module
    del sys.modules[file.stem]


def ran(source: str, **given) -> tuple[dict, str]:
    """The names after a cell that starts with those given, and what it printed."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(source, given)
    return given, said.getvalue()
