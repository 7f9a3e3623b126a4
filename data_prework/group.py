"""Which images belong together: exact copies, near-duplicates, and the rules that read a group from a file name."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from data_prework.errors import CourseError

# Hamming distance of 256-bit perceptual hashes up to which two images count as the same. Measured on 4,000 chest
# X-rays and 4,000 concrete patches: saved again at quality 60, brightened or scaled to 80 %, an image moves by at most
# 16 bits; the two most similar X-rays of different files are 38 apart. (64-bit hashes cannot do this: at distance 6
# they call 708 of 4,000 different X-rays the same.)
NEAR = 24

_PNEUMONIA = re.compile(r"^person(\d+)_(bacteria|virus)_(\d+)", re.I)
_NORMAL = re.compile(r"^(?:(NORMAL\d+)-)?IM-(\d+)-(\d+)", re.I)
_NUMBERED = re.compile(r"^(\d+)(?:_\d+)?$")


class GroupError(CourseError, ValueError):
    """A file name from which the rule cannot read a group; the message lists such names."""


def xray_patient(label: str, stem: str) -> str:
    """Patient of a chest X-ray from its file name: (bacteria|virus, number) or (IM|NORMAL2, number).

    The number alone is the wrong key: series are numbered separately in each folder, so `person12` of train and
    `person12` of test are two children.
    """
    if match := _PNEUMONIA.match(stem):
        return f"{match[2].lower()}:{int(match[1])}"
    if match := _NORMAL.match(stem):
        return f"{(match[1] or 'IM').upper()}:{int(match[2])}"
    raise GroupError(stem)


def crack_block(label: str, stem: str, size: int = 100) -> str:
    """Block of neighboring numbers for Positive patches, which were cut in order from the same photos.

    Negative patches are in no such order: each is a group of its own.
    """
    match = _NUMBERED.match(stem)
    if not match:
        raise GroupError(stem)
    number = int(match[1])
    if label.lower().startswith("pos"):
        return f"positive:{(number - 1) // size:04d}"
    return f"negative:{stem}"


def by_itself(label: str, stem: str) -> str:
    """No rule: every image is a group of its own (near-duplicates are still put together)."""
    return f"{label}:{stem}"


def by_pattern(pattern: str) -> Callable[[str, str], str]:
    """A rule from a regular expression: its bracketed groups, joined, name the group of an image.

    Raises:
        GroupError: the expression is not valid or has no bracketed group.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise GroupError(f"the group pattern {pattern!r} is not a regular expression: {error}") from error
    if not expression.groups:
        raise GroupError(
            f"the group pattern {pattern!r} has no brackets; put them around the part that names the group"
        )

    def rule(label: str, stem: str) -> str:
        match = expression.search(stem)
        if not match or not any(match.groups()):
            raise GroupError(stem)
        return ":".join(part or "" for part in match.groups())

    return rule


def rule_groups(rows: pd.DataFrame, rule: Callable[[str, str], str]) -> pd.Series:
    """Apply a rule to all rows, all classes at once.

    Args:
        rows: with the columns label and stem (file name without its ending).

    Raises:
        GroupError: names the first files that the rule cannot read.
    """
    groups, unread = [], []
    for label, stem in zip(rows["label"], rows["stem"], strict=True):
        try:
            groups.append(rule(label, stem))
        except GroupError:
            unread.append(f"{label}/{stem}")
            groups.append("")
    if unread:
        shown = ", ".join(unread[:5]) + (", ..." if len(unread) > 5 else "")
        raise GroupError(
            f"no group can be read from {len(unread)} file name(s): {shown}. Rename them as the data set names its "
            "files, or give --group-pattern with a regular expression that fits (see --help)."
        )
    return pd.Series(groups, index=rows.index)


def hash_bits(phash: pd.Series) -> np.ndarray:
    """Hexadecimal hashes as a (n, 4) uint64 array."""
    data = b"".join(bytes.fromhex(text) for text in phash)
    return np.frombuffer(data, dtype=">u8").astype(np.uint64).reshape(len(phash), 4)


def near_pairs(bits: np.ndarray, distance: int = NEAR, block: int = 256) -> np.ndarray:
    """All pairs of rows whose hashes differ in at most `distance` bits.

    Args:
        bits: (n, words) uint64, see `hash_bits`.
        block: rows compared at once; keeps the memory flat.

    Returns:
        (pairs, 2) int array with first < second.
    """
    pairs = [np.empty((0, 2), dtype=int)]
    for start in range(0, len(bits), block):
        here = bits[start : start + block]
        apart = np.zeros((len(here), len(bits) - start), dtype=np.uint16)
        for word in range(bits.shape[1]):
            apart += np.bitwise_count(here[:, word, None] ^ bits[None, start:, word])
        first, second = np.nonzero(apart <= distance)
        later = second > first
        pairs.append(np.stack([first[later], second[later]], axis=1) + start)
    return np.concatenate(pairs)


def merge(labels: pd.Series, pairs: np.ndarray) -> pd.Series:
    """Join groups that share a near-duplicate pair; a joined group takes its first name in sorted order."""
    codes, names = pd.factorize(labels, sort=True)
    if len(pairs):
        a, b = codes[pairs[:, 0]], codes[pairs[:, 1]]
        graph = coo_matrix((np.ones(len(a)), (a, b)), shape=(len(names), len(names)))
        _, component = connected_components(graph, directed=False)
        first = pd.Series(np.arange(len(names))).groupby(component).transform("min").to_numpy()
        codes = first[codes]
    return pd.Series(np.asarray(names)[codes], index=labels.index)
