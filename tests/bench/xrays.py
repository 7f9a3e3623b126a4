"""Real chest X-rays, as well as two cores can do it: the official test, and project S2's protocol.

    python -m tests.bench.xrays --recipes       which way of training? judged by a fifth of the training patients
    python -m tests.bench.xrays --seed 1        the official test: networks by grouped cross-validation, read at the end
    python -m tests.bench.xrays --pooled        all images in one pot, a fifth for the test, patients kept together

The test folder is unlike the training folder, and patients held out of the training folder cannot show it: every
recipe ranks them nearly without a fault. So they are judged a second time with their images disturbed: stretched,
blurred, lighter or darker, noisy. That is no copy of the real shift, but it tells which network hangs on such details.
Recipe and thresholds follow from training images alone.
"""

import argparse
import os
import time
import warnings
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from data_prework.manifest import SPLITS
from tests.bench.xray_net import PLAIN, Recipe, disturbed, logits, train

CHOSEN = Recipe(epochs=24)
SHORT = replace(CHOSEN, side=48, epochs=12)
RECIPES = {
    "no changes, 48 pixels": replace(PLAIN, side=48, epochs=12),
    "shape, 48": replace(SHORT, light=0.0, blur=0.0, noise=0.0),
    "shape, light, blur, noise, 32": replace(SHORT, side=32),
    "shape, light, blur, noise, 48": SHORT,
    "shape, light, blur, noise, 64": replace(SHORT, side=64),
}
MILD = replace(CHOSEN, stretch=0.05, light=0.3, blur=0.0, noise=0.0, mixup=0.1, smoothing=0.02)
POOLED = {"mild changes": MILD, "strong changes": CHOSEN}
SIDES = (32, 48, 64)  # equally good, so the answer is the mean of one network for each
FOLDS = 5
REPORTED = "recall 0.97 on these, disturbed"  # the threshold to quote: a screening tool is set by its recall


def load(side: int):
    """(training and validation images together, test) as dictionaries of images, labels and groups."""
    from helpers.data import load_dataset

    data = load_dataset("chest_xray", side, "grayscale", source="real")
    if data.source != "real":
        raise SystemExit("The real X-rays are not prepared: python -m data_prework prepare chest_xray --from FOLDER")
    names = ("images", "labels", "groups")
    parts = [{name: getattr(data[split], name) for name in names} for split in SPLITS]
    learn = {name: np.concatenate([part[name] for part in parts[:2]]) for name in names}
    return learn, parts[2]


def probability(values: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-values))


def compare_recipes(names: list[str], epochs: int | None) -> None:
    """Print how well each recipe does on held-out patients, as their images are and disturbed."""
    from sklearn.metrics import balanced_accuracy_score, roc_auc_score
    from sklearn.model_selection import StratifiedGroupKFold

    print("| recipe | ROC AUC | ROC AUC, disturbed | balanced accuracy, disturbed | seconds |\n|---|---|---|---|---|")
    for name in names:
        recipe = replace(RECIPES[name], epochs=epochs or RECIPES[name].epochs)
        learn, _ = load(recipe.side)
        truth, begin = learn["labels"], time.perf_counter()
        folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=7).split(truth, truth, learn["groups"])
        seen, left = next(iter(folds))
        model = train(recipe, learn["images"][seen], truth[seen], seed=7)
        held = logits(model, learn["images"][left])
        rough = logits(model, disturbed(replace(CHOSEN, side=recipe.side), learn["images"][left]))
        found = roc_auc_score(truth[left], held), roc_auc_score(truth[left], rough)
        found = *found, balanced_accuracy_score(truth[left], rough >= 0)
        shown = " | ".join(f"{value:.3f}" for value in found)
        print(f"| {name} | {shown} | {time.perf_counter() - begin:.0f} |", flush=True)


def best_threshold(truth: np.ndarray, score: np.ndarray) -> float:
    """The logit with the highest balanced accuracy."""
    from sklearn.metrics import roc_curve

    false, true, cuts = roc_curve(truth, score)
    return float(cuts[np.argmax(true - false)])


