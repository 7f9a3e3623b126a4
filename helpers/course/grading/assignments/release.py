"""The students' versions of the exercises: the instructor's settings written in, the solutions taken out."""

import os
import re
import shutil
import sys
from pathlib import Path

import nbformat

from helpers.assignment import SETTINGS, read_settings
from helpers.course.grading.assignments.cells import NAME, grade_id, graded
from helpers.course.grading.assignments.settings_check import SettingsError, check_settings

__all__ = [
    "SOURCES",
    "SettingsError",
    "assignments",
    "build",
    "handed_out",
    "source_of",
    "student_version",
    "with_settings",
]

SOURCES = SETTINGS.parent / "source"
START = re.compile(r'assignment\.start\("(\w+)", STUDENT\)')
HEADING = re.compile(r"^### Task (\d+) .*", re.M)
GAP = '# YOUR CODE HERE\nraise NotImplementedError("Not solved yet: put your answer in the place of this line.")'


def source_of(name: str, settings: Path = SETTINGS) -> Path:
    """Return the source notebook of an assignment: from `source` beside the settings file, else the course's own.

    Args:
        name: Of the assignment.
        settings: The settings file.
    """
    own = settings.absolute().parent / "source" / name / f"{name}.ipynb"
    return own if own.is_file() else SOURCES / name / f"{name}.ipynb"


def assignments(settings: dict, path: Path = SETTINGS) -> list[str]:
    """Return the names of the assignments: they have a section in the settings and a source notebook.

    Args:
        settings: As from `helpers.assignment.read_settings`.
        path: The settings file.

    Raises:
        SettingsError: A section has no notebook.
    """
    names = [name for name in settings if name != "grading"]
    for name in names:
        if not source_of(name, path).is_file():
            raise SettingsError(f"[{name}] is in the settings, but there is no notebook {name}.ipynb")
    return names


def with_settings(notebook: nbformat.NotebookNode, name: str, chosen: dict) -> nbformat.NotebookNode:
    """Write the chosen values into a source notebook: its points, and its call of `start`; the name becomes empty.

    Args:
        notebook: The source; it is changed.
        name: Of the assignment.
        chosen: Its section of the settings.

    Returns:
        The notebook.

    Raises:
        SettingsError: The points do not name the notebook's tasks, or it does not call `start` in one place.
    """
    by_task = graded(notebook)
    if set(by_task) != set(chosen["points"]):
        raise SettingsError(
            f"[{name}] points must be given for {', '.join(by_task)}, not for {', '.join(chosen['points'])}"
        )
    for task, points in chosen["points"].items():
        if not isinstance(points, int | float) or points < 0:
            raise SettingsError(f"[{name}] {task} = {points!r}: points are a number from 0")
        by_task[task].metadata.nbgrader.points = points
    keys = ("dataset", "difficulty", "seed", "seed_per_student")
    values = ",\n    ".join(f"{key}={chosen[key]!r}".replace("'", '"') for key in keys)
    found = 0
    for cell in notebook.cells:
        cell.source = HEADING.sub(lambda found: f"{found[0]} ({_worth(chosen['points'], found[1])})", cell.source)
        if grade_id(cell) == "name":
            cell.source = NAME.sub('STUDENT = ""', cell.source)
        if cell.cell_type == "code":
            cell.source, n = START.subn(rf'assignment.start(\n    "\1",\n    STUDENT,\n    {values},\n)', cell.source)
            found += n
            cell.outputs, cell.execution_count = [], None
    if found != 1:
        raise SettingsError(f'{name}.ipynb must call assignment.start("{name}", STUDENT) in one place')
    return notebook


def _worth(points: dict, number: str) -> str:
    n = sum(worth for task, worth in points.items() if re.fullmatch(rf"task{number}[a-z]?", task))  # with its steps
    return "1 point" if n == 1 else f"{n:g} points"


def build(out: Path, settings: Path = SETTINGS, names: list[str] | None = None) -> Path:
    """Make an nbgrader course with the students' versions.

    Args:
        out: The course goes to `out/course`, whose earlier content is removed.
        settings: The settings file.
        names: Of the assignments; all if None.

    Returns:
        The folder of the course.

    Raises:
        SettingsError: Settings, data sets and notebooks do not agree; nothing was written or removed.
    """
    from nbgrader.converters import GenerateAssignment
    from nbgrader.coursedir import CourseDirectory

    from helpers.course.grading.assignments.database import do_not_wait_for_the_disk

    _find_programs()
    do_not_wait_for_the_disk()
    chosen = read_settings(settings)
    names = names or assignments(chosen, settings)
    check_settings(chosen, names)
    sources = {name: nbformat.read(source_of(name, settings), as_version=4) for name in names}
    made = {name: with_settings(notebook, name, chosen[name]) for name, notebook in sources.items()}
    course = out.resolve() / "course"
    shutil.rmtree(course, ignore_errors=True)
    for name, notebook in made.items():
        place = course / "source" / name
        place.mkdir(parents=True)
        nbformat.write(notebook, place / f"{name}.ipynb")
        config = _config()
        config.CourseDirectory.root = str(course)
        config.CourseDirectory.assignment_id = name
        GenerateAssignment(coursedir=CourseDirectory(config=config), config=config).start()
    return course


def student_version(notebook: nbformat.NotebookNode, name: str, settings: dict) -> nbformat.NotebookNode:
    """Make one notebook as `build` writes it for students, without nbgrader's course around it: for the site.

    Args:
        notebook: The source, in nbgrader's format; it is changed.
        name: Of the assignment.
        settings: Those of all assignments.

    Returns:
        The notebook without solutions, hidden tests, marking schemes and outputs.
    """
    from nbgrader.preprocessors import ClearHiddenTests, ClearMarkScheme, ClearOutput, ClearSolutions

    notebook = with_settings(notebook, name, settings[name])
    for step in (ClearSolutions, ClearOutput, ClearHiddenTests, ClearMarkScheme):
        notebook, _ = step(config=_config()).preprocess(notebook, {})
    return notebook


def handed_out(name: str, settings: dict, path: Path = SETTINGS) -> nbformat.NotebookNode:
    """Make one notebook as students get it, from its source.

    Args:
        name: Of the assignment.
        settings: Those of all assignments.
        path: The settings file.

    Returns:
        As from `student_version`.
    """
    return student_version(nbformat.read(source_of(name, path), as_version=4), name, settings)


def _config():
    """nbgrader's configuration: what stands in the place of a solution."""
    from traitlets.config import Config

    config = Config()
    config.ClearSolutions.code_stub = {"python": GAP}
    config.ClearSolutions.text_stub = "YOUR ANSWER HERE"
    return config


def _find_programs() -> None:
    """nbgrader starts the program alembic, which lies beside Python: also where no environment is active."""
    here = str(Path(sys.executable).parent)
    places = os.environ.get("PATH", "").split(os.pathsep)
    if here not in places:
        os.environ["PATH"] = os.pathsep.join([here, *places])
