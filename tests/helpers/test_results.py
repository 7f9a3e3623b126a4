"""Results are kept whole, quick never mixes with full, and claims are judged in full only."""

import json
import resource
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from helpers import results
from helpers.metrics import METRICS, evaluate
from helpers.results import leaderboard, load_results, opened_tests, save_result


@dataclass
class Run:
    results_folder: Path
    profile: str = "full"
    lesson: str = "03"
    seed: int = 7
    source: str = "embedded"

    def source_of(self, dataset):
        return self.source


def scored(gain=0.5, n=200):
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, n)
    return evaluate(y, np.clip(gain * y + (1 - gain) * rng.random(n), 0, 1))


@pytest.fixture
def run(tmp_path):
    return Run(tmp_path / "results")


def test_a_saved_result_comes_back_with_all_its_numbers(run):
    scores = scored()
    path = save_result(run, "CNN", "concrete_cracks", scores, parameters=np.int64(79409), seconds=12.5)
    assert path.parent == run.results_folder and json.loads(path.read_text(encoding="utf-8"))["version"] == 1
    (row,) = load_results(run, "concrete_cracks").to_dict("records")
    for name in METRICS:
        assert (row[name], row[f"{name}_low"], row[f"{name}_high"]) == (getattr(scores, name), *scores.interval(name))
    kept = {name: row[name] for name in ("model", "lesson", "dataset", "source", "split", "profile", "seed", "n")}
    assert kept == {
        "model": "CNN",
        "lesson": "03",
        "dataset": "concrete_cracks",
        "source": "embedded",
        "split": "test",
        "profile": "full",
        "seed": 7,
        "n": 200,
    }
    assert (row["parameters"], row["seconds"]) == (79409, 12.5)


def test_saving_again_replaces_only_the_same_model_split_seed_profile_and_source(run):
    for gain in (0.3, 0.6):
        save_result(run, "CNN", "cracks", scored(gain))
    save_result(run, "CNN", "cracks", scored(), seed=8)
    save_result(run, "CNN", "cracks", scored(), split="val")
    save_result(run, "dense", "cracks", scored(0.2))
    frame = load_results(run)
    assert frame[["model", "seed"]].values.tolist() == [["CNN", 7], ["CNN", 8], ["dense", 7]]
    assert frame["accuracy"][0] == scored(0.6).accuracy
    assert len(load_results(run, split="val")) == 1


def test_quick_never_mixes_with_full_nor_embedded_with_real(run):
    others = [Run(run.results_folder, "quick"), Run(run.results_folder, source="real")]
    for i, other in enumerate([run, *others]):
        save_result(other, f"model {i}", "cracks", scored())
    for i, other in enumerate([run, *others]):
        assert load_results(other)["model"].tolist() == [f"model {i}"]


def test_lessons_and_datasets_have_a_file_each_and_can_be_selected(run):
    earlier = Run(run.results_folder, lesson="02")
    save_result(earlier, "dense", "cracks", scored())
    save_result(run, "CNN", "cracks", scored())
    save_result(run, "CNN", "xrays", scored())
    assert sorted(p.name for p in run.results_folder.glob("*.json")) == [
        "02--cracks.json",
        "03--cracks.json",
        "03--xrays.json",
    ]
    assert load_results(run, "cracks")["model"].tolist() == ["dense", "CNN"]
    assert load_results(run, "cracks", lesson="02")["model"].tolist() == ["dense"]


def test_another_folder_can_be_given(run, tmp_path):
    path = save_result(run, "CNN", "cracks", scored(), folder=tmp_path / "elsewhere")
    assert path.parent == tmp_path / "elsewhere"
    assert len(load_results(run, folder=tmp_path / "elsewhere")) == 1 and load_results(run).empty


def test_no_results_yet_is_an_empty_table_with_the_same_columns(run):
    empty = load_results(run)
    save_result(run, "CNN", "cracks", scored())
    assert empty.empty and list(empty.columns) == list(load_results(run).columns)
    assert leaderboard(empty).empty


@pytest.mark.parametrize("content", ["", "{", "[]", '{"version": 1, "results": [{"model": "CNN"}]}', '{"version": 1}'])
def test_a_corrupt_file_is_named_with_what_to_do(run, content):
    path = save_result(run, "CNN", "cracks", scored())
    path.write_text(content, encoding="utf-8")
    for act in (lambda: load_results(run), lambda: save_result(run, "CNN", "cracks", scored())):
        with pytest.raises(ValueError, match=r"03--cracks.json.*cannot be read.*[\s\S]*Delete it and run"):
            act()
    assert path.read_text(encoding="utf-8") == content


def test_a_file_of_another_version_is_named_with_what_to_do(run):
    path = save_result(run, "CNN", "cracks", scored())
    path.write_text('{"version": 0, "results": []}', encoding="utf-8")
    with pytest.raises(ValueError, match=r"03--cracks.json.*another version.*Delete it"):
        load_results(run)


def test_a_crash_while_writing_leaves_the_old_file_and_no_litter(run, monkeypatch):
    path = save_result(run, "CNN", "cracks", scored())
    before = path.read_text(encoding="utf-8")

    def crash(content, file, **_):
        file.write("{")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(results.json, "dump", crash)
        save_result(run, "dense", "cracks", scored())
    assert path.read_text(encoding="utf-8") == before
    assert [p.name for p in run.results_folder.iterdir() if p.name.startswith(".") and p.suffix != ".lock"] == []


