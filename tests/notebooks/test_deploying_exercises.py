"""The exercises of part 9: the solutions give what the text says, and a wrong answer gives something else."""

import urllib.request
from http.server import HTTPServer
from threading import Thread
from types import SimpleNamespace

import keras
import nbformat
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from data_prework.files import PROJECT
from helpers.deploy.rule import DecisionRule
from helpers.metrics import wilson
from tests.notebooks.lesson_cells import ran


def lesson(name):
    return nbformat.read(PROJECT / "notebooks" / "09_deploying" / f"{name}.ipynb", as_version=4).cells


def solutions(name):
    return [cell.source for cell in lesson(name) if "solution" in cell.metadata.get("tags", [])]


def cell_with(name, words):
    return next(cell.source for cell in lesson(name) if cell.cell_type == "code" and words in cell.source)


CHEAPEST, CLINICS = solutions("1_bundle")
ROUNDED, PREVALENCE = solutions("2_serving")
COUNTS, LABELS = solutions("3_monitoring")


def test_the_cheapest_answer_is_the_one_of_the_text():
    names, said = ran(CHEAPEST, np=np)
    assert "['normal', 'ask', 'pneumonia']" in said
    assert "0.9: somebody is asked: True" in said and "0.95: somebody is asked: False" in said
    p = np.linspace(0.005, 0.995, 100)
    asked = [names["cheapest"](x, 10, 1, 0.5) == "ask" for x in p]
    assert asked == list((p > 0.05) & (p < 0.5))


@pytest.mark.parametrize(
    "right, wrong", [("miss * p", "miss * (1 - p)"), ("false_alarm * (1 - p)", "false_alarm"), ("= ask", "= ask * p")]
)
def test_a_wrong_cost_gives_another_answer(right, wrong):
    assert right in CHEAPEST
    _, said = ran(CHEAPEST.replace(right, wrong, 1), np=np)
    assert said != ran(CHEAPEST, np=np)[1]


def clinics(source):
    prob = np.random.default_rng(7).beta(0.6, 0.6, 200)
    known = {"temperature": 1.5, "prevalence": 0.75}
    rule = DecisionRule.from_costs(miss=10, false_alarm=1, ask=0.5, **known)
    given = {
        "model": SimpleNamespace(predict=lambda images, verbose: prob[:, np.newaxis]),
        "test": type("Split", (), {"images": None, "__len__": lambda self: len(prob)})(),
        "test_prob": rule.probabilities(np.column_stack([1 - prob, prob]))[:, 1],
    }
    return ran(source, np=np, pd=pd, DecisionRule=DecisionRule, known=known, rule=rule, **given)[0]


def test_the_other_clinic_decides_by_its_own_costs_and_prevalence():
    names = clinics(CLINICS)
    p = names["other"].probabilities(names["both"], 0.3)[:, 1]
    cost = np.array([20 * p, 1 - p, np.full(len(p), 0.2)])
    cheapest = np.array(["normal", "pneumonia", "ask"])[cost.argmin(axis=0)]
    assert list(names["there"]) == list(cheapest) and (names["here"] != names["there"]).any()


@pytest.mark.parametrize(
    "right, wrong",
    [("probabilities(both, prevalence=0.3)", "probabilities(both)"), ("[:, 1], other)", "[:, 1], rule)")],
    ids=["the prevalence forgotten", "the other rule forgotten"],
)
def test_a_forgotten_part_gives_other_decisions(right, wrong):
    assert right in CLINICS
    assert list(clinics(CLINICS.replace(right, wrong))["there"]) != list(clinics(CLINICS)["there"])


def turned(source):
    keras.utils.set_random_seed(7)
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(4, 3),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    images = np.random.default_rng(7).normal(size=(300, 8, 8, 1))
    quantized = ran(cell_with("2_serving", "def quantized"), np=np)[0]["quantized"]
    test = type("Split", (), {"images": images, "__len__": lambda self: len(images)})()
    prob = model.predict(images, verbose=0)[:, 0]
    return ran(source, np=np, keras=keras, model=model, quantized=quantized, prob=prob, test=test)[0]["turned"]


def test_fewer_bits_turn_more_decisions():
    found = turned(ROUNDED)
    assert list(found) == [8, 4, 3, 2] and found[8] <= found[4] <= found[2] and found[2] > found[8]


def test_without_a_step_of_its_own_a_kernel_is_lost():
    wrong = ROUNDED.replace("quantized(w, bits)", "np.round(w)")
    assert wrong != ROUNDED and turned(wrong)[8] > turned(ROUNDED)[8]


@pytest.fixture
def service():
    def predict(image, bundle, prevalence=0.75):
        if prevalence is not None and not 0 < prevalence < 1:
            raise ValueError("prevalence")
        return pd.DataFrame([{"probability": prevalence, "decision": "PNEUMONIA", "note": ""}])

    given = {"predict": predict, "bundle": None}
    source = cell_with("2_serving", "class Service").replace("from helpers.deploy.predict import predict", "")
    source = f"{source}\n\n{cell_with('2_serving', 'def serve').split('server, address')[0]}"
    return ran(source, **given, HTTPServer=HTTPServer, Thread=Thread, urllib=urllib)[0]


def test_the_service_takes_the_prevalence_and_refuses_a_wrong_one(service):
    _, said = ran(PREVALENCE, **service, scan=b"image")
    assert '0.1: {"probability":0.1,' in said and "7: status 400" in said


def test_the_service_of_the_lesson_takes_no_notice_of_a_prevalence(service):
    wrong = PREVALENCE.replace("predict(upload, bundle, prevalence=share)", "predict(upload, bundle)")
    assert wrong != PREVALENCE
    _, said = ran(wrong, **service, scan=b"image")
    assert '0.1: {"probability":0.75,' in said and "status 400" not in said


def counted(source, share):
    seen = {0.2: pd.DataFrame({"unlike": np.where(np.arange(100) < 100 * share, 2.0, 0.5)})}
    return ran(source, np=np, binom=binom, seen=seen, usual=0.02)[0]


def test_more_images_notice_a_small_change_more_often():
    names = counted(COUNTS, 0.08)
    assert names["above"] == binom.ppf(0.98, 80, 0.02) and binom.sf(names["above"], 80, 0.02) <= 0.02
    assert names["notices"] > binom.sf(binom.ppf(0.98, 20, 0.02), 20, 0.08) + 0.1


def test_a_limit_at_the_median_would_alarm_in_far_more_ordinary_weeks():
    above = counted(COUNTS.replace("0.98", "0.5"), 0.08)["above"]
    assert binom.sf(above, 80, 0.02) > 0.1


def test_the_ill_count_and_not_the_images():
    _, said = ran(LABELS, wilson=wilson)
    enough = [line for line in said.splitlines() if line.endswith(" enough")]
    assert "75% ill, 200 images: 150 ill, enough" in enough and "10% ill, 1600 images: 160 ill, enough" in enough
    assert not any("100 images" in line or "10% ill, 400" in line for line in enough)


def test_counting_all_images_as_ill_would_ask_for_too_few():
    wrong = LABELS.replace("round(share * images)", "images")
    assert wrong != LABELS and "10% ill, 200 images: 200 ill, enough" in ran(wrong, wilson=wilson)[1]
