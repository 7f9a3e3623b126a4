"""The models of the five projects: all there, as their reports print them, and adjusted unless asked otherwise."""

import math
import re
from functools import cache

import keras
import numpy as np
import pytest

from data_prework.files import PROJECT
from helpers.metrics import METRICS
from helpers.models.reference_layers import AlwaysChange, split_at_backbone
from helpers.models.reference_models import REFERENCE_MODELS, REFERENCE_PROJECTS

# What the reports print, read off them once more by hand. Layers: c32 is a convolution of 32 filters with kernels of 3,
# "v" without padding, "s" with, "/2" kernels of 2; P max pooling, F flatten, B batch normalization, A average of each
# map, D.5 dropout, d64 a dense layer with relu, "lin" without, "sig" with a sigmoid, each regularizer behind it.
# Training: batch size, optimizer and rate (None: Keras' default), epochs asked for, callbacks, preprocessing.
# Lines: of the text of the report (S0.txt to S4.txt) that was read.
OFFICIAL = "pixels / 255"
S0_STOP_3 = ("EarlyStopping(val_loss, patience 3)", "ReduceLROnPlateau(val_loss, factor .5, patience 1)")
S0_STOP_5 = ("EarlyStopping(val_loss, patience 5)", "ReduceLROnPlateau(val_loss, factor .5, patience 1)")
BEST = ("ModelCheckpoint(val_loss, best only)",)
S3_TEST = ("EarlyStopping(test accuracy)", "ModelCheckpoint(test accuracy)")
S4_LOG = (*BEST, "EarlyStopping(val_loss, patience 5)")
S0_HEAD = "d512+l2 B D.5 d256+l2 B D.5 d128+l2 B D.5 d1sig"
TABLE = {
    # key: (layers, parameters, batch, optimizer, rate, epochs, callbacks, preprocessing, lines)
    "S0-M1": ("c32v F d1sig", 508_929, 512, "adam", None, 1, (), OFFICIAL, "343-356"),
    "S0-M2": ("c32s B F d128 B D.5 d64lin B D.5 d1sig", 67_118_529, 128, "adam", None, 10, (), OFFICIAL, "477-560"),
    "S0-M3": ("c32v F d1sig", 508_353, 128, "adam", None, 10, (), OFFICIAL, "659-672"),
    "S0-M4": ("VGG16 F d512+l2 D.5 d1sig", 18_910_017, 128, "adam", None, 6, S0_STOP_3, OFFICIAL, "845-914"),
    "S0-M5": (f"VGG16 F {S0_HEAD}", 19_077_441, 128, "adam", None, 20, S0_STOP_3, OFFICIAL, "995-1130"),
    "S0-M6": (f"ResNet50 F {S0_HEAD}", 40_533_377, 128, "adam", None, 20, S0_STOP_5, OFFICIAL, "1184-1328"),
    "S1-M1": ("F d64 d32 d1sig", 3_147_905, 100, "sgd", None, 10, (), OFFICIAL, "352-395"),
    "S1-M2": ("c64v P c32v P F d1sig", 49_057, 100, "sgd", None, 10, (), OFFICIAL, "494-560"),
    "S1-M3a": (
        "c32v P D.25 c64v P D.25 c64v P D.25 F d64 d1sig",
        859_265, 32, "adam", None, 10, (), OFFICIAL, "638-670",
    ),
    "S1-M3b": (
        "c32v P D.25 c64v+l2 P D.25 c64v+l2 P D.25 F d64+l2 d1sig",
        859_265, 32, "adam", None, 10, (), OFFICIAL, "732-765",
    ),
    "S1-M4": (
        "c32v P c64v P c128v P c128v P c256v P F d512 d256 d1sig",
        1_192_385, 32, "adam", None, 10, (), OFFICIAL, "860-895",
    ),
    "S1-M5": (
        "c32v P D.25 c32v+l1l2 P D.25 c64v+l1l2 P D.25 c64v+l1l2 P D.25 F d128+l1l2 d1sig F d128 d256 d1sig",
        394_274, 32, "adam", None, 10, (), OFFICIAL, "950-1052",
    ),
    "S1-M6": ("VGG19 F d132 d1sig", 20_294_985, 32, "rmsprop", 2e-5, 10, (), OFFICIAL, "1078-1200"),
    "S2-M1": ("c32v P F d1sig", 453_473, 64, "adam", 1e-3, 30, BEST, OFFICIAL, "457-540"),
    "S2-M2": ("c32s P c64s P c128s P d128 F d1sig", 224_385, 64, "adam", 1e-3, 30, BEST, OFFICIAL, "664-740"),
    "S2-M3": ("c32s P c64s P c128s P d128 F D.5 d1sig", 224_385, 64, "adam", 1e-3, 40, BEST, OFFICIAL, "943-1012"),
    "S2-M4": (
        "always c32s P c64s P c128s P d128 F D.5 d1sig",
        224_385, 64, "adam", 1e-3, 30, BEST, OFFICIAL, "1278-1490",
    ),
    "S2-M5": (
        "c3s-lin VGG19 F d256lin D.5 d1sig",
        26_447_455, 64, "adam", 1e-3, 30, BEST, "VGG19's own, behind a convolution", "1780-1875",
    ),
    "S3-M1": ("c32v P c64v P F d256 d1sig", 14_765_505, 30, "adam", None, 30, S3_TEST, OFFICIAL, "72, 88, 160-170"),
    "S3-M2": ("c32v P c64v P F d256 d1sig", 63_000_001, 30, "adam", None, None, S3_TEST, OFFICIAL, "74, 95, 175-185"),
    "S3-M3": (
        "c32v/2 P c64v/2 P c128v/2 P F d256 d1sig",
        31_532_129, 30, "adam", None, 100, S3_TEST, OFFICIAL, "76, 190-201",
    ),
    "S3-M4": (
        "c48v/2 P c64v/2 P c96v/2 P F D.1 d256 d1sig",
        None, 30, "adam", None, None, S3_TEST, OFFICIAL, "78, 215-222",
    ),
    "S3-M5": (
        "Xception A d1sig", 20_863_529, 30, "adam", None, 25,
        ("EarlyStopping(test loss)", "ModelCheckpoint(test accuracy)", "ReduceLROnPlateau(test accuracy)"),
        OFFICIAL, "80, 111, 205-212",
    ),
    "S4-M1": ("F d128 d1sig", 19_267_841, 32, "adam", None, 25, S4_LOG, OFFICIAL, "90-107"),
    "S4-M2": ("F d64 d64 d64 d1sig", 9_642_241, 32, "adam", None, 25, S4_LOG, OFFICIAL, "266-285"),
    "S4-M3": ("c128v c64v c32v F d1sig", 1_616_609, 32, "adam", None, None, S4_LOG, OFFICIAL, "373-380"),
    "S4-M4": (
        "c32v c64v P D.25 c128v P D.25 F d64 D.5 d1sig",
        23_981_249, 32, "adam", None, None, S4_LOG, OFFICIAL, "410-425",
    ),
}  # fmt: skip
TRAINABLE = {  # where a part is frozen, or belongs to batch normalization
    "S0-M2": 67_118_081,
    "S0-M4": 4_195_329,
    "S0-M5": 4_360_961,
    "S0-M6": 16_943_873,
    "S1-M6": 270_601,
    "S2-M5": 6_423_071,
    "S3-M5": 2_049,
}
REPORTS = PROJECT.parent / "shared" / "reference_projects"
PRETRAINED = ("S0-M4", "S0-M5", "S0-M6", "S1-M6", "S2-M5", "S3-M5")
each = pytest.mark.parametrize("key", REFERENCE_MODELS)


