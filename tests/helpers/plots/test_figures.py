"""Figures show the right numbers, are readable and small, and are never shown by themselves."""

import io
from types import SimpleNamespace

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.colors import to_hex
from matplotlib.text import Text
from PIL import Image
from sklearn.datasets import load_sample_image

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
        "majority class": evaluate(y, np.ones(80)),
        "CNN": evaluate(y, 0.8 * y + 0.2 * noise),
        "dense": evaluate(y, 0.3 * y + 0.7 * noise),
    }


def all_figures():
    grey = RNG.integers(0, 256, (14, 20, 30), dtype=np.uint8)
    many = {f"metric_{i}": [0.1, 0.2] for i in range(7)}
    models = example_scores() | {"a model with a name that goes on and on and never ends": example_scores()["CNN"]}
    return {
        "grid": plots.plot_images(grey, titles=["a long title of an image"] * 14, ncols=12, title="Images"),
        "balance": plots.plot_class_balance(FRAME),
        "sizes": plots.plot_image_sizes(FRAME),
        "history": plots.plot_history(HISTORY),
        "many metrics": plots.plot_history(many | {"loss": [1, 2]}),
        "one epoch": plots.plot_history({k: v[:1] for k, v in HISTORY.items()}),
        "compare": plots.plot_histories({"SGD": HISTORY, "Adam": HISTORY}),
        "confusion": plots.plot_confusion_matrix([0, 1, 1], [0.1, 0.9, 0.2], ["NORMAL", "PNEUMONIA"]),
        "intervals": plots.plot_scores(models),
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
        figure = made.figure
        kind, content = style.small_image(figure)
        assert Image.open(io.BytesIO(content)).width <= 900, name
        assert len(content) <= 60_000, name
        assert f"image/{Image.open(io.BytesIO(content)).format.lower()}" == kind
        sizes = [t.get_fontsize() for t in figure.findobj(Text) if t.get_text() and t.get_visible()]
        assert min(sizes) >= 9, name


def test_photos_are_stored_as_jpeg_and_drawings_as_png():
    photos = plots.plot_images(RNG.integers(0, 256, (12, 130, 130, 3), dtype=np.uint8))
    assert style.small_image(photos.figure)[0] == "image/jpeg"
    assert style.small_image(plots.plot_history(HISTORY).figure)[0] == "image/png"


def test_a_photo_is_stored_without_bands_though_its_drawing_would_be_small():
    photo = load_sample_image("china.jpg")[::5, ::5]
    kind, content = style.small_image(plots.plot_images([photo], size=2).figure)
    assert kind == "image/jpeg" and len(content) < 30_000


def test_the_few_colors_of_a_stored_drawing_keep_a_small_color_bar():
    figure, axes = plt.subplots(1, 3, figsize=(6, 2))
    for ax in axes:
        ax.imshow(RNG.normal(128, 40, (40, 40)), cmap="gray")
        overlay = ax.imshow(np.linspace(0, 1, 1600).reshape(40, 40), cmap="viridis", alpha=0.4)
    figure.colorbar(overlay, ax=axes)
    figure.set_layout_engine("none")
    whole = io.BytesIO()
    figure.savefig(whole, format="png", bbox_inches="tight")
    kind, content = style.small_image(figure)
    few, all_colors = (np.asarray(Image.open(file).convert("RGB"), int) for file in (io.BytesIO(content), whole))
    assert kind == "image/png" and np.abs(few - all_colors).max() <= 24


def test_the_grid_shows_every_image_whole_with_its_title_and_grey_in_grey():
    images = [
        RNG.integers(0, 256, shape, dtype=np.uint8) for shape in [(10, 20), (30, 15, 1), (8, 8, 3), (8, 9), (5, 5)]
    ]
    figure = plots.plot_images(images, titles=list("abcde"), ncols=3).figure
    shown = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title() for ax in shown] == list("abcde")
    for ax, image in zip(shown, images, strict=True):
        shown_image = ax.images[0]
        np.testing.assert_array_equal(shown_image.get_array(), np.squeeze(image))
        assert shown_image.get_clim() == (0, 255) and shown_image.get_cmap().name == "gray"
        (left, right), (bottom, top) = ax.get_xlim(), ax.get_ylim()
        assert left <= -0.5 and right >= image.shape[1] - 0.5 and top <= -0.5 and bottom >= image.shape[0] - 0.5
    assert len({ax.get_subplotspec().rowspan.start for ax in shown}) == 2


