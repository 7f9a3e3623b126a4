"""The exercises of lessons 8.1, 8.3 and 8.4: the solutions give what the text says, and a wrong answer does not."""

import nbformat
import numpy as np
import pandas as pd
import pytest
from scipy import special, stats
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict

from data_prework.files import PROJECT
from tests.notebooks.lesson_cells import ran

LESSONS = {
    name: nbformat.read(PROJECT / "notebooks" / "08_choosing" / f"{name}.ipynb", as_version=4)
    for name in ("1_decide", "3_audit", "4_refuse")
}


def solutions(name):
    return [cell.source for cell in LESSONS[name].cells if "solution" in cell.metadata.get("tags", [])]


def cell(name, words):
    return next(cell.source for cell in LESSONS[name].cells if cell.cell_type == "code" and words in cell.source)


def changed(source, old, new):
    assert source.count(old) == 1
    return source.replace(old, new)


@pytest.fixture(scope="module")
def children():
    """Calibrated probabilities of 4,000 children, and what lesson 8.1 knows by its exercises."""
    rng = np.random.default_rng(7)
    prob = rng.beta(0.4, 0.2, 4000)
    known = {"np": np, "pd": pd, "stats": stats, "special": special, "rng": rng, "prob": prob}
    known |= {"ill": rng.random(4000) < prob, "groups": np.arange(4000), "calibrated": prob, "BAYES": 1 / 11}
    for words in ("def cost(", "def saved("):
        known = ran(cell("1_decide", words), **known)[0]
    weights = cell("1_decide", "def weights(").split("\n\nrows")[0]
    return ran(weights, **known)[0]


def test_the_first_solution_of_8_1_takes_the_threshold_of_the_new_cost_and_pays_that_cost(children):
    names, said = ran(solutions("1_decide")[0], **children)
    half, bayes = (100 * np.mean(5 * (children["ill"] & (children["prob"] < t))) for t in (0.5, 1 / 6))
    half += 100 * np.mean(~children["ill"] & (children["prob"] >= 0.5))
    bayes += 100 * np.mean(~children["ill"] & (children["prob"] >= 1 / 6))
    assert names["at_five"][0] == pytest.approx(half - bayes) and "threshold 0.167" in said


def test_the_old_threshold_or_the_old_cost_gives_another_saving(children):
    first = solutions("1_decide")[0]
    right = ran(first, **children)[0]["at_five"][0]
    old_threshold = changed(first, "ALARM / (ALARM + 5)", "ALARM / (ALARM + 10)")
    old_cost = first.replace(", miss=5", "")
    assert all(ran(wrong, **children)[0]["at_five"][0] != right for wrong in (old_threshold, old_cost))


def test_the_second_solution_of_8_1_estimates_the_prevalence_of_the_clinic(children):
    names, _ = ran(solutions("1_decide")[1], **children)
    assert abs(names["estimate"] - 0.2) < 0.06
    assert abs(names["called"] - 0.2) > 0.1  # the share that is called back is no estimate


def test_the_first_solution_of_8_3_counts_suspects_up_to_the_ninth_wrong_label():
    wrong = np.arange(1199) < 12
    ranks = np.array([2, 4, 6, 9, 12, 22, 26, 32, 41, 49, 60, 162])
    names, _ = ran(solutions("3_audit")[0], ranks=ranks, wrong=wrong, labels=np.zeros(1199))
    assert (names["looks"], names["random_looks"]) == (41, pytest.approx(9 * 1200 / 13))
    assert names["looks"] != (ranks <= 9).sum()


def test_the_random_sample_of_8_3_keeps_more_of_the_recall_and_a_sample_of_none_keeps_what_the_text_shows():
    rng = np.random.default_rng(7)
    labels = (rng.random(600) < 0.5).astype(int)
    known = {"np": np, "labels": labels, "recalls": range(4), "model": LogisticRegression()}
    known |= {"features": labels[:, None] + rng.normal(0, 0.9, (600, 1)), "cross_val_predict": cross_val_predict}
    known["how"] = {"cv": KFold(5, shuffle=True, random_state=7), "method": "predict_proba"}
    second = solutions("3_audit")[1]
    some = ran(second, **known)[0]["with_sample"]
    none = ran(changed(second, "< 0.2", "< 0"), **known)[0]["with_sample"]
    everybody = ran(changed(second, "< 0.2", "< 2"), **known)[0]["with_sample"]
    assert none[-1] < some[-1] < everybody[-1] == everybody[0]


LIMIT = cell("4_refuse", "def limit(").split("share = {}")[0]


def test_few_images_make_the_promise_of_8_4_uncertain_and_known_ones_break_it():
    rng = np.random.default_rng(7)
    far, setting, new = rng.gamma(5, 1, 3000), np.arange(200), np.arange(200, 3000)
    known, _ = ran(LIMIT, np=np, far=far, setting=setting, new=new)
    shares = ran(solutions("4_refuse")[0], **known)[0]["shares"]
    assert len(shares) == 200 and np.mean(shares) == pytest.approx(0.02, abs=0.02) and np.ptp(shares) > 0.02
    assert (far[new] > known["limit"](far[setting] / 2, 0.98)).mean() > 0.3


def test_limits_by_class_keep_the_promise_for_each_class_where_one_limit_does_not():
    rng = np.random.default_rng(7)
    labels = (rng.random(4000) < 0.8).astype(int)
    of_truth = np.where(labels == 1, rng.beta(1, 9, 4000), rng.beta(3, 3, 4000))  # the rare class is harder
    score = np.column_stack([of_truth, 1 - of_truth])
    score[labels == 1] = score[labels == 1, ::-1]
    known = {"np": np, "labels": labels, "of_truth": of_truth, "score": score, "names": ["normal", "pneumonia"]}
    known |= {"setting": np.arange(2000), "new": np.arange(2000, 4000)}
    known, _ = ran(LIMIT, **known)
    names, _ = ran(solutions("4_refuse")[1], **known)
    new, one = known["new"], score <= known["limit"](of_truth[known["setting"]], 0.95)
    covered = [names["by_class"][new, labels[new]][labels[new] == label].mean() for label in (0, 1)]
    alone = [one[new, labels[new]][labels[new] == label].mean() for label in (0, 1)]
    assert np.allclose(covered, 0.95, atol=0.03) and alone[0] < 0.9
