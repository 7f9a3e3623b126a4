"""Tables of the instructor's: CSV files as spreadsheets and learning platforms write them, read and written safely."""

import csv
import io
from collections.abc import Iterable
from pathlib import Path

from data_prework.files import atomic_write
from helpers.deploy.csv_cells import as_text, from_text
from helpers.errors import CourseError


class TableError(CourseError, ValueError):
    """A table that is not clear; the message names the file and the row."""


def read_csv(path: Path, needed: Iterable[str] = ()) -> list[dict[str, str]]:
    """Read a CSV file with commas, semicolons or tabs.

    Args:
        path: The file, UTF-8.
        needed: Columns that it must have.

    Returns:
        Its rows, without those that are empty.

    Raises:
        TableError: It is no such file; the message says what to change.
        OSError: It cannot be read.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            reader = csv.DictReader(file, delimiter=max(",;\t", key=head.count), strict=True)
            columns, rows = [name.strip() for name in reader.fieldnames or ()], []
            reader.fieldnames = columns
            for row in reader:
                if None in row:
                    raise TableError(f"{path}, line {reader.line_num}: it has more cells than there are columns")
                rows.append({name: from_text(cell or "").strip() for name, cell in row.items()})
    except FileNotFoundError:
        raise TableError(f"{path} is not there{'; run make grade first' if path.name == 'marks.csv' else ''}") from None
    except UnicodeDecodeError:
        raise TableError(f'{path}: its text is not UTF-8. Save it as "CSV UTF-8"') from None
    except csv.Error as error:
        raise TableError(f"{path}: it is not a CSV file ({error})") from None
    if missing := [name for name in needed if name not in columns]:
        raise TableError(f"{path}, line 1: the column {', '.join(missing)} is missing; there are {', '.join(columns)}")
    return [row for row in rows if any(row.values())]


def write_csv(path: Path, columns: Iterable[str], rows: Iterable[dict]) -> Path:
    """Write a CSV file that no spreadsheet takes for formulas: aside first, then renamed.

    Args:
        path: The file; its folder is made.
        columns: Their names, in order.
        rows: Column -> value; a column that a row lacks stays empty.

    Returns:
        The file.
    """
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(columns), restval="", extrasaction="ignore")
    writer.writeheader()
    writer.writerows({name: as_text(value) for name, value in row.items()} for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as aside:
        aside.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path


def read_raw(path: Path) -> tuple[list[list[str]], str]:
    """Read a platform's table, to be written again as it was.

    Args:
        path: A CSV file, UTF-8.

    Returns:
        Its rows, with the names of the columns, and the sign between cells.

    Raises:
        TableError: It is no such file, or empty.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            head = file.readline()
            file.seek(0)
            delimiter = max(",;\t", key=head.count)
            rows = list(csv.reader(file, delimiter=delimiter))
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableError(f"{path}: it is not a CSV file in UTF-8 ({error})") from None
    if not rows:
        raise TableError(f"{path}: it is empty")
    return rows, delimiter


def write_raw(path: Path, rows: list[list[str]], delimiter: str) -> Path:
    """Write a platform's table again; nothing is put in front of formulas, which it would not understand.

    Args:
        path: The file.
        rows: As from `read_raw`.
        delimiter: The sign between cells.

    Returns:
        The file.
    """
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter).writerows(rows)
    with atomic_write(path) as aside:
        aside.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path
