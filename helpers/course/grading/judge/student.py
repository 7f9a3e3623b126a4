"""Runs in the student's interpreter: hands out values, and calls functions for the judge.

Nothing here is a secret or a defense: a student's code can replace all of it, and gains only wrong values by that.
"""

import base64
import contextlib
import io
import json
import pickle
import traceback
from typing import Any

from helpers.course.grading.judge.values.codec import decode, encode
from helpers.course.grading.judge.values.refusals import NotPlainError, OwnClassError

MIME = "application/x-judge"
LONGEST = 2000  # characters of an error's text
_functions: list[Any] = []


def answer(asked: str) -> None:
    """Show the answer to a question of the judge, as data of a type of its own.

    Args:
        asked: JSON: {"get": names}, or {"call": key, "args": bytes in base64}.
    """
    from IPython import get_ipython
    from IPython.display import publish_display_data

    question = json.loads(asked)
    space = get_ipython().user_ns
    said = _values(question["get"], space) if "get" in question else _call(question["call"], question["args"])
    publish_display_data({MIME: json.dumps(said)})


def _keep(function: Any) -> int:
    _functions.append(function)
    return len(_functions) - 1


def _values(names: list[str], space: dict) -> dict:
    return {name: _encoded(space[name]) if name in space else {"missing": True} for name in names}


def _encoded(value: Any) -> dict:
    try:
        return {"value": encode(value, _keep)}
    except Exception as error:
        kind = "own" if isinstance(error, OwnClassError) else "plain" if isinstance(error, NotPlainError) else "error"
        return {"cannot": [kind, f"{type(error).__name__}: {error}" if kind == "error" else str(error)]}


def _call(key: int, packed: str) -> dict:
    args, options = _Unpickler(io.BytesIO(base64.b64decode(packed))).load()
    given = [*args, *options.values()]
    before = [_state(one) for one in given]
    try:
        got = _functions[key](*args, **options)
    except Exception as error:
        lines = traceback.format_exception(error.__class__, error, error.__traceback__.tb_next)
        alone = len(error.args) == 1 and isinstance(error.args[0], str)  # str() of a KeyError puts quotes around it
        text = error.args[0] if alone else str(error)
        return {"raised": [type(error).__name__, text[:LONGEST], "".join(lines)[-LONGEST:]]}
    after = [_state(one) for one in given]
    changed = {str(i): new for i, (old, new) in enumerate(zip(before, after, strict=True)) if old != new}
    return _encoded(got) | {"after": changed}


def _state(value: Any) -> Any:
    """What a function may have changed in an argument; None for what it can't change, or what is too large."""
    if type(value) in (int, float, str, bool, tuple) or getattr(value, "nbytes", 0) > 10_000_000:
        return None
    with contextlib.suppress(Exception):
        return encode(value, id)
    return None


class _Unpickler(pickle.Unpickler):
    """Reads what the judge sends; networks and the student's own functions come under names of their own."""

    def persistent_load(self, found: tuple) -> Any:
        kind, data = found
        return _functions[data] if kind == "function" else decode(data)
