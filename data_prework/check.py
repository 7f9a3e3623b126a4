"""Verify a prepared data set against its manifest; says every fault, not only the first."""

import hashlib
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from data_prework.group import hash_bits, near_pairs
from data_prework.manifest import SPLITS, files_folder, read_manifest

BALANCE = 0.1  # largest difference of a class's share between a split and the whole, unless the split was published


def check(folder: Path) -> list[str]:
    """Faults of a prepared folder, in words; an empty list means that it is sound.

    Re-verifies that every image is there with its hash and nothing else is, that the counts are those of about.json,
    that no group and no near-duplicate pair stands on two sides of a split, and that classes are balanced alike.

    Raises:
        ManifestError: there is no readable manifest.
    """
    frame = read_manifest(folder)
    about = frame.attrs["about"]
    return [
        *_files(folder, frame),
        *_counts(frame, about),
        *_groups(frame, about),
        *_balance(frame, about),
    ]


def _files(folder: Path, frame: pd.DataFrame) -> list[str]:
    faults = []
    rows = zip(frame["path"], frame["sha256"], strict=True)
    for path, digest in tqdm(rows, total=len(frame), desc="checking", unit="file", leave=False, disable=None):
        file = Path(folder) / path
        if not file.is_file():
            faults.append(f"{path}: the image is missing")
        elif hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            faults.append(f"{path}: the content is not what the manifest says (sha256 differs)")
    images = files_folder(folder, frame) / "images"
    here = {p.relative_to(folder).as_posix() for p in images.rglob("*") if p.is_file()}
    faults += [f"{path}: not in the manifest" for path in sorted(here - set(frame["path"]))]
    faults += [f"{mask}: the mask is missing" for mask in frame["mask"] if mask and not (Path(folder) / mask).is_file()]
    twice = frame["path"][frame["path"].duplicated()]
    return faults + [f"{path}: listed twice" for path in twice]


def _counts(frame: pd.DataFrame, about: dict) -> list[str]:
    counts = {split: part["label"].value_counts().to_dict() for split, part in frame.groupby("split")}
    if counts == about.get("counts"):
        return []
    return [f"counts per split and class are {counts}, but about.json says {about.get('counts')}"]


def _groups(frame: pd.DataFrame, about: dict) -> list[str]:
    sides = frame.groupby("group")["split"].nunique()
    torn = sorted(sides[sides > 1].index)
    why = " (split with --random-split, which leaks)" if about["settings"].get("random_split") else ""
    faults = []
    if torn:
        faults.append(f"{len(torn)} group(s) stand on two sides of a split{why}: {', '.join(torn[:5])}")
    pairs = near_pairs(hash_bits(frame["phash"]), about["settings"]["near"])
    split, path = frame["split"].to_numpy(), frame["path"].to_numpy()
    across = pairs[split[pairs[:, 0]] != split[pairs[:, 1]]]
    if len(across):
        first, second = across[0]
        faults.append(f"{len(across)} near-duplicate pair(s) across splits{why}: {path[first]} and {path[second]}")
    return faults


def _balance(frame: pd.DataFrame, about: dict) -> list[str]:
    shares = pd.crosstab(frame["split"], frame["label"], normalize="index")
    overall = frame["label"].value_counts(normalize=True)
    faults = [f"there is no {split} split" for split in SPLITS if split not in shares.index]
    faults += [f"class {label} is missing" for label in about["classes"] if label not in overall]
    published = set(about.get("published_splits", []))
    for split, row in shares.iterrows():
        for label, share in row.items():
            if share == 0:
                faults.append(f"split {split} has no image of class {label}")
            elif split not in published and abs(share - overall[label]) > BALANCE:
                faults.append(f"class {label} is {share:.0%} of {split}, but {overall[label]:.0%} of all images")
    return faults
