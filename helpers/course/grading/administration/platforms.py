"""Downloads of a learning platform (Moodle, Canvas) as the folder of submissions that grading reads.

    python -m helpers.course collect DOWNLOAD.zip SUBMISSIONS --assignment 01_explore

Both platforms put all files side by side, the student's name in the file's. Each goes to SUBMISSIONS/STUDENT/ASSIGNMENT
with its time, and a line of submitted.csv says whose it was there. Files of an earlier download stay.
"""

import argparse
import re
import sys
import tempfile
import zipfile
from datetime import datetime
from os import utime
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from data_prework.files import atomic_write
from data_prework.names import plain_name
from helpers.assignment import SETTINGS, plain, read_settings
from helpers.course.grading.administration.roster import SUBMITTED, read_students
from helpers.course.grading.administration.tables import read_csv, write_csv
from helpers.course.grading.assignments.release import assignments
from helpers.errors import CourseError

MOODLE = re.compile(r"(?:.*/)?(?P<name>[^/]+)_(?P<id>\d+)_assignsubmission_(?:file|onlinetext)_?/?(?P<file>.*)", re.S)
CANVAS = re.compile(r"(?P<name>[^/_]+)_(?:LATE_)?(?P<id>\d+)_\d+_(?P<file>[^/]+)", re.S)
LARGEST, MOST = 50_000_000, 20_000  # bytes of a file, and files, that are unpacked
NESTED = 60  # files that are taken from a student's own archive


class DownloadError(CourseError, ValueError):
    """A download that is not one of a learning platform; the message says what was expected."""


class Member(NamedTuple):
    """One file of a download: its place there, when it was changed (seconds since 1970), and its bytes."""

    path: str
    time: float
    content: bytes


def read_download(path: Path) -> list[Member]:
    """Read a platform's archive, or the folder that it was unpacked to.

    Args:
        path: The archive or folder.

    Returns:
        Its files; links, hidden files and files that are too large are left out.

    Raises:
        DownloadError: It is neither.
    """
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.is_file() and not file.is_symlink()]
        files = [file for file in files if file.stat().st_size <= LARGEST]
        found = [Member(f.relative_to(path).as_posix(), f.stat().st_mtime, f.read_bytes()) for f in files[:MOST]]
    elif zipfile.is_zipfile(path):
        found = _unpack(path, MOST)
    else:
        raise DownloadError(f"{path} is neither a folder nor a zip archive")
    return [one for one in found if not any(part.startswith((".", "__MACOSX")) for part in one.path.split("/"))]


def _unpack(archive, most: int) -> list[Member]:
    with zipfile.ZipFile(archive) as opened:
        infos = [one for one in opened.infolist() if not one.is_dir() and one.file_size <= LARGEST][:most]
        return [Member(one.filename.replace("\\", "/"), _time(one), opened.read(one)) for one in infos]


def _time(info: zipfile.ZipInfo) -> float:
    try:
        return datetime(*info.date_time).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def collect(download: Path, folder: Path, assignment: str) -> tuple[list[dict[str, str]], list[str]]:
    """Sort a download into the folder of submissions.

    Args:
        download: Archive or folder of Moodle or Canvas, of one assignment.
        folder: Of the submissions; its students.csv, where there is one, says which folder is whose: by the platform's
            number in the column id, or by the name.
        assignment: Its name.

    Returns:
        A row for each file, as in submitted.csv, and the files that belong to nobody.

    Raises:
        DownloadError: No file is named as Moodle or Canvas do it.
    """
    students, rows, strays = read_students(folder), [], []
    for member in read_download(download):
        match, platform = MOODLE.match(member.path), "moodle"
        if not match:
            match, platform = CANVAS.fullmatch(member.path.split("/")[-1]), "canvas"
        if not match:
            strays.append(member.path)
            continue
        who = _student(students, match["name"], match["id"])
        files = [member if not match["file"] else Member(match["file"], member.time, member.content)]
        if PurePosixPath(match["file"]).suffix.lower() == ".zip":
            files += _nested(member)
        for file in files:
            place = folder / who / assignment / _safe(file.path)
            moment = datetime.fromtimestamp(file.time).isoformat(timespec="seconds") if file.time else ""
            row = (who, assignment, _put(place, file), moment, platform, match["id"], match["name"])
            rows.append(dict(zip(SUBMITTED, row, strict=True)))
    if not rows:
        raise DownloadError(
            f"{download} holds no file named as Moodle (Anna Lee_123_assignsubmission_file_...) or Canvas "
            f"(leeanna_123_456_...) do it; there is {', '.join(strays[:3]) or 'nothing'}"
        )
    _record(folder, rows, assignment)
    return rows, strays


