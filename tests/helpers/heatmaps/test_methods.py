"""Heatmaps of every kind of model: the identities that must hold, both classes, and clear refusals."""

import keras
import numpy as np
import pytest
from keras import layers

from helpers.heatmaps import METHODS, blurred, heatmap
from helpers.heatmaps.feature_extractor import FeatureExtractor
from helpers.plots import plot_overlays

SIDE = 16
FEW_PATCHES = {"occlusion": {"patch": 4, "stride": 2}}
FEW_STEPS = {"integrated_gradients": {"steps": 3}}
CAMS = ("cam", "grad_cam", "hires_cam")
RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 255, (5, SIDE, SIDE, 3)).astype("uint8")


def base() -> keras.Model:
    inputs = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(6, 3, padding="same", use_bias=False, name="inner")(inputs)
    x = layers.BatchNormalization()(x)
    return keras.Model(inputs, layers.ReLU()(x), name="base")


def branching_base() -> keras.Model:
    inputs = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(6, 3, padding="same")(inputs)
    return keras.Model(inputs, layers.Add()([x, layers.Conv2D(6, 3, padding="same", activation="relu")(x)]))


def head(units: int) -> list:
    end = layers.Dense(units, activation="sigmoid" if units == 1 else "softmax", bias_initializer="ones")
    return [layers.GlobalAveragePooling2D(), layers.Dropout(0.5), end]


def sequential(units: int) -> keras.Model:
    return keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), layers.RandomFlip(), layers.Rescaling(1 / 255), *base().layers[1:], *head(units)]
    )


def sequential_with_base(units: int) -> keras.Model:
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Rescaling(1 / 255), base(), *head(units)])


def functional(units: int, inner=base, scale=lambda x: layers.Rescaling(1 / 255)(x)) -> keras.Model:
    inputs = keras.Input((SIDE, SIDE, 3))
    x = inner()(scale(inputs), training=False)
    for layer in head(units):
        x = layer(x)
    return keras.Model(inputs, x)


def functional_with_operations(units: int) -> keras.Model:
    return functional(units, scale=lambda x: x / 127.5 - 1.0)


def functional_with_branches(units: int) -> keras.Model:
    return functional(units, branching_base)


def flat_with_branches(units: int) -> keras.Model:
    inner = branching_base()
    x = inner.output
    for layer in head(units):
        x = layer(x)
    return keras.Model(inner.input, x)


def separate_activation(units: int) -> keras.Model:
    inputs = keras.Input((SIDE, SIDE, 3))
    x = layers.Dense(units)(layers.GlobalAveragePooling2D()(base()(inputs)))
    return keras.Model(inputs, layers.Activation("sigmoid" if units == 1 else "softmax")(x))


def head_as_a_model(units: int) -> keras.Model:
    end = keras.Sequential([keras.Input((SIDE, SIDE, 6)), *head(units)])
    return keras.Sequential([keras.Input((SIDE, SIDE, 3)), base(), end])


def base_that_pools(units: int) -> keras.Model:
    inner = base()
    pooled = keras.Model(inner.input, layers.GlobalAveragePooling2D()(inner.output))
    inputs = keras.Input((SIDE, SIDE, 3))
    end = layers.Dense(units, activation="sigmoid" if units == 1 else "softmax")
    return keras.Model(inputs, end(pooled(inputs)))


KINDS = (
    sequential,
    sequential_with_base,
    functional,
    functional_with_operations,
    functional_with_branches,
    flat_with_branches,
    separate_activation,
    head_as_a_model,
    base_that_pools,
)


@pytest.fixture(
    scope="module",
    params=[(kind, units) for kind in KINDS for units in (1, 3)],
    ids=lambda param: f"{param[0].__name__}-{param[1]}",
)
def model(request):
    kind, units = request.param
    keras.utils.set_random_seed(1)
    return kind(units)


def alike(a, b):
    np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-6 * max(1, float(np.max(np.abs(b)))))


