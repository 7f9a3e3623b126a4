"""Slides show what is looked at, notes hold what is said, and nothing is asked of the network."""

import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.course import slides as made_of
from helpers.course.new_lesson import lesson
from helpers.course.slides import slides

FIGURE = new_output("display_data", data={"image/png": "aGVsbG8=", "text/plain": "<Figure>"})


def typed(*cells):
    return [(cell.source, cell.metadata.slideshow.slide_type) for cell in slides(new_notebook(cells=list(cells))).cells]


def test_lists_tables_and_formulas_are_shown_and_paragraphs_are_spoken():
    text = "## A\n\nFirst, it's said. Then more.\n\nAnd more.\n\n| a |\n|---|\n| 1 |\n\n```python\nx\n\ny\n```"
    (shown, kind), (spoken, notes) = typed(new_markdown_cell(text))
    assert (kind, notes) == ("slide", "notes")
    assert shown == "## A\n\n| a |\n|---|\n| 1 |\n\n```python\nx\n\ny\n```"
    assert spoken == "First, it's said. Then more.\n\nAnd more."


def test_a_heading_alone_gets_the_first_sentence():
    assert typed(new_markdown_cell("## A\n\nFirst, it's said. Then more."))[0] == ("## A\n\nFirst, it's said.", "slide")


def test_folded_answers_are_notes_and_solutions_references_and_open_cells_are_left_out():
    cells = [
        new_markdown_cell("# T\n\n- one\n\n**Predict before you run.** How many?"),
        new_code_cell('my_guess = "..."'),
        new_code_cell("# NBVAL_CHECK_OUTPUT\n1 + 1"),
        new_markdown_cell("<details><summary>What happened?</summary>\n\nTwo.\n</details>"),
        new_code_cell(""),
        new_code_cell("solved = 1", metadata={"tags": ["solution"]}),
        new_code_cell("run = helpers.start(lesson='1.1')"),
        new_code_cell("draw()", outputs=[FIGURE]),
        new_markdown_cell("## References\n\n- a book\n\n## Takeaways\n\n- this"),
    ]
    shown = typed(*cells)
    assert [kind for _, kind in shown] == ["slide", "subslide", "notes", "subslide", "slide"]
    assert shown[1][0] == "1 + 1" and "Two." in shown[2][0] and shown[3][0] == "draw()"
    text = "\n".join(source for source, _ in shown)
    assert not re.search("solved|a book|my_guess|helpers.start", text) and "- this" in text


def test_images_that_are_not_stored_are_on_no_slide():
    cell = new_code_cell("draw()", outputs=[FIGURE], metadata={"tags": ["not-stored"]})
    (made,) = slides(new_notebook(cells=[cell])).cells
    assert made.outputs == []


def test_a_page_needs_nothing_from_the_network(tmp_path):
    pytest.importorskip("sphinx_revealjs", reason="sphinx-revealjs is not installed; it comes with the extra `site`")
    path = tmp_path / "notebooks" / "01_one" / "1_one.ipynb"
    path.parent.mkdir(parents=True)
    notebook = lesson("01_one")
    notebook.cells.append(new_markdown_cell("## Formula\n\nSay $a < b$.\n\n$$x^2$$"))
    nbformat.write(notebook, path)
    (page,) = made_of.write_slides(tmp_path / "out", [path], tmp_path)
    text = page.read_text(encoding="utf-8")
    loaded = re.findall(r"""<(?:script|link|img)[^>]*(?:src|href)=["']([^"']+)""", text)
    assert loaded and all((page.parent / one).is_file() for one in loaded if not one.startswith("data:"))
    assert "<math" in text and "$$" not in text and 'class="notes"' in text
    assert page.name in (page.parent / "index.html").read_text(encoding="utf-8")


def test_without_reveal_the_command_says_what_to_install(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(made_of, "find_spec", lambda name: None)
    assert made_of.main(["--out", str(tmp_path)]) == 1
    assert "pip install -e '.[site]'" in capsys.readouterr().err
