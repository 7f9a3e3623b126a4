"""A file for LiteRT answers as the network does, whichever way it was written."""

import keras
import numpy as np
import pytest
from keras import layers

from helpers.deploy.litert import export_litert


@pytest.fixture
def model():
    keras.utils.set_random_seed(7)
    return keras.Sequential(
        [keras.Input((8, 8, 1)), layers.Conv2D(4, 3, activation="relu"), layers.Flatten(), layers.Dense(2)]
    )


@pytest.mark.parametrize("old", [False, True], ids=["Keras writes it", "TensorFlow writes it"])
def test_a_file_answers_as_the_network_does(model, tmp_path, monkeypatch, old):
    interpreter = pytest.importorskip("ai_edge_litert.interpreter", reason="ai-edge-litert is not installed")
    if old:

        def export(*_, format, **__):
            raise ValueError(f"Unrecognized format={format}. Supported formats are: ['tf_saved_model', 'onnx'].")

        monkeypatch.setattr(model, "export", export)
    images = np.random.default_rng(7).normal(size=(3, 8, 8, 1)).astype("float32")
    plain = interpreter.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    file = export_litert(model, tmp_path / "small.tflite")
    ask = interpreter.Interpreter(str(file), experimental_op_resolver_type=plain).get_signature_runner()
    (entry,) = ask.get_input_details()
    assert np.allclose(ask(**{entry: images})["output_0"], model.predict(images, verbose=0), atol=1e-5)


def test_another_error_of_keras_is_not_hidden(model, tmp_path, monkeypatch):
    def export(*_, **__):
        raise ValueError("an input without a shape")

    monkeypatch.setattr(model, "export", export)
    with pytest.raises(ValueError, match="without a shape"):
        export_litert(model, tmp_path / "small.tflite")


def test_the_name_says_what_the_file_is(model, tmp_path):
    with pytest.raises(ValueError, match=r"small\.bin.*\.tflite"):
        export_litert(model, tmp_path / "small.bin")
