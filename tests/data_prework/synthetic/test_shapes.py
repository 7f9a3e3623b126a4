"""The broad source: many categories, drawn by formula, the same for a seed, none of them a class of the course."""

import numpy as np
import pytest

from data_prework.synthetic.shapes.categories import CATEGORIES, GREY, SIDE, STRUCTURES, draw_category, draw_source


def test_there_are_at_least_a_hundred_categories_with_names_of_their_own():
    assert len(CATEGORIES) >= 100 and len(set(CATEGORIES)) == len(CATEGORIES)
    kinds = {name.split(":")[0].split()[0] for name in CATEGORIES}
    assert {"texture", "fractal"} <= kinds and len(STRUCTURES) < len(CATEGORIES)


@pytest.mark.parametrize("category", range(len(CATEGORIES)), ids=CATEGORIES)
def test_every_category_is_drawn_the_same_from_the_same_seed_and_otherwise_from_another(category):
    image = draw_category(category, (7, category, 0))
    assert image.shape == (SIDE, SIDE, 3) and image.dtype == np.uint8
    assert image.std() > 3, "nothing to see"
    assert np.array_equal(image, draw_category(category, (7, category, 0)))
    assert not np.array_equal(image, draw_category(category, (7, category, 1)))


def test_the_source_does_not_depend_on_the_number_of_workers_and_holds_every_category_equally_often():
    alone, labels = draw_source(1, seed=3, workers=1)
    together, same = draw_source(1, seed=3, workers=2)
    assert np.array_equal(alone, together) and np.array_equal(labels, same)
    assert np.bincount(labels).tolist() == [1] * len(CATEGORIES)
    assert not np.array_equal(labels, np.sort(labels)), "the order is random"


def test_some_images_are_grey_and_most_are_not():
    grey = 0
    for i in range(60):
        image = draw_category(i, (1, i)).astype(float)
        grey += np.abs(image - image.mean(-1, keepdims=True)).mean() < 6
    assert 0.3 * GREY * 60 < grey < 30


def test_no_category_is_named_like_a_class_of_the_courses_data_sets():
    for taboo in ("cristo", "statue", "figure", "crack", "pneumonia", "lung", "x-ray", "gate", "pedestal"):
        assert not [name for name in CATEGORIES if taboo in name.lower()]
