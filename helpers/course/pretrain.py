"""Pretrains the course's own backbone on images drawn by formula: no photograph, no download. Anyone can repeat it.

    python -m helpers.course pretrain                   draws 120 x 500 images, trains, writes weights and a report
    python -m helpers.course pretrain --count 40 --epochs 2 --to /somewhere    a small trial

What it is and what it is worth: data_prework/cards/course_backbone.md.
"""

import argparse
import json
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from data_prework.files import atomic_write
from data_prework.synthetic.shapes.categories import CATEGORIES, SIDE, draw_source
from helpers.models.course_backbone import WEIGHTS, course_network

COUNT, EPOCHS, SEED = 500, 7, 7
HELD_OUT = 0.04  # share of the images that no training sees
CROP, BATCH, RATE = 64, 64, 2e-3


def batches(images: np.ndarray, labels: np.ndarray, seed: int, batch: int = BATCH):
    """Make batches: each cropped to 64 x 64 at one place, half of them mirrored.

    Args:
        images: uint8, (n, 72, 72, 3).
        labels: int, (n,), positions in CATEGORIES.
        seed: The same one gives the same batches.
        batch: Images in a batch.

    Returns:
        A shuffled keras.utils.PyDataset of float32 (batch, 64, 64, 3), 0-255, and one-hot labels.
    """
    import keras

    class Batches(keras.utils.PyDataset):
        def __init__(self):
            super().__init__()
            self.epoch = 0
            self.on_epoch_end()

        def __len__(self):
            return len(images) // batch

        def on_epoch_end(self):
            self.order = np.random.default_rng([seed, self.epoch]).permutation(len(images))
            self.epoch += 1

        def __getitem__(self, i):
            rows = np.sort(self.order[i * batch : (i + 1) * batch])
            rng = np.random.default_rng([seed, self.epoch, i])
            y, x = rng.integers(0, SIDE - CROP + 1, 2)
            part = images[rows, y : y + CROP, x : x + CROP]
            part = part[:, :, ::-1] if rng.random() < 0.5 else part
            return part.astype(np.float32), np.eye(len(CATEGORIES), dtype=np.float32)[labels[rows]]

    return Batches()


def pretrain(images: np.ndarray, labels: np.ndarray, epochs: int = EPOCHS, seed: int = SEED, verbose: int = 2):
    """Train the backbone with one dense layer on top to tell the categories apart.

    Args:
        images: uint8, (n, 72, 72, 3).
        labels: int, (n,), positions in CATEGORIES.
        epochs: Times that all images are seen.
        seed: Of weights, batches and dropout.
        verbose: As in Keras.

    Returns:
        The backbone (keras.Model, without the dense layer) and a dictionary of what was measured.
    """
    import keras

    keras.utils.set_random_seed(seed)
    held = int(HELD_OUT * len(images))
    edge = (SIDE - CROP) // 2
    middle = images[:held, edge : edge + CROP, edge : edge + CROP]
    backbone = course_network()
    x = keras.layers.GlobalAveragePooling2D()(backbone.output)
    x = keras.layers.Dropout(0.1)(x)
    model = keras.Model(backbone.input, keras.layers.Dense(len(CATEGORIES), activation="softmax")(x))
    steps = epochs * ((len(images) - held) // BATCH)
    rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=RATE, warmup_steps=steps // 20)
    model.compile(
        keras.optimizers.AdamW(rate, weight_decay=0.01),
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
        metrics=["accuracy"],
    )
    begin = time.perf_counter()
    history = model.fit(
        batches(images[held:], labels[held:], seed),
        validation_data=(middle, np.eye(len(CATEGORIES))[labels[:held]]),
        epochs=epochs,
        verbose=verbose,
    ).history
    report = {
        "categories": len(CATEGORIES),
        "images": len(images) - held,
        "held_out_images": held,
        "held_out_accuracy": round(float(history["val_accuracy"][-1]), 4),
        "epochs": epochs,
        "seed": seed,
        "parameters": backbone.count_params(),
        "seconds": round(time.perf_counter() - begin),
        "keras": keras.__version__,
    }
    return backbone, report


def main(argv: list[str] | None = None) -> None:
    """Draw, train, and write weights and report; the old files stay until the new ones are complete.

    Args:
        argv: Words after the command; those of the program if None.
    """
    parser = argparse.ArgumentParser(prog="python -m helpers.course pretrain", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=COUNT, help=f"images a category (default {COUNT})")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"default {EPOCHS}")
    parser.add_argument("--seed", type=int, default=SEED, help=f"default {SEED}")
    parser.add_argument("--to", type=Path, default=WEIGHTS.parent, help="folder for the weights and the report")
    args = parser.parse_args(argv)
    if args.count < 1 or args.epochs < 1:
        parser.error("--count and --epochs must be 1 or more")
    begin = time.perf_counter()
    images, labels = draw_source(args.count, args.seed)
    drawn = time.perf_counter() - begin
    print(f"{len(images):,} images of {len(CATEGORIES)} categories drawn in {drawn:.0f} s", flush=True)
    backbone, report = pretrain(images, labels, args.epochs, args.seed)
    report["seconds_to_draw"] = round(drawn)
    args.to.mkdir(parents=True, exist_ok=True)
    with atomic_write(args.to / WEIGHTS.name) as aside:
        backbone.save_weights(aside)
    (args.to / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))
