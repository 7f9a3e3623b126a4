"""A file that is either the old one or the new one, never half of it: written beside its place, then renamed."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(path: Path) -> Iterator[Path]:
    """Where to write the new content of `path`: a hidden name beside it, with the same ending.

    Leaving the block renames it over `path`. After an error in the block, or a failing rename, the new file is removed
    and `path` is as it was. The folder must exist.
    """
    first, *rest = path.name.split(".")
    aside = path.with_name(".".join([f".{first}-{os.getpid()}", *rest]))
    try:
        yield aside
        with aside.open("rb+") as file:
            os.fsync(file.fileno())  # on the disk before the name, should the power fail
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
