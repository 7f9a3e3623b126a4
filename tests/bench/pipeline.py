"""How fast images come out of a folder, and what memory that takes: several ways to feed the same network.

    python -m tests.bench.pipeline                          1,000 to 40,000 images; prints a Markdown table
    python -m tests.bench.pipeline --counts 1000 4000       a quick look

227x227 color JPEG files come out as batches of 32 at 128x128. The first pass reads every file, the third one shows
what an epoch costs from then on. Every row is a process of its own, so that memory can be told apart. Ours reads a
prepared folder; what the preparation costs, once, is measured by tests.bench.growth.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from data_prework.image_files import read_image
from data_prework.manifest import SPLITS
from tests.bench.images import write_images
from tests.bench.watched import watched

COUNTS = (1_000, 4_000, 10_000, 40_000)
SIDE, BATCH = 128, 32


def generator(folder: Path) -> Callable[[], int]:
    """ImageDataGenerator.flow_from_directory, as in the five projects."""
    from tensorflow.keras.preprocessing.image import ImageDataGenerator

    flow = ImageDataGenerator().flow_from_directory(folder / "raw", (SIDE, SIDE), class_mode="binary", batch_size=BATCH)
    return lambda: sum(len(flow[i][1]) for i in range(len(flow)))


def from_directory(folder: Path) -> Callable[[], int]:
    """keras.utils.image_dataset_from_directory, read again in every epoch."""
    import keras
    import tensorflow as tf

    files = keras.utils.image_dataset_from_directory(
        folder / "raw", image_size=(SIDE, SIDE), batch_size=BATCH, verbose=False
    ).prefetch(tf.data.AUTOTUNE)
    return lambda: sum(len(labels) for _, labels in files)


def antialiased(folder: Path) -> Callable[[], int]:
    """TensorFlow's own reading and resizing with antialiasing, several files at once."""
    import tensorflow as tf

    def read(path):
        image = tf.io.decode_jpeg(tf.io.read_file(path), channels=3)
        return tf.image.resize(image, (SIDE, SIDE), antialias=True), tf.strings.split(path, os.sep)[-2] == "b"

    paths = tf.data.Dataset.from_tensor_slices(sorted(map(str, (folder / "raw").rglob("*.jpg"))))
    files = paths.map(read, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH).prefetch(tf.data.AUTOTUNE)
    return lambda: sum(len(labels) for _, labels in files)


def cached(folder: Path) -> Callable[[], int]:
    """The same with .cache(): the pixels stay in memory as float32."""
    import keras
    import tensorflow as tf

    files = keras.utils.image_dataset_from_directory(
        folder / "raw", image_size=(SIDE, SIDE), batch_size=BATCH, verbose=False
    )
    files = files.cache().prefetch(tf.data.AUTOTUNE)
    return lambda: sum(len(labels) for _, labels in files)


def ours(folder: Path) -> Callable[[], int]:
    """helpers.data.load_dataset: resized once into a file of uint8, then batches from memory."""
    from helpers.data import load_dataset

    parts = []

    def one_pass() -> int:
        if not parts:
            data = load_dataset("images", SIDE, "rgb", batch_size=BATCH)
            parts.extend(data[split].batches for split in SPLITS)
        return sum(len(labels) for part in parts for _, labels in part)

    return one_pass


WAYS = {
    "ImageDataGenerator": generator,
    "image_dataset_from_directory": from_directory,
    "image_dataset_from_directory, cache()": cached,
    "tf.image.resize, antialias=True": antialiased,
    "helpers.data.load_dataset": ours,
}


def measure(way: str, folder: Path) -> dict[str, float]:
    """Images a second in the first and in the third pass."""
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")
    speeds, begin = [], time.perf_counter()
    one_pass = WAYS[way](folder)
    for _ in range(3):
        count = one_pass()
        speeds.append(count / (time.perf_counter() - begin))
        begin = time.perf_counter()
    return {"first": speeds[0], "later": speeds[2], "count": count}


def pixel_difference(folder: Path, count: int = 256) -> float:
    """What shrinking without antialiasing costs: mean absolute difference in gray levels, on `count` files.

    image_dataset_from_directory interpolates between neighboring pixels and so leaves out most of a larger image;
    load_dataset takes the mean of the pixels that fall on one.
    """
    import keras

    files = keras.utils.image_dataset_from_directory(
        folder, image_size=(SIDE, SIDE), batch_size=None, shuffle=False, verbose=False
    )
    apart = [
        np.abs(theirs.numpy() - read_image(path, (SIDE, SIDE))).mean()
        for (theirs, _), path in zip(files.take(count), files.file_paths, strict=False)
    ]
    return float(np.mean(apart))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.pipeline", description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    parser.add_argument("--one", nargs=2, metavar=("WAY", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print("RESULT", json.dumps(measure(args.one[0], Path(args.one[1]))))
        return
    print(f"{os.cpu_count()} cores, JPEG files of 227x227, batches of {BATCH} at {SIDE}x{SIDE}x3\n")
    print("| images | way | images/s, first pass | images/s, later | peak MB |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as place:
        for count in sorted(args.counts):
            folder = Path(place)
            write_images(folder / "raw", count)
            environment = {**os.environ, "COURSE_DATA": str(folder)}
            watched(["-m", "data_prework", "prepare", "images", "--from", str(folder / "raw")], environment)
            for way in WAYS:
                run = watched(["-m", "tests.bench.pipeline", "--one", way, place], environment)
                found = json.loads(run.output.rpartition("RESULT")[2])
                if found["count"] != count:
                    raise RuntimeError(f"{way} gave {found['count']} of {count} images")
                print(
                    f"| {count:,} | {way} | {found['first']:,.0f} | {found['later']:,.0f} | {run.peak_mb:,.0f} |",
                    flush=True,
                )
        apart = pixel_difference(Path(place, "raw"))
        print(
            f"\nWithout antialiasing the pixels of image_dataset_from_directory are {apart:.2f} gray levels (of 255) "
            "off those of load_dataset, on average."
        )


if __name__ == "__main__":
    main()
