"""What a test leaves behind for the next one in the same process: nothing. Workers get one thread each."""

import os
import sys

import pytest

from helpers.course.processes import ONE_THREAD


def pytest_configure(config):
    if hasattr(config, "workerinput"):
        os.environ.update(ONE_THREAD)


@pytest.fixture(autouse=True)
def nothing_stays():
    """No variable of the environment, and no page of Streamlit's tests in the place of the main module."""
    main, environment = sys.modules["__main__"], dict(os.environ)
    yield
    sys.modules["__main__"] = main
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    os.environ.update(environment)


@pytest.fixture(scope="session", autouse=True)
def graphs_as_they_are_built():
    """Optimizing a graph takes longer than the few steps that a test runs it for."""
    if tensorflow := sys.modules.get("tensorflow"):  # the tests that need it have imported it by now
        tensorflow.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
