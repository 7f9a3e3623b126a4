"""Why a value can't be handed from one interpreter to the other."""

from helpers.errors import CourseError


class NotPlainError(CourseError, TypeError):
    """A value that can't be handed from one interpreter to the other; the message says what it is."""


class OwnClassError(NotPlainError):
    """A network with code of its own, such as a Lambda layer: only the interpreter that made it can run it."""
