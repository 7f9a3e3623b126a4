"""The chapters of the site: their titles, what they say, and which pages are in them."""

import re
from pathlib import Path

GUIDE = "notebooks/exercises/README.md"
TEACH = f"""How to plan a course, hand out its assignments, grade them, and what students usually get wrong.

- [Before you decide]({GUIDE}#before-you-decide): prerequisites, goals, grading, licenses, accessibility, other data.
- [Plans]({GUIDE}#plan-a-course) for two days, six weeks and a semester, with minutes, needs and goals.
- [What students usually get wrong]({GUIDE}#what-students-usually-get-wrong), and
  [every lesson's common mistakes](mistakes.md).
- **Slides** with speaker notes, from the same cells: `make slides` writes them to `build/slides`, to show offline.
- **An edition to hand out**, without outputs, solutions and answers: `make student`.
- [Assignments](exercises.md), here without solutions: how to [hand them out]({GUIDE}#hand-out), what you may
  [change without code]({GUIDE}#what-you-may-change-without-code), how to [grade]({GUIDE}#grade), and
  [how far the protection goes]({GUIDE}#how-far-the-protection-goes).
- [A class on one server]({GUIDE}#a-class-on-one-server): JupyterHub, and how large a computer it takes."""
LOST = """---
orphan: true
html_theme.sidebar_secondary.remove: true
---
# This page does not exist

The address may be mistyped, or the page has moved. Try the [first page](index.md), the
[map of the lessons](notebooks/README.md), the [glossary](notebooks/glossary.md), or the search at the top.
"""
# name of a chapter -> its title, what it says, and which pages are in it, in this order
CHAPTERS = {
    "lessons": (
        "Lessons",
        "Read them in this order: each builds on those before it.",
        "install notebooks/README notebooks/[0-9] notebooks/glossary references",
    ),
    "case_studies": (
        "Case studies",
        "Projects, told from the question to a recommendation, and the student projects that they learn from.",
        "notebooks/case_studies/ notebooks/reference_projects",
    ),
    "rebuild": (
        "Rebuild labs",
        "The student projects, network by network in plain Keras, trained by their protocol and by the course's.",
        "notebooks/rebuild/",
    ),
    "teach": (
        "Teach",
        TEACH,
        "notebooks/exercises/README mistakes",
    ),
    "exercises": (
        "Exercises",
        "One assignment for each part, and a capstone, here without solutions. `make assignments` writes the notebooks "
        "to work in. A gap says `YOUR CODE HERE`, and the cell below it checks what you put there.",
        "exercises/",
    ),
    "data": (
        "Data",
        "How the data were prepared, and a card for each data set: origin, traps, limits.",
        "data_prework/README data_prework/data_prework data_prework/cards/",
    ),
    "reference": (
        "Reference",
        "What the notebooks import, and what was measured.",
        "reference/helpers reference/tools reference/data_prework tests/",
    ),
    "about": (
        "About",
        "How to cite the course, what you may do with it, what has changed, and how to add to it.",
        "cite licence CHANGELOG CONTRIBUTING",
    ),
}


def write_chapters(folder: Path, pages: list[str]) -> None:
    """Write the page of each chapter, which lists its pages, and name the chapters on the first page.

    Args:
        folder: Of the site's sources, with the first page in it.
        pages: All paths among the sources, in reading order.
    """
    chapters = ""
    for name, (title, words, patterns) in CHAPTERS.items():
        inside = list(dict.fromkeys(one for pattern in patterns.split() for one in pages if re.match(pattern, one)))
        if not inside:
            continue
        chapters += f"/{name}\n"
        contents = "\n".join(f"/{one}" for one in inside)
        text = f"# {title}\n\n{words}\n\n```{{toctree}}\n:maxdepth: 1\n\n{contents}\n```\n"
        (folder / f"{name}.md").write_text(text, encoding="utf-8")
    with (folder / "index.md").open("a", encoding="utf-8") as index:
        index.write(f"\n\n```{{toctree}}\n:hidden:\n\n{chapters}```\n")
