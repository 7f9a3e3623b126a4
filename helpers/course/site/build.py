"""Build a site to read from the notebooks as they are stored: nothing is executed, and nothing is fetched.

python -m helpers.course site --out build/site

Sphinx with MyST-NB does it. Jupyter Book 2 would be the usual choice, but it fetches its theme from the network.
"""

import argparse
import io
import os
import re
import shutil
import sys
from pathlib import Path
from textwrap import dedent, indent
from typing import Union

from data_prework.files import PROJECT
from helpers.course.site.source import write_source

TITLE = "Image classification, notebook by notebook"
COLUMNS = re.compile(r"\S {2,}\S|^ *python -m", re.M)
MOCKED = ["keras", "keras_tuner", "kagglehub", "streamlit", "tensorflow"]  # they take long to import
# a page read from a file may not read another one
SEARCH = "DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = location.protocol !== 'file:';"

# what scrolls can be scrolled with the keyboard; the theme does the same for code and tables
FOCUS = """for (const event of ["load", "resize"]) addEventListener(event, () => {
  for (const box of document.querySelectorAll(".cell_output"))
    box.tabIndex = box.scrollWidth > box.clientWidth ? 0 : -1;
});"""


def build(out: Path) -> list[str]:
    """Build the site.

    Args:
        out: Its folder, whose earlier content is replaced.

    Returns:
        Sphinx's warnings.

    Raises:
        FileExistsError: `out` is a folder with other things in it.
    """
    out = out.resolve()
    if out.exists() and any(out.iterdir()) and not (out / "searchindex.js").is_file():
        raise FileExistsError(f"{out} is not empty and holds no site: give another folder")
    from sphinx.application import Sphinx
    from sphinx.ext.autodoc.mock import mock

    work = out.with_name(f"{out.name}-work")
    shutil.rmtree(work, ignore_errors=True)
    write_source(work / "source")
    said = io.StringIO()
    options = {"status": None, "warning": said, "parallel": min(2, os.cpu_count() or 1)}
    places = (work / "source", None, work / "html", work / "doctrees")
    with mock(MOCKED):
        Sphinx(*places, "html", confoverrides=configuration(work / "source"), **options).build()
    for unused in (*(work / "html").rglob("*.map"), work / "html/_static/webpack-macros.html"):  # parts of the theme
        unused.unlink(missing_ok=True)
    shutil.rmtree(out, ignore_errors=True)
    (work / "html").rename(out)
    return [line for line in re.sub(r"\x1b\[[0-9;]*m", "", said.getvalue()).splitlines() if line.strip()]


def configuration(source: Path) -> dict:
    """Return Sphinx's settings.

    Args:
        source: Folder of the pages.
    """
    cff = (PROJECT / "CITATION.cff").read_text(encoding="utf-8")
    return {
        "project": TITLE,
        "copyright": re.search(r"Copyright \(c\) (.+)", (PROJECT / "LICENSE").read_text(encoding="utf-8"))[1],
        "release": re.search(r"^version: (.+)$", cff, re.M)[1],
        "language": "en",
        "smartquotes": False,  # docstrings quote code
        "extensions": ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "helpers.course.site.build"],
        "root_doc": "index",
        # lines such as !pip among Python; a shape such as (n,), where several classes have an attribute n
        "suppress_warnings": ["misc.highlighting_failure", "ref.python"],
        "myst_enable_extensions": ["dollarmath"],
        "myst_heading_anchors": 4,
        "nb_execution_mode": "off",
        "nb_merge_streams": True,
        "nb_ipywidgets_js": {},  # the default is a script from the network
        "default_role": "literal",  # `name` in a docstring
        "napoleon_numpy_docstring": False,
        "napoleon_custom_sections": ["Source"],
        "autodoc_inherit_docstrings": False,
        "autodoc_preserve_defaults": True,  # PROJECT, not the folder on this computer
        "autodoc_member_order": "bysource",
        "add_module_names": False,
        "html_math_renderer": "mathml",
        "html_theme": "pydata_sphinx_theme",
        "html_title": TITLE,
        "html_favicon": str(source / "favicon.svg"),
        "html_context": {"default_mode": "auto"},
        "html_static_path": [str(Path(__file__).with_name("site.css"))],
        "html_css_files": ["site.css"],
        "html_copy_source": False,
        "html_show_sourcelink": False,
        "html_use_index": False,
        "html_domain_indices": False,
        "html_theme_options": {
            "logo": {"text": "Image classification"},
            "header_links_before_dropdown": 6,
            "navbar_persistent": ["search-button"],
            "search_bar_text": "Search the course",
            "secondary_sidebar_items": ["page-toc"],
            "footer_start": ["copyright"],
            "footer_end": [],
        },
    }


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
    app.connect("autodoc-process-docstring", keep_columns, priority=400)  # before napoleon's 500
    app.add_js_file(None, body=SEARCH)
    app.add_js_file(None, body=FOCUS)
    _MockObject.__or__ = lambda one, other: Union[one, other]  # noqa: UP007  for keras.Model | None
    return {"parallel_read_safe": True, "parallel_write_safe": True}


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
        shown = ["::\n\n" + indent(dedent(text), "    ") if COLUMNS.search(text) else text for text in paragraphs]
        lines[:] = [*"\n\n".join(shown).splitlines(), ""]


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Words after the command; those of the program if None.

    Returns:
        The exit status: 0 where the site was built, with or without warnings.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course site", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/site"), help="where the site goes (default build/site)")
    args = parser.parse_args(argv)
    try:
        warnings = build(args.out)
    except (ImportError, OSError, ValueError) as error:
        print(f"the site was not built: {error}", file=sys.stderr)
        return 1
    for line in warnings:
        print(line, file=sys.stderr)
    print(f"{len(list(args.out.rglob('*.html')))} pages, {len(warnings)} lines of warnings: {args.out / 'index.html'}")
    return 0
