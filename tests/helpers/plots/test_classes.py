"""Figures of 2, 3, 13 and 200 classes show the right numbers, are readable and small."""

import io
from itertools import pairwise

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from PIL import Image

from helpers import plots
from helpers.metrics import evaluate
from helpers.plots import style
from tests.helpers.metrics.drawn import drawn

LONG = "a_class_whose_name_goes_on"


@pytest.fixture(autouse=True)
def closed():
    with mpl.rc_context():
        style.use_style()
        yield
    plt.close("all")


def names_of(n_classes):
    return [f"{LONG}_{i}" for i in range(n_classes)]


def frame_of(n_classes):
    rng = np.random.default_rng(0)
    label = np.r_[np.arange(n_classes), rng.integers(0, n_classes, 2 * n_classes)]
    return pd.DataFrame(
        {
            "label": [names_of(n_classes)[i] for i in label],
            "split": rng.choice(["train", "val", "test"], len(label)),
            "width": 100 + label,
            "height": rng.integers(90, 110, len(label)),
        }
    )


def figures(n_classes):
    y, prob = drawn(max(60, 5 * n_classes), n_classes)
    names = names_of(n_classes)
    scores = evaluate(y, prob, class_names=names)
    made = [
        plots.plot_confusion_matrix(y, prob, names),
        plots.plot_curves(y, prob, names),
        plots.plot_curves(y, prob, names, "precision_recall"),
        plots.plot_scores({"CNN": scores, "dense": scores}),
        plots.plot_class_balance(frame_of(n_classes)),
        plots.plot_image_sizes(frame_of(n_classes)),
    ]
    return made if n_classes == 2 else [*made, plots.plot_class_scores(scores), plots.plot_confusions(scores)]


@pytest.mark.parametrize("n_classes", [2, 3, 13, 200])
def test_every_figure_has_few_bytes_and_text_that_is_read(n_classes):
    for made in figures(n_classes):
        _, content = style.small_image(made.figure)
        image = Image.open(io.BytesIO(content))
        assert image.width <= 900 and image.height <= 900 and len(content) <= 60_000
        shown = [t for t in made.figure.findobj(Text) if t.get_text() and t.get_visible()]
        assert min(t.get_fontsize() for t in shown) >= 9


@pytest.mark.parametrize("n_classes", [3, 13, 200])
def test_the_names_beside_a_confusion_matrix_do_not_touch_each_other(n_classes):
    y, prob = drawn(5 * n_classes, n_classes)
    ax = plots.plot_confusion_matrix(y, prob, names_of(n_classes))
    ax.figure.canvas.draw()
    for ticks, axis in ((ax.get_yticklabels(), 1), (ax.get_xticklabels(), 0)):
        ends = sorted(tuple(sorted(t.get_window_extent().get_points()[:, axis])) for t in ticks)
        assert all(one[1] <= other[0] + 1 for one, other in pairwise(ends))


def test_a_confusion_matrix_writes_shares_of_13_classes_and_colors_alone_of_more():
    y = np.repeat(np.arange(13), 300)
    answers = y.copy()
    answers[:30], answers[-1] = 1, 0
    ax = plots.plot_confusion_matrix(y, answers, names_of(13))
    assert [t.get_text() for t in ax.texts if t.get_text()] == ["90", "10", *["100"] * 11, "<1", "100"]
    assert not plots.plot_confusion_matrix(*[np.arange(200)] * 2, names_of(200)).texts
    with pytest.raises(ValueError, match="13 columns for 3 classes"):
        plots.plot_confusion_matrix([0, 1, 2], np.eye(13)[:3], ["a", "b", "c"])


def test_few_curves_of_many_are_labeled_the_smallest_areas_with_the_mean():
    y, prob = drawn(1000, 200)
    ax = plots.plot_curves(y, prob, labeled=3)
    legend = [t.get_text() for t in ax.get_legend().get_texts()]
    per_class = evaluate(y, prob).per_class["roc_auc"].sort_values(kind="stable")
    assert legend == [*(f"{name}: {area:.2f}" for name, area in per_class[:3].items()), f"mean: {per_class.mean():.2f}"]
    assert "197 others in gray" in ax.get_legend().get_title().get_text()


def test_chance_is_one_of_the_classes():
    y, prob = drawn(100, 5)
    ax = plots.plot_scores({"CNN": evaluate(y, prob)})
    assert [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == ":"] == [0.2]


def test_of_many_classes_the_balance_shows_the_largest_and_smallest_with_their_counts():
    frame = pd.DataFrame({"label": np.repeat([f"c{i}" for i in range(40)], np.arange(1, 41))})
    ax = plots.plot_class_balance(frame, by=None)
    named = [t.get_text() for t in ax.get_yticklabels()]
    assert (named[0], named[9], named[10], named[-1]) == ("c39", "c30", "c9", "c0")
    assert [t.get_text() for t in ax.texts][-1] == "20 more classes of 11 to 30 images"
    assert [t.get_text() for t in ax.texts][:2] == ["40", "39"]


def test_of_many_classes_those_of_unusual_size_have_a_color():
    frame = frame_of(13)
    frame.loc[frame["label"] == f"{LONG}_4", ["width", "height"]] = 500
    legend = [t.get_text() for t in plots.plot_image_sizes(frame).get_legend().get_texts()]
    assert legend[0].endswith(f"_4 ({(frame['label'] == f'{LONG}_4').sum()})") and "8 other classes" in legend[-1]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda s: plots.plot_class_scores(evaluate([0, 1], [0.1, 0.9])), "scores: expected those of more than two"),
        (lambda s: plots.plot_class_scores(s, "accuracy"), "metric: 'accuracy'"),
        (lambda s: plots.plot_confusions(evaluate([0, 1, 2], np.eye(3))), "scores: every image is right"),
        (lambda s: plots.plot_curves([0, 1], [0.1, 0.9], kind="lift"), "kind: 'lift'"),
        (lambda s: plots.plot_curves([0, 1], [0.1, 0.9], labeled=9), "labeled: 9"),
        (lambda s: plots.plot_scores({"CNN": s}, "specificity"), "metric: 'specificity'"),
    ],
)
def test_wrong_input_is_rejected_by_name(call, said):
    with pytest.raises(ValueError, match=said):
        call(evaluate(*drawn(20, 3)))
