"""The line below a long cell: in IPython, with a stand-in for the page."""

import re
import sys
import time
from typing import ClassVar

import pytest
from IPython.core.interactiveshell import InteractiveShell

from helpers.cells.progress import Progress

PAGE = {"metadata": {"cellId": "abc"}}


class Page(InteractiveShell):
    """A shell that a page asks."""

    asked: dict = PAGE

    def get_parent(self):
        return self.asked


@pytest.fixture
def lines():
    return []


def shell_with(lines, asked=PAGE, seconds=0.1) -> tuple[InteractiveShell, Progress]:
    shell = Page()
    shell.asked = asked
    shell.display_pub.publish = lambda data, transient, update: lines.append(
        (data["text/plain"], transient["display_id"], update)
    )
    progress = Progress(shell, seconds=seconds, every=0.05)
    shell.events.register("pre_run_cell", progress.before)
    shell.events.register("post_run_cell", progress.after)
    return shell, progress


def test_one_line_is_written_anew_while_a_cell_runs_and_ends_with_its_seconds(lines):
    shell, _ = shell_with(lines)
    shell.run_cell("import time; time.sleep(0.4)")
    said = [words for words, _, _ in lines]
    assert len(said) > 2 and re.fullmatch(r"\d seconds", said[-1])
    assert all(re.fullmatch(r"\d seconds so far", words) for words in said[:-1])
    assert len({name for _, name, _ in lines}) == 1
    assert [update for _, _, update in lines] == [False] + [True] * (len(lines) - 1)
    time.sleep(0.2)
    assert len(lines) == len(said)


@pytest.mark.parametrize("ends", ["raise KeyboardInterrupt", "1 / 0"])
def test_it_ends_with_a_cell_that_fails(lines, ends):
    shell, _ = shell_with(lines)
    shell.run_cell(f"import time; time.sleep(0.2); {ends}")
    assert re.fullmatch(r"\d+ seconds", lines[-1][0])


def test_short_cells_and_runs_without_a_page_say_nothing(lines):
    shell_with(lines, seconds=60)[0].run_cell("1")
    for asked in ({}, {"metadata": {}}, None):
        shell_with(lines, asked)[0].run_cell("import time; time.sleep(0.3)")
    assert lines == []


def test_on_colab_it_is_shown_too(lines, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", sys)
    shell_with(lines, {})[0].run_cell("import time; time.sleep(0.3)")
    assert lines


def test_trainings_and_epochs_are_counted(lines):
    class History:  # the part of Keras' callback that counts
        params: ClassVar = {"epochs": 2}

        def on_train_begin(self, logs=None):
            self.epoch = []

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch.append(epoch)

    shell, progress = shell_with(lines)
    progress.count_epochs(History)

    def fit():
        history = History()
        history.on_train_begin()
        for epoch in range(2):
            history.on_epoch_begin(epoch)
            time.sleep(0.15)
        return history

    shell.user_ns["fit"] = fit
    shell.run_cell("first = fit(); second = fit()")
    said = [words for words, _, _ in lines]
    assert any(words.endswith("seconds so far · training 2, epoch 2 of 2") for words in said)
    assert said[-1].endswith("seconds for 2 trainings, 4 epochs")
    assert shell.user_ns["second"].epoch == [0, 1]
