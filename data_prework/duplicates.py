"""Exact copies, near-duplicates, and images that are in two classes."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from data_prework.layout import RawFolderError

# Hamming distance of 256-bit perceptual hashes up to which two images count as the same. Measured on 4,000 chest
# X-rays and 4,000 concrete patches: saved again at quality 60, brightened or scaled to 80 %, an image moves by at most
# 16 bits; the two most similar X-rays of different files are 38 apart. (64-bit hashes cannot do this: at distance 6
# they call 708 of 4,000 different X-rays the same.)
NEAR = 24
CELLS = 2**21  # pairs looked at in one go: what bounds the memory


def drop_duplicates(rows: pd.DataFrame, near: int, report: Callable[[str], None]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Drop exact copies and every file of an image that is in two classes.

    Args:
        rows: one row a file, with raw, label, official, raw_sha256 and phash.
        near: bits by which the hashes of near-duplicates may differ.
        report: takes a line of the report.

    Returns:
        Rows kept, with the column cluster (see `near_clusters`), and rows dropped (raw, label, reason).

    Raises:
        RawFolderError: nothing is left of a class.
    """
    rows = rows.assign(cluster=near_clusters(hash_bits(rows["phash"]), near))
    # copies of an image in conflict are in conflict too: the whole cluster goes
    conflict = rows.groupby("cluster")["label"].transform("nunique") > 1
    # an official test image is kept rather than its copy in train
    first = rows.assign(rank=rows["official"].map({"test": 0, "val": 1}).fillna(2)).sort_values(["rank", "raw"])
    copy = first.duplicated("raw_sha256").reindex(rows.index) & ~conflict
    kept = rows[~conflict & ~copy].reset_index(drop=True)
    dropped = pd.concat(
        [
            rows[conflict].assign(reason="conflict: the same image is in two classes"),
            rows[copy].assign(reason="exact duplicate: another file has the same bytes"),
        ]
    )[["raw", "label", "reason"]]
    gone = sorted(set(rows["label"]) - set(kept["label"]))
    if gone:
        raise RawFolderError(f"every image of {', '.join(gone)} is also in another class; there is nothing to learn.")
    together = kept["cluster"].duplicated(keep=False).sum()
    report(
        f"duplicates  {int(copy.sum())} exact copies dropped, {int(conflict.sum())} files of an image in two classes "
        f"dropped, {together} images with a near-duplicate stay with it (distance <= {near} of 256 bits)"
    )
    return kept, dropped


def hash_bits(phash: pd.Series) -> np.ndarray:
    """Hexadecimal hashes of 256 bits as a (n, 4) uint64 array.

    Example:
        >>> hash_bits(pd.Series(["0" * 63 + "f"])).tolist()
        [[0, 0, 0, 15]]
    """
    data = b"".join(bytes.fromhex(text) for text in phash)
    return np.frombuffer(data, dtype=">u8").astype(np.uint64).reshape(len(phash), 4)


def near_clusters(bits: np.ndarray, distance: int = NEAR) -> np.ndarray:
    """Which images are near-duplicates of one another, also over a chain of others.

    Args:
        bits: (n, words) uint64, see `hash_bits`.
        distance: bits by which two hashes may differ.

    Returns:
        (n,) int: images with the same number belong together.

    Example:
        >>> near_clusters(np.array([[0b0000], [0b0001], [0b0011], [0b1111]], np.uint64), distance=1).tolist()
        [0, 0, 0, 1]
    """
    cluster = np.arange(len(bits))
    for pairs in near_pair_blocks(bits, distance):
        ends = cluster[pairs]
        ends = ends[ends[:, 0] != ends[:, 1]]
        if len(ends):
            graph = coo_matrix((np.ones(len(ends), np.int8), ends.T), shape=(len(bits), len(bits)))
            cluster = connected_components(graph, directed=False)[1][cluster]
    return cluster


def near_pairs(bits: np.ndarray, distance: int = NEAR) -> np.ndarray:
    """All pairs of images whose hashes differ in at most `distance` bits; there can be very many.

    Args:
        bits: (n, words) uint64, see `hash_bits`.

    Returns:
        (pairs, 2) int array with first < second, sorted.

    Example:
        >>> near_pairs(np.array([[0b0000], [0b0001], [0b0011], [0b1111]], np.uint64), distance=1).tolist()
        [[0, 1], [1, 2]]
    """
    return np.concatenate([np.empty((0, 2), dtype=int), *near_pair_blocks(bits, distance)])


def near_pair_blocks(bits: np.ndarray, distance: int = NEAR, cells: int = CELLS) -> Iterator[np.ndarray]:
    """The pairs of `near_pairs`, a part at a time: the memory stays flat however many there are.

    Args:
        bits: (n, words) uint64, see `hash_bits`.
        cells: pairs looked at in one go.
    """
    words = np.ascontiguousarray(bits.T)
    rows = max(1, cells // max(1, len(bits)))

    def block(start: int) -> np.ndarray:
        apart = np.bitwise_count(words[0, start : start + rows, None] ^ words[0, start:])
        first, second = np.nonzero(apart <= distance)  # few pairs of unlike images pass the first word
        first, second = first[second > first] + start, second[second > first] + start
        apart = np.zeros(len(first), np.uint16)
        for word in words:
            apart += np.bitwise_count(word[first] ^ word[second])
        return np.stack([first, second], axis=1)[apart <= distance]

    workers = os.cpu_count() or 1
    starts = range(0, len(bits), rows)
    with ThreadPoolExecutor(workers) as pool:
        for wave in range(0, len(starts), workers):  # not all at once: their pairs would wait in memory
            yield from pool.map(block, starts[wave : wave + workers])
