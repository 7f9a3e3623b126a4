"""Judge images with a bundle: files, folders or arrays in, a table out; bad files are rows with a reason.

On the command line: python -m helpers.deploy predict BUNDLE IMAGES --csv answers.csv; --help says more.
"""

import argparse
import errno
import io
import json
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import pandas as pd
from PIL import Image
from tqdm import tqdm

from data_prework.files import atomic_write
from data_prework.image_files import RejectedImageError, fit_image, read_image
from data_prework.names import printable
from helpers.deploy.arguments import predict_arguments
from helpers.deploy.bundle import Bundle, load_bundle
from helpers.deploy.bundle_checks import CANNOT_READ
from helpers.deploy.csv_cells import for_spreadsheet
from helpers.deploy.decision import NUMBERS, answer, answer_columns, check_prevalence, decide, limit_of, summary
from helpers.deploy.inputs import files_to_judge, named_sources, place_below
from helpers.heatmaps import heatmap as heatmap_of
from helpers.heatmaps.feature_extractor import BATCH
from helpers.heatmaps.methods import class_numbers
from helpers.plots.overlays import overlay

REPORTED = 20  # unreadable files that the command line names


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
    frames = list(predict_batches(images, bundle, threshold, heatmap, abstain, target, prevalence))
    return pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0]


def predict_batches(
    images: Any,
    bundle: Bundle,
    threshold: float | None = None,
    heatmap: bool = False,
    abstain: float | None = None,
    target: int | str | None = None,
    prevalence: Any = None,
) -> Iterator[pd.DataFrame]:
    """The table of `predict` in parts, so that any number of images takes the memory of one part.

    Args:
        images, bundle, threshold, heatmap, abstain, target, prevalence: as for `predict`.

    Returns:
        Parts of at most 64 rows, in order; of no images one without rows.

    Raises:
        ValueError: an argument is wrong.
    """
    limit_of(bundle, threshold, abstain)
    check_prevalence(bundle, prevalence)
    explained = _explained(target, bundle)
    sources = named_sources(images)
    part = list(islice(sources, BATCH))
    while True:
        frame = _judged(part, bundle, heatmap, explained, prevalence)
        yield decide(frame, bundle, threshold, abstain)
        if not (part := list(islice(sources, BATCH))):
            return


def _judged(
    sources: list[tuple[str, Any]], bundle: Bundle, heatmap: bool, explained: int | None, prevalence: Any
) -> pd.DataFrame:
    """The rows of some images, without decisions."""
    columns = [*answer_columns(bundle), "decision", "unlike", "note"]
    empty = {name: np.nan if name in NUMBERS else "" for name in columns}
    rows, readable = [], []
    for name, source in sources:
        row = {"file": printable(name), **empty, "decision": CANNOT_READ}
        rows.append(row | ({"image": None, "map": None} if heatmap else {}))
        try:
            kind = (bundle.size, bundle.color_mode)
            array = isinstance(source, np.ndarray)
            readable.append((rows[-1], fit_image(source, *kind) if array else read_image(source, *kind, bundle.bits)))
        except RejectedImageError as error:
            rows[-1]["note"] = str(error)
    if readable:
        _judge(readable, bundle, heatmap, explained, prevalence)
    frame = pd.DataFrame(rows, columns=["file", *columns, *(["image", "map"] if heatmap else [])])
    return frame.astype({name: float for name in columns if name in NUMBERS})


def explain(source: bytes | str | Path, bundle: Bundle, target: int | str) -> tuple[np.ndarray, np.ndarray]:
    """What speaks for a class in one image, without judging it.

    Args:
        source: path of a file, or its content.
        bundle: whose model is explained.
        target: number or name of the class.

    Returns:
        The model's input (h, w, channels) uint8, and the heatmap (h, w), 0 or more, by Grad-CAM.

    Raises:
        RejectedImageError: the file can't be read.
        ValueError: no such class.
    """
    image = read_image(source, bundle.size, bundle.color_mode, bundle.bits)
    return image, heatmap_of(bundle.extractor, image[None], _method(bundle), _explained(target, bundle))[0]


def _method(bundle: Bundle) -> str:
    return "grad_cam" if bundle.extractor.layer else "occlusion"


def _explained(target: int | str | None, bundle: Bundle) -> int | None:
    """The number of the class that the heatmaps explain."""
    if target is None:
        return None
    number = class_numbers(target, bundle.classes)
    if isinstance(number, bool) or not isinstance(number, int | np.integer) or number not in range(len(bundle.classes)):
        raise ValueError(f"target: {target!r} is not a class from 0 to {len(bundle.classes) - 1}")
    return int(number)


def _judge(
    readable: list[tuple[dict, np.ndarray]], bundle: Bundle, with_maps: bool, explained: int | None, prevalence: Any
) -> None:
    images = np.stack([image for _, image in readable])
    answers = bundle.probabilities(images, prevalence)
    unlike = bundle.reference.unlike(bundle.extractor, images)
    if explained is None:
        explained = 1 if len(bundle.classes) == 2 else answers.argmax(axis=1)
    maps = heatmap_of(bundle.extractor, images, _method(bundle), explained) if with_maps else [None] * len(images)
    for (row, image), probabilities, distance, found in zip(readable, answers, unlike, maps, strict=True):
        row |= {**answer(probabilities, bundle), "unlike": float(distance)}
        if with_maps:
            row |= {"image": image, "map": found}


