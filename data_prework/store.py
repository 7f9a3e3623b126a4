"""Write a prepared data set so that it can be killed at any moment: all files first, one rename at the end."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from data_prework.catalogue import Entry
from data_prework.check import file_faults
from data_prework.columns import beside
from data_prework.files import shown_path
from data_prework.image_files import write_copy
from data_prework.layout import RawFolderError
from data_prework.manifest import VERSION, About, files_folder, read_manifest, write_manifest
from data_prework.metadata import without_metadata
from data_prework.names import as_text, file_name, plain_name, printable, same_on_disk


def write_prepared(
    folder: Path, name: str, entry: Entry, classes: list[str], settings, root: Path, truth: Path | None,
    rows: pd.DataFrame, rejected: pd.DataFrame, report: Callable[[str], None],
) -> Path:  # fmt: skip
    """Write everything under a new `files-<id>`, then rename the manifest: the one moment of change.

    Args:
        folder: the prepared folder.
        classes: in the order of their numbers; of two, the second is the positive one.
        settings: a dataclass; kept in about.json.
        root: of the raw files.
        truth: folder with the masks of a drawn stand-in, None for real images.
        rows: one row an image, with its split.
        rejected: files that were left out: raw, label, reason.
        report: takes a line of the report.

    Returns:
        `folder`.

    Raises:
        RawFolderError: a raw file changed meanwhile, or sources.csv is no such table.
    """
    embedded = truth is not None
    classes, rows = [plain_name(one) for one in classes], rows.assign(label=rows["label"].map(plain_name))
    rows = rows.assign(path=_names(rows), **_origin(root, rows, entry, embedded))
    decisive = ["raw", "raw_sha256", "label", "split", "group", "source", "licence", "author", *entry.columns]
    facts = rows[decisive].values.tolist()
    key = json.dumps([VERSION, name, classes, asdict(settings), facts])
    files = folder / f"files-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    folder.mkdir(parents=True, exist_ok=True)
    current = _current_files(folder)
    _clean(folder, keep=current)
    if current.startswith(files.name):
        if not file_faults(folder, read_manifest(folder)):
            report(f"unchanged   {shown_path(folder)} is up to date")
            return folder
        report("damaged     the prepared files are not what they were; they are written again")
    if current == files.name:
        files = files.with_name(f"{files.name}-again")  # never write over what the manifest points to
    for place in {(files / "images" / path).parent for path in rows["path"]}:
        place.mkdir(parents=True)
    hashes, masks = [], []
    for row in tqdm(rows.itertuples(), total=len(rows), desc="writing", unit="file", leave=False, disable=None):
        hashes.append(_copy(root / row.raw, files / "images" / row.path, row, settings.bits))
        drawn = truth / "masks" / Path(row.raw).with_suffix(".png") if truth else None
        masks.append(_copy_mask(drawn, files / "masks" / row.path))
    listed = rejected.sort_values("raw").map(lambda text: as_text(printable(text)))
    listed.to_csv(files / "rejected.csv", index=False, lineterminator="\n")
    about = _about(name, entry, classes, settings, rows, "embedded" if embedded else "real", len(rejected))
    (files / "about.json").write_text(json.dumps(asdict(about), indent=2) + "\n", encoding="utf-8")
    rows = rows.assign(
        path=f"{files.name}/images/" + rows["path"],
        sha256=hashes,
        mask=[f"{files.name}/masks/{mask}" if mask else "" for mask in masks],
    )
    write_manifest(folder, rows, about.columns)
    _clean(folder, keep=files.name)
    report(f"written     {len(rows)} images in {len(about.classes)} classes to {shown_path(folder)}")
    if len(rejected):
        report(f"            what was left out, and why: {shown_path(files / 'rejected.csv')}")
    return folder


def _about(
    name: str, entry: Entry, classes: list[str], settings, rows: pd.DataFrame, source: str, rejected: int
) -> About:
    """Facts about the whole set, for about.json."""
    published = set(rows["official"]) - {""}
    return About(
        version=VERSION,
        name=name,
        title=entry.title,
        classes=classes,
        source=source,
        prepared=date.today().isoformat(),
        settings=asdict(settings),
        counts={s: part["label"].value_counts().to_dict() for s, part in rows.groupby("split")},
        published_splits=sorted(published if {"val", "test"} <= published else published - {"train"}),
        rejected=rejected,
        groups=int(rows["group"].nunique()),
        group_rule=entry.group_words,
        licence=entry.licence,
        positive=classes[1] if len(classes) == 2 else "",
        columns=dict(entry.columns),
    )


def _current_files(folder: Path) -> str:
    try:
        return files_folder(folder, read_manifest(folder)).name
    except ValueError:
        return ""


def _clean(folder: Path, keep: str) -> None:
    """Remove what interrupted or earlier preparations left behind."""
    for old in [*folder.glob("files-*"), *folder.glob(".manifest-*")]:
        if old.name != keep:
            shutil.rmtree(old, ignore_errors=True) if old.is_dir() else old.unlink(missing_ok=True)


def _names(rows: pd.DataFrame) -> list[str]:
    """split/label/file name, unique also on disks that do not tell A from a, or two spellings of é."""
    names, taken = [], set()
    for row in rows.itertuples():
        folder, k = f"{row.split}/{plain_name(row.label)}", 2
        name = f"{folder}/{file_name(row.stem, row.suffix)}"
        while same_on_disk(name) in taken:
            name, k = f"{folder}/{file_name(row.stem, f'~{k}{row.suffix}')}", k + 1
        taken.add(same_on_disk(name))
        names.append(name)
    return names


def _origin(root: Path, rows: pd.DataFrame, entry: Entry, embedded: bool) -> dict[str, pd.Series]:
    """Columns source, licence, author: from sources.csv beside the class folders, otherwise from the catalogue."""
    default = {
        "source": "drawn by data_prework" if embedded else entry.citation,
        "licence": "MIT" if embedded else entry.licence,
        "author": "data_prework" if embedded else entry.author,
    }
    listed = beside(root, rows, "sources.csv")
    if listed is None:
        return {column: pd.Series(value, rows.index) for column, value in default.items()}
    return {
        column: listed[column].fillna(value) if column in listed else pd.Series(value, rows.index)
        for column, value in default.items()
    }


def _copy(source: Path, target: Path, row, bits: int) -> str:
    """Copy one image, without its metadata, or encode it anew; returns the sha256 of what was written."""
    data = source.read_bytes()
    if hashlib.sha256(data).hexdigest() != row.raw_sha256:
        raise RawFolderError(f"{source}: changed while it was being prepared. Start again when nothing writes there.")
    if row.convert:
        write_copy(data, target, bits)
        return hashlib.sha256(target.read_bytes()).hexdigest()
    clean = without_metadata(data)
    target.write_bytes(clean)
    return row.raw_sha256 if clean is data else hashlib.sha256(clean).hexdigest()


def _copy_mask(source: Path | None, target: Path) -> str:
    if source is None or not source.is_file():
        return ""
    target = target.with_suffix(".png")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return "/".join(target.parts[-3:])
