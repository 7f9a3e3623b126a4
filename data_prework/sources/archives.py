"""Open archives that others packed: nothing lands outside the folder, and no half-finished folder bears its name."""

import gzip
import lzma
import re
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np
from filelock import FileLock
from PIL import Image
from tqdm import tqdm

from data_prework.errors import CourseError
from data_prework.manifest import SPLITS

CHUNK = 2**20
RATIO_FLOOR = 2**20  # below 1 MiB a high ratio is harmless, and common (masks, text files)
RATIO_HELP = "looks like a decompression bomb; if you trust it, unpack it yourself and pass the folder with --from"
BY_HAND = "unpack it with your system's own tool, then pass the folder with --from"
OTHER_KINDS = {  # first bytes -> kind
    b"Rar!": "rar",
    b"7z\xbc\xaf": "7z",
}
TAR_HEADS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")  # gzip, bzip2, xz; Python opens a tar in each
ARCHIVE_SUFFIXES = (".zip", ".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".tbz2", ".xz", ".txz")
BAD_ARCHIVE = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError)
LITTER = (".DS_Store", "Thumbs.db", "desktop.ini", "Icon\r")


class UnpackError(CourseError, ValueError):
    """An archive that cannot be opened safely; the message names it, its member, the fault and the way on."""


@dataclass(frozen=True)
class Member:
    """A file of an archive: its name, its bytes unpacked, and how to read them."""

    name: str
    size: int
    reader: Callable[[], IO[bytes]]


def unpack(
    archive: Path, folder: Path, max_bytes: int = 20 * 2**30, max_files: int = 200_000, max_ratio: float = 200
) -> Path:
    """Unpack a zip or tar file into `folder` and return `folder`, which is new and complete, or not there at all.

    The limits are held against the headers first, and against the bytes that really come out while copying.

    Args:
        archive: A zip file, or a tar file, also in gzip, bzip2 or xz, whatever its name; rar and 7z are refused with
            the command that opens them.
        folder: Must not hold anything yet. Left out of it: `__MACOSX`, `._*`, and the files of `LITTER`.
        max_bytes: Limit on unpacked bytes.
        max_files: Limit on files.
        max_ratio: Limit on unpacked bytes per archived byte.

    Raises:
        UnpackError: Anything is wrong with the archive or the folder.
        FileNotFoundError: There is no archive.
    """
    archive, folder = Path(archive), Path(folder)
    kind = _kind(archive)
    limits = max_bytes, max_files, max_ratio
    try:
        if kind == "tar":
            with tarfile.open(archive) as opened, unpacked_aside(folder) as aside:
                members = _checked_members(archive, _tar_members(archive, opened, max_ratio), *limits)
                _copy_members(archive, members, aside, max_bytes, max_ratio)
        else:
            with zipfile.ZipFile(archive) as opened:
                members = _checked_members(archive, _zip_members(archive, opened, max_ratio), *limits)
                with unpacked_aside(folder) as aside:
                    _copy_members(archive, members, aside, max_bytes, max_ratio)
    except BAD_ARCHIVE as error:
        first = str(error).partition("\n")[0]  # tarfile lists all that it tried
        raise UnpackError(f"{archive}: damaged or incomplete {kind} ({first}); download it again") from error
    return folder


