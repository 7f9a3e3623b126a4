"""Verify a prepared data set against its manifest; says every fault, not only the first."""

import hashlib
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from data_prework.duplicates import alike_pairs, hash_bits
from data_prework.manifest import SPLITS, About, files_folder, read_about, read_manifest
from data_prework.take_groups import BALANCE


def check(folder: Path) -> list[str]:
    """Faults of a prepared folder, in words; an empty list means that it is sound.

    Re-verifies that every image is there with its hash and nothing else is, that the counts are those of about.json,
    that no group and no near-duplicate pair stands on two sides of a split, and that classes are balanced alike.

    Raises:
        ManifestError: there is no readable manifest.
    """
    frame, about = read_manifest(folder), read_about(folder)
    return [
        *file_faults(folder, frame),
        *_counts(frame, about),
        *_groups(folder, frame, about),
        *_balance(frame, about),
    ]


def file_faults(folder: Path, frame: pd.DataFrame) -> list[str]:
    """Images that are missing, changed or not in the manifest; missing masks and list of rejected files."""
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
    rejected = files_folder(folder, frame) / "rejected.csv"
    faults += [] if rejected.is_file() else [f"{rejected.relative_to(folder).as_posix()}: missing"]
    twice = frame["path"][frame["path"].duplicated()]
    return faults + [f"{path}: listed twice" for path in twice]


def _counts(frame: pd.DataFrame, about: About) -> list[str]:
    counts = {split: part["label"].value_counts().to_dict() for split, part in frame.groupby("split")}
    if counts == about.counts:
        return []
    return [f"counts per split and class are {counts}, but about.json says {about.counts}"]


def _groups(folder: Path, frame: pd.DataFrame, about: About) -> list[str]:
    sides = frame.groupby("group")["split"].nunique()
    torn = sorted(sides[sides > 1].index)
    why = " (split with --random-split, which leaks)" if about.settings.get("random_split") else ""
    faults = []
    if torn:
        faults.append(f"{len(torn)} group(s) are on both sides of a split{why}: {', '.join(torn[:5])}")
    split, path = frame["split"].to_numpy(), frame["path"].to_numpy()
    count, example = 0, ""
    files = [Path(folder) / one for one in path]
    for pairs, _ in alike_pairs(files, hash_bits(frame["phash"]), about.settings["near"]):
        across = pairs[split[pairs[:, 0]] != split[pairs[:, 1]]]
        count += len(across)
        if len(across) and not example:
            example = " and ".join(path[across[0]])
    if count:
        faults.append(f"{count} near-duplicate pair(s) across splits{why}: {example}")
    return faults


def _balance(frame: pd.DataFrame, about: About) -> list[str]:
    counts = pd.crosstab(frame["split"], frame["label"])
    shares = counts.div(counts.sum(axis=1), axis=0)
    published = set(about.published_splits)
    ours = counts[~counts.index.isin(published)].sum()
    overall = ours / max(1, ours.sum())
    faults = [f"there is no {split} split" for split in SPLITS if split not in shares.index]
    faults += [f"class {label} is missing" for label in about.classes if label not in counts]
    for split, row in shares.iterrows():
        for label, share in row.items():
            if share == 0:
                faults.append(f"split {split} has no image of class {label}")
            elif split not in published and abs(share - overall[label]) > BALANCE + 1 / counts.loc[split].sum():
                faults.append(f"class {label} is {share:.0%} of {split}, but {overall[label]:.0%} of what was split")
    return faults
