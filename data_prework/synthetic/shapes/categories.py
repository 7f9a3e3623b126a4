"""A broad source of images drawn by formula: 120 categories, none of them a class of the course's data sets.

Structures (what stands below x what is on top) and objects in cluttered scenes with weather, light and viewpoint,
textures, and fractals; some in grey. The offline stand-in for ImageNet, on which helpers/course/pretrain.py trains.
"""

import numpy as np
from PIL import Image

from data_prework.synthetic.canvas import cloud, draw_all, to_uint8
from data_prework.synthetic.monuments import parts
from data_prework.synthetic.monuments.photos import draw_occluders
from data_prework.synthetic.shapes import parts as shape_parts
from data_prework.synthetic.shapes import textures

SIDE = 72
STRUCTURES = [(below, top) for below in shape_parts.SUPPORTS for top in shape_parts.TOPS]
CATEGORIES = (
    *(f"{top.__name__} on {below.__name__}".replace("_", " ") for below, top in STRUCTURES),
    *(thing.__name__.replace("_", " ") for thing in shape_parts.OBJECTS),
    *(f"texture: {kind.__name__}".replace("_", " ") for kind in textures.TEXTURES),
    *(f"fractal {i + 1}" for i in range(textures.FRACTALS)),
)
GREY = 0.25  # share of the images without color
PAINTS = [(205, 200, 188), (170, 150, 130), (150, 84, 66), (120, 122, 126), (220, 214, 200), (96, 110, 130)]


def draw_category(category: int, seed) -> np.ndarray:
    """One image of a category, uint8 (72, 72, 3).

    Args:
        category: position in `CATEGORIES`.
        seed: of NumPy's generator; the same seed gives the same image.
    """
    rng = np.random.default_rng(seed)
    i = category - len(STRUCTURES) - len(shape_parts.OBJECTS)
    if i < 0:
        image = _scene(rng, category)
    elif i < len(textures.TEXTURES):
        image = textures.colored(rng, textures.TEXTURES[i](rng, SIDE))
    else:
        field = textures.fractal(rng, i - len(textures.TEXTURES), SIDE)
        ground = textures.colored(rng, cloud(rng, (SIDE, SIDE), rng.uniform(1.5, 3)))
        image = np.where(field[..., None] > 0, textures.colored(rng, field), 0.4 * ground)
    return _photo(rng, image)


