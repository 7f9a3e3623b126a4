"""What a pretrained backbone is worth: learning curves of the course's network, from scratch and pretrained.

    python -m tests.bench.transfer monuments chest_xray concrete_cracks        embedded data: prints one table each
    python -m tests.bench.transfer chest_xray concrete_cracks --source real    real data, where they are prepared
    python -m tests.bench.transfer monuments --seeds 1 --sizes 100             a quick look

Every run of one size and seed gets the same training images (half of each class), the same number of steps and the same
choice of the best epoch by validation. The test split is read for the scores only.
"""

import argparse
import json
import os
import time
import warnings
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd

from data_prework.manifest import SPLITS

SIZES = (50, 100, 200, 400, None)
STEPS = {50: 150, 100: 150, 200: 200, 400: 250, None: 400}
BATCH = 16
RATES = {"small CNN, from scratch": 2e-3, "from scratch": 2e-3, "pretrained, fine-tuned": 5e-4}
LONGER = {"small CNN, from scratch": 2}  # a network that is twice as fast gets twice the steps
LOOKS = 8  # at the validation split
MOST_VAL = 300  # validation images at most: the large sets would else look longer than they train


def build(way: str):
    """The network of a way, with fresh weights; the pretrained one with its backbone's."""
    import keras

    from helpers.models.course_backbone import WEIGHTS, course_network
    from tests.bench.difficulty import small_cnn

    if way.startswith("small CNN"):
        return small_cnn((64, 64, 3))
    base = course_network()
    if way.startswith("pretrained"):
        base.load_weights(WEIGHTS)
    x = keras.layers.GlobalAveragePooling2D()(base.output)
    return keras.Model(base.input, keras.layers.Dense(1, activation="sigmoid")(x))


def choose(labels: np.ndarray, size: int | None, seed: int) -> np.ndarray:
    """Rows of `size` training images, half of each class (all of them for None), drawn by seed."""
    if size is None or size >= len(labels):
        return np.arange(len(labels))
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.permutation(np.flatnonzero(labels == label))[: size // 2] for label in (0, 1)])


def weights_of(labels: np.ndarray) -> np.ndarray:
    """Weight of each image, so that both classes count alike."""
    share = labels.mean()
    return np.where(labels == 1, 0.5 / share, 0.5 / (1 - share))


class Trainer:
    """Trains one network again and again with the same number of steps; the graph is built once."""

    def __init__(self, way: str, steps: int):
        import keras

        self.way, self.steps = way, steps * LONGER.get(way, 1)
        self.model = build(way)
        rate = RATES[way]
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, self.steps, warmup_target=rate, warmup_steps=self.steps // 10
        )
        self.model.compile(keras.optimizers.AdamW(rate, weight_decay=0.01), "binary_crossentropy")

    def __call__(self, data, rows: np.ndarray, seed: int) -> np.ndarray:
        """Train all weights anew; probabilities of class 1 on test, from the look with the best validation loss."""
        import keras
        import tensorflow as tf

        keras.utils.set_random_seed(seed)
        self.model.set_weights(build(self.way).get_weights())
        for state in self.model.optimizer.variables:
            if not state.path.endswith("learning_rate"):
                state.assign(np.zeros(state.shape))
        images, labels = rgb(data.train.images[rows]), data.train.labels[rows]
        stream = tf.data.Dataset.from_tensor_slices((images, labels, weights_of(labels)))
        stream = stream.shuffle(len(images), seed=seed).repeat().batch(BATCH).prefetch(2)
        keep = keras.callbacks.EarlyStopping("val_loss", patience=LOOKS, restore_best_weights=True)
        self.model.fit(
            stream,
            steps_per_epoch=self.steps // LOOKS,
            epochs=LOOKS,
            validation_data=looked_at(data.val),
            callbacks=[keep],
            verbose=0,
        )
        return self.model.predict(rgb(data.test.images), verbose=0, batch_size=64)[:, 0]


