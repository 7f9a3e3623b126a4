"""Names and answers of strangers in tables that somebody opens with a spreadsheet."""

import pandas as pd

from data_prework.names import as_text, from_text

__all__ = ["as_text", "for_spreadsheet", "from_text"]


def for_spreadsheet(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with `as_text` over all of its values; numbers stay numbers.

    Args:
        frame: any values.

    Example:
        >>> for_spreadsheet(pd.DataFrame({"file": ["@a.png"], "n": [1]})).to_dict("records")
        [{'file': "'@a.png", 'n': 1}]
    """
    return frame.map(as_text)
