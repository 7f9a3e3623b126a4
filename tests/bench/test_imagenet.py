"""Features are computed once, modules stay together, and the tables say what was measured, on a few images."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from tests.bench import imagenet_curves
from tests.bench.drawings import draw
from tests.bench.frozen import STAGES, STATISTICS, VIEWS, Features, columns_of, kept
from tests.bench.imagenet_curves import ALL, Case, Images, curve, judgments, shown, summary
from tests.bench.solar import (
    Cells,
    against_module,
    chosen,
    folds,
    inside_module,
    mixes,
    module_rate,
    out_of_fold,
    regression,
    vector_machine,
)


@pytest.fixture(scope="module")
def cells() -> Cells:
    """160 cells of 16 modules whose defect rates differ."""
    rng = np.random.default_rng(7)
    modules = np.repeat(np.arange(16), 10)
    labels = (rng.random(160) < np.repeat(np.linspace(0.1, 0.8, 16), 10)).astype(int)
    return Cells(labels, modules, np.where(modules % 2, "mono", "poly"), labels.astype(float))


@pytest.fixture(scope="module")
def values(cells) -> np.ndarray:
    """Features, one of them with a trace of the label."""
    found = np.random.default_rng(8).normal(size=(160, 6)).astype(np.float32)
    found[:, 0] += 2 * cells.labels
    return found


def test_features_are_computed_once_and_kept_as_they_are(tmp_path):
    made = []

    def make() -> Features:
        made.append(1)
        return Features(np.array([[1e-9, 2.0]], np.float32), 3.0)

    first, second = (kept("cells-as it is", make, tmp_path / "new") for _ in range(2))
    assert len(made) == 1 and second.seconds == 3.0
    assert (first.values == second.values).all() and second.values[0, 0] > 0


def test_columns_follow_the_stages_and_their_statistics():
    first, *_ = STAGES
    assert columns_of({first: ("max",)}).tolist() == list(range(40, 80))
    assert len(columns_of(dict.fromkeys(STAGES, STATISTICS))) == 3 * sum(STAGES.values())


def test_statistics_are_those_of_the_maps_of_each_stage():
    import keras

    from tests.bench.frozen import statistics_of

    image = keras.Input((4, 4, 1))
    network = keras.Model(image, keras.layers.Rescaling(2.0, name="twice")(image))
    pixels = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    found = statistics_of(network, ["twice"].copy())(pixels).numpy()[0]
    assert found == pytest.approx([15.0, 30.0, 2 * pixels.std()])


def test_the_four_views_of_a_cell_show_the_same_pixels():
    image = np.arange(9).reshape(1, 3, 3, 1)
    seen = [view(image) for view in VIEWS.values()]
    assert len({one.tobytes() for one in seen}) == 4
    assert all(sorted(one.ravel()) == list(range(9)) for one in seen)


def test_a_module_is_never_on_both_sides_of_a_fold(cells):
    for seen, left in folds(cells, "module", seed=7):
        assert not set(cells.modules[seen]) & set(cells.modules[left])
    assert any(set(cells.modules[seen]) & set(cells.modules[left]) for seen, left in folds(cells, "cell", seed=7))


def test_the_rate_of_a_module_leaves_out_the_cell_itself():
    labels = np.array([1, 0, 0, 1, 1, 1])
    few = Cells(labels, np.array([0, 0, 0, 1, 1, 1]), np.array(["mono"] * 6), labels.astype(float))
    assert module_rate(few).tolist() == [0.0, 0.5, 0.5, 1.0, 1.0, 1.0]


def test_inside_a_module_the_rate_of_the_module_tells_nothing(cells):
    assert inside_module(cells.labels + 0.0, cells) == 1.0
    assert inside_module(cells.modules / 16, cells) == 0.5


def test_features_against_the_module_are_zero_at_its_median():
    found = against_module(np.array([[1.0], [2.0], [9.0], [5.0]], np.float32), np.array([0, 0, 0, 1]))
    assert found.tolist() == [[1, -1], [2, 0], [9, 7], [5, 0]]


def test_heads_learn_from_the_rows_that_they_are_given(cells, values):
    seen = np.arange(0, 160, 2)
    for answer in (regression(values, cells.labels, seen, 1.0), vector_machine(values, cells.labels, seen)):
        left = np.setdiff1d(np.arange(160), seen)
        assert ((answer >= 0) == cells.labels)[left].mean() > 0.75
        other = cells.labels.copy()
        other[left] = 1 - other[left]
        again = regression(values, other, seen, 1.0)
        assert (again == regression(values, cells.labels, seen, 1.0)).all()


def test_the_head_is_chosen_without_the_fold_that_it_answers_for(cells, values):
    asked = []

    def good(labels, seen):
        asked.append(set(seen))
        return values[:, 0]

    parts = {"noise": lambda labels, seen: values[:, 1], "good": good, "also noise": lambda labels, seen: values[:, 2]}
    assert chosen(parts, cells, np.arange(160), "module") == "good"
    asked.clear()
    _, names = out_of_fold(parts, cells, "module", seed=7)
    assert names == ["good"] * 8
    for (_, left), calls in zip(
        folds(cells, "module", 7), np.array_split(np.array(asked, dtype=object), 8), strict=True
    ):
        assert not any(set(left) & call for call in calls)


def test_heads_that_can_be_chosen():
    assert mixes(["a"]) == {"a": ("a",)}
    assert mixes(["a", "b", "c"])["the last two"] == ("b", "c")


def test_official_test_images_of_real_x_rays_are_not_touched():
    rng = np.random.default_rng(7)
    split = np.array(["train"] * 80 + ["test"] * 20)
    images = Images(rng.integers(0, 2, 100), np.arange(100).astype(str), split)
    ((seen, left),) = judgments(Case("chest_xray", "real", "held-out patients"), images, seed=1)
    assert max(*seen, *left) < 80 and not set(seen) & set(left)
    ((seen, left),) = judgments(Case("monuments", "embedded", "test split"), images, seed=1)
    assert max(seen) < 80 and min(left) == 80


def test_a_learning_curve_rises_where_there_is_something_to_learn(cells, values):
    images = Images(cells.labels, cells.modules.astype(str), np.array(["train"] * 160))
    case = Case("solar_cells", "real", "folds of modules")
    few, many = (np.mean([curve(case, images, values, size, seed)[0] for seed in (1, 2)]) for size in (10, None))
    assert few < many and many > 0.8
    assert curve(case, images, values, 10, 1)[1] == 10


def test_the_table_of_curves_has_means_and_intervals_and_a_figure(tmp_path):
    rows = [
        {
            "data": "solar cells",
            "weights": weights,
            "images": images,
            "used": 50,
            "seed": seed,
            "auc": 0.8 + 0.01 * seed,
        }
        for weights in ("ImageNet", "drawings")
        for images in (50, ALL)
        for seed in (1, 2, 3)
    ]
    found = summary(pd.DataFrame(rows))
    assert list(found["images"]) == [50, 0, 50, 0] and set(found["seeds"]) == {3}
    assert found["roc_auc"].tolist() == [0.82] * 4
    assert found["low"][0] == pytest.approx(0.82 - 4.303 * 0.01 / 3**0.5, abs=1e-4)
    text = shown(found)
    assert "| solar cells, drawings | 0.820 (0.795-0.845) | 0.820 (0.795-0.845) |" in text and "| 50 | all |" in text
    assert "figures/curves.png" in draw("curves", text, tmp_path / "figures")
    assert Image.open(tmp_path / "figures" / "curves.png").width == 860


def test_the_stored_curves_are_those_of_the_results():
    if not imagenet_curves.TABLE.is_file():
        pytest.skip("the curves are not measured yet")
    from tests.bench import __main__ as bench

    stored = pd.read_csv(imagenet_curves.TABLE)
    parts = bench.parts_of(bench.RESULTS.read_text(encoding="utf-8"))
    assert shown(stored) in parts["curves"]


def test_every_run_of_a_tuner_starts_from_the_same_weights_and_learns():
    import keras
    from keras import layers

    from tests.bench.tuning import Recipe, Tuner, maps_of, parts

    keras.utils.set_random_seed(7)
    image = keras.Input((8, 8, 1))
    x = layers.Conv2D(4, 3, name="cut")(image)
    x = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(8, 3)(x)))
    network = keras.Model(image, x)
    labels = np.arange(40) % 2
    pixels = np.random.default_rng(7).normal(size=(40, 8, 8, 1)).astype(np.float32) + 2 * labels[:, None, None, None]
    trunk, tail = parts(network, "cut")
    maps = maps_of(trunk, pixels)
    assert tail(maps.astype(np.float32)).numpy() == pytest.approx(network(pixels).numpy(), abs=0.05)
    tuner = Tuner(tail, Recipe(rate=1e-2, epochs=4, batch=8))
    seen, left = np.arange(24), np.arange(24, 40)
    first, second = (tuner(maps[None], labels, seen, left, seed=1) for _ in range(2))
    assert first == pytest.approx(second, abs=1e-5)
    assert ((first >= 0) == labels[left]).mean() > 0.8
    (norm,) = (layer for layer in tail.layers if isinstance(layer, layers.BatchNormalization))
    assert (norm.moving_mean.numpy() == 0).all()
