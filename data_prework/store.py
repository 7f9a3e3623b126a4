"""Write a prepared data set so that it can be killed at any moment: all files first, one rename at the end."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pandas as pd
from PIL import Image
from tqdm import tqdm

from data_prework.catalogue import Entry
from data_prework.manifest import VERSION, files_folder, read_manifest, write_manifest
from data_prework.scan import RawFolderError, convert


def write_prepared(
    folder: Path, name: str, entry: Entry, settings, root: Path, truth: Path,
    rows: pd.DataFrame, rejected: pd.DataFrame, say: Callable[[str], None],
) -> Path:  # fmt: skip
    """Write everything under a new `files-<id>`, then rename the manifest: the one moment of change."""
    embedded = truth.is_dir()
    key = json.dumps([VERSION, name, asdict(settings), rows[["raw", "raw_sha256", "split", "group"]].values.tolist()])
    files = folder / f"files-{hashlib.sha256(key.encode()).hexdigest()[:12]}"
    if _is_current(folder, files):
        say(f"unchanged   {folder} is up to date")
        return folder
    rows = rows.assign(path=_names(rows), **_origin(root, rows, entry, embedded))
    folder.mkdir(parents=True, exist_ok=True)
    _clean(folder, keep=_current_files(folder))
    shutil.rmtree(files, ignore_errors=True)
    hashes, masks = [], []
    for row in tqdm(rows.itertuples(), total=len(rows), desc="writing", unit="file", leave=False, disable=None):
        hashes.append(_copy(root / row.raw, files / "images" / row.path, row.convert, row.raw_sha256))
        masks.append(_copy_mask(truth / "masks" / Path(row.raw).with_suffix(".png"), files / "masks" / row.path))
    rejected.sort_values("raw").to_csv(files / "rejected.csv", index=False, lineterminator="\n")
    about = {
        "version": VERSION,
        "name": name,
        "title": entry.title,
        "classes": list(entry.classes) or sorted(rows["label"].unique()),
        "source": "embedded" if embedded else "real",
        "prepared": date.today().isoformat(),
        "settings": asdict(settings),
        "counts": {s: part["label"].value_counts().to_dict() for s, part in rows.groupby("split")},
        "published_splits": sorted(set(rows["official"]) - {""}),
        "rejected": len(rejected),
        "groups": int(rows["group"].nunique()),
        "group_rule": entry.group_words,
        "licence": entry.licence,
    }
    (files / "about.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")
    rows = rows.assign(
        path=f"{files.name}/images/" + rows["path"],
        sha256=hashes,
        mask=[f"{files.name}/masks/{mask}" if mask else "" for mask in masks],
    )
    write_manifest(folder, rows)
    _clean(folder, keep=files.name)
    say(f"written     {len(rows)} images in {len(about['classes'])} classes to {folder}")
    if len(rejected):
        say(f"            what was left out, and why: {files / 'rejected.csv'}")
    return folder


def _is_current(folder: Path, files: Path) -> bool:
    if _current_files(folder) != files.name:
        return False
    frame = read_manifest(folder)
    return all((folder / path).is_file() for path in frame["path"])


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
    """split/label/file name, unique also on disks that do not tell capitals from small letters."""
    names, taken = [], set()
    for row in rows.itertuples():
        suffix = ".png" if row.convert else Path(row.raw).suffix.lower()
        name, k = f"{row.split}/{row.label}/{row.stem}{suffix}", 2
        while name.casefold() in taken:
            name, k = f"{row.split}/{row.label}/{row.stem}~{k}{suffix}", k + 1
        taken.add(name.casefold())
        names.append(name)
    return names


def _origin(root: Path, rows: pd.DataFrame, entry: Entry, embedded: bool) -> dict[str, pd.Series]:
    """Columns source, licence, author: from sources.csv of the raw folder, otherwise from the catalogue."""
    default = {
        "source": "drawn by data_prework" if embedded else entry.citation,
        "licence": "MIT" if embedded else entry.licence,
        "author": "data_prework" if embedded else entry.author,
    }
    listed = pd.DataFrame(columns=["path", *default])
    if (root / "sources.csv").is_file():
        listed = pd.read_csv(root / "sources.csv", dtype=str, keep_default_na=False)
    listed = listed.drop_duplicates("path").set_index("path")
    return {
        column: rows["raw"].map(listed[column]).fillna(value) if column in listed else pd.Series(value, rows.index)
        for column, value in default.items()
    }


def _copy(source: Path, target: Path, conversion: bool, expected: str) -> str:
    """Copy (or convert to PNG) one image; returns the sha256 of what was written."""
    data = source.read_bytes()
    if hashlib.sha256(data).hexdigest() != expected:
        raise RawFolderError(f"{source}: changed while it was being prepared. Start again when nothing writes there.")
    target.parent.mkdir(parents=True, exist_ok=True)
    if conversion:
        with Image.open(source) as image:
            convert(image).save(target, format="PNG")
        data = target.read_bytes()
    else:
        target.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def _copy_mask(source: Path, target: Path) -> str:
    if not source.is_file():
        return ""
    target = target.with_suffix(".png")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    return "/".join(target.parts[-3:])
