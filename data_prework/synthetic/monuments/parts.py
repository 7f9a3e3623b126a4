"""Parts of the monument scenes: sky, hills, city, the statue, its two pedestals, and what stands in the way.

Points are x, y in pixels of the finished image; the layers are Pillow images `FINE` times as large, so that edges
come out smooth. Colors are RGB on the scale 0-255. `light` is one row of `WEATHER`, completed by `light_of`.
"""

import numpy as np
from PIL import Image, ImageDraw

from data_prework.synthetic.canvas import cloud

FINE = 2
GREEN, ROCK, STONE = (72, 96, 52), (128, 118, 106), (205, 200, 188)

# sky at the top and at the horizon, brightness of lit and of shaded faces, tint, haze per unit of depth, cover of cloud
WEATHER = {
    "clear": ((66, 118, 196), (178, 206, 234), 1.05, 0.58, (1.02, 1.0, 0.96), 0.35, 0.25),
    "cloudy": ((142, 152, 166), (206, 209, 214), 0.86, 0.62, (0.98, 1.0, 1.02), 0.5, 0.8),
    "haze": ((182, 188, 194), (216, 214, 208), 0.8, 0.55, (1.0, 1.0, 0.98), 1.2, 0.3),
    "dusk": ((72, 78, 124), (242, 168, 106), 0.72, 0.36, (1.08, 0.93, 0.82), 0.5, 0.5),
    "night": ((12, 15, 34), (46, 42, 58), 0.3, 0.16, (0.95, 0.95, 1.1), 0.3, 0.4),
}


def light_of(rng: np.random.Generator, weather: str, backlit: bool) -> dict:
    """Light of one scene: sky colors, brightness of lit and shaded faces, side of the sun (-1 or 1), haze."""
    top, low, lit, dark, tint, haze, cover = WEATHER[weather]
    jitter = rng.normal(0, 5, 3)
    monument = (1.05, 0.55) if weather == "night" else (lit, dark)  # floodlights
    if backlit:
        lit, dark = 0.42 * lit, 0.42 * dark
        monument, haze = (0.36, 0.22), haze + 0.6
    return {
        "top": np.add(top, jitter),
        "low": np.add(low, jitter),
        "lit": lit,
        "dark": dark,
        "monument": monument,
        "tint": np.array(tint),
        "haze": haze * rng.uniform(0.5, 1.5),
        "cover": np.clip(cover + rng.uniform(-0.3, 0.3), 0, 1),
        "side": int(rng.choice([-1, 1])),
        "night": weather == "night",
        "backlit": backlit,
    }


def tone(color, light: dict, lit: float = 0.6, depth: float = 0.0, monument: bool = False) -> tuple[int, int, int]:
    """A surface's color under the light; `lit` 0 is in shade and 1 in the sun, `depth` 0 is near and 1 far."""
    high, low = light["monument"] if monument else (light["lit"], light["dark"])
    seen = np.asarray(color) * light["tint"] * (low + (high - low) * lit)
    veil = 1 - np.exp(-depth * light["haze"])
    return tuple(int(v) for v in np.clip(seen * (1 - veil) + light["low"] * veil, 0, 255))


def polygon(layer: Image.Image, points, color) -> None:
    """Fill a polygon of (n, 2) points."""
    ImageDraw.Draw(layer).polygon([(x * FINE, y * FINE) for x, y in points], fill=color)


def line(layer: Image.Image, points, color, width: float) -> None:
    """Draw a line through (n, 2) points, `width` in pixels."""
    flat = [(x * FINE, y * FINE) for x, y in points]
    ImageDraw.Draw(layer).line(flat, fill=color, width=max(1, round(width * FINE)), joint="curve")


def ellipse(layer: Image.Image, x: float, y: float, rx: float, ry: float, color) -> None:
    """Fill an ellipse around x, y."""
    ImageDraw.Draw(layer).ellipse([(x - rx) * FINE, (y - ry) * FINE, (x + rx) * FINE, (y + ry) * FINE], fill=color)


def rectangle(layer: Image.Image, x0: float, y0: float, x1: float, y1: float, color) -> None:
    """Fill an upright rectangle."""
    polygon(layer, [(x0, y0), (x1, y0), (x1, y1), (x0, y1)], color)


