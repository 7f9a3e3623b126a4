"""Reads a notebook that was handed in: whatever is damaged in it costs that part and no more."""

import json
import re
import uuid
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from helpers.course.grading.submissions.finding import shown
from helpers.errors import CourseError

ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


class UnreadableError(CourseError, ValueError):
    """A submission that cannot be graded at all; the message is for the note."""


def read_submission(path: Path, max_mb: float) -> tuple[NotebookNode, list[str]]:
    """Read a notebook in today's format, whatever is in the file.

    Outputs, widgets and other metadata are left out: grading makes outputs anew, and damaged ones stop nothing.

    Args:
        path: The file.
        max_mb: The largest size in MB.

    Returns:
        The notebook, with an id in every cell, and sentences for the note.

    Raises:
        UnreadableError: It is no notebook; the message says why.
    """
    name = shown(path)
    try:
        if path.is_symlink() or not path.is_file():
            raise UnreadableError(f"{name} is not a file")
        if path.stat().st_size > max_mb * 1e6:
            raise UnreadableError(f"{name} is larger than {max_mb:g} MB: clear its outputs and hand it in again")
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableError(f"{name} cannot be read: {error.strerror}") from None
    text, said = _decoded(content, name)
    try:
        raw = json.loads(text)
    except (ValueError, RecursionError):
        raise UnreadableError(f"{name} is not a notebook: its text is not JSON{_looks_like(content)}") from None
    if not isinstance(raw, dict) or "nbformat" not in raw or not ("cells" in raw or "worksheets" in raw):
        raise UnreadableError(f"{name} is not a notebook: it is JSON without cells")
    try:
        if "cells" not in raw:  # the format of 2013
            raw = json.loads(nbformat.writes(nbformat.reads(json.dumps(raw), as_version=4)))
        if raw["nbformat"] != 4:
            raise ValueError(f"its format is {raw['nbformat']!r}")
        cells, lost = _sound(raw["cells"])
        if lost and not cells:
            raise ValueError("its cells are damaged")
        notebook = nbformat.from_dict({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})
        nbformat.validate(notebook)
    except Exception as error:
        why = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
        raise UnreadableError(f"{name} is not a notebook that can be read: {why}") from None
    return notebook, said + (
        [f"{lost} of its cells {'is' if lost == 1 else 'are'} damaged and left out"] if lost else []
    )


def _decoded(content: bytes, name: str) -> tuple[str, list[str]]:
    encoding = json.detect_encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        what = "its text is not UTF-8" if encoding.startswith("utf-8") else f"its text is damaged {encoding.upper()}"
        return content.decode("cp1252", "replace"), [f"{what}: accents may be wrong"]
    utf_8 = encoding.startswith("utf-8")
    return text, [] if utf_8 else [f"{name} is saved as {encoding.upper()[:6]}, not as UTF-8; it was read all the same"]


def _looks_like(content: bytes) -> str:
    """What a file is that should be a notebook, where its beginning tells."""
    begins = content.lstrip()[:200].lower()
    kinds = {b"pk\x03\x04": "a zip archive or an office document", b"%pdf": "a PDF", b"<!doctype html": "a web page"}
    kinds |= {b"<html": "a web page", b"version https://git-lfs": "a pointer of Git LFS"}
    found = next((what for start, what in kinds.items() if begins.startswith(start)), "")
    found = found or ("" if begins else "empty")
    return f" (it is {found})" if found else ""


def _sound(cells: object) -> tuple[list[dict], int]:
    """The cells that can be used, each with what a notebook of format 4.5 needs, and the number of the others."""
    if not isinstance(cells, list):
        raise ValueError("its cells are damaged")
    sound, seen = [], set()
    for cell in cells:
        source = cell.get("source") if isinstance(cell, dict) else None
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str):
            continue
        kind = cell.get("cell_type")
        meta = cell["metadata"] if isinstance(cell.get("metadata"), dict) else {}
        own = cell.get("id")
        own = own if isinstance(own, str) and ID.fullmatch(own) and own not in seen else uuid.uuid4().hex[:8]
        seen.add(own)
        kept = {key: meta[key] for key, of in (("nbgrader", dict), ("id", str)) if isinstance(meta.get(key), of)}
        made = {"cell_type": kind if kind in ("code", "markdown") else "raw", "id": own, "metadata": kept}
        made["source"] = source.encode("utf-8", "replace").decode()  # half of a surrogate pair can't be written
        if kind == "code":
            made |= {"outputs": [], "execution_count": None}
        elif kind == "markdown" and _are_files(cell.get("attachments")):
            made["attachments"] = cell["attachments"]
        sound.append(made)
    return sound, len(cells) - len(sound)


def _are_files(found: object) -> bool:
    """Whether these are images that were dragged into a cell: name -> kind -> base64 text."""
    kinds = list(found.values()) if isinstance(found, dict) else []
    return bool(kinds) and all(isinstance(k, dict) and all(isinstance(v, str) for v in k.values()) for k in kinds)
