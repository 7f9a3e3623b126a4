"""The audit that watches the notebooks' training: it lets training data pass and catches test images."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from data_prework.files import PROJECT
from data_prework.manifest import find_prepared
from helpers.course.forked_kernels import AVAILABLE

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
    if find_prepared("concrete_cracks", "embedded") is None:
        pytest.skip("the embedded data are not made yet")
    startup = tmp_path / "profile_default" / "startup"
    startup.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("audit.py"), startup)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    monkeypatch.setenv("COURSE_SOURCE", "embedded")
    return lambda *cells: nbformat.v4.new_notebook(cells=list(map(nbformat.v4.new_code_cell, cells)))


def test_the_audit_passes_honest_training_and_catches_test_images(audited):
    notebook = audited(SETUP, HONEST, HONEST_FEATURES, *CAUGHT.values())
    NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True).execute()
    faults = [next((o.evalue for o in cell.outputs if o.output_type == "error"), "") for cell in notebook.cells]
    assert faults[:3] == ["", "", ""]
    for what, fault in zip(CAUGHT, faults[3:], strict=True):
        assert re.search(r"test image\(s\)(, as stored features,)? were given to", fault), what


@pytest.mark.skipif(not AVAILABLE, reason="kernels are forked on Linux only")
def test_a_forked_kernel_of_nbval_obeys_the_audit(audited, tmp_path):
    forked = "import sys; assert 'keras' in sys.modules"
    nbformat.write(audited(forked, SETUP, HONEST, *CAUGHT.values()), tmp_path / "cells.ipynb")
    options = ["-q", "-rN", "-n", "1", "-p", "no:cacheprovider", "-p", "tests.notebooks.forked_nbval"]
    options += ["--nbval-lax", "--nbval-current-env", str(tmp_path / "cells.ipynb")]
    command = [sys.executable, "-m", "pytest", *options]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert f"{len(CAUGHT)} failed, 3 passed" in done.stdout, done.stdout
    assert len(re.findall(r": \d+ test image", done.stdout)) == len(CAUGHT), done.stdout
