"""check finds every fault of a prepared folder, says it in words and exits with status 1."""

import hashlib
import json
import shutil

import pytest
from PIL import Image

from data_prework.__main__ import main
from data_prework.check import check
from data_prework.manifest import files_folder, read_about, read_manifest, write_manifest


@pytest.fixture
def leaves(leaves_home, tmp_path, monkeypatch):
    """A copy of the prepared folder that a test may damage; the command line looks there."""
    shutil.copytree(leaves_home / "leaves", tmp_path / "leaves")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    return tmp_path / "leaves"


def image(folder, number=5):
    return folder / read_manifest(folder)["path"].iloc[number]


def change(folder):
    image(folder).write_bytes(image(folder).read_bytes() + b"\0")


def lose(folder):
    image(folder).unlink()


def add(folder):
    image(folder).with_name("extra.jpg").write_bytes(b"more")


def miscount(folder):
    path = files_folder(folder, read_manifest(folder)) / "about.json"
    about = json.loads(path.read_text(encoding="utf-8"))
    about["counts"]["train"]["elm"] += 1
    path.write_text(json.dumps(about), encoding="utf-8")


def rewrite(folder, edit):
    """Edit the table and remove the images that are no longer in it."""
    before = read_manifest(folder)
    after = edit(before.copy())
    write_manifest(folder, after)
    for path in set(before["path"]) - set(after["path"]):
        (folder / path).unlink()


def tear(rows):
    rows.loc[rows["split"] == "train", "group"] = rows.loc[rows["split"] == "test", "group"].iloc[0]
    return rows


def twin(folder):
    """An image of train becomes a brighter copy of one of test, in the manifest, too."""
    rows = read_manifest(folder)
    copy, original = (rows.index[rows["split"] == split][0] for split in ("train", "test"))
    path = folder / rows.loc[copy, "path"]
    with Image.open(folder / rows.loc[original, "path"]) as image:
        image.point(lambda value: min(255, value + 9)).save(path)
    rows.loc[copy, "phash"] = rows.loc[original, "phash"]
    rows.loc[copy, "sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    write_manifest(folder, rows)


def same_hash(folder):
    """Two images of other content, whose hashes are the same by chance."""
    rows = read_manifest(folder)
    rows.loc[rows.index[rows["split"] == "train"][0], "phash"] = rows.loc[rows["split"] == "test", "phash"].iloc[0]
    write_manifest(folder, rows)


def unbalance(rows):
    oaks = rows.index[(rows["split"] == "train") & (rows["label"] == "oak")]
    return rows.drop(oaks[2:])


FAULTS = {
    "changed image": (change, "the content is not what the manifest says"),
    "missing image": (lose, "the image is missing"),
    "extra file": (add, "extra.jpg: not in the manifest"),
    "count": (miscount, "but about.json says"),
    "lost row": (lambda f: rewrite(f, lambda t: t.drop(t.index[3])), "but about.json says"),
    "row twice": (lambda f: rewrite(f, lambda t: t.loc[[*t.index, 3]]), "listed twice"),
    "torn group": (lambda f: rewrite(f, tear), "group(s) are on both sides of a split"),
    "near-duplicates": (twin, "1 near-duplicate pair(s) across splits"),
    "missing class": (lambda f: rewrite(f, lambda t: t[t["label"] != "elm"]), "class elm is missing"),
    "missing split": (lambda f: rewrite(f, lambda t: t[t["split"] != "val"]), "there is no val split"),
    "class missing in a split": (
        lambda f: rewrite(f, lambda t: t[(t["split"] != "val") | (t["label"] != "elm")]),
        "split val has no image of class elm",
    ),
    "imbalance": (lambda f: rewrite(f, unbalance), "class oak is "),
    "missing mask": (
        lambda f: rewrite(f, lambda t: t.assign(mask=t["path"].str.replace("/images/", "/masks/"))),
        "the mask is missing",
    ),
    "no list of rejected files": (
        lambda f: (files_folder(f, read_manifest(f)) / "rejected.csv").unlink(),
        "rejected.csv: missing",
    ),
}


def test_a_sound_folder_exits_with_status_0(leaves, capsys):
    assert check(leaves) == []
    assert main(["check", "leaves"]) == 0
    assert capsys.readouterr().out.startswith("sound ")


@pytest.mark.parametrize("harm, words", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_found_and_exits_with_status_1(leaves, capsys, harm, words):
    harm(leaves)
    assert any(words in fault for fault in check(leaves))
    assert main(["check", "leaves"]) == 1
    out = capsys.readouterr().out
    assert words in out and "not sound" in out


def test_all_faults_are_said_not_only_the_first(leaves):
    lose(leaves)
    add(leaves)
    twin(leaves)
    words = " ".join(check(leaves))
    assert "missing" in words and "not in the manifest" in words and "near-duplicate" in words


def test_images_that_only_their_hashes_call_alike_are_no_fault(leaves):
    same_hash(leaves)
    assert check(leaves) == []


@pytest.mark.parametrize("harm", [lambda t: "", lambda t: t[:200], lambda t: t.replace("label", "class")])
def test_a_damaged_manifest_is_an_error_that_says_what_to_do(leaves, capsys, harm):
    path = leaves / "manifest.csv"
    path.write_text(harm(path.read_text(encoding="utf-8")), encoding="utf-8")
    assert main(["check", "leaves"]) == 1
    err = capsys.readouterr().err
    assert err.startswith("error: ") and "python -m data_prework prepare leaves" in err and err.count("\n") == 1


def test_facts_about_the_whole_are_read_without_the_table(leaves):
    about = read_about(leaves)
    assert (about.name, about.source, about.classes, about.version) == ("leaves", "real", ["elm", "oak"], 1)
    assert sum(sum(classes.values()) for classes in about.counts.values()) == len(read_manifest(leaves))
    assert about.settings["near"] == 24 and read_manifest(leaves).attrs == {}


def test_about_of_another_version_or_missing_is_an_error(leaves, capsys):
    about = files_folder(leaves, read_manifest(leaves)) / "about.json"
    about.write_text(about.read_text(encoding="utf-8").replace('"version": 1', '"version": 99'), encoding="utf-8")
    assert main(["check", "leaves"]) == 1
    assert "version 99, expected 1" in capsys.readouterr().err
    about.unlink()
    assert main(["check", "leaves"]) == 1
    assert "about.json: missing or damaged" in capsys.readouterr().err
