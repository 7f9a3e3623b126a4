"""Files, folders, bytes and arrays give one table; bad files are rows in it; the command line says how it went."""

import io
import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from helpers.deploy.bundle import Provenance, load_bundle
from helpers.deploy.predict import decide, main, predict, predict_batches, save_csv, save_heatmaps
from tests.helpers.deploy.tiny_bundles import squares, tiny_bundle


@pytest.fixture(scope="module")
def place(tmp_path_factory, home):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COURSE_DATA", str(home))
        return tiny_bundle(tmp_path_factory.mktemp("bundles") / "squares-1")


@pytest.fixture(scope="module")
def bundle(place):
    return load_bundle(place)


@pytest.fixture
def inbox(tmp_path):
    """Two images of the data set, a dark and a bright one, one in a sub-folder; three bad files, one hidden one."""
    data, folder = squares(), tmp_path / "inbox"
    (folder / "ward 3").mkdir(parents=True)
    for label, target in ((0, "bright.png"), (1, "ward 3/dark.png")):
        row = data.test.frame[data.test.labels == label].iloc[0]
        shutil.copy(data.folder / row["path"], folder / target)
    (folder / "letter.jpg").write_text("Dear colleague", encoding="utf-8")
    (folder / "empty.png").touch()
    (folder / "cut.png").write_bytes((folder / "bright.png").read_bytes()[:300])
    (folder / ".DS_Store").write_text("hidden", encoding="utf-8")
    return folder


def test_a_folder_is_judged_with_bad_files_as_rows(bundle, inbox):
    table = predict(inbox, bundle).set_index("file")
    assert list(table.index) == ["bright.png", "cut.png", "empty.png", "letter.jpg", "ward 3/dark.png"]
    assert table.loc["bright.png", "decision"] == "bright" and table.loc["ward 3/dark.png", "decision"] == "dark"
    bad = table.loc[["cut.png", "empty.png", "letter.jpg"]]
    assert (bad["decision"] == "cannot read").all() and bad["probability"].isna().all()
    assert [note.split(":")[0] for note in bad["note"]] == ["truncated or damaged", "zero bytes", "not an image"]


def test_file_bytes_list_dictionary_and_array_agree(bundle, inbox):
    path = inbox / "bright.png"
    image = np.asarray(Image.open(path).convert("L").resize((32, 32), Image.Resampling.BOX))[:, :, None]
    forms = [path, str(path), path.read_bytes(), [path], {"x": path}, image, image[None], {"many": image[None]}]
    tables = [predict(form, bundle) for form in forms]
    assert len({float(table["probability"][0]) for table in tables}) == 1
    names = [table["file"][0] for table in tables]
    assert names == ["bright.png", "bright.png", "image", str(path), "x", "image", "image 0", "many/0"]


def test_the_probabilities_are_the_models_own_in_the_order_of_the_images(bundle):
    images = np.concatenate([squares().train.images] * 2)  # more than one batch
    expected = bundle.model.predict(images, verbose=0)[:, 0]
    np.testing.assert_allclose(predict(images, bundle)["probability"], expected, atol=1e-6)


def test_images_of_another_size_or_colour_are_made_to_fit(bundle):
    color = np.random.default_rng(0).integers(0, 256, (70, 50, 3)).astype(np.uint8)
    grey = np.asarray(Image.fromarray(color).convert("L").resize((32, 32), Image.Resampling.BOX))
    np.testing.assert_array_equal(predict(color, bundle)["probability"], predict(grey, bundle)["probability"])


def test_an_image_unlike_the_training_images_is_not_judged(bundle):
    stripes = np.tile(np.array([0, 255], np.uint8), (32, 16))
    row = predict(stripes, bundle).iloc[0]
    assert row["decision"] == "cannot judge" and row["unlike"] > 1 and "unlike the training images" in row["note"]


def test_the_threshold_decides_without_judging_anew(bundle):
    data = squares()
    table = predict(data.test.images, bundle)
    for threshold in (0.0, 0.3, 1.0):
        again = decide(table, bundle, threshold)
        pd.testing.assert_frame_equal(again, predict(data.test.images, bundle, threshold))
        judged = again[again["unlike"] <= 1]
        assert ((judged["decision"] == "dark") == (judged["probability"] >= threshold)).all()


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_that_is_no_probability_is_refused(bundle, threshold):
    with pytest.raises(ValueError, match="threshold"):
        predict(squares().test.images[:1], bundle, threshold)


