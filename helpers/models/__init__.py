"""Networks and their training: a small CNN, backbones, and the models of the five published projects."""

from helpers.models.backbones import COURSE_WEIGHTS, NoWeightsError, load_backbone, unfreeze
from helpers.models.course_backbone import course_network
from helpers.models.imagenet import decode_predictions, load_imagenet_classifier
from helpers.models.losses import LossError, check_loss
from helpers.models.reference_layers import split_at_backbone
from helpers.models.reference_models import REFERENCE_MODELS, ReferenceModel
from helpers.models.reference_projects import REFERENCE_PROJECTS, ReferenceProject
from helpers.models.small_cnn import small_cnn
from helpers.models.training import Training, fit_best, predict_and_evaluate

__all__ = [
    "COURSE_WEIGHTS",
    "REFERENCE_MODELS",
    "REFERENCE_PROJECTS",
    "LossError",
    "NoWeightsError",
    "ReferenceModel",
    "ReferenceProject",
    "Training",
    "check_loss",
    "course_network",
    "decode_predictions",
    "fit_best",
    "load_backbone",
    "load_imagenet_classifier",
    "predict_and_evaluate",
    "small_cnn",
    "split_at_backbone",
    "unfreeze",
]
