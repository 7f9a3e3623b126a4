"""Write what the site is made from: a copy of each page at its path in the project, and pages that lead to them."""

import shutil
from pathlib import Path

import nbformat

from data_prework.files import PROJECT
from helpers.assignment import read_settings
from helpers.course.grading.assignments.release import student_version
from helpers.course.not_stored import clear_not_stored
from helpers.course.notebooks import course_notebooks
from helpers.course.site.chapters import LOST, write_chapters
from helpers.course.site.citation import citations, cite_page, licence_page
from helpers.course.site.collected import COLLECTED, collected_page
from helpers.course.site.landing import install_page, landing_page, readme_head, write_landing_figures
from helpers.course.site.lesson_links import lesson_links
from helpers.course.site.pages import page, relink
from helpers.course.site.published import CARD, draw_card
from helpers.course.site.reference import reference_pages
from helpers.course.site.settings import TITLE

EXERCISES = "notebooks/exercises"
# pages that stand for a file of another name or kind
PLACES = {"README.md": "index.md", "CITATION.cff": "cite.md", "LICENSE": "licence.md"}
TEXTS = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "notebooks/reference_projects.md", "notebooks/glossary.md"),
    *("notebooks/README.md", "notebooks/exercises/README.md"),
    *("tests/bench/RESULTS.md", "data_prework/README.md", "data_prework/cards/*.md"),
)
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 3 3"><path fill="#0a7d91" d="M0 0h3v3H0z"/>'
    '<path fill="#fff" d="M1 0h1v1H1zM0 1h1v1H0zM2 1h1v1H2z"/></svg>\n'
)


def write_source(folder: Path) -> None:
    """Write all that Sphinx reads.

    Args:
        folder: Is empty.
    """
    texts = [path for pattern in TEXTS for path in sorted(PROJECT.glob(pattern))]
    settings = read_settings()
    tasks = [path for path in sorted(PROJECT.glob(f"{EXERCISES}/source/*/*.ipynb")) if path.stem in settings]
    reference = reference_pages()
    places = {_path(path): _path(path) for path in (*texts, *course_notebooks())} | PLACES
    places |= {_path(path): f"exercises/{path.name}" for path in tasks}
    places |= {module: name for name, (_, modules) in reference.items() for module in modules}

    def attach(path: str) -> str | None:
        """Copy a file that a page shows or links to; no folder, and nothing of the exercises."""
        if path.startswith((EXERCISES, "..")) or not (PROJECT / path).is_file():
            return None
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / path, folder / path)
        return path

    def write_page(path: Path, text: str) -> None:
        _write(folder / places[_path(path)], text)

    for path in texts:
        if _path(path) != "README.md":
            write_page(path, relink(path.read_text(encoding="utf-8"), _path(path), places, attach))
    for path in (*course_notebooks(), *tasks):
        notebook = nbformat.read(path, as_version=4)
        if path in tasks:
            notebook = student_version(notebook, path.stem, settings)
        links = lesson_links(notebook, _path(path), places)
        download = folder / "downloads" / places[_path(path)]
        _write(download, nbformat.writes(clear_not_stored(nbformat.from_dict(notebook))))
        write_page(path, nbformat.writes(page(notebook, _path(path), places, attach, links)))
    for name, text in own_pages().items():
        _write(folder / name, relink(text, "README.md", places, attach))
    lead, _, _ = readme_head((PROJECT / "README.md").read_text(encoding="utf-8"))
    draw_card(folder / CARD, TITLE, lead, write_landing_figures(folder / "landing"))
    for name, (text, _) in reference.items():
        _write(folder / name, text)
    _write(folder / "favicon.svg", ICON)
    in_order = [places[_path(path)] for path in course_notebooks()]
    write_chapters(folder, [*in_order, *sorted({*places.values(), *own_pages()} - {*in_order})])


def own_pages() -> dict[str, str]:
    """Write the pages that no file of the project is.

    Returns:
        Name of each page -> Markdown, with links as from the project's folder.
    """
    readme, cff = ((PROJECT / name).read_text(encoding="utf-8") for name in ("README.md", "CITATION.cff"))
    lessons = {_path(path): path for path in course_notebooks() if _path(path).startswith("notebooks/")}
    pages = {
        "index.md": landing_page(readme, " and ".join(citations(cff)[0]["authors"])),
        "install.md": install_page(readme),
        "404.md": LOST,
        "cite.md": cite_page(cff),
        "licence.md": licence_page(sorted(PROJECT.glob("LICENSE*"))),
    }
    return pages | {f"{name}.md": collected_page(*words, lessons) for name, words in COLLECTED.items()}


def _path(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
