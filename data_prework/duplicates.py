"""Copies, near-duplicates, and images that are in two classes."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from data_prework.compare import CORRELATION, correlations, has_structure, same_images, thumbnails
from data_prework.layout import RawFolderError

# Hamming distance of 256-bit perceptual hashes up to which the pixels of two images are compared. Measured on 4,000
# chest X-rays and 4,000 concrete patches: saved again at quality 60, brightened or scaled to 80 %, an image moves by at
# most 16 bits; the two most similar X-rays of different files are 38 apart. (64-bit hashes cannot do this: at distance
# 6 they call 708 of 4,000 different X-rays the same.)
NEAR = 24
CELLS = 2**21  # pairs looked at in one go: what bounds the memory


def drop_duplicates(
    rows: pd.DataFrame, root: Path, near: int, report: Callable[[str], None]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Drop copies, of the same bytes or encoded again, and every file of an image that is in two classes.

    Args:
        rows: one row a file, with raw, label, official, width, height, raw_sha256 and phash.
        root: folder that raw is relative to.
        near: bits by which the hashes of near-duplicates may differ.
        report: takes a line of the report.

    Returns:
        Rows kept, with the column cluster (images with the same number are near-duplicates of one another, also over a
        chain of others), and rows dropped (raw, label, reason).

    Raises:
        RawFolderError: nothing is left of a class.
    """
    # an official test image is kept rather than its copy in train
    rank = rows["official"].map({"test": 0, "val": 1}).fillna(2)
    rows = rows.assign(rank=rank).sort_values(["rank", "raw"])
    once = rows.drop_duplicates("raw_sha256")  # of files with the same bytes one is compared
    place = pd.Index(once["raw_sha256"]).get_indexer(rows["raw_sha256"])
    cluster, copy, elsewhere = _compared(once, root, near)

    copies = np.argwhere(copy >= 0)[:, 0]
    same = np.concatenate(
        [
            np.stack([items, other[items]], axis=1)
            for items, other in ((copies, copy), (np.flatnonzero(elsewhere >= 0), elsewhere))
        ]
    )
    image = join(np.arange(len(once)), same)[place]
    original = np.arange(len(once))
    for item in copies:  # in order: what it is a copy of comes before it
        original[item] = original[copy[item]]

    conflict = rows["label"].groupby(image).transform("nunique") > 1
    exact = rows.duplicated("raw_sha256") & ~conflict
    again = pd.Series(copy[place] >= 0, rows.index) & ~conflict & ~exact
    reasons = pd.Series("", rows.index)
    reasons[conflict] = "conflict: the same image is in two classes"
    reasons[exact] = "exact duplicate: another file has the same bytes"
    reasons[again] = (
        "re-encoded copy: the same image, saved again, as " + once["raw"].to_numpy()[original[place]][again]
    )
    rows = rows.assign(cluster=cluster[place], reason=reasons).drop(columns="rank").sort_index()
    kept = rows[rows["reason"] == ""].drop(columns="reason").reset_index(drop=True)
    gone = sorted(set(rows["label"]) - set(kept["label"]))
    if gone:
        raise RawFolderError(f"every image of {', '.join(gone)} is also in another class; there is nothing to learn.")
    together = kept["cluster"].duplicated(keep=False).sum()
    report(
        f"duplicates  {exact.sum()} exact copies dropped, "
        + (f"{again.sum()} re-encoded copies dropped, " if again.any() else "")
        + f"{conflict.sum()} files of an image in two classes dropped, "
        f"{together} images with a near-duplicate stay with it (distance <= {near} of 256 bits)"
    )
    return kept, rows.loc[rows["reason"] != "", ["raw", "label", "reason"]]


