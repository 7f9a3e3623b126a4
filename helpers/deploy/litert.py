"""A network as a file for LiteRT, the runtime for phones and embedded computers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras


def export_litert(model: keras.Model, file: Path | str, optimizations: Sequence[Any] = ()) -> Path:
    """Write a network for LiteRT: `model.export(file, format="litert")`, where Keras is new enough for that.

    An older Keras, such as Colab's, leaves it to TensorFlow's converter, which writes the same.

    Args:
        model: built, with one input.
        file: to write; its name ends in .tflite.
        optimizations: of `tf.lite.Optimize`, such as DEFAULT for weights of 8 bits. Default: none, 32-bit floats.

    Returns:
        The path of the file.

    Raises:
        ValueError: the name doesn't end in .tflite, or the network can't be converted.

    Example:
        >>> model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        >>> export_litert(model, "model.h5")
        Traceback (most recent call last):
        ...
        ValueError: file: 'model.h5' doesn't end in .tflite, as files for LiteRT do.
    """
    path, options = Path(file), {"optimizations": list(optimizations)} if optimizations else {}
    if path.suffix != ".tflite":
        raise ValueError(f"file: {path.name!r} doesn't end in .tflite, as files for LiteRT do.")
    try:
        model.export(path, format="litert", verbose=False, **options)
    except ValueError as error:
        if "Unrecognized format" not in str(error):
            raise
        _convert(model, path, list(optimizations))
    return path


def _convert(model: keras.Model, path: Path, optimizations: list) -> None:
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = optimizations
    path.write_bytes(converter.convert())