def test_class_balance_writes_counts_and_shares_within_each_split_in_their_order():
    ax = plots.plot_class_balance(FRAME)
    assert texts(ax) == ["2\n33 %", "1\n50 %", "1\n50 %", "4\n67 %", "1\n50 %", "1\n50 %"]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["train\n(6)", "validation\n(2)", "test\n(2)"]
    assert legend_of(ax) == ["NORMAL", "PNEUMONIA"]
    assert [to_hex(c[0].get_facecolor()) for c in ax.containers] == list(style.CLASS_COLORS[:2])
    assert texts(plots.plot_class_balance(FRAME, by=None)) == ["4\n40 %", "6\n60 %"]


def test_the_order_of_the_classes_can_be_given_and_keeps_orange_for_the_positive_one():
    ax = plots.plot_class_balance(FRAME, class_names=["PNEUMONIA", "NORMAL"])
    assert legend_of(ax) == ["PNEUMONIA", "NORMAL"]
    assert to_hex(ax.containers[1][0].get_facecolor()) == style.CLASS_COLORS[1]


def test_image_sizes_draws_every_image_in_its_class_colour_with_units():
    ax = plots.plot_image_sizes(FRAME)
    points = ax.collections[0]
    assert sorted(points.get_offsets().tolist()) == FRAME[["width", "height"]].astype(float).values.tolist()
    color_of = dict(zip(points.get_offsets()[:, 0], map(to_hex, points.get_facecolors()), strict=True))
    assert (color_of[100], color_of[109]) == style.CLASS_COLORS[:2]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("width (pixels)", "height (pixels)")
    assert "224 × 224" in plots.plot_image_sizes(FRAME.assign(width=224, height=224)).get_title("left")


def test_a_history_has_an_axes_a_metric_epochs_from_one_and_the_best_epoch_marked():
    figure = plots.plot_history(SimpleNamespace(history=HISTORY)).figure
    assert [ax.get_ylabel() for ax in figure.axes] == ["loss", "accuracy"]
    lines = {line.get_label(): line for line in figure.axes[1].lines}
    assert lines["training"].get_xydata().tolist() == [[1, 0.5], [2, 0.7], [3, 0.8], [4, 0.9]]
    assert lines["validation"].get_ydata().tolist() == HISTORY["val_accuracy"]
    assert lines["training"].get_color() == style.SPLIT_COLORS["train"]
    assert set(lines["best epoch: 3"].get_xdata()) == {3}
    assert legend_of(figure) == ["training", "validation", "best epoch: 3"]
    assert figure.get_suptitle() == "Lowest validation loss in epoch 3 of 4"


def test_without_validation_the_best_epoch_has_the_lowest_training_loss_and_nan_is_never_best():
    figure = plots.plot_history({"loss": [np.nan, 0.3, 0.5], "auc": [0.5, 0.6, 0.7]}, metrics=["auc"]).figure
    assert figure.get_suptitle() == "Lowest training loss in epoch 2 of 3"
    assert [ax.get_ylabel() for ax in figure.axes] == ["AUC"]
    assert plots.plot_history({"auc": [0.5, 0.6]}).figure.get_suptitle() == ""


def test_one_epoch_is_visible_as_a_marked_point():
    figure = plots.plot_history({k: v[:1] for k, v in HISTORY.items()}).figure
    drawn = [line for ax in figure.axes for line in ax.lines if line.get_label() in ("training", "validation")]
    assert len(drawn) == 4 and all(line.get_marker() not in (None, "None", "") for line in drawn)


def test_validation_every_second_epoch_is_drawn_at_those_epochs():
    figure = plots.plot_history({"loss": [4, 3, 2, 1], "val_loss": [3, 2]}).figure
    lines = {line.get_label(): line for line in figure.axes[0].lines}
    assert lines["validation"].get_xdata().tolist() == [2, 4]
    assert "best epoch: 4" in lines


