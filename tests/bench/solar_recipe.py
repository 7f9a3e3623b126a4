"""Real solar cells by the split of the papers: a recipe that is named on training cells, then judged on ten draws.

    python -m tests.bench.solar_recipe --choose   which recipe? inner folds of the training cells of the first draw
    python -m tests.bench.solar_recipe            the recipe below: ten draws by cell, and folds by module beside them
    python -m tests.bench.solar_recipe --mean     the mean of the recipes that were best inside, on ten further draws

Besides the statistics of `tests/bench/frozen.py`, a cell is described by which channels of EfficientNet-Lite0 are large
at the same places: the covariance of the maps of a stage, over its places and over the four views of the cell. Of it
the matrix square root is taken, which keeps a few strong channels from deciding alone. A Gaussian kernel compares two
cells by the mean of the squared distances in several such descriptions, each divided by its mean between training
cells. A ridge regression with it learns the class, or the expert's probability, which counts a doubtful cell for less.
"""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from tests.bench.frozen import KEPT, STATISTICS, columns_of, kept
from tests.bench.solar import (
    INNER,
    MIDDLE,
    SIDE,
    SMALL_SIDE,
    Cells,
    Split,
    area,
    folds,
    inside_module,
    load,
    quarter,
    stage_features,
    subset,
)
from tests.bench.textures import TEXTURES, compute_moments, roots_of

DRAWS, DRAW_OF_CHOICE, RIDGES = 10, 0, (0.05, 0.2)
STATISTIC, COVARIANCE = "statistics", "covariances {}"
MIXES = (
    (STATISTIC,),
    ("covariances 3",),
    ("covariances 4",),
    ("covariances 5",),
    ("covariances 4", "covariances 5"),
    ("covariances 3", "covariances 4", "covariances 5"),
    (STATISTIC, "covariances 4", "covariances 5"),
    (STATISTIC, "covariances 3", "covariances 4", "covariances 5"),
)


@dataclass(frozen=True)
class Recipe:
    """descriptions: what cells are compared by. soft: learn the expert's probability. ridge: how much is smoothed."""

    descriptions: tuple[str, ...]
    soft: bool
    ridge: float

    def __str__(self) -> str:
        target = "the expert's probability" if self.soft else "the class"
        return f"{' + '.join(self.descriptions)}; learns {target}; ridge {self.ridge:g}"


BEST_INSIDE = (1, 2, 3, 4, 6, 8, 12, 16, 32)  # so many of the best recipes are averaged; the inner folds say how many
CHOSEN = Recipe(("covariances 5",), soft=True, ridge=0.05)  # by --choose, before a draw was judged
RECIPES = [Recipe(mix, soft, ridge) for mix in MIXES for soft in (False, True) for ridge in RIDGES]


@dataclass(frozen=True)
class Described:
    """statistics: (n, columns). apart: squared distances (n, n) of the covariance roots by name. seconds: they took."""

    statistics: np.ndarray
    apart: dict[str, np.ndarray]
    seconds: float


