"""A run knows its profile, seed and data source, and is the only place that reads the environment."""

import logging
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import helpers
import helpers.run
from data_prework.sources.packages import ELPV
from helpers.data import load_dataset, load_manifest
from helpers.run import PROJECT, Run


@pytest.fixture
def started(capsys):
    def start(**options):
        run = helpers.start(lesson="99", **options)
        return run, capsys.readouterr().out.splitlines()

    yield start
    tf.config.run_functions_eagerly(False)


@pytest.fixture
def run(tmp_path):
    """A run in full on the drawn data."""
    return Run("99", 7, "full", "embedded", "2 CPU cores", tmp_path)


def test_one_line_says_what_the_lesson_runs_on(started, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    _, lines = started()
    assert len(lines) == 1
    for words in ("Lesson 99", "TensorFlow 2.", "Keras 3.", "profile quick", "data: embedded", "seed 7"):
        assert words in lines[0]


def test_full_is_the_default_and_gives_the_full_numbers(started):
    run, _ = started()
    assert (run.profile, run.epochs(20), run.images(2000), run.trials(12), run.repeats(3)) == ("full", 20, 2000, 12, 3)
    assert run.pick(full=["a", "b"], quick=["a"]) == ["a", "b"]


def test_quick_gives_small_numbers_and_never_more_than_asked(started, monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    run, _ = started()
    assert (run.epochs(20), run.images(2000), run.trials(12), run.repeats(3)) == (1, 96, 2, 1)
    assert run.pick(full=["a", "b"], quick=["a"]) == ["a"]
    assert (run.epochs(1), run.images(50)) == (1, 50)
    with pytest.raises(ValueError, match="epochs must be 1 or more"):
        run.epochs(0)


@pytest.mark.parametrize(
    "profile, graphs, built", [("full", "", True), ("quick", "", False), ("quick", "always", True)]
)
def test_graphs_are_built_in_full_and_where_they_are_asked_for(started, monkeypatch, profile, graphs, built):
    monkeypatch.setenv("COURSE_PROFILE", profile)
    monkeypatch.setenv("COURSE_GRAPHS", graphs)
    started()
    assert tf.config.functions_run_eagerly() != built


@pytest.mark.parametrize("variable", ["COURSE_PROFILE", "COURSE_SOURCE", "COURSE_GRAPHS"])
def test_an_unknown_value_in_the_environment_is_named(started, monkeypatch, variable):
    monkeypatch.setenv(variable, "fast")
    with pytest.raises(ValueError, match=f"{variable} is 'fast'"):
        started()


def test_the_seed_decides_all_random_numbers(started):
    started(seed=3)
    first = np.random.rand(3)
    run, _ = started(seed=3)
    assert (np.random.rand(3) == first).all() and run.seed == 3


def test_real_data_are_used_where_they_are_prepared(started, monkeypatch):
    run, _ = started()
    assert run.source_of("squares") == "real" and run.source_of("chest_xray") == "embedded"
    assert not run.uses_real_data  # `squares` is no data set of the course
    monkeypatch.setenv("COURSE_SOURCE", "embedded")
    assert started()[0].source == "embedded" and not started()[0].uses_real_data


def test_a_lesson_may_ask_for_the_drawn_data_whatever_the_environment_says(started, monkeypatch):
    monkeypatch.setenv("COURSE_SOURCE", "real")
    run, lines = started(source="embedded")
    assert run.source == "embedded" and "data: embedded" in lines[0] and not run.uses_real_data
    with pytest.raises(ValueError, match="source: 'drawn'"):
        started(source="drawn")


def test_a_data_set_of_ones_own_takes_the_place_of_the_courses(started, monkeypatch):
    monkeypatch.setenv("COURSE_DATASET", "squares")
    run, lines = started()
    assert "data: squares in place of the course's" in lines[0] and "the numbers are those of squares" in lines[1]
    assert (run.dataset, run.source_of("chest_xray"), run.uses_real_data) == ("squares", "real", True)
    run.claim("Cracks are seen", False)  # a finding, no fault
    data = load_dataset("chest_xray", image_size=16)
    assert (data.name, data.class_names, data.source) == ("squares", ["bright", "dark"], "real")


def test_of_more_than_two_classes_the_lessons_on_two_take_the_largest(started, shades, monkeypatch):
    monkeypatch.setenv("COURSE_DATASET", "")  # forgotten at the end, whatever `start` writes there
    lines = started(dataset="shades")[1]
    assert lines[1].endswith("Of its 3 classes the two with most images are used: bright and dark.")
    whole, part = load_dataset("shades", image_size=16), load_dataset("monuments", image_size=16, max_images=24)
    assert whole.class_names == ["bright", "dark", "medium"] and part.class_names == ["bright", "dark"]
    assert set(part.train.labels) == {0, 1} and set(part.train.frame["label"]) == {"bright", "dark"}
    assert set(load_manifest("monuments")["label"]) == {"bright", "dark"}
    assert (part.train.images[part.train.labels == 0].mean() > 150).all()


def test_a_lesson_that_needs_the_drawn_data_says_that_it_keeps_them(started, monkeypatch):
    monkeypatch.setenv("COURSE_DATASET", "squares")
    run, lines = started(source="embedded")
    assert run.dataset == "" and "data: embedded" in lines[0] and "runs on them, not on squares" in lines[1]
    with pytest.raises(FileNotFoundError, match="prepare leaves --from FOLDER"):
        started(dataset="leaves")


def test_the_results_store_lies_where_the_environment_says(started, monkeypatch, tmp_path):
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path / "elsewhere"))
    assert started()[0].results_folder == tmp_path / "elsewhere"
    monkeypatch.delenv("COURSE_RESULTS")
    assert started()[0].results_folder == PROJECT / "results"


