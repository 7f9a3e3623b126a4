"""What to judge: every single image in files, folders, arrays and dictionaries, and in the words of a command line."""

import glob
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any, BinaryIO

import numpy as np

from helpers.errors import CourseError


class InputError(CourseError, ValueError):
    """Something on the command line that is no image, folder or pattern of them; the message names it."""


def files_to_judge(words: Sequence[str], listed: BinaryIO) -> dict[str, Path]:
    """The files that the words of a command line mean.

    Args:
        words: paths of files and folders, patterns such as `scans/*.png` or `scans/**/*.png`, and "-" for a list of
            paths in `listed`.
        listed: paths, one a line, or with zero bytes between them as `find -print0` writes them. One that is missing
            becomes a row of the table, not an error.

    Returns:
        Name -> path. Of one folder or file the names begin inside it; of several they are the paths as given.

    Raises:
        InputError: a word means nothing that is there, or no file at all was found; the message names it.

    Example:
        >>> import io
        >>> for name in ("scans/a.png", "scans/b.png"):
        ...     Path(name).parent.mkdir(exist_ok=True)
        ...     Path(name).touch()
        >>> list(files_to_judge(["scans"], io.BytesIO())), list(files_to_judge(["scans/*.png"], io.BytesIO()))
        (['a.png', 'b.png'], ['scans/a.png', 'scans/b.png'])
    """
    paths = [path for word in words for path in (_listed(listed) if word == "-" else _meant(word))]
    one = len(words) == 1 and paths == [Path(words[0])]
    found = dict(named_sources(paths[0] if one else list(dict.fromkeys(paths))))
    if not found:
        raise InputError(f"{', '.join(words)}: no file in this {'list' if '-' in words else 'folder'}; give another")
    return found


def _meant(word: str) -> list[Path]:
    """The paths that one word means, in order."""
    if Path(word).exists():
        return [Path(word)]
    found = sorted(glob.glob(word, recursive=True)) if glob.has_magic(word) else []  # noqa: PTH207  it may be absolute
    if not found:
        nothing = "no file matches this pattern" if glob.has_magic(word) else "no such file or folder"
        raise InputError(f"{word}: {nothing}; check the path, it begins in {Path.cwd()}")
    return [Path(path) for path in found]


def _listed(listed: BinaryIO) -> list[Path]:
    content = listed.read()
    lines = content.split(b"\0") if b"\0" in content else [line.rstrip(b"\r") for line in content.split(b"\n")]
    return [Path(os.fsdecode(line)) for line in lines if line.strip()]


def place_below(folder: Path, name: str, ending: str, taken: set[Path]) -> Path:
    """Where a file of a name goes below a folder, wherever the name points to.

    Args:
        folder: that the file must not leave.
        name: relative, absolute, or with ".." in it.
        ending: added to the name.
        taken: places given out before; the new one is added.

    Example:
        >>> taken = set()
        >>> [place_below(Path("maps"), name, ".png", taken).as_posix() for name in ("/a/x", "../a/x", "b")]
        ['maps/a/x.png', 'maps/a/x-2.png', 'maps/b.png']
    """
    path = PurePath(name)
    parts = [part for part in path.parts if part not in (path.anchor, "..")]
    place, number = folder.joinpath(*parts[:-1], f"{parts[-1]}{ending}"), 1
    while place in taken:
        number += 1
        place = place.with_name(f"{parts[-1]}-{number}{ending}")
    taken.add(place)
    return place


def named_sources(images: Any) -> Iterator[tuple[str, Any]]:
    """Every single image in what `predict` takes.

    Args:
        images: as in `predict`.

    Returns:
        (name, source) of each; files of a folder by their path in it, "/" between the parts.

    Raises:
        ValueError: something that is no image, or no collection of them.
    """
    if isinstance(images, Mapping):
        for name, one in images.items():
            yield from ((str(name) if inner == "" else f"{name}/{inner}", s) for inner, s in _unfold(one))
    elif isinstance(images, list | tuple):
        for i, one in enumerate(images):
            label = str(one) if isinstance(one, str | Path) else f"image {i}"
            yield from ((label if inner == "" else f"{label}/{inner}", s) for inner, s in _unfold(one))
    else:
        label = Path(images).name if isinstance(images, str | Path) else "image"
        whole = isinstance(images, str | Path) and Path(images).is_dir()
        for inner, source in _unfold(images):
            yield (inner if whole else f"{label} {inner}".strip()), source


def _unfold(one: Any) -> Iterator[tuple[str, Any]]:
    """(name within, source): files of a folder, images of an array; a single source has the name ""."""
    if isinstance(one, np.ndarray) and one.ndim == 4:
        yield from ((str(i), image) for i, image in enumerate(one))
    elif isinstance(one, str | Path) and Path(one).is_dir():
        paths = sorted(path for path in Path(one).rglob("*") if not path.is_dir())
        for path in paths:
            name = path.relative_to(one)
            if not any(part.startswith(".") for part in name.parts):
                yield name.as_posix(), path
    elif isinstance(one, np.ndarray | str | Path | bytes | bytearray | memoryview):
        yield "", one
    else:
        raise ValueError(f"images: {type(one).__name__} is not a file, folder, array, or the content of a file")
