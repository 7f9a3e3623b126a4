"""Splits that keep groups whole and classes in balance."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from sklearn.model_selection import StratifiedGroupKFold, train_test_split

from data_prework.errors import CourseError
from data_prework.group import joined_by

# Largest difference of a class's share between a split and all images that are split here, beyond the one image by
# which whole numbers miss any share.
BALANCE = 0.1
# Difference from which the other classes follow the coarsest one, a little before BALANCE is reached.
NEARLY = 0.08
OFF = 0.03  # a share that misses what was asked for by more is reported
LESSON_TEST = 0.2  # share of the training groups that the lessons' own test gets
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


def take_groups(
    labels: np.ndarray, groups: np.ndarray, fraction: float, seed: int = 7, tries: int = 5, leave: int = 1
) -> np.ndarray:
    """Choose whole groups that together hold about `fraction` of every class.

    Folds of scikit-learn's StratifiedGroupKFold over a few seeds are the candidates; the one closest to the wanted
    share of every class wins, so one large group does not spoil the split. Classes of fewer groups than folds get the
    number of groups that comes nearest, at least one.

    Args:
        labels: (n,) class of each image.
        groups: (n,) group of each image.
        fraction: wanted share, between 0 and 1.
        leave: groups of each class that are not to be chosen.

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
    names, labels = np.unique(labels, return_inverse=True)
    groups = np.unique(groups, return_inverse=True)[1]
    held = pd.DataFrame({"label": labels, "group": groups}).groupby("label")["group"].nunique().to_numpy()
    if held.min() <= leave:
        raise SplitError(
            f"class {names[held.argmin()]!r} has {held.min()} group(s) to choose from and needs {leave + 1}: whole "
            "groups go to one side. Give other fractions, a finer group rule, or more images."
        )
    needed = max(2, leave + 1, round(1 / min(fraction, 1 - fraction)), math.ceil((leave + 1) / (1 - fraction)))
    # a group goes the way of the smallest class in it
    by_few = np.isin(groups, groups[held[labels] < needed])
    take = np.zeros(len(labels), bool)
    take[by_few] = _take_few(labels[by_few], groups[by_few], fraction, seed, leave)
    rest = ~by_few
    if rest.any():
        take[rest] = _take_folds(labels[rest], groups[rest], fraction, seed, tries, needed)
    counts, taken = (np.bincount(labels[part], minlength=len(held)) for part in (slice(None), take))
    if not ((taken > 0) & (taken < counts)).all():
        raise SplitError("no split has every class on both sides; the groups are too large. Give a finer group rule.")
    return _balanced(take, labels, groups, fraction, seed, leave)


def _take_few(labels: np.ndarray, groups: np.ndarray, fraction: float, seed: int, leave: int) -> np.ndarray:
    """For classes of few groups, the one with the fewest first: groups in random order, as long as it comes nearer."""
    images = pd.DataFrame({"label": labels, "group": groups}).groupby(["label", "group"]).size()
    taken: set[int] = set()
    settled: set[int] = set()
    random = np.random.default_rng(seed)
    parts = {label: part.droplevel(0) for label, part in images.groupby(level=0)}
    for part in sorted(parts.values(), key=len):
        chosen = [group for group in part.index if group in taken]
        free = [group for group in part.index if group not in settled]
        count = part[chosen].sum()
        for group in random.permutation(free):
            nearer = abs(count + part[group] - fraction * part.sum()) < abs(count - fraction * part.sum())
            if len(chosen) < len(part) - leave and (nearer or not chosen):
                chosen.append(group)
                count += part[group]
        taken |= set(chosen)
        settled |= set(part.index)
    return np.isin(groups, list(taken))


def _take_folds(
    labels: np.ndarray, groups: np.ndarray, fraction: float, seed: int, tries: int, needed: int
) -> np.ndarray:
    fewest = pd.DataFrame({"label": labels, "group": groups}).groupby("label")["group"].nunique().min()
    folds, parts = _folds(fraction, max(2, min(fewest, max(needed, 20))))
    best, least = np.zeros(len(labels), bool), np.inf
    for attempt in range(tries):
        if least <= abs(parts / folds - fraction) + CLOSE:
            break
        splitter = _Folds(folds, shuffle=True, random_state=seed + attempt)
        fold = np.empty(len(labels), dtype=int)
        for k, (_, chosen) in enumerate(splitter.split(labels, labels, groups)):
            fold[chosen] = k
        for k in range(folds):
            take = (fold - k) % folds < parts
            deviation = _deviation(take, labels, fraction)
            if deviation < least and _deviation(take, labels, 0) < 1 and _deviation(take, labels, 1) < 1:
                best, least = take, deviation
    return best


