"""One temperature makes the answers of many classes as sure as they are right, and changes no answer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import softmax

from helpers.deploy.calibration import apply_temperature, fit_temperature

RNG = np.random.default_rng(7)


@pytest.mark.parametrize("n_classes", [3, 13, 200])
@pytest.mark.parametrize("wrong_by", [0.3, 1.0, 4.0])
def test_the_temperature_by_which_the_logits_are_off_is_found(n_classes, wrong_by):
    logits = 3 * RNG.normal(size=(3000, n_classes))
    truth = (softmax(logits, axis=1).cumsum(axis=1) > RNG.random((3000, 1))).argmax(axis=1)
    said = softmax(logits * wrong_by, axis=1).astype(np.float32)
    temperature = fit_temperature(truth, said)
    assert temperature == pytest.approx(wrong_by, rel=0.1)
    np.testing.assert_allclose(
        apply_temperature(said, temperature), softmax(logits * wrong_by / temperature, axis=1), atol=1e-4
    )


@pytest.mark.parametrize("truth", [[0, 1, 2], [1, 2, 0]], ids=["all right", "worse than chance"])
def test_where_no_temperature_is_the_best_the_answers_stay(truth):
    assert fit_temperature(truth, np.eye(3) * 0.7 + 0.1) == 1.0


@given(st.lists(st.floats(0.001, 1), min_size=3, max_size=12, unique=True), st.floats(0.2, 5))
def test_no_temperature_changes_the_order_of_the_classes(weights, temperature):
    prob = np.array([weights]) / sum(weights)
    heated = apply_temperature(prob, temperature)
    assert heated.sum() == pytest.approx(1)
    assert (np.diff(heated[0][np.argsort(prob[0])]) >= 0).all()


def test_an_answer_of_zero_and_one_stays_a_number():
    heated = apply_temperature(np.eye(3), 2.0)
    assert np.isfinite(heated).all() and heated.argmax(axis=1).tolist() == [0, 1, 2]


@pytest.mark.parametrize("temperature", [0, -1.0, float("nan"), float("inf"), "warm", None, True])
def test_what_is_no_temperature_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature"):
        apply_temperature(np.eye(3), temperature)


@pytest.mark.parametrize(
    "y_true, y_prob, words",
    [([0, 1, 3], np.eye(3), "y_true"), ([0, 1], np.eye(3), "y_prob"), ([0, 1, 2], np.ones((3, 3)), "y_prob")],
)
def test_labels_and_probabilities_that_do_not_fit_are_refused_by_name(y_true, y_prob, words):
    with pytest.raises(ValueError, match=words):
        fit_temperature(y_true, y_prob)
