"""The scripts of lesson 10: two workers train one network, and a killed training goes on. Its own cells, tiny data.

That the workers' script runs is seen in the notebook, on every push; whether both end with the same weights, in
`make weekly`.
"""

import json
import re

import numpy as np
import pytest

from tests.notebooks.lesson_cells import lesson_module
from tests.weekly import WEEKLY

pytestmark = pytest.mark.slow
IMPORTS = """import hashlib, inspect, json, sys, time
from pathlib import Path
import keras
import numpy as np
import tensorflow as tf
from keras import layers
"""
NEEDED = re.compile(
    r"^((HEAD|ONE_CORE|WORKER|TRAINING) \+?= |def (small_net|as_record|write_shards|parse|from_shards|fingerprint"
    r"|free_ports|start|end_all|wait_for|start_workers|read_diary|wait_until|kill_and_resume)\()",
    re.M,
)


@pytest.fixture(scope="module")
def lesson(tmp_path_factory):
    """The cells of the lesson that define the scripts and start them, as a module."""
    yield from lesson_module("10", IMPORTS, NEEDED, tmp_path_factory.mktemp("lesson"))


@pytest.fixture(scope="module")
def pictures():
    """128 noisy squares of 64 by 64, half of them brighter, and which half."""
    labels = np.arange(128) % 2
    noise = np.random.default_rng(7).integers(0, 100, (128, 64, 64, 1))
    return (noise + 100 * labels[:, None, None, None]).astype("uint8"), labels


def test_two_workers_see_different_halves(lesson, pictures, tmp_path):
    shards = lesson.write_shards(tmp_path / "shards", *pictures, shards=4)
    halves = [
        {image.tobytes() for image, _ in lesson.from_shards(shards, 2, me).as_numpy_iterator()} for me in range(2)
    ]
    assert len(halves[0]) == len(halves[1]) == 64 and not halves[0] & halves[1]


@pytest.mark.skipif(not WEEKLY, reason="runs in make weekly; on a push the notebook starts the workers")
def test_two_workers_end_with_the_same_weights(lesson, pictures, tmp_path):
    lesson.write_shards(tmp_path / "shards", *pictures, shards=4)
    lesson.wait_for(lesson.start_workers(tmp_path, steps=4), limit=200)
    reports = [json.loads((tmp_path / f"report{me}.json").read_text(encoding="utf-8")) for me in range(2)]
    assert reports[0]["fingerprint"] == reports[1]["fingerprint"]
    assert reports[0]["losses"] == reports[1]["losses"] and len(set(reports[0]["losses"])) == 4
    assert reports[0]["fit"] != "not tried"


def test_a_killed_training_loses_its_epoch_only_and_ends_with_the_bits_of_one_left_alone(lesson, pictures, tmp_path):
    images, labels = pictures
    np.savez(tmp_path / "data.npz", images=images, labels=labels)
    (tmp_path / "training.py").write_text(lesson.TRAINING, encoding="utf-8")
    cut = lesson.kill_and_resume(tmp_path, "order and dropout", epochs=4)
    killed, whole = (lesson.read_diary(tmp_path, f"order-and-dropout-{kind}") for kind in ("killed", "whole"))
    assert killed[cut - 1]["epoch"] == 2 and "loss" not in killed[cut - 1]
    assert killed[cut:] == whole[-len(killed[cut:]) :]  # from the third epoch's first batch: learning rates and losses
    assert (killed[cut]["epoch"], killed[cut]["batch"]) == (2, 0)
    prints = [(tmp_path / f"order-and-dropout-{kind}.txt").read_text(encoding="utf-8") for kind in ("killed", "whole")]
    assert prints[0] == prints[1]


def test_a_process_that_fails_ends_the_others_and_is_reported(lesson, tmp_path):
    (tmp_path / "waits.py").write_text("import time; time.sleep(60)", encoding="utf-8")
    (tmp_path / "fails.py").write_text("raise SystemExit('no data')", encoding="utf-8")
    processes = [lesson.start(tmp_path, f"{name}.py", log=f"{name}.log") for name in ("waits", "fails")]
    with pytest.raises(RuntimeError, match="log"):
        lesson.wait_for(processes, limit=30)
    with pytest.raises(RuntimeError, match="log"):  # also when nobody is left to wait for
        lesson.wait_for(processes[1:], limit=30)
    assert all(process.poll() is not None for process in processes)
    assert "no data" in (tmp_path / "fails.log").read_text(encoding="utf-8")
