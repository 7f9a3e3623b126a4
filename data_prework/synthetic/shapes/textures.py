"""Textures and fractals of the broad source: flat images without a scene."""

import numpy as np
from scipy.spatial import cKDTree

from data_prework.synthetic.canvas import cloud

FRACTALS = 14


def grid(rng: np.random.Generator, side: int) -> tuple[np.ndarray, np.ndarray, float]:
    """x and y of every pixel in a turned frame, and the length of one period in pixels."""
    yy, xx = np.mgrid[:side, :side].astype(float)
    a = rng.uniform(0, np.pi)
    bend = side * 0.02 * cloud(rng, (side, side), 3.5)
    return (
        xx * np.cos(a) + yy * np.sin(a) + bend,
        yy * np.cos(a) - xx * np.sin(a) + bend,
        side * rng.uniform(0.08, 0.22),
    )


def stripes(rng, side):
    x, _, step = grid(rng, side)
    return np.sin(2 * np.pi * x / step) > rng.uniform(-0.4, 0.4)


def checker(rng, side):
    x, y, step = grid(rng, side)
    return (np.floor(x / step) + np.floor(y / step)) % 2


def bricks(rng, side):
    x, y, step = grid(rng, side)
    row = np.floor(y / step)
    joint = rng.uniform(0.08, 0.2)
    return ((y / step) % 1 > joint) & ((x / (2 * step) + 0.5 * (row % 2)) % 1 > joint / 2)


def dots(rng, side):
    x, y, step = grid(rng, side)
    return np.hypot((x / step) % 1 - 0.5, (y / step) % 1 - 0.5) < rng.uniform(0.2, 0.38)


def rings(rng, side):
    x, y, step = grid(rng, side)
    return np.sin(2 * np.pi * np.hypot(x - rng.uniform(0, side), y - rng.uniform(0, side)) / step)


def waves(rng, side):
    x, y, step = grid(rng, side)
    return np.sin(2 * np.pi * (y + 0.35 * step * np.sin(2 * np.pi * x / (2.2 * step))) / step)


def cells(rng, side):
    yy, xx = np.mgrid[:side, :side]
    seeds = rng.uniform(0, side, (int(rng.integers(14, 40)), 2))
    near = cKDTree(seeds).query(np.stack([yy.ravel(), xx.ravel()], 1), k=2)[1].reshape(side, side, 2)
    return rng.uniform(0, 1, len(seeds))[near[..., 0]]


def cell_walls(rng, side):
    yy, xx = np.mgrid[:side, :side]
    seeds = rng.uniform(0, side, (int(rng.integers(14, 40)), 2))
    away = cKDTree(seeds).query(np.stack([yy.ravel(), xx.ravel()], 1), k=2)[0].reshape(side, side, 2)
    return away[..., 1] - away[..., 0] > rng.uniform(1.5, 3.5)


def broad_cloud(rng, side):
    return cloud(rng, (side, side), rng.uniform(2.8, 3.4))


def fine_cloud(rng, side):
    return cloud(rng, (side, side), rng.uniform(0.8, 1.4))


def weave(rng, side):
    x, y, step = grid(rng, side)
    over = (np.floor(x / step) + np.floor(y / step)) % 2
    return np.where(over, np.abs((x / step) % 1 - 0.5), np.abs((y / step) % 1 - 0.5))


def scales(rng, side):
    x, y, step = grid(rng, side)
    row = np.floor(y / step)
    return np.hypot((x / step + 0.5 * (row % 2)) % 1 - 0.5, (y / step) % 1) % 0.55


def blobs(rng, side):
    return cloud(rng, (side, side), 3.0, low=rng.uniform(3, 6)) > rng.uniform(-0.2, 0.5)


def plaid(rng, side):
    x, y, step = grid(rng, side)
    return (np.sin(2 * np.pi * x / step) > 0).astype(float) + (np.sin(2 * np.pi * y / (step * 1.6)) > 0.3)


TEXTURES = (
    stripes,
    checker,
    bricks,
    dots,
    rings,
    waves,
    cells,
    cell_walls,
    broad_cloud,
    fine_cloud,
    weave,
    scales,
    blobs,
    plaid,
)


def fractal(rng: np.random.Generator, kind: int, side: int) -> np.ndarray:
    """An image of the iterated function system number `kind`, its maps shaken a little, (side, side) from 0 to 1.

    Source: Kataoka et al., Pre-training without Natural Images, 2020, https://arxiv.org/abs/2101.08515.
    """
    system = np.random.default_rng([kind, 2101])  # the class: the same maps for every image of it
    n = int(system.integers(2, 5))
    a, b = system.uniform(0, 2 * np.pi, (2, n))
    size = system.uniform(0.35, 0.85, (n, 2))
    maps = np.einsum("nij,njk,nkl->nil", _turn(a), size[:, :, None] * np.eye(2), _turn(b))
    maps = maps * rng.uniform(0.92, 1.06, (n, 1, 1))
    shift = system.uniform(-1, 1, (n, 2)) + rng.normal(0, 0.03, (n, 2))
    share = np.abs(np.linalg.det(maps)) + 0.05
    walkers, moves = 64, 90
    choice = rng.choice(n, (moves, walkers), p=share / share.sum())
    at, path = np.zeros((walkers, 2)), []
    for which in choice:
        at = np.einsum("wij,wj->wi", maps[which], at) + shift[which]
        path.append(at)
    points = np.concatenate(path[12:]) @ _turn(rng.uniform(0, 2 * np.pi, 1))[0]
    low, high = np.percentile(points, 1, axis=0), np.percentile(points, 99, axis=0)
    centred = (points - (low + high) / 2) / max(1e-6, (high - low).max())
    pixels = ((centred * rng.uniform(0.7, 1.0) + 0.5 + rng.normal(0, 0.05, 2)) * side).astype(int)
    inside = pixels[((pixels >= 0) & (pixels < side)).all(1)]
    seen = np.zeros((side, side))
    np.add.at(seen, (inside[:, 1], inside[:, 0]), 1)
    return np.minimum(1, seen / 2)


def _turn(angles: np.ndarray) -> np.ndarray:
    """(n, 2, 2) rotations."""
    cos, sin = np.cos(angles), np.sin(angles)
    return np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)


def colored(rng: np.random.Generator, field: np.ndarray) -> np.ndarray:
    """A field of any range between two random colors, under uneven light; float (h, w, 3), 0-255."""
    field = field.astype(float)
    field = (field - field.min()) / (np.ptp(field) + 1e-9)
    dark, bright = rng.uniform(0, 255, (2, 3))
    if np.abs(dark - bright).max() < 60:
        bright = 255 - dark
    image = dark + (bright - dark) * field[..., None]
    return image * (1 + 0.15 * cloud(rng, field.shape, 3.2)[..., None])
