"""Labels that are not folders: in a table beside the images, or in the names of the files."""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from data_prework.folder_tree import Folder, walk
from data_prework.layout import Found, Layout, RawFolderError
from data_prework.split_names import split_names

FILE_COLUMNS = (
    "image",
    "file",
    "filename",
    "file_name",
    "path",
    "filepath",
    "image_path",
    "image_name",
    "image_id",
    "id",
)
LABEL_COLUMNS = ("label", "class", "category", "target", "class_name", "diagnosis", "species", "breed", "dx")
SPLIT_COLUMNS = ("split", "set", "subset", "fold", "partition", "usage", "dataset_split", "data_set")


def layout_from_table(
    root: Path | str,
    table: Path | str,
    file_column: str = "",
    label_column: str = "",
    split_column: str = "",
    leave_out: Sequence[str] = (),
) -> Layout:
    """Understand a raw folder whose labels stand in a table.

    Args:
        root: holds the images, at any depth.
        table: .csv or .tsv with a column of file names (with or without their ending), one of labels, and perhaps one
            of splits; or one column of 0 and 1 for each class.
        file_column, label_column, split_column: their names; "" finds them by the usual ones.
        leave_out: names of folders that are not read.

    Raises:
        RawFolderError: the table or a column isn't there, or its files aren't in the folder.
    """
    root, table = Path(root), Path(table)
    table = table if table.is_file() else root / table
    rows = _read(table)
    tree = walk(root, tuple(leave_out))
    found_by = _Names(tree, table.parent)
    files = _column(rows, table, file_column, FILE_COLUMNS, "file") or _column_of_files(rows, found_by)
    if not files:
        raise RawFolderError(
            f"{table}: no column names the files; it has {', '.join(rows.columns)}. Say which: --file-column NAME"
        )
    labels = _labels(rows, table, files, label_column)
    split = _column(rows, table, split_column, SPLIT_COLUMNS, "split")
    splits = split_names(rows[split].unique()) if split else {}
    notes, found, missing = [], {}, []
    for name, label, part in zip(rows[files], labels, rows[split] if split else [""] * len(rows), strict=True):
        path = found_by.path(name)
        if path is None:
            missing.append(name)
        elif label:
            found[path] = Found(path, label, splits.get(part, ""))
    if not found:
        raise RawFolderError(
            f"{table}: none of its {len(rows):,} files is below {root}; the first one is {rows[files].iloc[0]!r}"
        )
    if missing:
        notes.append(f"left out: {len(missing):,} files of {table.name} that are not there, such as {missing[0]}")
    if unlabeled := len(rows) - len(missing) - len(found):
        notes.append(f"left out: {unlabeled:,} rows of {table.name} without a label of their own")
    if rest := [path for path in tree.all_images() if path not in found]:
        notes.append(f"left out: {len(rest):,} files that {table.name} does not name, such as {rest[0].name}")
    return _checked(Layout(root, sorted(found.values(), key=lambda one: one.path), notes), f"{table}")


