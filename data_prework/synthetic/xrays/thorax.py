"""Draws a child's chest X-ray: layers that weaken the beam are added up, then developed into grey levels.

Chest units: x is 0 at the spine and about +-1 at the ribs' outer edge (minus is the patient's right, as on film),
y is 0 at the top of the lungs and about 1 at the diaphragm. All layers are drawn upright on `GRID` and turned, moved
and scaled into the image at the end.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont
from scipy.ndimage import gaussian_filter1d

from data_prework.synthetic.canvas import cloud, to_uint8

GRID = 320  # pixels of the upright drawing, each way
LEFT, TOP, WIDE = -1.75, -0.75, 3.5  # chest units of its left and upper edge, and of its width
HIGH = 2.55
PLACES = np.linspace(0, 1, GRID, dtype=np.float32)
X = (LEFT + WIDE * PLACES)[None, :]
Y = (TOP + HIGH * PLACES)[:, None]
SIDE = np.where(X < 0, 0, 1)
AWAY = np.abs(X)


def step(distance: np.ndarray, soft: float) -> np.ndarray:
    """Smooth step from 0 (far below 0) to 1 (far above), `soft` chest units wide."""
    return np.clip(distance / (2 * soft) + 0.5, 0, 1)


def bump(distance: np.ndarray, width: float) -> np.ndarray:
    """Gaussian bell of height 1."""
    return np.exp(-((distance / width) ** 2))


def capsule(start: tuple[float, float], end: tuple[float, float]) -> np.ndarray:
    """Distance of every point of the grid to a line segment, in chest units."""
    (x0, y0), (dx, dy) = start, (end[0] - start[0], end[1] - start[1])
    along = np.clip(((X - x0) * dx + (Y - y0) * dy) / (dx * dx + dy * dy), 0, 1)
    return np.hypot(X - x0 - along * dx, Y - y0 - along * dy)


def smooth_cloud(rng: np.random.Generator, beta: float, size: int = 80, low: float = 0.0) -> np.ndarray:
    """A cloud drawn small and enlarged to the grid: mean 0, standard deviation about 1."""
    small = Image.fromarray(cloud(rng, (size, size), beta, low))
    return np.asarray(small.resize((GRID, GRID), Image.Resampling.BICUBIC))


def draw_anatomy(rng: np.random.Generator) -> dict:
    """What stays the same in all images of one patient."""
    u = rng.uniform
    return {
        "lung": u(0.86, 0.97),
        "shoulder": u(1.25, 1.5),
        "hip": u(1.08, 1.25),
        "neck": u(0.36, 0.5),
        "heart": u(0.85, 1.2),
        "apex": u(0.8, 0.97),
        "atrium": u(0.5, 1.5),
        "thymus": u(0.05, 0.24, 2) * (rng.random(2) < 0.35),
        "dome": u(-0.05, 0.05, 2),
        "rib_gap": u(0.122, 0.15),
        "rib_amp": u(0.065, 0.09),
        "rib_rise": u(0.2, 0.42),
        "rib_each": u(0.88, 1.12, 64),
        "front_amp": u(0.008, 0.025),
        "clavicle": (u(-0.05, 0.09), u(-0.25, 0.04), u(0.06, 0.13), u(0.8, 1.1)),
        "spine": u(0.05, 0.13),
        "disc_gap": u(0.1, 0.125),
        "scapula": (u(0.75, 1.05), u(0.15, 0.4), u(0.0, 0.06)),
        "hilum": rng.choice([0.6, 0.9, 1.3], p=[0.35, 0.4, 0.25]) * u(0.8, 1.2),
        "vessels": int(rng.integers(2**31)),
        "soft": u(0.44, 0.56),
    }


def ribs(a: dict, edge: np.ndarray, skew: float) -> tuple[np.ndarray, np.ndarray]:
    """Weakening by the ribs' rear and front parts; `edge` is 1 within the rib cage."""
    table = np.interp(np.arange(64) / 64, [0, 0.04, 0.12, 0.3, 0.42, 0.48, 1], [0, 1, 0.75, 0.6, 0.85, 0, 0])
    table = gaussian_filter1d(table, 1.5, mode="wrap").astype(np.float32)
    rise = -0.07 * np.sin(np.clip(AWAY / 1.1, 0, 1) * np.pi) + a["rib_rise"] * AWAY**2.6 + skew * X
    phase = (Y - rise) / a["rib_gap"] + 20
    number = phase.astype(np.int32)
    rear = table[((phase - number) * 64).astype(np.int32)] * a["rib_each"].astype(np.float32)[number]
    rear = rear * edge * (0.45 + 0.55 * AWAY) * step(1.35 - Y, 0.3) * a["rib_amp"]
    fall = 0.75 - 0.62 * AWAY - skew * X
    phase = (Y - fall) / (a["rib_gap"] * 1.08) + 20
    front = table[((phase - phase.astype(np.int32)) * 64).astype(np.int32)]
    front = front * edge * step(AWAY - 0.5, 0.12) * step(Y - 0.15, 0.1) * step(1.2 - Y, 0.2) * a["front_amp"]
    return rear, front


