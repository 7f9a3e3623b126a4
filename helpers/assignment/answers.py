"""How the test cells of the exercises ask a student's functions and networks: by running them."""

from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import numpy as np

from helpers.assignment.exercise import close

SCALES = {
    (1 / 255, 0.0): "",
    (1.0, 0.0): "Numbers up to 255 reach the first layer with weights: put one Rescaling(1 / 255) before it.",
    (1 / 255**2, 0.0): "The pixels are divided by 255 twice, so the network sees almost black images.",
    (2 / 255, -1.0): "The pixels go from -1 to 1; 0 to 1 was asked for: Rescaling(1 / 255), without an offset.",
    (1 / 127.5, 0.0): "The pixels go from 0 to 2; 0 to 1 was asked for: Rescaling(1 / 255).",
}
ACTIVATIONS = {
    "relu": "",
    "linear": "A hidden layer has no activation: without ReLU, two layers can do no more than one.",
    "sigmoid": "The hidden layers have a sigmoid; ReLU was asked for.",
    "tanh": "The hidden layers have tanh; ReLU was asked for.",
}
ENDS = {
    "sigmoid": "",
    "linear": "The outputs aren't probabilities: the last unit needs a sigmoid.",
    "softmax": "All answers are the same. Softmax over a single unit is always 1: take a sigmoid.",
    "relu": "The outputs aren't probabilities: the last unit has ReLU, it needs a sigmoid.",
    "tanh": "The outputs aren't probabilities: the last unit has tanh, it needs a sigmoid.",
}
PADDINGS = {"same": "", "valid": "A convolution cuts the border off: is the padding same everywhere?"}
POOLINGS = {
    "max": "",
    "average": "The pooling takes means; max pooling was asked for.",
    "none": "There is no pooling after the convolutions: each block ends with MaxPooling2D.",
}


def ask(function: Callable, *arguments: Any, case: str, **named: Any) -> Any:
    """Call a student's function; what it raises becomes a message that names the case.

    Args:
        function: The student's.
        arguments: For it; copies of arrays are not made.
        case: What is asked, as in "without hidden layers".
        named: More arguments for it.

    Returns:
        What the function returns.

    Raises:
        AssertionError: The function stops with an error.
        NotImplementedError: It isn't written yet.

    Example:
        >>> ask(len, [1, 2], case="two numbers")
        2
    """
    try:
        return function(*arguments, **named)
    except NotImplementedError:
        raise
    except Exception as error:
        raise AssertionError(f"{case}: your function stops with {type(error).__name__}: {error}") from error


def outputs(model: Any, images: np.ndarray) -> np.ndarray:
    """What a network answers, with everything that belongs to training alone switched off.

    Args:
        model: The student's, in Keras.
        images: (n, ...) its inputs.

    Returns:
        (n, ...) floats.

    Raises:
        AssertionError: It isn't a network, or it doesn't take such inputs.
    """
    assert callable(model) and hasattr(model, "get_weights"), "This must be a Keras model."
    try:
        return np.asarray(model(np.asarray(images, dtype="float32"), training=False), dtype=float)
    except Exception as error:
        said = _first_line(error)
        raise AssertionError(f"The model doesn't take inputs of shape {np.shape(images)[1:]}: {said}") from error


def shape_of(given: Any) -> tuple[int, ...] | None:
    """The shape of what a student returns.

    Args:
        given: A number, a list, an array, or something else.

    Returns:
        Its shape; None where it has none, such as a number beside a pair.

    Example:
        >>> shape_of([0.9, 0.8, 0.95]), shape_of((0.9, (0.8, 0.95)))
        ((3,), None)
    """
    try:
        return np.shape(given)
    except ValueError:
        return None


def loss_on(model: Any, truth: Iterable, given: Iterable, hint: str = "") -> float:
    """The loss that a network was compiled with, for answers that are given.

    Args:
        model: The student's, in Keras; its loss may be a name, a function, or an object.
        truth: (n,) labels.
        given: (n, k) answers.
        hint: Said first where its loss doesn't take them.

    Raises:
        AssertionError: It isn't compiled, or its loss doesn't take such answers.
    """
    import keras

    loss = getattr(model, "loss", None)
    while isinstance(loss, list | tuple | dict) and len(loss) == 1 and not hasattr(loss, "config"):
        loss = next(iter(loss.values() if isinstance(loss, dict) else loss))
    assert loss is not None, "The model has no loss yet: compile it."
    try:
        value = keras.losses.get(loss)(np.asarray(truth), np.asarray(given, dtype="float32"))
    except Exception as error:
        said = _first_line(error)
        raise AssertionError(f"{hint} The loss doesn't take these labels and answers: {said}".strip()) from error
    return float(np.mean(np.asarray(value)))


