"""After an interrupt or an error, later cells say in one sentence which cell to run again."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from helpers.cells.names import Names, names_of

WIDTH = 50  # letters of a cell's first line


@dataclass(frozen=True)
class Cell:
    """A cell as a reader finds it in the page.

    Attributes:
        number: in its brackets; None where it isn't known.
        first_line: of its code, cut off where it's long.
    """

    number: int | None
    first_line: str

    def __str__(self) -> str:
        number = "the cell" if self.number is None else f"cell [{self.number}]"
        return f"{number} (`{self.first_line}`)"


@dataclass(frozen=True)
class Broken:
    """Why a name can't be relied on.

    Attributes:
        stopped: the cell that did not end.
        how: "was interrupted" or "stopped with an error".
        again: the cell to run again.
    """

    stopped: Cell
    how: str
    again: Cell


class UnfinishedCells:
    """Knows which names belong to cells that did not end.

    Args:
        shell: IPython's. Its names, its number of the cell and its tracebacks are used.
        file: the notebook that is open, "" where it isn't known; it names the cell that was never run.
    """

    def __init__(self, shell: Any, file: str = ""):
        self.shell, self.file = shell, Path(file)
        self.made_by: dict[str, Cell] = {}
        self.broken: dict[str, Broken] = {}
        self.names = Names(frozenset(), {}, frozenset())

    def before(self, info: Any) -> None:
        """Before a cell runs: say which of its names are left over from a cell that did not end.

        Args:
            info: IPython's, with the cell's text in `raw_cell`.
        """
        self.names = self._names(info.raw_cell)
        there = [name for name in sorted(self.names.needs) if name in self.broken and name in self.shell.user_ns]
        if there:
            print(self._sentence(there[0]))

    def after(self, result: Any) -> None:
        """After a cell: remember what it made, or that it did not.

        Args:
            result: IPython's, with the error, if there was one, in `error_in_exec`.
        """
        if result is None or result.info is None or result.error_before_exec is not None:
            return
        names, cell = self._names(result.info.raw_cell), _cell(result.execution_count, result.info.raw_cell)
        error = result.error_in_exec
        reached = _line(error, self.shell.user_ns) if error is not None else None
        for name, last_line in names.makes.items():
            if error is None or (reached and last_line < reached):
                self.broken.pop(name, None)
                self.made_by[name] = cell
            else:
                self.broken[name] = Broken(cell, _how(error), cell)
        for name in names.trains - set(names.makes) if error is not None else ():
            self.broken[name] = Broken(cell, _how(error), self.made_by.get(name, cell))

    def show_error(self, shell: Any, etype: type, value: BaseException, tb: TracebackType, tb_offset=None) -> None:
        """Show a NameError: as one sentence where the cell that makes the name is known, as always elsewhere.

        Args:
            shell: IPython's.
            etype: of the error.
            value: the error.
            tb: its traceback.
            tb_offset: how many of its levels are IPython's own.
        """
        if words := self._why(value, tb):
            value._render_traceback_ = lambda: [f"{etype.__name__}: {words}"]
        shell.showtraceback((etype, value, tb), tb_offset=tb_offset)

    def _why(self, error: BaseException, tb: TracebackType) -> str:
        name = getattr(error, "name", None)
        while tb is not None and tb.tb_next is not None:
            tb = tb.tb_next
        if isinstance(error, UnboundLocalError) or tb is None or tb.tb_frame.f_globals is not self.shell.user_ns:
            return ""
        if name in self.broken:
            return self._sentence(name)
        first_line = _first_line_in_file(self.file, name, self.names)
        return f"`{name}` is not there yet: run the cell that begins with `{first_line}` first." if first_line else ""

    def _sentence(self, name: str) -> str:
        why = self.broken[name]
        if why.again is why.stopped:
            return f"{_large(why.stopped)} {why.how}: run it again before this cell, which needs its `{name}`."
        return (
            f"{_large(why.stopped)} {why.how} while it trained `{name}`: "
            f"run {why.again} again, and then the cells below it."
        )

    def _names(self, raw_cell: str) -> Names:
        try:
            return names_of(self.shell.transform_cell(raw_cell))
        except SyntaxError:
            return names_of("")


def _cell(number: int | None, code: str) -> Cell:
    line = next((line.strip() for line in code.splitlines() if line.strip()), "")
    return Cell(number, line if len(line) <= WIDTH else f"{line[:WIDTH]}…")


def _large(cell: Cell) -> str:
    words = str(cell)
    return words[0].upper() + words[1:]


def _how(error: BaseException) -> str:
    return "was interrupted" if isinstance(error, KeyboardInterrupt) else "stopped with an error"


def _line(error: BaseException, user_ns: dict) -> int | None:
    """The line of the cell where the error came up."""
    tb = error.__traceback__
    while tb is not None and tb.tb_frame.f_globals is not user_ns:
        tb = tb.tb_next
    return None if tb is None else tb.tb_lineno


def _first_line_in_file(file: Path, name: str | None, running: Names) -> str:
    """Of the cell that makes this name in the notebook; "" where there's none, or no file."""
    if name in running.makes or file.suffix != ".ipynb" or not file.is_file():
        return ""
    try:
        cells = json.loads(file.read_text(encoding="utf-8"))["cells"]
        codes = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    return next((_cell(None, code).first_line for code in codes if name in names_of(code).makes), "")
