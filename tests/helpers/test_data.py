"""Loading a prepared data set: shapes, order, shuffling, the copy beside the manifest, clear refusals."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import helpers.data
from data_prework.image_files import read_image
from data_prework.manifest import ManifestError, files_folder, read_manifest
from data_prework.take_groups import SplitError
from helpers.data import NotPreparedError, load_dataset, load_manifest


def squares(**options):
    return load_dataset("squares", **({"image_size": 16, "color_mode": "grayscale"} | options))


def test_the_splits_hold_uint8_images_with_labels_groups_and_rows():
    data = squares()
    assert (len(data.train) + len(data.val) + len(data.test)) == 96
    for split in (data.train, data.val, data.test):
        assert split.images.shape == (len(split), 16, 16, 1) and split.images.dtype == np.uint8
        assert set(split.labels) == {0, 1} and len(split.groups) == len(split.frame) == len(split)
    assert data.class_names == ["bright", "dark"] and data.source == "real"
    assert data["val"] is data.val


def test_labels_follow_the_images():
    data = squares()
    bright = data.train.images.mean(axis=(1, 2, 3)) > 115
    assert (data.train.labels == np.where(bright, 0, 1)).all()


def test_colour_images_have_three_channels_and_any_size():
    assert squares(color_mode="rgb", image_size=(20, 12)).test.images.shape[1:] == (20, 12, 3)


def test_images_are_resized_with_antialiasing(home):
    data = squares(image_size=8)
    with Image.open(data.folder / data.test.frame["path"].iloc[0]) as image:
        grey = np.asarray(image.convert("L"), dtype=float)
    blocks = grey.reshape(8, 5, 50).mean(1)[:, :48].reshape(8, 8, 6).mean(2)  # about the mean of each small field
    assert np.abs(data.test.images[0, ..., 0] - blocks).mean() < 6
    assert data.test.images[0].std() < grey.std() / 2  # noise averages out; picking single pixels would keep it


@pytest.mark.parametrize("color_mode", ["grayscale", "rgb"])
def test_a_file_of_the_data_set_is_read_with_exactly_its_pixels_in_training(color_mode):
    data = squares(image_size=(24, 36), color_mode=color_mode)
    for image, path in zip(data.test.images, data.test.frame["path"], strict=True):
        np.testing.assert_array_equal(read_image(data.folder / path, (24, 36), color_mode), image)


def test_evaluation_order_is_fixed_and_training_order_changes_by_seed():
    data = squares()
    labels = np.concatenate([y.numpy() for _, y in data.test.batches])
    assert (labels == data.test.labels).all()
    first, second = ([x.numpy().sum((1, 2, 3)).tolist() for x, _ in data.train.batches] for _ in range(2))
    assert first != second  # shuffled anew in every epoch
    again = [x.numpy().sum((1, 2, 3)).tolist() for x, _ in squares().train.batches]
    assert first == again  # but the same for the same seed
    assert first != [x.numpy().sum((1, 2, 3)).tolist() for x, _ in squares(seed=8).train.batches]


def test_pooled_holds_every_image_of_the_three_splits_with_its_label_group_and_row():
    data = squares()
    whole, start = data.pooled, 0
    for split in (data.train, data.val, data.test):
        part = slice(start, start := start + len(split))
        np.testing.assert_array_equal(whole.images[part], split.images)
        assert (whole.labels[part] == split.labels).all() and (whole.groups[part] == split.groups).all()
        assert whole.frame["path"].iloc[part].tolist() == split.frame["path"].tolist()
    assert len(whole) == start == 96 and whole.class_names == data.train.class_names


def test_batches_have_the_wanted_size():
    assert [len(y) for _, y in squares(batch_size=10).test.batches] == [10, 8]


def test_class_weights_balance_the_training_split():
    data = squares()
    counts = np.bincount(data.train.labels)
    weights = data.class_weights
    assert weights[0] * counts[0] == pytest.approx(weights[1] * counts[1]) == pytest.approx(len(data.train) / 2)


def test_a_limit_keeps_every_class_in_every_split_and_the_same_images_by_seed():
    small, again = squares(max_images=30), squares(max_images=30)
    assert 24 <= len(small.train) + len(small.val) + len(small.test) <= 36
    assert all(set(split.labels) == {0, 1} for split in (small.train, small.val, small.test))
    assert small.train.frame["path"].tolist() == again.train.frame["path"].tolist()


def test_the_batches_and_splits_know_the_names_of_the_classes():
    data = squares()
    assert data.test.class_names == ("bright", "dark") and data.train.batches.class_names == ["bright", "dark"]


def test_of_many_classes_a_limit_keeps_one_image_each_or_says_how_many_that_takes():
    frame = pd.DataFrame({"split": ["train", "val", "test"] * 400, "label": np.repeat(np.arange(40), 30).astype(str)})
    for limit, least in ((130, 1), (300, 2), (600, 5)):
        kept = frame.iloc[helpers.data._chosen(frame, limit, seed=7)]
        counts = kept.groupby(["split", "label"]).size()
        assert len(counts) == 120 and counts.min() == least
        assert len(kept) <= 1.1 * limit
    with pytest.raises(ValueError, match=r"max_images is 100; .* 40 classes in every split makes 120"):
        helpers.data._chosen(frame, 100, seed=7)


def test_the_names_of_many_classes_are_not_all_printed():
    data = squares()
    many = dataclasses.replace(data, class_names=[f"class {i}" for i in range(200)])
    assert "200 classes: class 0, class 1" in repr(many) and len(repr(many)) < 200
    assert repr(data).endswith("['bright', 'dark']")


def test_the_resized_copy_is_made_once_and_remade_when_damaged(home):
    data = squares(image_size=9)
    expected = all_images(data)
    frame = read_manifest(data.folder)
    copy = files_folder(data.folder, frame) / "arrays" / "9x9-grayscale.npy"
    made = copy.stat().st_mtime_ns
    squares(image_size=9)
    assert copy.stat().st_mtime_ns == made
    copy.write_bytes(copy.read_bytes()[:500])
    assert (all_images(squares(image_size=9)) == expected).all()
    assert [p.name for p in copy.parent.glob(".*")] == []


@pytest.mark.parametrize("color_mode", ["grayscale", "rgb"])
def test_the_pixels_are_those_of_each_file_resized_by_itself(color_mode):
    data = squares(image_size=(10, 14), color_mode=color_mode)
    for split in (data.train, data.val, data.test):
        for image, path in zip(split.images, split.frame["path"], strict=True):
            with Image.open(data.folder / path) as file:
                small = file.convert("L" if color_mode == "grayscale" else "RGB").resize((14, 10), Image.Resampling.BOX)
            np.testing.assert_array_equal(image.squeeze(), np.asarray(small))


def test_images_may_be_changed_without_changing_what_is_loaded_next():
    for _ in range(2):  # once from the files or their copy, once from the copy
        data = squares()
        before = data.train.images.copy()
        data.train.images[0] = 255 - data.train.images[0]
        assert (squares().train.images == before).all() and (data.train.images[0] != before[0]).any()


@pytest.fixture
def own_squares(home, tmp_path, monkeypatch):
    """A copy of the prepared data set that a test may change; no resized copy is in it yet."""
    shutil.copytree(home / "squares", tmp_path / "squares", ignore=shutil.ignore_patterns("arrays"))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    return tmp_path / "squares"


def remove_images(folder, keep=()):
    for path in set(read_manifest(folder)["path"]) - set(keep):
        (folder / path).unlink(missing_ok=True)


def files_of(data):
    return [path for split in (data.train, data.val, data.test) for path in split.frame["path"]]


def all_images(data):
    return np.concatenate([data.train.images, data.val.images, data.test.images])


@pytest.mark.parametrize("kept_from", [1000, 10], ids=["without a copy", "with a copy"])
def test_of_a_part_only_its_files_are_read(own_squares, monkeypatch, kept_from):
    monkeypatch.setattr(helpers.data, "KEPT_FROM", kept_from)
    expected = squares(max_images=30)
    shutil.rmtree(files_folder(own_squares, read_manifest(own_squares)) / "arrays", ignore_errors=True)
    remove_images(own_squares, keep=files_of(expected))
    assert (all_images(squares(max_images=30)) == all_images(expected)).all()
    with pytest.raises(ManifestError, match="Prepare it again"):
        squares()
    remove_images(own_squares, keep=())
    if kept_from == 10:
        assert (all_images(squares(max_images=30)) == all_images(expected)).all()
    else:
        with pytest.raises(ManifestError, match="prepare squares"):
            squares(max_images=30)


def test_a_part_is_taken_from_the_copy_of_the_whole_where_there_is_one(own_squares):
    expected = squares(max_images=30)
    squares()
    remove_images(own_squares)
    assert (all_images(squares(max_images=30)) == all_images(expected)).all()


def test_where_no_copy_can_be_written_it_goes_without(own_squares):
    expected = all_images(squares())
    arrays = files_folder(own_squares, read_manifest(own_squares)) / "arrays"
    shutil.rmtree(arrays)
    arrays.write_text("in the way", encoding="utf-8")
    assert (all_images(squares()) == expected).all()


def test_what_is_not_prepared_names_the_command():
    with pytest.raises(NotPreparedError, match=r"python -m data_prework prepare leaves .*--from FOLDER"):
        load_dataset("leaves")
    with pytest.raises(NotPreparedError, match="prepare squares"):
        load_manifest("squares", source="embedded")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"image_size": 4}, "image_size is 4"),
        ({"image_size": (64, 64, 3)}, "image_size"),
        ({"image_size": 64.5}, "image_size"),
        ({"color_mode": "grey"}, "grayscale or rgb"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"max_images": 5}, "max_images is 5"),
    ],
)
def test_arguments_out_of_range_are_refused_by_name(options, words):
    with pytest.raises(ValueError, match=words):
        squares(**options)


def test_a_missing_image_and_a_cut_manifest_are_named(home, tmp_path, monkeypatch):
    shutil.copytree(home / "squares", tmp_path / "squares")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    frame = read_manifest(tmp_path / "squares")
    (tmp_path / "squares" / frame["path"].iloc[3]).unlink()
    with pytest.raises(ManifestError, match="Prepare it again"):
        squares(image_size=11)
    manifest = tmp_path / "squares" / "manifest.csv"
    manifest.write_text("path,label\nx,y\n", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"manifest.csv: the columns split"):
        squares()


def test_a_small_network_learns_the_squares():
    """The whole way once: manifest, batches, training on train, choosing by val, judging on test."""
    import keras

    from helpers.metrics import evaluate

    data = squares()
    keras.utils.set_random_seed(1)
    net = keras.Sequential(
        [
            keras.Input((16, 16, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Flatten(),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    net.compile(keras.optimizers.Adam(0.05), "binary_crossentropy")
    net.fit(data.train.batches, validation_data=data.val.batches, epochs=60, verbose=0)
    scores = evaluate(data.test.labels, net.predict(data.test.images, verbose=0), groups=data.test.groups)
    assert scores.accuracy == 1.0


def test_the_lesson_test_is_whole_groups_of_the_training_part_and_the_sealed_test_stays_out():
    whole, lesson = squares(), squares(test="lesson")
    assert (whole.test_kind, lesson.test_kind) == ("sealed", "lesson") and ", lesson test " in repr(lesson)
    paths = {split: set(lesson[split].frame["path"]) for split in ("train", "val", "test")}
    assert paths["train"] | paths["test"] == set(whole.train.frame["path"])
    assert paths["val"] == set(whole.val.frame["path"]) and not paths["test"] & set(whole.test.frame["path"])
    assert not set(lesson.train.groups) & set(lesson.test.groups)
    assert abs(len(lesson.test) / len(whole.train) - 0.2) < 0.1 and len(set(lesson.test.labels)) == 2
    assert set(squares(test="lesson").test.frame["path"]) == paths["test"]
    some = squares(test="lesson", max_images=30)
    assert set(some.test.frame["path"]) <= paths["test"] and len(some.test) < len(lesson.test)
    of_path = dict(zip(whole.train.frame["path"], whole.train.images, strict=True))
    for part in (lesson.train, lesson.test):
        assert all((of_path[path] == image).all() for path, image in zip(part.frame["path"], part.images, strict=True))


def test_folds_over_all_groups_leave_the_sealed_test_out_too():
    whole, lesson = squares(), squares(test="lesson")
    assert len(lesson.pooled) == len(whole.train) + len(whole.val)


def test_too_few_groups_for_a_lesson_test_are_told_and_the_test_split_is_taken(monkeypatch, capsys):
    def none_to_spare(rows):
        raise SplitError("class 'dark' has 1 group(s) to choose from and needs 2")

    monkeypatch.setattr(helpers.data, "lesson_test", none_to_spare)
    data = squares(test="lesson")
    assert data.test_kind == "sealed" and len(data.test) == len(squares().test)
    assert capsys.readouterr().out.startswith("Note: squares has too few groups for a lesson test.")


def test_another_kind_of_test_is_refused():
    with pytest.raises(ValueError, match="test is 'open'; it must be sealed or lesson"):
        squares(test="open")
