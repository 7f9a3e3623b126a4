"""Judge images with a bundle: files, folders or arrays in, a table out; bad files are rows with a reason.

    python -m helpers.deploy predict BUNDLE IMAGES --csv answers.csv [--threshold 0.4 | --abstain 0.6]
                                            [--prevalence 0.1] [--heatmaps FOLDER] [--target CLASS]

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
from helpers.deploy.bundle_checks import CANNOT_READ
from helpers.deploy.csv_cells import for_spreadsheet
from helpers.deploy.decision import NUMBERS, answer, answer_columns, check_prevalence, decide, limit_of, summary
from helpers.heatmaps import heatmap as heatmap_of
from helpers.heatmaps.feature_extractor import BATCH
from helpers.heatmaps.methods import class_numbers
from helpers.plots.overlays import overlay


def predict(
    images: Any,
    bundle: Bundle,
    threshold: float | None = None,
    heatmap: bool = False,
    abstain: float | None = None,
    target: int | str | None = None,
    prevalence: Any = None,
) -> pd.DataFrame:
    """Judge images; one row an image, in order.

    Args:
        images: a file; a folder, with all files below it; the content of a file in bytes; an array, uint8, of one
            image (height, width, 1 or 3) or of many (n, height, width, channels); a list of these; or a dictionary
            of name -> one of these.
        bundle: the model with its classes, threshold and limit.
        threshold: of two classes, instead of the bundle's own, from 0 to 1.
        heatmap: adds the columns `image`, the model's input (h, w, channels) uint8, and `map`, what speaks for the
            class of `target` (h, w) by Grad-CAM; None where a file cannot be read.
        abstain: of more than two classes, instead of the bundle's own limit of the largest probability, from 0 to 1.
        target: number or name of the class that the heatmaps explain; None: the positive class, of more than two the
            one with the largest probability.
        prevalence: share of the positive class where the images come from, between 0 and 1; of more than two classes
            the shares of all, in their order or as a dictionary. The probabilities are corrected for it, so a threshold
            that was made of costs still fits. None: as in the images that calibrated the bundle.

    Returns:
        The columns `file`, where signs that can't be seen are escaped; calibrated: of two classes `probability` of the
        positive one, of more `class` and `probability` of the largest, `class_2`, `probability_2`, `class_3` and
        `probability_3` of the next, empty and NaN where the file was not read; `decision`, a class, or "cannot judge"
        where the image is unlike the training images, or "ask a person" where the rule says so, or "cannot read";
        `unlike`, where 1 is the limit; `note`, the reason in words.

    Raises:
        ValueError: an argument is wrong. A bad file is no error: its row says what is wrong with it.
    """
    limit_of(bundle, threshold, abstain)
    check_prevalence(bundle, prevalence)
    explained = _explained(target, bundle)
    columns = [*answer_columns(bundle), "decision", "unlike", "note"]
    empty = {name: np.nan if name in NUMBERS else "" for name in columns}
    rows, waiting = [], []
    for name, source in named_sources(images):
        row = {"file": printable(name), **empty, "decision": CANNOT_READ}
        rows.append(row | ({"image": None, "map": None} if heatmap else {}))
        try:
            kind = (bundle.size, bundle.color_mode)
            array = isinstance(source, np.ndarray)
            waiting.append((rows[-1], fit_image(source, *kind) if array else read_image(source, *kind, bundle.bits)))
        except RejectedImageError as error:
            rows[-1]["note"] = str(error)
        if len(waiting) == BATCH:
            _judge(waiting, bundle, heatmap, explained, prevalence)
            waiting = []
    if waiting:
        _judge(waiting, bundle, heatmap, explained, prevalence)
    frame = pd.DataFrame(rows, columns=["file", *columns, *(["image", "map"] if heatmap else [])])
    frame = frame.astype({name: float for name in columns if name in NUMBERS})
    return decide(frame, bundle, threshold, abstain)


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
            label = str(one) if isinstance(one, str | Path) else f"image {i}"
            yield from ((label if inner == "" else f"{label}/{inner}", s) for inner, s in _unfold(one))
    else:
        label = Path(images).name if isinstance(images, str | Path) else "image"
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


def _explained(target: int | str | None, bundle: Bundle) -> int | None:
    """The number of the class that the heatmaps explain."""
    if target is None:
        return None
    number = class_numbers(target, bundle.classes)
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number not in range(len(bundle.classes)):
        raise ValueError(f"target: {target!r} is no class from 0 to {len(bundle.classes) - 1}")
    return int(number)


def _judge(
    waiting: list[tuple[dict, np.ndarray]], bundle: Bundle, with_maps: bool, explained: int | None, prevalence: Any
) -> None:
    images = np.stack([image for _, image in waiting])
    answers = bundle.probabilities(images, prevalence)
    unlike = bundle.reference.unlike(bundle.extractor, images)
    method = "grad_cam" if bundle.extractor.layer else "occlusion"
    if explained is None:
        explained = 1 if len(bundle.classes) == 2 else answers.argmax(axis=1)
    maps = heatmap_of(bundle.extractor, images, method, explained) if with_maps else [None] * len(images)
    for (row, image), probabilities, distance, found in zip(waiting, answers, unlike, maps, strict=True):
        row |= {**answer(probabilities, bundle), "unlike": float(distance)}
        if with_maps:
            row |= {"image": image, "map": found}


def save_csv(frame: pd.DataFrame, path: Path) -> None:
    """Write the table without its images and maps, aside first, then renamed.

    Args:
        frame: from `predict`; text that a spreadsheet would run as a formula gets an apostrophe in front.
        path: of the CSV file.
    """
    plain = frame.drop(columns=["image", "map"], errors="ignore").round(dict.fromkeys(NUMBERS, 4) | {"unlike": 2})
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
    parser.add_argument(
        "--threshold", type=float, help="of two classes, positive from this probability on (default: the bundle's)"
    )
    parser.add_argument(
        "--abstain",
        type=float,
        help="of more, ask a person where the largest probability is below (default: the bundle's)",
    )
    parser.add_argument(
        "--prevalence", type=float, help="of two classes, share of the positive one where the images come from"
    )
    parser.add_argument("--heatmaps", type=Path, help="folder for an image with its heatmap for each file")
    parser.add_argument(
        "--target", help="class that the heatmaps explain (default: the positive one; of more than two, the answer)"
    )
    args = parser.parse_args(argv)
    for name, value in (("--threshold", args.threshold), ("--abstain", args.abstain)):
        if value is not None and not 0 <= value <= 1:
            parser.error(f"{name}: {value} is no probability from 0 to 1")
    if args.target is not None and args.heatmaps is None:
        parser.error("--target: says what heatmaps explain; give --heatmaps FOLDER too")
    if not args.images.exists():
        parser.error(f"{args.images}: no such file or folder")
    if not args.csv.parent.is_dir():
        parser.error(f"--csv: the folder {args.csv.parent} is not there")
    try:
        bundle = load_bundle(args.bundle)
        limit_of(bundle, args.threshold, args.abstain)
        check_prevalence(bundle, args.prevalence)
        by_number = (args.target or "").isdecimal() and args.target not in bundle.classes
        target = _explained(int(args.target) if by_number else args.target, bundle)
    except ValueError as error:
        parser.error(str(error))
    with_maps = args.heatmaps is not None
    frame = predict(args.images, bundle, args.threshold, with_maps, args.abstain, target, args.prevalence)
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
