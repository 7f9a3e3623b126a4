"""Settings that cannot work are named before a file is written."""

from collections.abc import Iterable

from data_prework.manifest import COURSE, find_prepared, read_about
from helpers.errors import CourseError

DIFFICULTY = (0.2, 3.0)
POSITIVE = (
    *("at_once", "seconds_per_cell", "seconds_per_submission"),
    *("memory_gb", "printed_mb", "notebook_mb"),
)


class SettingsError(CourseError, ValueError):
    """The settings file and the notebooks do not agree; the message says what to change."""


def check_settings(settings: dict, names: Iterable[str]) -> None:
    """See that each assignment's data set is there, and that each number is in its range.

    Args:
        settings: As from `helpers.assignment.read_settings`.
        names: Of the assignments.

    Raises:
        SettingsError: Something is not; the message has a line for each.
    """
    faults = [
        f"[grading] {key} = {settings['grading'][key]:g}; it must be above 0"
        for key in POSITIVE
        if not settings["grading"][key] > 0
    ]
    for name in names:
        faults += [f"[{name}] {fault}" for fault in _faults(settings[name])]
    if faults:
        raise SettingsError("; ".join(faults))


def _faults(chosen: dict) -> list[str]:
    dataset, difficulty = chosen["dataset"], chosen["difficulty"]
    found = []
    if not DIFFICULTY[0] <= difficulty <= DIFFICULTY[1]:
        found.append(f"difficulty = {difficulty:g}; it must be from {DIFFICULTY[0]:g} to {DIFFICULTY[1]:g}")
    if dataset in COURSE:
        return found
    if difficulty != 1:
        found.append(f"difficulty = {difficulty:g}, but {dataset!r} is not drawn by the course: leave it at 1")
    place = find_prepared(dataset, "real") if dataset.strip("./\\ ") == dataset and dataset else None
    if place is None:
        prepare = f"python -m data_prework prepare {dataset or 'NAME'} --from FOLDER"
        found.append(f"dataset = {dataset!r} is not prepared here. There are {', '.join(COURSE)}; your own: {prepare}")
    elif len(classes := read_about(place).classes) != 2:
        found.append(f"dataset = {dataset!r} has {len(classes)} classes; the exercises need exactly two")
    return found
