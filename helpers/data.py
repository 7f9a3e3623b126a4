"""From a manifest to arrays and tf.data: every image is resized once and kept beside the manifest."""

import errno
import hashlib
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from data_prework.files import atomic_write
from data_prework.image_files import MODES, read_prepared
from data_prework.manifest import (
    SPLITS,
    ManifestError,
    default_source,
    files_folder,
    find_prepared,
    read_about,
    read_manifest,
    stand_in,
    two_largest,
)
from data_prework.split import lesson_test
from data_prework.take_groups import SplitError
from helpers.errors import CourseError

BLOCK = 64  # images a task: one task an image costs as much as the image
MANY_CLASSES = 20  # the names of more aren't printed
TESTS = ("sealed", "lesson")
KEPT_FROM = 1000  # a part of fewer images is read again: that takes less than a second


class NotPreparedError(CourseError, FileNotFoundError):
    """The data set is not there yet; the message names the command that prepares it."""


@dataclass(frozen=True)
class Split:
    """One split in memory, in the fixed order of the manifest.

    Attributes:
        images: (n, height, width, channels) uint8; channels is 1 for gray. They may be changed: no file is.
        labels: (n,) int, position in `Dataset.class_names`.
        groups: (n,) str, such as the patient: pass these to `evaluate` for its intervals.
        frame: (n rows) of the manifest; `folder / frame.path` is the file, `frame.mask` the mask if there is one.
        batch_size, seed: of `batches`; `seed` None keeps the order.
        class_names: by label; of two classes the second is the positive one.
    """

    images: np.ndarray
    labels: np.ndarray
    groups: np.ndarray
    frame: pd.DataFrame
    batch_size: int
    seed: int | None
    class_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def batches(self):
        """tf.data.Dataset of (images, labels), prefetched; the training split is shuffled anew each epoch, by seed.

        It has `class_names`, as that of `keras.utils.image_dataset_from_directory`.
        """
        import tensorflow as tf

        pairs = tf.data.Dataset.from_tensor_slices((self.images, self.labels))
        if self.seed is not None:
            pairs = pairs.shuffle(len(self), seed=self.seed, reshuffle_each_iteration=True)
        batches = pairs.batch(self.batch_size).prefetch(tf.data.AUTOTUNE)
        if self.class_names:
            batches.class_names = list(self.class_names)
        return batches


@dataclass(frozen=True)
class Dataset:
    """A prepared data set: train, val and test, the names of its classes, and where the images come from.

    Attributes:
        name: of the data set.
        folder: of its manifest.
        class_names: by label; of two classes the second is the positive one.
        source: "real" or "embedded".
        train, val, test: also as `data["train"]`, `data["val"]`, `data["test"]`.
        test_kind: "sealed" where `test` is the test split of the manifest; "lesson" where it is the lesson test, which
            was cut off from the training part and which lessons may look at as often as they like.
    """

    name: str
    folder: Path
    class_names: list[str]
    source: str
    train: Split
    val: Split
    test: Split
    test_kind: str = "sealed"

    def __getitem__(self, split: str) -> Split:
        if split not in SPLITS:
            raise KeyError(f"no split {split!r}; there are {', '.join(SPLITS)}")
        return getattr(self, split)

    @cached_property
    def pooled(self) -> Split:
        """All images as one split, train, val and test in this order: for folds over all groups, where no image is
        kept for a test. With the lesson test, that is all but the sealed test.
        """
        parts = [self[split] for split in SPLITS]
        return Split(
            images=np.concatenate([part.images for part in parts]),
            labels=np.concatenate([part.labels for part in parts]),
            groups=np.concatenate([part.groups for part in parts]),
            frame=pd.concat([part.frame for part in parts], ignore_index=True),
            batch_size=self.train.batch_size,
            seed=self.train.seed,
            class_names=self.train.class_names,
        )

    @property
    def class_weights(self) -> dict[int, float]:
        """Weight of each class for `fit(class_weight=...)`: images / (classes x images of the class), of train."""
        counts = np.bincount(self.train.labels, minlength=len(self.class_names))
        return {label: len(self.train) / (len(counts) * count) for label, count in enumerate(counts) if count}

    def __repr__(self) -> str:
        words = {split: split for split in SPLITS} | ({"test": "lesson test"} if self.test_kind == "lesson" else {})
        sizes = ", ".join(f"{words[split]} {len(self[split])}" for split in SPLITS)
        names = self.class_names
        classes = f"{len(names):,} classes: {', '.join(names[:5])}, ..." if len(names) > MANY_CLASSES else str(names)
        return f"{self.name} ({self.source}): {sizes}; images {self.train.images.shape[1:]}; {classes}"


