"""The app without a browser: what its user reads, what it keeps, and that a bad upload is a sentence."""

import hashlib
import io
import shutil
import socket
import sqlite3
from functools import cache

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("streamlit", reason="streamlit is not installed; it comes with the extra `app`")
from PIL import Image
from streamlit.testing.v1 import AppTest

from helpers.deploy import app_answers
from helpers.deploy.app import main
from helpers.deploy.bundle import Provenance, load_bundle
from helpers.deploy.feedback import COLUMNS, compare_feedback, read_feedback, remove_feedback, save_feedback
from helpers.deploy.rule import DecisionRule
from helpers.metrics import evaluate
from tests.helpers.deploy.many_classes import levels, many_bundle, names
from tests.helpers.deploy.tiny_bundles import darkness, good_scores, squares, tiny_bundle


@pytest.fixture(scope="module", autouse=True)
def components_are_looked_for_once():
    """Each test's page is a new app, and a new app looks through all installed packages for components."""
    from streamlit.components.v2 import manifest_scanner as scanner

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scanner, "scan_component_manifests", cache(scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="module")
def bundles(tmp_path_factory, home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", str(home))
        place = tmp_path_factory.mktemp("bundles")
        tiny_bundle(place / "calm")
        tiny_bundle(place / "eager", darkness(bias=18.0), scores=good_scores())  # calls nearly everything dark
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


def opened(place, feedback):
    return AppTest.from_function(page, args=(str(place), str(feedback)), default_timeout=60).run()


def button(app, label, number=0):
    return [one for one in app.button if one.label == label][number]


def scans(levels):
    """Files of these mean gray levels, with the noise of the training images."""
    found, rng = [], np.random.default_rng(3)
    for i, level in enumerate(levels):
        png = io.BytesIO()
        Image.fromarray(rng.normal(level, 30, (40, 50, 3)).clip(0, 255).astype(np.uint8)).save(png, "PNG")
        found.append((f"{i}.png", png.getvalue()))
    return found


def test_the_page_says_what_the_card_says(app):
    words = said(app)
    assert "squares \\(real\\)" in words and "in the full profile" in words and "Knows nothing but darkness" in words
    table = app.table[0].value
    assert "ROC AUC" in table.index and "95 % interval" in table.columns


def test_a_copy_of_a_bundle_can_stand_beside_it_and_its_feedback_is_stored_once(bundles, tmp_path, bright):
    for place in ("spring/calm", "autumn/calm"):
        shutil.copytree(bundles / "calm", tmp_path / "b" / place)
    app = opened(tmp_path / "b", tmp_path / "said.sqlite")
    assert app.selectbox[0].options == ["autumn/calm", "spring/calm"]
    app.selectbox[1].set_value("spring/calm").run()
    upload(app, ("scan.png", bright))
    assert not app.exception and [header.value for header in app.header] == ["bright", "bright"]
    app.radio[0].set_value("bright").run()
    button(app, "Keep this").click().run()
    assert len(read_feedback(tmp_path / "said.sqlite")) == 1 and "nothing to compare" in said(app)


def test_a_file_of_a_bundle_that_changes_while_the_app_runs_is_refused_by_name(bundles, tmp_path):
    copy = shutil.copytree(bundles / "calm", tmp_path / "b" / "calm")
    app = opened(tmp_path / "b", "none.sqlite")
    assert not app.error
    (copy / "reference.npz").write_bytes((copy / "reference.npz").read_bytes()[:-1])
    app.run()
    assert not app.exception and "reference.npz: the content is not what bundle.json says" in app.error[0].value


@pytest.mark.parametrize("kind", ["quick", "chance"])
def test_a_bundle_not_to_be_relied_on_says_so_before_any_class_in_large_letters(tmp_path, bright, kind):
    changes = {
        "quick": {"provenance": Provenance("squares", "real", 7, profile="quick")},
        "chance": {"scores": evaluate([0, 1] * 20, [0.6, 0.4, 0.4, 0.6] * 10)},
    }
    place = tiny_bundle(tmp_path / "b" / "calm", **changes[kind])
    app = opened(tmp_path / "b", tmp_path / "said.sqlite")
    words = load_bundle(place).doubt.split("(")[0]
    assert words[:40] in app.error[0].value.replace("\\", "")
    upload(app, ("scan.png", bright))
    assert [header.value for header in app.header] == ["Don't rely on this answer"] and "Answer: bright" in said(app)


def test_of_many_files_the_table_comes_first_and_the_cards_by_pages(app):
    upload(app, *scans([60] * 12 + [170] * 8))
    assert not app.exception and len(app.header) == 8
    assert len(app.dataframe[0].value) == 20 and list(app.dataframe[0].value["file"])[:2] == ["0.png", "1.png"]
    order = [element.type for element in app.main if element.type in ("dataframe", "header")]
    assert order[0] == "dataframe"
    app.number_input[0].set_value(3).run()
    assert [text.value for text in app.text][::2] == [f"{i}.png" for i in range(16, 20)]
    show = next(box for box in app.selectbox if box.label == "Show")
    show.set_value("bright").run()
    table = app.dataframe[0].value
    assert [text.value for text in app.text][::2] == list(table["file"][table["decision"] == "bright"])[:8]
    assert {header.value for header in app.header} == {"bright"}


def test_an_image_keeps_its_answer_when_another_is_taken_away_or_another_page_was_seen(app):
    files = scans([60] * 5 + [170] * 5)
    upload(app, *files)
    app.radio[1].set_value("bright").run()
    app.number_input[0].set_value(2).run()
    app.number_input[0].set_value(1).run()
    assert [radio.value for radio in app.radio[:3]] == [None, "bright", None]
    upload(app, *files[1:3])
    assert [radio.value for radio in app.radio] == ["bright", None]


def test_one_content_of_two_names_is_one_card(app, bright):
    upload(app, ("a.png", bright), ("b.png", bright))
    assert not app.exception and len(app.radio) == 1 and app.text[0].value == "a.png, b.png"


def test_a_click_stores_once_a_changed_answer_takes_its_place_and_can_be_taken_back(app, bright, tmp_path):
    kept = tmp_path / "said.sqlite"
    upload(app, ("scan.png", bright))
    app.radio[0].set_value("dark").run()
    as_first_drawn = button(app, "Keep this")
    as_first_drawn.click().run()
    assert button(app, "Keep this").disabled and len(read_feedback(kept)) == 1
    as_first_drawn.click().run()  # a second click before the page was drawn anew
    assert list(read_feedback(kept)["label"]) == ["dark"]
    app.radio[0].set_value("bright").run()
    button(app, "Keep this").click().run()
    assert list(read_feedback(kept)["label"]) == ["bright"]
    button(app, "Take it back").click().run()
    assert read_feedback(kept).empty and not app.success and not button(app, "Keep this").disabled


def test_feedback_that_cannot_be_written_is_a_sentence(bundles, tmp_path, bright):
    (tmp_path / "thesis.doc").write_text("Two years of work. " * 100, encoding="utf-8")
    app = opened(bundles, tmp_path / "thesis.doc")
    upload(app, ("scan.png", bright))
    app.radio[0].set_value("dark").run()
    button(app, "Keep this").click().run()
    assert not app.exception and any("cannot be written" in error.value for error in app.error) and not app.success


def test_the_page_says_which_of_two_bundles_was_right_more_often(app):
    app.selectbox[1].set_value("eager").run()
    upload(app, *scans([60, 60, 170, 170]))
    for number, label in enumerate(["dark", "dark", "bright", "bright"]):
        app.radio[number].set_value(label).run()
        button(app, "Keep this", number).click().run()
    assert "A is calm, B is eager" in said(app) and "interval" in said(app)


def rows_of(*answers):
    return pd.DataFrame(answers, columns=["picture", "bundle", "decision", "label"])


def test_two_bundles_are_compared_on_the_images_that_both_decided():
    right = [(f"{i}", key, ("x", "y")[i % 2], ("x", "y")[i % 2]) for i in range(40) for key in ("A", "B")]
    worse = [row if row[1] == "A" or int(row[0]) > 19 else (*row[:2], "x", row[3]) for row in right]
    asked = [("90", "A", "ask a person", "x"), ("90", "B", "x", "x"), ("91", "A", "x", "x")]
    words = compare_feedback(rows_of(*worse, *asked), "A", "B", ["x", "y"])
    assert words.startswith("Both decided 40 labeled images, and one or both left 1 to a person. A minus B: accuracy")
    assert "+0.250 (" in words and "from 0.750 to 1.000" in words and "clear of 0" in words
    more = compare_feedback(rows_of(*worse, *asked), "A", "B", ["x", "y", "z"])
    assert "+0.250 (" in more
    later = [("0", "B", "y", "y")]  # the last word counts
    assert "Both decided 40" in compare_feedback(rows_of(*right, *later), "A", "B", ["x", "y"])
    assert "at least two classes" in compare_feedback(rows_of(*asked), "A", "B", ["x", "y"])
    with pytest.raises(ValueError, match="nothing to compare"):
        compare_feedback(rows_of(*asked), "A", "A", ["x", "y"])


def test_feedback_that_is_removed_is_gone_and_the_rest_stays(tmp_path):
    path = tmp_path / "said.sqlite"
    rows = [save_feedback(path, b"image", "calm:0123", 0.25, 0.5, "bright", label) for label in ("a", "b", "c")]
    remove_feedback(path, rows[1:2])
    remove_feedback(path, rows[1:2])
    assert list(read_feedback(path)["label"]) == ["a", "c"]


def test_a_taken_port_and_a_missing_folder_are_sentences(bundles, capsys):
    with socket.socket() as other:
        other.bind(("localhost", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(SystemExit) as ended:
            main([str(bundles), "--port", str(port)])
    assert ended.value.code == 2 and f"make app PORT={port + 1}" in capsys.readouterr().err
    for wrong, words in ([str(bundles / "none")], "no such folder"), ([str(bundles), "--port", "70000"], "no port"):
        with pytest.raises(SystemExit):
            main(wrong)
        assert words in capsys.readouterr().err


def test_two_hundred_files_are_judged_once_and_a_page_of_them_is_drawn(app, monkeypatch):
    judged, predict = [], app_answers.predict
    monkeypatch.setattr(app_answers, "predict", lambda part, bundle: judged.extend(part) or predict(part, bundle))
    upload(app, *scans([60, 170] * 100))
    assert len(judged) == 200
    app.slider[0].set_value(0.3).run()
    assert not app.exception and len(judged) == 200
    assert len(app.dataframe[0].value) == 200 and len(app.header) <= app_answers.PAGE
