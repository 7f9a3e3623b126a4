"""The page about the five projects is true: their credit, models, links, and where the course has each point.

A row of a table is `| S0-7 | a point of the report | where the course has it |`. A place is a link, and behind it a
text to search for in the file: `cracks-046: rows` in cell cracks-046 of the notebook, `def evaluate` elsewhere.
"""

import re
from functools import cache
from pathlib import Path

import nbformat
import pytest

from data_prework.files import PROJECT
from helpers.course.site.citation import citations
from helpers.models.reference_models import REFERENCE_MODELS, REFERENCE_PROJECTS

PAGE = PROJECT / "notebooks" / "reference_projects.md"
TEXT = PAGE.read_text(encoding="utf-8")
README = (PROJECT / "README.md").read_text(encoding="utf-8")
CITATION = (PROJECT / "CITATION.cff").read_text(encoding="utf-8")

LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")
PLACE = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\) (`[^`]+`(?:, `[^`]+`)*)")
PLACES = re.compile(rf"{PLACE.pattern}(?:; {PLACE.pattern})*")
ABSENT = re.compile(r"Not here: (\S+ ){4,}\S+[.!?]")
ROW = re.compile(r"^\| (S\d-M?\d+[ab]?) \| (.+) \| (.+) \|$", re.M)


def sections(page: str) -> dict[str, str]:
    """Key of a project -> its section of the page."""
    found = re.split(r"^## (S\d) · ", page, flags=re.M)
    return dict(zip(found[1::2], found[2::2], strict=True))


def rows(page: str, models: bool) -> list[tuple[str, str, str]]:
    """(number or model, what, where) of each row: those of the models, or the points of the reports."""
    return [row for row in ROW.findall(page) if ("-M" in row[0]) is models]


@cache
def cells(path: Path) -> dict[str, str]:
    return {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}


def faults_of_place(target: str, spans: str) -> list[str]:
    """What is wrong with a link of the page and the texts behind it."""
    path = (PAGE.parent / target).resolve()
    if not path.is_file():
        return [f"{target} is no file"]
    found = []
    for span in re.findall(r"`([^`]+)`", spans):
        if path.suffix != ".ipynb":
            found += [] if span in path.read_text(encoding="utf-8") else [f"{target} has no {span!r}"]
            continue
        cell, _, words = span.partition(": ")
        if cell not in cells(path):
            found.append(f"{target} has no cell {cell}")
        elif not words or words not in cells(path)[cell]:
            found.append(f"{cell} has no {words!r}")
    return found


def faults_of_rows(page: str) -> list[str]:
    """What is wrong with the places of the page's rows."""
    found = []
    for number, _, where in rows(page, models=False) + rows(page, models=True):
        if where.startswith("Not here:"):
            found += [] if ABSENT.fullmatch(where) else [f"{number}: no reason"]
        elif not PLACES.fullmatch(where):
            found.append(f"{number}: no place, and no reason")
        for place in PLACE.finditer(where):
            found += [f"{number}: {fault}" for fault in faults_of_place(place[2], place[3])]
    return found


def faults_of_numbers(page: str) -> list[str]:
    """Rows whose number is not the next of their project, and lines that look like rows and are none."""
    found = []
    for key, section in sections(page).items():
        numbers = [number for number, _, _ in rows(section, models=False)]
        found += [] if numbers == [f"{key}-{i}" for i in range(1, len(numbers) + 1)] else [f"{key}: {numbers}"]
        lines = re.findall(r"^\| *S\d.*$", section, re.M)
        found += [line for line in lines if not ROW.fullmatch(line)]
    return found


def faults_of_credit(text: str, key: str) -> list[str]:
    """What a text about a project does not say of its title, its authors and its link."""
    project = REFERENCE_PROJECTS[key]
    wanted = [
        project.title,
        *(project.authors or ("not named",)),
        project.link,
        *([str(project.year)] * bool(project.year)),
    ]
    return [words for words in wanted if words not in text]


@pytest.mark.parametrize("key", REFERENCE_PROJECTS)
def test_a_project_has_a_section_that_names_it_and_says_for_whom_it_was_and_what_it_did_well(key):
    project, section = REFERENCE_PROJECTS[key], sections(TEXT)[key]
    assert not faults_of_credit(section, key)
    wanted = (project.stakeholder, project.criterion, project.data_link, *project.strengths)
    assert not [words for words in wanted if words not in section]


def test_there_is_a_section_for_each_project_and_none_besides():
    assert list(sections(TEXT)) == list(REFERENCE_PROJECTS)