def load_dataset(
    name: str,
    image_size: int | tuple[int, int] = 128,
    color_mode: str = "rgb",
    batch_size: int = 32,
    max_images: int | None = None,
    seed: int = 7,
    source: str | None = None,
    data_dir: Path | None = None,
    test: str = "sealed",
) -> Dataset:
    """Load a prepared data set.

    Args:
        name: as in `python -m data_prework prepare NAME`. Where the environment variable COURSE_DATASET names another
            one, it takes the place of the course's own; of more than two classes then the two with most images count.
        image_size: side in pixels, or (height, width), from 8 to 2048. Images are stretched to it, with antialiasing.
        color_mode: "grayscale" (one channel) or "rgb" (three).
        batch_size: of `Split.batches`, in images.
        max_images: keep about this many images, chosen by seed, with the shares of splits and classes kept; only
            their files are read. At least 12, and one for each class of each split; None: all.
        seed: of the shuffling and of `max_images`.
        source: "real" or "embedded", whatever the environment says; None: as COURSE_SOURCE says, else "real".
        data_dir: folder of all data; None: `data_prework.manifest.default_data_dir()`.
        test: "sealed": the test split of the manifest, for what is judged once, at the end. "lesson": the test split
            stays out, and a fifth of the training groups (`data_prework.split.lesson_test`) takes its place.

    Returns:
        The three splits: `data.train.images` is (n, height, width, channels) uint8, `data.train.batches` feeds `fit`.

    Raises:
        NotPreparedError: the data set is not there; the message names the command.
        ManifestError: it is damaged; the message names the file.
        ValueError: an argument is out of its range.
    """
    size = _size(image_size)
    if color_mode not in MODES:
        raise ValueError(f"color_mode is {color_mode!r}; it must be {' or '.join(MODES)}")
    if test not in TESTS:
        raise ValueError(f"test is {test!r}; it must be {' or '.join(TESTS)}")
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; it must be 1 or more")
    folder = locate(name, source, data_dir)
    frame, about = read_manifest(folder), read_about(folder)
    stands_in = source is None and stand_in(name) != name
    classes = two_largest(about) if stands_in else about.classes
    splits, kind = _with_lesson_test(frame, stand_in(name)) if test == "lesson" else (frame["split"], test)
    frame = frame.assign(split=splits)
    some = np.flatnonzero(frame["label"].isin(classes) & (splits != "sealed"))
    rows = some[_chosen(frame.iloc[some], max_images, seed)]
    if max_images is None and len(classes) == len(about.classes):  # all is read once, for lessons and case studies
        pixels = _pixels(folder, frame, np.arange(len(frame)), size, color_mode)
        pixels = pixels if len(rows) == len(frame) else pixels[rows]
    else:
        pixels = _pixels(folder, frame, rows, size, color_mode)
    frame = frame.iloc[rows]
    labels = frame["label"].map({label: i for i, label in enumerate(classes)}).to_numpy(np.int32)
    parts = {}
    for split in SPLITS:
        part = _neighbors(np.flatnonzero(frame["split"] == split))
        parts[split] = Split(
            images=pixels[part],
            labels=labels[part],
            groups=frame["group"].to_numpy(dtype=str)[part],
            frame=frame.iloc[part].reset_index(drop=True),
            batch_size=batch_size,
            seed=seed if split == "train" else None,
            class_names=tuple(about.classes),
        )
    return Dataset(stand_in(name) if stands_in else name, folder, classes, about.source, test_kind=kind, **parts)


def _with_lesson_test(frame: pd.DataFrame, name: str) -> tuple[pd.Series, str]:
    """The splits with the lesson test as "test" and the manifest's test as "sealed", and the kind of test they have."""
    try:
        chosen = lesson_test(frame)
    except SplitError:
        print(f"Note: {name} has too few groups for a lesson test. The lesson looks at its test split instead.")
        return frame["split"], "sealed"
    return frame["split"].replace("test", "sealed").mask(chosen, "test"), "lesson"


def locate(name: str, source: str | None = None, data_dir: Path | None = None) -> Path:
    """Folder of a prepared data set.

    Args:
        name, source, data_dir: as in `load_dataset`.

    Raises:
        NotPreparedError: it is not there; the message names the command that prepares it.
    """
    if source is None and stand_in(name) != name:
        name, source = stand_in(name), "real"
    folder = find_prepared(name, source or default_source(), data_dir)
    if folder is None:
        raise NotPreparedError(
            f"the data set {name!r} is not prepared yet. In a terminal, in the project's folder: "
            f"python -m data_prework prepare {name}   (your own images: add --from FOLDER)"
        )
    return folder


def load_manifest(name: str, source: str | None = None, data_dir: Path | None = None) -> pd.DataFrame:
    """The manifest of a prepared data set, one row an image.

    Args:
        name, source, data_dir: as in `load_dataset`.

    Raises:
        NotPreparedError: the data set is not there; the message names the command that prepares it.
        ManifestError: it is damaged; the message names the file.
    """
    folder = locate(name, source, data_dir)
    frame = read_manifest(folder)
    if source is None and stand_in(name) != name:
        frame = frame[frame["label"].isin(two_largest(read_about(folder)))].reset_index(drop=True)
    return frame


