"""What the site's pages are made of: links, alt texts, and exercises that keep their solutions to themselves."""

from datetime import date

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from helpers.assignment import read_settings
from helpers.course.grading.assignments.release import student_version
from helpers.course.site import build as site
from helpers.course.site.citation import citations, cite_page
from helpers.course.site.extension import keep_columns
from helpers.course.site.pages import alt_text, page, relink
from helpers.course.site.reference import reference_pages
from helpers.course.site.source import EXERCISES, PROJECT

PLACES = {
    "README.md": "index.md",
    "notebooks/01.ipynb": "notebooks/01.ipynb",
    "notebooks/02.ipynb": "notebooks/02.ipynb",
    "cards/cracks.md": "cards/cracks.md",
    "helpers/plots/training.py": "reference/helpers.md",
}
SETTINGS = read_settings()
ASSIGNMENTS = [path for path in sorted((PROJECT / EXERCISES).glob("source/*/*.ipynb")) if path.stem in SETTINGS]


def linked(text: str, here: str = "notebooks/01.ipynb") -> str:
    return relink(text, here, PLACES, lambda path: path if path == "notebooks/hub.py" else None)


@pytest.mark.parametrize(
    "before, after",
    [
        ("[next](02.ipynb)", "[next](02.ipynb)"),
        ("[the card](../cards/cracks.md#traps)", "[the card](../cards/cracks.md#traps)"),
        ("[start](../README.md)", "[start](../index.md)"),
        ("[the *figures*](../helpers/plots/training.py)", "[the *figures*](../reference/helpers.md)"),
        ("[a file to keep](hub.py)", "[a file to keep](hub.py)"),
        ("[the tests](../tests)", "the tests"),
        ("[outside](https://example.org/a.html)", "[outside](https://example.org/a.html)"),
        ("[above](#top)", "[above](#top)"),
        ("![a plot](plot.png)", "![a plot](plot.png)"),
    ],
)
def test_links_lead_to_pages_or_become_text(before, after):
    assert linked(f"See {before}.") == f"See {after}."


def test_an_image_of_the_project_is_copied_along():
    asked = []
    shown = relink("![a plot](plot.png)", "notebooks/01.ipynb", PLACES, lambda path: asked.append(path) or path)
    assert shown == "![a plot](plot.png)" and asked == ["notebooks/plot.png"]


def test_an_image_from_the_network_becomes_words():
    badge = "[![Open in Colab](https://example.org/badge.svg)](https://example.org/01.ipynb)"
    assert linked(badge) == "[Open in Colab](https://example.org/01.ipynb)"
    assert linked('<a href="x"><img src="https://example.org/b.svg" alt="Binder"/></a>') == '<a href="x">Binder</a>'


def test_the_first_page_of_the_project_links_to_the_others():
    assert linked("[one](notebooks/01.ipynb)", here="README.md") == "[one](notebooks/01.ipynb)"


@pytest.mark.parametrize(
    "code, text",
    [
        ('plot_images(images, title="No crack")', "Images: No crack"),
        ('ax.set_title("ROC")\nfigure.suptitle("Three curves")', "Figure: ROC; Three curves"),
        ('ax.set(title=f"All {n} of them")\nax.legend(title="class")', "Figure: All … of them"),
        ('%matplotlib inline\nplt.title(f"{n} images")\nplot_history(fitted)', "Training curves: The loss"),
        ("plt.plot(x)", "Figure: The loss"),
    ],
)
def test_a_figure_is_named_by_its_title_or_else_by_the_heading_above(code, text):
    assert alt_text(code, "The `loss`") == text


def test_an_alt_text_that_was_stored_with_the_image_comes_before_a_guess_from_the_code():
    said = {"image/png": {"alt": "The loss falls to 0.1."}}
    figure = new_output("display_data", {"image/png": "aaaa"}, metadata=said)
    cell = new_code_cell("plt.plot(x)", outputs=[figure])
    made = page(new_notebook(cells=[cell]), "notebooks/a.ipynb", {}, lambda path: None)
    assert made.cells[0].metadata.mystnb.image.alt == "The loss falls to 0.1."


def test_a_page_gives_each_figure_its_alt_text_and_drops_the_mark_for_the_tests():
    image = new_output("display_data", {"image/png": "iVBORw0KGgo="})
    cells = [
        new_markdown_cell("# One\n\n## Two\n\nText"),
        new_code_cell("# NBVAL_CHECK_OUTPUT\nplt.plot(x)", outputs=[image]),
        new_code_cell("not python at all"),
    ]
    made = page(new_notebook(cells=cells), "notebooks/01.ipynb", PLACES, lambda path: None)
    assert made.cells[1].source == "plt.plot(x)" and made.cells[1].metadata.mystnb.image.alt == "Figure: Two"


def test_no_level_of_headings_is_left_out():
    text = "# Title\n\n### First\n\n```sh\n# no heading\n```"
    made = page(new_notebook(cells=[new_markdown_cell(text)]), "notebooks/01.ipynb", PLACES, lambda path: None)
    assert made.cells[0].source == text.replace("###", "##")


def graded(kind: str, source: str, **meta):
    meta = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3} | meta
    make = {"code": new_code_cell, "markdown": new_markdown_cell}[kind]
    return make(source, metadata={"nbgrader": meta})


