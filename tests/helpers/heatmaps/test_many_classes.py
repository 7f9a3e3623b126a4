"""Heatmaps and their scores for each of 3 and 13 classes, by number and by name."""

import keras
import numpy as np
import pytest
from keras import layers

from helpers.heatmaps import METHODS, heatmap
from helpers.heatmaps.feature_extractor import FeatureExtractor
from helpers.heatmaps.scores import curves, mask_scores

SIDE = 24
FEW = {"occlusion": {"patch": 4, "stride": 2}, "integrated_gradients": {"steps": 4}}


@pytest.fixture(scope="module", params=[3, 13])
def squares(request):
    """A network whose class k is what channel k of an image shows, one image with a square in each, and the masks."""
    n = request.param
    network = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, n)),
            layers.Conv2D(n, 1),
            layers.GlobalAveragePooling2D(),
            layers.Dense(n, activation="softmax"),
        ]
    )
    network.set_weights([np.eye(n)[None, None], np.zeros(n), 9 * np.eye(n), np.zeros(n)])
    masks = np.zeros((n, SIDE, SIDE), bool)
    for k in range(n):
        row, column = divmod(k, 4)
        masks[k, 6 * row + 1 : 6 * row + 5, 6 * column + 1 : 6 * column + 5] = True
    image = np.moveaxis(masks, 0, -1)[None].astype(np.float32)
    return FeatureExtractor.from_model(network), image, masks, [f"kind {k}" for k in range(n)]


@pytest.mark.parametrize("method", [name for name in METHODS if name != "gradients"])
def test_every_method_finds_what_speaks_for_each_class(squares, method):
    network, image, masks, _ = squares
    maps = heatmap(network, np.repeat(image, len(masks), axis=0), method, range(len(masks)), **FEW.get(method, {}))
    assert (mask_scores(maps, masks)["pointing"] > 0).all()
    assert mask_scores(maps, masks)["energy"].min() > 5 * masks[0].mean()


def test_gradients_of_each_class_are_its_own():
    dense = keras.Sequential([keras.Input((2, 2, 13)), layers.Flatten(), layers.Dense(13, activation="softmax")])
    weights = np.zeros((52, 13), np.float32)
    weights[np.arange(13) * 4 // 4, np.arange(13)] = np.arange(1, 14)
    dense.set_weights([weights, np.zeros(13)])
    for k in (0, 7, 12):
        assert heatmap(dense, np.ones((1, 2, 2, 13)), "gradients", k).max() == pytest.approx(k + 1)


def test_a_class_may_be_given_by_its_name_alone_or_for_each_image(squares):
    network, image, _, names = squares
    last = len(names) - 1
    by_number = heatmap(network, image, "grad_cam", last)
    np.testing.assert_array_equal(heatmap(network, image, "grad_cam", names[last], class_names=names), by_number)
    mixed = heatmap(network, np.repeat(image, 2, axis=0), "grad_cam", [0, names[last]], class_names=names)
    np.testing.assert_allclose(mixed[1], by_number[0], atol=1e-6)
    of_array = heatmap(network, np.repeat(image, 2, axis=0), "grad_cam", np.array(names)[[0, last]], class_names=names)
    np.testing.assert_array_equal(of_array, mixed)


def test_deleting_the_square_of_a_class_lowers_its_probability(squares):
    network, image, masks, names = squares
    for k in (0, len(names) - 1):
        by_name = curves(network, image, masks[k][None], names[k], steps=4, class_names=names)
        by_number = curves(network, image, masks[k][None], k, steps=4)
        other = curves(network, image, masks[1][None], k, steps=4)
        np.testing.assert_array_equal(by_name["deletion"], by_number["deletion"])
        assert by_number["deletion"].mean() < other["deletion"].mean()
        assert by_number["deletion"][0, 0] == pytest.approx(1 / len(names), rel=0.01)


@pytest.mark.parametrize(
    "target, given, words",
    [
        ("kind 99", True, "target: 'kind 99' is no class, such as 'kind"),
        ("kind 1", False, "give class_names="),
        (["kind 0", "kind 1"], True, "target"),
        (0, ["only one"], "class_names: 1 given"),
        (99, True, "target: 99"),
        (1.0, True, "target"),
    ],
)
def test_a_class_that_is_not_there_is_refused_by_name(squares, target, given, words):
    network, image, _, names = squares
    class_names = names if given is True else given or None
    with pytest.raises(ValueError, match=words):
        heatmap(network, image, target=target, class_names=class_names)
