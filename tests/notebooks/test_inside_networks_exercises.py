"""The exercises of lessons 3.4 to 3.6: solutions give what the text says, and a wrong answer gives something else."""

import contextlib
import io

import keras
import matplotlib as mpl
import nbformat
import numpy as np
import pytest
from keras import layers

from data_prework.files import PROJECT

FOLDER = PROJECT / "notebooks" / "03_convolutions"


def lesson(stem):
    """The code of a lesson's solutions, and all its other code cells."""
    cells = [cell for cell in nbformat.read(FOLDER / f"{stem}.ipynb", as_version=4).cells if cell.cell_type == "code"]
    solved = ["solution" in cell.metadata.get("tags", []) for cell in cells]
    sources = [cell.source for cell in cells]
    return (
        [source for source, is_solution in zip(sources, solved, strict=True) if is_solution],
        [source for source, is_solution in zip(sources, solved, strict=True) if not is_solution],
    )


def ran(*sources, **given):
    """The names after some cells, and what they printed."""
    said = io.StringIO()
    mpl.use("Agg")
    with contextlib.redirect_stdout(said):
        for source in sources:
            exec(source, given)
    return given, said.getvalue()


def holding(cells, *words):
    return [next(cell for cell in cells if word in cell) for word in words]


class Maps:
    """A model whose answers are known."""

    def __init__(self, *maps):
        self.maps = list(maps)

    def predict(self, images, verbose=0):
        return self.maps


def test_a_filter_is_dead_only_if_no_image_wakes_it_at_any_place():
    (first, _), _ = lesson("4_what_filters_see")
    lively = np.zeros((2, 3, 3, 4))
    lively[1, 2, 0, [0, 2]] = 0.5  # two filters respond, in the second image only
    eyes = Maps(lively, np.ones((2, 2, 2, 3)), np.zeros((2, 1, 1, 5)))
    _, said = ran(first, np=np, eyes=eyes, images=None)
    assert said.split("\n")[:3] == [
        "conv1: 2 of 4 filters are dead",
        "conv2: 0 of 3 filters are dead",
        "conv3: 5 of 5 filters are dead",
    ]
    assert (lively[0].max(axis=(0, 1)) == 0).sum() == 4  # the first image alone would call all of them dead


def test_the_filter_against_cracks_is_that_of_the_most_negative_weight():
    (_, second), _ = lesson("4_what_filters_see")
    unit = layers.Dense(1)
    unit.build((None, 4))
    unit.set_weights([np.array([[0.3], [-2.0], [1.0], [-5.0]]), np.zeros(1)])
    asked = []

    def best_patches(block, channel):
        asked.append((block, channel))
        return np.zeros((6, 20, 20, 1)), np.arange(6)

    model = keras.Sequential([keras.Input((4,)), unit])
    labels = np.array([0, 0, 1, 0, 1, 0])
    nothing = {"plot_images": lambda *_, **__: None, "plt": mpl.pyplot}
    _, said = ran(second, model=model, labels=labels, best_patches=best_patches, **nothing)
    assert asked == [(3, 3)] and "4 of its 6 photos are sound" in said  # not the filter of the smallest size


@pytest.fixture(scope="module")
def rules():
    _, cells = lesson("5_pooling")
    return ran(*holding(cells, "def map_side", "def receptive_field"), np=np, layers=layers)[0]


def test_the_rules_of_lesson_5_give_keras_own_sizes_and_the_published_unit_of_s1_m2(rules):
    (first, _), _ = lesson("5_pooling")
    assert "map 30 x 30, field 10, unit 28,801" in ran(first, **rules)[1]
    for side, kernel, stride, padding in [
        (10, 3, 1, "valid"),
        (11, 3, 2, "valid"),
        (11, 5, 3, "same"),
        (9, 2, 2, "same"),
    ]:
        keras_says = layers.Conv2D(1, kernel, stride, padding).compute_output_shape((1, side, side, 1))[1]
        assert rules["map_side"](side, kernel, stride, padding) == keras_says


@pytest.mark.parametrize(
    "wrong", ["map_side(128, 3, padding='same') // 2", "map_side(128, 3)"], ids=["same", "no pool"]
)
def test_another_padding_or_a_forgotten_pooling_gives_another_map(rules, wrong):
    side = eval(f"map_side({wrong}, 3) // 2", dict(rules))
    assert side != 30


def test_a_forgotten_jump_gives_another_field(rules):
    field = rules["receptive_field"]
    assert field([(3, 1), (2, 2), (3, 1), (2, 2)]) == 10 != 1 + 2 + 1 + 2 + 1
    assert (field([(3, 1)] * 3), field([(3, 1), (2, 2)] * 3), field([(3, 2)] * 3)) == (7, 22, 15)


def test_both_heads_together_have_seventeen_weights_and_one_alone_has_nine():
    (_, second), _ = lesson("5_pooling")
    names, said = ran(second, keras=keras, layers=layers, np=np)
    assert "17 weights" in said and "50 (1, 1)" in said
    assert layers.Dense(1)(names["mean"]).shape == (None, 1) and names["mean"].shape[-1] + 1 == 9


@pytest.fixture(scope="module")
def trap():
    _, cells = lesson("6_no_pooling_trap")
    rng = np.random.default_rng(7)
    images = rng.integers(100, 200, size=(6, 128, 128, 3)).astype("uint8")
    given = {"np": np, "keras": keras, "layers": layers, "images": images, "labels": np.array([0, 0, 0, 0, 1, 1])}
    given |= {"plot_layers": lambda model: None, "plt": mpl.pyplot, "run": type("Run", (), {"seed": 7})}
    return ran(*holding(cells, "def s0_m1", "def first_move"), **given)[0]


def test_plain_sgd_moves_the_logit_far_and_less_with_a_smaller_rate(trap):
    (first, _), _ = lesson("6_no_pooling_trap")
    names, said = ran(first, **trap)
    assert "SGD at 0.01 moves" in said and names["sgd"] > 1
    keras.utils.set_random_seed(7)
    assert trap["first_move"](trap["s0_m1"](), 0.0001, keras.optimizers.SGD)[1] < names["sgd"] / 10


def test_a_stride_of_two_moves_the_logit_about_a_quarter_as_far_as_none(trap):
    (_, second), _ = lesson("6_no_pooling_trap")
    names, _ = ran(second, **trap)
    keras.utils.set_random_seed(7)
    predicted, move = trap["first_move"](trap["s0_m1"](), 0.001)
    assert move == pytest.approx(predicted, rel=0.2)
    assert 3 < move / names["with_stride"] < 5
