"""The models of the five projects: all there, with the published counts, and mended unless asked otherwise."""

import math

import keras
import numpy as np
import pytest

from helpers.metrics import METRICS
from helpers.reference_models import REFERENCE_MODELS
from helpers.reference_networks import AlwaysChange, split_at_backbone

PROJECTS = {
    "S0": ("M1", "M2", "M3", "M4", "M5", "M6"),
    "S1": ("M1", "M2", "M3a", "M3b", "M4", "M5", "M6"),
    "S2": ("M1", "M2", "M3", "M4", "M5"),
    "S3": ("M1", "M2", "M3", "M4", "M5"),
    "S4": ("M1", "M2", "M3", "M4"),
}
PUBLISHED = {
    "S0-M1": 508_929,
    "S0-M2": 67_118_529,
    "S0-M3": 508_353,
    "S0-M5": 19_077_441,
    "S1-M1": 3_147_905,
    "S1-M2": 49_057,
    "S2-M1": 453_473,
    "S2-M2": 224_385,
    "S3-M1": 14_765_505,
    "S3-M2": 63_000_001,
    "S3-M3": 31_532_129,
    "S4-M3": 1_616_609,
    "S4-M4": 23_981_249,
}
PRETRAINED = ("S0-M4", "S0-M5", "S0-M6", "S1-M6", "S2-M5", "S3-M5")
each = pytest.mark.parametrize("key", REFERENCE_MODELS)


def built(key: str, image_size: int = 64, **options) -> keras.Model:
    """Small, and with random weights, so that no test asks the network for a file."""
    model = REFERENCE_MODELS[key]
    smallest = 71 if key == "S3-M5" else image_size
    return model.build(smallest, **({"weights": None} if model.pretrained else {}), **options)


def counted(key: str) -> keras.Model:
    """At its published size, without memory for the weights: only their shapes are known. Not compiled."""
    model = REFERENCE_MODELS[key]
    options = {**model.options, **({"weights": None} if model.pretrained else {})}
    with keras.StatelessScope(initialize_variables=False):
        return model.network((model.size, model.size, model.channels), **options)


def count(weights: list) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def pictures(model: keras.Model, number: int = 4) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (number, *model.input_shape[1:])).astype(np.uint8)


def answer(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(images.astype("float32"), training=False))


def values(weights: list) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(weight) for weight in weights]


def test_all_models_of_the_five_projects_are_there():
    assert list(REFERENCE_MODELS) == [f"{project}-{name}" for project, names in PROJECTS.items() for name in names]


@pytest.mark.parametrize("key", PUBLISHED)
def test_the_number_of_parameters_is_the_published_one(key):
    assert count(counted(key).weights) == REFERENCE_MODELS[key].parameters == PUBLISHED[key]


@pytest.mark.parametrize(("key", "million"), [("S4-M1", 19.3), ("S4-M2", 9.6)])
def test_where_the_report_gives_millions_the_number_agrees_after_rounding(key, million):
    assert round(count(counted(key).weights) / 1e6, 1) == REFERENCE_MODELS[key].parameters / 1e6 == million


@pytest.mark.parametrize(("key", "number"), [("S0-M5", 4_360_961), ("S3-M5", 2_049)])
def test_the_number_of_weights_that_learn_is_the_published_one(key, number):
    assert count(counted(key).trainable_weights) == REFERENCE_MODELS[key].trainable_parameters == number


@each
def test_one_step_on_raw_pixels_changes_the_head_and_no_weight_of_a_backbone(key):
    keras.utils.set_random_seed(0)
    model = built(key)
    model.run_eagerly = True  # one step is quicker without a graph
    images, labels = pictures(model), np.array([[0], [1], [1], [0]])
    fixed = [weight for layer in model.layers if isinstance(layer, keras.Model) for weight in layer.weights]
    before = values(model.trainable_weights), values(fixed)
    assert np.isfinite(model.train_on_batch(images, labels)).all()
    assert any((old != new).any() for old, new in zip(before[0], values(model.trainable_weights), strict=True))
    assert all((old == new).all() for old, new in zip(before[1], values(fixed), strict=True))
    prob = answer(model, images)
    assert prob.shape == (4, 1) and (prob >= 0).all() and (prob <= 1).all()


@each
def test_every_row_says_what_was_published_and_what_to_mend(key):
    model = REFERENCE_MODELS[key]
    assert model.description and model.mistake.endswith(".") and model.dataset
    assert model.scores and all(0 <= value <= 1 for value in model.scores.values())
    assert {*model.scores} <= {*METRICS, "train accuracy", "validation accuracy"}


