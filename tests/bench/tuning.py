"""Fine-tuning of EfficientNet-Lite0, from any layer on: what lies below is computed once.

    python -m tests.bench.tuning rates       real X-rays, 100 images: how large a rate is too large?
    python -m tests.bench.tuning module      solar cells out of eight folds of modules, stages 5 to 7 fine-tuned
    python -m tests.bench.tuning published   solar cells, the first of the draws of `tests.bench.solar --published`

BatchNormalization stays as it is; AdamW with a cosine schedule, a dropout and one dense unit that starts at zero. Solar
cells are seen in one of their four views at a time, and judged by the mean of all. Recipe and number of epochs were
fixed before anything was read. `--fold 3` trains one fold and keeps its answers, so that a long run can be cut.
"""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from tests.bench.frozen import BATCH, KEPT, VIEWS, backbone, compute, kept
from tests.bench.solar import Cells, area, folds, inside_module, load, quarter, regression

CUT = "block4c_add"  # the solar cells' network learns above this layer
RATES, SEEDS, IMAGES, JUDGED = (1e-4, 5e-4), (1, 2, 3), 100, 400


@dataclass(frozen=True)
class Recipe:
    """How a network is fine-tuned: learning rate, epochs, images a batch, dropout, weight decay."""

    rate: float = 1e-4
    epochs: int = 8
    batch: int = 32
    dropout: float = 0.3
    decay: float = 0.01


def parts(network, cut: str | None):
    """(trunk, tail): the layers up to `cut` and those above it; None: no trunk, all is tail."""
    import keras

    if cut is None:
        return None, network
    maps = network.get_layer(cut).output
    return keras.Model(network.input, maps), keras.Model(maps, network.output)


def maps_of(trunk, images: np.ndarray) -> np.ndarray:
    """(n, rows, columns, channels) float16 maps of images."""
    import tensorflow as tf

    ask = tf.function(lambda batch: trunk(batch, training=False), reduce_retracing=True)
    batches = (images[start : start + BATCH].astype(np.float32) for start in range(0, len(images), BATCH))
    return np.concatenate([ask(tf.constant(batch)).numpy().astype(np.float16) for batch in batches])


class Tuner:
    """Fine-tunes a tail again and again, each time from the weights that it came with."""

    def __init__(self, tail, recipe: Recipe):
        import keras

        from helpers.models import unfreeze

        self.recipe, self.start = recipe, tail.get_weights()
        unfreeze(tail)
        x = keras.layers.GlobalAveragePooling2D()(tail.output)
        self.tail, self.dropout = tail, keras.layers.Dropout(recipe.dropout)
        self.head = keras.layers.Dense(1, kernel_initializer="zeros")
        self.model = keras.Model(tail.input, self.head(self.dropout(x)))

    def __call__(
        self, views: np.ndarray, labels: np.ndarray, seen: np.ndarray, left: np.ndarray, seed: int
    ) -> np.ndarray:
        """Logits of the rows `left` after training on the rows `seen` of the views (views, n, ...)."""
        import keras

        keras.utils.set_random_seed(seed)
        self.dropout.seed_generator.state.assign([seed, 0])  # set_random_seed doesn't reach a layer that is there
        self.tail.set_weights(self.start)
        self.head.set_weights([np.zeros_like(weight) for weight in self.head.get_weights()])
        recipe, rng = self.recipe, np.random.default_rng(seed)
        steps = recipe.epochs * -(-len(seen) // recipe.batch)
        rate = keras.optimizers.schedules.CosineDecay(0.0, steps, warmup_target=recipe.rate, warmup_steps=steps // 10)
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.decay)
        self.model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
        truth = labels[seen].astype(np.float32)
        for _ in range(recipe.epochs):
            shown = views[rng.integers(0, len(views), len(seen)), seen].astype(np.float32)
            self.model.fit(shown, truth, batch_size=recipe.batch, verbose=0)
        answers = [self.model.predict(view[left].astype(np.float32), verbose=0)[:, 0] for view in views]
        return np.mean(answers, axis=0, dtype=np.float64)


def solar_tuner(side: int, recipe: Recipe) -> tuple[Tuner, np.ndarray, Cells]:
    """A tuner of the upper stages, the maps that it learns from (views, n, ...), and the cells."""
    images, cells = load(side)
    trunk, tail = parts(backbone("ImageNet", images.shape[1:]), CUT)
    return Tuner(tail, recipe), np.stack([maps_of(trunk, view(images)) for view in VIEWS.values()]), cells


def answers_of(
    tuner: Tuner, views: np.ndarray, cells: Cells, seen: np.ndarray, left: np.ndarray, path: Path
) -> dict[str, np.ndarray]:
    """Rows, logits and seconds of a fold, from the file or measured now."""
    if path.is_file():
        return dict(np.load(path))
    begin = time.process_time()
    logits = tuner(views, cells.labels, seen, left, seed=7)
    found = {"rows": left, "logits": logits, "seconds": np.array(time.process_time() - begin)}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **found)
    return found