def test_the_two_stages_give_the_probabilities_of_the_model(model):
    answer = model.predict(IMAGES, verbose=0)
    both = np.hstack([1 - answer, answer]) if answer.shape[1] == 1 else answer
    np.testing.assert_allclose(FeatureExtractor.from_model(model).probabilities(IMAGES), both, atol=1e-5)


def test_cam_grad_cam_and_hires_cam_agree_where_one_dense_layer_follows_global_pooling(model):
    for target in (0, 1):
        cam, *others = (heatmap(model, IMAGES, method, target) for method in CAMS)
        assert cam.shape == IMAGES.shape[:3]
        for other in others:
            alike(other, cam)


def test_a_model_that_was_saved_and_loaded_gives_the_same_maps(model, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    for method in ("hires_cam", "integrated_gradients"):
        maps = [heatmap(one, IMAGES, method, 0, **FEW_STEPS.get(method, {})) for one in (again, model)]
        alike(*maps)


def test_the_map_of_one_class_is_not_that_of_the_other(model):
    if model.output_shape[-1] == 1:
        zero, one = (heatmap(model, IMAGES, "hires_cam", target) for target in (0, 1))
        assert (np.minimum(zero, one) <= 1e-6).all(), "a cell speaks for one class only"
        assert zero.max() > 0 and one.max() > 0


def test_the_class_by_default_is_the_one_that_the_model_answers(model):
    answer = model.predict(IMAGES, verbose=0)
    classes = (answer[:, 0] >= 0.5).astype(int) if answer.shape[1] == 1 else answer.argmax(1)
    alike(heatmap(model, IMAGES), heatmap(model, IMAGES, target=classes))


@pytest.fixture(scope="module")
def bright_square():
    """A network that answers "1" where any 4 by 4 place is bright, and images with one bright square each."""
    keras.utils.set_random_seed(1)
    network = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Conv2D(2, 3, padding="same", kernel_initializer="ones", activation="relu", name="sums"),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid", kernel_initializer=keras.initializers.Constant(1e-3)),
        ]
    )
    images = np.zeros((3, SIDE, SIDE, 1), "uint8")
    for i, (row, column) in enumerate([(2, 2), (8, 4), (10, 12)]):
        images[i, row : row + 4, column : column + 4] = 255
    return network, images


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("cam", "gradients")])
def test_every_method_finds_a_planted_square(bright_square, method):
    network, images = bright_square
    maps = heatmap(network, images, method, 1, **FEW_PATCHES.get(method, {}))
    best = maps.reshape(3, -1).argmax(1)
    grown = np.pad(images[..., 0], ((0, 0), (1, 1), (1, 1))).astype(bool)
    near = np.stack([np.roll(grown, step, axis) for axis in (1, 2) for step in (-1, 0, 1)]).any(0)[:, 1:-1, 1:-1]
    assert near.reshape(3, -1)[np.arange(3), best].all()


def test_gradients_show_which_pixels_a_network_reads_whatever_the_image():
    dense = keras.Sequential([keras.Input((8, 8, 1)), layers.Flatten(), layers.Dense(1, activation="sigmoid")])
    weights = np.zeros((8, 8), "float32")
    weights[2, 5] = -0.5
    dense.set_weights([weights.reshape(-1, 1), np.zeros(1)])
    for target in (0, 1):
        np.testing.assert_allclose(heatmap(dense, np.ones((1, 8, 8, 1)), "gradients", target)[0], -weights)


def test_integrated_gradients_add_up_to_what_the_logit_gains_over_the_blurred_image(bright_square):
    network, images = bright_square
    stages, zero, one = (
        FeatureExtractor.from_model(network),
        *(heatmap(network, images, "integrated_gradients", i) for i in (0, 1)),
    )
    gain = stages.logits(images)[:, 1] - stages.logits(blurred(images))[:, 1]
    np.testing.assert_allclose(one.sum((1, 2)) - zero.sum((1, 2)), gain, rtol=1e-3, atol=1e-3)


def test_a_saturated_sigmoid_still_has_a_map(bright_square):
    network, images = bright_square
    assert network.predict(images, verbose=0).min() == 1.0
    assert heatmap(network, images, "grad_cam", 1).max() > 0


