"""The exercises of part 3's first lessons: the solutions give what the text says, and a wrong answer doesn't."""

import contextlib
import io

import keras
import nbformat
import numpy as np
import pytest
from keras import layers

from data_prework.files import PROJECT

FOLDER = PROJECT / "notebooks" / "03_convolutions"


def lesson(name):
    return nbformat.read(FOLDER / name, as_version=4).cells


def solutions(name):
    return [cell.source for cell in lesson(name) if "solution" in cell.metadata.get("tags", [])]


def cell(name, ident):
    return next(cell.source for cell in lesson(name) if cell.id == ident)


def ran(source, given):
    """The names after a cell, and what it printed."""
    names, said = dict(given), io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(source, names)
    return names, said.getvalue()


BY_HAND = "1_convolution_by_hand.ipynb"


@pytest.fixture(scope="module")
def toys():
    given = {"np": np, "show": lambda *shown: None, "dark_line": np.array([[1, -2, 1]] * 3)}
    for ident in ("conv-convolve", "conv-toys"):
        source = cell(BY_HAND, ident)
        given = ran(source.split("\n\n\nprint(")[0], given)[0]
    return given | {"wall": np.zeros((8, 8))}


def is_dark_level(kernel, toys):
    """What the text asks of the kernel."""
    largest = {name: toys["convolve"](toys[name], kernel).max() for name in ("level", "step")}
    return not toys["convolve"](toys["flat"], kernel).any() and largest["level"] >= 2 * largest["step"] > 0


def test_the_kernel_of_the_solution_is_what_the_text_asks_for(toys):
    names, said = ran(solutions(BY_HAND)[0], toys)
    assert is_dark_level(names["dark_level"], toys)
    assert "level: largest value 54" in said and "step: largest value 27" in said


@pytest.mark.parametrize(
    "wrong",
    [
        [[1, -2, 1]] * 3,  # upright
        [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],  # an edge
        [[1, 1, 1], [-1, -1, -1], [1, 1, 1]],  # not zero where it's flat
        [[-1, -1, -1], [2, 2, 2], [-1, -1, -1]],  # a bright line
    ],
    ids=["upright", "edge", "adds up to 3", "bright"],
)
def test_another_kernel_is_not(wrong, toys):
    assert not is_dark_level(np.array(wrong), toys)


def agrees_with_keras(max_pool, size):
    values = np.random.default_rng(7).normal(size=(14, 11))
    by_keras = keras.ops.convert_to_numpy(layers.MaxPooling2D(size)(values[None, :, :, None]))[0, :, :, 0]
    found = max_pool(values, size)
    return found.shape == by_keras.shape and np.allclose(found, by_keras)


@pytest.fixture(scope="module")
def max_pool():
    given = {"np": np, "keras": keras, "layers": layers, "before": np.arange(62.0 * 62).reshape(62, 62)}
    names, said = ran(solutions(BY_HAND)[1], given)
    assert "(15, 15)" in said and "the same: True" in said
    return names["max_pool"]


@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_pooling_of_the_solution_is_that_of_keras_where_blocks_do_not_fill_the_map(max_pool, size):
    assert agrees_with_keras(max_pool, size)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda values, size: values[::size, ::size],
        lambda values, size: (
            values[: 14 // size * size, : 11 // size * size].reshape(14 // size, size, -1, size).mean(axis=(1, 3))
        ),
        lambda values, size: np.lib.stride_tricks.sliding_window_view(values, (size, size)).max(axis=(2, 3)),
    ],
    ids=["corners", "mean", "every window"],
)
def test_corners_means_and_windows_that_overlap_are_no_max_pooling(wrong):
    assert not agrees_with_keras(wrong, 3)


FIRST_CNN = "2_first_cnn.ipynb"
PUBLISHED = 1_616_609


@pytest.fixture(scope="module")
def counting():
    return ran(cell(FIRST_CNN, "cnn-count").split("\n\n\n")[0], {})[0] | {"keras": keras, "layers": layers}


def test_s4_m3_has_the_published_parameters_by_hand_and_in_keras(counting):
    names, said = ran(solutions(FIRST_CNN)[0], counting)
    assert sum(names["convs"]) + names["dense"] == names["s4_m3"].count_params() == PUBLISHED
    assert f"by hand {PUBLISHED:,}, Keras {PUBLISHED:,}" in said
    assert round(names["dense"] / PUBLISHED, 2) == 0.94  # as the solution says