def arrays_of(model: Any, shapes: Iterable[tuple]) -> list[np.ndarray] | None:
    """The weights of a network in the order of their shapes, however its layers are nested.

    Args:
        model: The student's, in Keras.
        shapes: Each of them different.

    Returns:
        One array for each shape; None where the network has others.
    """
    found = {array.shape: array for array in model.get_weights()}
    shapes = list(shapes)
    return [found[shape] for shape in shapes] if set(found) == set(shapes) else None


def by_hand(
    weights: list[np.ndarray],
    images: np.ndarray,
    scale: tuple = (1 / 255, 0.0),
    hidden: str | tuple = "relu",
    end: str = "sigmoid",
    padding: str | tuple = "same",
    pooling: str = "max",
) -> np.ndarray:
    """What a network with these weights should answer: convolutions, their means, and then dense layers.

    Args:
        weights: Kernels and biases in turn, from the first layer to the last.
        images: (n, height, width, channels).
        scale: Factor and offset of the pixels.
        hidden: Activation of all layers but the last, or one for each of them.
        end: Activation of the last.
        padding: Of the convolutions, or one for each of them.
        pooling: "max", "average" or "none", over 2 by 2 places after each convolution.

    Returns:
        (n, units of the last layer).
    """
    import keras

    x = images.astype("float32") * np.float32(scale[0]) + np.float32(scale[1])
    for i in range(0, len(weights), 2):
        kernel, bias, last = weights[i], weights[i + 1], i + 2 == len(weights)
        activation = end if last else hidden if isinstance(hidden, str) else hidden[i // 2]
        if kernel.ndim == 4:
            border = padding if isinstance(padding, str) else padding[i // 2]
            x = _activate(activation, keras.ops.conv(x, kernel, padding=border) + bias)
            pool = {"max": keras.ops.max_pool, "average": keras.ops.average_pool}.get(pooling)
            x = pool(x, 2, 2, "valid") if pool else x
        else:
            x = keras.ops.mean(x, (1, 2)) if i and len(x.shape) == 4 else keras.ops.reshape(x, (len(images), -1))
            x = keras.ops.matmul(x, kernel) + bias
            x = _activate(activation, x)
    return np.asarray(x, dtype=float)


def deviation(given: np.ndarray, weights: list[np.ndarray], images: np.ndarray, **choices: dict[Any, str]) -> str:
    """What a network does other than asked, found by comparing its answers with those of likely mistakes.

    Args:
        given: (n, k) its answers.
        weights: As for `by_hand`.
        images: The inputs.
        choices: For an argument of `by_hand`, its values with what they mean: "" for the right one.

    Returns:
        A sentence; "" where the answers are right.
    """
    combinations = product(*(choice.items() for choice in choices.values()))
    tried = sorted(combinations, key=lambda one: sum(bool(sentence) for _, sentence in one))
    for combination in tried:
        expected = by_hand(weights, images, **dict(zip(choices, (value for value, _ in combination), strict=True)))
        if close(given, expected, 1e-4):
            return next((sentence for _, sentence in combination if sentence), "")
    return "The network has the right weights but computes something else: look at activations, pixels and pooling."


def _activate(name: str, x: Any) -> Any:
    """An activation; softmax over a single unit gives 1 without Keras' warning."""
    import keras

    alone = name == "softmax" and x.shape[-1] == 1
    return keras.ops.ones_like(x) if alone else keras.activations.get(name)(x)


def _first_line(error: Exception) -> str:
    """What went wrong, without Keras' frame around it and the codes for bold letters."""
    lines = [line.replace("\x1b[1m", "").replace("\x1b[0m", "").strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line and not line.startswith("Exception encountered")]
    return lines[0][:200] if lines else type(error).__name__
