"""What happens around the cells of a lesson: a sign of life while one runs, a sentence where an earlier one failed."""

from helpers.cells.watch import watch_cells

__all__ = ["watch_cells"]