def _balanced(
    take: np.ndarray, labels: np.ndarray, groups: np.ndarray, fraction: float, seed: int, leave: int
) -> np.ndarray:
    """Where the groups of one class are too large for the fraction, let the other classes follow the share it got."""
    counts = np.bincount(labels)
    taken = np.bincount(labels[take], minlength=len(counts))
    if _imbalance(taken, counts) <= NEARLY:  # always, where there are very many classes
        return take
    table = coo_matrix((np.ones(len(labels), int), (groups, labels))).toarray()  # images by group and class
    chosen = np.bincount(groups[take], minlength=len(table)) > 0
    coarse = (table.max(axis=0) / counts).argmax()
    goal = np.clip(taken[coarse] / counts[coarse], fraction / 2, 2 * fraction) * counts
    pure = np.flatnonzero((table > 0).sum(axis=1) == 1)
    for group in np.random.default_rng(seed).permutation(pure):
        label = table[group].argmax()
        after = taken + (-table[group] if chosen[group] else table[group])
        nearer = abs(after[label] - goal[label]) < abs(taken[label] - goal[label])
        if label != coarse and nearer and _may_change(table, chosen, leave, np.array([group]))[0]:
            taken, chosen[group] = after, not chosen[group]
    for _ in range(len(table)):  # what is left of it: change one group at a time, the best first
        if _imbalance(taken, counts) <= NEARLY:
            break
        after = taken + np.where(chosen, -1, 1)[:, None] * table
        misses = _imbalance(after, counts) + np.abs(after.sum(axis=1) / table.sum() - fraction) / 2
        misses[~_may_change(table, chosen, leave, np.arange(len(table)))] = np.inf
        best = misses.argmin()
        if misses[best] >= _imbalance(taken, counts) + abs(taken.sum() / table.sum() - fraction) / 2:
            break
        taken, chosen[best] = after[best], not chosen[best]
    return chosen[groups]


