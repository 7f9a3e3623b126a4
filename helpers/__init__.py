"""What the notebooks import: runs, data, plots, metrics and results. See each module."""

import data_prework  # noqa: F401  it says in a sentence which packages are missing
from helpers.run import start

__all__ = ["start"]
