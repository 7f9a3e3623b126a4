"""Every name that a notebook, an exercise or the README takes from the course is there."""

import ast
import re
from importlib import import_module
from pathlib import Path

import nbformat
import pytest

from data_prework.files import PROJECT

NOTEBOOKS = sorted([*PROJECT.glob("notebooks/**/*.ipynb"), *PROJECT.glob("data_prework/*.ipynb")])
OURS = ("helpers", "data_prework")


def python_of(path: Path) -> list[str]:
    """The code cells of a notebook that are plain Python."""
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code" and not re.search(r"(?m)^\s*[%!]", cell.source)]


def taken_from_us(source: str) -> set[tuple[str, str]]:
    """(module, name) of each import, and ("helpers", name) of what is asked of a module by its dotted name."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] in OURS:
            found |= {(node.module, one.name) for one in node.names}
        elif isinstance(node, ast.Attribute) and ast.unparse(node).split(".")[0] in OURS:
            module, _, name = ast.unparse(node).rpartition(".")
            found.add((module, name))
    return found


def is_there(module: str, name: str) -> bool:
    """Whether a module has the name, as something in it or as a module inside it."""
    try:
        if hasattr(import_module(module), name):
            return True
        import_module(f"{module}.{name}")
    except ModuleNotFoundError:
        return False
    return True


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_name_that_a_notebook_imports_is_there(path):
    wanted = set().union(*map(taken_from_us, python_of(path)))
    assert not [pair for pair in sorted(wanted) if not is_there(*pair)]


def test_a_name_that_is_gone_is_found():
    assert taken_from_us("from helpers.metrics import evaluate, no_such") == {
        ("helpers.metrics", "evaluate"),
        ("helpers.metrics", "no_such"),
    }
    assert is_there("helpers.metrics", "evaluate") and is_there("helpers", "plots")
    assert not is_there("helpers.metrics", "no_such") and not is_there("helpers.no_such", "evaluate")


@pytest.mark.parametrize("package", ["metrics", "plots", "heatmaps", "models"])
def test_a_package_hands_on_what_it_says(package):
    module = import_module(f"helpers.{package}")
    assert module.__all__ and all(hasattr(module, name) for name in module.__all__)
    assert len(set(module.__all__)) == len(module.__all__)


def test_the_commands_of_the_texts_exist():
    texts = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", PROJECT / "Makefile"]
    texts += [*PROJECT.glob("notebooks/**/*.md"), *PROJECT.glob("data_prework/cards/*.md")]
    texts += [*PROJECT.glob("helpers/**/*.py"), *PROJECT.glob("data_prework/**/*.py")]
    command = re.compile(r"-m (helpers\.\w+) ([a-z-]+)")
    named = {found for path in texts for found in command.findall(path.read_text(encoding="utf-8"))}
    assert len(named) >= 9
    for module, command in sorted(named):
        assert command in import_module(f"{module}.__main__").COMMANDS, (module, command)
