"""Scores of more than two classes equal scikit-learn's, their intervals are honest, and wrong input is named."""

import json
import time

import numpy as np
import pytest
from sklearn import metrics as sk

from helpers.metrics import METRICS, MULTICLASS_METRICS, MulticlassScores, Scores, compare, evaluate, score_table
from tests.helpers.metrics.drawn import drawn

GOOD_Y, GOOD_P = [0, 1, 2, 2], [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.1, 0.6, 0.3], [0.1, 0.2, 0.7]]


@pytest.mark.parametrize("n_classes", [3, 13, 200])
def test_every_metric_equals_scikit_learn(n_classes):
    y, prob = drawn(4 * n_classes, n_classes, gain=2)
    scores = evaluate(y, prob)
    answers = prob.argmax(axis=1)
    macro = {"average": "macro", "zero_division": 0}
    expected = {
        "accuracy": sk.accuracy_score(y, answers),
        "balanced_accuracy": sk.balanced_accuracy_score(y, answers),
        "precision": sk.precision_score(y, answers, **macro),
        "recall": sk.recall_score(y, answers, **macro),
        "f1": sk.f1_score(y, answers, **macro),
        "roc_auc": sk.roc_auc_score(y, prob.astype(float), multi_class="ovr"),
        "top_k_accuracy": sk.top_k_accuracy_score(y, prob, k=scores.top_k, labels=range(n_classes)),
    }
    assert {name: getattr(scores, name) for name in MULTICLASS_METRICS} == pytest.approx(expected)
    np.testing.assert_array_equal(scores.confusion_matrix, sk.confusion_matrix(y, answers))
    by_class = sk.precision_recall_fscore_support(y, answers, zero_division=0)
    for name, values in zip(("precision", "recall", "f1", "images"), by_class, strict=True):
        np.testing.assert_allclose(scores.per_class[name], values)
    areas = [sk.roc_auc_score(y == label, prob[:, label]) for label in range(n_classes)]
    np.testing.assert_allclose(scores.per_class["roc_auc"], areas)


def test_two_columns_are_the_probabilities_of_two_classes():
    y, prob = drawn(100, 2, gain=1)
    assert evaluate(y, prob) == evaluate(y, prob[:, 1])
    assert compare(y, prob, prob[::-1]) == compare(y, prob[:, 1], prob[::-1, 1])


def test_the_second_of_two_classes_is_the_positive_one_and_is_named():
    scores = evaluate([0, 0, 0, 1], [0.1, 0.2, 0.6, 0.9], class_names=["intact", "crack"])
    assert (scores.tp, scores.fp) == (1, 1) and "25.0 % positive (crack)" in str(scores)
    assert Scores.from_dict(json.loads(json.dumps(scores.to_dict()))) == scores
    assert "class_names" not in evaluate([0, 1], [0.1, 0.9]).to_dict()


