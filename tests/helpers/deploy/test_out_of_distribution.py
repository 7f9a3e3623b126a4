"""Which images are unlike the training images: few of their own kind, and what is plainly something else."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from helpers.deploy import out_of_distribution
from helpers.deploy.out_of_distribution import Reference, statistics, thumbnails
from helpers.heatmaps.feature_extractor import FeatureExtractor
from tests.helpers.deploy.tiny_bundles import darkness

RNG = np.random.default_rng(0)


def clouds(n: int) -> np.ndarray:
    soft = gaussian_filter(RNG.normal(size=(n, 32, 32, 1)), (0, 5, 5, 0))
    return np.clip(110 + 300 * soft, 0, 255).astype(np.uint8)


STAGES = FeatureExtractor.from_model(darkness())
REFERENCE = Reference.fit(STAGES, clouds(200), clouds(100), refuse=0.05)


def test_about_the_wanted_share_of_the_own_kind_is_above_the_limit():
    assert (REFERENCE.unlike(STAGES, clouds(300)) > 1).mean() < 0.15


@pytest.mark.parametrize(
    "name, images",
    [
        ("noise", RNG.integers(0, 256, (20, 32, 32, 1)).astype(np.uint8)),
        ("white", np.full((20, 32, 32, 1), 255, np.uint8)),
        ("stripes", np.tile(np.array([40, 200], np.uint8)[:, None], (20, 32, 16, 1)).reshape(20, 32, 32, 1)),
    ],
)
def test_something_else_is_above_it(name, images):
    assert (REFERENCE.unlike(STAGES, images) > 1).all(), name


def test_the_worst_of_the_three_respects_counts():
    images = clouds(10)
    parts = REFERENCE.distances(STAGES, images)
    assert set(parts) == {"features", "statistics", "thumbnail"}
    np.testing.assert_allclose(REFERENCE.unlike(STAGES, images), np.max(list(parts.values()), axis=0))


def test_saved_and_loaded_it_answers_the_same(tmp_path):
    REFERENCE.save(tmp_path / "reference.npz")
    images = clouds(10)
    again = Reference.load(tmp_path / "reference.npz")
    np.testing.assert_array_equal(again.unlike(STAGES, images), REFERENCE.unlike(STAGES, images))


def test_another_file_of_arrays_is_refused(tmp_path):
    np.savez(tmp_path / "reference.npz", something=np.zeros(3))
    with pytest.raises(ValueError, match="not a reference"):
        Reference.load(tmp_path / "reference.npz")


def test_the_statistics_say_what_is_in_an_image():
    half = np.zeros((1, 32, 32, 3), np.uint8)
    half[:, :, 16:] = 200
    found = statistics(half)[0]
    assert found[0] == 100 and found[1] == 100  # mean and spread
    assert found[7] == pytest.approx(200 / 31) and found[8] == 0  # one edge in every row, none in any column
    assert found[10] == 0 and found[11] == pytest.approx(255 / 2)  # no colour; half of it black
    np.testing.assert_array_equal(thumbnails(half)[0].reshape(8, 8)[0], [0] * 4 + [200] * 4)


@pytest.mark.parametrize(
    "wrong", [{"refuse": 0.0}, {"refuse": 0.7}, {"train": clouds(5)}, {"val": clouds(5)}, {"labels": [0]}]
)
def test_a_wrong_argument_is_named(wrong):
    arguments = {"train": clouds(30), "val": clouds(30), **wrong}
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Reference.fit(STAGES, **arguments)


def test_some_of_every_class_are_kept_where_the_classes_are_known(monkeypatch):
    monkeypatch.setattr(out_of_distribution, "MOST", 40)
    common, rare = clouds(200), np.full((3, 32, 32, 1), 200, np.uint8)
    rare[:, 8:24, 8:24] = 20
    train, labels = np.concatenate([common, rare]), np.array([0] * 200 + [1] * 3)
    blind, aware = (Reference.fit(STAGES, train, clouds(100), labels=known) for known in (None, labels))
    assert len(blind.arrays["features"]) == len(aware.arrays["features"]) == 40
    assert (blind.unlike(STAGES, rare) > aware.unlike(STAGES, rare)).all()


def test_of_more_classes_than_are_kept_at_random_all_are_kept(monkeypatch):
    monkeypatch.setattr(out_of_distribution, "MOST", 40)
    many = Reference.fit(STAGES, clouds(400), clouds(40), labels=np.arange(400) % 200)
    assert len(many.arrays["features"]) == 400
    again = Reference.fit(STAGES, train := clouds(30), val := clouds(30), labels=np.arange(30) % 13)
    plain = Reference.fit(STAGES, train, val)
    np.testing.assert_array_equal(again.unlike(STAGES, val), plain.unlike(STAGES, val))
