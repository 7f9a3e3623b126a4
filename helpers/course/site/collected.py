"""Pages that collect a section of every lesson: the references, and the common mistakes."""

import re
from pathlib import Path

import nbformat

COLLECTED = {
    "references": (
        "References",
        "References",
        "The papers, guides and chapters that the lessons name, lesson by lesson.",
    ),
    "mistakes": (
        "Common mistakes",
        "Typical mistakes, lesson by lesson",
        "Each lesson closes with the mistakes that people make with its topic. The [instructor's guide]"
        "(notebooks/exercises/README.md#what-students-usually-get-wrong) says how to show "
        "students the most frequent ones.",
    ),
}


def collected_page(heading: str, title: str, words: str, notebooks: dict[str, Path]) -> str:
    """Collect a section of every notebook that has it.

    Args:
        heading: Of the section.
        title: Of the page.
        words: Below the title.
        notebooks: Path in the project -> file, in reading order.

    Returns:
        Markdown, with links as from the project's folder.
    """
    parts = [f"# {title}", words]
    for place, path in notebooks.items():
        cells = nbformat.read(path, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        name = re.search(r"^# (.+)$", text, re.M)
        found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^#|\Z)", text, re.M | re.S)
        if name and found:
            folder = place.rpartition("/")[0]
            inside = re.sub(r"\]\((?![a-z]+:|#)([^)\s]+)\)", rf"]({folder}/\1)", found[1].strip())
            parts.append(f"## [{name[1]}]({place})\n\n{inside}")
    return "\n\n".join(parts) + "\n"
