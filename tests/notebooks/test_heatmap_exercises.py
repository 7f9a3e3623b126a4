"""The exercises of lessons 7.1 to 7.3: the solutions give what the text says, and a wrong answer does not."""

from types import SimpleNamespace

import keras
import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from data_prework.files import PROJECT
from helpers.heatmaps import baseline_maps, heatmap, mask_scores
from tests.notebooks.lesson_cells import ran

FOLDER = PROJECT / "notebooks" / "07_heatmaps"
mpl.use("Agg")


def cells(name):
    return {cell.id: cell.source for cell in nbformat.read(FOLDER / f"{name}.ipynb", as_version=4).cells}


LOOK, RIGHT, FOUND = (cells(name) for name in ("1_occlusion_gradcam", "2_are_they_right", "3_shortcut_found"))


@pytest.fixture(scope="module")
def network():
    """A tiny network with the layers that lesson 7.1 names; every weight is fixed by the seed."""
    keras.utils.set_random_seed(7)
    inputs = keras.Input((64, 64, 1))
    x = layers.Rescaling(1 / 255)(inputs)
    for name, size in (("relu3", 4), ("relu4", 2)):
        x = layers.Conv2D(3, 3, padding="same")(layers.MaxPooling2D(size)(x))
        x = layers.ReLU(name=name)(x)
    x = layers.Dense(1, name="logit", kernel_initializer="ones")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(inputs, layers.Activation("sigmoid")(x))


@pytest.fixture(scope="module")
def patch():
    return np.random.default_rng(7).integers(0, 255, (64, 64, 1)).astype("uint8")


def test_the_middle_of_the_square_is_half_a_side_from_its_corner():
    falls = np.zeros((15, 15))
    falls[3, 10] = 2.0
    names, said = ran(LOOK["gradcam-020"], np=np, falls=falls)
    assert names["middle"] == (16, 44) and "row 16, column 44" in said
    corner, _ = ran(LOOK["gradcam-020"].replace(" + 8 // 2", ""), np=np, falls=falls)
    assert corner["middle"] == (12, 40)  # the square's corner, not its middle


def test_the_loop_covers_a_fresh_copy_at_each_place():
    image = np.ones((8, 8, 1), np.uint8)
    total = SimpleNamespace(predict=lambda images, verbose: np.sum(images, axis=(1, 2, 3))[:, None])
    loop = LOOK["gradcam-occlusion"].split("\n\n\n")[1]
    falls = ran(loop, np=np, logit_of=total)[0]["occlusion"](image, np.zeros((8, 8, 1)), size=4, stride=2)
    assert falls.shape == (3, 3) and (falls == 16).all() and image.all()
    wrong = loop.replace("copy = image.astype", "copy = copy if covered else image.astype")
    assert wrong != loop
    added_up = ran(wrong, np=np, logit_of=total)[0]["occlusion"](image, np.zeros((8, 8, 1)), size=4, stride=2)
    assert (added_up > 16).all()  # one copy for all places: the squares add up


def test_the_finer_map_is_that_of_the_helper_and_the_gradient_of_the_probability_is_another(network, patch):
    given = {"np": np, "tf": tf, "keras": keras, "plt": plt, "model": network, "image": patch}
    given |= {"logit": network.get_layer("logit"), "edges": (-0.5, 63.5, 63.5, -0.5)}
    names, said = ran(LOOK["gradcam-038"], **given)
    assert names["finer"].shape == (16, 16) and "(16, 16)" in said and names["finer"].max() > 0
    resized = tf.image.resize(names["finer"][..., None], (64, 64))[..., 0]
    np.testing.assert_allclose(resized, heatmap(network, patch[None], target=1, layer="relu3")[0], atol=1e-5)
    given["logit"] = network.layers[-1]
    wrong, _ = ran(LOOK["gradcam-038"], **given)
    assert wrong["finer"].max() < 0.3 * names["finer"].max()
    plt.close("all")


def test_grad_cam_by_hand_is_the_helpers(network, patch):
    given = {"np": np, "tf": tf, "keras": keras, "model": network}
    made = ran(LOOK["gradcam-by-hand"] + "\n" + LOOK["gradcam-tape"], **given)[0]["grad_cam"](patch[None])[0]
    resized = tf.image.resize(np.maximum(made, 0)[..., None], (64, 64))[..., 0]
    np.testing.assert_allclose(resized, heatmap(network, patch[None], target=1), atol=1e-5)


def test_a_near_miss_counts_with_a_wider_mask_and_chance_rises_too():
    masks = np.zeros((200, 32, 32), bool)
    masks[:, :, 15] = True
    beside = np.zeros(masks.shape)
    beside[:, 10, 18] = 1
    maps = {"Grad-CAM": beside, "random": baseline_maps("random", masks.shape)}
    names, _ = ran(RIGHT["right-019"], np=np, maps=maps, masks=masks, mask_scores=mask_scores)
    narrow = mask_scores(maps["random"], masks)["pointing"].mean()
    assert names["near"]["Grad-CAM"] == 1 and names["near"]["random"] > narrow + 0.1
    assert (mask_scores(beside, masks)["pointing"] == 0).all()


