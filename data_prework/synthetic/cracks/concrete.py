"""A photo of a concrete wall: its look, its surface, what is drawn or stained on it, and its cracks."""

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from data_prework.synthetic.canvas import cloud, to_uint8

SIDE = 227
PHOTO = (1136, 1360)  # height, width of a whole photo


def choose_look(rng: np.random.Generator, cracked: bool, difficulty: float) -> dict[str, float]:
    """What all patches of a photo share: surface, light, camera, cracks and things that are not cracks."""
    lighter, rougher = (7, 1.0) if cracked else (0, 1.6)  # so that mean and deviation of a patch tell little
    level = np.clip(rng.normal(168 + lighter, 24), 110, 212)
    warm, green = rng.normal(0.035, 0.035), rng.normal(0.008, 0.012)
    more = 1.0 if not cracked else 0.55
    clutter = more * difficulty**0.5
    return {
        "level": level,
        "red": 1 + warm,
        "green": 1 + green,
        "blue": 1 - 1.4 * warm,
        "blotches": rng.uniform(0.02, 0.07),
        "texture": rng.lognormal(np.log(0.038), 0.45) * rougher,
        "relief": rng.lognormal(np.log(0.03), 0.6) * rougher,
        "relief_size": rng.uniform(2.0, 3.4),
        "streaks": rng.choice([0.0, 0.0, 0.015, 0.03]),
        "contrast": rng.uniform(0.65, 1.1),
        "grain": rng.uniform(0.8, 4.5),
        "blur": rng.uniform(0.3, 1.4),
        "slope": rng.normal(0, 0.12),
        "light": rng.uniform(0, 2 * np.pi),
        "pores": rng.lognormal(np.log(170), 0.6) * rougher,
        "pore_size": rng.uniform(1.8, 4.2),
        "specks": rng.choice([0, 0, 40, 160]),
        "stains": rng.poisson(2.8 * clutter),
        "joints": rng.poisson(2.6 * clutter),
        "joint_depth": rng.uniform(0.3, 0.95),
        "scratches": rng.poisson(4 * clutter),
        "shadows": rng.poisson(1.3 * clutter),
        "pencil": rng.poisson(1.8 * clutter),
        "anchors": rng.poisson(0.8 * clutter),
        "lure": 0.75,
        "width": float(np.clip(rng.lognormal(np.log(6.0 / difficulty**0.5), 0.22), 3.2, 11)),
        "depth": float(np.clip(rng.normal(0.8, 0.1) / difficulty**0.5, 0.5, 0.92)),
        "rough": rng.uniform(0.7, 1.5),
        "wander": rng.uniform(0.03, 0.09),
        "branches": rng.uniform(0.3, 2.2),
        "damp": rng.uniform(0.13, 0.34),
        "chips": rng.uniform(0, 5),
    }


def walk(rng: np.random.Generator, start, heading: float, steps: int, look: dict, step: float = 3.0) -> np.ndarray:
    """Points (n, 2) of a random walk that keeps its direction, turns in kinks and is rough in small.

    The heading is an Ornstein-Uhlenbeck process around the first heading.
    """
    turn = rng.normal(0, look["wander"], steps) + (rng.random(steps) < 0.04) * rng.normal(0, 0.55, steps)
    away = ndimage.convolve1d(turn, 0.96 ** np.arange(90), mode="constant", origin=-45)
    angle = heading + away
    points = np.cumsum(step * np.stack([np.cos(angle), np.sin(angle)], 1), 0) + start
    return points + ndimage.gaussian_filter1d(rng.normal(0, 1.3 * look["rough"], (steps, 2)), 0.8, axis=0)