def _student(students: dict[str, dict[str, str]], name: str, number: str) -> str:
    """The folder of the person whom a platform knows by a name and a number."""
    for who, row in students.items():
        if number and number == row["id"]:
            return who
    letters = sorted(plain(name))
    for who, row in students.items():
        if letters in (sorted(plain(row["name"])), sorted(plain(who))):  # Canvas writes the last name first
            return who
    return plain_name(name).strip(" .") or number


def _nested(member: Member) -> list[Member]:
    """Notebooks and modules in an archive that a student handed in."""
    with tempfile.TemporaryFile() as file:
        file.write(member.content)
        try:
            inside = _unpack(file, NESTED)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, OSError):
            return []
    inside = [one for one in inside if PurePosixPath(one.path).suffix in (".ipynb", ".py")]
    return [one for one in inside if not any(part.startswith((".", "__MACOSX")) for part in one.path.split("/"))]


def _safe(path: str) -> str:
    """The name alone: no path in an archive leads out of the student's folder."""
    return plain_name(PurePosixPath(path).name).strip(" ") or "file"


def _put(place: Path, file: Member) -> str:
    """Write a file beside earlier ones of its name; returns the name that it got."""
    place.parent.mkdir(parents=True, exist_ok=True)
    number, chosen = 0, place
    while chosen.exists() and chosen.read_bytes() != file.content:
        number += 1
        chosen = place.with_name(f"{place.stem} ({number}){place.suffix}")
    if not chosen.exists():
        with atomic_write(chosen) as aside:
            aside.write_bytes(file.content)
    if file.time:
        utime(chosen, (file.time, file.time))
    return chosen.name


def _record(folder: Path, rows: list[dict[str, str]], assignment: str) -> None:
    path = folder / "submitted.csv"
    earlier = read_csv(path, SUBMITTED) if path.is_file() else []
    new = {(row["student"], assignment, row["file"]) for row in rows}
    kept = [row for row in earlier if (row["student"], row["assignment"], row["file"]) not in new]
    write_csv(path, SUBMITTED, kept + rows)


def main(argv: list[str] | None = None) -> int:
    """Sort a download into the folder of submissions.

    Args:
        argv: Words after the command; those of the program if None.

    Returns:
        The exit status: 0 where something was collected.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course collect", description=__doc__.splitlines()[0])
    parser.add_argument("download", type=Path, help="zip archive or folder, of one assignment")
    parser.add_argument("submissions", type=Path, help="the folder that is graded; it is made")
    parser.add_argument("--assignment", required=True, help="such as 01_explore")
    parser.add_argument("--settings", type=Path, default=SETTINGS, help="another settings file")
    args = parser.parse_args(argv)
    try:
        known = assignments(read_settings(args.settings), args.settings)
        if args.assignment not in known:
            raise DownloadError(f"there is no assignment {args.assignment}; there are {', '.join(known)}")
        rows, strays = collect(args.download.expanduser(), args.submissions.expanduser(), args.assignment)
    except (CourseError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{len(rows)} files of {len({row['student'] for row in rows})} students in {args.submissions}")
    if strays:
        print(f"nobody's: {', '.join(strays[:5])}")
    return 0
