"""A heatmap laid over its image."""

import numpy as np

from helpers.plots import overlay


def test_the_overlay_is_in_gray_where_nothing_speaks_and_bright_where_most_does():
    gray = np.full((16, 16, 1), 100, np.uint8)
    plain = overlay(gray, np.zeros((16, 16)), side=64)
    assert plain.shape == (64, 64, 3) and (plain == 100).all()
    heat = np.zeros((16, 16))
    heat[:4, :4] = 2.0
    shown = overlay(gray, heat, side=64).astype(int)
    assert shown[4, 4].sum() > shown[60, 60].sum() + 100
