"""How hard is a data set? Majority class, one threshold, logistic regression, a dense net and a small CNN on one split.

    python -m tests.bench.difficulty NAME [NAME ...]      prepared data sets; prints the tables of the data cards
    python -m tests.bench.difficulty NAME --epochs 10     for large ones; both networks train so long

Every model is trained on `train`, stops by `val` and is judged once on `test`.
"""

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from data_prework.manifest import SPLITS

EPOCHS = {"dense": 40, "cnn": 30}
SEEDS = (1, 2, 3, 4, 5)


def grey_statistics(images: np.ndarray) -> dict[str, np.ndarray]:
    """Grey-level statistics per image (n,), of uint8 images (n, h, w) or (n, h, w, c)."""
    grey = images.astype(np.float32)
    grey = (grey.mean(-1) if grey.ndim == 4 else grey).reshape(len(images), -1)
    return {
        "mean": grey.mean(1),
        "standard deviation": grey.std(1),
        "5th percentile": np.percentile(grey, 5, axis=1),
        "95th percentile": np.percentile(grey, 95, axis=1),
        "minimum": grey.min(1),
        "maximum": grey.max(1),
    }


def best_threshold(values: np.ndarray, labels: np.ndarray) -> tuple[float, float, int]:
    """(balanced accuracy, threshold, direction) of the best cut on one number per image."""
    from sklearn.metrics import roc_curve

    best = (0.0, 0.0, 1)
    for sign in (1, -1):
        false_rate, true_rate, cut = roc_curve(labels, sign * values)
        score = (true_rate + 1 - false_rate) / 2
        i = int(np.argmax(score))
        if score[i] > best[0]:
            best = (float(score[i]), float(sign * cut[i]), sign)
    return best


def dense_net(shape: tuple[int, ...]):
    """The dense baseline: 64 and 32 units on the flattened image."""
    from keras import Sequential, layers

    return Sequential(
        [
            layers.Input(shape),
            layers.Rescaling(1 / 255),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu"),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def small_cnn(shape: tuple[int, ...]):
    """The small CNN: four blocks of convolution, batch normalization and pooling, then global average pooling."""
    from keras import Sequential, layers

    blocks = []
    for filters in (16, 32, 64, 64):
        blocks += [
            layers.Conv2D(filters, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.9),
            layers.Activation("relu"),
            layers.MaxPooling2D(),
        ]
    return Sequential(
        [
            layers.Input(shape),
            layers.Rescaling(1 / 255),
            *blocks,
            layers.GlobalAveragePooling2D(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def fit(model, train, val, epochs: int, rate: float, batch: int = 32):
    """Train with Adam, the rate falling along a cosine; keep the epoch of the lowest class-weighted validation loss."""
    import keras

    steps = epochs * -(-len(train[1]) // batch)
    model.compile(keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(rate, steps)), "binary_crossentropy")
    share = train[1].mean()
    weights = np.array([0.5 / (1 - share), 0.5 / share])  # both classes count alike, in training and in choosing
    keep = keras.callbacks.EarlyStopping("val_loss", patience=epochs, restore_best_weights=True)
    model.fit(
        *train,
        sample_weight=weights[train[1]],
        validation_data=(*val, weights[val[1]]),
        epochs=epochs,
        batch_size=batch,
        callbacks=[keep],
        verbose=0,
    )
    return model


def rate_everything(
    splits: dict[str, tuple[np.ndarray, np.ndarray]], seed: int = 7, epochs: int | None = None
) -> dict[str, np.ndarray]:
    """Probabilities of class 1 on the test images for each of the five baselines.

    Args:
        splits: "train", "val", "test" -> (uint8 images (n, h, w, c), labels (n,) of 0 and 1).
    """
    import keras
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    keras.utils.set_random_seed(seed)
    splits = {name: (x if x.ndim == 4 else x[..., None], np.asarray(y)) for name, (x, y) in splits.items()}
    (x, y), (test_x, _) = splits["train"], splits["test"]
    answers = {"majority class": np.full(len(test_x), float(y.mean() > 0.5))}
    found = {name: best_threshold(v, y) for name, v in grey_statistics(x).items()}
    name = max(found, key=lambda k: found[k][0])
    _, cut, sign = found[name]
    answers[f"one threshold ({name})"] = (sign * grey_statistics(test_x)[name] >= sign * cut).astype(float)
    logistic = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=2000, class_weight="balanced"))
    logistic.fit(x.reshape(len(x), -1), y)
    answers["logistic regression"] = logistic.predict_proba(test_x.reshape(len(test_x), -1))[:, 1]
    shape = x.shape[1:]
    keras.utils.set_random_seed(seed)
    dense = fit(dense_net(shape), splits["train"], splits["val"], epochs or EPOCHS["dense"], 3e-4)
    answers["dense net"] = dense.predict(test_x, verbose=0)[:, 0]
    keras.utils.set_random_seed(seed)
    cnn = fit(small_cnn(shape), splits["train"], splits["val"], epochs or EPOCHS["cnn"], 2e-3)
    answers["small CNN"] = cnn.predict(test_x, verbose=0)[:, 0]
    return answers


def cnn_on_few(splits: dict[str, tuple[np.ndarray, np.ndarray]], count: int, seed: int) -> float:
    """Balanced test accuracy of the small CNN from `count` training images, drawn by seed, half of each class."""
    import keras
    from sklearn.metrics import balanced_accuracy_score

    rng = np.random.default_rng(seed)
    (x, y), (test_x, test_y) = splits["train"], splits["test"]
    rows = np.concatenate([rng.permutation(np.flatnonzero(y == label))[: count // 2] for label in (0, 1)])
    keras.utils.set_random_seed(seed)
    rows = rng.permutation(rows)
    # four times the epochs, so that not the number of steps is what is missing
    cnn = fit(small_cnn(x.shape[1:]), (x[rows], y[rows]), splits["val"], 4 * EPOCHS["cnn"], 2e-3)
    return balanced_accuracy_score(test_y, cnn.predict(test_x, verbose=0)[:, 0] >= 0.5)


def main() -> None:
    """Print one table a data set."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.difficulty", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", metavar="NAME")
    parser.add_argument("--epochs", type=int, help="of both networks (default: 40 dense, 30 CNN)")
    parser.add_argument("--source", choices=("embedded", "real"), default="embedded")
    parser.add_argument("--few", action="store_true", help="also the small CNN on 100 training images, five seeds")
    args = parser.parse_args()
    from helpers.data import load_dataset
    from helpers.metrics import evaluate, markdown, score_table

    for name in args.names:
        data = load_dataset(name, image_size=64, color_mode="grayscale", source=args.source)
        splits = {part: (data[part].images, data[part].labels) for part in SPLITS}
        test = data.test
        answers = rate_everything(splits, epochs=args.epochs)
        scores = {model: evaluate(test.labels, prob, groups=test.groups) for model, prob in answers.items()}
        print(f"\n{name} ({data.source}): test split, {len(test)} images, 95 % intervals by group\n")
        print(markdown(score_table(scores, columns=["accuracy", "balanced_accuracy", "roc_auc"])), flush=True)
        if not args.few:
            continue
        few = [cnn_on_few(splits, 100, seed) for seed in SEEDS]
        shown = ", ".join(f"{score:.3f}" for score in few)
        print(f"\nThe small CNN on 100 training images, {len(SEEDS)} seeds: balanced accuracy {shown}", flush=True)


if __name__ == "__main__":
    main()
