"""From a raw folder to a prepared one: what is kept, what is dropped and why, and that it is the same every time."""

import json
import re
import shutil
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_prework.check import check
from data_prework.duplicates import hash_bits, near_pairs
from data_prework.layout import RawFolderError
from data_prework.manifest import (
    COLUMNS,
    ManifestError,
    files_folder,
    find_prepared,
    read_about,
    read_manifest,
    write_manifest,
)
from data_prework.take_groups import SplitError
from tests.data_prework.conftest import encoded, fill, quiet, sample_image, snapshot, two_classes


def rejected_of(folder: Path) -> pd.DataFrame:
    table = pd.read_csv(files_folder(folder, read_manifest(folder)) / "rejected.csv", keep_default_na=False)
    return table.set_index("raw")


def names(folder: Path, **where) -> set[str]:
    rows = read_manifest(folder)
    for column, value in where.items():
        rows = rows[rows[column] == value]
    return {path.rsplit("/", 1)[1] for path in rows["path"]}


def no_group_on_two_sides(folder: Path) -> bool:
    rows = read_manifest(folder)
    pairs = near_pairs(hash_bits(rows["phash"]))
    split = rows["split"].to_numpy()
    whole = (rows.groupby("group")["split"].nunique() == 1).all()
    return bool(whole and (split[pairs[:, 0]] == split[pairs[:, 1]]).all())


def test_the_manifest_keeps_the_contract(leaves_home):
    folder = leaves_home / "leaves"
    rows = read_manifest(folder)
    assert list(rows.columns) == list(COLUMNS)
    assert {column: rows[column].dtype.kind == "i" for column in COLUMNS} == {
        column: kind == "int" for column, kind in COLUMNS.items()
    }
    assert rows["path"].is_monotonic_increasing and rows["path"].is_unique
    assert not any("\\" in path or path.startswith("/") for path in rows["path"])
    assert rows["sha256"].str.fullmatch("[0-9a-f]{64}").all() and rows["phash"].str.fullmatch("[0-9a-f]{64}").all()
    assert (rows["width"] == 50).all() and (rows["height"] == 40).all() and (rows["encoding"] == "JPEG q90").all()
    assert rows["split"].value_counts().to_dict().keys() == {"train", "val", "test"}
    assert len(rows) == 48 and (rows["label"].value_counts() == 24).all()
    assert check(folder) == []


def test_two_runs_write_the_same_bytes_from_any_working_directory(leaves_raw, leaves_home, tmp_path, monkeypatch):
    expected = (leaves_home / "leaves" / "manifest.csv").read_bytes()
    assert (quiet("leaves", leaves_raw, tmp_path / "again") / "manifest.csv").read_bytes() == expected
    monkeypatch.chdir(leaves_raw)
    assert (quiet("leaves", Path(), tmp_path / "inside") / "manifest.csv").read_bytes() == expected
    monkeypatch.chdir(leaves_raw / "elm")
    assert (quiet("leaves", Path(".."), tmp_path / "below") / "manifest.csv").read_bytes() == expected


def test_the_raw_folder_is_not_changed(tmp_path):
    raw = two_classes(tmp_path / "raw", 12)
    (raw / "elm" / "bad.jpg").write_bytes(b"no image")
    sample_image(77).convert("P").save(raw / "oak" / "palette.png")
    before = snapshot(raw)
    quiet("leaves", raw, tmp_path / "home")
    assert snapshot(raw) == before