def built(key: str, image_size: int = 64, **options) -> keras.Model:
    """Small, and with random weights, so that no test asks the network for a file."""
    model = REFERENCE_MODELS[key]
    smallest = max(image_size, {"S3-M5": 71, "S1-M4": 96}.get(key, 0))
    return model.build(smallest, **({"weights": None} if model.pretrained else {}), **options)


@cache
def counted(key: str) -> keras.Model:
    """At its published size, without memory for the weights: only their shapes are known. Not compiled."""
    model = REFERENCE_MODELS[key]
    options = {**model.options, **({"weights": None} if model.pretrained else {})}
    with keras.StatelessScope(initialize_variables=False):
        return model.network((model.size, model.size, model.channels), **options)


def penalty_name(layer: keras.layers.Layer) -> str:
    penalty = getattr(layer, "kernel_regularizer", None)
    if penalty is None:
        return ""
    return "+" + "".join(name for name in ("l1", "l2") if float(getattr(penalty, name)))


def layer_name(layer: keras.layers.Layer) -> str:
    """A layer as TABLE writes it; empty where the table leaves it out."""
    layers = keras.layers
    activation = {"relu": "", "linear": "lin", "sigmoid": "sig"}
    match layer:
        case layers.Conv2D():
            ending = {"relu": "", "linear": "-lin"}[layer.activation.__name__]
            kernel = "" if layer.kernel_size == (3, 3) else f"/{layer.kernel_size[0]}"
            return f"c{layer.filters}{layer.padding[0]}{kernel}{ending}{penalty_name(layer)}"
        case layers.Dense():
            return f"d{layer.units}{activation[layer.activation.__name__]}{penalty_name(layer)}"
        case layers.Dropout():
            return f"D{layer.rate:g}".replace("0.", ".")
        case keras.Model():
            return layer.name.split("_")[0]
        case layers.Rescaling() | layers.InputLayer():
            return ""
    kinds = {"MaxPooling2D": "P", "Flatten": "F", "BatchNormalization": "B", "GlobalAveragePooling2D": "A"}
    return {**kinds, "AlwaysChange": "always"}[type(layer).__name__]


