"""What belongs together: patients, blocks of patches, patterns of one's own, clusters of near-duplicates."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prework.group import (
    GroupError,
    by_itself,
    by_pattern,
    crack_block,
    merge,
    rule_groups,
    xray_patient,
)


@pytest.mark.parametrize(
    "stem, patient",
    [
        ("person1000_bacteria_2931", "bacteria:1000"),
        ("person1_virus_6", "virus:1"),
        ("person100_bacteria_475", "bacteria:100"),
        ("IM-0115-0001", "IM:115"),
        ("IM-0666-0001-0002", "IM:666"),
        ("NORMAL2-IM-0381-0001", "NORMAL2:381"),
        ("NORMAL2-IM-1188-0001-0002", "NORMAL2:1188"),
    ],
)
def test_a_patient_is_read_from_the_name_of_an_xray(stem, patient):
    assert xray_patient("any", stem) == patient


def test_images_of_one_child_share_a_group_and_equal_numbers_alone_do_not():
    same = ["person7_bacteria_28", "person7_bacteria_29"]
    assert len({xray_patient("PNEUMONIA", stem) for stem in same}) == 1
    different = ["person7_bacteria_28", "person7_virus_28", "IM-0007-0001", "NORMAL2-IM-0007-0001"]
    assert len({xray_patient("", stem) for stem in different}) == 4


def test_neighboring_positive_patches_form_blocks_and_negative_ones_stand_alone():
    rows = pd.DataFrame({"label": "Positive", "stem": [f"{n:05d}" for n in range(1, 1001)]})
    groups = rule_groups(rows, crack_block)
    assert groups.value_counts().tolist() == [100] * 10
    assert groups[0] == groups[99] != groups[100]
    assert rule_groups(rows.assign(label="Negative"), crack_block).is_unique


def test_a_second_copy_of_a_patch_number_is_in_the_block_of_its_number():
    assert crack_block("Positive", "10102_1") == crack_block("Positive", "10101") != crack_block("Positive", "10100")


@pytest.mark.parametrize("rule, bad", [(xray_patient, "scan_17"), (crack_block, "IMG_0017"), (crack_block, "12b")])
def test_a_name_that_the_rule_cannot_read_stops_everything_and_is_named(rule, bad):
    good = {xray_patient: "person1_virus_6", crack_block: "00001"}[rule]
    rows = pd.DataFrame({"label": ["oak"] * 9, "stem": [good] * 2 + [bad] * 7})
    with pytest.raises(GroupError) as caught:
        rule_groups(rows, rule)
    assert f"7 file name(s): oak/{bad}, " in str(caught.value)
    assert ", ..." in str(caught.value)
    assert "--group-pattern" in str(caught.value)


def test_a_pattern_names_the_group_by_its_brackets():
    rule = by_pattern(r"(tree\d+)_(north|south)?")
    assert rule("oak", "2024_tree12_north_1") == "tree12:north"
    assert rule("oak", "tree12_1") == "tree12:"
    with pytest.raises(GroupError):
        rule("oak", "bush12")


@pytest.mark.parametrize("pattern, words", [("(tree", "not a regular expression"), (r"tree\d+", "no parentheses")])
def test_a_pattern_that_cannot_work_is_refused_at_once(pattern, words):
    with pytest.raises(GroupError, match=words):
        by_pattern(pattern)


def test_without_a_rule_every_name_is_a_group_of_its_own():
    assert by_itself("oak", "1") != by_itself("elm", "1") != by_itself("elm", "2")


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_joined_groups_are_whole_and_no_larger_than_the_clusters_demand(data):
    names = data.draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=20))
    clusters = data.draw(st.lists(st.integers(0, 20), min_size=len(names), max_size=len(names)))
    joined = merge(pd.Series(names), np.array(clusters))
    # by hand: spread the smallest name until nothing changes
    by_hand = list(names)
    places = range(len(names))
    links = [(i, j) for i in places for j in range(i) if names[i] == names[j] or clusters[i] == clusters[j]]
    for _ in places:
        for i, j in links:
            by_hand[i] = by_hand[j] = min(by_hand[i], by_hand[j])
    assert joined.tolist() == by_hand


def test_joining_reaches_over_a_chain():
    groups = merge(pd.Series(["d", "c", "c", "b", "b", "a", "x"]), np.array([0, 0, 1, 1, 2, 2, 3]))
    assert groups.tolist() == ["a"] * 6 + ["x"]
