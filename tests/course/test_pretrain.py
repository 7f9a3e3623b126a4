"""The course's own backbone: its size, its file, and a training that anyone can repeat."""

import json

import numpy as np
import pytest

from data_prework.synthetic.shapes.categories import CATEGORIES, draw_category
from helpers.course.pretrain import BATCH, CROP, batches, main, pretrain
from helpers.models.course_backbone import FIELD, WEIGHTS, WIDTHS, course_network
from tests.weekly import WEEKLY

pytestmark = pytest.mark.usefixtures("places")


@pytest.fixture(scope="module")
def few():
    """Two categories that are easily told apart, 80 images each."""
    chosen = [CATEGORIES.index("texture: stripes"), CATEGORIES.index("sailing boat")]
    labels = np.array([chosen[i % 2] for i in range(160)], dtype=np.int32)
    return np.stack([draw_category(label, (1, label, i)) for i, label in enumerate(labels)]), labels


def test_the_network_is_small_and_halves_the_image_four_times():
    net = course_network()
    assert net.count_params() <= 1_000_000
    assert net.compute_output_shape((None, 64, 96, 3)) == (None, 64 // FIELD, 96 // FIELD, WIDTHS[-1])


def test_the_stored_weights_fit_are_small_and_tell_drawn_categories_apart():
    assert WEIGHTS.stat().st_size <= 4_000_000
    report = json.loads((WEIGHTS.parent / "report.json").read_text(encoding="utf-8"))
    assert report["categories"] == len(CATEGORIES) and report["held_out_accuracy"] > 0.5
    net = course_network()
    net.load_weights(WEIGHTS)
    assert net.count_params() == report["parameters"]
    # images of a seed that the training never drew: each is nearest to the mean of its own category
    chosen = range(0, len(CATEGORIES), 12)
    images = np.stack([draw_category(c, (99, c, i)) for c in chosen for i in range(8)])
    found = net.predict(images[:, 4:68, 4:68].astype("float32"), verbose=0).mean(axis=(1, 2))
    found = (found - found.mean(0)) / (found.std(0) + 1e-6)
    labels = np.repeat(np.arange(len(chosen)), 8)
    known = np.tile(np.arange(8) < 6, len(chosen))
    means = np.stack([found[known & (labels == c)].mean(0) for c in range(len(chosen))])
    answers = ((found[~known][:, None] - means[None]) ** 2).sum(-1).argmin(1)
    assert (answers == labels[~known]).mean() > 0.6, "chance is 0.1"


def test_batches_are_the_same_for_the_same_seed_and_new_in_every_epoch(few):
    images, labels = few
    one, two = batches(images, labels, seed=5), batches(images, labels, seed=5)
    x, y = one[0]
    assert x.shape == (BATCH, CROP, CROP, 3) and y.shape == (BATCH, len(CATEGORIES)) and (y.sum(1) == 1).all()
    assert np.array_equal(x, two[0][0]) and np.array_equal(y, two[0][1])
    one.on_epoch_end()
    assert not np.array_equal(one[0][0], two[0][0])
    assert not np.array_equal(batches(images, labels, seed=6)[0][0], two[0][0])


@pytest.mark.slow
@pytest.mark.skipif(not WEEKLY, reason="twice a training of a minute: in make weekly")
def test_the_training_learns_and_gives_the_same_weights_for_the_same_seed(few):
    net, report = pretrain(*few, epochs=1, seed=3, verbose=0)
    again, _ = pretrain(*few, epochs=1, seed=3, verbose=0)
    assert report["images"] + report["held_out_images"] == 160 and report["held_out_images"] > 0
    assert all(np.array_equal(a, b) for a, b in zip(net.get_weights(), again.get_weights(), strict=True))


@pytest.mark.parametrize("words", [["--count", "0"], ["--epochs", "0"]])
def test_a_training_of_nothing_is_refused_in_words(words, capsys):
    with pytest.raises(SystemExit):
        main(words)
    assert "must be 1 or more" in capsys.readouterr().err
