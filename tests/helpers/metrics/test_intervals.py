"""Intervals hold the truth as often as they say, and one more error never raises an end of them."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics as sk

from helpers.metrics import Scores, evaluate
from helpers.metrics.influence import binary_influence, macro_influence
from helpers.metrics.intervals import share_interval, shares, square_and_add, wilson
from tests.bench.coverage import (
    LEVELS,
    group_sizes,
    of_areas,
    of_composites,
    of_grouped_shares,
    of_macro,
    of_shares,
    reachable,
)


@pytest.mark.parametrize("share", LEVELS)
def test_a_share_is_covered_at_every_number_of_images(share):
    """Exact, no simulation.

    From .93 to .97 where any interval can. Where none can, as too few numbers of errors are likely (no error or one in
    30 images at .97), it is cautious, never below .93.
    """
    sizes = [*range(30, 130), 150, 200, 300, 500, 700, 1000]
    found = {n: of_shares(n, share) for n in sizes}
    assert min(found.values()) > 0.9285
    can = [n for n in sizes if reachable(n, share)]
    assert np.mean([found[n] <= 0.97 for n in can]) > {0.5: 0.99, 0.9: 0.9, 0.97: 0.6, 0.99: 0.5}[share]
    assert max(found[n] for n in can) < 0.99
    assert found[1000] <= 0.97


def test_too_few_numbers_of_errors_leave_no_choice():
    """Of 100 images at .99: 0 to 3 errors have a chance of .982, 0 to 2 one of .921."""
    assert not reachable(100, 0.99) and not reachable(30, 0.97)
    assert of_shares(100, 0.99) == pytest.approx(0.9816, abs=1e-4)
    assert reachable(128, 0.97) and of_shares(128, 0.97) == pytest.approx(0.964, abs=1e-3)


@pytest.mark.parametrize(
    ("images", "mean", "equal"), [(30, 3, True), (100, 5, False), (300, 10, True), (1000, 33, True)]
)
def test_a_share_of_images_in_groups_is_covered(images, mean, equal):
    """From .93 to .97 where the groups' images resemble each other and errors are many.

    Else it is cautious: whether images of a group resemble each other must be found from few groups, or few errors.
    """
    rng = np.random.default_rng(7)
    sizes = group_sizes(images, mean, equal, rng)
    for level in LEVELS:
        for correlation in (0.0, 0.3):
            found = of_grouped_shares(sizes, level, correlation, 400, rng)
            assert found > 0.92, (level, correlation, found)  # .93 less a standard error of the simulation (.012)
            if level == 0.5 and correlation == 0.3:
                assert found < 0.98, found


@pytest.mark.parametrize(
    ("images", "positive", "spread", "group", "correlation"), [(100, 0.3, 0.7, 1, 0.0), (300, 0.5, 1, 10, 0.3)]
)
def test_the_areas_are_covered(images, positive, spread, group, correlation):
    """Never below .93; above .97 near 1, where a badly ranked image that was not seen must be allowed for."""
    for auc in (0.5, 0.9, 0.99):
        roc, pr = of_areas(images, positive, auc, spread, group, correlation, 100, seed=1)
        assert roc > 0.91 and pr > 0.9, (auc, roc, pr)  # .93 less a standard error of the simulation (.025)


def test_precision_f1_and_balanced_accuracy_are_covered():
    for name, found in of_composites(100, 0.9, 0.8, 2, 0.3, 120).items():
        assert found > 0.91, (name, found)


def test_means_of_classes_are_covered():
    for name, found in of_macro(5, 60, 0.9, 1, 0.0, 120).items():
        assert found > 0.91, (name, found)


def perfect(n: int = 60) -> tuple[np.ndarray, np.ndarray]:
    y = np.arange(n) % 2
    return y, 0.25 + 0.5 * y + 0.2 * np.random.default_rng(1).random(n)


@pytest.mark.parametrize("group", [1, 3, 5])
@pytest.mark.parametrize("seed", range(3))
def test_one_more_error_never_raises_an_end_of_a_share(seed, group):
    """Errors in random order, from none to all; in groups of a few images (see `shares` for larger ones)."""
    n, rng = 150, np.random.default_rng(seed)
    rank = rng.permutation(n)
    errors = np.repeat(np.arange(n + 1), n)  # a column for each number of errors
    ends = shares(np.tile(rank, n + 1) >= errors, errors, np.tile(np.arange(n) // group, n + 1), n + 1)
    if group == 1:
        assert (np.diff(ends, axis=1) <= 1e-12).all()
    else:
        few = ends[:, : n // 3]
        assert (np.diff(few, axis=1) <= 1e-9).all()
    assert (ends[:, 1:] <= ends[:, :1] + 1e-12).all() and (ends[:, :-1] >= ends[:, -1:] - 1e-12).all()


def test_one_more_error_never_raises_an_end_of_balanced_accuracy():
    y = np.arange(60) % 2
    rank, before = np.random.default_rng(0).permutation(60), np.ones(2)
    for errors in range(0, 60, 4):
        ends = np.array(evaluate(y, np.where(rank < errors, 1 - y, y) * 0.8 + 0.1).interval("balanced_accuracy"))
        assert (ends <= before + 1e-9).all()
        before = ends


def test_a_first_error_never_raises_an_end_of_any_metric():
    for group in (1, 10):
        y, prob = perfect(400)
        groups = None if group == 1 else np.arange(400) // (2 * group) * 2 + y
        none = evaluate(y, prob, groups=groups)
        for change in ({1: 0.3}, {0: 0.99}, {1: 0.01, 3: 0.3, 0: 0.7}):
            worse = prob.copy()
            worse[list(change)] = list(change.values())
            some = evaluate(y, worse, groups=groups)
            for name in none.metrics:
                if name != "false_negative_rate":
                    assert all(a <= b + 1e-9 for a, b in zip(some.interval(name), none.interval(name), strict=True)), (
                        name
                    )


def test_a_first_error_never_raises_an_end_of_a_mean_of_classes():
    y = np.repeat(np.arange(4), [20, 40, 60, 200])
    none = evaluate(y, np.eye(4)[y])
    for i in (0, 30, 319):
        answers = y.copy()
        answers[i] = (y[i] + 1) % 4
        some = evaluate(y, np.eye(4)[answers])
        for name in none.metrics:
            assert all(a <= b + 1e-9 for a, b in zip(some.interval(name), none.interval(name), strict=True)), name


def test_a_share_has_wilsons_interval_towards_the_middle():
    for right, n in ((128, 128), (127, 128), (90, 100), (25, 50)):
        wilson = binomtest(right, n).proportion_ci(method="wilson")
        low, high = share_interval(right / n, n)
        assert low == pytest.approx(wilson.low) and wilson.high - 1e-9 <= high < wilson.high + 0.02
        mirrored = share_interval(1 - right / n, n)
        assert tuple(mirrored) == pytest.approx((1 - high, 1 - low))
    assert share_interval(0.3, 0).tolist() == [0, 1] and share_interval(0.0, 10)[0] == 0


def test_copies_of_images_in_groups_are_worth_one_image():
    rng = np.random.default_rng(3)
    hit = rng.random(80) < 0.8
    column = np.zeros(800, dtype=int)
    one = shares(hit, column[:80], np.arange(80), 1)
    copies = shares(np.repeat(hit, 10), column, np.repeat(np.arange(80), 10), 1)
    naive = shares(np.repeat(hit, 10), column, np.arange(800), 1)
    width = [float(np.diff(ends, axis=0)[0, 0]) for ends in (one, copies, naive)]
    assert width[1] == pytest.approx(width[0], rel=0.05) and width[2] < 0.4 * width[0]


def test_groups_whose_images_do_not_resemble_each_other_widen_little():
    rng = np.random.default_rng(4)
    hit, column = rng.random(1000) < 0.7, np.zeros(1000, dtype=int)
    alone = shares(hit, column, np.arange(1000), 1)
    grouped = shares(hit, column, np.arange(1000) // 10, 1)
    assert np.diff(grouped, axis=0)[0, 0] < 1.2 * np.diff(alone, axis=0)[0, 0]


def test_shares_of_many_columns_are_those_of_each_alone():
    rng = np.random.default_rng(5)
    hit, column, units = rng.random(600) < 0.9, rng.integers(0, 4, 600), rng.integers(0, 60, 600)
    together = shares(hit, column, units, 5)
    for k in range(4):
        alone = shares(hit[column == k], np.zeros((column == k).sum(), dtype=int), units[column == k], 1)
        np.testing.assert_allclose(together[:, k], alone[:, 0])
    assert together[:, 4].tolist() == [0, 1]


def test_f1_and_balanced_accuracy_follow_from_shares():
    rng = np.random.default_rng(6)
    y = rng.integers(0, 2, 200)
    scores = evaluate(y, np.clip(0.4 * y + 0.6 * rng.random(200), 0, 1))
    union = scores.tp + scores.fp + scores.fn
    of_f1 = share_interval(scores.tp / union, union)
    assert scores.interval("f1") == pytest.approx(tuple(2 * of_f1 / (1 + of_f1)))
    ends = np.array([scores.interval("recall"), scores.interval("specificity")]).T
    both = square_and_add((scores.recall, scores.specificity), ends, (0.5, 0.5))
    assert scores.interval("balanced_accuracy") == pytest.approx(both)


@pytest.mark.parametrize("name", ["accuracy", "precision", "recall", "f1", "balanced_accuracy", "roc_auc", "pr_auc"])
def test_the_influence_of_an_image_is_the_derivative_of_the_metric_by_its_weight(name):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 40)
    prob = np.round(0.3 * y + 0.7 * rng.random(40), 1)  # with ties
    score = {
        "roc_auc": lambda w: sk.roc_auc_score(y, prob, sample_weight=w),
        "pr_auc": lambda w: sk.average_precision_score(y, prob, sample_weight=w),
    }.get(name, lambda w: getattr(sk, f"{name}_score")(y, prob >= 0.5, sample_weight=w))
    found = binary_influence(name, y, prob, prob >= 0.5)
    steps = 1e-5 * np.eye(40)
    derivative = [(score(1 + step) - score(1 - step)) / 2e-5 for step in steps]
    np.testing.assert_allclose(found, derivative, atol=1e-8)
    assert abs(found.sum()) < 1e-12


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
def test_the_influence_on_a_mean_of_classes_is_its_derivative(name):
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, 40)
    answers = np.where(rng.random(40) < 0.6, y, rng.integers(0, 4, 40))  # class 3 has no image

    def score(weights):
        keywords = {"labels": [0, 1, 2], "average": "macro", "zero_division": 0}
        return getattr(sk, f"{name}_score")(y, answers, sample_weight=weights, **keywords)

    derivative = [(score(1 + step) - score(1 - step)) / 2e-5 for step in 1e-5 * np.eye(40)]
    np.testing.assert_allclose(macro_influence(name, y, answers, 4), derivative, atol=1e-8)


def test_a_class_of_few_groups_is_named_with_their_number():
    rng = np.random.default_rng(3)
    y = np.repeat([0, 1], 200)
    prob = np.clip(y * 0.4 + rng.uniform(0, 0.6, 400), 0, 1)
    blocks = np.r_[np.arange(200), 1000 + np.repeat([0, 1], 100)]  # every negative alone, two blocks of positives
    grouped, single = evaluate(y, prob, groups=blocks, class_names=["intact", "crack"]), evaluate(y, prob)
    assert grouped.few_groups == {"crack": 2} and single.few_groups == {}
    assert "Few groups: 2 of crack. Their intervals are for more images of the same groups" in str(grouped)
    assert "Few groups" not in str(single)
    assert grouped.interval("recall") == pytest.approx(single.interval("recall"))
    assert Scores.from_dict(grouped.to_dict()) == grouped and "few_groups" not in single.to_dict()


def test_nine_single_images_are_not_few_groups():
    y = np.repeat([0, 1], [40, 9])
    scores = evaluate(y, y * 0.8, groups=np.arange(49))
    assert scores.few_groups == {} and scores.intervals == evaluate(y, y * 0.8).intervals


def test_the_foot_of_a_table_names_the_method():
    y, prob = perfect()
    assert "Intervals: Wilson and Jeffreys for shares and F1" in str(evaluate(y, prob))
    assert "beta-binomial" in evaluate(y, prob, groups=np.arange(60) // 3)._repr_html_()
    assert "beta-binomial" not in str(evaluate(y, prob))


def test_of_no_case_wilson_knows_nothing():
    assert wilson(0.5, 0, 0.95) == (0.0, 1.0)
    low, high = wilson(1.0, 1, 0.95)
    assert 0 < low < 0.25 and high == 1.0