def count(weights: list) -> int:
    return sum(math.prod(weight.shape) for weight in weights)


def pictures(model: keras.Model, number: int = 4) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (number, *model.input_shape[1:])).astype(np.uint8)


def answer(model: keras.Model, images: np.ndarray) -> np.ndarray:
    return keras.ops.convert_to_numpy(model(images.astype("float32"), training=False))


def values(weights: list) -> list[np.ndarray]:
    return [keras.ops.convert_to_numpy(weight) for weight in weights]


def test_all_models_of_the_five_projects_are_there():
    assert list(REFERENCE_MODELS) == list(TABLE)


@pytest.mark.parametrize("key", TABLE)
def test_every_model_is_the_one_that_the_report_prints(key):
    row = REFERENCE_MODELS[key]
    layers, parameters, batch, optimizer, rate, epochs, callbacks, preprocessing, _ = TABLE[key]
    model = counted(key)
    assert " ".join(filter(None, map(layer_name, model.layers))) == layers
    assert (row.parameters == parameters and count(model.weights) == parameters) or key == "S3-M4"
    assert count(model.trainable_weights) == TRAINABLE.get(key, count(model.weights))
    assert row.trainable_parameters == TRAINABLE.get(key)
    trained = (row.batch_size, row.optimizer, row.learning_rate, row.epochs, row.callbacks, row.preprocessing)
    assert trained == (batch, optimizer, rate, epochs, callbacks, preprocessing)


def lines_of(key: str) -> str:
    """The lines of the report that TABLE names."""
    text = (REPORTS / f"{key[:2]}.txt").read_text(encoding="utf-8").split("\n")
    ends = [part.split("-") for part in TABLE[key][-1].split(", ")]
    return "\n".join(line for first, *last in ends for line in text[int(first) - 1 : int(*last or (first,))])


@pytest.mark.real
@pytest.mark.skipif(not REPORTS.is_dir(), reason=f"the texts of the reports are not at {REPORTS}")
@pytest.mark.parametrize("key", TABLE)
def test_the_lines_that_the_table_names_are_those_of_the_model(key):
    text, row = lines_of(key), TABLE[key]
    for layer in row[0].split():
        units = re.match(r"[cd](\d+)", layer)
        if units and key not in ("S3-M4", "S4-M1"):  # a grid, and a summary that the print cuts off
            assert re.search(rf"\b{units[1]}\b", text), layer
        if layer in ("VGG16", "VGG19", "ResNet50", "Xception"):
            assert layer in text
    if row[5] and key not in ("S3-M3", "S3-M5", "S4-M3"):
        assert re.search(rf"epochs\s?=\s?{row[5]}\b|{row[5]} epochs|/{row[5]}\b", text), row[5]
    printed = [f"{row[1]:,}"] if key in ("S3-M1", "S3-M2", "S3-M3", "S3-M5", "S4-M2", "S4-M3", "S1-M1") else []
    assert all(number in text for number in printed)


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
def test_every_row_says_what_was_published_and_what_to_know_of_it(key):
    model = REFERENCE_MODELS[key]
    assert model.description and model.caution.endswith(".") and model.dataset
    assert model.assumed == "" or model.assumed.endswith(".")
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


