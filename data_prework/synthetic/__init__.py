"""Raw folders drawn from a seed, in the layout of the real downloads, faults included."""

import os
import shutil
from importlib import import_module
from pathlib import Path

# name of a data set -> the module that draws its raw folder
DRAWN = {
    "chest_xray": "xrays.films",
    "concrete_cracks": "cracks.patches",
    "monuments": "monuments.photos",
    "scenes": "shapes.scenes",
}


def synthesize(
    name: str,
    folder: Path,
    seed: int = 7,
    count: int | None = None,
    difficulty: float = 1.0,
    workers: int | None = None,
) -> dict[str, int]:
    """Draw the raw folder of a course data set, and `<folder>_truth` with its masks beside it.

    Both are drawn aside and renamed, the raw folder last: where it stands, it is complete.

    Args:
        name: "chest_xray", "concrete_cracks" or "monuments".
        folder: must not exist.
        count: usable images; by default those of the course.
        difficulty: 1 as in the course; more is harder, less is easier.
        workers: processes; all processors by default. The images do not depend on it.

    Returns:
        Counts of images per class and of planted faults.

    Raises:
        ValueError: an unknown name or an argument out of range.
        FileExistsError: the folder is there.
    """
    if name not in DRAWN:
        raise ValueError(f"{name!r} cannot be drawn; there are {', '.join(DRAWN)}")
    if count is not None and count < 40:
        raise ValueError(f"count is {count}; fewer than 40 images cannot be split")
    if not 0.2 <= difficulty <= 3:
        raise ValueError(f"difficulty is {difficulty}; give a number from 0.2 (easy) to 3 (hard)")
    folder = Path(folder)
    if folder.exists():
        raise FileExistsError(f"{folder}: is there already; remove it or choose another place (--to)")
    truth = folder.with_name(folder.name + "_truth")
    aside = folder.parent / f".drawing-{os.getpid()}"
    aside.mkdir(parents=True, exist_ok=True)
    try:
        given = {} if count is None else {"count": count}
        draw = import_module(f"data_prework.synthetic.{DRAWN[name]}").synthesize
        counts = draw(aside / folder.name, seed=seed, difficulty=difficulty, workers=workers, **given)
        shutil.rmtree(truth, ignore_errors=True)
        (aside / truth.name).rename(truth)
        (aside / folder.name).rename(folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return counts