def looked_at(split) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Images, labels and weights of at most MOST_VAL validation images, the same ones at every look."""
    rows = np.sort(np.random.default_rng(7).permutation(len(split))[:MOST_VAL])
    labels = split.labels[rows]
    return rgb(split.images[rows]), labels, weights_of(labels)


def rgb(images: np.ndarray) -> np.ndarray:
    """Three channels, whatever was given."""
    return np.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images


def features(net, images: np.ndarray) -> np.ndarray:
    """(n, 192) mean of each map, computed once."""
    return net.predict(rgb(images), verbose=0, batch_size=64).mean(axis=(1, 2))


def head(stored: dict, data, rows: np.ndarray) -> np.ndarray:
    """A logistic regression on stored features, its strength chosen on validation; probabilities on test."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import log_loss
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    best = (np.inf, None)
    for strength in (1e-4, 1e-3, 1e-2, 1e-1, 1.0):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=3000, class_weight="balanced"))
        model.fit(stored["train"][rows], data.train.labels[rows])
        prob = model.predict_proba(stored["val"])[:, 1]
        loss = log_loss(data.val.labels, prob, sample_weight=weights_of(data.val.labels))
        best = min(best, (loss, strength, model), key=lambda found: found[0])
    return best[2].predict_proba(stored["test"])[:, 1]


def curves(data, sizes, seeds, ways) -> list[dict]:
    """One row a way, size and seed, with the test probabilities; a line is printed for each."""
    import keras
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score

    whole = build("pretrained")
    net = keras.Model(whole.inputs, whole.layers[-3].output)
    stored = {part: features(net, data[part].images) for part in SPLITS}
    rows = []
    for size in sizes:
        trainers = {way: Trainer(way, STEPS.get(size, STEPS[100])) for way in ways if "frozen" not in way}
        for seed in seeds:
            chosen = choose(data.train.labels, size, seed)
            for way in ways:
                begin = time.perf_counter()
                prob = trainers[way](data, chosen, seed) if way in trainers else head(stored, data, chosen)
                row = {"way": way, "size": len(chosen) if size is None else size, "seed": seed}
                row["balanced_accuracy"] = balanced_accuracy_score(data.test.labels, prob >= 0.5)
                row["roc_auc"] = roc_auc_score(data.test.labels, prob)
                row["seconds"] = time.perf_counter() - begin
                print(
                    f"{way:24}{row['size']:6} seed {seed}: balanced accuracy {row['balanced_accuracy']:.3f}, "
                    f"ROC AUC {row['roc_auc']:.3f}, {row['seconds']:.0f} s",
                    flush=True,
                )
                rows.append(row | {"prob": prob.round(5).tolist()})
    return rows


def table(rows: list[dict], metric: str) -> pd.DataFrame:
    """Mean over the seeds with the 95 % t-interval of that mean, one row a size, one column a way."""
    from scipy import stats

    frame = pd.DataFrame(rows)
    out = {}
    for (way, size), part in frame.groupby(["way", "size"], sort=False):
        mean = part[metric].mean()
        reach = stats.t.ppf(0.975, max(1, len(part) - 1)) * part[metric].std() / np.sqrt(len(part))
        out.setdefault(way, {})[size] = f"{mean:.3f} ± {reach:.3f}"
    return pd.DataFrame(out).rename_axis("training images")


def main() -> None:
    """Measure and print one table a data set."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.transfer", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--source", choices=("embedded", "real"), default="embedded")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sizes", type=int, nargs="*", help="default: 50 100 200 400 and all (0 stands for all)")
    parser.add_argument("--ways", nargs="*", default=[*RATES, "pretrained, frozen"])
    parser.add_argument("--keep", type=Path, help="a file for all rows, as JSON")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", message="`shuffle=True` was passed, but will be ignored")
    from helpers.data import load_dataset
    from helpers.metrics import markdown

    sizes = [size or None for size in args.sizes] if args.sizes else SIZES
    for name in args.names:
        colour = "rgb" if name == "monuments" else "grayscale"
        data = load_dataset(name, image_size=64, color_mode=colour, source=args.source)
        rows = curves(data, sizes, range(1, args.seeds + 1), args.ways)
        for metric in ("balanced_accuracy", "roc_auc"):
            print(
                f"\n{name} ({data.source}), {len(data.test)} test images, {metric}: mean and 95 % interval over seeds\n"
            )
            print(markdown(table(rows, metric)), flush=True)
        if args.keep:
            args.keep.with_name(f"{name}-{args.source}-{args.keep.name}").write_text(json.dumps(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
