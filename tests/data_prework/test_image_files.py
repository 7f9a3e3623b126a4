"""Images from anywhere: the pixels of training, or a reason in words."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from data_prework.image_files import MAX_BYTES, RejectedImageError, fit_image, read_image, read_prepared

RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (40, 60, 3)).astype(np.uint8)


def content(image: Image.Image, kind: str = "PNG", **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("color_mode", ["grayscale", "rgb"])
@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_prepared_file_gives_the_same_pixels_a_large_one_too(tmp_path, mode, color_mode):
    image = Image.fromarray(RNG.integers(0, 256, (30, 40, 3)).astype(np.uint8)).convert(mode)
    for name, one in (("small.png", image), ("small.jpg", image), ("big.jpg", image.resize((900, 640)))):
        one.save(tmp_path / name)
        expected = read_image(tmp_path / name, (24, 36), color_mode)
        np.testing.assert_array_equal(read_prepared(tmp_path / name, (24, 36), color_mode), expected)


def test_bytes_and_path_and_array_give_the_same_pixels(tmp_path):
    (tmp_path / "a.png").write_bytes(content(Image.fromarray(PIXELS)))
    from_path = read_image(str(tmp_path / "a.png"), (30, 30))
    np.testing.assert_array_equal(from_path, read_image((tmp_path / "a.png").read_bytes(), (30, 30)))
    np.testing.assert_array_equal(from_path, fit_image(PIXELS, (30, 30)))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), PIXELS)


def test_a_turned_photo_is_set_upright():
    exif = Image.Exif()
    exif[0x0112] = 6  # stored lying on its side
    upright = read_image(content(Image.fromarray(np.rot90(PIXELS).copy()), exif=exif))
    np.testing.assert_array_equal(upright, PIXELS)


def test_transparent_parts_are_white_and_palettes_become_rgb():
    clear = Image.new("RGBA", (40, 40), (10, 20, 30, 0))
    assert (read_image(content(clear)) == 255).all()
    palette = Image.new("RGB", (40, 40), (200, 10, 60)).convert("P", palette=Image.Palette.ADAPTIVE)
    assert abs(read_image(content(palette)).astype(int) - [200, 10, 60]).max() <= 2


def test_cmyk_becomes_rgb():
    red = Image.new("CMYK", (40, 40), (0, 255, 255, 0))
    mean = read_image(content(red, "JPEG", quality=95)).mean(axis=(0, 1))
    assert mean[0] > 230 and mean[1:].max() < 30


@pytest.mark.parametrize("top", [4095, 65535])
def test_sixteen_bits_are_scaled_from_their_own_range(top):
    ramp = np.linspace(0, top, 40 * 40).astype(np.uint16).reshape(40, 40)
    gray = read_image(content(Image.fromarray(ramp)), color_mode="grayscale")
    assert gray.shape == (40, 40, 1) and gray.min() == 0 and gray.max() == 255


def test_of_a_phones_two_images_in_one_jpeg_the_first_is_taken():
    first, second = Image.new("RGB", (40, 40), "white"), Image.new("RGB", (40, 40), "black")
    assert read_image(content(first, "MPO", save_all=True, append_images=[second])).min() > 250


def test_floating_point_pixels_are_refused():
    with pytest.raises(RejectedImageError, match="scale is unknown"):
        read_image(content(Image.fromarray(np.zeros((40, 40), np.float32)), "TIFF"))


def huge_png(side: int) -> bytes:
    """The header of a PNG of side x side pixels, with almost no content: a decompression bomb."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def animation() -> bytes:
    frames = [Image.new("L", (40, 40), level) for level in (0, 200)]
    return content(frames[0], "GIF", save_all=True, append_images=frames[1:])


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "zero bytes"),
        (b"This is a letter, not an image.", "not an image"),
        (b"%PDF-1.7 a document", "not an image"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n", "not an image"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='50' height='50'/>", "not an image"),
        (content(Image.fromarray(PIXELS), "JPEG", quality=95)[:-900], "truncated"),
        (content(Image.fromarray(PIXELS))[:-3000], "truncated"),
        (huge_png(60_000), "too large"),
        (huge_png(8_000), "too large: 8,000 x 8,000 pixels"),
        (animation(), "animated"),
        (content(Image.new("L", (5, 300))), "too small"),
    ],
    ids=["empty", "text", "pdf", "eps", "svg", "cut jpeg", "cut png", "bomb", "many pixels", "animated", "tiny"],
)
def test_a_bad_file_is_refused_with_its_reason(data, reason):
    with pytest.raises(RejectedImageError, match=reason):
        read_image(data, (32, 32))


def test_a_file_of_too_many_bytes_is_refused_before_it_is_read(tmp_path):
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)  # a sparse file: it takes no room
    with pytest.raises(RejectedImageError, match="over the limit of 200 MB"):
        read_image(tmp_path / "large.png")


@pytest.mark.parametrize("place", ["missing.png", ".", "no\0name"])
def test_a_path_that_is_no_file_is_refused(tmp_path, place):
    with pytest.raises(RejectedImageError, match=r"unreadable path|not a file"):
        read_image(f"{tmp_path}/{place}")


@pytest.mark.parametrize(
    "array", [PIXELS / 255, PIXELS[None], np.zeros((40, 40, 4), np.uint8), np.zeros((0, 40), np.uint8)]
)
def test_an_array_of_another_kind_is_a_mistake_of_the_caller(array):
    with pytest.raises(ValueError, match="images"):
        fit_image(array)


def test_an_unknown_color_mode_is_named():
    with pytest.raises(ValueError, match="color_mode is 'bgr'"):
        read_image(b"x", color_mode="bgr")