@pytest.mark.parametrize(
    "right, wrong",
    [("224 - 2 - 2 - 2", "224"), ("(128, 64), (64, 32)", "(3, 64), (3, 32)"), ("side * side * 32", "side * side")],
    ids=["maps that stay large", "channels of the image", "one map"],
)
def test_a_wrong_count_is_not_the_published_one(right, wrong, counting):
    by_hand = solutions(FIRST_CNN)[0].split("s4_m3 =")[0]
    assert right in by_hand
    names, _ = ran(by_hand.replace(right, wrong), counting)
    assert sum(names["convs"]) + names["dense"] != PUBLISHED


class QuickRun:
    seed = 7

    def epochs(self, full):
        return 1


@pytest.fixture(scope="module")
def walls():
    """Two tiny splits: dark stripes or none."""
    rng = np.random.default_rng(7)
    labels = np.arange(16) % 2
    images = rng.integers(150, 200, (16, 64, 64, 1)).astype(np.uint8)
    images[labels == 1, :, 30:33] = 0

    class Part:
        batches = tf_batches(images, labels)

    class Walls:
        train = val = Part

    return Walls


def tf_batches(images, labels):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((images, labels)).batch(8)


@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed")  # as helpers.start does
def test_the_network_with_averages_has_the_parameters_that_the_solution_counts(walls):
    given = {"keras": keras, "layers": layers, "run": QuickRun(), "cracks": walls, "history": {"val_loss": [0.5]}}
    names, said = ran(solutions(FIRST_CNN)[1], given)
    assert names["averaged"].count_params() == 160 + 4_640 + 18_496 + 65 != 25_601
    assert "23,361 parameters" in said and "flattened: lowest validation loss 0.500" in said


VERSUS = "3_cnn_against_dense.ipynb"


@pytest.fixture(scope="module")
def rivals():
    given = {"keras": keras, "layers": layers, "np": np}
    for ident in ("versus-rival", "versus-answers", "versus-moved"):
        source = cell(VERSUS, ident).split("\nshown =")[0]
        names = {"small_cnn": lambda shape: None} if ident == "versus-rival" else {}
        given = ran(source, given | names)[0]
    return given


def test_the_wide_network_has_more_than_four_times_the_parameters(rivals):
    source = solutions(VERSUS)[0].split("SETTINGS[")[0]
    names, _ = ran(source, rivals)
    assert names["wide_net"]().count_params() == 278_913 > 4 * rivals["dense_net"]().count_params()


def test_images_move_where_the_lesson_says_and_the_edge_fills_the_gap(rivals):
    image = np.zeros((1, 32, 32, 1), np.uint8)
    image[0, 10, 10] = 255
    image[0, 0, 20] = 9
    down = rivals["moved"](image, 4, 0)
    assert down.shape == image.shape and down[0, 14, 10] == 255 and (down[0, :5, 20] == 9).all()
    assert rivals["moved"](image, 0, -4)[0, 10, 6] == 255
    assert np.array_equal(rivals["moved"](image, 0, 0), image)


class Fixed:
    """A model that looks at the mean of the first columns."""

    def __init__(self, columns):
        self.columns = columns

    def predict(self, images, **_):
        return images[:, :, : self.columns].mean(axis=(1, 2, 3))[:, np.newaxis] / 255


@pytest.fixture(scope="module")
def loss_by_moving(rivals):
    from helpers.metrics import compare

    return ran(solutions(VERSUS)[1].split("\n\n\n")[0], rivals | {"compare": compare})[0]["loss_by_moving"]


def halves():
    from types import SimpleNamespace

    rng = np.random.default_rng(7)
    labels = np.arange(60) % 2
    images = rng.integers(100, 110, (60, 32, 32, 1)).astype(np.uint8)
    images[labels == 1, :, 10:12] += 100  # a bright strip, which stays inside of the image
    return SimpleNamespace(images=images, labels=labels, groups=np.arange(60).astype(str))


def test_a_model_that_looks_at_one_place_loses_by_moving_and_one_that_looks_everywhere_does_not(loss_by_moving):
    assert loss_by_moving(Fixed(12), halves()).value < -0.1
    assert abs(loss_by_moving(Fixed(32), halves()).value) < 0.1