def crack_field(rng: np.random.Generator, look: dict, wanted: int) -> tuple[list, list]:
    """Cracks (points, widths) with branches, until `wanted` patches find a place (x, y) along them."""
    height, width = PHOTO
    cracks, places = [], []
    main = rng.uniform(0, 2 * np.pi)
    lanes = rng.permutation(np.linspace(-0.4, 0.4, 6))  # cracks side by side, crossing now and then
    for k in range(40 if wanted else 0):
        if len(places) >= wanted:
            break
        heading = main + rng.normal(0, 0.2) + (k >= len(lanes)) * rng.normal(np.pi / 2, 0.3)
        ahead, aside = np.array([np.cos(main), np.sin(main)]), np.array([-np.sin(main), np.cos(main)])
        lane = 1250 * lanes[k % len(lanes)] + rng.normal(0, 30)
        start = np.array([width / 2, height / 2]) + lane * aside - rng.uniform(500, 800) * ahead
        points = walk(rng, start, heading, int(rng.uniform(380, 620)), look)
        wide = look["width"] * rng.lognormal(0, 0.4)
        lines = [(points, wide)]
        for _ in range(rng.poisson(look["branches"])):
            at = int(rng.integers(20, len(points) - 20))
            side = rng.choice([-1, 1]) * rng.uniform(0.4, 1.1)
            lines.append(
                (walk(rng, points[at], heading + side, int(rng.uniform(25, 170)), look), wide * rng.uniform(0.4, 0.8))
            )
        for branch, (line, wide) in enumerate(lines):
            n = len(line)
            slow = ndimage.gaussian_filter1d(rng.normal(0, 1, n), 14) * 7
            fine = ndimage.gaussian_filter1d(rng.normal(0, 1, n), 1.2) * 1.6 * look["rough"]
            widths = wide * np.exp(0.38 * slow) + min(1.0, 0.3 * wide) * fine
            ends = np.minimum(n if branch else np.arange(n), np.arange(n)[::-1]) / 40
            widths = np.maximum(widths * np.clip(ends, 0.3, 1), 0.7)
            cracks.append((line, widths))
            for i in range(int(rng.integers(10, 30)), n - 8, 16):
                x, y = line[i]
                inside = 60 < x < width - 60 and 60 < y < height - 60
                apart = 150 if k < len(lanes) else 90
                if inside and all(max(abs(x - a), abs(y - b)) > apart for a, b in places):
                    places.append((x, y))
    return cracks, places[:wanted] if wanted else []


def quads(points: np.ndarray, widths: np.ndarray) -> list[np.ndarray]:
    """Four-cornered pieces (4, 2) that make up a line of changing width."""
    along = np.gradient(points, axis=0)
    along /= np.hypot(along[:, 0], along[:, 1])[:, None] + 1e-9
    across = np.stack([-along[:, 1], along[:, 0]], 1) * np.broadcast_to(widths, len(points))[:, None] / 2
    left, right = points + across, points - across
    return [np.array([left[i], left[i + 1], right[i + 1], right[i]]) for i in range(len(points) - 1)]


def fill(
    shape: tuple[int, int], polygons: list[np.ndarray], strengths: np.ndarray | float = 1.0, soft: int = 2
) -> np.ndarray:
    """Anti-aliased coverage (float32, 0 to 1) of polygons of (n, 2) points x, y, each with its strength."""
    if not polygons:
        return np.zeros(shape, np.float32)
    image = Image.new("L", (shape[1] * soft, shape[0] * soft))
    pen = ImageDraw.Draw(image)
    for polygon, strength in zip(polygons, np.broadcast_to(strengths, len(polygons)), strict=True):
        pen.polygon([(x * soft, y * soft) for x, y in polygon], fill=round(255 * strength))
    return np.asarray(image.reduce(soft), dtype=np.float32) / 255


def blob(rng: np.random.Generator, x: float, y: float, radius: float, rough: float = 0.2, n: int = 10) -> np.ndarray:
    """An uneven roundish polygon (n, 2); the rougher, the longer."""
    angle = np.arange(n) * 2 * np.pi / n
    r = radius * np.exp(rng.normal(0, rough, n)) * (1 + 1.5 * rough * np.cos(2 * (angle - rng.uniform(0, np.pi))))
    return np.stack([x + r * np.cos(angle), y + r * np.sin(angle)], 1)


def enlarge(small: np.ndarray) -> np.ndarray:
    """Resize a float field to the photo."""
    return np.asarray(Image.fromarray(small).resize(PHOTO[::-1], Image.Resampling.BICUBIC))


