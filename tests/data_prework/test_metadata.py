"""Copies tell nothing of people and places, and show the same pixels."""

import io

import numpy as np
import pytest
from PIL import Image, JpegImagePlugin, PngImagePlugin

from data_prework.image_files import read_image, write_copy
from data_prework.metadata import without_metadata
from tests.data_prework.conftest import encoded, sample_image

IMAGE = sample_image(3, (96, 64))


def about_jane(orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[0x013B], exif[0x0112] = "Jane Doe", orientation
    exif.get_ifd(0x8825).update({1: "N", 2: (47.0, 22.0, 1.0)})
    return exif


def texts() -> PngImagePlugin.PngInfo:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "Jane Doe")
    info.add_itxt("XML:com.adobe.xmp", "<x>Jane Doe</x>")
    return info


TELLING = {
    "jpeg": encoded(IMAGE, exif=about_jane(), comment=b"Jane Doe", xmp=b"<x>Jane Doe</x>"),
    "progressive": encoded(IMAGE, exif=about_jane(), progressive=True),
    "iptc": encoded(IMAGE)[:2] + b"\xff\xed\0\x1ePhotoshop 3.0\x008BIMJane Doe.." + encoded(IMAGE)[2:],
    "behind the end": encoded(IMAGE) + b"a video by Jane Doe",
    "two images": encoded(IMAGE, "MPO", save_all=True, append_images=[sample_image(4)], comment=b"Jane Doe"),
    "png": encoded(IMAGE, "PNG", exif=about_jane(), pnginfo=texts()),
    "webp": encoded(IMAGE, "WEBP", exif=about_jane(), xmp=b"<x>Jane Doe</x>"),
    "lossless webp": encoded(IMAGE, "WEBP", lossless=True, exif=about_jane()),
}


@pytest.mark.parametrize("name", TELLING)
def test_names_and_places_are_taken_out_and_pixels_stay(name):
    data = TELLING[name]
    clean = without_metadata(data)
    assert b"Jane" in data and b"Jane" not in clean and b"Exif" not in clean
    np.testing.assert_array_equal(read_image(clean), read_image(data))
    with Image.open(io.BytesIO(clean)) as image:
        assert not image.getexif() and getattr(image, "n_frames", 1) == 1
    assert without_metadata(clean) is clean


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF"])
def test_where_there_is_nothing_to_take_out_the_bytes_stay(kind):
    data = encoded(IMAGE, kind)
    assert without_metadata(data) is data


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_the_color_profile_stays(kind):
    clean = without_metadata(encoded(IMAGE, kind, icc_profile=b"a profile" * 20, exif=about_jane()))
    with Image.open(io.BytesIO(clean)) as image:
        assert image.info["icc_profile"] == b"a profile" * 20


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("orientation", [3, 6])
def test_a_rotated_photo_stays_a_jpeg_of_its_quality(tmp_path, orientation, subsampling):
    data = encoded(IMAGE, quality=85, subsampling=subsampling, exif=about_jane(orientation), comment=b"Jane Doe")
    write_copy(data, tmp_path / "a.jpg")
    copy = (tmp_path / "a.jpg").read_bytes()
    assert b"Jane" not in copy and len(copy) < 1.6 * len(data)
    with Image.open(tmp_path / "a.jpg") as image, Image.open(io.BytesIO(data)) as raw:
        assert image.quantization == raw.quantization
        assert JpegImagePlugin.get_sampling(image) == (0 if subsampling == 1 and orientation == 6 else subsampling)
    before, after = (read_image(one, color_mode="grayscale").astype(int) for one in (data, copy))
    assert np.abs(before - after).mean() < 3


def test_what_is_encoded_anew_as_png_tells_nothing_either(tmp_path):
    data = encoded(IMAGE.convert("RGBA"), "PNG", exif=about_jane(), pnginfo=texts())
    write_copy(data, tmp_path / "a.png")
    assert b"Jane" not in (tmp_path / "a.png").read_bytes()
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), read_image(data))