def vessels(a: dict) -> np.ndarray:
    """Branching vessels that run from both lung roots outwards; about 1 at the root."""
    rng = np.random.default_rng(a["vessels"])
    pixels = Image.new("L", (GRID, GRID))
    pen = ImageDraw.Draw(pixels)

    def branch(x: float, y: float, angle: float, width: float, level: float) -> None:
        for _ in range(int(rng.integers(4, 8))):
            turn = angle = angle + rng.normal(0, 0.2)
            x1, y1 = x + 0.085 * np.cos(turn), y + 0.085 * np.sin(turn)
            ends = [((p - LEFT) / WIDE * GRID, (q - TOP) / HIGH * GRID) for p, q in ((x, y), (x1, y1))]
            pen.line([*ends[0], *ends[1]], fill=int(level), width=max(1, round(width)))
            x, y, width, level = x1, y1, width * 0.8, level * 0.86
            if width > 1.2 and rng.random() < 0.6:
                branch(x, y, turn + rng.choice([-0.6, 0.6]), width * 0.8, level * 0.9)

    for sign in (-1, 1):
        for angle in np.linspace(-1.5, 1.6, 9) + rng.normal(0, 0.2, 9):
            x, y = sign * rng.uniform(0.15, 0.34), 0.45 + 0.14 * angle + rng.normal(0, 0.03)
            branch(x, y, angle if sign > 0 else np.pi - angle, rng.uniform(1.5, 3.2), rng.uniform(110, 220))
    return np.asarray(pixels.filter(ImageFilter.GaussianBlur(1.1)), np.float32) / 255


def opacity(rng: np.random.Generator, sign: dict) -> np.ndarray:
    """Share of the lung's air that is replaced, 0 to 1, before it is cut to the lungs.

    Args:
        sign: "kind" (focal, patchy or diffuse), "strength", "spots" (list of x, y, radius in chest units).
    """
    rough = smooth_cloud(rng, 2.6)
    fine = smooth_cloud(rng, 3.0, 110, low=6)
    field = np.zeros((GRID, GRID), np.float32)
    for x, y, radius in sign["spots"]:
        e = np.hypot((X - x) / radius, (Y - y) / (radius * 0.85))
        field = np.maximum(field, step(1 - e + 0.28 * rough, 0.3))
    if sign["kind"] == "diffuse":
        field = field * 1.15 * step(0.2 + 0.4 * rough + 0.7 * fine, 0.8)
    else:
        field = field * np.clip(0.78 + 0.34 * fine + 0.1 * rough, 0.1, 1.2)
    return field * sign["strength"]


