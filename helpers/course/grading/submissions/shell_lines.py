"""Lines that start programs, as `!pip install`, `%pip` and `!ls`: grading has nothing for them to do."""

import re

ESCAPE = re.compile(
    r"(?P<indent>\s*)(?:(?P<names>[A-Za-z_][\w, .\[\]]*)=\s*)?"
    r"(?:!|%(?:pip|conda|mamba|micromamba|uv|system|sx|ls|ll|lf|lk|lx|ldir|cat)\b).*"
)
BARE = re.compile(r"\s*(?:pip3?|conda|mamba|ls|cat|python3?)\b.*")
SCRIPTS = re.compile(r"%%(?:bash|sh|script|cmd|system|sx|!)|!!")
WRAPPERS = re.compile(r"%%(?:capture|time|timeit)\b")
NOT_RUN = "# not run while grading: "


def without_programs(source: str) -> str:
    """Take the lines that start a program out of a cell; they stay readable, as comments.

    A text in quotes over several lines stays as it is, also where one of its lines begins with "!".

    Args:
        source: Of a code cell.

    Example:
        >>> without_programs("!pip install tqdm" + chr(10) + "x = 1")
        'pass  # not run while grading: !pip install tqdm\\nx = 1'
    """
    lines = source.splitlines()
    first = next((i for i, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return source
    if SCRIPTS.match(lines[first]):
        return "\n".join(NOT_RUN + line for line in lines)
    if len(lines) == 1 and BARE.fullmatch(lines[0]) and not _compiles(lines[0]):  # as IPython reads a line alone
        return f"pass  {NOT_RUN}{lines[0].strip()}"
    start = first + 1 if WRAPPERS.match(lines[first]) else 0
    if not any(ESCAPE.fullmatch(line) for line in lines[start:]):
        return source
    return "\n".join([*lines[:start], *_commented(lines[start:])])


def _commented(lines: list[str]) -> list[str]:
    made, i = [], 0
    while i < len(lines):
        match = ESCAPE.fullmatch(lines[i])
        if not match or _in_text(lines[:i]):
            made.append(lines[i])
            i += 1
            continue
        end = i + 1
        while end < len(lines) and lines[end - 1].rstrip().endswith("\\"):
            end += 1
        put = f"{match['names'].strip()} = []" if match["names"] else "pass"
        made.append(f"{match['indent']}{put}  {NOT_RUN}{lines[i].strip()}")
        made += [f"{match['indent']}{NOT_RUN}{line.strip()}" for line in lines[i + 1 : end]]
        i = end
    return made


def _in_text(before: list[str]) -> bool:
    """Whether a text in three quotes that began in these lines goes on."""
    opened = ""
    for sign in re.findall(r'\\.|"""|\'\'\'|#|"|\'|\n', "\n".join(before)):
        if opened == "#":
            opened = "" if sign == "\n" else opened
        elif not opened:
            opened = sign if sign in ('"""', "'''", "#", '"', "'") else ""
        elif sign == opened or (sign == "\n" and len(opened) == 1):
            opened = ""
    return len(opened) == 3


def _compiles(line: str) -> bool:
    try:
        compile(line, "<cell>", "exec")
    except (SyntaxError, ValueError):
        return False
    return True
