"""The modules of grading read in one direction: each imports only what comes before it."""

import ast

from helpers.course.grading.kernel import PROJECT

FOLDER = PROJECT / "helpers" / "course" / "grading"
PACKAGE = "helpers.course.grading"
ORDER = ("cells", "release", "submission", "job", "sandbox", "kernel", "limits", "grade", "marks", "batch")


def imported(name: str) -> set[str]:
    """The modules of grading that one of them imports, wherever in its text."""
    found = set()
    for node in ast.walk(ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith(f"{PACKAGE}."):
            found.add(node.module.removeprefix(f"{PACKAGE}."))
    return found


def test_every_module_has_its_place():
    assert sorted(ORDER) == sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
    assert imported("batch") >= {"release", "submission", "grade", "marks"}


def test_no_module_imports_one_that_comes_after_it():
    back = {name: imported(name) - set(ORDER[:place]) for place, name in enumerate(ORDER)}
    assert not {name: later for name, later in back.items() if later}
