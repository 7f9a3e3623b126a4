"""What the notebooks of the exercises ask for: data and numbers of the student's own, and tests that run answers."""

from helpers.assignment.exercise import (
    CHOICES,
    LIMITS,
    SETTINGS,
    Exercise,
    close,
    own_seed,
    plain,
    read_settings,
    reject,
    start,
)

__all__ = [
    "CHOICES",
    "LIMITS",
    "SETTINGS",
    "Exercise",
    "close",
    "own_seed",
    "plain",
    "read_settings",
    "reject",
    "start",
]
