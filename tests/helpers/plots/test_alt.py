"""The text of a figure for those who can't see it tells what is drawn, in numbers."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import seaborn as sns

from helpers.plots.alt import alt_text, drawn

TABLE = pd.DataFrame({"epoch": [1, 2, 3, 4] * 2, "loss": [0.9, 0.5, 0.4, 0.6, 0.8, 0.2, 0.1, 0.05]})
TABLE["model"] = ["dense"] * 4 + ["CNN"] * 4


@pytest.fixture
def ax():
    figure, ax = plt.subplots()
    yield ax
    plt.close(figure)


def test_lines_of_seaborn_are_told_by_the_names_of_the_legend(ax):
    sns.lineplot(TABLE, x="epoch", y="loss", hue="model", ax=ax)
    assert drawn(ax) == "dense from 0.9 to 0.6, lowest 0.4; CNN from 0.8 to 0.05"


def test_bars_are_told_with_their_words_lying_or_standing(ax):
    ax.barh(["dense", "CNN"], [0.81, 0.93])
    assert drawn(ax) == "dense 0.81, CNN 0.93"
    ax.cla()
    ax.bar(["dense", "CNN"], [0.81, np.nan])
    assert drawn(ax) == "dense 0.81"


def test_bars_of_two_groups_carry_the_name_of_each(ax):
    table = TABLE[TABLE["epoch"] > 2]
    sns.barplot(table, x="model", y="loss", hue="epoch", ax=ax)
    assert drawn(ax) == "3: dense 0.4, CNN 0.1; 4: dense 0.6, CNN 0.05"


def test_a_histogram_is_told_by_its_highest_bar(ax):
    ax.hist([1] * 5 + [2] * 9 + [8], bins=range(10))
    assert drawn(ax) == "9 bars, the highest at 2.5"


def test_bars_and_lines_without_a_number_do_no_harm(ax):
    ax.bar(range(9), [np.nan] * 9)
    ax.plot([1, 2, 3], [np.nan] * 3)
    ax.plot(pd.date_range("2026-01-01", periods=3), [0.1, 0.2, 0.3], label="cost")
    ax.legend()
    assert drawn(ax).endswith("cost from 0.1 to 0.3")


def test_points_are_counted_and_marks_left_out(ax):
    ax.scatter(range(12), range(12))
    ax.plot([0, 11], [0, 11], "--")
    assert drawn(ax) == "12 points"


def test_many_lines_without_names_and_photos_say_nothing(ax):
    for start in range(20):
        ax.plot(np.arange(9) + start)
    assert drawn(ax) == ""
    ax.cla()
    ax.imshow(np.zeros((4, 4)))
    assert drawn(ax) == ""


def test_the_figure_joins_titles_axes_and_what_is_drawn(ax):
    ax.set(title="Does it learn?", xlabel="epoch", ylabel="loss")
    ax.plot([1, 2, 3], [12345.0, 0.5, 0.00002], label="training")
    assert alt_text(ax.figure) == "Does it learn? loss against epoch: training from 12,345 to 2.0e-05"


def test_images_without_a_title_are_counted_and_a_single_one_is_measured():
    figure, axes = plt.subplots(1, 3)
    figure.suptitle("Which walls are cracked?")
    for ax in axes:
        ax.imshow(np.zeros((4, 6)))
    assert alt_text(figure) == "Which walls are cracked? 3 images"
    for ax, name in zip(axes, "abc", strict=True):
        ax.set_title(name)
    assert alt_text(figure) == "Which walls are cracked? a; b; c"
    plt.close("all")
    plt.imshow(np.zeros((4, 6)))
    assert alt_text(plt.gcf()) == "an image of 6 × 4 pixels"
    plt.close("all")


def test_points_in_a_row_are_told_by_their_ends_and_the_word_beside_them(ax):
    ax.plot([0.4, 0.2, 0.9], [0, 0, 0], "o")
    ax.plot([0.5, 0.6, 0.7], [1, 1, 1], "o")
    ax.set_yticks([0, 1], ["2 images", "32 images"])
    assert drawn(ax) == "2 images 0.2 to 0.9; 32 images 0.5 to 0.7"
