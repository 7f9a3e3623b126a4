"""A new lesson has the shape that the checks want, and never replaces one that is there."""

import nbformat
import pytest

from helpers.course.new_lesson import lesson, main, write_lesson

pytestmark = pytest.mark.usefixtures("places")


def test_it_begins_with_its_number_and_title(tmp_path):
    path = write_lesson("11_image_segmentation", tmp_path)
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith("# 11 · Image segmentation\n")
    assert 'helpers.start(lesson="11", seed=7)' in notebook.cells[1].source
    assert not any("NUMBER" in cell.source or "TITLE" in cell.source for cell in notebook.cells)


def test_a_number_that_is_taken_is_refused(tmp_path):
    path = write_lesson("11_one", tmp_path)
    before = path.read_bytes()
    with pytest.raises(FileExistsError, match=r"11_one\.ipynb; take the next number"):
        write_lesson("11_other", tmp_path)
    assert path.read_bytes() == before and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["", "segmentation", "1_x", "11-x", "11_X", "../11_x", "11_"])
def test_a_name_of_another_form_is_explained(name, capsys):
    with pytest.raises(ValueError, match="such as 11_segmentation"):
        lesson(name)
    assert main([name]) == 1
    assert "such as 11_segmentation" in capsys.readouterr().err
