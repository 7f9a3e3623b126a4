"""Structures and objects of the broad source: what stands below, what is on top, trees, houses, boats.

Points are x, y in heights of the thing, y up from the ground; `Brush` turns them into pixels and shades them.
"""

import numpy as np
from PIL import Image

from data_prework.synthetic.monuments import parts


class Brush:
    """Draws faces of one thing: color, light, place and size are given once."""

    def __init__(self, layer: Image.Image, rng: np.random.Generator, place: dict, light: dict, color, depth: float):
        self.layer, self.rng, self.light, self.color, self.depth = layer, rng, light, np.asarray(color), depth
        self.put, self.tall, self.side = parts.placer(place), place["tall"], light["side"]

    def tone(self, lit: float, color=None) -> tuple[int, int, int]:
        """The color of a face, `lit` from 0 (shade) to 1 (sun)."""
        return parts.tone(self.color if color is None else color, self.light, lit, self.depth)

    def face(self, points, lit: float = 0.6, color=None) -> None:
        """One polygon of (n, 2) points."""
        parts.polygon(self.layer, self.put(points), self.tone(lit, color))

    def block(self, x: float, half: float, low: float, high: float, taper: float = 1.0, color=None) -> None:
        """An upright block around x, lit and shaded; `taper` is its width at the top against that at the foot."""
        top, edge = half * taper, x - self.side * half * 0.25
        lean = x - self.side * top * 0.25
        self.face([(x - half, low), (x + half, low), (x + top, high), (x - top, high)], 0.85, color)
        far = x - self.side * half, x - self.side * top
        self.face([(far[0], low), (edge, low), (lean, high), (far[1], high)], 0.25, color)

    def disc(self, x: float, y: float, rx: float, ry: float, lit: float = 0.6, color=None) -> None:
        """An ellipse with a shaded side."""
        px, py = self.put([(x, y)])[0]
        parts.ellipse(self.layer, px, py, rx * self.tall, ry * self.tall, self.tone(lit, color))
        shade = self.tone(lit - 0.4, color)
        parts.ellipse(
            self.layer, px - self.side * rx * self.tall * 0.35, py, rx * self.tall * 0.6, ry * self.tall * 0.85, shade
        )

    def stroke(self, points, width: float, lit: float = 0.4, color=None) -> None:
        """A line, `width` in heights of the thing."""
        parts.line(self.layer, self.put(points), self.tone(lit, color), max(0.7, width * self.tall))


def arc(x: float, y: float, rx: float, ry: float, start: float, end: float, n: int = 12) -> list[tuple[float, float]]:
    """Points of a part of an ellipse; angles in radians."""
    return [(x + rx * np.cos(a), y + ry * np.sin(a)) for a in np.linspace(start, end, n)]


# --- what stands below: from the ground to the height h, about as wide as w to both sides ---
def pole(b: Brush, h: float, w: float) -> None:
    b.block(0, b.rng.uniform(0.02, 0.045), 0, h)


def two_legs(b: Brush, h: float, w: float) -> None:
    thick = b.rng.uniform(0.03, 0.06)
    for x in (-w, w):
        b.block(x, thick, 0, h)
    b.block(0, w + thick, h - b.rng.uniform(0.05, 0.1), h)


def tripod(b: Brush, h: float, w: float) -> None:
    for foot in (-1.3 * w, b.rng.uniform(-0.3, 0.3) * w, 1.3 * w):
        b.stroke([(foot, 0), (foot * 0.15, h)], b.rng.uniform(0.03, 0.05), b.rng.uniform(0.2, 0.8))


def row_of_posts(b: Brush, h: float, w: float) -> None:
    n = int(b.rng.integers(5, 8))
    for x in np.linspace(-1.2 * w, 1.2 * w, n):
        b.block(x, 0.4 * w / n, 0, h)
    b.block(0, 1.35 * w, h - 0.06, h)


