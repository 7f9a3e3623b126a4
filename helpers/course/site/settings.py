"""Sphinx's settings: for the site, for the pages of a run, and for the printed course."""

import re
from pathlib import Path

from data_prework.files import PROJECT
from helpers.course.site.published import CARD

TITLE = "Image classification, notebook by notebook"


HERE = Path(__file__).parent


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
        "extensions": ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "helpers.course.site.extension"],
        "root_doc": "index",
        "exclude_patterns": ["downloads"],
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
        "html_static_path": [str(HERE / "site.css"), str(HERE / "site.js"), *map(str, source.glob(CARD))],
        "html_css_files": ["site.css"],
        "html_js_files": ["site.js"],
        "html_search_scorer": str(HERE / "search_scorer.js"),
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