def test_only_the_pretrained_ones_take_weights():
    assert tuple(key for key, model in REFERENCE_MODELS.items() if model.pretrained) == PRETRAINED
    with pytest.raises(TypeError, match="weights"):
        REFERENCE_MODELS["S0-M1"].build(weights=None)


def test_the_courses_backbone_stands_in_where_it_is_asked_for():
    model = REFERENCE_MODELS["S0-M4"].build(64, weights="course")
    assert [layer.name for layer in model.layers if isinstance(layer, keras.Model)] == ["course_backbone"]


def test_a_side_that_is_too_small_is_named():
    with pytest.raises(ValueError, match="image_size: 6 pixels are too few for the layers of S1-M2"):
        REFERENCE_MODELS["S1-M2"].build(6)


class TestMendedUnlessAskedOtherwise:
    def test_s0_m6_gives_resnet_the_pixels_that_it_expects(self):
        keras.utils.set_random_seed(0)
        mended, published = built("S0-M6"), built("S0-M6", as_published=True)
        published.set_weights(mended.get_weights())
        inner = [next(part for part in m.layers if isinstance(part, keras.Model)) for m in (mended, published)]
        images = pictures(mended, 2).astype("float32")
        expected = keras.applications.resnet50.preprocess_input(images.copy())
        after_preprocessing = keras.Model(inner[1].input, inner[1].output)
        np.testing.assert_allclose(answer(inner[0], images), answer(after_preprocessing, expected), rtol=1e-3)
        assert published.layers[0].scale == 1 / 255 and "caffe_preprocessing" not in [p.name for p in inner[1].layers]

    def test_s1_m5_starts_with_a_penalty_about_as_large_as_the_loss_of_a_coin(self):
        mended, published = (sum(map(float, built("S1-M5", 128, as_published=p).losses)) for p in (False, True))
        assert 0.3 < mended < 1.2 and published > 100

    @pytest.mark.parametrize("key", ["S2-M4", "S2-M5"])
    def test_s2_gives_one_answer_to_one_image(self, key):
        assert not any(isinstance(layer, AlwaysChange) for layer in built(key).layers)
        restless = built(key, as_published=True)
        change = next(layer for layer in restless.layers if isinstance(layer, AlwaysChange))
        images = pictures(restless, 2).astype("float32")
        assert not np.allclose(answer(change, images), answer(change, images))

    @pytest.mark.parametrize("key", ["S1-M1", "S1-M2"])
    def test_s1_learns_with_adam(self, key):
        optimizers = [type(built(key, as_published=as_published).optimizer).__name__ for as_published in (False, True)]
        assert optimizers == ["Adam", "SGD"]

    @pytest.mark.parametrize("key", ["S0-M2", "S0-M5"])
    def test_batch_normalization_takes_few_steps(self, key):
        for as_published, momentum in ((False, 0.9), (True, 0.99)):
            norms = [part for part in built(key, as_published=as_published).layers if hasattr(part, "momentum")]
            assert {norm.momentum for norm in norms} == {momentum}


def test_the_published_optimizer_of_s1_m6_keeps_its_rate():
    optimizer = REFERENCE_MODELS["S1-M6"].make_optimizer(as_published=True)
    assert type(optimizer).__name__ == "RMSprop" and float(optimizer.learning_rate) == pytest.approx(2e-5)


class TestSplitAtTheBackbone:
    def test_features_and_head_together_are_the_model_also_after_the_head_has_learnt(self):
        model = REFERENCE_MODELS["S0-M4"].build(32, weights="course")
        features, head = split_at_backbone(model)
        maps = answer(features, pictures(model))
        head.compile("adam", "binary_crossentropy")
        head.fit(maps, np.array([0, 1, 1, 0]), epochs=1, verbose=0)
        np.testing.assert_allclose(answer(head, maps), answer(model, pictures(model)), rtol=1e-4)

    @pytest.mark.parametrize("key", ["S0-M1", "S2-M5"])
    def test_it_refuses_where_the_features_cannot_be_stored(self, key):
        with pytest.raises(ValueError, match="fit it as a whole"):
            split_at_backbone(built(key))


def test_a_network_with_its_mistake_can_be_saved_and_loaded(tmp_path):
    model = built("S2-M4", as_published=True)
    model.save(tmp_path / "restless.keras")
    again = keras.models.load_model(tmp_path / "restless.keras", compile=False)
    assert again.count_params() == model.count_params()
