"""The measurements measure what they say, on a few images."""

import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.bench import __main__ as bench
from tests.bench.drawings import DRAWINGS, draw, models, tables
from tests.bench.images import write_images
from tests.bench.watched import Watched, watched


def test_a_part_is_replaced_and_the_others_stay(tmp_path):
    path = tmp_path / "RESULTS.md"
    bench.write({"growth": "## Growth\n\nearlier", "pipeline": "## Pipeline"}, path)
    found = bench.parts_of(path.read_text(encoding="utf-8"))
    assert found == {"growth": "## Growth\n\nearlier", "pipeline": "## Pipeline"}
    bench.write({**found, "growth": "now measured"}, path)
    text = path.read_text(encoding="utf-8")
    assert "earlier" not in text and text.index("## Pipeline") < text.index("now measured")
    assert [one.name for one in tmp_path.iterdir()] == ["RESULTS.md"]


def test_an_unknown_part_is_named(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench", "speed"])
    with pytest.raises(SystemExit):
        bench.main()
    assert "no part is called 'speed'" in capsys.readouterr().err


def test_every_part_of_the_stored_results_is_known_and_names_its_command():
    parts = bench.parts_of(bench.RESULTS.read_text(encoding="utf-8"))
    assert set(parts) <= set(bench.PARTS) and parts
    for name, text in parts.items():
        assert f"`python -m tests.bench.{' '.join(bench.PARTS[name][1])}`" in text


def test_every_figure_of_the_stored_results_is_there():
    parts = bench.parts_of(bench.RESULTS.read_text(encoding="utf-8"))
    for name in set(parts) & set(DRAWINGS):
        (shown,) = re.findall(r"!\[[^]]+\]\(([^)]+)\)", parts[name])
        assert Image.open(bench.RESULTS.parent / shown).width <= 860


TWO_MODELS = """**monuments** (embedded): 10 training and 5 test images

| model | seconds | accuracy |
|---|---|---|
| S3-M1 | 1,200 | 0.800 (0.700-0.900) |
| course: small CNN | 3 | diverged |
"""


def test_a_figure_shows_the_numbers_of_the_table(tmp_path):
    assert [list(table["seconds"]) for table in tables(TWO_MODELS)] == [["1,200", "3"]]
    (ax,) = models(TWO_MODELS).axes
    assert [text.get_text() for text in ax.get_yticklabels()] == ["course: small CNN", "S3-M1"]
    assert [list(line.get_xdata()) for line in ax.lines] == [[0.7, 0.9], [0.8]]
    assert draw("models", TWO_MODELS, tmp_path / "figures").endswith("(figures/models.png)")
    assert Image.open(tmp_path / "figures" / "models.png").width == 860
    assert draw("official", TWO_MODELS, tmp_path / "figures") == ""


def test_a_part_that_fails_leaves_the_others_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench, "RESULTS", tmp_path / "RESULTS.md")
    monkeypatch.setattr(sys, "argv", ["bench", "growth", "official", "augmentation"])
    monkeypatch.setattr(bench, "is_real", lambda name: False)

    def run(command):
        if "tests.bench.growth" in command:
            raise RuntimeError("no space left")
        return Watched(60.0, 100.0, "| a |\n|---|\n| 1 |")

    monkeypatch.setattr(bench, "watched", run)
    assert bench.main() == 1
    said = capsys.readouterr()
    assert "growth: no space left" in said.err and "official: left out" in said.out
    assert list(bench.parts_of(bench.RESULTS.read_text(encoding="utf-8"))) == ["augmentation"]


def test_every_model_on_a_backbone_can_be_built_at_the_side_of_the_comparison():
    from helpers.models.reference_models import REFERENCE_MODELS
    from tests.bench.models import SIDE, build

    for key, row in REFERENCE_MODELS.items():
        if row.pretrained:
            assert build(row).input_shape[1:3] == (SIDE, SIDE), key


