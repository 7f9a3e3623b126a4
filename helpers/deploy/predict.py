"""Judge images with a bundle: files, folders or arrays in, a table out; bad files are rows with a reason.

    python -m helpers.deploy predict BUNDLE IMAGES --csv answers.csv [--threshold 0.4] [--heatmaps FOLDER]

The exit status is 0 where at least one image was judged, 1 where none could be, 2 where the command was wrong.
"""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image

from data_prework.files import atomic_write
from data_prework.image_files import RejectedImageError, fit_image, read_image
from data_prework.names import printable
from helpers.deploy.bundle import Bundle, load_bundle
from helpers.deploy.bundle_checks import CANNOT_JUDGE, CANNOT_READ, BundleError, probabilities
from helpers.deploy.csv_cells import for_spreadsheet
from helpers.heatmaps import heatmap as heatmap_of
from helpers.heatmaps.feature_extractor import BATCH
from helpers.plots.overlays import overlay


def predict(images: Any, bundle: Bundle, threshold: float | None = None, heatmap: bool = False) -> pd.DataFrame:
    """Judge images; one row an image, in order.

    Args:
        images: a file; a folder, with all files below it; the content of a file in bytes; an array, uint8, of one
            image (height, width, 1 or 3) or of many (n, height, width, channels); a list of these; or a dictionary
            of name -> one of these.
        bundle: the model with its classes, threshold and limit.
        threshold: instead of the bundle's own, from 0 to 1.
        heatmap: adds the columns `image`, the model's input (h, w, channels) uint8, and `map`, what speaks for the
            positive class (h, w) by Grad-CAM; None where a file cannot be read.

    Returns:
        The columns `file`, where signs that can't be seen are escaped; `probability` of the positive class, NaN where
        the file was not read; `decision`, a class, or "cannot judge" where the image is unlike the training images, or
        "cannot read"; `unlike`, where 1 is the limit; `note`, the reason in words.

    Raises:
        ValueError: an argument is wrong. A bad file is no error: its row says what is wrong with it.
    """
    rows, waiting = [], []
    for name, source in named_sources(images):
        row = {"file": printable(name), "probability": np.nan, "decision": CANNOT_READ, "unlike": np.nan, "note": ""}
        rows.append(row | ({"image": None, "map": None} if heatmap else {}))
        try:
            kind = (bundle.size, bundle.color_mode)
            array = isinstance(source, np.ndarray)
            waiting.append((rows[-1], fit_image(source, *kind) if array else read_image(source, *kind, bundle.bits)))
        except RejectedImageError as error:
            rows[-1]["note"] = str(error)
        if len(waiting) == BATCH:
            _judge(waiting, bundle, heatmap)
            waiting = []
    if waiting:
        _judge(waiting, bundle, heatmap)
    columns = ["file", "probability", "decision", "unlike", "note", *(["image", "map"] if heatmap else [])]
    frame = pd.DataFrame(rows, columns=columns).astype({"probability": float, "unlike": float})
    return decide(frame, bundle, threshold)


def decide(frame: pd.DataFrame, bundle: Bundle, threshold: float | None = None) -> pd.DataFrame:
    """The table of `predict` with decisions and notes at another threshold; the images are not judged anew.

    Args:
        frame: from `predict`.
        bundle: the one that judged.
        threshold: positive from this probability on, from 0 to 1; None: the bundle's own.

    Raises:
        ValueError: the threshold is no probability.
    """
    limit = bundle.threshold if threshold is None else threshold
    if not 0 <= limit <= 1:
        raise ValueError(f"threshold: {threshold!r} is no probability from 0 to 1")
    read, unlike = frame["probability"].notna(), frame["unlike"] > 1
    decision = np.where(frame["probability"] >= limit, bundle.classes[1], bundle.classes[0])
    decision = np.where(unlike, CANNOT_JUDGE, decision)
    words = frame["unlike"].map("unlike the training pictures ({:.2f} times the limit)".format)
    return frame.assign(
        decision=np.where(read, decision, CANNOT_READ), note=frame["note"].where(~read, words.where(unlike, ""))
    )


def named_sources(images: Any) -> Iterator[tuple[str, Any]]:
    """Every single image in what `predict` takes.

    Args:
        images: as in `predict`.

    Returns:
        (name, source) of each; files of a folder by their path in it, "/" between the parts.

    Raises:
        ValueError: something that is no image, or no collection of them.
    """
    if isinstance(images, Mapping):
        for name, one in images.items():
            yield from ((str(name) if inner == "" else f"{name}/{inner}", s) for inner, s in _unfold(one))
    elif isinstance(images, list | tuple):
        for i, one in enumerate(images):
            label = str(one) if isinstance(one, str | Path) else f"picture {i}"
            yield from ((label if inner == "" else f"{label}/{inner}", s) for inner, s in _unfold(one))
    else:
        label = Path(images).name if isinstance(images, str | Path) else "picture"
        whole = isinstance(images, str | Path) and Path(images).is_dir()
        for inner, source in _unfold(images):
            yield (inner if whole else f"{label} {inner}".strip()), source


