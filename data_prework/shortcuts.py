"""Can the class be guessed without looking at the image? Encoding, size and color mode per class."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import binomtest

WARN_AT = 0.85  # balanced accuracy of a rule that looks at the file only
CHANCE = 0.01  # of any such warning where the files tell nothing: with many small classes some rule always fits
SHOWN = 10  # classes, and warnings, that get a line each


def file_features(rows: pd.DataFrame) -> pd.DataFrame:
    """What a file tells before it is decoded.

    Args:
        rows: with encoding, width, height and bytes, as in a manifest.

    Returns:
        JPEG quality (NaN where it has none), width and height in pixels, and bytes per pixel.
    """
    quality = rows["encoding"].str.extract(r"q(\d+)$")[0].astype(float)
    pixels = rows["width"] * rows["height"]
    return pd.DataFrame(
        {
            "JPEG quality": quality,
            "width": rows["width"].astype(float),
            "height": rows["height"].astype(float),
            "bytes per pixel": rows["bytes"] / pixels,
        }
    )


def best_cut(values: np.ndarray, positive: np.ndarray) -> tuple[float, float, bool]:
    """The best rule "positive where value >= cut" or its opposite.

    Args:
        values: (n,) numbers.
        positive: (n,) True and False or 1 and 0, both kinds present.

    Returns:
        (balanced accuracy, cut, True where the positive class lies at or above the cut).

    Example:
        >>> best_cut(np.array([1.0, 2.0, 8.0, 9.0]), np.array([False, False, True, True]))
        (1.0, 5.0, True)
    """
    values, positive = np.asarray(values), np.asarray(positive, dtype=bool)
    order = np.argsort(values, kind="stable")
    ranked, hits = values[order], positive[order]
    ends = np.r_[np.flatnonzero(np.diff(ranked)), len(ranked) - 1]  # last index of each run of equal values
    below_positive = np.cumsum(hits)[ends] / hits.sum()
    below_negative = np.cumsum(~hits)[ends] / (~hits).sum()
    score = 0.5 + (below_negative - below_positive) / 2  # of "positive above"
    i = int(np.argmax(np.abs(score - 0.5)))
    cut = (ranked[ends[i]] + ranked[ends[i] + 1]) / 2 if ends[i] + 1 < len(ranked) else np.inf
    return float(max(score[i], 1 - score[i])), float(cut), bool(score[i] >= 0.5)


def per_class(rows: pd.DataFrame) -> pd.DataFrame:
    """Median and most common value of each file property, one row a class."""
    table = file_features(rows).groupby(rows["label"]).median().round(2)
    table["most common encoding"] = rows.groupby("label")["encoding"].agg(lambda column: column.mode().iloc[0])
    modes = rows.groupby("label")["mode"].agg(
        lambda column: ", ".join(f"{mode} {count / len(column):.0%}" for mode, count in column.value_counts().items())
    )
    return table.assign(**{"color modes": modes})


def warnings_for(rows: pd.DataFrame) -> list[str]:
    """Sentences about file properties that predict the class, for the rows of the training split.

    Args:
        rows: with label, width, height, mode, encoding, bytes; with more than two classes each stands against the rest.
    """
    said = []
    counts = rows["label"].value_counts()
    labels = sorted(counts.index)
    for name, column in file_features(rows).items():
        if column.isna().any() or column.nunique() < 2:
            continue
        for label in labels[1:] if len(labels) == 2 else labels:
            score, cut, above = best_cut(column.to_numpy(), (rows["label"] == label).to_numpy())
            distance, positive = 2 * score - 1, counts[label]
            chance = 2 * np.exp(-2 * distance**2 * positive * (len(rows) - positive) / len(rows))  # Kolmogorov-Smirnov
            if score >= WARN_AT and chance * 4 * len(labels) < CHANCE:
                side = "at least" if above else "under"
                said.append(
                    f"{name} alone gives the class away: '{name} {side} {cut:.4g} means {label}' is right in "
                    f"{score:.1%} of the training files (balanced accuracy)."
                )
    kinds = {"color mode": rows["mode"], "file format": rows["encoding"].str.split().str[0]}
    for what, kind, part in [(what, kind, part) for what, by in kinds.items() for kind, part in rows.groupby(by)]:
        label, count = part["label"].value_counts().index[0], part["label"].value_counts().iloc[0]
        share = (rows["label"] == label).mean()
        others = len(part) - count
        balanced = (1 + count / (share * len(rows)) - others / max(1, (1 - share) * len(rows))) / 2
        pure = others == 0 and len(part) < len(rows) and binomtest(count, count, share).pvalue < 0.001
        if pure:
            said.append(f"{what} {kind} gives the class away: all {count} such training files are {label}.")
        elif balanced >= WARN_AT:
            said.append(f"{what} {kind} gives the class away: {count} of {len(part)} such training files are {label}.")
    return said


def report_shortcuts(rows: pd.DataFrame, report: Callable[[str], None]) -> None:
    """Tell encoding, size and color mode per class, and warn where one of them predicts the class."""
    train = rows[rows["split"] == "train"]
    many = rows["label"].nunique() > SHOWN
    table = per_class(train.assign(label=f"{rows['label'].nunique()} classes") if many else train)
    for label, facts in table.iterrows():
        report(
            f"files       {label}: median {facts['width']:.0f} x {facts['height']:.0f} pixels, mostly "
            f"{facts['most common encoding']}, color modes {facts['color modes']}"
        )
    warnings = warnings_for(train)
    for warning in warnings[:SHOWN]:
        report(f"WARNING     {warning}")
    if len(warnings) > SHOWN:
        report(f"WARNING     and {len(warnings) - SHOWN} more of this kind")
