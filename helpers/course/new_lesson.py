"""Begin a new lesson: a notebook in the shape of the others, that runs and passes every check as it stands.

    python -m helpers.course new-lesson 11_segmentation          or: make new-lesson NAME=11_segmentation

It is run once in the full profile, about half a minute, so that its outputs are stored. Then replace its parts.
"""

import argparse
import re
import sys
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from data_prework.files import PROJECT
from helpers.course import run_notebooks
from helpers.course.run_notebooks import course_notebooks

NAME = re.compile(r"(\d\d)_([a-z][a-z0-9_]*)")
# Text first, then code, in turns. NUMBER and TITLE are filled in.
CELLS = (
    """# NUMBER · TITLE

One paragraph: the question that this lesson answers, in words for somebody who has read the lessons before it.

**You will learn** to

- do one thing,
- do another thing,
- and say how sure you are.

**Time**: under 1 minute on two cores. **Memory**: about 1 GB. **Before**: lesson 03.

## Set up

One cell, as in every lesson. The line below it says what this run uses.""",
    """import numpy as np

import helpers

run = helpers.start(lesson="NUMBER", seed=7)

import keras
from keras import layers

from helpers.data import load_dataset
from helpers.metrics import evaluate, score_table
from helpers.plots import plot_history, plot_images
from helpers.results import claim""",
    """## The pictures

Say what is loaded and what to look for. `run.images(...)` decides how many, in each profile.""",
    """cracks = load_dataset("concrete_cracks", image_size=32, color_mode="grayscale", max_images=run.images(1000))
plot_images(cracks.train.images[:12], title="What do the cracked patches have in common?")""",
    """Say what was seen.

## The idea by hand

Show it once on numbers that fit into the head. A cell whose output is the same everywhere begins with the line below,
and is compared by the tests.""",
    """# NBVAL_CHECK_OUTPUT
table = np.array([[1, 2], [3, 4]])
print(table.mean(axis=0))""",
    """## The training

What will the two curves do? Make a guess before you run the cell.""",
    """keras.utils.set_random_seed(run.seed)
model = keras.Sequential([keras.Input((32, 32, 1)), layers.Rescaling(1 / 255)])
for filters in (8, 16):
    model.add(layers.Conv2D(filters, 3, activation="relu"))
    model.add(layers.MaxPooling2D())
model.add(layers.GlobalAveragePooling2D())
model.add(layers.Dense(1, activation="sigmoid"))
model.compile(keras.optimizers.Adam(0.01), "binary_crossentropy", metrics=["accuracy"])
fitted = model.fit(cracks.train.batches, validation_data=cracks.val.batches, epochs=run.epochs(8), verbose=0)
plot_history(fitted.history)""",
    """Say what was seen.

## How good is it?

The test split is opened here, once.""",
    """prob = model.predict(cracks.test.images, verbose=0)[:, 0]
scores = evaluate(cracks.test.labels, prob, groups=cracks.test.groups)
claim("It ranks the patches better than a coin", scores.interval("roc_auc")[0] > 0.5)
score_table({"two convolutions": scores})""",
    """Say what was seen, with the interval.

## Takeaways

- One sentence for each thing to take home.

## Common mistakes

- **A mistake**, and what it does.

## Check yourself

<details><summary>A question?</summary>

Its answer.
</details>

## Exercises

1. **A small change.** Change one number and say what happened.

## Next

What comes next, and why.""",
)


def lesson(name: str) -> nbformat.NotebookNode:
    """The notebook of a new lesson.

    name: two digits, an underline and a topic in small letters: "11_segmentation".

    Raises:
        ValueError: it is not of that form.
    """
    match = NAME.fullmatch(name)
    if not match:
        raise ValueError(f"NAME is {name!r}; give two digits and a topic in small letters, such as 11_segmentation")
    number, title = match[1], match[2].replace("_", " ").capitalize()
    cells = []
    for i, text in enumerate(CELLS):
        text = text.replace("NUMBER", number).replace("TITLE", title)
        cells.append(new_code_cell(text) if i % 2 else new_markdown_cell(text))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return new_notebook(cells=cells, metadata={"kernelspec": kernel, "language_info": {"name": "python"}})


def write_lesson(name: str, folder: Path) -> Path:
    """Write the notebook into a folder; never over a file that is there.

    Raises:
        ValueError: a bad name.
        FileExistsError: a lesson with this number is there.
    """
    notebook, path = lesson(name), folder / f"{name}.ipynb"
    taken = sorted(folder.glob(f"{name[:2]}_*.ipynb"))
    if taken:
        raise FileExistsError(f"lesson {name[:2]} is there already: {taken[0].name}; take the next number")
    nbformat.write(notebook, path)
    return path


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m helpers.course new-lesson", description=__doc__.splitlines()[0])
    parser.add_argument("name", help="such as 11_segmentation; the number after the last lesson's")
    args = parser.parse_args(argv)
    try:
        path = write_lesson(args.name, PROJECT / "notebooks")
    except (ValueError, FileExistsError) as error:
        print(error, file=sys.stderr)
        return 1
    if run_notebooks.main(["outputs", str(path)]):
        return 1
    last = max(int(one.stem[:2]) for one in course_notebooks() if one.stem[:2].isdigit() and one != path)
    if int(args.name[:2]) != last + 1:
        print(f"The lesson before it should be {int(args.name[:2]) - 1:02d}, and the last one is {last:02d}: the tests")
        print("want numbers without gaps.")
    print(f"{path}: replace its parts, add a row to README.md, then make outputs and make test")
    return 0
