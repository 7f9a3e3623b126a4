"""The solutions of the lessons on transfer learning do what is asked; a likely wrong answer is shown to be wrong."""

import keras
import nbformat
import numpy as np
import pytest
from keras import layers
from PIL import Image, ImageOps
from sklearn.datasets import load_sample_image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

from data_prework.files import PROJECT
from data_prework.manifest import find_prepared
from helpers.data import load_dataset
from helpers.models import NoWeightsError, decode_predictions, load_backbone, load_imagenet_classifier
from helpers.run import Run
from tests.notebooks.shape import is_solution

FOLDER = PROJECT / "notebooks" / "06_transfer"
RUN = Run("6.1", 7, "quick", "embedded", "2 CPU cores", PROJECT)


def code_cells(lesson):
    return [cell for cell in nbformat.read(FOLDER / lesson, as_version=4).cells if cell.cell_type == "code"]


def solution(lesson, number):
    return [cell.source for cell in code_cells(lesson) if is_solution(cell)][number - 1]


def definition(lesson, name):
    """The cell that defines a function, up to the first line behind it."""
    source = next(cell.source for cell in code_cells(lesson) if f"def {name}(" in cell.source)
    return source.split("\n\n\n")[0]


def test_a_squeezed_palace_gets_another_name_and_a_cropped_one_keeps_it():
    try:
        classifier = load_imagenet_classifier()
    except NoWeightsError as error:
        pytest.skip(str(error))
    names = ("flower.jpg", "china.jpg")
    space = {
        "names": names,
        "photos": [Image.fromarray(load_sample_image(name)) for name in names],
        "classifier": classifier,
        "decode_predictions": decode_predictions,
        "np": np,
    }
    exec(solution("1_imagenet_features.ipynb", 1), space)
    assert [top[0][1] for top in space["squeezed_top"]] == ["daisy", "bell_cote"]
    wrong = ImageOps.fit(space["photos"][1], (224, 224))  # crops what it should squeeze
    assert decode_predictions(classifier.predict(np.array(wrong)[None], verbose=0))[0][0][1] == "palace"


def test_the_statues_are_compared_with_their_own_groups_and_not_with_the_modules_of_the_cells():
    if find_prepared("monuments", "embedded") is None:
        pytest.skip("the embedded data are not made yet")
    image = keras.Input((16, 16, 1))
    space = {
        "load_dataset": lambda *args, **kwargs: load_dataset(*args, **kwargs, source="embedded"),
        "size": {"image_size": 16, "color_mode": "grayscale"},
        "run": RUN,
        "extractor": keras.Model(image, layers.Flatten()(image)),
        "random_extractor": keras.Model(image, layers.GlobalAveragePooling2D()(image)),
        "folds": StratifiedGroupKFold(3),
        "head": LogisticRegression(C=1e-6),
        "cross_val_predict": cross_val_predict,
        "roc_auc_score": roc_auc_score,
    }
    exec(solution("1_imagenet_features.ipynb", 2), space)
    assert set(space["statue_auc"]) == {"ImageNet", "random"}
    assert all(0 <= one <= 1 for one in space["statue_auc"].values())
    space["how"]["groups"] = np.arange(len(space["statues"]) + 5)  # those of other images
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        cross_val_predict(space["head"], space["x"], space["statues"].labels, **space["how"])


@pytest.fixture
def last_block():
    backbone = load_backbone("EfficientNetLite0", weights=None, image_shape=(32, 32, 3))
    return keras.Model(backbone.get_layer("block6d_add").output, backbone.output)


def test_one_convolution_learns_unless_the_switch_of_the_model_hides_it(last_block, capsys):
    space = {"upper": last_block, "layers": layers, "np": np}
    exec(definition("2_fine_tuning.ipynb", "let_learn"), space)
    exec(solution("2_fine_tuning.ipynb", 1), space)
    assert capsys.readouterr().out.strip() == str(320 * 1280)
    norms = [layer for layer in last_block.layers if isinstance(layer, layers.BatchNormalization)]
    assert norms and not any(layer.trainable for layer in norms) and last_block.get_layer("top_conv").trainable
    last_block.trainable = False
    last_block.get_layer("top_conv").trainable = True  # the wrong answer
    assert last_block.trainable_weights == []


def test_the_random_head_is_random_and_the_backbone_below_it_is_not():
    keras.utils.set_random_seed(7)
    upper = keras.Sequential([keras.Input((4, 4, 2)), layers.Conv2D(3, 1), layers.BatchNormalization()])
    head = keras.Sequential([keras.Input((3,)), layers.Dropout(0.2), layers.Dense(1, activation="sigmoid")])
    model = keras.Sequential([keras.Input((4, 4, 2)), upper, layers.GlobalAveragePooling2D(), head])
    maps, labels = np.random.default_rng(7).normal(size=(8, 4, 4, 2)).astype("float32"), np.arange(8) % 2
    space = {"upper": upper, "head": head, "model": model, "pretrained": model.get_weights(), "frozen_loss": 0.7}
    space |= {"train_maps": maps, "train_labels": labels, "val_maps": maps, "val_labels": labels}
    space |= {"keras": keras, "layers": layers, "np": np, "run": RUN}
    for name in ("let_learn", "fine_tune"):
        exec(definition("2_fine_tuning.ipynb", name), space)
    exec(solution("2_fine_tuning.ipynb", 2), space)
    same = [np.array_equal(a, b) for a, b in zip(space["start"], space["pretrained"], strict=True)]
    assert same == [True] * (len(same) - 2) + [False, True]  # a bias begins at zero in both
    assert len(space["losses"]) == 1
    wrong = [*space["pretrained"][:-2], *head.get_weights()]  # the head as it is now, after a training
    assert not np.array_equal(wrong[-1], np.zeros(1))
