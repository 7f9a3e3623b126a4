"""Data shipped in a Python package: whole and checked, or an error that names the licence and the command."""

import shutil
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from data_prework.__main__ import main
from data_prework.catalogue import CATALOGUE
from data_prework.check import check
from data_prework.group import SOLAR_MODULES, GroupError, solar_module
from data_prework.manifest import find_prepared, read_about, read_manifest
from data_prework.sources.download import DownloadError, fetch
from data_prework.sources.packages import ELPV, Package, copy_data, elpv_table
from helpers.data import load_dataset
from tests.data_prework.conftest import pixels

CELLS = [60 * module + k for module in range(12) for k in range(1, 7)]  # six cells of each of twelve modules
DRAWN = Package(
    name="drawn-cells",
    version="1.0",
    folder="drawn_cells/data",
    table=elpv_table,
    page="https://example.org/cells",
    licence="CC BY-NC-SA 4.0",
    terms="not for commercial use",
    size_mb=3,
)


def ship(site: Path, version: str = "1.0") -> Path:
    """Install a package of drawn cells into a folder; it can't be imported. Returns the folder of its data."""
    data, info = site / "drawn_cells" / "data", site / f"drawn_cells-{version}.dist-info"
    (data / "images").mkdir(parents=True)
    (info / "licenses").mkdir(parents=True)
    (site / "drawn_cells" / "__init__.py").write_text("raise ImportError('never imported')", encoding="utf-8")
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: drawn-cells\nVersion: {version}\n", encoding="utf-8")
    (info / "licenses" / "LICENSE.md").write_text("not for commercial use", encoding="utf-8")
    rows = []
    for number in CELLS:
        image = np.zeros((60, 60), np.uint8) if number == 1 else pixels(number, (60, 60), gray=True)
        Image.fromarray(image).save(data / "images" / f"cell{number:04d}.png")
        kind = "mono" if (number // 60) % 2 else "poly"
        rows.append(f"images/cell{number:04d}.png  {(number % 4) / 3!r:20} {kind}")
    (data / "labels.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return data


@pytest.fixture
def data(tmp_path, monkeypatch):
    """The drawn package is installed, and what the catalogue has of the solar cells comes from it."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setitem(CATALOGUE, "solar_cells", replace(CATALOGUE["solar_cells"], sources=(DRAWN,)))
    return ship(tmp_path / "site")


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def test_a_package_becomes_class_folders_with_a_table_and_its_licence(data, tmp_path):
    raw = fetch(DRAWN, "solar_cells", tmp_path / "raw")
    assert raw == tmp_path / "raw" / "drawn-cells-1.0"
    assert left(raw) == ["LICENSE.md", "columns.csv", "defective", "functional"]
    table = pd.read_csv(raw / "columns.csv").set_index("path")
    assert table.loc["defective/cell0003.png"].tolist() == [1.0, "poly", 1]
    assert table.loc["functional/cell0065.png", ["soft_label", "cell_type", "module"]].tolist() == [1 / 3, "mono", 2]
    assert (table["soft_label"] > 0.5).tolist() == table.index.str.startswith("defective").tolist()
    image = raw / "functional" / "cell0001.png"
    assert image.read_bytes() == (data / "images" / "cell0001.png").read_bytes()


def test_what_is_there_is_kept_and_needs_the_package_no_more(data, tmp_path):
    raw = fetch(DRAWN, "solar_cells", tmp_path / "raw")
    (raw / "mine.txt").write_text("kept", encoding="utf-8")
    shutil.rmtree(tmp_path / "site")
    assert fetch(DRAWN, "solar_cells", tmp_path / "raw") == raw and (raw / "mine.txt").is_file()


def test_without_the_package_licence_and_command_are_told(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setitem(CATALOGUE, "solar_cells", replace(CATALOGUE["solar_cells"], sources=(DRAWN,)))
    for command in ("download", "prepare"):
        assert main([command, "solar_cells"]) == 1
        said = capsys.readouterr().err
        assert "CC BY-NC-SA 4.0: not for commercial use" in said and "drawn-cells is not installed (3 MB)" in said
        assert "python -m pip install --no-deps drawn-cells==1.0" in said
    assert left(tmp_path / "raw" / "solar_cells") == []


def lose_an_image(data):
    (data / "images" / "cell0061.png").unlink()


def lose_the_data(data):
    shutil.rmtree(data)


def lose_the_table(data):
    (data / "labels.csv").unlink()


def change_an_image(data):
    (data / "images" / "cell0061.png").write_bytes((data / "images" / "cell0062.png").read_bytes())


@pytest.mark.parametrize(
    "harm, words",
    [
        (lose_an_image, r"cell0061\.png: missing"),
        (lose_the_data, "missing, although drawn-cells is installed"),
        (lose_the_table, r"labels\.csv"),
        (change_an_image, r"sha256 \w{64} is not that of drawn-cells 1\.0"),
    ],
)
def test_a_damaged_package_is_refused_and_leaves_nothing(data, tmp_path, harm, words):
    known = copy_data(data, elpv_table(data), tmp_path / "sound")
    harm(data)
    with pytest.raises(DownloadError, match=words):
        fetch(replace(DRAWN, known_hash=known), "solar_cells", tmp_path / "raw")
    assert left(tmp_path / "raw") == []


def test_another_version_is_refused(data, tmp_path):
    with pytest.raises(DownloadError, match=r"drawn-cells 1\.0 is installed, the course reads 2\.0"):
        fetch(replace(DRAWN, version="2.0"), "solar_cells", tmp_path / "raw")


def test_solar_cells_are_prepared_checked_and_loaded_whatever_the_source(data, tmp_path, monkeypatch, capsys):
    assert main(["prepare", "solar_cells"]) == 0 and main(["check", "solar_cells"]) == 0
    assert "sound" in capsys.readouterr().out
    folder = tmp_path / "data" / "solar_cells"
    assert find_prepared("solar_cells", "embedded") == find_prepared("solar_cells", "real") == folder
    rows, about = read_manifest(folder), read_about(folder)
    assert len(rows) == len(CELLS) and about.positive == "defective" and about.rejected == 0  # the black cell is kept
    assert (rows["group"] == rows["module"].map("module:{:02d}".format)).all()
    assert rows.groupby("module")["split"].nunique().max() == 1
    assert set(rows["licence"]) == {"CC BY-NC-SA 4.0"} and check(folder) == []
    monkeypatch.setenv("COURSE_SOURCE", "embedded")
    loaded = load_dataset("solar_cells", 16, color_mode="grayscale")
    frame = loaded.test.frame
    assert (
        loaded.source == "real" and frame["soft_label"].dtype == float and set(frame["cell_type"]) == {"mono", "poly"}
    )
    assert ((frame["soft_label"] > 0.5) == (loaded.test.labels == 1)).all()


@pytest.mark.parametrize(
    "table, words",
    [
        (None, "columns.csv is missing, which says soft_label, cell_type, module"),
        ("path,soft_label\nfunctional/cell0001.png,0\n", "has no column cell_type, module"),
        ("path,soft_label,cell_type,module\nfunctional/cell0001.png,0,mono,1\n", "has no row for defective/cell0002"),
        ("file,soft_label\na,0\n", "not a table with the column path"),
    ],
)
def test_a_raw_folder_whose_table_is_damaged_is_refused(data, tmp_path, capsys, table, words):
    raw = fetch(DRAWN, "solar_cells", tmp_path / "raw")
    (raw / "columns.csv").unlink()
    if table:
        (raw / "columns.csv").write_text(table, encoding="utf-8")
    assert main(["prepare", "solar_cells", "--from", str(raw)]) == 1
    assert words in capsys.readouterr().err and find_prepared("solar_cells") is None


def test_a_number_that_is_none_is_refused_when_it_is_read(data, tmp_path, capsys):
    raw = fetch(DRAWN, "solar_cells", tmp_path / "raw")
    text = (raw / "columns.csv").read_text(encoding="utf-8")
    (raw / "columns.csv").write_text(text.replace(",mono,2", ",mono,two"), encoding="utf-8")
    assert main(["prepare", "solar_cells", "--from", str(raw)]) == 1
    assert "a value is not a number" in capsys.readouterr().err


def test_there_is_no_drawn_stand_in(data, capsys):
    assert main(["prepare", "solar_cells", "--embedded"]) == 1
    assert "has no drawn stand-in" in capsys.readouterr().err


def test_modules_follow_from_the_number_of_the_cell():
    assert (len(SOLAR_MODULES), sum(SOLAR_MODULES)) == (44, 2624)
    ends = [solar_module("", f"cell{number:04d}") for number in (1200, 1201, 1254, 1255, 1734, 1735, 1784, 1785, 2624)]
    assert [int(end[-2:]) for end in ends] == [20, 21, 21, 22, 29, 30, 30, 31, 44]
    for stem in ("cell0000", "cell2625", "0001", "cell1_copy"):
        with pytest.raises(GroupError):
            solar_module("functional", stem)


@pytest.fixture(scope="module")
def real() -> Path:
    """Folder of the real package's data."""
    try:
        folder = Path(metadata.distribution(ELPV.name).locate_file(ELPV.folder))
    except metadata.PackageNotFoundError:
        pytest.skip(f"{ELPV.name} is not installed: make solar")
    return folder


@pytest.mark.real
def test_the_real_package_is_the_one_that_the_card_describes(real, tmp_path):
    rows = elpv_table(real)
    counts = rows.assign(soft=rows["soft_label"].str[:4]).groupby(["cell_type", "soft"]).size().unstack()
    assert counts.to_numpy().tolist() == [[588, 117, 56, 313], [920, 178, 50, 402]]
    assert rows.groupby("module")["cell_type"].nunique().max() == 1  # no border lies inside a run of one type
    assert rows.groupby("cell_type")["module"].nunique().tolist() == [18, 26]
    assert copy_data(real, rows, tmp_path / "raw") == ELPV.known_hash


@pytest.mark.real
def test_one_module_is_there_twice_and_shows_where_the_doubtful_borders_are(real):
    def cells(first: int, count: int) -> np.ndarray:
        images = [Image.open(real / f"images/cell{first + i:04d}.png").resize((32, 32)) for i in range(count)]
        flat = np.stack([np.asarray(image, float).ravel() for image in images])
        flat -= flat.mean(axis=0)  # what all cells have in common, such as the wires
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)

    one, other = cells(1735, 50), cells(2277, 50)
    assert SOLAR_MODULES[29] == 50 and sum(SOLAR_MODULES[:29]) == 1734 and sum(SOLAR_MODULES[:38]) == 2276
    assert ((one @ other.T).argmax(axis=1) == np.arange(50)).mean() > 0.95


@pytest.mark.real
def test_the_prepared_solar_cells_are_sound_and_each_split_has_both_types():
    folder = find_prepared("solar_cells")
    if folder is None:
        pytest.skip("the solar cells are not prepared: make solar")
    rows = read_manifest(folder)
    assert len(rows) == 2624 and rows["group"].nunique() == 42 and rows["module"].nunique() == 44
    assert rows.groupby("module")["group"].nunique().max() == 1 and rows.groupby("group")["split"].nunique().max() == 1
    shares = rows.groupby("split").agg(
        mono=("cell_type", lambda kind: (kind == "mono").mean()),
        defective=("label", lambda label: (label == "defective").mean()),
    )
    assert shares["mono"].between(0.36, 0.46).all() and shares["defective"].between(0.28, 0.35).all()
    assert check(folder) == []