def test_images_are_all_different_and_written_once(tmp_path):
    write_images(tmp_path, 6)
    files = sorted(tmp_path.rglob("*.jpg"))
    assert len({file.read_bytes() for file in files}) == 6
    assert Image.open(files[0]).size == (227, 227)
    before = [file.stat().st_mtime_ns for file in files]
    write_images(tmp_path, 8)
    assert [file.stat().st_mtime_ns for file in files] == before


def test_a_watched_process_has_its_time_and_memory_measured():
    run = watched(["-c", "import time; x = bytearray(200_000_000); time.sleep(0.5); print(len(x))"])
    assert run.output.strip() == "200000000"
    assert run.seconds > 0.5 and 190 < run.peak_mb < 400
    with pytest.raises(RuntimeError, match="broken"):
        watched(["-c", "raise SystemExit('broken')"])


@pytest.mark.parametrize("way", ["ImageDataGenerator", "tf.image.resize, antialias=True", "helpers.data.load_dataset"])
def test_ways_to_read_images_give_every_image(tmp_path, monkeypatch, way):
    from data_prework.prepare import prepare
    from tests.bench.pipeline import measure

    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    write_images(tmp_path / "raw", 60)
    prepare("images", tmp_path / "raw", verbose=False)
    found = measure(way, tmp_path)
    assert found["count"] == 60 and found["later"] > 0


def test_the_cost_of_no_antialiasing_is_nothing_without_detail_and_much_with_it(tmp_path):
    from tests.bench.pipeline import pixel_difference

    for name, period in (("plain", 200), ("fine", 2)):
        stripes = np.where(np.arange(227) % period < period / 2, 0, 255).astype(np.uint8)
        for label in "ab":
            (tmp_path / name / label).mkdir(parents=True)
            Image.fromarray(np.tile(stripes, (227, 1))).save(tmp_path / name / label / "1.png")
    assert pixel_difference(tmp_path / "plain") < 3
    assert pixel_difference(tmp_path / "fine") > 20


def test_the_changes_of_x_rays_repeat_themselves_and_keep_the_range():
    import tensorflow as tf

    from tests.bench.xray_net import Recipe, changed

    recipe = replace(Recipe(), noise=0.0)
    images = tf.random.stateless_uniform((8, 64, 64, 1), (1, 2))
    key = tf.constant([7, 1], tf.int64)
    once, again, other = (changed(recipe, images, k).numpy() for k in (key, key, key + 1))
    assert (once == again).all() and not np.allclose(once, other)
    assert once.shape == images.shape and once.min() >= 0 and once.max() <= 1
    plain = changed(replace(recipe, shape_changes=False, blur=0.0, light=0.0), images, key)
    assert (plain.numpy() == images.numpy()).all()


def test_half_of_every_batch_is_of_each_class():
    from tests.bench.xray_net import PLAIN, batches

    labels = np.array([0] * 4 + [1] * 60)
    images = np.zeros((64, 64, 64, 1), np.uint8)
    seen = np.concatenate([y.numpy() for _, y in batches(PLAIN, images, labels, 7).take(20)])
    assert 0.4 < seen.mean() < 0.6


def test_thresholds_of_logits():
    from tests.bench.xrays import accurate_cut, best_threshold, cut_for_recall

    truth, score = np.array([0, 0, 0, 1, 1, 1, 1]), np.array([-3, -2, 1, 0, 2, 3, 4.0])
    assert cut_for_recall(truth, score, 1.0) == 0.0
    assert cut_for_recall(truth, score, 0.7) == 2.0
    assert accurate_cut(truth, score, 0.5) == 2.0 and accurate_cut(truth, score, 1.0) == 0.0
    assert (score >= best_threshold(truth, score)).tolist() == [False, False, False, False, True, True, True]


def test_whole_children_are_taken_until_there_are_images_enough():
    from tests.bench.case_xrays import some_children

    children = np.repeat([f"child {i}" for i in range(40)], np.arange(40) % 3 + 1)
    rows = some_children(children, 30)
    assert 30 <= len(rows) < 33
    assert np.isin(children, children[rows]).sum() == len(rows)
    assert len(some_children(children, 1000)) == len(children)