def _unfold(one: Any) -> Iterator[tuple[str, Any]]:
    """(name within, source): files of a folder, images of an array; a single source has the name ""."""
    if isinstance(one, np.ndarray) and one.ndim == 4:
        yield from ((str(i), image) for i, image in enumerate(one))
    elif isinstance(one, str | Path) and Path(one).is_dir():
        paths = sorted(path for path in Path(one).rglob("*") if not path.is_dir())
        for path in paths:
            name = path.relative_to(one)
            if not any(part.startswith(".") for part in name.parts):
                yield name.as_posix(), path
    elif isinstance(one, np.ndarray | str | Path | bytes | bytearray | memoryview):
        yield "", one
    else:
        raise ValueError(f"images: {type(one).__name__} is no file, folder, array, or content of a file")


def _judge(waiting: list[tuple[dict, np.ndarray]], bundle: Bundle, with_maps: bool) -> None:
    images = np.stack([image for _, image in waiting])
    answers = probabilities(bundle.model, images)
    unlike = bundle.reference.unlike(bundle.extractor, images)
    method = "grad_cam" if bundle.extractor.layer else "occlusion"
    maps = heatmap_of(bundle.extractor, images, method, target=1) if with_maps else [None] * len(images)
    for (row, image), probability, distance, found in zip(waiting, answers, unlike, maps, strict=True):
        row |= {"probability": float(probability), "unlike": float(distance)}
        if with_maps:
            row |= {"image": image, "map": found}


def summary(frame: pd.DataFrame) -> str:
    """One line: how many images, and how many of each decision.

    Args:
        frame: from `predict`.
    """
    counts = ", ".join(f"{count} {decision}" for decision, count in frame["decision"].value_counts(sort=False).items())
    return f"{len(frame)} picture{'' if len(frame) == 1 else 's'}: {counts}"


def save_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write the table without its images and maps, aside first, then renamed.

    Args:
        frame: from `predict`; text that a spreadsheet would run as a formula gets an apostrophe in front.
        path: of the CSV file.
    """
    plain = frame.drop(columns=["image", "map"], errors="ignore").round({"probability": 4, "unlike": 2})
    with atomic_write(path) as aside:
        for_spreadsheet(plain).to_csv(aside, index=False, lineterminator="\n")


def save_heatmaps(frame: pd.DataFrame, folder: Path) -> int:
    """Write NAME.heatmap.png for every image that was judged, in the folders of the images.

    Args:
        frame: from `predict` with heatmap=True.
        folder: made where it is missing.

    Returns:
        How many were written.
    """
    judged = frame[frame["map"].notna()]
    for row in judged.itertuples():
        target = folder / f"{row.file}.heatmap.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(overlay(row.image, row.map)).save(target)
    return len(judged)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m helpers.deploy predict", description=__doc__.splitlines()[0])
    parser.add_argument("bundle", type=Path, help="folder with model.keras and bundle.json")
    parser.add_argument("images", type=Path, help="a folder, with all files below it, or one file")
    parser.add_argument("--csv", type=Path, required=True, help="where the table goes")
    parser.add_argument("--threshold", type=float, help="positive from this probability on (default: the bundle's)")
    parser.add_argument("--heatmaps", type=Path, help="folder for an image with its heatmap for each file")
    args = parser.parse_args(argv)
    if args.threshold is not None and not 0 <= args.threshold <= 1:
        parser.error(f"--threshold: {args.threshold} is no probability from 0 to 1")
    if not args.images.exists():
        parser.error(f"{args.images}: no such file or folder")
    if not args.csv.parent.is_dir():
        parser.error(f"--csv: the folder {args.csv.parent} is not there")
    try:
        bundle = load_bundle(args.bundle)
    except BundleError as error:
        parser.error(str(error))
    frame = predict(args.images, bundle, args.threshold, heatmap=args.heatmaps is not None)
    if frame.empty:
        parser.error(f"{args.images}: no file in this folder")
    try:
        save_csv(frame, args.csv)
        drawn = save_heatmaps(frame, args.heatmaps) if args.heatmaps is not None else 0
    except OSError as error:
        unwritten = f"{error.filename2 or error.filename}: cannot be written ({error.strerror})"
        parser.error(unwritten if error.strerror else str(error))
    print(f"{summary(frame)} -> {args.csv}")
    for row in frame[frame["decision"] == CANNOT_READ].itertuples():
        print(f"  {row.file}: {row.note}")
    if args.heatmaps is not None:
        print(f"{drawn} heatmaps -> {args.heatmaps}")
    return 0 if frame["probability"].notna().any() else 1
