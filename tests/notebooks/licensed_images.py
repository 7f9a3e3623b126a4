"""Images under a licence of their own stay out of the stored notebooks, as far as the code of the cells tells."""

import ast
import re

from nbformat import NotebookNode

from data_prework.manifest import OPTIONAL
from helpers.course.not_stored import NOT_STORED, is_not_stored

OTHER_IMAGES = "other-images"  # tag of a cell that shows images, but none of an optional data set
SHOWING = {"imshow", "matshow", "figimage", "plot_images", "plot_overlays", "overlay", "plot_convolution"}
SHOWING |= {"plot_occlusion"}
SHOWING |= {"array_to_img", "load_img", "fromarray"}  # of Keras and Pillow: the last line of a cell shows the image


def faults(notebook: NotebookNode) -> list[str]:
    """What a notebook stores although it mustn't, or shows without saying that it isn't stored; in words."""
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = [
        f"has the tag {NOT_STORED} and an output or a count: {cell.source}"
        for cell in code
        if is_not_stored(cell) and (cell.outputs or cell.execution_count is not None)
    ]
    name = next((name for name in OPTIONAL for cell in code if re.search(rf"""["']{name}["']""", cell.source)), None)
    if name is None:
        return found
    showing = _showing(code)
    for cell in code:
        if is_not_stored(cell) or OTHER_IMAGES in cell.metadata.get("tags", []):
            continue
        if calls := sorted(_calls(_tree(cell)) & showing):
            found.append(f"shows images with {', '.join(calls)} and has neither {NOT_STORED} nor {OTHER_IMAGES}")
        if any(output.get("data", {}).get("text/plain", "").startswith("<PIL") for output in cell.outputs):
            found.append(f"stores an image: {cell.source}")
    said = "".join(output.get("text", "") for cell in code for output in cell.outputs)
    return found + ([f"was stored without {name}: {OPTIONAL[name]}"] if f"in place of {name}" in said else [])


def _showing(code: list[NotebookNode]) -> set[str]:
    """Names of functions that show images: the known ones, and those of the notebook that call one."""
    names = set(SHOWING)
    defined = [
        node for cell in code for node in ast.walk(_tree(cell)) if isinstance(node, ast.FunctionDef | ast.Lambda)
    ]
    own = {node.name: _calls(node) for node in defined if isinstance(node, ast.FunctionDef)}
    while more := {name for name, calls in own.items() if name not in names and calls & names}:
        names |= more
    return names


def _tree(cell: NotebookNode) -> ast.Module:
    lines = cell.source.splitlines()
    return ast.parse("\n".join("pass" if re.match(r"\s*[%!]", line) else line for line in lines))


def _calls(tree: ast.AST) -> set[str]:
    """Names of what is called in a piece of code, but not in functions that it only defines."""
    found, waiting = set(), [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call):
            found.add(getattr(node.func, "attr", getattr(node.func, "id", "")))
        inside = ast.iter_child_nodes(node)
        waiting += [one for one in inside if not (isinstance(one, ast.FunctionDef) and one is not tree)]
    return found