def _imbalance(taken: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Largest difference of a class's share between chosen images, (..., classes), and all."""
    shares = taken / np.maximum(taken.sum(axis=-1, keepdims=True), 1)
    return np.abs(shares - counts / counts.sum()).max(axis=-1)


def _may_change(table: np.ndarray, chosen: np.ndarray, leave: int, which: np.ndarray) -> np.ndarray:
    """Whether every class keeps a group chosen, and `leave` groups not chosen, if one of the groups changes side."""
    there = table > 0
    after = there[chosen].sum(axis=0) + np.where(chosen[which], -1, 1)[:, None] * there[which]
    return (~there[which] | ((after >= 1) & (after <= there.sum(axis=0) - leave))).all(axis=1)


def split_rows(
    rows: pd.DataFrame, test: float = 0.2, val: float = 0.15, seed: int = 7, random: bool = False, balance: str = ""
) -> pd.Series:
    """Assign train, val or test.

    Args:
        rows: with the columns label, group and official ("" or the split that the data set's publisher gave).
        test, val: shares of all images; `test` is not used where there is an official test split, and `val` is then
            a share of the rest.
        random: ignore the groups and draw images one by one. This leaks; it is here to show by how much.
        balance: a column whose values all splits get alike, as they do the labels; "" for none.

    Returns:
        Series of "train", "val", "test", in the order of the rows.

    Raises:
        SplitError: classes have too few groups, all of them named; or see `take_groups`.
    """
    check_fractions(test, val)
    if balance:
        rows = rows.assign(label=rows["label"] + ", " + rows[balance].astype(str))
    labels, groups = rows["label"].to_numpy(), rows["group"].to_numpy()
    split = rows["official"].to_numpy(dtype=object).copy()
    split[split == ""] = "train"
    wanted = [(name, share) for name, share in (("test", test), ("val", val)) if not (split == name).any()]
    if not random and wanted:
        _check_groups(rows[split == "train"], [name for name, _ in wanted])

    used = 0.0
    for left, (name, share) in zip(range(len(wanted), 0, -1), wanted, strict=True):
        pool, fraction = np.flatnonzero(split == "train"), share / (1 - used)
        if random:
            try:
                _, chosen = train_test_split(
                    np.arange(len(pool)), test_size=fraction, stratify=labels[pool], random_state=seed
                )
            except ValueError as error:
                raise SplitError(f"too few images for a part of {fraction:.0%} with every class in it") from error
        else:
            chosen = np.flatnonzero(take_groups(labels[pool], groups[pool], fraction, seed, leave=left))
        split[pool[chosen]] = name
        used = share
    return pd.Series(split, index=rows.index)


def lesson_test(rows: pd.DataFrame, share: float = LESSON_TEST, seed: int = 7) -> np.ndarray:
    """Choose the images of the lesson test: whole groups of the training part, the same ones every time.

    Lessons are judged on them, so that the test split stays sealed until a case study opens it.

    Args:
        rows: of a manifest, with the columns label, group and split.
        share: of the training images of every class, between 0 and 1.

    Returns:
        (n,) bool, True for its images; all of them are of the split "train".

    Raises:
        SplitError: a class has only one group to train on.

    Example:
        >>> rows = pd.DataFrame({"label": ["sick", "well"] * 20, "group": np.repeat(np.arange(10), 4)})
        >>> rows["split"] = ["train"] * 28 + ["test"] * 12
        >>> chosen = lesson_test(rows, 0.3)
        >>> sorted(rows.loc[chosen, "split"].unique()), int(chosen.sum())
        (['train'], 8)
    """
    train = np.flatnonzero(rows["split"] == "train")
    chosen = np.zeros(len(rows), bool)
    labels, groups = (rows[name].to_numpy(str)[train] for name in ("label", "group"))
    chosen[train] = take_groups(labels, groups, share, seed)
    return chosen


def _check_groups(rows: pd.DataFrame, wanted: list[str]) -> None:
    """Refuse classes with fewer groups than sides; say what joined their images, and what to try."""
    sides = len(wanted) + 1
    held = rows.groupby("label")["group"].nunique()
    few = held[held < sides].index
    if not len(few):
        return
    facts = [joined_by(rows[rows["label"] == label]) for label in few[:5]]
    more = f"; and {len(few) - 5} more classes" if len(few) > 5 else ""
    hints = dict.fromkeys(hint for _, hint in facts)
    raise SplitError(
        f"too few groups for {', '.join(['train', *wanted[::-1]])}, and whole groups go to one side: "
        f"every class needs at least {sides}. {'; '.join(fact for fact, _ in facts)}{more}. Try {' or '.join(hints)}."
    )


def add_splits(
    rows: pd.DataFrame,
    keep_splits: tuple[str, ...],
    test: float,
    val: float,
    seed: int,
    random: bool,
    report: Callable[[str], None],
    balance: str = "",
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Add the column split; images whose group is also in an official test or val split are dropped from the others.

    Args:
        rows: with raw, label, group and official.
        keep_splits: the official splits that are respected.
        report: takes a line of the report.
        balance: see `split_rows`.

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
    rows["split"] = split_rows(rows, test, val, seed, random, balance)
    counts = rows["split"].value_counts()
    report(
        f"split       train {counts['train']}, val {counts['val']}, test {counts['test']}"
        + (" (test as published)" if in_test else "")
        + (f", {len(leaked)} dropped because their group is in a published test or val split" if len(leaked) else "")
        + (", AT RANDOM: groups are on both sides, so scores will be too optimistic" if random else "")
    )
    for name, asked in (("test", test), ("val", val)):
        if name not in set(rows["official"]):
            _report_shares(rows[rows["official"] != "test"], name, asked, report)
    return rows, leaked


def _report_shares(rows: pd.DataFrame, name: str, asked: float, report: Callable[[str], None]) -> None:
    """Say which classes could not get the share that was asked for, and what they got."""
    reached = (rows["split"] == name).groupby(rows["label"]).mean()
    off = (reached - asked).abs()
    off = off[off > OFF].sort_values(ascending=False, kind="stable")
    if len(off):
        shown = ", ".join(f"{label} {reached[label]:.0%}" for label in off.index[:5])
        more = f" and {len(off) - 5} more of {len(reached)} classes" if len(off) > 5 else ""
        report(f"            {asked:.0%} {name} was asked for; whole groups allow: {shown}{more}")
