"""The audit that watches the notebooks' training, in nbval: it lets training data pass and catches test images."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from data_prework.files import PROJECT
from data_prework.manifest import find_prepared
from helpers.course.forked_kernels import AVAILABLE
from tests.weekly import WEEKLY

SETUP = """
import helpers
run = helpers.start(lesson="99")
import keras
import helpers.data
data = helpers.data.load_dataset("concrete_cracks", image_size=16, color_mode="grayscale", max_images=60)
body = keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Conv2D(8, 3)])
def head():
    net = keras.Sequential([keras.Input((8,)), keras.layers.Dense(1, activation="sigmoid")])
    net.compile("adam", "binary_crossentropy")
    return net
def small():
    one = keras.layers.Dense(1, activation="sigmoid")
    net = keras.Sequential([keras.Input((16, 16, 1)), keras.layers.Flatten(), one])
    net.compile("adam", "binary_crossentropy")
    return net
"""
HONEST = "_ = small().fit(data.train.batches, validation_data=data.val.batches, verbose=0)"
HONEST_FEATURES = """stored = body.predict(data.train.images, verbose=0).mean(axis=(1, 2))
_ = body.predict(data.test.images, verbose=0)
_ = head().fit(stored, data.train.labels, verbose=0)"""
FOLDS = """whole = helpers.data.load_dataset("chest_xray", image_size=16, color_mode="grayscale", max_images=60).pooled
from sklearn.linear_model import LogisticRegression
rows = whole.images.reshape(len(whole), -1) / 255
_ = LogisticRegression(C=0.1).fit(rows, whole.labels)"""
CAUGHT = {
    "training on test": "small().fit(data.test.images, data.test.labels, verbose=0)",
    "choosing by test": "small().fit(data.train.batches, validation_data=data.test.batches, verbose=0)",
    "scikit-learn": """from sklearn.linear_model import LogisticRegression
LogisticRegression().fit(data.test.images.reshape(len(data.test), -1) / 255, data.test.labels)""",
    "stored features": """stored = body.predict(data.test.images, verbose=0).mean(axis=(1, 2))
head().fit(stored, data.test.labels, verbose=0)""",
}


@pytest.fixture
def audited(tmp_path, monkeypatch):
    """New kernels run the audit as they start; a notebook of the given cells."""
    if None in [find_prepared(name, "embedded") for name in ("concrete_cracks", "chest_xray")]:
        pytest.skip("the embedded data are not made yet")
    startup = tmp_path / "profile_default" / "startup"
    startup.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("audit.py"), startup)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    monkeypatch.setenv("COURSE_SOURCE", "embedded")
    return lambda *cells: nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))


@pytest.mark.parametrize("kernels", ["forked", "new"] if WEEKLY else ["forked" if AVAILABLE else "new"])
def test_the_audit_passes_honest_training_and_catches_test_images(kernels, audited, tmp_path):
    if kernels == "forked" and not AVAILABLE:
        pytest.skip("kernels are forked on Linux only")
    begun = f"import sys; assert ('keras' in sys.modules) == {kernels == 'forked'}"
    nbformat.write(audited(begun, SETUP, HONEST, HONEST_FEATURES, FOLDS, *CAUGHT.values()), tmp_path / "cells.ipynb")
    options = ["-q", "-rN", "-p", "no:cacheprovider", "-p", "tests.notebooks.forked_nbval"]
    options += ["--nbval-lax", "--nbval-current-env", str(tmp_path / "cells.ipynb")]
    command = [sys.executable, "-m", "pytest", *options, *["--cold"] * (kernels == "new")]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert f"{len(CAUGHT)} failed, 5 passed" in done.stdout, done.stdout
    said = re.findall(r": \d+ test image\(s\)(?:, as stored features,)? were given to", done.stdout)
    assert len(said) == len(CAUGHT), done.stdout
