"""Which names a cell needs, and which it makes: read from its code, which isn't run."""

import ast
import symtable
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass

TRAINS = ("fit", "search")  # methods that change what they belong to, without giving it a name again


@dataclass(frozen=True)
class Names:
    """The global names of a cell's code.

    Attributes:
        needs: names that are read before the cell itself makes them.
        makes: name -> last line, from 1, of the last statement that makes it.
        trains: names of what is trained in it, such as `model` in `model.fit(...)`.
    """

    needs: frozenset[str]
    makes: dict[str, int]
    trains: frozenset[str]


def names_of(code: str) -> Names:
    """The global names of a cell's code; none where it isn't Python.

    Args:
        code: without magics.

    Example:
        >>> names = names_of("history = model.fit(x, epochs=n)")
        >>> sorted(names.needs), names.makes, sorted(names.trains)
        (['model', 'n', 'x'], {'history': 1}, ['model'])
    """
    try:
        statements = ast.parse(code).body
    except (SyntaxError, ValueError):
        return Names(frozenset(), {}, frozenset())
    needs, makes, trains = set(), {}, set()
    for statement in statements:
        for part in _in_order(statement):
            table = symtable.symtable(ast.unparse(part), "cell", "exec")
            changed = (
                {part.target.id} if isinstance(part, ast.AugAssign) and isinstance(part.target, ast.Name) else set()
            )
            needs |= (set(_reads(table)) | changed) - set(makes)
            for symbol in table.get_symbols():
                if symbol.is_assigned() or symbol.is_imported():
                    makes[symbol.get_name()] = statement.end_lineno
        trains |= {name for node in ast.walk(statement) if (name := _trained(node))}
    return Names(frozenset(needs), makes, frozenset(trains))


def _in_order(statement: ast.stmt) -> Iterator[ast.stmt]:
    """The simple statements of this one as they would run, with the heads of loops and branches on the way."""
    if not isinstance(statement, ast.For | ast.While | ast.If | ast.With | ast.Try):
        yield statement
        return
    if not isinstance(statement, ast.Try):
        head = copy(statement)
        head.body, head.orelse = [ast.Pass()], []
        yield head
    for block in ("body", "handlers", "orelse", "finalbody"):
        for inner in getattr(statement, block, ()):
            for part in inner.body if isinstance(inner, ast.ExceptHandler) else (inner,):
                yield from _in_order(part)


def _changed(part: ast.stmt) -> list[str]:
    """`total` for total += 1."""
    return [part.target.id] if isinstance(part, ast.AugAssign) and isinstance(part.target, ast.Name) else []


def _trained(node: ast.AST) -> str:
    """`model` for a call such as model.fit(...), otherwise ""."""
    called = node.func if isinstance(node, ast.Call) else None
    if isinstance(called, ast.Attribute) and called.attr in TRAINS and isinstance(called.value, ast.Name):
        return called.value.id
    return ""


def _reads(table: symtable.SymbolTable) -> Iterator[str]:
    """Global names that this table, or a function or class inside it, reads."""
    top = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (top or symbol.is_global()):
            yield symbol.get_name()
    for child in table.get_children():
        yield from _reads(child)
