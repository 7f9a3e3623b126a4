"""What the notebooks import: runs, data, plots, metrics and results. See each module."""

from typing import TYPE_CHECKING, Any

import data_prework  # noqa: F401  it says in a sentence which packages are missing

if TYPE_CHECKING:
    from helpers.run import start

__all__ = ["start"]


def __getattr__(name: str) -> Any:
    """`helpers.start`, loaded when it is asked for: a command's --help needs no pandas."""
    if name == "start":
        from helpers.run import start

        return start
    raise AttributeError(f"module 'helpers' has no attribute {name!r}")
