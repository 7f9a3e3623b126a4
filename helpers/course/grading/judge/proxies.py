"""Runs in the judge's interpreter: a student's functions, called where they live."""

import base64
import builtins
import io
import json
from collections.abc import Callable
from typing import Any

import cloudpickle
import numpy as np

from helpers.course.grading.judge.values.codec import decode, encode
from helpers.course.grading.judge.values.refusals import NotPlainError, OwnClassError

# errors that Python itself takes for the end of a loop: raised by a student's function they would cut a test short
ENDS = (StopIteration, StopAsyncIteration)


class Proxy:
    """A function of the student's: called with values, it gives values."""

    def __init__(self, key: Any, ask: Callable[[dict], dict]) -> None:
        self._key, self._ask = key, ask
        self.__name__ = "function"

    def __call__(self, *args: Any, **options: Any) -> Any:
        """Call it in the student's interpreter; what it does to its arguments is done here too."""
        got = self._ask({"call": self._key, "args": pack(args, options)})
        return returned(got, [*args, *options.values()], lambda key: Proxy(key, self._ask))


def pack(args: tuple, options: dict) -> str:
    """Write arguments down for the student's interpreter, which loads them with pickle: they are the course's own.

    Args:
        args: By place.
        options: By name.
    """
    text = io.BytesIO()
    _Pickler(text).dump((args, options))
    return base64.b64encode(text.getvalue()).decode()


class _Pickler(cloudpickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, Proxy):
            return "function", value._key
        if type(value).__module__.split(".")[0] in ("keras", "keras_tuner"):
            try:
                return "value", encode(value)
            except NotPlainError:
                return None
        return None


def returned(answer: str, given: list, call: Callable[[Any], Any]) -> Any:
    """Read what a student's function gave, or raise what it raised.

    Args:
        answer: JSON, from whom doesn't matter.
        given: The arguments; those that it changed are changed.
        call: Makes a function of the key of one.

    Raises:
        NotPlainError: It gave what can't be handed over.
        Exception: It raised one of Python's own exceptions, or another one, which is a RuntimeError here.
    """
    got = read(answer)
    if "raised" in got:
        raise _error(got["raised"])
    if "cannot" in got:
        raise refusal(got["cannot"], "What your function returned can't be judged: ")
    for place, new in got.get("after", {}).items():
        _change(given[int(place)], decode(new))
    return decode(got.get("value"), call)


def read(answer: Any) -> dict:
    """Return a message of the student's interpreter.

    Args:
        answer: Text that should be JSON.

    Raises:
        NotPlainError: It is none.
    """
    try:
        got = json.loads(answer)
    except (ValueError, RecursionError, TypeError):
        got = None
    if type(got) is not dict:
        raise NotPlainError("the answer arrived damaged")
    return got


def refusal(cannot: Any, before: str) -> NotPlainError:
    """Return the error for a value that can't be handed over.

    Args:
        cannot: [kind, text], from whom doesn't matter.
        before: Begin of the sentence.
    """
    kind, text = cannot if isinstance(cannot, list) and len(cannot) == 2 else ("plain", "")
    return (OwnClassError if kind == "own" else NotPlainError)(f"{before}{str(text)[:400]}")


def _error(raised: Any) -> Exception:
    if not (isinstance(raised, list) and len(raised) == 3 and all(isinstance(one, str) for one in raised)):
        return NotPlainError("the answer arrived damaged")
    name, text, lines = raised
    kind = getattr(builtins, name, None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)) or issubclass(kind, ENDS):
        kind, text = RuntimeError, f"{name}: {text}"
    try:
        error = kind(text)
    except TypeError:  # UnicodeDecodeError wants more
        error = RuntimeError(f"{name}: {text}")
    error.lines = lines[-3000:]
    return error


def _change(mine: Any, new: Any) -> None:
    """Do to an argument what was done to its copy."""
    if isinstance(mine, np.ndarray) and isinstance(new, np.ndarray) and mine.shape == new.shape:
        mine[...] = new
    elif isinstance(mine, list) and isinstance(new, list):
        mine[:] = new
    elif isinstance(mine, dict) and isinstance(new, dict):
        mine.clear()
        mine.update(new)
    elif hasattr(mine, "get_weights") and hasattr(new, "get_weights"):
        from helpers.course.grading.judge.values.networks import set_trainable

        if weights := new.get_weights():
            mine.set_weights(weights)
        set_trainable(mine, [layer._trainable for layer in new._flatten_layers()])
    elif hasattr(mine, "get_config") and type(mine).__name__ == "HyperParameters" and type(new) is type(mine):
        vars(mine).update(vars(new))
    elif type(mine).__name__ == "DataFrame" and type(new) is type(mine) and len(mine) == len(new):
        for name in [name for name in mine.columns if name not in new.columns]:
            del mine[name]
        for name in new.columns:
            mine[name] = new[name].to_numpy()
