"""The base of all errors of the course."""


class CourseError(Exception):
    """Something that the reader of the message can mend: it names the file or argument, the fault and what to do."""
