"""Whether the weights of EfficientNet-Lite0 are installed: the course installs them, an older folder lacks them."""

from importlib.metadata import PackageNotFoundError, version

import pytest

from data_prework.sources.weights import PACKAGED

PACKAGE = PACKAGED["EfficientNetLite0"].package


def _installed() -> bool:
    try:
        return bool(version(PACKAGE))
    except PackageNotFoundError:
        return False


needs_weights = pytest.mark.skipif(not _installed(), reason=f"the package {PACKAGE} isn't installed")
