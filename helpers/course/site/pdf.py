"""Print the course into one PDF: the lessons, the glossary and the case studies as they are stored, offline.

python -m helpers.course pdf --out build/course.pdf          or: make pdf

Sphinx makes one long page of them, and a Chromium without a window prints it, with bookmarks.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

from data_prework.errors import CourseError
from data_prework.files import PROJECT, atomic_write
from helpers.course.notebooks import course_notebooks
from helpers.course.site.build import run_sphinx
from helpers.course.site.citation import citations
from helpers.course.site.landing import readme_head
from helpers.course.site.lesson_links import GLOSSARY
from helpers.course.site.settings import HERE, TITLE
from helpers.course.site.source import write_source

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge")
QUIET = "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --disable-background-networking"
SETTINGS = {
    "extensions": ["myst_nb", "helpers.course.site.extension"],
    "exclude_patterns": ["downloads", "reference", "exercises", "404.md"],
    "html_theme": "basic",
    "html_theme_options": {},
    "html_static_path": [str(HERE / "print.css")],
    "html_css_files": ["print.css"],
    "html_js_files": [],
    "html_sidebars": {"**": []},
}


def find_browser() -> str:
    """Return the program that prints.

    Raises:
        CourseError: None is installed.
    """
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise CourseError(
            "Chromium prints the PDF, and neither Chromium nor Chrome is installed: apt-get install chromium, "
            "brew install --cask chromium, or your system's store"
        )
    return found


def write_pdf(out: Path) -> None:
    """Print the course.

    Args:
        out: Path of the PDF.

    Raises:
        CourseError: No browser is installed, or it doesn't print.
        ImportError: Sphinx or one of its extensions isn't installed.
    """
    browser = find_browser()
    work = out.resolve().with_name(f"{out.stem}-work")
    shutil.rmtree(work, ignore_errors=True)
    try:
        write_source(work / "source")
        (work / "source" / "index.md").write_text(first_page(), encoding="utf-8")
        run_sphinx(work, "singlehtml", SETTINGS)
        page = work / "html" / "index.html"
        page.write_text(unfolded(page.read_text(encoding="utf-8")), encoding="utf-8")
        print_page(browser, page, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def first_page() -> str:
    """Write the first page of the PDF, which names what follows.

    Returns:
        Markdown.
    """
    readme, cff = ((PROJECT / name).read_text(encoding="utf-8") for name in ("README.md", "CITATION.cff"))
    course = citations(cff)[0]
    lessons = [path.relative_to(PROJECT).as_posix() for path in course_notebooks()]
    pages = "\n".join(f"/{name}" for name in ("notebooks/README.md", *lessons, GLOSSARY, "licence.md"))
    lead, _, _ = readme_head(readme)
    by = f"{' and '.join(course['authors'])}, version {course['version']}, {course['date-released']}"
    return f"# {TITLE}\n\n{lead}\n\n{by}.\n\n```{{toctree}}\n:maxdepth: 1\n\n{pages}\n```\n"


def unfolded(page: str) -> str:
    """Open what is folded, since nobody can click on paper.

    Args:
        page: HTML.

    Example:
        >>> unfolded("<details class='hint'><summary>Why?</summary></details>")
        "<details open class='hint'><summary>Why?</summary></details>"
    """
    return re.sub(r"<details\b(?! open)", "<details open", page)


def print_page(browser: str, page: Path, out: Path) -> None:
    """Print a page with Chromium.

    Args:
        browser: The program.
        page: HTML file.
        out: Path of the PDF.

    Raises:
        CourseError: Nothing was printed.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    flags = [*QUIET.split(), f"--user-data-dir={page.with_name('browser')}", "--generate-pdf-document-outline"]
    with atomic_write(out) as aside:
        printing = [*flags, "--no-pdf-header-footer", f"--print-to-pdf={aside}", page.as_uri()]
        done = subprocess.run([browser, *printing], capture_output=True, encoding="utf-8", errors="replace")
        if not (aside.is_file() and aside.read_bytes().startswith(b"%PDF")):
            said = done.stderr.strip().splitlines()
            raise CourseError(f"{browser} printed no PDF (exit status {done.returncode}): {' '.join(said[-1:])}")


def main(argv: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        argv: Words after the command; those of the program if None.

    Returns:
        The exit status: 0 where the PDF was written.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course pdf", description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("build/course.pdf"), help="default build/course.pdf")
    args = parser.parse_args(argv)
    try:
        write_pdf(args.out)
    except (CourseError, ImportError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB")
    return 0
