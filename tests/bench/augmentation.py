"""How many images a second: one composed transform against Keras' four layers and against ImageDataGenerator.

python -m tests.bench.augmentation                  128x128, grey and RGB; prints a Markdown table
python -m tests.bench.augmentation --rounds 15      more rounds, on a busy computer

All three flip, rotate by 30 degrees, shift by 0.2, zoom by 0.2 and make batches of 32 from the same uint8 images in
memory. They take turns, round by round, so that a busy moment meets all of them; a ratio is the median over the rounds.
The processor time of an image depends less on what else the computer does; ImageDataGenerator uses one core at a time.
"""

import argparse
import os
import time
from collections.abc import Callable

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

BATCH = 32
OURS, LAYERS, GENERATOR = "helpers.augment.Affine", "four Keras layers in tf.data", "ImageDataGenerator"


def pipelines(images: np.ndarray) -> dict[str, Callable[[], int]]:
    """Name -> function that augments all images (n, h, w, c) once and returns how many batches that were."""
    import keras
    import tensorflow as tf
    from tensorflow.keras.preprocessing.image import ImageDataGenerator

    from helpers.augment import Affine

    labels = np.zeros(len(images), np.int32)
    affine = Affine(rotation=30, shift=0.2, zoom=0.2, horizontal_flip=True, vertical_flip=True)
    ours = affine.batches(images, labels, BATCH)
    options = {"fill_mode": "nearest"}
    layers = keras.Sequential(
        [
            keras.layers.RandomFlip(),
            keras.layers.RandomRotation(30 / 360, **options),
            keras.layers.RandomTranslation(0.2, 0.2, **options),
            keras.layers.RandomZoom(0.2, **options),
        ]
    )
    theirs = tf.data.Dataset.from_tensor_slices((images, labels)).shuffle(len(images), seed=7).batch(BATCH)
    theirs = theirs.map(lambda x, y: (layers(x, training=True), y), tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)
    turned = ImageDataGenerator(
        rotation_range=30,
        width_shift_range=0.2,
        height_shift_range=0.2,
        zoom_range=0.2,
        horizontal_flip=True,
        vertical_flip=True,
    )
    old = turned.flow(images, labels, batch_size=BATCH, seed=7)
    return {
        OURS: lambda: sum(1 for _ in ours),
        LAYERS: lambda: sum(1 for _ in theirs),
        GENERATOR: lambda: sum(1 for _ in (old[i] for i in range(len(old)))),
    }


def throughput(
    images: np.ndarray, rounds: int = 9, names: tuple[str, ...] = (OURS, LAYERS, GENERATOR)
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Name -> (rounds,) images a second, and name -> (rounds,) processor ms an image; the pipelines take turns."""
    chosen = {name: run for name, run in pipelines(images).items() if name in names}
    for run in chosen.values():
        run()  # the first pass also traces the graph
    speeds, costs = ({name: np.zeros(rounds) for name in chosen} for _ in range(2))
    for turn in range(rounds):
        for name, run in list(chosen.items())[:: 1 if turn % 2 else -1]:
            start, used = time.perf_counter(), time.process_time()
            run()
            speeds[name][turn] = len(images) / (time.perf_counter() - start)
            costs[name][turn] = 1000 * (time.process_time() - used) / len(images)
    return speeds, costs


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.augmentation", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--images", type=int, default=2048, help="a round; about as many as an epoch")
    parser.add_argument("--side", type=int, default=128)
    args = parser.parse_args()
    rng = np.random.default_rng(7)
    print(f"{os.cpu_count()} cores, {args.images} images a round, {args.rounds} rounds, medians\n")
    print("| images | pipeline | images/s | ours: times as fast | range over the rounds | processor ms an image |")
    print("|---|---|---|---|---|---|")
    for channels in (1, 3):
        images = rng.integers(0, 256, (args.images, args.side, args.side, channels), dtype=np.uint8)
        speeds, costs = throughput(images, args.rounds)
        for name, speed in speeds.items():
            ratio = speeds[OURS] / speed
            shown = f"{np.median(ratio):.2f} | {ratio.min():.2f} to {ratio.max():.2f}" if name != OURS else "|"
            shown = f"{np.median(speed):,.0f} | {shown} | {np.median(costs[name]):.2f}"
            print(f"| {args.side}x{args.side}x{channels} | {name} | {shown} |", flush=True)


if __name__ == "__main__":
    main()
