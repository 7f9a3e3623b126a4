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

from helpers.course.site.published import add_published, site_address
from helpers.course.site.settings import configuration
from helpers.course.site.source import write_source

MOCKED = ["keras", "keras_tuner", "kagglehub", "streamlit", "tensorflow"]  # they take long to import


def build(out: Path, address: str = "") -> list[str]:
    """Build the site.

    Args:
        out: Its folder, whose earlier content is replaced.
        address: Where it will be published, such as "https://name.github.io/project/": with one there is a sitemap,
            and pages name their full addresses. "" for none.

    Returns:
        Sphinx's warnings.

    Raises:
        FileExistsError: `out` is a folder with other things in it.
    """
    out = out.resolve()
    if out.exists() and any(out.iterdir()) and not (out / "searchindex.js").is_file():
        raise FileExistsError(f"{out} is not empty and holds no site: give another folder")
    from sphinx.ext.autodoc.mock import mock

    work = out.with_name(f"{out.name}-work")
    shutil.rmtree(work, ignore_errors=True)
    write_source(work / "source")
    with mock(MOCKED):
        warnings = run_sphinx(work, "html", {"html_baseurl": address})
    for unused in (*(work / "html").rglob("*.map"), work / "html/_static/webpack-macros.html"):  # parts of the theme
        unused.unlink(missing_ok=True)
    add_published(work / "html", address)
    shutil.rmtree(out, ignore_errors=True)
    (work / "html").rename(out)
    return warnings


def run_sphinx(work: Path, builder: str, settings: dict, out: Path | None = None) -> list[str]:
    """Make pages of the sources in `work`/source.

    Args:
        work: Folder of the sources; what Sphinx has read is kept beside them.
        builder: Sphinx's name for what is to be made, "html" or "singlehtml".
        settings: Beside those of `configuration`.
        out: Folder of the pages; `work`/html by default.

    Returns:
        Sphinx's warnings.
    """
    from myst_nb import sphinx_ext
    from sphinx.application import Sphinx

    sphinx_ext.OUTPUT_FOLDER = str(
        (work / "outputs").resolve()
    )  # else MyST-NB leaves them in the folder above the pages
    said = io.StringIO()
    options = {"status": None, "warning": said, "parallel": min(2, os.cpu_count() or 1)}
    places = (work / "source", None, out or work / "html", work / "doctrees")
    given = configuration(work / "source") | settings
    Sphinx(*places, builder, confoverrides=given, **options).build()
    return [line for line in re.sub(r"\x1b\[[0-9;]*m", "", said.getvalue()).splitlines() if line.strip()]


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Words after the command; those of the program if None.

    Returns:
        The exit status: 0 where the site was built, with or without warnings.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course site", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/site"), help="where the site goes (default build/site)")
    parser.add_argument(
        "--url",
        default=site_address(),
        help="where it will be published (default: GitHub Pages of the remote `origin`)",
    )
    args = parser.parse_args(argv)
    try:
        warnings = build(args.out, args.url)
    except (ImportError, OSError, ValueError) as error:
        print(f"the site was not built: {error}", file=sys.stderr)
        return 1
    for line in warnings:
        print(line, file=sys.stderr)
    print(f"{len(list(args.out.rglob('*.html')))} pages, {len(warnings)} lines of warnings: {args.out / 'index.html'}")
    return 0
