"""A tiny prepared data set, made once: bright squares are positive, three images a group."""

import numpy as np
import pytest
from PIL import Image

from data_prework.prepare import Settings, prepare


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """Folder of all data with one prepared data set `squares`: 48 dark and 48 bright pictures, grouped by three."""
    place = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for label, level in (("bright", 170), ("dark", 60)):
        folder = place / "raw" / label
        folder.mkdir(parents=True)
        for i in range(48):
            pixels = rng.normal(level, 30, (40, 50, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{label}{i // 3:02d}_{i % 3}.png")
    prepare("squares", place / "raw", Settings(group_pattern=r"([a-z]+\d+)_"), data_dir=place, verbose=False)
    return place


@pytest.fixture(scope="session")
def shades(home):
    """Beside `squares` a data set of three classes: 30 dark, 30 bright and 24 medium images."""
    rng = np.random.default_rng(1)
    for label, level, count in (("bright", 200, 30), ("dark", 40, 30), ("medium", 120, 24)):
        folder = home / "raw_shades" / label
        folder.mkdir(parents=True)
        for i in range(count):
            pixels = rng.normal(level, 30, (40, 50, 3)).clip(0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(folder / f"{i:02d}.png")
    return prepare("shades", home / "raw_shades", data_dir=home, verbose=False)


def point_at(home, tmp_path, monkeypatch) -> None:
    """Point the course at some data and at an empty results store."""
    monkeypatch.setenv("COURSE_DATA", str(home))
    monkeypatch.setenv("COURSE_RESULTS", str(tmp_path / "results"))
    for name in ("COURSE_PROFILE", "COURSE_SOURCE", "COURSE_DATASET", "COURSE_GRAPHS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def places(home, tmp_path, monkeypatch):
    """The tiny data and an empty results store for every test."""
    point_at(home, tmp_path, monkeypatch)
