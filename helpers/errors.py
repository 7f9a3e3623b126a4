"""The base of all errors of the course, for notebooks: `except CourseError as error`."""

from data_prework.errors import CourseError

__all__ = ["CourseError"]