def cut_for_recall(truth: np.ndarray, score: np.ndarray, recall: float) -> float:
    """The highest logit at which the recall is reached."""
    ill = np.sort(score[truth == 1])[::-1]
    return float(ill[int(np.ceil(recall * len(ill))) - 1])


def fold_answers(recipe: Recipe, fold: int, seed: int, keep: Path | None) -> dict[str, np.ndarray]:
    """Train without one fold; logits of its images (`held`), of these disturbed (`rough`), and of the `test` images."""
    from sklearn.model_selection import StratifiedGroupKFold

    path = keep and keep / f"{recipe.side}-{recipe.epochs}-{seed}-{fold}.npz"
    if path and path.is_file():
        return dict(np.load(path))
    learn, test = load(recipe.side)
    truth = learn["labels"]
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=7 + seed).split(truth, truth, learn["groups"])
    seen, left = list(folds)[fold]
    begin = time.perf_counter()
    model = train(recipe, learn["images"][seen], truth[seen], seed=100 * seed + fold)
    images = learn["images"][left]
    found = {"rows": left, "held": logits(model, images), "rough": logits(model, disturbed(recipe, images))}
    found["test"] = logits(model, test["images"])
    found["cost"] = np.array([model.count_params(), time.perf_counter() - begin])
    if path:
        keep.mkdir(parents=True, exist_ok=True)
        np.savez(path, **found)
    return found


def official(epochs: int, seed: int, keep: Path | None) -> None:
    """A network for each fold of the patients and each side; thresholds from held-out images; the test once."""
    from helpers.metrics import evaluate, markdown, score_table

    learn, test = load(SIDES[0])
    truth, groups = learn["labels"], learn["groups"]
    held, rough, answers, costs = np.zeros(len(truth)), np.zeros(len(truth)), [], []
    for side in SIDES:
        for fold in range(FOLDS):
            found = fold_answers(replace(CHOSEN, side=side, epochs=epochs), fold, seed, keep)
            held[found["rows"]] += found["held"] / len(SIDES)
            rough[found["rows"]] += found["rough"] / len(SIDES)
            answers.append(found["test"])
            costs.append(found["cost"])
    score, (weights, seconds) = np.mean(answers, axis=0, dtype=np.float64), np.sum(costs, axis=0)
    cuts = {
        "threshold 0.5": 0.0,
        "threshold of the held-out images": best_threshold(truth, held),
        "threshold of these, disturbed": best_threshold(truth, rough),
        REPORTED: cut_for_recall(truth, rough, 0.97),
        "recall 0.97 on the test itself": cut_for_recall(test["labels"], score, 0.97),
    }
    rows = {"held-out patients, threshold 0.5": evaluate(truth, probability(held), groups=groups)}
    rows["held-out patients, disturbed, threshold 0.5"] = evaluate(truth, probability(rough), groups=groups)
    for name, cut in cuts.items():
        threshold = float(probability(np.float64(cut)))
        rows[f"test, {name}"] = evaluate(test["labels"], probability(score), threshold, test["groups"])
    single = [evaluate(test["labels"], probability(one), groups=test["groups"]) for one in answers]
    sides = ", ".join(map(str, SIDES))
    print(f"{len(answers)} networks, {FOLDS} folds at {sides} pixels: {weights:,.0f} weights in all,")
    print(f"{seconds:.0f} s of training; {len(truth):,} training and {len(test['labels'])} test images.\n")
    print(markdown(score_table(rows, columns=["accuracy", "recall", "specificity", "roc_auc"])))
    print(f"\nThe threshold to quote is the one of `{REPORTED}`. It was named after the networks")
    print("of --seed 0 had been read on this test with four thresholds: accuracy .888, .896, .900, .913.")
    if seed:
        print("Recipe and rule were fixed before the networks of this table were trained; folds and networks are new.")
    for name, words in {"accuracy": "accuracy at 0.5", "roc_auc": "ROC AUC"}.items():
        values = [getattr(one, name) for one in single]
        print(f"\nEach network alone, test: {words} {min(values):.3f} to {max(values):.3f}, mean {np.mean(values):.3f}")


