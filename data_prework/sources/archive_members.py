"""What an archive holds, checked before a byte of it is written: nothing lands outside, nothing swells without end."""

import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from data_prework.errors import CourseError

RATIO_FLOOR = 2**20  # below 1 MiB a high ratio is harmless, and common (masks, text files)
RATIO_HELP = "looks like a decompression bomb; if you trust it, unpack it yourself and pass the folder with --from"
BY_HAND = "unpack it with your system's own tool, then pass the folder with --from"
OTHER_KINDS = {  # first bytes -> kind
    b"Rar!": "rar",
    b"7z\xbc\xaf": "7z",
}
TAR_HEADS = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00")  # gzip, bzip2, xz; Python opens a tar in each
ARCHIVE_SUFFIXES = (".zip", ".rar", ".7z", ".gz", ".tgz", ".tar", ".bz2", ".tbz2", ".xz", ".txz")
LITTER = (".DS_Store", "Thumbs.db", "desktop.ini", "Icon\r")


class UnpackError(CourseError, ValueError):
    """An archive that cannot be opened safely; the message names it, its member, the fault and the way on."""


@dataclass(frozen=True)
class Member:
    """A file of an archive: its name, its bytes unpacked, and how to read them."""

    name: str
    size: int
    reader: Callable[[], IO[bytes]]


def archive_kind(archive: Path) -> str:
    """Tell a zip from a tar file by the first bytes.

    Args:
        archive: The file.

    Returns:
        "zip" or "tar".

    Raises:
        UnpackError: It is neither, of a kind that Python can't open, empty, or not complete.
    """
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


def zip_members(archive: Path, opened: zipfile.ZipFile, max_ratio: float) -> Iterator[tuple[PurePosixPath, Member]]:
    """Yield each file of a zip file, with its place in the folder.

    Args:
        archive: Its name is in the messages.
        opened: The same, opened.
        max_ratio: Limit on unpacked bytes per archived byte.

    Raises:
        UnpackError: A member is encrypted, no plain file, would land outside, or grows too much.
    """
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


def tar_members(archive: Path, opened: tarfile.TarFile, max_ratio: float) -> Iterator[tuple[PurePosixPath, Member]]:
    """Yield each file of a tar file, with its place in the folder.

    Args:
        archive: Its name is in the messages.
        opened: The same, opened.
        max_ratio: Is of no use here: a tar file has one ratio for all.

    Raises:
        UnpackError: A member is no plain file, or would land outside.
    """
    for info in opened:  # header after header: a limit can stop it before anything large is read
        place = _place(archive, info.name)
        kinds = {tarfile.SYMTYPE: stat.S_IFLNK, tarfile.LNKTYPE: stat.S_IFLNK, tarfile.DIRTYPE: stat.S_IFDIR}
        _check_plain(archive, info.name, kinds.get(info.type, stat.S_IFREG if info.isfile() else stat.S_IFIFO))
        if place is not None and info.isfile():
            yield place, Member(info.name, info.size, partial(opened.extractfile, info))


def checked_members(
    archive: Path,
    found: Iterable[tuple[PurePosixPath, Member]],
    max_bytes: int,
    max_files: int,
    max_ratio: float,
) -> dict[PurePosixPath, Member]:
    """Make every check that the headers allow.

    Args:
        archive: Its name is in the messages.
        found: As from `zip_members` or `tar_members`.
        max_bytes: Limit on unpacked bytes.
        max_files: Limit on files.
        max_ratio: Limit on unpacked bytes per archived byte.

    Returns:
        Place in the folder -> member.

    Raises:
        UnpackError: A limit is passed, or there is nothing to unpack.
    """
    members, total = {}, 0
    for place, member in found:
        if place in members:
            raise UnpackError(f"{archive}: {member.name} is in it twice: {BY_HAND}")
        members[place] = member
        total += member.size
        if len(members) > max_files:
            raise UnpackError(f"{archive} holds more files than the limit of {max_files:,}")
        check_total(archive, total, max_bytes, max_ratio)
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


def check_total(archive: Path, total: int, max_bytes: int, max_ratio: float) -> None:
    """Check what all members together take.

    Args:
        archive: The file.
        total: Unpacked bytes.
        max_bytes: Limit on them.
        max_ratio: Limit on unpacked bytes per archived byte; small archives may grow more.

    Raises:
        UnpackError: It is too much.
    """
    if total > max_bytes:
        raise UnpackError(f"{archive} unpacks to more than the limit of {max_bytes:,} bytes: {RATIO_HELP}")
    if total > RATIO_FLOOR and total > max_ratio * archive.stat().st_size:
        raise UnpackError(f"{archive} grows more than {max_ratio:g} times: {RATIO_HELP}")
