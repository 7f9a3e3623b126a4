"""The generator of the two look-alike monuments."""

import csv
import hashlib
from pathlib import Path

import imagehash
import numpy as np
import pytest
from PIL import Image

from data_prework.synthetic.faults import mask_path
from data_prework.synthetic.monuments.photos import (
    CLASSES,
    choose_scene,
    draw_scene,
    plan,
    synthesize,
    take_frame,
    truth_of,
)


def rows_of(path: Path) -> list[dict]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw") / "monuments"
    return folder, synthesize(folder, seed=3, count=60, workers=1)


def test_usable_images_are_as_many_as_asked_for_in_both_classes(drawn):
    folder, counts = drawn
    conflicts = {r["original"] for r in rows_of(truth_of(folder) / "faults.csv") if r["kind"] == "two_classes"}
    near = [r["path"] for r in rows_of(truth_of(folder) / "faults.csv") if r["kind"] == "near_duplicate"]
    usable = [r["path"] for r in rows_of(truth_of(folder) / "draws.csv") if r["path"] not in conflicts] + near
    assert [sum(p.startswith(c) for p in usable) for c in CLASSES] == [31, 29]
    assert counts["near_duplicate"] == len(near)


def test_the_full_plan_has_the_published_class_counts():
    scenes = plan(np.random.default_rng(0), 973, 0)
    assert [sum(s["frames"] for s in scenes if s["saved"] == c) for c in (0, 1)] == [504, 469]
    assert 8 <= sum(s["kind"] == "mislabelled" for s in scenes) <= 12


def test_files_are_numbered_jpegs_in_two_folders_with_their_sources(drawn):
    folder, _ = drawn
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*.jpg"))
    assert {p.split("/")[0] for p in files} == set(CLASSES)
    assert all(p.split("/")[1].startswith("img_") for p in files)
    sources = rows_of(folder / "sources.csv")
    assert [r["path"] for r in sources] == files
    assert {(r["source"], r["licence"]) for r in sources} == {("synthetic", "MIT")}


def test_images_are_colour_photos_of_varying_size_with_masks_that_fit(drawn):
    folder, _ = drawn
    sizes, filled = set(), 0
    draws = rows_of(truth_of(folder) / "draws.csv")
    for row in draws:
        with (
            Image.open(folder / row["path"]) as photo,
            Image.open(mask_path(folder, truth_of(folder), folder / row["path"])) as mask,
        ):
            assert photo.format == "JPEG" and photo.mode == "RGB" and mask.size == photo.size
            assert 220 <= max(photo.size) <= 420
            sizes.add(photo.size)
            filled += bool(np.asarray(mask).any())
    assert len(sizes) > 20
    assert filled > 0.8 * len(draws)


def test_the_gate_reaches_further_below_the_feet_than_the_low_pedestal():
    heights = {}
    for rei in (False, True):
        spans = []
        for i in range(5):
            rng = np.random.default_rng(i)
            look = choose_scene(rng, rei, 0.0)  # nothing cut off or far away
            rows = np.flatnonzero(draw_scene(rng, look | {"occluders": 0})[1].any(axis=1))
            spans.append((rows[-1] - rows[0]) / look["place"]["tall"] if len(rows) else 0)
        heights[rei] = np.median(spans)
    assert heights[True] > 2 * heights[False]


def test_frames_of_a_burst_are_near_duplicates_and_other_scenes_are_not():
    hashes = []
    for i in range(4):
        rng = np.random.default_rng(i)
        look = choose_scene(rng, bool(i % 2), 1.0)
        image, mask = draw_scene(rng, look)
        frames = [take_frame(rng, image, mask, look, True)[0] for _ in range(3)]
        hashes.append([imagehash.phash(Image.fromarray(f), hash_size=16) for f in frames])
    inside = [a - b for scene in hashes for a in scene for b in scene]
    across = [a - b for i, one in enumerate(hashes) for two in hashes[:i] for a in one for b in two]
    assert max(inside) <= 24 < 60 < min(across)


def test_the_same_seed_gives_the_same_bytes_whatever_the_number_of_workers(drawn, tmp_path):
    folder, counts = drawn
    assert counts["scenes"] >= 55  # fewer than 50 would be drawn without other processes
    again = tmp_path / "monuments"
    synthesize(again, seed=3, count=60, workers=2)
    for one, two in ((folder, again), (truth_of(folder), truth_of(again))):
        digests = [
            {
                p.relative_to(f).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
                for p in f.rglob("*")
                if p.is_file()
            }
            for f in (one, two)
        ]
        assert digests[0] == digests[1]


def test_planted_faults_are_listed_and_really_faulty(drawn):
    folder, counts = drawn
    listed = rows_of(truth_of(folder) / "faults.csv")
    true = {r["path"]: r["label"] for r in rows_of(truth_of(folder) / "draws.csv")}
    assert {r["kind"] for r in listed} <= set(counts)
    for row in listed:
        path = folder / row["path"]
        assert path.exists()
        if row["kind"] in ("exact_duplicate", "two_classes"):
            assert path.read_bytes() == (folder / row["original"]).read_bytes()
            assert (row["path"].split("/")[0] == row["original"].split("/")[0]) == (row["kind"] == "exact_duplicate")
        elif row["kind"] == "zero_bytes":
            assert path.stat().st_size == 0
        elif row["kind"] == "wrong_label":
            assert true[row["path"]] != row["path"].split("/")[0]
        elif row["kind"] == "truncated":
            with pytest.raises(OSError), Image.open(path) as image:
                image.load()
    wrong = {r["path"] for r in listed if r["kind"] == "wrong_label"}
    assert all(label == path.split("/")[0] for path, label in true.items() if path not in wrong)


def test_frames_of_one_scene_lie_in_one_class_folder(drawn):
    folder, _ = drawn
    classes = {}
    for row in rows_of(truth_of(folder) / "draws.csv"):
        classes.setdefault(row["scene"], set()).add(row["path"].split("/")[0])
    assert all(len(found) == 1 for found in classes.values())


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("keep me", encoding="utf-8")
    with pytest.raises(FileExistsError, match="choose another folder"):
        synthesize(tmp_path, count=40, workers=1)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_too_small_a_count_is_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 40"):
        synthesize(tmp_path / "monuments", count=10)
