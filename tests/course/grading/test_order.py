"""The rooms of grading read in one direction: each imports only what comes before it."""

import ast
from importlib.util import find_spec

import pytest

from data_prework.files import PROJECT
from helpers.course.grading.pool import PRELOADED

FOLDER = PROJECT / "helpers" / "course" / "grading"
PACKAGE = "helpers.course.grading"
# from the first to the last; then the top
ROOMS = ("assignments", "wall", "submissions", "kernel", "judge", "nbgrader_steps", "administration", "marks")


def imported(room: str) -> set[str]:
    """The rooms that the modules of one import, wherever in their text; the top is none of them: it has no name."""
    found = set()
    for path in (FOLDER / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith(f"{PACKAGE}."):
                inside = node.module.removeprefix(PACKAGE).strip(".")
                found |= {inside.split(".")[0]} if inside else {alias.name for alias in node.names}
    return found - {room}


def test_every_room_has_its_place():
    rooms = {path.parent.name for path in FOLDER.glob("*/__init__.py")}
    assert rooms == set(ROOMS) and imported("nbgrader_steps") >= {"kernel", "judge"}


@pytest.mark.parametrize("room", ROOMS)
def test_no_room_imports_one_that_comes_after_it(room):
    assert not imported(room) - set(ROOMS[: ROOMS.index(room)])


def test_nobody_gets_lost_in_a_room():
    """Nine modules are seen at once; more want a room of their own inside."""
    for folder in (FOLDER, *(path.parent for path in FOLDER.rglob("*/__init__.py"))):
        assert len([path for path in folder.glob("*.py") if path.stem != "__init__"]) <= 9, folder


@pytest.mark.parametrize("module", PRELOADED)
def test_what_is_loaded_before_the_first_submission_is_there(module):
    """The server of processes says nothing where a module is not: each submission would load it anew."""
    if not module.startswith(PACKAGE):
        pytest.importorskip("nbgrader")
    assert find_spec(module)
