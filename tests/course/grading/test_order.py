"""The modules of grading read in one direction: each imports only what comes before it."""

import ast
from importlib.util import find_spec

import pytest

from helpers.course.grading.kernel import PROJECT
from helpers.course.grading.pool import PRELOADED

FOLDER = PROJECT / "helpers" / "course" / "grading"
PACKAGE = "helpers.course.grading"
ORDER = (
    *("cells", "settings_check", "release", "finding", "reading", "matching", "open_answers", "shell_lines"),
    *("submission", "own_modules", "sandbox", "bubblewrap", "landlock", "wall", "job", "seals", "kernel"),
    *("kernel_manager", "limits", "partial_points", "feedback", "grade", "pool", "marks", "tables", "changes"),
    *("similarity", "roster", "handout", "platforms", "gradebook", "review_page", "review", "feedback_release"),
    "batch",
)


def imported(name: str) -> set[str]:
    """The modules of grading that one of them imports, wherever in its text."""
    found = set()
    for node in ast.walk(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE}."):
            found.add(node.module.removeprefix(f"{PACKAGE}."))
    return found


def outside_the_judge(name: str) -> set[str]:
    """The judge is a room of its own, whose modules import few of these; tests/test_house.py finds circles."""
    return {one for one in imported(name) if not one.startswith("judge")}


def test_every_module_has_its_place():
    assert sorted(ORDER) == sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
    assert imported("batch") >= {"release", "submission", "pool", "marks"}


def test_no_module_imports_one_that_comes_after_it():
    back = {name: outside_the_judge(name) - set(ORDER[:place]) for place, name in enumerate(ORDER)}
    assert not {name: later for name, later in back.items() if later}


@pytest.mark.parametrize("module", PRELOADED)
def test_what_is_loaded_before_the_first_submission_is_there(module):
    """The server of processes says nothing where a module is not: each submission would load it anew."""
    if not module.startswith(PACKAGE):
        pytest.importorskip("nbgrader")
    assert find_spec(module)
