"""The pages on the licence and on how to cite the course, from LICENSE and CITATION.cff."""

import re
from pathlib import Path


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
