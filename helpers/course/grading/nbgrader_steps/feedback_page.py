"""The feedback page of a submission: nbgrader's, with everything a student wrote or showed made harmless."""

import re
from typing import Any

import bleach
from jinja2 import pass_context
from nbconvert.exporters import HTMLExporter
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode
from traitlets import Bool

from helpers.course.grading.assignments.cells import HIDDEN

SHOWN = {"text/plain", "text/html", "text/markdown", "text/latex", "image/png", "image/jpeg", "image/svg+xml"}
TAGS = set(re.findall(r"\w+", """
    a abbr b blockquote br caption code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i img li ol p pre s span strong
    sub sup table tbody td tfoot th thead tr tt u ul
"""))  # fmt: skip
IMAGE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]*")
TARGET = re.compile(r"(https?://|mailto:|#)", re.I)


def clean(html: str | bytes) -> str:
    """Return HTML in which only the tags of a text are left; others stand there as text.

    Args:
        html: Made from what a student wrote.

    Example:
        >>> clean("<b>good</b><script>alert(1)</script>")
        '<b>good</b>&lt;script&gt;alert(1)&lt;/script&gt;'
    """
    text = html.decode("utf-8", "replace") if isinstance(html, bytes) else str(html)
    return bleach.clean(text, tags=TAGS, attributes=_is_allowed, protocols={"http", "https", "mailto", "data"})


def _is_allowed(tag: str, name: str, value: str) -> bool:
    """Whether an attribute may stay: images lie in the page itself, links go to the web or within the page."""
    if name in ("alt", "title", "colspan", "rowspan", "border"):
        return True
    if name == "class":
        return tag in ("table", "span", "div")
    if (tag, name) == ("img", "src"):
        return IMAGE.fullmatch(value) is not None
    return (tag, name) == ("a", "href") and TARGET.match(value) is not None


class SafePage(Preprocessor):
    """Takes out what the page's template would write as it stands, and hidden tests where they are to stay hidden."""

    hide_tests = Bool(help="leave hidden tests out").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: dict) -> tuple[NotebookNode, dict]:
        """Change all cells; as in nbconvert."""
        language = {"name": "python", "pygments_lexer": "ipython3"}
        nb.metadata = NotebookNode(language_info=NotebookNode(language))
        return super().preprocess(nb, resources)

    def preprocess_cell(self, cell: NotebookNode, resources: dict, index: int) -> tuple[NotebookNode, dict]:
        """Change one cell; as in nbconvert."""
        kept = {"nbgrader": cell.metadata.nbgrader} if "nbgrader" in cell.metadata else {}
        cell.metadata = NotebookNode(kept)
        if cell.cell_type == "raw":
            cell.cell_type, cell.source = "markdown", clean(cell.source)
        if cell.cell_type != "code":
            return cell, resources
        for output in cell.outputs:
            if "data" in output:
                output.data = NotebookNode({kind: data for kind, data in output.data.items() if kind in SHOWN})
                output.metadata = NotebookNode()
        if self.hide_tests and HIDDEN.search(cell.source):
            cell.source = HIDDEN.sub("# hidden tests", cell.source)
            for output in cell.outputs:
                if output.output_type == "error":  # its lines would show the test that failed
                    output.traceback = [f"{output.ename}: {output.evalue}"]
        return cell, resources


class SafeExporter(HTMLExporter):
    """nbconvert's exporter of HTML, with `clean` for whatever is HTML in the notebook."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.sanitize_html = True
        self.register_filter("clean_html", clean)

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Make HTML of a student's text; as in nbconvert."""
        return clean(super().markdown2html(context, source))