def surface(rng: np.random.Generator, look: dict) -> np.ndarray:
    """Relative brightness (float32, about 1) of bare concrete: blotches, texture, relief under slanting light."""
    height, width = PHOTO
    half, eighth = (height // 2, width // 2), (height // 8, width // 8)
    tone = 1 + look["blotches"] * enlarge(cloud(rng, eighth, 2.6))
    tone += look["texture"] * enlarge(cloud(rng, half, 1.2, low=12))
    hills = cloud(rng, half, look["relief_size"], low=15)
    slope = np.cos(look["light"]) * np.gradient(hills, axis=1) + np.sin(look["light"]) * np.gradient(hills, axis=0)
    tone += look["relief"] * enlarge((slope / slope.std()).astype(np.float32))
    if look["streaks"]:
        thin = (half[0], half[1] // 10) if rng.random() < 0.5 else (half[0] // 10, half[1])
        tone += look["streaks"] * enlarge(cloud(rng, thin, 1.0, low=4))
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    return tone * (1 + look["slope"] * (x * np.cos(look["light"]) + y * np.sin(look["light"])))


def sink(tone: np.ndarray, coverage: np.ndarray, depth: np.ndarray | float, light: float, rim: float) -> np.ndarray:
    """Darken what is covered, and let the edge that faces the light shine."""
    shift = (round(1.6 * np.sin(light)), round(1.6 * np.cos(light)))
    lit = np.clip(np.roll(coverage, shift, (0, 1)) - coverage, 0, 1)
    return tone * (1 - depth * coverage) + rim * lit


def straight(rng: np.random.Generator, heading: float, waves: float, length: float = 1900) -> np.ndarray:
    """An almost straight line (n, 2) through a random point of the photo."""
    middle = rng.uniform((0, 0), PHOTO[::-1])
    t = np.arange(-length / 2, length / 2, 12)
    sway = ndimage.gaussian_filter1d(rng.normal(0, waves, len(t)), 2)
    return (
        middle + t[:, None] * [np.cos(heading), np.sin(heading)] + sway[:, None] * [-np.sin(heading), np.cos(heading)]
    )


def paint(rng: np.random.Generator, look: dict, cracks: list, coverage: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The photo (uint8, RGB) and points (n, 2) on the things in it that are not cracks."""
    height, width = PHOTO
    tone = surface(rng, look)
    y, x = np.ogrid[:height, :width]
    anchors: list[np.ndarray] = []

    brown = np.zeros(PHOTO, np.float32)
    if look["stains"]:
        small = (height // 4, width // 4)
        field = cloud(rng, small, 2.4)
        sy, sx = np.ogrid[: small[0], : small[1]]
        bumps = np.full(small, -2.2, np.float32)
        for _ in range(look["stains"]):
            cx, cy = rng.uniform((0, 0), small[::-1])
            rx, ry = rng.uniform(15, 60), rng.uniform(15, 90)
            bumps += 3.2 * np.exp(-(((sx - cx) / rx) ** 2) - ((sy - cy) / ry) ** 2)
            anchors.append(np.array([[cx * 4 + rx * 3, cy * 4], [cx * 4, cy * 4 - ry * 3]]))
        stain = enlarge((1 / (1 + np.exp(-(bumps + field) * rng.uniform(2, 7)))).astype(np.float32))
        tone *= 1 - rng.uniform(-0.12, 0.5) * stain
        brown = rng.choice([0, 0.04, 0.1]) * stain

    # form-work: boards of slightly different tone, their joints, the holes of the anchors
    direction = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.15)
    joints = []
    for _ in range(look["joints"]):
        line = straight(rng, direction if rng.random() < 0.8 else direction + np.pi / 2, 0.8)
        gaps = np.clip(1.5 + ndimage.gaussian_filter1d(rng.normal(0, 6, len(line)), 5), 0.25, 1)
        joints += quads(line, rng.lognormal(np.log(3.4), 0.6) * gaps)
        side = (x - line[0, 0]) * (line[-1, 1] - line[0, 1]) > (y - line[0, 1]) * (line[-1, 0] - line[0, 0])
        tone *= 1 + rng.normal(0, 0.05) * side
        anchors.append(line)
    rim = rng.uniform(0.1, 0.5)
    if joints:
        tone = sink(tone, fill(PHOTO, joints), look["joint_depth"], look["light"], rim)

    pores = rng.uniform((0, 0), (width, height), (int(look["pores"]), 2))
    holes = [blob(rng, px, py, look["pore_size"] * rng.lognormal(0, 0.45)) for px, py in pores]
    for _ in range(look["anchors"]):
        px, py = rng.uniform((0, 0), (width, height))
        holes.append(blob(rng, px, py, rng.uniform(9, 26), 0.03, 24))
        anchors.append(np.array([[px, py]] * 4))
    tone = sink(tone, fill(PHOTO, holes, rng.uniform(0.3, 1, len(holes))), rng.uniform(0.65, 0.95), look["light"], rim)

    if look["specks"]:
        spots = rng.uniform((0, 0), (width, height), (look["specks"], 2))
        bright = [blob(rng, px, py, rng.lognormal(np.log(2.0), 0.5), 0.3) for px, py in spots]
        tone += 0.35 * fill(PHOTO, bright, rng.uniform(0.2, 1, len(spots)))

    scratches = []
    for _ in range(look["scratches"]):
        line = straight(rng, rng.uniform(0, np.pi), 1.5, rng.uniform(80, 500))
        for k in range(rng.integers(1, 4)):
            scratches += quads(line + 7 * k, rng.uniform(0.6, 1.6))
        anchors.append(line)
    if scratches:
        tone += rng.choice([-0.3, 0.15, 0.25]) * fill(PHOTO, scratches)

    pencil = []
    for _ in range(look["pencil"]):
        line = mark(rng)
        pencil += quads(line, rng.uniform(1.4, 3.6))
        anchors.append(line)
    if pencil:
        skips = np.clip(0.85 + 0.35 * enlarge(cloud(rng, (height // 2, width // 2), 0.8)), 0, 1)
        tone *= 1 - rng.uniform(0.3, 0.7) * fill(PHOTO, pencil) * skips

    if cracks:
        tone = open_cracks(rng, look, tone, cracks, coverage, rim)

    for _ in range(look["shadows"]):
        line = straight(rng, rng.uniform(0, np.pi), 0)
        (x0, y0), (x1, y1) = line[0], line[-1]
        away = ((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) / np.hypot(x1 - x0, y1 - y0)
        bend = 30 * np.sin((x + y) / rng.uniform(150, 400)) * rng.integers(2)
        tone *= 1 - rng.uniform(0.25, 0.55) / (1 + np.exp(-np.clip((away + bend) / rng.uniform(1.5, 9), -30, 30)))
        anchors.append(line)

    tone /= np.percentile(tone[::8, ::8], (20, 90)).mean()  # the camera's own exposure
    tone = np.where(tone > 1.2, 0.8 + tone / 3, tone)  # highlights are compressed, not cut
    tone = 1 + look["contrast"] * (tone - 1)
    tone = ndimage.gaussian_filter(tone.astype(np.float32), look["blur"], truncate=3)
    grain = look["grain"] * rng.standard_normal(PHOTO, dtype=np.float32)
    colors = [(look["red"], 0.3), (look["green"], -0.1), (look["blue"], -1.0)]
    image = np.stack([look["level"] * tone * (gain + tint * brown) + grain for gain, tint in colors], -1)
    points = np.concatenate(anchors) if anchors else np.empty((0, 2))
    return to_uint8(image), points


def mark(rng: np.random.Generator) -> np.ndarray:
    """A pencil mark (n, 2): a smooth line, a ring, or a zigzag like handwriting."""
    kind = rng.integers(3)
    cx, cy = rng.uniform((60, 60), (PHOTO[1] - 60, PHOTO[0] - 60))
    t = np.linspace(0, 1, 60)
    turn = rng.uniform(0, 2 * np.pi)
    if kind == 0:
        length, bend = rng.uniform(150, 700), rng.normal(0, 60)
        u, v = (t - 0.5) * length, bend * np.sin(np.pi * t * rng.uniform(1, 2.5))
    elif kind == 1:
        r = rng.uniform(25, 90)
        u, v = r * np.cos(6.6 * t), 0.8 * r * np.sin(6.6 * t)
    else:
        u, v = 160 * (t - 0.5) + 14 * np.sin(40 * t), rng.uniform(14, 34) * np.sin(25 * t + np.sin(9 * t))
    return np.stack([cx + u * np.cos(turn) - v * np.sin(turn), cy + u * np.sin(turn) + v * np.cos(turn)], 1)


def open_cracks(
    rng: np.random.Generator, look: dict, tone: np.ndarray, cracks: list, coverage: np.ndarray, rim: float
) -> np.ndarray:
    """Let the cracks into the surface: broken-off edges, dark inside with debris, a lit rim, damp beside them."""
    chips = []
    for points, widths in cracks:
        for at in rng.integers(0, len(points), rng.poisson(look["chips"])):
            px, py = points[at] + rng.normal(0, widths[at] / 2 + 1, 2)
            chips.append(blob(rng, px, py, rng.uniform(1, 2.2) * widths[at] + 2, 0.2, 16))
    if chips:
        broken = fill(PHOTO, chips, rng.uniform(0.2, 1, len(chips)))
        tone = sink(tone, broken, rng.uniform(-0.12, 0.4), look["light"], rim)
    debris = enlarge(cloud(rng, (PHOTO[0] // 4, PHOTO[1] // 4), 1.8))
    depth = np.clip(look["depth"] + 0.1 * debris, 0.15, 0.92)
    shade = ndimage.gaussian_filter(coverage, 3.5, truncate=2.5)
    eighth = coverage.reshape(PHOTO[0] // 8, 8, -1)[:, :, : PHOTO[1] // 8 * 8].reshape(PHOTO[0] // 8, 8, -1, 8)
    near = ndimage.gaussian_filter(eighth.max((1, 3)), 2.6)
    damp = enlarge(np.clip(near / 0.25, 0, 1)) * np.clip(0.85 + 0.3 * debris, 0, 1.4)
    return sink(tone * (1 - 0.18 * shade) * (1 - look["damp"] * damp), coverage, depth, look["light"], rim)