def _compared(rows: pd.DataFrame, root: Path, near: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For each of the rows: its cluster, the earlier row that it is a copy of, a row of another class that shows the
    same image; -1 where there is none. Only the most alike row is compared pixel by pixel, whatever their number.
    """
    paths = [root / raw for raw in rows["raw"]]
    label = pd.factorize(rows["label"])[0]
    size = rows.groupby(["width", "height"]).ngroup().to_numpy()
    cluster, copy, elsewhere = np.arange(len(rows)), _MostAlike(len(rows)), _MostAlike(len(rows))
    for pairs, difference in alike_pairs(paths, hash_bits(rows["phash"]), near):
        cluster = join(cluster, pairs)
        first, second = pairs.T
        apart = label[first] != label[second]
        copies = ~apart & (size[first] == size[second])
        copy.offer(second[copies], first[copies], difference[copies])
        elsewhere.offer(*np.concatenate([pairs[apart], pairs[apart][:, ::-1]]).T, np.tile(difference[apart], 2))
    return cluster, copy.confirmed(paths), elsewhere.confirmed(paths, changed=True)


class _MostAlike:
    """For each item the other one that is most like it, of those offered; -1 where there is none."""

    def __init__(self, count: int):
        self.other, self.least = np.full(count, -1), np.full(count, np.inf)

    def offer(self, items: np.ndarray, others: np.ndarray, difference: np.ndarray) -> None:
        order = np.lexsort((others, difference, items))
        order = order[np.flatnonzero(np.diff(items[order], prepend=-1))]  # the best of each item
        better = order[difference[order] < self.least[items[order]]]
        self.other[items[better]], self.least[items[better]] = others[better], difference[better]

    def confirmed(self, paths: list[Path], changed: bool = False) -> np.ndarray:
        """The others whose pixels are the same, see `data_prework.compare.same_image`."""
        items = np.flatnonzero(self.other >= 0)
        same = same_images([(paths[item], paths[self.other[item]]) for item in items], changed)
        return np.where(np.isin(np.arange(len(paths)), items[same]), self.other, -1)


def alike_pairs(
    paths: Sequence[Path], bits: np.ndarray, distance: int = NEAR
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Near-duplicates: pairs whose hashes are near and whose thumbnails agree in structure and color.

    Args:
        paths: of the images.
        bits: (n, words) uint64, see `hash_bits`.
        distance: bits by which two hashes may differ.

    Yields:
        A part at a time: (pairs, 2) int with first < second, and (pairs,) mean squared difference of the thumbnails.
    """
    near = np.zeros(len(bits), bool)
    for pairs in near_pair_blocks(bits, distance):
        near[pairs.ravel()] = True
    seen = np.flatnonzero(near)
    small = thumbnails([paths[i] for i in seen])
    told = has_structure(small)
    seen, small = seen[told], small[told]
    for pairs in near_pair_blocks(bits[seen], distance):
        correlation, difference = correlations(small, pairs)
        alike = correlation >= CORRELATION
        yield seen[pairs[alike]], difference[alike]


def join(cluster: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Join the clusters of pairs.

    Args:
        cluster: (n,) int from 0 to n - 1, the cluster of each item.
        pairs: (m, 2) int, items that belong together.

    Example:
        >>> join(np.arange(4), np.array([[0, 1], [1, 3]])).tolist()
        [0, 0, 1, 0]
    """
    ends = cluster[pairs]
    ends = ends[ends[:, 0] != ends[:, 1]]
    if not len(ends):
        return cluster
    graph = coo_matrix((np.ones(len(ends), np.int8), ends.T), shape=(len(cluster), len(cluster)))
    return connected_components(graph, directed=False)[1][cluster]


def hash_bits(phash: pd.Series) -> np.ndarray:
    """Hexadecimal hashes of 256 bits as a (n, 4) uint64 array.

    Example:
        >>> hash_bits(pd.Series(["0" * 63 + "f"])).tolist()
        [[0, 0, 0, 15]]
    """
    data = b"".join(bytes.fromhex(text) for text in phash)
    return np.frombuffer(data, dtype=">u8").astype(np.uint64).reshape(len(phash), 4)


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
