"""Every exception of the course can be caught as a CourseError, and is named as Python names errors."""

import ast
import builtins

import pytest

from data_prework.files import PROJECT
from data_prework.image_files import RejectedImageError
from data_prework.manifest import ManifestError
from helpers.data import NotPreparedError
from helpers.errors import CourseError

BUILT_IN = {name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, Exception)}
CLASSES = [
    (path.relative_to(PROJECT).as_posix(), node.name, [ast.unparse(base) for base in node.bases])
    for folder in ("helpers", "data_prework")
    for path in sorted((PROJECT / folder).rglob("*.py"))
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    if isinstance(node, ast.ClassDef)
]
ERRORS = [one for one in CLASSES if any(base in BUILT_IN or base.endswith("Error") for base in one[2])]


@pytest.mark.parametrize(("path", "name", "bases"), ERRORS, ids=[name for _, name, _ in ERRORS])
def test_an_exception_is_a_course_error_and_its_name_says_that_it_is_one(path, name, bases):
    assert name.endswith("Error"), path
    assert name == "CourseError" or bases[0] == "CourseError" or bases[0] in {other for _, other, _ in ERRORS}, path


def test_errors_stay_what_python_calls_them():
    assert len(ERRORS) > 10
    assert issubclass(NotPreparedError, CourseError) and issubclass(NotPreparedError, FileNotFoundError)
    assert issubclass(ManifestError, CourseError) and issubclass(ManifestError, ValueError)
    assert issubclass(RejectedImageError, CourseError) and not issubclass(RejectedImageError, ValueError)
