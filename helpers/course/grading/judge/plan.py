"""Which of the course's cells a test needs before it, and which names it takes from the student's interpreter.

Both are read from the source notebook: the solution's cells say what a student's answer gives. A locked cell whose name
begins with `facts` runs in the student's interpreter like an answer: it makes plain values of what can't be handed
over, such as a tuner, a figure, or a network that the answer changed.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from nbformat import NotebookNode

from helpers.course.grading.assignments.cells import grade_id

FACTS = "facts"


@dataclass
class Step:
    """One cell of the course: `needs` and `gives` are names, `asks` those of them that a student's answer gives."""

    name: str
    source: str
    kind: str  # "course", "answer" or "test"
    needs: set[str]
    gives: set[str]
    asks: set[str] = field(default_factory=set)


def make_plan(source: NotebookNode) -> list[Step]:
    """Return the tests of an assignment and the course's cells that they need, in their order.

    A cell that only shows something, such as a training whose result no test looks at, is left out.

    Args:
        source: The assignment with its solutions.
    """
    steps = [_step(cell) for cell in source.cells if cell.cell_type == "code" and grade_id(cell)]
    imported = {alias.asname or alias.name.split(".")[0] for step in steps for alias in _imports(step.source)}
    for step in steps:  # plt.show() changes no plt
        step.gives -= imported - {alias.asname or alias.name.split(".")[0] for alias in _imports(step.source)}
    _settle_owners(steps)
    needed: set[str] = set()
    kept = []
    for step in reversed(steps):
        if step.kind == "test" or (step.kind == "course" and (step.gives & needed or step.name in ("name", "setup"))):
            needed = (needed - step.gives) | step.needs
            kept.append(step)
    return kept[::-1]


def _step(cell: NotebookNode) -> Step:
    meta = cell.metadata.nbgrader
    of_answer = meta.get("solution") or grade_id(cell).startswith(FACTS)
    kind = "answer" if of_answer else "test" if meta.get("grade") else "course"
    try:
        body = ast.parse(cell.source).body
    except SyntaxError:  # a line of IPython's own
        body = []
    needs, gives = names_of(body)
    return Step(grade_id(cell), cell.source, kind, needs, gives)


def _settle_owners(steps: list[Step]) -> None:
    """A name belongs to the student where the last cell that gave it, before a step, is an answer."""
    owned: set[str] = set()
    for step in steps:
        step.asks = step.needs & owned
        if step.kind == "answer":
            owned |= step.gives
        else:
            owned -= {name for name in step.gives if name not in step.needs}


def _imports(source: str) -> list[ast.alias]:
    try:
        nodes = list(ast.walk(ast.parse(source)))
    except SyntaxError:
        return []
    return [alias for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names]


def names_of(body: Iterable[ast.stmt]) -> tuple[set[str], set[str]]:
    """Return the names that statements need from before, and those that they give or change.

    Args:
        body: Of a cell.

    Example:
        >>> needs, gives = names_of(ast.parse("x = a + 1; x = x * b; c.fit(x)").body)
        >>> sorted(needs), sorted(gives)
        (['a', 'b', 'c'], ['c', 'x'])
    """
    needs: set[str] = set()
    gives: set[str] = set()
    for statement in body:
        loaded, stored = _names(statement)
        own = stored if isinstance(statement, (ast.For, ast.With, ast.FunctionDef, ast.ClassDef)) else set()
        needs |= loaded - gives - own
        gives |= stored | _changed(statement)
    return needs, gives


def _names(statement: ast.stmt) -> tuple[set[str], set[str]]:
    loaded, stored, inside = set(), set(), set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            (loaded if isinstance(node.ctx, ast.Load) else stored).add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            stored |= {alias.asname or alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
            inside |= {one.id for part in node.generators for one in ast.walk(part.target) if isinstance(one, ast.Name)}
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            loaded.add(node.target.id)
    if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
        arguments = {one.arg for one in ast.walk(statement) if isinstance(one, ast.arg)}
        return loaded - arguments - stored, {statement.name}
    lambdas = {one.arg for one in ast.walk(statement) if isinstance(one, ast.arg)}
    return loaded - inside - lambdas, stored - inside


def _changed(statement: ast.stmt) -> set[str]:
    """Names of objects that a statement may change: `x.fit()`, `x.y = 1`, `x[0] = 1`, also inside of a loop."""
    found = set()
    for node in ast.walk(statement):
        targets = node.targets if isinstance(node, ast.Assign) else []
        if isinstance(node, ast.AugAssign):
            targets = [node.target]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            targets = [node.value.func]
        for target in targets:
            while isinstance(target, (ast.Attribute, ast.Subscript, ast.Call)):
                target = target.func if isinstance(target, ast.Call) else target.value
                if isinstance(target, ast.Name):
                    found.add(target.id)
    return found if not isinstance(statement, (ast.FunctionDef, ast.ClassDef)) else set()
