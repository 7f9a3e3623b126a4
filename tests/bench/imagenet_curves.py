"""What ImageNet weights are worth: learning curves of a logistic regression on frozen features of three networks.

    python -m tests.bench.imagenet_curves                    every set that is prepared; writes the table of part 06
    python -m tests.bench.imagenet_curves "solar cells"      one of them, printed only

The networks are EfficientNet-Lite0 with ImageNet weights, the same with random weights, which is the control, and the
course's backbone, which learned from drawings. The features are the means of the last maps, at 128 pixels (of the
course's backbone at 64, the size that it was trained at). The regression has C = 1 / number of features for all
networks and sizes, so that nothing is chosen. Each seed draws the training images, half of each class, and the folds.

Solar cells are judged out of eight folds of modules, real X-rays on patients held out of the training folder (the
official test is not touched), the others on their test split. Intervals are those of the mean over the seeds.
"""

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pandas as pd

from data_prework.files import PROJECT, atomic_write
from data_prework.manifest import SPLITS, find_prepared, read_about
from tests.bench.frozen import KEPT, SOURCES, compute, kept
from tests.bench.solar import regression
from tests.bench.transfer import SIZES, choose

SIDES = {"ImageNet": 128, "untrained": 128, "drawings": 64}
TABLE = PROJECT / "helpers" / "models" / "pretrained" / "learning_curves.csv"
ALL = 0  # in the table: as many images as there are


@dataclass(frozen=True)
class Case:
    """A data set of the catalogue, its source, at most how many images, and how it is judged."""

    name: str
    source: str
    judged: str
    max_images: int | None = None


CASES = {
    "solar cells": Case("solar_cells", "real", "folds of modules"),
    "real X-rays": Case("chest_xray", "real", "held-out patients"),
    "real cracks": Case("concrete_cracks", "real", "test split", 3000),
    "drawn X-rays": Case("chest_xray", "embedded", "test split"),
    "drawn cracks": Case("concrete_cracks", "embedded", "test split"),
    "drawn monuments": Case("monuments", "embedded", "test split"),
}


@dataclass(frozen=True)
class Images:
    """All images of a data set in one row: labels, groups and split, (n,) each."""

    labels: np.ndarray
    groups: np.ndarray
    split: np.ndarray


def is_prepared(case: Case) -> bool:
    """Whether the images of this very source are there."""
    folder = find_prepared(case.name, case.source)
    return folder is not None and read_about(folder).source == case.source


def read(case: Case, side: int) -> tuple[np.ndarray, Images]:
    """All images (n, side, side, channels) uint8, and what is known of them."""
    from helpers.data import load_dataset

    color = "rgb" if case.name == "monuments" else "grayscale"
    data = load_dataset(case.name, side, color, max_images=case.max_images, source=case.source)
    parts = [data[split] for split in SPLITS]
    frame = pd.concat([part.frame for part in parts])
    groups = frame["module"].astype(str) if case.name == "solar_cells" else frame["group"]
    labels = np.concatenate([part.labels for part in parts])
    return np.concatenate([part.images for part in parts]), Images(
        labels, groups.to_numpy(str), frame["split"].to_numpy(str)
    )


def features(case: Case, source: str, folder: Path) -> np.ndarray:
    """(n, columns) means of the last maps, in the order of `read`."""
    side, most = SIDES[source], f"-{case.max_images}" if case.max_images else ""
    name = f"{case.name}-{case.source}-{side}-{source}-as it is{most}"
    return kept(name, lambda: compute(read(case, side)[0], source), folder).values


def judgments(case: Case, images: Images, seed: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Rows to draw training images from, and rows to judge: one pair, or a pair for each fold."""
    from sklearn.model_selection import StratifiedGroupKFold

    if case.judged == "test split":
        yield np.flatnonzero(images.split != "test"), np.flatnonzero(images.split == "test")
        return
    rows = np.flatnonzero(images.split != "test") if case.name == "chest_xray" else np.arange(len(images.labels))
    folds = StratifiedGroupKFold(8, shuffle=True, random_state=seed)
    for seen, left in folds.split(rows, images.labels[rows], images.groups[rows]):
        yield rows[seen], rows[left]
        if case.judged == "held-out patients":
            return


def curve(case: Case, images: Images, values: np.ndarray, size: int | None, seed: int) -> tuple[float, int]:
    """Area under the curve with `size` training images, and how many they were."""
    from sklearn.metrics import roc_auc_score

    logits, judged, used = np.zeros(len(values)), [], 0
    for seen, left in judgments(case, images, seed):
        rows = seen[choose(images.labels[seen], size, seed)]
        logits[left] = regression(values, images.labels, rows, 1 / values.shape[1])[left]
        judged.append(left)
        used = len(rows)
    rows = np.concatenate(judged)
    return roc_auc_score(images.labels[rows], logits[rows]), used


def curves(words: str, seeds: range, folder: Path) -> pd.DataFrame:
    """One row for each network, size and seed."""
    case = CASES[words]
    images, rows = read(case, 32)[1], []
    for source in SOURCES:
        values = features(case, source, folder)
        for size in SIZES:
            for seed in seeds:
                auc, used = curve(case, images, values, size, seed)
                rows.append(
                    {"data": words, "weights": source, "images": size or ALL, "used": used, "seed": seed, "auc": auc}
                )
    return pd.DataFrame(rows)


def summary(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean over the seeds and the 95 % t-interval of that mean, one row for each data set, network and size."""
    from scipy import stats

    found = rows.groupby(["data", "weights", "images"], sort=False)["auc"].agg(["mean", "std", "size"]).reset_index()
    reach = stats.t.ppf(0.975, found["size"] - 1) * found["std"] / np.sqrt(found["size"])
    found = found.assign(low=found["mean"] - reach, high=(found["mean"] + reach).clip(upper=1.0)).round(4)
    return found.rename(columns={"mean": "roc_auc", "size": "seeds"})[
        ["data", "weights", "images", "seeds", "roc_auc", "low", "high"]
    ]


def shown(found: pd.DataFrame) -> str:
    """The table for people: a row for each data set and network, a column for each size."""
    from helpers.metrics import markdown

    cells = [f"{row.roc_auc:.3f} ({row.low:.3f}-{row.high:.3f})" for row in found.itertuples()]
    sizes = found["images"].map(lambda size: str(size) if size else "all")
    table = found.assign(cell=cells, size=sizes).pivot(index=["data", "weights"], columns="size", values="cell")
    table = table.loc[
        list(dict.fromkeys(zip(found["data"], found["weights"], strict=True))), list(dict.fromkeys(sizes))
    ]
    table.index = [f"{data}, {weights}" for data, weights in table.index]
    return markdown(table.rename_axis("ROC AUC"))


def main() -> None:
    """Measure and print; write the table where every set is there."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.imagenet_curves", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--keep", type=Path, default=KEPT, metavar="FOLDER", help="where features are kept")
    args = parser.parse_args()
    if unknown := [name for name in args.names if name not in CASES]:
        parser.error(f"there is no {unknown[0]!r}, but {', '.join(CASES)}")
    there = [words for words in args.names or CASES if is_prepared(CASES[words])]
    found = summary(pd.concat([curves(words, range(1, args.seeds + 1), args.keep) for words in there]))
    print(shown(found))
    if missing := [words for words in args.names or CASES if words not in there]:
        print(f"\nNot prepared here: {', '.join(missing)}.")
    if there == list(CASES):
        with atomic_write(TABLE) as aside:
            found.to_csv(aside, index=False, lineterminator="\n")


if __name__ == "__main__":
    main()
