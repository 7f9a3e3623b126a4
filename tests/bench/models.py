"""The 27 models of the five projects and three of the course, on the same images in the same run: seconds and scores.

    python -m tests.bench.models                                     all three data sets
    python -m tests.bench.models chest_xray --limit 500 --seconds 20   a quick look

Real images are taken where they are prepared, else the drawn ones. Every model gets the same training images at 64x64,
the same validation images, up to 15 epochs with the best one kept, and at most 60 seconds of training: what a model
reaches in its time on this computer, not the best that it could reach. Optimizer and augmentation are the project's, as
far as the default build does not adjust them; classes are not weighted, and batches are of 32. S1-M4 pads its
convolutions here: without padding its five poolings want 94 pixels or more. Models on a pretrained network stand on the
one they name if its ImageNet weights are to be had and it takes images of this size, else on the course's backbone, and
the table says so; they learn from features of the unchanged images, which are stored once (not within the limit of
time). The test split is read once, at threshold 0.5.
"""

import argparse
import os
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

SIDE, EPOCHS, PATIENCE = 64, 15, 4
DATASETS = ("concrete_cracks", "chest_xray", "monuments")
SEED = 7
AT_THIS_SIDE = {"S1-M4": {"padding": "same"}}


def fit(model, batches, validation, seconds: float) -> None:
    """Train until the epochs, the patience or the time are used up; the best epoch by validation loss stays."""
    import keras

    begin = time.perf_counter()

    class Clock(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if time.perf_counter() - begin > seconds:
                self.model.stop_training = True

    keep = keras.callbacks.EarlyStopping("val_loss", patience=PATIENCE, restore_best_weights=True)
    model.fit(batches, validation_data=validation, epochs=EPOCHS, callbacks=[Clock(), keep], verbose=0)


def build(row):
    """A project's network on a backbone, on the course's own where the one it names needs larger images."""
    from helpers.models.backbones import COURSE, SMALLEST_SIDE

    too_small = {"weights": COURSE} if SMALLEST_SIDE.get(row.options["name"], 32) > SIDE else {}
    return row.build(SIDE, fallback=COURSE, report=lambda words: None, **too_small)


def reference(key: str, data: dict, seconds: float):
    """A project's model, trained: (model, what it stands on)."""
    import keras

    from helpers.models.reference_layers import split_at_backbone
    from helpers.models.reference_models import REFERENCE_MODELS

    row = REFERENCE_MODELS[key]
    images = data[row.channels]
    train, val = images.train, images.val
    if not row.pretrained:
        model = row.build(SIDE, **AT_THIS_SIDE.get(key, {}))
        changes = row.augmentation
        batches = changes.batches(train.images, train.labels) if changes else train.batches
        fit(model, batches, val.batches, seconds)
        return model, ""
    begin = time.perf_counter()
    model = build(row)
    base = next(part.name for part in model.layers if isinstance(part, keras.Model))
    try:
        features, head = split_at_backbone(model)
    except ValueError:  # a convolution in front learns too
        fit(model, train.batches, val.batches, seconds)
        return model, base
    head.compile(row.make_optimizer(), row.loss)
    stored = {part: features.predict(images[part].images, verbose=0) for part in ("train", "val")}
    left = max(5.0, seconds - (time.perf_counter() - begin))
    import tensorflow as tf

    pairs = {part: tf.data.Dataset.from_tensor_slices((x, images[part].labels)) for part, x in stored.items()}
    fit(head, pairs["train"].shuffle(len(train), seed=SEED).batch(32), pairs["val"].batch(64), left)
    return model, base


def small_cnn(data: dict, colour: int, changes, seconds: float):
    """The course's small network on slightly changed images."""
    import keras

    from tests.bench import difficulty

    images = data[colour]
    model = difficulty.small_cnn((SIDE, SIDE, colour))
    steps = EPOCHS * -(-len(images.train) // 32)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(2e-3, steps)), "binary_crossentropy")
    batches = changes.batches(images.train.images, images.train.labels)
    fit(model, batches, images.val.batches, seconds)
    return model, ""


def on_course_backbone(data: dict, colour: int, tuned: bool, changes, seconds: float):
    """A head on the course's backbone, and with `tuned` all of it trained on afterwards."""
    import keras
    from keras import layers

    from helpers.models.backbones import load_backbone, unfreeze

    images = data[colour]
    backbone = load_backbone("course", image_shape=(SIDE, SIDE, colour), report=lambda words: None)
    average = layers.GlobalAveragePooling2D()(backbone.output)
    model = keras.Model(backbone.input, layers.Dense(1, activation="sigmoid")(average))
    begin = time.perf_counter()
    to_features = keras.Model(backbone.input, average)
    stored = {part: to_features.predict(images[part].images, verbose=0) for part in ("train", "val")}
    head = keras.Sequential([keras.Input(stored["train"].shape[1:]), model.layers[-1]])
    head.compile(keras.optimizers.Adam(3e-3), "binary_crossentropy")
    stop = keras.callbacks.EarlyStopping("val_loss", patience=8, restore_best_weights=True)
    valid = stored["val"], images.val.labels
    head.fit(stored["train"], images.train.labels, validation_data=valid, epochs=60, callbacks=[stop], verbose=0)
    if tuned:
        unfreeze(backbone)
        left = seconds - (time.perf_counter() - begin)
        model.compile(keras.optimizers.Adam(5e-4), "binary_crossentropy")
        fit(model, changes.batches(images.train.images, images.train.labels), images.val.batches, left)
    return model, ""


def course(name: str, data: dict, seconds: float) -> dict:
    """Name -> function that trains a model of the course."""
    from helpers.augment import Affine

    colour = 3 if name == "monuments" else 1
    if name == "concrete_cracks":
        changes = Affine(horizontal_flip=True, vertical_flip=True)
    else:
        changes = Affine(rotation=10, shift=0.08, zoom=0.1, horizontal_flip=True)
    return {
        "course: small CNN": lambda: small_cnn(data, colour, changes, seconds),
        "course: backbone, new head": lambda: on_course_backbone(data, colour, False, changes, seconds),
        "course: backbone, fine-tuned": lambda: on_course_backbone(data, colour, True, changes, seconds),
    }


def rate(name: str, limit: int, seconds: float) -> None:
    """Print the table of one data set, row by row."""
    import keras

    from helpers.data import load_dataset
    from helpers.metrics import evaluate
    from helpers.models.reference_models import REFERENCE_MODELS

    modes = {1: "grayscale", 3: "rgb"}
    data = {count: load_dataset(name, SIDE, mode, max_images=limit) for count, mode in modes.items()}
    test = data[1].test
    keys = [key for key, row in REFERENCE_MODELS.items() if row.dataset == name]
    trainings = {key: lambda key=key: reference(key, data, seconds) for key in keys} | course(name, data, seconds)
    print(f"\n**{name}** ({data[1].source}): {len(data[1].train):,} training and {len(test):,} test images\n")
    print("| model | stands on | parameters | seconds | accuracy | recall | specificity | ROC AUC |")
    print("|---|---|---|---|---|---|---|---|")
    for model_name, train in trainings.items():
        keras.utils.set_random_seed(SEED)
        begin = time.perf_counter()
        model, base = train()
        spent = time.perf_counter() - begin
        images = data[model.input_shape[-1]].test.images
        prob = model.predict(images, verbose=0)[:, 0]
        if not np.isfinite(prob).all():
            print(f"| {model_name} | {base} | {model.count_params():,} | {spent:.0f} | diverged | | | |", flush=True)
            continue
        scores = evaluate(test.labels, prob, groups=test.groups)
        shown = " | ".join(scores.text(metric) for metric in ("accuracy", "recall", "specificity", "roc_auc"))
        print(f"| {model_name} | {base} | {model.count_params():,} | {spent:.0f} | {shown} |", flush=True)
        keras.utils.clear_session()


def main() -> None:
    """Print one table a data set."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.models", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=DATASETS, metavar="NAME")
    parser.add_argument("--limit", type=int, default=4000, help="images of a data set, all splits together")
    parser.add_argument("--seconds", type=float, default=60, help="of training for each model")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", message="`shuffle=True` was passed, but will be ignored")
    print(f"{os.cpu_count()} cores, at most {args.seconds:.0f} s of training a model, {SIDE}x{SIDE} pixels")
    for name in args.names:
        rate(name, args.limit, args.seconds)


if __name__ == "__main__":
    main()