def test_many_writers_at_once_lose_nothing(run):
    scores = scored()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda i: save_result(run, f"model {i}", "cracks", scores), range(16)))
    assert set(load_results(run)["model"]) == {f"model {i}" for i in range(16)}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"scores": 0.9}, "scores: float given"),
        ({"model": " "}, "model: "),
        ({"split": "validation"}, "split: 'validation'"),
        ({"dataset": "../evil"}, "dataset: "),
        ({"parameters": 1.5}, "parameters: 1.5"),
        ({"seconds": float("nan")}, "seconds: nan"),
    ],
)
def test_wrong_input_is_rejected_by_name(run, change, said):
    with pytest.raises(ValueError, match=said):
        save_result(run, **{"model": "CNN", "dataset": "cracks", "scores": scored(), **change})
    assert not run.results_folder.exists()


def test_the_leaderboard_has_the_best_first_as_text(run):
    for model, gain in (("dense", 0.3), ("CNN", 0.6), ("majority class", 0.0)):
        save_result(run, model, "cracks", scored(gain), parameters=1234)
    frame = load_results(run)
    board = leaderboard(frame)
    assert board.index.tolist() == ["CNN", "dense", "majority class"]
    assert board.loc["CNN", "balanced accuracy"] == scored(0.6).text("balanced_accuracy")
    assert board.loc["CNN", "parameters"] == "1,234" and board.loc["CNN", "seconds"] == ""
    assert leaderboard(frame, "false_negative_rate").index[0] == "CNN"
    assert len(leaderboard(frame, top=2)) == 2
    with pytest.raises(ValueError, match="metric: 'loss'"):
        leaderboard(frame, "loss")
    with pytest.raises(ValueError, match="frame: "):
        leaderboard(frame[["model"]])
    with pytest.raises(ValueError, match="top: 0"):
        leaderboard(frame, top=0)


def test_results_of_many_classes_are_kept_and_ranked_by_the_same_names(run):
    y = np.arange(130) % 13
    for model, right in (("dense", 0.3), ("CNN", 0.8)):
        odds = np.random.default_rng(1).random((130, 13)) + 2 * right * np.eye(13)[y]
        save_result(run, model, "parts", evaluate(y, odds / odds.sum(axis=1, keepdims=True)))
    frame = load_results(run, "parts")
    assert frame["n_classes"].tolist() == [13, 13] and frame["specificity"].isna().all()
    board = leaderboard(frame)
    assert board.index.tolist() == ["CNN", "dense"]
    assert board.columns[:4].tolist() == ["balanced accuracy", "accuracy", "macro F1", "macro ROC AUC"]
    assert leaderboard(frame, "top_k_accuracy").index[0] == "CNN"
    with pytest.raises(ValueError, match="metric: 'specificity' was measured for no model"):
        leaderboard(frame, "specificity")
    save_result(run, "CNN", "cracks", scored())
    both = leaderboard(load_results(run))
    assert len(both) == 3 and set(both["specificity"]) > {""}


def test_a_full_disk_costs_no_lesson_and_no_earlier_result(run, capsys):
    save_result(run, "first", "shapes", scored())
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, limits[1]))  # from here on no file can have more than 200 bytes
    try:
        save_result(run, "second", "shapes", scored())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "the scores of second are not saved" in capsys.readouterr().out
    assert list(load_results(run, split="test")["model"]) == ["first"]


def test_few_groups_and_missing_intervals_are_shown(run):
    y = np.arange(60) % 2
    blocks = np.where(y == 1, 100 + np.arange(60) // 30, np.arange(60))
    save_result(run, "CNN", "cracks", evaluate(y, 0.2 + 0.6 * y, groups=blocks, class_names=["intact", "crack"]))
    assert "few groups" in leaderboard(load_results(run)) and load_results(run)["few_groups"].tolist() == ["2 of crack"]
    save_result(run, "majority class", "cracks", evaluate(y, np.ones(60)))
    board = leaderboard(load_results(run))
    assert board["few groups"].tolist() == ["2 of crack", ""]
    assert board.loc["majority class", "balanced accuracy"] == "0.500"
    save_result(run, "CNN", "xrays", scored())
    assert "few groups" not in leaderboard(load_results(run, "xrays"))


def test_the_store_keeps_count_of_who_opened_a_sealed_test(run):
    assert opened_tests(run).empty
    for model in ("CNN", "dense", "CNN"):  # the second result of the CNN replaces the first, and opens the test anew
        save_result(run, model, "concrete_cracks", scored())
    save_result(Run(run.results_folder, profile="quick"), "CNN", "concrete_cracks", scored())
    save_result(run, "CNN", "monuments", scored(), split="lesson_test")
    (opened,) = opened_tests(run).to_dict("records")
    assert {name: opened[name] for name in ("dataset", "source", "lesson", "models", "times")} == {
        "dataset": "concrete_cracks",
        "source": "embedded",
        "lesson": "03",
        "models": 2,
        "times": 3,
    }
    board = leaderboard(load_results(run))
    assert list(board.index) == ["dense", "CNN"] and set(board["test openings"]) == {"3"}


def test_results_of_the_lesson_test_stand_alone(run):
    save_result(run, "CNN", "monuments", scored(), split="lesson_test")
    assert load_results(run).empty and len(load_results(run, split="lesson_test")) == 1
    assert "test openings" not in leaderboard(load_results(run, split="lesson_test"))


def test_a_damaged_list_of_opened_tests_is_named(run):
    save_result(run, "CNN", "concrete_cracks", scored())
    path = run.results_folder / results.OPENED
    path.write_text(path.read_text(encoding="utf-8") + '{"dataset": "conc', encoding="utf-8")
    with pytest.raises(ValueError, match=r"opened-tests\.jsonl: this list of opened tests cannot be read"):
        opened_tests(run)
