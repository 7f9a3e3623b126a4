"""Draws a raw folder in the manner of Özgenel's concrete cracks: photos of concrete, cut into patches of 227x227."""

import csv
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

from data_prework.synthetic.canvas import draw_all, save_jpeg, save_mask, to_uint8
from data_prework.synthetic.cracks.concrete import PHOTO, SIDE, choose_look, crack_field, fill, paint, quads
from data_prework.synthetic.faults import COUNTS, mask_path, plant

BLOCK = 100  # Positive files of one block of numbers come from a photo that is in no other block
CRACKED = ((14, 2), (12, 4), (10, 5), (8, 7), (6, 10))  # patches with and without a crack, photo by photo
CLEAN = 14  # patches of a photo without cracks
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
    offset = BLOCK * -(-max(int(path.stem) for paths in regular.values() for path in paths) // BLOCK)
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

    Positive files are numbered photo by photo, the first of each at the beginning of a block of 100; Negative files are
    shuffled over all photos.
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

    positive = (f"Positive/{BLOCK * photo + n:05d}.jpg" for photo, (a, _) in enumerate(shares) for n in range(1, a + 1))
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
    image, anchors = paint(rng, look, cracks, coverage)
    corners = {True: positive_corners(rng, places, mask, wanted), False: []}
    corners[False] = negative_corners(rng, free, anchors, len(slots) - wanted, look["lure"])
    rows = []
    for path, label in slots:
        x, y = corners[label].pop(0)
        window = np.s_[y : y + SIDE, x : x + SIDE]
        save_jpeg(folder / path, image[window], QUALITY)
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
