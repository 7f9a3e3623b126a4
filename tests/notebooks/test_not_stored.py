"""No image of an optional data set, and nothing drawn over one, is stored in a notebook or shown on the site."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

from data_prework.files import PROJECT
from helpers.course.not_stored import NOT_STORED, clear_not_stored, optional_datasets
from helpers.course.site.pages import page
from helpers.course.student import student_edition
from tests.notebooks.licensed_images import OTHER_IMAGES, faults

ALL = sorted({*PROJECT.glob("notebooks/**/*.ipynb"), *PROJECT.glob("data_prework/*.ipynb")})
LOAD = 'name = run.data("solar_cells", otherwise="concrete_cracks")'
IMAGE = new_output("display_data", data={"image/png": "canary", "text/plain": "<Figure size 640x480>"})


def cell(source, *tags, outputs=(), count=None):
    return new_code_cell(source, outputs=list(outputs), execution_count=count, metadata={"tags": list(tags)})


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.relative_to(PROJECT).with_suffix("").as_posix())
def test_no_notebook_stores_images_that_it_may_not_pass_on(path):
    assert not faults(nbformat.read(path, as_version=4))


@pytest.mark.parametrize(
    "source, words",
    [
        ("plot_images(data.train.images)", "plot_images"),
        ("fig, ax = plt.subplots()\nax.imshow(data.train.images[0])\nplt.show()", "imshow"),
        ("def show(i):\n    plt.imshow(images[i])\n\ndef both():\n    show(1)\n\nboth()", "both"),
        ("%matplotlib inline\nfor i in range(3):\n    plot_overlays(images, maps)", "plot_overlays"),
        ("keras.utils.array_to_img(data.train.images[0])", "array_to_img"),
    ],
)
def test_a_cell_that_shows_such_images_needs_the_tag(source, words):
    assert words in faults(new_notebook(cells=[cell(LOAD), cell(source)]))[0]
    assert not faults(new_notebook(cells=[cell(LOAD), cell(source, NOT_STORED)]))
    assert not faults(new_notebook(cells=[cell(LOAD), cell(source, OTHER_IMAGES)]))
    assert not faults(new_notebook(cells=[cell("name = 'concrete_cracks'"), cell(source)]))


def test_numbers_and_curves_are_stored():
    curves = [cell("plot_history(history)", outputs=[IMAGE], count=2), cell("def show(): plt.imshow(images[0])")]
    assert not faults(new_notebook(cells=[cell(LOAD), *curves]))


@pytest.mark.parametrize(
    "bad",
    [
        cell("plot_images(images)", NOT_STORED, outputs=[IMAGE]),
        cell("plot_images(images)", NOT_STORED, count=3),
        cell("images[0]", outputs=[new_output("execute_result", data={"text/plain": "<PIL.Image.Image image>"})]),
        cell(LOAD, outputs=[new_output("stream", text="Data: concrete_cracks in place of solar_cells, which")]),
    ],
    ids=["an output", "a count", "an image of Pillow", "another data set"],
)
def test_what_may_not_be_stored_is_named(bad):
    assert len(faults(new_notebook(cells=[cell(LOAD), bad]))) == 1


def test_site_and_students_edition_hold_nothing_of_such_a_cell():
    shown = cell("plot_images(images)", NOT_STORED, outputs=[IMAGE], count=2)
    notebook = new_notebook(cells=[cell(LOAD, outputs=[new_output("stream", text="kept")], count=1), shown])
    assert "canary" not in nbformat.writes(student_edition(notebook))
    made = page(notebook, "notebooks/one.ipynb", {}, lambda path: None)
    assert "canary" not in nbformat.writes(made) and made.cells[0].outputs[0].text == "kept"
    assert made.cells[1].execution_count is None and not faults(clear_not_stored(made))


def test_notebooks_that_ask_for_an_optional_data_set_are_found(tmp_path):
    for name, source in {"one": "x = data('solar_cells')", "two": LOAD, "three": "run.data(\n  'solar_cells')"}.items():
        nbformat.write(new_notebook(cells=[cell(source)]), tmp_path / f"{name}.ipynb")
    paths = [tmp_path / f"{name}.ipynb" for name in ("one", "two", "three")]
    assert optional_datasets(paths) == {"solar_cells": paths[1]}
