"""Near-duplicates: which pairs, which clusters, and that their number does not cost memory."""

import tracemalloc

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prework.duplicates import NEAR, drop_duplicates, hash_bits, near_clusters, near_pair_blocks, near_pairs


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
@given(clusters(), st.integers(0, 40), st.integers(1, 500))
def test_near_pairs_are_those_of_a_count_by_hand_whatever_the_block_size(bits, distance, cells):
    pairs = np.concatenate([np.empty((0, 2), int), *near_pair_blocks(bits, distance, cells)])
    assert pairs.tolist() == near_pairs(bits, distance).tolist() == sorted(pairs.tolist())
    assert (pairs[:, 0] < pairs[:, 1]).all()
    assert {tuple(pair) for pair in pairs.tolist()} == brute_force(bits, distance)
    assert len(pairs) == len(brute_force(bits, distance))


def test_the_documented_distance_is_the_limit():
    bits = np.zeros((3, 4), dtype=np.uint64)
    bits[1, 0], bits[2, 3] = 2**NEAR - 1, 2 ** (NEAR + 1) - 1
    assert near_pairs(bits).tolist() == [[0, 1]]


@settings(max_examples=60, deadline=None)
@given(clusters(), st.integers(0, 40))
def test_clusters_are_what_is_connected_by_near_pairs(bits, distance):
    found = near_clusters(bits, distance)
    by_hand = list(range(len(bits)))
    for _ in by_hand:
        for i, j in near_pairs(bits, distance):
            by_hand[i] = by_hand[j] = min(by_hand[i], by_hand[j])
    assert (np.equal.outer(found, found) == np.equal.outer(by_hand, by_hand)).all()


def test_the_memory_does_not_grow_with_the_number_of_pairs():
    bits = np.zeros((6000, 4), dtype=np.uint64)  # photos of a fixed camera: 18 million pairs, 288 MB of numbers
    tracemalloc.start()
    found = near_clusters(bits)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (found == found[0]).all() and peak < 250 * 2**20


def files(*facts: tuple[str, str, str, int]) -> pd.DataFrame:
    """Rows as the scan gives them: label, official split, content, hash."""
    rows = pd.DataFrame(facts, columns=["label", "official", "raw_sha256", "phash"])
    return rows.assign(raw=[f"{i}.jpg" for i in rows.index], phash=[f"{number:064x}" for number in rows["phash"]])


def test_copies_and_conflicts_are_dropped_and_near_duplicates_stay_together():
    far = [((1 << 60) - 1) << (60 * k) for k in range(4)]
    rows = files(
        ("elm", "", "a", far[0]),
        ("elm", "", "b", far[0] ^ 1),
        ("elm", "", "a", far[0]),
        ("oak", "", "c", far[1]),
        ("oak", "test", "c", far[1]),
        ("elm", "", "d", far[2]),
        ("oak", "", "e", far[2] ^ 3),
        ("oak", "", "f", far[3]),
    )
    said = []
    kept, dropped = drop_duplicates(rows, NEAR, said.append)
    assert kept["raw"].tolist() == ["0.jpg", "1.jpg", "4.jpg", "7.jpg"]
    assert kept["cluster"].nunique() == 3 and kept["cluster"][0] == kept["cluster"][1]
    reasons = dropped.set_index("raw")["reason"].str.split(":").str[0]
    duplicate, conflict = "exact duplicate", "conflict"
    assert reasons.to_dict() == {"2.jpg": duplicate, "3.jpg": duplicate, "5.jpg": conflict, "6.jpg": conflict}
    assert "2 exact copies dropped, 2 files of an image in two classes dropped, 2 images with" in said[0]
