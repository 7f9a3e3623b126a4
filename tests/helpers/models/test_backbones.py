"""Backbones: raw pixels in, the right preprocessing inside, frozen as promised, and honest about their weights.

On a push the preprocessing of two of them is compared with Keras' here, that of the other four in
test_reference_models.py; `make weekly` compares all.
"""

import threading
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import keras
import numpy as np
import pytest
from keras import layers

from data_prework.sources import weights
from data_prework.sources.publishers import Direct
from helpers.models import backbones
from helpers.models.backbones import NoWeightsError, load_backbone, unfreeze
from tests.helpers.models.lite0 import needs_weights
from tests.weekly import WEEKLY

GREY = np.random.default_rng(0).uniform(0, 255, (4, 32, 32, 1)).astype("float32")
COLOUR = np.random.default_rng(1).uniform(0, 255, (4, 32, 32, 3)).astype("float32")
APPLICATIONS = {
    "VGG16": keras.applications.vgg16,
    "VGG19": keras.applications.vgg19,
    "ResNet50": keras.applications.resnet50,
    "Xception": keras.applications.xception,
    "MobileNetV2": keras.applications.mobilenet_v2,
    "EfficientNetV2B0": keras.applications.efficientnet_v2,
}


COMPARED = APPLICATIONS if WEEKLY else ("MobileNetV2", "EfficientNetV2B0")


def answer(model, images):
    """What the model answers, without a graph: it is asked once or twice."""
    return keras.ops.convert_to_numpy(model(images, training=False))


def source(url: str) -> Direct:
    """A MobileNetV2 file at another address than Keras' own, so that no test asks the network."""
    return Direct((url,), "mobilenet.h5", "https://example.org", None, 9)


@contextmanager
def serving(folder):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """(folder, network): Keras' own MobileNetV2 with random weights, saved in each format."""
    folder = tmp_path_factory.mktemp("written")
    network = keras.applications.MobileNetV2(include_top=False, weights=None, input_shape=(None, None, 3))
    rng = np.random.default_rng(2)  # averages that differ from layer to layer, as in a trained network
    network.set_weights([abs(w + rng.normal(0, 0.05, w.shape)) if w.ndim == 1 else w for w in network.get_weights()])
    network.save_weights(folder / "net.weights.h5")
    for name in ("mobilenet.h5", "net.keras"):
        network.save(folder / name)
    return folder, network


@pytest.fixture(scope="module")
def from_file(written):
    """The backbone with the weights of that network; never change it."""
    return load_backbone("MobileNetV2", written[0] / "net.weights.h5")


@pytest.fixture(autouse=True)
def empty_places(tmp_path, monkeypatch):
    """No weights in Keras' cache or in the course's folder, and nobody at the other end of the line."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setitem(weights.WEIGHTS, "MobileNetV2", source("http://127.0.0.1:9/mobilenet.h5"))


@pytest.fixture
def no_packages(monkeypatch):
    unknown = replace(weights.PACKAGED["EfficientNetLite0"], package="no-such-package-of-weights")
    monkeypatch.setitem(weights.PACKAGED, "EfficientNetLite0", unknown)


@pytest.fixture
def course_weights(tmp_path, monkeypatch):
    """A file of random weights in the place of the course's own."""
    path = tmp_path / "course_backbone.weights.h5"
    backbones.course_network().save_weights(path)
    monkeypatch.setattr(backbones, "COURSE_WEIGHTS", path)
    return path


# what goes into a network


@pytest.mark.parametrize("name", COMPARED)
def test_the_preprocessing_inside_is_that_of_keras(name):
    module = APPLICATIONS[name]
    backbone = load_backbone(name, weights=None)
    first = next(layer for layer in backbone.layers if isinstance(layer, layers.Conv2D))
    before = keras.Model(backbone.input, first.input)
    plain = getattr(module, name)(include_top=False, weights=None, input_shape=(None, None, 3))
    first = next(layer for layer in plain.layers if isinstance(layer, layers.Conv2D))
    images = np.random.default_rng(3).uniform(0, 255, (2, 8, 8, 3)).astype("float32")
    expected = answer(keras.Model(plain.input, first.input), module.preprocess_input(images.copy()))
    np.testing.assert_allclose(answer(before, images), expected, atol=1e-4)
    assert backbone.count_params() == plain.count_params()


