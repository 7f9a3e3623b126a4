"""A raw folder is understood by names alone, in the layouts that people have, or refused with a way to choose."""

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data_prework.folder_tree import pattern_in
from data_prework.layout import RawFolderError, check_published, read_layout
from data_prework.split_names import SPLIT_WORDS, split_names
from tests.data_prework.conftest import encoded, fill, sample_image, two_classes


def tree(root: Path, *names: str, count: int = 2) -> Path:
    """Empty files `0.jpg`, `1.jpg`, ... in folders; a name with an ending is a file itself."""
    for name in names:
        if Path(name).suffix:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
            continue
        (root / name).mkdir(parents=True, exist_ok=True)
        for i in range(count):
            (root / name / f"{i}.jpg").touch()
    return root


def read(layout) -> dict[tuple[str, str], int]:
    """(split, label) -> number of files."""
    counts = {}
    for one in layout.files:
        counts[one.split, one.label] = counts.get((one.split, one.label), 0) + 1
    return counts


def test_one_folder_per_class_has_no_splits(tmp_path):
    layout = read_layout(tree(tmp_path, "cats", "dogs"))
    assert read(layout) == {("", "cats"): 2, ("", "dogs"): 2} and layout.notes == []


@pytest.mark.parametrize(
    ("train", "test"),
    [
        *(("train", "test"), ("Training", "Testing"), ("training_set", "test_set"), ("seg_train", "seg_test")),
        *(("train_images", "test_images"), ("TRAIN", "TEST"), ("train", "test1"), ("trainData", "testData")),
        *(("1_train", "2_val"), ("train", "dev"), ("train", "valid"), ("Train", "Validation")),
        *(("birds-train", "birds-holdout"), ("train-images", "eval-images"), ("x_train", "x_test")),
    ],
)
def test_splits_in_any_common_spelling_are_never_classes(tmp_path, train, test):
    layout = read_layout(tree(tmp_path, f"{train}/a", f"{train}/b", f"{test}/a", f"{test}/b"))
    assert layout.classes == ["a", "b"] and len({one.split for one in layout.files}) == 2


@pytest.mark.parametrize("split", SPLIT_WORDS)
@given(
    where=st.sampled_from(("{}", "{}_set", "my data/{}", "{} images", "{}-01")), upper=st.sampled_from((str, str.title))
)
def test_every_word_for_a_split_is_understood_alone_and_beside_neutral_words(split, where, upper):
    for word in SPLIT_WORDS[split]:
        name = where.rsplit("/", 1)[-1].format(upper(word))
        assert split_names([name]) == {name: split}


@pytest.mark.parametrize("name", ["test_tube", "train_station", "devil", "valley", "contest", "trainer", "intest1ne"])
def test_a_word_that_contains_a_splits_name_is_a_class(name):
    assert split_names([name, "cats"]) == {}


@pytest.mark.parametrize("levels", ["archive", "archive/data", "images"])
def test_folders_around_the_classes_are_stepped_into(tmp_path, levels):
    layout = read_layout(tree(tmp_path, f"{levels}/cats", f"{levels}/dogs", "annotations/list.txt"))
    assert layout.classes == ["cats", "dogs"]
    assert any("annotations" in note for note in layout.notes)


def test_what_stands_beside_the_splits_is_left_out_with_a_word(tmp_path):
    layout = read_layout(tree(tmp_path, "train/a", "train/b", "test/a", "test/b", "copy/train/a", "__MACOSX/a"))
    assert read(layout) == {("train", "a"): 2, ("train", "b"): 2, ("test", "a"): 2, ("test", "b"): 2}
    assert any("copy, 2 files beside the splits" in note for note in layout.notes)


def test_splits_inside_the_classes_are_splits(tmp_path):
    layout = read_layout(tree(tmp_path, "cat/train", "cat/test", "dog/train", "dog/test"))
    assert read(layout) == {("train", "cat"): 2, ("test", "cat"): 2, ("train", "dog"): 2, ("test", "dog"): 2}


