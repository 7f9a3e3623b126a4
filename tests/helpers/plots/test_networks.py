"""The diagrams say what the networks are: names, shapes, numbers; nothing is drawn that is wrong."""

import matplotlib as mpl

mpl.use("Agg")

import keras
import matplotlib.pyplot as plt
import numpy as np
import pytest

from helpers import plots


@pytest.fixture(autouse=True)
def no_figure_stays():
    yield
    plt.close("all")


def words(ax):
    return [text.get_text() for text in ax.texts]


def branches():
    images = keras.Input((8, 8, 1))
    both = [keras.layers.Conv2D(2, 3)(images) for _ in range(2)]
    return keras.Model(images, keras.layers.Add(name="joined")(both))


def test_a_neuron_names_its_inputs_its_activation_and_its_output():
    said = words(plots.plot_neuron(("a", "b", "c", "n"), "relu", "score"))
    assert [name for name in said if name in ("a", "b", "c", "n", "relu", "score")] == [
        "a",
        "b",
        "c",
        "n",
        "relu",
        "score",
    ]
    assert sum("w_" in name for name in said) == 4 and "+ bias" in said


def test_layers_stand_in_order_with_the_shapes_and_parameters_that_keras_counts():
    model = keras.Sequential(
        [keras.Input((10, 8, 3)), keras.layers.Conv2D(4, 3), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    ax = plots.plot_layers(model)
    said = [word for word in words(ax) if word]
    assert said == [
        "input", "10 × 8 × 3",
        "Conv2D", "8 × 6 × 4", "112 parameters",
        "Flatten", "192",
        "Dense", "2", "386 parameters",
    ]  # fmt: skip
    assert f"{model.count_params()} parameters" in (ax.get_title(), ax.get_title("left"))


@pytest.mark.parametrize("channels, kernel", [(("gray",), 3), (("red", "green", "blue"), 5)])
def test_a_filter_has_the_parameters_that_keras_counts(channels, kernel):
    layer = keras.layers.Conv2D(1, kernel)
    layer.build((None, 8, 8, len(channels)))
    ax = plots.plot_filter(channels, kernel)
    assert f"= {layer.count_params()} parameters" in ax.get_title("left") + ax.get_title()
    assert [name for name in words(ax) if name in channels] == list(channels)


def test_a_filter_with_more_slices_than_fit_is_refused():
    with pytest.raises(ValueError, match="four channels"):
        plots.plot_filter("abcde")


def test_a_nested_model_is_one_box_and_sides_of_any_size_say_so():
    base = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(4, 3)], name="base")
    model = keras.Sequential([keras.Input((None, None, 1)), base, keras.layers.GlobalAveragePooling2D()])
    said = words(plots.plot_layers(model))
    assert said.count("Sequential") == 1 and "any × any × 4" in said


def test_the_feature_map_is_the_sum_of_pixels_times_kernel_as_keras_computes_it():
    rng = np.random.default_rng(0)
    image, kernel = rng.integers(0, 9, (6, 5)), rng.integers(-2, 3, (3, 2))
    panels = plots.plot_convolution(image, kernel, place=(2, 1))
    layer = keras.layers.Conv2D(1, (3, 2), use_bias=False)
    layer.build((None, None, None, 1))
    layer.set_weights([kernel[:, :, None, None].astype("float32")])
    expected = np.asarray(layer(image[None, :, :, None].astype("float32")))[0, :, :, 0]
    assert [float(word) for word in words(panels[2])] == expected.ravel().tolist()
    assert panels.figure.get_suptitle() == f"The 6 pixels times the kernel add up to {expected[2, 1]:g}"
    assert len({round(ax.get_ylim()[0] - ax.get_ylim()[1], 6) for ax in panels}) == 1  # cells of one size


def test_a_backbone_is_frozen_or_trained_and_its_head_is_new():
    frozen, tuned = (words(plots.plot_backbone("Lite0", ("pooling", "dense"), trainable=t)) for t in (False, True))
    assert any("Lite0" in word for word in frozen) and {"pooling", "dense", "class"} <= set(frozen)
    assert "frozen: weights stay" in frozen and "trained further, slowly" in tuned


def test_a_plan_of_hyperband_has_a_line_for_each_training_from_its_first_epoch_to_its_last():
    ax = plots.plot_brackets([(1, 3, 0, 2), (1, 1, 2, 6), (0, 2, 0, 6)])
    assert [line.get_xdata().tolist() for line in ax.lines] == [[0, 2]] * 3 + [[2, 6]] + [[0, 6]] * 2
    assert len({line.get_color() for line in ax.lines}) == 2


