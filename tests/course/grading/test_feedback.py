"""Feedback pages show what students wrote as text, and hidden tests only where that is wanted."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

pytest.importorskip("nbgrader")

from traitlets.config import Config

from helpers.course.grading.nbgrader_steps.feedback_page import SafeExporter, SafePage, clean

ATTACK = "<script>evil(1)</script><img src=x onerror=evil(2)><a href='javascript:evil(3)'>here</a>"
BREAKS_OUT = '"><script>evil(4)</script>'
TESTS = """assert seen
### BEGIN HIDDEN TESTS
assert canary == 7, "look at the seven"
### END HIDDEN TESTS"""


def page(notebook, hide_tests: bool = False) -> str:
    from importlib.util import find_spec
    from pathlib import Path

    templates = Path(find_spec("nbgrader").origin).parent / "server_extensions/formgrader"
    config = Config()
    config.HTMLExporter.template_name = "feedback"
    config.HTMLExporter.extra_template_basedirs = [str(templates / "templates")]
    config.HTMLExporter.extra_template_paths = [str(templates / "static/node_modules/bootstrap/dist/css")]
    config.SafePage.hide_tests = hide_tests
    config.SafeExporter.preprocessors = [SafePage]
    resources = {"nbgrader": {"notebook": "01", "score": 1, "max_score": 2, "late_penalty": 0}}
    return SafeExporter(config=config).from_notebook_node(notebook, resources)[0]


def test_nothing_that_a_student_wrote_or_showed_runs_in_the_page():
    data = {"text/html": ATTACK, "application/javascript": "evil(5)", "text/markdown": ATTACK, "text/plain": ATTACK}
    isolated = new_output("display_data", {"text/html": ATTACK}, metadata={"text/html": {"isolated": True}})
    wide = new_output("display_data", {"image/png": "aaaa"}, metadata={"image/png": {"width": "1 onerror=evil(6)"}})
    widget = new_output("display_data", {"application/vnd.jupyter.widget-view+json": {"model_id": BREAKS_OUT}})
    outputs = [new_output("display_data", {kind: value}) for kind, value in data.items()] + [isolated, wide, widget]
    outputs += [new_output("display_data", {"image/svg+xml": f"<svg>{ATTACK}</svg>"})]
    outputs += [new_output("stream", text=ATTACK), new_output("error", ename="E", evalue=ATTACK, traceback=[ATTACK])]
    code = new_code_cell(ATTACK, outputs=outputs, metadata={"magics_language": BREAKS_OUT})
    cells = [
        code,
        new_markdown_cell(ATTACK + "\n\n[here](javascript:evil(7))\n\n# <svg onload=evil(8)>"),
        new_raw_cell(ATTACK),
    ]
    cells[1].attachments = {BREAKS_OUT: {"image/png": BREAKS_OUT}}
    meta = {"language_info": {"name": BREAKS_OUT, "pygments_lexer": BREAKS_OUT}, "title": BREAKS_OUT}
    meta["widgets"] = {"application/vnd.jupyter.widget-state+json": {"x": "</script>" + BREAKS_OUT}}
    html = page(new_notebook(cells=cells, metadata=meta))
    assert not re.search(r"<script[^>]*>[^<]*evil", html)
    assert not re.search(r"<[^>]*\son\w+\s*=\s*[\"']?evil", html)
    assert not re.search(r"<[^>]*(?:href|src)\s*=\s*[\"']?\s*javascript:", html, re.I)
    assert not re.search(r"<iframe|<svg", html)
    assert html.count("evil(1)") >= 6  # it can be read


def test_tables_images_and_formulas_stay():
    table = '<table border="1" class="dataframe"><tbody><tr><td>.5</td></tr></tbody></table>'
    assert clean(table) == table
    assert 'src="data:image/png;base64,aaaa"' in clean('<img src="data:image/png;base64,aaaa" alt="a curve">')
    html = page(new_notebook(cells=[new_markdown_cell("### A *title*\n\n1. $a < b$\n\n| x |\n|---|\n| 1 |")]))
    assert "<em>title</em>" in html and "<li>" in html and "a &lt; b" in html and "<td>1</td>" in html


@pytest.mark.parametrize("hide", [True, False])
def test_hidden_tests_are_in_the_page_only_where_that_is_wanted(hide):
    failed = new_output("error", ename="AssertionError", evalue="look at the seven", traceback=["assert canary == 7"])
    notebook = new_notebook(cells=[new_code_cell(TESTS, outputs=[failed]), new_code_cell("open_test = 1")])
    before = nbformat.writes(notebook)
    html = re.sub(r"<[^>]+>", "", page(notebook, hide))
    assert ("canary" in html) is not hide and "hidden tests" in html.lower() and "open_test" in html
    assert "look at the seven" in html and "assert" in html
    assert nbformat.writes(notebook) == before
