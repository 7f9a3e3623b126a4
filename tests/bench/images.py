"""Many different images on disk, for measurements of speed: clouds of gray with specks, no two alike."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

SIDE = 227  # pixels, as the concrete patches


def write_images(folder: Path, count: int, seed: int = 7) -> Path:
    """Fill `folder/a` and `folder/b` up to `count` JPEG files in all; what is there already stays. Returns folder."""
    for label in "ab":
        (folder / label).mkdir(parents=True, exist_ok=True)

    def write(number: int) -> None:
        path = folder / "ab"[number % 2] / f"{number:06d}.jpg"
        if path.is_file():
            return
        rng = np.random.default_rng((seed, number))
        clouds = Image.fromarray(rng.integers(60, 200, (12, 12, 3), dtype=np.uint8))
        pixels = np.asarray(clouds.resize((SIDE, SIDE), Image.Resampling.BICUBIC), np.int16)
        specks = rng.integers(-12, 13, (SIDE, SIDE, 1), dtype=np.int16)
        Image.fromarray((pixels + specks).clip(0, 255).astype(np.uint8)).save(path, quality=85)

    with ThreadPoolExecutor() as pool:
        list(pool.map(write, range(count)))
    return folder
