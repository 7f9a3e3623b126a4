"""The exercises of part 2: the solutions give what the text says, and a likely wrong answer gives something else."""

import contextlib
import io
from dataclasses import replace
from itertools import pairwise

import keras
import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pandas as pd
import pytest
from keras import layers
from sklearn.linear_model import LogisticRegression

from data_prework.files import PROJECT
from helpers.data import Dataset, Split
from tests.notebooks.shape import is_solution

FOLDER = PROJECT / "notebooks" / "02_dense"
TWO = ["NORMAL", "PNEUMONIA"]


def code_cells(lesson):
    path = next(FOLDER.glob(f"{lesson}_*.ipynb"))
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def solution(lesson, number):
    return [cell.source for cell in code_cells(lesson) if is_solution(cell)][number - 1]


def cell(lesson, words):
    return next(one.source for one in code_cells(lesson) if words in one.source)


def ran(source, **given):
    """The names after a cell, and what it printed."""
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(source, given)
    plt.close("all")
    return given, said.getvalue()


def split(images, labels):
    groups = np.arange(len(labels)).astype(str)
    return Split(images, labels, groups, pd.DataFrame(index=range(len(labels))), 8, None)


@pytest.fixture(scope="module")
def marked():
    """Images of 64 pixels: a dark bar in the middle is the positive class."""
    rng = np.random.default_rng(7)
    labels = np.arange(60) % 2
    images = rng.integers(90, 160, size=(60, 64, 64, 1)).astype(np.uint8)
    images[labels == 1, :, 28:36] //= 4
    return split(images, labels)


def test_unsure_costs_the_logarithm_of_two_and_certain_three_times_as_much():
    names, said = ran(solution(1, 1), np=np)
    assert said.strip() == "unsure: 0.693, certain: 2.308" and 3 * names["unsure"] < names["certain"]


def test_the_probability_of_class_1_for_every_image_is_another_loss():
    loss = ran(solution(1, 1), np=np)[0]["cross_entropy"]
    truth, prob = np.array([1, 0]), np.array([0.9, 0.2])
    assert loss(truth, prob) != pytest.approx(-np.log(prob).mean())
    assert loss(truth, prob) == pytest.approx(float(keras.losses.BinaryCrossentropy()(truth, prob)), abs=1e-5)


def test_a_shift_hurts_a_neuron_that_knows_a_place_and_a_mirror_does_not(marked):
    rows = marked.images.reshape(60, -1) / np.float32(255)
    logistic = LogisticRegression(C=0.01).fit(rows, marked.labels)
    names, _ = ran(solution(1, 2), np=np, logistic=logistic, test=marked)
    assert names["mirrored"] == 1 and names["shifted"] < 0.7
    across_the_batch = names["accuracy"](np.roll(marked.images, 16, axis=0))  # the wrong axis: other images, not moved
    assert across_the_batch == 1


@pytest.fixture(scope="module")
def passes():
    return ran("\n".join([cell(2, "sums = x @ w1 + b1"), cell(2, "d_w1 =")]), np=np)[0]


def test_the_estimated_gradient_is_that_of_backpropagation(passes):
    names, _ = ran(solution(2, 1), **passes)
    assert names["estimate"] == pytest.approx(passes["d_w1"][0, 0], rel=1e-4)
    one_sided = (
        names["loss_of"](passes["w1"] + 1) - names["loss_of"](passes["w1"])
    ) / 1  # all weights, and far too far
    assert one_sided != pytest.approx(passes["d_w1"][0, 0], rel=0.05)


def test_parameters_are_counted_as_keras_counts_them():
    names, said = ran(solution(2, 2))
    model = keras.Sequential([keras.Input((12,)), layers.Dense(5), layers.Dense(1)])
    assert names["count"](12, [5, 1]) == model.count_params()
    assert said.split() == ["264,321", "3,147,905"]
    without_biases = sum(a * b for a, b in pairwise([4096, 64, 32, 1]))
    assert without_biases != 264_321