@pytest.mark.parametrize("key", REFERENCE_PROJECTS)
def test_the_readme_and_the_page_to_cite_name_each_project_with_its_authors(key):
    assert not faults_of_credit(README, key)
    assert not faults_of_credit(CITATION.replace("\n        family-names:", ""), key)


def test_the_citation_file_holds_the_projects_in_their_order_and_the_course_has_its_own_authors():
    course, *projects = citations(CITATION)
    named = [(project["title"], tuple(project["authors"])) for project in projects]
    wanted = [(project.title, project.authors or ("authors not named",)) for project in REFERENCE_PROJECTS.values()]
    assert named == wanted and len(course["authors"]) == 1


def test_every_model_has_a_row_in_the_section_of_its_project_with_its_network_and_parameters():
    named = {key: rows(section, models=True) for key, section in sections(TEXT).items()}
    assert [model for several in named.values() for model, _, _ in several] == list(REFERENCE_MODELS)
    for key, several in named.items():
        for model, what, _ in several:
            published = REFERENCE_MODELS[model]
            count = f"{published.parameters:,} parameters" if published.parameters else "parameters not given"
            assert published.project == key and what == f"{published.description}; {count}"


def test_the_readme_and_the_page_count_the_models_right():
    assert all(f"rebuild their {len(REFERENCE_MODELS)} models" in text for text in (README, TEXT))


def test_every_link_leads_to_a_file_or_outside():
    inside = [target for _, target in LINK.findall(TEXT) if not re.match(r"https?://", target)]
    assert inside and not [target for target in inside if not (PAGE.parent / target).is_file()]


def test_every_row_has_places_that_say_what_they_should_or_a_reason_for_none():
    assert not faults_of_rows(TEXT)


def test_rows_are_numbered_without_a_gap_and_a_report_has_at_least_twenty():
    assert not faults_of_numbers(TEXT)
    counts = {key: len(rows(section, models=False)) for key, section in sections(TEXT).items()}
    assert min(counts.values()) >= 20


def test_words_about_a_place_are_the_name_of_its_file():
    """A link of a row is called alike everywhere, and two files are not called the same."""
    names = {(label, target) for _, _, where in ROW.findall(TEXT) for label, target, _ in PLACE.findall(where)}
    assert len({label for label, _ in names}) == len({target for _, target in names}) == len(names)


@pytest.mark.parametrize(
    "where, fault",
    [
        ("[Lesson 02](02_dense.ipynb) `02-001: Dense`", "02_dense.ipynb is no file"),
        (
            "[Lesson 2.3](02_dense/3_overfitting.ipynb) `overfit-999: a`",
            "02_dense/3_overfitting.ipynb has no cell overfit-999",
        ),
        ("[Lesson 2.3](02_dense/3_overfitting.ipynb) `overfit-head: no words`", "overfit-head has no 'no words'"),
        ("[Lesson 2.3](02_dense/3_overfitting.ipynb) `overfit-head`", "overfit-head has no ''"),
        ("[Lesson 2.3](02_dense/3_overfitting.ipynb)", "no place, and no reason"),
        (
            "[plots](../helpers/plots/images.py) `def no_such_plot`",
            "../helpers/plots/images.py has no 'def no_such_plot'",
        ),
        ("somewhere in lesson 02", "no place, and no reason"),
        ("Not here:", "no reason"),
        ("Not here: too hard.", "no reason"),
    ],
)
def test_a_wrong_place_or_a_missing_reason_is_found(where, fault):
    assert faults_of_rows(f"| S0-1 | a point | {where} |\n") == [f"S0-1: {fault}"]


@pytest.mark.parametrize(
    "line", ["| S0-3 | a point | a place |", "| S0-1 | twice | a place |", "| S0-2 | two columns |"]
)
def test_a_gap_in_the_numbers_a_number_twice_and_a_broken_row_are_found(line):
    assert faults_of_numbers(f"## S0 · A title\n\n| S0-1 | a point | a place |\n{line}\n")
    assert not faults_of_numbers("## S0 · A title\n\n| S0-1 | a point | a place |\n| S0-2 | a point | a place |\n")


@pytest.mark.parametrize("words", ["Susan Kanyora", "With Neural Networks", "/tree/master"])
def test_a_missing_author_title_or_link_is_found(words):
    assert faults_of_credit(README, "S1") == [] and len(faults_of_credit(README.replace(words, ""), "S1")) == 1