def test_images_are_copied_byte_for_byte_and_converted_only_where_needed(tmp_path):
    raw = two_classes(tmp_path / "raw", 12)
    exif = Image.Exif()
    exif[0x0112] = 6
    sample_image(70).save(raw / "elm" / "turned.jpg", exif=exif)
    sample_image(71).convert("RGBA").save(raw / "elm" / "alpha.png")
    sample_image(72).convert("CMYK").save(raw / "oak" / "inks.jpg")
    Image.fromarray(np.arange(2000, dtype=np.uint16).reshape(40, 50) * 32).save(raw / "oak" / "deep.tif")
    folder = quiet("leaves", raw, tmp_path / "home")
    rows = read_manifest(folder).assign(name=lambda t: t["path"].str.rsplit("/", n=1).str[1]).set_index("name")
    assert {"turned.jpg", "alpha.png", "inks.png", "deep.png"} <= set(rows.index)
    assert (rows.loc["turned.jpg", "width"], rows.loc["turned.jpg", "height"]) == (40, 50)
    assert rows.loc["inks.png", "mode"] == "CMYK" and rows.loc["deep.png", "mode"] == "I;16"
    for name, row in rows.iterrows():
        with Image.open(folder / row["path"]) as image:
            assert image.mode in ("L", "RGB") and image.size == (row["width"], row["height"]), name
    assert (folder / rows.loc["0003.jpg", "path"]).read_bytes() == (raw / "elm" / "0003.jpg").read_bytes()
    assert check(folder) == []


def test_every_file_is_an_image_or_has_its_reason(tmp_path):
    raw = two_classes(tmp_path / "raw", 12)
    (raw / "elm" / "text.jpg").write_text("not an image", encoding="utf-8")
    (raw / "elm" / "half.jpg").write_bytes(encoded(sample_image(80))[:-300])
    (raw / "oak" / "empty.png").write_bytes(b"")
    (raw / "oak" / "copy.jpg").write_bytes((raw / "oak" / "1000.jpg").read_bytes())
    (raw / "oak" / "both.jpg").write_bytes((raw / "elm" / "0000.jpg").read_bytes())
    (raw / "oak" / "caf\udce9.jpg").write_bytes(encoded(sample_image(81)))
    said = []
    folder = quiet("leaves", raw, tmp_path / "home", said)
    table = rejected_of(folder)
    assert list(table.columns) == ["label", "reason"]
    assert list(table.index) == sorted(table.index)
    assert {raw: reason.split(":")[0] for raw, reason in table["reason"].items()} == {
        "elm/text.jpg": "not an image",
        "elm/half.jpg": "truncated or damaged",
        "oak/empty.png": "zero bytes",
        "oak/copy.jpg": "exact duplicate",
        "elm/0000.jpg": "conflict",
        "oak/both.jpg": "conflict",
        "oak/caf\\udce9.jpg": "unreadable path",
    }
    files = [path for path in raw.rglob("*") if path.is_file()]
    assert len(files) == len(read_manifest(folder)) + len(table)
    assert read_about(folder).rejected == len(table)
    report = "\n".join(said)
    assert "scan        30 files, 4 rejected" in report
    assert "1 exact copies dropped, 2 files of an image in two classes dropped" in report


def test_all_copies_of_a_image_in_two_classes_are_dropped_near_ones_too(tmp_path):
    raw = two_classes(tmp_path / "raw", 12)
    big = sample_image(90, (200, 160))
    big.save(raw / "elm" / "one.jpg", quality=95)
    big.save(raw / "elm" / "two.jpg", quality=70)
    big.save(raw / "oak" / "three.jpg", quality=80)
    folder = quiet("leaves", raw, tmp_path / "home")
    assert names(folder).isdisjoint({"one.jpg", "two.jpg", "three.jpg"})
    assert rejected_of(folder).index.tolist() == ["elm/one.jpg", "elm/two.jpg", "oak/three.jpg"]


def brighter(image: Image.Image) -> Image.Image:
    return image.point(lambda value: min(255, round(value * 1.04 + 2)))


def test_near_duplicates_share_a_group_and_a_side(tmp_path):
    raw = two_classes(tmp_path / "raw", 20)
    for number in range(10):
        big = sample_image(200 + number, (200, 160))
        big.save(raw / "elm" / f"near{number}.jpg", quality=95)
        brighter(big).save(raw / "elm" / f"nearly{number}.jpg", quality=60)
        big.resize((100, 80)).save(raw / "elm" / f"small{number}.png")
    folder = quiet("leaves", raw, tmp_path / "home")
    rows = read_manifest(folder)
    groups = rows.groupby(rows["path"].str.extract(r"(?:near|nearly|small)(\d)\.")[0])["group"]
    assert (groups.nunique() == 1).all() and (groups.size() == 3).all()
    assert rows["group"].nunique() == 50
    assert no_group_on_two_sides(folder)
    assert check(folder) == []
    assert check(quiet("leaves", raw, tmp_path / "home", random_split=True))


