"""Figures show the right numbers, are readable and small, and are never shown by themselves."""

import io
from types import SimpleNamespace

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text
from PIL import Image

from helpers import plots
from helpers.metrics import evaluate
from helpers.plots import style

RNG = np.random.default_rng(0)
HISTORY = {
    "loss": [0.9, 0.5, 0.3, 0.2],
    "accuracy": [0.5, 0.7, 0.8, 0.9],
    "val_loss": [0.8, 0.6, 0.4, 0.7],
    "val_accuracy": [0.6, 0.7, 0.9, 0.8],
}
FRAME = pd.DataFrame(
    {
        "split": ["train"] * 6 + ["test"] * 2 + ["val"] * 2,
        "label": ["NORMAL"] * 2 + ["PNEUMONIA"] * 4 + ["NORMAL", "PNEUMONIA"] * 2,
        "width": range(100, 110),
        "height": range(200, 210),
    }
)


def example_scores():
    y = np.tile([0, 1], 40)
    noise = RNG.random(80)
    return {
        "majority class": evaluate(y, np.ones(80), n_boot=50),
        "CNN": evaluate(y, 0.8 * y + 0.2 * noise, n_boot=50),
        "dense": evaluate(y, 0.3 * y + 0.7 * noise, n_boot=50),
    }


def all_figures():
    grey = RNG.integers(0, 256, (14, 20, 30), dtype=np.uint8)
    many = {f"metric_{i}": [0.1, 0.2] for i in range(7)}
    models = example_scores() | {"a model with a name that goes on and on and never ends": example_scores()["CNN"]}
    return {
        "grid": plots.sample_grid(grey, titles=["a long title of an image"] * 14, columns=12, title="Images"),
        "balance": plots.class_balance(FRAME),
        "sizes": plots.image_sizes(FRAME),
        "history": plots.history_plot(HISTORY),
        "many metrics": plots.history_plot(many | {"loss": [1, 2]}),
        "one epoch": plots.history_plot({k: v[:1] for k, v in HISTORY.items()}),
        "compare": plots.compare_histories({"SGD": HISTORY, "Adam": HISTORY}),
        "confusion": plots.confusion_matrix_plot([0, 1, 1], [0.1, 0.9, 0.2], ["NORMAL", "PNEUMONIA"]),
        "intervals": plots.score_intervals(models),
    }


@pytest.fixture(autouse=True)
def figures_stay_unseen(monkeypatch):
    def show(*_, **__):
        raise AssertionError("plt.show() was called")

    monkeypatch.setattr(plt, "show", show)
    with mpl.rc_context():
        style.use_style()
        yield
    plt.close("all")


def texts(ax):
    return [t.get_text() for t in ax.texts]


def legend_of(thing):
    return [
        t.get_text() for legend in (getattr(thing, "legends", None) or [thing.get_legend()]) for t in legend.get_texts()
    ]


def test_every_figure_is_at_most_900_pixels_wide_with_text_of_9_points_and_few_bytes():
    for name, made in all_figures().items():
        figure = made.figure if hasattr(made, "axes") and not hasattr(made, "savefig") else made
        kind, content = style.small_picture(figure)
        assert Image.open(io.BytesIO(content)).width <= 900, name
        assert len(content) <= 60_000, name
        assert f"image/{Image.open(io.BytesIO(content)).format.lower()}" == kind
        sizes = [t.get_fontsize() for t in figure.findobj(Text) if t.get_text() and t.get_visible()]
        assert min(sizes) >= 9, name


def test_photos_are_stored_as_jpeg_and_drawings_as_png():
    photos = plots.sample_grid(RNG.integers(0, 256, (12, 130, 130, 3), dtype=np.uint8))
    assert style.small_picture(photos)[0] == "image/jpeg"
    assert style.small_picture(plots.history_plot(HISTORY))[0] == "image/png"


