"""Real images, where they lie beside the project, go the whole way: prepare, load, train, evaluate."""

import keras
import pytest

from data_prework.files import PROJECT
from data_prework.prepare import prepare
from helpers.data import load_dataset
from helpers.metrics import evaluate

REAL = PROJECT.parent / "shared" / "data" / "concrete_cracks"


@pytest.mark.real
@pytest.mark.skipif(not REAL.is_dir(), reason="the real crack patches are not beside the project (shared/data)")
def test_a_small_network_learns_real_cracks(tmp_path, monkeypatch):
    for label in ("Positive", "Negative"):
        (tmp_path / "raw" / label).mkdir(parents=True)
        for block in range(0, 5000, 250):  # twenty blocks of the file numbers, fifteen patches of each
            for path in sorted((REAL / label).iterdir())[block : block + 15]:
                (tmp_path / "raw" / label / path.name).symlink_to(path)
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    prepare("concrete_cracks", tmp_path / "raw", data_dir=tmp_path / "data", verbose=False)
    data = load_dataset("concrete_cracks", image_size=32, color_mode="grayscale", source="real")
    assert data.source == "real" and not set(data.train.groups) & set(data.test.groups)
    keras.utils.set_random_seed(1)
    layers = keras.layers
    net = keras.Sequential(
        [
            keras.Input((32, 32, 1)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(32, 3, activation="relu"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    net.compile(keras.optimizers.Adam(3e-3), "binary_crossentropy")
    net.fit(data.train.batches, validation_data=data.val.batches, epochs=12, verbose=0)
    scores = evaluate(data.test.labels, net.predict(data.test.images, verbose=0), groups=data.test.groups)
    assert scores.interval("balanced_accuracy")[0] > 0.8
