"""Coverage of the 95 % intervals: how often they hold the true value, for images drawn one by one and in groups.

    python -m tests.bench.coverage

Right and wrong answers of a group come from a beta-binomial model, scores from a binormal one with a part that the
images of a group share. Groups are all of one size, or of sizes spread as a log-normal law with a spread of 0.8. What
is counted is the share of drawn data sets whose interval holds the truth; its own standard error is .010 for 500 data
sets (shares) and .014 for 250 (the others).
"""

import argparse
import functools
from collections.abc import Iterable, Sequence

import numpy as np
from scipy.stats import binom, norm

from helpers.metrics.comparison import compare
from helpers.metrics.evaluation import area_intervals, binary_intervals
from helpers.metrics.influence import cases
from helpers.metrics.intervals import share_interval, shares
from helpers.metrics.multiclass import Placements, macro_intervals

LEVELS = (0.5, 0.9, 0.97, 0.99)
SIZES = (30, 50, 100, 128, 300, 1000)
# images, mean size of a group, all of one size
DESIGNS = (
    (30, 3, True),
    (100, 5, True),
    (100, 5, False),
    (300, 10, True),
    (300, 10, False),
    (1000, 10, True),
    (1000, 33, True),
    (1000, 30, False),
    (1000, 3, False),
)
CORRELATIONS = (0.0, 0.1, 0.3)
# images, share of positives, spread of their scores against that of the negatives, size of a group, correlation
AREAS = (
    (30, 0.5, 1, 1, 0.0),
    (100, 0.5, 1, 1, 0.0),
    (100, 0.2, 1, 1, 0.0),
    (100, 0.5, 0.5, 1, 0.0),
    (300, 0.5, 1, 1, 0.0),
    (1000, 0.1, 1, 1, 0.0),
    (100, 0.5, 1, 4, 0.3),
    (300, 0.5, 1, 10, 0.0),
    (300, 0.5, 1, 10, 0.3),
    (1000, 0.5, 1, 20, 0.3),
)
# images, size of a group, correlation
GROUPED = ((30, 1, 0.0), (100, 1, 0.0), (300, 1, 0.0), (1000, 1, 0.0), (100, 5, 0.3), (300, 10, 0.3), (1000, 10, 0.3))
# classes, images of each, size of a group, correlation
MACRO = ((5, 20, 1, 0.0), (5, 100, 1, 0.0), (20, 25, 1, 0.0), (100, 25, 1, 0.0), (5, 100, 5, 0.3), (20, 50, 5, 0.3))
PAIRS = ((0.5, 0.5), (0.9, 0.9), (0.97, 0.97), (0.99, 0.99), (0.9, 0.8), (0.97, 0.9), (0.99, 0.97))
GAINS = ((0.7, 0.0), (0.9, 0.0), (0.97, 0.0), (0.9, 0.05), (0.97, 0.02))  # area of one model, and how much more
WITHIN = "correlation within groups"
TRUE = tuple(f"true {level}" for level in LEVELS)


def of_shares(n: int, share: float) -> float:
    """Exact coverage of `share_interval` for n images drawn one by one."""
    right = np.arange(n + 1)
    low, high = share_interval(right / n, n)
    return float(binom.pmf(right, n, share)[(low <= share) & (share <= high)].sum())


def reachable(n: int, share: float) -> bool:
    """Whether any interval whose ends rise with the number of right images can cover with a chance of .93 to .97.

    It holds the truth for all numbers from one to another, each tail below .05.
    """
    chance = binom.cdf(np.arange(-1, n + 1), n, share)
    below, above = chance[:-1][:, None], 1 - chance[1:][None]
    inside = 1 - below - above
    return bool(((inside >= 0.93) & (inside <= 0.97) & (below <= 0.05) & (above <= 0.05)).any())


