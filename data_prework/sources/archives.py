"""Open archives that others packed: nothing lands outside the folder, and no half-finished folder bears its name."""

import gzip
import lzma
import shutil
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

import numpy as np
from filelock import FileLock
from PIL import Image
from tqdm import tqdm

from data_prework.manifest import SPLITS
from data_prework.sources.archive_members import (
    BY_HAND,
    Member,
    UnpackError,
    archive_kind,
    check_total,
    checked_members,
    tar_members,
    zip_members,
)

CHUNK = 2**20
BAD_ARCHIVE = (zipfile.BadZipFile, tarfile.TarError, gzip.BadGzipFile, lzma.LZMAError, zlib.error, EOFError)


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
    kind = archive_kind(archive)
    limits = max_bytes, max_files, max_ratio
    try:
        if kind == "tar":
            with tarfile.open(archive) as opened, unpacked_aside(folder) as aside:
                members = checked_members(archive, tar_members(archive, opened, max_ratio), *limits)
                _copy_members(archive, members, aside, max_bytes, max_ratio)
        else:
            with zipfile.ZipFile(archive) as opened:
                members = checked_members(archive, zip_members(archive, opened, max_ratio), *limits)
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
                        check_total(archive, written, max_bytes, max_ratio)
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
