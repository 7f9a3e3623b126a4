"""Keras networks as configuration and weights: Keras' own classes and nothing else is built from them."""

import json
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from helpers.course.grading.judge.values.refusals import NotPlainError, OwnClassError

# Where a name in a configuration may come from. Layers that run code, or read files, are no part of it.
HOMES = (
    "keras", "keras.layers", "keras.models", "keras.initializers", "keras.optimizers", "keras.losses",
    "keras.metrics", "keras.regularizers", "keras.constraints", "keras.activations", "keras.dtype_policies",
    "keras.optimizers.schedules",
)  # fmt: skip
CODE = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
FILES = {"StringLookup", "IntegerLookup", "TextVectorization", "HashedCrossing", "Hashing"}
MARKS = {"__keras_tensor__", "__ellipsis__", "__slice__"}  # of Keras' own format, with nothing to build
MODELS = {"Functional": "keras.src.models.functional", "Sequential": "keras.src.models.sequential"}
FUNCTIONS = ("activations", "losses", "metrics", "ops")


def encode_network(value: Any, inner: Callable[[Any], Any]) -> dict | None:
    """Make JSON of a network, a layer, or another part that Keras can describe; None for anything else.

    Args:
        value: Any value.
        inner: Encodes arrays.

    Raises:
        OwnClassError: It has layers of somebody's own, or functions.
    """
    keras = sys.modules["keras"]
    if isinstance(value, keras.Variable):
        return {"tensor": inner(keras.ops.convert_to_numpy(value))}
    described = (keras.Layer, keras.losses.Loss, keras.metrics.Metric, keras.optimizers.Optimizer)
    described += (keras.initializers.Initializer, keras.regularizers.Regularizer)
    if not isinstance(value, (*described, keras.optimizers.schedules.LearningRateSchedule)):
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # of functions, which are refused below
            config = json.loads(json.dumps(keras.saving.serialize_keras_object(value)))
    except Exception as error:
        raise OwnClassError(f"{type(value).__name__}: Keras can't describe it ({type(error).__name__})") from error
    check(config)
    if not isinstance(value, keras.Layer):
        return {"keras": config}
    kind = "model" if isinstance(value, keras.Model) else "layer"
    weights = [inner(weight) for weight in value.get_weights()]
    flags = [bool(layer.trainable) for layer in value._flatten_layers()]
    return {kind: config, "weights": weights, "trainable": flags}


def decode_network(kind: str, data: dict, inner: Callable[[Any], Any]) -> Any:
    """Build a network, a layer or another part; nothing is built before every name in it is known.

    Args:
        kind: "model", "layer" or "keras".
        data: As from `encode_network`.
        inner: Decodes arrays.

    Raises:
        OwnClassError: A name in it isn't Keras' own.
    """
    import keras

    check(data[kind])
    try:
        made = keras.saving.deserialize_keras_object(data[kind], safe_mode=True)
    except Exception as error:  # such as an activation of one's own, which stands there by its name
        raise OwnClassError(f"a network that Keras alone can't rebuild ({type(error).__name__})") from error
    if kind != "keras":
        if weights := [inner(weight) for weight in data["weights"]]:
            made.set_weights(weights)
        set_trainable(made, data["trainable"])
    return made


def set_trainable(network: Any, flags: list[bool]) -> None:
    """Freeze each layer of a network by itself, or let it learn.

    Args:
        network: A model or a layer.
        flags: One for each layer in it, itself among them, in Keras' order.
    """
    for layer, flag in zip(network._flatten_layers(), flags, strict=False):
        if layer._layers:
            layer._trainable = bool(flag)  # its setter would change all below it
        else:
            layer.trainable = bool(flag)


def check(config: Any) -> None:
    """Refuse a configuration that names anything but Keras' own public classes and functions.

    Args:
        config: Lists and dictionaries, as from `json.loads`.

    Raises:
        OwnClassError: It names something else.
    """
    for part in _parts(config):
        name, module = part.get("class_name"), part.get("module")
        if name is None and "class_name" not in part:
            continue
        if not isinstance(name, str) or part.get("registered_name") not in (None, name, part.get("config")):
            raise OwnClassError(f"a network with {str(name)[:40]!r} of one's own")
        if not _is_kerass_own(name, module, part.get("config")):
            raise OwnClassError(f"a network with {str(name)[:40]!r}, which Keras alone can't rebuild")


def _is_kerass_own(name: str, module: Any, config: Any) -> bool:
    import keras

    if name in MARKS:
        return True
    if name == "function":
        places = [getattr(keras, place) for place in FUNCTIONS]
        return isinstance(config, str) and any(callable(getattr(place, config, None)) for place in places)
    if name in CODE | FILES or not isinstance(module, str):
        return False
    if MODELS.get(name) == module:
        return True
    if module.startswith("keras.src.ops."):  # x / 255 in a functional network
        found = getattr(sys.modules.get(module), name, None)
        return isinstance(found, type) and issubclass(found, keras.Operation)
    if module not in HOMES:
        return False
    home: Any = sys.modules["keras"]
    for step in module.split(".")[1:]:
        home = getattr(home, step)
    return isinstance(getattr(home, name, None), type)


def _parts(config: Any) -> Iterator[dict]:
    """Every dictionary in a configuration, without recursion: a hostile one may be deep."""
    waiting = [config]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            yield part
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
        elif not (part is None or isinstance(part, (bool, int, float, str))):
            raise NotPlainError("the answer arrived damaged: a configuration")