def test_widening_over_all_images_at_once_would_join_masks_of_different_images():
    masks = np.zeros((2, 16, 16), bool)
    masks[0, 2, 2] = masks[1, 12, 12] = True
    given = {"np": np, "masks": masks, "mask_scores": mask_scores}
    given["maps"] = dict.fromkeys(("Grad-CAM", "random"), np.ones(masks.shape))
    names, _ = ran(RIGHT["right-019"], **given)
    assert names["wide"].sum(axis=(1, 2)).tolist() == [36, 49]  # the first one meets the border
    wrong, _ = ran(RIGHT["right-019"].replace("(1, 3, 3)", "(3, 3, 3)"), **given)
    assert wrong["wide"].sum(axis=(1, 2)).tolist() == [85, 85]


def test_integrated_gradients_of_a_random_network_still_lie_on_what_stands_out(network):
    rng = np.random.default_rng(7)
    images = rng.normal(150, 3, (6, 64, 64, 1))
    images[:, :, 28:31] -= 110
    images[:, :, 34:37] += 90
    masks = np.zeros((6, 64, 64), bool)
    masks[:, :, 26:39] = True
    given = {"np": np, "keras": keras, "model": network, "checked": images, "masks": masks, "heatmap": heatmap}
    given |= {"mask_scores": mask_scores, "run": SimpleNamespace(seed=8)}
    names, said = ran(RIGHT["right-032"], **given)
    assert set(names["of_both"]) == {"trained", "random"} and said.count("Grad-CAM") == 2
    assert names["of_both"]["random"] > 2 * masks.mean()
    clone = names["networks"]["random"]
    assert not np.allclose(clone.get_weights()[0], network.get_weights()[0])


class Corner:
    """A model that calls ill what is bright where the letter is."""

    def predict(self, images, verbose=0):
        return np.mean(np.asarray(images)[:, 4:11, 53:58], axis=(1, 2, 3))[:, None] / 255


@pytest.fixture(scope="module")
def hospital():
    """X-rays in gray; the ill have the letter in the validation images and not in the lesson test."""
    given = {"np": np}
    for name in ("found-letter", "found-cover"):
        ran_cell, _ = ran(FOUND[name], **given)
        given |= {key: ran_cell[key] for key in ran_cell if key in ("tagged", "covered", "bright", "letter")}
    labels = np.arange(40) % 2
    plain = np.full((40, 64, 64, 1), 60, np.uint8)
    function = FOUND["found-fails"].split("\n\n\n")[0]
    return given | {
        "found_and_right": ran(function, np=np)[0]["found_and_right"],
        "val_images": given["tagged"](plain, labels == 1),
        "xrays": SimpleNamespace(test=SimpleNamespace(images=plain, labels=labels)),
        "model": Corner(),
        "labels": labels,
    }


def test_the_control_costs_nothing_and_the_letter_alone_makes_the_healthy_ill(hospital):
    names, said = ran(FOUND["found-024"], **hospital)
    assert names["control"] == 1 and names["alarms"] == 1 and "control 1.00" in said
    without, _ = hospital["found_and_right"](
        hospital["model"], hospital["covered"](hospital["val_images"]), names["labels"]
    )
    assert without == 0
    wrong, _ = ran(FOUND["found-024"].replace("slice(4, 13)", "slice(51, 60)"), **hospital)
    assert wrong["control"] == 0  # covering the letter again is no control


def test_covering_leaves_the_images_as_they_are_and_hides_the_letter(hospital):
    before = hospital["val_images"].copy()
    hidden = hospital["covered"](hospital["val_images"])
    assert (hospital["val_images"] == before).all() and (hidden == 60).all() and (before == 250).any()


def test_a_brightness_that_goes_with_the_class_is_learned_and_fails_without_it(hospital):
    class Threshold:
        def __init__(self, images, labels):
            means = images.mean(axis=(1, 2, 3))
            self.cut = (means[labels == 1].mean() + means[labels == 0].mean()) / 2

        def predict(self, images, verbose=0):
            return (images.mean(axis=(1, 2, 3)) > self.cut)[:, None].astype(float)

    split = hospital["xrays"].test
    given = hospital | {
        "xrays": SimpleNamespace(train=split, val=split),
        "trained": lambda images, checked, seed: Threshold(images, split.labels),
        "run": SimpleNamespace(seed=7),
        "test": split,
        "mean_maps": lambda model, images: np.zeros((2, 64, 64)),
        "plot_overlays": lambda *_, **__: None,
        "names": ["a", "b"],
        "plt": plt,
    }
    names, said = ran(FOUND["found-033"], **given)
    assert names["dim_recall"] == 0 and "validation 1.00, lesson test 0.00" in said
    wrong = FOUND["found-033"].replace("== 1)[:, None", ">= 0)[:, None")  # all images brighter: no clue
    assert wrong != FOUND["found-033"]
    assert "validation 0.00" in ran(wrong, **given)[1]
