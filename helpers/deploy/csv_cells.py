"""Names and answers of strangers in tables that somebody opens with a spreadsheet."""

import re

import pandas as pd

FORMULA = re.compile(r"'*[=+\-@\t\r\n]")  # how text begins that a spreadsheet would run; OWASP, "CSV Injection"


def as_text(value: object) -> object:
    """A value for a cell of a CSV file: text that a spreadsheet would run as a formula gets an apostrophe in front."""
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


def from_text(text: str) -> str:
    """The text that was given to `as_text`."""
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def for_spreadsheet(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with `as_text` over all of its values; numbers stay numbers."""
    return frame.map(as_text)
