"""Bundles of 3, 13 and 200 classes: saved, loaded, asked for the top three, with a limit and a card."""

import io
import json
import shutil
import sys
from dataclasses import replace

import keras
import numpy as np
import pandas as pd
import pytest
from keras import layers
from PIL import Image

from helpers.deploy.__main__ import main as command_line
from helpers.deploy.bundle import BundleError, load_bundle
from helpers.deploy.calibration import apply_temperature
from helpers.deploy.decision import SHOWN, summary
from helpers.deploy.predict import decide, main, predict
from helpers.deploy.rule import DecisionRule
from helpers.metrics import evaluate
from tests.helpers.deploy.many_classes import SIDE, images, levels, many_bundle, names, scores_of
from tests.helpers.deploy.tiny_bundles import tiny_bundle

ANSWER = ["class", "probability", "class_2", "probability_2", "class_3", "probability_3"]
AWKWARD = ['=HYPERLINK("x")', "![x](http://example.org) *a* | `b`\n# c", "Brücke " + "長い名前" * 60]


@pytest.fixture(scope="module", params=[3, 13, 200])
def place(request, tmp_path_factory):
    n = request.param
    return many_bundle(
        tmp_path_factory.mktemp("many") / f"levels-{n}", names(n), rule={"temperature": 0.5, "abstain": 0.2}
    )


@pytest.fixture(scope="module")
def bundle(place):
    return load_bundle(place)


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    return many_bundle(tmp_path_factory.mktemp("three") / "three", names(3), levels(3, sharp=3.0), {"abstain": 0.6})


def test_what_was_saved_is_what_is_loaded(bundle):
    n = len(bundle.classes)
    assert bundle.classes == tuple(names(n)) and bundle.threshold is None
    assert (bundle.temperature, bundle.abstain) == (0.5, 0.2)
    assert bundle.scores.to_dict() == scores_of(levels(n), names(n)).to_dict()
    test, _ = images(n, 1, seed=5)
    expected = apply_temperature(levels(n).predict(test, verbose=0), 0.5)
    np.testing.assert_allclose(bundle.probabilities(test), expected, atol=1e-5)


def test_an_answer_is_the_top_three_with_their_probabilities(bundle):
    test, _ = images(len(bundle.classes), 1, seed=5)
    table, prob = predict(test, bundle), bundle.probabilities(test)
    assert list(table.columns) == ["file", *ANSWER, "decision", "unlike", "note"]
    best = np.argsort(-prob, axis=1, kind="stable")[:, :3]
    for i, (name, value) in enumerate(zip(ANSWER[::2], ANSWER[1::2], strict=True)):
        assert list(table[name]) == [bundle.classes[j] for j in best[:, i]]
        np.testing.assert_allclose(table[value], prob[np.arange(len(prob)), best[:, i]], atol=1e-6)


