"""The drawn concrete cracks: layout, numbering, masks, planted faults, and the same image from the same seed."""

import csv
from collections import defaultdict
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prework.group import crack_block
from data_prework.synthetic.cracks import patches as cracks
from data_prework.synthetic.faults import COUNTS

SMALL = 100


def rows_of(path: Path) -> list[dict]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cracks") / "raw"
    counts = cracks.synthesize(folder, seed=3, count=SMALL, workers=1)
    truth = folder.with_name("raw_truth")
    return folder, truth, counts, rows_of(truth / "draws.csv"), rows_of(truth / "faults.csv")


def test_the_folder_looks_like_the_download(drawn):
    folder, _, counts, draws, _ = drawn
    assert sorted(p.name for p in folder.iterdir()) == ["Negative", "Positive"]
    assert all(len(path.name) == 9 and path.stem.isdigit() for path in folder.glob("*/*"))
    numbers = {name: [int(Path(row["path"]).stem) for row in draws if row["path"].startswith(name)] for name in counts}
    assert numbers["Negative"] == list(range(1, counts["Negative"] + 1))
    assert len(set(numbers["Positive"])) == counts["Positive"]
    for row in draws[::9]:
        with Image.open(folder / row["path"]) as image:
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (227, 227))


def test_as_many_images_stay_usable_as_were_asked_for(drawn):
    folder, *_ = drawn
    digests = defaultdict(set)
    for path in folder.glob("*/*.jpg"):
        try:
            with Image.open(path) as image:
                sound = image.format == "JPEG" and image.size == (227, 227)
                image.load()
        except OSError:
            sound = False
        if sound:
            digests[sha256(path.read_bytes()).hexdigest()].add(path.parent.name)
    assert sum(len(classes) == 1 for classes in digests.values()) == SMALL


def test_each_photo_has_a_block_of_positive_numbers_of_its_own():
    slots, _ = cracks.plan(np.random.default_rng(0), 2000)
    photo_of = {path: photo for photo, rows in enumerate(slots) for path, _ in rows}
    positive = [(crack_block("Positive", Path(path).stem), photo) for path, photo in photo_of.items() if "Pos" in path]
    assert len({block for block, _ in positive}) == len({photo for _, photo in positive}) == len(set(positive)) == 100
    negatives = [photo_of[f"Negative/{n:05d}.jpg"] for n in range(1, 901)]
    assert sum(a == b for a, b in pairwise(negatives)) < 60


def test_one_image_in_a_hundred_has_a_wrong_label():
    slots, mislabelled = cracks.plan(np.random.default_rng(0), 2000)
    wrong = {path for rows in slots for path, cracked in rows if cracked != path.startswith("Positive")}
    assert wrong == mislabelled
    assert len(wrong) == 20
    assert sum(path.startswith("Positive") for path in wrong) == 10


def test_masks_hold_the_crack_and_nothing_else(drawn):
    folder, truth, _, draws, faults = drawn
    for row in draws:
        with Image.open((truth / "masks" / row["path"]).with_suffix(".png")) as image:
            mask = np.asarray(image)
        assert mask.shape == (227, 227)
        if row["true_label"] == "Negative":
            assert not mask.any()
        else:
            grey = np.asarray(Image.open(folder / row["path"]).convert("L"), dtype=float)
            assert 200 < mask.sum() < 0.6 * mask.size
            assert grey[mask].mean() < grey[~mask].mean(), f"{row['path']}: a crack is darker than what it runs through"
    for row in faults:
        if row["kind"] in ("near_duplicate", "two_classes"):
            assert (truth / "masks" / row["path"]).with_suffix(".png").exists()


def test_all_planted_faults_are_listed_and_there(drawn):
    folder, _, counts, _, faults = drawn
    for kind, number in COUNTS.items():
        assert counts[kind] == number == sum(row["kind"] == kind for row in faults)
    for row in faults:
        path, original = folder / row["path"], folder / row["original"]
        if row["kind"] in ("exact_duplicate", "two_classes"):
            assert path.read_bytes() == original.read_bytes()
        if row["kind"] == "two_classes":
            assert path.parent != original.parent
        if row["kind"] in ("near_duplicate", "exact_duplicate"):
            assert path.parent == original.parent
        if row["kind"] == "truncated":
            with pytest.raises(OSError), Image.open(path) as image:
                image.load()


def test_a_copy_keeps_its_place_within_the_block_so_that_no_two_blocks_of_originals_are_chained(drawn):
    *_, faults = drawn
    copies = [row for row in faults if row["kind"] not in ("two_classes", "wrong_label")]
    steps = {int(Path(row["path"]).stem) - int(Path(row["original"]).stem) for row in copies}
    assert len(steps) == 1
    assert steps.pop() % cracks.BLOCK == 0


def test_the_same_seed_draws_the_same_bytes_in_any_order_of_the_photos(drawn, tmp_path, monkeypatch):
    folder, truth, *_ = drawn
    backwards = lambda draw, jobs, *_: [draw(job) for job in reversed(jobs)][::-1]  # noqa: E731
    monkeypatch.setattr(cracks, "draw_all", backwards)
    cracks.synthesize(tmp_path / "raw", seed=3, count=SMALL)
    assert hashes(tmp_path / "raw") == hashes(folder)
    assert hashes(tmp_path / "raw_truth") == hashes(truth)


def test_a_folder_with_files_in_it_is_refused_and_left_alone(tmp_path):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(FileExistsError, match="not empty"):
        cracks.synthesize(tmp_path / "raw", count=SMALL)
    assert [p.name for p in tmp_path.rglob("*.*")] == ["mine.txt"]


def test_too_few_images_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 100"):
        cracks.synthesize(tmp_path / "raw", count=20)
    assert not (tmp_path / "raw").exists()
