"""The right answers that tests compute agree with Keras and scikit-learn."""

import keras
import numpy as np
import pytest
from keras import layers

from helpers.assignment.truth import average_maps, decision_cost, share_verdict, unseen_probability

RNG = np.random.default_rng(3)


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