def test_an_unlabeled_test_folder_is_left_out_with_a_word(tmp_path):
    layout = read_layout(tree(tmp_path, "train/a", "train/b", "test"))
    assert {one.split for one in layout.files} == {"train"}
    assert layout.notes == ["left out: test, 2 files without class folders, so unlabeled"]


def test_a_class_that_may_be_a_split_is_asked_about(tmp_path):
    tree(tmp_path, "bus", "car", "train")
    with pytest.raises(RawFolderError, match=r"train may be a split without labels.*--no-splits.*--leave-out train"):
        read_layout(tmp_path)
    assert read_layout(tmp_path, splits=False).classes == ["bus", "car", "train"]
    assert read_layout(tmp_path, leave_out=["train"]).classes == ["bus", "car"]


def test_the_same_folders_in_every_class_are_asked_about(tmp_path):
    tree(tmp_path, "color/healthy", "color/ill", "grayscale/healthy", "grayscale/ill")
    with pytest.raises(RawFolderError, match=r"color, grayscale each hold the same folders \(healthy, ill\)"):
        read_layout(tmp_path)
    assert read_layout(tmp_path, depth=1).classes == ["color", "grayscale"]
    assert read_layout(tmp_path, depth=2).classes == [
        "color-healthy",
        "color-ill",
        "grayscale-healthy",
        "grayscale-ill",
    ]
    assert read_layout(tmp_path / "color").classes == ["healthy", "ill"]


def test_folders_inside_a_class_belong_to_it_unless_the_depth_says_otherwise(tmp_path):
    tree(tmp_path, "fruit/apple", "fruit/pear", "vegetable/leek")
    assert read(read_layout(tmp_path)) == {("", "fruit"): 4, ("", "vegetable"): 2}
    assert read_layout(tmp_path, depth=2).classes == ["apple", "leek", "pear"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("train/images", "train/labels/a.txt", "valid/images", "valid/labels/a.txt"), "YOLO's layout"),
        (("train", "valid", "train/_annotations.coco.json"), "COCO's layout"),
        (("train/cat.1.jpg", "train/cat.2.jpg", "train/dog.1.jpg", "train/dog.2.jpg"), "--label-pattern"),
        (("train", "test", "labels.csv"), "--labels labels.csv"),
        (("train", "test"), "--labels FILE.csv"),
        (("images", "labels.csv"), "--labels labels.csv"),
        (("one",), r"found 1 class folder"),
        (("cat.1.jpg", "cat.2.jpg", "dog.1.jpg", "dog.2.jpg"), "--label-pattern"),
    ],
)
def test_a_layout_without_classes_is_refused_with_its_name_and_a_way_on(tmp_path, names, said):
    with pytest.raises(RawFolderError, match=said):
        read_layout(tree(tmp_path, *names))


def test_a_class_in_two_spellings_is_one_class_and_said(tmp_path):
    accent = unicodedata.normalize("NFD", "café")
    layout = read_layout(tree(tmp_path, "train/Cat", "train/café", "test/cat", f"test/{accent}"))
    assert layout.classes == ["Cat", "café"] or layout.classes == ["cat", "café"]
    assert sum(note.startswith("joined") for note in layout.notes) == 2


def test_nothing_is_left_out_without_a_word(tmp_path):
    tree(tmp_path, "a", "b", "_background", ".hidden", "empty/x.txt", "stray.jpg", "a/.DS_Store.jpg")
    said = "\n".join(read_layout(tmp_path).notes)
    for name in ("_background", ".hidden", "empty", "1 files directly in", "a/.DS_Store.jpg"):
        assert name in said, name


def test_a_link_to_a_folder_is_followed_unless_it_leads_in_a_circle(tmp_path):
    tree(tmp_path / "elsewhere", "b")
    root = tree(tmp_path / "raw", "a")
    Path(root / "b").symlink_to(tmp_path / "elsewhere" / "b")
    Path(root / "a" / "again").symlink_to(root)
    layout = read_layout(root)
    assert read(layout) == {("", "a"): 2, ("", "b"): 2}
    assert any("a link to a folder above it" in note for note in layout.notes)


def test_other_files_in_a_class_are_passed_on_to_be_rejected_by_name(tmp_path):
    layout = read_layout(tree(tmp_path, "a", "b", "a/notes.txt"))
    assert "notes.txt" in {one.path.name for one in layout.files}


