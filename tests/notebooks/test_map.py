"""The map of the course names every lesson with the minutes that stand at its head, and the README its parts."""

import re

import nbformat

from data_prework.files import PROJECT
from helpers.course.notebooks import course_notebooks

NOTEBOOKS = PROJECT / "notebooks"
MAP = (NOTEBOOKS / "README.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| \[([\d.]+) (.+?)\]\((\S+\.ipynb)\) \| (.+?) \| (\d+) min \| (\d+) min \| (\S+ (?:s|min)) \| (\w+) \|$", re.M
)
TIME = re.compile(
    r"(\d+)\s+minutes\s+of\s+teaching,\s+(\d+)\s+minutes\s+of\s+exercises;\s+(?:about\s+)?([\d.]+)\s+(seconds|minute)"
)
LESSONS = [path for path in course_notebooks() if path.parent.name[:2].isdigit()]


def head(path) -> tuple:
    """Number, title, minutes of teaching and of exercises, and the time of computing, as a lesson says them."""
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells[:14] if cell.cell_type == "markdown")
    number, title = re.search(r"^# ([\d.]+) · (.+)$", text, re.M).groups()
    teaching, exercises, computing, unit = TIME.search(text).groups()
    return number, title, teaching, exercises, f"{computing} {'s' if unit == 'seconds' else 'min'}"


def test_the_map_has_every_lesson_in_order_with_its_title_and_minutes():
    rows = {place: (number, title, a, b, c) for number, title, place, _, a, b, c, _ in ROW.findall(MAP)}
    assert list(rows) == [path.relative_to(NOTEBOOKS).as_posix() for path in LESSONS]
    assert {place: row for place, row in rows.items() if row != head(NOTEBOOKS / place)} == {}


def test_about_twenty_lessons_are_the_core_and_all_have_a_question():
    rows = ROW.findall(MAP)
    assert {row[7] for row in rows} == {"core", "further"}
    assert 18 <= sum(row[7] == "core" for row in rows) <= 23
    assert all(row[3].endswith("?") for row in rows)


def test_the_readme_counts_the_lessons_and_minutes_of_each_part():
    text = (PROJECT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[(\d\d) .+?\]\(\S+\) \| .+ \| (\d+) \((\d+)\) \| (\d+) \|$", text, re.M)
    counted = {}
    for number, _, _, _, teaching, _, _, track in ROW.findall(MAP):
        lessons, core, minutes = counted.get(int(number.split(".")[0]), (0, 0, 0))
        counted[int(number.split(".")[0])] = (lessons + 1, core + (track == "core"), minutes + int(teaching))
    assert {int(part): tuple(map(int, values)) for part, *values in rows} == counted