def accurate_cut(truth: np.ndarray, score: np.ndarray, recall: float) -> float:
    """The logit with the highest accuracy among those that reach the recall."""
    cuts = np.unique(score)
    found = [((score >= cut)[truth == 1].mean() >= recall, ((score >= cut) == truth).mean(), cut) for cut in cuts]
    return float(max(found)[2])


def pooled(epochs: int) -> None:
    """Project S2's split of all images, 64 % train, 16 % validation, 20 % test, but no patient on two sides.

    Training and test images are of one kind here, so the changes may be small: validation chooses how small. This was
    written after one network with strong changes had been read on the same test images (accuracy .947).
    """
    from sklearn.metrics import roc_auc_score

    from data_prework.take_groups import take_groups
    from helpers.metrics import evaluate, markdown, score_table

    begin, val, test = time.perf_counter(), {}, {}
    for side in SIDES[1:]:
        every = [np.concatenate(pair) for pair in zip(*(part.values() for part in load(side)), strict=True)]
        images, truth, groups = every
        sides = np.zeros(len(truth), int)
        sides[take_groups(truth, groups, 0.2)] = 2
        rest = np.flatnonzero(sides == 0)
        sides[rest[take_groups(truth[rest], groups[rest], 0.2)]] = 1
        for name, recipe in POOLED.items():
            recipe = replace(recipe, side=side, epochs=epochs)
            model = train(recipe, images[sides == 0], truth[sides == 0], seed=7)
            val[name, side], test[name, side] = (logits(model, images[sides == part]) for part in (1, 2))
            area, spent = roc_auc_score(truth[sides == 1], val[name, side]), time.perf_counter() - begin
            print(f"{name}, {side} pixels: ROC AUC on validation {area:.4f}, {spent:.0f} s", flush=True)
    means = {name: np.mean([val[name, side] for side in SIDES[1:]], axis=0) for name in POOLED}
    best = max(means, key=lambda name: roc_auc_score(truth[sides == 1], means[name]))
    score = np.mean([test[best, side] for side in SIDES[1:]], axis=0)
    cut = accurate_cut(truth[sides == 1], means[best], 0.975)
    rows = {
        words: evaluate(truth[sides == 2], probability(score), float(probability(np.float64(at))), groups[sides == 2])
        for words, at in {"threshold 0.5": 0.0, "threshold of validation, recall of 0.975 or more": cut}.items()
    }
    counts = ", ".join(f"{(sides == i).sum():,} {part}" for i, part in enumerate(("training", "validation", "test")))
    print(f"\n{counts} images; chosen on validation: {best}\n")
    columns = ["accuracy", "recall", "specificity", "false_negative_rate", "roc_auc"]
    print(markdown(score_table(rows, columns=columns)))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.xrays", description=__doc__.splitlines()[0])
    parser.add_argument("--recipes", nargs="*", metavar="RECIPE", help=f"of {', '.join(RECIPES)}")
    parser.add_argument("--pooled", action="store_true")
    parser.add_argument("--epochs", type=int, help="fewer, for a quick look")
    parser.add_argument("--seed", type=int, default=0, help="of the folds and the networks of the official test")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the answers of each network, to go on later")
    args = parser.parse_args()
    warnings.filterwarnings("ignore", message="`shuffle=True` was passed, but will be ignored")
    recipe = replace(CHOSEN, epochs=args.epochs or CHOSEN.epochs)
    if args.recipes is not None:
        compare_recipes(args.recipes or list(RECIPES), args.epochs)
    elif args.pooled:
        pooled(recipe.epochs)
    else:
        official(recipe.epochs, args.seed, args.keep)


if __name__ == "__main__":
    main()