def test_a_search_hands_values_to_every_worker_and_gets_a_score_from_each():
    ax = plots.plot_search("chief", ["tuner0", "tuner1", "tuner2"])
    said = words(ax)
    assert said.count("values") == said.count("score") == 3 and said[0].startswith("chief")
    assert sum(word.split("\n")[0].startswith("tuner") for word in said) == 3


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (lambda: plots.plot_neuron(("a",)), "inputs: 1 given"),
        (lambda: plots.plot_search(workers=()), "workers: 0 given"),
        (lambda: plots.plot_brackets([]), "plan: 0 trials"),
        (lambda: plots.plot_layers(keras.Sequential([keras.layers.Dense(1)])), "model: not built"),
        (lambda: plots.plot_layers(branches()), r"model: has branches \(joined\)"),
        (lambda: plots.plot_convolution(np.zeros((9, 9)), np.ones((3, 3))), "image: shape"),
        (lambda: plots.plot_convolution(np.zeros((3, 3)), np.ones((4, 1))), "kernel: shape"),
        (lambda: plots.plot_convolution(np.zeros((4, 4)), np.ones((3, 3)), place=(2, 0)), "place: "),
    ],
)
def test_what_cannot_be_drawn_is_refused_by_name(draw, said):
    with pytest.raises(ValueError, match=said):
        draw()


def marked(ax):
    red = mpl.colors.to_rgba(plots.COLORS["red"])
    return [patch for patch in ax.patches if not patch.get_fill() and patch.get_edgecolor() == red]


def test_a_split_shows_each_image_once_and_marks_the_groups_that_are_on_both_sides():
    random, grouped = ([0, 2, 4, 5], [1, 3]), ([0, 1, 4, 5], [2, 3])
    ax = plots.plot_splits(list("AABBCC"), {"random": random, "by module": grouped})
    said = words(ax)
    assert [word for word in said if len(word) == 1] == [*"ABCCAB", *"AACCBB"]
    assert [word for word in said if word.startswith("on both")] == ["on both sides: A, B", "on both sides: none"]
    assert len(marked(ax)) == 4  # an A and a B on each side


@pytest.mark.parametrize(
    "groups, sides, expected",
    [
        ("A" * 17, (range(8), range(8, 17)), "at most 16"),
        ("ABCDEFG", (range(3), range(3, 7)), "of 6 can be"),
        ("AABB", ([0, 1], [2]), "each of the 4 images on one side"),
        ("AABB", ([0, 1, 2], [2, 3]), "each of the 4 images on one side"),
    ],
)
def test_a_split_that_is_none_or_too_large_to_draw_is_refused(groups, sides, expected):
    with pytest.raises(ValueError, match=expected):
        plots.plot_splits(list(groups), {"one": sides})


def test_a_confusion_matrix_names_its_counts_and_computes_its_rates():
    ax = plots.plot_confusion_terms(tp=8, fn=2, fp=4, tn=36, class_names=("sound", "crack"))
    said = words(ax)
    assert {"true positives\n8", "false negatives\n2", "false positives\n4", "true negatives\n36"} < set(said)
    assert {"recall\n8 / 10 = 0.80", "specificity\n36 / 40 = 0.90", "precision\n8 / 12 = 0.67"} < set(said)
    assert said.count("sound") == said.count("crack") == 2
    assert "36 true negatives" in ax.figure.get_label()


@pytest.mark.parametrize("counts", [(0, 0, 1, 1), (1, 1, 0, 0), (0, 1, 0, 1), (1, 1, -1, 1)])
def test_counts_without_a_class_or_a_positive_answer_have_no_rates(counts):
    with pytest.raises(ValueError, match="counts from 0"):
        plots.plot_confusion_terms(*counts)


def test_a_threshold_separates_the_answers_and_shades_the_errors_on_both_sides():
    ax = plots.plot_threshold(0.6, ("sound", "crack"), "darkness")
    line = ax.get_lines()[-1]
    assert set(line.get_xdata()) == {0.6} and ax.get_xlabel() == "darkness, from low to high"
    false_positives, false_negatives = (area.get_paths()[0].vertices[:, 0] for area in ax.collections)
    assert false_positives.min() >= 0.6 - 1e-9 and false_negatives.max() <= 0.6 + 1e-9
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["false positives", "false negatives"]


def test_a_threshold_outside_of_the_scores_is_rejected():
    with pytest.raises(ValueError, match="from 0 to 1"):
        plots.plot_threshold(1.5)


