"""Tables beside the class folders of a raw folder: what a data set says of each image besides its class."""

import os
from pathlib import Path

import pandas as pd

from data_prework.catalogue import Entry
from data_prework.layout import RawFolderError
from data_prework.manifest import typed
from data_prework.sources.packages import COLUMNS_FILE


def add_columns(rows: pd.DataFrame, root: Path, entry: Entry) -> pd.DataFrame:
    """Add the columns that only this data set has, from `columns.csv` beside its class folders.

    Args:
        rows: one row an image, with raw, its path below root.
        root: of the raw files.
        entry: says which columns.

    Raises:
        RawFolderError: the table, a column, a row or a number is missing or damaged.
    """
    if not entry.columns:
        return rows
    listed, again = beside(root, rows, COLUMNS_FILE), f"Get it again: python -m data_prework download {entry.name}"
    if listed is None:
        raise RawFolderError(f"{root}: {COLUMNS_FILE} is missing, which says {', '.join(entry.columns)}. {again}")
    if missing := [column for column in entry.columns if column not in listed]:
        raise RawFolderError(f"{root}: {COLUMNS_FILE} has no column {', '.join(missing)}. {again}")
    if (unknown := listed[list(entry.columns)].isna().any(axis=1)).any():
        raise RawFolderError(f"{root}: {COLUMNS_FILE} has no row for {rows['raw'][unknown].iloc[0]}. {again}")
    try:
        listed = typed(listed, entry.columns)
    except ValueError as error:
        raise RawFolderError(f"{root}: {COLUMNS_FILE}: a value is not a number ({error}). {again}") from error
    return rows.assign(**{column: listed[column] for column in entry.columns})


def beside(root: Path, rows: pd.DataFrame, name: str) -> pd.DataFrame | None:
    """A table beside the class folders, as texts: a row for each image, NaN where it has none.

    Args:
        root: of the raw files.
        rows: one row an image, with raw, its path below root.
        name: of the table, which has the column path: below its own folder.

    Returns:
        The table without that column; None where there is none.

    Raises:
        RawFolderError: it is not readable, or has no column path.
    """
    common = Path(os.path.commonpath([Path(raw).parent for raw in rows["raw"]]))
    at = next((p for p in (common, *common.parents) if (root / p / name).is_file()), None)
    if at is None:
        return None
    try:
        listed = pd.read_csv(root / at / name, dtype=str, keep_default_na=False)
        listed = listed.drop_duplicates("path").set_index("path")
    except (ValueError, KeyError) as error:
        raise RawFolderError(f"{root / at / name}: not a table with the column path ({error})") from error
    paths = rows["raw"].map(lambda raw: Path(raw).relative_to(at).as_posix())
    return listed.reindex(paths).set_axis(rows.index)