def test_the_few_colours_of_a_stored_drawing_keep_a_small_colour_bar():
    figure, axes = plt.subplots(1, 3, figsize=(6, 2))
    for ax in axes:
        ax.imshow(RNG.normal(128, 40, (40, 40)), cmap="gray")
        overlay = ax.imshow(np.linspace(0, 1, 1600).reshape(40, 40), cmap="viridis", alpha=0.4)
    figure.colorbar(overlay, ax=axes)
    figure.set_layout_engine("none")
    whole = io.BytesIO()
    figure.savefig(whole, format="png", bbox_inches="tight")
    kind, content = style.small_picture(figure)
    few, all_colours = (np.asarray(Image.open(file).convert("RGB"), int) for file in (io.BytesIO(content), whole))
    assert kind == "image/png" and np.abs(few - all_colours).max() <= 24


def test_the_grid_shows_every_image_whole_with_its_title_and_grey_in_grey():
    images = [
        RNG.integers(0, 256, shape, dtype=np.uint8) for shape in [(10, 20), (30, 15, 1), (8, 8, 3), (8, 9), (5, 5)]
    ]
    figure = plots.sample_grid(images, titles=list("abcde"), columns=3)
    shown = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in shown] == list("abcde")
    for ax, image in zip(shown, images, strict=True):
        picture = ax.images[0]
        np.testing.assert_array_equal(picture.get_array(), np.squeeze(image))
        assert picture.get_clim() == (0, 255) and picture.get_cmap().name == "gray"
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        assert left <= -0.5 and right >= image.shape[1] - 0.5 and top <= -0.5 and bottom >= image.shape[0] - 0.5
    assert len({ax.get_subplotspec().rowspan.start for ax in shown}) == 2


