"""Slides of the lessons, from the same cells: headings, lists, tables, formulas, code and figures are shown.

    python -m helpers.course slides --out build/slides          or: make slides

The paragraphs become speaker notes (press S in the browser), with the folded answers; solutions, references, the
set-up and cells to fill in are left out. nbconvert writes the pages for reveal.js, whose files lie beside them:
nothing is fetched.
"""

import argparse
import html
import re
import shutil
import sys
from importlib.util import find_spec
from pathlib import Path

import nbformat
from jinja2 import DictLoader
from nbconvert import SlidesExporter
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook

from data_prework.errors import CourseError
from data_prework.files import PROJECT
from helpers.course.links import CELL
from helpers.course.not_stored import clear_not_stored
from helpers.course.notebooks import course_notebooks
from helpers.course.site.pages import COMPARED

TEMPLATE = """{%- extends 'reveal/index.html.j2' -%}
{%- block html_head_js -%}{%- endblock -%}
{%- block html_head_js_mathjax -%}{%- endblock -%}
{%- block html_head_css -%}
<style>
.reveal { font-size: 26px; } .reveal .slides section { text-align: left; }
.reveal h1, .reveal h2, .reveal h3 { font-size: 1.5em; text-transform: none !important; }
.reveal .jp-Cell, .reveal .jp-Cell div { overflow: visible; }
.reveal .slides > section > section { max-height: 690px; overflow-y: auto; }
.reveal img { max-height: 520px; max-width: 100%; width: auto; }
.reveal table { font-size: 20px; } .jp-InputPrompt, .jp-OutputPrompt, .anchor-link { display: none; }
</style>
{%- endblock -%}
{%- block footer_js -%}
<script src="reveal/dist/reveal.js"></script>
<script src="reveal/plugin/notes/notes.js"></script>
<script>Reveal.initialize({plugins: [RevealNotes], hash: true, slideNumber: true, width: 1100, height: 700});</script>
{%- endblock -%}"""
LEFT_OUT = ("references", "next", "further reading", "if you know pytorch")  # sections, by their headings
BLOCK = re.compile(r"```.*?```|<details>.*?</details>|\$\$.*?\$\$|(?:[^\n]+\n?)+", re.S)
SHOWN = re.compile(r"#|[-*+] |\d+\. |\||>|!\[|```|\$\$|\*\*Predict|<img|<table")
FORMULA = re.compile(r"```.*?```|`[^`\n]*`|\$\$(?P<block>.+?)\$\$|\$(?P<line>[^$\n]+?)\$", re.S)


def slides(notebook: NotebookNode) -> NotebookNode:
    """Sort the cells of a lesson into slides and speaker notes.

    Args:
        notebook: The lesson; it is not changed.

    Returns:
        A notebook whose cells say what they are, as Jupyter's slide types. A heading begins a slide, and so does a
        code cell with a figure, or one whose result was to be predicted.

    Example:
        >>> made = slides(new_notebook(cells=[new_markdown_cell("# One\\n\\nSpoken.\\n\\n- shown")]))
        >>> [(cell.source, cell.metadata.slideshow.slide_type) for cell in made.cells]
        [('# One\\n\\n- shown', 'slide'), ('Spoken.', 'notes')]
    """
    made, section, asked = [], "", False
    for cell in clear_not_stored(nbformat.from_dict(notebook)).cells:
        if cell.cell_type == "code":
            if section not in LEFT_OUT and _is_shown(cell):
                cell.source = cell.source.removeprefix(COMPARED)
                made.append(_typed(cell, "subslide" if _figures(cell) or asked else "-"))
            asked = _is_open(cell)  # what follows a prediction comes after a click
            continue
        for shown, spoken in _parts(cell.source):
            if heading := re.match(r"#+ *(.+)", shown):
                section = heading[1].strip().lower()
            if section in LEFT_OUT:
                continue
            kind = "slide" if re.match(r"##? ", shown) else "subslide" if heading else "-"
            if shown:
                made.append(_typed(new_markdown_cell(_formulas(shown)), kind))
            if spoken:
                made.append(_typed(new_markdown_cell(_formulas(spoken)), "notes"))
    if made:
        made[0].metadata["slideshow"] = {"slide_type": "slide"}
    return new_notebook(cells=made, metadata=notebook.metadata)


