"""The real images, where they are beside the project, go through the whole preparation."""

from pathlib import Path

import pandas as pd
import pytest

from data_prework.check import check
from data_prework.files import PROJECT
from data_prework.group import crack_block, rule_groups, xray_patient
from data_prework.manifest import files_folder, read_about, read_manifest
from tests.data_prework.conftest import quiet

REAL = PROJECT.parent / "shared" / "data"
XRAYS, CRACKS, COPIES = REAL / "chest_xray", REAL / "concrete_cracks", REAL / "concrete_cracks_copies"

pytestmark = pytest.mark.real
needs_xrays = pytest.mark.skipif(not XRAYS.is_dir(), reason=f"the real chest X-rays are not at {XRAYS}")
needs_cracks = pytest.mark.skipif(not CRACKS.is_dir(), reason=f"the real crack patches are not at {CRACKS}")
needs_copies = pytest.mark.skipif(not COPIES.is_dir(), reason=f"re-encoded crack patches are not at {COPIES}")


def linked(source: Path, target: Path, keep: slice | list[int]) -> None:
    """Links to some of a folder's files; nothing is copied."""
    files = sorted(source.iterdir())
    target.mkdir(parents=True)
    for path in files[keep] if isinstance(keep, slice) else [files[i] for i in keep if i < len(files)]:
        (target / path.name).symlink_to(path)


def all_names(split: str) -> pd.DataFrame:
    paths = [path for path in sorted((XRAYS / split).rglob("*")) if path.is_file()]
    return pd.DataFrame({"label": [path.parent.name for path in paths], "stem": [path.stem for path in paths]})


@needs_xrays
def test_every_patient_of_the_xrays_is_read_and_none_is_in_train_and_test():
    train, test = (set(rule_groups(all_names(split), xray_patient)) for split in ("train", "test"))
    assert (len(train), len(test), len(train & test)) == (3654, 428, 0)


@needs_xrays
def test_the_number_alone_would_be_the_wrong_key():
    train, test = (
        set(all_names(split)["stem"].str.extract(r"^person(\d+)_")[0].dropna()) for split in ("train", "test")
    )
    assert len(train & test) == 170


@needs_cracks
def test_every_name_of_the_cracks_is_read():
    for label, groups in (("Positive", 50), ("Negative", 5000)):
        rows = pd.DataFrame({"label": label, "stem": [path.stem for path in sorted((CRACKS / label).iterdir())]})
        assert rule_groups(rows, crack_block).nunique() == groups


@needs_xrays
def test_xrays_go_through_prepare_and_check(tmp_path):
    for split, label, count in [("train", "NORMAL", 300), ("train", "PNEUMONIA", 300), ("test", "NORMAL", 150),
                                ("test", "PNEUMONIA", 150)]:  # fmt: skip
        linked(XRAYS / split / label, tmp_path / "raw" / split / label, slice(count))
    folder = quiet("chest_xray", tmp_path / "raw", tmp_path / "home")
    rows = read_manifest(folder)
    rejected = pd.read_csv(files_folder(folder, rows) / "rejected.csv")
    assert len(rows) + len(rejected) == 900
    assert len(rows) > 850
    assert rows.groupby("group")["split"].nunique().max() == 1
    tested = {path.name for path in (tmp_path / "raw" / "test").rglob("*.jpeg")}
    assert {path.rsplit("/", 1)[1] for path in rows.loc[rows["split"] == "test", "path"]} <= tested
    assert read_about(folder).published_splits == ["test"]
    assert check(folder) == []


@needs_cracks
def test_cracks_go_through_prepare_and_check(tmp_path):
    blocks = [start + k for start in range(0, 5000, 250) for k in range(15)]
    linked(CRACKS / "Positive", tmp_path / "raw" / "Positive", blocks)
    linked(CRACKS / "Negative", tmp_path / "raw" / "Negative", blocks)
    folder = quiet("concrete_cracks", tmp_path / "raw", tmp_path / "home")
    rows = read_manifest(folder)
    assert len(rows) > 580 and set(rows["label"]) == {"Negative", "Positive"}
    positive = rows[rows["label"] == "Positive"]
    blocks = positive["path"].str.extract(r"(\d+)\.jpg$")[0].astype(int).sub(1) // 100
    assert positive.groupby(blocks)["split"].nunique().max() == 1
    assert check(folder) == []
    leaky = quiet("concrete_cracks", tmp_path / "raw", tmp_path / "home", random_split=True)
    assert any("group(s) are on both sides" in fault for fault in check(leaky))


@needs_cracks
@needs_copies
def test_reencoded_cracks_are_dropped_and_named_and_join_no_blocks(tmp_path):
    pairs = pd.read_csv(COPIES / "pairs.csv").iloc[::2]
    numbers = [start + k for start in range(0, 5000, 250) for k in range(10)]
    for label in ("Positive", "Negative"):
        linked(CRACKS / label, tmp_path / "raw" / label, numbers)
    for original in pairs["original"]:
        (tmp_path / "raw" / original).unlink(missing_ok=True)
        (tmp_path / "raw" / original).symlink_to(CRACKS / original)
    alone = read_manifest(quiet("concrete_cracks", tmp_path / "raw", tmp_path / "alone"))
    for copy in pairs["copy"]:
        (tmp_path / "raw" / copy).symlink_to(COPIES / copy)
    folder = quiet("concrete_cracks", tmp_path / "raw", tmp_path / "home")
    rows = read_manifest(folder)
    rejected = pd.read_csv(files_folder(folder, rows) / "rejected.csv").set_index("raw")["reason"]
    found = rejected.reindex(pairs["copy"]).fillna("")
    assert found.str.contains("copy|duplicate").mean() > 0.98
    named = found.str.extract(r"re-encoded copy: .* as (\S+)$")[0]
    assert (named.to_numpy() == pairs["original"]).mean() > 0.95
    assert rows["group"].nunique() == pytest.approx(alone["group"].nunique(), abs=2)
    assert check(folder) == []
