"""The line of links below the title of a lesson: open it elsewhere, take it along, its assignment, the glossary."""

import posixpath
import re

from nbformat import NotebookNode

from helpers.course.links import LINE, link_line, pinned_version, remote_address
from helpers.course.site.landing import boxed

GLOSSARY = "notebooks/glossary.md"


def lesson_links(notebook: NotebookNode, here: str, places: dict[str, str]) -> str:
    """Write the line of links, and take the one that `make links` wrote out of the notebook.

    Args:
        notebook: Is changed where it has such a line.
        here: Its path in the project.
        places: Path in the project -> path among the site's sources.

    Returns:
        Markdown.
    """
    place = places[here]

    def to(path: str) -> str:
        return posixpath.relpath(path, posixpath.dirname(place))

    launch = ""
    for cell in notebook.cells[:1]:
        launch = "".join(LINE.findall(cell.source)).strip()
        cell.source = LINE.sub("", cell.source)
    parts = [launch or launch_line(here) if here == place else ""]  # an assignment is opened where it was handed out
    parts.append(f"{{download}}`Download the notebook <{to(f'downloads/{place}')}>`")
    if assignment := assignment_of(here, places):
        parts.append(f"[Assignment]({to(places[assignment])})")
    if GLOSSARY in places:
        parts.append(f"[Glossary]({to(places[GLOSSARY])})")
    return boxed("lesson-links", " · ".join(part for part in parts if part))


def launch_line(path: str) -> str:
    """Return the links to Colab, Kaggle and Binder, or "" where no remote on GitHub is known.

    Args:
        path: Of the notebook in the project.
    """
    try:
        return link_line(remote_address(), pinned_version(), path)
    except ValueError:
        return ""


def assignment_of(lesson: str, places: dict[str, str]) -> str:
    """Return the path of the assignment of a lesson's part, that of the capstone for a case study, or "".

    Args:
        lesson: Its path in the project.
        places: As in `lesson_links`.

    Example:
        >>> places = {"notebooks/exercises/source/05_tuner/05_tuner.ipynb": "exercises/05_tuner.ipynb"}
        >>> assignment_of("notebooks/05_keras_tuner/1_search.ipynb", places)
        'notebooks/exercises/source/05_tuner/05_tuner.ipynb'
    """
    part = re.match(r"notebooks/(?:(\d\d_)|case_studies/)", lesson)
    begin = f"notebooks/exercises/source/{part[1] or 'capstone/'}" if part else ""
    return next((path for path in places if part and path.startswith(begin)), "")