def _size(image_size: int | tuple[int, int]) -> tuple[int, int]:
    pair = tuple(image_size) if isinstance(image_size, tuple | list) else (image_size, image_size)
    if len(pair) != 2 or not all(isinstance(side, int) and 8 <= side <= 2048 for side in pair):
        raise ValueError(f"image_size is {image_size!r}; give pixels from 8 to 2048, one number or (height, width)")
    return pair


def _chosen(frame: pd.DataFrame, max_images: int | None, seed: int) -> np.ndarray:
    """Positions of the rows that are loaded, in their order."""
    if max_images is None or max_images >= len(frame):
        return np.arange(len(frame))
    if max_images < 12:
        raise ValueError(f"max_images is {max_images}; fewer than 12 images cannot fill three splits with every class")
    parts = frame.groupby(["split", "label"]).indices.values()
    if max_images < len(parts):
        classes = frame["label"].nunique()
        raise ValueError(
            f"max_images is {max_images}; one image for each of {classes} classes in every split makes {len(parts)}"
        )
    share = max_images / len(frame)
    least = 2 if max_images >= 2 * len(parts) else 1
    chosen = np.zeros(len(frame), dtype=bool)
    rng = np.random.default_rng(seed)
    for rows in parts:
        chosen[rng.permutation(rows)[: max(least, round(share * len(rows)))]] = True
    return np.flatnonzero(chosen)


def _neighbors(places: np.ndarray) -> slice | np.ndarray:
    """The same places as a slice, which copies nothing, where they are without a gap, as `prepare` sorts them."""
    whole = len(places) > 0 and places[-1] - places[0] + 1 == len(places)
    return slice(places[0], places[-1] + 1) if whole else places


def _pixels(folder: Path, frame: pd.DataFrame, rows: np.ndarray, size: tuple[int, int], color_mode: str) -> np.ndarray:
    """(rows, h, w, c) uint8: from the copy beside the manifest, or from the files, which are then copied there."""
    shape = (len(rows), *size, MODES[color_mode][1])
    name, copies = f"{size[0]}x{size[1]}-{color_mode}", files_folder(folder, frame) / "arrays"
    all_rows = len(rows) == len(frame)
    whole = _stored(copies / f"{name}.npy", (len(frame), *shape[1:]))
    if whole is not None:
        return whole if all_rows else whole[rows]
    if not all_rows:
        name += f"-{len(rows)}-{hashlib.sha256(rows.astype('<i8').tobytes()).hexdigest()[:12]}"
    stored = _stored(copies / f"{name}.npy", shape)
    if stored is not None:
        return stored
    paths = frame["path"].iloc[rows].to_list()
    if all_rows or len(rows) >= KEPT_FROM:
        try:
            return _copied(copies / f"{name}.npy", shape, folder, paths, color_mode)
        except OSError:
            pass  # only others may write there, or the disk is full: it goes without a copy
    array = np.empty(shape, np.uint8)
    _fill(array, folder, paths, color_mode)
    return array


def _stored(path: Path, shape: tuple[int, ...]) -> np.ndarray | None:
    """A copy, looked at through a memory map that leaves the file as it is; None where it is missing or damaged."""
    try:
        array = np.asarray(np.load(path, mmap_mode="c"))
    except (ValueError, OSError, EOFError):
        return None
    return array if array.shape == shape and array.dtype == np.uint8 else None


def _copied(path: Path, shape: tuple[int, ...], folder: Path, paths: list[str], color_mode: str) -> np.ndarray:
    """Resize the images into a file; the memory stays flat however many there are."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(path.parent).free < 1.1 * np.prod(shape):
        raise OSError(errno.ENOSPC, "No space left on device", str(path.parent))
    with atomic_write(path) as aside:
        array = np.lib.format.open_memmap(aside, mode="w+", dtype=np.uint8, shape=shape)
        _fill(array, folder, paths, color_mode)
        array.flush()
        del array  # closes the file, which some systems want before a rename
    return np.asarray(np.load(path, mmap_mode="c"))


def _fill(array: np.ndarray, folder: Path, paths: list[str], color_mode: str) -> None:
    """Resize every image into its row of `array`, on all processors."""

    def resize(start: int) -> int:
        block = paths[start : start + BLOCK]
        for row, path in enumerate(block, start):
            try:
                array[row] = read_prepared(folder / path, array.shape[1:3], color_mode)
            except OSError as error:
                again = f"Prepare it again: python -m data_prework prepare {folder.name}"
                raise ManifestError(f"{folder / path}: {error}. {again}") from None
        return len(block)

    look = {"desc": f"resizing {folder.name}", "unit": "image", "leave": False, "disable": None}
    with ThreadPoolExecutor(os.cpu_count()) as pool, tqdm(total=len(paths), **look) as bar:
        for count in pool.map(resize, range(0, len(paths), BLOCK)):
            bar.update(count)
