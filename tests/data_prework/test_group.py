"""What belongs together: patients, blocks of patches, patterns of one's own, near-duplicates."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prework.group import (
    NEAR,
    GroupError,
    by_itself,
    by_pattern,
    crack_block,
    hash_bits,
    merge,
    near_pairs,
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


@pytest.mark.parametrize("pattern, words", [("(tree", "not a regular expression"), (r"tree\d+", "no brackets")])
def test_a_pattern_that_cannot_work_is_refused_at_once(pattern, words):
    with pytest.raises(GroupError, match=words):
        by_pattern(pattern)


def test_without_a_rule_every_name_is_a_group_of_its_own():
    assert by_itself("oak", "1") != by_itself("elm", "1") != by_itself("elm", "2")


def test_hashes_become_bits_without_loss():
    text = pd.Series(["0" * 63 + "1", "8" + "0" * 63, "f" * 64])
    bits = hash_bits(text)
    assert bits.shape == (3, 4)
    assert ["".join(f"{int(word):016x}" for word in row) for row in bits] == text.tolist()
    assert hash_bits(text[:0]).shape[0] == 0


def brute_force(bits: np.ndarray, distance: int) -> set[tuple[int, int]]:
    numbers = [int("".join(f"{int(word):016x}" for word in row), 16) for row in bits]
    return {
        (i, j)
        for i in range(len(numbers))
        for j in range(i + 1, len(numbers))
        if (numbers[i] ^ numbers[j]).bit_count() <= distance
    }


@st.composite
def clusters(draw) -> np.ndarray:
    """Hashes around a few centers, up to 40 bits away: pairs on both sides of the limit."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    centers = random.integers(0, 2, (draw(st.integers(1, 4)), 256))
    rows = centers[random.integers(0, len(centers), draw(st.integers(1, 40)))]
    flips = random.random(rows.shape) < random.random((len(rows), 1)) * 0.1
    packed = np.packbits((rows ^ flips).astype(np.uint8), axis=1)
    return packed.view(">u8").astype(np.uint64)


@settings(max_examples=60, deadline=None)
@given(clusters(), st.integers(0, 40), st.integers(1, 50))
def test_near_pairs_are_those_of_a_count_by_hand_whatever_the_block_size(bits, distance, block):
    pairs = near_pairs(bits, distance, block)
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert {tuple(pair) for pair in pairs.tolist()} == brute_force(bits, distance)
    assert len(pairs) == len(brute_force(bits, distance))


def test_the_documented_distance_is_the_limit():
    bits = np.zeros((3, 4), dtype=np.uint64)
    bits[1, 0], bits[2, 3] = 2**NEAR - 1, 2 ** (NEAR + 1) - 1
    assert near_pairs(bits).tolist() == [[0, 1]]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_joined_groups_are_whole_and_no_larger_than_the_pairs_demand(data):
    names = data.draw(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=20))
    index = st.integers(0, len(names) - 1)
    pairs = np.array(data.draw(st.lists(st.tuples(index, index), max_size=10)), dtype=int).reshape(-1, 2)
    joined = merge(pd.Series(names), pairs)
    # by hand: spread the smallest name until nothing changes
    by_hand = list(names)
    for _ in range(len(names) + 1):
        links = [*pairs.tolist(), *((i, j) for i in range(len(names)) for j in range(i) if names[i] == names[j])]
        for i, j in links:
            by_hand[i] = by_hand[j] = min(by_hand[i], by_hand[j])
    assert joined.tolist() == by_hand


def test_joining_reaches_over_a_chain():
    groups = merge(pd.Series(["d", "c", "b", "a", "x"]), np.array([[0, 1], [1, 2], [2, 3]]))
    assert groups.tolist() == ["a", "a", "a", "a", "x"]
