"""The notebooks of the course in reading order, and what running one gives."""

from dataclasses import dataclass
from pathlib import Path

from data_prework.files import PROJECT


@dataclass(frozen=True)
class Outcome:
    """What running one notebook gave; `fault` is empty when it went through."""

    name: str
    title: str
    source: str
    seconds: float
    peak_mb: float
    fault: str


def place_of(path: Path) -> str:
    """Return where the executed copy of a notebook goes, and its page: as in the project, or by its name alone.

    Args:
        path: Of the notebook, absolute.
    """
    return path.relative_to(PROJECT).as_posix() if path.is_relative_to(PROJECT) else path.name


def course_notebooks() -> list[Path]:
    """The notebooks in reading order: lessons, case studies, rebuild labs, and last the tour of data preparation."""
    notebooks = PROJECT / "notebooks"
    lessons = [*notebooks.glob("[0-9]*.ipynb"), *notebooks.glob("[0-9]*/[0-9]*.ipynb")]
    projects = (notebooks.glob(f"{name}/*.ipynb") for name in ("case_studies", "rebuild"))
    others = (*projects, PROJECT.glob("data_prework/*.ipynb"))
    in_order = sorted(lessons, key=lambda path: (part(path), path.parent != notebooks, path))
    return [*in_order, *(path for place in others for path in sorted(place))]


def part(lesson: Path) -> int:
    """The number of the part that a lesson belongs to: of its folder, or of its own name.

    Example:
        >>> part(Path("notebooks/06_transfer/2_fine_tuning.ipynb")), part(Path("notebooks/11_topic.ipynb"))
        (6, 11)
    """
    name = lesson.parent.name if lesson.parent.name[:2].isdigit() else lesson.name
    return int(name[:2])
