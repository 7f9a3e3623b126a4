"""Scores of heatmaps: known maps give known scores, and maps that know nothing score like chance."""

import keras
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from keras import layers
from PIL import Image

from data_prework.manifest import ManifestError
from helpers.data import Dataset, Split, load_dataset
from helpers.heatmaps.scores import baseline_maps, curves, load_masks, mask_scores, mean_interval

MASKS = np.zeros((4, 12, 12), bool)
for i in range(4):
    MASKS[i, i : i + 3, 2:8] = True


def test_a_map_equal_to_its_mask_is_perfect_and_its_opposite_worthless():
    assert (mask_scores(MASKS, MASKS) == 1).to_numpy().all()
    assert (mask_scores(~MASKS, MASKS) == 0).to_numpy().all()


def test_an_all_zero_map_scores_as_an_even_one():
    share = MASKS.mean((1, 2))
    zero = mask_scores(np.zeros(MASKS.shape), MASKS)
    np.testing.assert_allclose(zero, np.column_stack([share, share]))


def test_an_empty_mask_has_no_score_and_shapes_must_agree():
    assert mask_scores(np.ones((1, 12, 12)), np.zeros((1, 12, 12))).isna().to_numpy().all()
    with pytest.raises(ValueError, match="masks: shape"):
        mask_scores(MASKS[:3], MASKS)


def test_random_maps_point_into_a_mask_as_often_as_its_size_says():
    masks = np.zeros((1000, 32, 32), bool)
    masks[:, 8:24, 8:24] = True
    found = mask_scores(baseline_maps("random", masks.shape), masks).mean()
    assert abs(found["energy"] - 0.25) < 0.02 and abs(found["pointing"] - 0.25) < 0.05


def test_the_centre_map_points_at_the_centre():
    masks = np.zeros((2, 11, 11), bool)
    masks[:, 5, 5] = True
    assert (mask_scores(baseline_maps("centre", masks.shape), masks)["pointing"] == 1).all()
    with pytest.raises(ValueError, match="kind"):
        baseline_maps("corner", masks.shape)


def test_deleting_what_the_network_needs_lowers_its_answer_first():
    network = keras.Sequential([keras.Input((16, 16, 1)), layers.Flatten(), layers.Dense(1, activation="sigmoid")])
    weights = np.zeros((16, 16), "float32")
    weights[4:8, 4:8] = 0.01
    network.set_weights([weights.reshape(-1, 1), np.array([-20.0])])
    images = np.zeros((3, 16, 16, 1), "uint8")
    images[:, 4:8, 4:8] = 255
    right, wrong = np.tile(weights > 0, (3, 1, 1)), np.tile(weights == 0, (3, 1, 1))
    good, bad = curves(network, images, right, 1), curves(network, images, wrong, 1)
    assert good["deletion"].shape == (3, 9)
    assert (good["deletion"].mean(1) < bad["deletion"].mean(1)).all()
    assert (good["insertion"].mean(1) > bad["insertion"].mean(1)).all()
    np.testing.assert_allclose(good["deletion"][:, 0], good["insertion"][:, -1], rtol=1e-5)
    with pytest.raises(ValueError, match="maps: shape"):
        curves(network, images, right[:2], 1)


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_an_interval_holds_its_mean(values):
    mean = mean_interval(values)
    assert mean.n == len(values)
    if np.ptp(values) == 0 and values[0] not in (0, 1):
        assert np.isnan(mean.low) and str(mean) == f"{values[0]:.3f}"
    else:
        assert mean.low - 1e-9 <= mean.value <= mean.high + 1e-9


def test_no_hit_and_nothing_but_hits_have_an_interval_of_some_width():
    assert str(mean_interval(np.zeros(40))) == "0.000 (0.000-0.088)"
    assert str(mean_interval(np.ones(40))) == "1.000 (0.912-1.000)"


def test_an_interval_of_shares_has_no_negative_end_and_one_of_differences_may():
    few = [0.0] * 9 + [0.04]
    assert mean_interval(few).low == 0.0 < mean_interval(few).high
    assert mean_interval([1 - value for value in few]).high == 1.0
    assert mean_interval([-0.01, *few]).low < 0


def test_students_interval_holds_the_mean_of_skewed_numbers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    draws = [np.repeat(rng.beta(0.5, 2, 30), 4) + rng.normal(0, 0.05, 120) for _ in range(400)]
    groups = np.repeat(np.arange(30), 4)
    held = [mean.low < 0.2 < mean.high for mean in (mean_interval(numbers, groups) for numbers in draws)]
    assert 0.92 < np.mean(held) < 0.97


def test_images_of_one_group_count_as_fewer_unless_there_are_few_groups_and_nan_is_left_out():
    values = np.repeat(np.arange(20) % 2, 10).astype(float)
    groups = np.repeat([f"g{i}" for i in range(20)], 10)
    alone, together = mean_interval(values), mean_interval(values, groups)
    assert together.grouped and together.high - together.low > 2 * (alone.high - alone.low)
    assert not mean_interval(values, np.repeat(["a", "b"], 100)).grouped
    assert not mean_interval(values, np.repeat("a", 200)).grouped
    with pytest.raises(ValueError, match="groups"):
        mean_interval(values, groups[:5])
    assert mean_interval([1.0, np.nan, 3.0]).value == 2.0
    with pytest.raises(ValueError, match="values"):
        mean_interval([np.nan])


def test_masks_come_at_the_size_of_the_images_and_a_touched_pixel_counts(tmp_path):
    mask = np.zeros((64, 64), np.uint8)
    mask[8, 40] = 255
    Image.fromarray(mask).save(tmp_path / "a.png")
    part = Split(
        np.zeros((2, 16, 16, 1), "uint8"), np.arange(2), np.arange(2), pd.DataFrame({"mask": ["a.png", ""]}), 2, 0
    )
    data = Dataset("spots", tmp_path, ["a", "b"], "embedded", part, part, part)
    masks = load_masks(data, "train")
    assert masks.shape == (2, 16, 16) and masks.sum() == 1 and masks[0, 2, 10]
    (tmp_path / "a.png").unlink()
    with pytest.raises(ManifestError, match=r"a\.png"):
        load_masks(data, "train")


def test_data_without_masks_say_so(home):
    data = load_dataset("squares", image_size=16, source="real")
    with pytest.raises(ValueError, match="squares has no masks"):
        load_masks(data, "val")


def test_a_difference_is_clear_only_where_its_interval_leaves_out_0_and_there_are_groups_enough():
    values = np.tile([0.4, 0.6], 20)
    assert mean_interval(values).clear and mean_interval(-values).clear
    assert not mean_interval(values - 0.5).clear
    many, few = np.repeat(np.arange(20), 2), np.repeat(np.arange(4), 10)
    assert mean_interval(values, many).clear and mean_interval(values, many).few_groups == 0
    assert not mean_interval(values, few).clear and mean_interval(values, few).few_groups == 4
    assert not mean_interval(np.full(20, 0.5)).clear  # all the same: no spread, no interval
