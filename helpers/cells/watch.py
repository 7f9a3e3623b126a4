"""Begins to watch the cells of this notebook; `helpers.start` does it."""

from typing import Any

from helpers.cells.progress import Progress
from helpers.cells.unfinished import UnfinishedCells


def watch_cells(shell: Any = None, history: type | None = None, file: str = "") -> None:
    """From the next cell on show progress in a page, and name the cell to run again after an interrupt or an error.

    A second call does nothing, so that the first cell of a lesson can be run again.

    Args:
        shell: IPython's; None: the one of this process. Outside IPython nothing happens.
        history: Keras' callback `History`, which every training has, so that epochs are counted; None: they aren't.
        file: the notebook that is open, "" where it isn't known: it is read for the names of cells that weren't run.

    Example:
        >>> watch_cells()  # in a lesson `helpers.start` does it
    """
    if shell is None:
        from IPython import get_ipython

        shell = get_ipython()
    if shell is None or getattr(shell, "watched_by_course", False):
        return
    shell.watched_by_course = True
    unfinished, progress = UnfinishedCells(shell, file), Progress(shell)
    for watcher in (unfinished, progress):
        shell.events.register("pre_run_cell", watcher.before)
        shell.events.register("post_run_cell", watcher.after)
    shell.set_custom_exc((NameError,), unfinished.show_error)
    if history is not None:
        progress.count_epochs(history)
