"""A model as it goes out: a folder with the network, its labels, decision rule, scores and origin, and a card to read.

model.keras     the network, its preprocessing inside, without the optimizer
reference.npz   numbers of training images, to tell whether a new image is unlike them
bundle.json     everything else; the only file that says how to use the other two, and their sha256
MODEL_CARD.md   the same for people
"""

from helpers.deploy.bundle.finding import bundle_labels, find_bundles
from helpers.deploy.bundle.loading import Bundle, load_bundle
from helpers.deploy.bundle.saving import Provenance, save_bundle
from helpers.deploy.bundle_checks import BundleError

__all__ = ["Bundle", "BundleError", "Provenance", "bundle_labels", "find_bundles", "load_bundle", "save_bundle"]
