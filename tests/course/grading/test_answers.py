"""Every assignment as a student meets it: solutions pass, other right answers pass, wrong ones are told why.

That wrong answers are rejected is shown for the text of the cells, run in this process; test_grading.py grades whole
notebooks, of assignment 01 alone. Running the solution of an assignment costs more than trying all its answers, so each
assignment is run for one student, which a hash of its name chooses. In `make weekly` all assignments are run for three
students, and on other data sets.
"""

from functools import lru_cache

import pytest

from data_prework.manifest import COURSE, find_prepared
from helpers.assignment import read_settings
from helpers.course.grading.assignments.release import assignments
from tests.course.grading.sheet import Sheet, read_answers
from tests.weekly import WEEKLY, chosen

SETTINGS = read_settings()
NAMES = assignments(SETTINGS)
STUDENTS = ("solution", "Anna Lee", "20417")
OTHERS = [name for name in COURSE if name != "chest_xray"]
KNOWN = {name: read_answers(name) for name in NAMES}


def cases(kind: str) -> list:
    """(assignment, answer cell, entry) of the known answers of a kind; `slow` ones, which train, in make weekly."""
    return [
        pytest.param(name, task, entry, id=f"{name}-{task}-{kind}{i}")
        for name in NAMES
        for task, known in KNOWN[name].items()
        for i, entry in enumerate(known[kind], start=1)
        if WEEKLY or not entry.get("slow")
    ]


def need(dataset: str) -> None:
    if find_prepared(dataset, "embedded") is None:
        pytest.skip(f"the embedded data are not made yet: {dataset}")


@lru_cache(maxsize=len(STUDENTS) * len(NAMES))
def sheet(name: str, student: str) -> Sheet:
    need(SETTINGS[name]["dataset"])
    one = Sheet(name, student)
    assert one.run() == ""
    return one


def test_each_student_has_a_turn_and_it_is_always_the_same():
    assert {one for name in NAMES for one in chosen(name, STUDENTS, every=False)} == set(STUDENTS)
    assert chosen("01_explore", STUDENTS, every=True) == list(STUDENTS)
    assert chosen("01_explore", STUDENTS, every=False) == ["solution"]


@pytest.mark.parametrize("name, student", [(name, one) for name in NAMES for one in chosen(name, STUDENTS)])
def test_the_solution_passes_for_every_student(name, student):
    sheet(name, student)


def test_thresholds_that_are_equally_cheap_are_all_right():
    sheet("08_choosing", "student489")  # two of different images cost the same here, and floats may prefer either


@pytest.mark.parametrize("name", NAMES)
def test_two_wrong_answers_and_a_right_one_are_known_for_every_answer_cell(name):
    assert set(KNOWN[name]) == set(Sheet(name).answers)
    for task, known in KNOWN[name].items():
        assert len(known["wrong"]) >= 2 and len(known["right"]) >= 1, task


@pytest.mark.parametrize("name, task, entry", cases("wrong"))
def test_a_wrong_answer_is_rejected_with_a_message_that_names_the_mistake(name, task, entry):
    for student in chosen(name, STUDENTS):
        seen = sheet(name, student).try_answer(task, entry["code"], hidden=False)
        if entry.get("hidden"):
            assert seen == "", "a visible test finds it: leave hidden out"
            seen = sheet(name, student).try_answer(task, entry["code"])
        assert seen.startswith("AssertionError: ") and entry["says"] in seen, student


@pytest.mark.parametrize("name, task, entry", cases("right"))
def test_a_right_answer_passes_however_it_is_written(name, task, entry):
    for student in chosen(name, STUDENTS):
        assert sheet(name, student).try_answer(task, entry["code"]) == "", student


@pytest.mark.parametrize("name", NAMES)
def test_a_gap_says_that_it_is_not_solved_yet(name):
    one = sheet(name, chosen(name, STUDENTS)[0])
    for task in one.answers:
        assert one.try_answer(task, None, hidden=False).startswith("NotImplementedError: Not solved yet"), task


@pytest.mark.skipif(not WEEKLY, reason="other data sets and seeds are tried in make weekly")
@pytest.mark.parametrize("name, dataset", [(name, one) for one in OTHERS for name in chosen(one, NAMES)])
def test_the_solution_passes_on_other_data_sets_and_seeds(name, dataset):
    need(dataset)
    assert Sheet(name, "Anna Lee", dataset=dataset, seed=11).run() == ""


@pytest.mark.parametrize("name", NAMES)
def test_each_student_has_numbers_of_their_own_unless_the_settings_say_otherwise(name):
    need(SETTINGS[name]["dataset"])

    def seed(student, **chosen):
        one = Sheet(name, student, **chosen)
        space: dict = {}
        for cell in one.cells[:2]:
            exec(cell.source, space)
        return space["exercise"].seed

    assert seed("Anna Lee") == seed("anna-lee") != seed("20417")
    assert seed("Anna Lee", seed=11) != seed("Anna Lee")
    assert seed("Anna Lee", seed_per_student=False) == seed("20417", seed_per_student=False) == 7
