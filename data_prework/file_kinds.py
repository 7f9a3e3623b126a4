"""What a file is by its first bytes: an image of a known format, or something else, in words."""

import codecs
import re

HEAD = 4096  # bytes to look at

_FORMATS = {  # Pillow's name -> how such a file begins
    "JPEG": rb"\xff\xd8\xff",
    "PNG": rb"\x89PNG\r\n\x1a\n",
    "DICOM": rb".{128}DICM",  # before TIFF: one file can be both
    "TIFF": rb"II[*+]\0|MM\0[*+]",
    "BMP": rb"BM",
    "GIF": rb"GIF8[79]a",
    "WEBP": rb"RIFF....WEBP",
    "PPM": rb"P(?:[1-6]|f)[\s#]",
    "JPEG2000": rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51",
    "AVIF": rb"....ftyp(?:avif|avis)|....ftyp(?:mif1|msf1)....(?:....){0,8}?(?:avif|avis)",
    "HEIF": rb"....ftyp(?:hei[cmsx]|hev[cmsx]|mif1|msf1)",
}
_OTHERS = {
    "a Git LFS pointer, not the file that it stands for; fetch that with: git lfs pull": rb"version https://git-lfs",
    "a git-annex pointer, not the file that it stands for; fetch that with: git annex get": rb"[./]*annex/objects/",
    "a web page": rb"(?i:\s*(?:<!--.{0,999}?-->\s*)?(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html|head|body|script)\b)",
    "an SVG drawing, which has no pixels; export it as PNG": rb"(?s:\s*<(?:\?xml.*?<|!--.*?<|!DOCTYPE.*?<)?svg\b)",
    "an XML document": rb"\s*<\?xml",
    "a PDF document": rb"%PDF-",
    "a PostScript drawing": rb"%!PS|\xc5\xd0\xd3\xc6",
    "a camera's raw file; develop it to JPEG, PNG or TIFF": rb"....ftypcrx|FUJIFILMCCD-RAW|IIU\0|IIR[OS]|MMOR",
    "audio": rb"....ftypM4[AB]|ID3|fLaC|RIFF....WAVE|\xff[\xf2\xf3\xfb]",
    "a video": rb"....(?:ftyp|moov|mdat|wide)|RIFF....AVI |\x1aE\xdf\xa3|FLV\x01|\0\0\x01[\xb3\xba]|OggS"
    rb"|\x30\x26\xb2\x75|G.{187}G.{187}G",
    "a JPEG XL image; save it as JPEG or PNG": rb"\xff\n|\0\0\0\x0cJXL ",
    "a Photoshop file; export it as PNG or TIFF": rb"8BPS",
    "an OpenEXR image; save it as 8 or 16 bits": rb"v/1\x01",
    "an icon; save it as PNG": rb"\0\0[\x01\x02]\0",
    "a ZIP archive, or a document made of one": rb"PK(?:\x03\x04|\x05\x06)",
    "a compressed file or archive": rb"\x1f\x8b|7z\xbc\xaf|Rar!|\xfd7zXZ|BZh|.{257}ustar",
    "an old Office document, or a folder's thumbnails": rb"\xd0\xcf\x11\xe0",
    "what macOS keeps beside a file, not the file": rb"\0\x05\x16[\0\x07]",
    "a NumPy array; save it as PNG or TIFF": rb"\x93NUMPY",
    "an HDF5 file": rb"\x89HDF",
    "a database": rb"SQLite format 3",
    "nothing but zeros; copy the file again": rb"\0+\Z",
    "a program": rb"MZ.{62}|\x7fELF",
}
_KINDS = {name: re.compile(begins, re.DOTALL) for name, begins in _FORMATS.items()}
_WORDS = {words: re.compile(begins, re.DOTALL) for words, begins in _OTHERS.items()}
_NO_TEXT = re.compile("[\0-\b\x0e-\x1a\x1c-\x1f\x7f-\x9f]")


def image_format(head: bytes) -> str:
    """The format of an image in Pillow's words ("MPO" is "JPEG" here, and there is "DICOM"), or "".

    Args:
        head: the first bytes of the file, `HEAD` of them where there are so many.

    Example:
        >>> image_format(b"GIF89a"), image_format(b"To do")
        ('GIF', '')
    """
    return next((name for name, begins in _KINDS.items() if begins.match(head)), "")


def other_kind(head: bytes) -> str:
    """What a file is that is no image, in words; "" for what isn't known.

    Args:
        head: the first bytes of the file, `HEAD` of them where there are so many.

    Example:
        >>> other_kind(b"<!DOCTYPE html><html>")
        'a web page'
    """
    text = head.removeprefix(codecs.BOM_UTF8)
    known = next((words for words, begins in _WORDS.items() if begins.match(text)), "")
    return known or ("text" if _is_text(head) else "")


def _is_text(head: bytes) -> bool:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return True
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)  # a letter may be cut at the end
    except UnicodeDecodeError:
        return False
    return bool(text.strip()) and not _NO_TEXT.search(text)
