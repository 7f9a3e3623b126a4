"""What users say about answers, in one SQLite file: a row a click. Neither the image nor its file name is kept."""

import hashlib
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

COLUMNS = {
    "time": "TEXT NOT NULL",  # UTC, ISO 8601
    "picture": "TEXT NOT NULL",  # sha256 of the file
    "bundle": "TEXT NOT NULL",  # Bundle.key
    "probability": "REAL",
    "threshold": "REAL NOT NULL",
    "decision": "TEXT NOT NULL",
    "label": "TEXT NOT NULL",  # what the user says it is
}


def save_feedback(
    path: Path, image: bytes, bundle: str, probability: float, threshold: float, decision: str, label: str
) -> None:
    """Add one row; the file is made where it is missing. Several users may write at the same time.

    Args:
        path: SQLite file.
        image: content of the file that was judged; only its sha256 is kept.
        bundle: `Bundle.key`.
        probability: of the positive class; of more than two classes, the largest.
        threshold: at which the decision was made; of more than two classes, the least probability of an answer.
        decision: what the app said.
        label: what the user says it is.

    Raises:
        ValueError: the file is not an SQLite file, or cannot be written; the message names it.

    Example:
        >>> save_feedback(Path("feedback.sqlite"), b"...", "dense:0123456789ab", 0.7, 0.5, "crack", label="no crack")
        >>> read_feedback(Path("feedback.sqlite"))[["decision", "label"]].to_dict("records")
        [{'decision': 'crack', 'label': 'no crack'}]
    """
    time = datetime.now(UTC).isoformat(timespec="milliseconds")
    row = (time, hashlib.sha256(image).hexdigest(), bundle, probability, threshold, decision, label)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(path, timeout=30)) as connection, connection:
            columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
            connection.execute(f"CREATE TABLE IF NOT EXISTS feedback ({columns})")
            connection.execute(f"INSERT INTO feedback VALUES ({', '.join('?' * len(row))})", row)
    except (sqlite3.Error, OSError) as error:
        raise ValueError(f"{path}: the feedback cannot be written ({error}); give another file") from error


def read_feedback(path: Path) -> pd.DataFrame:
    """All feedback, oldest first.

    Args:
        path: SQLite file that `save_feedback` wrote.

    Returns:
        The columns of COLUMNS; empty where there is no file yet.

    Raises:
        ValueError: the file is not one of feedback; the message names it.
    """
    if not path.is_file():
        return pd.DataFrame(columns=list(COLUMNS))
    try:
        with closing(sqlite3.connect(path, timeout=30)) as connection:
            return pd.read_sql(f"SELECT {', '.join(COLUMNS)} FROM feedback ORDER BY rowid", connection)
    except (sqlite3.Error, pd.errors.DatabaseError) as error:
        raise ValueError(f"{path}: no feedback file ({error}); give another one") from error