def save_csv(frame: pd.DataFrame, path: Path, excel: bool = False) -> None:
    """Write the table without its images and maps, aside first, then renamed.

    Args:
        frame: from `predict`; text that a spreadsheet would run as a formula gets an apostrophe in front.
        path: of the CSV file.
        excel: begin it with a byte-order mark, without which Excel takes UTF-8 for another encoding.
    """
    with atomic_write(path) as aside, aside.open("w", encoding=_encoding(excel), newline="") as file:
        _write_rows(frame, file, "csv", header=True)


def save_heatmaps(frame: pd.DataFrame, folder: Path, taken: set[Path] | None = None) -> list[str]:
    """Write NAME.heatmap.png for every image that was judged, in the folders of the images.

    Args:
        frame: from `predict` with heatmap=True.
        folder: made where it is missing. No heatmap is written outside of it, whatever the names are.
        taken: places of heatmaps of other parts of the same table, which are not written over; the new ones are added.

    Returns:
        A sentence for each image whose name is too long for the disk.

    Raises:
        OSError: the folder can't be written.
    """
    taken, missed = set() if taken is None else taken, []
    for row in frame[frame["map"].notna()].itertuples():
        target = place_below(folder, row.file, ".heatmap.png", taken)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(overlay(row.image, row.map)).save(target)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            taken.discard(target)
            missed.append(f"{row.file}: no heatmap, with its ending the name is too long for a file; rename the image")
    return missed


def _encoding(excel: bool) -> str:
    return "utf-8-sig" if excel else "utf-8"


def _write_rows(frame: pd.DataFrame, file: TextIO, kind: str, header: bool) -> None:
    plain = frame.drop(columns=["image", "map"], errors="ignore").round(dict.fromkeys(NUMBERS, 4) | {"unlike": 2})
    if kind == "jsonl":
        rows = plain.astype(object).where(plain.notna(), None).to_dict("records")
        file.writelines(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    else:
        for_spreadsheet(plain).to_csv(file, index=False, lineterminator="\n", header=header)


def main(argv: list[str] | None = None) -> int:
    """The command line; returns the exit status."""
    return run(predict_arguments(sys.argv[1:] if argv is None else argv))


def run(args: argparse.Namespace) -> int:
    """Judge what the command line asks for.

    Args:
        args: from `predict_arguments`.

    Returns:
        The exit status.

    Raises:
        SystemExit: the command is wrong (2).
    """
    try:
        files = files_to_judge(args.images, sys.stdin.buffer if "-" in args.images else io.BytesIO())
        bundle = load_bundle(args.bundle)
        if bundle.doubt:
            print(f"Note: {bundle.doubt}", file=sys.stderr)
        by_number = (args.target or "").isdecimal() and args.target not in bundle.classes
        target = _explained(int(args.target) if by_number else args.target, bundle)
        maps = args.heatmaps is not None
        frames = predict_batches(files, bundle, args.threshold, maps, args.abstain, target, args.prevalence)
        found, drawn, missed = _write(frames, len(files), args)
    except ValueError as error:
        args.fail(str(error))
    except OSError as error:
        unwritten = f"{error.filename2 or error.filename or args.out}: cannot be written ({error.strerror})"
        args.fail(unwritten if error.strerror else str(error))
    _report(found, args)
    if maps:
        print(f"{drawn} heatmap{'' if drawn == 1 else 's'} -> {args.heatmaps}", file=_beside(args))
    for sentence in missed:
        print(f"  {sentence}", file=_beside(args))
    unread = int((found["decision"] == CANNOT_READ).sum())
    return int(unread > 0 if args.strict else unread == len(found))


def _write(frames: Iterator[pd.DataFrame], total: int, args: argparse.Namespace) -> tuple[pd.DataFrame, int, list[str]]:
    """Write each part as it comes; returns file, decision and note of all rows, how many heatmaps, and which not."""
    kept, taken, missed = [], set(), []
    with (
        atomic_write(args.out) as aside,
        aside.open("w", encoding=_encoding(args.excel), newline="") as file,
        tqdm(total=total, unit=" images", disable=None, leave=False) as progress,
    ):
        for frame in frames:
            if args.heatmaps is not None:
                missed += save_heatmaps(frame, args.heatmaps, taken)
            _write_rows(frame, file, args.format, header=not kept)
            kept.append(frame[["file", "decision", "note"]])
            progress.update(len(frame))
    return pd.concat(kept, ignore_index=True), len(taken), missed


def _report(found: pd.DataFrame, args: argparse.Namespace) -> None:
    print(f"{summary(found)} -> {'standard output' if args.out == '-' else args.out}", file=_beside(args))
    unread = found[found["decision"] == CANNOT_READ]
    for row in unread[:REPORTED].itertuples():
        print(f"  {row.file}: {row.note}", file=_beside(args))
    if len(unread) > REPORTED:
        print(f"  and {len(unread) - REPORTED:,} more, with their reasons in the table", file=_beside(args))


def _beside(args: argparse.Namespace) -> TextIO:
    """Where a sentence goes: not between the rows of a table on the standard output."""
    return sys.stderr if args.out == "-" else sys.stdout
