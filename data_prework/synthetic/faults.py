"""Plants in a clean raw folder the faults that real downloads have, and writes down what it planted."""

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

# How many of each fault `plant` makes. Near duplicates stay usable, all others are rejected or dropped.
COUNTS = {
    "exact_duplicate": 12,
    "near_duplicate": 8,
    "two_classes": 3,
    "truncated": 4,
    "text_named_jpg": 2,
    "zero_bytes": 2,
    "wrong_extension": 2,
    "animated": 1,
    "too_small": 2,
}


def plant(
    folder: Path,
    truth: Path,
    rng: np.random.Generator,
    victims: dict[str, list[Path]],
    fresh: Callable[[Path, str], Path],
    conflicts: list[tuple[Path, Path]],
    mislabelled: list[Path] = (),
    counts: dict[str, int] | None = None,
) -> list[dict]:
    """Add faulty files to a raw folder; no file that was there is changed.

    Args:
        folder: the raw folder.
        truth: the folder beside it, where `faults.csv` is written (and masks of near duplicates under masks/).
        victims: for each class the image files (absolute paths) that may be copied.
        fresh: gives an unused path, in the data set's own naming, for a copy of a file: `fresh(path, kind)`.
            Near duplicates must land in the same split as their original.
        conflicts: pairs (image, path in another class); the image is copied there, byte for byte.
        mislabelled: images that the caller has already saved under the wrong class; they are only written down.
        counts: how many of each kind; missing kinds take the value of `COUNTS`.

    Returns:
        One row a fault: kind, path, original (paths relative to `folder`).
    """
    counts = COUNTS | (counts or {})
    rows: list[dict] = []
    everything = sorted(path for paths in victims.values() for path in paths)
    order = [everything[i] for i in rng.permutation(len(everything))]

    def note(kind: str, path: Path, original: Path | None) -> None:
        relative = original.relative_to(folder).as_posix() if original else ""
        rows.append({"kind": kind, "path": path.relative_to(folder).as_posix(), "original": relative})

    def target(source: Path, kind: str) -> Path:
        path = fresh(source, kind)
        path = path.with_suffix(".gif") if kind == "animated" else path
        if path.exists():
            raise FileExistsError(f"{path}: a planted fault would overwrite an image; `fresh` must give an unused name")
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    for kind in (k for k in COUNTS if k != "two_classes"):
        for _ in range(counts[kind]):
            source = order.pop()
            path = target(source, kind)
            _make(kind, source, path)
            if kind == "near_duplicate":
                _copy_mask(folder, truth, source, path)
            note(kind, path, source)
    for source, path in conflicts[: counts["two_classes"]]:
        if path.exists():
            raise FileExistsError(f"{path}: a planted fault would overwrite an image; choose an unused name")
        path.write_bytes(source.read_bytes())
        note("two_classes", path, source)
    for path in mislabelled:
        note("wrong_label", path, None)

    truth.mkdir(parents=True, exist_ok=True)
    with (truth / "faults.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, ["kind", "path", "original"])
        writer.writeheader()
        writer.writerows(rows)
    return rows


def mask_path(folder: Path, truth: Path, image: Path) -> Path:
    """Where the mask of an image of the raw folder lies: truth/masks/<same relative path>.png."""
    return truth / "masks" / image.relative_to(folder).with_suffix(".png")


def _copy_mask(folder: Path, truth: Path, source: Path, path: Path) -> None:
    mask = mask_path(folder, truth, source)
    if mask.exists():
        copy = mask_path(folder, truth, path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(mask.read_bytes())


def _make(kind: str, source: Path, path: Path) -> None:
    data = source.read_bytes()
    if kind == "exact_duplicate":
        path.write_bytes(data)
    elif kind == "near_duplicate":  # saved again, a little brighter: other bytes, the same image
        with Image.open(source) as image:
            image.point(lambda v: min(255, round(v * 1.04 + 2))).save(path, quality=60)
    elif kind == "truncated":
        path.write_bytes(data[: len(data) * 6 // 10])
    elif kind == "text_named_jpg":
        path.write_text("<html><body><h1>404 Not Found</h1></body></html>\n", encoding="utf-8")
    elif kind == "zero_bytes":
        path.write_bytes(b"")
    elif kind == "wrong_extension":  # a video that calls itself a JPEG
        path.write_bytes(b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08mdat")
    elif kind == "animated":
        with Image.open(source) as image:
            frames = [image.convert("P"), image.rotate(90).convert("P")]
        frames[0].save(path, format="GIF", save_all=True, append_images=frames[1:], duration=200)
    elif kind == "too_small":
        with Image.open(source) as image:
            image.resize((20, 20)).save(path, quality=75)
    else:
        raise ValueError(f"unknown fault {kind!r}; known: {', '.join(COUNTS)}")
