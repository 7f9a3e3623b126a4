"""The command line: help that a student understands, and one line in words for every bad input."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from data_prework import commands
from data_prework.__main__ import main
from tests.data_prework.conftest import encoded, fill, sample_image, two_classes


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch) -> Path:
    """Commands work in a folder of the test's own."""
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


def helped(capsys, *command: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    return " ".join(capsys.readouterr().out.split())


def test_help_names_the_commands_and_gives_examples(capsys):
    text = helped(capsys)
    for command in ("prepare", "synthesize", "download", "check"):
        assert command in text
    assert "python -m data_prework prepare leaves --from ~/Pictures/leaves" in text


@pytest.mark.parametrize(
    "command, words",
    [
        (
            "prepare",
            ["--from FOLDER_OR_ARCHIVE", "--test", "--val", "--seed", "--random-split", "--group-pattern REGEX"],
        ),
        ("prepare", ["leaks", "'(patient[0-9]+)_'", "default 0.2", "--near BITS", "--min-side", "--max-pixels"]),
        ("prepare", ["--labels TABLE", "--label-pattern REGEX", "--depth N", "--leave-out", "--positive CLASS"]),
        ("synthesize", ["--seed", "--count", "--difficulty", "--to", "--force", "chest_xray"]),
        ("download", ["chest_xray", "concrete_cracks", "--to", "--size", "CLASS=FILE"]),
        ("check", ["name", "--embedded"]),
    ],
)
def test_help_of_a_command_names_its_options(capsys, command, words):
    text = helped(capsys, command)
    assert [word for word in words if word not in text] == []


def test_prepare_then_check_tells_each_step(tmp_path, home, capsys):
    two_classes(tmp_path / "my leaves", 12)
    assert main(["prepare", "leaves", "--from", "my leaves", "--seed", "3", "--test", "0.25"]) == 0
    steps = [line.split()[0] for line in capsys.readouterr().out.splitlines() if not line.startswith(" ")]
    assert steps[:6] == ["layout", "classes", "scan", "duplicates", "groups", "split"] and "written" in steps
    assert main(["check", "leaves"]) == 0
    assert capsys.readouterr().out.startswith("sound")
    assert main(["prepare", "leaves", "--from", "my leaves", "--random-split"]) == 0
    assert "AT RANDOM" in capsys.readouterr().out


def one_class(root: Path) -> None:
    fill(root / "elm", 3, 0)


def no_images(root: Path) -> None:
    for label in ("elm", "oak"):
        (root / label).mkdir(parents=True)
        (root / label / "a.jpg").write_text("text", encoding="utf-8")


def few(root: Path) -> None:
    two_classes(root, 2)


def good(root: Path) -> None:
    two_classes(root, 12)


def bad_sources(root: Path) -> None:
    good(root)
    (root / "sources.csv").write_text("file,author\na.jpg,Zoë\n", encoding="utf-8")


def a_text(root: Path) -> None:
    root.write_text("this is no zip", encoding="utf-8")


def a_jpeg(root: Path) -> None:
    root.write_bytes(encoded(sample_image(1)))


FROM = ["prepare", "leaves", "--from", "raw"]
BAD = {
    "no such folder": (lambda root: None, FROM, "no such folder or file"),
    "one class": (one_class, FROM, r"found 1 class folder\(s\) with files \(elm\)"),
    "empty folder": (Path.mkdir, FROM, r"found 0 class folder\(s\)"),
    "no images": (no_images, FROM, "no usable image of elm, oak"),
    "too few": (few, FROM, r"needs at least 3\. elm: 2 image\(s\) in 2 group"),
    "broken pattern": (good, [*FROM, "--group-pattern", "(elm"], "is not a regular expression"),
    "pattern without brackets": (good, [*FROM, "--group-pattern", "elm"], "has no parentheses"),
    "pattern that fits nothing": (good, [*FROM, "--group-pattern", "(x)"], r"no group can be read from 24 file name"),
    "fraction over one": (good, [*FROM, "--test", "1.5"], "a test fraction of 1.5 cannot be split off"),
    "negative fraction": (good, [*FROM, "--val=-0.1"], "a val fraction of -0.1 cannot be split off"),
    "no rest": (good, [*FROM, "--test", ".6", "--val", ".4"], "leave nothing to train on"),
    "random fraction over one": (good, [*FROM, "--random-split", "--test", "2"], "a test fraction of 2"),
    "text for a zip": (a_text, FROM, "raw is not a zip file"),
    "image for a zip": (a_jpeg, FROM, "raw is not a zip file"),
    "wrong classes": (good, ["prepare", "chest_xray", "--from", "raw"], "chest_xray has NORMAL, PNEUMONIA"),
    "sources without path": (bad_sources, FROM, r"sources\.csv: not a table with the column path"),
    "name that is a path": (good, ["prepare", "../leaves", "--from", "raw"], "cannot name a data set"),
    "reserved name": (good, ["prepare", "raw", "--from", "raw"], "cannot name a data set"),
    "own name without folder": (good, ["prepare", "leaves"], "say where your images are: --from FOLDER"),
    "unknown download": (good, ["download", "leaves"], "'leaves' has no known download"),
    "size of another set": (good, ["download", "leaves", "--size", "28"], "--size is for pneumonia_mnist"),
    "check before prepare": (good, ["check", "leaves"], "not prepared; python -m data_prework prepare leaves"),
    "drawing over something": (good, ["synthesize", "monuments", "--to", "raw"], "is there already"),
    "forced over a folder not drawn": (
        good, ["synthesize", "monuments", "--to", "raw", "--force"], "--force does not remove it",
    ),
    "count too small": (good, ["synthesize", "monuments", "--count", "3"], "fewer than 40 images"),
}  # fmt: skip


@pytest.mark.parametrize("make, command, words", BAD.values(), ids=BAD)
def test_bad_input_gives_one_line_and_status_1(tmp_path, home, capsys, make, command, words):
    make(tmp_path / "raw")
    assert main(command) == 1
    err = capsys.readouterr().err.splitlines()
    errors = [line for line in err if line.startswith("error: ")]
    assert len(errors) == 1 and err[-1] == errors[0]
    assert re.search(words, errors[0])
    assert "Traceback" not in "".join(err)
    assert not (home / "leaves").exists() and not (home / "chest_xray").exists()


def test_a_mistyped_option_shows_the_usage_and_status_2(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["prepare", "leaves", "--test", "many"])
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_it_runs_as_a_module_in_a_plain_terminal(tmp_path):
    two_classes(tmp_path / "ニレ raw", 12)
    command = [sys.executable, "-m", "data_prework", "prepare", "leaves", "--from", tmp_path / "ニレ raw"]
    plain = {**os.environ, "LC_ALL": "C", "COLUMNS": "80"}
    project = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=project, env=plain, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "written     24 images in 2 classes" in done.stdout


def test_a_download_that_failed_does_not_stand_in_the_way_of_the_drawn_stand_in(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    folder = commands.raw_folder("chest_xray", embedded=False)
    folder.mkdir(parents=True)
    (folder / ".ChestXRay2017.zip.lock").touch()
    assert commands._downloaded("chest_xray") is None
    (folder / "ChestXRay2017.zip").touch()
    assert commands._downloaded("chest_xray") == folder / "ChestXRay2017.zip"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["monuments", "--list", "nonsense"], "give CLASS=FILE"),
        (["birds", "--category", "robin="], "give CLASS=CATEGORY"),
        (["birds"], "with --category or --list"),
        (["monuments", "--list", "cristo_rei=nowhere.txt"], "give CLASS=FILE"),
        (["chest_xray", "--size", "64"], "--size is for pneumonia_mnist: 28, 64, 128, 224"),
        (["pneumonia_mnist", "--size", "65"], "--size is for pneumonia_mnist: 28, 64, 128, 224"),
    ],
)
def test_wrong_options_of_download_are_told_before_anything_is_fetched(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    assert main(["download", *arguments]) == 1
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_without_a_size_only_the_smallest_pneumonia_mnist_is_asked_for(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    monkeypatch.setattr(commands, "fetch", lambda source, name, folder: asked.append(source.file) or folder)
    assert main(["download", "pneumonia_mnist"]) == 0
    assert main(["download", "pneumonia_mnist", "--size", "128"]) == 0
    assert asked == ["pneumoniamnist.npz", "pneumoniamnist_128.npz"]