def solid(b: Brush, h: float, w: float) -> None:
    b.block(0, w * b.rng.uniform(0.8, 1.2), 0, h)


def steps(b: Brush, h: float, w: float) -> None:
    n = int(b.rng.integers(3, 5))
    for i in range(n):
        b.block(0, w * (1.8 - 1.1 * i / (n - 1)), h * i / n, h * (i + 1) / n)


def cone(b: Brush, h: float, w: float) -> None:
    b.block(0, w * b.rng.uniform(1.1, 1.4), 0, h, taper=b.rng.uniform(0.25, 0.4))


def arch(b: Brush, h: float, w: float) -> None:
    wide, thick = 1.3 * w, w * b.rng.uniform(0.35, 0.55)
    inner = wide - thick
    top = min(0.85 * h, h - 0.05)
    round_top = arc(0, max(0.05, top - inner), inner, min(inner, top - 0.04), np.pi, 0)
    for lit, sign in ((0.85, 1), (0.35, -1)):
        half = [p for p in round_top if sign * p[0] * b.side >= -0.01]
        outline = [(sign * b.side * wide, 0), (sign * b.side * wide, h), (0, h)]
        inward = half if sign * b.side < 0 else half[::-1]
        b.face([*outline, *inward[::-1], (sign * b.side * inner, 0)], lit)


def lattice(b: Brush, h: float, w: float) -> None:
    foot, top, n = 1.3 * w, 0.35 * w, int(b.rng.integers(3, 6))
    thick = b.rng.uniform(0.018, 0.03)
    level = np.linspace(0, h, n + 1)
    half = foot + (top - foot) * np.linspace(0, 1, n + 1)
    for sign in (-1, 1):
        b.stroke([(sign * foot, 0), (sign * top, h)], thick * 1.5)
        for i in range(n):
            b.stroke([(sign * half[i], level[i]), (-sign * half[i + 1], level[i + 1])], thick, 0.6)


def mound(b: Brush, h: float, w: float) -> None:
    wide = 2.2 * w
    soil = b.color * 0.5 + np.array([60, 60, 40])
    b.face([(wide * np.cos(a), h * np.sin(a) ** b.rng.uniform(0.9, 1.1)) for a in np.linspace(np.pi, 0, 20)], 0.6, soil)
    b.face([(-b.side * wide * np.cos(a) * 0.9, h * np.sin(a) * 0.9) for a in np.linspace(np.pi / 2, 0, 10)], 0.3, soil)


# --- what is on top: from the height h, t high ---
def ball(b: Brush, h: float, t: float) -> None:
    b.disc(0, h + t / 2, t / 2, t / 2, 0.8)


def cube(b: Brush, h: float, t: float) -> None:
    b.block(0, t * b.rng.uniform(0.5, 0.75), h, h + t)


def roof(b: Brush, h: float, t: float) -> None:
    b.block(0, t * b.rng.uniform(0.45, 0.65), h, h + t * 1.3, taper=0.02)


def dome(b: Brush, h: float, t: float) -> None:
    r = t * b.rng.uniform(0.7, 0.9)
    b.face(arc(0, h, r, t, np.pi, 0), 0.8)
    b.face([*arc(0, h, r, t, np.pi / 2, np.pi if b.side > 0 else 0), (0, h)], 0.3)
    b.stroke([(0, h + t), (0, h + 1.25 * t)], 0.015)


def blades(b: Brush, h: float, t: float) -> None:
    turn, n = b.rng.uniform(0, 2 * np.pi), int(b.rng.choice([3, 4]))
    for k in range(n):
        a = turn + 2 * np.pi * k / n
        reach, wide = t * b.rng.uniform(0.95, 1.0), 0.1 * t
        tip = (reach * np.cos(a), h + t / 2 + reach * np.sin(a))
        across = (wide * np.sin(a), -wide * np.cos(a))
        b.face([(0, h + t / 2), (tip[0] + across[0], tip[1] + across[1]), tip], 0.8)
    b.disc(0, h + t / 2, 0.1 * t, 0.1 * t, 0.3)