def solar(what: str, side: int, recipe: Recipe, only: int | None, folder: Path) -> None:
    """Print how well the fine-tuned network ranks the cells that it has not learned from."""
    from sklearn.metrics import roc_auc_score

    tuner, views, cells = solar_tuner(side, recipe)
    splits = folds(cells, "module", seed=7) if what == "module" else [quarter(cells, draw=0)]
    chosen = range(len(splits)) if only is None else [only]
    kind = f"tuned-{what}-{side}-{recipe.rate:g}-{recipe.epochs}"
    found = [answers_of(tuner, views, cells, *splits[fold], folder / f"{kind}-{fold}.npz") for fold in chosen]
    rows, logits = (np.concatenate([one[name] for one in found]) for name in ("rows", "logits"))
    truth, spent = cells.labels[rows], [float(one["seconds"]) for one in found]
    print(f"{side} pixels, {recipe}; {np.mean(spent):.0f} s of a processor a fold.\n")
    print(
        f"{len(rows)} cells: accuracy {((logits >= 0) == truth).mean():.3f}, ROC AUC {roc_auc_score(truth, logits):.3f}"
    )
    if what == "module" and only is None:
        every = np.zeros(len(cells.labels))
        every[rows] = logits
        print(f"\nWith an interval that resamples modules: {area(every, cells)}; inside a module")
        print(f"{inside_module(every, cells):.3f}.")


def rates(epochs: int, folder: Path) -> None:
    """Print how X-rays of held-out patients are ranked after fine-tuning all convolutions, and by a frozen network."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold

    from tests.bench.transfer import choose
    from tests.bench.xrays import load as load_xrays

    learn, _ = load_xrays(128)
    images, labels = learn["images"], learn["labels"]
    found = {name: [] for name in ("frozen, regression", *(f"fine-tuned, rate {rate:g}" for rate in RATES))}
    seconds = {name: [] for name in found}
    tuners = {rate: Tuner(backbone("ImageNet", images.shape[1:]), Recipe(rate, epochs, 16)) for rate in RATES}
    for seed in SEEDS:
        folds_ = StratifiedGroupKFold(5, shuffle=True, random_state=seed).split(labels, labels, learn["groups"])
        seen, left = next(iter(folds_))
        rows = np.concatenate(
            [seen[choose(labels[seen], IMAGES, seed)], np.random.default_rng(seed).choice(left, JUDGED, False)]
        )
        few, truth, here = images[rows], labels[rows], np.arange(len(rows))
        values = kept(f"tuning-rates-{seed}", lambda few=few: compute(few, "ImageNet"), folder)
        begin = time.process_time()
        answer = regression(values.values, truth, here[:IMAGES], 1 / values.values.shape[1])[IMAGES:]
        results = {"frozen, regression": (answer, time.process_time() - begin + values.seconds)}
        for rate, tuner in tuners.items():
            begin = time.process_time()
            answer = tuner(few[None], truth, here[:IMAGES], here[IMAGES:], seed)
            results[f"fine-tuned, rate {rate:g}"] = answer, time.process_time() - begin
        for name, (answer, spent) in results.items():
            found[name].append(roc_auc_score(truth[IMAGES:], answer))
            seconds[name].append(spent)
    print(f"{IMAGES} images of 128 pixels, all convolutions, {JUDGED} of held-out patients, {epochs} epochs\n")
    print("| | " + " | ".join(f"seed {seed}" for seed in SEEDS) + " | mean ROC AUC | seconds |")
    print("|---" * (len(SEEDS) + 3) + "|")
    for name, areas in found.items():
        each = " | ".join(f"{value:.3f}" for value in areas)
        print(f"| {name} | {each} | {np.mean(areas):.3f} | {np.mean(seconds[name]):.0f} |")
    print("\nSeconds are those of a processor for one run, computing the features or the judged answers with them.")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tuning", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("rates", "module", "published"))
    parser.add_argument("--side", type=int, default=224, help="of the solar cells, in pixels")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--fold", type=int, help="of the solar cells: this one only")
    parser.add_argument("--keep", type=Path, default=KEPT, metavar="FOLDER", help="where features and answers are kept")
    args = parser.parse_args()
    if args.what == "rates":
        rates(args.epochs, args.keep)
    else:
        solar(args.what, args.side, Recipe(epochs=args.epochs), args.fold, args.keep)


if __name__ == "__main__":
    main()