def test_compared_histories_are_dashed_in_training_and_solid_in_validation():
    ax = plots.plot_histories({"SGD": HISTORY, "Adam": {"loss": [0.5, 0.1]}})
    lines = {line.get_label(): line for line in ax.lines}
    assert set(lines) == {"SGD, training", "SGD, validation", "Adam, training"}
    assert (lines["SGD, training"].get_linestyle(), lines["SGD, validation"].get_linestyle()) == ("--", "-")
    assert lines["SGD, training"].get_color() == lines["SGD, validation"].get_color()
    assert lines["SGD, training"].get_color() != lines["Adam, training"].get_color()
    assert legend_of(ax) == ["SGD", "Adam", "training", "validation"]


@pytest.mark.parametrize("given", [[0.2, 0.5, 0.9, 0.4, 0.8], [[0.2], [0.5], [0.9], [0.4], [0.8]], [0, 1, 1, 0, 1]])
def test_the_confusion_matrix_writes_counts_and_shares_of_the_true_class(given):
    ax = plots.plot_confusion_matrix([0, 0, 0, 1, 1], given, ["NORMAL", "PNEUMONIA"])
    assert texts(ax) == ["1\n33.3 %", "2\n66.7 %", "1\n50.0 %", "1\n50.0 %"]
    assert ax.get_title("left") == "2 of 5 right (40.0 %)"
    assert [t.get_text() for t in ax.get_yticklabels()] == ["NORMAL", "PNEUMONIA"]


def test_the_threshold_moves_the_confusion_matrix():
    ax = plots.plot_confusion_matrix([0, 1], [0.2, 0.4], ["no", "yes"], threshold=0.3)
    assert texts(ax) == ["1\n100.0 %", "0\n0.0 %", "0\n0.0 %", "1\n100.0 %"]


def test_score_intervals_are_sorted_with_the_best_on_top_and_numbers_beside():
    scores = example_scores()
    ax = plots.plot_scores(scores, "accuracy")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["majority class", "dense", "CNN"]
    assert texts(ax) == [scores[m].text("accuracy") for m in ("majority class", "dense", "CNN")]
    bars = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert [tuple(b.get_xdata()) for b in bars][1] == scores["dense"].interval("accuracy")
    assert bars[2].get_color() == style.model_color("CNN")
    from_below = plots.plot_scores(scores, "false_negative_rate").get_yticklabels()
    assert from_below[0].get_text() == "dense"  # at the bottom: it misses the most


def test_the_alt_text_of_a_leaderboard_names_the_best_and_the_worst_with_their_intervals():
    scores = example_scores()
    said = style.alt_text(plots.plot_scores(scores, "accuracy").figure)
    best, worst = (f"{name} {scores[name].text('accuracy')}" for name in ("CNN", "majority class"))
    assert said.endswith(f"accuracy: {best} is the best, the worst is {worst}.")
    missed = style.alt_text(plots.plot_scores(scores, "false_negative_rate").figure)
    assert missed.endswith(f"the worst is dense {scores['dense'].text('false_negative_rate')}.")
    alone = style.alt_text(plots.plot_scores({"CNN": scores["CNN"]}, "accuracy", title="One?").figure)
    assert alone == f"One? accuracy: CNN {scores['CNN'].text('accuracy')}."


def test_a_leaderboard_in_a_figure_of_several_panels_leaves_its_alt_text_alone():
    figure, ax = plt.subplots()
    plots.plot_scores(example_scores(), ax=ax)
    assert not figure.get_label()


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
    ax = plots.plot_scores(frame, "roc_auc")
    assert [t.get_text() for t in ax.get_yticklabels()] == ["CNN, seed 7", "CNN, seed 8"]
    assert "chance" in texts(ax)


def test_a_family_of_models_has_one_colour():
    assert style.model_color("CNN, 4 blocks") == style.model_color("small CNN") != style.model_color("dense")
    assert style.model_color("MobileNetV2 transfer") != style.model_color("tuned CNN") != style.model_color("CNN")
    assert style.model_color("something else") == style.OTHER_MODEL