def dish(b: Brush, h: float, t: float) -> None:
    a, r = b.rng.uniform(0.15, 0.85) * np.pi, 0.75 * t
    rim = arc(0, h + 0.6 * t, r, r, a - np.pi / 2 - 1.1, a + np.pi / 2 + 1.1 - np.pi)
    middle = (0.9 * r * np.cos(a), h + 0.6 * t + 0.9 * r * np.sin(a))
    bowl = arc(0, h + 0.55 * t, r, r, a + np.pi / 2, a + 3 * np.pi / 2)
    b.face(bowl, 0.7)
    b.stroke([rim[0], middle, rim[-1]], 0.012)


def flag(b: Brush, h: float, t: float) -> None:
    way, cloth = b.rng.choice([-1, 1]), b.rng.integers(30, 230, 3)
    b.stroke([(0, h), (0, h + 1.5 * t)], 0.025)
    x = np.linspace(0, 1.3 * t, 6)
    wave = 0.08 * t * np.sin(3 * x / t + b.rng.uniform(0, 6))
    upper = list(zip(way * x, h + 1.5 * t + wave, strict=True))
    lower = list(zip(way * x, h + 0.8 * t + wave, strict=True))
    b.face([*upper, *lower[::-1]], 0.8, cloth)


def ring(b: Brush, h: float, t: float) -> None:
    r = 0.55 * t
    b.stroke(arc(0, h + r, r * b.rng.uniform(0.6, 1), r, 0, 2 * np.pi, 20), 0.16 * t, 0.7)


# --- whole objects ---
def round_tree(b: Brush) -> None:
    b.block(0, 0.05, 0, 0.5, color=(84, 64, 48))
    x, y = b.put([(0, 0.68)])[0]
    greens = [b.tone(lit, parts.GREEN) for lit in (0, 0.4, 0.9)]
    parts.foliage(b.layer, b.rng, x, y, b.tall * b.rng.uniform(0.25, 0.4), b.tall * 0.3, greens)


def conifer(b: Brush) -> None:
    b.block(0, 0.035, 0, 0.2, color=(84, 64, 48))
    for low, high, half in ((0.12, 0.55, 0.27), (0.35, 0.78, 0.2), (0.6, 1.0, 0.13)):
        b.block(0, half, low, high, taper=0.03, color=(44, 84, 56))


def palm(b: Brush) -> None:
    bend = b.rng.uniform(-0.2, 0.2)
    b.stroke([(0, 0), (bend * 0.4, 0.4), (bend, 0.75)], 0.045, color=(120, 96, 70))
    for a in np.linspace(0.1, 2 * np.pi, 8):
        tip = (bend + 0.3 * np.cos(a), 0.75 + 0.16 * np.sin(a) - 0.06)
        b.stroke([(bend, 0.75), (bend + 0.18 * np.cos(a), 0.79 + 0.16 * np.sin(a)), tip], 0.03, 0.5, parts.GREEN)


def bare_tree(b: Brush) -> None:
    def branch(x: float, y: float, a: float, long: float) -> None:
        end = (x + long * np.cos(a), y + long * np.sin(a))
        b.stroke([(x, y), end], 0.2 * long**1.2, 0.3, (76, 62, 54))
        if long > 0.07:
            for turn in (-0.5, 0.45):
                branch(*end, a + turn + b.rng.normal(0, 0.15), long * b.rng.uniform(0.6, 0.75))

    branch(0, 0, np.pi / 2, 0.36)


def house(b: Brush) -> None:
    half = b.rng.uniform(0.45, 0.7)
    b.block(0, half, 0, 0.55)
    b.face([(-half * 1.1, 0.55), (half * 1.1, 0.55), (half * 0.7, 1.0), (-half * 0.7, 1.0)], 0.6, (150, 76, 58))
    for x in (-0.5, 0.4):
        b.face([(half * x + dx, y) for dx, y in ((0, 0.2), (0.14, 0.2), (0.14, 0.4), (0, 0.4))], 0.2, (60, 66, 80))


