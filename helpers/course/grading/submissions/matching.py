"""Knows the cells of a submission again: by nbgrader's id, by the cell's own id, by their text, or by their place.

Kaggle and jupytext drop ids and metadata; students copy, retype and split cells.
"""

import re

from nbformat import NotebookNode

from helpers.course.grading.assignments.cells import NAME_LINE, grade_id, is_answer, text_of

DEFINES = re.compile(r"^(?:def|class)\s+(\w+)", re.M)
LONG = 60  # characters of a question that is known again although the answer was typed below it in the same cell


class Match:
    """Which cell of a submission is which released one.

    Attributes:
        released: The cells that were handed out.
        cells: Those of the submission.
    """

    def __init__(self, cells: list[NotebookNode], released: list[NotebookNode]):
        self.cells, self.released = cells, released
        self._of: dict[int, int] = {}  # id() of a submission's cell -> place of the released one
        self._by_names()
        self._by_text()
        self._by_place()

    def of(self, cell: NotebookNode) -> int | None:
        """Return the place of the released cell that a submission's cell is, None for a cell of the student's own.

        Args:
            cell: Of the submission.
        """
        return self._of.get(id(cell))

    def set(self, cell: NotebookNode, place: int | None) -> None:
        """Say which released cell a submission's cell is.

        Args:
            cell: Of the submission.
            place: Of the released cell; None makes it one of the student's own.
        """
        self._of.pop(id(cell), None)
        if place is not None:
            self._of[id(cell)] = place

    def copies(self, place: int) -> list[NotebookNode]:
        """Return all cells of the submission that are one released cell, in their order.

        Args:
            place: Of the released cell.
        """
        return [cell for cell in self.cells if self.of(cell) == place]

    def own_between(self, place: int) -> list[NotebookNode]:
        """Return the student's own cells after the known cell before a released one, up to the next known cell.

        Args:
            place: Of the released cell.
        """
        where = [(at, i) for i, cell in enumerate(self.cells) if (at := self.of(cell)) is not None and at != place]
        _, begin = max(((at, i) for at, i in where if at < place), default=(0, -1))
        end = min((i for _, i in where if i > begin), default=len(self.cells))
        return [cell for cell in self.cells[begin + 1 : end] if self.of(cell) is None and cell.source.strip()]

    def _by_names(self) -> None:
        names = {grade_id(cell): i for i, cell in enumerate(self.released) if grade_id(cell)}
        ids = {cell.id: i for i, cell in enumerate(self.released)}
        for cell in self.cells:
            self.set(cell, names.get(grade_id(cell), ids.get(cell.metadata.get("id"), ids.get(cell.id))))

    def _missing(self) -> list[int]:
        there = set(self._of.values())
        return [i for i in range(len(self.released)) if i not in there]

    def _by_text(self) -> None:
        texts: dict[str, list[int]] = {}
        for i, cell in enumerate(self.released):
            texts.setdefault(text_of(cell), []).append(i)
        missing = self._missing()
        own = [cell for cell in self.cells if self.of(cell) is None]
        for cell in own:
            places = texts.get(text_of(cell), [])
            if len(places) == 1 and places[0] in missing:  # a gap alone looks like another gap: its place tells
                self.set(cell, places[0])
        for i in self._missing():
            name_cell, asked = grade_id(self.released[i]) == "name", text_of(self.released[i])
            for cell in own:
                is_it = name_cell and cell.cell_type == "code" and NAME_LINE.search(cell.source)
                if not is_answer(self.released[i]) and not grade_id(self.released[i]) and len(asked) >= LONG:
                    is_it = asked in text_of(cell)
                if self.of(cell) is None and is_it:
                    self.set(cell, i)
                    break

    def _by_place(self) -> None:
        """An answer without a name is a cell between its neighbors, or one that defines what the gap defines."""
        for i in self._missing():
            original = self.released[i]
            if not is_answer(original):
                continue
            between = [cell for cell in self.own_between(i) if cell.cell_type == original.cell_type]
            if asked := set(DEFINES.findall(original.source)):
                own = [cell for cell in self.cells if self.of(cell) is None and cell.cell_type == "code"]
                between = [cell for cell in [*own, *between] if asked & set(DEFINES.findall(cell.source))]
            if between:
                self.set(between[-1 if original.cell_type == "code" else 0], i)