def test_grey_images_give_what_three_equal_channels_give(written, from_file):
    grey = load_backbone("MobileNetV2", written[0] / "net.weights.h5", image_shape=(32, 32, 1))
    np.testing.assert_allclose(answer(grey, GREY), answer(from_file, np.repeat(GREY, 3, axis=3)), atol=1e-5)


def test_the_course_network_takes_grey_and_colour_of_any_size(course_weights):
    grey, colour = load_backbone("course", image_shape=(None, None, 1)), load_backbone("Course")
    np.testing.assert_allclose(answer(grey, GREY), answer(colour, np.repeat(GREY, 3, axis=3)), atol=1e-5)
    assert answer(colour, np.zeros((1, 64, 96, 3))).shape[1:3] == (4, 6)
    assert colour.name == "course_backbone" and not colour.trainable_weights


def test_bytes_and_floats_are_the_same_pixels(from_file):
    whole = COLOUR.astype("uint8")
    as_bytes, as_floats = (from_file.predict(images, verbose=0) for images in (whole, whole.astype("float32")))
    np.testing.assert_array_equal(as_bytes, as_floats)
    np.testing.assert_allclose(answer(from_file, whole), as_bytes, atol=1e-5)


# where the weights come from


@pytest.mark.parametrize("file", ["net.weights.h5", "mobilenet.h5", "net.keras"])
def test_a_file_that_keras_wrote_gives_the_features_of_its_network(written, file):
    folder, network = written
    backbone = load_backbone("mobilenetv2", folder / file)
    expected = answer(network, keras.applications.mobilenet_v2.preprocess_input(COLOUR.copy()))
    np.testing.assert_allclose(answer(backbone, COLOUR), expected, atol=1e-5)
    assert backbone.name == "MobileNetV2_file"


@pytest.mark.parametrize("place", ["keras/models", "data/weights"])
def test_imagenet_weights_are_found_without_a_network(written, tmp_path, place, capsys):
    folder, network = written
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "mobilenet.h5").write_bytes((folder / "mobilenet.h5").read_bytes())
    backbone = load_backbone("MobileNetV2", fallback="error")
    expected = answer(network, keras.applications.mobilenet_v2.preprocess_input(COLOUR.copy()))
    np.testing.assert_allclose(answer(backbone, COLOUR), expected, atol=1e-5)
    assert backbone.name == "MobileNetV2_imagenet" and capsys.readouterr() == ("", "")


def test_imagenet_weights_are_downloaded_once_and_kept(written, tmp_path, monkeypatch, capsys):
    with serving(written[0]) as address:
        monkeypatch.setitem(weights.WEIGHTS, "MobileNetV2", source(f"{address}/mobilenet.h5"))
        load_backbone("MobileNetV2", fallback="error")
        assert capsys.readouterr().err == ""
    assert (tmp_path / "data" / "weights" / "mobilenet.h5").is_file()
    load_backbone("MobileNetV2", fallback="error")  # the server is gone
    assert capsys.readouterr() == ("", "")


@needs_weights
def test_offline_the_packaged_network_comes_with_one_line_that_says_so(capsys):
    backbone = load_backbone("MobileNetV2", image_shape=(32, 32, 1))
    said = capsys.readouterr()
    assert backbone.name == "EfficientNetLite0_imagenet" and backbone.input_shape == (None, 32, 32, 1)
    assert said.out.count("\n") == 1 and said.err == ""
    assert "no connection" in said.out and "python -m data_prework weights MobileNetV2" in said.out
    assert said.out.endswith("The course gives EfficientNetLite0 with ImageNet weights instead.\n")


@pytest.mark.parametrize("fallback", ["EfficientNetLite0", "course"])
def test_offline_the_course_network_comes_with_one_line_that_says_so(course_weights, no_packages, fallback, capsys):
    backbone = load_backbone("MobileNetV2", image_shape=(32, 32, 3), fallback=fallback)
    said = capsys.readouterr()
    assert backbone.name == "course_backbone" and said.err == "" and not backbone.trainable_weights
    assert said.out.count("\n") == 1
    for words in (
        "MobileNetV2",
        "no connection",
        "python -m data_prework weights MobileNetV2",
        "its own small network",
    ):
        assert words in said.out
    assert ("no package no-such-package-of-weights is installed" in said.out) == (fallback == "EfficientNetLite0")


