"""One composed transform changes images as Keras' four layers do, repeats itself, and takes masks and labels along."""

import os
import subprocess
import sys

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest
import tensorflow as tf
from scipy.stats import ks_2samp

from data_prework.files import PROJECT
from helpers.augment import Affine
from helpers.course.processes import ONE_THREAD
from tests.weekly import WEEKLY

SIDE = 33
STRONG = Affine(rotation=40, shift=0.1, zoom=0.2, horizontal_flip=True, vertical_flip=True, seed=3)
RNG = np.random.default_rng(0)
PICTURES = RNG.integers(0, 256, (12, 20, 24, 3), dtype=np.uint8)


def coordinates(count: int) -> np.ndarray:
    """(count, SIDE, SIDE, 2) images that hold their own x and y: resampled, they tell where each pixel came from."""
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    return np.tile(np.stack([x, y], axis=-1), (count, 1, 1, 1))


def seen_in(pictures: np.ndarray) -> np.ndarray:
    """(n, 6) rows a0 a1 a2 b0 b1 b2 of the affine map that resampled coordinate images went through.

    Read off at the middle, away from the border; bilinear sampling keeps linear functions exactly.
    """
    m = SIDE // 2
    along_x, along_y = pictures[:, m, m + 1] - pictures[:, m, m], pictures[:, m + 1, m] - pictures[:, m, m]
    origin = pictures[:, m, m] - m * (along_x + along_y)
    return np.stack([along_x, along_y, origin], axis=-1).reshape(len(pictures), 6)


def keras_layers(rotation, down, right, zoom, flips=("horizontal", "vertical")):
    return keras.Sequential(
        [
            *(keras.layers.RandomFlip(way, seed=i) for i, way in enumerate(flips)),
            keras.layers.RandomRotation(rotation, fill_mode="nearest", seed=2),
            keras.layers.RandomTranslation(down, right, fill_mode="nearest", seed=3),
            keras.layers.RandomZoom(zoom, fill_mode="nearest", seed=4),
        ]
    )


def taken_apart(maps: np.ndarray) -> np.ndarray:
    """(n, 5) mirrored, angle in turns, shift right and down in pixels, zoom, of (n, 6) maps without shear.

    A picture turned upside down counts as mirrored and turned by half.
    """
    matrices = maps.reshape(-1, 2, 3)
    linear, middle = matrices[:, :, :2], np.full(2, (SIDE - 1) / 2)
    determinant = np.linalg.det(linear)
    mirrored, zoom = determinant < 0, np.sqrt(np.abs(determinant))
    sine, cosine = linear[:, 1, 0] / zoom, linear[:, 1, 1] / zoom  # the second row is not mirrored
    offset = linear @ middle + matrices[:, :, 2] - middle
    shift = -np.linalg.solve(linear / zoom[:, None, None], offset[:, :, None])[:, :, 0]
    return np.column_stack([mirrored, np.arctan2(sine, cosine) / (2 * np.pi), shift, zoom])


