"""Feedback as labels for the next training: the last thing that a user said about each image.

    python -m helpers.deploy labels feedback.sqlite --csv labels.csv [--images FOLDER]

With a folder the table names its files, and `python -m data_prework prepare NAME --from FOLDER --labels labels.csv`
makes a data set of them.
"""

import argparse
import hashlib
import sys
from pathlib import Path

import pandas as pd

from data_prework.files import atomic_write
from data_prework.names import from_text
from helpers.deploy.csv_cells import for_spreadsheet
from helpers.deploy.feedback import FeedbackError, read_feedback
from helpers.deploy.inputs import named_sources


def latest_labels(rows: pd.DataFrame) -> pd.DataFrame:
    """One label for each image.

    Args:
        rows: from `read_feedback`.

    Returns:
        The columns `sha256`, of the file, and `label`, the last one that was said; sorted by sha256.

    Example:
        >>> said = pd.DataFrame({"picture": ["b1", "a0", "b1"], "label": ["crack", "crack", "intact"]})
        >>> latest_labels(said).to_dict("list")
        {'sha256': ['a0', 'b1'], 'label': ['crack', 'intact']}
    """
    last = rows.drop_duplicates("picture", keep="last").rename(columns={"picture": "sha256"})
    return last[["sha256", "label"]].sort_values("sha256", ignore_index=True)


def save_labels(labels: pd.DataFrame, path: Path | str) -> None:
    """Write a table of labels, aside first, then renamed.

    Args:
        labels: from `latest_labels` or `labels_of_files`; a label that a spreadsheet would run as a formula gets an
            apostrophe in front, which `read_labels` takes away.
        path: of the CSV file, or "-" for the standard output.
    """
    with atomic_write(path) as aside:
        for_spreadsheet(labels).to_csv(aside, index=False, lineterminator="\n")


def read_labels(path: Path) -> pd.DataFrame:
    """A table that `save_labels` wrote.

    Args:
        path: of the CSV file.

    Returns:
        The columns `sha256` and `label`, and `file` where it has one.

    Raises:
        FeedbackError: it is another file; the message names it.

    Example:
        >>> save_labels(pd.DataFrame({"sha256": ["a0"], "label": ["=crack"]}), "labels.csv")
        >>> read_labels(Path("labels.csv")).to_dict("records")
        [{'sha256': 'a0', 'label': '=crack'}]
    """
    try:
        labels = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise FeedbackError(f"{path}: cannot be read as a table of labels ({error}); give another one") from error
    if not {"sha256", "label"} <= set(labels):
        raise FeedbackError(f"{path}: has the columns {', '.join(labels)}; expected sha256 and label")
    return labels.map(from_text)


def labels_of_files(labels: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The labels of those files in a folder that have one, by their content, whatever they are called.

    Args:
        labels: with the columns `sha256` and `label`.
        folder: with all files below it.

    Returns:
        The columns `file`, its path in the folder, `label` and `sha256`, in the order of the files.
    """
    known = dict(zip(labels["sha256"], labels["label"], strict=True))
    rows = []
    for name, path in named_sources(folder):
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest in known:
            rows.append((name, known[digest], digest))
    return pd.DataFrame(rows, columns=["file", "label", "sha256"])


def run(args: argparse.Namespace) -> int:
    """Write the labels that the command line asks for.

    Args:
        args: from `labels_arguments`.

    Returns:
        The exit status: 0, or 1 where no file of the folder has a label.

    Raises:
        SystemExit: the command is wrong (2).
    """
    try:
        rows = read_feedback(args.feedback)
        if rows.empty:
            raise FeedbackError(f"{args.feedback}: no feedback in it; label images in the app first (make app)")
        labels = latest_labels(rows)
        if args.images is not None:
            labels = labels_of_files(labels, args.images)
        save_labels(labels, args.out)
    except (ValueError, OSError) as error:
        args.fail(str(error))
    changed = rows.groupby("picture")["label"].nunique().gt(1)
    words = f"{len(labels):,} label{'' if len(labels) == 1 else 's'} -> {args.out}"
    if args.images is not None:
        words += f", of {rows['picture'].nunique():,} labeled images those whose files are in {args.images}"
    if changed.any():
        words += f"; {changed.sum():,} got another label later, and the last one counts"
    print(words, file=sys.stderr if args.out == "-" else sys.stdout)
    return 0 if len(labels) else 1