def official(root: Path) -> Path:
    two_classes(root / "Train", 20)  # sorts before test: the order of names must not decide which copy is kept
    fill(root / "test" / "elm", 6, 300)
    fill(root / "test" / "oak", 6, 1300)
    return root


def test_an_official_test_split_stays_and_what_leaks_into_it_is_dropped_from_train(tmp_path):
    raw = official(tmp_path / "raw")
    shutil.copy(raw / "test" / "elm" / "0300.jpg", raw / "Train" / "elm" / "a copy.jpg")
    big = sample_image(400, (200, 160))
    big.save(raw / "test" / "oak" / "big.jpg", quality=95)
    big.save(raw / "Train" / "oak" / "again.jpg", quality=70)
    brighter(big).save(raw / "Train" / "oak" / "brighter.jpg", quality=70)
    said = []
    folder = quiet("leaves", raw, tmp_path / "home", said)
    tested = {p.name for p in (raw / "test").rglob("*.jpg")}
    assert names(folder, split="test") == tested
    reasons = rejected_of(folder)["reason"]
    assert reasons["Train/elm/a copy.jpg"].startswith("exact duplicate")
    assert reasons["Train/oak/again.jpg"] == "re-encoded copy: the same image, saved again, as test/oak/big.jpg"
    assert reasons["Train/oak/brighter.jpg"].startswith("leak")
    assert any("(test as published), 1 dropped" in line for line in said)
    assert no_group_on_two_sides(folder) and check(folder) == []
    assert read_about(folder).published_splits == ["test"]


def test_near_duplicates_across_published_train_and_val_are_dropped_from_train(tmp_path):
    raw = official(tmp_path / "raw")
    two_classes(raw / "val", 0)
    fill(raw / "val" / "elm", 4, 500)
    fill(raw / "val" / "oak", 4, 1500)
    big = sample_image(400, (200, 160))
    big.save(raw / "val" / "oak" / "big.jpg", quality=95)
    brighter(big).save(raw / "Train" / "oak" / "again.jpg", quality=70)
    folder = quiet("leaves", raw, tmp_path / "home")
    assert names(folder, split="val") == {p.name for p in (raw / "val").rglob("*.jpg")}
    assert rejected_of(folder).index.tolist() == ["Train/oak/again.jpg"]
    assert no_group_on_two_sides(folder) and check(folder) == []


def test_equal_names_in_train_and_test_are_different_images(tmp_path):
    raw = tmp_path / "raw"
    for number, (split, label) in enumerate([("train", "elm"), ("train", "oak"), ("test", "elm"), ("test", "oak")]):
        for k in range(10):
            (raw / split / label).mkdir(parents=True, exist_ok=True)
            sample_image(100 * number + k).save(raw / split / label / f"{k}.jpg")
    folder = quiet("leaves", raw, tmp_path / "home")
    assert len(read_manifest(folder)) == 40 and len(rejected_of(folder)) == 0


def test_when_all_of_train_leaks_it_says_so(tmp_path):
    raw = official(tmp_path / "raw")
    with pytest.raises(SplitError, match="every training image of class elm, oak shares a group"):
        quiet("leaves", raw, tmp_path / "home", group_pattern=r"^\d*?(\d)\d\d\d$|(x)")


def test_a_pattern_joins_what_belongs_together(tmp_path):
    raw = tmp_path / "raw"
    for label, start in (("elm", 0), ("oak", 1000)):
        (raw / label).mkdir(parents=True)
        for k in range(40):
            sample_image(start + k).save(raw / label / f"{label}_tree{k // 4}_{k}.jpg")
    folder = quiet("leaves", raw, tmp_path / "home", group_pattern=r"(\w+_tree\d+)_")
    rows = read_manifest(folder)
    assert rows["group"].value_counts().tolist() == [4] * 20
    assert no_group_on_two_sides(folder) and check(folder) == []


