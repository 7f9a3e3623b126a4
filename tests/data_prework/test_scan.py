"""Every file is read fully: what is rejected and in which words, and what the pixels are after conversion."""

import os
import socket
import struct
import sys
import zlib
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image

from data_prework.image_files import RejectedImageError, convert
from data_prework.layout import read_layout
from data_prework.scan import describe, jpeg_quality, scan
from tests.data_prework.conftest import encoded, pixels, sample_image, snapshot, two_classes


def reason(path: Path, **limits) -> str:
    with pytest.raises(RejectedImageError) as caught:
        describe(path, **limits)
    return str(caught.value)


def after(path: Path) -> np.ndarray:
    """Pixels after conversion; the description must agree with them."""
    facts = describe(path)
    with Image.open(path) as image:
        plain = convert(image)
    assert plain.mode in ("L", "RGB")
    assert plain.size == (facts["width"], facts["height"])
    return np.asarray(plain)


def png_header(width: int, height: int) -> bytes:
    """A PNG that promises width x height pixels and holds none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind, name", [("JPEG", "a.jpg"), ("PNG", "a.png"), ("BMP", "a.bmp"), ("TIFF", "a.tif")])
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_file_is_rejected(tmp_path, kind, name, share):
    data = encoded(sample_image(1), kind)
    (tmp_path / name).write_bytes(data[: int(len(data) * share)])
    assert reason(tmp_path / name).startswith(("truncated or damaged", "not an image"))


def test_a_truncated_jpeg_is_called_truncated(tmp_path):
    (tmp_path / "a.jpg").write_bytes(encoded(sample_image(1))[:-200])
    assert reason(tmp_path / "a.jpg").startswith("truncated")


@pytest.mark.parametrize(
    "name, content, words",
    [
        ("a.jpg", b"To do: ask for the images again.\n", "not an image: text"),
        ("a.jpg", b"<!DOCTYPE html><html><body>404</body></html>", "not an image: a web page"),
        ("notes.txt", b"text", "not an image: text"),
        ("a.jpg", bytes([1, 2, 3, 4]), "not an image: the content is of no known image format"),
        ("a.jpg", b"", "zero bytes"),
        (
            "a.png",
            encoded(sample_image(1, (40, 27)), "PNG"),
            "too small: 40 x 27 pixels, under 28 on a side (--min-side",
        ),
    ],
)
def test_a_file_is_rejected_in_words(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    assert reason(tmp_path / name).startswith(words)


@pytest.mark.parametrize("kind, name", [("GIF", "a.gif"), ("WEBP", "a.webp"), ("PNG", "a.png"), ("TIFF", "a.tif")])
def test_animations_and_several_pages_are_rejected(tmp_path, kind, name):
    frames = {"save_all": True, "append_images": [sample_image(2), sample_image(3)]}
    (tmp_path / name).write_bytes(encoded(sample_image(1), kind, **frames))
    assert reason(tmp_path / name).startswith("animated or several pages: 3 frames")


@pytest.mark.parametrize("kind, name", [("GIF", "a.gif"), ("WEBP", "a.webp"), ("BMP", "a.BMP"), ("JPEG", "a.JPEG")])
def test_still_images_of_every_format_are_taken(tmp_path, kind, name):
    (tmp_path / name).write_bytes(encoded(sample_image(1), kind))
    assert describe(tmp_path / name)["encoding"].startswith(kind)


def test_the_smallest_side_can_be_set(tmp_path):
    sample_image(1, (50, 40)).save(tmp_path / "a.png")
    assert reason(tmp_path / "a.png", min_side=41).startswith("too small")
    assert describe(tmp_path / "a.png", min_side=40)["height"] == 40


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("width, height", [(8_000, 8_000), (10_001, 10_001), (30_000, 30_000)])
def test_a_decompression_bomb_is_rejected_before_it_is_decoded(tmp_path, width, height):
    (tmp_path / "a.png").write_bytes(png_header(width, height))  # decoding it would say: truncated
    assert reason(tmp_path / "a.png").startswith("too large")


def test_the_pixel_limit_can_be_set(tmp_path):
    sample_image(1, (50, 40)).save(tmp_path / "a.png")
    assert reason(tmp_path / "a.png", max_pixels=1999).startswith("too large: 50 x 40 pixels")
    assert describe(tmp_path / "a.png", max_pixels=2000)["width"] == 50


def test_unreadable_paths_are_rejected(tmp_path, monkeypatch):
    (tmp_path / "broken.jpg").symlink_to(tmp_path / "gone.jpg")
    (tmp_path / "loop.jpg").symlink_to(tmp_path / "loop.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    (tmp_path / "folder.jpg").mkdir()
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    server = socket.socket(socket.AF_UNIX)
    server.bind("socket.jpg")
    server.close()
    for name in ("broken.jpg", "loop.jpg", "pipe.jpg", "folder.jpg", "socket.jpg"):
        assert reason(tmp_path / name).startswith("unreadable path: "), name


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_the_right_to_read_is_rejected(tmp_path):
    sample_image(1).save(tmp_path / "a.jpg")
    (tmp_path / "a.jpg").chmod(0)
    assert reason(tmp_path / "a.jpg") == "unreadable path: Permission denied"


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS takes no such names")
def test_a_name_that_is_not_utf8_is_rejected(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.jpg"))
    path.write_bytes(encoded(sample_image(1)))
    assert reason(path) == "unreadable path: its name is not valid UTF-8"


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's remarks
def test_no_damage_of_a_file_stops_the_scan(tmp_path):
    random = np.random.default_rng(5)
    sound = {
        ending: encoded(sample_image(1), kind)
        for kind, ending in [("JPEG", "jpg"), ("PNG", "png"), ("TIFF", "tif"), ("WEBP", "webp"), ("GIF", "gif")]
    }
    for trial in range(300):
        ending = list(sound)[trial % len(sound)]
        data = bytearray(sound[ending])
        for place in random.integers(0, len(data) if trial % 2 else 60, 4):
            data[place] = random.integers(256)
        path = tmp_path / f"a.{ending}"
        path.write_bytes(data)
        try:
            describe(path)
        except RejectedImageError as error:
            assert str(error)


@pytest.mark.parametrize("bits", [8, 12, 16])
@pytest.mark.parametrize("name", ["a.png", "a.tif"])
def test_sixteen_bits_are_scaled_from_the_depth_that_is_given(tmp_path, bits, name):
    values = (pixels(1, gray=True).astype(float) * (2**bits - 1) / 255 / 2).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / name)
    with Image.open(tmp_path / name) as image:
        assert np.array_equal(convert(image, bits), np.round(values / (2**bits - 1) * 255).astype(np.uint8))
    facts = describe(tmp_path / name)
    assert facts["largest"] == values.max() and facts["convert"] and facts["suffix"] == ".png"


def test_the_hash_of_sixteen_bits_is_the_same_at_every_depth(tmp_path):
    hashes = []
    for bits in (8, 12, 16):
        Image.fromarray((pixels(1, gray=True).astype(float) * (2**bits - 1) / 255).astype(np.uint16)).save(
            tmp_path / "a.png"
        )
        hashes.append(int(describe(tmp_path / "a.png")["phash"], 16))
    assert max((hashes[0] ^ one).bit_count() for one in hashes) <= 8


def test_values_above_the_depth_that_is_given_are_rejected(tmp_path):
    Image.fromarray(np.full((40, 50), 5000, np.uint16)).save(tmp_path / "a.png")
    assert reason(tmp_path / "a.png", bits=12) == "16-bit gray: values up to 5,000, more than --bits 12 holds"
    assert describe(tmp_path / "a.png", bits=13)["largest"] == 5000


def test_big_endian_sixteen_bits_are_read_alike(tmp_path):
    values = np.linspace(0, 65535, 2000).astype(np.uint16).reshape(40, 50)
    Image.fromarray(values.astype(">u2")).save(tmp_path / "a.tif")
    assert np.array_equal(after(tmp_path / "a.tif"), np.round(values / 65535 * 255).astype(np.uint8))


@pytest.mark.parametrize(
    "name, kind, suffix, stem, misnamed",
    [
        ("a.jfif", "JPEG", ".jpg", "a", False),
        ("a.jpe", "JPEG", ".jpg", "a", False),
        ("a.JPEG", "JPEG", ".jpeg", "a", False),
        ("a.img", "JPEG", ".jpg", "a.img", True),
        ("a", "JPEG", ".jpg", "a", True),
        ("scan 1.5", "PNG", ".png", "scan 1.5", True),
        ("a.jpg", "PNG", ".png", "a", True),
        ("a.tif", "WEBP", ".webp", "a", True),
        ("a.ppm", "PPM", ".png", "a", False),
        ("a.jp2", "JPEG2000", ".png", "a", False),
    ],
)
def test_content_decides_and_the_copy_is_named_rightly(tmp_path, name, kind, suffix, stem, misnamed):
    (tmp_path / name).write_bytes(encoded(sample_image(1), kind))
    facts = describe(tmp_path / name)
    assert (facts["suffix"], facts["stem"], facts["misnamed"]) == (suffix, stem, misnamed)
    assert facts["encoding"].startswith(kind)


def test_tiff_with_words_about_people_is_encoded_anew_and_plain_tiff_is_not(tmp_path):
    sample_image(1).save(tmp_path / "plain.tif", compression="tiff_lzw")
    sample_image(1).save(tmp_path / "named.tif", description="Jane Doe")
    assert [describe(tmp_path / name)["suffix"] for name in ("plain.tif", "named.tif")] == [".tif", ".png"]


def test_an_image_that_ends_in_even_gray_is_marked(tmp_path):
    half = pixels(1).copy()
    half[20:] = 128
    for name, options in (("a.png", {}), ("a.jpg", {"quality": 90})):
        Image.fromarray(half).save(tmp_path / name, **options)
        assert describe(tmp_path / name)["gray_end"]
        sample_image(1).save(tmp_path / name, **options)
        assert not describe(tmp_path / name)["gray_end"]


def test_a_jpeg_whose_table_has_another_number_is_taken(tmp_path):
    data = bytearray(encoded(sample_image(1, gray=True), quality=80))
    table, frame = data.index(b"\xff\xdb"), data.index(b"\xff\xc0")
    data[table + 4], data[frame + 12] = 1, 1  # the number of the table, where it is defined and where it is used
    (tmp_path / "a.jpg").write_bytes(data)
    assert describe(tmp_path / "a.jpg")["encoding"] == "JPEG q80"


def test_floating_point_and_32_bits_are_rejected_by_name(tmp_path):
    Image.fromarray(np.ones((40, 50), dtype=np.float32)).save(tmp_path / "float.tif")
    assert reason(tmp_path / "float.tif").startswith("floating-point pixels: their scale is unknown")
    Image.fromarray(np.full((40, 50), 70000, dtype=np.int32)).save(tmp_path / "int.tif")
    assert reason(tmp_path / "int.tif").startswith("32-bit pixels: their scale is unknown")
    Image.fromarray(np.linspace(-768, 832, 2000).astype(np.int32).reshape(40, 50)).save(tmp_path / "ct.tif")
    assert reason(tmp_path / "ct.tif").startswith("negative values: gray levels from -768 to 832, such as Hounsfield")


def test_a_palette_becomes_its_colors(tmp_path):
    image = sample_image(1).quantize(16)
    image.save(tmp_path / "a.png")
    assert np.array_equal(after(tmp_path / "a.png"), np.asarray(image.convert("RGB")))


def test_a_transparent_palette_entry_becomes_white(tmp_path):
    image = sample_image(1).quantize(16)
    image.save(tmp_path / "a.png", transparency=3)
    expected = np.asarray(image.convert("RGB")).copy()
    expected[np.asarray(image) == 3] = 255
    assert (np.asarray(image) == 3).any()
    assert np.array_equal(after(tmp_path / "a.png"), expected)


def test_transparent_parts_become_white_and_half_transparent_ones_paler(tmp_path):
    colors = np.zeros((40, 50, 4), dtype=np.uint8)
    colors[..., 0] = 200
    colors[:, :10, 3], colors[:, 10:20, 3], colors[:, 20:, 3] = 0, 128, 255
    Image.fromarray(colors).save(tmp_path / "a.png")
    result = after(tmp_path / "a.png")
    assert result[0, 0].tolist() == [255, 255, 255]
    assert result[0, 15].tolist() == pytest.approx([227, 127, 127], abs=1)
    assert result[0, 30].tolist() == [200, 0, 0]


def test_gray_with_transparency_stays_gray(tmp_path):
    gray = np.dstack([np.full((40, 50), 100), np.full((40, 50), 255)]).astype(np.uint8)
    gray[:, :10, 1] = 0
    Image.fromarray(gray).save(tmp_path / "alpha.png")
    expected = np.full((40, 50), 100, dtype=np.uint8)
    expected[:, :10] = 255
    assert np.array_equal(after(tmp_path / "alpha.png"), expected)
    plain = expected.copy()
    plain[:, :10] = 7
    Image.fromarray(plain).save(tmp_path / "one.png", transparency=7)
    assert np.array_equal(after(tmp_path / "one.png"), expected)


def test_cmyk_becomes_rgb(tmp_path):
    inks = np.zeros((40, 50, 4), dtype=np.uint8)
    inks[:, :25, 1] = 255  # magenta alone
    inks[:, 25:, 3] = 155  # some black alone
    Image.fromarray(inks, "CMYK").save(tmp_path / "a.tif")
    result = after(tmp_path / "a.tif")
    assert result[0, 0].tolist() == [255, 0, 255]
    assert result[0, 40].tolist() == [100, 100, 100]
    sample_image(1).convert("CMYK").save(tmp_path / "a.jpg", quality=95)
    assert np.abs(after(tmp_path / "a.jpg").astype(int) - pixels(1)).mean() < 8


@pytest.mark.parametrize("orientation, turned", [(1, lambda a: a), (3, lambda a: a[::-1, ::-1]), (2, np.fliplr)])
def test_a_photo_is_turned_as_its_exif_says(tmp_path, orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    sample_image(1).save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(after(tmp_path / "a.png"), turned(pixels(1)))
    assert describe(tmp_path / "a.png")["convert"] == (orientation != 1)


@pytest.mark.parametrize("orientation, quarter_turns", [(6, 3), (8, 1)])
def test_a_photo_taken_upright_has_its_sides_swapped(tmp_path, orientation, quarter_turns):
    exif = Image.Exif()
    exif[0x0112] = orientation
    sample_image(1).save(tmp_path / "a.png", exif=exif)
    facts = describe(tmp_path / "a.png")
    assert (facts["width"], facts["height"]) == (40, 50)
    assert np.array_equal(after(tmp_path / "a.png"), np.rot90(pixels(1), quarter_turns))


def test_of_a_phones_double_image_the_first_is_taken(tmp_path):
    sample_image(1).save(tmp_path / "plain.jpg", quality=80)
    sample_image(1).save(tmp_path / "a.jpg", format="MPO", quality=80, save_all=True, append_images=[sample_image(2)])
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.format == "MPO"
    assert np.array_equal(after(tmp_path / "a.jpg"), after(tmp_path / "plain.jpg"))
    assert describe(tmp_path / "a.jpg")["encoding"] == "JPEG q80"
    assert not describe(tmp_path / "a.jpg")["convert"]  # its copy ends with the first image


def test_one_bit_becomes_black_and_white(tmp_path):
    bits = pixels(1, gray=True) > 128
    Image.fromarray(bits).save(tmp_path / "a.png")
    assert np.array_equal(after(tmp_path / "a.png"), np.where(bits, 255, 0))


def test_a_plain_file_needs_no_conversion(tmp_path):
    for name, gray in [("a.jpg", False), ("b.jpg", True), ("c.png", True)]:
        sample_image(1, gray=gray).save(tmp_path / name)
        facts = describe(tmp_path / name)
        assert not facts["convert"]
        assert facts["mode"] == ("L" if gray else "RGB")
        assert facts["bytes"] == (tmp_path / name).stat().st_size


@pytest.mark.parametrize("gray", [True, False])
def test_the_jpeg_quality_is_read_exactly(tmp_path, gray):
    read = {}
    for quality in range(50, 99):
        sample_image(1, gray=gray).save(tmp_path / "a.jpg", quality=quality)
        with Image.open(tmp_path / "a.jpg") as image:
            read[quality] = jpeg_quality(image.quantization)
    assert read == {quality: quality for quality in range(50, 99)}


def test_the_hash_hardly_moves_when_a_image_is_saved_again(tmp_path):
    sample_image(1, (200, 160)).save(tmp_path / "a.jpg", quality=95)
    sample_image(1, (200, 160)).save(tmp_path / "b.jpg", quality=60)
    sample_image(2, (200, 160)).save(tmp_path / "c.jpg", quality=95)
    a, b, c = (int(describe(tmp_path / name)["phash"], 16) for name in ("a.jpg", "b.jpg", "c.jpg"))
    assert (a ^ b).bit_count() <= 24 < 60 < (a ^ c).bit_count()


@pytest.mark.parametrize("gray", [True, False])
def test_the_hash_is_that_of_the_library(tmp_path, gray):
    for number in range(5):
        image = sample_image(number, gray=gray)
        image.save(tmp_path / "a.png")
        assert describe(tmp_path / "a.png")["phash"] == str(imagehash.phash(image, hash_size=16))


def test_scanning_keeps_the_order_and_changes_nothing(tmp_path):
    two_classes(tmp_path, 8)
    (tmp_path / "elm" / "bad.jpg").write_bytes(b"no image")
    before = snapshot(tmp_path)
    images = read_layout(tmp_path).files
    rows = list(scan(images))
    assert [item for item, _, _ in rows] == images
    assert [item.path.name for item, facts, why in rows if facts is None] == ["bad.jpg"]
    assert all((facts is None) == bool(why) for _, facts, why in rows)
    assert snapshot(tmp_path) == before
