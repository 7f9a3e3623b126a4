"""Findings of the case study on pneumonia, asked again of real X-rays.

    python -m tests.bench.case_xrays --weights      do class weights raise the specificity of project S4's M1?
    python -m tests.bench.case_xrays --children     what is it worth to know a child? project S2's first network
    python -m tests.bench.case_xrays --two          the small CNN or the fine-tuned backbone, by ROC AUC on validation

The networks learn from about 1,600 X-rays of the training folder, whole children at a time, at 64x64 pixels. The
validation images are other children of the training folder, the test images are the official test folder, all of both.
Every score is at threshold 0.5. Those of `--weights` train for 12 epochs and keep the one with the lowest validation
loss; those of `--children` train for 6, four times on three quarters of the X-rays, and answer for the last quarter,
once with the child's other X-rays among the training images and once without; those of `--two` train as in
`tests.bench.models`.
"""

import argparse
import os
import warnings
from dataclasses import replace

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

SIDE, EPOCHS, IMAGES = 64, 12, 1600
SECONDS = 600  # of training at most for each of our two, so that a busy computer does not stop them
SEEDS = (1, 2, 3)
SMALL, TUNED = "course: small CNN", "course: backbone, fine-tuned"
PARTS = {"train": "training", "val": "validation", "test": "test"}


def some_children(groups: np.ndarray, count: int) -> np.ndarray:
    """Rows of random children, all images of each, until there are about `count` images."""
    names, sizes = np.unique(groups, return_counts=True)
    order = np.random.default_rng(7).permutation(len(names))
    enough = np.searchsorted(sizes[order].cumsum(), count) + 1
    return np.flatnonzero(np.isin(groups, names[order[:enough]]))


def load(count: int) -> dict:
    """Channels -> real X-rays with about `count` training images."""
    from helpers.data import load_dataset

    found = {}
    for channels, mode in {1: "grayscale", 3: "rgb"}.items():
        data = load_dataset("chest_xray", SIDE, mode, source="real")
        train, rows = data.train, some_children(data.train.groups, count)
        parts = {name: getattr(train, name)[rows] for name in ("images", "labels", "groups")}
        found[channels] = replace(data, train=replace(train, frame=train.frame.iloc[rows], **parts))
    return found


def class_weights(data: dict, keys: list[str], epochs: int) -> None:
    """Print recall and specificity of networks on validation and on the test, without and with class weights."""
    import keras

    from helpers.metrics import evaluate
    from helpers.models import REFERENCE_MODELS

    print("| model | class weights | seed | images | recall | specificity | ROC AUC |\n|---|---|---|---|---|---|---|")
    for key in keys:
        row, images = REFERENCE_MODELS[key], data[REFERENCE_MODELS[key].channels]
        for seed in SEEDS:
            for words, weights in {"no": None, "yes": images.class_weights}.items():
                keras.utils.set_random_seed(seed)
                model = row.build(SIDE)
                batches = images.train.batches
                if row.augmentation:
                    batches = replace(row.augmentation, seed=seed).batches(images.train.images, images.train.labels)
                keep = keras.callbacks.EarlyStopping("val_loss", patience=epochs, restore_best_weights=True)
                options = {"validation_data": images.val.batches, "callbacks": [keep], "class_weight": weights}
                model.fit(batches, epochs=epochs, verbose=0, **options)
                for name, part in {"validation": images.val, "test": images.test}.items():
                    scores = evaluate(part.labels, model.predict(part.images, verbose=0)[:, 0], groups=part.groups)
                    shown = " | ".join(scores.text(metric) for metric in ("recall", "specificity", "roc_auc"))
                    print(f"| {key} | {words} | {seed} | {name} | {shown} |", flush=True)


def known_children(data: dict, epochs: int) -> None:
    """Print by how much S2-M1 looks better where the child's other X-rays were in training."""
    import keras
    from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

    from helpers.metrics import compare
    from helpers.models import REFERENCE_MODELS

    train, prob = data[1].train, {}
    for cutter in (StratifiedKFold, StratifiedGroupKFold):
        prob[cutter] = np.zeros(len(train))
        for rest, part in cutter(4, shuffle=True, random_state=7).split(train.images, train.labels, train.groups):
            keras.utils.set_random_seed(7)
            model = REFERENCE_MODELS["S2-M1"].build(SIDE)
            options = {"class_weight": data[1].class_weights, "verbose": 0}
            model.fit(train.images[rest], train.labels[rest], epochs=max(1, epochs // 2), **options)
            prob[cutter][part] = model.predict(train.images[part], verbose=0)[:, 0]
    names, sizes = np.unique(train.groups, return_counts=True)
    several = np.isin(train.groups, names[sizes > 1])
    print(f"{several.mean():.0%} of the {len(train):,} X-rays are of a child with several. S2-M1, on these:\n")
    for metric in ("balanced_accuracy", "roc_auc"):
        pair = prob[StratifiedKFold][several], prob[StratifiedGroupKFold][several]
        gap = compare(train.labels[several], *pair, metric=metric, groups=train.groups[several])
        print(f"- cut by image minus cut by child: {gap.text}, from {gap.b:.3f} to {gap.a:.3f}", flush=True)


def our_two(data: dict) -> None:
    """Print the scores of the small CNN and of the fine-tuned backbone, and their difference in ROC AUC."""
    import keras

    from helpers.metrics import compare, evaluate
    from tests.bench.models import course

    print("| model | images | accuracy | recall | specificity | ROC AUC |\n|---|---|---|---|---|---|")
    parts, prob = {"validation": data[1].val, "test": data[1].test}, {}
    for model_name, train in course("chest_xray", data, SECONDS).items():
        if model_name not in (SMALL, TUNED):
            continue
        keras.utils.set_random_seed(7)
        model, _ = train()
        for name, part in parts.items():
            prob[model_name, name] = model.predict(part.images, verbose=0)[:, 0]
            scores = evaluate(part.labels, prob[model_name, name], groups=part.groups)
            shown = " | ".join(scores.text(metric) for metric in ("accuracy", "recall", "specificity", "roc_auc"))
            print(f"| {model_name} | {name} | {shown} |", flush=True)
    print()
    for name, part in parts.items():
        gap = compare(part.labels, prob[TUNED, name], prob[SMALL, name], metric="roc_auc", groups=part.groups)
        print(f"- fine-tuned minus small CNN, {name}: {gap.text}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.case_xrays", description=__doc__.splitlines()[0])
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--weights", nargs="*", metavar="NETWORK", help="of a project; S4-M1 unless said")
    asked.add_argument("--children", action="store_true")
    asked.add_argument("--two", action="store_true")
    parser.add_argument("--images", type=int, default=IMAGES, help="of the training folder, about")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of --weights; --children takes half as many")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", message="`shuffle=True` was passed, but will be ignored")
    warnings.filterwarnings("ignore", message="The groups parameter is ignored by StratifiedKFold")
    data = load(args.images)
    counts = ", ".join(f"{len(data[1][split]):,} {words}" for split, words in PARTS.items())
    print(f"{counts} images\n")
    if args.weights is not None:
        class_weights(data, args.weights or ["S4-M1"], args.epochs)
    elif args.children:
        known_children(data, args.epochs)
    else:
        our_two(data)


if __name__ == "__main__":
    main()
