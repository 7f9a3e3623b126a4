"""The search on several processes of lesson 5.4: its own cells, on images so small that a trial takes seconds."""

import json
import re
from types import SimpleNamespace

import keras_tuner as kt
import numpy as np
import pytest

from tests.notebooks.lesson_cells import lesson_module
from tests.weekly import WEEKLY

pytestmark = pytest.mark.slow
IMPORTS = """import inspect, json, os, subprocess, sys, time
from pathlib import Path
import keras
from keras import layers
"""
NEEDED = re.compile(r"^(SCRIPT = |def (build_cnn|free_port|start|read_trials|end_all|watch|ended)\()", re.M)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """The cells of the lesson that define the search, as a module."""
    place = tmp_path_factory.mktemp("lesson")
    yield from lesson_module("4_several", IMPORTS + f"place = Path({str(place)!r})\n", NEEDED, place)


@pytest.fixture
def search(lesson, tmp_path):
    """A folder with script and images, and no processes yet; whatever a test starts is ended with it."""

    def images(n):
        labels = np.arange(n) % 2
        noise = np.random.default_rng(n).integers(0, 100, (n, 32, 32, 1))
        return (noise + 100 * labels[:, None, None, None]).astype("uint8"), labels

    (x, y), (val_x, val_y) = images(48), images(24)
    np.savez(tmp_path / "data.npz", x=x, y=y, val_x=val_x, val_y=val_y)
    (tmp_path / "search.py").write_text(lesson.SCRIPT, encoding="utf-8")
    how = {"place": tmp_path, "port": lesson.free_port(), "trials": 4, "epochs": 1}
    opened = SimpleNamespace(how=how, place=tmp_path, processes={}, events={})
    yield opened
    lesson.end_all(opened.processes)


def start(lesson, search, *roles):
    for role in roles:
        search.processes[role] = lesson.start(role, **search.how)


def run_until(lesson, search, enough):
    lesson.watch(search.place, search.processes, search.events, enough, limit=500)


def values_of(search, trial):
    file = search.place / "shared" / f"trial_{trial}" / "trial.json"
    return json.loads(file.read_text(encoding="utf-8"))["hyperparameters"]["values"]


@pytest.mark.skipif(not WEEKLY, reason="undisturbed, it is run by the lesson; here in make weekly")
def test_a_chief_and_two_workers_complete_the_trials_that_one_process_would_make(lesson, search, tmp_path):
    class Pretend(kt.RandomSearch):
        def run_trial(self, trial, *args, **options):
            return {"val_auc": 0.5}

    alone = Pretend(lesson.build_cnn, kt.Objective("val_auc", "max"), 4, seed=7, directory=tmp_path / "alone")
    alone.search(verbose=0)
    start(lesson, search, "chief", "tuner0", "tuner1")
    run_until(lesson, search, lambda seen: len(lesson.ended(seen)) == 4)
    assert set(lesson.read_trials(search.place).values()) == {("COMPLETED", None)}
    for name, trial in alone.oracle.trials.items():
        assert values_of(search, name) == trial.hyperparameters.values


def test_a_killed_worker_loses_only_its_trial_which_a_worker_of_the_same_name_takes_up(lesson, search):
    start(lesson, search, "chief", "tuner0", "tuner1")

    def one_done_and_one_running(seen):
        return lesson.ended(seen) and any(worker for _, worker in seen.values())

    run_until(lesson, search, one_done_and_one_running)
    lost, (_, victim) = [item for item in lesson.read_trials(search.place).items() if item[1][1]][-1]
    search.processes[victim].kill()
    run_until(lesson, search, lambda seen: len(lesson.ended(seen)) == 3)
    other = {"tuner0": "tuner1", "tuner1": "tuner0"}[victim]
    assert search.processes[other].wait(timeout=90) == 0
    assert lesson.read_trials(search.place)[lost] == ("RUNNING", victim)
    assert search.processes["chief"].poll() is None
    start(lesson, search, victim)
    run_until(lesson, search, lambda seen: len(lesson.ended(seen)) == 4)
    assert search.processes[victim].wait(timeout=90) == 0
    assert search.processes["chief"].wait(timeout=90) == 0  # now that nobody is missing, it ends by itself
    assert sorted(lesson.read_trials(search.place)) == ["0", "1", "2", "3"]