def layout_from_names(root: Path | str, pattern: str, leave_out: Sequence[str] = ()) -> Layout:
    r"""Understand a raw folder whose labels stand in the names of its files.

    Args:
        root: holds the images, at any depth; folders that are called like splits are splits.
        pattern: regular expression whose first bracketed part is the label, such as r"^([a-z]+)\\.".
        leave_out: names of folders that are not read.

    Raises:
        RawFolderError: the expression is wrong, or fits the names of fewer than two classes.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise RawFolderError(f"--label-pattern {pattern!r} is not a regular expression: {error}") from error
    if not expression.groups:
        raise RawFolderError(f"--label-pattern {pattern!r} has no parentheses; put them around the label")
    tree = walk(Path(root), tuple(leave_out))
    splits = split_names(folder.name for folder in tree.everywhere())
    found, unread = [], []
    for path in tree.all_images():
        match = expression.search(path.name)
        above = path.relative_to(tree.path).parts[:-1]
        split = next((splits[name] for name in above if name in splits), "")
        if match and match[1]:
            found.append(Found(path, match[1], split))
        else:
            unread.append(path.relative_to(tree.path).as_posix())
    notes = []
    if unread:
        notes.append(f"left out: {len(unread):,} files whose names do not fit the pattern, such as {unread[0]}")
    return _checked(Layout(tree.path, sorted(found, key=lambda one: one.path), notes), f"--label-pattern {pattern!r}")


def _read(table: Path) -> pd.DataFrame:
    """A table of texts; its separator is the one that the first line has most of."""
    if not table.is_file():
        raise RawFolderError(f"--labels {table}: no such file")
    try:
        with table.open(encoding="utf-8-sig") as file:
            head = file.readline()
        sep = max(",;\t|", key=head.count)
        rows = pd.read_csv(table, sep=sep, dtype=str, keep_default_na=False, encoding="utf-8-sig").fillna("")
    except (ValueError, pd.errors.ParserError) as error:
        raise RawFolderError(f"--labels {table}: not readable as a table ({error})") from error
    if rows.empty or rows.shape[1] < 2:
        raise RawFolderError(
            f"--labels {table}: {len(rows)} rows and {rows.shape[1]} column(s); expected a first line that names "
            "the columns, one for the files and one for the labels, and a row for each file"
        )
    return rows.rename(columns=lambda name: str(name).strip())


class _Names:
    """Files of a folder by what a table may call them: path, name, or either without its ending."""

    def __init__(self, tree: Folder, beside: Path):
        self.known, twice = {}, Counter()
        for path in tree.all_images():
            for base in {tree.path, beside}:
                if path.is_relative_to(base):
                    inside = path.relative_to(base)
                    self.known |= {inside.as_posix(): path, inside.with_suffix("").as_posix(): path}
        for path in tree.all_images():
            twice.update({path.name, path.stem})
            self.known.setdefault(path.name, path)
            self.known.setdefault(path.stem, path)
        self.unclear = {name for name, count in twice.items() if count > 1}

    def path(self, name: str) -> Path | None:
        """The file that is meant, None where there is none or where the bare name fits several."""
        name = name.strip().replace("\\", "/").removeprefix("./")
        if name in self.known and ("/" in name or name not in self.unclear):
            return self.known[name]
        last = name.rsplit("/", 1)[-1]
        return None if last in self.unclear else self.known.get(last)


def _column(rows: pd.DataFrame, table: Path, asked: str, usual: tuple[str, ...], what: str) -> str:
    if asked and asked not in rows:
        raise RawFolderError(f"{table}: has no column {asked!r} of the {what}; it has {', '.join(rows.columns)}")
    by_small = {name.lower().replace(" ", "_"): name for name in reversed(rows.columns)}
    return asked or next((by_small[name] for name in usual if name in by_small), "")


def _column_of_files(rows: pd.DataFrame, found_by: _Names) -> str:
    """The column most of whose entries are files of the folder."""
    shares = {name: sum(found_by.path(value) is not None for value in rows[name]) / len(rows) for name in rows}
    best = max(shares, key=shares.get)
    return best if shares[best] > 0.5 else ""


def _labels(rows: pd.DataFrame, table: Path, files: str, asked: str) -> pd.Series:
    """The label of each row, "" where it has none."""
    if column := _column(rows, table, asked, LABEL_COLUMNS, "label"):
        return rows[column].str.strip()
    rest = [name for name in rows.columns if name != files and name.lower() not in SPLIT_COLUMNS]
    marks = [name for name in rest if rows[name].str.fullmatch(r"[01](\.0+)?").all()]
    if len(marks) > 1:
        one_hot = rows[marks].astype(float)
        return one_hot.idxmax(axis=1).where(one_hot.sum(axis=1) == 1, "")
    if len(rest) == 1:
        return rows[rest[0]].str.strip()
    raise RawFolderError(
        f"{table}: which column is the label? It has {', '.join(rest)}. Say which: --label-column NAME"
    )


def _checked(layout: Layout, where: str) -> Layout:
    if len(layout.classes) < 2:
        raise RawFolderError(f"{where}: gives {len(layout.classes)} class ({', '.join(layout.classes)}), expected two")
    return layout
