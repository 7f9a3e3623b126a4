"""Rooms that one sees through: imports go one way, and teaching knows nothing of deployment, grading, or the site."""

import ast
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter

import pytest

from data_prework.files import PROJECT

MODULES = {
    ".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("helpers", "data_prework")
    for path in PROJECT.glob(f"{package}/**/*.py")
}
TEACHING = ("metrics", "plots", "heatmaps", "models", "data", "results", "augment", "run")


@cache
def imports() -> dict[str, set[str]]:
    """Module -> the course's own modules that it imports, anywhere in its code."""
    found = defaultdict(set)
    for module, path in MODULES.items():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{module} imports from a dot"
                inside = [f"{node.module}.{alias.name}" for alias in node.names]
                names = [name if name in MODULES else node.module for name in inside]
            found[module] |= {name for name in names if name in MODULES and name != module}
    return found


def test_no_two_modules_import_each_other_directly_or_through_others():
    try:
        TopologicalSorter(imports()).prepare()
    except CycleError as error:
        pytest.fail(" -> ".join(error.args[1]))


def test_teaching_imports_nothing_of_the_courses_machinery_or_of_deployment():
    climbing = {
        (module, name)
        for module, names in imports().items()
        if module.split(".")[1:2] and module.startswith("helpers.") and module.split(".")[1] in TEACHING
        for name in names
        if name.startswith(("helpers.course", "helpers.deploy"))
    }
    assert not climbing


def test_data_preparation_imports_nothing_of_the_helpers():
    assert not {
        (module, name)
        for module, names in imports().items()
        if module.startswith("data_prework")
        for name in names
        if name.startswith("helpers")
    }
