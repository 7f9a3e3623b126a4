"""Networks: pretrained backbones, the course's own, and the models of the five published projects."""

from helpers.models.backbones import COURSE_WEIGHTS, NoWeightsError, load_backbone, unfreeze
from helpers.models.course_backbone import course_network
from helpers.models.reference_layers import split_at_backbone
from helpers.models.reference_models import REFERENCE_MODELS, ReferenceModel
from helpers.models.reference_projects import REFERENCE_PROJECTS, ReferenceProject

__all__ = [
    "COURSE_WEIGHTS",
    "REFERENCE_MODELS",
    "REFERENCE_PROJECTS",
    "NoWeightsError",
    "ReferenceModel",
    "ReferenceProject",
    "course_network",
    "load_backbone",
    "split_at_backbone",
    "unfreeze",
]
