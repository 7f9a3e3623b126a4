"""Names that people gave to files and classes, in tables and on disks."""

import re
import unicodedata

# How text begins that a spreadsheet would run, full-width letters too; OWASP, "CSV Injection".
_FORMULA = re.compile("'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_UNSEEN = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")  # or turns the text round
_LONGEST = 250  # bytes of a file's name; disks take 255


def printable(text: str) -> str:
    """A name in one line, with signs that can't be seen or written as backslash escapes.

    Example:
        >>> printable("line\\rbreak") == "line" + chr(92) + "x0dbreak"
        True
    """
    return _UNSEEN.sub(_escape, text)


def plain_name(text: str) -> str:
    """A name for a file or class: signs that can't be seen or written become "_".

    Example:
        >>> plain_name("a\\tb.jpg")
        'a_b.jpg'
    """
    return _UNSEEN.sub("_", text)


def file_name(stem: str, suffix: str) -> str:
    """A file's name that every table and disk can hold.

    Args:
        stem: cut where it is too long.
        suffix: with its dot.
    """
    room = _LONGEST - len(suffix.encode())
    return plain_name(stem).encode()[:room].decode(errors="ignore") + suffix


def same_on_disk(name: str) -> str:
    """What disks that don't tell A from a, or two spellings of é, take a name for."""
    return unicodedata.normalize("NFC", name).casefold()


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
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value


def from_text(text: str) -> str:
    """The text that was given to `as_text`.

    Args:
        text: of a cell.

    Example:
        >>> from_text("'=1+1"), from_text("crack")
        ('=1+1', 'crack')
    """
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def _escape(found: re.Match) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
