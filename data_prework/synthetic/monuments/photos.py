"""Draws the raw folder of `monuments`: one statue with open arms on a low pedestal on a peak, or on a tall gate."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from data_prework.synthetic import faults
from data_prework.synthetic.canvas import cloud, draw_all, save_jpeg, save_mask, to_uint8
from data_prework.synthetic.monuments import parts

CLASSES = ("cristo_redentor", "cristo_rei")
COUNT = 973
SHARE = 504 / 973  # of the first class
BURSTS = {2: 0.045, 3: 0.02}  # share of the scenes that appear in so many frames
GROUNDS = [(parts.GREEN, parts.ROCK), (parts.GREEN, (126, 124, 82)), ((150, 146, 138), (124, 118, 110))]
MARGIN = 0.05  # a scene is drawn so much larger than its frame, for bursts to crop it differently


def choose_scene(rng: np.random.Generator, rei: bool, difficulty: float) -> dict:
    """Everything about a scene that does not depend on the class, then what does: pedestal, its height, the ground."""
    long = int(rng.integers(240, 421))
    short = int(long / rng.choice([1.0, 1.25, 4 / 3, 4 / 3, 4 / 3, 1.5, 1.5]))
    width, height = (short, long) if rng.random() < 0.55 else (long, short)
    far = rng.random() < 0.05 * difficulty
    tall = height * (rng.uniform(0.2, 0.27) if far else rng.uniform(0.3, 0.4))
    turn = rng.uniform(-0.65, 0.65)
    tall = min(tall, 0.92 * width / np.cos(turn))
    cut = rng.random() < 0.03 * difficulty
    lowest = height - tall * (rng.uniform(0.1, 0.5) if cut else 0.9)
    feet = lowest if cut else rng.uniform(min(1.12 * tall, lowest), lowest)
    reach = 0.5 * tall * np.cos(turn)
    weather = str(rng.choice(list(parts.WEATHER), p=[0.36, 0.24, 0.13, 0.15, 0.12]))
    place = {
        "x": np.clip(rng.normal(0.5, 0.16) * width, min(reach, width / 2), max(width - reach, width / 2)),
        "feet": feet,
        "tall": tall,
        "turn": turn,
        "lean": rng.normal(0, 0.02),
        "below": rng.uniform(0, 0.16),
    }
    gate_tall = rng.uniform(1.15, 2.1)
    base = feet + tall * (gate_tall if rei else 0)
    horizon = rng.uniform(0.5, 0.95) * height
    return {
        "width": width,
        "height": height,
        "place": place,
        "weather": weather,
        "backlit": bool(weather in ("clear", "cloudy", "dusk") and rng.random() < 0.3),
        "cut": bool(cut),
        "rei": rei,
        "pedestal": gate_tall if rei else rng.uniform(0.16, 0.36),
        "horizon": min(horizon, base - 2, height * 0.98) if rei else horizon,
        "hills": int(rng.choice([0, 1, 2, 3], p=[0.2, 0.35, 0.3, 0.15])),
        "peak_behind": bool(rng.random() < (0.55 if rei else 0.3)),
        "water": bool(rng.random() < 0.45),
        "city": bool(rng.random() < 0.5),
        "bridge": bool(rng.random() < 0.22),
        "colonnade": bool(rng.random() < 0.15 * difficulty),
        "tower": bool(rng.random() < (0.04 if rei else 0.12) * difficulty),
        "occluders": int(rng.choice([0, 1, 2, 3], p=[0.3, 0.35, 0.25, 0.1])),
        "depth": rng.uniform(0, 0.22),
        "cast": rng.normal(0, 0.02, 3),
        "grain": rng.uniform(0, 6),
        "exposure": float(np.clip(rng.normal(122, 24), 70, 180)),
    }


def draw_background(rng: np.random.Generator, look: dict, light: dict, width: int, height: int) -> Image.Image:
    """Sky, hills, water, city, bridge and pillars, from far to near; the same stock for both classes."""
    layer = parts.sky(rng, width, height, light)
    horizon, place = look["horizon"], look["place"]
    for i in range(look["hills"]):
        depth = 0.95 - 0.3 * i
        rough = rng.uniform(0.02, 0.09) * height
        edge = parts.ridge(rng, width, horizon - rng.uniform(0.2, 1.8) * rough, rough)
        parts.ground(layer, rng, edge, (parts.GREEN, parts.ROCK), light, depth, 1.6)
    if look["peak_behind"]:
        x = place["x"] + rng.normal(0, 0.25) * width
        y = place["feet"] + rng.uniform(-0.2, 1.0) * place["tall"]
        edge = parts.peaked(rng, width, x, y, 0.5 * width, rng.uniform(0.5, 1.4), 2)
        edge[:, 1] = np.minimum(edge[:, 1], horizon + 3)
        parts.ground(layer, rng, edge, (parts.GREEN, parts.ROCK), light, rng.uniform(0.12, 0.7), 1.4)
    flat = np.array([(-2.0, horizon), (width / 2, horizon), (width + 2.0, horizon)])
    parts.ground(layer, rng, flat, [(120, 118, 84), parts.GREEN], light, 0.5, 1.6)
    shore = min(height, horizon + rng.uniform(0.03, 0.2) * height)
    if look["water"]:
        parts.water(layer, rng, horizon, shore, light)
    if look["bridge"]:
        parts.bridge(layer, rng, horizon + 1, rng.uniform(0.1, 0.3) * height, light)
    if look["city"]:
        level = shore if look["water"] and rng.random() < 0.5 else horizon + 2
        parts.city(layer, rng, level, rng.uniform(0.06, 0.2) * height, light, rng.uniform(0.2, 0.8))
    if look["colonnade"]:
        tall = rng.uniform(0.12, 0.4) * height
        parts.colonnade(layer, rng, rng.uniform(0, width), max(horizon, shore) + 2, tall, light)
    if look["tower"]:
        parts.water_tower(layer, rng, place, light, look["depth"])
    return layer


def draw_monument(rng: np.random.Generator, look: dict, light: dict, image: Image.Image) -> Image.Image:
    """Paint ground, pedestal and statue; returns the layer that holds the visible pedestal alone (RGBA)."""
    width, height = parts.size_of(image)
    place, depth = look["place"], look["depth"]
    base = place["feet"] + look["pedestal"] * place["tall"]
    block = Image.new("RGBA", image.size)
    hidden = Image.new("RGBA", image.size)
    leaves = [parts.tone(parts.GREEN, light, lit, depth) for lit in (0.0, 0.4, 0.8)]
    ground = GROUNDS[rng.choice(3, p=(0.35, 0.35, 0.3) if look["rei"] else (0.6, 0.25, 0.15))]
    if look["rei"]:
        top = np.clip(base - rng.uniform(0.02, 0.1) * height, look["horizon"], None)
        edge = parts.ridge(rng, width, min(top, height * 1.1), 0.006 * height)
        parts.ground(image, rng, edge, ground, light, depth * 0.5, 1.4)
        parts.gate(block, rng, place, light, depth, look["pedestal"])
        foot = 0.45
    else:
        flat = (rng.uniform(0.6, 1.4) if rng.random() < 0.3 else rng.uniform(0.2, 0.45)) * place["tall"]
        steep = rng.uniform(0.6, 1.6)
        edge = parts.peaked(rng, width, place["x"], base, rng.uniform(0.25, 0.7) * width, steep, flat)
        parts.ground(image, rng, edge, ground, light, depth * 0.5, 1.4)
        parts.low_pedestal(block, rng, place, light, depth, look["pedestal"])
        foot = 0.3
    for _ in range(rng.integers(0, 7)):  # bushes at the foot, where the pedestal meets the ground
        x = place["x"] + rng.normal(0, 1) * foot * place["tall"]
        r = rng.uniform(0.05, 0.14) * place["tall"]
        parts.foliage(hidden, rng, x, base + r * rng.uniform(-0.2, 0.6), r * 1.4, r, leaves)
    if rng.random() < 0.25:  # a wall or a railing before it
        y = base + rng.uniform(0, 0.1) * place["tall"]
        half = rng.uniform(0.5, 1.5) * place["tall"]
        paint = parts.tone(parts.STONE, light, 0.3, depth)
        thick = 0.03 * place["tall"]
        parts.line(hidden, [(place["x"] - half, y - 3 * thick), (place["x"] + half, y - 3 * thick)], paint, thick)
        for x in np.arange(place["x"] - half, place["x"] + half, 4 * thick):
            parts.line(hidden, [(x, y - 3 * thick), (x, y)], paint, thick * 0.7)
    image.paste(block, mask=block)
    parts.statue(image, rng, place, light, depth)
    image.paste(hidden, mask=hidden)
    cover = np.asarray(block)[..., 3] * (np.asarray(hidden)[..., 3] == 0)
    return Image.fromarray(cover.astype(np.uint8))


def draw_occluders(rng: np.random.Generator, look: dict, light: dict, layer: Image.Image) -> None:
    """Trees, lamp posts, heads, railings and wires before everything, on a transparent layer."""
    width, height = parts.size_of(layer)
    near = dict(light, haze=0)
    dark = parts.tone((70, 70, 74), near, 0.3)
    greens = [parts.tone(parts.GREEN, near, lit) for lit in (0.0, 0.25, 0.6)]
    for kind in rng.choice(["tree", "branch", "lamp", "heads", "railing", "wires"], look["occluders"], replace=False):
        x = rng.uniform(0, width)
        if kind == "tree":
            top, r = rng.uniform(0.45, 0.9) * height, rng.uniform(0.06, 0.16) * width
            parts.line(layer, [(x, height), (x + rng.normal(0, 4), top)], parts.tone((80, 62, 48), near, 0.3), r * 0.18)
            parts.foliage(layer, rng, x, top, r, r * rng.uniform(0.7, 1.2), greens)
        elif kind == "branch":
            x = rng.choice([0, width])
            parts.foliage(layer, rng, x, rng.uniform(0, 0.25) * height, 0.2 * width, 0.14 * height, greens)
        elif kind == "lamp":
            top = rng.uniform(0.2, 0.75) * height
            side = rng.choice([-1, 1]) * rng.uniform(3, 14)
            parts.line(layer, [(x, height), (x, top), (x + side, top - 2)], dark, rng.uniform(1.2, 3.5))
            parts.ellipse(layer, x + side, top - 1, 4, 2.4, (255, 226, 160) if light["night"] else (220, 220, 214))
        elif kind == "heads":
            for hx in rng.uniform(0, width, rng.integers(2, 7)):
                r = rng.uniform(0.018, 0.035) * width
                y = height - rng.uniform(0.8, 3) * r
                coat = parts.tone(rng.integers(40, 200, 3), near, 0.5)
                parts.ellipse(layer, hx, y + 3.2 * r, 2.1 * r, 2.6 * r, coat)
                parts.ellipse(layer, hx, y, 0.85 * r, r, parts.tone((110, 76, 56), near, 0.5))
                parts.ellipse(layer, hx, y - 0.3 * r, 0.85 * r, 0.8 * r, parts.tone((44, 34, 28), near, 0.4))
        elif kind == "railing":
            y = height * rng.uniform(0.86, 0.97)
            for level in (y, (y + height) / 2):
                parts.line(layer, [(0, level), (width, level)], dark, 2)
            for px in np.arange(rng.uniform(0, 9), width, rng.uniform(7, 14)):
                parts.line(layer, [(px, y), (px, height)], dark, 1.2)
        else:
            y0, y1 = rng.uniform(0, 0.6, 2) * height
            for k in range(rng.integers(1, 4)):
                t = np.linspace(0, 1, 12)
                sag = y0 + (y1 - y0) * t + 0.04 * height * (1 - (2 * t - 1) ** 2) + 5 * k
                parts.line(layer, np.stack([t * width, sag], axis=1), dark, 0.8)


def draw_scene(rng: np.random.Generator, look: dict) -> tuple[np.ndarray, np.ndarray]:
    """The whole scene as float32 (h, w, 3) on the scale 0-255 and the visible pedestal as bool (h, w)."""
    width, height = look["width"], look["height"]
    light = parts.light_of(rng, look["weather"], look["backlit"])
    image = draw_background(rng, look, light, width, height)
    cover = draw_monument(rng, look, light, image)
    front = Image.new("RGBA", image.size)
    draw_occluders(rng, look, light, front)
    image.paste(front, mask=front)
    seen = Image.fromarray(np.where(np.asarray(front)[..., 3] == 0, np.asarray(cover), 0).astype(np.uint8))
    mask = np.asarray(seen.reduce(parts.FINE)) > 127
    return np.asarray(image.reduce(parts.FINE), dtype=np.float32), mask


def take_frame(rng: np.random.Generator, image: np.ndarray, mask: np.ndarray, look: dict, burst: bool):
    """One photo of a scene: crop, exposure, cast, grain. Returns uint8 (h, w, 3) and its mask, bool (h, w)."""
    tall, wide = mask.shape
    h, w = int(tall * (1 - MARGIN)), int(wide * (1 - MARGIN))
    shake = 0.05 if burst else 0.5
    y, x = (int((0.5 + rng.uniform(-shake, shake)) * gap) for gap in (tall - h, wide - w))
    image, mask = image[y : y + h, x : x + w], mask[y : y + h, x : x + w]
    goal = np.clip(look["exposure"] * (rng.uniform(0.94, 1.06) if burst else 1), 60, 190)
    gamma = np.log(goal / 255) / np.log(np.clip(image.mean() / 255, 0.02, 0.98))
    image = 255 * (image / 255) ** np.clip(gamma, 0.55, 1.7)
    image = image * (1 + look["cast"])
    grain = look["grain"] * rng.standard_normal((h, w, 1), dtype=np.float32)
    return to_uint8(image + grain + 1.5 * cloud(rng, (h, w), 0.7)[..., None]), mask


def draw_job(job: dict) -> list[dict]:
    """Draw one scene, save its frames and their masks; returns one row of `draws.csv` a frame."""
    rng = np.random.default_rng(job["seed"])
    look = choose_scene(rng, job["rei"], job["difficulty"])
    image, mask = draw_scene(rng, look)
    folder, rows = Path(job["folder"]), []
    for i, path in enumerate(job["paths"]):
        photo, seen = take_frame(rng, image, mask, look, len(job["paths"]) > 1)
        save_jpeg(folder / path, photo, quality=int(rng.integers(62, 93)))
        save_mask(faults.mask_path(folder, truth_of(folder), folder / path), seen)
        rows.append(
            {
                "path": path,
                "label": CLASSES[job["rei"]],
                "scene": job["scene"],
                "frame": i,
                "weather": look["weather"],
                "backlit": int(look["backlit"]),
                "statue": round(look["place"]["tall"] / look["height"], 3),
                "pedestal": round(float(seen.mean()), 4),
                "cut": int(look["cut"]),
                "occluders": look["occluders"],
            }
        )
    return rows


def truth_of(folder: Path) -> Path:
    """Where masks, draws and planted faults are written down: beside the raw folder."""
    return folder.with_name(folder.name + "_truth")


def plan(rng: np.random.Generator, count: int, near: int) -> list[dict]:
    """Scenes before drawing: class, folder (another one if mislabelled), number of frames, why it is there.

    `near` images of each class are left out: near duplicates fill their place.
    """
    first = round(count * SHARE)
    scenes = []
    for rei, wanted in enumerate((first, count - first)):
        left = wanted - near
        wrong = max(1, round(0.005 * count))
        while left > 0:
            frames = next((n for n, share in BURSTS.items() if rng.random() < share), 1)
            frames = min(frames, left)
            mislabelled = frames == 1 and wrong > 0
            wrong -= mislabelled
            kind = "mislabelled" if mislabelled else "burst" if frames > 1 else "single"
            scenes.append({"rei": 1 - rei if mislabelled else rei, "saved": rei, "frames": frames, "kind": kind})
            left -= frames
    return scenes


def name_scenes(rng: np.random.Generator, scenes: list[dict], free: list[list[str]]) -> list[dict]:
    """Give the scenes numbers in random order and take file names for their frames from `free`, one list a class."""
    ids = rng.permutation(len(scenes))
    for scene, number in zip(scenes, ids, strict=True):
        scene["scene"] = f"{scene['kind'] if scene['kind'] == 'late' else 'scene'}_{number:04d}"
        scene["paths"] = [free[scene["saved"]].pop() for _ in range(scene["frames"])]
    return scenes


def synthesize(
    folder: Path, seed: int = 7, count: int = COUNT, difficulty: float = 1.0, workers: int | None = None
) -> dict[str, int]:
    """Draw the raw folder of `monuments` and, beside it, `<folder>_truth` with masks, draws and planted faults.

    Args:
        folder: where `cristo_redentor/`, `cristo_rei/` and `sources.csv` are written; must not exist or be empty.
        seed: the same seed gives the same bytes, whatever the number of workers.
        count: usable images after preparation, both classes together, at least 40.
        difficulty: above 1 more scenes are far, cut off and cluttered; below 1 fewer.
        workers: processes; None takes all processors.

    Returns:
        Number of images per class (as saved, planted faults left out), of scenes, and of each planted fault.

    Raises:
        FileExistsError: when the folder is not empty. ValueError: when `count` is too small.
    """
    folder = Path(folder)
    truth = truth_of(folder)
    for place in (folder, truth):
        if place.exists() and any(place.iterdir()):
            raise FileExistsError(f"{place} is not empty: delete it or choose another folder for the synthetic images")
    if count < 40:
        raise ValueError(f"count={count} is too small to plant the faults in; take at least 40")
    root = np.random.SeedSequence([seed, 973])
    rng = np.random.default_rng(root.spawn(1)[0])
    counts = {kind: max(1, round(n * count / COUNT)) for kind, n in faults.COUNTS.items()}
    near = counts["near_duplicate"]
    numbers = max(60, round(count * 0.75))  # more numbers than files: dead links left gaps
    free = [[f"{c}/img_{n + 1:04d}.jpg" for n in rng.permutation(numbers)] for c in CLASSES]

    def draw(scenes: list[dict], tag: int) -> list[dict]:
        seeds = np.random.SeedSequence([seed, tag]).spawn(len(scenes))
        jobs = [
            s | {"seed": q, "folder": str(folder), "difficulty": difficulty} for s, q in zip(scenes, seeds, strict=True)
        ]
        return [row for rows in draw_all(draw_job, jobs, "monuments", workers) for row in rows]

    scenes = plan(rng, count, near)
    both = [{"rei": i % 2, "saved": i % 2, "frames": 1, "kind": "conflict"} for i in range(counts["two_classes"])]
    scenes = name_scenes(rng, scenes + both, free)
    rows = draw(scenes, 0)
    single = [s for s in scenes if s["kind"] == "single"]
    planted = faults.plant(
        folder,
        truth,
        rng,
        victims={c: [folder / s["paths"][0] for s in single if s["saved"] == i] for i, c in enumerate(CLASSES)},
        fresh=lambda path, kind: folder / free[CLASSES.index(path.parent.name)].pop(),
        conflicts=[
            (folder / s["paths"][0], folder / free[1 - s["saved"]].pop()) for s in scenes if s["kind"] == "conflict"
        ],
        mislabelled=[folder / s["paths"][0] for s in scenes if s["kind"] == "mislabelled"],
        counts=counts,
    )
    made = [r["path"].split("/")[0] for r in planted if r["kind"] == "near_duplicate"]
    late = [
        {"rei": i, "saved": i, "frames": 1, "kind": "late"}
        for i, c in enumerate(CLASSES)
        for _ in range(near - made.count(c))
    ]
    rows += draw(name_scenes(rng, late, free), 1)
    write_rows(truth / "draws.csv", sorted(rows, key=lambda row: row["path"]))
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.jpg"))
    credit = {"source": "synthetic", "licence": "MIT", "author": "drawn by data_prework"}
    write_rows(folder / "sources.csv", [{"path": path} | credit for path in files])
    saved = [row["path"].split("/")[0] for row in rows]
    kinds = [row["kind"] for row in planted]
    return (
        {c: saved.count(c) for c in CLASSES}
        | {"scenes": len(scenes) + len(late)}
        | {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
    )


def write_rows(path: Path, rows: list[dict]) -> None:
    """Write dictionaries with the same keys as CSV."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
