"""A cell that runs longer than ten seconds says in the page that it does, and how far its training is."""

import functools
import sys
import threading
import time
import uuid
from typing import Any

SECONDS = 10.0  # a cell that takes less says nothing
EVERY = 2.0  # seconds between two lines


class Progress:
    """One line below a long cell, written anew every two seconds; it ends with the seconds and what was trained.

    Only in a page that a person looks at: what runs notebooks for their outputs gets nothing.

    Args:
        shell: IPython's.
        seconds: after which a cell says that it runs.
        every: seconds between two lines.
    """

    def __init__(self, shell: Any, seconds: float = SECONDS, every: float = EVERY):
        self.shell, self.seconds, self.every = shell, seconds, every
        self.ended: threading.Event | None = None
        self.fits, self.epochs, self.now = 0, 0, ""

    def before(self, info: Any) -> None:
        """Before a cell runs: begin to count, and to wait.

        Args:
            info: IPython's.
        """
        self.fits, self.epochs, self.now = 0, 0, ""
        if not _in_a_page(self.shell):
            return
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self._show, args=(self.ended, time.perf_counter()), daemon=True)
        self.thread.start()

    def after(self, result: Any) -> None:
        """After a cell: end its line.

        Args:
            result: IPython's.
        """
        if self.ended is not None:
            self.ended.set()
            self.thread.join()
            self.ended = None

    def count_epochs(self, history: type) -> None:
        """Count trainings and their epochs from now on.

        Args:
            history: Keras' callback `History`, which every `fit` has.
        """
        begin_training, begin_epoch = history.on_train_begin, history.on_epoch_begin

        @functools.wraps(begin_training)
        def on_train_begin(callback, logs=None):
            self.fits += 1
            return begin_training(callback, logs)

        @functools.wraps(begin_epoch)
        def on_epoch_begin(callback, epoch, logs=None):
            self.epochs += 1
            self.now = f"epoch {epoch + 1} of {(callback.params or {}).get('epochs', '?')}"
            return begin_epoch(callback, epoch, logs)

        history.on_train_begin, history.on_epoch_begin = on_train_begin, on_epoch_begin

    def _show(self, ended: threading.Event, start: float) -> None:
        if ended.wait(self.seconds):
            return
        show = _Line(self.shell)
        while not ended.is_set():
            training = f" · training {self.fits}, {self.now}" if self.now else ""
            show(f"{time.perf_counter() - start:.0f} seconds so far{training}")
            ended.wait(self.every)
        trained = f" for {_count(self.fits, 'training')}, {_count(self.epochs, 'epoch')}" if self.fits else ""
        show(f"{time.perf_counter() - start:.0f} seconds{trained}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


class _Line:
    """A line in the outputs of the running cell; the next takes its place."""

    def __init__(self, shell: Any):
        self.shell, self.name, self.shown = shell, uuid.uuid4().hex, False

    def __call__(self, words: str) -> None:
        transient = {"display_id": self.name}
        self.shell.display_pub.publish({"text/plain": words}, transient=transient, update=self.shown)
        self.shown = True


def _in_a_page(shell: Any) -> bool:
    """Whether a person looks on: JupyterLab and VS Code name the cell that they run; on Colab its package is loaded."""
    get_parent = getattr(shell, "get_parent", None)
    asked = get_parent() if get_parent is not None else None
    named = isinstance(asked, dict) and "cellId" in (asked.get("metadata") or {})
    return named or (get_parent is not None and "google.colab" in sys.modules)
