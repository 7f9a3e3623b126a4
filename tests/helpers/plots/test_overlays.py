"""A heatmap laid over its image."""

import numpy as np
import pytest

from helpers.plots import overlay, plot_overlays


def test_the_overlay_is_in_gray_where_nothing_speaks_and_bright_where_most_does():
    gray = np.full((16, 16, 1), 100, np.uint8)
    plain = overlay(gray, np.zeros((16, 16)), side=64)
    assert plain.shape == (64, 64, 3) and (plain == 100).all()
    heat = np.zeros((16, 16))
    heat[:4, :4] = 2.0
    shown = overlay(gray, heat, side=64).astype(int)
    assert shown[4, 4].sum() > shown[60, 60].sum() + 100


def test_an_image_stays_as_it_is_where_nothing_speaks_also_beside_strong_evidence():
    gray = np.full((16, 16, 1), 100, np.uint8)
    heat = np.zeros((16, 16))
    heat[:4, :4] = 2.0
    assert (overlay(gray, heat, side=16)[8:] == 100).all()
    colors = plot_overlays(gray[None], heat[None])[0].images[1]
    shown = colors.cmap(colors.norm(colors.get_array()))
    assert (shown[8:, :, 3] == 0).all() and shown[0, 0, 3] == pytest.approx(0.8)


def test_weak_evidence_hides_little_of_the_image():
    heat = np.linspace(0, 1, 256).reshape(1, 16, 16)
    colors = plot_overlays(np.zeros((1, 16, 16, 1)), heat)[0].images[1].cmap(heat[0])
    assert (np.diff(colors[..., 3].ravel()) >= 0).all() and colors[3, 3, 3] < 0.15


def test_fewer_images_than_columns_leave_no_empty_place():
    assert len(plot_overlays(np.zeros((2, 8, 8, 1)), np.ones((2, 8, 8))).figure.axes) == 3
