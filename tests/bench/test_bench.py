"""The measurements measure what they say, on a few pictures."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from tests.bench import __main__ as bench
from tests.bench.pictures import write_pictures
from tests.bench.watched import watched


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


def test_pictures_are_all_different_and_written_once(tmp_path):
    write_pictures(tmp_path, 6)
    files = sorted(tmp_path.rglob("*.jpg"))
    assert len({file.read_bytes() for file in files}) == 6
    assert Image.open(files[0]).size == (227, 227)
    before = [file.stat().st_mtime_ns for file in files]
    write_pictures(tmp_path, 8)
    assert [file.stat().st_mtime_ns for file in files] == before


def test_a_watched_process_has_its_time_and_memory_measured():
    run = watched(["-c", "import time; x = bytearray(200_000_000); time.sleep(0.5); print(len(x))"])
    assert run.output.strip() == "200000000"
    assert run.seconds > 0.5 and 190 < run.peak_mb < 400
    with pytest.raises(RuntimeError, match="broken"):
        watched(["-c", "raise SystemExit('broken')"])


@pytest.mark.parametrize("way", ["ImageDataGenerator", "helpers.data.load_dataset"])
def test_ways_to_read_pictures_give_every_picture(tmp_path, monkeypatch, way):
    from data_prework.prepare import prepare
    from tests.bench.pipeline import measure

    monkeypatch.setenv("COURSE_DATA", str(tmp_path))
    write_pictures(tmp_path / "raw", 60)
    prepare("pictures", tmp_path / "raw", say=lambda words: None)
    found = measure(way, tmp_path)
    assert found["count"] == 60 and found["later"] > 0


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