def test_masks_follow_their_images(tmp_path):
    raw = two_classes(tmp_path / "raw", 12)
    truth = tmp_path / "raw_truth"
    (truth / "masks" / "oak").mkdir(parents=True)
    (truth / "draws.csv").write_text("path\n", encoding="utf-8")
    for path in (raw / "oak").iterdir():
        Image.new("L", (50, 40), int(path.stem) % 256).save(truth / "masks" / "oak" / f"{path.stem}.png")
    folder = quiet("leaves", raw, tmp_path / "home")
    assert folder == tmp_path / "home" / "embedded" / "leaves" == find_prepared("leaves", data_dir=tmp_path / "home")
    rows = read_manifest(folder)
    assert (rows.loc[rows["label"] == "elm", "mask"] == "").all()
    for row in rows[rows["label"] == "oak"].itertuples():
        with Image.open(folder / row.mask) as mask:
            assert mask.getpixel((0, 0)) == int(Path(row.path).stem) % 256
    assert read_about(folder).source == "embedded" and set(rows["licence"]) == {"MIT"}
    assert check(folder) == []


def test_a_folder_named_truth_beside_ones_own_images_does_not_make_them_drawn(tmp_path):
    raw = two_classes(tmp_path / "raw", 12)
    (tmp_path / "raw_truth").mkdir()
    folder = quiet("leaves", raw, tmp_path / "home")
    assert folder == tmp_path / "home" / "leaves"
    assert read_about(folder).source == "real"
    assert set(read_manifest(folder)["licence"]) == {"unknown"}


@pytest.mark.parametrize("inside", ["", "download"])
def test_author_and_licence_of_each_file_come_from_sources_csv(tmp_path, inside):
    raw = two_classes(tmp_path / "raw" / inside, 12)
    (raw / "sources.csv").write_text(
        "path,source,licence,author\nelm/0003.jpg,https://example.org/3,CC BY-SA 4.0,Zoë\n", encoding="utf-8"
    )
    folder = quiet("leaves", tmp_path / "raw", tmp_path / "home")
    rows = read_manifest(folder).set_index("author")
    assert rows.loc["Zoë", ["source", "licence"]].tolist() == ["https://example.org/3", "CC BY-SA 4.0"]
    assert set(rows.drop("Zoë")["licence"]) == {"unknown"}
    (raw / "sources.csv").write_text("path,author\nelm/0003.jpg,Zora\n", encoding="utf-8")
    quiet("leaves", tmp_path / "raw", tmp_path / "home")
    assert "Zora" in set(read_manifest(folder)["author"])


def zipped(folder: Path, archive: Path, inside: str = "") -> Path:
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, Path(inside) / path.relative_to(folder))
    return archive


@pytest.mark.parametrize("inside", ["", "download/leaves"])
def test_a_zip_gives_the_same_images_as_its_folder(leaves_raw, leaves_home, tmp_path, inside):
    archive = zipped(leaves_raw, tmp_path / "leaves.zip", inside)
    folder = quiet("leaves", archive, tmp_path / "home")
    ours, theirs = (read_manifest(place).drop(columns=["path", "group"]) for place in (folder, leaves_home / "leaves"))
    assert sorted(ours["sha256"]) == sorted(theirs["sha256"])
    assert check(folder) == []
    assert sorted(path.name for path in (tmp_path / "home").iterdir()) == [".leaves.lock", "leaves"]


def test_names_that_differ_in_case_only_and_odd_names_are_kept_apart(tmp_path):
    raw = two_classes(tmp_path / "raw", 12)
    odd = ["IMG.jpg", "img.JPG", 'größer, "best" one.jpg', "樹 葉.jpg", " lead.jpg", "a,b;c.jpg", "NA.jpg"]
    odd += ["caf\u00e9.jpg", "cafe\u0301.jpg", "Straße.jpg", "STRASSE.jpg"]
    (raw / "elm" / "more").mkdir()
    for number, name in enumerate(odd):
        sample_image(600 + number).save(raw / "elm" / name, format="JPEG")
    sample_image(700).save(raw / "elm" / "more" / "IMG.jpg")
    said = []
    folder = quiet("leaves", raw, tmp_path / "home", said)
    rows = read_manifest(folder)
    assert len(rows) == 24 + len(odd) + 1
    assert rows["path"].str.casefold().is_unique
    assert check(folder) == []
    quiet("leaves", raw, tmp_path / "home", said)
    assert said[-1].startswith("unchanged")


