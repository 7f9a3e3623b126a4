"""The audit that watches the notebooks' training: it lets training data pass and catches test images."""

import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from data_prework.manifest import find_prepared

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


@pytest.mark.skipif(find_prepared("concrete_cracks", "embedded") is None, reason="the embedded data are not made yet")
def test_the_audit_passes_honest_training_and_catches_test_images(tmp_path, monkeypatch):
    startup = tmp_path / "profile_default" / "startup"
    startup.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name("audit.py"), startup)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setenv("COURSE_PROFILE", "quick")
    monkeypatch.setenv("COURSE_SOURCE", "embedded")
    cells = [SETUP, HONEST, HONEST_FEATURES, *CAUGHT.values()]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True).execute()
    faults = [next((o.evalue for o in cell.outputs if o.output_type == "error"), "") for cell in notebook.cells]
    assert faults[:3] == ["", "", ""]
    for what, fault in zip(CAUGHT, faults[3:], strict=True):
        assert re.search(r"test image\(s\)(, as stored features,)? were given to", fault), what
