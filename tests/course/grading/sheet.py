"""An assignment's source notebook, run in this process, with any answer in the place of the solution.

Running a notebook in a kernel for each wrong answer would take minutes; here everything before an answer runs once.
"""

import contextlib
import io
import re
import textwrap
import tomllib
import traceback
import warnings
from pathlib import Path

import matplotlib
import nbformat

from helpers.assignment import read_settings
from helpers.course.grading.assignments.cells import NAME, grade_id
from helpers.course.grading.assignments.release import SOURCES, with_settings

matplotlib.use("Agg")

REGION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n.*?### END SOLUTION[ \t]*$", re.M | re.S)
HIDDEN = re.compile(r"^### BEGIN HIDDEN TESTS\n.*?### END HIDDEN TESTS[ \t]*\n?", re.M | re.S)
ANSWERS = Path(__file__).with_name("answers")


def read_answers(name: str) -> dict[str, dict]:
    """Task -> {"wrong": [{"says", "code", "hidden"}], "right": [{"code"}]}, written beside the tests.

    An entry with `slow` takes seconds, and is tried in `make weekly` only.
    """
    return tomllib.loads((ANSWERS / f"{name}.toml").read_text(encoding="utf-8"))


class Sheet:
    """The code cells of an assignment for one student.

    `run` executes the solution and keeps what was known before each answer; `try_answer` goes back there.
    """

    def __init__(self, name: str, student: str = "solution", **chosen):
        self.name = name
        notebook = nbformat.read(SOURCES / name / f"{name}.ipynb", as_version=4)
        notebook = with_settings(notebook, name, read_settings()[name] | chosen)
        self.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        naming = next(cell for cell in self.cells if grade_id(cell) == "name")
        naming.source = NAME.sub(f"STUDENT = {student!r}", naming.source)
        self.before: dict[str, dict] = {}

    @property
    def answers(self) -> list[str]:
        """Ids of the student's cells."""
        return [grade_id(cell) for cell in self.cells if cell.metadata.get("nbgrader", {}).get("solution")]

    def run(self) -> str:
        """Execute the solution notebook; returns the first error's message, or nothing."""
        space: dict = {"__name__": "__main__"}
        for cell in self.cells:
            if grade_id(cell) in self.answers:
                self.before[grade_id(cell)] = dict(space)
            with warnings.catch_warnings(record=True) as warned:
                said = execute(cell.source, space)
            if warned and cell.metadata.get("nbgrader", {}).get("grade"):
                said = said or f"warns: {warned[0].message}"  # nbgrader gives no points where something is on stderr
            if said:
                return f"{grade_id(cell)}: {said}"
        return ""

    def try_answer(self, answer: str, code: str | None, hidden: bool = True) -> str:
        """Put `code` in the place of an answer's solution, and run on to the end of the next test.

        code: None leaves the gap of the student's version. hidden: whether the hidden tests take part.

        Returns:
            The message of the first error, or nothing where the answer passes.
        """
        space = dict(self.before[answer])
        at = next(i for i, cell in enumerate(self.cells) if grade_id(cell) == answer)
        for cell in self.cells[at:]:
            source = cell.source if grade_id(cell) != answer else with_answer(cell.source, code)
            if said := execute(source if hidden else HIDDEN.sub("", source), space):
                return said
            if cell.metadata.get("nbgrader", {}).get("grade"):
                return ""
        raise AssertionError(f"no test comes after {answer}")


def with_answer(source: str, code: str | None) -> str:
    """A cell with `code` in the place of its solution region, indented as the region is."""
    code = 'raise NotImplementedError("Not solved yet")' if code is None else code

    def replaced(match: re.Match) -> str:
        return textwrap.indent(textwrap.dedent(code).strip("\n"), match[1])

    changed, n = REGION.subn(replaced, source)
    assert n == 1, "an answer has one region between ### BEGIN SOLUTION and ### END SOLUTION"
    return changed


def execute(source: str, space: dict) -> str:
    """Run a cell's text in `space`; returns "Kind: message" of what it raised, or nothing."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(source, "<cell>", "exec"), space)
    except Exception as error:
        return traceback.format_exception_only(error)[-1].strip()
    return ""
