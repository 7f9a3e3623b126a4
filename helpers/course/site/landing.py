"""The first page of the site, made of the head of README.md and of two figures that lessons have stored."""

import base64
import re
from pathlib import Path

import nbformat

from data_prework.errors import CourseError
from data_prework.files import PROJECT

# name of a file -> the notebook and the cell that store the figure, what it shows, and what is written below it
FIGURES = {
    "on_the_crack": (
        ("notebooks/07_heatmaps/1_occlusion_gradcam.ipynb", "gradcam-helper"),
        "Six photos of walls under heatmaps. Each is strongest on the crack, inside the outline of the mask.",
        "This network looks at the crack: its heatmaps lie on the outline of a mask that it has never seen.",
    ),
    "on_the_lung": (
        ("notebooks/07_heatmaps/3_shortcut_found.ipynb", "found-maps"),
        "Six drawn chest X-rays under heatmaps. All are bright on a letter R in the upper right corner.",
        "This one is right on nearly all of its validation images, and it reads the letter in the corner.",
    ),
}
WAYS = {
    "Learn": "[Start with lesson 0.1](notebooks/00_start/1_first_network.ipynb)",
    "Teach": "[Plan a course](notebooks/exercises/README.md#plan-a-course)",
    "Bring your images": "[Train on your own folder](notebooks/00_start/2_your_own_images.ipynb)",
}
ABOUT = """## Who made it, and what you may do with it

Made by {authors}. Code and text are under the [MIT license](LICENSE); each data set has its own, which its
[card](data_prework/README.md) names. The lessons retell [five student projects](notebooks/reference_projects.md), whose
authors we thank. [How to cite the course](CITATION.cff). [What has changed](CHANGELOG.md), and
[how to add to it](CONTRIBUTING.md).
"""


def landing_page(readme: str, authors: str) -> str:
    """Compose the first page.

    Args:
        readme: Text of README.md, in the project's folder.
        authors: Of the course.

    Returns:
        Markdown, with links as in README.md; the figures are expected in `landing/`.

    Raises:
        CourseError: README.md lacks a part that the page shows.
    """
    lead, ways, apart = readme_head(readme)
    figures = [
        boxed("told", f"![{alt}](landing/{name}.png)\n\n{words} *([Lesson {_number(cell[0])}]({cell[0]}))*")
        for name, (cell, alt, words) in FIGURES.items()
    ]
    doors = [boxed("way", f"{words}\n\n{WAYS.get(name, '')}") for name, words in ways.items()]
    parts = [
        "---\nhtml_theme.sidebar_secondary.remove: true\n---",
        re.search(r"^# .+$", readme, re.M)[0],
        boxed("lead", lead),
        boxed("figures", "\n\n".join(figures), 5),
        boxed("ways", "\n\n".join(doors), 5),
        f"## What sets it apart\n\n{boxed('apart', apart)}",
        section(readme, "The course").replace("## The course", "## The map", 1),
        ABOUT.format(authors=re.sub(r"^The ", "the ", authors)),
        "To run it here, [install it](install.md): two commands.",
    ]
    return "\n\n".join(parts) + "\n"


def install_page(readme: str) -> str:
    """Return what README.md says beside the first page: how to install, run and change the course.

    Args:
        readme: Text of README.md.
    """
    rest = readme[readme.index("## Two commands") :]
    return "# Install and run\n\n" + rest.replace(section(readme, "The course") + "\n", "", 1)


def readme_head(readme: str) -> tuple[str, dict[str, str], str]:
    """Take the head of README.md apart.

    Args:
        readme: Its text.

    Returns:
        The sentence below the title; the ways in, by their bold name; and the list of what sets the course apart.

    Raises:
        CourseError: One of them is not there.
    """
    head = readme.partition("\n## ")[0]
    lead = re.search(r"^# .+\n\n(.+)\n", head)
    before, _, after = head.partition("\nWhat sets it apart:\n")
    ways = {
        match[1].rstrip("."): match[0].removeprefix("- ") for match in re.finditer(r"^- \*\*(.+?)\*\*.+$", before, re.M)
    }
    if not (lead and ways and after.strip()):
        raise CourseError(
            "README.md: the first page of the site is made of its head, which must have a sentence below the title, a "
            'list of ways in whose names are bold, and a list below "What sets it apart:"'
        )
    return lead[1], ways, after.strip()


def section(text: str, heading: str) -> str:
    """Return a section of second level, with its heading.

    Args:
        text: Markdown.
        heading: Its words.

    Raises:
        CourseError: There is none.
    """
    match = re.search(rf"^## {re.escape(heading)}\n.*?(?=^## |\Z)", text, re.M | re.S)
    if not match:
        raise CourseError(f'README.md: the site shows its section "## {heading}", and there is none')
    return match[0].rstrip() + "\n"


def boxed(name: str, words: str, ticks: int = 4) -> str:
    """Put Markdown into a box that the style sheet knows by `name`; a box around others needs more ticks than they.

    Example:
        >>> print(boxed("lead", "Words."))
        ````{container} lead
        Words.
        ````
    """
    return f"{'`' * ticks}{{container}} {name}\n{words.strip()}\n{'`' * ticks}"


def stored_figure(path: Path, cell_id: str) -> bytes:
    """Return the PNG that a cell of a notebook has stored.

    Args:
        path: Of the notebook.
        cell_id: Of the cell.

    Raises:
        CourseError: There is no such cell, or it has stored none.
    """
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []) if cell.id == cell_id else []:
            if "image/png" in output.get("data", {}):
                return base64.b64decode(output.data["image/png"])
    raise CourseError(f"{path.name}: the cell {cell_id} has no stored PNG; the first page of the site shows it")


def write_landing_figures(folder: Path) -> list[Path]:
    """Write the figures of the first page.

    Args:
        folder: Where they go.

    Returns:
        Their paths.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, ((path, cell), *_) in FIGURES.items():
        (folder / f"{name}.png").write_bytes(stored_figure(PROJECT / path, cell))
    return [folder / f"{name}.png" for name in FIGURES]


def _number(path: str) -> str:
    """The number of a lesson: part and place in it."""
    part, lesson = re.search(r"/(\d+)_[^/]*/(\d+)_", path).groups()
    return f"{int(part)}.{lesson}"
