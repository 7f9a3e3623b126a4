"""What Sphinx's own extensions lack: formulas without a script, names of folded cells, columns in docstrings."""

import html
import re
import textwrap
from typing import Union
from urllib.parse import urljoin

from helpers.course.site.published import CARD

COLUMNS = re.compile(r"\S {2,}\S|^ *python -m", re.M)
EMPTY_HEADING = re.compile(r"<th\b([^>]*)>\s*(?:<p>\s*</p>)?\s*</th>")
# a page read from a file may not read another one
SEARCH = "DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = location.protocol !== 'file:';"


def setup(app) -> dict:
    """Add to Sphinx what its own extensions lack: this module is one of them.

    Args:
        app: Of Sphinx.

    Returns:
        That pages can be read and written in parallel.
    """
    from myst_nb.sphinx_ import HideCodeCellNode, depart_HideCellInput
    from sphinx.ext.autodoc.mock import _MockObject

    app.add_node(HideCodeCellNode, override=True, html=(open_hidden, depart_HideCellInput))
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
    if "sphinx.ext.autodoc" in app.extensions:
        app.connect("autodoc-process-docstring", keep_columns, priority=400)  # before napoleon's 500
    app.connect("html-page-context", describe)
    app.connect("html-page-context", fill_corners)
    app.add_js_file(None, body=SEARCH)
    _MockObject.__or__ = lambda one, other: Union[one, other]  # noqa: UP007  for keras.Model | None
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def describe(app, name: str, template: str, context: dict, doctree) -> None:
    """Say in the head of a page what it is about, for search engines and for sites that show a link to it."""
    from docutils import nodes

    paragraphs = doctree.findall(nodes.paragraph) if doctree else []
    texts = (
        " ".join(one.astext().split()) for one in paragraphs if "lesson-links" not in one.parent.get("classes", ())
    )
    words = next((text for text in texts if len(text) > 40), context["docstitle"])
    fields = {"description": textwrap.shorten(words, 200, placeholder=" …")}
    shared = {"title": context.get("title") or context["docstitle"], "type": "website", **fields}
    address = app.config.html_baseurl
    if address and name not in ("404", "search"):
        page = f"{name}.html"
        shared |= {"url": urljoin(address, page), "image": urljoin(address, f"_static/{CARD}")}
    tags = [f'<meta name="{key}" content="{_attribute(value)}">' for key, value in fields.items()]
    tags += [f'<meta property="og:{key}" content="{_attribute(value)}">' for key, value in shared.items()]
    context["metatags"] = "\n".join([context.get("metatags", ""), *tags])


def fill_corners(app, name: str, template: str, context: dict, doctree) -> None:
    """Make the empty corner of a table a cell like others: a heading without words is one that says nothing."""
    context["body"] = EMPTY_HEADING.sub(r"<td\1></td>", context.get("body", ""))


def _attribute(text: str) -> str:
    return html.escape(re.sub(r"<[^>]+>", "", html.unescape(text)))


def write_formula(writer, node) -> None:
    """Write a formula as MathML, which browsers draw without a script.

    Args:
        writer: Of the page.
        node: The formula.
    """
    from docutils.nodes import SkipNode, math_block
    from docutils.utils.math.latex2mathml import tex2mathml

    writer.body.append(tex2mathml(node.astext(), as_block=isinstance(node, math_block)))
    raise SkipNode


def open_hidden(writer, node) -> None:
    """Open a folded cell; its name is the text that one sees, not another one that only a screen reader hears.

    Args:
        writer: Of the page.
        node: The folded cell.
    """
    from myst_nb.sphinx_ import visit_HideCellInput

    before = len(writer.body)
    visit_HideCellInput(writer, node)
    writer.body[before:] = [part.replace(' aria-label="Toggle hidden content"', "") for part in writer.body[before:]]


def keep_columns(app, what, name, obj, options, lines: list[str]) -> None:
    """Show the commands and columns in a module's docstring as they stand; napoleon reads the rest."""
    if what == "module":
        paragraphs = re.split(r"\n\s*\n", "\n".join(lines))
        shown = [
            "::\n\n" + textwrap.indent(textwrap.dedent(text), "    ") if COLUMNS.search(text) else text
            for text in paragraphs
        ]
        lines[:] = [*"\n\n".join(shown).splitlines(), ""]