def test_class_names_with_spaces_and_other_scripts_work(tmp_path):
    fill(tmp_path / "raw" / "big oak", 12, 0)
    fill(tmp_path / "raw" / "ニレ", 12, 50)
    folder = quiet("leaves", tmp_path / "raw", tmp_path / "home")
    assert set(read_manifest(folder)["label"]) == {"big oak", "ニレ"}
    assert check(folder) == []


def test_a_second_run_changes_nothing(leaves_raw, tmp_path):
    folder = quiet("leaves", leaves_raw, tmp_path)
    before, said = snapshot(folder), []
    assert quiet("leaves", leaves_raw, tmp_path, said) == folder
    assert said[-1].startswith("unchanged")
    assert snapshot(folder) == before


def test_other_settings_or_other_files_replace_the_old_ones(tmp_path):
    raw = two_classes(tmp_path / "raw", 12)
    folder = quiet("leaves", raw, tmp_path / "home")
    seen = [(folder / "manifest.csv").read_bytes()]
    sample_image(900).save(raw / "elm" / "new.jpg")
    for settings in ({}, {"seed": 8}, {"test": 0.3}):
        quiet("leaves", raw, tmp_path / "home", **settings)
        seen.append((folder / "manifest.csv").read_bytes())
        assert len(list(folder.iterdir())) == 2  # manifest.csv and one files-<id>
        assert check(folder) == []
    assert len(set(seen)) == 4


def test_a_damaged_prepared_folder_is_made_whole_again(tmp_path):
    raw = two_classes(tmp_path / "raw", 12)
    folder = quiet("leaves", raw, tmp_path / "home")
    for harm in (lambda p: p.write_bytes(b"x"), lambda p: p.unlink(), lambda p: p.with_name("extra").touch()):
        harm(folder / read_manifest(folder)["path"].iloc[3])
        assert check(folder)
        quiet("leaves", raw, tmp_path / "home")
        assert check(folder) == [] and len(list(folder.iterdir())) == 2
        said = []
        quiet("leaves", raw, tmp_path / "home", said)
        assert said[-1].startswith("unchanged")


def test_a_damaged_manifest_is_named_and_written_again(tmp_path):
    raw = two_classes(tmp_path / "raw", 12)
    folder = quiet("leaves", raw, tmp_path / "home")
    whole = (folder / "manifest.csv").read_bytes()
    for broken in (b"", whole[:40], whole[:700], whole.replace(b",train,", b",training,"), b"\xff\xfe" + whole):
        (folder / "manifest.csv").write_bytes(broken)
        with pytest.raises(ManifestError, match=r"manifest\.csv: .*data_prework prepare leaves"):
            read_manifest(folder)
        quiet("leaves", raw, tmp_path / "home")
        assert (folder / "manifest.csv").read_bytes() == whole


def test_wrong_classes_of_a_course_data_set_are_refused(tmp_path):
    raw = two_classes(tmp_path / "raw", 2)
    with pytest.raises(RawFolderError, match=r"found the classes elm, oak; chest_xray has NORMAL, PNEUMONIA"):
        quiet("chest_xray", raw, tmp_path / "home")
    assert not (tmp_path / "home" / "chest_xray").exists()


def test_a_class_without_a_usable_image_is_refused(tmp_path):
    raw = two_classes(tmp_path / "raw", 12)
    for path in (raw / "oak").iterdir():
        path.write_bytes(b"no image")
    with pytest.raises(RawFolderError, match=r"no usable image of oak.*oak/1000\.jpg, not an image"):
        quiet("leaves", raw, tmp_path / "home")


def test_classes_that_are_the_same_images_are_refused(tmp_path):
    fill(tmp_path / "raw" / "elm", 12, 0)
    fill(tmp_path / "raw" / "oak", 12, 0)
    with pytest.raises(RawFolderError, match="every image of elm, oak is also in another class"):
        quiet("leaves", tmp_path / "raw", tmp_path / "home")


