"""Networks, estimators, histories and the course's own records, as what they hold; classes are the libraries' own."""

import dataclasses
import importlib
import sys
from collections.abc import Callable
from typing import Any

from helpers.course.grading.judge.values import networks
from helpers.course.grading.judge.values.refusals import NotPlainError

CALLBACKS = ("History", "EarlyStopping", "ModelCheckpoint", "ReduceLROnPlateau", "LearningRateScheduler", "CSVLogger")
SKLEARN = ("linear_model", "preprocessing", "pipeline", "naive_bayes", "dummy", "isotonic", "compose", "decomposition")


def encode_object(value: Any, inner: Callable[[Any], Any]) -> dict | None:
    """Make JSON of an object of a known library; None for anything else.

    Args:
        value: Any value.
        inner: Encodes what is in it.

    Raises:
        OwnClassError: A network that only its own interpreter can run.
    """
    kind = type(value)
    module = str(kind.__module__)
    if module.startswith("tensorflow.") and hasattr(value, "numpy"):
        return {"tensor": inner(value.numpy())}
    if module.startswith("helpers.") and dataclasses.is_dataclass(value):
        fields = {field.name: inner(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"record": [module, kind.__qualname__], "fields": fields}
    if module.startswith("sklearn.") and hasattr(value, "get_params"):
        return {"sklearn": [module.split(".")[1], kind.__name__], "fields": _fields(value, inner, strict=True)}
    if module.startswith("keras_tuner.") and kind.__name__ == "HyperParameters":
        return {"space": inner(value.get_config())}
    if "keras" not in sys.modules:
        return None
    if isinstance(value, sys.modules["keras"].callbacks.Callback) and kind.__name__ in CALLBACKS:
        return {"callback": kind.__name__, "fields": _fields(value, inner, strict=False)}
    return networks.encode_network(value, inner)


def _fields(value: Any, inner: Callable, strict: bool) -> dict:
    """What an object holds; parts that can't be handed over are left out unless `strict`."""
    found = {}
    for name, one in vars(value).items():
        try:
            found[name] = inner(one)
        except NotPlainError:
            if strict:
                raise
    return found


def decode_object(kind: str, data: dict, inner: Callable[[Any], Any]) -> Any:
    """Make an object of JSON; None for anything else.

    Args:
        kind: The first key.
        data: As from `encode_object`.
        inner: Decodes what is in it.

    Raises:
        NotPlainError: Its class isn't one of those that may pass.
    """
    if kind == "tensor":
        import keras

        return keras.ops.convert_to_tensor(inner(data["tensor"]))
    if kind == "record":
        module, name = data["record"]
        if not str(module).startswith("helpers.") or str(module).startswith("helpers.course"):
            raise NotPlainError("the answer arrived damaged: a kind of record")
        return _made(_known(module, name, dataclasses.is_dataclass), data["fields"], inner)
    if kind == "sklearn":
        module, name = data["sklearn"]
        if module not in SKLEARN:
            raise NotPlainError(f"an estimator of sklearn.{module} can't be handed to the test")
        return _made(_known(f"sklearn.{module}", name, lambda one: hasattr(one, "get_params")), data["fields"], inner)
    if kind == "callback" and data["callback"] in CALLBACKS:
        return _made(_known("keras.callbacks", data["callback"], callable), data["fields"], inner)
    if kind == "space":
        import keras_tuner

        return keras_tuner.HyperParameters.from_config(inner(data["space"]))
    if kind in ("model", "layer", "keras"):
        return networks.decode_network(kind, data, inner)
    return None


def _known(module: str, name: str, fits: Callable[[type], bool]) -> type:
    found = getattr(importlib.import_module(module), str(name), None)
    if not isinstance(found, type) or not fits(found):
        raise NotPlainError(f"a {name} can't be handed to the test")
    return found


def _made(kind: type, fields: dict, inner: Callable) -> Any:
    """An object with these fields; none of them takes the place of a method."""
    made = object.__new__(kind)
    for name, one in fields.items():
        if not callable(getattr(kind, name, None)):
            object.__setattr__(made, name, inner(one))
    return made
