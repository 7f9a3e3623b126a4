"""The map names every lesson with the minutes of its head, the README its parts, and the guide plans that add up."""

import re

import nbformat

from data_prework.files import PROJECT
from helpers.course.notebooks import course_notebooks

NOTEBOOKS = PROJECT / "notebooks"
MAP = (NOTEBOOKS / "README.md").read_text(encoding="utf-8")
GUIDE = (NOTEBOOKS / "exercises" / "README.md").read_text(encoding="utf-8")
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


def test_a_core_lesson_needs_core_lessons_only():
    core = {(NOTEBOOKS / row[2]).resolve() for row in ROW.findall(MAP) if row[7] == "core"}
    outside = {}
    for path in core:
        cells = nbformat.read(path, as_version=4).cells[:14]
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        before = re.search(r"\*\*Before\*\*(.*?)(?:\n\n|\Z)", text, re.S)[1]
        needed = {(path.parent / link).resolve() for link in re.findall(r"\]\((\S+\.ipynb)\)", before)}
        if needed - core:
            outside[path.stem] = sorted(one.stem for one in needed - core)
    assert outside == {}


def test_the_guide_plans_with_the_minutes_of_the_map():
    minutes = {row[0]: (int(row[4]), int(row[5])) for row in ROW.findall(MAP)}
    planned = {}
    for first, last, teaching, exercises in re.findall(
        r"^\| (\d+\.\d)(?: (?:to|and) (\d+\.\d))? [^|]+ \| (\d+) \| (\d+) \|", GUIDE, re.M
    ):
        part, start = first.split(".")
        lessons = [f"{part}.{i}" for i in range(int(start), int((last or first).split(".")[1]) + 1)]
        sums = tuple(sum(minutes[one][i] for one in lessons) for i in (0, 1))
        assert (int(teaching), int(exercises)) == sums, first
        planned |= dict.fromkeys(lessons)
    assert list(planned) == list(minutes)


def test_six_weeks_are_the_core_track_in_evenings_of_four_hours():
    minutes = {row[0]: int(row[4]) for row in ROW.findall(MAP)}
    core = [row[0] for row in ROW.findall(MAP) if row[7] == "core"]
    weeks = re.findall(r"^\| \d \| (.+) \|$", GUIDE.split("**Six weeks**")[1], re.M)
    planned = [re.findall(r"\d+\.\d", week) for week in weeks]
    assert sorted(one for week in planned for one in week) == sorted(core) and len(weeks) == 6
    spent = [
        sum(minutes[one] + 10 for one in week) + 60 * ("case study" in text)
        for week, text in zip(planned, weeks, strict=True)
    ]
    assert max(spent) <= 220, spent  # with the first exercise of each; 20 minutes are a break


def test_the_guide_gives_an_assignment_the_minutes_of_its_head():
    given = {}
    for part, minutes in re.findall(r"^\| (\d+)\.\d [^|]+ \| \d+ \| \d+ \| (\d+)[^|]* \|", GUIDE, re.M):
        given[int(part)] = int(minutes)
    heads = {}
    for path in sorted((NOTEBOOKS / "exercises" / "source").glob("*/[0-9]*.ipynb")):
        head = nbformat.read(path, as_version=4).cells[0].source
        heads[int(path.stem[:2])] = int(re.search(r"about (\d+) minutes", head)[1])
    assert given == heads and len(heads) == 10
