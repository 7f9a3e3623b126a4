"""What can be said of the solar cells without a network: counts, modules, and what gives the label away.

python -m tests.bench.solar_cells      the prepared data set (make solar); prints the numbers of its data card
"""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from data_prework.duplicates import alike_pairs, hash_bits
from data_prework.manifest import SPLITS
from helpers.data import load_dataset

TWIN, FIRST, COUNT = 542, 1735, 50  # cells 1735 to 1784 are cells 2277 to 2326, photographed again
DARK = 25  # mean gray level below which hardly anything is to be seen


def cells(side: int = 64) -> tuple[pd.DataFrame, np.ndarray]:
    """The manifest in the order of the cells' numbers, with the columns number and defective, and their images.

    Args:
        side: of the images, in pixels.

    Returns:
        (n rows), and (n, side, side) float.
    """
    data = load_dataset("solar_cells", side, color_mode="grayscale")
    frame = pd.concat([data[split].frame for split in SPLITS], ignore_index=True)
    images = np.concatenate([data[split].images[..., 0] for split in SPLITS]).astype(float)
    frame = frame.assign(
        number=frame["path"].str.extract(r"cell(\d+)")[0].astype(int),
        defective=(frame["label"] == "defective").astype(int),
        file=[data.folder / path for path in frame["path"]],
    )
    order = np.argsort(frame["number"].to_numpy())
    return frame.iloc[order].reset_index(drop=True), images[order]


def rate_of_the_others(frame: pd.DataFrame) -> np.ndarray:
    """Share of defective cells in each cell's module, without the cell itself."""
    of = frame.groupby("module")["defective"]
    return ((of.transform("sum") - frame["defective"]) / (of.transform("count") - 1)).to_numpy()


def main() -> None:
    """Print the numbers."""
    frame, images = cells()
    defective, modules = frame["defective"].to_numpy(), frame.groupby("module")
    rates, darkness = modules["defective"].mean(), -images.mean(axis=(1, 2))
    print(frame.groupby(["cell_type", "soft_label"]).size().unstack().to_string(), "\n")
    split = frame.groupby("split")
    table = split.agg(
        cells=("number", "size"), modules=("module", "nunique"), groups=("group", "nunique"),
        defective=("defective", "mean"), mono=("cell_type", lambda kind: (kind == "mono").mean()),
    ).loc[list(SPLITS)]  # fmt: skip
    print(table.round(3).to_string(), "\n")
    between = (modules.size() * (rates - defective.mean()) ** 2).sum() / len(frame) / defective.var()
    dark = -darkness < DARK
    print(f"defective {defective.mean():.3f}; modules {len(rates)}, rates {rates.min():.2f} to {rates.max():.2f}")
    print(f"share of the label's variance between modules {between:.2f}")
    print(f"AUC of the module's rate, the cell left out {roc_auc_score(defective, rate_of_the_others(frame)):.3f}")
    print(f"AUC of darkness {roc_auc_score(defective, darkness):.3f}; inside modules {_inside(frame, darkness):.3f}")
    print(f"mean gray level under {DARK}: {dark.sum()} cells, {defective[dark].sum()} of them defective")
    _print_twins(frame, images)
    groups = frame.groupby("group")["module"].unique()
    print("groups of several modules:", [sorted(map(int, one)) for one in groups if len(one) > 1])
    files, bits = frame["file"].tolist(), hash_bits(frame["phash"])
    pairs = np.concatenate([pairs for pairs, _ in alike_pairs(files, bits)])
    number, module = frame["number"].to_numpy()[pairs], frame["module"].to_numpy()[pairs]
    across = (module[:, 0] != module[:, 1]) & (number[:, 1] - number[:, 0] != TWIN)
    print(f"near-duplicate pairs {len(pairs)}, of two modules and not the same cell {across.sum()}")


def _inside(frame: pd.DataFrame, score: np.ndarray) -> float:
    """Share of pairs, defective and functional in one module, that a score orders rightly."""
    right = total = 0.0
    for rows in frame.groupby("module").indices.values():
        labels, values = frame["defective"].to_numpy()[rows], score[rows]
        pairs = labels.sum() * (1 - labels).sum()
        if pairs:
            right, total = right + pairs * roc_auc_score(labels, values), total + pairs
    return right / total


def _print_twins(frame: pd.DataFrame, images: np.ndarray) -> None:
    one = frame.iloc[FIRST - 1 : FIRST - 1 + COUNT].reset_index(drop=True)
    other = frame.iloc[FIRST - 1 + TWIN : FIRST - 1 + TWIN + COUNT].reset_index(drop=True)
    # what the cells of each photograph have in common, such as the wires, is taken off
    flat = [images[rows["number"] - 1].reshape(COUNT, -1) for rows in (one, other)]
    flat = [part - part.mean(axis=0) for part in flat]
    near = np.corrcoef(np.concatenate(flat))[:COUNT, COUNT:]
    differ = one["soft_label"] != other["soft_label"]
    own = np.diag(near)
    print(
        f"cells {FIRST} to {FIRST + COUNT - 1} and those {TWIN} further: of {COUNT} each is most like its own in "
        f"{(near.argmax(axis=1) == np.arange(COUNT)).sum()}, median correlation {np.median(own):.2f} (with others "
        f"{np.median(near[~np.eye(COUNT, dtype=bool)]):.2f}); {differ.sum()} pairs with another probability, "
        f"{(one['defective'] != other['defective']).sum()} with another class"
    )


if __name__ == "__main__":
    main()
