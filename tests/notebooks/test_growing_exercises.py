"""The exercises of part 10, and its training with two workers and with a power cut, on tiny data."""

import contextlib
import io

import keras
import nbformat
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from data_prework.files import PROJECT
from helpers.run import Run
from tests.notebooks.lesson_cells import ran
from tests.weekly import WEEKLY


def lesson(name):
    return nbformat.read(PROJECT / "notebooks" / "10_growing" / f"{name}.ipynb", as_version=4).cells


def solutions(name):
    return [cell.source for cell in lesson(name) if "solution" in cell.metadata.get("tags", [])]


def cell_of(name, words):
    return next(cell.source for cell in lesson(name) if cell.cell_type == "code" and words in cell.source)


pytestmark = pytest.mark.filterwarnings("ignore:`shuffle=True` was passed")  # as helpers.start does
MEGABYTES, BUFFERS = solutions("1_one_machine")
UNEQUAL, DROPOUT = solutions("2_many_machines")


def run_of(profile, folder):
    return Run("10.2", 7, profile, "embedded", "2 CPU cores", folder)


def test_the_cache_of_s2_has_the_size_of_its_array():
    names, _ = ran(MEGABYTES)
    images = np.empty((3748, 240, 240, 1), "float32")
    assert names["cache_mb"] == pytest.approx(images.nbytes / 1e6)
    assert names["buffer_mb"] == pytest.approx(images[:1000].nbytes / 1e6)
    assert names["uint8_mb"] == pytest.approx(images.astype("uint8").nbytes / 1e6)


def test_forgetting_the_four_bytes_gives_the_size_of_uint8():
    wrong = MEGABYTES.replace("pixels * 4", "pixels")
    assert wrong != MEGABYTES
    names, _ = ran(wrong)
    assert names["cache_mb"] == names["uint8_mb"] != ran(MEGABYTES)[0]["cache_mb"]


def spread(source):
    labels = np.repeat([0, 1], 512)
    train = type("Split", (), {"labels": labels, "__len__": lambda self: len(labels)})()
    given = {"cracks": type("Data", (), {"train": train}), "run": run_of("full", PROJECT)}
    shared, _ = ran(cell_of("1_one_machine", "def crack_share"), np=np, tf=tf, **given)
    return ran(source, crack_share=shared["crack_share"])[0]["spread"]


def test_only_a_buffer_longer_than_a_class_gives_every_batch_both_classes():
    found = spread(BUFFERS)
    assert list(found) == [200, 400, 800]
    assert found[200] == (0, 1) and found[400][0] == 0
    assert 0.2 < found[800][0] < found[800][1] < 0.8


def test_a_buffer_as_long_as_the_list_is_enough():
    low, high = spread(BUFFERS.replace("(200, 400, 800)", "(1024,)"))[1024]
    assert low > 0.15 and high < 0.85


def gradients(source):
    by_hand, _ = ran(cell_of("2_many_machines", "def gradient("))
    return ran(source, np=np, **{name: by_hand[name] for name in ("gradient", "x", "y", "weights")})[0]


def test_the_weighted_mean_is_the_gradient_of_the_whole_batch_and_the_plain_one_is_not():
    names = gradients(UNEQUAL)
    whole = names["gradient"](range(8))
    np.testing.assert_allclose(names["weighted"], whole)
    assert np.abs(names["plain"] - whole).max() > 0.01


def test_weights_in_the_wrong_order_give_another_gradient():
    wrong = UNEQUAL.replace("6 * six + 2 * two", "2 * six + 6 * two")
    assert wrong != UNEQUAL
    names = gradients(wrong)
    assert np.abs(names["weighted"] - names["gradient"](range(8))).max() > 0.01


@pytest.fixture
def walls():
    """64 noisy squares of 64 by 64 pixels, every second one brighter, and which."""
    labels = np.arange(64) % 2
    noise = np.random.default_rng(7).integers(0, 100, (64, 64, 64, 1))
    return (noise + 100 * labels[:, None, None, None]).astype("uint8"), labels


@pytest.fixture
def cells(walls, tmp_path):
    """What the cells on an interrupted training need, run once."""
    given = {"keras": keras, "layers": layers, "np": np, "folder": tmp_path, "run": run_of("quick", tmp_path)}
    given["batches"] = tf.data.Dataset.from_tensor_slices(walls).batch(32)
    given |= ran(cell_of("2_many_machines", "def network("), **given)[0]
    return given | ran(cell_of("2_many_machines", "class PowerCut"), **given)[0]


def test_a_resumed_training_goes_on_in_its_epoch_and_ends_like_one_left_alone(cells):
    names, said = ran(cell_of("2_many_machines", "BackupAndRestore(folder"), **cells)
    assert said.split("power cut")[0].count("epoch") == 3
    assert said.split("power cut")[1].splitlines()[1] == "epoch 3"
    assert names["gap"] < 1e-5


def test_dropout_draws_other_numbers_after_the_power_cut(cells):
    assert ran(DROPOUT, **cells)[0]["gap_dropout"] > 1e-4


def test_without_dropout_the_same_cell_finds_no_gap(cells):
    assert ran(DROPOUT.replace("dropout=0.5", "dropout=0.0"), **cells)[0]["gap_dropout"] < 1e-5


@pytest.mark.slow
@pytest.mark.skipif(not WEEKLY, reason="runs in make weekly; on a push the notebook starts the workers")
def test_two_workers_that_share_the_images_end_with_the_same_weights(walls, tmp_path):
    source = "\n".join(
        cell_of("2_many_machines", words)
        for words in ("def network(", "MultiWorkerMirroredStrategy()", "def replica_step", "worker.py", "probes =")
    )
    source += "\n" + cell_of("2_many_machines", "subprocess.Popen") + "\n" + cell_of("2_many_machines", "array_equal")
    file = tmp_path / "cells.py"  # inspect looks for the text of `network` in a file
    file.write_text(source, encoding="utf-8")
    said = io.StringIO()
    names = {"keras": keras, "layers": layers, "np": np, "run": run_of("full", tmp_path)}
    names |= dict(zip(("images", "labels"), walls, strict=True))
    with contextlib.redirect_stdout(said):
        exec(compile(source, str(file), "exec"), names)
    assert "exit codes [0, 0]" in said.getvalue() and "✔ Both workers" in said.getvalue()
    assert len(names["files"]) == 2