def group_sizes(n: int, mean: int, equal: bool, rng: np.random.Generator) -> np.ndarray:
    """Sizes of ten or more groups with about n images."""
    if equal:
        return np.full(n // mean, mean)
    drawn = np.maximum(1, np.round(mean * np.exp(rng.normal(-0.32, 0.8, 4 * n // mean)))).astype(int)
    return drawn[: max(10, int(np.searchsorted(drawn.cumsum(), n)))]


def of_grouped_shares(
    sizes: np.ndarray, share: float, correlation: float, draws: int, rng: np.random.Generator
) -> float:
    """Coverage of `shares` for images in groups."""
    chance = np.full((draws, len(sizes)), share)
    if correlation:
        scale = 1 / correlation - 1
        chance = rng.beta(share * scale, (1 - share) * scale, chance.shape)
    group = np.repeat(np.arange(len(sizes)), sizes)
    hit = rng.random((draws, len(group))) < chance[:, group]
    data_set = np.repeat(np.arange(draws), len(group))
    low, high = shares(hit.ravel(), data_set, np.tile(group, draws), draws)
    return float(((low <= share) & (share <= high)).mean())


def binormal(
    n: int, prevalence: float, auc: float, spread: float, group: int, correlation: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Labels, scores and groups; of one group all images are of one class."""
    units = np.arange(n) // group
    y = (rng.random(units.max() + 1) < prevalence).astype(int)[units]
    noise = np.sqrt(correlation) * rng.normal(size=units.max() + 1)[units]
    noise += np.sqrt(1 - correlation) * rng.normal(size=n)
    return y, np.where(y == 1, norm.ppf(auc) * np.hypot(1, spread) + spread * noise, noise), units


def average_precision(y: np.ndarray, score: np.ndarray) -> float:
    """Of scores without ties."""
    true = y[np.argsort(-score)] == 1
    return float((true.cumsum() / np.arange(1, len(y) + 1))[true].mean())


@functools.cache
def of_areas(
    n: int, prevalence: float, auc: float, spread: float, group: int, correlation: float, draws: int, seed: int = 0
) -> tuple[float, float]:
    """Coverage of the intervals of ROC AUC and of average precision."""
    rng = np.random.default_rng(seed)
    y, score, _ = binormal(200_000, prevalence, auc, spread, 1, 0, rng)
    truth = {"roc_auc": auc, "pr_auc": average_precision(y, score)}
    held = []
    while len(held) < draws:
        y, score, units = binormal(n, prevalence, auc, spread, group, correlation, rng)
        if min(len(np.unique(units[y == label])) for label in (0, 1)) < 2:
            continue
        placed = (score[y == 1][:, None] > score[y == 0]).mean()
        ends = area_intervals({"roc_auc": placed, "pr_auc": average_precision(y, score)}, y, score, units, 0.95)
        held.append([ends[name][0] <= value <= ends[name][1] for name, value in truth.items()])
    return tuple(np.mean(held, axis=0).tolist())


def answers_of(
    n: int, rates: tuple[float, ...], group: int, correlation: float, rng: np.random.Generator
) -> list[np.ndarray]:
    """Which images each model has right: models agree on more images than by chance, images of a group even more."""
    groups = -(-n // group)
    easy = np.sqrt(correlation) * rng.normal(size=groups)[np.arange(n) // group]
    easy += np.sqrt(0.6 - correlation) * rng.normal(size=n)
    return [easy + np.sqrt(0.4) * rng.normal(size=n) < norm.ppf(rate) for rate in rates]


@functools.cache
def of_composites(
    n: int, recall: float, specificity: float, group: int, correlation: float, draws: int, seed: int = 0
) -> dict[str, float]:
    """Coverage of the intervals of precision, F1 and balanced accuracy; half of the images are positive."""
    rng = np.random.default_rng(seed)
    truth = {
        "precision": recall / (recall + 1 - specificity),
        "f1": 2 * recall / (recall + 1 - specificity + 1),
        "balanced_accuracy": (recall + specificity) / 2,
    }
    held = []
    units = np.arange(n) // group
    while len(held) < draws:
        y = rng.integers(0, 2, units.max() + 1)[units]
        right = np.where(y == 1, *answers_of(n, (recall, specificity), group, correlation, rng))
        positive = (y == 1) == right
        if not 0 < positive.sum() < n or not 1 < y.sum() < n - 1:
            continue
        values = {name: hit.sum() / among.sum() for name, (hit, among) in cases(y, positive).items()}
        values |= {"balanced_accuracy": (values["recall"] + values["specificity"]) / 2, "roc_auc": 0.9, "pr_auc": 0.9}
        ends = binary_intervals(values, y, positive.astype(float), positive, units, 0.95)
        held.append([ends[name][0] <= value <= ends[name][1] for name, value in truth.items()])
    return dict(zip(truth, np.mean(held, axis=0).tolist(), strict=True))


@functools.cache
def of_macro(
    n_classes: int, images: int, right: float, group: int, correlation: float, draws: int, seed: int = 0
) -> dict[str, float]:
    """Coverage of the intervals of macro recall, precision and F1; classes of one size, wrong answers spread evenly."""
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(n_classes), images)
    units = np.arange(len(y)) // group
    rates = np.clip(right + np.linspace(-1, 1, n_classes) * min(0.08, 0.8 * (1 - right)), 0, 1)
    wrong_into = (1 - rates).sum() / (n_classes - 1) - (1 - rates) / (n_classes - 1)
    precision = rates / (rates + wrong_into)
    truth = {
        "recall": rates.mean(),
        "precision": precision.mean(),
        "f1": (2 * rates * precision / (rates + precision)).mean(),
    }
    held = []
    for _ in range(draws):
        easy = np.sqrt(correlation) * rng.normal(size=units.max() + 1)[units]
        easy += np.sqrt(1 - correlation) * rng.normal(size=len(y))
        other = (y + rng.integers(1, n_classes, len(y))) % n_classes
        answers = np.where(easy < norm.ppf(rates)[y], y, other)
        prob = np.eye(n_classes)[answers]
        true, said = np.bincount(y), np.bincount(answers, minlength=n_classes)
        hits = np.bincount(y[answers == y], minlength=n_classes)
        values = {
            "recall": (hits / true).mean(),
            "precision": (hits / np.maximum(said, 1)).mean(),
            "f1": (2 * hits / (true + said)).mean(),
            "roc_auc": 0.9,
        }
        values["balanced_accuracy"] = values["recall"]
        ends = macro_intervals(values, y, answers, units, Placements(y, prob), 0.95)
        held.append([ends[name][0] <= value <= ends[name][1] for name, value in truth.items()])
    return dict(zip(truth, np.mean(held, axis=0).tolist(), strict=True))


def of_differences(
    n: int, rates: tuple[float, float], group: int, correlation: float, draws: int, metric: str, seed: int = 0
) -> tuple[float, float]:
    """Coverage of the paired interval where the answers differ, and the share of data sets in which they do.

    The models have the same rate in both classes, half of the images are positive.
    """
    rng = np.random.default_rng(seed)
    units, (a, b) = np.arange(n) // group, rates
    truth = {"accuracy": a - b, "recall": a - b, "balanced_accuracy": a - b, "f1": a - b, "precision": a - b}[metric]
    held = []
    for _ in range(draws):
        y = rng.permutation(np.arange(units.max() + 1) % 2)[units]
        probs = [np.where(right == (y == 1), 0.9, 0.1) for right in answers_of(n, rates, group, correlation, rng)]
        found = compare(y, *probs, metric=metric, groups=units if group > 1 else None)
        if not found.same:
            held.append(found.low <= truth <= found.high)
    return float(np.mean(held)), len(held) / draws


@functools.cache
def of_area_differences(
    n: int, auc: float, gain: float, group: int, correlation: float, draws: int, seed: int = 0
) -> tuple[float, float]:
    """Coverage of the paired intervals of ROC AUC and of average precision; the models' scores correlate by .7."""
    rng = np.random.default_rng(seed)

    def pair(n: int, group: int, correlation: float) -> tuple[np.ndarray, list[np.ndarray], np.ndarray]:
        units = np.arange(n) // group
        y = rng.permutation(np.arange(units.max() + 1) % 2)[units]
        shared = np.sqrt(correlation) * rng.normal(size=units.max() + 1)[units]
        shared += np.sqrt(0.7 - correlation) * rng.normal(size=n)
        noise = [shared + np.sqrt(0.3) * rng.normal(size=n) for _ in range(2)]
        scores = [np.sqrt(2) * norm.ppf(area) * y + one for area, one in zip((auc + gain, auc), noise, strict=True)]
        return y, [1 / (1 + np.exp(-score)) for score in scores], units

    y, scores, _ = pair(200_000, 1, 0)
    truth = {"roc_auc": gain, "pr_auc": average_precision(y, scores[0]) - average_precision(y, scores[1])}
    held = []
    for _ in range(draws):
        y, scores, units = pair(n, group, correlation)
        found = [compare(y, *scores, metric=name, groups=units if group > 1 else None) for name in truth]
        held.append([one.low <= value <= one.high for one, value in zip(found, truth.values(), strict=True)])
    return tuple(np.mean(held, axis=0).tolist())


def table(title: str, columns: Sequence[str], rows: Iterable[list]) -> None:
    """Print a Markdown table as its rows come."""
    print(f"\n{title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}", flush=True)
    for row in rows:
        cells = (f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row)
        print(f"| {' | '.join(cells)} |", flush=True)


def written(n: int, group: int, equal: bool = True) -> str:
    """Images and groups in words."""
    if group == 1:
        return f"{n:,}"
    return f"{n:,}, groups of {group}" if equal else f"{n:,}, groups of {group} on average"


def print_shares(draws: int) -> None:
    """Tables of the intervals of shares."""
    rows = []
    for n in SIZES:
        texts = {level: f"{of_shares(n, level):.3f}" for level in LEVELS}
        rows.append([n, *(text if reachable(n, level) else f"({text})" for level, text in texts.items())])
    rows.append(["lowest of 30 to 1,000", *(min(of_shares(n, level) for n in range(30, 1001)) for level in LEVELS)])
    table("Shares (accuracy, recall, specificity, precision), exact", ["images", *TRUE], rows)
    rng, rows = np.random.default_rng(0), []
    for design in DESIGNS:
        sizes = group_sizes(*design, rng)
        for correlation in CORRELATIONS:
            found = [of_grouped_shares(sizes, level, correlation, draws, rng) for level in LEVELS]
            rows.append([written(*design), len(sizes), correlation, *found])
    table("Shares of images in groups", ["images", "groups", WITHIN, *TRUE], rows)


def print_areas(draws: int) -> None:
    """Tables of the intervals of ROC AUC and average precision."""
    columns = ["images", "positive", "spread of positives", WITHIN, *TRUE]
    for which, title in enumerate(("ROC AUC", "Average precision, where ROC AUC is")):
        rows = []
        for n, positive, spread, group, correlation in AREAS:
            found = [of_areas(n, positive, level, spread, group, correlation, draws)[which] for level in LEVELS]
            rows.append([written(n, group), positive, spread, correlation, *found])
        table(title, columns, rows)


def print_composites(draws: int) -> None:
    """Tables of the intervals of precision, F1, balanced accuracy and the means of classes."""
    for name in ("precision", "f1", "balanced_accuracy"):
        rows = []
        for n, group, correlation in GROUPED:
            found = [of_composites(n, level, 0.9, group, correlation, draws)[name] for level in LEVELS]
            rows.append([written(n, group), correlation, *found])
        table(f"{name}, specificity .9", ["images", WITHIN, *(f"recall {level}" for level in LEVELS)], rows)
    for name in ("recall", "precision", "f1"):
        rows = []
        for classes, images, group, correlation in MACRO:
            found = [of_macro(classes, images, level, group, correlation, draws)[name] for level in LEVELS]
            rows.append([classes, written(images, group), correlation, *found])
        table(f"Macro {name}", ["classes", "images of each", WITHIN, *TRUE], rows)


def print_differences(draws: int) -> None:
    """Tables of the paired intervals."""
    for metric in ("accuracy", "balanced_accuracy", "precision"):
        rows = []
        for n, group, correlation in GROUPED:
            found = [of_differences(n, pair, group, correlation, draws, metric)[0] for pair in PAIRS]
            rows.append([written(n, group), correlation, *found])
        columns = ["images", WITHIN, *(f"{a} and {b}" for a, b in PAIRS)]
        table(f"Paired difference of {metric}, where the answers differ", columns, rows)
    for which, title in enumerate(("ROC AUC", "average precision, where ROC AUC is")):
        rows = []
        for n, group, correlation in GROUPED:
            found = [of_area_differences(n, auc, gain, group, correlation, draws)[which] for auc, gain in GAINS]
            rows.append([written(n, group), correlation, *found])
        columns = ["images", WITHIN, *(f"{auc} and {auc + gain:g}" for auc, gain in GAINS)]
        table(f"Paired difference of {title}", columns, rows)


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.coverage", description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=2000, help="data sets for each number of the tables of shares")
    draws = parser.parse_args().draws
    print(
        "How often 95 % intervals hold the truth. In brackets: no interval reaches .93 to .97, as the numbers of errors"
    )
    print("that are possible are too few.")
    print_shares(draws)
    print_areas(draws // 2)
    print_composites(draws // 2)
    print_differences(draws // 2)


if __name__ == "__main__":
    main()
