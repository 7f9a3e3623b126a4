"""The figures of the course, in one style: at most 900 pixels wide, text of 9 points or more, one color for one thing.

Every function returns its axes, or a list of them with the figure as `.figure`; in a notebook the figure appears below
the cell. A wrong argument is rejected by name with a ValueError.
"""

from helpers.plots.classes import plot_class_scores, plot_confusions, plot_curves
from helpers.plots.datasets import plot_class_balance, plot_image_sizes
from helpers.plots.images import plot_images
from helpers.plots.learning_curves import plot_learning_curves
from helpers.plots.networks.evaluation import (
    plot_confusion_terms,
    plot_resamples,
    plot_splits,
    plot_threshold,
)
from helpers.plots.networks.explanations import plot_grad_cam, plot_occlusion
from helpers.plots.networks.layers import (
    plot_backbone,
    plot_backpropagation,
    plot_layers,
    plot_network,
    plot_neuron,
)
from helpers.plots.networks.operations import plot_convolution, plot_filter, plot_pooling
from helpers.plots.networks.regularization import plot_augmentation, plot_batch_normalization, plot_dropout
from helpers.plots.networks.training import (
    plot_brackets,
    plot_early_stopping,
    plot_replicas,
    plot_search,
)
from helpers.plots.overlays import overlay, plot_overlays
from helpers.plots.scores import plot_confusion_matrix, plot_scores
from helpers.plots.style import CLASS_COLORS, COLORS, PALETTE, SPLIT_COLORS, Panels, model_color, use_style
from helpers.plots.training import plot_histories, plot_history

__all__ = [
    "CLASS_COLORS",
    "COLORS",
    "PALETTE",
    "SPLIT_COLORS",
    "Panels",
    "model_color",
    "overlay",
    "plot_augmentation",
    "plot_backbone",
    "plot_backpropagation",
    "plot_batch_normalization",
    "plot_brackets",
    "plot_class_balance",
    "plot_class_scores",
    "plot_confusion_matrix",
    "plot_confusion_terms",
    "plot_confusions",
    "plot_convolution",
    "plot_curves",
    "plot_dropout",
    "plot_early_stopping",
    "plot_filter",
    "plot_grad_cam",
    "plot_histories",
    "plot_history",
    "plot_image_sizes",
    "plot_images",
    "plot_layers",
    "plot_learning_curves",
    "plot_network",
    "plot_neuron",
    "plot_occlusion",
    "plot_overlays",
    "plot_pooling",
    "plot_replicas",
    "plot_resamples",
    "plot_scores",
    "plot_search",
    "plot_splits",
    "plot_threshold",
    "use_style",
]
