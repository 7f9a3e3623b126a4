"""Learning curves: a line for each model, the sizes as ticks, every interval as long as it is."""

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from helpers.plots import plot_learning_curves
from helpers.plots.learning_curves import COLUMNS

ROWS = [("photos", 50, 0.90, 0.85, 0.93), ("photos", 1000, 0.95, 0.94, 0.96), ("nothing", 50, 0.70, 0.60, 0.75)]


@pytest.fixture
def ax():
    yield plot_learning_curves(pd.DataFrame(ROWS, columns=COLUMNS), title="How few?")
    plt.close("all")


def test_models_are_named_and_sizes_are_ticks(ax):
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["photos", "nothing"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["50", "1,000"]


def test_intervals_reach_from_low_to_high(ax):
    ends = [sorted(y for x, y in segment) for bars in ax.collections for segment in bars.get_segments()]
    assert ends == [pytest.approx(list(row[3:])) for row in ROWS]


def test_the_alt_text_has_the_values(ax):
    assert ax.figure.get_label().startswith("How few? ROC AUC by training images. photos 50: 0.900; photos 1000: 0.950")


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="low"):
        plot_learning_curves(pd.DataFrame(ROWS, columns=COLUMNS).drop(columns="low"))
