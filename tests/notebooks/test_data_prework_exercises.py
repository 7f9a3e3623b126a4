"""The exercises of the tour of data preparation: the solutions give what the text says, a wrong answer does not."""

import io
import shutil
from contextlib import redirect_stdout

import nbformat
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_prework.duplicates import hash_bits, near_pairs
from data_prework.files import PROJECT
from data_prework.manifest import read_manifest
from data_prework.prepare import prepare
from tests.notebooks.lesson_cells import ran

TOUR = nbformat.read(PROJECT / "data_prework" / "data_prework.ipynb", as_version=4)
FIRST, SECOND = (cell.source for cell in TOUR.cells if "solution" in cell.metadata.get("tags", []))


def test_the_first_solution_counts_pairs_and_images_with_a_near_duplicate_for_each_limit():
    hashes = ["0" * 64, "0" * 63 + "f", "0" * 56 + "f" * 8, "f" * 64]  # 4, 28 and 32 bits between the first three
    _, said = ran(FIRST, np=np, near_pairs=near_pairs, hash_bits=hash_bits, files=pd.DataFrame({"phash": hashes}))
    assert [line.split(":")[1].split() for line in said.splitlines()] == [
        ["1", "pairs,", "50%", "of", "images"],
        ["1", "pairs,", "50%", "of", "images"],
        ["3", "pairs,", "75%", "of", "images"],
        ["3", "pairs,", "75%", "of", "images"],
    ]


@pytest.fixture
def kept(tmp_path) -> pd.DataFrame:
    """Twenty images of each class that have nothing in common."""
    rng, rows = np.random.default_rng(7), []
    for label in ("NORMAL", "PNEUMONIA"):
        for i in range(20):
            file = tmp_path / f"{label}-{i}.jpeg"
            Image.fromarray(rng.integers(0, 256, (64, 64), dtype=np.uint8)).save(file)
            rows.append({"file": file, "label": label})
    return pd.DataFrame(rows)


def remain(solution: str, kept: pd.DataFrame, place) -> int:
    given = {"io": io, "shutil": shutil, "redirect_stdout": redirect_stdout, "place": place, "kept": kept}
    names, said = ran(solution, **given, prepare=prepare, read_manifest=read_manifest)
    assert f"{len(read_manifest(names['own_folder']))} images remain" in said
    return len(read_manifest(names["own_folder"]))


def test_of_the_second_exercise_s_43_files_39_remain(kept, tmp_path):
    assert remain(SECOND, kept, tmp_path) == 39 and "39 remain" in SECOND


def test_without_the_image_in_two_classes_its_first_place_stays(kept, tmp_path):
    wrong = SECOND.replace('shutil.copy(pneumonia, mine / "NORMAL" / "moved.jpeg")', "")
    assert wrong != SECOND and remain(wrong, kept, tmp_path) == 40
