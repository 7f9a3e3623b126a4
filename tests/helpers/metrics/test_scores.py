"""Scores equal scikit-learn's, their intervals are honest, and wrong input is named."""

import json
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from helpers.metrics import METRICS, Scores, compare, evaluate, markdown, score_table


@st.composite
def cases(draw):
    """Labels of both classes, probabilities with many ties, a threshold, and groups or None."""
    n = draw(st.integers(4, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y = rng.integers(0, 2, n)
    y[:2] = 0, 1
    prob = rng.random(n) if draw(st.booleans()) else rng.integers(0, 5, n) / 4
    if draw(st.booleans()):
        prob = prob.astype("float32")
    groups = rng.permutation(np.arange(n) // 2) if draw(st.booleans()) else None
    return y, prob, draw(st.sampled_from([0.0, 0.25, 0.5, 0.7, 1.0])), groups


def by_scikit_learn(y, prob, threshold, weights=None):
    positive, w = (prob >= threshold).astype(int), {"sample_weight": weights}
    recall = sk.recall_score(y, positive, **w)
    return {
        "accuracy": sk.accuracy_score(y, positive, **w),
        "balanced_accuracy": sk.balanced_accuracy_score(y, positive, **w),
        "precision": sk.precision_score(y, positive, zero_division=0, **w),
        "recall": recall,
        "specificity": sk.recall_score(y, positive, pos_label=0, **w),
        "false_negative_rate": 1 - recall,
        "negative_predictive_value": sk.precision_score(y, positive, pos_label=0, zero_division=0, **w),
        "f1": sk.f1_score(y, positive, zero_division=0, **w),
        "roc_auc": sk.roc_auc_score(y, prob, **w),
        "pr_auc": sk.average_precision_score(y, prob, **w),
    }


def trained(n=300, seed=0, gain=0.4):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    return y, np.clip(gain * y + (1 - gain) * rng.random(n), 0, 1)


@settings(max_examples=60, deadline=None)
@given(cases())
def test_every_metric_and_count_equals_scikit_learn(case):
    y, prob, threshold, groups = case
    scores = evaluate(y, prob, threshold, groups)
    for name, value in by_scikit_learn(y, prob, threshold).items():
        assert getattr(scores, name) == pytest.approx(value), name
    counted = sk.confusion_matrix(y, prob >= threshold, labels=[0, 1]).ravel().tolist()
    assert [scores.tn, scores.fp, scores.fn, scores.tp] == counted


@settings(max_examples=30, deadline=None)
@given(cases(), st.integers(0, 1000))
def test_the_order_of_the_images_does_not_matter(case, seed):
    y, prob, threshold, _ = case
    order = np.random.default_rng(seed).permutation(len(y))
    one, other = evaluate(y, prob, threshold), evaluate(y[order], prob[order], threshold)
    assert all(getattr(one, name) == pytest.approx(getattr(other, name)) for name in METRICS)


@settings(max_examples=30, deadline=None)
@given(cases())
def test_swapping_the_classes_swaps_recall_with_specificity_and_precision_with_npv(case):
    y, prob, _, _ = case
    prob = np.where(prob == 0.5, 0.6, prob).astype(float)
    one, other = evaluate(y, prob), evaluate(1 - y, 1 - prob)
    assert (one.recall, one.specificity) == pytest.approx((other.specificity, other.recall))
    assert (one.precision, one.npv) == pytest.approx((other.npv, other.precision))
    assert one.balanced_accuracy == pytest.approx(other.balanced_accuracy)
    assert one.roc_auc == pytest.approx(other.roc_auc)


def test_images_copied_within_patients_do_not_narrow_the_interval_by_patient():
    y, prob = trained(60)
    copies = np.repeat(np.arange(60), 10)
    single = np.diff(evaluate(y, prob).interval("accuracy"))
    naive = np.diff(evaluate(y[copies], prob[copies]).interval("accuracy"))
    by_patient = evaluate(y[copies], prob[copies], groups=[f"p{i}" for i in copies])
    assert np.diff(by_patient.interval("accuracy")) == pytest.approx(single, abs=0.015)
    assert naive < 0.5 * single
    assert (by_patient.n, by_patient.n_groups) == (600, 60)


def test_a_probability_equal_to_the_threshold_is_positive_also_in_float32():
    y, prob = np.array([0, 1, 1]), np.array([0.1, 0.7, 0.9], dtype="float32")
    assert evaluate(y, prob, threshold=0.7).tp == 2


def test_two_thousand_images_take_a_fraction_of_a_second():
    y, prob = trained(2000)
    spent = []
    for _ in range(2):
        started = time.process_time()
        evaluate(y, prob, groups=np.arange(2000) // 3)
        spent.append(time.process_time() - started)
    assert min(spent) < 0.5


def test_a_column_of_probabilities_gives_the_same_scores():
    y, prob = trained()
    assert evaluate(y, prob) == evaluate(y, prob[:, None])


def test_the_text_has_value_and_interval_and_sensitivity_is_recall():
    scores = evaluate(*trained())
    low, high = scores.interval("sensitivity")
    assert scores.text("sensitivity") == f"{scores.recall:.3f} ({low:.3f}-{high:.3f})"
    assert scores.sensitivity == scores.recall
    with pytest.raises(ValueError, match="sharpness"):
        scores.interval("sharpness")


@pytest.mark.parametrize(("constant", "answer"), [(1.0, "positive"), (0.0, "negative")])
def test_a_model_with_one_answer_is_told_in_words_and_printed(constant, answer):
    y = np.array([0] * 27 + [1] * 73)
    scores = evaluate(y, np.full(100, constant))
    assert f"answers '{answer}' for every image" in scores.warning
    assert "no better than chance" in scores.warning
    assert scores.text("accuracy") == f"{scores.accuracy:.3f}" and scores.text("recall").endswith(")")
    for name in ("accuracy", "balanced_accuracy", "f1", "roc_auc", "pr_auc"):
        assert np.isnan(scores.interval(name)).all() and scores.table().loc[METRICS[name]].iloc[1] == "none", name
    assert Scores.from_dict(json.loads(json.dumps(scores.to_dict(), allow_nan=False))).text("f1") == scores.text("f1")
    assert ("precision has no value" in scores.warning) == (answer == "negative")
    assert scores.warning in str(scores) and scores.warning in scores._repr_html_()
    assert scores.balanced_accuracy == 0.5


def test_precision_without_a_positive_answer_is_zero_without_a_warning_and_unknown(recwarn):
    scores = evaluate([0, 1, 1], [0.1, 0.2, 0.3])
    assert scores.precision == 0 and scores.interval("precision") == (0, 1)
    assert len(recwarn) == 0


def test_the_negative_predictive_value_is_about_the_images_called_negative():
    # the confusion matrix that project S4 prints for its M4: tn 122, fp 112, fn 3, tp 387
    y, answers = np.repeat([0, 0, 1, 1], [122, 112, 3, 387]), np.repeat([0.0, 1.0, 0.0, 1.0], [122, 112, 3, 387])
    scores = evaluate(y, answers)
    assert scores.npv == scores.negative_predictive_value == pytest.approx(122 / 125)
    assert scores.interval("npv")[0] > 0.93 and scores.text("npv") == scores.text("negative_predictive_value")
    assert "negative predictive value" in scores.table().index


def test_the_negative_predictive_value_without_a_negative_answer_is_zero_and_unknown():
    scores = evaluate([0, 1, 1], [0.9, 0.8, 0.7])
    assert scores.npv == 0 and scores.interval("npv") == (0, 1)
    assert "negative predictive value has none" in scores.warning


def test_scores_written_before_there_was_a_negative_predictive_value_get_it_from_their_counts():
    scores = evaluate(*trained())
    old = scores.to_dict()
    del old["negative_predictive_value"], old["intervals"]["negative_predictive_value"]
    read = Scores.from_dict(json.loads(json.dumps(old)))
    assert read.npv == pytest.approx(scores.npv) and read.recall == scores.recall
    assert read.interval("npv") == pytest.approx(scores.interval("npv"), abs=0.03)
    del old["f1"]
    with pytest.raises(ValueError, match="to_dict"):
        Scores.from_dict(old)


def test_a_good_model_has_no_warning_and_a_swapped_one_is_asked_about():
    y, prob = trained()
    assert evaluate(y, prob).warning == ""
    assert "swapped" in evaluate(y, 1 - prob).warning


def test_scores_survive_json_unchanged():
    scores = evaluate(*trained(), groups=np.arange(300) // 3)
    assert Scores.from_dict(json.loads(json.dumps(scores.to_dict(), allow_nan=False))) == scores
    with pytest.raises(ValueError, match="to_dict"):
        Scores.from_dict({"accuracy": 1.0})


def test_the_score_table_has_a_row_a_model_and_plain_words():
    scores = evaluate(*trained())
    table = score_table({"CNN": scores}, columns=("recall", "roc_auc"), digits=2)
    assert list(table.columns) == ["recall (sensitivity)", "ROC AUC"]
    assert table.loc["CNN", "ROC AUC"] == scores.text("roc_auc", 2)
    assert markdown(table).splitlines()[1] == "| --- | --- | --- |"
    assert markdown(pd.DataFrame({"a": ["x|y"]})).endswith(r"| 0 | x\|y |")


GOOD_Y, GOOD_P = [0, 1, 1, 0], [0.1, 0.8, 0.6, 0.4]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"y_prob": [0.1, np.nan, 0.6, 0.4]}, "y_prob: 1 of 4 values are NaN"),
        ({"y_prob": [0.1, np.inf, 0.6, 0.4]}, "y_prob: 1 of 4 values are NaN or infinite"),
        ({"y_prob": [0.1, 2.3, 0.6, 0.4]}, "y_prob: .*logits"),
        ({"y_prob": [-0.1, 0.3, 0.6, 0.4]}, "y_prob: .*outside"),
        ({"y_prob": [0.1, 0.3]}, "y_prob: 2 values for 4 labels"),
        ({"y_prob": np.ones((4, 2))}, r"y_prob: shape \(4, 2\).*\[:, 1\]"),
        ({"y_prob": np.ones((4, 1, 1))}, "y_prob: shape"),
        ({"y_prob": ["a"] * 4}, "y_prob: holds"),
        ({"y_prob": [[0.1], [0.2, 0.3]]}, "y_prob: rows of unequal length"),
        ({"y_true": [0, 1, 2, 0]}, "y_true: labels"),
        ({"y_true": [0, 0.5, 1, 0]}, "y_true: labels"),
        ({"y_true": [0, np.nan, 1, 0]}, "y_true: labels .*nan"),
        ({"y_true": ["Negative", "Positive", "Positive", "Negative"]}, "y_true: holds .*class names"),
        ({"y_true": [[0], [1], [1], [0]]}, r"y_true: shape \(4, 1\).*ravel"),
        ({"y_true": [1, 1, 1, 1]}, "y_true: all 4 labels are 1"),
        ({"y_true": [], "y_prob": []}, "y_true: empty"),
        ({"groups": [1, 2, 3]}, r"groups: shape \(3,\), expected \(4,\)"),
        ({"groups": ["a", "b", None, "c"]}, "groups: 1 of 4 names are missing"),
        ({"groups": ["a"] * 4}, "groups: all images belong"),
        ({"threshold": 1.5}, "threshold: 1.5"),
        ({"threshold": float("nan")}, "threshold: nan"),
        ({"confidence": 95.0}, "confidence: 95"),
    ],
)
def test_wrong_input_is_rejected_by_name(change, said):
    with pytest.raises(ValueError, match=said):
        evaluate(**{"y_true": GOOD_Y, "y_prob": GOOD_P, **change})


def test_compare_names_the_model_whose_probabilities_are_wrong():
    with pytest.raises(ValueError, match="prob_b: 2 values"):
        compare(GOOD_Y, GOOD_P, [0.1, 0.2])
    with pytest.raises(ValueError, match="metric: 'loss'"):
        compare(GOOD_Y, GOOD_P, GOOD_P, metric="loss")
    with pytest.raises(ValueError, match="scores: "):
        score_table({"CNN": 0.9})


def test_labels_may_be_bool_or_whole_floats_and_series():
    expected = evaluate(GOOD_Y, GOOD_P)
    assert evaluate(np.array(GOOD_Y, bool), GOOD_P) == expected
    assert evaluate(pd.Series(GOOD_Y, dtype=float), pd.Series(GOOD_P)) == expected


def test_metrics_results_and_plots_load_without_tensorflow():
    code = "import sys; import helpers.metrics, helpers.results, helpers.plots; print('tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_many_groups_stay_whole_so_that_copies_of_an_image_do_not_narrow_the_interval():
    rng = np.random.default_rng(4)
    y = np.repeat(rng.integers(0, 2, 60), 10)
    prob = np.clip(np.repeat(rng.uniform(0, 1, 60), 10) * 0.8 + y * 0.2, 0, 1)
    width = {
        name: np.diff(evaluate(y, prob, groups=groups).interval("accuracy"))[0]
        for name, groups in {"copies": np.repeat(np.arange(60), 10), "images": None}.items()
    }
    assert width["copies"] > 2 * width["images"]
