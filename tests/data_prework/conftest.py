"""Small raw folders, drawn on the spot, that the tests of data_prework share."""

import hashlib
import io
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prework.prepare import Settings, prepare


def pixels(number: int, size: tuple[int, int] = (50, 40), gray: bool = False) -> np.ndarray:
    """Random structure that survives saving as JPEG: (height, width[, 3]) uint8, the same for the same number."""
    shape = (16, 16) if gray else (16, 16, 3)
    noise = np.random.default_rng(number).integers(0, 256, shape, dtype=np.uint8)
    return np.asarray(Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC))


def sample_image(number: int, size: tuple[int, int] = (50, 40), gray: bool = False) -> Image.Image:
    return Image.fromarray(pixels(number, size, gray))


def encoded(image: Image.Image, kind: str = "JPEG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def fill(folder: Path, count: int, start: int, **options) -> Path:
    """`count` different JPEGs, numbered from `start`."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(start, start + count):
        sample_image(number).save(folder / f"{number:04d}.jpg", **({"quality": 90} | options))
    return folder


def two_classes(root: Path, count: int = 24) -> Path:
    """elm/ and oak/ with `count` different images each."""
    fill(root / "elm", count, 0)
    fill(root / "oak", count, 1000)
    return root


def snapshot(root: Path) -> dict:
    """Everything below a folder that could be changed: content, times, rights."""
    return {
        str(path): (
            path.lstat().st_mtime_ns,
            path.lstat().st_mode,
            hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in [root, *sorted(root.rglob("*"))]
    }


def quiet(name: str, raw: Path, data_dir: Path, said: list[str] | None = None, **settings) -> Path:
    """prepare() whose report goes to a list."""
    with redirect_stdout(io.StringIO()) as report:
        folder = prepare(name, raw, Settings(**settings), data_dir=data_dir)
    if said is not None:
        said += report.getvalue().splitlines()
    return folder


@pytest.fixture(scope="session")
def leaves_raw(tmp_path_factory) -> Path:
    """A sound raw folder; never write into it."""
    return two_classes(tmp_path_factory.mktemp("sound") / "raw")


@pytest.fixture(scope="session")
def leaves_home(tmp_path_factory, leaves_raw) -> Path:
    """A data home with `leaves` prepared; never write into it."""
    home = tmp_path_factory.mktemp("home")
    quiet("leaves", leaves_raw, home)
    return home
