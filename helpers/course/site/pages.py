"""Turn the project's notebooks and texts into pages of the site: links and alt texts."""

import ast
import posixpath
import re
from collections.abc import Callable

from nbformat import NotebookNode

from helpers.course.not_stored import clear_not_stored

LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s]+)\)")
FAR_IMAGE = re.compile(r'!\[([^\]]*)\]\(https?://[^)\s]+\)|<img\b[^>]*\balt="([^"]*)"[^>]*>')
COLUMNS = re.compile(r"\S {2,}\S|^ ", re.M)
HEADING = re.compile(r"^(#+) (.+)$", re.M)
FENCED = re.compile(r"^```.*?^```", re.M | re.S)
COMPARED = "# NBVAL_CHECK_OUTPUT\n"  # a mark for the tests, of no use to a reader
# what a figure is, from the function that draws it
KINDS = {
    "plot_history": "Training curves",
    "plot_histories": "Training curves side by side",
    "plot_confusion_matrix": "Confusion matrix",
    "plot_class_balance": "Bars, images of each class",
    "plot_image_sizes": "Points, sizes of the images",
    "plot_overlays": "Images with heatmaps",
    "plot_images": "Images",
    "imshow": "Images",
}


def relink(text: str, here: str, places: dict[str, str], attach: Callable[[str], str | None]) -> str:
    """Lead the links between files of the project to pages of the site.

    An image from the network, such as a badge, becomes its alt text: a page of the site asks nothing of others.

    Args:
        text: Markdown of a page.
        here: Its path in the project.
        places: Path in the project -> path among the site's sources, for all that has a page.
        attach: Takes the path of a file without a page, or of an image; returns the place of a copy, or None: then a
            link becomes text.

    Returns:
        The Markdown.
    """

    def lead(match: re.Match) -> str:
        mark, label, target = match.groups()
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        path, hash_sign, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(here), path))
        place = places.get(path) or attach(path)
        if place is None:
            return match[0] if mark else label
        return f"{mark}[{label}]({posixpath.relpath(place, posixpath.dirname(places[here]))}{hash_sign}{anchor})"

    return LINK.sub(lead, FAR_IMAGE.sub(lambda match: match[1] or match[2] or "", text))


def page(
    notebook: NotebookNode,
    here: str,
    places: dict[str, str],
    attach: Callable[[str], str | None],
    links: str = "",
    is_stored: bool = True,
) -> NotebookNode:
    """Make a page of a notebook: its links lead to pages, no level of headings is left out, and figures have alt texts.

    The outputs of cells with the tag `not-stored` aren't on the page, unless it's one for this computer alone.

    Args:
        notebook: Is changed.
        here: Its path in the project.
        places: As in `relink`.
        attach: As in `relink`.
        links: Markdown to put below the title.
        is_stored: Whether others will read the page.

    Returns:
        The notebook.
    """
    texts = [FENCED.sub("", cell.source) for cell in notebook.cells if cell.cell_type == "markdown"]
    levels = sorted({marks for text in texts for marks, _ in HEADING.findall(text)})
    heading, added = "", f"\n\n{links}" if links else ""
    for cell in (clear_not_stored(notebook) if is_stored else notebook).cells:
        if cell.cell_type == "markdown":
            heading = [heading, *(words for _, words in HEADING.findall(FENCED.sub("", cell.source)))][-1]
            cell.source = relink(cell.source, here, places, attach)
            cell.source = HEADING.sub(lambda match: f"{'#' * _rank(match[1], levels)} {match[2]}", cell.source)
            if added and (title := re.match(r"# .+", cell.source)):
                cell.source, added = title[0] + added + cell.source[title.end() :], ""
        elif cell.cell_type == "code":
            cell.source = cell.source.removeprefix(COMPARED)
            if not COLUMNS.search("\n".join(output.get("text", "") for output in cell.outputs)):
                cell.metadata["tags"] = [*cell.metadata.get("tags", []), "sentences"]  # its output may be wrapped
            if any(kind.startswith("image/") for output in cell.outputs for kind in output.get("data", {})):
                cell.metadata["mystnb"] = {"image": {"alt": _stored_alt(cell) or alt_text(cell.source, heading)}}
    return notebook


def _rank(marks: str, levels: list[str]) -> int:
    """The level that a heading gets: the first level in use is 1, the next 2."""
    return 1 + levels.index(marks) if marks in levels else len(marks)


def _stored_alt(cell: NotebookNode) -> str:
    """The texts that `helpers.plots.style.alt_text` left with the images of a cell."""
    about = [about for output in cell.outputs for about in output.get("metadata", {}).values()]
    return " ".join(one["alt"] for one in about if isinstance(one, dict) and one.get("alt"))


def alt_text(code: str, heading: str) -> str:
    """Say what the figure of a code cell shows, where no text was stored with it.

    Args:
        code: Of the cell.
        heading: Above it.

    Returns:
        Its kind, and its titles in the code, or else the heading.

    Example:
        >>> alt_text("ax.set_title('ROC')", "How good is it?")
        'Figure: ROC'
    """
    calls = sorted(_calls(code), key=lambda call: (call.lineno, call.col_offset))
    names = [_name(call) for call in calls]
    kind = next((words for name, words in KINDS.items() if name in names), "Figure")
    titles = [title for call in calls for title in _titles(call)]
    return f"{kind}: {'; '.join(dict.fromkeys(titles)) or re.sub(r'[*`]', '', heading)}"


def _calls(code: str) -> list[ast.Call]:
    plain = "\n".join("" if line.startswith(("%", "!")) else line for line in code.splitlines())
    return [node for node in ast.walk(ast.parse(plain)) if isinstance(node, ast.Call)]


def _name(call: ast.Call) -> str:
    return getattr(call.func, "attr", getattr(call.func, "id", ""))


def _titles(call: ast.Call) -> list[str]:
    if "legend" in _name(call):
        return []
    given = [keyword.value for keyword in call.keywords if keyword.arg == "title"]
    if _name(call) in ("title", "set_title", "suptitle"):
        given += call.args[:1]
    return [words for words in map(_words, given) if words]


def _words(node: ast.expr) -> str:
    """A text of the code; a computed part in it is "…", and with one at its beginning the whole says too little."""
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
        return "" if parts[0] == "…" else "".join(parts)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
