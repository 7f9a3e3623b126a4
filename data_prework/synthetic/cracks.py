"""Draws a raw folder in the manner of Özgenel's concrete cracks: photos of concrete, cut into patches of 227x227."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter
from scipy import ndimage

from data_prework.synthetic.canvas import cloud, draw_all, save_jpeg, save_mask, to_uint8
from data_prework.synthetic.faults import COUNTS, mask_path, plant

SIDE = 227
PHOTO = (1136, 1360)  # height, width of a whole photo
BLOCK = 100  # Positive files of one block of numbers come from photos that are in no other block
CRACKED = ((28, 0), (24, 4), (20, 7), (16, 13), (12, 20))  # patches with and without a crack, of the photos of a block
CLEAN = 10  # patches of a photo without cracks
QUALITY = 75  # the JPEG quality of the real set


def synthesize(
    folder: Path, seed: int = 7, count: int = 2000, difficulty: float = 1.0, workers: int | None = None
) -> dict[str, int]:
    """Draw a raw folder `Positive/`, `Negative/` with masks and lists of what was drawn and planted beside it.

    Args:
        folder: must not exist or be empty. The truth goes to `<folder>_truth`: masks/, draws.csv, faults.csv.
        seed: the same seed gives the same bytes, whatever the number of workers.
        count: usable images after preparation, half of them with a crack; at least 100.
        difficulty: above 1 the cracks are fainter and what looks like them is commoner; below 1 the other way round.
        workers: processes; all processors when None.

    Returns:
        Images per class (as labelled, regular files only) and per planted fault.

    Raises:
        FileExistsError: the folder or the truth folder has files in it.
        ValueError: `count` under 100.
    """
    folder = Path(folder)
    truth = folder.with_name(folder.name + "_truth")
    for place in (folder, truth):
        if place.exists() and any(place.iterdir()):
            raise FileExistsError(f"{place} is not empty; delete it or choose another folder for the drawn images")
    if count < 100:
        raise ValueError(f"count={count}: the planted faults need at least 100 images to hide among")

    streams = np.random.SeedSequence(seed).spawn(2)
    rng = np.random.default_rng(streams[0])
    slots, mislabelled = plan(rng, count)
    seeds = streams[1].spawn(len(slots))
    jobs = [(folder, truth, i, s, rows, difficulty) for i, (s, rows) in enumerate(zip(seeds, slots, strict=True))]
    draws = [row for rows in draw_all(draw_photo, jobs, "concrete_cracks", workers) for row in rows]
    draws.sort(key=lambda row: row["path"])
    with (truth / "draws.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, draws[0])
        writer.writeheader()
        writer.writerows(draws)

    regular = {c: [folder / r["path"] for r in draws if r["path"].startswith(c)] for c in ("Negative", "Positive")}
    offset = BLOCK * -(-max(map(len, regular.values())) // BLOCK)
    sound = {
        c: [p for p in paths if p.relative_to(folder).as_posix() not in mislabelled] for c, paths in regular.items()
    }
    picks = {c: [paths.pop(int(rng.integers(len(paths)))) for _ in range(2)] for c, paths in sound.items()}
    conflicts = [
        (picks["Positive"][0], folder / "Negative" / f"{2 * offset + 1:05d}.jpg"),
        (picks["Negative"][0], folder / "Positive" / f"{2 * offset + 1:05d}.jpg"),
        (picks["Positive"][1], folder / "Negative" / f"{2 * offset + 2:05d}.jpg"),
    ]
    # A copy keeps its place within the block: near duplicates then join two blocks, not all blocks with each other.
    faults = plant(
        folder,
        truth,
        rng,
        victims=sound,
        fresh=lambda path, kind: path.with_name(f"{int(path.stem) + offset:05d}.jpg"),
        conflicts=conflicts,
        mislabelled=[folder / path for path in sorted(mislabelled)],
    )
    kinds = [row["kind"] for row in faults]
    for source, copy in conflicts:
        copied = mask_path(folder, truth, copy)
        copied.write_bytes(mask_path(folder, truth, source).read_bytes())
    return {c: len(paths) for c, paths in regular.items()} | {k: kinds.count(k) for k in dict.fromkeys(kinds)}


def plan(rng: np.random.Generator, count: int) -> tuple[list[list[tuple[str, bool]]], set[str]]:
    """Which patches every photo gives: one list of (path, has a crack) a photo, and the paths under a wrong label.

    Positive files are numbered photo by photo, in blocks of 100; Negative files are shuffled over all photos.
    """
    n_positive = count // 2
    n_negative = count - n_positive - COUNTS["near_duplicate"] + COUNTS["two_classes"]
    shares: list[tuple[int, int]] = []
    left, clean_left = n_positive, n_negative
    while left:
        for i in rng.permutation(len(CRACKED)):
            cracked, clean = (min(a, b) for a, b in zip(CRACKED[i], (left, clean_left), strict=True))
            if cracked:
                shares.append((cracked, clean))
                left, clean_left = left - cracked, clean_left - clean
    while clean_left:
        shares.append((0, min(CLEAN, clean_left)))
        clean_left -= shares[-1][1]

    positive = (f"Positive/{n:05d}.jpg" for n in range(1, n_positive + 1))
    negative = (f"Negative/{n:05d}.jpg" for n in rng.permutation(n_negative) + 1)
    slots = [
        [(next(positive), True) for _ in range(a)] + [(next(negative), False) for _ in range(b)] for a, b in shares
    ]
    # Only photos that show both have patches of the other kind to give under a wrong label.
    candidates = {label: [] for label in (True, False)}
    for photo, (cracked, clean) in enumerate(shares):
        if cracked and clean:
            for k, (_, label) in enumerate(slots[photo]):
                candidates[label].append((photo, k))
    mislabelled = set()
    for label, places in candidates.items():
        for choice in rng.permutation(len(places))[: max(1, round(count / 200))]:
            photo, k = places[choice]
            path, _ = slots[photo][k]
            slots[photo][k] = (path, not label)
            mislabelled.add(path)
    return slots, mislabelled


def draw_photo(job: tuple) -> list[dict]:
    """Draw one photo, cut and save its patches and masks; returns a row of draws.csv for each."""
    folder, truth, number, seed, slots, difficulty = job
    rng = np.random.default_rng(seed)
    wanted = sum(label for _, label in slots)
    look = choose_look(rng, wanted > 0, difficulty)
    cracks, places, free = [], [], []
    for _ in range(30):  # a field of cracks that leaves room for the patches without any
        cracks, places = crack_field(rng, look, wanted)
        coverage = fill(PHOTO, [quad for line in cracks for quad in quads(*line)])
        grown = Image.fromarray(to_uint8(coverage * 255)).filter(ImageFilter.MaxFilter(5))
        mask = np.asarray(grown) > 60
        free = free_corners(mask)
        if len(free) > 60 or (len(free) and wanted == len(slots)):
            break
    picture, anchors = paint(rng, look, cracks, coverage)
    corners = {True: positive_corners(rng, places, mask, wanted), False: []}
    corners[False] = negative_corners(rng, free, anchors, len(slots) - wanted, look["lure"])
    rows = []
    for path, label in slots:
        x, y = corners[label].pop(0)
        window = np.s_[y : y + SIDE, x : x + SIDE]
        save_jpeg(folder / path, picture[window], QUALITY)
        save_mask(mask_path(folder, truth, folder / path), mask[window])
        rows.append(
            {
                "path": path,
                "true_label": "Positive" if label else "Negative",
                "photo": number,
                "x": x,
                "y": y,
                "mask_share": round(float(mask[window].mean()), 4),
                "crack_width": round(look["width"], 2) if label else "",
                "crack_depth": round(look["depth"], 2) if label else "",
            }
        )
    return rows


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
    picture = Image.new("L", (shape[1] * soft, shape[0] * soft))
    pen = ImageDraw.Draw(picture)
    for polygon, strength in zip(polygons, np.broadcast_to(strengths, len(polygons)), strict=True):
        pen.polygon([(x * soft, y * soft) for x, y in polygon], fill=round(255 * strength))
    return np.asarray(picture.reduce(soft), dtype=np.float32) / 255


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
    colours = [(look["red"], 0.3), (look["green"], -0.1), (look["blue"], -1.0)]
    picture = np.stack([look["level"] * tone * (gain + tint * brown) + grain for gain, tint in colours], -1)
    points = np.concatenate(anchors) if anchors else np.empty((0, 2))
    return to_uint8(picture), points


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


def free_corners(mask: np.ndarray, step: int = 12) -> np.ndarray:
    """Upper left corners (n, 2) of the patches that hold no pixel of the mask."""
    total = np.pad(np.cumsum(np.cumsum(mask, 0, dtype=np.int64), 1), ((1, 0), (1, 0)))
    inside = total[SIDE:, SIDE:] - total[:-SIDE, SIDE:] - total[SIDE:, :-SIDE] + total[:-SIDE, :-SIDE]
    return np.argwhere(inside[::step, ::step] == 0)[:, ::-1] * step


def clip_corner(x: float, y: float) -> tuple[int, int]:
    """Round a corner and push it back into the photo."""
    return int(np.clip(x, 0, PHOTO[1] - SIDE)), int(np.clip(y, 0, PHOTO[0] - SIDE))


def positive_corners(rng: np.random.Generator, places: list, mask: np.ndarray, wanted: int) -> list[tuple[int, int]]:
    """Patches along the cracks: most with the crack near the middle, some with it near the border."""
    corners = []
    for k in range(wanted):
        x, y = places[k % len(places)]
        for tries in range(60):
            spread = 10 if rng.random() < 0.85 else 55
            dx, dy = rng.normal(0, spread + tries, 2)  # wider and wider: at the rim of the photo patches coincide
            left, top = clip_corner(x + dx - SIDE / 2, y + dy - SIDE / 2)
            apart = min((max(abs(left - a), abs(top - b)) for a, b in corners), default=SIDE)
            if apart >= 25 and mask[top : top + SIDE, left : left + SIDE].sum() > 350:
                break
        corners.append((left, top))
    return corners


def negative_corners(
    rng: np.random.Generator, free: np.ndarray, anchors: np.ndarray, wanted: int, lure: float
) -> list[tuple[int, int]]:
    """Patches without a crack, a share `lure` of them near something that is not a crack; overlapping little."""
    corners: list[tuple[int, int]] = []
    for _ in range(wanted):
        best, best_score = free[0], -np.inf
        aim = anchors[rng.integers(len(anchors))] - SIDE / 2 if len(anchors) and rng.random() < lure else None
        for x, y in free[rng.integers(len(free), size=40)]:
            near = min((max(abs(x - a), abs(y - b)) for a, b in corners), default=SIDE)
            score = min(near, 150) * 2 - (0 if aim is None else np.hypot(x - aim[0], y - aim[1]))
            if score > best_score:
                best, best_score = (x, y), score
        corners.append(clip_corner(*best))
    return corners