def squared_distances(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Squared distances (m, n) of the rows of two arrays."""
    return ((one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T).clip(0)


def describe(recipes: list[Recipe], folder: Path) -> Described:
    """All cells, described as these recipes need it; no label and no split goes into it."""
    wanted = {name for recipe in recipes for name in recipe.descriptions}
    statistics, apart, spent = np.empty((0, 0), np.float32), {}, 0.0
    if STATISTIC in wanted:
        stages = stage_features(folder)
        statistics = stages.values[:, columns_of(dict.fromkeys(MIDDLE, STATISTICS))]
        spent += stages.seconds
    moments = kept(f"solar_cells-{SIDE}-moments", lambda: compute_moments(load(SIDE)[0]), folder)
    begin = time.process_time()
    for stage, name in enumerate(TEXTURES, start=3):
        if COVARIANCE.format(stage) in wanted:
            roots = roots_of(moments, name)
            roots -= roots.mean(axis=0)  # changes no distance, and rounding errors stay small
            apart[COVARIANCE.format(stage)] = squared_distances(roots, roots)
    return Described(statistics, apart, spent + moments.seconds + time.process_time() - begin)


def distances(described: Described, name: str, seen: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Squared distances (rows, seen) by one description, as shares of their mean in the rows `seen`."""
    if name == STATISTIC:
        values = described.statistics
        middle, spread = values[seen].mean(axis=0), values[seen].std(axis=0) + 1e-6
        found = squared_distances(*((values[which] - middle) / spread for which in (rows, seen)))
        return found / (2 * values.shape[1])
    whole = described.apart[name]
    return whole[np.ix_(rows, seen)] / whole[np.ix_(seen, seen)].mean()


def answers(recipes: list[Recipe], described: Described, cells: Cells, split: Split) -> np.ndarray:
    """Scores (recipes, rows left out), above 0 for defective, after learning from the other rows of the split."""
    seen, left = split
    rows, size = np.concatenate(split), len(seen)
    names = {name for recipe in recipes for name in recipe.descriptions}
    found = {name: distances(described, name, seen, rows) for name in names}
    targets = {soft: 2.0 * (cells.steps if soft else cells.labels)[seen] - 1 for soft in (False, True)}
    scores = []
    for recipe in recipes:
        kernel = np.exp(-np.mean([found[name] for name in recipe.descriptions], axis=0))
        smoothed = kernel[:size] + recipe.ridge * np.eye(size, dtype=kernel.dtype)
        scores.append(kernel[size:] @ np.linalg.solve(smoothed, targets[recipe.soft].astype(kernel.dtype)))
    return np.array(scores).reshape(len(recipes), len(left))


def inner_scores(described: Described, cells: Cells) -> tuple[np.ndarray, np.ndarray]:
    """Scores (recipes, training cells) in inner folds of the training cells of one draw, and the cells' labels."""
    seen, _ = quarter(cells, DRAW_OF_CHOICE)
    inside, scores = subset(cells, seen), np.zeros((len(RECIPES), len(seen)))
    for learn, left in folds(inside, "cell", seed=7, count=INNER):
        scores[:, left] = answers(RECIPES, described, cells, (seen[learn], seen[left]))
    return scores, inside.labels


def choose(described: Described, cells: Cells) -> None:
    """Print how each recipe does in inner folds of the training cells of one draw."""
    from sklearn.metrics import roc_auc_score

    begin = time.process_time()
    scores, labels = inner_scores(described, cells)
    accuracy = ((scores >= 0) == labels).mean(axis=1)
    print(f"{INNER} inner folds of the {len(labels):,} training cells of draw {DRAW_OF_CHOICE}:\n")
    print("| recipe | accuracy | ROC AUC |\n|---|---|---|")
    for recipe, right, one in zip(RECIPES, accuracy, scores, strict=True):
        print(f"| {recipe} | {right:.4f} | {roc_auc_score(labels, one):.4f} |")
    print(f"\n{described.seconds:.0f} s of a processor for the descriptions,")
    print(f"{time.process_time() - begin:.0f} s for all recipes. The recipe that is judged is the one with the highest")
    print(f"accuracy: {RECIPES[accuracy.argmax()]}.")


def best_mean(scores: np.ndarray, labels: np.ndarray) -> tuple[list[int], dict[int, float]]:
    """Which recipes to average: so many of the best that the mean of their scores has the highest accuracy.

    Returns:
        Places of the recipes, and the accuracy of the mean for each number of them.
    """
    order = np.argsort(-((scores >= 0) == labels).mean(axis=1), kind="stable")
    right = {n: float(((scores[order[:n]].mean(axis=0) >= 0) == labels).mean()) for n in BEST_INSIDE}
    return order[: max(right, key=right.get)].tolist(), right


def judge_mean(described: Described, cells: Cells, draws: int) -> None:
    """Print which mean the inner folds choose, and how it and the single recipe do on draws that nobody has read."""
    from sklearn.metrics import roc_auc_score

    chosen, right = best_mean(*inner_scores(described, cells))
    print(f"{INNER} inner folds of the training cells of draw {DRAW_OF_CHOICE}, the mean of the n best recipes:\n")
    print(f"| n | {' | '.join(map(str, right))} |\n|---|{'---|' * len(right)}")
    print(f"| accuracy | {' | '.join(f'{one:.4f}' for one in right.values())} |\n")
    print(f"So {len(chosen)} are averaged: {'; '.join(f'({RECIPES[i]})' for i in chosen)}.\n")
    found = {"mean": [], "single recipe": []}
    for draw in range(draws, 2 * draws):
        split = quarter(cells, draw)
        truth = cells.labels[split[1]]
        each = answers([*(RECIPES[i] for i in chosen), CHOSEN], described, cells, split)
        for name, values in zip(found, (each[:-1].mean(axis=0), each[-1]), strict=True):
            found[name].append((((values >= 0) == truth).mean(), roc_auc_score(truth, values)))
    print(f"Draws {draws} to {2 * draws - 1}, which chose nothing and were not read before:\n")
    _print_draws(found)


def _print_draws(found: dict[str, list]) -> None:
    print("| | mean | lowest | highest | standard deviation |\n|---|---|---|---|---|")
    for name, pairs in found.items():
        for words, each in zip(("accuracy", "ROC AUC"), np.transpose(pairs), strict=True):
            shown = f"{each.mean():.3f} | {each.min():.3f} | {each.max():.3f} | {each.std(ddof=1):.3f}"
            print(f"| {name}, {words} | {shown} |")


def rate_in_training(cells: Cells, split: Split) -> np.ndarray:
    """Share of defective cells among the training cells of the module of each cell left out; .5 where there is none."""
    seen, left = split
    rates = {module: cells.labels[seen][cells.modules[seen] == module].mean() for module in set(cells.modules[seen])}
    return np.array([rates.get(module, 0.5) for module in cells.modules[left]])


def judge(recipe: Recipe, described: Described, cells: Cells, draws: int) -> None:
    """Print accuracy and area of a recipe on the draws, what the module alone gives, and the folds by module."""
    from sklearn.metrics import roc_auc_score

    begin, found = time.process_time(), {"recipe": [], "the module's defect rate in training": []}
    sure = []
    for draw in range(draws):
        split = quarter(cells, draw)
        truth, steps = cells.labels[split[1]], cells.steps[split[1]]
        scores = answers([recipe], described, cells, split)[0]
        certain = (steps == 0) | (steps == 1)
        sure.append(((scores >= 0) == truth)[certain].mean())
        for name, values in zip(found, (scores, rate_in_training(cells, split) - 0.5), strict=True):
            found[name].append((((values >= 0) == truth).mean(), roc_auc_score(truth, values)))
    print(
        f"{recipe}.\n\n{draws} draws of a quarter of the cells, shares of type and of the expert's probability alike:"
    )
    print()
    _print_draws(found)
    others = np.delete(found["recipe"], DRAW_OF_CHOICE, axis=0).mean(axis=0)
    print(
        f"\nAlways 'functional': accuracy {1 - cells.labels.mean():.3f}. Of the cells that the expert gave 0 or 1, the"
    )
    print(
        f"recipe has {np.mean(sure):.3f} right. It was named on training cells of draw {DRAW_OF_CHOICE}; without that"
    )
    print(f"draw: accuracy {others[0]:.3f}, ROC AUC {others[1]:.3f}.\n")
    whole = np.zeros(len(cells.labels))
    for seen, left in folds(cells, "module", seed=7):
        whole[left] = answers([recipe], described, cells, (seen, left))[0]
    right = ((whole >= 0) == cells.labels).mean()
    print(f"The same recipe in eight folds by module: accuracy {right:.3f}, ROC AUC {area(whole, cells)},")
    print(f"inside a module {inside_module(whole, cells):.3f}.\n")
    print(f"{described.seconds:.0f} s of a processor for the descriptions, {time.process_time() - begin:.0f} s for the")
    print("heads of all draws and folds.")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.solar_recipe", description=__doc__.splitlines()[0])
    parser.add_argument("--choose", action="store_true")
    parser.add_argument("--mean", action="store_true")
    parser.add_argument("--draws", type=int, default=DRAWS, help="of the quarter that is left out")
    parser.add_argument("--keep", type=Path, default=KEPT, metavar="FOLDER", help="where features are kept")
    args = parser.parse_args()
    _, cells = load(SMALL_SIDE)
    if args.choose:
        choose(describe(RECIPES, args.keep), cells)
    elif args.mean:
        judge_mean(describe(RECIPES, args.keep), cells, args.draws)
    else:
        judge(CHOSEN, describe([CHOSEN], args.keep), cells, args.draws)


if __name__ == "__main__":
    main()