def test_the_largest_probability_decides_and_too_low_a_one_is_no_answer(bundle):
    test, _ = images(len(bundle.classes), max(1, 30 // len(bundle.classes)), seed=6)
    table = predict(test, bundle)
    for limit in (0.0, 0.4, 1.0):
        again = decide(table, bundle, abstain=limit)
        like, sure = again["unlike"] <= 1, again["probability"] >= limit
        assert (again["decision"][like & sure] == again["class"][like & sure]).all()
        assert (again["decision"][like & ~sure] == "ask a person").all() and (
            again["decision"][~like] == "cannot judge"
        ).all()
        assert all(f"below {limit:g}" in note for note in again["note"][like & ~sure])
    pd.testing.assert_frame_equal(decide(table, bundle), decide(table, bundle, abstain=0.2))
    pd.testing.assert_frame_equal(decide(table[:3], bundle, abstain=0.4), predict(test[:3], bundle, abstain=0.4))


def test_images_unlike_the_training_images_are_not_judged(bundle):
    test, _ = images(len(bundle.classes), 1, seed=5)
    assert (predict(test, bundle)["decision"] == "cannot judge").mean() < 0.3
    assert predict(np.tile(np.array([0, 255], np.uint8), (SIDE, SIDE // 2)), bundle)["decision"][0] == "cannot judge"


def test_the_card_is_short_whatever_the_number_of_the_classes(place):
    card = (place / "MODEL_CARD.md").read_text(encoding="utf-8")
    n = len(load_bundle(place).classes)
    assert f"one of {n} classes" in card and "temperature of **0.500**" in card and "below **0.200**" in card
    assert len(card.splitlines()) < 70 and len(card) < 4500


def test_long_names_and_names_like_markdown_are_text_in_the_card(tmp_path):
    place = many_bundle(tmp_path / "awkward", AWKWARD, rule={"temperature": 0.5})
    card = (place / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert len(card) < 5500 and "\n# c" not in card and "![x](" not in card and "*a*" not in card
    assert load_bundle(place).classes == tuple(AWKWARD)


def test_heatmaps_explain_the_answer_or_the_class_that_is_named(three):
    bundle, (test, _) = load_bundle(three), images(3, 1, seed=5)
    answers = predict(test, bundle, heatmap=True)
    assert list(answers["class"]) == names(3)
    for i, name in enumerate(names(3)):
        by_name, by_number = (predict(test, bundle, heatmap=True, target=target) for target in (name, i))
        np.testing.assert_array_equal(np.stack(by_name["map"]), np.stack(by_number["map"]))
        np.testing.assert_allclose(by_name["map"][i], answers["map"][i], atol=1e-6)
    assert not np.allclose(np.stack(by_name["map"])[0], answers["map"][0])


@pytest.mark.parametrize(
    "wrong", [{"target": 3}, {"target": -1}, {"target": "kind"}, {"threshold": 0.5}, {"abstain": 2}]
)
def test_a_wrong_argument_of_predict_is_named(three, wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        predict(images(3, 1)[0], load_bundle(three), **wrong)


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    for i, image in enumerate(images(3, 1, seed=5)[0]):
        Image.fromarray(image[:, :, 0]).save(folder / f"{i}.png")
    (folder / "letter.jpg").write_text("Dear colleague", encoding="utf-8")
    return folder


def test_the_command_writes_the_top_three_and_no_formula(tmp_path, inbox, monkeypatch):
    place = many_bundle(tmp_path / "awkward", AWKWARD, levels(3, sharp=3.0))
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")  # lacks most letters
    monkeypatch.setattr(sys, "stdout", terminal)
    command = ["predict", place, inbox, "--csv", tmp_path / "a.csv", "--heatmaps", tmp_path / "maps"]
    assert command_line([str(word) for word in [*command, "--target", AWKWARD[2]]]) == 0
    terminal.seek(0)
    said = terminal.read().splitlines()
    assert len(said) == 3 and said[0].startswith("4 images: ") and "1 cannot read" in said[0]
    table = pd.read_csv(tmp_path / "a.csv")
    assert list(table.columns) == ["file", *ANSWER, "decision", "unlike", "note"]
    assert list(table["class"][:3]) == [f"'{AWKWARD[0]}", *AWKWARD[1:]]
    assert table["class"][3:].isna().all() and table["decision"][3] == "cannot read"
    assert len(list((tmp_path / "maps").glob("*.png"))) == 3


def test_the_commands_limit_of_an_answer_counts(three, tmp_path, inbox):
    assert main([str(three), str(inbox), "--csv", str(tmp_path / "a.csv"), "--abstain", "1"]) == 0
    assert list(pd.read_csv(tmp_path / "a.csv")["decision"][:3]) == ["ask a person"] * 3


@pytest.mark.parametrize(
    "options, words",
    [
        (["--threshold", "0.5"], "the largest probability decides"),
        (["--abstain", "1.5"], "not a probability"),
        (["--target", "kind 0"], "give --heatmaps"),
        (["--heatmaps", "maps", "--target", "kund 0"], "no class, such as 'kind 0'"),
        (["--heatmaps", "maps", "--target", "3"], "target"),
    ],
)
def test_a_wrong_command_ends_with_2_and_says_why(three, tmp_path, inbox, capsys, options, words):
    with pytest.raises(SystemExit) as ended:
        main([str(three), str(inbox), "--csv", str(tmp_path / "a.csv"), *options])
    assert ended.value.code == 2 and words in capsys.readouterr().err and not (tmp_path / "a.csv").exists()


def test_the_summary_stays_one_short_line():
    frame = pd.DataFrame({"decision": [*names(200), *names(200)[:2], "ask a person", "cannot read"]})
    line = summary(frame)
    assert line.startswith("204 images: 2 kind 0, 2 kind 1, ") and "1 ask a person, 1 cannot read" in line
    assert line.count(",") == SHOWN - 1 and line.endswith("197 of 197 more classes")


def test_of_two_classes_nobody_is_asked_unless_the_rule_says_so(tmp_path, home, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(home))
    place = tiny_bundle(tmp_path / "two")
    bundle = load_bundle(place)
    assert (bundle.temperature, bundle.abstain) == (1.0, 0.0)
    with pytest.raises(ValueError, match="abstain"):
        predict(np.zeros((32, 32), np.uint8), bundle, abstain=0.5)
    with pytest.raises(ValueError, match="abstain"):
        tiny_bundle(tmp_path / "other", rule=DecisionRule(0.5, abstain=0.5))


def test_a_bundle_of_more_classes_that_was_written_before_opens_and_decides_as_it_did(three, tmp_path):
    copy = shutil.copytree(three, tmp_path / "copy")
    about = json.loads((copy / "bundle.json").read_text(encoding="utf-8"))
    del about["rule"]
    before = {"version": 2, "decision": "largest probability", "temperature": 0.5, "abstain": 0.6, "unsure": 0.1}
    (copy / "bundle.json").write_text(json.dumps(about | before), encoding="utf-8")
    old = load_bundle(copy)
    assert (old.temperature, old.abstain, old.threshold) == (0.5, 0.6, None)
    test, _ = images(3, 2, seed=5)
    np.testing.assert_allclose(
        old.probabilities(test), apply_temperature(levels(3, sharp=3.0).predict(test, verbose=0), 0.5), atol=1e-5
    )
    with pytest.raises(ValueError, match="save it again with DecisionRule"):
        predict(test, old, prevalence=[0.2, 0.3, 0.5])


def test_the_prevalence_of_another_place_raises_a_class_as_much_as_it_is_more_frequent(tmp_path):
    shares = (0.5, 0.25, 0.25)
    bundle = load_bundle(many_bundle(tmp_path / "x", names(3), rule={"prevalence": shares}))
    test, _ = images(3, 4, seed=5)
    before, after = bundle.probabilities(test), bundle.probabilities(test, [0.25, 0.25, 0.5])
    expected = before * [0.5, 1, 2]
    np.testing.assert_allclose(after, expected / expected.sum(axis=1, keepdims=True), rtol=1e-6)
    named = predict(test, bundle, prevalence={"kind 2": 0.5, "kind 0": 0.25, "kind 1": 0.25})
    np.testing.assert_allclose(named["probability"], after.max(axis=1), atol=1e-6)
    for wrong in (0.5, [0.5, 0.5], [0.5, 0.5, 0.5], {"kind 0": 1.0}):
        with pytest.raises(ValueError, match="prevalence"):
            predict(test, bundle, prevalence=wrong)


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"rule": {"temperature": None}}, "temperature"),
        ({"rule": {"temperature": -1.0}}, "temperature"),
        ({"rule": {"abstain": 1.5}}, "abstain"),
        ({"classes": ["a", "b"]}, "cannot be loaded"),
        ({"classes": ["kind 0", "kind 2", "kind 1"]}, "kind 0, kind 1, kind 2, but"),
        ({"version": 1}, "no entry 'threshold'"),
        ({"version": [2]}, "another version"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(three, tmp_path, changes, words):
    copy = shutil.copytree(three, tmp_path / "copy")
    about = json.loads((copy / "bundle.json").read_text(encoding="utf-8"))
    (copy / "bundle.json").write_text(json.dumps(about | changes), encoding="utf-8")
    with pytest.raises(BundleError, match=words):
        load_bundle(copy)


def sigmoids() -> keras.Model:
    model = levels(3)
    end = layers.Dense(3, activation="sigmoid", bias_initializer="ones")
    return keras.Model(model.inputs, end(model.layers[-2].output))


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"rule": {"threshold": 0.5}}, "threshold"),
        ({"rule": {"intercept": 0.5}}, "intercept"),
        ({"rule": {"prevalence": 0.5}}, "prevalence"),
        ({"rule": {"temperature": 0.0}}, "temperature"),
        ({"rule": {"abstain": -0.1}}, "abstain"),
        ({"model": sigmoids()}, "add up to 1"),
        ({"model": levels(13)}, "13 classes"),
        ({"model": keras.Sequential([keras.Input((SIDE, SIDE, 1)), layers.Conv2D(3, 1)])}, "expected .n, classes"),
        ({"scores": evaluate([0, 1], [0.2, 0.8])}, "scores"),
        ({"class_names": ["a", "a", "b"]}, "class_names"),
        ({"class_names": ["a", " ", "b"]}, "class_names"),
        ({"class_names": ["a", "ask a person", "b"]}, "class_names"),
        ({"class_names": ["a", "\udcff", "b"]}, "class_names"),
        ({"class_names": ["kind 1", "kind 0", "kind 2"]}, "scores"),
        ({"train_labels": np.zeros(3)}, "labels"),
    ],
)
def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path, changes, words):
    arguments = {"scores": scores_of(levels(3), names(3)), "model": levels(3), "class_names": names(3), **changes}
    with pytest.raises(ValueError, match=words):
        many_bundle(tmp_path / "x", **arguments)
    assert not list(tmp_path.iterdir())


def test_scores_without_names_get_those_of_the_bundle(tmp_path):
    plain = replace(scores_of(levels(3), names(3)), class_names=("class 0", "class 1", "class 2"))
    assert load_bundle(many_bundle(tmp_path / "x", names(3), scores=plain)).scores.class_names == tuple(names(3))