def test_a_students_version_has_no_solution_no_hidden_test_no_marking_scheme_and_no_output():
    pytest.importorskip("nbgrader", reason="nbgrader is not installed; it comes with the extra `site`")
    given = "def rate(a, b):\n    ### BEGIN SOLUTION\n    return a / b  # canary\n    ### END SOLUTION"
    test = "assert rate(1, 2) == 0.5\n### BEGIN HIDDEN TESTS\nassert rate(3, 4) == 0.75  # canary\n### END HIDDEN TESTS"
    cells = [
        graded("code", 'STUDENT = "canary"', grade_id="name", solution=True),
        new_code_cell('import helpers\nexercise = assignment.start("99_tiny", STUDENT)'),
        graded("code", given, grade_id="task1", solution=True),
        graded("code", test, grade_id="task1_test", grade=True, locked=True, points=1),
        graded("markdown", "Because of the canary.", grade_id="task2", grade=True, solution=True, points=2),
        graded("code", "canary = 1", grade_id="task3", grade=True, solution=True, points=1),
    ]
    cells[2].outputs = [new_output("stream", text="canary")]
    values = {"dataset": "chest_xray", "difficulty": 1.0, "seed": 7, "seed_per_student": True}
    settings = {"99_tiny": values | {"points": {"task1": 1, "task2": 2, "task3": 1}}}
    made = student_version(new_notebook(cells=cells), "99_tiny", settings)
    text = nbformat.writes(made)
    assert "canary" not in text and "BEGIN" not in text
    assert "def rate(a, b):\n    # YOUR CODE HERE" in made.cells[2].source
    assert made.cells[3].source == "assert rate(1, 2) == 0.5" and made.cells[4].source == "YOUR ANSWER HERE"


@pytest.mark.parametrize("path", ASSIGNMENTS[:1], ids=lambda path: path.stem)  # seconds each, and all go one way
def test_the_site_shows_what_nbgrader_gives_to_students(path, tmp_path):
    pytest.importorskip("nbgrader", reason="nbgrader is not installed; it comes with the extra `site`")
    from helpers.course.grading.assignments.release import build

    released = build(tmp_path, names=[path.stem]) / "release" / path.stem / path.name
    ours = student_version(nbformat.read(path, as_version=4), path.stem, SETTINGS)
    theirs = nbformat.read(released, as_version=4)
    assert [cell.source for cell in ours.cells] == [cell.source for cell in theirs.cells]


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="holds no site"):
        site.build(tmp_path)
    assert site.main(["--out", str(tmp_path)]) == 1 and (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    "what, words, made",
    [
        (
            "module",
            "First.\n\nA_B   this\nC     that\n\nLast.",
            "First.\n\n::\n\n    A_B   this\n    C     that\n\nLast.",
        ),
        ("module", "First.\n\n    python -m course\n    or so", "First.\n\n::\n\n    python -m course\n    or so"),
        ("module", "First.\n\nOf *all* words.", "First.\n\nOf *all* words."),
        ("function", "First.\n\nA   this", "First.\n\nA   this"),
    ],
)
def test_commands_and_columns_of_a_module_are_shown_as_they_stand(what, words, made):
    lines = words.splitlines()
    keep_columns(None, what, "name", None, None, lines)
    assert "\n".join(lines).rstrip("\n") == made


def test_every_module_is_in_the_reference_once():
    named = [file for _, files in reference_pages().values() for file in files]
    assert len(named) == len(set(named)) and "helpers/plots/training.py" in named and "data_prework/scan.py" in named
    assert "helpers/plots/training.py" in reference_pages()["reference/helpers.md"][1]


def test_the_course_can_be_cited_from_its_page():
    made = cite_page((PROJECT / "CITATION.cff").read_text(encoding="utf-8"))
    assert "@software{" in made and "version = {" in made and "cff-version" in made


def test_the_course_is_cited_with_its_own_authors_and_the_projects_follow():
    own, _, projects = cite_page((PROJECT / "CITATION.cff").read_text(encoding="utf-8")).partition("## The projects")
    assert "Kim" not in own and "author  = {{The authors of the image classification course}}" in own
    assert (
        "- Jae Heon Kim: [*Surface Crack Detection" in projects and "Rita Ferreira, Tiago Gonçalves: *Deep" in projects
    )
    assert "- Kevin Spring: [*Identifying Pneumonia using Convolutional Neural Networks*](https://medium" in projects
    assert projects.index("Jae Heon Kim") < projects.index("Steve Githinji") < projects.index("*Phase 4 Project")


def test_the_citation_file_is_read_as_yaml_reads_it():
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed; it comes with the extra `site`")
    text = (PROJECT / "CITATION.cff").read_text(encoding="utf-8")
    course = yaml.safe_load(text)
    for read, wanted in zip(citations(text), [course, *course["references"]], strict=True):
        fields = {name: str(value) for name, value in wanted.items() if isinstance(value, str | int | date)}
        parts = [
            (author.get("given-names"), author.get("family-names"), author.get("name")) for author in wanted["authors"]
        ]
        assert read == fields | {"authors": [" ".join(filter(None, names)) for names in parts]}
