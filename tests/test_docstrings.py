"""Public functions and classes of helpers say what each of their arguments and attributes is."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
FILES = [
    path.relative_to(PROJECT).as_posix()
    for path in sorted((PROJECT / "helpers").rglob("*.py"))
    if "course" not in path.relative_to(PROJECT).parts
]
PACKAGES = [path.relative_to(PROJECT).parent.as_posix() for path in sorted((PROJECT / "helpers").glob("*/__init__.py"))]
WITHOUT_EXAMPLE = {"load_masks", "use_style"}  # one reads a data set, the other changes the figures of all that follows
KERAS = {"build", "call", "compute_output_shape"}  # methods of a layer whose arguments Keras explains
ENTRY = re.compile(r"    (\w+(?:, \w+)*): ")


def unexplained(source: str) -> list[str]:
    """Each `name: argument` that a docstring of this code leaves out."""
    found = []
    for name, node in public(ast.parse(source).body):
        if isinstance(node, ast.ClassDef):
            names, section = fields(node), "Attributes"
        else:
            names, section = arguments(node), "Args"
        said = explained(ast.get_docstring(node) or "", section)
        found += [f"{name}: {one}" for one in names if one not in said]
    return found


def public(body: list[ast.stmt], prefix: str = "") -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef]]:
    """Classes, functions and methods without an underscore; a property has no arguments, a Keras layer has Keras'."""
    for node in body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name.startswith("_"):
            continue
        if isinstance(node, ast.ClassDef):
            yield prefix + node.name, node
            is_layer = any(ast.unparse(base) == "layers.Layer" for base in node.bases)
            inner = [one for one in node.body if not (is_layer and getattr(one, "name", "") in KERAS)]
            yield from public(inner, f"{prefix}{node.name}.")
        elif node.name != "main" and not {"property", "cached_property"} & set(map(ast.unparse, node.decorator_list)):
            yield prefix + node.name, node


def fields(node: ast.ClassDef) -> list[str]:
    """Names of a dataclass's fields."""
    if not any("dataclass" in ast.unparse(one) for one in node.decorator_list):
        return []
    return [one.target.id for one in node.body if isinstance(one, ast.AnnAssign) and not one.target.id.startswith("_")]


def arguments(node: ast.FunctionDef) -> list[str]:
    given = node.args
    more = [one for one in (given.vararg, given.kwarg) if one]
    every = [*given.posonlyargs, *given.args, *more, *given.kwonlyargs]
    return [one.arg for one in every if one.arg not in ("self", "cls")]


def explained(docstring: str, section: str) -> set[str]:
    """The names that begin the entries of a section; several with one text stand before one colon."""
    _, _, rest = docstring.partition(f"{section}:\n")
    lines = re.split(r"\n\S|\n\n", rest)[0].splitlines()
    return {name for line in lines if (entry := ENTRY.match(line)) for name in entry[1].split(", ")}


def handed_on(package: str) -> Iterator[ast.FunctionDef]:
    """The functions that a package imports from its modules for others."""
    for statement in ast.parse((PROJECT / package / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.ImportFrom):
            names = {one.name for one in statement.names}
            module = PROJECT / f"{statement.module.replace('.', '/')}.py"
            code = ast.parse(module.read_text(encoding="utf-8"))
            yield from (node for node in code.body if isinstance(node, ast.FunctionDef) and node.name in names)


@pytest.mark.parametrize("package", PACKAGES)
def test_what_a_package_hands_on_has_an_example(package):
    without = {node.name for node in handed_on(package) if ">>> " not in (ast.get_docstring(node) or "")}
    assert without <= WITHOUT_EXAMPLE


def test_the_functions_that_packages_hand_on_are_found():
    assert {"evaluate", "heatmap", "plot_images", "small_cnn"} <= {
        node.name for package in PACKAGES for node in handed_on(package)
    }


@pytest.mark.parametrize("file", FILES)
def test_every_argument_and_attribute_is_explained(file):
    assert unexplained((PROJECT / file).read_text(encoding="utf-8")) == []


DOCUMENTED = '''
def cut(image, *parts, size=3, **options):
    """Cut.

    Args:
        image, parts: (n, height, width),
            long: lines go on.
        size: of a part.
        options: more.

    Returns:
        none: nothing.
    """

@dataclass(frozen=True)
class Part:
    """Part.

    Attributes:
        side: in pixels.
    """
    side: int

    @property
    def area(self): ...

    def _inner(self, way): ...

class Layer(layers.Layer):
    def call(self, images): ...

def main(argv): ...
'''


def test_what_is_explained_passes():
    assert unexplained(DOCUMENTED) == []


@pytest.mark.parametrize(
    ("left_out", "missing"),
    [
        ("image, parts: (n, height, width),", ["cut: image", "cut: parts"]),
        ("size: of a part.", ["cut: size"]),
        ("options: more.", ["cut: options"]),
        ("side: in pixels.", ["Part: side"]),
    ],
)
def test_what_is_left_out_is_found(left_out, missing):
    assert unexplained(DOCUMENTED.replace(left_out, "- else.")) == missing


def test_a_name_in_another_section_does_not_count():
    assert unexplained(DOCUMENTED.replace("options: more.", "other: more.").replace("none:", "options:")) == [
        "cut: options"
    ]


def test_a_method_of_a_plain_class_is_looked_at():
    assert unexplained("class Plain:\n    def call(self, images): ...\n") == ["Plain.call: images"]