def test_offline_a_lesson_can_ask_for_the_course_network_by_itself(course_weights, capsys):
    assert load_backbone("MobileNetV2", image_shape=(32, 32, 3), fallback="course").name == "course_backbone"
    assert "EfficientNetLite0" not in capsys.readouterr().out


def test_offline_a_lesson_can_have_the_same_network_with_random_weights(capsys):
    backbone = load_backbone("MobileNetV2", fallback="random")
    assert backbone.name == "MobileNetV2_random" and "MobileNetV2 with random weights" in capsys.readouterr().out


def test_offline_a_lesson_can_have_an_error():
    with pytest.raises(NoWeightsError, match="python -m data_prework weights MobileNetV2"):
        load_backbone("MobileNetV2", fallback="error")


def test_a_server_without_the_file_is_named_as_the_cause(tmp_path, monkeypatch):
    with serving(tmp_path) as address:
        monkeypatch.setitem(weights.WEIGHTS, "MobileNetV2", source(f"{address}/mobilenet.h5"))
        with pytest.raises(NoWeightsError, match="404"):
            load_backbone("MobileNetV2", fallback="error")


def test_the_course_weights_load_whatever_was_built_before(course_weights):
    first = answer(load_backbone("course"), COLOUR)
    keras.Sequential([keras.Input((8, 8, 3)), layers.Conv2D(4, 3), layers.Conv2D(4, 3)])
    np.testing.assert_array_equal(answer(load_backbone("course", weights="course"), COLOUR), first)


# bad requests


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no file .*nowhere\.h5"):
        load_backbone("MobileNetV2", tmp_path / "nowhere.h5")


@pytest.mark.parametrize("file", ["net.weights.h5", "mobilenet.h5", "net.keras"])
def test_a_file_of_another_network_is_refused_by_name(written, file):
    with pytest.raises(ValueError, match=rf"{file} does not fit course"):
        load_backbone("course", written[0] / file)


@pytest.mark.parametrize("file", ["cut.weights.h5", "cut.h5", "cut.keras"])
def test_a_damaged_file_is_refused_by_name(tmp_path, file):
    (tmp_path / file).write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(ValueError, match=rf"{file} does not fit course"):
        load_backbone("course", tmp_path / file)


@pytest.mark.parametrize(
    "request_, words",
    [
        ({"name": "VGG17"}, "VGG16, VGG19"),
        ({"name": "Xception", "image_shape": (64, 64, 3)}, "Xception needs 71 pixels"),
        ({"name": "course", "image_shape": (64, 64, 4)}, "3 channels, or 1 for grey"),
        ({"name": "VGG16", "weights": "course"}, "fit its own network only"),
        ({"name": "course", "fallback": "hope"}, "fallback: 'hope'"),
        ({"name": "course", "weights": "net.txt"}, "there is no file net.txt"),
    ],
)
def test_a_request_that_cannot_be_met_is_refused_in_words(request_, words):
    with pytest.raises((ValueError, OSError)) as caught:
        load_backbone(**request_)
    assert words in str(caught.value)


# training


def head():
    return [layers.GlobalAveragePooling2D(), layers.Dense(1, activation="sigmoid")]


def with_head(backbone, way: str):
    """A whole classifier, as one flat graph or with the backbone nested inside."""
    if way == "nested":
        return keras.Sequential([backbone, *head()])
    pool, dense = head()
    return keras.Model(backbone.input, dense(pool(backbone.output)))


def fit(model, images=COLOUR, rate=0.01, eagerly=True):
    """A few steps, without a graph where it isn't the graph that matters."""
    model.compile(keras.optimizers.SGD(rate), "binary_crossentropy", run_eagerly=eagerly)
    model.fit(images, np.arange(len(images)) % 2, batch_size=2, epochs=2, verbose=0)


def averages(backbone) -> list[np.ndarray]:
    norms = [layer for layer in backbone.layers if isinstance(layer, layers.BatchNormalization)]
    return [value for layer in norms for value in layer.get_weights()]


