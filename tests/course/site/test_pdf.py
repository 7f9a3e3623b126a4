"""The printed course: what is folded is open, every lesson is named, and without a browser it says what to install."""

from pathlib import Path

import pytest

from data_prework.errors import CourseError
from helpers.course.notebooks import course_notebooks
from helpers.course.site import pdf
from tests.weekly import WEEKLY


def test_nothing_is_folded_on_paper():
    assert pdf.unfolded("<details><summary>A</summary></details><details open>") == (
        "<details open><summary>A</summary></details><details open>"
    )


def test_the_first_page_names_every_notebook_and_the_authors():
    made = pdf.first_page()
    assert (
        made.count(".ipynb\n") == len(course_notebooks())
        and "The authors of" in made
        and "/notebooks/glossary.md" in made
    )


def test_without_a_browser_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(pdf.shutil, "which", lambda name: None)
    assert pdf.main(["--out", str(tmp_path / "course.pdf")]) == 1
    assert "apt-get install chromium" in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_a_browser_that_prints_nothing_is_named(tmp_path):
    (tmp_path / "page.html").write_text("<p>Words", encoding="utf-8")
    with pytest.raises(CourseError, match="true printed no PDF"):
        pdf.print_page("true", tmp_path / "page.html", tmp_path / "out.pdf")
    assert not (tmp_path / "out.pdf").exists()


def test_a_page_is_printed(tmp_path):
    try:
        browser = pdf.find_browser()
    except CourseError:
        pytest.skip("no Chromium and no Chrome is installed")
    (tmp_path / "page.html").write_text("<h1>Title</h1>Words", encoding="utf-8")
    pdf.print_page(browser, tmp_path / "page.html", tmp_path / "out.pdf")
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.skipif(not WEEKLY, reason="a minute or more, in make weekly")
def test_the_whole_course_is_printed(tmp_path):
    pdf.write_pdf(Path(tmp_path, "course.pdf"))
    assert (tmp_path / "course.pdf").stat().st_size > 2e6