def p_values(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Kolmogorov-Smirnov: are the amounts, and twelve mixtures of the entries, distributed alike in maps a and b?"""
    mixtures = np.random.default_rng(5).normal(size=(6, 12)) / b.std(axis=0)[:, None]
    looks = [np.column_stack([taken_apart(maps), (maps - b.mean(axis=0)) @ mixtures]) for maps in (a, b)]
    return np.array([ks_2samp(one, other).pvalue for one, other in zip(looks[0].T, looks[1].T, strict=True)])


@pytest.fixture(scope="module")
def of_keras():
    layers = keras_layers(40 / 360, 0.1, 0.1, 0.2)
    return np.concatenate([seen_in(np.asarray(layers(coordinates(250), training=True))) for _ in range(8)])


def test_the_image_does_what_its_matrix_says():
    tilted = Affine(rotation=40, shift=0.1, zoom=0.2, shear=10, horizontal_flip=True, vertical_flip=True)
    matrices = tilted.matrices(range(30), epoch=2, size=SIDE).numpy()
    seen = seen_in(tilted(coordinates(30), epoch=2))
    np.testing.assert_allclose(seen, matrices[:, :2].reshape(30, 6), atol=2e-3)


def test_keras_layers_set_to_the_same_amounts_give_the_same_picture():
    affine = Affine(rotation=40, shift=0.1, zoom=0.2, horizontal_flip=True)
    maps = affine.matrices(range(12), size=SIDE).numpy()[:, :2].reshape(-1, 6)
    for index, (mirrored, turns, right, down, zoom) in enumerate(taken_apart(maps)):
        layers = keras_layers((turns, turns), (down / SIDE,) * 2, (right / SIDE,) * 2, (zoom - 1,) * 2, flips=())
        picture = coordinates(1)[:, :, ::-1] if mirrored else coordinates(1)
        by_keras = seen_in(np.asarray(layers(picture, training=True)))
        np.testing.assert_allclose(seen_in(affine(coordinates(1), indices=[index])), by_keras, atol=5e-3)


def test_the_distribution_is_that_of_keras_four_layers(of_keras):
    ours = STRONG.matrices(range(4000), size=SIDE).numpy()[:, :2].reshape(-1, 6)
    assert p_values(ours, of_keras).min() > 0.001


@pytest.mark.parametrize("wrong", [{"rotation": 50}, {"shift": 0.12}, {"zoom": 0.3}, {"vertical_flip": False}])
def test_other_settings_are_told_apart_from_keras_layers(of_keras, wrong):
    settings = {"rotation": 40, "shift": 0.1, "zoom": 0.2, "horizontal_flip": True, "vertical_flip": True} | wrong
    other = Affine(**settings).matrices(range(4000), size=SIDE).numpy()[:, :2].reshape(-1, 6)
    assert p_values(other, of_keras).min() < 1e-5


def test_a_bright_dot_moves_to_where_the_inverse_matrix_sends_it():
    dots = np.zeros((20, SIDE, SIDE), np.uint8)
    dots[:, 12:15, 18:21] = 255
    matrices = STRONG.matrices(range(20), size=SIDE).numpy()
    for dot, matrix in zip(STRONG(dots), matrices, strict=True):
        rows, columns = np.nonzero(dot > 60)
        expected = np.linalg.inv(matrix) @ [19, 13, 1]
        assert np.hypot(columns.mean() - expected[0], rows.mean() - expected[1]) < 1


def test_without_settings_nothing_changes_and_a_flip_is_exact():
    assert np.array_equal(Affine()(PICTURES), PICTURES)
    flipped = Affine(horizontal_flip=True)(PICTURES)
    same = [np.array_equal(after, before) for after, before in zip(flipped, PICTURES, strict=True)]
    mirrored = [np.array_equal(after, before[:, ::-1]) for after, before in zip(flipped, PICTURES, strict=True)]
    assert np.logical_xor(same, mirrored).all() and 0 < sum(mirrored) < len(PICTURES)
    upside_down = Affine(vertical_flip=True)(PICTURES)
    assert all(
        any(np.array_equal(a, b[::step]) for step in (1, -1)) for a, b in zip(upside_down, PICTURES, strict=True)
    )


def test_shear_leans_upright_lines_and_keeps_the_middle():
    matrices = Affine(shear=10).matrices(range(200), size=SIDE).numpy()
    assert np.allclose(matrices @ [16, 16, 1], [16, 16, 1], atol=1e-4)
    lean = np.degrees(np.arctan(matrices[:, 0, 1]))
    assert -10 <= lean.min() < -9 and 9 < lean.max() <= 10 and np.allclose(matrices[:, 0, 0], 1)


def test_a_draw_depends_on_seed_index_and_epoch_and_not_on_the_rest_of_the_batch():
    all_of_them = STRONG(PICTURES, epoch=4)
    some = [7, 2, 11]
    assert np.array_equal(STRONG(PICTURES[some], indices=some, epoch=4), all_of_them[some])
    assert not np.array_equal(STRONG(PICTURES, epoch=5), all_of_them)
    assert not np.array_equal(Affine(40, 0.1, 0.2, 0, True, True, seed=4)(PICTURES, epoch=4), all_of_them)
    far = STRONG.matrices([5, 3_000_000, 5], epoch=1).numpy()
    assert np.array_equal(far[0], far[2]) and not np.allclose(far[0], far[1])


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.float16, np.float32, np.float64])
def test_type_and_shape_stay_for_arrays_and_tensors(kind):
    given = PICTURES.astype(kind)
    array, tensor = STRONG(given), STRONG(tf.constant(given))
    assert isinstance(array, np.ndarray) and array.dtype == kind and array.shape == given.shape
    assert isinstance(tensor, tf.Tensor) and np.array_equal(tensor.numpy(), array)
    assert STRONG(given[..., 0]).shape == given.shape[:3]


def test_whole_numbers_are_rounded_not_cut_off():
    exact, whole = STRONG(PICTURES.astype(np.float32)), STRONG(PICTURES)
    assert np.abs(whole - exact).max() <= 0.501


@pytest.mark.parametrize(("fill", "value"), [("edge", 200), ("reflect", 200), ("constant", 0)])
def test_the_border_is_filled_as_asked(fill, value):
    even = np.full((8, 16, 16, 1), 200, np.uint8)
    assert Affine(shift=0.9, fill=fill)(even).min() == value


def test_masks_follow_their_images_and_get_no_new_values():
    masks = (RNG.random((12, 5, 6)) < 0.4).repeat(8, axis=1).repeat(8, axis=2)
    images = np.where(masks, 200, 30).astype(np.uint8)[..., None]
    after, kept = STRONG(images, epoch=1)[..., 0], STRONG.masks(masks, epoch=1)
    assert kept.dtype == bool and not np.array_equal(kept, masks)
    assert (kept == (after > 115)).mean() > 0.97
    names = STRONG.masks(masks.astype(np.int32) * 7, epoch=1)
    assert set(np.unique(names)) == {0, 7} and np.array_equal(names == 7, kept)


def collected(dataset):
    parts = [(x.numpy(), y.numpy()) for x, y in dataset]
    return [np.concatenate(part) for part in zip(*parts, strict=True)]


@pytest.mark.parametrize("calls", [1, 2, 8, tf.data.AUTOTUNE])
def test_a_pass_holds_the_images_of_its_epoch_in_another_order_whatever_the_parallelism(calls):
    labels = np.arange(12)
    dataset = STRONG.batches(PICTURES, labels, batch_size=5, num_parallel_calls=calls)
    orders = []
    for epoch in range(3):
        images, numbers = collected(dataset)
        assert sorted(numbers) == list(labels)
        assert np.array_equal(images, STRONG(PICTURES, epoch=epoch)[numbers])
        orders.append(tuple(numbers))
    assert len(set(orders)) == 3
    again = STRONG.batches(PICTURES, labels, batch_size=5, num_parallel_calls=1)
    assert [tuple(collected(again)[1]) for _ in range(3)] == orders


def test_batches_keep_the_order_if_asked_and_have_a_length():
    dataset = STRONG.batches(PICTURES, np.arange(12), batch_size=5, shuffle=False)
    assert len(dataset) == 3 and [len(y) for _, y in dataset] == [5, 5, 2]
    assert list(collected(dataset)[1]) == list(range(12))
    assert dataset.element_spec[0].shape[1:] == PICTURES.shape[1:] and dataset.element_spec[0].dtype == tf.uint8


def test_two_trainings_with_the_same_seeds_end_with_the_same_weights():
    def trained():
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.Input((20, 24, 3)), keras.layers.Flatten(), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(STRONG.batches(PICTURES, np.arange(12) / 1e6, batch_size=4), epochs=2, verbose=0)
        return model.get_weights()[0]

    assert np.array_equal(trained(), trained())


@pytest.mark.parametrize(
    ("setting", "value"),
    [("rotation", -1), ("shift", 2), ("zoom", (0, 1)), ("shear", 90), ("fill", "black"), ("seed", 0.5)],
)
def test_a_wrong_setting_is_refused_by_name(setting, value):
    with pytest.raises(ValueError, match=rf"^{setting}: "):
        Affine(**{setting: value})


def test_wrong_images_indices_labels_and_batch_sizes_are_refused_by_name():
    with pytest.raises(ValueError, match=r"^images: shape \(20, 24\)"):
        STRONG(PICTURES[0, :, :, 0])
    with pytest.raises(ValueError, match=r"^masks: of type string"):
        STRONG.masks(np.full((1, 4, 4), "a"))
    with pytest.raises(ValueError, match=r"^indices: shape \(3,\) for 12 images"):
        STRONG(PICTURES, indices=[1, 2, 3])
    with pytest.raises(ValueError, match=r"^labels: 3 for 12 images"):
        STRONG.batches(PICTURES, [1, 2, 3])
    with pytest.raises(ValueError, match=r"^batch_size: 0"):
        STRONG.batches(PICTURES, np.arange(12), batch_size=0)


@pytest.mark.skipif(not WEEKLY, reason="a measurement, which other tests beside it disturb: in make weekly")
def test_it_is_faster_than_keras_four_layers():
    code = (
        "import numpy as np; from tests.bench.augmentation import LAYERS, OURS, throughput\n"
        "images = np.random.default_rng(0).integers(0, 256, (192, 128, 128, 3), dtype=np.uint8)\n"
        "speeds, _ = throughput(images, rounds=5, names=(OURS, LAYERS))\n"
        "print(np.median(speeds[OURS] / speeds[LAYERS]))"
    )
    all_threads = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}  # xdist's have one
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=all_threads, cwd=PROJECT)
    assert float(done.stdout) > 1.3, done.stderr  # idle: more than 2, see tests/bench/augmentation.py
