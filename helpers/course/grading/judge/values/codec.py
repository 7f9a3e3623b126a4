"""Values as JSON: all that comes out of a student's interpreter. Nothing of a student's runs where they are read.

Numbers, texts, containers and arrays become the exact types of Python, NumPy and pandas, so that no `__eq__` of
somebody's own decides a comparison. What else can pass is in `objects`, beside this module.
"""

import base64
import itertools
from collections import deque
from collections.abc import Callable, ItemsView, KeysView, ValuesView
from pathlib import PurePath
from types import GeneratorType
from typing import Any

import numpy as np

from helpers.course.grading.judge.values import objects, tables
from helpers.course.grading.judge.values.refusals import NotPlainError

MOST = 100_000_000  # characters of one message
DEEPEST = 40
MOST_ITEMS = 1_000_000  # of an iterator, which may have no end
CONTAINERS = {kind.__name__: kind for kind in (list, tuple, set, frozenset)}
BASES = (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset)
ONE_WAY = (KeysView, ValuesView, ItemsView, GeneratorType, map, zip, filter, enumerate, reversed, deque)
RAW = "iufcMm"  # kinds of arrays that are handed over as bytes


def encode(value: Any, keep: Callable[[Any], Any] | None = None, depth: int = 0) -> Any:
    """Make JSON of a value.

    Args:
        value: Any value; subclasses of Python's types are taken for what they hold.
        keep: Stores a function and returns the key that it is called by; None refuses functions.
        depth: Of the value within another one.

    Returns:
        What `json.dumps` takes.

    Raises:
        NotPlainError: The value is of a type that can't be handed over.

    Example:
        >>> decode(encode({"tp": (1, 2.5)}))
        {'tp': (1, 2.5)}
    """
    if depth > DEEPEST:
        raise NotPlainError(f"a value with more than {DEEPEST} levels can't be handed to the test; make it flatter")
    kind = type(value)
    if value is None or kind in (bool, str, float):
        return value

    def inner(one: Any) -> Any:
        return encode(one, keep, depth + 1)

    if kind is int:
        return {"int": hex(value)} if abs(value) > 2**53 else value
    if kind is dict:
        return {"dict": [[inner(key), inner(one)] for key, one in value.items()]}
    if kind in CONTAINERS.values():
        return {kind.__name__: [inner(one) for one in value]}
    if kind in (complex, bytes, range):
        return _encode_rare(value, kind)
    if isinstance(value, (np.ndarray, np.generic)):
        return _encode_array(np.asarray(value), isinstance(value, np.generic), inner)
    for known in (tables.encode_table, objects.encode_object):
        if (found := known(value, inner)) is not None:
            return found
    if base := next((base for base in BASES if isinstance(value, base)), None):
        return inner(base(value))
    if isinstance(value, ONE_WAY):
        return inner(tuple(itertools.islice(value, MOST_ITEMS)))
    if isinstance(value, PurePath):
        return {"path": str(value)}
    if keep and callable(value) and not isinstance(value, type):
        return {"function": keep(value)}
    raise NotPlainError(f"a {kind.__name__} can't be handed to the test; give numbers, texts, arrays or tables")


def _encode_rare(value: Any, kind: type) -> dict:
    if kind is complex:
        return {"complex": [value.real, value.imag]}
    if kind is bytes:
        return {"bytes": base64.b64encode(value).decode()}
    return {"range": [hex(n) for n in (value.start, value.stop, value.step)]}


def _encode_array(array: np.ndarray, scalar: bool, inner: Callable) -> dict:
    if array.dtype.kind in RAW:
        raw = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
        return {"array": raw, "type": array.dtype.str, "shape": array.shape, "scalar": scalar}
    if array.dtype.kind == "b":
        return _encode_array(array.astype(np.uint8), scalar, inner) | {"type": "bool"}
    if array.dtype.kind in "OU":
        name = "object" if array.dtype.kind == "O" else "str"
        return {"items": [inner(one) for one in array.ravel().tolist()], "type": name, "shape": array.shape}
    raise NotPlainError(f"an array of {array.dtype} can't be handed to the test; give numbers or texts")


def decode(data: Any, call: Callable[[Any], Any] | None = None) -> Any:
    """Make a value of JSON from `encode`.

    Args:
        data: As from `json.loads`; from whom doesn't matter.
        call: Makes a function of the key of one; None refuses functions.

    Raises:
        NotPlainError: It is no value.
    """
    try:
        return _decode(data, call)
    except NotPlainError:
        raise
    except Exception as error:
        raise NotPlainError(f"the answer arrived damaged ({type(error).__name__})") from error


def _decode(data: Any, call: Callable[[Any], Any] | None) -> Any:
    if data is None or type(data) in (bool, int, float, str):
        return data
    if type(data) is not dict or not data:
        raise NotPlainError("the answer arrived damaged: no value")

    def inner(one: Any) -> Any:
        return _decode(one, call)

    kind = next(iter(data))
    if kind == "dict":
        return {inner(key): inner(one) for key, one in data["dict"]}
    if kind in CONTAINERS:
        return CONTAINERS[kind](inner(one) for one in data[kind])
    if kind == "array":
        return _decode_array(data)
    if kind == "items":
        return _decode_items(data, inner)
    if kind == "function" and call:
        return call(data["function"])
    plain = {
        "int": lambda one: int(one, 16),
        "complex": lambda one: complex(*one),
        "bytes": lambda one: base64.b64decode(one),
        "range": lambda one: range(*(int(n, 16) for n in one)),
        "path": PurePath,
    }
    if kind in plain:
        return plain[kind](data[kind])
    for known in (tables.decode_table, objects.decode_object):
        found = known(kind, data, inner)
        if found is not None:
            return found
    raise NotPlainError("the answer arrived damaged: an unknown kind of value")


def _decode_array(data: dict) -> Any:
    flags = data["type"] == "bool"
    kind = np.dtype(np.uint8) if flags else np.dtype(str(data["type"]))
    if kind.kind not in RAW:
        raise NotPlainError("the answer arrived damaged: a kind of array")
    array = np.frombuffer(base64.b64decode(data["array"]), kind).reshape(data["shape"]).copy()
    array = array != 0 if flags else array
    return array[()] if data["scalar"] else array


def _decode_items(data: dict, inner: Callable) -> np.ndarray:
    items = [inner(one) for one in data["items"]]
    array = np.empty(len(items), object)
    array[:] = items
    if data["type"] == "str":
        array = np.array([str(one) for one in items], dtype=str)
    return array.reshape(data["shape"])