def flats(b: Brush) -> None:
    half, floors = b.rng.uniform(0.2, 0.35), int(b.rng.integers(5, 9))
    b.block(0, half, 0, 1)
    for y in np.linspace(0.06, 0.9, floors):
        for x in np.linspace(-0.75, 0.65, 4):
            b.face(
                [(half * x + dx, y + dy) for dx, dy in ((0, 0), (0.06, 0), (0.06, 0.05), (0, 0.05))], 0.2, (60, 66, 80)
            )


def tent(b: Brush) -> None:
    b.block(0, b.rng.uniform(0.7, 1.0), 0, 0.8, taper=0.02)
    b.face([(-0.15, 0), (0.15, 0), (0, 0.6)], 0.1)


def sailing_boat(b: Brush) -> None:
    b.face([(-0.45, 0.14), (0.5, 0.14), (0.36, 0), (-0.32, 0)], 0.4)
    b.stroke([(0, 0.14), (0, 1)], 0.02)
    b.face([(0.03, 0.2), (0.03, 0.95), (0.4, 0.2)], 0.95, (236, 232, 222))
    b.face([(-0.03, 0.2), (-0.03, 0.85), (-0.32, 0.2)], 0.75, (236, 232, 222))


def ship(b: Brush) -> None:
    b.face([(-1, 0.4), (1.05, 0.4), (0.85, 0), (-0.85, 0)], 0.35)
    b.block(-0.4, 0.3, 0.4, 0.75, color=(220, 220, 216))
    b.block(-0.5, 0.08, 0.75, 1.0)
    for x in (0.15, 0.45, 0.75):
        b.block(x, 0.12, 0.4, 0.55, color=b.rng.integers(60, 220, 3))


def car(b: Brush) -> None:
    b.face([(-1, 0.15), (1, 0.15), (1, 0.5), (0.55, 0.55), (0.3, 0.95), (-0.5, 0.95), (-0.75, 0.55), (-1, 0.5)], 0.7)
    b.face([(-0.6, 0.56), (0.42, 0.56), (0.24, 0.87), (-0.44, 0.87)], 0.4, (60, 70, 84))
    for x in (-0.55, 0.55):
        b.disc(x, 0.15, 0.19, 0.19, 0.4, (34, 34, 36))


def arch_bridge(b: Brush) -> None:
    n = int(b.rng.integers(3, 5))
    reach = 3.0 / n
    b.block(0, 1.6, 0.7, 0.95)
    for k in range(n):
        x = -1.5 + (k + 0.5) * reach
        curve = arc(x, 0.05, reach * 0.4, 0.6, 0, np.pi)
        b.face([*curve, (x - reach / 2, 0), (x - reach / 2, 0.72), (x + reach / 2, 0.72), (x + reach / 2, 0)], 0.5)


def balloon(b: Brush) -> None:
    b.disc(0, 0.62, 0.34, 0.38, 0.8)
    for x in (-0.12, 0.12):
        b.face([(x - 0.05, 0.98), (x + 0.05, 0.98), (x * 0.7 + 0.03, 0.27), (x * 0.7 - 0.03, 0.27)], 0.6, 255 - b.color)
    b.block(0, 0.07, 0, 0.1, color=(110, 84, 58))
    for x in (-0.07, 0.07):
        b.stroke([(x, 0.1), (2 * x, 0.32)], 0.01)


SUPPORTS = (pole, two_legs, tripod, row_of_posts, solid, steps, cone, arch, lattice, mound)
TOPS = (ball, cube, roof, dome, blades, dish, flag, ring)
OBJECTS = (
    round_tree,
    conifer,
    palm,
    bare_tree,
    house,
    flats,
    tent,
    sailing_boat,
    ship,
    car,
    arch_bridge,
    balloon,
)
