"""A folder as people bring it: three classes of small scenes, with the faults that such folders have."""

import csv
from pathlib import Path

import numpy as np

from data_prework.synthetic import faults
from data_prework.synthetic.canvas import draw_all, save_jpeg
from data_prework.synthetic.shapes.categories import CATEGORIES, draw_category

CLASSES = {"balloon": "balloon", "house": "house", "tree": "conifer"}
COUNT = 480
FAULTS = {
    **{"exact_duplicate": 5, "near_duplicate": 4, "two_classes": 1, "truncated": 2, "text_named_jpg": 1},
    **{"zero_bytes": 1, "wrong_extension": 2, "animated": 1, "too_small": 1},
}


def synthesize(
    folder: Path, seed: int = 7, count: int = COUNT, difficulty: float = 1.0, workers: int | None = None
) -> dict[str, int]:
    """Draw the raw folder `balloon/`, `house/`, `tree/` and, beside it, `<folder>_truth` with draws and planted faults.

    Args:
        folder: must not exist.
        seed: the same seed gives the same bytes, whatever the number of workers.
        count: images of all classes together, before the faults.
        difficulty: not used; the scenes have one.
        workers: processes; None takes all processors.

    Returns:
        Number of images per class and of each planted fault.
    """
    folder, each = Path(folder), max(15, round(count / len(CLASSES)))
    truth = folder.with_name(folder.name + "_truth")
    paths = [folder / label / f"IMG_{i:04d}.jpg" for label in CLASSES for i in range(each)]
    jobs = [(CATEGORIES.index(CLASSES[path.parent.name]), seed, path) for path in paths]
    for label in CLASSES:
        (folder / label).mkdir(parents=True)
    draw_all(_draw, jobs, "scenes", workers)
    rng, number = np.random.default_rng(seed), iter(range(each, 10 * each))
    victims = {label: [path for path in paths if path.parent.name == label][1:] for label in CLASSES}
    planted = faults.plant(
        folder,
        truth,
        rng,
        victims=victims,
        fresh=lambda path, kind: path.with_name(f"IMG_{next(number):04d}.jpg"),
        conflicts=[(folder / "tree" / "IMG_0000.jpg", folder / "house" / "tree in front of it.jpg")],
        counts=FAULTS,
    )
    with (truth / "draws.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["path", "label"])
        writer.writerows([path.relative_to(folder).as_posix(), path.parent.name] for path in paths)
    counts = dict.fromkeys(CLASSES, each)
    for row in planted:
        counts[row["kind"]] = counts.get(row["kind"], 0) + 1
    return counts


def _draw(job: tuple) -> None:
    category, seed, path = job
    save_jpeg(path, draw_category(category, (seed, category, int(path.stem[-4:]))), quality=90)
