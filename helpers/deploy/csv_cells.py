"""Names and answers of strangers in tables that somebody opens with a spreadsheet."""

import re

import pandas as pd

# How text begins that a spreadsheet would run, full-width letters too; OWASP, "CSV Injection".
FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")


def as_text(value: object) -> object:
    """A value for a cell of a CSV file: text that a spreadsheet would run as a formula gets an apostrophe in front.

    Args:
        value: what is not text stays as it is.

    Source:
        OWASP, CSV Injection.

    Example:
        >>> as_text("=1+1"), as_text("crack"), as_text(-3)
        ("'=1+1", 'crack', -3)
    """
    return f"'{value}" if isinstance(value, str) and FORMULA.match(value) else value


def from_text(text: str) -> str:
    """The text that was given to `as_text`.

    Args:
        text: of a cell.

    Example:
        >>> from_text("'=1+1"), from_text("crack")
        ('=1+1', 'crack')
    """
    return text[1:] if text.startswith("'") and FORMULA.match(text) else text


def for_spreadsheet(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with `as_text` over all of its values; numbers stay numbers.

    Args:
        frame: any values.

    Example:
        >>> for_spreadsheet(pd.DataFrame({"file": ["@a.png"], "n": [1]})).to_dict("records")
        [{'file': "'@a.png", 'n': 1}]
    """
    return frame.map(as_text)