@contextmanager
def unpacked_aside(folder: Path) -> Iterator[Path]:
    """Yield an empty folder beside `folder` that takes its name when the block ends well and vanishes otherwise.

    What a killed run left behind is cleared by the next one.

    Raises:
        UnpackError: `folder` already holds something.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = folder.parent / f".{folder.name}.unpacking"
    with FileLock(folder.parent / f".{folder.name}.lock"):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UnpackError(f"{folder} is already there: use it as it is, or delete it first")
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir()
        try:
            yield aside
            if folder.exists():
                folder.rmdir()
            aside.rename(folder)
        finally:
            shutil.rmtree(aside, ignore_errors=True)


def npz_to_folders(npz: Path, folder: Path, class_names: list[str]) -> Path:
    """Write the images of a MedMNIST file as `folder`/split/class/NAME_index.png and return `folder`.

    The index runs on over the splits: names are unique.

    Args:
        npz: Arrays SPLIT_images, uint8 (n, h, w) or (n, h, w, 3), and SPLIT_labels, integers (n, 1) or (n,), for SPLIT
            in train, val, test.
        folder: Must not hold anything yet.
        class_names: The name of label 0, 1, and so on; where there are none the numbers are the names.

    Raises:
        UnpackError: An array is missing, has a wrong shape or type, or a label has no name.

    Source:
        The layout is that of Yang et al. 2023, MedMNIST v2, doi 10.1038/s41597-022-01721-8.
    """
    npz, folder, index = Path(npz), Path(folder), 0
    try:
        with np.load(npz, allow_pickle=False) as arrays, unpacked_aside(folder) as aside:
            class_names = list(class_names) or _numbers(arrays)
            for split in SPLITS:  # MedMNIST calls them as we do
                images, labels = _checked_split(npz, arrays, split, len(class_names))
                for name in class_names:
                    (aside / split / name).mkdir(parents=True)
                for image, label in tqdm(zip(images, labels, strict=True), total=len(images), desc=split, unit="image"):
                    Image.fromarray(image).save(aside / split / class_names[label] / f"{npz.stem}_{index:05d}.png")
                    index += 1
    except UnpackError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, AttributeError) as error:
        raise UnpackError(f"{npz}: not a readable .npz file ({error}); download it again") from error
    return folder


def _numbers(arrays) -> list[str]:
    """Names of classes that have none: 0, 1, ... with as many digits each."""
    labels = arrays.get("train_labels", np.zeros(1, int))
    last = int(labels.max()) if labels.dtype.kind in "iu" and labels.size else 0
    return [f"{number:0{len(str(last))}d}" for number in range(last + 1)]


def _checked_split(npz: Path, arrays, split: str, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    for key in (f"{split}_images", f"{split}_labels"):
        if key not in arrays:
            raise UnpackError(f"{npz}: no array {key}; it holds {', '.join(arrays)}. Is this a MedMNIST file?")
    images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"]
    if labels.ndim == 2 and labels.shape[1] > 1:
        raise UnpackError(f"{npz}: {split}_labels has {labels.shape[1]} labels for each image; one is expected")
    labels = labels.reshape(-1)
    if images.dtype != np.uint8 or not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)):
        raise UnpackError(f"{npz}: {split}_images is {images.dtype} {images.shape}, expected uint8 (n, h, w[, 3])")
    if len(labels) != len(images) or labels.dtype.kind not in "iu":
        raise UnpackError(f"{npz}: {split}_labels is {labels.dtype} {labels.shape} for {len(images)} images")
    if len(labels) and (labels.min() < 0 or labels.max() >= n_classes):
        raise UnpackError(f"{npz}: {split}_labels has {labels.max()}, but only {n_classes} classes are named")
    return images, labels


def _kind(archive: Path) -> str:
    """ "zip" or "tar", by the first bytes."""
    with archive.open("rb") as file:
        head = file.read(512)
    for magic, kind in OTHER_KINDS.items():
        if head.startswith(magic):
            tools = "tar -xf FILE -C FOLDER on macOS and Windows, or unar FILE, or 7z x FILE"
            raise UnpackError(f"{archive} is a {kind} archive, which Python cannot open: {BY_HAND} ({tools})")
    if head[257:262] == b"ustar" or head.startswith(TAR_HEADS):
        return "tar"
    if not head:
        raise UnpackError(f"{archive} is empty (0 bytes): download it again")
    if head.lstrip().startswith(b"<"):
        raise UnpackError(f"{archive} is a web page, not an archive: open the address in a browser and save the file")
    if not zipfile.is_zipfile(archive):
        fault = "is not complete" if head.startswith(b"PK") else "is not a zip file, nor a tar file"
        raise UnpackError(f"{archive} {fault}: download it again")
    return "zip"


def _zip_members(archive: Path, opened: zipfile.ZipFile, max_ratio: float) -> Iterator[tuple[PurePosixPath, Member]]:
    for info in opened.infolist():
        # orig_filename shows what zipfile may have cut off at a NUL
        place = _place(archive, info.orig_filename)
        _check_plain(archive, info.filename, stat.S_IFMT(info.external_attr >> 16))
        if place is None or info.is_dir():
            continue
        if info.flag_bits & 0x1:
            raise UnpackError(f"{archive}: {info.filename} is encrypted: {BY_HAND} (it will ask for the password)")
        if info.file_size > RATIO_FLOOR and info.file_size > max_ratio * info.compress_size:
            raise UnpackError(f"{archive}: {info.filename} grows more than {max_ratio:g} times: {RATIO_HELP}")
        yield place, Member(info.filename, info.file_size, partial(opened.open, info))


def _tar_members(archive: Path, opened: tarfile.TarFile, max_ratio: float) -> Iterator[tuple[PurePosixPath, Member]]:
    for info in opened:  # header after header: a limit can stop it before anything large is read
        place = _place(archive, info.name)
        kinds = {tarfile.SYMTYPE: stat.S_IFLNK, tarfile.LNKTYPE: stat.S_IFLNK, tarfile.DIRTYPE: stat.S_IFDIR}
        _check_plain(archive, info.name, kinds.get(info.type, stat.S_IFREG if info.isfile() else stat.S_IFIFO))
        if place is not None and info.isfile():
            yield place, Member(info.name, info.size, partial(opened.extractfile, info))


def _checked_members(
    archive: Path,
    found: Iterable[tuple[PurePosixPath, Member]],
    max_bytes: int,
    max_files: int,
    max_ratio: float,
) -> dict[PurePosixPath, Member]:
    """Return place in the folder -> member, after every check that the headers allow."""
    members, total = {}, 0
    for place, member in found:
        if place in members:
            raise UnpackError(f"{archive}: {member.name} is in it twice: {BY_HAND}")
        members[place] = member
        total += member.size
        if len(members) > max_files:
            raise UnpackError(f"{archive} holds more files than the limit of {max_files:,}")
        _check_total(archive, total, max_bytes, max_ratio)
    if not members:
        raise UnpackError(f"{archive} holds no files: is it the right archive?")
    if all(place.suffix.lower() in ARCHIVE_SUFFIXES for place in members):
        names = ", ".join(str(place) for place in list(members)[:3])
        raise UnpackError(f"{archive} only holds another archive ({names}): {BY_HAND}, inner archive too")
    return members


def _place(archive: Path, name: str) -> PurePosixPath | None:
    """Return where a member goes, relative to the folder; None for the litter of operating systems.

    Control characters, which not every disk takes, become "_".
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]  # old Windows tools
    outside = name.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", name) or "\0" in name
    if outside:
        raise UnpackError(f"{archive}: {name!r} would land outside the folder: do not trust this archive")
    if not parts or "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] in LITTER:
        return None
    return PurePosixPath(*(re.sub(r"[\x00-\x1f\x7f]", "_", part) for part in parts))