@pytest.mark.parametrize("images", [3, [None], np.zeros((32, 32)), np.zeros((2, 2, 32, 32, 1), np.uint8)])
def test_what_is_no_image_is_a_mistake_of_the_caller(bundle, images):
    with pytest.raises(ValueError, match="images"):
        predict(images, bundle)


def test_heatmaps_come_with_the_images_that_they_belong_to(bundle, inbox):
    table = predict(inbox, bundle, heatmap=True).set_index("file")
    dark = table.loc["ward 3/dark.png"]
    assert dark["image"].shape == (32, 32, 1) and dark["map"].shape == (32, 32)
    assert (dark["map"] >= 0).all() and table.loc["empty.png", "map"] is None


def test_a_file_named_like_a_formula_is_text_in_the_table(bundle, inbox, tmp_path):
    table = predict(inbox, bundle)
    table.loc[0, "file"] = "=HYPERLINK(1).png"
    save_csv(table, tmp_path / "answers.csv")
    names = list(pd.read_csv(tmp_path / "answers.csv")["file"])
    assert names == ["'=HYPERLINK(1).png", *table["file"][1:]]


def test_the_command_writes_the_table_and_the_heatmaps(place, inbox, tmp_path, capsys):
    csv, maps = tmp_path / "answers.csv", tmp_path / "maps"
    assert main([str(place), str(inbox), "--csv", str(csv), "--heatmaps", str(maps)]) == 0
    table = pd.read_csv(csv)
    assert list(table.columns) == ["file", "probability", "decision", "unlike", "note"] and len(table) == 5
    said = capsys.readouterr().out
    assert "5 images: " in said and "3 cannot read" in said and "letter.jpg: not an image" in said
    found = sorted(path.relative_to(maps).as_posix() for path in maps.rglob("*.png"))
    assert found == ["bright.png.heatmap.png", "ward 3/dark.png.heatmap.png"]
    assert Image.open(maps / found[0]).size == (320, 320)
    assert not list(tmp_path.glob(".*"))


def test_the_threshold_of_the_command_line_counts(place, inbox, tmp_path):
    csv = tmp_path / "answers.csv"
    main([str(place), str(inbox / "bright.png"), "--csv", str(csv), "--threshold", "0"])
    assert list(pd.read_csv(csv)["decision"]) == ["dark"]


def test_the_exit_status_is_1_where_nothing_could_be_judged(place, inbox, tmp_path):
    assert main([str(place), str(inbox / "letter.jpg"), "--csv", str(tmp_path / "answers.csv")]) == 1


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["{bundle}", "{tmp}/nowhere", "--csv", "{tmp}/a.csv"], "no such file or folder"),
        (["{tmp}", "{tmp}", "--csv", "{tmp}/a.csv"], "bundle.json is missing"),
        (["{bundle}", "{tmp}", "--csv", "{tmp}/no/folder/a.csv"], "is not there"),
        (["{bundle}", "{tmp}", "--csv", "{tmp}/a.csv", "--threshold", "7"], "not a probability"),
        (["{bundle}", "{tmp}/nothing", "--csv", "{tmp}/a.csv"], "no file in this folder"),
        (["{bundle}", "{inbox}", "--csv", "{tmp}/nothing"], "nothing: a folder, not a file"),
        (["{bundle}", "{inbox}", "--csv", "{tmp}/a.csv", "--heatmaps", "{inbox}/letter.jpg"], "cannot be written"),
    ],
    ids=["no images", "no bundle", "no folder for the table", "threshold", "empty folder", "csv", "heatmaps"],
)
def test_a_wrong_command_ends_with_2_and_says_why(place, inbox, tmp_path, capsys, arguments, words):
    (tmp_path / "nothing").mkdir()
    with pytest.raises(SystemExit) as ended:
        main([argument.format(bundle=place, tmp=tmp_path, inbox=inbox) for argument in arguments])
    assert not list(tmp_path.glob(".*"))
    assert ended.value.code == 2 and words in capsys.readouterr().err


