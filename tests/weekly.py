"""What a push tries for one or a few of several like things, `make weekly` tries for all."""

import os
import zlib
from collections.abc import Sequence

WEEKLY = os.environ.get("COURSE_TESTS") == "all"


def chosen(name: str, of: Sequence[str], every: bool = WEEKLY) -> list[str]:
    """The one of several that stands for them in a test, always the same for `name`; all where `every` says so."""
    return list(of) if every else [of[zlib.crc32(name.encode()) % len(of)]]
