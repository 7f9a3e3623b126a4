"""The parts of the site that no file of the project is: the first page, links of a lesson, collected pages, sitemap."""

import io

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from PIL import Image

from data_prework.errors import CourseError
from helpers.course.site import landing, lesson_links
from helpers.course.site.collected import collected_page
from helpers.course.site.extension import fill_corners
from helpers.course.site.pages import page
from helpers.course.site.published import add_published, draw_card, site_address, sitemap
from helpers.course.site.source import PROJECT, own_pages

README = (PROJECT / "README.md").read_text(encoding="utf-8")


def test_the_first_page_says_what_the_readme_says_and_no_sentence_twice():
    made = landing.landing_page(README, "The authors")
    lead, ways, apart = landing.readme_head(README)
    assert list(ways) == list(landing.WAYS) and all(made.count(words) == 1 for words in (lead, *ways.values(), apart))
    assert made.count("| [03 Convolutions]") == 1 and "## Two commands" not in made and "Made by the authors." in made


def test_what_the_first_page_leaves_out_of_the_readme_is_on_the_page_about_installing():
    made = landing.install_page(README)
    assert "## Two commands" in made and "## For teachers" in made and "## The course" not in made


def test_a_readme_without_its_head_is_refused_by_name():
    with pytest.raises(CourseError, match=r"README.md.*What sets it apart"):
        landing.readme_head("# Title\n\nA sentence.\n\n## More\n")
    with pytest.raises(CourseError, match="## The course"):
        landing.section("# Title\n", "The course")


def test_the_figures_of_the_first_page_are_stored_in_lessons():
    for (path, cell), *_ in landing.FIGURES.values():
        assert Image.open(io.BytesIO(landing.stored_figure(PROJECT / path, cell))).width > 400
        with pytest.raises(CourseError, match="the cell other has no stored PNG"):
            landing.stored_figure(PROJECT / path, "other")


PLACES = {
    "notebooks/05_keras_tuner/1_search.ipynb": "notebooks/05_keras_tuner/1_search.ipynb",
    "notebooks/exercises/source/05_tuner/05_tuner.ipynb": "exercises/05_tuner.ipynb",
    "notebooks/glossary.md": "notebooks/glossary.md",
}
LAUNCH = "Open it in [Colab](https://colab.example/1)"


def test_a_lesson_leads_to_its_file_its_assignment_and_the_glossary_and_is_opened_elsewhere():
    lesson = new_notebook(cells=[new_markdown_cell(f"# 5.1 · Search\n\n{LAUNCH}\n\nWho chooses?")])
    links = lesson_links.lesson_links(lesson, "notebooks/05_keras_tuner/1_search.ipynb", PLACES)
    assert links.startswith(
        f"````{{container}} lesson-links\n{LAUNCH} · {{download}}`Download the notebook <../../downloads/"
    )
    assert "[Assignment](../../exercises/05_tuner.ipynb) · [Glossary](../glossary.md)" in links
    assert lesson.cells[0].source == "# 5.1 · Search\n\nWho chooses?"


def test_a_case_study_leads_to_the_capstone_and_other_pages_to_no_assignment():
    places = PLACES | {"notebooks/exercises/source/capstone/capstone.ipynb": "exercises/capstone.ipynb"}
    found = lesson_links.assignment_of("notebooks/case_studies/cracks.ipynb", places)
    assert found == "notebooks/exercises/source/capstone/capstone.ipynb"
    for path in ("notebooks/rebuild/s0_cracks.ipynb", "notebooks/00_start/1_first_network.ipynb"):
        assert lesson_links.assignment_of(path, places) == ""


def test_the_links_stand_once_below_the_title():
    cells = [new_code_cell("1"), new_markdown_cell("# Title\n\nText"), new_markdown_cell("# Other")]
    made = page(new_notebook(cells=cells), "notebooks/a.ipynb", {}, lambda path: None, "LINKS")
    assert [cell.source for cell in made.cells[1:]] == ["# Title\n\nLINKS\n\nText", "# Other"]


def test_without_a_remote_on_github_there_is_nothing_to_launch_and_no_address(monkeypatch):
    def refuse():
        raise ValueError("no remote")

    for module in ("lesson_links", "published"):
        monkeypatch.setattr(f"helpers.course.site.{module}.remote_address", refuse)
    assert lesson_links.launch_line("notebooks/a.ipynb") == "" and site_address() == ""


def test_with_a_remote_its_pages_and_launch_links_are_known(monkeypatch):
    for module in ("lesson_links", "published"):
        monkeypatch.setattr(f"helpers.course.site.{module}.remote_address", lambda: "git@github.com:Ada/course.git")
    monkeypatch.setattr(lesson_links, "pinned_version", lambda: "v1")
    assert site_address() == "https://ada.github.io/course/"
    assert "/github/Ada/course/blob/v1/notebooks/a.ipynb" in lesson_links.launch_line("notebooks/a.ipynb")


def test_a_section_of_every_lesson_is_collected_with_links_that_lead_on(tmp_path):
    text = "# 1.1 · Look\n\n## References\n\n- [far](https://example.org), [near](2.ipynb)\n\n## Next\n\nMore"
    nbformat.write(new_notebook(cells=[new_markdown_cell(text)]), tmp_path / "1.ipynb")
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Without")]), tmp_path / "2.ipynb")
    notebooks = {"notebooks/01/1.ipynb": tmp_path / "1.ipynb", "notebooks/01/2.ipynb": tmp_path / "2.ipynb"}
    made = collected_page("References", "All", "Words.", notebooks)
    assert made.endswith(
        "## [1.1 · Look](notebooks/01/1.ipynb)\n\n- [far](https://example.org), [near](notebooks/01/2.ipynb)\n"
    )
    assert "Without" not in made


def test_references_and_mistakes_of_all_parts_are_collected():
    made = own_pages()
    for name in ("references.md", "mistakes.md"):
        assert made[name].count("\n## [") > 35 and "](notebooks/10_growing/" in made[name]


def test_a_sitemap_has_full_addresses_and_leaves_out_what_nobody_looks_for(tmp_path):
    for name in ("index.html", "404.html", "search.html", "a/b.html"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("<html>\n<head>\n", encoding="utf-8")
    made = sitemap(tmp_path, "https://example.org/course/")
    assert made.count("<loc>") == 2 and "<loc>https://example.org/course/a/b.html</loc>" in made
    add_published(tmp_path, "")
    assert not (tmp_path / "sitemap.xml").exists()
    assert "<base" in (tmp_path / "404.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("corner", ["<th></th>", '<th class="head">\n</th>', "<th><p></p></th>"])
def test_the_empty_corner_of_a_table_is_no_heading(corner):
    context = {"body": f"<tr>{corner}<th>recall</th></tr>"}
    fill_corners(None, "page", "page.html", context, None)
    assert context["body"].count("<th") == 1 and context["body"].count("<td") == context["body"].count("</td>") == 1


def test_the_card_has_the_size_that_other_sites_show(tmp_path):
    Image.new("RGB", (500, 300), "red").save(tmp_path / "figure.png")
    draw_card(tmp_path / "card.png", "A title", "Words", [tmp_path / "figure.png"])
    with Image.open(tmp_path / "card.png") as card:
        colors = {color for _, color in card.convert("RGB").getcolors(100_000)}
        assert card.size == (1200, 630) and (255, 0, 0) in colors and (10, 125, 145) in colors