@pytest.mark.parametrize("way", ["flat", "nested"])
def test_a_frozen_backbone_does_not_change_in_training(course_weights, way):
    backbone = load_backbone("course")
    before = backbone.get_weights()
    model = with_head(backbone, way)
    fit(model)
    assert len(model.trainable_weights) == 2
    assert all(np.array_equal(a, b) for a, b in zip(before, backbone.get_weights(), strict=True))


@pytest.mark.parametrize("way", ["flat", "nested"])
def test_fine_tuning_moves_the_top_and_no_average_of_batch_normalization(course_weights, way):
    backbone = load_backbone("course")
    model = with_head(backbone, way)
    tuned = unfreeze(backbone, last=3)
    before, statistics = {layer.name: layer.get_weights() for layer in backbone.layers}, averages(backbone)
    fit(model, eagerly=way == "flat")
    moved = {
        layer.name
        for layer in backbone.layers
        if any(not np.array_equal(a, b) for a, b in zip(before[layer.name], layer.get_weights(), strict=True))
    }
    assert moved == set(tuned) and len(tuned) == 3
    assert all(np.array_equal(a, b) for a, b in zip(statistics, averages(backbone), strict=True))


def test_without_it_the_averages_do_move(course_weights):
    backbone = load_backbone("course")
    model, statistics = with_head(backbone, "flat"), averages(backbone)
    backbone.trainable = True
    fit(model)
    assert any(not np.array_equal(a, b) for a, b in zip(statistics, averages(backbone), strict=True))


def test_unfreezing_again_reaches_layers_that_were_frozen_one_by_one():
    backbone = load_backbone("course", weights=None)
    unfreeze(backbone, last=1)
    assert len(unfreeze(backbone, last=3)) == 3 and len(backbone.trainable_weights) == 3


def test_unfreezing_all_trains_every_layer_but_batch_normalization():
    backbone = load_backbone("course", weights=None)
    convolutions = [layer.name for layer in backbone.layers if isinstance(layer, layers.Conv2D)]
    assert unfreeze(backbone) == convolutions
    assert len(backbone.trainable_weights) == len(convolutions)


def test_unfreezing_from_a_layer_starts_there():
    backbone = load_backbone("MobileNetV2", weights=None)
    assert unfreeze(backbone, from_layer="block_16_project") == ["block_16_project", "Conv_1"]
    assert unfreeze(backbone, last=1) == ["Conv_1"] and len(backbone.trainable_weights) == 1


@pytest.mark.parametrize(
    "wish, words",
    [({"last": 0}, "ask for 1"), ({"last": 99}, "has 10 with"), ({"from_layer": "x"}, "no layer 'x'"),
     ({"last": 1, "from_layer": "x"}, "one of the two")],
)  # fmt: skip
def test_an_unknown_layer_is_refused_in_words(wish, words):
    with pytest.raises(ValueError, match=words):
        unfreeze(load_backbone("course", weights=None), **wish)


def test_dropout_inside_a_backbone_is_silent_in_training():
    backbone = load_backbone("EfficientNetV2B0", weights=None)
    assert any(isinstance(layer, layers.Dropout) for layer in backbone.layers)
    first, second = (keras.ops.convert_to_numpy(backbone(COLOUR, training=True)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name, way", [("MobileNetV2", "flat"), ("course", "flat"), ("course", "nested")])
def test_a_saved_classifier_takes_raw_pixels_and_needs_nothing_else(tmp_path, name, way):
    model = with_head(load_backbone(name, weights=None, image_shape=(32, 32, 1)), way)
    model.save(tmp_path / "whole.keras")
    again = keras.saving.load_model(tmp_path / "whole.keras", custom_objects={}, safe_mode=True)
    np.testing.assert_array_equal(answer(again, GREY), answer(model, GREY))


def test_the_preprocessing_of_resnet_is_saved_with_it(tmp_path):
    backbone = load_backbone("ResNet50", weights=None)
    first = next(layer for layer in backbone.layers if isinstance(layer, layers.ZeroPadding2D))
    keras.Model(backbone.input, first.input).save(tmp_path / "before.keras")
    again = keras.saving.load_model(tmp_path / "before.keras")
    expected = keras.applications.resnet50.preprocess_input(COLOUR.copy())
    np.testing.assert_allclose(answer(again, COLOUR), expected, atol=1e-4)
