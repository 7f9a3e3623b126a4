"""Where a network looked: heatmaps, the model in two parts that they need, and scores of the maps."""

from helpers.heatmaps.feature_extractor import FeatureExtractor
from helpers.heatmaps.methods import METHODS, blurred, heatmap
from helpers.heatmaps.scores import baseline_maps, curves, load_masks, mask_scores, mean_interval

__all__ = [
    "METHODS",
    "FeatureExtractor",
    "baseline_maps",
    "blurred",
    "curves",
    "heatmap",
    "load_masks",
    "mask_scores",
    "mean_interval",
]
