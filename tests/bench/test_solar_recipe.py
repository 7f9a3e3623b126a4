"""Covariances are those of the maps, and a recipe for solar cells knows no label of the cells that it answers for."""

from dataclasses import replace

import numpy as np
import pytest

from tests.bench import __main__ as bench
from tests.bench.solar import Cells
from tests.bench.solar_recipe import (
    CHOSEN,
    RECIPES,
    Described,
    Recipe,
    answers,
    best_mean,
    distances,
    rate_in_training,
    squared_distances,
)
from tests.bench.textures import covariance_roots, second_moments

NAME = "covariances 3"


@pytest.fixture(scope="module")
def maps() -> np.ndarray:
    return np.random.default_rng(7).normal(1, 2, (5, 4, 6, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def cells() -> Cells:
    rng = np.random.default_rng(7)
    steps = rng.choice([0, 1 / 3, 2 / 3, 1], 120)
    return Cells((steps > 0.5).astype(int), np.repeat(np.arange(12), 10), np.array(["mono"] * 120), steps)


@pytest.fixture(scope="module")
def described(cells) -> Described:
    """Cells whose first statistic shows the label."""
    values = np.random.default_rng(8).normal(size=(120, 4)).astype(np.float32)
    values[:, 0] += 6 * cells.labels
    return Described(values, {NAME: squared_distances(values, values)}, 0.0)


def test_the_root_of_a_covariance_times_itself_is_the_covariance(maps):
    flat = maps.reshape(5, -1, 3)
    roots = covariance_roots(np.array(second_moments(maps)), channels=3, least=0.0)
    for one, pixels in zip(roots, flat, strict=True):
        root = np.zeros((3, 3))
        root[np.triu_indices(3)] = one / np.where(np.equal(*np.triu_indices(3)), 1, 2**0.5)
        root = root + np.triu(root, 1).T
        assert root @ root == pytest.approx(np.cov(pixels.T, bias=True), abs=1e-4)


def test_a_cell_is_described_alike_in_any_order_of_its_places(maps):
    turned = second_moments(np.ascontiguousarray(maps[:, ::-1, ::-1]))
    assert np.array(turned) == pytest.approx(np.array(second_moments(maps)), abs=1e-4)


@pytest.mark.parametrize("recipe", [Recipe(("statistics",), False, 0.1), Recipe(("statistics", NAME), True, 0.1)])
def test_a_recipe_learns_from_the_cells_that_it_is_given_and_knows_no_other_label(recipe, described, cells):
    split = np.arange(0, 120, 2), np.arange(1, 120, 2)
    (scores,) = answers([recipe], described, cells, split)
    assert ((scores >= 0) == cells.labels[split[1]]).mean() > 0.9
    labels, steps = cells.labels.copy(), cells.steps.copy()
    labels[split[1]], steps[split[1]] = 1 - labels[split[1]], 1 - steps[split[1]]
    assert (answers([recipe], described, replace(cells, labels=labels, steps=steps), split) == scores).all()


def test_the_expert_s_doubt_counts_only_where_the_recipe_says_so(described, cells):
    split = np.arange(60), np.arange(60, 120)
    sure = replace(cells, steps=cells.labels.astype(float))
    hard, soft = (Recipe(("statistics",), soft, 0.1) for soft in (False, True))
    assert (answers([hard], described, cells, split) == answers([hard], described, sure, split)).all()
    assert np.abs(answers([soft], described, cells, split) - answers([soft], described, sure, split)).max() > 0.01


def test_distances_between_cells_to_learn_from_have_the_mean_one(described):
    seen = np.arange(0, 120, 3)
    for name in ("statistics", NAME):
        assert distances(described, name, seen, seen).mean() == pytest.approx(1, rel=1e-3)


def test_the_rate_of_a_module_is_that_of_its_training_cells():
    labels = np.array([1, 0, 1, 0, 1])
    few = Cells(labels, np.array([0, 0, 0, 1, 2]), np.array(["mono"] * 5), labels.astype(float))
    assert rate_in_training(few, (np.array([0, 1, 3]), np.array([2, 4]))).tolist() == [0.5, 0.5]
    assert rate_in_training(few, (np.array([0, 2, 3]), np.array([1, 4]))).tolist() == [1.0, 0.5]


def test_the_recipe_that_is_judged_is_the_one_that_was_chosen():
    parts = bench.parts_of(bench.RESULTS.read_text(encoding="utf-8"))
    assert CHOSEN in RECIPES
    assert f"accuracy: {CHOSEN}." in parts["solar_recipes"] and f"{CHOSEN}.\n" in parts["solar_recipe"]


def test_as_many_of_the_best_recipes_are_averaged_as_help_inside():
    labels = np.array([0, 0, 1, 1, 1])
    first = [-1.0, -1, 2, 2, -1]  # misses the last cell, the others find it and miss one each
    others = [[-1.0, 1, -1, 1, 2], [1.0, -1, 1, -1, 2]]
    chosen, right = best_mean(np.array([others[0], first, others[1]]), labels)
    assert right[len(chosen)] == max(right.values())
    assert right[1] == 0.8 and right[3] == 1.0 and set(chosen) == {0, 1, 2}
