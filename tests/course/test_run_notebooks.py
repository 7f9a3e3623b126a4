"""Running the course: a failing notebook stops no other, the table and pages tell, real data are found."""

import os
import re
import shutil

import nbformat
import pytest

from data_prework.files import PROJECT
from data_prework.manifest import read_about

pytest.importorskip("nbclient", reason="running notebooks needs Jupyter's tools, which are installed with the course")

from helpers.course import run_notebooks as course
from helpers.course.notebooks import Outcome, course_notebooks, place_of
from helpers.course.site import run_pages
from helpers.course.site.source import write_source

pytestmark = pytest.mark.usefixtures("places")


def notebook(path, *sources):
    cells = [nbformat.v4.new_markdown_cell(f"# About {path.stem}"), *map(nbformat.v4.new_code_cell, sources)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture
def outcome_of(tmp_path, capsys, monkeypatch):
    for name in ("COURSE_PROFILE", "COURSE_SOURCE"):  # main sets them; give the tests back what was there
        monkeypatch.setenv(name, os.environ.get(name, "full"))

    def run(*arguments, pages=False):
        if not pages:  # seconds, for what most of these tests don't look at
            monkeypatch.setattr(run_pages, "write_run_pages", lambda outcomes, out, profile: [])
        status = course.main([*arguments, "--out", str(tmp_path / "build")])
        return status, capsys.readouterr().out

    return run


def test_a_failing_notebook_is_reported_and_the_others_still_run(tmp_path, outcome_of):
    bad = notebook(tmp_path / "bad.ipynb", "x = 1", "raise ValueError('no such crack')")
    good = notebook(
        tmp_path / "good.ipynb", "print('Lesson 99 · data: embedded · seed 7')", "block = bytes(80_000_000)"
    )
    status, said = outcome_of("run", str(bad), str(good), pages=True)
    assert status == 1
    table = said[said.index("notebook ") :]
    assert "cell 2: ValueError: no such crack" in table
    row = next(line.split() for line in table.splitlines() if line.startswith("good.ipynb"))
    assert row[1] == "embedded" and row[-1] == "ok" and float(row[3]) > 50
    for name in ("index.html", "bad.html", "good.html", "good.ipynb"):
        assert (tmp_path / "build" / name).is_file()
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"build"}  # nothing lies beside the pages
    index = (tmp_path / "build" / "index.html").read_text(encoding="utf-8")
    assert re.search(r'href="good.html"><span[^>]*>About good<', index)
    assert "no such crack" in re.sub(r"<[^>]+>", "", index)
    failed = (tmp_path / "build" / "bad.html").read_text(encoding="utf-8")
    assert "Traceback" in failed and 'href="index.html"' in failed and not re.search(r'(src|href)="https?:', failed)


def test_pages_show_what_is_not_stored_and_lead_back_to_the_index(tmp_path):
    cells = [nbformat.v4.new_markdown_cell("# One | two"), nbformat.v4.new_code_cell("print('can' + 'ary')")]
    cells[1].outputs = [nbformat.v4.new_output("stream", text="canary")]
    cells[1].metadata["tags"] = ["not-stored"]
    path = PROJECT / "notebooks/03_convolutions/5_pooling.ipynb"
    (tmp_path / place_of(path)).parent.mkdir(parents=True)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / place_of(path))
    outcomes = {path: Outcome(path.name, "One | two", "embedded", 1, 2, "")}
    run_pages.write_run_pages(outcomes, tmp_path, "quick")
    page = (tmp_path / "notebooks/03_convolutions/5_pooling.html").read_text(encoding="utf-8")
    assert "canary" in page and 'href="../../index.html"><span' in page and 'href="../glossary.html' in page
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "One | two" in index and "1 went through, 0 failed" in index and not (tmp_path / ".pages").exists()


def test_outputs_are_stored_in_place_only_where_a_notebook_went_through(tmp_path, outcome_of):
    good = notebook(tmp_path / "good.ipynb", "import os; print(os.environ['COURSE_PROFILE'])")
    bad = notebook(tmp_path / "bad.ipynb", "1 / 0")
    before = bad.read_bytes()
    status, said = outcome_of("outputs", str(good), str(bad))
    assert status == 1 and bad.read_bytes() == before
    assert said.startswith("new kernels, one notebook at a time")
    cell = nbformat.read(good, as_version=4).cells[1]
    assert cell.outputs[0].text == "full\n" and cell.execution_count == 1 and "execution" not in cell.metadata


MEETING = """import os, pathlib, time
pathlib.Path("{mine}").touch()
while not pathlib.Path("{other}").exists(): time.sleep(0.1)
print(os.environ.get("TF_NUM_INTRAOP_THREADS"))"""


def test_two_quick_notebooks_run_at_once_with_one_thread_each(tmp_path, outcome_of, monkeypatch):
    monkeypatch.setattr(course, "ROOM_FOR_TWO", 0)
    names = ("one", "two")
    paths = [
        notebook(tmp_path / f"{mine}.ipynb", MEETING.format(mine=mine, other=other))
        for mine, other in (names, names[::-1])
    ]
    status, said = outcome_of("run", "--cold", "--timeout", "30", *map(str, paths))
    assert status == 0 and said.startswith("new kernels, two notebooks at once")
    ran = nbformat.read(tmp_path / "build" / "one.ipynb", as_version=4)
    assert ran.cells[1].outputs[0].text == "1\n"