def test_class_balance_writes_counts_and_shares_within_each_split_in_their_order():
    ax = plots.class_balance(FRAME)
    assert texts(ax) == ["2\n33 %", "1\n50 %", "1\n50 %", "4\n67 %", "1\n50 %", "1\n50 %"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["train\n(6)", "validation\n(2)", "test\n(2)"]
    assert legend_of(ax) == ["NORMAL", "PNEUMONIA"]
    assert [to_hex(c[0].get_facecolor()) for c in ax.containers] == list(style.CLASS_COLOURS[:2])
    assert texts(plots.class_balance(FRAME, by=None)) == ["4\n40 %", "6\n60 %"]


def test_the_order_of_the_classes_can_be_given_and_keeps_orange_for_the_positive_one():
    ax = plots.class_balance(FRAME, class_names=["PNEUMONIA", "NORMAL"])
    assert legend_of(ax) == ["PNEUMONIA", "NORMAL"]
    assert to_hex(ax.containers[1][0].get_facecolor()) == style.CLASS_COLOURS[1]


def test_image_sizes_draws_every_image_in_its_class_colour_with_units():
    ax = plots.image_sizes(FRAME)
    points = ax.collections[0]
    assert sorted(points.get_offsets().tolist()) == FRAME[["width", "height"]].astype(float).values.tolist()
    colour_of = dict(zip(points.get_offsets()[:, 0], map(to_hex, points.get_facecolors()), strict=True))
    assert (colour_of[100], colour_of[109]) == style.CLASS_COLOURS[:2]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("width (pixels)", "height (pixels)")
    assert "224 × 224" in plots.image_sizes(FRAME.assign(width=224, height=224)).get_title("left")


def test_a_history_has_an_axes_a_metric_epochs_from_one_and_the_best_epoch_marked():
    figure = plots.history_plot(SimpleNamespace(history=HISTORY))
    assert [ax.get_ylabel() for ax in figure.axes] == ["loss", "accuracy"]
    lines = {line.get_label(): line for line in figure.axes[1].lines}
    assert lines["training"].get_xydata().tolist() == [[1, 0.5], [2, 0.7], [3, 0.8], [4, 0.9]]
    assert lines["validation"].get_ydata().tolist() == HISTORY["val_accuracy"]
    assert lines["training"].get_color() == style.SPLIT_COLOURS["train"]
    assert set(lines["best epoch: 3"].get_xdata()) == {3}
    assert legend_of(figure) == ["training", "validation", "best epoch: 3"]
    assert figure.get_suptitle() == "Lowest validation loss in epoch 3 of 4"


def test_without_validation_the_best_epoch_has_the_lowest_training_loss_and_nan_is_never_best():
    figure = plots.history_plot({"loss": [np.nan, 0.3, 0.5], "auc": [0.5, 0.6, 0.7]}, metrics=["auc"])
    assert figure.get_suptitle() == "Lowest training loss in epoch 2 of 3"
    assert [ax.get_ylabel() for ax in figure.axes] == ["AUC"]
    assert plots.history_plot({"auc": [0.5, 0.6]}).get_suptitle() == ""


def test_one_epoch_is_visible_as_a_marked_point():
    figure = plots.history_plot({k: v[:1] for k, v in HISTORY.items()})
    drawn = [line for ax in figure.axes for line in ax.lines if line.get_label() in ("training", "validation")]
    assert len(drawn) == 4 and all(line.get_marker() not in (None, "None", "") for line in drawn)


def test_validation_every_second_epoch_is_drawn_at_those_epochs():
    figure = plots.history_plot({"loss": [4, 3, 2, 1], "val_loss": [3, 2]})
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert lines["validation"].get_xdata().tolist() == [2, 4]
    assert "best epoch: 4" in lines


def test_compared_histories_are_dashed_in_training_and_solid_in_validation():
    ax = plots.compare_histories({"SGD": HISTORY, "Adam": {"loss": [0.5, 0.1]}})
    lines = {line.get_label(): line for line in ax.lines}
    assert set(lines) == {"SGD, training", "SGD, validation", "Adam, training"}
    assert (lines["SGD, training"].get_linestyle(), lines["SGD, validation"].get_linestyle()) == ("--", "-")
    assert lines["SGD, training"].get_color() == lines["SGD, validation"].get_color()
    assert lines["SGD, training"].get_color() != lines["Adam, training"].get_color()
    assert legend_of(ax) == ["SGD", "Adam", "training", "validation"]


@pytest.mark.parametrize("given", [[0.2, 0.5, 0.9, 0.4, 0.8], [[0.2], [0.5], [0.9], [0.4], [0.8]], [0, 1, 1, 0, 1]])
def test_the_confusion_matrix_writes_counts_and_shares_of_the_true_class(given):
    ax = plots.confusion_matrix_plot([0, 0, 0, 1, 1], given, ["NORMAL", "PNEUMONIA"])
    assert texts(ax) == ["1\n33.3 %", "2\n66.7 %", "1\n50.0 %", "1\n50.0 %"]
    assert ax.get_title("left") == "2 of 5 right (40.0 %)"
    assert [t.get_text() for t in ax.get_yticklabels()] == ["NORMAL", "PNEUMONIA"]


def test_the_threshold_moves_the_confusion_matrix():
    ax = plots.confusion_matrix_plot([0, 1], [0.2, 0.4], ["no", "yes"], threshold=0.3)
    assert texts(ax) == ["1\n100.0 %", "0\n0.0 %", "0\n0.0 %", "1\n100.0 %"]


def test_score_intervals_are_sorted_with_the_best_on_top_and_numbers_beside():
    scores = example_scores()
    ax = plots.score_intervals(scores, "accuracy")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["majority class", "dense", "CNN"]
    assert texts(ax) == [scores[m].text("accuracy") for m in ("majority class", "dense", "CNN")]
    bars = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert [tuple(b.get_xdata()) for b in bars][1] == scores["dense"].interval("accuracy")
    assert bars[2].get_color() == style.model_colour("CNN")
    from_below = plots.score_intervals(scores, "false_negative_rate").get_yticklabels()
    assert from_below[0].get_text() == "dense"  # at the bottom: it misses the most


def test_score_intervals_take_the_frame_of_the_results_store_and_tell_seeds_apart():
    frame = pd.DataFrame(
        {
            "model": ["CNN", "CNN"],
            "seed": [7, 8],
            "roc_auc": [0.8, 0.9],
            "roc_auc_low": [0.7, 0.85],
            "roc_auc_high": [0.9, 0.95],
        }
    )
    ax = plots.score_intervals(frame, "roc_auc")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["CNN, seed 7", "CNN, seed 8"]
    assert "chance" in texts(ax)


def test_a_family_of_models_has_one_colour():
    assert style.model_colour("CNN, 4 blocks") == style.model_colour("small CNN") != style.model_colour("dense")
    assert style.model_colour("MobileNetV2 transfer") != style.model_colour("tuned CNN") != style.model_colour("CNN")
    assert style.model_colour("something else") == style.OTHER_MODEL


def test_a_given_axes_is_drawn_into_and_returned():
    figure, cells = plt.subplots(1, 5)
    before = plt.get_fignums()
    made = [
        plots.class_balance(FRAME, ax=cells[0]),
        plots.image_sizes(FRAME, ax=cells[1]),
        plots.compare_histories({"SGD": HISTORY}, ax=cells[2]),
        plots.confusion_matrix_plot([0, 1], [0, 1], ["no", "yes"], ax=cells[3]),
        plots.score_intervals(example_scores(), ax=cells[4]),
    ]
    assert made == list(cells) and plt.get_fignums() == before
    assert all(ax.get_figure() is figure for ax in made)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: plots.sample_grid([]), "images: empty"),
        (lambda: plots.sample_grid(np.zeros((2, 4, 4))), "images: image 0 has the type float64"),
        (lambda: plots.sample_grid(np.zeros((4, 4), np.uint8)), "images: image 0 has the shape"),
        (lambda: plots.sample_grid(np.zeros((2, 4, 4), np.uint8), titles=["a"]), "titles: 1 texts for 2"),
        (lambda: plots.sample_grid(np.zeros((2, 4, 4), np.uint8), columns=0), "columns: 0"),
        (lambda: plots.class_balance(FRAME, by="fold"), "frame: has no column 'fold'"),
        (lambda: plots.class_balance(FRAME, class_names=["NORMAL"]), "class_names: lacks PNEUMONIA"),
        (lambda: plots.class_balance(FRAME[:0]), "frame: expected"),
        (lambda: plots.image_sizes(FRAME.drop(columns="width")), "frame: has no column 'width'"),
        (lambda: plots.image_sizes(FRAME, ax="here"), "ax: str given"),
        (lambda: plots.history_plot({}), "history: expected"),
        (lambda: plots.history_plot({"loss": []}), "history: 'loss' is not a list"),
        (lambda: plots.history_plot({"f1": [[0.1, 0.2]]}), "history: 'f1' is not a list"),
        (lambda: plots.history_plot(HISTORY, metrics=["auc"]), "metrics: 'auc' was not recorded"),
        (lambda: plots.compare_histories({}), "histories: expected"),
        (lambda: plots.compare_histories({"SGD": HISTORY}, metric="auc"), "metric: 'auc' was not recorded in 'SGD'"),
        (lambda: plots.confusion_matrix_plot([0, 1], [0.1, np.nan], ["a", "b"]), "y_prob_or_pred: NaN"),
        (lambda: plots.confusion_matrix_plot([0, 1], [0.1, 3.0], ["a", "b"]), "y_prob_or_pred: .*logits"),
        (lambda: plots.confusion_matrix_plot([0, 1], [0.1], ["a", "b"]), "y_prob_or_pred: 1 values for 2"),
        (lambda: plots.confusion_matrix_plot([0, 2], [0, 1], ["a", "b"]), "y_true: expected class numbers"),
        (lambda: plots.score_intervals({}), "scores_or_frame: expected"),
        (lambda: plots.score_intervals(FRAME), "scores_or_frame: not a table"),
        (lambda: plots.score_intervals(example_scores(), "loss"), "metric: 'loss'"),
    ],
)
def test_wrong_input_is_rejected_by_name(call, said):
    with pytest.raises(ValueError, match=said):
        call()
