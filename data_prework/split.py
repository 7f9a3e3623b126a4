"""Splits that keep groups whole and classes in balance."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from data_prework.errors import CourseError

CLOSE = 0.005  # this near to what the folds allow, no further seed is tried: each costs seconds with many groups


class SplitError(CourseError, ValueError):
    """A split that cannot be made; the message says why and what to change."""


def _deviation(take: np.ndarray, labels: np.ndarray, fraction: float) -> float:
    """How far a part is from the wanted size in every class: the largest distance, as a share of the class."""
    return max(abs(take[labels == label].mean() - fraction) for label in np.unique(labels))


def _folds(fraction: float, most: int) -> tuple[int, int]:
    """(folds, how many of them to take): close to the fraction, with few folds."""
    pairs = [(n, k) for n in range(2, most + 1) for k in range(1, n)]
    return min(pairs, key=lambda pair: (abs(pair[1] / pair[0] - fraction) + 0.002 * pair[0], pair))


def check_fractions(test: float, val: float) -> None:
    """Check that both parts and a rest for training can be had.

    Raises:
        SplitError: they can't; the message says why.
    """
    for name, fraction in (("test", test), ("val", val)):
        if not 0 < fraction < 1:
            raise SplitError(f"a {name} fraction of {fraction} cannot be split off; give a number between 0 and 1")
    if test + val >= 1:
        raise SplitError(f"test={test} and val={val} leave nothing to train on; together they must be under 1")


class _Folds(StratifiedGroupKFold):
    """scikit-learn's folds; its search for the best fold is done for all folds at once, in a sixth of the time."""

    def _find_best_fold(self, y_counts_per_fold, y_cnt, group_y_counts):
        tried = y_counts_per_fold + np.eye(self.n_splits)[:, :, None] * group_y_counts
        spread = np.std(tried / y_cnt, axis=1).mean(axis=1).tolist()
        images = y_counts_per_fold.sum(axis=1).tolist()
        best, least = 0, spread[0]
        for fold in range(1, self.n_splits):
            tie = abs(spread[fold] - least) <= 1e-8 + 1e-5 * abs(least)  # as np.isclose
            if spread[fold] < least or (tie and images[fold] < images[best]):
                best, least = fold, spread[fold]
        return best


def take_groups(labels: np.ndarray, groups: np.ndarray, fraction: float, seed: int = 7, tries: int = 5) -> np.ndarray:
    """Choose whole groups that together hold about `fraction` of every class.

    Folds of scikit-learn's StratifiedGroupKFold over a few seeds are the candidates; the one closest to the wanted
    share of every class wins, so one large group does not spoil the split.

    Args:
        labels: (n,) class of each image.
        groups: (n,) group of each image.
        fraction: wanted share, between 0 and 1.

    Returns:
        (n,) bool, True for the chosen images.

    Raises:
        SplitError: too few groups in a class, or no candidate has every class on both sides.

    Example:
        >>> labels, patients = np.array(["sick", "well"] * 20), np.repeat(np.arange(10), 4)
        >>> test = take_groups(labels, patients, 0.2)
        >>> int(test.sum()), sorted(set(patients[test]) & set(patients[~test]))
        (8, [])
    """
    if not len(labels):
        raise SplitError("there is no image left to choose from: all are in the official splits")
    groups = np.unique(groups, return_inverse=True)[1]  # numbers are compared faster than names
    needed = max(2, round(1 / min(fraction, 1 - fraction)))
    fewest = len(labels)
    for label in np.unique(labels):
        held = len(np.unique(groups[labels == label]))
        fewest = min(fewest, held)
        if held < needed:
            raise SplitError(
                f"class {label!r} has {held} group(s), too few for a part of {fraction:.0%}: "
                "whole groups go to one side. Give a larger fraction, a finer group rule, or more images."
            )
    folds, parts = _folds(fraction, min(fewest, max(needed, 20)))
    best, least = None, np.inf
    for attempt in range(tries):
        if least <= abs(parts / folds - fraction) + CLOSE:
            break
        splitter = _Folds(folds, shuffle=True, random_state=seed + attempt)
        fold = np.empty(len(labels), dtype=int)
        for k, (_, chosen) in enumerate(splitter.split(labels, labels, groups)):
            fold[chosen] = k
        for k in range(folds):
            take = (fold - k) % folds < parts
            missing = set(labels) - set(labels[take]) or set(labels) - set(labels[~take])
            deviation = _deviation(take, labels, fraction)
            if not missing and deviation < least:
                best, least = take, deviation
    if best is None:
        raise SplitError("no split has every class on both sides; the groups are too large. Give a finer group rule.")
    return best


