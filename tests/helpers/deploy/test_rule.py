"""What lesson 8 decides travels: calibration, costs, threshold, asking a person, and another prevalence."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from helpers.deploy.bundle import BundleError, load_bundle
from helpers.deploy.calibration import apply_temperature, correct_prevalence, fit_temperature, temperature_interval
from helpers.deploy.model_card import model_card
from helpers.deploy.out_of_distribution import refusal_range
from helpers.deploy.predict import main, predict
from helpers.deploy.rule import DecisionRule, by_class, shares
from helpers.metrics import evaluate
from tests.helpers.deploy.tiny_bundles import darkness, squares, tiny_bundle

RNG = np.random.default_rng(7)
COST = st.floats(0.01, 100)
RULE = DecisionRule.from_costs(
    miss=4,
    false_alarm=1,
    ask=0.5,
    temperature=2.0,
    intercept=-0.5,
    prevalence=0.5,
    intervals={"temperature": (1.5, 2.7), "threshold": (0.1, 0.3)},
    images=90,
)


def graded(folder, rule=RULE, **changes):
    """A bundle of the squares with a whole rule."""
    answers = darkness(bias=10.0).predict(squares().test.images, verbose=0)
    prob = rule.probabilities(np.hstack([1 - answers, answers]))[:, 1]
    scores = evaluate(squares().test.labels, prob, rule.threshold)
    return tiny_bundle(folder, darkness(bias=10.0), rule=rule, scores=scores, **changes)


@pytest.fixture(scope="module")
def place(tmp_path_factory, home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", str(home))
        return graded(tmp_path_factory.mktemp("rules") / "graded")


@pytest.fixture(scope="module")
def bundle(place):
    return load_bundle(place)


@given(COST, COST, COST, st.floats(0.001, 0.999))
def test_the_rule_of_costs_is_the_cheapest_decision(miss, false_alarm, ask, probability):
    rule = DecisionRule.from_costs(miss, false_alarm, ask)
    expected = {"negative": probability * miss, "positive": (1 - probability) * false_alarm, "ask": ask}
    low, high = rule.ask or (1, 0)
    asked = low <= probability < high
    chosen = "ask" if asked else "positive" if probability >= rule.threshold else "negative"
    assert expected[chosen] <= min(expected.values()) * (1 + 1e-9) + 1e-12


def test_every_field_of_the_rule_is_in_the_bundle_and_comes_back(bundle):
    assert bundle.rule == RULE
    rule = bundle.about["rule"]
    assert set(rule) == {*DecisionRule.__dataclass_fields__, "asked"} and bundle.about["version"] == 3
    assert rule["costs"] == {"miss": 4.0, "false_alarm": 1.0, "ask": 0.5} and rule["intervals"]["threshold"] == [
        0.1,
        0.3,
    ]


def test_the_card_says_the_whole_rule(place):
    card = (place / "MODEL_CARD.md").read_text(encoding="utf-8")
    for words in (
        "temperature of **2.000** (95 % interval 1.500 to 2.700)",
        "an intercept of **-0.500**",
        "at least **0.200** (95 % interval 0.100 to 0.300)",
        "This follows from costs of 4 for a miss and 1 for a false alarm, and 0.5 for a look",
        "*ask a person* where it is from **0.125** to **0.500**",
        "calibrated where 50.0 % were *dark*",
        "90 chose its decision rule",
    ):
        assert words in card, words


def test_the_card_does_not_derive_from_costs_what_was_chosen_on_images(bundle):
    other = bundle.about | {"rule": bundle.about["rule"] | {"threshold": 0.1}}
    assert "This was chosen on images for costs of 4" in model_card(other)


def test_the_probability_of_predict_is_the_calibrated_one(bundle):
    raw = darkness(bias=10.0).predict(squares().test.images, verbose=0)[:, 0]
    table = predict(squares().test.images, bundle)
    np.testing.assert_allclose(table["probability"], expit(logit(raw.astype(float)) / 2 - 0.5), atol=1e-5)


def levels(*grays):
    return np.stack([np.full((32, 32, 1), gray, np.uint8) for gray in grays])


def test_a_person_is_asked_between_the_two_limits_and_told_why(bundle, monkeypatch):
    monkeypatch.setattr(bundle.reference, "unlike", lambda extractor, images: np.zeros(len(images)))
    table = predict(levels(*range(60, 220, 4)), bundle)
    p, said = table["probability"], table["decision"]
    asked = (p >= 0.125) & (p < 0.5)
    assert asked.any() and (said[asked] == "ask a person").all()
    assert (said[p >= 0.5] == "dark").all() and (said[p < 0.125] == "bright").all()
    assert set(table["note"][asked]) == {"the probability is from 0.125 to 0.5"} and set(table["note"][~asked]) == {""}


def test_an_image_unlike_the_others_is_not_judged_even_where_a_person_would_be_asked(bundle, monkeypatch):
    monkeypatch.setattr(bundle.reference, "unlike", lambda extractor, images: np.full(len(images), 2.0))
    assert set(predict(levels(*range(60, 220, 4)), bundle)["decision"]) == {"cannot judge"}


@given(st.floats(0.01, 0.99), st.floats(0.02, 0.98), st.floats(0.02, 0.98))
def test_another_prevalence_changes_the_odds_by_its_own_odds(p, before, after):
    found = correct_prevalence(np.array([[1 - p, p]]), shares(before, 2), shares(after, 2))[0, 1]
    assert found == pytest.approx(expit(logit(p) + logit(after) - logit(before)))


def test_corrected_probabilities_are_right_at_the_new_prevalence():
    n = 200_000
    truth = RNG.random(n) < 0.1
    seen = RNG.normal(size=n) + 2 * truth
    balanced = expit(2 * seen - 2)  # the posterior where half are positive
    corrected = correct_prevalence(np.column_stack([1 - balanced, balanced]), shares(0.5, 2), shares(0.1, 2))[:, 1]
    for low in (0.1, 0.3, 0.6):
        part = (corrected >= low) & (corrected < low + 0.1)
        assert truth[part].mean() == pytest.approx(corrected[part].mean(), abs=0.03)
    assert abs(balanced.mean() - 0.1) > 0.1  # uncorrected they are not


def test_predict_corrects_for_the_prevalence_and_decides_again(bundle, monkeypatch):
    monkeypatch.setattr(bundle.reference, "unlike", lambda extractor, images: np.zeros(len(images)))
    images = levels(*range(60, 220, 4))
    same, rare = (predict(images, bundle, prevalence=share) for share in (0.5, 0.02))
    pd.testing.assert_frame_equal(same, predict(images, bundle))
    p = same["probability"]
    np.testing.assert_allclose(rare["probability"], expit(logit(p) + logit(0.02)), atol=1e-5)
    assert (rare["decision"] == "dark").sum() < (same["decision"] == "dark").sum()


@pytest.mark.parametrize("prevalence", [0, 1, -0.1, 50, "half", True, [0.5], float("nan")])
def test_what_is_no_prevalence_is_refused(bundle, prevalence):
    with pytest.raises(ValueError, match="prevalence"):
        predict(squares().test.images[:1], bundle, prevalence=prevalence)


def test_a_prevalence_by_name_must_name_every_class():
    assert by_class({"dark": 0.2, "bright": 0.8}, ("bright", "dark")) == [0.8, 0.2]
    with pytest.raises(ValueError, match="prevalence"):
        by_class({"dark": 0.2}, ("bright", "dark"))


def test_the_command_line_takes_the_prevalence(place, tmp_path, capsys):
    data = squares()
    image, csv = data.folder / data.test.frame["path"].iloc[0], tmp_path / "a.csv"
    probabilities = []
    for share in ("0.5", "0.05"):
        assert main([str(place), str(image), "--csv", str(csv), "--prevalence", share]) == 0
        probabilities.append(pd.read_csv(csv)["probability"][0])
    assert probabilities[1] < probabilities[0]
    with pytest.raises(SystemExit):
        main([str(place), str(image), "--csv", str(csv), "--prevalence", "7"])
    assert "prevalence" in capsys.readouterr().err


def test_a_bundle_of_two_classes_that_was_written_before_opens_and_decides_as_it_did(tmp_path, bundle):
    copy = tiny_bundle(tmp_path / "copy")
    about = json.loads((copy / "bundle.json").read_text(encoding="utf-8"))
    del about["rule"]
    (copy / "bundle.json").write_text(json.dumps(about | {"version": 1, "threshold": 0.5}), encoding="utf-8")
    old = load_bundle(copy)
    assert old.rule == DecisionRule(0.5)
    images = squares().test.images
    table = predict(images, old)
    np.testing.assert_allclose(table["probability"], darkness().predict(images, verbose=0)[:, 0], atol=1e-6)
    with pytest.raises(ValueError, match="save it again with DecisionRule"):
        predict(images, old, prevalence=0.2)
    about["version"] = 3
    (copy / "bundle.json").write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(BundleError, match="no entry 'rule'"):
        load_bundle(copy)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"threshold": 1.0}, "threshold"),
        ({"temperature": 0}, "temperature"),
        ({"intercept": float("nan")}, "intercept"),
        ({"costs": {"miss": -1.0}}, "costs"),
        ({"costs": {"error": 1.0}}, "costs"),
        ({"ask": (0.7, 0.3)}, "ask"),
        ({"ask": 0.3}, "ask"),
        ({"abstain": 0.5}, "abstain"),
        ({"prevalence": 1.5}, "prevalence"),
        ({"intervals": {"threshold": (0.4, 0.2)}}, "intervals"),
        ({"intervals": {"mood": (0.2, 0.4)}}, "intervals"),
    ],
)
def test_a_field_that_does_not_fit_is_refused_by_name_before_anything_is_written(tmp_path, changes, words):
    with pytest.raises(ValueError, match=words):
        tiny_bundle(tmp_path / "x", rule=replace(RULE, **changes))
    assert not list(tmp_path.iterdir())


def test_a_changed_rule_in_the_file_is_refused_too(place, tmp_path):
    copy = shutil.copytree(place, tmp_path / "copy")
    about = json.loads((copy / "bundle.json").read_text(encoding="utf-8"))
    about["rule"]["ask"] = [0.9, 0.1]
    (copy / "bundle.json").write_text(json.dumps(about), encoding="utf-8")
    with pytest.raises(BundleError, match="ask"):
        load_bundle(copy)


def test_the_temperature_of_two_classes_is_that_of_a_logistic_regression_through_zero():
    from sklearn.linear_model import LogisticRegression

    z = 2 * RNG.normal(size=2000)
    y = RNG.random(2000) < expit(z / 1.7)
    slope = LogisticRegression(C=np.inf, fit_intercept=False).fit(z[:, None], y).coef_[0, 0]
    assert fit_temperature(y, expit(z)) == pytest.approx(1 / slope, rel=1e-3)
    columns = np.column_stack([1 - expit(z), expit(z)])
    np.testing.assert_allclose(apply_temperature(columns, 2.0)[:, 1], expit(z / 2), atol=1e-6)


@pytest.mark.parametrize("grouped", [False, True], ids=["images", "groups of ten alike"])
def test_the_interval_of_the_temperature_covers_the_true_one(grouped):
    hits, repeats = 0, 200
    for _ in range(repeats):
        n = 40 if grouped else 300
        z = 3 * RNG.normal(size=n)
        y = RNG.random(n) < expit(z / 1.5)
        if grouped:
            z, y = np.repeat(z, 10), np.repeat(y, 10)
        try:
            low, high = temperature_interval(y, expit(z), np.repeat(np.arange(n), 10) if grouped else None)
        except ValueError:
            continue
        hits += low <= 1.5 <= high
    assert 0.88 <= hits / repeats <= 0.99


def test_fewer_images_promise_a_refusal_rate_less_exactly():
    few, many = refusal_range(60, 0.05), refusal_range(2000, 0.05)
    assert few[0] < many[0] < 0.05 < many[1] < few[1]
