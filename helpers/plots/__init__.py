"""The figures of the course, in one style: at most 900 pixels wide, text of 9 points or more, one color for one thing.

Every function returns the figure or the axes and never shows it; end the cell with `plt.show()`. A wrong argument is
rejected by name with a ValueError.
"""

from helpers.plots.images import class_balance, image_sizes, sample_grid
from helpers.plots.overlays import overlay, overlay_grid
from helpers.plots.scores import confusion_matrix_plot, score_intervals
from helpers.plots.style import CLASS_COLOURS, PALETTE, SPLIT_COLOURS, model_colour, use_style
from helpers.plots.training import compare_histories, history_plot

__all__ = [
    "CLASS_COLOURS",
    "PALETTE",
    "SPLIT_COLOURS",
    "class_balance",
    "compare_histories",
    "confusion_matrix_plot",
    "history_plot",
    "image_sizes",
    "model_colour",
    "overlay",
    "overlay_grid",
    "sample_grid",
    "score_intervals",
    "use_style",
]
