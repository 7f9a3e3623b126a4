"""An assignment in two spaces of this process: answers in one, the course's cells and tests in the other.

Only what `helpers.course.grading.judge` hands over passes between them, as while grading, but without kernels.
"""

import json
from contextlib import redirect_stdout
from io import StringIO

from nbformat.v4 import new_notebook

from helpers.course.grading.assignments.cells import grade_id
from helpers.course.grading.judge import student
from helpers.course.grading.judge.plan import make_plan
from helpers.course.grading.judge.room import Room
from tests.course.grading.sheet import Sheet, execute, with_answer


class LocalRoom(Room):
    """The judge's interpreter; its questions are answered in this process."""

    def __init__(self, space: dict):
        super().__init__(None)
        self.theirs, self.asked = space, 0

    def _ask(self, question: dict) -> str:
        self.asked += 1
        question = json.loads(json.dumps(question))
        if "get" in question:
            return json.dumps(student._values(question["get"], self.theirs))
        return json.dumps(student._call(question["call"], question["args"]))

    def judge(self, source: str, names: list[str]) -> str:
        """Run a cell with these names of the student's; returns "Kind: message", or nothing."""
        given = self._ask({"get": names}) if names else None
        said = self._run({"source": source, "given": given, "seconds": 60})
        if said.get("cannot"):
            return ": ".join(said["cannot"])
        return said["error"]["lines"][-1] if said["error"] else ""


class TwoSheets:
    """A `Sheet` whose tests are run apart from the answers."""

    def __init__(self, name: str, who: str = "solution"):
        self.cells = Sheet(name, who).cells
        self.plan = make_plan(new_notebook(cells=self.cells))
        self.space: dict = {"__name__": "__main__"}
        self.room = LocalRoom(self.space)
        self.ours: list[dict] = []  # the judge's names before each step of the plan
        self.theirs: dict[str, dict] = {}  # the student's names before each answer

    def run(self) -> dict[str, str]:
        """Run the solution; returns test -> what it says, nothing where it passes."""
        said, steps = {}, list(self.plan)
        for cell in self.cells:
            if not cell.metadata.get("nbgrader", {}).get("grade"):
                self.theirs[grade_id(cell)] = dict(self.space)
                execute(cell.source, self.space)
                continue
            while steps:
                step = steps.pop(0)
                self.ours.append(dict(self.room.space))
                said[step.name] = self.room.judge(step.source, sorted(step.asks))
                if step.name == grade_id(cell):
                    break
        return {name: text for name, text in said.items() if name.endswith("_test")}

    def try_answer(self, answer: str, code: str) -> str:
        """Put `code` in the place of an answer, and run on to the next test; returns the first error, or nothing."""
        at = next(i for i, cell in enumerate(self.cells) if grade_id(cell) == answer)
        test = next(grade_id(cell) for cell in self.cells[at:] if cell.metadata.get("nbgrader", {}).get("grade"))
        self.space.clear()
        self.space.update(self.theirs[answer])
        with redirect_stdout(StringIO()):
            for cell in self.cells[at:]:
                if grade_id(cell) == test:
                    break
                source = with_answer(cell.source, code) if grade_id(cell) == answer else cell.source
                if said := execute(source, self.space):  # such as a check, which the student sees
                    return said
        order = [grade_id(cell) for cell in self.cells]
        place = next(i for i, step in enumerate(self.plan) if step.name == test)
        first = next(i for i, step in enumerate(self.plan) if order.index(step.name) > at)
        self.room.space = dict(self.ours[first])
        return [self.room.judge(step.source, sorted(step.asks)) for step in self.plan[first : place + 1]][-1]
