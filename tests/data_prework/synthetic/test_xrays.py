"""The synthetic chest X-rays: layout and names, determinism, masks, planted faults and planted shortcuts."""

import csv
import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from data_prework.synthetic.faults import COUNTS, mask_path
from data_prework.synthetic.xrays import films as xrays

SICK = re.compile(r"person(\d+)_(bacteria|virus)_(\d+)\.(?:jpeg|gif)")
WELL = re.compile(r"(NORMAL2-)?IM-(\d{4})-(\d{4})(-\d{4})?\.(?:jpeg|gif)")
COUNT = 60


@pytest.fixture(scope="module")
def raw(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("xrays") / "chest_xray"
    xrays.synthesize(folder, seed=3, count=COUNT, workers=1)
    return folder


def read(folder: Path, name: str) -> list[dict]:
    with (folder.with_name(folder.name + "_truth") / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def images(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


def patient(name: str) -> tuple[str, int]:
    if found := SICK.fullmatch(name):
        return found[2], int(found[1])
    found = WELL.fullmatch(name)
    assert found, f"{name} is not a name of the real data set"
    return found[1] or "IM", int(found[2])


def digest(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in images(folder)}


def test_folders_and_names_are_those_of_the_real_download(raw):
    folders = {p.parent.relative_to(raw).as_posix() for p in images(raw)}
    assert folders == {"train/NORMAL", "train/PNEUMONIA", "test/NORMAL", "test/PNEUMONIA"}
    for path in images(raw):
        pattern = WELL if path.parent.name == "NORMAL" else SICK
        assert pattern.fullmatch(path.name), path.name


def test_patients_do_not_cross_the_official_split_and_some_have_several_images(raw):
    sides = {side: [patient(p.name) for p in images(raw / side)] for side in ("train", "test")}
    assert not set(sides["train"]) & set(sides["test"])
    assert len(set(sides["train"])) < len(sides["train"])


def test_the_bare_number_of_a_patient_is_a_misleading_key():
    jobs = xrays.plan(np.random.default_rng(0), 0, 1500, 1.0)
    keys = {side: {job["patient"] for job in jobs if job["split"] == side} for side in ("train", "test")}
    bare = {side: {key.split(":")[1] for key in found} for side, found in keys.items()}
    assert not keys["train"] & keys["test"]
    assert bare["train"] & bare["test"]


def test_shares_of_the_full_folder_are_as_announced():
    jobs = xrays.plan(np.random.default_rng(0), 0, 1500, 1.0)
    assert len(jobs) == len({j["path"] for j in jobs}) == 1500
    for side, share in xrays.SICK_SHARE.items():
        assert np.mean([j["sick"] for j in jobs if j["split"] == side]) == pytest.approx(share, abs=0.01)
    _, sizes = np.unique([j["patient"] for j in jobs], return_counts=True)
    assert sizes.max() <= 6
    assert 0.4 < sizes[sizes > 1].sum() / 1500 < 0.65


def test_the_number_of_usable_images_is_the_number_asked_for(raw):
    useless = sum(COUNTS.values()) - COUNTS["near_duplicate"] - COUNTS["two_classes"]
    assert len(images(raw)) - useless - 2 * COUNTS["two_classes"] == COUNT


def test_the_same_seed_draws_the_same_bytes_whatever_the_workers(raw, tmp_path):
    again = tmp_path / "chest_xray"
    xrays.synthesize(again, seed=3, count=COUNT, workers=2)
    assert digest(again) == digest(raw)
    assert digest(again.with_name("chest_xray_truth")) == digest(raw.with_name("chest_xray_truth"))


def test_images_of_one_patient_are_alike_but_not_the_same():
    anatomy = xrays.thorax.draw_anatomy(np.random.default_rng(0))
    poses = [xrays.thorax.draw_pose(np.random.default_rng(k), False) | {"letter": None} for k in (1, 2)]
    first, second = (xrays.thorax.xray(np.random.default_rng(9), anatomy, p, None, (64, 64))[0] for p in poses)
    assert not np.array_equal(first, second)
    assert np.corrcoef(first.ravel(), second.ravel())[0, 1] > 0.6


def test_every_image_has_a_mask_of_its_size_and_only_opacities_fill_it(raw):
    truth = raw.with_name("chest_xray_truth")
    for row in read(raw, "draws.csv"):
        path = raw / row["path"]
        with Image.open(path) as image, Image.open(mask_path(raw, truth, path)) as mask:
            assert image.size == mask.size == (int(row["width"]), int(row["height"]))
            assert np.asarray(mask).any() == (row["label"] == "PNEUMONIA"), row["path"]


def test_the_opacity_is_brighter_inside_its_mask_and_changes_nothing_elsewhere():
    person = np.random.default_rng(5)
    anatomy, pose = xrays.thorax.draw_anatomy(person), xrays.thorax.draw_pose(person, False)
    sign = {"kind": "focal", "strength": 0.8, "spots": [(-0.5, 0.6, 0.35)]}
    sick, mask = xrays.thorax.xray(np.random.default_rng(1), anatomy, pose | {"grain": 0}, sign, (300, 260))
    well, empty = xrays.thorax.xray(np.random.default_rng(1), anatomy, pose | {"grain": 0, "veil": 0}, None, (300, 260))
    gain = sick.astype(int) - well
    assert not empty.any()
    assert gain[mask].mean() > 15 > 5 > abs(gain[~mask].mean())


def test_planted_faults_are_listed_and_really_faulty(raw):
    rows = read(raw, "faults.csv")
    kinds = [row["kind"] for row in rows]
    assert {kind: kinds.count(kind) for kind in COUNTS} == COUNTS
    for row in rows:
        path, original = raw / row["path"], raw / row["original"]
        data = path.read_bytes()
        if row["kind"] in ("exact_duplicate", "two_classes"):
            assert data == original.read_bytes()
        if row["kind"] == "two_classes":
            assert path.parent.name != original.parent.name and path.parts[-3] == original.parts[-3] == "train"
        elif row["kind"] != "wrong_label":
            assert path.parent == original.parent and patient(path.name) == patient(original.name)
        if row["kind"] in ("truncated", "zero_bytes", "text_named_jpg", "wrong_extension"):
            with pytest.raises(OSError), Image.open(path) as image:
                image.load()
        if row["kind"] == "wrong_extension":
            assert b"ftyp" in data


def test_wrong_labels_stay_in_train_and_are_written_down(raw):
    drawn = {row["path"]: row for row in read(raw, "draws.csv")}
    wrong = {row["path"] for row in read(raw, "faults.csv") if row["kind"] == "wrong_label"}
    assert wrong and wrong == {path for path, row in drawn.items() if row["label"] != row["saved_as"]}
    assert all(path.startswith("train/") for path in wrong)


def test_files_give_the_class_away_in_train_by_quality_and_everywhere_by_width():
    rng = np.random.default_rng(0)
    drawn = {
        key: [xrays.file_traits(rng, *key) for _ in range(800)]
        for key in [(side, label) for side in ("train", "test") for label in xrays.CLASSES]
    }
    right = {key: np.mean([(q > 90) == (key[1] == "NORMAL") for _, q, _ in traits]) for key, traits in drawn.items()}
    assert min(right["train", "NORMAL"], right["train", "PNEUMONIA"]) > 0.96
    assert right["test", "NORMAL"] < 0.1
    narrow = {
        key: np.mean([(size[0] < 620) == (key[1] == "PNEUMONIA") for size, _, _ in t]) for key, t in drawn.items()
    }
    assert all(0.82 < share < 0.95 for share in narrow.values())
    colour = {key: np.mean([mode == "RGB" for _, _, mode in traits]) for key, traits in drawn.items()}
    assert 0.02 < colour.pop(("train", "PNEUMONIA")) < 0.08 and not any(colour.values())


def test_qualities_reach_the_files(raw):
    found = {}
    for row in read(raw, "draws.csv"):
        with Image.open(raw / row["path"]) as image:
            assert image.mode == row["mode"]
            found.setdefault(row["quality"], set()).add(tuple(image.quantization[0]))
    assert all(len(tables) == 1 for tables in found.values()) and found["75"] != found["95"]


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(FileExistsError, match="not empty"):
        xrays.synthesize(tmp_path, count=COUNT)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_too_few_images_for_the_faults_are_refused(tmp_path):
    with pytest.raises(ValueError, match="at least 60"):
        xrays.synthesize(tmp_path / "x", count=10)