def test_a_given_axes_is_drawn_into_and_returned():
    figure, cells = plt.subplots(1, 5)
    before = plt.get_fignums()
    made = [
        plots.plot_class_balance(FRAME, ax=cells[0]),
        plots.plot_image_sizes(FRAME, ax=cells[1]),
        plots.plot_histories({"SGD": HISTORY}, ax=cells[2]),
        plots.plot_confusion_matrix([0, 1], [0, 1], ["no", "yes"], ax=cells[3]),
        plots.plot_scores(example_scores(), ax=cells[4]),
    ]
    assert made == list(cells) and plt.get_fignums() == before
    assert all(ax.get_figure() is figure for ax in made)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: plots.plot_images([]), "images: empty"),
        (lambda: plots.plot_images(np.zeros((2, 4, 4))), "images: image 0 has the type float64"),
        (lambda: plots.plot_images(np.zeros((4, 4), np.uint8)), "images: image 0 has the shape"),
        (lambda: plots.plot_images(np.zeros((2, 4, 4), np.uint8), titles=["a"]), "titles: 1 texts for 2"),
        (lambda: plots.plot_images(np.zeros((2, 4, 4), np.uint8), ncols=0), "ncols: 0"),
        (lambda: plots.plot_class_balance(FRAME, by="fold"), "frame: has no column 'fold'"),
        (lambda: plots.plot_class_balance(FRAME, class_names=["NORMAL"]), "class_names: lacks PNEUMONIA"),
        (lambda: plots.plot_class_balance(FRAME[:0]), "frame: expected"),
        (lambda: plots.plot_image_sizes(FRAME.drop(columns="width")), "frame: has no column 'width'"),
        (lambda: plots.plot_image_sizes(FRAME, ax="here"), "ax: str given"),
        (lambda: plots.plot_history({}), "history: expected"),
        (lambda: plots.plot_history({"loss": []}), "history: 'loss' is not a list"),
        (lambda: plots.plot_history({"f1": [[0.1, 0.2]]}), "history: 'f1' is not a list"),
        (lambda: plots.plot_history(HISTORY, metrics=["auc"]), "metrics: 'auc' was not recorded"),
        (lambda: plots.plot_histories({}), "histories: expected"),
        (lambda: plots.plot_histories({"SGD": HISTORY}, metric="auc"), "metric: 'auc' was not recorded in 'SGD'"),
        (lambda: plots.plot_confusion_matrix([0, 1], [0.1, np.nan], ["a", "b"]), "y_prob_or_pred: NaN"),
        (lambda: plots.plot_confusion_matrix([0, 1], [0.1, 3.0], ["a", "b"]), "y_prob_or_pred: .*logits"),
        (lambda: plots.plot_confusion_matrix([0, 1], [0.1], ["a", "b"]), "y_prob_or_pred: 1 values for 2"),
        (lambda: plots.plot_confusion_matrix([0, 2], [0, 1], ["a", "b"]), "y_true: expected class numbers"),
        (lambda: plots.plot_scores({}), "scores_or_frame: expected"),
        (lambda: plots.plot_scores(FRAME), "scores_or_frame: not a table"),
        (lambda: plots.plot_scores(example_scores(), "loss"), "metric: 'loss'"),
    ],
)
def test_wrong_input_is_rejected_by_name(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_as_the_last_line_of_a_cell_a_figure_prints_nothing_about_its_axes():
    formatter = DisplayFormatter()
    for name, made in all_figures().items():
        assert formatter.format(made) == ({}, {}), name


def test_a_figure_is_stored_with_its_label_as_alt_text_or_else_with_its_titles_and_axes():
    figure, (left, right) = plt.subplots(1, 2)
    left.set(title="Does it learn?", xlabel="epoch", ylabel="loss")
    right.plot([0, 1], label="validation")
    right.legend()
    assert style._encoded_as("image/png", figure)[1] == {"alt": "Does it learn? loss against epoch; validation"}
    figure.set_label("The loss falls from 0.9 to 0.2.")
    assert style._encoded_as("image/png", figure)[1] == {"alt": "The loss falls from 0.9 to 0.2."}
    assert style.alt_text(plt.figure()) == "Figure"


def test_a_figure_near_the_limit_of_bytes_is_stored_exactly_once(monkeypatch):
    for at_png, at_jpeg in ((0, style.MOST_BYTES), (style.MOST_BYTES, 0)):
        figure = plots.plot_history(HISTORY).figure
        monkeypatch.setattr(style, "MOST_BYTES", at_png)
        png = style._encoded_as("image/png", figure)
        monkeypatch.setattr(style, "MOST_BYTES", at_jpeg)
        jpeg = style._encoded_as("image/jpeg", figure)
        assert (png is None) != (jpeg is None)
        monkeypatch.undo()
