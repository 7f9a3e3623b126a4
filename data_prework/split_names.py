"""Which names of folders say that they hold a split: train, val or test, however they are spelled."""

from __future__ import annotations

import re
from collections.abc import Iterable

SPLIT_WORDS = {
    "train": ("train", "training", "trainval", "learn", "learning"),
    "val": ("val", "valid", "validation", "validate", "validating", "dev", "development", "eval"),
    "test": ("test", "testing", "tests", "holdout", "heldout"),
}
# words that may stand beside a split's name without changing what it means, such as in seg_train or train_images
NEUTRAL = frozenset(
    re.findall(
        r"\w+",
        "set sets data dataset datasets image images img imgs photo photos picture pictures pic pics split splits "
        "folder folders file files sample samples seg x final full new original processed raw resized cropped jpg "
        "jpeg png",
    )
)


def split_names(names: Iterable[str]) -> dict[str, str]:
    """Which names of neighboring folders are those of splits.

    A split's word may be spelled in any common way and stand beside neutral words and numbers (training_set,
    seg_train, test1). Beside any other word it counts only where two neighbors share that word (cats_train, cats_test).

    Returns:
        Name -> "train", "val" or "test", of those that are splits.

    Example:
        >>> split_names(["Training", "test_images", "cats"])
        {'Training': 'train', 'test_images': 'test'}
        >>> split_names(["train_station", "test_tube"])
        {}
        >>> split_names(["birds-train", "birds-val"])
        {'birds-train': 'train', 'birds-val': 'val'}
    """
    found, rests = {}, {}
    for name in names:
        split, rest = _split_and_rest(name)
        if split and not rest:
            found[name] = split
        elif split:
            rests.setdefault(rest, {})[name] = split
    for alike in rests.values():
        if len(set(alike.values())) > 1:
            found |= alike
    return found


def _split_and_rest(name: str) -> tuple[str, tuple[str, ...]]:
    """The one split that a name speaks of, and its other words."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    splits, rest = set(), []
    for word in re.findall(r"[^\W\d_]+", spaced.lower()):
        split = next((split for split in SPLIT_WORDS if any(_says(word, known) for known in SPLIT_WORDS[split])), "")
        if split:
            splits.add(split)
        elif word not in NEUTRAL:
            rest.append(word)
    return (splits.pop() if len(splits) == 1 else "", tuple(rest))


def _says(word: str, known: str) -> bool:
    return word == known or (word.startswith(known) and word[len(known) :] in NEUTRAL)