def draw_source(count: int, seed: int = 7, workers: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """`count` images of every category: uint8 (n, 72, 72, 3) and int (n,), in random order.

    The images depend on the seed only, not on the number of workers (None: all processors).
    """
    jobs = [(category, (seed, category, i)) for category in range(len(CATEGORIES)) for i in range(count)]
    order = np.random.default_rng(seed).permutation(len(jobs))
    images = draw_all(_draw, [jobs[i] for i in order], "images by formula", workers)
    return np.stack(images), np.array([jobs[i][0] for i in order], dtype=np.int32)


def _draw(job: tuple) -> np.ndarray:
    return draw_category(*job)


def _scene(rng: np.random.Generator, category: int) -> np.ndarray:
    """A structure or object in a landscape, float (72, 72, 3)."""
    weather = str(rng.choice(list(parts.WEATHER), p=[0.36, 0.24, 0.13, 0.15, 0.12]))
    light = parts.light_of(rng, weather, bool(weather in ("clear", "cloudy", "dusk") and rng.random() < 0.3))
    layer, level = _landscape(rng, light)
    tall = SIDE * rng.uniform(0.4, 0.85)
    low = level + rng.uniform(0.0, 0.8) * (SIDE - level)
    place = {
        "x": rng.uniform(0.25, 0.75) * SIDE,
        "feet": max(low, tall * 0.95),
        "tall": tall,
        "turn": 0.0,
        "lean": rng.normal(0, 0.03),
        "below": rng.uniform(0, 0.2),
    }
    paint = np.array(PAINTS[rng.integers(len(PAINTS))]) if rng.random() < 0.7 else rng.integers(40, 230, 3)
    brush = shape_parts.Brush(layer, rng, place, light, paint, rng.uniform(0, 0.3))
    if category < len(STRUCTURES):
        below, top = STRUCTURES[category]
        share = rng.uniform(0.45, 0.75)
        below(brush, share, rng.uniform(0.11, 0.22))
        if rng.random() < 0.4:
            brush.color = np.array(PAINTS[rng.integers(len(PAINTS))])
        top(brush, share, (1 - share) * rng.uniform(0.55, 0.85))
    else:
        place["tall"] = brush.tall = tall * 0.75
        shape_parts.OBJECTS[category - len(STRUCTURES)](brush)
    front = Image.new("RGBA", layer.size)
    greens = [parts.tone(parts.GREEN, light, lit, 0.1) for lit in (0.0, 0.4, 0.8)]
    for _ in range(rng.integers(0, 4)):
        r = rng.uniform(0.02, 0.07) * SIDE
        parts.foliage(front, rng, place["x"] + rng.normal(0, 0.2) * SIDE, place["feet"], 1.4 * r, r, greens)
    draw_occluders(rng, {"occluders": int(rng.choice([0, 1, 2], p=[0.4, 0.4, 0.2]))}, light, front)
    layer.paste(front, mask=front)
    return np.asarray(layer.reduce(parts.FINE), dtype=np.float32)


def _landscape(rng: np.random.Generator, light: dict) -> tuple[Image.Image, float]:
    """Sky, hills, ground and what lies in the distance; the layer and the height of the ground's near edge."""
    layer = parts.sky(rng, SIDE, SIDE, light)
    horizon = rng.uniform(0.45, 0.95) * SIDE
    for i in range(rng.integers(0, 3)):
        rough = rng.uniform(0.02, 0.12) * SIDE
        edge = parts.ridge(rng, SIDE, horizon - rng.uniform(0.2, 1.8) * rough, rough)
        parts.ground(layer, rng, edge, (parts.GREEN, parts.ROCK), light, 0.95 - 0.3 * i, 1.6)
    soil = [(120, 118, 84), parts.GREEN, (150, 146, 138), (126, 124, 82), parts.ROCK]
    first, second = rng.choice(len(soil), 2, replace=False)
    if rng.random() < 0.35:
        edge = parts.peaked(
            rng,
            SIDE,
            rng.uniform(0, SIDE),
            horizon,
            rng.uniform(0.25, 0.7) * SIDE,
            rng.uniform(0.3, 1.2),
            rng.uniform(2, 20),
        )
    else:
        edge = parts.ridge(rng, SIDE, horizon, rng.uniform(0, 0.03) * SIDE)
    parts.ground(layer, rng, edge, (soil[first], soil[second]), light, rng.uniform(0.05, 0.5), 1.5)
    if rng.random() < 0.3:
        parts.water(layer, rng, horizon, min(SIDE, horizon + rng.uniform(0.03, 0.2) * SIDE), light)
    if rng.random() < 0.3:
        parts.city(layer, rng, horizon + 2, rng.uniform(0.06, 0.25) * SIDE, light, rng.uniform(0.2, 0.8))
    if rng.random() < 0.12:
        parts.bridge(layer, rng, horizon + 1, rng.uniform(0.1, 0.3) * SIDE, light)
    return layer, horizon


def _photo(rng: np.random.Generator, image: np.ndarray) -> np.ndarray:
    """Exposure, color cast and grain as of a camera; sometimes grey. uint8 of the same shape."""
    goal = np.clip(rng.normal(122, 28), 60, 190)
    gamma = np.log(goal / 255) / np.log(np.clip(image.mean() / 255, 0.02, 0.98))
    image = 255 * (np.clip(image, 0, 255) / 255) ** np.clip(gamma, 0.55, 1.7)
    if rng.random() < GREY:
        image = np.repeat(image @ np.array([[0.299], [0.587], [0.114]]), 3, axis=2)
    image = image * (1 + rng.normal(0, 0.03, 3))
    return to_uint8(image + rng.uniform(0, 7) * rng.standard_normal((*image.shape[:2], 1)))