def _check_plain(archive: Path, name: str, kind: int) -> None:
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a link" if kind == stat.S_IFLNK else "a special file"
        raise UnpackError(f"{archive}: {name} is {what}, not a plain file: do not trust this archive")


def _check_total(archive: Path, total: int, max_bytes: int, max_ratio: float) -> None:
    if total > max_bytes:
        raise UnpackError(f"{archive} unpacks to more than the limit of {max_bytes:,} bytes: {RATIO_HELP}")
    if total > RATIO_FLOOR and total > max_ratio * archive.stat().st_size:
        raise UnpackError(f"{archive} grows more than {max_ratio:g} times: {RATIO_HELP}")


def _copy_members(
    archive: Path, members: dict[PurePosixPath, Member], aside: Path, max_bytes: int, max_ratio: float
) -> None:
    written = 0
    total = sum(member.size for member in members.values())
    with tqdm(total=total, unit="B", unit_scale=True, desc=f"unpack {archive.name}", disable=None, leave=False) as bar:
        for place, member in members.items():
            target = aside / place
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with member.reader() as source, target.open("xb") as file:
                    while chunk := source.read(CHUNK):
                        written += len(chunk)
                        _check_total(archive, written, max_bytes, max_ratio)
                        file.write(chunk)
                        bar.update(len(chunk))
                    if file.tell() != member.size:
                        raise EOFError(f"{file.tell()} bytes, its header says {member.size}")
            except BAD_ARCHIVE as error:
                message = f"{archive}: {member.name} is damaged ({error}); download the archive again"
                raise UnpackError(message) from error
            except (NotImplementedError, RuntimeError) as error:
                raise UnpackError(f"{archive}: {member.name} cannot be read ({error}): {BY_HAND}") from error
            except OSError as error:
                reason = error.strerror or error
                raise UnpackError(f"{archive}: {member.name} cannot be written to {target} ({reason})") from error
