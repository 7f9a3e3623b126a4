"""The tiny data set of the helpers' tests, for the tests of the course's machinery that ask for it."""

import pytest

from tests.helpers.conftest import home, point_at

__all__ = ["home", "places"]


@pytest.fixture
def places(home, tmp_path, monkeypatch):
    """The tiny data and an empty results store."""
    point_at(home, tmp_path, monkeypatch)