def test_the_module_runs_as_a_command_without_noise(place, inbox, tmp_path):
    command = [sys.executable, "-m", "helpers.deploy", "predict", place, inbox, "--csv", tmp_path / "answers.csv"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0 and done.stderr == "" and done.stdout.startswith("5 images: ")


@pytest.mark.parametrize("bits", [12, 16])
def test_sixteen_bits_are_read_at_the_depth_of_the_training(bundle, inbox, tmp_path, bits):
    deep = tiny_bundle(tmp_path / "deep", provenance=Provenance("squares", "real", seed=7, bits=bits))
    levels = np.asarray(Image.open(inbox / "bright.png").convert("L"))
    Image.fromarray(np.round(levels * ((2**bits - 1) / 255)).astype(np.uint16)).save(tmp_path / "deep.png")
    deep_row = predict(tmp_path / "deep.png", load_bundle(deep)).iloc[0]
    plain_row = predict(inbox / "bright.png", bundle).iloc[0]
    assert deep_row["probability"] == pytest.approx(plain_row["probability"], abs=1e-6)
    if bits == 12:
        assert predict(tmp_path / "deep.png", bundle)["note"][0].startswith("nearly black: 16-bit gray")


@pytest.mark.skipif(sys.platform in ("darwin", "win32"), reason="these systems take no such names")
def test_files_of_any_name_are_one_row_of_the_csv(bundle, inbox, tmp_path):
    for name in ("cr\rname.png", "new\nline.png", "=cmd.png", "caf\udce9.png"):
        shutil.copy(inbox / "bright.png", inbox / name)
    save_csv(predict(inbox, bundle), tmp_path / "answers.csv")
    files = pd.read_csv(tmp_path / "answers.csv")["file"].tolist()
    assert {"cr\\x0dname.png", "new\\x0aline.png", "'=cmd.png", "caf\\udce9.png"} <= set(files)
    assert len((tmp_path / "answers.csv").read_bytes().splitlines()) == len(files) + 1


def names_in(csv) -> list[str]:
    return list(pd.read_csv(csv)["file"])


def test_several_paths_folders_and_patterns_are_one_table(place, inbox, tmp_path):
    csv, words = tmp_path / "answers.csv", [str(inbox / "ward 3"), str(inbox / "b*.png"), str(inbox / "bright.png")]
    assert main([str(place), *words, "--csv", str(csv)]) == 0
    assert names_in(csv) == [f"{inbox}/ward 3/dark.png", f"{inbox}/bright.png"]
    assert main([str(place), str(inbox / "**" / "*.png"), "--csv", str(csv)]) == 0
    assert f"{inbox}/ward 3/dark.png" in names_in(csv) and len(names_in(csv)) == 4


@pytest.mark.parametrize("between", [b"\n", b"\r\n", b"\0"])
def test_a_list_on_the_standard_input_is_judged_and_a_missing_file_is_a_row(
    place, inbox, tmp_path, monkeypatch, between
):
    listed = between.join(os.fsencode(inbox / name) for name in ("bright.png", "gone.png", "ward 3/dark.png"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(listed + between), encoding="utf-8"))
    assert main([str(place), "-", "--csv", str(tmp_path / "answers.csv")]) == 0
    table = pd.read_csv(tmp_path / "answers.csv")
    assert list(table["decision"]) == ["bright", "cannot read", "dark"] and "No such file" in table["note"][1]


def test_json_lines_hold_the_same_table_and_null_where_nothing_was_read(place, inbox, tmp_path):
    csv, lines = tmp_path / "answers.csv", tmp_path / "answers.jsonl"
    for path in (csv, lines):
        main([str(place), str(inbox), "--csv", str(path)])
    rows = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    table = pd.read_csv(csv, keep_default_na=False)
    assert [row["file"] for row in rows] == list(table["file"]) and rows[1]["probability"] is None
    assert [row["decision"] for row in rows] == list(table["decision"])
    assert rows[0]["probability"] == float(table["probability"][0])


def test_without_a_file_the_table_goes_to_the_standard_output_and_the_report_beside_it(place, inbox, capsys):
    assert main([str(place), str(inbox), "--format", "jsonl"]) == 0
    said = capsys.readouterr()
    assert [json.loads(line)["file"] for line in said.out.splitlines()][:1] == ["bright.png"]
    assert "\n5 images: " in f"\n{said.err}" and "\r" not in said.err  # no progress where nobody watches


def test_excel_reads_the_letters_of_other_languages(place, inbox, tmp_path):
    shutil.copy(inbox / "bright.png", inbox / "Brücke.png")
    assert main([str(place), str(inbox), "--csv", str(tmp_path / "a.csv"), "--excel"]) == 0
    content = (tmp_path / "a.csv").read_bytes()
    assert content.startswith(b"\xef\xbb\xbffile,") and content.count(b"\xef\xbb\xbf") == 1
    assert "Brücke.png" in content.decode("utf-8-sig")


def test_strict_counts_every_file_that_cannot_be_read(place, inbox, tmp_path):
    command = ["--csv", str(tmp_path / "answers.csv"), "--strict"]
    assert main([str(place), str(inbox), *command]) == 1
    assert main([str(place), str(inbox / "bright.png"), *command]) == 0


def test_parts_are_the_table_and_hold_no_more_than_a_batch(bundle):
    images = np.concatenate([squares().train.images] * 2)
    parts = list(predict_batches(images, bundle))
    assert len(parts) > 1 and max(map(len, parts)) <= 64
    pd.testing.assert_frame_equal(pd.concat(parts, ignore_index=True), predict(images, bundle))
    assert predict([], bundle).empty


def test_a_name_too_long_for_its_heatmap_costs_that_heatmap_alone(place, inbox, tmp_path, capsys):
    long = "a" * 245 + ".png"
    shutil.copy(inbox / "bright.png", inbox / long)
    command = [str(place), str(inbox), "--csv", str(tmp_path / "a.csv"), "--heatmaps", str(tmp_path / "maps")]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert "2 heatmaps ->" in said and f"{long}: no heatmap, with its ending the name is too long" in said
    assert long in names_in(tmp_path / "a.csv")


def test_no_heatmap_leaves_its_folder_or_replaces_another(bundle, inbox, tmp_path):
    pixels, there = np.full((32, 32), 60, np.uint8), tmp_path / "maps"
    table = predict({str(inbox / "x.png"): pixels, f"../{inbox}/x.png": pixels}, bundle, heatmap=True)
    assert save_heatmaps(table, there) == []
    found = sorted(path.relative_to(there).as_posix() for path in there.rglob("*.png"))
    inside = inbox.relative_to("/").as_posix()
    assert found == [f"{inside}/x.png-2.heatmap.png", f"{inside}/x.png.heatmap.png"]


@pytest.mark.parametrize(
    "words, said",
    [
        (["{inbox}/*.tiff", "--csv", "{tmp}/a.csv"], "no file matches this pattern"),
        (["{inbox}", "--excel"], "--excel: is for a CSV file"),
        (["{inbox}", "--csv", "{tmp}/a.jsonl", "--excel"], "--excel: is for a CSV file"),
        (["{inbox}", "--format", "xml"], "invalid choice"),
    ],
)
def test_a_wrong_pattern_or_format_ends_with_2(place, inbox, tmp_path, capsys, words, said):
    with pytest.raises(SystemExit) as ended:
        main([str(place), *(word.format(inbox=inbox, tmp=tmp_path) for word in words)])
    assert ended.value.code == 2 and said in capsys.readouterr().err


@pytest.mark.parametrize("command", ["predict", "app"])
def test_help_gives_examples_and_needs_neither_tensorflow_nor_pandas(command):
    code = (
        "import runpy, sys\nsys.argv[1:] = [%r, '--help']\n"
        "try:\n    runpy.run_module('helpers.deploy', run_name='__main__')\n"
        "finally:\n    print(sorted({'tensorflow', 'keras', 'pandas', 'streamlit'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code % command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "examples:" in done.stdout and done.stdout.endswith("[]\n")
    assert command == "app" or all(f"\n  {status}  " in done.stdout for status in (0, 1, 2))
