"""The exercises of lessons 4.4 to 4.6: solutions give what the text says, and a wrong answer gives something else."""

import contextlib
import io
from types import SimpleNamespace

import keras
import matplotlib as mpl
import nbformat
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from keras import layers

from data_prework.files import PROJECT
from tests.notebooks.shape import is_solution

FOLDER = PROJECT / "notebooks" / "04_regularization"
mpl.use("Agg")


def code_cells(stem):
    return [c for c in nbformat.read(FOLDER / f"{stem}.ipynb", as_version=4).cells if c.cell_type == "code"]


def solution(stem, number):
    return [cell.source for cell in code_cells(stem) if is_solution(cell)][number - 1]


def cell(stem, words):
    return next(one.source for one in code_cells(stem) if words in one.source)


def ran(*sources, **given):
    """The names after some cells, and what they printed."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        for source in sources:
            exec(source, given)
    return given, said.getvalue()


def test_the_start_is_gone_after_so_many_steps_and_not_before():
    names, said = ran(solution("4_batch_normalization", 1))
    assert names["needed"] == {0.99: 459, 0.9: 44} and "36 epochs" in said and "4 epochs" in said
    left = names["start_left"]
    assert all(left(m, n) < 0.01 <= left(m, n - 1) for m, n in names["needed"].items())
    average = keras.layers.BatchNormalization(momentum=0.9)
    for _ in range(5):
        average(np.zeros((2, 1), "float32"), training=True)  # a variance of 0: what is left of the start's 1 remains
    assert average.moving_variance.numpy()[0] == pytest.approx(left(0.9, 5))
    assert left(0.9, 5) != pytest.approx(1 - 0.1 * 5)  # a step doesn't take away a tenth of the start


def test_a_batch_of_one_gives_zeros_in_training_only():
    names, _ = ran(solution("4_batch_normalization", 2), np=np, layers=layers)
    assert not names["training"].any() and names["inference"][0] == pytest.approx([3, 50], rel=0.01)
    two = layers.BatchNormalization()(np.array([[3.0, 50.0], [4.0, 20.0]], "float32"), training=True).numpy()
    assert np.abs(two).min() > 0.9  # two images are told apart


FALLS = [1.0, 0.8, 0.9, 0.85, 0.81, 0.7, 0.71, 0.71, 0.71, 0.71]


def keras_rates(losses, patience, factor):
    """The rates that Keras' own callback sets for these validation losses."""
    watch = keras.callbacks.ReduceLROnPlateau("val_loss", factor=factor, patience=patience)
    model = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
    model.compile(keras.optimizers.Adam(0.002), "mse")
    watch.set_model(model)
    watch.on_train_begin()
    logs = [{"val_loss": loss} for loss in losses]
    for epoch, log in enumerate(logs):
        watch.on_epoch_end(epoch, log)
    return [float(log["learning_rate"]) for log in logs]


def test_the_rates_are_those_of_keras_and_the_counting_starts_again_after_a_better_epoch():
    wanted = keras_rates(FALLS, patience=2, factor=0.5)
    history = {"val_loss": FALLS, "learning_rate": wanted}
    given = {"np": np, "histories": {("plateau", 7): history}, "run": SimpleNamespace(seed=7)}
    names, said = ran(solution("5_schedules_and_smoothing", 1), **given)
    assert "the same: True" in said and names["ours"] == pytest.approx(wanted, rel=1e-5)
    assert names["ours"][-1] == 0.0005  # it fell twice
    wrong = solution("5_schedules_and_smoothing", 1).replace("0 if better else waited + 1", "waited + (not better)")
    assert wrong != solution("5_schedules_and_smoothing", 1) and "the same: False" in ran(wrong, **given)[1]


def test_a_smoothing_of_a_fifth_asks_for_nine_tenths():
    best = ran(solution("5_schedules_and_smoothing", 2), np=np)[0]["best"]
    by_keras = keras.losses.BinaryCrossentropy(label_smoothing=0.2)
    tried = np.arange(1, 100) / 100
    losses = [float(by_keras(np.ones((1, 1)), np.full((1, 1), p))) for p in tried]
    assert best == tried[np.argmin(losses)] == 0.9
    assert best != 0.8  # half of the smoothing goes to the other class


@pytest.fixture(scope="module")
def s1_m5():
    names = {"keras": keras, "layers": layers, "L1L2": keras.regularizers.L1L2}
    return ran(cell("6_collapse", "def s1_m5("), **names)[0]["s1_m5"]


def test_the_networks_of_s1_are_built_as_printed_and_one_number_passes_the_unit(s1_m5):
    published = s1_m5(0.01, one_unit=True, part=1, shape=(128, 128, 3))
    given = {"keras": keras, "layers": layers, "np": np, "published": published}
    _, said = ran(solution("6_collapse", 1), **given)
    assert "1,192,385" in said and published.count_params() == 394_274
    assert said.split("\n")[1:3] == ["S1-M4 narrowest layer: 256", "S1-M5 narrowest layer: 1"]
    padded = solution("6_collapse", 1).replace("n, 3, ", "n, 3, padding='same', ")
    assert padded != solution("6_collapse", 1) and "1,192,385" not in ran(padded, **given)[1]


def test_a_healthy_network_fits_eight_images_and_a_silenced_one_cannot(s1_m5):
    labels = np.arange(12) % 2
    images = np.full((12, 64, 64, 1), 40, "uint8") + labels[:, None, None, None].astype("uint8") * 160
    given = {
        "keras": keras,
        "np": np,
        "s1_m5": lambda *setting: s1_m5(*setting, part=8),  # fewer filters take less time
        "versions": {"no unit, 0.01": (10.0, False), "no unit, 0.00001": (0.0, False)},
        "labels": labels,
        "images": images,
        "run": SimpleNamespace(seed=7, epochs=lambda full: 40),
    }
    names, _ = ran(solution("6_collapse", 2), **given)
    assert names["fitted"] == {"no unit, 0.01": 0.5, "no unit, 0.00001": 1.0}
    assert sorted(labels[names["eight"]]) == [0] * 4 + [1] * 4


def test_a_look_inside_finds_dead_units_and_the_layer_behind_which_all_images_are_equal():
    names = {"keras": keras, "np": np, "pd": pd, "tf": tf}
    images, labels = np.random.default_rng(7).random((6, 4)).astype("float32"), np.arange(6) % 2
    inside = ran(cell("6_collapse", "def inside("), **names, images=images, labels=labels)[0]["inside"]
    model = keras.Sequential([keras.Input((4,))])
    model.add(layers.Dense(3, activation="relu", name="alive", bias_initializer="ones"))
    model.add(layers.Dense(3, activation="relu", name="dead", bias_initializer=keras.initializers.Constant(-99)))
    model.add(layers.Dense(1, activation="sigmoid", name="end"))
    look = inside(model)
    assert look["dead"].tolist()[1:] == [1, 0] and look.loc["alive", "dead"] < 1
    assert look.loc["alive", "spread"] > 0 and not look.loc[["dead", "end"], "spread"].any()
    assert not look["gradient"].any()  # of the kernels: nothing passes the dead layer, nothing comes out of it
