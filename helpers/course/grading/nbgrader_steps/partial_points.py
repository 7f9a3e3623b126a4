"""Points that a test cell shows as its result: a number that cannot be right costs that task and no other."""

import math

from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution


class SoundPoints(NbGraderPreprocessor):
    """Runs before nbgrader reads the points, which would give up the whole notebook over one odd number."""

    said: list[str] = []  # noqa: RUF012 - sentences for the note; there is one submission in a process

    def preprocess_cell(self, cell, resources, index):
        """Look at one cell; as in nbgrader's preprocessors."""
        if not is_grade(cell) or is_solution(cell) or cell.cell_type != "code":
            return cell, resources
        most = float(cell.metadata.nbgrader["points"])
        for place, output in enumerate(cell.outputs):
            if output.output_type != "execute_result":
                continue
            text = output.get("data", {}).get("text/plain")
            if not isinstance(text, str):
                cell.outputs[place] = new_output("display_data", data=output.get("data", {}))
            elif not _is_sound(text, most):
                said = (
                    f"the result of {cell.metadata.nbgrader.grade_id} is {text[:20]} of {most:g} points: it counts as 0"
                )
                self.said.append(said)
                cell.outputs[place] = new_output("error", ename="Points", evalue=said, traceback=[said])
        return cell, resources


def _is_sound(text: str, most: float) -> bool:
    try:
        points = float(text)
    except ValueError:
        return True  # not a number of points
    return math.isfinite(points) and 0 <= points <= most
