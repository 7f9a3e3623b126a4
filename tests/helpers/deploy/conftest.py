"""Bundles hold networks that are asked a few times: no graph is worth its building here."""

import pytest
import tensorflow as tf


@pytest.fixture(scope="module", autouse=True)
def without_graphs():
    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)
