"""What gives the class away before an image is looked at: told where it is so, and only there."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from data_prework.shortcuts import best_cut, per_class, warnings_for


def files(**columns) -> pd.DataFrame:
    """200 files, half of them oaks, alike in everything but the given columns."""
    random = np.random.default_rng(0)
    plain = {
        "label": ["elm", "oak"] * 100,
        "width": random.integers(200, 400, 200),
        "height": random.integers(200, 400, 200),
        "mode": "RGB",
        "encoding": "JPEG q80",
        "bytes": random.integers(5000, 9000, 200),
    }
    return pd.DataFrame(plain | columns)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=30))
def test_the_best_cut_is_the_best_of_all_cuts(pairs):
    values = np.array([value for value, _ in pairs], dtype=float)
    positive = np.array([one for _, one in pairs])
    if positive.all() or not positive.any():
        return
    score, cut, above = best_cut(values, positive)
    rules = [values >= at if side else values < at for at in np.arange(-0.5, 8) for side in (True, False)]
    assert score == pytest.approx(max(balanced_accuracy_score(positive, rule) for rule in rules))
    assert balanced_accuracy_score(positive, values >= cut if above else values < cut) == pytest.approx(score)


def test_files_that_are_alike_give_no_warning():
    assert warnings_for(files()) == []


def test_planted_shortcuts_are_told():
    oak = np.arange(200) % 2 == 1
    quality = files(encoding=np.where(oak, "JPEG q75", "JPEG q95"))
    assert "JPEG quality alone gives the class away: 'JPEG quality under 85 means oak'" in warnings_for(quality)[0]
    assert "100.0%" in warnings_for(quality)[0]
    width = files(width=np.where(oak, 900, 300) + np.arange(200))
    assert any(said.startswith("width alone") and "at least" in said for said in warnings_for(width))
    size = files(bytes=np.where(oak, 90000, 9000) * 4)
    assert any(said.startswith("bytes per pixel alone") for said in warnings_for(size))


def test_a_color_mode_of_one_class_only_is_told_even_if_it_is_rare():
    rare = files(mode=["RGB" if i % 2 and i < 60 else "L" for i in range(200)])
    assert warnings_for(rare) == ["color mode RGB gives the class away: all 30 such training files are oak."]
    assert warnings_for(files(mode=["RGB" if i in (1, 3) else "L" for i in range(200)])) == []


def test_a_file_format_that_gives_the_class_away_is_told():
    encoding = ["PNG" if i % 2 else "JPEG q80" for i in range(200)]
    encoding[1] = "JPEG q80"
    said = warnings_for(files(encoding=encoding))
    assert "file format PNG gives the class away: all 99 such training files are oak." in said
    assert "file format JPEG gives the class away: 100 of 101 such training files are elm." in said


def test_of_three_classes_each_stands_against_the_rest():
    rows = files(label=["ash", "elm", "oak", "elm"] * 50, width=[700, 300, 310, 305] * 50)
    assert any("means ash" in said for said in warnings_for(rows))


def test_the_table_has_a_row_for_each_class():
    table = per_class(files(mode=["L", "RGB", "L", "L"] * 50))
    assert table.index.tolist() == ["elm", "oak"]
    assert table.loc["oak", "color modes"] == "L 50%, RGB 50%" or table.loc["oak", "color modes"] == "RGB 50%, L 50%"
    assert table.loc["elm", "most common encoding"] == "JPEG q80"
    assert table.loc["elm", "JPEG quality"] == 80