def test_the_tree_is_told_in_a_few_lines_even_with_a_thousand_classes(tmp_path):
    layout = read_layout(tree(tmp_path, *(f"class{i:04d}" for i in range(1000)), count=1))
    lines = layout.lines()
    assert len(lines) == 2 and "1,000 files in 1,000 classes" in lines[1] and "and 994 more" in lines[1]


def test_a_pattern_is_proposed_only_where_names_hold_few_labels():
    assert pattern_in(["IMG_1.jpg", "IMG_2.jpg"]) == ""
    assert pattern_in([f"cat_{i}.jpg" for i in range(5)] + [f"dog_{i}.jpg" for i in range(5)])


def found(root: Path) -> set[tuple[str, str, str]]:
    return {(item.split, item.label, item.path.name) for item in read_layout(root).files}


def test_one_folder_per_class_gives_every_file(tmp_path):
    two_classes(tmp_path, 2)
    assert found(tmp_path) == {
        ("", "elm", "0000.jpg"), ("", "elm", "0001.jpg"), ("", "oak", "1000.jpg"), ("", "oak", "1001.jpg"),
    }  # fmt: skip


@pytest.mark.parametrize("name, split", [("train", "train"), ("Training", "train"), ("valid", "val"), ("TEST", "test")])
def test_split_folders_are_known_by_their_usual_names(tmp_path, name, split):
    two_classes(tmp_path / name, 1)
    two_classes(tmp_path / "extra", 1)
    layout = read_layout(tmp_path)
    assert {item.split for item in layout.files} == {split}
    assert layout.notes == ["left out: extra, 2 files beside the splits"]


def test_folders_that_only_hold_a_folder_are_stepped_into(tmp_path):
    two_classes(tmp_path / "download" / "leaves v2", 1)
    assert found(tmp_path) == {("", "elm", "0000.jpg"), ("", "oak", "1000.jpg")}


def test_of_the_copied_xray_zip_every_image_is_found_once(tmp_path):
    for inner in ("chest_xray", "chest_xray/chest_xray", "chest_xray/__MACOSX/chest_xray"):
        for split in ("train", "test", "val"):
            two_classes(tmp_path / inner / split, 1)
    layout = read_layout(tmp_path)
    assert len(layout.files) == 6
    assert {len(item.path.relative_to(tmp_path).parts) for item in layout.files} == {4}
    assert "left out: chest_xray, 6 files beside the splits" in layout.notes


def test_hidden_files_and_the_litter_of_systems_are_no_images(tmp_path):
    two_classes(tmp_path, 1)
    fill(tmp_path / "elm" / "from the garden", 1, 50)
    for name in (".hidden.jpg", "._0000.jpg", "Thumbs.db", ".cache/a.jpg", "__MACOSX/a.jpg"):
        (tmp_path / "elm" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "elm" / name).write_bytes(encoded(sample_image(9)))
    fill(tmp_path / ".git", 1, 60)
    assert found(tmp_path) == {("", "elm", "0000.jpg"), ("", "elm", "0050.jpg"), ("", "oak", "1000.jpg")}


def test_a_class_that_a_published_split_lacks_is_refused(tmp_path):
    layout = read_layout(tree(tmp_path, "train/a", "train/b", "test/a"))
    with pytest.raises(RawFolderError, match=r"the test split has no folder of b, which train has.*--no-published"):
        check_published(layout)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda root: None, "found 0 class folder(s) with files (none)"),
        (lambda root: fill(root / "elm", 2, 0), "found 1 class folder(s) with files (elm)"),
        (lambda root: fill(root, 2, 0), "found 0 class folder(s)"),
        (lambda root: (fill(root / "elm", 2, 0), (root / "oak").mkdir()), "found 1 class folder(s) with files (elm)"),
    ],
)
def test_fewer_than_two_classes_are_refused(tmp_path, make, words):
    make(tmp_path)
    with pytest.raises(RawFolderError) as caught:
        read_layout(tmp_path)
    assert words in str(caught.value)
    assert "Expected one folder per class" in str(caught.value)