def size_of(layer: Image.Image) -> tuple[float, float]:
    """Width and height in pixels of the finished image."""
    return layer.width / FINE, layer.height / FINE


def sky(rng: np.random.Generator, width: int, height: int, light: dict) -> Image.Image:
    """A layer with a graded sky, clouds and, against the light, a glow."""
    h, w = height * FINE // 4, width * FINE // 4
    ramp = np.linspace(0, 1, h)[:, None, None] ** 0.8
    image = light["top"] * (1 - ramp) + light["low"] * ramp + np.zeros((h, w, 1))
    flat = Image.fromarray(cloud(rng, (h, max(8, w // 2)), 2.6))  # clouds are wider than high
    stretched = np.asarray(flat.resize((w, h), Image.Resampling.BICUBIC))
    white = np.clip(stretched * 0.8 + 2.4 * light["cover"] - 1.5, 0, 1)[..., None]
    shade = cloud(rng, (h, w), 2.4)[..., None]
    white_color = (light["low"] * 0.5 + 128 * (0.25 if light["night"] else 1)) + 9 * shade
    image = image * (1 - 0.8 * white) + white_color * 0.8 * white
    if light["backlit"]:
        yy, xx = np.mgrid[:h, :w]
        cx, cy = rng.uniform(0.2, 0.8) * w, rng.uniform(0.2, 0.7) * h
        glow = np.exp(-np.hypot(xx - cx, yy - cy) / (0.35 * w))[..., None]
        image = image + (255 - image) * 0.9 * glow
    small = Image.fromarray(np.clip(image, 0, 255).astype(np.uint8))
    return small.resize((width * FINE, height * FINE), Image.Resampling.BICUBIC)


def ridge(rng: np.random.Generator, width: float, level: float, rough: float) -> np.ndarray:
    """A fractal line across the image, (n, 2) points around the height `level`; `rough` in pixels."""
    n = 128
    profile = cloud(rng, (1, n * 3), 3.2)[0, :n] + 0.05 * cloud(rng, (1, n), 1.0)[0]
    return np.stack([np.linspace(-2, width + 2, n), level + rough * profile], axis=1)


def ground(
    layer: Image.Image, rng: np.random.Generator, edge: np.ndarray, colors, light: dict, depth: float, grain: float
) -> None:
    """Fill all below a line of (n, 2) points with a mottled mixture of two colors."""
    w, h = layer.width // 4, layer.height // 4
    mix = np.clip(0.5 + 0.8 * cloud(rng, (h, w), grain), 0, 1)[..., None]
    relief = 1 + 0.16 * cloud(rng, (h, w), 1.4)[..., None]
    first, second = (np.array(tone(c, light, 0.6, depth), dtype=np.float32) for c in colors)
    mottled = (first * mix + second * (1 - mix)) * (1 + (relief - 1) * np.exp(-2 * depth))
    texture = Image.fromarray(np.clip(mottled, 0, 255).astype(np.uint8)).resize(layer.size, Image.Resampling.BILINEAR)
    inside = Image.new("L", layer.size)
    bottom = size_of(layer)[1] + 2
    polygon(inside, [*edge, (edge[-1, 0], bottom), (edge[0, 0], bottom)], 255)
    layer.paste(texture, mask=inside)


def peaked(rng: np.random.Generator, width: float, x: float, y: float, wide: float, steep: float, flat: float):
    """Outline of a mountain with its top at x, y, (n, 2) points; `flat` pixels to both sides of it are level."""
    across = np.unique(np.concatenate([np.linspace(-2, width + 2, 120), x + np.linspace(-1.5, 1.5, 24) * flat]))
    away = np.maximum(np.abs(across - x) - flat, 0)
    fall = steep * wide * (away / wide) ** rng.uniform(0.7, 1.3)
    rough = cloud(rng, (1, len(across)), 2.3)[0] * np.minimum(away * 0.3, 0.06 * wide)
    return np.stack([across, y + fall + rough], axis=1)


def water(layer: Image.Image, rng: np.random.Generator, y0: float, y1: float, light: dict) -> None:
    """A river or the sea between two heights, with glints."""
    width, _ = size_of(layer)
    base = light["low"] * 0.55 + np.array([20, 40, 60]) * (0.1 if light["night"] else 0.6)
    rectangle(layer, 0, y0, width, y1, tuple(int(v) for v in base))
    for _ in range(24):
        x, y, length = rng.uniform(0, width), rng.uniform(y0, y1), rng.uniform(0.02, 0.15) * width
        line(layer, [(x, y), (x + length, y)], tuple(int(v) for v in base * rng.uniform(0.85, 1.2)), 0.7)


def city(layer: Image.Image, rng: np.random.Generator, level: float, tall: float, light: dict, depth: float) -> None:
    """A row of buildings up to `tall` pixels high that stand on the height `level`."""
    width, _ = size_of(layer)
    x = rng.uniform(-0.1, 0.3) * width if rng.random() < 0.4 else -2
    end = width * (rng.uniform(0.5, 1.0) if rng.random() < 0.4 else 1.05)
    while x < end:
        w, h = rng.uniform(0.25, 1.0) * tall, tall * rng.uniform(0.25, 1) ** 1.5
        paint = rng.choice([(200, 190, 176), (176, 160, 146), (160, 164, 170), (190, 150, 120)])
        rectangle(layer, x, level - h, x + w * 0.6, level + 2, tone(paint, light, 0.8, depth))
        rectangle(layer, x + w * 0.6, level - h, x + w, level + 2, tone(paint, light, 0.2, depth))
        glass = (250, 220, 140) if light["night"] else tone((70, 76, 88), light, 0.5, depth)
        for wy in np.arange(level - h + 2, level - 2, 3.5):
            for wx in np.arange(x + 1.5, x + w * 0.9, 3.2):
                if rng.random() < (0.3 if light["night"] else 0.6):
                    rectangle(layer, wx, wy, wx + 1.3, wy + 1.6, glass)
        x += w * rng.uniform(0.9, 1.6)


def bridge(layer: Image.Image, rng: np.random.Generator, level: float, tall: float, light: dict) -> None:
    """A suspension bridge in the distance, with towers of two legs."""
    width, _ = size_of(layer)
    paint = tone(rng.choice([(170, 70, 52), (130, 132, 138)]), light, 0.6, 0.4)
    deck, step = level - 0.25 * tall, rng.uniform(0.35, 0.7) * width
    start = rng.uniform(-0.3, 0.3) * width
    thick = max(0.8, tall * 0.05)
    line(layer, [(-2, deck), (width + 2, deck)], paint, thick * 1.3)
    for x in start + step * np.arange(-1, 4):
        for side in (-0.08, 0.08):
            line(layer, [(x + side * tall, level), (x + side * tall, level - tall)], paint, thick)
        for rung in (0.55, 0.97):
            line(layer, [(x - 0.08 * tall, level - rung * tall), (x + 0.08 * tall, level - rung * tall)], paint, thick)
        t = np.linspace(0, 1, 20)
        sag = level - tall + (1 - (2 * t - 1) ** 2) * 0.68 * tall
        line(layer, np.stack([x + t * step, sag], axis=1), paint, 0.6)


def colonnade(layer: Image.Image, rng: np.random.Generator, x: float, level: float, tall: float, light: dict) -> None:
    """A building on pillars, open below, that has no statue: it must not pass for the gate."""
    n, pitch = int(rng.integers(2, 6)), tall * rng.uniform(0.22, 0.4)
    depth, paint = rng.uniform(0.05, 0.4), rng.choice([STONE, (178, 160, 140), (150, 150, 152)])
    slab, thick = tall * rng.uniform(0.12, 0.35), pitch * rng.uniform(0.25, 0.42)
    w = (n - 1) * pitch
    if rng.random() < 0.5:  # a wall behind the pillars instead of a view
        rectangle(layer, x - w / 2, level - tall, x + w / 2, level, tone(paint, light, 0.0, depth))
    for i in range(n):
        px = x - w / 2 + i * pitch
        rectangle(layer, px - thick / 2, level - tall, px + thick / 2, level, tone(paint, light, 0.8, depth))
        rectangle(layer, px, level - tall, px + thick / 2, level, tone(paint, light, 0.3, depth))
    rectangle(
        layer, x - w / 2 - thick, level - tall - slab, x + w / 2 + thick, level - tall, tone(paint, light, 0.7, depth)
    )


def foliage(layer: Image.Image, rng: np.random.Generator, x: float, y: float, rx: float, ry: float, colors) -> None:
    """A bush or crown: many small blots, the later ones lighter and higher."""
    for i in range(60):
        a, r = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random())
        lift = ry * 0.25 * i / 60
        size = rng.uniform(0.1, 0.3) * min(rx, ry)
        color = colors[min(len(colors) - 1, int(i / 60 * len(colors)))]
        ellipse(layer, x + r * rx * np.cos(a), y + r * ry * np.sin(a) - lift, size * 1.2, size, color)


# Right half of the figure from the hem up: x and y in heights of the statue, feet at 0.
ROBE = [(0, 0), (0.135, 0), (0.125, 0.12), (0.105, 0.35), (0.105, 0.5), (0.12, 0.62)]
SLEEVE = [
    (0.12, 0.62),
    (0.2, 0.66),
    (0.33, 0.72),
    (0.4, 0.735),
    (0.405, 0.765),
    (0.475, 0.785),
    (0.49, 0.805),
    (0.4, 0.82),
]
SHOULDER = [(0.4, 0.82), (0.25, 0.835), (0.12, 0.845), (0.05, 0.865), (0.042, 0.885)]


def placer(place: dict):
    """The function that turns statue heights, y up from the feet, into pixels, with lean and a view from below."""
    cos, sin = np.cos(place["lean"]), np.sin(place["lean"])

    def put(points) -> np.ndarray:
        x, y = np.asarray(points, dtype=float).T
        shrink = 1 - place["below"] * y
        x, y = x * shrink, y * (1 - 0.5 * place["below"] * y)
        return np.stack(
            [place["x"] + place["tall"] * (x * cos - y * sin), place["feet"] - place["tall"] * (x * sin + y * cos)],
            axis=1,
        )

    return put


def statue(layer: Image.Image, rng: np.random.Generator, place: dict, light: dict, depth: float) -> None:
    """The figure with open arms, the same in both classes."""
    put = placer(place)
    wide = np.array([np.cos(place["turn"]), 1.0])
    near = 0.06 * np.sin(place["turn"])
    droop = rng.uniform(-0.015, 0.02)

    def half(points, side):
        reach = np.clip((np.abs([p[0] for p in points]) - 0.12) / 0.37, 0, 1)
        return [
            (side * p[0] * (wide[0] if p[0] > 0.12 else 1) * (1 + side * near * r), p[1] - droop * r)
            for p, r in zip(points, reach, strict=True)
        ]

    right, left = half(ROBE + SLEEVE + SHOULDER, 1), half(ROBE + SLEEVE + SHOULDER, -1)
    middle, bright, dim = (tone(STONE, light, lit, depth, monument=True) for lit in (0.55, 0.95, 0.12))
    polygon(layer, put(right + left[::-1]), middle)
    lit, shaded = (right, left) if light["side"] > 0 else (left, right)
    polygon(layer, put([(p[0] * 0.5, p[1]) for p in shaded[1:6]] + shaded[1:6][::-1]), dim)
    polygon(layer, put([(p[0] * 0.62, p[1]) for p in lit[1:6]] + lit[1:6][::-1]), bright)
    for arm in (lit, shaded):  # the under side of the sleeves
        polygon(layer, put([*arm[5:11], (arm[10][0], arm[10][1] + 0.025), (arm[5][0], arm[5][1] + 0.07)]), dim)
    thin = place["tall"] * 0.012
    for x in rng.uniform(-0.09, 0.09, 5):
        line(layer, put([(x * 0.8, rng.uniform(0.4, 0.75)), (x * 1.2, rng.uniform(0, 0.1))]), dim, thin)
    line(layer, put([(-0.1 * light["side"], 0.78), (0.08 * light["side"], 0.42)]), dim, thin)
    x, y = put([(0.02 * np.sin(place["turn"]), 0.935)])[0]
    ellipse(layer, x, y, 0.048 * place["tall"], 0.066 * place["tall"], middle)
    ellipse(layer, x - 0.018 * light["side"] * place["tall"], y, 0.03 * place["tall"], 0.06 * place["tall"], dim)
    line(layer, put([(-0.03, 0.87), (0.03, 0.87)]), dim, thin * 1.5)


def box(layer, put, place: dict, light: dict, depth: float, x: float, z: float, half: float, top: float, low: float):
    """An upright square block around x, z; two of its sides are seen. Heights from `low` to `top`."""
    turn = place["turn"]
    corners = np.array([(x + i * half, z + j * half) for i, j in ((-1, -1), (1, -1), (1, 1), (-1, 1))])
    across = corners[:, 0] * np.cos(turn) + corners[:, 1] * np.sin(turn)
    for a, b in ((0, 1), (1, 2), (2, 3), (3, 0)):  # near faces run from left to right
        if across[b] > across[a]:
            lit = 0.85 if (a + (light["side"] > 0)) % 2 else 0.25
            block = put([(across[a], low), (across[b], low), (across[b], top), (across[a], top)])
            polygon(layer, block, tone(STONE, light, lit, depth, monument=True))


def low_pedestal(
    layer: Image.Image, rng: np.random.Generator, place: dict, light: dict, depth: float, tall: float
) -> None:
    """A block `tall` statue heights high, on a step."""
    put = placer(place)
    half = rng.uniform(0.15, 0.2)
    box(layer, put, place, light, depth, 0, 0, half * 1.25, -0.75 * tall, -tall - 0.05)
    box(layer, put, place, light, depth, 0, 0, half, 0, -0.75 * tall)
    box(layer, put, place, light, depth, 0, 0, half * 1.12, 0.01, -0.16 * tall)
    if rng.random() < 0.4:  # the chapel's door, dark like the view through a gate
        w = rng.uniform(0.04, 0.08)
        door = put([(-w, -tall), (w, -tall), (w, -0.4 * tall), (-w, -0.4 * tall)])
        polygon(layer, door, tone(STONE, light, 0, depth, monument=True) if rng.random() < 0.5 else (40, 36, 34))


def gate(layer: Image.Image, rng: np.random.Generator, place: dict, light: dict, depth: float, tall: float) -> None:
    """Four pillars joined at the top, `tall` statue heights high."""
    put = placer(place)
    half, leg = rng.uniform(0.26, 0.36), rng.uniform(0.06, 0.09)
    slab = rng.uniform(0.08, 0.16)
    turn = place["turn"]
    legs = [(i * half, j * half) for i in (-1, 1) for j in (-1, 1)]
    for x, z in sorted(legs, key=lambda p: p[0] * np.sin(turn) - p[1] * np.cos(turn)):  # the far ones first
        shadow = depth if z * np.cos(turn) - x * np.sin(turn) < 0 else depth + 0.05
        box(layer, put, place, light, shadow, x, z, leg, -slab * 0.5, -tall)
        box(layer, put, place, light, shadow, x, z, leg * 1.35, -slab * 0.5, -slab - 0.09)
    box(layer, put, place, light, depth, 0, 0, half + leg * 1.2, 0.01, -slab)
    box(layer, put, place, light, depth, 0, 0, half * 0.7, 0.05, 0)
    if rng.random() < 0.5:
        y = -rng.uniform(0.35, 0.7) * tall
        box(layer, put, place, light, depth, 0, 0, half + leg * 0.6, y, y - 0.05)


def water_tower(layer: Image.Image, rng: np.random.Generator, place: dict, light: dict, depth: float) -> None:
    """The same gate beside the statue, with a tank on it: four legs alone do not make the class."""
    away = rng.uniform(0.75, 1.3) * place["tall"] * (1 if place["x"] < size_of(layer)[0] / 2 else -1)
    tall, depth = place["tall"] * rng.uniform(0.4, 0.75), depth + rng.uniform(0.1, 0.4)
    other = place | {"x": place["x"] + away, "feet": place["feet"] - rng.uniform(-0.3, 0.5) * tall, "tall": tall}
    gate(layer, rng, other, light, depth, rng.uniform(1.2, 2.4))
    box(layer, placer(other), other, light, depth, 0, 0, rng.uniform(0.2, 0.3), rng.uniform(0.25, 0.5), 0)