def _parts(text: str) -> list[tuple[str, str]]:
    """For every heading of a cell, and what is before the first: what is shown, and what is said."""
    parts = [([], [])]
    for block in BLOCK.findall(text):
        block = block.strip()
        if re.match(r"#+ ", block):
            heading, _, block = block.partition("\n")
            parts.append(([heading], []))
        if block.strip():
            parts[-1][not SHOWN.match(block.lstrip())].append(block.strip())
    for shown, spoken in parts:
        if len(shown) == 1 and spoken and shown[0].startswith("#") and not spoken[0].startswith("<"):
            shown.append(re.split(r"(?<=[.?!:]) (?=[A-Z*])", spoken[0])[0])  # a heading alone says too little
    return [("\n\n".join(shown), "\n\n".join(spoken)) for shown, spoken in parts if shown or spoken]


def _is_shown(cell: NotebookNode) -> bool:
    is_setup = cell.id == CELL or "helpers.start(" in cell.source
    return not (_is_open(cell) or is_setup or "solution" in cell.metadata.get("tags", []))


def _is_open(cell: NotebookNode) -> bool:
    """Whether a cell waits for the reader's own words or code."""
    return re.search(r"(^\s*|\.\.\.[\"')\]}\s]*)\Z", cell.source) is not None


def _figures(cell: NotebookNode) -> bool:
    return any(kind.startswith("image/") for output in cell.outputs for kind in output.get("data", {}))


def _typed(cell: NotebookNode, kind: str) -> NotebookNode:
    cell.metadata["slideshow"] = {"slide_type": kind}
    return cell


def _formulas(text: str) -> str:
    """Write formulas as MathML, which browsers draw without a script; code stays as it is."""
    from docutils.utils.math.latex2mathml import tex2mathml

    def write(match: re.Match) -> str:
        formula = match["block"] or match["line"]
        return tex2mathml(formula.strip(), as_block=match["block"] is not None) if formula else match[0]

    return FORMULA.sub(write, text)


def write_slides(out: Path, notebooks: list[Path], project: Path = PROJECT) -> list[Path]:
    """Write a page of slides for every lesson, a list of them, and the files of reveal.js.

    Args:
        out: Folder of the pages.
        notebooks: Files of the project.
        project: Its folder.

    Returns:
        The pages.

    Raises:
        CourseError: reveal.js isn't installed.
    """
    spec = find_spec("sphinx_revealjs")
    if spec is None:
        raise CourseError(
            "the package sphinx-revealjs, which holds reveal.js, is not installed: pip install -e '.[site]'"
        )
    library = Path(spec.origin).parent / "_static" / "revealjs"
    shutil.copytree(library, out / "reveal", dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.map", "*.esm.js"))
    exporter = SlidesExporter(extra_loaders=[DictLoader({"course.html.j2": TEMPLATE})], template_file="course.html.j2")
    exporter.reveal_url_prefix, exporter.reveal_theme = "reveal", "white"
    exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    written, items = [], []
    for path in notebooks:
        notebook = nbformat.read(path, as_version=4)
        page = out / f"{'-'.join(path.relative_to(project).with_suffix('').parts[1:])}.html"
        body, _ = exporter.from_notebook_node(slides(notebook), {"metadata": {"name": path.stem}})
        page.write_text(body, encoding="utf-8")
        title = re.search(r"^# (.+)$", "\n".join(cell.source for cell in notebook.cells), re.M)
        items.append(f'<li><a href="{page.name}">{html.escape(title[1] if title else path.stem)}</a></li>')
        written.append(page)
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Slides</title><h1>Slides</h1>'
    items = "".join(items)
    (out / "index.html").write_text(f"{head}<p>S opens the speaker notes.</p><ol>{items}</ol>", encoding="utf-8")
    return written


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Words after the command; those of the program if None.

    Returns:
        The exit status: 0 where the slides were written.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course slides", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/slides"), help="default build/slides")
    args = parser.parse_args(argv)
    lessons = [path for path in course_notebooks() if path.parent.name[:2].isdigit()]
    try:
        written = write_slides(args.out, lessons)
    except (CourseError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"slides of {len(written)} lessons: {args.out / 'index.html'}")
    return 0
