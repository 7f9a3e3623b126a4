"""The app without a browser: what its user reads, what it keeps, and that a bad upload is a sentence."""

import hashlib
import io
import shutil
import sqlite3

import numpy as np
import pytest

pytest.importorskip("streamlit", reason="streamlit is not installed; it comes with the extra `app`")
from PIL import Image
from streamlit.testing.v1 import AppTest

from helpers.deploy.feedback import COLUMNS, read_feedback, save_feedback
from helpers.deploy.rule import DecisionRule
from helpers.metrics import evaluate
from tests.helpers.deploy.many_classes import levels, many_bundle, names
from tests.helpers.deploy.tiny_bundles import darkness, squares, tiny_bundle


@pytest.fixture(scope="module")
def bundles(tmp_path_factory, home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", str(home))
        place = tmp_path_factory.mktemp("bundles")
        tiny_bundle(place / "calm")
        tiny_bundle(place / "eager", darkness(bias=18.0))  # calls nearly everything dark
        return place


@pytest.fixture
def bright():
    data = squares()
    return (data.folder / data.test.frame["path"][data.test.labels == 0].iloc[0]).read_bytes()


def page(folder, feedback):
    from helpers.deploy.app import show

    show(folder, feedback)


@pytest.fixture
def app(bundles, tmp_path):
    return AppTest.from_function(page, args=(str(bundles), str(tmp_path / "said.sqlite")), default_timeout=60).run()


def upload(app, *files):
    return app.file_uploader[0].set_value([(name, data, "image/png") for name, data in files]).run()


def said(app) -> str:
    parts = [*app.title, *app.warning, *app.error, *app.text, *app.success, *app.header, *app.markdown]
    return "\n".join(f"{getattr(part, 'label', '')} {part.value}" for part in parts)


def test_the_page_opens_with_its_warning_and_the_bundles_threshold(app):
    assert not app.exception
    assert "For teaching, not for diagnosis" in app.warning[0].value
    assert app.slider[0].value == 0.5 and app.selectbox[0].options == ["calm", "eager"]


def test_an_image_gets_a_decision_a_probability_and_a_heatmap(app, bright):
    upload(app, ("scan.png", bright))
    assert not app.exception
    assert app.header[0].value == "bright" and "probability of dark: 0.0" in said(app)
    assert len(app.get("image") or app.get("imgs")) == 2  # the heatmap and the image


def test_the_slider_turns_the_decision(app, bright):
    upload(app, ("scan.png", bright))
    app.slider[0].set_value(0.0).run()
    assert app.header[0].value == "dark"


@pytest.mark.parametrize(
    "data, words",
    [(b"", "zero bytes"), (b"Dear colleague", "not an image"), (b"\x89PNG\r\n\x1a\nxx", "not an image|damaged")],
)
def test_a_bad_upload_is_a_sentence_beside_the_good_ones(app, bright, data, words):
    upload(app, ("letter.png", data), ("scan.png", bright))
    assert not app.exception
    assert len(app.error) == 1 and len(app.header) == 1
    assert any(word in app.error[0].value for word in words.split("|"))


def test_the_name_of_a_file_is_never_read_as_markdown(app):
    upload(app, ("![x](http://example.org/spy.png).png", b"none"))
    assert "![" not in "".join(part.value for part in [*app.markdown, *app.error])


def test_the_app_corrects_for_the_prevalence_and_says_whom_to_ask(tmp_path, bright):
    rule = DecisionRule.from_costs(miss=4, false_alarm=1, ask=0.5, temperature=2.0, prevalence=0.5)
    answers = darkness().predict(squares().test.images, verbose=0)
    prob = rule.probabilities(np.hstack([1 - answers, answers]))[:, 1]
    scores = evaluate(squares().test.labels, prob, rule.threshold)
    tiny_bundle(tmp_path / "bundles" / "graded", rule=rule, scores=scores)
    place = str(tmp_path / "bundles")
    app = AppTest.from_function(page, args=(place, str(tmp_path / "said.sqlite")), default_timeout=60).run()
    limit, share = app.slider
    assert limit.value == 0.2 and share.value == 0.5 and "share of dark" in share.label
    assert "4 for a miss, 1 for a false alarm, 0.5 for a person's look" in app.caption[0].value
    upload(app, ("scan.png", bright))
    first = app.header[0].value
    assert first == "bright" and "calibrated probability of dark" in said(app)
    decisions = []
    for value in (0.9, 0.98, 0.999):
        app.slider[1].set_value(value).run()
        decisions.append(app.header[0].value)
    assert not app.exception and decisions != [first] * 3
    assert set(decisions) <= {"bright", "ask a person", "dark"}


def test_two_bundles_stand_side_by_side(app, bright):
    app.selectbox[1].set_value("eager").run()
    upload(app, ("scan.png", bright))
    assert [caption.value for caption in app.caption] == ["calm", "eager"]
    assert [header.value for header in app.header] == ["bright", "dark"]
    assert "agree on 0 of 1" in said(app)


def test_feedback_is_kept_for_every_bundle_without_image_or_name(app, bright, tmp_path):
    app.selectbox[1].set_value("eager").run()
    upload(app, ("Meyer_Anna.png", bright))
    app.radio[0].set_value("bright").run()
    next(button for button in app.button if button.label == "Keep this").click().run()
    assert app.success[0].value.startswith("Kept")
    rows = read_feedback(tmp_path / "said.sqlite")
    assert list(rows["bundle"].str.split(":").str[0]) == ["calm", "eager"]
    assert set(rows["picture"]) == {hashlib.sha256(bright).hexdigest()} and set(rows["label"]) == {"bright"}
    assert list(rows["decision"]) == ["bright", "dark"] and list(rows["threshold"]) == [0.5, 0.5]
    assert b"Meyer" not in (tmp_path / "said.sqlite").read_bytes()


def test_feedback_needs_a_label(app, bright):
    upload(app, ("scan.png", bright))
    assert next(button for button in app.button if button.label == "Keep this").disabled


def test_a_damaged_bundle_is_a_sentence(bundles, tmp_path):
    shutil.copytree(bundles / "calm", tmp_path / "bundles" / "calm")
    (tmp_path / "bundles" / "calm" / "model.keras").write_bytes(b"x")
    app = AppTest.from_function(page, args=(str(tmp_path / "bundles"), "none.sqlite"), default_timeout=60).run()
    assert not app.exception and "sha256 differs" in app.error[0].value


def test_a_folder_without_bundles_says_what_to_do(tmp_path):
    app = AppTest.from_function(page, args=(str(tmp_path), "none.sqlite"), default_timeout=60).run()
    assert not app.exception and "Run lesson 9.1" in app.error[0].value


def test_feedback_is_read_back_as_it_was_written(tmp_path):
    path = tmp_path / "new folder" / "said.sqlite"
    assert read_feedback(path).empty
    for label in ("bright", "dark"):
        save_feedback(path, b"image", "calm:0123", 0.25, 0.5, "bright", label)
    rows = read_feedback(path)
    assert list(rows.columns) == list(COLUMNS) and list(rows["label"]) == ["bright", "dark"]
    assert set(rows["picture"]) == {hashlib.sha256(b"image").hexdigest()}


def test_a_file_that_is_no_database_is_named(tmp_path):
    path = tmp_path / "thesis.doc"
    path.write_text("Two years of work. " * 100, encoding="utf-8")
    with pytest.raises(ValueError, match=r"thesis.doc: the feedback cannot be written"):
        save_feedback(path, b"image", "calm:0123", 0.25, 0.5, "bright", "dark")
    with pytest.raises(ValueError, match=r"thesis.doc: no feedback file"):
        read_feedback(path)
    with pytest.raises(sqlite3.DatabaseError):
        sqlite3.connect(path).execute("SELECT 1 FROM feedback")
    assert path.read_text(encoding="utf-8").startswith("Two years")


@pytest.mark.parametrize("n", [3, 200])
def test_of_many_classes_the_top_three_are_shown_with_their_probabilities(tmp_path, n):
    classes, k = names(n), n // 2
    classes[k - 1] = "![x](http://example.org/spy.png)"
    many_bundle(tmp_path / "bundles" / "many", classes, levels(n, sharp=n), {"abstain": 0.3})
    place, kept = str(tmp_path / "bundles"), tmp_path / "said.sqlite"
    app = AppTest.from_function(page, args=(place, str(kept)), default_timeout=60).run()
    assert app.slider[0].value == 0.3 and "ask a person below" in app.slider[0].label
    png = io.BytesIO()
    half = np.random.default_rng(0).normal(0, 4, (16, 32)).round()
    Image.fromarray(np.uint8(128 + np.concatenate([half, -half]))).save(png, "PNG")  # the middle of the gray levels
    upload(app, ("scan.png", png.getvalue()))
    assert not app.exception and app.header[0].value == classes[k]
    top = [text.value.split("  ") for text in app.text if "  " in text.value]
    assert top[0][1] == classes[k] and {name for _, name in top[1:]} == {classes[k - 1], classes[k + 1]}
    values = [float(value) for value, _ in top]
    assert values == sorted(values, reverse=True) and sum(values) <= 1.002
    assert "![x](" not in "".join(part.value for part in [*app.markdown, *app.header, *app.caption, *app.error])
    truth = app.selectbox[-1]
    assert truth.options == classes and truth.value is None
    truth.set_value(classes[k + 1]).run()
    app.slider[0].set_value(1.0).run()
    assert app.header[0].value == "ask a person" and "below 1" in app.info[0].value
    next(button for button in app.button if button.label == "Keep this").click().run()
    row = read_feedback(kept).iloc[0]
    assert (row["decision"], row["label"], row["threshold"]) == ("ask a person", classes[k + 1], 1.0)
    assert row["probability"] == pytest.approx(values[0], abs=0.001)