def test_where_memory_is_short_quick_notebooks_run_one_by_one(tmp_path, outcome_of, monkeypatch):
    monkeypatch.setattr(course, "ROOM_FOR_TWO", float("inf"))
    paths = [notebook(tmp_path / f"{name}.ipynb", "1") for name in "ab"]
    assert outcome_of("run", "--cold", *map(str, paths))[1].startswith("new kernels, one notebook at a time")


def test_real_data_are_prepared_as_far_as_they_are_there(tmp_path, home, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    raw = tmp_path / "raw" / "monuments"
    for label, name in (("bright", "cristo_rei"), ("dark", "cristo_redentor")):
        shutil.copytree(home / "raw" / label, raw / name)
    said = course.prepare_real(tmp_path / "raw")
    assert said[2] == "monuments: real" and "the embedded one is used" in said[0]
    assert read_about(tmp_path / "data" / "monuments").source == "real"


def test_data_that_cannot_be_prepared_are_told_in_a_line_and_the_others_go_on(tmp_path, home, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    (tmp_path / "raw" / "chest_xray" / "NORMAL").mkdir(parents=True)
    for label, name in (("bright", "cristo_rei"), ("dark", "cristo_redentor")):
        shutil.copytree(home / "raw" / label, tmp_path / "raw" / "monuments" / name)
    said = course.prepare_real(tmp_path / "raw")
    assert said[0].startswith("chest_xray: can't be prepared, the embedded one is used (") and "\n" not in said[0]
    assert said[2] == "monuments: real"


def test_another_data_set_is_named_to_the_notebooks_or_refused_before_they_run(tmp_path, outcome_of, capsys):
    path = notebook(tmp_path / "one.ipynb", "import os; print(os.environ['COURSE_DATASET'])")
    with pytest.raises(SystemExit):
        outcome_of("run", "--dataset", "leaves", str(path))
    assert "leaves is not prepared" in capsys.readouterr().err
    assert outcome_of("run", "--cold", "--dataset", "squares", str(path))[0] == 0
    ran = nbformat.read(tmp_path / "build" / "one.ipynb", as_version=4)
    assert ran.cells[1].outputs[0].text == "squares\n"


def test_a_raw_folder_that_is_not_there_is_refused(tmp_path, outcome_of, capsys):
    with pytest.raises(SystemExit):
        outcome_of("run", "--data", "real", "--raw", str(tmp_path / "nowhere"))
    assert "no such folder" in capsys.readouterr().err


def test_a_folder_in_place_of_a_notebook_is_refused_before_anything_runs(tmp_path, outcome_of, capsys):
    good = notebook(tmp_path / "good.ipynb", "1")
    with pytest.raises(SystemExit):
        outcome_of("run", str(good), str(tmp_path))
    assert "give files that end in .ipynb" in capsys.readouterr().err and not (tmp_path / "build").exists()


def test_a_slider_is_not_stored_because_without_its_kernel_it_is_an_error(tmp_path):
    path = notebook(tmp_path / "slider.ipynb", "from ipywidgets import IntSlider\nprint('moved')\nIntSlider()")
    executed, outcome = course.execute(path, tmp_path, timeout=60)
    outputs = executed.cells[1].outputs
    assert not outcome.fault and [output.output_type for output in outputs] == ["stream"]


def test_tagged_cells_are_shown_in_the_pages_and_not_stored(tmp_path, outcome_of):
    path = notebook(tmp_path / "one.ipynb", "print('kept')", "print('can' + 'ary')", "print('last')")
    given = nbformat.read(path, as_version=4)
    given.cells[2].metadata["tags"] = ["not-stored"]
    nbformat.write(given, path)
    assert outcome_of("outputs", str(path))[0] == 0
    stored = nbformat.read(path, as_version=4).cells
    assert [cell.execution_count for cell in stored[1:]] == [1, None, 3]
    assert [len(cell.outputs) for cell in stored[1:]] == [1, 0, 1]
    assert "canary" in (tmp_path / "build" / "one.ipynb").read_text(encoding="utf-8")


def test_outputs_of_an_optional_data_set_are_not_stored_without_it(tmp_path, outcome_of, capsys):
    path = notebook(tmp_path / "one.ipynb", "name = run.data('solar_cells', otherwise='concrete_cracks')")
    before = path.read_bytes()
    with pytest.raises(SystemExit):
        outcome_of("outputs", str(path))
    assert "one.ipynb: its stored outputs are those of solar_cells, which is not prepared: make solar" in (
        capsys.readouterr().err
    )
    assert path.read_bytes() == before


def test_raw_folders_of_optional_data_sets_are_told_in_a_line_too(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    (tmp_path / "raw").mkdir()
    assert course.prepare_real(tmp_path / "raw")[-1].endswith("lessons on it run on drawn images")
    (tmp_path / "raw" / "solar_cells" / "functional").mkdir(parents=True)
    assert (
        "solar_cells: can't be prepared, lessons on it run on drawn images ("
        in course.prepare_real(tmp_path / "raw")[-1]
    )


def test_the_lessons_of_a_part_follow_each_other_those_in_its_folder_last():
    names = [path.relative_to(PROJECT / "notebooks").as_posix() for path in lessons()]
    assert names == sorted(names, key=lambda name: (name[:2], "/" in name, name)) and any("/" in name for name in names)


def lessons():
    return [path for path in course_notebooks() if path.parent.name not in ("case_studies", "rebuild", "data_prework")]


def test_the_site_lists_the_lessons_in_the_order_of_a_run(tmp_path):
    write_source(tmp_path)
    listed = [line for line in (tmp_path / "lessons.md").read_text(encoding="utf-8").split("\n") if ".ipynb" in line]
    assert listed == [f"/{path.relative_to(PROJECT).as_posix()}" for path in lessons()]
