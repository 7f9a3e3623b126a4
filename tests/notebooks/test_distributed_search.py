"""The search on several processes of lesson 05: its own cells, on images so small that a trial takes a second."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from tests.notebooks.lesson_cells import lesson_module
from tests.weekly import WEEKLY

pytestmark = pytest.mark.slow
IMPORTS = """import inspect, json, os, socket, subprocess, sys, time
from pathlib import Path
from types import SimpleNamespace
import numpy as np
"""
NEEDED = re.compile(
    r"^(SCRIPT = |def (build_cnn|open_search|free_port|start|read_trials|watch|end_all|completed)\()", re.M
)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """The cells of the lesson that define the search, as a module."""
    yield from lesson_module("05", IMPORTS, NEEDED, tmp_path_factory.mktemp("lesson"))


@pytest.fixture
def search(lesson, tmp_path):
    """An opened search without processes yet; whatever a test starts is ended with it."""

    def images(n):
        labels = np.arange(n) % 2
        noise = np.random.default_rng(n).integers(0, 100, (n, 16, 16, 1))
        return SimpleNamespace(images=(noise + 100 * labels[:, None, None, None]).astype("uint8"), labels=labels)

    opened = lesson.open_search(tmp_path / "search", images(48), images(24))
    yield opened
    lesson.end_all(opened)


def run_until(lesson, search, enough):
    lesson.watch(search, enough, limit=500)


@pytest.mark.skipif(not WEEKLY, reason="undisturbed, it is run by the lesson; here in make weekly")
def test_a_chief_and_two_workers_complete_all_trials(lesson, search):
    for role in ("chief", "tuner0", "tuner1"):
        lesson.start(search, role, 4, 1)
    run_until(lesson, search, lambda seen: len(lesson.completed(seen)) == 4)
    trials = lesson.read_trials(search.place)
    assert sorted(trials) == ["0", "1", "2", "3"]
    assert all(status == "COMPLETED" and 0 <= score <= 1 for status, _, score in trials.values())


def test_a_killed_worker_loses_only_its_trial_which_a_worker_of_the_same_name_takes_up(lesson, search):
    for role in ("chief", "tuner0", "tuner1"):
        lesson.start(search, role, 4, 1)

    def one_done_and_one_running(seen):
        return lesson.completed(seen) and any(worker for _, worker, _ in seen.values())

    run_until(lesson, search, one_done_and_one_running)
    lost, (_, victim, _) = [item for item in search.seen.items() if item[1][1]][-1]
    search.processes[victim].kill()
    run_until(lesson, search, lambda seen: len(lesson.completed(seen)) == 3)
    other = {"tuner0": "tuner1", "tuner1": "tuner0"}[victim]
    assert search.processes[other].wait(timeout=90) == 0
    assert lesson.read_trials(search.place)[lost] == ("RUNNING", victim, None)
    assert search.processes["chief"].poll() is None
    lesson.start(search, victim, 4, 1)
    run_until(lesson, search, lambda seen: len(lesson.completed(seen)) == 4)
    assert search.processes[victim].wait(timeout=90) == 0
    assert search.processes["chief"].wait(timeout=90) == 0  # now that nobody is missing, it ends by itself
    trials = lesson.read_trials(search.place)
    assert sorted(trials) == ["0", "1", "2", "3"]
    assert all(status == "COMPLETED" and 0 <= score <= 1 for status, _, score in trials.values())