def lungs(a: dict, pose: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(air in the beam's way, within the rib cage, outline distance), each on the grid."""
    width, breath = a["lung"], pose["breath"]
    apex = np.clip(1 - Y / 0.72, 0, None)
    across = np.where(AWAY > 0.4, (AWAY - 0.4) / (width - 0.4), (0.4 - AWAY) / 0.3)
    outline = 1 - np.sqrt(across**2 + apex**2)
    y = Y[:, 0]
    turn = pose["rotation"]
    right = 0.2 + 0.1 * a["atrium"] * bump(y - 0.78, 0.24) + a["thymus"][0] * step(0.42 - y, 0.1) * step(y, 0.2)
    apex_x = 0.68 * a["heart"]
    left = np.interp(
        y,
        [0, 0.2, 0.28, 0.36, 0.48, 0.72, a["apex"], 1.12],
        [0.17, 0.22, 0.2, 0.26, 0.3, apex_x * 0.82, apex_x, apex_x * 0.85],
    )
    left = gaussian_filter1d(left, 5) + a["thymus"][1] * step(0.4 - y, 0.1) * step(y, 0.2)
    inner = np.where(X < 0, (right - turn)[:, None], (left + turn)[:, None])
    dome = breath + a["dome"][SIDE] + np.where(X > 0, 0.05, 0) + 0.55 * np.abs(AWAY - 0.42) ** 1.7
    beside = 0.2 + 0.8 * step(AWAY - inner, 0.025)  # some lung lies behind the heart
    beside = beside * step(AWAY - 0.14, 0.05)
    above = 0.12 * step(dome + 0.15 - Y, 0.1) + 0.88 * step(dome - Y, 0.02)
    air = step(outline, 0.045) * beside * above * (0.8 + 0.2 * step(outline - 0.2, 0.2))
    air = air * np.where(X < 0, pose["depth"][0], pose["depth"][1])
    cage = step(width + 0.05 - AWAY, 0.02) * step(outline + 0.16, 0.05)
    return air, cage, outline


def tissue(a: dict, pose: dict, dome: float) -> np.ndarray:
    """Weakening by everything soft: trunk, neck, head, arms with their bones, heart and belly."""
    y = Y[:, 0]
    half = np.interp(
        y,
        [-0.7, -0.36, -0.24, -0.08, 0.25, 0.6, 1.0, 1.7],
        [
            a["neck"],
            a["neck"] * 1.15,
            0.8,
            a["shoulder"],
            a["shoulder"] * 0.95,
            a["hip"],
            a["hip"] * 0.98,
            a["hip"] * 1.02,
        ],
    )
    half = gaussian_filter1d(half, 7)[:, None]
    trunk = np.sqrt(np.clip(1 - (AWAY / half) ** 2, 0, 1)) ** 0.9
    total = trunk * a["soft"]
    for sign, (dx, dy) in zip((-1, 1), pose["arms"], strict=True):
        joint = (sign * (a["shoulder"] - 0.16), 0.02)
        away = capsule(joint, (joint[0] + sign * dx, joint[1] + dy))
        arm = 0.3 * np.sqrt(np.clip(1 - (away / 0.27) ** 2, 0, 1)) * (1 - 0.55 * trunk)
        total = total + arm + 0.13 * step(0.085 - away, 0.02) + 0.05 * bump(away - 0.075, 0.02)
    heart = np.clip(1 - ((X - 0.18) / (0.62 * a["heart"])) ** 2 - ((Y - 0.72) / 0.45) ** 2, 0, 1)
    total = total + 0.16 * np.sqrt(heart) * step(AWAY, 0.3) + 0.09 * bump(X, 0.3) * step(1.3 - Y, 0.4)
    total = total + 0.16 * step(Y - dome, 0.12) * trunk
    head = np.clip(1 - (X / 0.52) ** 2 - ((Y - pose["chin"]) / 0.3) ** 2, 0, 1)
    total = total + 0.4 * np.sqrt(head)
    return total - 0.09 * bump(X - 0.02, 0.07) * step(0.3 - Y, 0.12)  # windpipe


def bones(a: dict, air: np.ndarray, cage: np.ndarray, outline: np.ndarray, skew: float) -> np.ndarray:
    """Weakening by spine, ribs, collar bones and shoulder blades."""
    rear, front = ribs(a, cage, skew)
    wall = 0.09 * bump(outline + 0.05, 0.05) * cage * (0.6 + rear * 6) * step(Y - 0.05, 0.1) * step(1.35 - Y, 0.2)
    disc = 0.75 + 0.25 * np.cos(2 * np.pi * Y / a["disc_gap"])
    spine = a["spine"] * (step(0.15 - AWAY, 0.03) * disc + 0.3 * bump(AWAY - 0.13, 0.025))
    lift, slope, thick, reach = a["clavicle"]
    line = lift + slope * (AWAY - 0.15) + 0.07 * np.sin((AWAY - 0.1) * 4.2)
    off = np.abs(Y - line + skew * X)
    collar = (
        (step(0.032 - off, 0.012) + 0.6 * bump(off - 0.025, 0.01)) * step(AWAY - 0.13, 0.03) * step(reach - AWAY, 0.05)
    )
    start, lean, level = a["scapula"]
    blade = (
        level
        * step(AWAY - start - lean * (Y - 0.1), 0.015)
        * step(Y - 0.02, 0.04)
        * step(0.62 - Y, 0.06)
        * step(1.3 - AWAY, 0.05)
    )
    return (0.4 + 0.6 * air) * (rear + front) + wall + spine * step(1.75 - Y, 0.4) + thick * collar + blade


def draw_pose(rng: np.random.Generator, test: bool) -> dict:
    """What changes from one image of a patient to the next: breath, turning, arms, framing, exposure, hardware.

    Test images come from a slightly different practice: flatter, brighter, more often collimated.
    """
    u = rng.uniform
    up = rng.random() < 0.4
    arm = lambda: (u(0.5, 0.8), u(-0.5, -0.15)) if up else (u(0.12, 0.6), u(0.3, 0.9))  # noqa: E731
    shallow = rng.random() < 0.25
    return {
        "breath": u(0.86, 0.94) if shallow else u(0.94, 1.06),
        "rotation": rng.normal(0, 0.035),
        "skew": rng.normal(0, 0.03),
        "depth": np.clip(rng.normal(1, 0.03, 2), 0.85, 1.12) * u(0.95, 1.08) * (0.93 if shallow else 1),
        "arms": (arm(), arm()),
        "chin": u(-0.85, -0.5),
        "tilt": np.deg2rad(rng.normal(0, 2.5)),
        "scale": (u(0.98, 1.24), u(0.76, 0.95)),
        "shift": (rng.normal(0, 0.06), rng.normal(0.52, 0.06)),
        "gain": u(0.97, 1.07) * (0.96 if test else 1),
        "lift": u(-0.01, 0.03) + (0.01 if test else 0),
        "gamma": np.exp(rng.normal(0.03 if test else 0, 0.05)),
        "border": u(0.01, 0.045, 4) * (rng.random(4) < (0.12 if test else 0.05)),
        "grain": u(2, 5) * (1.25 if test else 1),
        "tube": rng.random() < 0.08,
        "leads": int(rng.integers(1, 4)) if rng.random() < 0.08 else 0,
        "gas": int(rng.integers(0, 4)),
        "veil": u(0.02, 0.05) if rng.random() < 0.2 else 0.0,
        "letter": None if rng.random() < 0.15 else (u(0.01, 0.1), u(0.02, 0.4), u(0.035, 0.075)),
    }


def hardware(rng: np.random.Generator, pose: dict) -> np.ndarray:
    """Tubes and electrodes, about 1 where they lie."""
    pixels = Image.new("L", (GRID, GRID))
    pen = ImageDraw.Draw(pixels)
    starts = [(GRID * 0.5, 0)] if pose["tube"] else []
    starts += [(rng.uniform(0.2, 0.8) * GRID, rng.uniform(0.3, 0.7) * GRID) for _ in range(pose["leads"])]
    for x, y in starts:
        if y > 0:
            pen.ellipse((x - 5, y - 5, x + 5, y + 5), outline=255, width=2)
        t = np.linspace(0, 1, 20)[:, None]
        way = (
            np.array([[x, y]])
            + t * rng.normal(0, GRID / 12, (1, 2))
            + np.array([[0, GRID * (0.45 if y == 0 else -0.5)]]) * t
        )
        way[:, 0] += rng.uniform(5, 25) * np.sin(t[:, 0] * rng.uniform(2, 4)) * (0.3 if y == 0 else 1)
        pen.line([tuple(p) for p in way], fill=150, width=2)
    return np.asarray(pixels.filter(ImageFilter.GaussianBlur(0.7)), np.float32) / 255


def weaken(rng: np.random.Generator, a: dict, pose: dict, sign: dict | None) -> tuple[np.ndarray, np.ndarray]:
    """(weakening of the beam on the grid, the part of it that an opacity adds)."""
    air, cage, outline = lungs(a, pose)
    soft = tissue(a, pose, pose["breath"])
    hazy = 0.33 * air
    vessel = vessels(a) * air * (0.5 + 0.5 * bump(AWAY - 0.25, 0.3)) * 0.09 * a["hilum"]
    root = 0.045 * a["hilum"] * bump(AWAY - 0.26, 0.1) * bump(Y - 0.47, 0.14) * air
    total = soft - hazy + vessel + root + bones(a, air, cage, outline, pose["skew"])
    total = total + 0.006 * smooth_cloud(rng, 2.0) + 0.004 * smooth_cloud(rng, 1.0, 160) * (soft > 0.05)
    if pose["veil"]:  # a fold of skin or a pad: smooth, and not bound to the lungs
        side = rng.choice([-1, 1])
        total = total + pose["veil"] * bump(X - side * rng.uniform(0.3, 0.9), 0.5) * bump(
            Y - rng.uniform(0.2, 1.0), 0.5
        )
    for _ in range(pose["gas"]):
        e = np.hypot(
            (X - rng.uniform(0.1, 0.75)) / rng.uniform(0.1, 0.3), (Y - rng.uniform(1.15, 1.5)) / rng.uniform(0.05, 0.14)
        )
        total = total - rng.uniform(0.04, 0.12) * step(1 - e, 0.15)
    added = np.zeros_like(total)
    if sign is not None:
        added = 0.33 * air * opacity(rng, sign)
        total = total + added
    if pose["tube"] or pose["leads"]:
        total = total + 0.22 * hardware(rng, pose)
    return total.astype(np.float32), added.astype(np.float32)


def develop(total: np.ndarray, pose: dict) -> np.ndarray:
    """Grey levels 0-255 from weakening: exposure, then the film's curve."""
    light = np.clip(total, 0, None) * (1.2 * pose["gain"]) + pose["lift"]
    light = light / np.cbrt(1 + light * light * light)
    return 255 * np.clip(light, 0, 1) ** pose["gamma"]


def xray(
    rng: np.random.Generator, a: dict, pose: dict, sign: dict | None, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Draw one chest X-ray.

    Args:
        a: the patient, from `draw_anatomy`.
        pose: the occasion, from `draw_pose`.
        sign: the opacity (see `opacity`), or None for a chest without.
        size: (width, height) of the result in pixels.

    Returns:
        uint8 pixels and boolean mask (opacity visibly brighter), each (height, width).
    """
    total, added = weaken(rng, a, pose, sign)
    grey = develop(total, pose)
    visible = np.zeros(grey.shape, np.uint8)
    if sign is not None:
        gain = grey - develop(total - added, pose)
        visible = (gain > min(7.0, 0.4 * gain.max())).astype(np.uint8) * 255
    frame = affine(pose, (GRID, GRID))
    upright = Image.fromarray(to_uint8(grey))
    image = upright.transform((GRID, GRID), Image.Transform.AFFINE, frame, Image.Resampling.BICUBIC)
    image = image.resize(size, Image.Resampling.BICUBIC)
    mask = Image.fromarray(visible)
    if sign is not None:
        mask = mask.transform((GRID, GRID), Image.Transform.AFFINE, frame, Image.Resampling.BILINEAR)
    mask = mask.resize(size, Image.Resampling.BILINEAR)
    if pose["letter"]:
        x, y, high = pose["letter"]
        font = ImageFont.load_default(max(9, round(high * size[1])))
        ImageDraw.Draw(image).text((x * size[0], y * size[1]), "R", fill=235, font=font)
    pixels = np.asarray(image, np.float32)
    noise = np.frombuffer(rng.bytes(2 * pixels.size), np.uint8).reshape(2, *pixels.shape).astype(np.float32)
    pixels = pixels + (noise[0] + noise[1] - 255) * (pose["grain"] / 104 * size[0] / 640)
    return to_uint8(collimate(pixels, pose["border"])), np.asarray(mask) > 127


def affine(pose: dict, size: tuple[int, int]) -> tuple[float, ...]:
    """Pillow's six numbers that take a pixel of the image to a pixel of the upright grid."""
    (half_x, half_y), (cx, cy), tilt = pose["scale"], pose["shift"], pose["tilt"]
    px, py = 2 * half_x / size[0], 2 * half_y / size[1]  # chest units a pixel
    cos, sin = np.cos(tilt), np.sin(tilt)
    gx, gy = GRID / WIDE, GRID / HIGH
    x = (cos * px * gx, -sin * py * gx)
    y = (sin * px * gy, cos * py * gy)
    middle = ((cx - LEFT) * gx, (cy - TOP) * gy)
    w, h = size[0] / 2, size[1] / 2
    return (*x, middle[0] - x[0] * w - x[1] * h, *y, middle[1] - y[0] * w - y[1] * h)


def collimate(pixels: np.ndarray, border: np.ndarray) -> np.ndarray:
    """Darken strips that the tube's shutter kept from the beam; `border` are shares of left, top, right, bottom."""
    h, w = pixels.shape
    left, top, right, bottom = (int(b * s) for b, s in zip(border, (w, h, w, h), strict=True))
    pixels[:, :left] *= 0.12
    pixels[:top] *= 0.12
    pixels[:, w - right :] *= 0.12
    pixels[h - bottom :] *= 0.12
    return pixels