def test_nothing_else_in_helpers_reads_the_environment():
    readers = {
        path.name
        for path in Path(helpers.__file__).parent.rglob("*.py")
        if re.search(r"os\.environ(\.get|\[)|os\.getenv", path.read_text(encoding="utf-8"))
    }
    # these make the environment of a process that they start
    assert readers <= {"run.py", "run_notebooks.py", "colab.py", "start.py", "release.py", "room.py"}


def test_training_many_small_networks_leaves_no_warning_in_a_notebook(started):
    import tensorflow as tf

    tf.get_logger().setLevel("WARNING")
    started()
    assert not tf.get_logger().isEnabledFor(logging.WARNING)


def test_a_claim_that_holds_gets_a_tick_and_one_that_fails_stops_a_full_run(run, capsys):
    run.claim("The CNN wins", np.bool_(True))
    with pytest.raises(AssertionError, match="The dense net wins"):
        run.claim("The dense net wins", lambda: False)
    assert capsys.readouterr().out == "✔ The CNN wins\n✘ The dense net wins\n"


def test_on_real_data_a_claim_that_fails_is_a_finding_and_stops_nothing(run, monkeypatch, capsys):
    monkeypatch.setattr(Run, "uses_real_data", True)
    run.claim("The dense net wins", False)
    assert capsys.readouterr().out == "✘ The dense net wins (not on these data)\n"


def test_in_quick_the_output_of_a_claim_does_not_depend_on_its_condition(run, capsys):
    run = replace(run, profile="quick")

    def never():
        raise RuntimeError("evaluated")

    for condition in (True, False, np.bool_(False), never):
        run.claim("The CNN wins", condition)
    assert capsys.readouterr().out == "· The CNN wins (not judged in quick mode)\n" * 4


@pytest.mark.parametrize("condition", [None, np.array([True]), 1, "yes", lambda: np.array([True, False]), lambda: None])
def test_a_claim_on_something_that_is_no_bool_is_a_type_error(run, condition):
    with pytest.raises(TypeError, match=r"condition: .*expected one bool"):
        run.claim("Something", condition)


def test_a_results_folder_that_cannot_be_written_is_told_before_anything_is_trained(monkeypatch, started):
    monkeypatch.setenv("COURSE_RESULTS", "/proc/results")
    run, lines = started()
    assert lines[0].startswith("Note: results can't be saved in /proc/results: not writable")
    assert run.results_folder.name in lines[0] and run.results_folder.parent.is_dir()


@pytest.fixture
def solar(home):
    """The tiny data set in the place of the solar cells."""
    place = home / "solar_cells"
    shutil.copytree(home / "squares", place)
    yield
    shutil.rmtree(place)


@pytest.mark.parametrize("source", ["real", "embedded"])
def test_an_optional_data_set_is_given_where_it_is_prepared_with_its_licence(solar, run, capsys, source):
    run = replace(run, source=source)
    assert run.data("solar_cells", otherwise="concrete_cracks") == "solar_cells"
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Data: solar_cells, 96 images, ") and "not for commercial use" in line
    assert run.source_of("solar_cells") == "real" and not run.replaced
    with pytest.raises(AssertionError):
        run.claim("Cracks are seen", False)


@pytest.mark.parametrize("environment", [True, False])
def test_without_it_a_drawn_one_takes_its_place_and_one_line_says_so(run, capsys, monkeypatch, tmp_path, environment):
    monkeypatch.setattr(helpers.run, "PROJECT", tmp_path)
    if environment:
        (tmp_path / ".venv").mkdir()
    assert run.data("solar_cells", otherwise="concrete_cracks") == "concrete_cracks"
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("Data: concrete_cracks in place of solar_cells, which the text describes.")
    way = "make solar" if environment else f"{ELPV.install} && python -m data_prework prepare solar_cells"
    assert line.endswith(way)
    run.claim("Cracks in cells are seen", False)  # a finding about other data, no fault
    assert "not on these data" in capsys.readouterr().out
    with pytest.raises(ValueError, match="'moon_cells' is no optional data set"):
        run.data("moon_cells", otherwise="concrete_cracks")


def test_a_data_set_of_ones_own_takes_the_place_of_an_optional_one_too(solar, run, capsys):
    run = replace(run, dataset="squares")
    assert run.data("solar_cells", otherwise="concrete_cracks") == "concrete_cracks"
    assert capsys.readouterr().out.startswith("Data: squares in place of solar_cells")