def test_it_does_not_write_into_the_raw_folder(tmp_path):
    raw = two_classes(tmp_path / "leaves", 12)
    for home in (tmp_path, raw, raw / "elm"):
        with pytest.raises(RawFolderError, match="inside it"):
            quiet("leaves", raw, home)
    assert sorted(path.name for path in raw.iterdir()) == ["elm", "oak"]


def test_planted_shortcuts_are_reported(tmp_path):
    raw = tmp_path / "raw"
    fill(raw / "elm", 40, 0, quality=95)
    (raw / "oak").mkdir()
    for number in range(40):
        gray = number % 2 == 0
        sample_image(1000 + number, (60, 40), gray).save(raw / "oak" / f"{number}.jpg", quality=75)
    said = []
    quiet("leaves", raw, tmp_path / "home", said)
    warned = [line for line in said if line.startswith("WARNING")]
    for words in ("JPEG quality alone", "width alone", "color mode L gives the class away"):
        assert any(words in line for line in warned), words
    assert not any("height" in line for line in warned)
    assert any(re.search(r"files +elm: median 50 x 40 pixels, mostly JPEG q95, color modes RGB 100%", x) for x in said)


def test_alike_classes_give_no_warning(leaves_raw, tmp_path):
    said = []
    quiet("leaves", leaves_raw, tmp_path, said)
    assert not [line for line in said if line.startswith("WARNING")]


def test_sixteen_bit_images_have_one_scale(tmp_path):
    raw, said = two_classes(tmp_path / "raw", 12), []
    levels = {}
    for number, top in ((200, 1500), (201, 3705), (202, 100)):
        levels[f"{number}.png"] = (np.asarray(sample_image(number, gray=True), float) / 255 * top).astype(np.uint16)
        Image.fromarray(levels[f"{number}.png"]).save(raw / "elm" / f"{number}.png")
    folder = quiet("leaves", raw, tmp_path / "home", said)
    paths = {path.rsplit("/", 1)[1]: folder / path for path in read_manifest(folder)["path"]}
    for name, values in levels.items():
        with Image.open(paths[name]) as image:
            assert np.array_equal(image, np.round(values / 4095 * 255).astype(np.uint8))
    assert read_about(folder).settings["bits"] == 12
    report = "\n".join(said)
    largest = max(int(values.max()) for values in levels.values())
    assert f"16-bit gray 3 images, largest value {largest:,}: read as 12 bits" in report
    assert "WARNING     elm/202.png is nearly black at 12 bits" in report
    folder = quiet("leaves", raw, tmp_path / "home", bits=14)
    assert read_about(folder).settings["bits"] == 14
    with Image.open(folder / next(path for path in read_manifest(folder)["path"] if path.endswith("201.png"))) as image:
        assert np.array_equal(image, np.round(levels["201.png"] / 16383 * 255).astype(np.uint8))


def test_bits_that_no_camera_has_are_refused(tmp_path):
    with pytest.raises(ValueError, match="bits is 24"):
        quiet("leaves", two_classes(tmp_path / "raw", 12), tmp_path / "home", bits=24)


def test_misnamed_files_are_a_note_and_copies_are_named_rightly(tmp_path):
    raw, said = two_classes(tmp_path / "raw", 12), []
    (raw / "elm" / "shot.jpg").write_bytes(encoded(sample_image(80), "PNG"))
    (raw / "oak" / "scan").write_bytes(encoded(sample_image(81)))
    folder = quiet("leaves", raw, tmp_path / "home", said)
    assert {"shot.png", "scan.jpg"} <= names(folder)
    assert any(
        line.startswith("names       2 images, such as elm/shot.jpg, have a suffix that isn't the content's (PNG)")
        for line in said
    )
    assert check(folder) == []