def test_the_training_images_grow_and_the_lowest_loss_is_kept_and_not_the_last(marked):
    xray = Dataset("drawn", PROJECT, TWO, "embedded", marked, marked, marked)
    wide = split(np.zeros((500, 2, 2, 1), np.uint8), np.arange(500) % 2)
    seen, history = [], keras.callbacks.History()
    history.history = {"val_loss": [0.5, 0.4, 0.6]}

    def train(model, rows, callbacks):
        seen.append(set(rows))
        return history

    given = {"xray": replace(xray, train=wide), "np": np, "plt": plt, "train": train, "keep_best": lambda: None}
    names, _ = ran(solution(3, 1), dense_network=lambda *units: None, **given)
    assert [len(rows) for rows in seen] == [100, 200, 400] and seen[0] < seen[1] < seen[2]
    assert names["by_size"] == {100: 0.4, 200: 0.4, 400: 0.4} and history.history["val_loss"][-1] != 0.4


def test_trust_in_a_normal_answer_is_its_negative_predictive_value_and_not_the_specificity():
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    prob = np.array([0.1, 0.2, 0.9, 0.9, 0.8, 0.3, 0.9, 0.7])
    test = split(np.zeros((8, 2, 2, 1), np.uint8), labels)
    names, said = ran(solution(3, 2), answers={"S4-M2": prob}, test=test)
    specificity = (prob[labels == 0] <= 0.5).mean()
    assert names["trust"] == pytest.approx(2 / 3) and specificity == 0.5 and "67%" in said


def test_one_sigmoid_is_two_softmax_outputs():
    softmax = ran(cell(4, "def softmax("), np=np, keras=keras)[0]["softmax"]
    assert ran(solution(4, 1), np=np, softmax=softmax)[0]["largest"] < 1e-12
    z = np.linspace(-4, 4, 9)
    wrong = softmax(np.stack([z, np.zeros(9)], axis=1))[:, 1]  # the scores the other way round
    assert np.abs(wrong - 1 / (1 + np.exp(-z))).max() > 0.9


def test_recalls_and_the_pair_that_is_confused_most_often():
    labels = np.array([0, 0, 0, 1, 1, 1, 2, 2, 2, 2])
    answer = np.array([0, 0, 1, 1, 1, 1, 0, 0, 2, 1])
    test = split(np.zeros((10, 2, 2, 3), np.uint8), labels)
    names, said = ran(solution(4, 2), np=np, test=test, answer=answer, names=["balloon", "house", "tree"])
    assert names["recalls"] == pytest.approx([2 / 3, 1, 1 / 4]) and "tree predicted as balloon: 2 times" in said
    precisions = [(labels[answer == k] == k).mean() for k in range(3)]
    assert precisions != pytest.approx(names["recalls"])


def test_class_weights_are_those_of_the_data_set(marked):
    some = split(marked.images[:8], np.array([0, 1, 1, 1, 1, 1, 0, 1]))
    xray = Dataset("drawn", PROJECT, TWO, "embedded", some, some, some)
    weights = ran(solution(5, 1), np=np, pd=pd, xray=xray)[0]["class_weights"]
    assert weights(some.labels) == pytest.approx({0: 2, 1: 2 / 3}) and weights(some.labels) == xray.class_weights
    shares = dict(enumerate(np.bincount(some.labels) / 8))
    assert shares != pytest.approx(weights(some.labels))


def test_means_and_spreads_of_the_starts():
    index = pd.MultiIndex.from_product([["focal loss", "no weights"], [7, 8]], names=["network", "seed"])
    networks = pd.DataFrame({"specificity": [0.9, 0.8, 0.7, 0.4]}, index=index)
    names, _ = ran(solution(5, 2), pd=pd, networks=networks)
    assert names["means"].tolist() == pytest.approx([0.85, 0.55])
    assert names["spread"].tolist() == pytest.approx([0.1, 0.3])
    across_the_ways = networks.groupby("seed")["specificity"].max() - networks.groupby("seed")["specificity"].min()
    assert across_the_ways.tolist() != pytest.approx(names["spread"].tolist())