def test_pooling_keeps_the_largest_or_the_mean_of_each_block_and_gives_a_block_one_color():
    values = np.array([[1, 0, 0, 2], [0, 7, 0, 0], [0, 0, 3, 3], [5, 0, 3, 4]])
    before, after = plots.plot_pooling(values)
    assert words(after) == ["7", "2", "5", "4"] and len(words(before)) == 16
    assert [text.get_text() for text in before.texts if text.get_fontweight() == "bold"] == ["2", "7", "5", "4"]
    colors = [patch.get_facecolor() for patch in before.patches]
    assert colors[0] == colors[1] == colors[4] == colors[5] == after.patches[0].get_facecolor() != colors[2]
    assert words(plots.plot_pooling(values, kind="average")[1]) == ["2", "0.5", "1.25", "3.25"]


@pytest.mark.parametrize(
    "values, size, kind, fault",
    [
        (np.zeros((9, 9)), 3, "max", "at most 8"),
        (np.zeros((4, 4)), 3, "max", "don't fill"),
        (np.zeros((4, 4)), 2, "mean", "'max' or 'average'"),
    ],
)
def test_pooling_that_cannot_be_drawn_is_refused(values, size, kind, fault):
    with pytest.raises(ValueError, match=fault):
        plots.plot_pooling(values, size, kind)


def test_a_resample_shows_the_images_that_were_drawn_and_its_own_share():
    ax = plots.plot_resamples([True, False, True, True], [[0, 0, 3, 1], [1, 1, 1, 2]])
    assert [word for word in words(ax) if len(word) == 1] == [*"1234", *"1142", *"2223"]
    assert [word for word in words(ax) if "." in word] == ["0.75", "0.75", "0.25"]


@pytest.mark.parametrize(
    "right, drawn, expected", [([True] * 13, [0], "13 images"), ([True] * 4, [4], "from 0 to 3"), ([], [], "0 images")]
)
def test_a_resample_that_cannot_be_drawn_is_refused(right, drawn, expected):
    with pytest.raises(ValueError, match=expected):
        plots.plot_resamples(right, [drawn])


def test_a_network_has_a_line_for_each_weight_and_a_circle_for_each_neuron():
    ax = plots.plot_network((4, 3, 2), ("pixels", "hidden", "classes"))
    assert len(ax.lines) == 4 * 3 + 3 * 2 and len(ax.patches) == 4 + 3 + 2
    assert words(ax) == ["pixels", "hidden", "classes"] and ax.get_title("left") == "18 weights and 5 biases"


@pytest.mark.parametrize("units, names", [((4,), ("a",)), ((4, 9), ("a", "b")), ((4, 0), ("a", "b")), ((4, 1), ("a",))])
def test_a_network_that_cannot_be_drawn_is_refused(units, names):
    with pytest.raises(ValueError, match=r"units:|names:"):
        plots.plot_network(units, names)


def test_values_go_down_and_gradients_up():
    ax = plots.plot_backpropagation({"sum": ("2", "0.5"), "sigmoid": ("0.88", "1.1"), "loss": ("0.13", "1")})
    arrows = [patch for patch in ax.patches if type(patch).__name__ == "FancyArrowPatch"]
    assert words(ax)[2:] == ["sum", "2", "0.5", "sigmoid", "0.88", "1.1", "loss", "0.13", "1"] and len(arrows) == 4
    with pytest.raises(ValueError, match="steps: 1 given"):
        plots.plot_backpropagation({"loss": ("0.13", "1")})


def test_an_occlusion_shows_answers_before_and_after_and_the_fall_at_each_place():
    table = np.array([[5, 1, 7, 2], [9, 3, 4, 8]])
    panels = plots.plot_occlusion(table, lambda t: t[1, 1] + t[1, 2], place=(1, 1))
    assert [panel.get_title("left").split("\n")[1] for panel in panels[:2]] == ["answer 7", "answer 4"]
    assert words(panels[1]) == ["5", "1", "7", "2", "9", "0", "4", "8"]
    assert (
        words(panels[2]) == ["0", "0", "0", "0", "0", "3", "4", "0"] and (table == [[5, 1, 7, 2], [9, 3, 4, 8]]).all()
    )
    squares = plots.plot_occlusion(table, np.sum, size=2, filling=1)
    assert words(squares[2]) == ["14", "11", "17"]
    assert "a fall of 3" in panels.figure.get_label()


@pytest.mark.parametrize("place, size", [((2, 0), 1), ((0, 3), 2), ((0, 0), 3), ((0, 0), 0), ((-1, 0), 1)])
def test_a_square_that_does_not_fit_is_refused(place, size):
    with pytest.raises(ValueError, match="place: a square"):
        plots.plot_occlusion(np.zeros((2, 4)), np.sum, place, size)


