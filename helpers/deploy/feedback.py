"""What users say about answers, in one SQLite file: a row a click and bundle. Neither image nor file name is kept."""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from helpers.errors import CourseError
from helpers.metrics import compare

COLUMNS = {
    "time": "TEXT NOT NULL",  # UTC, ISO 8601
    "picture": "TEXT NOT NULL",  # sha256 of the file
    "bundle": "TEXT NOT NULL",  # Bundle.key
    "probability": "REAL",
    "threshold": "REAL NOT NULL",
    "decision": "TEXT NOT NULL",
    "label": "TEXT NOT NULL",  # what the user says it is
}


class FeedbackError(CourseError, ValueError):
    """A file of feedback that can't be read or written; the message names it and says what to do."""


def save_feedback(
    path: Path, image: bytes, bundle: str, probability: float, threshold: float, decision: str, label: str
) -> int:
    """Add one row; the file is made where it is missing. Several users may write at the same time.

    Args:
        path: SQLite file.
        image: content of the file that was judged; only its sha256 is kept.
        bundle: `Bundle.key`.
        probability: of the positive class; of more than two classes, the largest.
        threshold: at which the decision was made; of more than two classes, the least probability of an answer.
        decision: what the app said.
        label: what the user says it is.

    Returns:
        The row's number, for `remove_feedback`.

    Raises:
        FeedbackError: the file is not an SQLite file, or cannot be written; the message names it.

    Example:
        >>> path = Path("feedback.sqlite")
        >>> row = save_feedback(path, b"...", "dense:0123456789ab", 0.7, 0.5, "crack", label="no crack")
        >>> read_feedback(path)[["decision", "label"]].to_dict("records")
        [{'decision': 'crack', 'label': 'no crack'}]
    """
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    row = (time, hashlib.sha256(image).hexdigest(), bundle, probability, threshold, decision, label)
    with _written(path) as connection:
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        connection.execute(f"CREATE TABLE IF NOT EXISTS feedback ({columns})")
        return connection.execute(f"INSERT INTO feedback VALUES ({', '.join('?' * len(row))})", row).lastrowid


def remove_feedback(path: Path, rows: Sequence[int]) -> None:
    """Take rows back, as if they had never been kept.

    Args:
        path: SQLite file that `save_feedback` wrote.
        rows: their numbers, from `save_feedback`; those that are gone already are passed over.

    Raises:
        FeedbackError: the file cannot be written; the message names it.

    Example:
        >>> path = Path("undone.sqlite")
        >>> remove_feedback(path, [save_feedback(path, b"...", "dense:0123456789ab", 0.7, 0.5, "crack", "no crack")])
        >>> len(read_feedback(path))
        0
    """
    with _written(path) as connection:
        connection.executemany("DELETE FROM feedback WHERE rowid = ?", [(row,) for row in rows])


@contextmanager
def _written(path: Path) -> Iterator[sqlite3.Connection]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
            yield connection
    except (sqlite3.Error, OSError) as error:
        raise FeedbackError(f"{path}: the feedback cannot be written ({error}); give another file") from error


def read_feedback(path: Path) -> pd.DataFrame:
    """All feedback, oldest first.

    Args:
        path: SQLite file that `save_feedback` wrote.

    Returns:
        The columns of COLUMNS; empty where there is no file yet.

    Raises:
        FeedbackError: the file is not one of feedback; the message names it.
    """
    if not path.is_file():
        return pd.DataFrame(columns=list(COLUMNS))
    try:
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            return pd.read_sql(f"SELECT {', '.join(COLUMNS)} FROM feedback ORDER BY rowid", connection)
    except (sqlite3.Error, pd.errors.DatabaseError) as error:
        raise FeedbackError(f"{path}: no feedback file ({error}); give another one") from error


def compare_feedback(rows: pd.DataFrame, a: str, b: str, class_names: Sequence[str]) -> str:
    """Which of two bundles was right more often, by what users said: the accuracy of A minus that of B.

    Args:
        rows: from `read_feedback`. Of each image and bundle the last row counts, and of each image the last label.
        a, b: `Bundle.key` of each.
        class_names: of both bundles, in their order.

    Returns:
        A sentence, with the paired 95 % interval of the difference where the images allow one. Images that one of the
        bundles didn't decide, because it asks a person or can't judge, are counted by themselves.

    Raises:
        ValueError: both keys are the same.

    Example:
        >>> said = [("x", "A", "crack", "crack"), ("x", "B", "intact", "crack")]
        >>> said += [("y", "A", "intact", "intact"), ("y", "B", "ask a person", "intact")]
        >>> rows = pd.DataFrame(said, columns=["picture", "bundle", "decision", "label"])
        >>> compare_feedback(rows, "A", "B", ["intact", "crack"])  # doctest: +ELLIPSIS
        'Both decided 1 labeled image, and one or both left 1 to a person. ...'
    """
    if a == b:
        raise ValueError(f"a, b: both are {a}; the two bundles are the same, so there is nothing to compare")
    known = rows[rows["label"].isin(list(class_names))]
    last = known.drop_duplicates(["picture", "bundle"], keep="last").pivot(
        index="picture", columns="bundle", values="decision"
    )
    both = last.reindex(columns=[a, b]).dropna()
    decided = both[both.isin(list(class_names)).all(axis=1)]
    labels = known.drop_duplicates("picture", keep="last").set_index("picture")["label"].reindex(decided.index)
    left = len(both) - len(decided)
    words = f"Both decided {len(decided)} labeled image{'' if len(decided) == 1 else 's'}"
    words += f", and one or both left {left} to a person. " if left else ". "
    if labels.nunique() < 2:
        return f"{words}For a comparison they must decide images of at least two classes; label some more."
    numbers = {name: number for number, name in enumerate(class_names)}
    y, first, second = (found.map(numbers).to_numpy(dtype=int) for found in (labels, decided[a], decided[b]))
    if len(class_names) > 2:
        first, second = (np.eye(len(class_names))[found] for found in (first, second))
    return f"{words}A minus B: {compare(y, first, second, 'accuracy')}"
