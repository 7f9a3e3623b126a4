"""Open archives that others packed: nothing lands outside the folder, and no half-finished folder bears its name."""

import re
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

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
OTHER_KINDS = {  # first bytes -> (kind, how to open it)
    b"Rar!": ("rar", "tar -xf FILE -C FOLDER on macOS and Windows, or unar FILE, or 7z x FILE"),
    b"7z\xbc\xaf": ("7z", "tar -xf FILE -C FOLDER on macOS and Windows, or unar FILE, or 7z x FILE"),
    b"\x1f\x8b": ("tar.gz or gzip", "tar -xzf FILE -C FOLDER"),
}
ARCHIVE_SUFFIXES = (".zip", ".rar", ".7z", ".gz", ".tgz", ".tar")


class UnpackError(CourseError, ValueError):
    """An archive that cannot be opened safely; the message names it, its member, the fault and the way on."""


def unpack(
    archive: Path, folder: Path, max_bytes: int = 20 * 2**30, max_files: int = 200_000, max_ratio: float = 200
) -> Path:
    """Unpack a zip file into `folder` and return `folder`, which is new and complete, or not there at all.

    The limits are held against the headers first, and against the bytes that really come out while copying.

    Args:
        archive: A zip file; rar, 7z and tar.gz are refused with the command that opens them.
        folder: Must not hold anything yet. Left out of it: `__MACOSX`, `._*`, `.DS_Store`, `Thumbs.db`.
        max_bytes: Limit on unpacked bytes.
        max_files: Limit on files.
        max_ratio: Limit on unpacked bytes per archived byte.

    Raises:
        UnpackError: Anything is wrong with the archive or the folder.
        FileNotFoundError: There is no archive.
    """
    archive, folder = Path(archive), Path(folder)
    _check_kind(archive)
    try:
        with zipfile.ZipFile(archive) as opened:
            members = _checked_members(archive, opened, max_bytes, max_files, max_ratio)
            with unpacked_aside(folder) as aside:
                _copy_members(archive, opened, members, aside, max_bytes, max_ratio)
    except zipfile.BadZipFile as error:
        raise UnpackError(f"{archive}: damaged or incomplete zip ({error}); download it again") from error
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
        class_names: The name of label 0, 1, and so on.

    Raises:
        UnpackError: An array is missing, has a wrong shape or type, or a label has no name.

    Source:
        The layout is that of Yang et al. 2023, MedMNIST v2, doi 10.1038/s41597-022-01721-8.
    """
    npz, folder, index = Path(npz), Path(folder), 0
    try:
        with np.load(npz, allow_pickle=False) as arrays, unpacked_aside(folder) as aside:
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


def _checked_split(npz: Path, arrays, split: str, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    for key in (f"{split}_images", f"{split}_labels"):
        if key not in arrays:
            raise UnpackError(f"{npz}: no array {key}; it holds {', '.join(arrays)}. Is this a MedMNIST file?")
    images, labels = arrays[f"{split}_images"], arrays[f"{split}_labels"].reshape(-1)
    if images.dtype != np.uint8 or not (images.ndim == 3 or (images.ndim == 4 and images.shape[3] == 3)):
        raise UnpackError(f"{npz}: {split}_images is {images.dtype} {images.shape}, expected uint8 (n, h, w[, 3])")
    if len(labels) != len(images) or labels.dtype.kind not in "iu":
        raise UnpackError(f"{npz}: {split}_labels is {labels.dtype} {labels.shape} for {len(images)} images")
    if len(labels) and (labels.min() < 0 or labels.max() >= n_classes):
        raise UnpackError(f"{npz}: {split}_labels has {labels.max()}, but only {n_classes} classes are named")
    return images, labels


def _check_kind(archive: Path) -> None:
    with archive.open("rb") as file:
        head = file.read(512)
    for magic, (kind, command) in OTHER_KINDS.items():
        if head.startswith(magic):
            raise UnpackError(f"{archive} is a {kind} archive, which Python cannot open: {BY_HAND} ({command})")
    if head[257:262] == b"ustar":
        raise UnpackError(f"{archive} is a tar archive: {BY_HAND} (tar -xf FILE -C FOLDER)")
    if not head:
        raise UnpackError(f"{archive} is empty (0 bytes): download it again")
    if head.lstrip().startswith(b"<"):
        raise UnpackError(f"{archive} is a web page, not an archive: open the address in a browser and save the file")
    if not zipfile.is_zipfile(archive):
        fault = "is not complete" if head.startswith(b"PK") else "is not a zip file"
        raise UnpackError(f"{archive} {fault}: download it again")


def _checked_members(
    archive: Path, opened: zipfile.ZipFile, max_bytes: int, max_files: int, max_ratio: float
) -> dict[PurePosixPath, zipfile.ZipInfo]:
    """Return place in the folder -> member, after every check that the headers allow."""
    if len(opened.infolist()) > max_files:
        raise UnpackError(f"{archive} holds {len(opened.infolist()):,} files, more than the limit of {max_files:,}")
    members: dict[PurePosixPath, zipfile.ZipInfo] = {}
    for info in opened.infolist():
        place = _place(archive, info)
        if place is None or info.is_dir():
            continue
        if info.flag_bits & 0x1:
            raise UnpackError(f"{archive}: {info.filename} is encrypted: {BY_HAND} (it will ask for the password)")
        if info.file_size > RATIO_FLOOR and info.file_size > max_ratio * info.compress_size:
            raise UnpackError(f"{archive}: {info.filename} grows more than {max_ratio:g} times: {RATIO_HELP}")
        if place in members:
            raise UnpackError(f"{archive}: {info.filename} is in it twice: {BY_HAND}")
        members[place] = info
    total = sum(info.file_size for info in members.values())
    _check_total(archive, total, max_bytes, max_ratio)
    if not members:
        raise UnpackError(f"{archive} holds no files: is it the right archive?")
    if all(place.suffix.lower() in ARCHIVE_SUFFIXES for place in members):
        names = ", ".join(str(place) for place in list(members)[:3])
        raise UnpackError(f"{archive} only holds another archive ({names}): {BY_HAND}, inner archive too")
    return members


def _place(archive: Path, info: zipfile.ZipInfo) -> PurePosixPath | None:
    """Return where a member goes, relative to the folder; None for the litter of operating systems."""
    # Old Windows tools write backslashes as separators; orig_filename shows what zipfile may have cut off at a NUL.
    name = info.orig_filename.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    outside = name.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", name)
    if outside or not parts or re.search(r"[\x00-\x1f]", name):
        raise UnpackError(f"{archive}: {info.orig_filename!r} would land outside the folder: do not trust this archive")
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a link" if kind == stat.S_IFLNK else "a special file"
        raise UnpackError(f"{archive}: {info.filename} is {what}, not a plain file: do not trust this archive")
    litter = "__MACOSX" in parts or parts[-1].startswith("._") or parts[-1] in (".DS_Store", "Thumbs.db")
    return None if litter else PurePosixPath(*parts)


def _check_total(archive: Path, total: int, max_bytes: int, max_ratio: float) -> None:
    if total > max_bytes:
        raise UnpackError(f"{archive} unpacks to more than the limit of {max_bytes:,} bytes: {RATIO_HELP}")
    if total > RATIO_FLOOR and total > max_ratio * archive.stat().st_size:
        raise UnpackError(f"{archive} grows more than {max_ratio:g} times: {RATIO_HELP}")


def _copy_members(
    archive: Path,
    opened: zipfile.ZipFile,
    members: dict[PurePosixPath, zipfile.ZipInfo],
    aside: Path,
    max_bytes: int,
    max_ratio: float,
) -> None:
    written = 0
    total = sum(info.file_size for info in members.values())
    with tqdm(total=total, unit="B", unit_scale=True, desc=f"unpack {archive.name}") as bar:
        for place, info in members.items():
            target = aside / place
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with opened.open(info) as source, target.open("xb") as file:
                    while chunk := source.read(CHUNK):
                        written += len(chunk)
                        _check_total(archive, written, max_bytes, max_ratio)
                        file.write(chunk)
                        bar.update(len(chunk))
                    if file.tell() != info.file_size:
                        raise zipfile.BadZipFile(f"{file.tell()} bytes, its header says {info.file_size}")
            except (zipfile.BadZipFile, zlib.error, EOFError) as error:
                message = f"{archive}: {info.filename} is damaged ({error}); download the archive again"
                raise UnpackError(message) from error
            except (NotImplementedError, RuntimeError) as error:
                raise UnpackError(f"{archive}: {info.filename} cannot be read ({error}): {BY_HAND}") from error
            except OSError as error:
                reason = error.strerror or error
                raise UnpackError(f"{archive}: {info.filename} cannot be written to {target} ({reason})") from error