def split_rows(
    rows: pd.DataFrame, test: float = 0.2, val: float = 0.15, seed: int = 7, random: bool = False
) -> pd.Series:
    """Assign train, val or test.

    Args:
        rows: with the columns label, group and official ("" or the split that the data set's publisher gave).
        test, val: shares of all images; `test` is not used where there is an official test split, and `val` is then
            a share of the rest.
        random: ignore the groups and draw images one by one. This leaks; it is here to show by how much.

    Returns:
        Series of "train", "val", "test", in the order of the rows.

    Raises:
        SplitError: see `take_groups`.
    """
    check_fractions(test, val)
    labels, groups = rows["label"].to_numpy(), rows["group"].to_numpy()
    split = rows["official"].to_numpy(dtype=object).copy()
    official_test, official_val = (split == "test").any(), (split == "val").any()
    split[split == ""] = "train"

    def carve(name: str, fraction: float) -> None:
        pool = np.flatnonzero(split == "train")
        if random:
            try:
                _, chosen = train_test_split(
                    np.arange(len(pool)), test_size=fraction, stratify=labels[pool], random_state=seed
                )
            except ValueError as error:
                raise SplitError(f"too few images for a part of {fraction:.0%} with every class in it") from error
        else:
            chosen = np.flatnonzero(take_groups(labels[pool], groups[pool], fraction, seed))
        split[pool[chosen]] = name

    if not official_test:
        carve("test", test)
        val = val / (1 - test)
    if not official_val:
        carve("val", val)
    return pd.Series(split, index=rows.index)


def add_splits(
    rows: pd.DataFrame,
    keep_splits: tuple[str, ...],
    test: float,
    val: float,
    seed: int,
    random: bool,
    report: Callable[[str], None],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add the column split; images whose group is also in an official test or val split are dropped from the others.

    Args:
        rows: with raw, label, group and official.
        keep_splits: the official splits that are respected.
        report: takes a line of the report.

    Returns:
        Rows kept and rows dropped (raw, label, reason).

    Raises:
        SplitError: no split can be made, or none that leaves every class something to train on.
    """
    rows = rows.assign(official=rows["official"].where(rows["official"].isin(keep_splits), ""))
    in_test = set(rows.loc[rows["official"] == "test", "group"])
    in_val = set(rows.loc[rows["official"] == "val", "group"])
    leak = ((rows["official"] != "test") & rows["group"].isin(in_test)) | (
        (rows["official"] == "") | (rows["official"] == "train")
    ) & rows["group"].isin(in_val)
    leaked = rows.loc[leak, ["raw", "label"]].assign(reason="leak: its group is also in an official test or val split")
    rows = rows[~leak].reset_index(drop=True)
    missing = set(leaked["label"]) - set(rows.loc[~rows["official"].isin(("test", "val")), "label"])
    if missing:
        raise SplitError(
            f"every training image of class {', '.join(sorted(missing))} shares a group with an official test or val "
            "image, so none may be trained on. Give a finer group rule."
        )
    rows["split"] = split_rows(rows, test, val, seed, random)
    counts = rows["split"].value_counts()
    report(
        f"split       train {counts['train']}, val {counts['val']}, test {counts['test']}"
        + (" (test as published)" if in_test else "")
        + (f", {len(leaked)} dropped because their group is in a published test or val split" if len(leaked) else "")
        + (", AT RANDOM: groups stand on two sides, so scores on it will be too good" if random else "")
    )
    return rows, leaked
