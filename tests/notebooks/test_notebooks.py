"""Every notebook as a reader finds it: in order, complete, clean, and in the shape that lessons share."""

import ast
import json
import os
import re
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest

from helpers.course.not_stored import is_not_stored
from helpers.course.notebooks import course_notebooks, part
from tests.notebooks import shape

NOTEBOOKS = course_notebooks()
LESSONS = [path for path in NOTEBOOKS if path.parent.name not in ("case_studies", "rebuild", "data_prework")]
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# models of the five published projects, and the lesson that builds them because it treats their technique
REFERENCE_MODELS = {
    "02": ("S1-M1", "S4-M1", "S4-M2"),
    "03": ("S0-M1", "S1-M2", "S2-M1", "S2-M2", "S4-M3"),
    "04": ("S0-M2", "S0-M3", "S1-M3a", "S1-M3b", "S1-M4", "S1-M5", "S2-M3", "S2-M4", "S4-M4"),
    "05": ("S3-M4",),
    "06": ("S0-M4", "S0-M5", "S0-M6", "S1-M6", "S2-M5", "S3-M5"),
    "07": ("S3-M1", "S3-M2", "S3-M3"),
}
MAX_LINES = 30  # of 88 characters; lessons have fewer, see shape.py
LOADS, STORE = ("load_dataset", "helpers.data.load_dataset"), ("save_result", "load_results")
SECTIONS = ("Takeaways", "Common mistakes", "Check yourself", "Exercises", "Next")


def in_shape(path: Path) -> bool:
    return shape.in_shape(nbformat.read(path, as_version=4))


def cells(path: Path, kind: str) -> list:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind and cell.source.strip()]


def prose(path: Path) -> str:
    return "\n\n".join(cell.source for cell in cells(path, "markdown"))


def outputs(path: Path) -> list:
    return [output for cell in cells(path, "code") for output in cell.outputs]


def test_the_lessons_are_there_in_order():
    parts = [part(path) for path in LESSONS]
    assert parts == sorted(parts) and set(parts) == set(range(max(parts) + 1)) and max(parts) >= 8


def test_a_lesson_leads_to_the_next_one_and_to_its_assignment():
    for here, after in pairwise(path for path in LESSONS if part(path) <= 10):  # one that somebody adds comes later
        link = Path(os.path.relpath(after, here.parent)).as_posix()
        assert f"({link})" in prose(here).split("## Next")[1], f"{here.name}: no link to {link}"
    assignments = sorted(path.name for path in (NOTEBOOKS[0].parents[1] / "exercises" / "source").iterdir())
    assert len(assignments) >= 8
    for name in assignments:  # the capstone belongs to no part: the last lesson leads to it
        lessons = [path for path in LESSONS if part(path) == int(name[:2])] if name[:2].isdigit() else LESSONS[-1:]
        assert any(f"assignment `{name}`" in prose(path) for path in lessons), f"no lesson names {name}"