@pytest.mark.parametrize("method", METHODS)
def test_where_nothing_speaks_for_a_class_the_map_is_zero_and_never_nan(method):
    network = keras.Sequential([keras.Input((SIDE, SIDE, 1)), layers.Conv2D(2, 3), *head(1)])
    network.set_weights([np.zeros_like(w) for w in network.get_weights()])
    maps = heatmap(network, np.zeros((2, SIDE, SIDE, 1)), method, 1, **FEW_PATCHES.get(method, {}))
    assert maps.shape == (2, SIDE, SIDE) and (maps == 0).all()


def test_a_network_without_convolution_is_explained_without_a_map_only():
    dense = keras.Sequential(
        [keras.Input((SIDE, SIDE, 3)), layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2)]
    )
    assert heatmap(dense, IMAGES, "occlusion", 0, patch=8, stride=8).max() > 0
    with pytest.raises(ValueError, match="needs a convolutional layer"):
        heatmap(dense, IMAGES, "grad_cam", 0)
    with pytest.raises(ValueError, match="no convolutional layer"):
        FeatureExtractor.from_model(dense, "rescaling")


def test_an_earlier_layer_also_inside_a_nested_base_can_be_chosen():
    nested = functional(1)
    assert FeatureExtractor.from_model(nested, "inner").layer == "inner"
    assert heatmap(nested, IMAGES, "hires_cam", 1, layer="inner").shape == IMAGES.shape[:3]
    with pytest.raises(ValueError, match=r"layer: 'outer'.*inner"):
        FeatureExtractor.from_model(nested, "outer")


def test_wrong_arguments_are_refused_by_name():
    network = sequential(3)
    for wrong in ({"method": "magic"}, {"target": 3}, {"target": -1}, {"target": [0, 1]}, {"target": 0.5}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            heatmap(network, IMAGES, **wrong)
    for images in (IMAGES[0], IMAGES[:, :8], IMAGES[..., :1], IMAGES[:0]):
        with pytest.raises(ValueError, match="images: shape"):
            heatmap(network, images)
    with pytest.raises(ValueError, match="cam"):
        flat = keras.Sequential([keras.Input((SIDE, SIDE, 3)), layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1)])
        heatmap(flat, IMAGES, "cam", 1)
    with pytest.raises(ValueError, match="model"):
        FeatureExtractor.from_model(keras.Sequential([layers.Dense(1)]))


def test_an_overlay_shows_its_scale_and_counts_its_arguments():
    maps = np.zeros(IMAGES.shape[:3])
    figure = plot_overlays(IMAGES, maps, titles=list("abcde"), masks=maps > -1, title="All zero").figure
    assert any("strongest" in ax.get_ylabel() for ax in figure.axes)
    with pytest.raises(ValueError, match="maps: 4"):
        plot_overlays(IMAGES, maps[:4])


def test_large_images_go_through_a_few_at_a_time_and_each_gets_its_own_map():
    seen = []

    def conv(images):
        seen.append(len(images))
        return images[:, ::64, ::64]

    parts = FeatureExtractor("conv", 2, True, (512, 512, 1), (conv,), (layers.GlobalAveragePooling2D(),))
    images = RNG.integers(0, 255, (10, 512, 512, 1)).astype("uint8")
    targets = [0, 1] * 5
    maps = heatmap(parts, images, "hires_cam", targets)
    assert max(seen) == 4 and sum(seen) == 10
    alone = [heatmap(parts, images[i : i + 1], "hires_cam", targets[i])[0] for i in range(10)]
    assert np.array_equal(maps, alone) and not maps[::2].any() and maps[1::2].any()


@pytest.mark.parametrize("patch, stride", [(4, 5), (100, 4), (4, -1)])
def test_squares_that_would_leave_pixels_uncovered_are_refused(patch, stride):
    model = keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Flatten(), keras.layers.Dense(1)])
    with pytest.raises(ValueError, match="the stride is at most the patch"):
        heatmap(model, np.zeros((1, 16, 16, 1)), "occlusion", 1, patch=patch, stride=stride)
