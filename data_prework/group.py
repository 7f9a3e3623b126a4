"""Which images belong together: the rules that read a group from a file name."""

import re
from bisect import bisect
from collections.abc import Callable
from itertools import accumulate

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from data_prework.errors import CourseError

_PNEUMONIA = re.compile(r"^person(\d+)_(bacteria|virus)_(\d+)", re.I)
_NORMAL = re.compile(r"^(?:(NORMAL\d+)-)?IM-(\d+)-(\d+)", re.I)
_NUMBERED = re.compile(r"^(\d+)(?:_\d+)?$")
_CELL = re.compile(r"^cell(\d+)$")
# Cells of the 44 modules of elpv-dataset in the order of its files. The package doesn't say them: they follow from runs
# of one cell type, from modules of 60 cells, and from the one module that is there twice (cells 1735 to 1784 and 2277
# to 2326, the same cells in the same order), which is also the one of 50 cells. In doubt is the end of the one of 54:
# cells 1247 to 1254 may belong to the next. See the data card.
SOLAR_MODULES = (*[60] * 20, 54, *[60] * 8, 50, *[60] * 6, 72, *[60] * 3, 48, *[60] * 3)
_LAST_CELLS = tuple(accumulate(SOLAR_MODULES))


class GroupError(CourseError, ValueError):
    """A file name from which the rule cannot read a group; the message lists such names."""


def xray_patient(label: str, stem: str) -> str:
    """Patient of a chest X-ray from its file name: (bacteria|virus, number) or (IM|NORMAL2, number).

    The number alone is the wrong key: series are numbered separately in each folder, so `person12` of train and
    `person12` of test are two children.

    Raises:
        GroupError: the name is of another kind.

    Example:
        >>> xray_patient("PNEUMONIA", "person1000_bacteria_2931"), xray_patient("NORMAL", "NORMAL2-IM-0381-0001")
        ('bacteria:1000', 'NORMAL2:381')
    """
    if match := _PNEUMONIA.match(stem):
        return f"{match[2].lower()}:{int(match[1])}"
    if match := _NORMAL.match(stem):
        return f"{(match[1] or 'IM').upper()}:{int(match[2])}"
    raise GroupError(stem)


def crack_block(label: str, stem: str, size: int = 100) -> str:
    """Block of neighboring numbers for Positive patches, which were cut in order from the same photos.

    Negative patches are in no such order: each is a group of its own.

    Args:
        size: numbers in a block.

    Raises:
        GroupError: the name is no number.

    Example:
        >>> crack_block("Positive", "00101"), crack_block("Negative", "00101")
        ('positive:0001', 'negative:00101')
    """
    match = _NUMBERED.match(stem)
    if not match:
        raise GroupError(stem)
    number = int(match[1])
    if label.lower().startswith("pos"):
        return f"positive:{(number - 1) // size:04d}"
    return f"negative:{stem}"


def solar_module(label: str, stem: str) -> str:
    """Module of a solar cell of elpv-dataset: its photographs are numbered module by module.

    Raises:
        GroupError: the name is of another kind, or its number is none of the data set's.

    Example:
        >>> solar_module("functional", "cell0060"), solar_module("defective", "cell0061")
        ('module:01', 'module:02')
    """
    match = _CELL.match(stem)
    if not match or not 1 <= int(match[1]) <= _LAST_CELLS[-1]:
        raise GroupError(stem)
    return f"module:{bisect(_LAST_CELLS, int(match[1]) - 1) + 1:02d}"


def by_itself(label: str, stem: str) -> str:
    """No rule: every image is a group of its own (near-duplicates are still put together)."""
    return f"{label}:{stem}"


def by_pattern(pattern: str) -> Callable[[str, str], str]:
    """A rule from a regular expression: its bracketed groups, joined, name the group of an image.

    Raises:
        GroupError: the expression is not valid or has no bracketed group.

    Example:
        >>> by_pattern(r"(tree[0-9]+)_")("oak", "2024_tree12_north")
        'tree12'
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise GroupError(f"the group pattern {pattern!r} is not a regular expression: {error}") from error
    if not expression.groups:
        raise GroupError(
            f"the group pattern {pattern!r} has no parentheses; put them around the part that identifies the group"
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


def merge(groups: pd.Series, clusters: np.ndarray) -> pd.Series:
    """Join groups that share a cluster of near-duplicates; a joined group takes its first name in sorted order.

    Args:
        groups: (n,) name of the group of each image.
        clusters: (n,) int, see `data_prework.duplicates.drop_duplicates`.

    Example:
        >>> merge(pd.Series(["c", "b", "a"]), np.array([0, 0, 1])).tolist()
        ['b', 'b', 'a']
    """
    codes, names = pd.factorize(groups, sort=True)
    places, known = pd.factorize(clusters)
    nodes = len(names) + len(known)
    graph = coo_matrix((np.ones(len(codes), np.int8), (codes, places + len(names))), shape=(nodes, nodes))
    component = connected_components(graph, directed=False)[1][: len(names)]
    first = pd.Series(np.arange(len(names))).groupby(component).transform("min").to_numpy()
    return pd.Series(np.asarray(names)[first[codes]], index=groups.index)


def add_groups(
    rows: pd.DataFrame, rule: Callable[[str, str], str], words: str, report: Callable[[str], None]
) -> pd.DataFrame:
    """Add the column group: what the rule says, joined where two groups share a near-duplicate.

    Args:
        rows: with raw, label, stem and cluster.
        rule: gives the name of a group from the label and the stem of a file.
        words: the rule in words, for the report.
        report: takes a line of the report.

    Raises:
        GroupError: names the first files that the rule cannot read.
    """
    # without a rule the path is the group: cat/1.jpg of train and cat/1.jpg of test have nothing in common
    own = rows["raw"] if rule is by_itself else rule_groups(rows, rule)
    groups = merge(own, rows["cluster"].to_numpy())
    sizes = groups.value_counts()
    report(
        f"groups      {len(sizes)} groups ({words}), "
        f"{int((sizes > 1).sum())} with more than one image, the largest with {int(sizes.max())}"
    )
    return rows.assign(group=groups, rule_group=own)


def joined_by(rows: pd.DataFrame) -> tuple[str, str]:
    """What joined the images of one class to few groups, and what to try.

    Args:
        rows: of one class, with label and group; also with rule_group, see `add_groups`, where there is one.
    """
    label, images, groups = rows["label"].iloc[0], len(rows), rows["group"].nunique()
    ruled = rows["rule_group"].nunique() if "rule_group" in rows else images
    fact = f"{label}: {images:,} image(s) in {groups:,} group(s)"
    if images == groups:
        return fact, "more images of it"
    if ruled == groups:
        return f"{fact}, by the group rule", "a finer --group-pattern, or more images from elsewhere"
    by_rule = f"the group rule makes {ruled:,}, and " if ruled < images else ""
    return f"{fact}: {by_rule}near-duplicates join these", "a smaller --near, or images that are less alike"
