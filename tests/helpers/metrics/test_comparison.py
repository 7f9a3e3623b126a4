"""Paired differences hold the truth, are clear only where the images tell, and many of them are corrected."""

import numpy as np
import pytest

from helpers.metrics import Difference, compare, difference_table, evaluate, holm
from helpers.metrics.intervals import too_few
from tests.bench.coverage import of_area_differences, of_differences
from tests.helpers.metrics.drawn import drawn


def pair(n: int = 500, gap: float = 0.05, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels and the probabilities of two models with the same noise: B is wrong more often."""
    rng = np.random.default_rng(seed)
    y, noise = rng.integers(0, 2, n), rng.random(n)
    return y, 0.4 * y + 0.6 * noise, (0.4 - gap) * y + (0.6 + gap) * noise


@pytest.mark.parametrize(("images", "group", "correlation"), [(30, 1, 0.0), (300, 1, 0.0), (100, 5, 0.3)])
def test_paired_differences_are_covered_where_the_answers_differ(images, group, correlation):
    """From .93; above .97 where a handful of images differ, as few numbers of them are possible."""
    for rates in ((0.5, 0.5), (0.97, 0.9)):
        found, share = of_differences(images, rates, group, correlation, 120, "accuracy", seed=1)
        assert found > 0.91 and share > 0.8, (rates, found)  # .93 less a standard error of the simulation (.02)
        if images == 300:
            assert found < 0.99


def test_paired_differences_of_areas_are_covered():
    for setting in ((100, 0.9, 0.05, 1, 0.0), (300, 0.8, 0.05, 10, 0.3)):
        roc, pr = of_area_differences(*setting, 100)
        assert roc > 0.9 and pr > 0.89, (setting, roc, pr)


def test_the_paired_difference_is_tighter_than_two_single_intervals_and_has_its_sign():
    y, good, bad = pair()
    gain = compare(y, good, bad)
    a, b = evaluate(y, good), evaluate(y, bad)
    assert isinstance(gain, Difference)
    assert gain.value == pytest.approx(a.accuracy - b.accuracy)
    assert gain.clear and gain.low > 0 and gain.p < 0.05 and gain.text in str(gain)
    widths = [np.diff(s.interval("accuracy"))[0] for s in (a, b)]
    assert gain.high - gain.low < 0.8 * min(widths)
    reverse = compare(y, bad, good)
    assert (reverse.value, reverse.low, reverse.high) == pytest.approx((-gain.value, -gain.high, -gain.low))


def test_the_difference_of_accuracies_is_bonett_and_prices():
    y = np.zeros(100, dtype=int)
    y[:50] = 1
    a, b = y.astype(float), y.astype(float)
    b[:9] = 0.1
    a[10:12] = 0.1  # 9 images right with A alone, 2 with B alone
    found = compare(y, a, b)
    error = np.sqrt((9 + 2 + 2 - (9 - 2) ** 2 / 102) / 102**2)
    assert found.value == pytest.approx(0.07)
    assert (found.high - found.low) / 2 == pytest.approx(1.984 * error, rel=0.05)


def test_the_interval_leaves_out_0_where_the_p_value_is_below_5_percent():
    for seed in range(12):
        y, a, b = pair(80, 0.03, seed)
        for metric in ("accuracy", "f1", "roc_auc", "pr_auc", "balanced_accuracy", "precision"):
            found = compare(y, a, b, metric)
            assert (found.p < 0.05) == (found.low > 0 or found.high < 0), (seed, metric)


@pytest.mark.parametrize("metric", ["accuracy", "sensitivity", "f1", "roc_auc", "pr_auc", "npv"])
def test_the_difference_of_identical_answers_is_0_without_an_interval(metric):
    y, prob, _ = pair(100)
    same = compare(y, prob, prob, metric=metric)
    assert (same.value, same.low, same.high, same.p) == (0, 0, 0, 1) and same.same and not same.clear
    assert "(the same on every image)" in same.text and "do not tell the two models apart" in str(same)
    assert same.verdict == "no difference on these images"


def test_other_probabilities_with_the_same_answers_have_the_same_accuracy_and_other_areas():
    y, prob, other = pair(100)
    answers = (prob >= 0.5) * 0.9
    assert compare(y, prob, answers).same and not compare(y, prob, answers, "roc_auc").same
    assert compare(y, prob, prob**2, "roc_auc").same  # the same order of the images
    assert not compare(y, prob, other).same


def test_copies_of_images_in_groups_tell_no_more_than_the_images():
    y, a, b = pair(60, 0.1)
    copies = np.repeat(np.arange(60), 8)
    single, naive = compare(y, a, b), compare(y[copies], a[copies], b[copies])
    grouped = compare(y[copies], a[copies], b[copies], groups=copies)
    width = [found.high - found.low for found in (single, naive, grouped)]
    assert width[2] == pytest.approx(width[0], rel=0.15) and width[1] < 0.5 * width[0]


def test_few_groups_of_a_class_cannot_tell_models_apart():
    y, a, b = pair(400, 0.1)
    order = np.argsort(y, kind="stable")
    y, a, b = y[order], a[order], b[order]
    negatives = int((y == 0).sum())
    groups = np.r_[np.arange(negatives), 1000 + np.arange(400 - negatives) // 100]
    for metric, few in (("accuracy", 2), ("recall", 2), ("roc_auc", 2), ("specificity", 0)):
        found = compare(y, a, b, metric, groups=groups)
        assert found.few_groups in ((few, few + 1) if few else (0,)), metric
        if few:
            assert not found.clear and f"too few groups to tell ({found.few_groups})" in str(found)
    assert compare(y, a, b).clear


def test_of_several_classes_few_groups_count_by_their_part_in_the_metric():
    y, good = drawn(600, 4, gain=2.5, seed=3)
    _, bad = drawn(600, 4, gain=1, seed=3)
    groups = np.where(y == 0, np.arange(600) % 3, 10 + np.arange(600))  # class 0 from three groups
    assert compare(y, good, bad, "f1", groups=groups).verdict == "too few groups to tell (3)"
    assert compare(y, good, bad, "f1", groups=np.arange(600) // 2).clear
    assert too_few(np.full(40, 1.0), np.full(40, 6), np.full(40, 6)) == 0


def test_holm_corrects_for_the_number_of_comparisons():
    y, a, b = pair(200, 0.05)
    once = compare(y, a, b)
    named = {"one": once} | {f"same {i}": compare(y, a, a) for i in range(3)}
    corrected = holm(named)
    assert corrected["one"].p == pytest.approx(4 * once.p) and corrected["one"].comparisons == 4
    assert (corrected["one"].low, corrected["one"].high) == (once.low, once.high)
    p = np.array([0.01, 0.04, 0.03, 0.005])  # by hand: 0.03, 0.06, 0.06, 0.02
    by_hand = holm(
        {str(i): Difference("accuracy", 0.1, 0.01, 0.2, 0.9, 0.8, 9, 9, p=value) for i, value in enumerate(p)}
    )
    assert [found.p for found in by_hand.values()] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert [found.clear for found in by_hand.values()] == [True, False, False, True]
    assert by_hand["1"].verdict == "not clear of 0 among 4 comparisons" and "Holm's p for 4" in str(by_hand["1"])
    with pytest.raises(ValueError, match=r"differences: .*corrected already"):
        holm(corrected)
    with pytest.raises(ValueError, match="differences: expected a dictionary"):
        holm({})


def test_of_twenty_models_without_any_difference_one_is_clear_by_chance_and_none_after_holm():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 2, 200)
    probs = [np.where(rng.random(200) < 0.9, y, 1 - y) * 0.8 + 0.1 for _ in range(40)]
    found = {f"model {i}": compare(y, probs[2 * i], probs[2 * i + 1]) for i in range(20)}
    assert 0 < sum(one.clear for one in found.values()) < 4
    assert not any(one.clear for one in holm(found).values())


def test_a_table_of_more_than_three_comparisons_is_corrected():
    y, a, b = pair(200, 0.05)
    once = compare(y, a, b)
    three, four = ({str(i): once for i in range(k)} for k in (3, 4))
    assert list(difference_table(three).columns) == ["difference", "95 % interval", "p", "verdict"]
    table = difference_table(four)
    assert list(table.columns)[2] == "p (Holm)" and table.index.name == "comparison"
    assert table.loc["0", "difference"] == f"{once.value:+.3f}"
    same = difference_table({"same": compare(y, a, a)})
    assert same.loc["same"].tolist() == ["+0.000", "none", "", "no difference on these images"]
    with pytest.raises(ValueError, match="differences: "):
        difference_table({"CNN": 0.1})
