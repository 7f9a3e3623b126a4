"""Which image files are accepted, and the error that says why one is not."""

from data_prework.errors import CourseError

SUFFIXES = {  # by Pillow's name of the format; the first one is that of copies
    "JPEG": (".jpg", ".jpeg", ".jfif", ".jpe", ".jif"),
    "MPO": (".jpg", ".jpeg", ".mpo", ".jfif", ".jpe"),  # a phone's JPEG with a second image behind it
    "PNG": (".png", ".apng"),
    "BMP": (".bmp", ".dib"),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    "JPEG2000": (".jp2", ".j2k", ".j2c", ".jpc", ".jpx", ".jpf"),
    "AVIF": (".avif", ".avifs"),
    "HEIF": (".heic", ".heif", ".hif"),
    "DICOM": (".dcm", ".dicom", ".ima", ""),
}
# what a prepared folder holds; opened as these, nothing starts a program to be decoded, as EPS would
FORMATS = ["JPEG", "PNG", "BMP", "GIF", "TIFF", "WEBP"]
MODES = {"grayscale": ("L", 1), "rgb": ("RGB", 3)}  # Keras' name -> Pillow's name, channels
MIN_SIDE = 28  # pixels: the smallest that a public data set of this field uses
MAX_PIXELS = 50_000_000
MAX_BYTES = 200 * 2**20
BITS = (8, 10, 12, 14, 16)  # depths of cameras and X-ray detectors
BLACK = 16  # below the largest gray level divided by this, 16-bit gray is nearly black


class RejectedImageError(CourseError):
    """Why a file cannot be used; the message is what the student reads."""
