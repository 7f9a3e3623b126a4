"""The shape of rebuild labs is watched: a lab without a step, too long, or without what its project had is reported."""

import nbformat
import pytest

from tests.notebooks import shape

CODE = "model.summary()\nModelCheckpoint(file)\nclassification_report(y, said)\nsave_result(run, name, data, found)"


def lab(process, steps, code=CODE, words=0):
    text = f"The steps are those of {process}." + "".join(f"\n\n## {step}\n\n{'word ' * words}" for step in steps)
    cells = [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell(code)]
    return nbformat.v4.new_notebook(cells=cells)


@pytest.mark.parametrize("process", shape.STEPS)
def test_a_lab_with_the_steps_of_its_process_is_in_shape(process):
    assert shape.lab_faults(lab(process, shape.STEPS[process])) == []


@pytest.mark.parametrize("process", shape.STEPS)
def test_a_missing_step_and_a_wrong_order_are_reported(process):
    steps = shape.STEPS[process]
    for wrong in (steps[1:], steps[::-1]):
        assert any("steps of" in fault for fault in shape.lab_faults(lab(process, wrong)))


def test_a_lab_names_one_process():
    assert any("not one" in fault for fault in shape.lab_faults(lab("nothing", shape.STEPS["OSEMN"])))


@pytest.mark.parametrize("line", CODE.splitlines())
def test_what_every_project_had_must_be_there(line):
    found = shape.lab_faults(lab("OSEMN", shape.STEPS["OSEMN"], code=CODE.replace(line, "pass")))
    assert len(found) == 1 and line.split("(")[0].removeprefix("model") in found[0]


def test_a_lab_may_be_longer_than_a_lesson_but_not_much():
    steps = shape.STEPS["OSEMN"]
    assert shape.lab_faults(lab("OSEMN", steps, words=400)) == []
    assert any("words, at most 2200" in fault for fault in shape.lab_faults(lab("OSEMN", steps, words=500)))
