"""Images from anywhere: the pixels of training, or a reason in words."""

import io
import struct
import sys
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin, features

from data_prework.image_files import MAX_BYTES, RejectedImageError, fit_image, read_image, read_prepared, write_copy

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


@pytest.mark.parametrize("bits", [12, 16])
def test_sixteen_bits_are_scaled_from_the_bits_that_are_given(bits):
    ramp = np.linspace(0, 2**bits - 1, 40 * 40).astype(np.uint16).reshape(40, 40)
    gray = read_image(content(Image.fromarray(ramp)), color_mode="grayscale", bits=bits)
    assert gray.shape == (40, 40, 1) and gray.min() == 0 and gray.max() == 255
    dark = read_image(content(Image.fromarray(ramp // 2)), color_mode="grayscale", bits=bits)
    assert dark.max() == 127


def test_sixteen_bits_that_would_be_black_or_too_bright_are_refused():
    values = content(Image.fromarray(np.full((40, 40), 3705, np.uint16)))
    with pytest.raises(RejectedImageError, match=r"nearly black: 16-bit gray up to 3,705, of 65,535 in 16 bits"):
        read_image(values)
    with pytest.raises(RejectedImageError, match="values up to 3,705, more than the 1,023 of 10 bits"):
        read_image(values, bits=10)
    with pytest.raises(ValueError, match="bits is 20"):
        read_image(values, bits=20)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "TIFF", "BMP", "PPM", "JPEG2000"])
def test_every_format_gives_its_pixels(kind):
    image = Image.fromarray(PIXELS).convert("L")
    found = read_image(content(image, kind, **({"lossless": True} if kind == "WEBP" else {})), color_mode="grayscale")
    assert np.abs(found[:, :, 0].astype(int) - np.asarray(image)).max() <= (2 if kind == "WEBP" else 0)


@pytest.mark.skipif(not features.check("avif"), reason="Pillow is without AVIF")
def test_avif_is_read():
    assert read_image(content(Image.new("RGB", (40, 60), "red"), "AVIF"))[..., 0].mean() > 240


def test_of_a_tiff_with_smaller_copies_the_whole_one_is_taken():
    small = Image.new("RGB", (30, 20))
    for pages in ([Image.fromarray(PIXELS), small], [small, Image.fromarray(PIXELS)]):
        np.testing.assert_array_equal(
            read_image(content(pages[0], "TIFF", save_all=True, append_images=pages[1:])), PIXELS
        )
    pages = {"save_all": True, "append_images": [Image.new("RGB", (40, 40))]}
    with pytest.raises(RejectedImageError, match="several pages: 2 frames"):
        read_image(content(Image.fromarray(PIXELS), "TIFF", **pages))


def test_of_a_phones_two_images_in_one_jpeg_the_first_is_taken():
    first, second = Image.new("RGB", (40, 40), "white"), Image.new("RGB", (40, 40), "black")
    both = content(first, "MPO", save_all=True, append_images=[second])
    assert read_image(both).min() > 250 and read_image(both, (5, 5)).min() > 250


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
        (b"This is a letter, not an image.", "not an image: text"),
        (b"%PDF-1.7 a document", "not an image: a PDF document"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 50 50\n", "not an image: a PostScript drawing"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' width='50' height='50'/>", "not an image: an SVG drawing"),
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
        file.write(b"\x89PNG\r\n\x1a\n")
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


@pytest.mark.parametrize(
    "begins, words",
    [
        (b"\n <!doctype HTML><title>404</title>", "a web page"),
        (b"\xef\xbb\xbf<html>", "a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "a Git LFS pointer"),
        ("größe: 3\n".encode(), "text"),
        ("größe".encode("utf-16"), "text"),
        (b"\0\0\0 ftypisom\0\0\2\0isomiso2avc1mp41", "a video"),
        (b"RIFF\x10\0\0\0AVI LIST", "a video"),
        (b"PK\3\4", "a ZIP archive"),
        (bytes(5000), "nothing but zeros"),
        (b"\x93\x01\xfe\xdc", "the content is of no known image format"),
    ],
)
def test_what_is_no_image_is_named(begins, words):
    with pytest.raises(RejectedImageError, match=f"^not an image: {words}"):
        read_image(begins)


def test_of_a_large_video_only_the_beginning_is_read(tmp_path):
    with (tmp_path / "a.jpg").open("wb") as file:
        file.write(b"\0\0\0 ftypmp42")
        file.truncate(1_500_000_000)  # a sparse file: it takes no room
    tracemalloc.start()
    with pytest.raises(RejectedImageError, match="a video"):
        read_image(tmp_path / "a.jpg")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**20


@pytest.mark.filterwarnings("error")
def test_pillows_own_limit_neither_refuses_nor_warns_and_is_there_afterwards(tmp_path, monkeypatch):
    (tmp_path / "a.tif").write_bytes(content(Image.fromarray(PIXELS), "TIFF"))
    for limit in (PIXELS.size // 3 - 1, 100):  # where Pillow warns, and where it refuses
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), PIXELS)
        np.testing.assert_array_equal(read_prepared(tmp_path / "a.tif", (40, 60), "rgb"), PIXELS)
        assert limit == Image.MAX_IMAGE_PIXELS


JPEGS = [{}, {"progressive": True}, {"optimize": True}, {"restart_marker_rows": 1}]


@pytest.mark.parametrize("options", JPEGS)
def test_a_jpeg_without_its_end_marker_is_taken_and_with_something_behind_it_too(options):
    data = content(Image.fromarray(PIXELS), "JPEG", **options)
    for odd in (data[:-2], data[:-1], data + b"video" * 100, data + bytes(500)):
        np.testing.assert_array_equal(read_image(odd), read_image(data))


@pytest.mark.parametrize("options", JPEGS)
@pytest.mark.parametrize("ends", ["", "with marker", "with zeros", "with zeros and marker"])
def test_a_half_jpeg_is_refused(options, ends):
    data = content(Image.fromarray(PIXELS), "JPEG", **options)
    half = data[: len(data) * 6 // 10]
    if options.get("progressive") and ends == "with marker":
        pytest.skip("a progressive JPEG may end after any scan")
    half += bytes(len(data) - len(half) - 2) if "zeros" in ends else b""
    with pytest.raises(RejectedImageError, match=r"^truncated or damaged"):
        read_image(half + (b"\xff\xd9" if "marker" in ends else b""))


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize("options", JPEGS)
def test_a_jpeg_that_really_ends_evenly_is_taken(level, options):
    pixels = PIXELS.copy()
    pixels[16:] = level
    assert read_image(content(Image.fromarray(pixels), "JPEG", **options))[-1].tolist() == [[level] * 3] * 60
    even = content(Image.new("L", (256, 256), level), "JPEG", **options)
    assert (read_image(even) == level).all()


def test_large_and_damaged_texts_in_a_png_are_no_reason_to_refuse_it():
    texts = PngImagePlugin.PngInfo()
    texts.add_text("log", "a" * 5_000_000, zip=True)
    large = content(Image.fromarray(PIXELS), pnginfo=texts)
    damaged = content(Image.fromarray(PIXELS))
    damaged = damaged[:33] + struct.pack(">I", 3) + b"tEXta\0b" + b"????" + damaged[33:]
    for data in (large, damaged, damaged[:-12]):
        np.testing.assert_array_equal(read_image(data), PIXELS)


def test_damaged_exif_is_passed_over():
    data = content(Image.fromarray(PIXELS), "JPEG")
    odd = data[:2] + b"\xff\xe1\0\x10Exif\0\0II*\0\xff\xff\xff\xff" + data[2:]
    np.testing.assert_array_equal(read_image(odd), read_image(data))


def test_sixteen_bit_color_that_would_be_black_is_refused():
    data = bytearray(huge_png(40))
    data[24] = 16  # bits
    data[25] = 2  # color
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    for level, refused in ((4000, True), (40000, False)):
        rows = zlib.compress((b"\0" + struct.pack(">H", level) * 120) * 40)
        chunk = struct.pack(">I", len(rows)) + b"IDAT" + rows + struct.pack(">I", zlib.crc32(b"IDAT" + rows))
        whole = bytes(data[:33]) + chunk + bytes(data[-12:])
        if refused:
            with pytest.raises(RejectedImageError, match="nearly black: color of 16 bits"):
                read_image(whole)
        else:
            assert (read_image(whole) == 40000 // 256).all()


@pytest.mark.parametrize(
    "begins, package, words",
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "pillow_heif", "HEIC images .* pip install 'pillow-heif'"),
        (bytes(128) + b"DICM", "pydicom", "DICOM images .* pip install 'pydicom'"),
    ],
)
def test_without_its_reader_a_file_is_named_with_the_package_that_reads_it(monkeypatch, begins, package, words):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(RejectedImageError, match=f"no reader for {words}"):
        read_image(begins)


def test_heic_is_read_and_its_copy_tells_nothing_of_people(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    heif.register_heif_opener()
    exif = Image.Exif()
    exif[0x013B] = "Jane Doe"
    data = content(Image.new("RGB", (60, 40), "red"), "HEIF", exif=exif)
    assert read_image(data).shape == (40, 60, 3) and read_image(data)[..., 0].mean() > 240
    write_copy(data, tmp_path / "a.jpg")
    assert b"Jane" in data and b"Jane" not in (tmp_path / "a.jpg").read_bytes()


def dicom(levels: np.ndarray, photometric: str = "MONOCHROME2") -> bytes:
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    file = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    file.Rows, file.Columns, file.SamplesPerPixel = *levels.shape, 1
    file.BitsAllocated, file.BitsStored, file.HighBit = 16, 12, 11
    file.PixelRepresentation, file.PhotometricInterpretation = int(levels.dtype == np.int16), photometric
    file.PixelData = levels.tobytes()
    buffer = io.BytesIO()
    file.save_as(buffer)
    return buffer.getvalue()


def test_dicom_is_read():
    pytest.importorskip("pydicom")
    ramp = np.linspace(0, 4095, 1600).astype(np.uint16).reshape(40, 40)
    shown = read_image(dicom(ramp), bits=12)
    assert (shown[0, 0, 0], shown[-1, -1, 0]) == (0, 255)
    np.testing.assert_array_equal(read_image(dicom(ramp, "MONOCHROME1"), bits=12), 255 - shown)
    with pytest.raises(RejectedImageError, match="negative values"):
        read_image(dicom((ramp // 4).astype(np.int16) - 500), bits=12)
