"""Real concrete patches: a network of at most 100,000 parameters, trained on some blocks and judged on others.

    python -m tests.bench.cracks

Positive patches are numbered along the photo they were cut from; blocks of a hundred numbers stay on one side of the
split, so the test patches come from blocks that the network has not seen. One rule without any learning of images,
a threshold on the spread of grey levels, stands beside it.
"""

import argparse
import os
import time
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

SIDE, EPOCHS, SEEDS = 64, 12, (1, 2, 3)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.cracks", description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    args = parser.parse_args()
    warnings.filterwarnings("ignore", message="`shuffle=True` was passed, but will be ignored")
    import keras

    from helpers.augment import Affine
    from helpers.data import load_dataset
    from helpers.metrics import evaluate, markdown, score_table
    from tests.bench.difficulty import best_threshold, small_cnn

    data = load_dataset("concrete_cracks", SIDE, "grayscale", source="real")
    if data.source != "real":
        raise SystemExit(
            "The real patches are not prepared: python -m data_prework prepare concrete_cracks --from FOLDER"
        )
    train, val, test = data.train, data.val, data.test
    spread = {name: data[name].images.std(axis=(1, 2, 3), dtype=np.float32) for name in ("train", "test")}
    _, cut, sign = best_threshold(spread["train"], train.labels)
    answers = {"threshold on the spread of grey": (sign * spread["test"] >= sign * cut).astype(float)}
    steps = args.epochs * -(-len(train) // 32)
    for seed in SEEDS:
        keras.utils.set_random_seed(seed)
        model, begin = small_cnn((SIDE, SIDE, 1)), time.perf_counter()
        model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(3e-3, steps)), "binary_crossentropy")
        keep = keras.callbacks.EarlyStopping("val_loss", patience=args.epochs, restore_best_weights=True)
        batches = Affine(rotation=10, zoom=0.1, horizontal_flip=True, vertical_flip=True, fill="reflect", seed=seed)
        model.fit(
            batches.batches(train.images, train.labels),
            validation_data=val.batches,
            epochs=args.epochs,
            callbacks=[keep],
            verbose=0,
        )
        spent = time.perf_counter() - begin
        name = f"small CNN, {model.count_params():,} parameters, seed {seed}, {spent:.0f} s"
        answers[name] = model.predict(test.images, verbose=0)[:, 0]
    scores = {name: evaluate(test.labels, prob, groups=test.groups) for name, prob in answers.items()}
    blocks = len(np.unique(test.groups[test.labels == 1]))
    print(f"{len(train):,} training patches; {len(test):,} test patches, the cracked ones of {blocks} other blocks\n")
    print(markdown(score_table(scores, columns=["accuracy", "recall", "specificity", "roc_auc"], digits=4)))


if __name__ == "__main__":
    main()
