"""Labels from a table or from file names: found by the usual names, or asked for."""

from pathlib import Path

import pandas as pd
import pytest

from data_prework.labels import layout_from_names, layout_from_table
from data_prework.layout import RawFolderError


def images(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def table(path: Path, rows: dict, **options) -> Path:
    pd.DataFrame(rows).to_csv(path, index=False, **options)
    return path


def labels(layout) -> dict[str, str]:
    return {one.path.name: one.label for one in layout.files}


@pytest.mark.parametrize(
    "names", [["a.jpg", "b.jpg"], ["a", "b"], ["images/a.jpg", "images/b.jpg"], ["./images/a", "images\\b"]]
)
@pytest.mark.parametrize("columns", [("image", "label"), ("filename", "class"), ("id", "breed"), ("ImageName", "what")])
def test_files_are_found_with_or_without_ending_and_folder_under_the_usual_columns(tmp_path, names, columns):
    images(tmp_path, "images/a.jpg", "images/b.jpg")
    table(tmp_path / "labels.csv", {columns[0]: names, columns[1]: ["cat", "dog"]})
    layout = layout_from_table(tmp_path, "labels.csv")
    assert labels(layout) == {"a.jpg": "cat", "b.jpg": "dog"} and layout.notes == []


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found(tmp_path, separator):
    images(tmp_path, "a.jpg", "b.jpg")
    path = table(tmp_path / "labels.csv", {"file": ["a.jpg", "b.jpg"], "label": ["x", "y"]}, sep=separator)
    assert labels(layout_from_table(tmp_path, path)) == {"a.jpg": "x", "b.jpg": "y"}


def test_a_column_of_splits_is_read(tmp_path):
    images(tmp_path, "a.jpg", "b.jpg", "c.jpg", "d.jpg")
    rows = {"image": list("abcd"), "label": list("xyxy"), "split": ["train", "Training", "test", "TEST"]}
    layout = layout_from_table(tmp_path, table(tmp_path / "t.csv", rows))
    assert [one.split for one in layout.files] == ["train", "train", "test", "test"]


def test_one_column_of_0_and_1_for_each_class_is_read(tmp_path):
    images(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    rows = {"image": list("abc"), "MEL": ["1.0", "0.0", "0.0"], "NV": ["0.0", "1.0", "0.0"]}
    layout = layout_from_table(tmp_path, table(tmp_path / "t.csv", rows))
    assert labels(layout) == {"a.jpg": "MEL", "b.jpg": "NV"}
    assert layout.notes == [
        "left out: 1 rows of t.csv without a label of their own",
        "left out: 1 files that t.csv does not name, such as c.jpg",
    ]


def test_the_same_name_in_two_folders_is_told_apart_by_its_path_only(tmp_path):
    images(tmp_path, "one/a.jpg", "two/a.jpg", "b.jpg")
    layout = layout_from_table(
        tmp_path, table(tmp_path / "t.csv", {"file": ["one/a.jpg", "b.jpg"], "label": ["x", "y"]})
    )
    assert [one.path.relative_to(tmp_path).as_posix() for one in layout.files] == ["b.jpg", "one/a.jpg"]
    unclear = table(tmp_path / "u.csv", {"file": ["a.jpg", "b.jpg", "b"], "label": ["x", "y", "z"]})
    with pytest.raises(RawFolderError, match="gives 1 class"):
        layout_from_table(tmp_path, unclear)


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        ({"image": ["a", "b"], "label": ["x", "y"]}, {"label_column": "kind"}, "no column 'kind' of the label"),
        ({"image": ["q", "r"], "label": ["x", "y"]}, {}, "none of its 2 files is below"),
        ({"name": ["q", "r"], "label": ["x", "y"]}, {}, "--file-column NAME"),
        ({"image": ["a", "b"], "age": ["3", "4"], "site": ["x", "y"]}, {}, "--label-column NAME"),
        ({"image": ["a", "b"], "label": ["x", "x"]}, {}, "gives 1 class"),
    ],
)
def test_what_the_table_does_not_say_is_asked_for(tmp_path, rows, options, said):
    images(tmp_path, "a.jpg", "b.jpg")
    with pytest.raises(RawFolderError, match=said):
        layout_from_table(tmp_path, table(tmp_path / "t.csv", rows), **options)


def test_a_table_that_is_not_there_is_named(tmp_path):
    with pytest.raises(RawFolderError, match="no such file"):
        layout_from_table(images(tmp_path, "a.jpg"), "labels.csv")


def test_labels_in_file_names_are_read_with_the_splits_of_the_folders(tmp_path):
    images(tmp_path, "train/cat.1.jpg", "train/dog.1.jpg", "test/cat.2.jpg", "test/dog.2.jpg", "test/7.jpg")
    layout = layout_from_names(tmp_path, r"^([a-z]+)\.")
    assert {(one.split, one.label) for one in layout.files} == {
        (s, c) for s in ("train", "test") for c in ("cat", "dog")
    }
    assert layout.notes == ["left out: 1 files whose names do not fit the pattern, such as test/7.jpg"]


@pytest.mark.parametrize(
    ("pattern", "said"), [("([a-z", "not a regular expression"), ("cat", "no parentheses"), ("^(x)", "gives 0 class")]
)
def test_a_wrong_pattern_is_named(tmp_path, pattern, said):
    with pytest.raises(RawFolderError, match=said):
        layout_from_names(images(tmp_path, "cat.1.jpg"), pattern)


@pytest.mark.parametrize("content", ["file,label\n", "file\na.jpg\n", "", "\n\n", '"file,label\na.jpg'])
def test_a_table_without_rows_or_without_columns_is_refused_by_name(tmp_path, content):
    (tmp_path / "labels.csv").write_text(content, encoding="utf-8")
    with pytest.raises(RawFolderError, match=r"--labels .*labels\.csv"):
        layout_from_table(tmp_path, "labels.csv")


@pytest.mark.parametrize("sep", [",", ";", "\t", "|"])
def test_the_separator_is_found_and_short_rows_have_no_label(tmp_path, sep):
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tmp_path / name).touch()
    lines = [("file", "label"), ("a.jpg", "oak"), ("b.jpg", "elm"), ("c.jpg",)]
    (tmp_path / "labels.csv").write_text("".join(sep.join(line) + "\n" for line in lines), encoding="utf-8")
    layout = layout_from_table(tmp_path, "labels.csv")
    assert {one.path.name: one.label for one in layout.files} == {"a.jpg": "oak", "b.jpg": "elm"}
    assert layout.notes == [
        "left out: 1 rows of labels.csv without a label of their own",
        "left out: 1 files that labels.csv does not name, such as c.jpg",
    ]
