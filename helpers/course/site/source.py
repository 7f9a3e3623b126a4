"""Write what the site is made from: a copy of each page at its path in the project, and pages that lead to them."""

import re
import shutil
from pathlib import Path

import nbformat

from data_prework.files import PROJECT
from helpers.assignment import read_settings
from helpers.course.grading.release import student_version
from helpers.course.run_notebooks import course_notebooks
from helpers.course.site.pages import page, relink

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
# name of a chapter -> its title, what it says, and which pages are in it, in this order
CHAPTERS = {
    "lessons": (
        "Lessons",
        "Read them in this order: each builds on those before it.",
        "notebooks/README notebooks/[0-9] notebooks/glossary",
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
        "How to plan a course, hand out its assignments, grade them, and what students usually get wrong.",
        "notebooks/exercises/README",
    ),
    "exercises": (
        "Exercises",
        "One assignment a lesson, here without its solutions. `make assignments` writes the notebooks to work in. "
        "A gap says `YOUR CODE HERE`, and the cell below it checks what you put there.",
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
        write_page(path, relink(path.read_text(encoding="utf-8"), _path(path), places, attach))
    for path in (*course_notebooks(), *tasks):
        notebook = nbformat.read(path, as_version=4)
        if path in tasks:
            notebook = student_version(notebook, path.stem, settings)
        write_page(path, nbformat.writes(page(notebook, _path(path), places, attach)))
    for name, (text, _) in reference.items():
        _write(folder / name, text)
    _write(folder / "cite.md", cite_page((PROJECT / "CITATION.cff").read_text(encoding="utf-8")))
    _write(folder / "licence.md", licence_page(sorted(PROJECT.glob("LICENSE*"))))
    _write(folder / "favicon.svg", ICON)
    in_order = [places[_path(path)] for path in course_notebooks()]
    _write_chapters(folder, [*in_order, *sorted({*places.values()} - {*in_order})])


def _path(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _write_chapters(folder: Path, pages: list[str]) -> None:
    """Write the page of each chapter, which lists its pages, and name the chapters on the first page."""
    chapters = ""
    for name, (title, words, patterns) in CHAPTERS.items():
        inside = list(dict.fromkeys(one for pattern in patterns.split() for one in pages if re.match(pattern, one)))
        if not inside:
            continue
        chapters += f"/{name}\n"
        contents = "\n".join(f"/{one}" for one in inside)
        _write(folder / f"{name}.md", f"# {title}\n\n{words}\n\n```{{toctree}}\n:maxdepth: 1\n\n{contents}\n```\n")
    with (folder / "index.md").open("a", encoding="utf-8") as index:
        index.write(f"\n\n```{{toctree}}\n:hidden:\n\n{chapters}```\n")


def reference_pages() -> dict[str, tuple[str, list[str]]]:
    """Write the pages of the reference.

    Returns:
        Name of each page -> its text, and the paths of the modules on it.
    """
    code = "\n".join(path.read_text(encoding="utf-8") for path in course_notebooks())
    files = [_path(path) for part in ("helpers", "data_prework") for path in sorted(PROJECT.glob(f"{part}/**/*.py"))]
    modules = {file: file[:-3].replace("/", ".") for file in files if not file.endswith("__.py")}
    # a package that hands on the names of its modules is imported in their place
    handing_on = [
        f"helpers.{path.parent.name}"
        for path in PROJECT.glob("helpers/*/__init__.py")
        if "__all__" in path.read_text(encoding="utf-8")
    ]
    places = {
        module: {module, *(one for one in handing_on if module.startswith(f"{one}."))} for module in modules.values()
    }
    used = [file for file, module in modules.items() if any(f"from {place} import" in code for place in places[module])]
    of_helpers = [file for file in modules if file.startswith("helpers/")]
    chapters = {
        "helpers": ("helpers: what the lessons import", [file for file in of_helpers if file in used]),
        "tools": ("helpers: commands and their parts", [file for file in of_helpers if file not in used]),
        "data_prework": (
            "data_prework: from a raw folder to data",
            [file for file in modules if file not in of_helpers],
        ),
    }
    pages = {}
    for name, (title, inside) in chapters.items():
        parts = [f"# {title}"]
        for file in inside:
            module = modules[file]
            parts.append(f"## {module}\n\n```{{eval-rst}}\n.. automodule:: {module}\n   :members:\n```")
        pages[f"reference/{name}.md"] = ("\n\n".join(parts) + "\n", inside)
    return pages


def licence_page(files: list[Path]) -> str:
    """Write the page with the words of the licences.

    Args:
        files: Of the licences.

    Returns:
        Markdown.
    """
    words = [f"```text\n{file.read_text(encoding='utf-8').strip()}\n```" for file in files]
    return "\n\n".join(["# Licence of code and text", *words]) + "\n"


def cite_page(cff: str) -> str:
    """Write the page that says how to cite the course, and the projects that it learns from.

    Args:
        cff: Text of CITATION.cff.

    Returns:
        Markdown.
    """
    course, *projects = citations(cff)
    authors = " and ".join(course["authors"])
    title, version, year = course["title"], course["version"], course["date-released"][:4]
    references = "\n".join(f"- {_reference(project)}" for project in projects)
    return f"""# How to cite

{authors}: *{title}*, version {version}, {year}.

For LaTeX:

```bibtex
@software{{image_classification_course,
  author  = {{{{{authors}}}}},
  title   = {{{title}}},
  version = {{{version}}},
  year    = {{{year}}},
}}
```

## The projects that the course learns from

If you use what the course tells about one of them, cite that project too.

{references}

## For programs that read `CITATION.cff`

```yaml
{cff.strip()}
```
"""


def citations(cff: str) -> list[dict]:
    """Read the fields of the course and of each of its references.

    It reads the plain form of CITATION.cff alone: a field a line, and authors as `name` or as `given-names`,
    `family-names`.

    Args:
        cff: Text of the file.

    Returns:
        A dictionary each, the course first; "authors" is a list of names.
    """
    course, _, references = cff.partition("\nreferences:\n")
    return [_citation(text) for text in (course, *re.split(r"^  - ", references, flags=re.M)[1:])]


def _citation(text: str) -> dict:
    names = re.findall(r"- (?:name: (.+)|given-names: (.+)\n +family-names: (.+))$", text, re.M)
    authors = [" ".join(filter(None, parts)) for parts in names]
    return dict(re.findall(r"^(?: {4})?([a-z-]+): (.+)$", text, re.M)) | {"authors": authors}


def _reference(project: dict) -> str:
    """A line of the list of references."""
    title = f"*{project['title']}*"
    title = f"[{title}]({project['url']})" if "url" in project else title
    return ", ".join([f"{', '.join(project['authors'])}: {title}", *filter(None, [project.get("year")])]) + "."
