"""Splits keep groups whole and classes in balance, and say in words when they cannot."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from data_prework.split import add_splits, split_rows
from data_prework.take_groups import SplitError, _Folds, take_groups


def rows_of(sizes: dict[str, list[int]], official: str = "") -> pd.DataFrame:
    """One group for each size, by class."""
    rows = [
        (label, f"{label}{number}")
        for label, groups in sizes.items()
        for number, n in enumerate(groups)
        for _ in range(n)
    ]
    return pd.DataFrame(rows, columns=["label", "group"]).assign(official=official)


group_sizes = st.lists(st.integers(1, 5), min_size=25, max_size=35)
tables = st.dictionaries(st.sampled_from(["ash", "elm", "oak"]), group_sizes, min_size=2).map(rows_of)


@settings(max_examples=8, deadline=None)
@given(tables, st.sampled_from([0.1, 0.2, 0.3, 0.4]), st.sampled_from([0.1, 0.15, 0.3]), st.integers(0, 1000))
def test_groups_stay_whole_classes_are_on_every_side_and_fractions_are_near(rows, test, val, seed):
    split = split_rows(rows, test, val, seed)
    assert split.groupby(rows["group"]).nunique().max() == 1
    for label, part in split.groupby(rows["label"]):
        shares = part.value_counts(normalize=True)
        slack = 0.04 + 5 / len(part)  # the largest group, and folds that are not quite the fraction
        assert set(shares.index) == {"train", "val", "test"}, label
        assert shares["test"] == pytest.approx(test, abs=slack), label
        assert shares["val"] == pytest.approx(val, abs=slack), label
    assert split_rows(rows, test, val, seed).equals(split)


@settings(max_examples=25, deadline=None)
@given(tables, st.integers(2, 8), st.integers(0, 1000))
def test_the_folds_are_those_of_the_library(rows, folds, seed):
    ours, theirs = (
        [chosen.tolist() for _, chosen in kind(folds, shuffle=True, random_state=seed).split(rows, *rows.T.values[:2])]
        for kind in (_Folds, StratifiedGroupKFold)
    )
    assert ours == theirs


@pytest.mark.parametrize("fraction", [0.08, 0.15, 0.25, 0.35, 0.4, 0.5, 0.6, 0.85])
def test_any_fraction_is_met(fraction):
    rows = rows_of({"elm": [1] * 50, "oak": [1] * 100})
    take = take_groups(rows["label"].to_numpy(), rows["group"].to_numpy(), fraction)
    for label in ("elm", "oak"):
        assert take[rows["label"] == label].mean() == pytest.approx(fraction, abs=0.03)


def test_one_large_group_does_not_spoil_the_split():
    rows = rows_of({"elm": [60] + [2] * 60, "oak": [1] * 180})
    shares = split_rows(rows).groupby(rows["label"]).value_counts(normalize=True).unstack()
    assert shares["test"].between(0.15, 0.25).all()
    assert shares["val"].between(0.1, 0.2).all()


def test_groups_that_hold_two_classes_stay_whole():
    random = np.random.default_rng(3)
    rows = pd.DataFrame({"group": random.integers(0, 60, 300).astype(str), "label": random.choice(["a", "b"], 300)})
    split = split_rows(rows.assign(official=""))
    assert split.groupby(rows["group"]).nunique().max() == 1


def test_the_seed_decides():
    rows = rows_of({"elm": [2] * 40, "oak": [2] * 40})
    assert split_rows(rows, seed=1).equals(split_rows(rows, seed=1))
    assert not split_rows(rows, seed=1).equals(split_rows(rows, seed=2))


def test_an_official_test_split_is_respected_and_only_val_is_carved():
    rows = pd.concat([rows_of({"elm": [2] * 30, "oak": [2] * 30}), rows_of({"elm": [1] * 9, "oak": [1] * 5}, "test")])
    rows = rows.reset_index(drop=True)
    rows["group"] = rows["group"].where(rows["official"] == "", "t" + rows["group"])
    split = split_rows(rows, test=0.4)
    assert (split == "test").equals(rows["official"] == "test")
    assert (split[rows["official"] == ""] == "val").mean() == pytest.approx(0.15, abs=0.04)


def test_official_train_val_and_test_stay_as_they_are():
    rows = rows_of({"elm": [1] * 12, "oak": [1] * 12})
    rows["official"] = ["train", "val", "test"] * 8
    assert split_rows(rows).tolist() == rows["official"].tolist()


def test_a_random_split_tears_groups_apart():
    rows = rows_of({"elm": [10] * 12, "oak": [10] * 12})
    torn = split_rows(rows, random=True).groupby(rows["group"]).nunique() > 1
    assert torn.mean() > 0.8
    assert split_rows(rows).groupby(rows["group"]).nunique().max() == 1


@pytest.mark.parametrize("sizes", [[50], [20, 20]])
def test_too_few_groups_are_told_in_words(sizes):
    said = rf"needs at least 3\. elm: {sum(sizes)} image\(s\) in {len(sizes)} group\(s\)"
    with pytest.raises(SplitError, match=said):
        split_rows(rows_of({"elm": sizes, "oak": [1] * 50}))


def test_which_rule_joined_the_groups_and_what_to_try_is_said():
    oak = [1] * 9
    near = rows_of({"elm": [40], "oak": oak}).assign(rule_group=[n // 5 for n in range(40)] + list("abcdefghi"))
    with pytest.raises(SplitError, match=r"the group rule makes 8, and near-duplicates join these\. Try a smaller"):
        split_rows(near)
    ruled = rows_of({"elm": [20, 20], "oak": oak}).assign(rule_group=lambda rows: rows["group"])
    with pytest.raises(SplitError, match=r"in 2 group\(s\), by the group rule\. Try a finer --group-pattern"):
        split_rows(ruled)
    many = rows_of({f"bird{n:03d}": [1, 1] for n in range(30)} | {"oak": oak})
    with pytest.raises(SplitError, match=r"bird000: 2 image.*; and 25 more classes\. Try more images of it\.$"):
        split_rows(many)


few = st.lists(st.integers(1, 4), min_size=3, max_size=6)


@settings(max_examples=40, deadline=None)
@given(st.lists(few, min_size=2, max_size=6), st.sampled_from([0.1, 0.2, 0.4]), st.integers(0, 1000))
def test_classes_of_few_groups_are_on_every_side(sizes, test, seed):
    rows = rows_of({f"bird{n}": groups for n, groups in enumerate(sizes)} | {"oak": [1] * 40})
    split = split_rows(rows, test=test, seed=seed)
    assert split.groupby(rows["group"]).nunique().max() == 1
    assert (split.groupby(rows["label"]).nunique() == 3).all()
    assert split_rows(rows, test=test, seed=seed).equals(split)


def test_hundreds_of_classes_of_ten_images_are_split_as_asked():
    rows = rows_of({f"bird{n:03d}": [1] * 10 for n in range(300)})
    shares = pd.crosstab(rows["label"], split_rows(rows), normalize="index")
    assert (shares["test"] == 0.2).all() and shares["val"].isin([0.1, 0.2]).all()


def test_other_classes_follow_the_share_that_large_groups_allow():
    rows = rows_of({"elm": [100] * 10, "oak": [1] * 1000})
    counts = split_rows(rows).groupby(rows["label"]).value_counts().unstack()
    assert counts.loc["elm"].tolist() == counts.loc["oak"].tolist()


def report_of(rows: pd.DataFrame) -> list[str]:
    said = []
    add_splits(rows.assign(raw=rows.index.astype(str)), (), 0.2, 0.15, 7, False, said.append)
    return said


def test_shares_that_groups_make_impossible_are_reported():
    assert len(report_of(rows_of({"elm": [1] * 100, "oak": [2] * 50}))) == 1
    assert report_of(rows_of({"elm": [10] * 4, "oak": [1] * 40}))[1:] == [
        "            20% test was asked for; whole groups allow: elm 25%",
        "            15% val was asked for; whole groups allow: oak 28%, elm 25%",
    ]
    sizes = {f"bird{n:02d}": [4, 4, 4] for n in range(12)}
    assert report_of(rows_of(sizes))[1].endswith(", bird04 33% and 7 more of 12 classes")


def test_too_few_images_for_a_random_split_are_told_in_words():
    with pytest.raises(SplitError, match="too few images"):
        split_rows(rows_of({"elm": [1], "oak": [1] * 50}), random=True)


def test_a_published_test_split_alone_leaves_nothing_to_choose_from():
    with pytest.raises(SplitError, match="no image left"):
        split_rows(rows_of({"elm": [1] * 9, "oak": [1] * 9}, "test"))


@pytest.mark.parametrize(
    "fractions, words",
    [
        ({"test": 0.6, "val": 0.4}, "leave nothing to train on"),
        ({"test": 1.5}, "a test fraction of 1.5"),
        ({"test": 0}, "a test fraction of 0"),
        ({"val": -0.1}, "a val fraction of -0.1"),
        ({"val": float("nan")}, "a val fraction of nan"),
    ],
)
@pytest.mark.parametrize("random", [False, True])
def test_fractions_that_cannot_be_are_refused(fractions, words, random):
    with pytest.raises(SplitError, match=words):
        split_rows(rows_of({"elm": [1] * 20, "oak": [1] * 20}), random=random, **fractions)


def test_a_column_may_be_balanced_beside_the_labels():
    kinds = np.repeat(["mono"] * 12 + ["poly"] * 18, 10)
    groups = np.repeat([f"{i:02d}" for i in range(30)], 10)
    labels = np.where(np.random.default_rng(5).random(300) < np.where(kinds == "mono", 0.5, 0.2), "bad", "good")
    rows = pd.DataFrame({"label": labels, "group": groups, "kind": kinds, "official": ""})
    split = split_rows(rows, 0.2, 0.15, balance="kind")
    assert split.groupby(rows["group"]).nunique().max() == 1
    shares = pd.crosstab(split, rows["kind"], normalize="index")["mono"]
    assert shares.between(0.3, 0.5).all(), shares