@each
def test_it_is_a_valid_notebook_for_the_plain_python_kernel(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3" and "widgets" not in notebook.metadata
    assert len({cell.id for cell in notebook.cells}) == len(notebook.cells)


@each
def test_outputs_are_stored_as_executed_from_top_to_bottom_in_full_on_the_embedded_data(path):
    counts = {i: cell.execution_count for i, cell in enumerate(cells(path, "code"), 1) if not is_not_stored(cell)}
    assert list(counts.values()) == list(counts), "run: make outputs"
    setup = next(cell for cell in cells(path, "code") if "helpers.start(" in cell.source)
    setup = "".join(output.get("text", "") for output in setup.outputs)
    assert "profile full" in setup and "data: embedded" in setup, "run: make outputs"


@each
def test_no_error_no_log_line_and_no_path_of_a_computer_is_stored(path):
    for output in outputs(path):
        assert output.output_type != "error"
        assert output.get("name") != "stderr", output.text[:300]
    everything = prose(path) + json.dumps([cell.source for cell in cells(path, "code")])
    everything += "".join(o.get("text", "") + str(o.get("data", {}).get("text/plain", "")) for o in outputs(path))
    assert not re.search(r"(?<![\w.:/])/(home|root|work|Users|tmp|mnt|opt)/\w|[A-Z]:\\\\", everything)


@each
def test_figures_are_small_and_images_in_prose_have_alt_text(path):
    images = [data for o in outputs(path) for kind, data in o.get("data", {}).items() if kind.startswith("image/")]
    assert all(len(data) * 3 / 4 < 100_000 for data in images)
    assert not re.search(r"!\[\s*\]\(|<img(?![^>]*\balt=\"[^\"]+\")", prose(path))


@each
def test_it_opens_with_a_promise_and_closes_with_what_a_reader_takes_home(path):
    text = prose(path)
    assert re.match(r"# \S", text) and "**You will learn**" in text and "**Time**" in text
    sections = shape.CLOSING if in_shape(path) else SECTIONS
    found = [text.find(f"## {section}") for section in sections]
    assert -1 not in found and found == sorted(found), dict(zip(sections, found, strict=True))
    assert "<details>" in text


@each
def test_a_lesson_with_solutions_keeps_the_shape_of_lessons(path):
    assert not in_shape(path) or not shape.faults(nbformat.read(path, as_version=4))


@each
def test_a_rebuild_lab_keeps_the_shape_of_labs(path):
    assert path.parent.name != "rebuild" or not shape.lab_faults(nbformat.read(path, as_version=4))


@each
def test_code_cells_are_short_and_the_profile_is_never_tested(path):
    for cell in cells(path, "code"):
        lines = [line for line in cell.source.splitlines() if line.strip() and not line.strip().startswith("#")]
        assert len(lines) <= MAX_LINES, cell.source
        assert not re.search(r"\brun\.profile\b|COURSE_PROFILE", re.sub(r'"[^"]*"', "", cell.source)), cell.source


@each
def test_some_cells_are_compared_and_every_claim_held(path):
    code = cells(path, "code")
    assert sum(cell.source.startswith("# NBVAL_CHECK_OUTPUT") for cell in code) >= 1
    claims = sum(len(re.findall(r"\bclaim\(", cell.source)) for cell in code)
    text = "".join(output.get("text", "") for output in outputs(path))
    assert claims >= 1 and "✘" not in text and "not judged" not in text and text.count("✔") >= 1


@each
def test_a_lesson_that_asks_for_the_drawn_data_loads_them_whatever_else_is_prepared(path):
    code = "\n".join(cell.source for cell in cells(path, "code") if not re.search(r"(?m)^\s*[%!]", cell.source))
    if not re.search(r"helpers\.start\(.*source=", code):
        return
    loads = [
        call
        for call in ast.walk(ast.parse(code))
        if isinstance(call, ast.Call) and ast.unparse(call.func) in ("load_dataset", "load_manifest", "locate")
    ]
    shared = '"source": run.source' in code
    given = [any(k.arg == "source" or (k.arg is None and shared) for k in call.keywords) for call in loads]
    assert loads and all(given), [ast.unparse(call) for call, has in zip(loads, given, strict=True) if not has]


@each
def test_a_lesson_that_pools_all_images_for_folds_has_no_test_images(path):
    code = "\n".join(cell.source for cell in cells(path, "code"))
    for name in re.findall(r"(\w+)\.pooled\b", code):
        assert not re.search(rf"""\b{name}(\.test\b|\["test"\])""", code), name


@each
def test_only_case_studies_and_rebuild_labs_open_a_sealed_test(path):
    if path.parent.name in ("case_studies", "rebuild") or path.stem == "2_your_own_images":  # own: no other reader
        return
    code = "\n".join(cell.source for cell in cells(path, "code") if not re.search(r"(?m)^\s*[%!]", cell.source))
    assert not re.search(r"""split=["']test["']""", code)
    for call in ast.walk(ast.parse(code)):
        if not isinstance(call, ast.Call) or ast.unparse(call.func) not in (*LOADS, *STORE):
            continue
        given = {word.arg: ast.unparse(word.value) for word in call.keywords}
        together = None in given  # options that several calls share: **shared
        if ast.unparse(call.func) in STORE:
            shared = together and re.search(r"""["']?split["']?[:=] ?["'](lesson_test|val)["']""", code)
            assert shared or given.get("split", "'test'") != "'test'", ast.unparse(call)
        elif "test" not in given and not (together and re.search(r"""["']?test["']?[:=] ?["']lesson["']""", code)):
            closed = ".pooled" in code or not re.search(r"\.test\b", code)  # in folds, without a sealed test
            assert closed and not isinstance(call.args[0], ast.Constant), ast.unparse(call)


@each
def test_links_to_other_files_lead_somewhere(path):
    for target in re.findall(r"\]\((?!https?://|#)([^)#\s]+)", prose(path)):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("lesson", REFERENCE_MODELS)
def test_the_published_projects_models_are_named_and_built_where_their_technique_is_taught(lesson):
    text = "".join(prose(path) for path in LESSONS if part(path) == int(lesson))
    for name in REFERENCE_MODELS[lesson]:
        assert name in text, name
