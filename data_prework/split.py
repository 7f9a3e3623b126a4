"""Splits that keep groups whole and classes in balance."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from data_prework.group import joined_by
from data_prework.take_groups import SplitError, take_groups

OFF = 0.03  # a share that misses what was asked for by more is reported
LESSON_TEST = 0.2  # share of the training groups that the lessons' own test gets


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
