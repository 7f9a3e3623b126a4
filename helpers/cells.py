"""Names and answers of strangers in tables that somebody opens with a spreadsheet."""


def as_text(value: object) -> object:
    """A value for a cell of a CSV file: text that a spreadsheet would run as a formula gets an apostrophe in front.

    Source: OWASP, "CSV Injection".
    """
    is_formula = isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{value}" if is_formula else value
