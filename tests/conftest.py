"""What a test leaves behind for the next one in the same process: nothing."""

import sys

import pytest


@pytest.fixture(autouse=True)
def nothing_stays():
    """Streamlit's tests put a page in the place of the main module, which new processes then try to run."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main
