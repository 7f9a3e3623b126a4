"""What the tests of the exercises compute anew agrees with Keras and scikit-learn."""

import keras
import numpy as np
import pytest
from keras import layers

from helpers.exercise_checks import (
    average_maps,
    convolve,
    decision_cost,
    loss_value,
    pool,
    pooled_cnn,
    share_verdict,
    unseen_probability,
)

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("paddings", [("valid", "same"), ("same", "valid")])
@pytest.mark.parametrize("kind, how", [(layers.MaxPooling2D, np.max), (layers.AveragePooling2D, np.mean)])
def test_a_network_computed_from_its_weights_answers_as_in_keras(paddings, kind, how):
    model = keras.Sequential([keras.Input((11, 8, 1)), layers.Rescaling(1 / 127.5, offset=-1)])
    for filters, padding in zip((2, 3), paddings, strict=True):
        model.add(layers.Conv2D(filters, 3, padding=padding, activation="relu"))
        model.add(kind(2))
    model.add(layers.GlobalAveragePooling2D())
    model.add(layers.Dense(1, activation="sigmoid"))
    weights = [RNG.normal(0, 0.5, w.shape) for w in model.get_weights()]
    model.set_weights(weights)
    images = RNG.uniform(0, 255, (3, 11, 8, 1))
    found = pooled_cnn(weights, images, scale=1 / 127.5, offset=-1, how=how, paddings=paddings)
    assert found == pytest.approx(model.predict(images, verbose=0)[:, 0], abs=1e-5)
    assert found != pytest.approx(pooled_cnn(weights, images, how=how, paddings=paddings), abs=1e-3)


def test_without_pooling_and_activation_it_is_the_sum_of_the_windows():
    image, kernel = np.arange(12.0).reshape(1, 3, 4, 1), np.ones((3, 3, 1, 1))
    assert convolve(image, kernel, np.zeros(1)).ravel().tolist() == [45, 54]
    assert pool(image).ravel().tolist() == [5, 7]
    weights = [kernel, np.zeros(1), np.ones((1, 1)), np.ones(1)]
    found = pooled_cnn(weights, image, scale=1, activation="linear", last="linear", how=None, paddings=["valid"])
    assert found.tolist() == [50.5]


@pytest.mark.parametrize(
    "loss",
    [
        "bce",
        "binary_crossentropy",
        keras.losses.BinaryCrossentropy(),
        ["bce"],
        {"out": keras.losses.BinaryCrossentropy()},
    ],
)
def test_a_loss_is_known_by_what_it_gives(loss):
    assert loss_value(loss, [0, 1], [0.2, 0.6]) == pytest.approx(-(np.log(0.8) + np.log(0.6)) / 2, abs=1e-4)


def test_another_loss_gives_another_number_and_an_unknown_one_none():
    assert loss_value("mse", [0, 1], [0.2, 0.6]) == pytest.approx(0.1, abs=1e-5)
    assert loss_value(keras.losses.BinaryCrossentropy(from_logits=True), [0, 1], [0.2, 0.6]) > 0.5
    assert np.isnan(loss_value("no such loss", [0, 1], [0.2, 0.6]))


def test_maps_are_averaged_over_their_places():
    backbone = keras.Sequential([keras.Input((4, 4, 1)), layers.Conv2D(2, 3)])
    images = RNG.random((2, 4, 4, 1))
    assert average_maps(backbone, images) == pytest.approx(backbone.predict(images, verbose=0).mean((1, 2)))


def test_a_decision_costs_what_its_mistakes_cost():
    labels, prob = np.array([0, 0, 1, 1]), np.array([0.1, 0.5, 0.4, 0.9])
    assert decision_cost(labels, prob, 0.5, miss=7, alarm=2) == 100 * 9 / 4
    assert decision_cost(labels, prob, 0.51, miss=7, alarm=2) == 100 * 7 / 4


@pytest.mark.parametrize(
    "k, n, limit, at_least, word",
    [
        (831, 855, 0.95, True, "met"),
        (293, 317, 0.9, True, "open"),
        (85, 855, 0.05, False, "failed"),
        (24, 855, 0.05, False, "met"),
    ],
)
def test_a_verdict_asks_the_whole_interval(k, n, limit, at_least, word):
    assert share_verdict(k, n, limit, at_least) == word


def test_a_judge_has_not_seen_the_group_that_it_judges():
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    labels = np.array([0, 1, 0, 1, 0, 1, 0, 1])
    pixels, groups = labels[:, None] + RNG.normal(0, 0.3, (8, 1)), np.array([0, 0, 1, 1, 2, 2, 3, 3])
    found = unseen_probability(LogisticRegression(), pixels, labels, GroupKFold(4), groups)
    rest = groups != 0
    alone = LogisticRegression().fit(pixels[rest], labels[rest]).predict_proba(pixels[~rest])[:, 1]
    assert found[~rest] == pytest.approx(alone)