class TestAdjustedUnlessAskedOtherwise:
    @pytest.mark.parametrize("key", ["S0-M4", "S0-M6", "S1-M6", "S3-M5"])
    def test_a_backbone_gets_the_pixels_that_it_expects(self, key):
        keras.utils.set_random_seed(0)
        adjusted, published = built(key), built(key, as_published=True)
        published.set_weights(adjusted.get_weights())
        inner = [next(part for part in m.layers if isinstance(part, keras.Model)) for m in (adjusted, published)]
        images = pictures(adjusted, 2).astype("float32")
        module = {"VGG16": "vgg16", "ResNet50": "resnet50", "VGG19": "vgg19", "Xception": "xception"}
        own = getattr(keras.applications, module[REFERENCE_MODELS[key].options["name"]]).preprocess_input
        after_preprocessing = keras.Model(inner[1].input, inner[1].output)
        found, wanted = answer(inner[0], images), answer(after_preprocessing, own(images.copy()))
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-5)
        assert published.layers[0].scale == 1 / 255
        assert not {"caffe_preprocessing", "tf_preprocessing"} & {part.name for part in inner[1].layers}

    def test_s2_m5_gives_vgg19_its_own_preprocessing_in_both_builds(self):
        for as_published in (False, True):
            parts = built("S2-M5", as_published=as_published).layers
            base = next(part for part in parts if isinstance(part, keras.Model))
            assert "caffe_preprocessing" in [part.name for part in base.layers]
            assert not any(isinstance(part, keras.layers.Rescaling) for part in parts)

    def test_s1_m5_starts_with_a_penalty_about_as_large_as_the_loss_of_a_coin(self):
        adjusted, published = (sum(map(float, built("S1-M5", 128, as_published=p).losses)) for p in (False, True))
        assert 0.3 < adjusted < 1.2 and published > 50

    def test_s1_m5_has_a_second_reading_without_the_unit_in_the_middle(self):
        units = [
            [layer.units for layer in built("S1-M5", as_published=p).layers if isinstance(layer, keras.layers.Dense)]
            for p in (True, False)
        ]
        assert units == [[128, 1, 128, 256, 1], [128, 128, 256, 1]]

    def test_s2_m4_alone_changes_at_prediction_and_only_as_published(self):
        def changing(key, **options):
            return [layer for layer in built(key, **options).layers if isinstance(layer, AlwaysChange)]

        assert [key for key in TABLE if changing(key, as_published=True)] == ["S2-M4"]
        assert not changing("S2-M4")
        images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 1)).astype("float32")
        (change,) = changing("S2-M4", as_published=True)
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


def test_the_network_with_its_own_layer_can_be_saved_and_loaded(tmp_path):
    model = built("S2-M4", as_published=True)
    model.save(tmp_path / "changing.keras")
    again = keras.models.load_model(tmp_path / "changing.keras", compile=False)
    assert again.count_params() == model.count_params()


class TestTheProjects:
    def test_every_model_belongs_to_one_of_five_with_a_title_a_stakeholder_and_what_it_did_well(self):
        assert {row.project for row in REFERENCE_MODELS.values()} == set(REFERENCE_PROJECTS) and len(
            REFERENCE_PROJECTS
        ) == 5
        for project in REFERENCE_PROJECTS.values():
            assert project.title and project.stakeholder and project.criterion and len(project.strengths) >= 3
            assert all(sentence.endswith((".", "?")) for sentence in project.strengths)
            assert not project.link or project.link.startswith("https://")

    def test_an_author_that_the_report_does_not_name_is_not_invented(self):
        assert [key for key, project in REFERENCE_PROJECTS.items() if not project.authors] == ["S4"]
        assert REFERENCE_PROJECTS["S4"].credit.startswith("authors not named: ")
        assert REFERENCE_PROJECTS["S2"].credit.startswith("Kevin Spring: ")
        assert [key for key, project in REFERENCE_PROJECTS.items() if not project.link] == ["S3", "S4"]

    @pytest.mark.real
    @pytest.mark.skipif(not REPORTS.is_dir(), reason=f"the texts of the reports are not at {REPORTS}")
    @pytest.mark.parametrize("key", REFERENCE_PROJECTS)
    def test_title_authors_and_links_stand_in_the_report(self, key):
        text = (REPORTS / f"{key}.txt").read_text(encoding="utf-8").replace("\n", " ")
        project = REFERENCE_PROJECTS[key]
        for words in (project.title, *project.authors, project.link, project.data_link):
            assert words.casefold() in text.casefold(), words
