"""What users said becomes labels: of the last word on each image, for files of any name, for the next data set."""

import hashlib
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from data_prework.labels import layout_from_table
from helpers.deploy.__main__ import main
from helpers.deploy.feedback import FeedbackError, save_feedback
from helpers.deploy.labels import labels_of_files, read_labels
from tests.helpers.deploy.tiny_bundles import squares


@pytest.fixture
def photos(tmp_path):
    """Four images of the data set under other names, one of them never labeled."""
    data, folder = squares(), tmp_path / "photos"
    (folder / "ward").mkdir(parents=True)
    paths = [data.folder / path for path in data.test.frame["path"][:4]]
    return [shutil.copy(path, folder / "ward" / f"{i}.png") for i, path in enumerate(paths)]


@pytest.fixture
def feedback(tmp_path, photos):
    """Two bundles judged three images; the first was labeled anew later."""
    path = tmp_path / "said.sqlite"
    for photo, label in ((0, "dark"), (1, "dark"), (2, "=bright"), (0, "=bright")):
        for bundle in ("A", "B"):
            save_feedback(path, photos[photo].read_bytes(), bundle, 0.3, 0.5, "dark", label)
    return path


def test_the_last_word_on_each_image_is_its_label(feedback, photos, tmp_path, capsys):
    assert main(["labels", str(feedback), "--csv", str(tmp_path / "labels.csv")]) == 0
    assert "3 labels -> " in (said := capsys.readouterr().out) and "1 got another label later" in said
    labels = read_labels(tmp_path / "labels.csv").set_index("sha256")["label"]
    expected = [hashlib.sha256(photo.read_bytes()).hexdigest() for photo in photos[:3]]
    assert dict(labels) == dict(zip(expected, ["=bright", "dark", "=bright"], strict=True))
    assert set(pd.read_csv(tmp_path / "labels.csv")["label"]) == {"'=bright", "dark"}


def test_files_are_found_by_their_content_and_make_the_next_data_set(feedback, photos, tmp_path):
    folder, table = tmp_path / "photos", tmp_path / "labels.csv"
    assert main(["labels", str(feedback), "--csv", str(table), "--images", str(folder)]) == 0
    assert list(read_labels(table)["file"]) == ["ward/0.png", "ward/1.png", "ward/2.png"]
    layout = layout_from_table(folder, table)
    assert sorted(one.path.name for one in layout.files) == ["0.png", "1.png", "2.png"]
    (tmp_path / "nothing").mkdir()
    assert labels_of_files(read_labels(table), tmp_path / "nothing").empty


def test_the_table_can_go_to_the_standard_output(feedback):
    done = subprocess.run(
        [sys.executable, "-m", "helpers.deploy", "labels", feedback], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.startswith("sha256,label\n") and done.stdout.count("\n") == 4
    assert done.returncode == 0 and done.stderr.startswith("3 labels -> -")


@pytest.mark.parametrize(
    "words, said", [(["none.sqlite"], "no such file"), (["{feedback}", "--images", "none"], "is no folder")]
)
def test_a_wrong_command_ends_with_2(feedback, capsys, words, said):
    with pytest.raises(SystemExit) as ended:
        main(["labels", *(word.format(feedback=feedback) for word in words)])
    assert ended.value.code == 2 and said in capsys.readouterr().err


def test_a_table_that_has_no_labels_is_named(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(FeedbackError, match=r"other.csv: has the columns a, b; expected sha256 and label"):
        read_labels(tmp_path / "other.csv")
    with pytest.raises(FeedbackError, match=r"none.csv: cannot be read"):
        read_labels(tmp_path / "none.csv")
