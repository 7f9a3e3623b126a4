"""What the notebooks import: runs, data, plots, metrics and results. See each module."""

from helpers.run import start

__all__ = ["start"]
