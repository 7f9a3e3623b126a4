"""The pages of a run: each executed notebook, and an index with what it took; they look as those of the site do."""

import shutil
from pathlib import Path

import nbformat

from data_prework.files import PROJECT
from helpers.course.notebooks import Outcome, place_of
from helpers.course.site.build import run_sphinx
from helpers.course.site.landing import boxed
from helpers.course.site.lesson_links import GLOSSARY
from helpers.course.site.pages import page, relink
from helpers.course.site.source import ICON

# the header would have a link for each notebook
SETTINGS = {
    "extensions": ["myst_nb", "helpers.course.site.extension"],
    "html_sidebars": {"**": []},
    "html_theme_options.navbar_center": [],
}


def write_run_pages(outcomes: dict[Path, Outcome], out: Path, profile: str) -> list[str]:
    """Write the pages of executed notebooks beside them, and the index.

    Args:
        outcomes: Path of each notebook -> what running it gave, in the order of the index.
        out: Folder with the executed copies at the places that `place_of` names.
        profile: In which they ran.

    Returns:
        Sphinx's warnings.

    Raises:
        ImportError: Sphinx or one of its extensions isn't installed.
    """
    work = out / ".pages"
    shutil.rmtree(work, ignore_errors=True)
    source = work / "source"
    names = {path: place_of(path) for path in outcomes}
    places = {name: name for name in (*names.values(), GLOSSARY)}

    def attach(path: str) -> str | None:
        """Copy an image that a page shows; other files stay where they are."""
        if path.startswith("..") or not path.endswith((".png", ".jpg", ".svg")) or not (PROJECT / path).is_file():
            return None
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(PROJECT / path, source / path)
        return path

    def write(name: str, text: str) -> None:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text, encoding="utf-8")

    for name in names.values():
        up = "../" * name.count("/")
        back = boxed("lesson-links", f"[All notebooks of this run]({up}index.md) · [Glossary]({up}{GLOSSARY})")
        notebook = nbformat.read(out / name, as_version=4)
        write(name, nbformat.writes(page(notebook, name, places, attach, back, is_stored=False)))
    glossary = (PROJECT / GLOSSARY).read_text(encoding="utf-8")
    write(GLOSSARY, "---\norphan: true\n---\n" + relink(glossary, GLOSSARY, places, attach))
    write("index.md", index_page({names[path]: outcome for path, outcome in outcomes.items()}, profile))
    write("favicon.svg", ICON)
    try:
        return run_sphinx(work, "html", SETTINGS, out)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def index_page(outcomes: dict[str, Outcome], profile: str) -> str:
    """Write the page that leads to the page of every notebook.

    Args:
        outcomes: Place of each notebook -> what running it gave.
        profile: In which they ran.

    Returns:
        Markdown.
    """
    rows = "\n".join(
        f"| [{_plain(one.title or one.name)}]({name}) | {one.source} | {one.seconds:.0f} | {one.peak_mb:.0f} "
        f"| {f'**failed** `{_plain(one.fault)}`' if one.fault else 'ok'} |"
        for name, one in outcomes.items()
    )
    contents = "\n".join(outcomes)
    failed = sum(bool(one.fault) for one in outcomes.values())
    return f"""# The notebooks of this run

Run in the profile **{profile}**: {len(outcomes) - failed} went through, {failed} failed.

| notebook | data | seconds | peak memory, MB | result |
|---|---|---|---|---|
{rows}

```{{toctree}}
:hidden:

{contents}
```
"""


def _plain(text: str) -> str:
    """Words for a cell of a table."""
    return text.replace("|", "\\|").replace("`", "'").replace("\n", " ")
