"""What a test leaves behind for the next one in the same process: nothing."""

import sys

import pytest


@pytest.fixture(autouse=True)
def nothing_stays():
    """Streamlit's tests put a page in the place of the main module, which new processes then try to run; and a lesson
    that was started decides where others look for data."""
    main = sys.modules["__main__"]
    run = sys.modules.get("helpers.run")
    started = list(run._last) if run else []
    yield
    sys.modules["__main__"] = main
    if run := sys.modules.get("helpers.run"):
        run._last[:] = started