@pytest.mark.parametrize("n_classes", [3, 40])
def test_images_copied_within_patients_do_not_narrow_the_intervals_by_patient(n_classes):
    y, prob = drawn(30 * n_classes // (1 + n_classes // 10), n_classes, gain=1)
    copies = np.repeat(np.arange(len(y)), 6)
    single, naive = evaluate(y, prob), evaluate(y[copies], prob[copies])
    by_patient = evaluate(y[copies], prob[copies], groups=copies)
    for name in ("accuracy", "balanced_accuracy", "roc_auc"):
        width, copied, grouped = (np.diff(s.interval(name))[0] for s in (single, naive, by_patient))
        assert copied < 0.6 * width and grouped > 0.85 * width, name
    assert by_patient.n_groups == len(y)


def test_classes_of_few_groups_are_named_with_their_numbers():
    y, prob = drawn(300, 3, gain=1)
    groups = np.where(y == 0, y, 100 + np.arange(300))
    some = evaluate(y, prob, groups=groups, class_names=["arch", "dome", "tower"])
    assert some.few_groups == {"arch": 1} and "Few groups: 1 of arch" in some.note
    assert some.per_class.loc["arch", "recall_high"] - some.per_class.loc["arch", "recall_low"] > 0.15
    few = evaluate(y, prob, groups=y)
    assert "1 of class 0, 1 of class 1, 1 of class 2" in few.note and "not for new groups" in few.note
    assert few.intervals == evaluate(y, prob).intervals


def test_classes_without_an_image_are_said_and_left_out_of_the_mean():
    y, prob = drawn(200, 5)
    here = y != 3
    scores = evaluate(y[here], prob[here], class_names=list("abcde"))
    assert "Without an image here: d; the macro metrics are those of the other 4 classes." in scores.note
    rest = [label for label in range(5) if label != 3]
    assert scores.recall == pytest.approx(sk.recall_score(y[here], prob[here].argmax(1), labels=rest, average="macro"))
    assert scores.per_class.loc["d", "images"] == 0 and np.isnan(scores.per_class.loc["d", "f1"])
    assert scores.class_table().loc["d", "F1"] == "no image" and "nan" not in str(scores).lower()
    assert Scores.from_dict(json.loads(json.dumps(scores.to_dict(), allow_nan=False))) == scores


def test_a_perfect_score_is_not_certain():
    y = np.repeat(np.arange(4), 25)
    scores = evaluate(y, np.eye(4)[y])
    assert all(scores.interval(name)[0] < 1 for name in MULTICLASS_METRICS)
    assert scores.interval("balanced_accuracy")[0] > 0.95 > scores.per_class["recall_low"].max()
    assert scores.confusions().empty and scores.warning == ""


def test_a_model_with_one_answer_is_told_in_words():
    y = np.repeat(np.arange(3), [10, 20, 30])
    scores = evaluate(y, np.tile([0.1, 0.1, 0.8], (60, 1)), class_names=["arch", "dome", "tower"])
    assert "answers 'tower' for every image: its accuracy of 0.500" in scores.warning
    assert "no better than chance" in scores.warning and scores.balanced_accuracy == pytest.approx(1 / 3)
    assert scores.text("accuracy") == "0.500" and scores.text("f1") == f"{scores.f1:.3f}"
    assert scores.class_table().loc["tower", "precision"] == "0.50" and "nan" not in str(scores)
    assert scores.class_table().loc["tower", "recall"].startswith("1.00 (0.8")
    some = evaluate(y, np.where(np.arange(3) == y[:, None] % 2, 0.9, 0.05), class_names=["arch", "dome", "tower"])
    assert "never answers tower, so precision" in some.warning


def test_the_interval_of_the_mean_holds_its_value_with_many_small_classes():
    scores = evaluate(*drawn(600, 200, gain=2))
    for name in MULTICLASS_METRICS:
        low, high = scores.interval(name)
        assert low < getattr(scores, name) < high, name
        assert high - low < 0.12, name


def test_the_most_confused_pairs_come_first_with_their_shares():
    y = np.repeat([0, 1, 2], 20)
    answers = y.copy()
    answers[20:28], answers[40:43] = 2, 0
    scores = evaluate(y, np.eye(3)[answers], class_names=["arch", "dome", "tower"])
    pairs = scores.confusions()
    assert pairs[["true", "predicted", "images", "share"]].values.tolist() == [
        ["dome", "tower", 8, 0.4],
        ["tower", "arch", 3, 0.15],
    ]
    assert (pairs["low"] < pairs["share"]).all() and (pairs["share"] < pairs["high"]).all()
    assert "dome taken for tower (8 of 20)" in str(scores) and len(scores.confusions(1)) == 1


def test_of_many_classes_ten_are_printed_and_200_take_seconds():
    y, prob = drawn(5000, 200)
    started = time.process_time()
    scores = evaluate(y, prob, groups=np.arange(5000) // 2)
    assert time.process_time() - started < 1.25
    assert len(str(scores).splitlines()) < 30 and len(str(evaluate(*drawn(100, 13))).splitlines()) < 30
    shown = scores.class_table(worst=10)
    assert shown.index[0] == scores.per_class["f1"].idxmin() and len(scores.class_table()) == 200
    assert scores._repr_html_().count("<tr") < 30


def test_scores_survive_json_and_a_table_holds_models_of_the_same_classes():
    y, prob = drawn(120, 13)
    scores = evaluate(y, prob)
    assert isinstance(scores, MulticlassScores) and scores.n_classes == 13
    assert Scores.from_dict(json.loads(json.dumps(scores.to_dict(), allow_nan=False))) == scores
    table = score_table({"CNN": scores})
    assert list(table.columns) == ["accuracy", "balanced accuracy", "macro F1", "macro ROC AUC"]
    assert "top-5 accuracy" in scores.table().index
    with pytest.raises(ValueError, match="of 2 and 13 classes"):
        score_table({"CNN": scores, "dense": evaluate([0, 1], [0.1, 0.9])})
    with pytest.raises(ValueError, match=r"'specificity' is not one of .*more than two"):
        scores.text("specificity")


def test_the_paired_difference_is_that_of_the_scores_and_tighter_than_they_are():
    y, good = drawn(600, 13, gain=2.5, seed=3)
    _, bad = drawn(600, 13, gain=2, seed=3)
    for name in MULTICLASS_METRICS:
        gain = compare(y, good, bad, metric=name)
        a, b = evaluate(y, good), evaluate(y, bad)
        assert gain.value == pytest.approx(getattr(a, name) - getattr(b, name)), name
        assert gain.clear and gain.low < gain.value < gain.high
        assert gain.high - gain.low < np.diff(b.interval(name))[0]
    assert "macro F1 +" in compare(y, good, bad, "f1").text
    same = compare(y, good, good, "f1")
    assert same.low == same.value == same.high == 0 and not same.clear


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"y_true": [0, 1, 3, 2]}, r"y_true: labels \[3\] found, expected class numbers from 0 to 2"),
        ({"y_true": [0, 1, -1, 2]}, r"y_true: labels \[-1\]"),
        ({"y_true": [0, 1, 1.5, 2]}, r"y_true: labels \[1.5\]"),
        ({"y_true": np.eye(3)[[0, 1, 2, 2]]}, r"y_true: shape \(4, 3\).*argmax"),
        ({"y_true": [1, 1, 1, 1]}, "y_true: all 4 labels are 1"),
        ({"y_true": [0, 1, 2]}, "y_prob: 4 rows for 3 labels"),
        ({"y_true": ["a", "b", "c", "c"]}, "y_true: holds .*class names"),
        ({"y_prob": np.full((4, 3), 0.9)}, "y_prob: the rows' sums .*sigmoid.*softmax"),
        ({"y_prob": np.full((4, 3), 4.0)}, "y_prob: .*logits.*softmax"),
        ({"y_prob": np.full((4, 3), np.nan)}, "y_prob: 4 of 4 rows have NaN"),
        ({"y_prob": np.zeros((4, 3, 1))}, "y_true: labels|y_prob: shape"),
        ({"class_names": ["arch", "dome"]}, "class_names: 2 different names for 3 classes"),
        ({"class_names": ["arch", "arch", "dome"]}, "class_names: 2 different names"),
        ({"threshold": 0.3}, "threshold: 0.3 given for 3 classes"),
        ({"top_k": 3}, "top_k: 3 is not a number from 1 to 2"),
        ({"groups": ["a"] * 4}, "groups: all images belong"),
    ],
)
def test_wrong_input_is_rejected_by_name(change, said):
    with pytest.raises(ValueError, match=said):
        evaluate(**{"y_true": GOOD_Y, "y_prob": GOOD_P, **change})


def test_one_column_for_three_classes_names_the_shape_that_is_wanted():
    with pytest.raises(ValueError, match=r"y_true: labels \[0, 1, 2\].*\(n, classes\)"):
        evaluate([0, 1, 2], [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="top_k: 2 given for two classes"):
        evaluate([0, 1], [0.1, 0.2], top_k=2)
    with pytest.raises(ValueError, match="prob_a, prob_b: one has two classes"):
        compare(GOOD_Y, GOOD_P, [0.1, 0.2, 0.3, 0.4])
    with pytest.raises(ValueError, match="prob_b: 4 classes, prob_a has 3"):
        compare(GOOD_Y, GOOD_P, np.full((4, 4), 0.25))
    with pytest.raises(ValueError, match="metric: 'pr_auc' is not one of"):
        compare(GOOD_Y, GOOD_P, GOOD_P, "pr_auc")
    assert set(METRICS) - set(MULTICLASS_METRICS) >= {"specificity", "pr_auc"}
