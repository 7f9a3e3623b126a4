"""The mean ROC AUC of several trainings agrees with scikit-learn's, and its interval resamples whole groups."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from helpers.metrics import auc_of_draws


@pytest.fixture
def answered():
    rng = np.random.default_rng(1)
    labels = np.repeat([0, 1], 40)
    better, worse = (labels + rng.normal(0, noise, (3, 80)).round(1) for noise in (0.6, 1.2))
    return labels, better, worse


def test_it_is_the_mean_of_scikit_learns_auc_ties_included(answered):
    labels, better, _ = answered
    wanted = np.mean([roc_auc_score(labels, one) for one in better])
    assert auc_of_draws(labels, better).value == pytest.approx(wanted)


def test_a_difference_is_that_of_the_means_and_its_interval_narrower_than_the_two(answered):
    labels, better, _ = answered
    nearly = better + np.random.default_rng(2).normal(0, 0.1, better.shape)
    first, second = auc_of_draws(labels, better), auc_of_draws(labels, nearly)
    paired = auc_of_draws(labels, better, minus=nearly)
    assert paired.value == pytest.approx(first.value - second.value)
    assert paired.high - paired.low < (first.high - first.low) / 2


def test_a_model_against_itself_differs_by_nothing_and_a_much_better_one_is_clear(answered):
    labels, better, worse = answered
    same = auc_of_draws(labels, better, minus=better)
    assert (same.value, same.low, same.high, same.clear) == (0, 0, 0, False)
    assert auc_of_draws(labels, better, minus=worse).clear


def test_copies_of_an_image_in_one_group_do_not_narrow_the_interval(answered):
    labels, better, _ = answered
    once = auc_of_draws(labels, better, groups=np.arange(80))
    copied = auc_of_draws(np.tile(labels, 5), np.tile(better, 5), groups=np.tile(np.arange(80), 5))
    as_if_new = auc_of_draws(np.tile(labels, 5), np.tile(better, 5))
    assert copied == pytest.approx(once)
    assert as_if_new.high - as_if_new.low < (once.high - once.low) * 0.6


def test_resamples_without_one_of_the_classes_are_left_out():
    found = auc_of_draws([0, 1, 1], [[0.1, 0.7, 0.8]], n_boot=200)
    assert found == (1, 1, 1)


@pytest.mark.parametrize(
    "labels, draws, groups, words",
    [
        ([0, 0], [[0.1, 0.2]], None, "y_true"),
        ([0, 1, 2], [[0.1, 0.2, 0.3]], None, "y_true"),
        ([0, 1], [0.1, 0.2], None, "draws"),
        ([0, 1], [[0.1, 0.2, 0.3]], None, "draws"),
        ([0, 1], [[0.1, np.nan]], None, "draws"),
        ([0, 1], [[0.1, 0.2]], ["a"], "groups"),
    ],
)
def test_wrong_arguments_are_named(labels, draws, groups, words):
    with pytest.raises(ValueError, match=words):
        auc_of_draws(labels, draws, groups)
