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
        lambda values, size: values[: 14 // size * size, : 11 // size * size]
        .reshape(14 // size, size, -1, size)
        .mean(axis=(1, 3)),
        lambda values, size: np.lib.stride_tricks.sliding_window_view(values, (size, size)).max(axis=(2, 3)),
    ],
    ids=["corners", "mean", "every window"],
)
def test_corners_means_and_windows_that_overlap_are_no_max_pooling(wrong):
    assert not agrees_with_keras(wrong, 3)
