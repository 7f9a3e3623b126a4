"""The small module that notebooks of the exercises import, and the settings that instructors change."""

import numpy as np
import pytest

from data_prework.manifest import find_prepared
from helpers.assignment import close, own_seed, plain, read_settings, reject, start
from helpers.assignment import exercise as assignment

needs_data = pytest.mark.skipif(find_prepared("chest_xray", "embedded") is None, reason="the data are not made yet")


def test_two_spellings_of_a_name_are_one_student():
    assert plain(" Anna-Maria  LEE ") == plain("annamaria lee") == "annamarialee"
    assert own_seed(7, "Zoë 12") == own_seed(7, "zoë12") != own_seed(8, "zoë12")


@needs_data
def test_without_a_name_it_says_what_to_type():
    with pytest.raises(ValueError, match="Type your name or number into the first cell"):
        start("01_explore", "  ", dataset="chest_xray")


@needs_data
def test_the_same_student_gets_the_same_rows_and_numbers_again(capsys):
    one, again = (start("01_explore", name, dataset="chest_xray") for name in ("anna", "Anna"))
    other = start("01_explore", "bo", dataset="chest_xray")
    assert one.manifest().equals(again.manifest()) and not one.manifest().equals(other.manifest())
    assert one.rng("task2").random() == again.rng("task2").random() != one.rng("task3").random()
    assert "for anna · data: chest_xray · classes: NORMAL and PNEUMONIA" in capsys.readouterr().out


def test_close_compares_numbers_and_arrays_and_never_raises():
    assert close(0.1 + 0.2, 0.3) and close([1, 2], np.array([1.0, 2.0])) and close(0.62, 0.6201, 1e-3)
    for odd in (None, "0.3", [1, 2, 3], {"a": 1}, float("nan"), object()):
        assert not close(odd, 0.3)


def test_reject_fails_with_the_sentence_of_the_mistake():
    reject(0.5, {"doubled": 1.0})
    with pytest.raises(AssertionError, match="You doubled it"):
        reject(1.0, {"You halved it": 0.25, "You doubled it": 1.0})


def test_settings_have_defaults_and_name_what_they_do_not_know(tmp_path):
    file = tmp_path / "settings.toml"
    file.write_text("[01_explore]\nseed = 3\npoints = { task1 = 5 }\n[grading]\nat_once = 4\n", encoding="utf-8")
    settings = read_settings(file)
    assert settings["01_explore"]["seed"] == 3 and settings["01_explore"]["dataset"] == "chest_xray"
    assert settings["grading"]["at_once"] == 4 and settings["grading"]["name_from"] == "cell"
    for text, says in (
        ("[01_explore]\nsead = 3", "sead"),
        ('[grading]\nname_from = "list"', '"cell" or "folder"'),
        ("[01_explore\nseed = 3", "line 1"),
        ("seed = 3", "seed stands outside of the sections"),
        ('[grading]\nat_once = "two"', "[grading] at_once = 'two'; it must be a whole number"),
        ('[01_explore]\ndifficulty = "hard"', "[01_explore] difficulty = 'hard'; it must be a number"),
        ("[01_explore]\nseed = true", "seed = True; it must be a whole number"),
        ("[01_explore]\nseed_per_student = 1", "seed_per_student = 1; it must be true or false"),
        ("[01_explore]\npoints = 3", "points = 3; it must be a list of tasks"),
        ('[01_explore]\npoints = { task1 = "two" }', "points of task1 = 'two'; it must be a number"),
    ):
        file.write_text(text, encoding="utf-8")
        with pytest.raises(ValueError) as stopped:
            read_settings(file)
        assert str(file) in str(stopped.value) and says in str(stopped.value)
    whole = "[01_explore]\ndifficulty = 2\npoints = { task1 = 0.5 }\n[grading]\nmemory_gb = 3\n"
    file.write_text(whole, encoding="utf-8")
    assert read_settings(file)["01_explore"]["difficulty"] == 2


@pytest.mark.slow
def test_another_difficulty_is_drawn_when_it_is_needed_and_found_the_next_time(tmp_path, monkeypatch):
    drawn = []

    def smaller(dataset, folder, difficulty):
        drawn.append(difficulty)
        return synthesize(dataset, folder, difficulty=difficulty, count=60)

    synthesize = assignment.synthesize
    monkeypatch.setattr(assignment, "synthesize", smaller)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    hard = start("01_explore", "anna", dataset="chest_xray", difficulty=2)
    again = start("01_explore", "anna", dataset="chest_xray", difficulty=2)
    assert drawn == [2.0] and len(hard.manifest()) == len(again.manifest()) > 30
    assert len(hard.data(image_size=16, images=24).train) > 10
    assert find_prepared("chest_xray", "embedded") is None  # the lessons' own data are left alone


def test_a_difficulty_of_ones_own_images_is_refused():
    with pytest.raises(ValueError, match="not drawn by the course"):
        start("01_explore", "anna", dataset="leaves", difficulty=2)