def test_grad_cam_adds_up_weighted_maps_and_drops_what_is_negative():
    maps = np.array([[[4, 1], [1, 5]], [[0, 0], [2, 0]]])
    panels = plots.plot_grad_cam(maps, weights=(1, -2))
    assert [panel.get_title("left") for panel in panels[:2]] == ["map 1\n× 1", "map 2\n× -2"]
    assert words(panels[2]) == ["2", "-9", "0", "2"] and words(panels[3]) == ["2", "0", "0", "2"]


@pytest.mark.parametrize(
    "maps, weights, message",
    [
        (np.zeros((5, 5, 2)), (1, 1), "maps: shape"),
        (np.zeros((2, 2)), (1, 1), "maps: shape"),
        (np.zeros((2, 2, 2)), (1,), "weights: 1"),
    ],
)
def test_maps_that_cannot_be_drawn_are_refused(maps, weights, message):
    with pytest.raises(ValueError, match=message):
        plots.plot_grad_cam(maps, weights)


def test_early_stopping_marks_what_is_kept_what_waits_and_what_is_never_trained():
    ax = plots.plot_early_stopping([0.6, 0.4, 0.5, 0.5, 0.3], kept=2, stopped=4)
    assert ax.get_title("left") == "Patience 2: epoch 2 is kept, epoch 4 is the last"
    lines = {line.get_label(): list(line.get_xdata()) for line in ax.lines}
    assert lines == {"never trained": [4, 5], "trained": [1, 2, 3, 4], "kept": [2]}


@pytest.mark.parametrize("kept, stopped", [(0, 2), (3, 2), (1, 4)])
def test_epochs_that_were_not_trained_cannot_be_kept(kept, stopped):
    with pytest.raises(ValueError, match="expected 1 <= kept <= stopped <= 3"):
        plots.plot_early_stopping([0.6, 0.4, 0.5], kept, stopped)


def test_dropout_leaves_out_the_lines_of_the_missing_neurons():
    panels = plots.plot_dropout(4, [[1], [0, 3]])
    assert [len(ax.lines) for ax in panels] == [3 * 4, 2 * 4, 4 * 4]  # three inputs and one output for each that stays
    assert [words(ax) for ax in panels] == [["×"], ["×", "×"], []]


@pytest.mark.parametrize("units, dropped", [(7, [[0]]), (1, [[0]]), (4, []), (4, [[4]]), (4, [[0], [1], [2]])])
def test_a_dropout_that_cannot_be_drawn_is_refused(units, dropped):
    with pytest.raises(ValueError, match="dropped:"):
        plots.plot_dropout(units, dropped)


def test_random_layers_are_missing_in_prediction_or_off():
    pipeline, model = plots.plot_augmentation()
    assert words(pipeline).count("random\nlayers") == 1 and "random\nlayers: off" not in words(pipeline)
    assert words(model).count("random\nlayers") == words(model).count("random\nlayers: off") == 1


def test_batch_normalization_shows_the_numbers_that_keras_computes_in_both_modes():
    values = np.array([2.0, 4.0, 6.0, 8.0])
    layer = keras.layers.BatchNormalization()
    column = values[:, None].astype("float32")
    by_keras = {mode: np.array(layer(column, training=mode))[:, 0] for mode in (False, True)}
    said = words(plots.plot_batch_normalization(values))
    inference, training = ("\n".join(f"{value:.2f}" for value in by_keras[mode]) for mode in (False, True))
    assert said.index(training) < said.index("inference") < said.index(inference)


def test_batch_normalization_of_no_values_or_with_a_negative_variance_is_refused():
    with pytest.raises(ValueError, match="one to six"):
        plots.plot_batch_normalization([])
    with pytest.raises(ValueError, match="never negative"):
        plots.plot_batch_normalization([1, 2], moving_variance=-1)


def test_replicas_share_a_batch_in_equal_parts():
    said = words(plots.plot_replicas(batch=96, replicas=3))
    assert said[0] == "batch of\n96" and said.count("32 images") == 3
    assert {"replica 1", "replica 2", "replica 3"} < set(said)


@pytest.mark.parametrize("batch, replicas", [(33, 2), (64, 1), (64, 5)])
def test_a_batch_that_replicas_cannot_share_equally_is_refused(batch, replicas):
    with pytest.raises(ValueError, match="replicas"):
        plots.plot_replicas(batch, replicas)
