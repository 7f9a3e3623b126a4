"""The exercises of lessons 1.1, 1.2 and 1.5: the solutions give what the text says, and a wrong answer does not."""

from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, roc_curve
from sklearn.tree import DecisionTreeClassifier

from data_prework.files import PROJECT
from tests.notebooks.lesson_cells import ran

FOLDER = PROJECT / "notebooks" / "01_explore"


def lesson(name):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells


def solutions(name):
    return [cell.source for cell in lesson(name) if "solution" in cell.metadata.get("tags", [])]


def cell_with(name, words):
    return next(cell.source for cell in lesson(name) if words in cell.source)


SHARE, PATIENT = solutions("1_look")
RATES, CUT = solutions("2_measure")
ASPECT, REMEDY = solutions("5_shortcuts")


def test_the_largest_class_is_that_of_the_training_split():
    frame = pd.DataFrame({"label": list("aaabbbbb"), "split": ["train"] * 4 + ["test"] * 4})
    names, _ = ran(SHARE, manifests={"toy": frame}, pd=pd)
    assert names["largest"] == {"toy": 0.75}
    everything, _ = ran(SHARE.replace('frame[frame["split"] == "train"]', "frame"), manifests={"toy": frame}, pd=pd)
    assert everything["largest"] != names["largest"]


@pytest.fixture
def keys():
    """The keys of four X-rays: the number alone seems to be on both sides, the full key isn't."""
    files = ["person12_virus_1", "person12_bacteria_2", "person12_bacteria_3", "IM-0115-0001"]
    table = pd.DataFrame({"path": [f"files/images/{name}.jpeg" for name in files]})
    table["split"] = ["test", "train", "val", "test"]
    return ran(cell_with("1_look", "number_only ="), table=table)[0]


def test_only_the_number_alone_seems_to_be_on_both_sides(keys):
    names, said = ran(PATIENT, **keys)
    assert names["in_both"](keys["number_only"]) == 1 and names["in_both"](keys["full_key"]) == 0
    assert "number alone: 1" in said and "number and cause: 0" in said


def test_counting_x_rays_without_a_number_would_be_wrong(keys):
    wrong, _ = ran(PATIENT.replace(".dropna()", ""), **keys)
    none_given = pd.Series([None, None, "person12", None])
    assert wrong["in_both"](none_given) == 1 and ran(PATIENT, **keys)[0]["in_both"](none_given) == 0


def test_the_doctors_are_as_far_apart_as_the_solution_says():
    rates = ran(RATES, pd=pd)[0]["rates"]
    careful, hurried = rates(tp=60, fn=13, fp=3, tn=24), rates(tp=73, fn=0, fp=27, tn=0)
    apart = {name: round(100 * (careful[name] - hurried[name])) for name in careful}
    assert apart["accuracy"] == 11 and apart["balanced_accuracy"] == 36
    assert "11 points apart in accuracy" in RATES and "36 in balanced accuracy" in RATES
    assert hurried["specificity"] == 0 and hurried["recall"] == 1


@pytest.mark.parametrize("right, wrong", [("tp / (tp + fn)", "tp / (tp + fp)"), ("tn / (tn + fp)", "tn / (tn + fn)")])
def test_dividing_by_a_column_is_shown_to_be_wrong(right, wrong):
    assert right in RATES
    rates = ran(RATES, pd=pd)[0]["rates"]
    mistaken = ran(RATES.split("both =")[0].replace(right, wrong), pd=pd)[0]["rates"]
    assert mistaken(60, 13, 3, 24) != rates(60, 13, 3, 24)


def test_the_careful_threshold_is_the_highest_that_finds_nine_of_ten_and_comes_from_training():
    labels = np.repeat([0, 1], [10, 10])
    score = np.r_[np.arange(10), np.arange(5, 15)].astype(float)
    _, recall, cuts = roc_curve(labels, score, drop_intermediate=False)
    other = SimpleNamespace(labels=labels, images=score - 1)
    given = {"recall": recall, "cuts": cuts, "np": np, "data": SimpleNamespace(test=other), "darkness": lambda x: x}
    assert "roc_curve(labels, score, drop_intermediate=False)" in cell_with("2_measure", "RocCurveDisplay.from")
    names, said = ran(CUT, **given)
    assert names["careful_cut"] == 6 and np.mean(score[labels == 1] >= 6) == 0.9
    assert names["new_recall"] == 0.8 and "recall 0.80" in said
    lowest, _ = ran(CUT.replace("np.argmax(recall >= 0.9)", "-1"), **given)
    assert lowest["careful_cut"] < names["careful_cut"]


def test_the_aspect_ratio_tells_what_neither_width_nor_height_does():
    rng = np.random.default_rng(7)
    labels, height = np.arange(200) % 2, rng.uniform(300, 900, 200)
    frame = pd.DataFrame({"width": height * np.where(labels == 1, 1.5, 1.2), "height": height})
    part = SimpleNamespace(frame=frame, labels=labels)
    given = {
        "stump": DecisionTreeClassifier(max_depth=1, class_weight="balanced"),
        "xrays": SimpleNamespace(train=part, val=part),
        "balanced_accuracy_score": balanced_accuracy_score,
    }
    names, _ = ran(ASPECT, **given)
    product, _ = ran(ASPECT.replace('["width"] / split', '["width"] * split'), **given)
    assert names["by_aspect"] == 1 and product["by_aspect"] < 0.8


class Linear:
    """A model of two numbers: how dark the middle of an image is, and how blue its corner."""

    def __init__(self, images, labels):
        self.fitted = LogisticRegression(C=1000).fit(self.numbers(images), labels)

    def numbers(self, images):
        blue = images[:, 6, 6, 2] / 255.0 - images[:, 6, 6, 0] / 255.0
        return np.stack([images[:, 32, 32, 0] / 255.0, blue], axis=1)

    def predict(self, images, verbose):
        return self.fitted.predict_proba(self.numbers(images))[:, 1:]


@pytest.fixture(scope="module")
def patches():
    """Gray patches; cracked ones are darker in the middle, with noise."""
    rng = np.random.default_rng(7)
    labels = np.arange(200) % 2
    images = np.full((200, 64, 64, 3), 150, dtype=np.uint8)
    images[:, 32, 32] = np.clip(170 - 60 * labels + rng.normal(0, 15, 200), 0, 255)[:, np.newaxis]
    part = SimpleNamespace(images=images, labels=labels)
    part_with_length = type("Part", (SimpleNamespace,), {"__len__": lambda self: 200})(**vars(part))
    marked = ran(cell_with("5_shortcuts", "def marked("), np=np)[0]["marked"]
    elsewhere = np.where((labels == 0)[:, None, None, None], marked(images), images)
    return {
        "np": np,
        "cracks": SimpleNamespace(train=part_with_length),
        "test": part,
        "versions": {"marks elsewhere": elsewhere},
        "marked": marked,
        "trained": Linear,
    }


def test_marks_on_half_of_both_classes_are_not_learned(patches):
    names, _ = ran(REMEDY, **patches)
    assert min(names["remedied"]) > 0.9


def test_marks_on_cracks_alone_are_learned_and_mislead(patches):
    wrong = REMEDY.replace("mixed = cracks", "half = cracks.train.labels == 1\nmixed = cracks")
    assert wrong != REMEDY
    names, _ = ran(wrong, **patches)
    assert names["remedied"][1] < 0.8