def test_copies_tell_nothing_of_people_and_places(tmp_path):
    raw = two_classes(tmp_path / "raw", 12)
    exif = Image.Exif()
    exif[0x013B] = "Jane Doe"
    for name, image in (("a.jpg", sample_image(80)), ("b.png", sample_image(81)), ("c.tif", sample_image(82))):
        image.save(raw / "elm" / name, exif=exif)
        assert b"Jane Doe" in (raw / "elm" / name).read_bytes()
    sample_image(83).save(raw / "elm" / "d.gif", comment=b"Jane Doe")
    folder = quiet("leaves", raw, tmp_path / "home")
    assert {"a.jpg", "b.png", "c.png", "d.png"} <= names(folder)
    assert not [path for path in folder.rglob("*") if path.is_file() and b"Jane" in path.read_bytes()]
    assert check(folder) == []


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="these systems take no such names")
def test_odd_names_give_a_readable_manifest(tmp_path):
    raw = two_classes(tmp_path / "raw", 12)
    (raw / "oak").rename(raw / "=oak")
    odd = [
        "cr\rname", "new\nline", "tab\tname", 'quote"s', "comma, name", "=cmd", " lead", "trail ", "nan", 
        "\u202egpj", "é", "e\u0301", "a" * 250, "-rf", "%s %d",
    ]  # fmt: skip
    for number, stem in enumerate(odd):
        (raw / "elm" / (stem + (".jpg" if len(stem) < 250 else ""))).write_bytes(encoded(sample_image(300 + number)))
    (raw / "=oak" / "x\ry.jpg").write_bytes(b"text")
    folder = quiet("leaves", raw, tmp_path / "home")
    rows = read_manifest(folder)
    assert len(rows) == 24 + len(odd) and set(rows["label"]) == {"elm", "=oak"} == set(read_about(folder).classes)
    assert check(folder) == []
    for table in (folder / "manifest.csv", files_folder(folder, rows) / "rejected.csv"):
        cells = pd.read_csv(table, dtype=str, keep_default_na=False)
        assert not cells.map(lambda cell: cell.startswith(("=", "+", "-", "@")) or not cell.isprintable()).any(
            axis=None
        )
    assert pd.read_csv(files_folder(folder, rows) / "rejected.csv")["raw"].tolist() == ["'=oak/x\\x0dy.jpg"]


def test_a_folder_to_be_left_out_must_be_there(leaves_raw, tmp_path):
    with pytest.raises(RawFolderError, match=r"--leave-out ehm: there is no folder of this name"):
        quiet("leaves", leaves_raw, tmp_path, leave_out=("ehm",))


def test_columns_of_a_data_sets_own_are_kept_in_their_types_and_checked(leaves_home, tmp_path):
    folder = tmp_path / "leaves"
    shutil.copytree(leaves_home / "leaves", folder)
    columns = {"soft_label": "float", "note": "str"}
    rows = read_manifest(folder).assign(soft_label=1 / 3, note="=1+1")
    about = files_folder(folder, rows) / "about.json"
    about.write_text(json.dumps(json.loads(about.read_text(encoding="utf-8")) | {"columns": columns}), encoding="utf-8")
    with pytest.raises(ManifestError, match="the columns soft_label, note are missing"):
        read_manifest(folder)
    write_manifest(folder, rows, columns)
    again = read_manifest(folder)
    assert again["soft_label"].tolist() == [1 / 3] * len(rows) and set(again["note"]) == {"=1+1"}
    assert "'=1+1" in (folder / "manifest.csv").read_text(encoding="utf-8")  # no spreadsheet runs it
    text = (folder / "manifest.csv").read_text(encoding="utf-8")
    (folder / "manifest.csv").write_text(text.replace("0.3333333333333333", "a third", 1), encoding="utf-8")
    with pytest.raises(ManifestError, match="a value is not a number"):
        read_manifest(folder)


def test_what_was_prepared_before_columns_were_told_opens(leaves_home, tmp_path):
    folder = tmp_path / "leaves"
    shutil.copytree(leaves_home / "leaves", folder)
    about = files_folder(folder, read_manifest(folder)) / "about.json"
    facts = json.loads(about.read_text(encoding="utf-8"))
    del facts["columns"]
    about.write_text(json.dumps(facts), encoding="utf-8")
    assert read_about(folder).columns == {} and len(read_manifest(folder)) and check(folder) == []
